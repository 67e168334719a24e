package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/verdict"
	"github.com/arngate/arngate/shared/registry"
)

func clean(t *testing.T) audit.Report {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "clean.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r audit.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func with(rule audit.Rule, severity audit.Severity, state audit.State, suppressed bool) func(*audit.Report) {
	return func(r *audit.Report) {
		f := audit.Finding{Fingerprint: "f", Rule: rule, Severity: severity, State: state, Rechecked: true}
		if suppressed {
			f.Suppression = &audit.Suppression{Reason: "known"}
		}
		r.Findings = append(r.Findings, f)
	}
}

// The three answers, and the line above them, for what an audit can find. Yes is said only where everything was looked at.
func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*audit.Report)
		want   string // headline: kept out, needs, nothing more
	}{
		"clean":                    {func(*audit.Report) {}, "In order: Yes, Yes, Yes"},
		"policies read in part":    {func(r *audit.Report) { r.Coverage.Policies = audit.PoliciesPartly }, "Not all seen: Yes, Yes, Unknown"},
		"policies not read":        {func(r *audit.Report) { r.Coverage.Policies = audit.PoliciesNotRead }, "Not all seen: Yes, Yes, Unknown"},
		"a probe proved nothing":   {func(r *audit.Report) { r.Coverage.Unproven = 1 }, "Not all seen: Yes, Yes, Yes"},
		"foreign principal":        {with(audit.RuleForeignPrincipal, audit.High, audit.New, false), "Needs attention: No, Yes, Yes"},
		"one that is accepted":     {with(audit.RuleForeignPrincipal, audit.High, audit.Unchanged, true), "As accepted: No, Yes, Yes"},
		"one that is gone":         {with(audit.RuleForeignPrincipal, audit.High, audit.Resolved, false), "In order: Yes, Yes, Yes"},
		"accepted, but critical":   {with(audit.RuleAdmin, audit.Critical, audit.Unchanged, true), "Critical: Yes, Yes, No"},
		"escalation":               {with(audit.RuleEscalation, audit.Critical, audit.New, false), "Critical: Yes, Yes, No"},
		"unscoped keys":            {with(audit.RuleUnscopedKeys, audit.High, audit.New, false), "Needs attention: Yes, Yes, No"},
		"reads too much":           {with(audit.RuleReadExcess, audit.Medium, audit.New, false), "Could be better: Yes, Yes, No"},
		"trust can't be told":      {with(audit.RuleTrustUnknown, audit.Info, audit.New, false), "Not all seen: Unknown, Yes, Yes"},
		"root keys":                {with(audit.RuleRootKeys, audit.Critical, audit.New, false), "Critical: No, Yes, No"},
		"unsafe":                   {func(r *audit.Report) { r.Verification.Status = registry.Unsafe }, "Unsafe: No, Yes, Yes"},
		"unusable":                 {func(r *audit.Report) { r.Verification.Status = registry.Unusable }, "Unusable: Unknown, No, Yes"},
		"an action can't be told":  {func(r *audit.Report) { r.Permissions[3].Verdict = verdict.Unknown }, "Not all seen: Yes, Unknown, Yes"},
		"an action isn't granted":  {func(r *audit.Report) { r.Permissions[3].Verdict = verdict.DeniedImplicit }, "Needs attention: Yes, No, Yes"},
		"an action is denied":      {func(r *audit.Report) { r.Permissions[3].Verdict = verdict.DeniedExplicit }, "Needs attention: Yes, No, Yes"},
		"no connection":            {func(r *audit.Report) { r.Connections, r.Permissions = nil, nil }, "In order: Yes, Nothing needed, Yes"},
		"nothing was tried":        {func(r *audit.Report) { r.Permissions = nil }, "Not all seen: Yes, Unknown, Yes"},
		"a user's keys":            {func(r *audit.Report) { r.Method, r.Coverage.Trust = registry.AccessKeys, false }, "In order: Yes, Yes, Yes"},
		"trust policy wasn't read": {func(r *audit.Report) { r.Coverage.Trust = false }, "In order: Yes, Yes, Yes"},
	} {
		r := clean(t)
		c.change(&r)
		status, _ := headline(r)
		var words []string
		for _, a := range answers(r) {
			words = append(words, a.Label.Text)
			if good := strings.HasPrefix(a.Label.Text, "Yes"); good != (a.Label.Tone == toneGood) {
				t.Errorf("%s: %s is shown as %s", name, a.Label.Text, a.Label.Tone)
			}
		}
		if got := status.Text + ": " + strings.Join(words, ", "); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

// What isn't known can't be in order.
func TestNothingUnknownIsInOrder(t *testing.T) {
	for name, change := range map[string]func(*audit.Report){
		"trust": with(audit.RuleTrustUnknown, audit.Info, audit.New, false), "an action": with(audit.RuleRequiredUnknown, audit.Info, audit.New, false),
		"excess": with(audit.RuleExcessUnknown, audit.Info, audit.New, false),
	} {
		r := clean(t)
		change(&r)
		if status, text := headline(r); status.Tone == toneGood {
			t.Errorf("%s can't be told, and the report says %s: %s", name, status.Text, text)
		}
	}
}

// A cell shows the worst verdict, and of how many resources it is.
func TestCells(t *testing.T) {
	const (
		yes, no, never, unclear = verdict.Allowed, verdict.DeniedImplicit, verdict.DeniedExplicit, verdict.Unknown
	)
	for want, verdicts := range map[string][]verdict.Verdict{
		"Allowed good": {yes, yes}, "1 of 2 not granted bad": {yes, no}, "1 of 3 denied bad": {no, never, yes}, "2 of 3 unknown unknown": {unclear, yes, unclear},
		"Not granted bad": {no, no}, "1 of 2 not granted bad ": {unclear, no}, "1 of 2 denied bad": {unclear, never}, "Unknown unknown": {unclear},
	} {
		var all []audit.Permission
		for i, v := range verdicts {
			all = append(all, audit.Permission{Action: "s3:GetObject", Resource: string(rune('a' + i)), Verdict: v, Cause: verdict.KMS})
		}
		c := cellOf("GetObject", all, map[string]string{permissionKey("s3:GetObject", "a"): "first"})
		if got := c.Label.Text + " " + string(c.Label.Tone); got != strings.TrimSpace(want) {
			t.Errorf("%v: got %s, want %s", verdicts, got, want)
		}
		if denied := c.Label.Tone == toneBad; denied != (c.Cause == "KMS key") {
			t.Errorf("%v: cause %q", verdicts, c.Cause)
		}
	}
	if c := cellOf("GetObject", nil, nil); c.Needed {
		t.Error("an action that nothing needs is needed")
	}
}

// Rows and columns are in the order of their names, with a cell for each pair.
func TestMatrices(t *testing.T) {
	r := audit.Report{Permissions: []audit.Permission{
		{Connections: []string{"b"}, Action: "s3:PutObject", Verdict: verdict.Allowed},
		{Connections: []string{"b", "a"}, Action: "s3:GetObject", Verdict: verdict.DeniedExplicit},
		{Connections: []string{"c"}, Action: "dynamodb:Query", Verdict: verdict.Allowed},
		{Connections: []string{"d"}, Action: "other:Thing", Verdict: verdict.Allowed},
	}}
	var got []string
	for _, m := range matrices(r, nil) {
		line := m.Service + " " + strings.Join(m.Actions, " ") + ":"
		for _, row := range m.Rows {
			line += " " + row.Connection
			for _, c := range row.Cells {
				line += " [" + c.Label.Text + "]"
			}
		}
		got = append(got, line)
	}
	want := []string{"DynamoDB Query: c [Allowed]", "other Thing: d [Allowed]", "S3 GetObject PutObject: a [Denied] [] b [Denied] [Allowed]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("matrices (-want +got):\n%s", diff)
	}
}

// Whoever reads the page is told when the trust policy was only tried, not read.
func TestTrustThatWasOnlyTried(t *testing.T) {
	r := clean(t)
	r.Coverage.Trust = false
	if got := strangers(r).Text; !strings.Contains(got, "could not be read") {
		t.Errorf("got %s", got)
	}
}
