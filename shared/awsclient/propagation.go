package awsclient

import (
	"context"
	"time"
)

const (
	// propagation is how long a role or key may take to be usable everywhere.
	propagation = 15 * time.Second
	// firstPause is that before the second call; it doubles up to lastPause.
	firstPause = time.Second
	lastPause  = 4 * time.Second
)

// Persist makes a call that reports whether it was refused, again and again as long as it is: for up to 15 seconds, because IAM
// takes its time to spread what was just made (trap 9), and no longer than leaves reserve of ctx's time. It returns how long it
// waited, and an error if ctx ended meanwhile.
func Persist(ctx context.Context, reserve time.Duration, call func() (refused bool)) (waited time.Duration, err error) {
	began, pause := time.Now(), firstPause
	for call() {
		spent := time.Since(began)
		deadline, bounded := ctx.Deadline()
		if spent >= propagation || (bounded && time.Until(deadline) < pause+reserve) {
			break
		}
		select {
		case <-time.After(min(pause, propagation-spent)):
		case <-ctx.Done():
			return waited, ctx.Err()
		}
		waited, pause = time.Since(began), min(2*pause, lastPause)
	}
	return waited, nil
}
