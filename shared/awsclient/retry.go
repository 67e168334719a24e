package awsclient

import (
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

const (
	maxAttempts = 3
	// firstBackoff is the longest first pause: what is retried most often is a dead connection.
	firstBackoff = 50 * time.Millisecond
	// throttleBackoff is the longest first pause after throttling.
	throttleBackoff = 250 * time.Millisecond
	maxBackoff      = 2 * time.Second
)

// newRetryer returns the SDK's standard rules with short, fully jittered pauses, and without its token bucket: that
// would be one for all sites, so that the throttles of one would end the retries of the others.
func newRetryer() aws.Retryer {
	throttles := retry.IsErrorThrottles(retry.DefaultThrottles)
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = maxAttempts
		o.RateLimiter = ratelimit.None
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, err error) (time.Duration, error) {
			longest := firstBackoff
			if throttles.IsErrorThrottle(err).Bool() {
				longest = throttleBackoff
			}
			longest = min(longest<<max(attempt-1, 0), maxBackoff)
			return rand.N(longest), nil //nolint:gosec // jitter
		})
	})
}
