package archive_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/archive"
)

// standing is what matters of a finding's state.
type standing struct {
	Number      string
	State       audit.State
	First, Last time.Time
	Rechecked   bool
}

func standings(findings []audit.Finding) []standing {
	out := []standing{}
	for _, f := range findings {
		out = append(out, standing{f.Fingerprint[30:], f.State, f.FirstSeen, f.LastSeen, f.Rechecked})
	}
	return out
}

func (k *keeper) checkKnown(want ...standing) {
	k.t.Helper()
	if diff := cmp.Diff(want, standings(k.known())); diff != "" {
		k.t.Errorf("known findings (-want +got):\n%s", diff)
	}
}

// Two audits of one provider: what began later is what is known, whichever ends first.
func TestALaterFinishedOlderAuditLoses(t *testing.T) {
	k := newKeeper(t)
	older, newer := k.begun("main"), k.begun("main")
	k.finish(newer, noon().Add(time.Second), finding(2, audit.High))
	want := k.known()
	k.finish(older, noon(), finding(1, audit.Critical), finding(2, audit.High))
	if diff := cmp.Diff(want, k.known()); diff != "" {
		t.Errorf("known findings (-before +after):\n%s", diff)
	}
	if latest := must[*audit.Report](t)(k.Latest(t.Context(), siteA, "main")); latest.ID != newer.ID {
		t.Errorf("got %s as the latest, want %s", latest.ID, newer.ID)
	}
	got := must[archive.Audit](t)(k.Audit(t.Context(), siteA, older.ID))
	if got.Status != archive.Done || !got.Superseded {
		t.Errorf("got %+v, want it done and superseded", got)
	}
	if r := must[audit.Report](t)(k.Report(t.Context(), siteA, older.ID)); len(r.Findings) != 2 {
		t.Errorf("got %d findings in its report, want both", len(r.Findings))
	}
	if _, err := k.Finding(t.Context(), siteA, finding(1, audit.Critical).Fingerprint); !errors.Is(err, archive.ErrNotFound) {
		t.Errorf("a finding of the older one alone: got %v, want ErrNotFound", err)
	}
}

// Both began before either ended, so that neither knows of the other: what the first one found isn't new in the second.
func TestANewerAuditContinuesWhatTheOlderOneFoundMeanwhile(t *testing.T) {
	k := newKeeper(t)
	older, newer := k.begun("main"), k.begun("main")
	later := noon().Add(time.Second)
	k.finish(older, noon(), finding(1, audit.High), finding(2, audit.High))
	k.finish(newer, later, finding(2, audit.High), finding(3, audit.High))
	k.checkKnown(
		standing{"01", audit.Unchanged, noon(), noon(), false}, // not looked for with this in mind
		standing{"02", audit.Unchanged, noon(), later, true},
		standing{"03", audit.New, later, later, true},
	)
	got := standings(must[audit.Report](t)(k.Report(t.Context(), siteA, newer.ID)).Findings)
	want := []standing{{"02", audit.Unchanged, noon(), later, true}, {"03", audit.New, later, later, true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	// The next audit compares with all of it.
	latest := must[*audit.Report](t)(k.Latest(t.Context(), siteA, "main"))
	if len(latest.Findings) != 3 {
		t.Errorf("got %d findings to compare with, want 3", len(latest.Findings))
	}
}

// meddled is a client with whom something happens right before the first transaction: after all that it rests on was read.
type meddled struct {
	archive.Client

	once   sync.Once
	meddle func()
}

// TransactWriteItems lets it happen, and goes on.
func (m *meddled) TransactWriteItems(
	ctx context.Context, in *awsdynamodb.TransactWriteItemsInput, o ...func(*awsdynamodb.Options),
) (*awsdynamodb.TransactWriteItemsOutput, error) {
	m.once.Do(m.meddle)
	return m.Client.TransactWriteItems(ctx, in, o...)
}

// Whichever of two audits comes in between the other's reading and its writing, what is known is what it would be had they ended
// one after the other.
func TestAnAuditThatEndsInBetween(t *testing.T) {
	later := noon().Add(time.Second)
	for name, c := range map[string]struct {
		first bool // whether there was an audit before
		mine  time.Time
		other time.Time
		want  []standing
	}{
		"a newer one":            {true, noon(), later, []standing{{"02", audit.New, later, later, true}}},
		"an older one":           {true, later, noon(), []standing{{"01", audit.New, later, later, true}, {"02", audit.Unchanged, noon(), noon(), false}}},
		"a newer one, the first": {false, noon(), later, []standing{{"02", audit.New, later, later, true}}},
		"an older one, the first": {
			false, later, noon(),
			[]standing{{"01", audit.New, later, later, true}, {"02", audit.Unchanged, noon(), noon(), false}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKeeper(t)
			if c.first {
				k.audited("main", noon().Add(-time.Hour))
			}
			mine, other := k.begun("main"), k.begun("main")
			client := &meddled{Client: k.db, meddle: func() { k.finish(other, c.other, finding(2, audit.High)) }}
			if err := archive.New(client, table, retention).Finish(t.Context(), mine, report(c.mine, finding(1, audit.High))); err != nil {
				t.Fatal(err)
			}
			k.checkKnown(c.want...)
			got := must[archive.Audit](t)(k.Audit(t.Context(), siteA, mine.ID))
			if got.Status != archive.Done || got.Superseded != c.mine.Before(c.other) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestFindingsOverTime(t *testing.T) {
	k := newKeeper(t)
	day := func(n int) time.Time { return noon().AddDate(0, 0, n) }
	k.audited("main", day(0), finding(1, audit.High), finding(2, audit.High))
	k.audited("main", day(1), in(audit.Unchanged, at(day(0), finding(1, audit.High))), in(audit.Resolved, at(day(0), finding(2, audit.High))))
	k.checkKnown(standing{"01", audit.Unchanged, day(0), day(1), true}, standing{"02", audit.Resolved, day(0), day(1), true})
	// An audit drops what was resolved before; it stays known.
	k.audited("main", day(2), in(audit.Unchanged, at(day(0), finding(1, audit.High))))
	k.checkKnown(standing{"01", audit.Unchanged, day(0), day(2), true}, standing{"02", audit.Resolved, day(0), day(1), true})
	// It comes back.
	k.audited("main", day(3), in(audit.Unchanged, at(day(0), finding(1, audit.High))), finding(2, audit.High))
	k.checkKnown(standing{"01", audit.Unchanged, day(0), day(3), true}, standing{"02", audit.New, day(3), day(3), true})
}

// What was resolved long ago is forgotten.
func TestResolvedFindingsStayForAWhile(t *testing.T) {
	k := newKeeper(t)
	old := in(audit.Resolved, finding(1, audit.High))
	k.audited("main", time.Now().AddDate(0, 0, -91), old, finding(2, audit.High))
	k.audited("main", time.Now(), in(audit.Unchanged, finding(2, audit.High)))
	if got := k.known(); len(got) != 1 || got[0].State != audit.Unchanged {
		t.Errorf("got %+v, want what is not resolved", standings(got))
	}
}

// Two audits that found the same gone tell it once; what an audit couldn't look at stays gone.
func TestResolvedByBothIsSaidOnce(t *testing.T) {
	k := newKeeper(t)
	k.audited("main", noon(), finding(1, audit.High), finding(2, audit.High))
	one, other := k.begun("main"), k.begun("main")
	gone := func() []audit.Finding {
		return []audit.Finding{in(audit.Resolved, finding(1, audit.High)), in(audit.Resolved, finding(2, audit.High))}
	}
	unseen := in(audit.Unchanged, finding(2, audit.High))
	unseen.Rechecked = false
	k.finish(one, noon().Add(time.Minute), gone()...)
	k.finish(other, noon().Add(2*time.Minute), gone()[0], unseen)
	if got := must[audit.Report](t)(k.Report(t.Context(), siteA, other.ID)).Findings; len(got) != 0 {
		t.Errorf("got %+v, want nothing left to say", standings(got))
	}
	for _, s := range standings(k.known()) {
		if s.State != audit.Resolved {
			t.Errorf("got %+v, want it resolved", s)
		}
	}
}

// However many audits of one provider end at once, what is known is what the one found that began last, whole.
func TestManyAuditsAtOnceDoNotMix(t *testing.T) {
	k := newKeeper(t)
	const audits = 8
	var all []archive.Audit
	for range audits {
		all = append(all, k.begun("main"))
	}
	var wait sync.WaitGroup
	for i, of := range all {
		wait.Go(func() {
			var found []audit.Finding
			for n := range 5 {
				found = append(found, finding(i*16+n, audit.High))
			}
			if err := k.Finish(t.Context(), of, report(noon().Add(time.Duration(i)*time.Second), found...)); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	latest := must[*audit.Report](t)(k.Latest(t.Context(), siteA, "main"))
	if latest.ID != all[audits-1].ID {
		t.Errorf("the latest isn't the one that began last")
	}
	seen := map[string]int{}
	for _, f := range k.known() {
		seen[f.Fingerprint[30:31]]++
	}
	for began, n := range seen {
		if n != 5 {
			t.Errorf("got %d findings of audit %s, want all 5 or none", n, began)
		}
	}
	for _, of := range all {
		if got := must[archive.Audit](t)(k.Audit(t.Context(), siteA, of.ID)); got.Status != archive.Done {
			t.Errorf("got %s, want all done", got.Status)
		}
	}
}

// Whichever write a worker is lost at, before or after it: who reads sees what was, or all of what is, and the same audit
// made again ends as if nothing had been.
func TestALostWorkerLeavesNothingHalf(t *testing.T) {
	for _, after := range []bool{false, true} {
		for n := 1; ; n++ {
			finished := false
			t.Run(fmt.Sprintf("write %d, after it %v", n, after), func(t *testing.T) {
				finished = lostAt(t, n, after)
			})
			if finished {
				break
			}
		}
	}
}

// lostAt loses a worker at its nth write; it reports whether there were fewer.
func lostAt(t *testing.T, n int, after bool) (finished bool) {
	t.Helper()
	k := newKeeper(t)
	k.audited("main", noon(), finding(1, audit.High), finding(2, audit.High))
	before := k.known()
	of := k.begun("main")
	next := noon().Add(time.Hour)
	found := func() audit.Report {
		return report(next, in(audit.Unchanged, at(noon(), finding(1, audit.High))), in(audit.Resolved, at(noon(), finding(2, audit.High))), finding(3, audit.Critical))
	}
	lost := archive.New(&fragile{Client: k.db, until: n, after: after}, table, retention)
	failure := lost.Finish(t.Context(), of, found())
	if failure != nil && !errors.Is(failure, errBroken) {
		t.Fatal(failure)
	}
	status := must[archive.Audit](t)(k.Audit(t.Context(), siteA, of.ID)).Status
	if status == archive.Running {
		if diff := cmp.Diff(before, k.known()); diff != "" {
			t.Errorf("before it ended (-want +got):\n%s", diff)
		}
	} else if _, err := k.Report(t.Context(), siteA, of.ID); err != nil {
		t.Errorf("done without a report: %v", err)
	}
	again, err := k.Begin(t.Context(), siteA, of.ID, "main", "ada")
	if (status == archive.Done) != errors.Is(err, archive.ErrDone) {
		t.Errorf("begin again: got %v of a %s audit", err, status)
	}
	if status != archive.Done {
		k.finish(again, next, found().Findings...)
	}
	k.checkKnown(
		standing{"03", audit.New, next, next, true},
		standing{"01", audit.Unchanged, noon(), next, true}, standing{"02", audit.Resolved, noon(), next, true},
	)
	got := must[audit.Report](t)(k.Report(t.Context(), siteA, of.ID))
	want := found()
	want.ID, want.Site, want.Provider = of.ID, siteA, "main"
	sorted := cmpopts.SortSlices(func(a, b audit.Finding) bool { return a.Fingerprint < b.Fingerprint })
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), sorted); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	page, _, err := k.Audits(t.Context(), siteA, "main", "", 10)
	if err != nil || len(page) != 2 || !slices.ContainsFunc(page, func(a archive.Audit) bool { return a.ID == of.ID }) {
		t.Errorf("got audits %+v, %v", page, err)
	}
	return failure == nil
}
