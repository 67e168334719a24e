package audit

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/arngate/arngate/shared/telemetry"
)

const (
	// verifiesPerMinute is how many verifies a site may make in a minute: each calls STS up to eight times.
	verifiesPerMinute = 10
	// verifiesUncounted is how many each instance lets a site make in a minute while they can't be counted together.
	verifiesUncounted = 3
	// countTimeout is how long counting may take; a table that is slow counts as down.
	countTimeout = time.Second
)

// Counter counts over all instances; a credentials.Table is one.
type Counter interface {
	// Count adds one to the count of name in the current window and returns it, and when the window ends.
	Count(ctx context.Context, name string, window time.Duration) (count int64, ends time.Time, err error)
}

// LimitError is returned when a site has verified too often.
type LimitError struct {
	RetryAfter time.Duration
}

// Error says when to come again.
func (e *LimitError) Error() string {
	return fmt.Sprintf("audit: too many verifies, again in %s", e.RetryAfter.Round(time.Second))
}

// Limiter bounds how often a site verifies. Safe for concurrent use.
type Limiter struct {
	counter Counter

	mu     sync.Mutex
	window time.Time      // the minute that counted is of
	counts map[string]int // by site, of this instance, for when the counter is down
}

// NewLimiter returns a Limiter. It does no I/O.
func NewLimiter(counter Counter) *Limiter { return &Limiter{counter: counter} }

// Allow counts one verify of site. It returns a [LimitError] if that is one too many. Where the counter is down, each instance
// counts for itself, to a lower limit: verify is what an administrator needs when something is down, and its calls to STS stay
// bounded all the same. Any other error is ctx's own.
func (l *Limiter) Allow(ctx context.Context, site string) error {
	counting, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	count, ends, err := l.counter.Count(counting, "verify#"+site, time.Minute)
	limit := int64(verifiesPerMinute)
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("count verify: %w", err)
		}
		telemetry.From(ctx).Logger().WarnContext(ctx, "verify counted by this instance alone", "error", err)
		count, ends = l.countHere(site, time.Now())
		limit = verifiesUncounted
	}
	if count > limit {
		return &LimitError{RetryAfter: time.Until(ends)}
	}
	return nil
}

// countHere counts in the instance's memory, which holds one minute.
func (l *Limiter) countHere(site string, now time.Time) (count int64, ends time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if window := now.Truncate(time.Minute); !window.Equal(l.window) {
		l.window, l.counts = window, map[string]int{}
	}
	l.counts[site]++
	return int64(l.counts[site]), l.window.Add(time.Minute)
}
