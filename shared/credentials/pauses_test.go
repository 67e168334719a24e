package credentials

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"
)

// spread is where pauses lie: none outside of it, and enough of them to fill it.
type spread struct{ from, to time.Duration }

// check judges the pauses. That 200 evenly spread ones leave out one of the outer quarters has a chance below 10⁻²⁴.
func (s spread) check(t *testing.T, what string, pauses []time.Duration) {
	t.Helper()
	quarter := (s.to - s.from) / 4
	early, late := 0, 0
	for _, pause := range pauses {
		if pause < s.from || pause >= s.to {
			t.Errorf("%s: a pause of %s, want %s to %s", what, pause, s.from, s.to)
			return
		}
		if pause < s.from+quarter {
			early++
		}
		if pause >= s.to-quarter {
			late++
		}
	}
	if early == 0 || late == 0 {
		t.Errorf("%s: %d of %d pauses are among the shortest, %d among the longest: they don't spread", what, early, len(pauses), late)
	}
}

// Who waits for another's entry looks again after a quarter of the time waited so far, give or take a quarter of that.
func TestPollingSpreads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for waited, want := range map[time.Duration]spread{
			0:                      {15 * time.Millisecond, 25 * time.Millisecond},
			400 * time.Millisecond: {75 * time.Millisecond, 125 * time.Millisecond},
			time.Minute:            {187500 * time.Microsecond, 312500 * time.Microsecond},
		} {
			pauses := make([]time.Duration, 200)
			for i := range pauses {
				began := time.Now()
				if err := pausePolling(t.Context(), began.Add(-waited), began.Add(time.Hour)); err != nil {
					t.Fatal(err)
				}
				pauses[i] = time.Since(began)
			}
			want.check(t, "having waited "+waited.String(), pauses)
		}
	})
}

// A lease that lapses is looked at when it has, not before, and not a whole pause later.
func TestPollingEndsWithTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		lapses := began.Add(10 * time.Millisecond)
		if err := pausePolling(t.Context(), began.Add(-time.Minute), lapses); err != nil {
			t.Fatal(err)
		}
		if late := time.Since(lapses); late < 0 || late > time.Millisecond {
			t.Errorf("looked %s after the lease lapsed, want at once", late)
		}
	})
}

// Pauses between calls that STS throttles double up to two seconds, give or take a half.
func TestTrap8ThrottlePausesGrowAndSpread(t *testing.T) {
	const tries = 7
	synctest.Test(t, func(t *testing.T) {
		var pauses [tries - 1][]time.Duration
		for range 200 {
			var last time.Time
			calls := 0
			_, err := untilNotThrottled(t.Context(), func() (*struct{}, error) {
				if calls > 0 {
					pauses[calls-1] = append(pauses[calls-1], time.Since(last))
				}
				last = time.Now()
				if calls++; calls < tries {
					return nil, &smithy.GenericAPIError{Code: "Throttling"}
				}
				return &struct{}{}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		want := 100 * time.Millisecond
		for _, pauses := range pauses {
			spread{want / 2, want * 3 / 2}.check(t, "around "+want.String(), pauses)
			want = min(2*want, 2*time.Second)
		}
	})
}

// Who has less time than the pause is told at once.
func TestTrap8NobodyWaitsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 49*time.Millisecond)
		defer cancel()
		_, err := untilNotThrottled(ctx, func() (*struct{}, error) { return nil, &smithy.GenericAPIError{Code: "Throttling"} })
		if took := time.Since(began); !errors.Is(err, ErrThrottled) || took != 0 {
			t.Errorf("got %v after %s, want ErrThrottled at once", err, took)
		}
	})
}

// The SDK tries again within a call, too: what it says when the time is up is not all that is known.
func TestTrap8TimeThatThrottlingTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		calls := 0
		_, err := untilNotThrottled(ctx, func() (*struct{}, error) {
			if calls++; calls == 1 {
				return nil, &smithy.GenericAPIError{Code: "Throttling"}
			}
			<-ctx.Done()
			return nil, ctx.Err()
		})
		if !errors.Is(err, ErrThrottled) || calls != 2 {
			t.Errorf("got %v after %d calls, want ErrThrottled", err, calls)
		}
	})
}
