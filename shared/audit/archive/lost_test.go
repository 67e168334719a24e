package archive_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/archive"
	"github.com/arngate/arngate/shared/problem"
)

// An audit whose worker is lost at every delivery doesn't run for ever: however it is read, it has failed once no delivery can come any
// more. If one does, the operator had it delivered again, and it ends as any other.
func TestAnAuditThatNobodyMakesHasFailed(t *testing.T) {
	for name, c := range map[string]struct {
		begun bool
		after time.Duration
		alive archive.Status
	}{
		"running": {true, archive.LostAfter, archive.Running},
		"queued":  {false, archive.ForgottenAfter, archive.Queued},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKeeper(t)
				of := must[archive.Audit](t)(k.Queue(t.Context(), siteA, "main", "ada"))
				since := of.RequestedAt
				if c.begun {
					time.Sleep(time.Minute)
					since = must[archive.Audit](t)(k.Begin(t.Context(), siteA, of.ID, "main", "ada")).StartedAt
				}
				time.Sleep(c.after - time.Second)
				for _, got := range k.read(of.ID) {
					if got.Status != c.alive || got.Problem != "" {
						t.Errorf("just before its time: %+v, want it %s", got, c.alive)
					}
				}
				time.Sleep(2 * time.Second)
				for _, got := range k.read(of.ID) {
					if got.Status != archive.Failed || got.Problem != string(problem.Internal) || got.Detail == "" || !got.FinishedAt.Equal(since.Add(c.after)) {
						t.Errorf("after its time: %+v, want it failed", got)
					}
				}
				begun := must[archive.Audit](t)(k.Begin(t.Context(), siteA, of.ID, "main", "ada"))
				k.finish(begun, noon(), finding(1, audit.High))
				for _, got := range k.read(of.ID) {
					if got.Status != archive.Done || got.Problem != "" {
						t.Errorf("delivered again: %+v, want it done", got)
					}
				}
			})
		})
	}
}

// read reads an audit in all ways there are, which must say the same.
func (k *keeper) read(id string) []archive.Audit {
	k.t.Helper()
	one, err := k.Audit(k.t.Context(), siteA, id)
	if err != nil {
		k.t.Fatal(err)
	}
	out := []archive.Audit{one}
	for _, provider := range []string{"", "main"} {
		page, _, err := k.Audits(k.t.Context(), siteA, provider, "", 10)
		if err != nil {
			k.t.Fatal(err)
		}
		if diff := cmp.Diff(out[:1], page); diff != "" {
			k.t.Errorf("listed of %q (-one +listed):\n%s", provider, diff)
		}
	}
	return out
}
