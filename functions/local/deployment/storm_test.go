package deployment_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/localaws"
)

// How many storms there are, and the first one's seed: `go test ./functions/local/deployment -run TestStorm -args -seeds 10`.
// A seed fixes what is sent and what befalls the n-th call of each operation; the pauses of retries are chance all the same.
var (
	seeds = flag.Int("seeds", 1, "how many storms to weather")
	seed  = flag.Uint64("seed", 0, "the seed of the first storm; 0: one by the clock")
)

const (
	clients = 6
	steps   = 25 // of each client in each phase
)

// Several callers use the whole API at once, on instances that come and go, while the local AWS throttles, fails, is slow, cuts
// connections and lets credentials expire. Every request is answered in time, by success or by a problem that is true; and what
// AWS holds afterwards is what was answered: no write is doubled, half done, claimed without being there, or denied although it is.
func TestStorm(t *testing.T) {
	t.Parallel()
	first := *seed
	if first == 0 {
		first = uint64(time.Now().Unix()) //nolint:gosec // not before 1970
	}
	for i := range uint64(max(*seeds, 1)) {
		t.Run(fmt.Sprint("seed=", first+i), func(t *testing.T) {
			t.Parallel()
			t.Logf("again: go test ./functions/local/deployment -count=1 -run TestStorm -args -seed %d", first+i)
			synctest.Test(t, func(t *testing.T) { weather(t, first+i) })
		})
	}
}

// phase is a while in which some calls are in trouble.
type phase struct {
	trouble func(localaws.Call) bool
	leased  bool // what the lease needs is not in trouble, so that it holds
}

func phases() []phase {
	sts := func(c localaws.Call) bool { return c.Service == "sts" || c.Service == "kms" }
	return []phase{
		{trouble: func(c localaws.Call) bool { return !sts(c) && !own(c) }, leased: true},
		{trouble: own},
		{trouble: sts},
		{trouble: func(localaws.Call) bool { return true }},
	}
}

// weather runs one storm.
func weather(t *testing.T, seed uint64) {
	t.Helper()
	customer := &customerAccount{}
	s := deploymenttest.InProcess(t, deploymenttest.Options{Between: customer.meanwhile})
	customer.connect(t.Context, s)
	w := newWorld(t, s, customer)
	var plans [][][]deed
	for i := range phases() {
		plans = append(plans, w.plan(t, rand.New(rand.NewPCG(seed, uint64(i))), i)) //nolint:gosec // no secret
	}
	sky, calm := &sky{seed: seed}, phase{trouble: func(localaws.Call) bool { return false }}
	sky.turn(&calm)
	sky.befall(s.AWS)
	s.AWS.ResetCalls()
	for i, p := range phases() {
		before := len(s.AWS.Calls())
		w.audits.link = w.linkToReport(t)
		sky.turn(&p)
		if p.leased {
			stampedes(t, w)
		}
		storm(t, w, plans[i])
		if p.leased {
			mintedOnce(t, s.AWS.Calls()[before:], sky)
		}
		sky.turn(&calm)
		time.Sleep(time.Minute) // for that long, what failed is remembered
		for _, plan := range plans[i] {
			w.repeat(t, plan)
		}
		w.settle(t)
	}
	neverFellBack(t, s)
	neverExpired(t, s.AWS.Calls())
	s.AWS.ClearFaults()
	w.reconcile(t, slices.Concat(plans...))
}

// storm has clients carry out their plans side by side, and workers what these ask for.
func storm(t *testing.T, w *world, plans [][]deed) {
	t.Helper()
	var others, all sync.WaitGroup
	over, end := context.WithCancel(t.Context())
	ended := over.Done()
	others.Go(func() {
		for {
			select {
			case <-ended:
				return
			case <-time.After(11 * time.Second):
				recycle(t, w.Stack)
			}
		}
	})
	others.Go(func() {
		w.Poll(over, func(err error) {
			if !strings.HasPrefix(err.Error(), "delete from ") { // which is in trouble
				t.Error(err)
			}
		})
	})
	for _, plan := range plans {
		all.Go(func() {
			for i := range plan {
				time.Sleep(plan[i].pause)
				w.carryOut(t, &plan[i])
			}
		})
	}
	all.Wait()
	end()
	others.Wait()
}

// settle lets over an hour pass, in which the queue delivers what comes again. What instances remember is none of a later phase's
// then, and no session lives as long.
func (w *world) settle(t *testing.T) {
	t.Helper()
	for range 6 {
		if _, err := w.Deliver(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(12 * time.Minute) // until a message may be received again (template.yaml)
	}
}

// stampedes have users turn up on many new instances at the same moment.
func stampedes(t *testing.T, w *world) {
	t.Helper()
	for i := range 3 {
		user := fmt.Sprint("crowd-", i)
		token := forgedToken(map[string]any{"iss": "https://issuer", "sub": user, "site_id": demosite.Site, "scope": "arngate/connect"})
		event := fmt.Appendf(nil, `{"version":"2.0","routeKey":"GET /v1/dynamodb/{connection}/tables","rawPath":"/v1/dynamodb/orders/tables",`+
			`"pathParameters":{"connection":"orders"},"headers":{"authorization":"Bearer %s"},"requestContext":{"http":{"method":"GET"},`+
			`"authorizer":{"jwt":{"claims":{"iss":"https://issuer","sub":%q}}}}}`, token, user)
		var all sync.WaitGroup
		for range 5 {
			instance, err := w.Instance(t.Context(), "DynamodbFunction")
			if err != nil {
				t.Fatal(err)
			}
			all.Go(func() {
				time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute))) // all of them at once
				status, body := send(t, instance, event)
				var p problemShown
				if status != http.StatusOK && (json.Unmarshal([]byte(body), &p) != nil || !slices.Contains(stormy, p.Code)) {
					t.Errorf("%s: %d %s", user, status, body)
				}
			})
		}
		all.Wait()
	}
}

// mintedOnce fails the test if AWS was asked for the credentials of a caller and connection more than once, and once more for
// each access key that it stopped taking: the lease has all instances share a mint.
func mintedOnce(t *testing.T, calls []localaws.Call, sky *sky) {
	t.Helper()
	mints := map[string]int{}
	for _, call := range calls {
		verified := strings.HasPrefix(call.Requested.SessionName, "arngate-audit@") // that is not shared
		if call.Operation == "AssumeRole" && call.Allowed && !verified {
			mints[call.Requested.SessionName+" "+call.Requested.Tags["arngate:connection"]]++
		}
	}
	if len(mints) == 0 {
		t.Error("nothing was minted")
	}
	for whose, got := range mints {
		if most := 1 + sky.expired(whose); got > most {
			t.Errorf("%s: %d AssumeRole, want at most %d", whose, got, most)
		}
	}
}

// neverExpired fails the test if AWS was called with a session whose time was over: what a table keeps of it is no longer to be
// taken (trap 2). AWS says so before it looks at who is calling; the sky says so of those whom AWS knows.
func neverExpired(t *testing.T, calls []localaws.Call) {
	t.Helper()
	for _, call := range calls {
		if strings.HasPrefix(call.Code, "ExpiredToken") && call.Principal == "" {
			t.Errorf("%s was called with a session that had ended", call.Operation)
		}
	}
}
