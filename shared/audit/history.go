package audit

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// compare gives the findings of an audit their state and times, by those of the audit before, and adds those that are gone
// since: resolved, if the audit could look at what they are about, else as they were. What was resolved before is dropped.
func compare(before, now []Finding, at time.Time, looked func(Finding) bool) []Finding {
	known := map[string]Finding{}
	for _, f := range before {
		if f.State != Resolved {
			known[f.Fingerprint] = f
		}
	}
	out := make([]Finding, 0, len(now)+len(known))
	for _, f := range now {
		f.State, f.FirstSeen, f.LastSeen, f.Rechecked = New, at, at, true
		if old, ok := known[f.Fingerprint]; ok {
			f.State, f.FirstSeen = Unchanged, old.FirstSeen
			delete(known, f.Fingerprint)
		}
		out = append(out, f)
	}
	for _, f := range known {
		f.State, f.Rechecked, f.Suppression = Unchanged, looked(f), nil
		if f.Rechecked {
			f.State = Resolved
		}
		out = append(out, f)
	}
	slices.SortFunc(out, order)
	return out
}

// order puts the worst first, and is the same for the same findings.
func order(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(a.Severity.rank(), b.Severity.rank()), strings.Compare(string(a.Rule), string(b.Rule)),
		strings.Compare(a.Action, b.Action), strings.Compare(a.Resource, b.Resource), strings.Compare(a.Fingerprint, b.Fingerprint),
	)
}
