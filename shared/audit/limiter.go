package audit

import (
	"context"
	"fmt"
	"time"
)

// verifiesPerMinute is how many verifies a site may make in a minute: each calls STS up to eight times.
const verifiesPerMinute = 10

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
type Limiter struct{ counter Counter }

// NewLimiter returns a Limiter. It does no I/O.
func NewLimiter(counter Counter) *Limiter { return &Limiter{counter: counter} }

// Allow counts one verify of site. It returns a [LimitError] if that is one too many; any other error means that it could
// not be counted.
func (l *Limiter) Allow(ctx context.Context, site string) error {
	count, ends, err := l.counter.Count(ctx, "verify#"+site, time.Minute)
	if err != nil {
		return fmt.Errorf("count verify: %w", err)
	}
	if count > verifiesPerMinute {
		return &LimitError{RetryAfter: time.Until(ends)}
	}
	return nil
}
