package audit

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/arngate/arngate/shared/telemetry"
)

// Counted is what a site may do only so often.
type Counted string

// What is counted, each for itself. The values are part of the counters' names.
const (
	Verifies Counted = "verify" // each calls AWS STS up to eight times
	Starts   Counted = "audits" // requests for audits, each of up to 100 providers
)

const (
	// perMinute is how often a site may do each of them in a minute.
	perMinute = 10
	// uncounted is how often each instance lets a site do each in a minute while that can't be counted together.
	uncounted = 3
	// countTimeout is how long counting may take; a table that is slow counts as down.
	countTimeout = time.Second
)

// Counter counts over all instances; a credentials.Table is one.
type Counter interface {
	// Count adds one to the count of name in the current window and returns it, and when the window ends.
	Count(ctx context.Context, name string, window time.Duration) (count int64, ends time.Time, err error)
}

// LimitError is returned when a site has done something too often.
type LimitError struct {
	What       Counted
	RetryAfter time.Duration
}

// Error says when to come again.
func (e *LimitError) Error() string {
	return fmt.Sprintf("audit: too many of %s, again in %s", e.What, e.RetryAfter.Round(time.Second))
}

// Limiter bounds how often a site verifies and asks for audits. Safe for concurrent use.
type Limiter struct {
	counter Counter

	mu     sync.Mutex
	window time.Time      // the minute that counted is of
	counts map[string]int // by name, of this instance, for when the counter is down
}

// NewLimiter returns a Limiter. It does no I/O.
func NewLimiter(counter Counter) *Limiter { return &Limiter{counter: counter} }

// Allow counts that site does what once more. It returns a [LimitError] if that is once too often. Where the counter is down, each
// instance counts for itself, to a lower limit: verifying and auditing is what an administrator needs when something is down, and the
// calls to STS stay bounded all the same. Any other error is ctx's own.
func (l *Limiter) Allow(ctx context.Context, what Counted, site string) error {
	counting, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	name := string(what) + "#" + site
	count, ends, err := l.counter.Count(counting, name, time.Minute)
	limit := int64(perMinute)
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("count %s: %w", what, err)
		}
		telemetry.From(ctx).Logger().WarnContext(ctx, "counted by this instance alone", "what", what, "error", err)
		count, ends = l.countHere(name, time.Now())
		limit = uncounted
	}
	if count > limit {
		return &LimitError{What: what, RetryAfter: time.Until(ends)}
	}
	return nil
}

// countHere counts in the instance's memory, which holds one minute.
func (l *Limiter) countHere(name string, now time.Time) (count int64, ends time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if window := now.Truncate(time.Minute); !window.Equal(l.window) {
		l.window, l.counts = window, map[string]int{}
	}
	l.counts[name]++
	return int64(l.counts[name]), l.window.Add(time.Minute)
}
