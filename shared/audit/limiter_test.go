package audit_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/arngate/arngate/shared/audit"
)

// counter counts in memory; while it is down it answers nothing, or only much later.
type counter struct {
	counts     map[string]int64
	down, slow bool
}

func (c *counter) Count(ctx context.Context, name string, window time.Duration) (int64, time.Time, error) {
	if c.slow {
		<-ctx.Done()
		return 0, time.Time{}, ctx.Err()
	}
	if c.down {
		return 0, time.Time{}, errors.New("the table is down")
	}
	c.counts[name]++
	return c.counts[name], time.Now().Truncate(window).Add(window), nil
}

// allowed is how many of a hundred times the site may do something at once.
func allowed(t *testing.T, l *audit.Limiter, what audit.Counted, site string) int {
	t.Helper()
	count := 0
	for range 100 {
		err := l.Allow(t.Context(), what, site)
		limit, refused := errors.AsType[*audit.LimitError](err)
		switch {
		case err == nil:
			count++
		case !refused:
			t.Fatalf("Allow: %v, want a LimitError", err)
		case limit.RetryAfter <= 0 || limit.RetryAfter > time.Minute:
			t.Fatalf("again in %s", limit.RetryAfter)
		}
	}
	return count
}

func TestLimiterCountsTogether(t *testing.T) {
	c := &counter{counts: map[string]int64{}}
	if got := allowed(t, audit.NewLimiter(c), audit.Verifies, "a"); got != 10 {
		t.Errorf("%d verifies a minute, want 10", got)
	}
	if got := allowed(t, audit.NewLimiter(c), audit.Verifies, "a"); got != 0 { // another instance
		t.Errorf("%d more by another instance, want none", got)
	}
	if got := allowed(t, audit.NewLimiter(c), audit.Verifies, "b"); got != 10 {
		t.Errorf("%d of another site, want 10", got)
	}
	if got := allowed(t, audit.NewLimiter(c), audit.Starts, "a"); got != 10 {
		t.Errorf("%d requests for audits a minute, want 10, whatever was verified", got)
	}
}

// Verify works while the table that counts is down or slow, and is bounded all the same: by each instance, for each site and
// minute.
func TestLimiterWithoutItsTable(t *testing.T) {
	for name, c := range map[string]*counter{"down": {down: true}, "slow": {slow: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
				l := audit.NewLimiter(c)
				began := time.Now()
				for range 3 {
					if err := l.Allow(t.Context(), audit.Verifies, "a"); err != nil {
						t.Fatal(err)
					}
				}
				if took := time.Since(began); took > 3*time.Second {
					t.Errorf("three verifies waited %s for the table", took)
				}
				if _, refused := errors.AsType[*audit.LimitError](l.Allow(t.Context(), audit.Verifies, "a")); !refused {
					t.Error("a fourth is allowed within a minute")
				}
				if err := l.Allow(t.Context(), audit.Verifies, "b"); err != nil {
					t.Errorf("another site: %v", err)
				}
				if err := l.Allow(t.Context(), audit.Starts, "a"); err != nil {
					t.Errorf("a request for audits: %v", err)
				}
				time.Sleep(time.Minute)
				if err := l.Allow(t.Context(), audit.Verifies, "a"); err != nil {
					t.Errorf("a minute later: %v", err)
				}
			})
		})
	}
}

func TestLimiterEndsWithItsRequest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := audit.NewLimiter(&counter{slow: true}).Allow(ctx, audit.Verifies, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the request's own end", err)
	}
}
