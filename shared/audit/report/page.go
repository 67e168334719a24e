package report

import (
	"strings"
	"time"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/verdict"
)

// page is a report as it is shown. All of its text from outside has passed visible or escaped.
type page struct {
	Provider, Site, Account, Identity, Method, ID, Version string

	Started    moment
	Took       string
	Status     label
	Headline   string
	Answers    []answer
	Severities []severityCount
	Connected  int // how many connections were compared

	Matrices    []matrix
	Permissions []permission

	Fixes      bool      // some findings have commands
	Findings   []finding // that stand and aren't suppressed, or are critical all the same
	Suppressed []finding
	Resolved   []finding

	Change   string
	First    bool
	News     []finding // among Findings and Suppressed
	Unlooked []finding
	Checks   []check
	Coverage coverage
}

type severityCount struct {
	Label label
	Count int
}

type permission struct {
	Action, Resource, Cause string
	Connections             []string
	Label                   label
	Differ                  bool
	Sources                 []observation
}

type observation struct {
	Source, Request, Answer, RequestID, Cause, Statement, Detail string

	Label   label
	Missing []string
}

type check struct {
	Title, Evidence, Remedy string

	Label label
}

type coverage struct {
	Trust, Policies, Control    label
	Probes, Unproven, STS, Sets int
	IsUser                      bool
	Gaps                        []gap
	Limits                      []string
}

type gap struct{ Action, Resource, Code string }

func pageOf(r audit.Report) page {
	p := page{
		Provider: visible(r.Provider), Site: visible(r.Site), Account: visible(r.Account), Identity: visible(r.Identity),
		Method: methodText(r.Method), ID: visible(r.ID), Version: visible(r.Version),
		Started: momentOf(r.StartedAt), Took: took(r.FinishedAt.Sub(r.StartedAt)),
		Answers: answers(r), Connected: len(r.Connections), Change: changeText(r.Changed), First: r.Changed == audit.ChangeFirst,
		Coverage: coverageOf(r),
	}
	p.Status, p.Headline = headline(r)
	anchors := map[string]string{}
	for _, f := range r.Findings {
		shown := findingOf(f)
		p.sort(f, shown)
		if f.State != audit.Resolved {
			anchors[permissionKey(f.Action, f.Resource)] = shown.Anchor
		}
	}
	commands := map[string]*reference{}
	share(p.Findings, commands)
	share(p.Suppressed, commands)
	p.Fixes = len(commands) > 0
	p.Severities = severities(r)
	p.Matrices = matrices(r, anchors)
	for _, each := range r.Permissions {
		p.Permissions = append(p.Permissions, permissionOf(each))
	}
	for _, c := range r.Verification.Checks {
		p.Checks = append(p.Checks, check{Title: visible(checkTitle(c.Name)), Evidence: visible(c.Evidence), Remedy: visible(c.Remedy), Label: checkLabel(c.Verdict)})
	}
	return p
}

// sort puts a finding where it is shown.
func (p *page) sort(f audit.Finding, shown finding) {
	switch {
	case f.State == audit.Resolved:
		p.Resolved = append(p.Resolved, shown)
		return
	case f.Suppression != nil && f.Severity != audit.Critical:
		p.Suppressed = append(p.Suppressed, shown)
	default:
		p.Findings = append(p.Findings, shown)
	}
	if f.State == audit.New {
		p.News = append(p.News, shown)
	} else if !f.Rechecked {
		p.Unlooked = append(p.Unlooked, shown)
	}
}

// severities counts what audit.Counts counts, so that page and metrics say the same.
func severities(r audit.Report) []severityCount {
	counts := audit.Counts(r.Findings)
	var out []severityCount
	for _, s := range audit.Severities() {
		out = append(out, severityCount{severityLabel(s), counts[s]})
	}
	return out
}

func permissionOf(p audit.Permission) permission {
	out := permission{
		Action: visible(p.Action), Resource: visible(p.Resource), Connections: visibleAll(p.Connections),
		Label: verdictLabel(p.Verdict), Differ: p.Disagree, Sources: observations(p.Sources),
	}
	if p.Verdict != verdict.Allowed || p.Disagree {
		out.Cause = causeText(p.Cause)
	}
	return out
}

func observations(all []audit.Observation) []observation {
	out := make([]observation, 0, len(all))
	for _, o := range all {
		shown := observation{
			Source: visible(sourceText(o.Source)), Request: visible(o.Request), RequestID: visible(o.RequestID), Label: verdictLabel(o.Verdict),
			Cause: visible(causeText(o.Cause)), Detail: visible(o.Detail), Missing: visibleAll(o.Missing), Answer: visible(answerText(o)),
		}
		if o.Statement != nil {
			shown.Statement = visible(statementName(*o.Statement))
		}
		out = append(out, shown)
	}
	return out
}

func coverageOf(r audit.Report) coverage {
	c := coverage{
		Trust: label{"Not read", toneUnknown}, Policies: policiesText(r.Coverage.Policies), Control: label{"Not made", toneUnknown},
		Probes: r.Coverage.Probes, Unproven: r.Coverage.Unproven, STS: r.Coverage.STSCalls, Sets: r.Coverage.Sets,
		IsUser: r.Method != "assume_role", Limits: visibleAll(r.Coverage.Limits),
	}
	if r.Coverage.Trust {
		c.Trust = label{"Read", toneGood}
	}
	if r.Coverage.Control {
		c.Control = label{"Made", toneGood}
	}
	for _, g := range r.Coverage.Gaps {
		c.Gaps = append(c.Gaps, gap{visible(g.Action), visible(g.Resource), visible(g.Code)})
	}
	return c
}

func visibleAll(texts []string) []string {
	out := make([]string, 0, len(texts))
	for _, t := range texts {
		out = append(out, visible(t))
	}
	return out
}

// took is a duration in seconds, for people.
func took(d time.Duration) string {
	return strings.TrimSuffix(d.Round(100*time.Millisecond).String(), "0s") // a whole minute stays 1m
}
