package auditworker

import (
	"context"
	"strings"
	"time"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/archive"
	"github.com/arngate/arngate/shared/audit/dispatch"
	"github.com/arngate/arngate/shared/audit/verdict"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/telemetry"
)

// The types of events.
const (
	FindingAppeared = "Finding Appeared" // it is new, or came back
	FindingResolved = "Finding Resolved" // it is gone
)

// Detail is what an event says.
type Detail struct {
	Version  string  `json:"version"` // of this form; members are added without changing it
	Site     string  `json:"site"`
	Provider string  `json:"provider"`
	Audit    string  `json:"audit"`
	Finding  Finding `json:"finding"`
}

// Finding is what an event says of a finding. The rest is to be had by its fingerprint.
type Finding struct {
	Fingerprint string          `json:"fingerprint"`
	Rule        audit.Rule      `json:"rule"`
	Severity    audit.Severity  `json:"severity"`
	Action      string          `json:"action"`
	Resource    string          `json:"resource"`
	Verdict     verdict.Verdict `json:"verdict"`
	Summary     string          `json:"summary"`
	Remedy      string          `json:"remedy"`
	FirstSeen   time.Time       `json:"first_seen"`
	LastSeen    time.Time       `json:"last_seen"`
	Suppressed  bool            `json:"suppressed"`
}

// announce tells whoever listens how an audit ended, unless that has been done. If it is lost on the way it is done again: each
// event is sent at least once.
func (w *Worker) announce(ctx context.Context, of archive.Audit) error {
	if of.Announced {
		return nil
	}
	told := telemetry.Audit{
		Site: of.Site, Provider: of.Provider, ID: of.ID, Problem: of.Problem, Duration: of.FinishedAt.Sub(of.StartedAt),
	}
	if of.Status == archive.Done && !of.Superseded {
		report, err := w.deps.Archive.Report(ctx, of.Site, of.ID)
		if err != nil {
			return err
		}
		if err := w.deps.Bus.Put(ctx, w.news(report)); err != nil {
			return err
		}
		told.Findings = map[string]int{}
		for severity, count := range of.Findings {
			told.Findings[string(severity)] = count
		}
		told.Unusable = of.ProviderStatus != registry.Ready
	}
	w.deps.Telemetry.Audited(ctx, told)
	return w.deps.Archive.Announced(ctx, of.Site, of.ID)
}

// news are the events of a report: what appeared or was resolved at the severity that is asked for, or above. What is suppressed
// is none, unless it is critical.
func (w *Worker) news(report audit.Report) []dispatch.Event {
	var out []dispatch.Event
	for _, f := range report.Findings {
		if !f.Severity.AtLeast(w.deps.Severity) || (f.Suppression != nil && f.Severity != audit.Critical) {
			continue
		}
		event := dispatch.Event{Time: report.FinishedAt}
		switch f.State {
		case audit.New:
			event.Type = FindingAppeared
		case audit.Resolved:
			event.Type = FindingResolved
		case audit.Unchanged:
			continue
		}
		if strings.HasPrefix(report.Identity, "arn:") {
			event.Resources = []string{report.Identity}
		}
		event.Detail = Detail{Version: "1", Site: report.Site, Provider: report.Provider, Audit: report.ID, Finding: Finding{
			Fingerprint: f.Fingerprint, Rule: f.Rule, Severity: f.Severity, Action: f.Action, Resource: f.Resource, Verdict: f.Verdict,
			Summary: f.Evidence.Summary, Remedy: f.Remediation.Summary, FirstSeen: f.FirstSeen, LastSeen: f.LastSeen, Suppressed: f.Suppression != nil,
		}}
		out = append(out, event)
	}
	return out
}
