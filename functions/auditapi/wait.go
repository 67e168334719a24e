package auditapi

import (
	"context"
	"time"

	"github.com/arngate/arngate/shared/audit/archive"
)

const (
	// firstLook is how long after queueing an audit is looked for; from look to look the pause grows by half, up to longestPause.
	firstLook    = 300 * time.Millisecond
	longestPause = 2 * time.Second
	// kept is the time left for reading the report and answering.
	kept = 2 * time.Second
	// longestWait holds where the invocation has no deadline.
	longestWait = 25 * time.Second
)

// await returns the audit once it has ended, or as it was last seen where the time wasn't enough. That it can't be read for a
// moment is no reason to lose its id.
func (a audits) await(ctx context.Context, queued archive.Audit) archive.Audit {
	ctx, cancel := context.WithDeadline(ctx, until(ctx))
	defer cancel()
	for pause := firstLook; ; pause = min(pause*3/2, longestPause) {
		select {
		case <-ctx.Done():
			return queued
		case <-time.After(pause):
		}
		if seen, err := a.deps.Archive.Audit(ctx, queued.Site, queued.ID); err == nil {
			if queued = seen; seen.Status.Ended() {
				return seen
			}
		}
	}
}

func until(ctx context.Context) time.Time {
	latest := time.Now().Add(longestWait)
	if deadline, ok := ctx.Deadline(); ok && deadline.Add(-kept).Before(latest) {
		return deadline.Add(-kept)
	}
	return latest
}
