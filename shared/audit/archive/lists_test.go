package archive_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/archive"
)

func TestAuditsAreListedNewestFirst(t *testing.T) {
	k := newKeeper(t)
	var all, mains []string
	for i := range 130 {
		provider := []string{"main", "other", "main2"}[i%3]
		sent := noon().Add(time.Duration(i) * time.Second)
		of := must[archive.Audit](t)(k.Begin(t.Context(), siteA, archive.DerivedID(sent, fmt.Sprint(i)), provider, "schedule"))
		all = append(all, of.ID)
		if provider == "main" {
			mains = append(mains, of.ID)
		}
	}
	slices.Reverse(all)
	slices.Reverse(mains)
	for name, c := range map[string]struct {
		provider string
		limit    int
		want     []string
	}{
		"all by 7": {"", 7, all}, "all by 130": {"", 130, all}, "all at once": {"", 1000, all},
		"one's by 1": {"main", 1, mains}, "one's by 11": {"main", 11, mains}, "one's at once": {"main", 1000, mains}, "nobody's": {"mai", 10, nil},
		"no key": {strings.Repeat("m", 3000), 10, nil},
	} {
		var got []string
		after := ""
		for {
			page, next, err := k.Audits(t.Context(), siteA, c.provider, after, c.limit)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) > c.limit || (next != "" && len(page) != c.limit) {
				t.Fatalf("%s: got a page of %d", name, len(page))
			}
			for _, of := range page {
				got = append(got, of.ID)
			}
			if after = next; next == "" {
				break
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, after := range []string{"x", strings.Repeat("a", 3000), finding(1, audit.High).Fingerprint} {
		if _, _, err := k.Audits(t.Context(), siteA, "", after, 1); !errors.Is(err, archive.ErrCursor) {
			t.Errorf("after %.10q: got %v, want ErrCursor", after, err)
		}
	}
}

// many makes 30 providers with a critical, a high and a resolved info finding each.
func (k *keeper) many() (all []string) {
	k.t.Helper()
	n := 0
	for i := range 30 {
		name := fmt.Sprintf("p%02d", i)
		var found []audit.Finding
		for _, severity := range []audit.Severity{audit.Info, audit.High, audit.Critical} {
			f := finding(n, severity)
			f.Provider = name
			if severity == audit.Info {
				f.State = audit.Resolved
			}
			found = append(found, f)
			n++
		}
		k.audited(name, time.Now(), found...)
		slices.Reverse(found)
		for _, f := range found {
			all = append(all, f.Fingerprint)
		}
	}
	return all
}

func TestFindingsAreListedByProviderTheWorstFirst(t *testing.T) {
	k := newKeeper(t)
	all := k.many()
	every := func(from, step int) []string {
		var out []string
		for i := from; i < len(all); i += step {
			out = append(out, all[i])
		}
		return out
	}
	for name, c := range map[string]struct {
		filter archive.Filter
		want   []string
	}{
		"all":         {archive.Filter{}, all},
		"critical":    {archive.Filter{Severity: audit.Critical}, every(0, 3)},
		"resolved":    {archive.Filter{State: audit.Resolved}, every(2, 3)},
		"one's":       {archive.Filter{Provider: "p07"}, all[21:24]},
		"one's high":  {archive.Filter{Provider: "p07", Severity: audit.High}, all[22:23]},
		"none":        {archive.Filter{State: audit.Resolved, Severity: audit.Critical}, nil},
		"nobody's":    {archive.Filter{Provider: "nobody"}, nil},
		"no key":      {archive.Filter{Provider: strings.Repeat("m", 3000)}, nil},
		"not a state": {archive.Filter{State: "x"}, nil},
	} {
		for _, limit := range []int{1, 2, 7, 89, 90, 1000} {
			if diff := cmp.Diff(c.want, k.fingerprints(c.filter, limit)); diff != "" {
				t.Errorf("%s by %d (-want +got):\n%s", name, limit, diff)
			}
		}
	}
	for _, after := range []string{"x", "p07", "p07.0." + all[0] + "x", "p07.0.", strings.Repeat("p", 3000) + ".0." + all[0]} {
		if _, _, err := k.Findings(t.Context(), siteA, archive.Filter{}, after, 1); !errors.Is(err, archive.ErrCursor) {
			t.Errorf("after %.10q: got %v, want ErrCursor", after, err)
		}
	}
}

// fingerprints are those of all pages.
func (k *keeper) fingerprints(f archive.Filter, limit int) (got []string) {
	k.t.Helper()
	after := ""
	for {
		page, next, err := k.Findings(k.t.Context(), siteA, f, after, limit)
		if err != nil {
			k.t.Fatal(err)
		}
		if len(page) > limit || (next != "" && len(page) != limit) {
			k.t.Fatalf("got a page of %d, want %d", len(page), limit)
		}
		for _, found := range page {
			got = append(got, found.Fingerprint)
		}
		if after = next; next == "" {
			return got
		}
	}
}

// A page goes on where the last one ended although that finding is gone.
func TestPagesOfFindingsOutliveTheirEnd(t *testing.T) {
	k := newKeeper(t)
	k.audited("main", time.Now().AddDate(0, 0, -100), finding(1, audit.High), finding(2, audit.High), finding(3, audit.High))
	_, next, err := k.Findings(t.Context(), siteA, archive.Filter{}, "", 2)
	if err != nil || next == "" {
		t.Fatalf("got next %q, %v", next, err)
	}
	gone := in(audit.Resolved, finding(2, audit.High))
	k.audited("main", time.Now().AddDate(0, 0, -99), gone, in(audit.Unchanged, finding(3, audit.High)))
	k.audited("main", time.Now(), in(audit.Unchanged, finding(3, audit.High)))
	page, _, err := k.Findings(t.Context(), siteA, archive.Filter{}, next, 2)
	if err != nil || len(page) != 1 || page[0].Fingerprint != finding(3, audit.High).Fingerprint {
		t.Errorf("got %+v, %v, want the third", standings(page), err)
	}
}

// Another site sees nothing of it, whatever it names.
func TestASiteSeesOnlyItsOwn(t *testing.T) {
	k := newKeeper(t)
	of := k.audited("main", noon(), finding(1, audit.High))
	hash := finding(1, audit.High).Fingerprint
	s := audit.Suppression{Fingerprint: hash, Reason: "Known.", By: "ada", Set: time.Now(), Until: time.Now().Add(time.Hour)}
	_, auditErr := k.Audit(t.Context(), siteB, of.ID)
	_, reportErr := k.Report(t.Context(), siteB, of.ID)
	_, latestErr := k.Latest(t.Context(), siteB, "main")
	_, findingErr := k.Finding(t.Context(), siteB, hash)
	for name, err := range map[string]error{
		"audit": auditErr, "report": reportErr, "latest": latestErr, "finding": findingErr,
		"suppress": k.Suppress(t.Context(), siteB, s), "unsuppress": k.Unsuppress(t.Context(), siteB, hash),
	} {
		if !errors.Is(err, archive.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNotFound", name, err)
		}
	}
	audits, _, err := k.Audits(t.Context(), siteB, "", of.ID, 10)
	if err != nil || len(audits) != 0 {
		t.Errorf("got audits %v, %v", audits, err)
	}
	findings, _, err := k.Findings(t.Context(), siteB, archive.Filter{}, "", 10)
	if err != nil || len(findings) != 0 {
		t.Errorf("got findings %v, %v", findings, err)
	}
}

func TestSuppressionsAreAppliedWhileTheyLast(t *testing.T) {
	synctest.Test(t, testSuppressions)
}

func testSuppressions(t *testing.T) {
	k := newKeeper(t)
	of := k.audited("main", noon(), finding(1, audit.High), finding(2, audit.High))
	hash := finding(1, audit.High).Fingerprint
	now := time.Now().UTC().Truncate(time.Millisecond)
	s := audit.Suppression{Fingerprint: hash, Reason: "Known.", By: "ada", Set: now, Until: now.Add(time.Hour)}
	check := func(want *audit.Suppression) {
		t.Helper()
		one := must[audit.Finding](t)(k.Finding(t.Context(), siteA, hash))
		r := must[audit.Report](t)(k.Report(t.Context(), siteA, of.ID))
		latest := must[*audit.Report](t)(k.Latest(t.Context(), siteA, "main"))
		for where, findings := range map[string][]audit.Finding{
			"finding": {one}, "list": k.known(), "report": r.Findings, "latest": latest.Findings,
		} {
			for _, f := range findings {
				expect := want
				if f.Fingerprint != hash {
					expect = nil
				}
				if diff := cmp.Diff(expect, f.Suppression); diff != "" {
					t.Errorf("%s: suppression of %s (-want +got):\n%s", where, f.Fingerprint, diff)
				}
			}
		}
	}
	check(nil)
	for range 2 {
		if err := k.Suppress(t.Context(), siteA, s); err != nil {
			t.Fatal(err)
		}
		check(&s)
	}
	// It outlives the next audit, and its finding isn't counted.
	later := k.audited("main", noon().Add(time.Hour), in(audit.Unchanged, finding(1, audit.High)), in(audit.Unchanged, finding(2, audit.High)))
	check(&s)
	if later.Findings[audit.High] != 1 {
		t.Errorf("got %d high findings counted, want 1", later.Findings[audit.High])
	}
	for range 2 {
		if err := k.Unsuppress(t.Context(), siteA, hash); err != nil {
			t.Fatal(err)
		}
		check(nil)
	}
	// It is over at its end, whether or not the item is still there.
	s.Until = time.Now().Add(90 * 24 * time.Hour).UTC()
	if err := k.Suppress(t.Context(), siteA, s); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Until(s.Until) - time.Second)
	check(&s)
	time.Sleep(time.Second)
	check(nil)
}

func TestSuppressionsThatAreRefused(t *testing.T) {
	k := newKeeper(t)
	k.audited("main", noon(), finding(1, audit.High))
	good := audit.Suppression{Fingerprint: finding(1, audit.High).Fingerprint, Reason: "Known.", By: "ada", Set: time.Now(), Until: time.Now().Add(time.Hour)}
	for name, c := range map[string]struct {
		change func(*audit.Suppression)
		want   error
	}{
		"no reason":        {func(s *audit.Suppression) { s.Reason = " " }, audit.ErrNoReason},
		"past":             {func(s *audit.Suppression) { s.Until = time.Now() }, audit.ErrNotFuture},
		"too long":         {func(s *audit.Suppression) { s.Until = time.Now().AddDate(0, 0, 91) }, audit.ErrTooLong},
		"unknown":          {func(s *audit.Suppression) { s.Fingerprint = finding(2, audit.High).Fingerprint }, archive.ErrNotFound},
		"not one":          {func(s *audit.Suppression) { s.Fingerprint = "x" }, archive.ErrNotFound},
		"another's prefix": {func(s *audit.Suppression) { s.Fingerprint = s.Fingerprint[:31] }, archive.ErrNotFound},
	} {
		s := good
		c.change(&s)
		if err := k.Suppress(t.Context(), siteA, s); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	if got := must[[]audit.Suppression](t)(k.Suppressions(t.Context(), siteA)); len(got) != 0 {
		t.Errorf("got %v kept", got)
	}
}

// A provider is asked about once, and only if it has a finding that is chosen otherwise; pages go on past those that don't count.
func TestFindingsOfChosenProviders(t *testing.T) {
	k := newKeeper(t)
	for i, provider := range []string{"a", "b", "c", "d"} {
		severity := audit.High
		if provider == "d" {
			severity = audit.Info
		}
		f, g := finding(2*i, severity), finding(2*i+1, severity)
		f.Provider, g.Provider = provider, provider
		k.audited(provider, noon(), f, g)
	}
	var asked []string
	filter := archive.Filter{Severity: audit.High, Of: func(_ context.Context, provider string) (bool, error) {
		asked = append(asked, provider)
		return provider != "b", nil
	}}
	list := func(limit int) (providers string) {
		for after := ""; ; {
			page, next, err := k.Findings(t.Context(), siteA, filter, after, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range page {
				providers += f.Provider
			}
			if after = next; next == "" {
				return providers
			}
		}
	}
	if got := list(10); got != "aacc" {
		t.Errorf("got findings of %q, want of %q", got, "aacc")
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, asked); diff != "" {
		t.Errorf("asked about (-want +got):\n%s", diff)
	}
	if got := list(1); got != "aacc" {
		t.Errorf("one by one: got findings of %q, want of %q", got, "aacc")
	}
	broken := errors.New("broken")
	filter.Of = func(context.Context, string) (bool, error) { return false, broken }
	for _, provider := range []string{"", "a"} {
		filter.Provider = provider
		if _, _, err := k.Findings(t.Context(), siteA, filter, "", 10); !errors.Is(err, broken) {
			t.Errorf("of %q: got %v, want the error", provider, err)
		}
	}
}
