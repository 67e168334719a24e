package audit_test

import (
	"cmp"
	"slices"
	"testing"
	"testing/synctest"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/audit"
)

// The audit gives exactly the findings of the corpus, which was written before it, and names the cause of every difference
// between its sources.
func TestCorpus(t *testing.T) {
	for _, c := range corpus(t) {
		t.Run(c.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, c)
				report := w.audit(nil)
				if diff := gocmp.Diff(w.expected(), found(report)); diff != "" {
					t.Errorf("%s\nfindings (-want +got):\n%s", c.Reason, diff)
				}
				want := slices.SortedFunc(slices.Values(w.c.Disagreements), byPlace)
				if diff := gocmp.Diff(want, disagreements(report)); diff != "" {
					t.Errorf("%s\ndisagreements (-want +got):\n%s", c.Reason, diff)
				}
				w.checkActions(report)
				for _, f := range report.Findings {
					if f.Evidence.Summary == "" || len(f.Coverage) == 0 || f.Remediation.Summary == "" {
						t.Errorf("%s lacks evidence, coverage or remediation: %+v", f.Rule, f)
					}
				}
			})
		})
	}
}

func (w *world) expected() []expectedFinding {
	out := make([]expectedFinding, 0, len(w.c.Findings))
	for _, f := range w.c.Findings {
		f.Resource, f.Includes, f.Excludes = w.fill(f.Resource), nil, nil
		out = append(out, f)
	}
	slices.SortFunc(out, byAll)
	return out
}

func found(r audit.Report) []expectedFinding {
	out := make([]expectedFinding, 0, len(r.Findings))
	for _, f := range r.Findings {
		out = append(out, expectedFinding{
			Rule: string(f.Rule), Severity: string(f.Severity), Action: f.Action, Resource: f.Resource,
			Verdict: string(f.Verdict), Cause: string(f.Evidence.Cause),
		})
	}
	slices.SortFunc(out, byAll)
	return out
}

func byAll(a, b expectedFinding) int {
	return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Action, b.Action), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Verdict, b.Verdict))
}

func disagreements(r audit.Report) []disagreement {
	var out []disagreement
	for _, p := range r.Permissions {
		if p.Disagree {
			out = append(out, disagreement{
				Action: p.Action, Resource: p.Resource, Offline: string(p.Sources[0].Verdict), Live: string(p.Sources[1].Verdict), Cause: string(p.Cause),
			})
		}
	}
	slices.SortFunc(out, byPlace)
	return out
}

func byPlace(a, b disagreement) int {
	return cmp.Or(cmp.Compare(a.Action, b.Action), cmp.Compare(a.Resource, b.Resource))
}

// checkActions compares what a pattern stands for with what the case says of it.
func (w *world) checkActions(r audit.Report) {
	for _, want := range w.c.Findings {
		for _, got := range r.Findings {
			if string(got.Rule) != want.Rule || got.Action != want.Action || got.Resource != w.fill(want.Resource) {
				continue
			}
			for _, name := range want.Includes {
				if !slices.Contains(got.Evidence.Actions, name) {
					w.t.Errorf("%s %s: %s is missing of %v", want.Rule, want.Action, name, got.Evidence.Actions)
				}
			}
			for _, name := range want.Excludes {
				if slices.Contains(got.Evidence.Actions, name) {
					w.t.Errorf("%s %s: got %s among %v", want.Rule, want.Action, name, got.Evidence.Actions)
				}
			}
		}
	}
}
