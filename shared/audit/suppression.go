package audit

import (
	"errors"
	"strings"
	"time"
)

// MaxSuppression is how long a finding may be suppressed.
const MaxSuppression = 90 * 24 * time.Hour

// Suppression says that a finding is known and accepted for a time. It never changes what was found: the finding stays
// visible, an unsafe provider stays unsafe, and a critical finding is counted all the same.
type Suppression struct {
	Fingerprint string    `json:"fingerprint" doc:"The finding's"`
	Reason      string    `json:"reason" doc:"Why it is accepted"`
	By          string    `json:"by" doc:"Who said so"`
	Set         time.Time `json:"set" doc:"When"`
	Until       time.Time `json:"until" doc:"When it ends"`
}

// What Validate finds wrong.
var (
	ErrNoReason  = errors.New("must say why the finding is accepted")
	ErrNotFuture = errors.New("must be in the future")
	ErrTooLong   = errors.New("must be at most 90 days from now")
)

// Validate returns [ErrNoReason], [ErrNotFuture] or [ErrTooLong], joined, or nil.
func (s Suppression) Validate(now time.Time) error {
	var faults []error
	if strings.TrimSpace(s.Reason) == "" {
		faults = append(faults, ErrNoReason)
	}
	if !s.Until.After(now) {
		faults = append(faults, ErrNotFuture)
	}
	if s.Until.Sub(now) > MaxSuppression {
		faults = append(faults, ErrTooLong)
	}
	return errors.Join(faults...)
}

// Suppress returns the findings with the suppressions that match their fingerprints exactly and have not ended.
func Suppress(findings []Finding, all []Suppression, now time.Time) []Finding {
	active := map[string]Suppression{}
	for _, s := range all {
		if s.Until.After(now) {
			active[s.Fingerprint] = s
		}
	}
	out := make([]Finding, 0, len(findings))
	for _, f := range findings {
		f.Suppression = nil
		if s, ok := active[f.Fingerprint]; ok {
			f.Suppression = &s
		}
		out = append(out, f)
	}
	return out
}

// Counts returns how many findings there are of each severity that metrics and events are to tell: without those resolved, and
// without those suppressed unless they are critical. Every severity is in it.
func Counts(findings []Finding) map[Severity]int {
	counts := map[Severity]int{}
	for _, s := range Severities() {
		counts[s] = 0
	}
	for _, f := range findings {
		if f.State != Resolved && (f.Suppression == nil || f.Severity == Critical) {
			counts[f.Severity]++
		}
	}
	return counts
}
