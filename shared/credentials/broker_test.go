package credentials_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/secrettest"
	"github.com/arngate/arngate/shared/telemetry"
)

func TestTiers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first, second := w.instance(), w.instance()
		minted, tier := mustGet(t, first, request())
		if tier != telemetry.Minted {
			t.Errorf("got %s, want minted", tier)
		}
		for _, want := range []struct {
			broker *credentials.Broker
			tier   credentials.Tier
		}{{first, telemetry.Memory}, {second, telemetry.Table}, {second, telemetry.Memory}} {
			got, tier := mustGet(t, want.broker, request())
			if diff := cmp.Diff(minted, got); diff != "" || tier != want.tier {
				t.Errorf("got tier %s, want %s; %s", tier, want.tier, diff)
			}
		}
		if got, want := len(w.sts.calls()), 1; got != want {
			t.Errorf("got %d AssumeRole, want %d", got, want)
		}
	})
}

func TestTableHoldsNothingInTheClear(t *testing.T) {
	w := newWorld(t)
	minted, _ := mustGet(t, w.instance(), request())
	for id, sealed := range w.store.Sealed() {
		secrettest.Check(t, "the table", id+string(sealed))
		if strings.Contains(id+string(sealed), minted.AccessKeyID) {
			t.Error("the table shows an access key id")
		}
	}
}

// An entry moved to another key's place does not open there.
func TestTableEntriesCannotBeSwapped(t *testing.T) {
	w := newWorld(t)
	ada, bob := request(), request(func(r *credentials.Request) { r.Caller.User = "bob" })
	mustGet(t, w.instance(), ada)
	adas := w.store.Sealed()
	mustGet(t, w.instance(), bob)
	for id := range w.store.Sealed() {
		for _, sealed := range adas {
			w.store.Replace(id, sealed)
		}
	}
	got, tier := mustGet(t, w.instance(), bob)
	if tier != telemetry.Minted || got.AccessKeyID != "ASIA3" {
		t.Errorf("got %s from %s, want minted anew", got.AccessKeyID, tier)
	}
}

// 20 instances, 200 requests each, one cold key, a slow STS: one mint for all.
func TestStampede(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sts.delay = 300 * time.Millisecond
		began := time.Now()
		var all sync.WaitGroup
		var slowest time.Duration
		var mu sync.Mutex
		for range 20 {
			broker := w.instance()
			for range 200 {
				all.Go(func() {
					got, _, err := broker.Get(t.Context(), request())
					if err != nil || got.AccessKeyID != "ASIA1" {
						t.Errorf("got %s, %v", got.AccessKeyID, err)
					}
					mu.Lock()
					defer mu.Unlock()
					slowest = max(slowest, time.Since(began))
				})
			}
		}
		all.Wait()
		if got, want := len(w.sts.calls()), 1; got != want {
			t.Errorf("got %d AssumeRole, want %d", got, want)
		}
		if limit := 450 * time.Millisecond; slowest > limit {
			t.Errorf("the slowest took %s, want at most 1.5 mints", slowest)
		}
	})
}

func TestLeaseOfADeadInstanceLapses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := request()
		if won, _, err := w.store.Lease(t.Context(), credentials.IDOf(r), "dead", 0, time.Now(), time.Now().Add(3*time.Second)); !won || err != nil {
			t.Fatal(won, err)
		}
		began := time.Now()
		_, tier := mustGet(t, w.instance(), r)
		if took := time.Since(began); tier != telemetry.Minted || took < 3*time.Second || took > 3500*time.Millisecond {
			t.Errorf("got %s after %s, want minted right after the lease", tier, took)
		}
	})
}

// Whoever waits for a lease that is taken again and again mints for itself in the end.
func TestLeaseWaitersMintRatherThanFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := request()
		far := time.Now().Add(time.Hour)
		if won, _, err := w.store.Lease(t.Context(), credentials.IDOf(r), "greedy", 0, time.Now(), far); !won || err != nil {
			t.Fatal(won, err)
		}
		if _, tier := mustGet(t, w.instance(), r); tier != telemetry.Minted {
			t.Errorf("got %s, want minted", tier)
		}
	})
}

func TestTableDownOrSlow(t *testing.T) {
	for name, harm := range map[string]func(*world){
		"down":     func(w *world) { w.store.Err = errors.New("table is down") },
		"slow":     func(w *world) { w.store.Delay = time.Minute },
		"KMS down": func(w *world) { w.kms.down = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				harm(w)
				broker := w.instance()
				record := &telemetry.Record{}
				began := time.Now()
				_, tier, err := broker.Get(telemetry.NewContext(t.Context(), record), request())
				if took := time.Since(began); err != nil || tier != telemetry.Minted || took > 200*time.Millisecond {
					t.Errorf("got %s, %v after %s, want minted within 200ms", tier, err, took)
				}
				if record.Counted(telemetry.CacheErrors) == 0 {
					t.Error("the failure is not counted")
				}
				if _, tier := mustGet(t, broker, request()); tier != telemetry.Memory {
					t.Errorf("then: got %s, want memory", tier)
				}
			})
		})
	}
}

func TestDropInEveryTier(t *testing.T) {
	w := newWorld(t)
	broker := w.instance()
	first, _ := mustGet(t, broker, request())
	broker.Drop(t.Context(), request(), "ASIAOTHER")
	if got, tier := mustGet(t, broker, request()); got.AccessKeyID != first.AccessKeyID || tier != telemetry.Memory {
		t.Errorf("another's drop: got %s from %s", got.AccessKeyID, tier)
	}
	broker.Drop(t.Context(), request(), first.AccessKeyID)
	got, tier := mustGet(t, broker, request())
	if got.AccessKeyID == first.AccessKeyID || tier != telemetry.Minted {
		t.Errorf("got %s from %s, want others, minted", got.AccessKeyID, tier)
	}
	again, tier := mustGet(t, w.instance(), request())
	if again.AccessKeyID != got.AccessKeyID || tier != telemetry.Table {
		t.Errorf("another instance: got %s from %s, want %s from the table", again.AccessKeyID, tier, got.AccessKeyID)
	}
	// Another instance that still had the old ones must not drop the new ones with them.
	broker.Drop(t.Context(), request(), first.AccessKeyID)
	if again, tier := mustGet(t, w.instance(), request()); again.AccessKeyID != got.AccessKeyID || tier != telemetry.Table {
		t.Errorf("a late drop: got %s from %s, want %s from the table", again.AccessKeyID, tier, got.AccessKeyID)
	}
}

// What AWS no longer takes is not taken from a table that could not be told.
func TestDropWhileTheTableIsDown(t *testing.T) {
	w := newWorld(t)
	broker := w.instance()
	first, _ := mustGet(t, broker, request())
	w.store.Err = errors.New("table is down")
	broker.Drop(t.Context(), request(), first.AccessKeyID)
	w.store.Err = nil
	if got, _ := mustGet(t, broker, request()); got.AccessKeyID == first.AccessKeyID {
		t.Error("dropped credentials come back from the table")
	}
}

func TestTrap3NothingIsShared(t *testing.T) {
	w := newWorld(t)
	broker := w.instance()
	seen := map[string]string{}
	for name, change := range map[string]func(*credentials.Request){
		"base":                func(*credentials.Request) {},
		"site":                func(r *credentials.Request) { r.Caller.Site = siteB },
		"user":                func(r *credentials.Request) { r.Caller.User = "bob" },
		"actor":               func(r *credentials.Request) { r.Caller.Actor = "backend" },
		"provider":            func(r *credentials.Request) { r.Opened.Provider.Name = "other" },
		"connection":          func(r *credentials.Request) { r.Opened.Connection.Name = "other" },
		"connection revision": func(r *credentials.Request) { r.Opened.Connection.Revision = "c2" },
		"policy":              func(r *credentials.Request) { r.Opened.Connection.PolicyDigest = [32]byte{2} },
		"provider revision": func(r *credentials.Request) {
			r.Opened.Provider.Revision, r.Opened.State.Revision = "p2", "p2"
		},
	} {
		got, tier := mustGet(t, broker, request(change))
		if tier != telemetry.Minted {
			t.Errorf("another %s: got %s, want minted", name, tier)
		}
		if other, ok := seen[got.AccessKeyID]; ok {
			t.Errorf("%s and %s share credentials", name, other)
		}
		seen[got.AccessKeyID] = name
	}
}

// A mint that failed leaves no lease behind for others to wait for.
func TestFailedMintReleasesTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sts.failNext(accessDenied())
		_, _, err := w.instance().Get(t.Context(), request())
		if !errors.Is(err, credentials.ErrUnusable) {
			t.Fatalf("got %v, want ErrUnusable", err)
		}
		began := time.Now()
		mustGet(t, w.instance(), request())
		if took := time.Since(began); took > 0 {
			t.Errorf("the next instance waited %s", took)
		}
	})
}

func TestPanicsEndTheRequestOnly(t *testing.T) {
	w := newWorld(t)
	broker, err := credentials.NewBroker(panickingSource{}, w.store, newRing(t), credentials.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := broker.Get(t.Context(), request()); err == nil {
		t.Error("got no error from a panic")
	}
}

type panickingSource struct{}

func (panickingSource) Mint(context.Context, credentials.Request) (credentials.Credentials, error) {
	panic("mint")
}

func TestStoreInMemory(t *testing.T) { runStoreContract(t) }

func BenchmarkGetFromMemory(b *testing.B) {
	for _, callers := range []int{1, 10, 1_000, 10_000, 100_000} { // more than 10,000 are not all in memory
		b.Run(fmtCallers(callers), func(b *testing.B) {
			w := newWorld(b)
			broker := w.instance()
			requests := make([]credentials.Request, callers)
			for i := range requests {
				requests[i] = request(func(r *credentials.Request) { r.Caller.User = fmtCallers(i) })
				mustGet(b, broker, requests[i])
			}
			ctx := b.Context()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, _, err := broker.Get(ctx, requests[i%callers]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
