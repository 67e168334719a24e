package awsclient_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/arngate/arngate/shared/awsclient"
)

// What was just made is waited for, but not for ever, nor beyond what the request has.
func TestTrap9Persist(t *testing.T) {
	for name, c := range map[string]struct {
		known    time.Duration // when it is no longer refused
		deadline time.Duration
		want     time.Duration // how long it may wait
		refused  bool          // in the end
	}{
		"at once":          {0, time.Minute, 0, false},
		"after a while":    {6 * time.Second, time.Minute, 7 * time.Second, false},
		"at the last":      {15 * time.Second, time.Minute, 15 * time.Second, false},
		"never":            {time.Hour, time.Minute, 15 * time.Second, true},
		"with little time": {time.Hour, 10 * time.Second, 7 * time.Second, true},
		"with no time":     {time.Hour, 2 * time.Second, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), c.deadline)
				defer cancel()
				began, refused := time.Now(), false
				waited, err := awsclient.Persist(ctx, 2*time.Second, func() bool {
					refused = time.Since(began) < c.known
					return refused
				})
				if err != nil || refused != c.refused || waited != c.want || time.Since(began) != waited {
					t.Errorf("got refused %t after %s, said to be %s, %v, want %t after %s", refused, time.Since(began), waited, err, c.refused, c.want)
				}
			})
		})
	}
}

func TestPersistEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(1500*time.Millisecond, cancel)
		waited, err := awsclient.Persist(ctx, 0, func() bool { return true })
		if !errors.Is(err, context.Canceled) || waited != time.Second {
			t.Errorf("got %v after %s", err, waited)
		}
	})
}
