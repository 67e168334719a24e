package credentials_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/arngate/arngate/shared/credentials"
)

const (
	hours          = 3
	hoursInstances = 4
	hoursUsers     = 400
	// mostMints of a key: the first, and one for each 55 minutes that have passed.
	mostMints = 1 + hours*60/55
)

var (
	requestsAsked = flag.Int("requests", 40_000, "requests in three simulated hours")
	usersAsking   = flag.Int("users", hoursUsers, "users who send them, few of them the most")
)

// Three hours of requests, few users with most of them: nobody ever gets credentials that are in their last minute, no key
// costs more mints than it must, and most requests cost nothing.
func TestHoursOfRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sts.delay = 100 * time.Millisecond
		brokers := make([]*credentials.Broker, hoursInstances)
		for i := range brokers {
			brokers[i] = w.instance()
		}
		random := rand.New(rand.NewPCG(1, 2))                         //nolint:gosec // the same requests each time
		users := rand.NewZipf(random, 1.1, 1, uint64(*usersAsking)-1) //nolint:gosec // as many as there are
		var all sync.WaitGroup
		for range *requestsAsked {
			user, broker := fmt.Sprint(users.Uint64()), brokers[random.IntN(hoursInstances)]
			all.Go(func() {
				got, _, err := broker.Get(t.Context(), request(func(r *credentials.Request) { r.Caller.User = user }))
				if err != nil {
					t.Errorf("%s: %v", user, err)
				}
				if left := time.Until(got.Expires); left < time.Minute {
					t.Errorf("%s got credentials with %s to live", user, left)
				}
			})
			time.Sleep(hours * time.Hour / time.Duration(*requestsAsked))
		}
		all.Wait()
		mints := map[string]int{}
		for _, call := range w.sts.calls() {
			mints[*call.RoleSessionName]++
		}
		most := 0
		for user, n := range mints {
			most = max(most, n)
			if n > mostMints {
				t.Errorf("%s: %d mints, want at most %d", user, n, mostMints)
			}
		}
		hits := 1 - float64(len(w.sts.calls()))/float64(*requestsAsked)
		t.Attr("hit-percent", fmt.Sprintf("%.3f", 100*hits))
		t.Attr("most-mints", fmt.Sprint(most))
		t.Attr("active-keys", fmt.Sprint(len(mints)))
		if hits < 0.95 {
			t.Errorf("%.1f%% of the requests were served without a mint, want at least 95%%", 100*hits)
		}
	})
}

// What was minted at the same time is not renewed at the same time: the refreshes of many users spread over two minutes,
// and all come in time.
func TestRefreshesAreSpreadOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		broker := w.instance()
		ask := func(user int) {
			mustGet(t, broker, request(func(r *credentials.Request) { r.Caller.User = fmt.Sprint(user) }))
		}
		for user := range hoursUsers {
			ask(user)
		}
		time.Sleep(54*time.Minute + 59*time.Second)
		before, most, refreshed := len(w.sts.calls()), 0, 0
		for range 4 * 60 / 10 { // a look at every user each ten seconds, until the last minute
			for user := range hoursUsers {
				ask(user)
			}
			now := len(w.sts.calls())
			most, refreshed, before = max(most, now-before), refreshed+now-before, now
			time.Sleep(10 * time.Second)
		}
		if refreshed != hoursUsers {
			t.Errorf("%d refreshes, want one for each of %d", refreshed, hoursUsers)
		}
		if limit := hoursUsers / 5; most > limit { // a twelfth each, were they evenly spread
			t.Errorf("%d refreshes within ten seconds, want at most %d of %d", most, limit, hoursUsers)
		}
	})
}
