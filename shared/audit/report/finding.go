package report

import (
	"slices"
	"strconv"
	"strings"

	"github.com/arngate/arngate/shared/audit"
)

// finding is one as it is shown.
type finding struct {
	Anchor, Fingerprint string
	Severity, State     label
	Title, Risk         string
	About               string // the action, where the title is about one
	Summary             string
	Action, Resource    string
	Verdict             label
	Cause, Statement    string
	Connections         []string
	Actions             []string
	FirstSeen, LastSeen moment
	Seen                []observation
	Fix                 fix
	Suppression         *suppression
}

// fix is what to do; its texts are to be copied as they stand.
type fix struct {
	Summary, Policy, Commands string

	Steps []string
	Same  *reference // to the finding whose commands resolve this one too; then it has none of its own
}

// reference names a finding that is on the page.
type reference struct{ Anchor, Title, About string }

type suppression struct {
	Reason, By string
	Set, Until moment
}

func findingOf(f audit.Finding) finding {
	words := ruleOf(f.Rule)
	shown := finding{
		Anchor: "finding-" + anchor(f.Fingerprint), Fingerprint: visible(f.Fingerprint),
		Severity: severityLabel(f.Severity), State: stateLabel(f), Title: visible(words.title), Risk: words.risk,
		Summary: visible(f.Evidence.Summary), Action: visible(f.Action), Resource: visible(f.Resource),
		Verdict: verdictLabel(f.Verdict), Cause: causeText(f.Evidence.Cause),
		Connections: visibleAll(f.Evidence.Connections), Actions: visibleAll(f.Evidence.Actions),
		FirstSeen: momentOf(f.FirstSeen), LastSeen: momentOf(f.LastSeen), Seen: observations(f.Coverage),
		Fix: fix{
			Summary: visible(f.Remediation.Summary), Policy: escaped(f.Remediation.Policy),
			Commands: escaped(strings.Join(f.Remediation.Commands, "\n")), Steps: visibleAll(f.Remediation.Steps),
		},
	}
	if aboutAction(f.Rule) {
		shown.About = shown.Action
	}
	if s := f.Evidence.Statement; s != nil {
		shown.Statement = visible(statementName(*s))
	}
	if s := f.Suppression; s != nil {
		shown.Suppression = &suppression{Reason: visible(s.Reason), By: visible(s.By), Set: momentOf(s.Set), Until: momentOf(s.Until)}
	}
	return shown
}

// aboutAction reports whether a rule's findings differ by their action.
func aboutAction(r audit.Rule) bool {
	return slices.Contains([]audit.Rule{
		audit.RuleMissing, audit.RuleRequiredUnknown, audit.RuleWriteExcess, audit.RuleReadExcess, audit.RuleTooWide, audit.RuleEscalation,
	}, r)
}

// share leaves the commands to the first of the findings that they resolve.
func share(all []finding, known map[string]*reference) {
	for i := range all {
		f := &all[i]
		if f.Fix.Commands == "" {
			continue
		}
		if first, ok := known[f.Fix.Commands]; ok {
			f.Fix.Same, f.Fix.Commands, f.Fix.Policy = first, "", ""
			continue
		}
		known[f.Fix.Commands] = &reference{Anchor: f.Anchor, Title: f.Title, About: f.About}
	}
}

// anchor keeps of a fingerprint what an id may hold.
func anchor(fingerprint string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, fingerprint)
}

// answerText is what AWS answered, in short.
func answerText(o audit.Observation) string {
	switch {
	case o.Status == 0:
		return o.Code
	case o.Code == "":
		return strconv.Itoa(o.Status)
	}
	return strconv.Itoa(o.Status) + " " + o.Code
}
