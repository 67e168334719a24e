// Package dispatch carries audits to the workers that make them, and tells the outside what they found: an SQS queue of messages,
// and an EventBridge bus of events. Both take ten at a time, and may take some of them and refuse others.
package dispatch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	// batchSize is how many messages or events one call takes ("Amazon SQS API Reference", "Amazon EventBridge API Reference").
	batchSize = 10
	// attempts bounds how often what was refused is sent again.
	attempts = 4
	// firstPause is the longest pause before the second attempt; it doubles.
	firstPause = 100 * time.Millisecond
)

// errRefused says that a call went well but for some of what it brought.
var errRefused = errors.New("dispatch: refused")

// refused is an entry that was not taken: its place among those sent, and why.
type refused struct {
	at    int
	code  string
	final bool // it will be refused again
}

// deliver sends what is at the places, again what was refused, and returns the places of what was never taken, and why.
func deliver(ctx context.Context, places []int, send func(context.Context, []int) ([]refused, error)) (left []int, err error) {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		failed, sendErr := send(ctx, places)
		if sendErr != nil {
			return append(left, places...), sendErr // the SDK has tried it again already
		}
		var again []int
		for _, f := range failed {
			err = fmt.Errorf("%w: %s", errRefused, f.code)
			if f.final || attempt == attempts {
				left = append(left, f.at)
			} else {
				again = append(again, f.at)
			}
		}
		if len(again) == 0 {
			if len(left) == 0 {
				err = nil
			}
			return left, err
		}
		select {
		case <-time.After(rand.N(pause)): //nolint:gosec // jitter
			pause *= 2
		case <-ctx.Done():
			return append(left, again...), ctx.Err()
		}
		places = again
	}
}
