package localgateway

import (
	"sync"
	"time"
)

// Throttle is the stage's limit of requests: a token bucket ("Throttle requests to your HTTP APIs for better
// throughput in API Gateway").
type Throttle struct {
	Rate  float64 // requests per second; 0: no limit
	Burst int     // requests at once
}

type bucket struct {
	mu     sync.Mutex
	limit  Throttle
	tokens float64
	last   time.Time
}

func newBucket(limit Throttle) *bucket { return &bucket{limit: limit, tokens: float64(limit.Burst)} }

// take lets one request through, or not.
func (b *bucket) take(now time.Time) bool {
	if b.limit.Rate <= 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.last.IsZero() {
		b.tokens = min(float64(b.limit.Burst), b.tokens+now.Sub(b.last).Seconds()*b.limit.Rate)
	}
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
