package credentials_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/credentials/credentialstest"
)

// countedStore counts the reads.
type countedStore struct {
	*credentialstest.Store
	reads atomic.Int64
}

func (s *countedStore) Get(ctx context.Context, id string) (credentials.Item, error) {
	s.reads.Add(1)
	return s.Store.Get(ctx, id)
}

// Waiting for another's credentials that last costs few reads, however long the other's lease goes on.
func TestTrap37WaitingForLastingCredentialsCostsFewReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		store := &countedStore{Store: w.store}
		broker, err := credentials.NewBroker(credentials.NewMinter(w.sts, nil, nil), store, newRing(t), credentials.Options{})
		if err != nil {
			t.Fatal(err)
		}
		first, _ := mustGet(t, broker, request())
		time.Sleep(50 * time.Minute)
		now := time.Now()
		if won, _, err := w.store.Lease(t.Context(), credentials.IDOf(request()), "greedy", 1, now, now.Add(time.Hour)); !won || err != nil {
			t.Fatal(won, err)
		}
		store.Delay, w.sts.delay = 5*time.Millisecond, time.Second
		store.reads.Store(0)
		got, _ := mustGet(t, broker, request(func(r *credentials.Request) { r.Lasting = 15 * time.Minute }))
		if took := time.Since(now); got != first || took != 5*time.Second {
			t.Errorf("got %s after %s, want those that don't last after 5s", got.AccessKeyID, took)
		}
		if got, most := store.reads.Load(), int64(50); got > most {
			t.Errorf("got %d reads, want at most %d", got, most)
		}
	})
}
