package audit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/arngate/arngate/shared/audit/grants"
	"github.com/arngate/arngate/shared/audit/identity"
	"github.com/arngate/arngate/shared/audit/verdict"
	"github.com/arngate/arngate/shared/policy"
	"github.com/arngate/arngate/shared/registry"
)

// judge turns what an audit found out into findings.
type judge struct {
	*work

	run    *run
	s      subject
	fix    fixer
	report *Report
	found  []Finding
}

// conclude fills in the report.
func (a *Auditor) conclude(run *run, s subject, w *work, previous *Report, report *Report) error {
	report.Method, report.Identity, report.Account = run.provider.Method, s.arn, s.account
	report.Verification, report.Coverage, report.Connections = run.result, w.coverage, []string{}
	for _, c := range s.connections {
		report.Connections = append(report.Connections, c.Name)
	}
	j := &judge{work: w, run: run, s: s, report: report, fix: fixer{s: s, id: w.identity, gateway: a.options.GatewayRole}}
	j.verification()
	j.trusting()
	for i := range report.Permissions {
		j.permission(&report.Permissions[i])
	}
	if err := j.excess(); err != nil {
		return err
	}
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

// verification judges what verify found.
func (j *judge) verification() {
	for _, c := range j.run.result.Checks {
		seen := Observation{Source: SourceVerify, Verdict: verdict.DeniedImplicit, Detail: c.Evidence}
		f := Finding{
			Action: assumeRole, Resource: j.s.arn, Verdict: verdict.DeniedImplicit,
			Evidence: Evidence{Summary: c.Evidence}, Remediation: steps(c.Remedy),
		}
		switch {
		case c.Verdict == Passed || c.Verdict == Skipped:
			continue
		case c.Name == CheckRoleARN:
			f.Rule = RulePath
		case c.Name == CheckAssume:
			f.Rule = RuleMissing
		case c.Name == CheckIdentity && j.s.isUser():
			f.Rule, f.Action, f.Resource = RuleKeysRefused, "sts:GetCallerIdentity", j.run.provider.AccessKeyID
		case c.Name == CheckNotRoot:
			f.Rule, f.Action, f.Resource, f.Verdict = RuleRootKeys, "*", j.run.caller, verdict.Allowed
			seen.Verdict = verdict.Allowed
		case c.Name == CheckSession && c.Verdict == Failed && j.run.provider.Scoping != registry.ScopingNone:
			f.Rule, f.Action, f.Resource, f.Evidence.Cause = RuleMissing, "sts:GetFederationToken", "*", verdict.IdentityPolicy
			f.Remediation = j.fix.federation()
		case c.Name == CheckStillAssumable, c.Name == CheckIdentity, c.Verdict == Unknown:
			f.Rule, f.Verdict = RuleTrustUnknown, verdict.Unknown
			seen.Verdict = verdict.Unknown
			if f.Remediation.Summary == "" {
				f.Remediation = steps("Audit again in a minute: changes of a trust policy take a while.")
			}
		default: // those of trust are judged together with its text; tracing is no finding
			continue
		}
		f.Coverage = []Observation{seen}
		j.add(f, "")
	}
	if j.s.isUser() && j.run.gotIn() {
		j.keys()
	}
}

// keys judges what is particular to stored keys.
func (j *judge) keys() {
	if j.run.provider.Scoping == registry.ScopingNone {
		f := Finding{
			Rule: RuleUnscopedKeys, Action: "sts:GetSessionToken", Resource: j.s.arn, Verdict: verdict.Allowed,
			Evidence: Evidence{Summary: "The provider is saved with scoping none: requests run with all rights of the user, and CloudTrail doesn't say for whom."},
			Coverage: []Observation{{Source: SourceVerify, Verdict: verdict.Allowed, Detail: "The provider's own settings."}},
		}
		f.Remediation = j.fix.federation()
		f.Remediation.Steps = append(f.Remediation.Commands, "Then save the provider without scoping none.")
		f.Remediation.Commands = nil // alone they don't resolve it
		j.add(f, "")
	}
	made, how := j.run.provider.Updated, "It has been stored here for that long; it may be older."
	if j.identity != nil && !j.identity.KeyCreated.IsZero() {
		made, how = j.identity.KeyCreated, "IAM says when it was made."
	}
	if age := j.report.StartedAt.Sub(made); !made.IsZero() && age > keyAge {
		j.add(Finding{
			Rule: RuleOldKey, Action: "*", Resource: j.run.provider.AccessKeyID, Verdict: verdict.Allowed,
			Evidence: Evidence{Summary: "The access key is " + strconv.Itoa(int(age/(24*time.Hour))) + " days old. " + how},
			Coverage: []Observation{{Source: SourcePolicies, Verdict: verdict.Allowed, Detail: how}},
			Remediation: steps("Make a new access key and store it as the provider's; the answer names the command that ends the old one.",
				"aws iam create-access-key --user-name "+shell(j.s.name), "PUT /v1/providers/"+j.report.Provider+"/access-key with the new key"),
		}, "")
	}
}

// trusting judges who gets in: by what verify tried, and by the text of the trust policy where it can be read.
func (j *judge) trusting() {
	if j.s.isUser() {
		return
	}
	j.careless(RuleNoExternalID, CheckNoExternalID, "The role can be assumed without an external id.",
		func(t *trustReading) *Statement { return t.withoutID })
	j.careless(RuleWrongExternalID, CheckWrongExternalID, "The role can be assumed with another site's external id.",
		func(t *trustReading) *Statement { return t.wrongID })
	if j.trust == nil {
		return
	}
	for _, other := range j.trust.otherSites {
		j.add(Finding{
			Rule: RuleOtherSite, Action: other.action, Resource: other.who, Verdict: verdict.Allowed,
			Evidence:    Evidence{Summary: "The trust policy lets another site in by its id.", Statement: other.statement},
			Coverage:    []Observation{{Source: SourceTrust, Verdict: verdict.Allowed, Statement: other.statement}},
			Remediation: j.fix.trust("If that site isn't yours, leave it out.", []string{j.run.provider.Site}),
		}, j.statementText(other.statement))
	}
	for _, foreign := range j.trust.foreign {
		j.add(Finding{
			Rule: RuleForeignPrincipal, Action: foreign.action, Resource: foreign.who, Verdict: verdict.Allowed,
			Evidence:    Evidence{Summary: "The trust policy lets in somebody else than Arngate's gateway role.", Statement: foreign.statement},
			Coverage:    []Observation{{Source: SourceTrust, Verdict: verdict.Allowed, Statement: foreign.statement}},
			Remediation: j.fix.trust("Let nobody but the gateway role in. Whoever else needs these rights gets a role of their own.", j.trust.sites(j.run.provider.Site)),
		}, j.statementText(foreign.statement))
	}
}

// careless judges one way in that should be closed. The statement isn't part of the fingerprint: whether the text can be read
// doesn't make it another finding.
func (j *judge) careless(rule Rule, check, summary string, statement func(*trustReading) *Statement) {
	tried := j.run.verdictOf(check)
	var seen []Observation
	switch tried {
	case Failed:
		seen = append(seen, Observation{Source: SourceVerify, Verdict: verdict.Allowed, Request: "AssumeRole"})
	case Passed:
		seen = append(seen, Observation{Source: SourceVerify, Verdict: verdict.DeniedImplicit, Request: "AssumeRole"})
	case Unknown, Skipped:
	}
	sites, read := []string{j.run.provider.Site}, (*Statement)(nil)
	if j.trust != nil {
		sites, read = j.trust.sites(j.run.provider.Site), statement(j.trust)
		if read != nil {
			seen = append(seen, Observation{Source: SourceTrust, Verdict: verdict.Allowed, Statement: read})
		}
	}
	if tried != Failed && read == nil {
		return
	}
	j.add(Finding{
		Rule: rule, Action: assumeRole, Resource: j.s.arn, Verdict: verdict.Allowed,
		Evidence: Evidence{Summary: summary, Statement: read}, Coverage: seen,
		Remediation: j.fix.trust("Demand the site's external id by StringEquals in every statement that allows sts:AssumeRole.", sites),
	}, "")
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

// excess judges what is granted beyond the needs.
func (j *judge) excess() error {
	if !j.run.gotIn() {
		return nil
	}
	if j.identity == nil || !j.identity.Complete() {
		f := Finding{
			Rule: RuleExcessUnknown, Action: "*", Resource: "*", Verdict: verdict.Unknown,
			Evidence:    Evidence{Summary: "Not all policies could be read, so it can't be said that nothing more is granted than is needed."},
			Coverage:    []Observation{{Source: SourcePolicies, Verdict: verdict.Unknown, Detail: gapText(j.coverage.Gaps)}},
			Remediation: j.fix.reads(),
		}
		j.add(f, "")
	}
	if j.identity == nil {
		return nil
	}
	in, err := j.s.input(j.identity)
	if err != nil {
		return err
	}
	for _, e := range grants.Find(in) {
		where := inPolicy(j.identity.Policies[e.Ref.Policy], e.Ref.Statement)
		j.add(Finding{
			Rule: ruleOf(e.Kind), Action: e.Action, Resource: e.Resource, Verdict: verdict.Allowed,
			Evidence:    Evidence{Summary: excessText(e), Actions: e.Actions, Statement: where},
			Coverage:    []Observation{{Source: SourcePolicies, Verdict: verdict.Allowed, Statement: where}},
			Remediation: j.fix.excess(e, in),
		}, j.statementText(where))
	}
	return nil
}

// input is what the policies are compared by.
func (s subject) input(id *identity.Identity) (grants.Input, error) {
	needs, err := s.needed()
	if err != nil {
		return grants.Input{}, err
	}
	own, err := policy.Parse([]byte(writeStatements(s.expected(id)...)))
	if err != nil {
		return grants.Input{}, fmt.Errorf("read what is expected: %w", err)
	}
	in := grants.Input{
		Policies: documents(id), Needs: append(needs, own),
		Values: grants.Values{"aws:principalaccount": s.account, "aws:principalarn": s.arn},
	}
	for key, value := range id.Tags {
		in.Values["aws:principaltag/"+strings.ToLower(key)] = value
	}
	if id.Boundary != nil {
		in.Boundary = id.Boundary.Document
	}
	return in, nil
}

func ruleOf(k grants.Kind) Rule {
	switch k {
	case grants.Admin:
		return RuleAdmin
	case grants.Escalation:
		return RuleEscalation
	case grants.Write:
		return RuleWriteExcess
	case grants.Read:
		return RuleReadExcess
	case grants.Wide:
	}
	return RuleTooWide
}

func excessText(e grants.Excess) string {
	text := map[grants.Kind]string{
		grants.Admin:      "A statement allows every action on everything.",
		grants.Escalation: "A statement allows what leads to rights beyond the identity's own.",
		grants.Write:      "A statement allows changes that no connection needs.",
		grants.Read:       "A statement allows reads that no connection needs.",
		grants.Wide:       "A statement allows a needed action on more than the connections name.",
	}[e.Kind]
	if e.Others && len(e.Actions) > 0 {
		text += " Besides the actions by name, it covers those of services that are not audited."
	}
	if e.Conditional {
		text += " It has conditions, which may narrow that."
	}
	return text
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
