package credentials

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

const (
	// lastMinute of credentials is never used: a request must not outlive them.
	lastMinute = time.Minute
	// refreshWindow before the end, credentials are made anew. Instances begin up to refreshJitter later, not all at
	// once; never earlier, so that no key costs more than a mint in 55 minutes.
	refreshWindow = 5 * time.Minute
	refreshJitter = 2 * time.Minute
	// refreshPause is the time between two tries of one instance.
	refreshPause = 5 * time.Second
)

// entry is credentials in this instance's memory. Safe for concurrent use.
type entry struct {
	credentials Credentials
	usableUntil time.Time
	refreshFrom time.Time
	nextRefresh atomic.Int64 // Unix time in nanoseconds
}

func newEntry(c Credentials) *entry {
	return &entry{
		credentials: c,
		usableUntil: c.Expires.Add(-lastMinute),
		refreshFrom: c.Expires.Add(-refreshWindow + rand.N(refreshJitter)), //nolint:gosec // jitter
	}
}

// claimRefresh reports whether the caller is the one to refresh now; all others go on with what there is.
func (e *entry) claimRefresh(now time.Time) bool {
	next := e.nextRefresh.Load()
	return now.UnixNano() >= next && e.nextRefresh.CompareAndSwap(next, now.Add(refreshPause).UnixNano())
}
