package credentials_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/arngate/arngate/shared/telemetry"
)

// One caller's leaving does not end the mint for the others, nor does their mint keep the one who left.
func TestWaitersHonourTheirOwnContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sts.delay = time.Second
		broker := w.instance()
		leaving, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			began := time.Now()
			_, _, err := broker.Get(leaving, request())
			if took := time.Since(began); !errors.Is(err, context.Canceled) || took != 100*time.Millisecond {
				t.Errorf("who left: got %v after %s", err, took)
			}
		})
		synctest.Wait()
		all.Go(func() {
			if _, tier, err := broker.Get(t.Context(), request()); err != nil || tier != telemetry.Minted {
				t.Errorf("who stayed: got %s, %v", tier, err)
			}
		})
		time.Sleep(100 * time.Millisecond)
		leave()
		all.Wait()
		if got, want := len(w.sts.calls()), 1; got != want {
			t.Errorf("got %d AssumeRole, want %d", got, want)
		}
	})
}

// Shared work ends with the invocation of whoever began it. Those who have more time begin again.
func TestWaitersOutliveTheFirstsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sts.delay = time.Second
		broker := w.instance()
		short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		var all sync.WaitGroup
		all.Go(func() {
			if _, _, err := broker.Get(short, request()); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the first: got %v, want its deadline", err)
			}
		})
		synctest.Wait()
		all.Go(func() {
			if _, _, err := broker.Get(t.Context(), request()); err != nil {
				t.Errorf("the second: %v", err)
			}
		})
		all.Wait()
	})
}

// Whoever has no time left for shared work begins none: who has would join it, and fail with it.
func TestNoWorkIsBegunWithoutTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sts.delay = time.Second
		short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if _, _, err := w.instance().Get(short, request()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
		if got, want := len(w.sts.calls()), 1; got != want {
			t.Errorf("got %d AssumeRole, want %d", got, want)
		}
	})
}

// Work that ended with its first caller's time is begun again by who has a later deadline, too.
func TestALaterDeadlineBeginsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sts.delay = time.Second
		broker := w.instance()
		var all sync.WaitGroup
		for _, c := range []struct {
			time time.Duration
			want error
		}{{500 * time.Millisecond, context.DeadlineExceeded}, {5 * time.Second, nil}} {
			ctx, cancel := context.WithTimeout(t.Context(), c.time)
			defer cancel()
			all.Go(func() {
				if _, _, err := broker.Get(ctx, request()); !errors.Is(err, c.want) {
					t.Errorf("who has %s: got %v, want %v", c.time, err, c.want)
				}
			})
			synctest.Wait()
		}
		all.Wait()
	})
}
