package credentials_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/credentials/credentialstest"
	"github.com/arngate/arngate/shared/telemetry"
)

// halfStore is a store some of whose writes fail.
type halfStore struct {
	*credentialstest.Store
	put, release, drop error
}

func (s halfStore) Put(ctx context.Context, id, owner string, sealed []byte, mark string, expires time.Time) error {
	if s.put != nil {
		return s.put
	}
	return s.Store.Put(ctx, id, owner, sealed, mark, expires)
}

func (s halfStore) Release(ctx context.Context, id, owner string) error {
	if s.release != nil {
		return s.release
	}
	return s.Store.Release(ctx, id, owner)
}

func (s halfStore) Drop(ctx context.Context, id, mark string) error {
	if s.drop != nil {
		return s.drop
	}
	return s.Store.Drop(ctx, id, mark)
}

// Operators see each write that the table loses, and none that it doesn't: that another was faster is no failure.
func TestLostWritesAreCounted(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		put, release, drop, mint error
		want                     int64
	}{
		"all well":              {},
		"not stored":            {put: broken, want: 1},
		"stored by another":     {put: credentials.ErrLeaseLost},
		"not minted":            {mint: accessDenied()},
		"nor lease given up":    {mint: accessDenied(), release: broken, want: 1},
		"not dropped":           {drop: broken, want: 1},
		"neither kept nor lost": {put: broken, drop: broken, want: 2},
	} {
		w := newWorld(t)
		if c.mint != nil {
			w.sts.failNext(c.mint)
		}
		store := halfStore{Store: w.store, put: c.put, release: c.release, drop: c.drop}
		broker, err := credentials.NewBroker(credentials.NewMinter(w.sts, nil, nil), store, newRing(t), credentials.Options{})
		if err != nil {
			t.Fatal(err)
		}
		record := telemetry.New(telemetry.Options{Out: io.Discard}).Begin("r", "l")
		ctx := telemetry.NewContext(t.Context(), record)
		got, _, err := broker.Get(ctx, request())
		if (err != nil) != (c.mint != nil) {
			t.Errorf("%s: %v", name, err)
		}
		broker.Drop(ctx, request(), got.AccessKeyID)
		if counted := record.Counted(telemetry.CacheErrors); counted != c.want {
			t.Errorf("%s: %d failures counted, want %d", name, counted, c.want)
		}
	}
}
