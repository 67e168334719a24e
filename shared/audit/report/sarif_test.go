package report_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/report"
)

// read is a report in SARIF as a tool reads it. It fails the test unless the bytes fit the JSON schema of SARIF 2.1.0 (Errata 01),
// which the library carries, and unless the library's types hold all of them, so that nothing goes unchecked.
func read(t *testing.T, r audit.Report) *sarif.Report {
	t.Helper()
	text, err := report.SARIF(r)
	if err != nil {
		t.Fatal(err)
	}
	log, err := sarif.FromBytes(text, sarif.WithStrictValidation())
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(log)
	if err != nil {
		t.Fatal(err)
	}
	var sent, known any
	if json.Unmarshal(text, &sent) != nil || json.Unmarshal(again, &known) != nil {
		t.Fatal("no JSON")
	}
	if diff := cmp.Diff(sent, known); diff != "" {
		t.Errorf("the library doesn't know (-written +known):\n%s", diff)
	}
	if err := log.Validate(); err != nil {
		t.Errorf("the report doesn't fit the schema: %v", err)
	}
	return log
}

func TestSARIFFitsItsSchema(t *testing.T) {
	for name, r := range samples(t) {
		t.Run(name, func(t *testing.T) {
			read(t, r)
			read(t, renamed(t, r, hostile))
		})
	}
	read(t, audit.Report{})
}

// The schema is looked at: what doesn't fit is refused.
func TestSARIFSchemaRefuses(t *testing.T) {
	for name, breakIt := range map[string]func(*sarif.Report){
		"level":    func(r *sarif.Report) { r.Runs[0].Results[0].Level = "severe" },
		"version":  func(r *sarif.Report) { r.Version = "2.0.0" },
		"no tool":  func(r *sarif.Report) { r.Runs[0].Tool = nil },
		"message":  func(r *sarif.Report) { r.Runs[0].Results[0].Message = nil },
		"baseline": func(r *sarif.Report) { r.Runs[0].Results[0].WithBaselineState("gone") },
	} {
		log := read(t, sample(t, "busy"))
		breakIt(log)
		if log.Validate() == nil {
			t.Errorf("%s: a report that is none fits the schema", name)
		}
	}
}

func TestSARIFHasEveryFinding(t *testing.T) {
	r := sample(t, "busy")
	run := read(t, r).Runs[0]
	if len(run.Results) != len(r.Findings) {
		t.Fatalf("%d results, %d findings", len(run.Results), len(r.Findings))
	}
	levels := map[audit.Severity]string{audit.Critical: "error", audit.High: "error", audit.Medium: "warning", audit.Info: "note"}
	states := map[audit.State]string{audit.New: "new", audit.Unchanged: "unchanged", audit.Resolved: "absent"}
	for i, f := range r.Findings {
		got := run.Results[i]
		if *got.RuleID != string(f.Rule) || got.Level != levels[f.Severity] || *got.BaselineState != states[f.State] {
			t.Errorf("%s: %s %s %s", f.Rule, *got.RuleID, got.Level, *got.BaselineState)
		}
		if rule := run.Tool.Driver.Rules[got.RuleIndex]; *rule.ID != string(f.Rule) || rule.DefaultConfiguration.Level != got.Level {
			t.Errorf("%s: rule %d is %s", f.Rule, got.RuleIndex, *rule.ID)
		}
		if got.Fingerprints["arngateFinding/v1"] != f.Fingerprint || got.PartialFingerprints["arngateFinding/v1"] != f.Fingerprint {
			t.Errorf("%s: fingerprints %v", f.Rule, got.Fingerprints)
		}
		if place := got.Locations[0]; *place.PhysicalLocation.ArtifactLocation.URI != "providers/orders-production" ||
			*place.LogicalLocations[0].FullyQualifiedName != f.Resource {
			t.Errorf("%s: location %+v", f.Rule, place)
		}
		if suppressed := len(got.Suppressions) == 1; suppressed != (f.Suppression != nil) {
			t.Errorf("%s: suppressed %v", f.Rule, suppressed)
		} else if suppressed && *got.Suppressions[0].Justification != f.Suppression.Reason {
			t.Errorf("%s: justified by %s", f.Rule, *got.Suppressions[0].Justification)
		}
		if !strings.Contains(*got.Message.Text, f.Remediation.Summary) {
			t.Errorf("%s: message %s", f.Rule, *got.Message.Text)
		}
	}
	if id := *run.AutomationDetails.ID; id != "arngate/"+r.Site+"/orders-production/"+r.ID {
		t.Errorf("automation id %s", id)
	}
	if start := *run.Invocations[0].StartTimeUtc; start != "2026-11-23T09:00:00.000Z" {
		t.Errorf("started %s", start)
	}
}

// A message of SARIF knows links and placeholders; a customer's text must be neither.
func TestSARIFMessagesAreLiteral(t *testing.T) {
	r := sample(t, "busy")
	r.Findings[0].Evidence.Summary = `See [the fix](https://evil.example) {0} \ ` + "\u202e."
	const want = `See \[the fix\](https://evil.example) {{0}} \\ ⟨U+202E⟩.`
	if got := *read(t, r).Runs[0].Results[0].Message.Text; !strings.Contains(got, want) {
		t.Errorf("message %s, want %s in it", got, want)
	}
}

func TestSARIFIsDeterministic(t *testing.T) {
	r := sample(t, "busy")
	first, err := report.SARIF(r)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if again, err := report.SARIF(r); err != nil || string(again) != string(first) {
			t.Fatalf("two renderings differ: %v", err)
		}
	}
}
