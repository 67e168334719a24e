package report

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/arngate/arngate/shared/audit"
)

const (
	schemaURI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	toolURI   = "https://github.com/arngate/arngate"
	// fingerprintName is the name of a finding's fingerprint; the number counts the ways in which it is made.
	fingerprintName = "arngateFinding/v1"
)

// SARIF renders r in the Static Analysis Results Interchange Format 2.1.0 (OASIS Standard with Errata 01): a run of one result for
// each finding. Resolved findings are results whose baseline state is absent; suppressed ones carry who said so, and why.
func SARIF(r audit.Report) ([]byte, error) {
	log := sarif.NewReport()
	log.Schema = schemaURI
	log.AddRun(runOf(r))
	var b bytes.Buffer
	if err := log.Write(&b); err != nil {
		return nil, fmt.Errorf("write SARIF: %w", err)
	}
	return b.Bytes(), nil
}

func runOf(r audit.Report) *sarif.Run {
	run := sarif.NewRunWithInformationURI("Arngate", toolURI)
	run.Tool.Driver.WithVersion(r.Version).WithLanguage("en")
	run.WithLanguage("en")
	run.WithAutomationDetails(sarif.NewRunAutomationDetails().WithID(
		"arngate/" + url.PathEscape(r.Site) + "/" + url.PathEscape(r.Provider) + "/" + url.PathEscape(r.ID),
	))
	run.AddInvocation(sarif.NewInvocation().WithExecutionSuccessful(true).
		WithStartTimeUtc(instant(r.StartedAt)).WithEndTimeUtc(instant(r.FinishedAt)))
	run.WithProperties(properties(map[string]any{
		"site": r.Site, "provider": r.Provider, "identity": r.Identity, "account": r.Account, "status": string(r.Verification.Status),
		"connections": r.Connections, "changed": string(r.Changed), "coverage": r.Coverage,
	}))
	for _, f := range r.Findings {
		run.AddResult(resultOf(r, f).WithRuleIndex(describeRule(run, f)))
	}
	return run
}

// describeRule adds the rule of a finding to the run unless it is there, and returns its place.
func describeRule(run *sarif.Run, f audit.Finding) int {
	id := string(f.Rule)
	if index := run.GetRuleIndex(id); index >= 0 {
		return index
	}
	words := ruleOf(f.Rule)
	rule := run.AddRule(id).WithName(camel(id)).
		WithShortDescription(multiformat(words.title + ".")).
		WithDefaultConfiguration(sarif.NewReportingConfiguration().WithLevel(levelOf(f.Severity)))
	if words.risk != "" {
		rule.WithFullDescription(multiformat(words.risk)).WithHelp(multiformat(words.risk))
	}
	bag := properties(map[string]any{"security-severity": scoreOf(f.Severity), "problem.severity": levelOf(f.Severity)})
	rule.WithProperties(bag.WithTags([]string{"security", "aws", "iam"}))
	return run.GetRuleIndex(id)
}

func resultOf(r audit.Report, f audit.Finding) *sarif.Result {
	text := ruleOf(f.Rule).title + ": " + f.Evidence.Summary
	if f.Remediation.Summary != "" {
		text += " " + f.Remediation.Summary
	}
	result := sarif.NewRuleResult(string(f.Rule)).WithLevel(levelOf(f.Severity)).
		WithMessage(sarif.NewTextMessage(literal(text))).
		WithFingerprints(map[string]string{fingerprintName: f.Fingerprint}).
		WithPartialFingerprints(map[string]string{fingerprintName: f.Fingerprint}).
		WithLocations([]*sarif.Location{locationOf(r, f)}).
		WithBaselineState(baselineOf(f.State))
	if f.Suppression != nil {
		result.WithSuppressions([]*sarif.Suppression{sarif.NewSuppression().
			WithKind("external").WithStatus("accepted").WithJustification(f.Suppression.Reason).
			WithProperties(properties(map[string]any{"by": f.Suppression.By, "set": f.Suppression.Set, "until": f.Suppression.Until}))})
	}
	return result.WithProperties(properties(map[string]any{
		"severity": string(f.Severity), "action": f.Action, "resource": f.Resource, "verdict": string(f.Verdict),
		"evidence": f.Evidence, "coverage": f.Coverage, "remediation": f.Remediation,
		"firstSeen": f.FirstSeen, "lastSeen": f.LastSeen, "rechecked": f.Rechecked,
	}))
}

// locationOf says where a finding is: a provider stands for the file that tools ask for, and what the statement's policy is, or else
// the identity, for the place in it.
func locationOf(r audit.Report, f audit.Finding) *sarif.Location {
	place := sarif.NewLogicalLocation().WithKind("resource").WithName(f.Action).WithFullyQualifiedName(f.Resource)
	location := sarif.NewLocationWithPhysicalLocation(sarif.NewPhysicalLocation().WithArtifactLocation(
		sarif.NewSimpleArtifactLocation("providers/" + url.PathEscape(r.Provider)),
	))
	location.WithLogicalLocations([]*sarif.LogicalLocation{place})
	if s := f.Evidence.Statement; s != nil {
		location.LogicalLocations = append(location.LogicalLocations, sarif.NewLogicalLocation().
			WithKind("declaration").WithName(s.Policy).WithFullyQualifiedName(statementName(*s)))
	}
	return location
}

// statementName says which statement it is, for people.
func statementName(s audit.Statement) string {
	name := s.Policy
	if s.ARN != "" {
		name = s.ARN
	}
	if s.Group != "" {
		name += " of group " + s.Group
	}
	name += fmt.Sprintf(", statement %d", s.Index+1)
	if s.Sid != "" {
		name += " (" + s.Sid + ")"
	}
	return name
}

// instant is a time as SARIF writes it. (section 3.9)
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func levelOf(s audit.Severity) string {
	switch s {
	case audit.Critical, audit.High:
		return "error"
	case audit.Medium:
		return "warning"
	case audit.Info:
	}
	return "note"
}

// scoreOf is a severity on the scale of CVSS, by which GitHub orders what it is given ("SARIF support for code scanning").
func scoreOf(s audit.Severity) string {
	switch s {
	case audit.Critical:
		return "9.5"
	case audit.High:
		return "8.0"
	case audit.Medium:
		return "5.0"
	case audit.Info:
	}
	return "1.0"
}

func baselineOf(s audit.State) string {
	switch s {
	case audit.New:
		return "new"
	case audit.Resolved:
		return "absent"
	case audit.Unchanged:
	}
	return "unchanged"
}

// literal keeps text from being read as a message with links or placeholders. (SARIF 2.1.0 sections 3.11.5 and 3.11.6)
func literal(text string) string {
	return strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `{`, `{{`, `}`, `}}`).Replace(visible(text))
}

func multiformat(text string) *sarif.MultiformatMessageString {
	return sarif.NewMultiformatMessageString().WithText(text)
}

func properties(values map[string]any) *sarif.PropertyBag {
	bag := sarif.NewPropertyBag()
	for name, value := range values {
		bag.Add(name, value)
	}
	return bag
}

// camel makes a rule's name of its id, as SARIF shows names: write_excess becomes WriteExcess.
func camel(id string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(id, "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}
