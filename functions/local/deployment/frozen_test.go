package deployment_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
)

// trap 12: an instance may be frozen between two requests for as long as Lambda likes. The first call after the thaw works,
// and by no more than is left of what it remembers.
func TestTrap12FrozenInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		ask(t, s, http.MethodGet, listing, s.Builder())
		for _, c := range []struct {
			frozen time.Duration
			want   string
		}{
			{time.Minute, memory},         // the registry is read again
			{50 * time.Minute, memory},    // its own credentials are in their last minutes
			{7 * time.Minute, minted},     // the connection's are
			{59 * time.Minute, minted},    // they may not be used any more
			{3 * time.Hour, minted},       // nothing that it remembers is of use
			{8 * 24 * time.Hour, minted},  // the data key is to be succeeded
			{40 * 24 * time.Hour, minted}, // and the table holds nothing but what has expired
		} {
			time.Sleep(c.frozen)
			began := time.Now()
			if got := ask(t, s, http.MethodGet, listing, s.Builder()); got != c.want {
				t.Errorf("after %s: got %s, want %s", c.frozen, got, c.want)
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("after %s: the answer took %s", c.frozen, took)
			}
		}
	})
}

// trap 12: an instance whose clock has stood still believes that its credentials live. AWS says that they don't: they are
// dropped in every tier, and the same request is answered with others.
func TestTrap12ClockThatStoodStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &clock{}
		s := deploymenttest.InProcess(t, deploymenttest.Options{Now: clock.now, Between: clock.between})
		ask(t, s, http.MethodGet, listing, s.Builder())
		time.Sleep(40 * time.Minute)
		clock.set(target{}, 40*time.Minute)
		recycle(t, s) // so that its own credentials are new
		for _, want := range []string{minted, memory} {
			if got := ask(t, s, http.MethodGet, listing, s.Builder()); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		recycle(t, s)
		if got, want := ask(t, s, http.MethodGet, listing, s.Builder()), "200 table"; got != want {
			t.Errorf("another instance: got %s, want %s: what AWS no longer takes is dropped there too", got, want)
		}
	})
}
