package archive

import (
	"time"

	"github.com/arngate/arngate/shared/audit"
)

// merge puts the findings of an audit together with what is known of the provider. The audit gave them their states by what was
// known when it began; another one may have ended since. report are the findings as its report is to have them, known as they are
// from now on: with those that the audit says nothing of, resolved ones only if they were seen after since.
func merge(before, found []audit.Finding, since time.Time) (report, known []audit.Finding) {
	last := map[string]audit.Finding{}
	for _, f := range before {
		last[f.Fingerprint] = f
	}
	report = make([]audit.Finding, 0, len(found))
	for _, f := range found {
		old, ok := last[f.Fingerprint]
		delete(last, f.Fingerprint)
		f.Suppression = nil // they lie apart
		if ok {
			var news bool
			if f, news = follow(old, f); !news {
				known = append(known, f)
				continue
			}
		}
		report, known = append(report, f), append(known, f)
	}
	for _, old := range before {
		if _, left := last[old.Fingerprint]; !left {
			continue
		}
		old.Suppression = nil
		if old.State != audit.Resolved {
			old.State, old.Rechecked = audit.Unchanged, false
		}
		if old.State != audit.Resolved || old.LastSeen.After(since) {
			known = append(known, old)
		}
	}
	return report, known
}

// follow is a finding as it stands to what was known of it; news is false if nothing is left to be said of it.
func follow(old, f audit.Finding) (now audit.Finding, news bool) {
	switch {
	case old.State == audit.Resolved && (f.State == audit.Resolved || !f.Rechecked):
		return old, false
	case old.State == audit.Resolved:
		f.State, f.FirstSeen = audit.New, f.LastSeen
	case f.State == audit.New:
		f.State, f.FirstSeen = audit.Unchanged, old.FirstSeen
	}
	return f, true
}
