package credentials_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/telemetry"
)

func TestTrap1LifetimeIsSTSs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for life, want := range map[time.Duration]time.Duration{15 * time.Minute: 15 * time.Minute, 3 * time.Hour: time.Hour} {
			w := newWorld(t)
			w.sts.life = life
			began := time.Now()
			got, _ := mustGet(t, w.instance(), request())
			if got.Expires.Sub(began) != want {
				t.Errorf("STS said %s: got %s, want %s", life, got.Expires.Sub(began), want)
			}
		}
	})
}

// Expired entries stay in the table; DynamoDB deletes them days later.
func TestTrap2ExpiredEntriesAreNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.instance()
		old, _ := mustGet(t, first, request())
		time.Sleep(59*time.Minute + time.Second) // in its last minute
		for name, broker := range map[string]*credentials.Broker{"memory": first, "table": w.instance()} {
			got, _ := mustGet(t, broker, request())
			if got.AccessKeyID == old.AccessKeyID {
				t.Errorf("%s: expired credentials are handed out", name)
			}
		}
		time.Sleep(48 * time.Hour)
		got, tier := mustGet(t, w.instance(), request())
		if tier != telemetry.Minted || time.Until(got.Expires) != time.Hour {
			t.Errorf("got %s with %s to live, want new ones", tier, time.Until(got.Expires))
		}
	})
}

// Nor are they used because there is nothing better.
func TestTrap2ExpiredEntriesAreNoFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		broker := w.instance()
		mustGet(t, broker, request())
		time.Sleep(59 * time.Minute)
		for range 10 {
			w.sts.failNext(accessDenied())
		}
		for name, broker := range map[string]*credentials.Broker{"memory": broker, "table": w.instance()} {
			if got, tier, err := broker.Get(t.Context(), request()); !errors.Is(err, credentials.ErrUnusable) {
				t.Errorf("%s: got %s from %s, %v, want ErrUnusable", name, got.AccessKeyID, tier, err)
			}
		}
	})
}

func TestNeverUsedInTheLastMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		broker := w.instance()
		for range 3 * 60 * 60 / 7 {
			got, _ := mustGet(t, broker, request())
			if left := time.Until(got.Expires); left < time.Minute {
				t.Fatalf("got credentials with %s to live", left)
			}
			time.Sleep(7 * time.Second)
		}
		if got, most := len(w.sts.calls()), 1+3*60/55; got > most {
			t.Errorf("got %d mints in 3 hours, want at most %d", got, most)
		}
	})
}

// In the last minutes one instance refreshes, within its budget, and all others serve on.
func TestRefreshIsInlineAndByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		brokers := []*credentials.Broker{w.instance(), w.instance(), w.instance()}
		for _, broker := range brokers {
			mustGet(t, broker, request())
		}
		time.Sleep(57*time.Minute + 30*time.Second)
		w.sts.delay = 100 * time.Millisecond
		var all sync.WaitGroup
		for _, broker := range brokers {
			for range 50 {
				all.Go(func() {
					began := time.Now()
					if _, _, err := broker.Get(t.Context(), request()); err != nil {
						t.Error(err)
					}
					if took := time.Since(began); took > 300*time.Millisecond {
						t.Errorf("a request took %s during the refresh", took)
					}
				})
			}
		}
		all.Wait()
		if got, want := len(w.sts.calls()), 2; got != want {
			t.Errorf("got %d mints, want %d", got, want)
		}
		time.Sleep(6 * time.Second)
		for _, broker := range brokers { // the others find the new ones in the table
			if got, _ := mustGet(t, broker, request()); got.AccessKeyID != "ASIA2" {
				t.Errorf("got %s, want the refreshed ones", got.AccessKeyID)
			}
		}
	})
}

func TestRefreshKeepsItsBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		broker := w.instance()
		mustGet(t, broker, request())
		time.Sleep(57*time.Minute + 30*time.Second)
		w.sts.delay = time.Minute
		began := time.Now()
		got, tier := mustGet(t, broker, request())
		if took := time.Since(began); got.AccessKeyID != "ASIA1" || tier != telemetry.Memory || took != 300*time.Millisecond {
			t.Errorf("got %s from %s after %s, want the old ones after 300ms", got.AccessKeyID, tier, took)
		}
		w.sts.delay = 0
		time.Sleep(6 * time.Second)
		if got, _ := mustGet(t, broker, request()); got.AccessKeyID == "ASIA1" {
			t.Error("the refresh is not tried again")
		}
	})
}
