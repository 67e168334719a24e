package audit

import (
	"slices"
	"strings"
	"time"

	"github.com/arngate/arngate/shared/audit/grants"
	"github.com/arngate/arngate/shared/audit/identity"
	"github.com/arngate/arngate/shared/audit/verdict"
	"github.com/arngate/arngate/shared/policy"
)

// judge turns what an audit found out into findings.
type judge struct {
	*work

	run     *run
	s       subject
	granted []grants.Excess // beyond the needs
	fix     fixer
	report  *Report
	found   []Finding
}

// conclude fills in the report.
func (a *Auditor) conclude(run *run, s subject, w *work, previous *Report, report *Report) error {
	report.Method, report.Identity, report.Account = run.provider.Method, s.arn, s.account
	report.Verification, report.Coverage, report.Connections = run.result, w.coverage, []string{}
	for _, c := range s.connections {
		report.Connections = append(report.Connections, c.Name)
	}
	j := &judge{work: w, run: run, s: s, report: report}
	if err := j.weigh(a.options.GatewayRole); err != nil {
		return err
	}
	j.verification()
	j.trusting()
	for i := range report.Permissions {
		j.permission(&report.Permissions[i])
	}
	j.excess()
	report.Changed = changed(previous, report.Effective)
	if report.Changed == ChangeEffective {
		j.change(previous)
	}
	report.FinishedAt = time.Now().UTC()
	var before []Finding
	if previous != nil {
		before = previous.Findings
	}
	report.Findings = compare(before, j.found, report.StartedAt, j.looked)
	return nil
}

// weigh works out what is granted beyond the needs, and what the fixes make of it.
func (j *judge) weigh(gateway string) error {
	var in grants.Input
	if j.identity != nil {
		var err error
		if in, err = j.s.input(j.identity); err != nil {
			return err
		}
		j.granted = grants.Find(in)
	}
	sites := []string{j.run.provider.Site}
	if j.trust != nil {
		sites = j.trust.sites(j.run.provider.Site)
	}
	j.fix = newFixer(j.s, j.identity, gateway, sites, in, j.granted)
	return nil
}

// looked reports whether the audit could look at all that a finding, made by an audit before, is about.
func (j *judge) looked(f Finding) bool {
	switch _, about := f.Rule.severity(); about {
	case fromTrust:
		return j.s.isUser() || j.trust != nil
	case fromPolicies:
		return j.identity != nil && !slices.ContainsFunc(j.identity.Gaps, func(g identity.Gap) bool { return hides(g, f.Evidence.Statement) })
	case fromProbes:
		return j.run.gotIn()
	case fromVerify:
	}
	return true
}

// hides reports whether a gap may hide the policy that a statement stands in; of an unknown one any may.
func hides(g identity.Gap, s *Statement) bool {
	switch {
	case s == nil:
		return true
	case s.Group != "":
		return strings.Contains(g.Action, "Group") || g.Resource == s.ARN
	case s.ARN != "":
		return strings.Contains(g.Action, "Attached") || g.Resource == s.ARN
	}
	return strings.HasSuffix(g.Action, "RolePolicies") || strings.HasSuffix(g.Action, "RolePolicy") ||
		strings.HasSuffix(g.Action, "UserPolicies") || strings.HasSuffix(g.Action, "UserPolicy")
}

// add completes a finding and keeps it. Those that differ in nothing that identifies them are one.
func (j *judge) add(f Finding, statement string) {
	f.Severity, _ = f.Rule.severity()
	f.Provider = j.report.Provider
	f.Fingerprint = fingerprint(j.report.Site, f.Provider, f.Rule, f.Action, f.Resource, statement)
	for i := range j.found {
		if j.found[i].Fingerprint == f.Fingerprint {
			j.found[i].Evidence.Connections = sorted(append(j.found[i].Evidence.Connections, f.Evidence.Connections...))
			j.found[i].Coverage = append(j.found[i].Coverage, f.Coverage...)
			return
		}
	}
	j.found = append(j.found, f)
}

// permission judges one needed action.
func (j *judge) permission(p *Permission) {
	f := Finding{
		Action: p.Action, Resource: p.Resource, Verdict: p.Verdict, Coverage: p.Sources,
		Evidence: Evidence{Cause: p.Cause, Connections: p.Connections},
	}
	for _, o := range p.Sources {
		if o.Statement != nil && p.Verdict.Denied() {
			f.Evidence.Statement = o.Statement
		}
	}
	switch {
	case p.Verdict.Denied():
		f.Rule, f.Evidence.Summary = RuleMissing, "A connection needs "+p.Action+", and "+because(p.Cause, p.Verdict)+"."
		f.Remediation = j.fix.missing(p)
	case p.Verdict == verdict.Unknown:
		f.Rule, f.Evidence.Summary = RuleRequiredUnknown, "Whether "+p.Action+" is allowed could not be told."
		f.Remediation = j.fix.unknown()
	default:
		return
	}
	j.add(f, "")
}

// because words a cause.
func because(c verdict.Cause, v verdict.Verdict) string {
	does := "does not allow it"
	if v == verdict.DeniedExplicit {
		does = "denies it"
	}
	switch c {
	case verdict.IdentityPolicy:
		return "the identity's own policy " + does
	case verdict.PermissionsBoundary:
		return "the permissions boundary " + does
	case verdict.SessionPolicy:
		return "Arngate's own session policy " + does
	case verdict.ServiceControlPolicy:
		return "a service control policy above the account " + does
	case verdict.ResourceControlPolicy:
		return "a resource control policy above the resource's account " + does
	case verdict.VPCEndpointPolicy:
		return "the policy of a VPC endpoint " + does
	case verdict.ResourcePolicy:
		return "the resource's own policy " + does
	case verdict.KMS:
		return "the KMS key that the data is under may not be used"
	case verdict.Evaluation:
		return "AWS denies it by a policy that, as read, allows it: it was changed since, or Arngate evaluates it wrongly"
	case verdict.Guardrail:
	}
	return "AWS denies it without saying which policy does: one above the account, of an endpoint or of the resource"
}

// change notes that what is granted is not what it was.
func (j *judge) change(previous *Report) {
	j.add(Finding{
		Rule: RulePermissionsChange, Action: "*", Resource: j.s.arn, Verdict: verdict.Unknown,
		Evidence:    Evidence{Summary: "What the policies grant has changed since the audit of " + previous.StartedAt.Format(time.RFC3339) + "."},
		Coverage:    []Observation{{Source: SourcePolicies, Verdict: verdict.Unknown, Detail: "Compared by meaning: order, case and names don't count."}},
		Remediation: steps("Check that the change was meant; the other findings say what it did."),
	}, j.report.Effective.Meaning)
}

// statementText is a statement's part of a fingerprint: where it stands and what it means, not at which place.
func (j *judge) statementText(s *Statement) string {
	if s == nil {
		return ""
	}
	var d *policy.Document
	switch s.Policy {
	case "trust-policy":
		d = j.identity.Trust
	default:
		for _, p := range j.identity.Policies {
			if p.Name == s.Policy && p.ARN == s.ARN && p.Group == s.Group {
				d = p.Document
			}
		}
	}
	if d == nil {
		return s.Policy
	}
	units := canonical("", d.Version(), d.Statements()[s.Index])
	return s.Policy + "\n" + s.ARN + "\n" + s.Group + "\n" + digest(units)
}

func gapText(gaps []identity.Gap) string {
	if len(gaps) == 0 {
		return "IAM could not be asked."
	}
	var refused []string
	for _, g := range gaps {
		refused = append(refused, g.Action+" on "+g.Resource+" ("+g.Code+")")
	}
	return "Refused: " + strings.Join(sorted(refused), "; ") + "."
}
