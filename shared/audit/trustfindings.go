package audit

import (
	"strconv"
	"time"

	"github.com/arngate/arngate/shared/audit/verdict"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/rolekit"
)

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
				rolekit.Command("aws", "iam", "create-access-key", "--user-name", j.s.name), "PUT /v1/providers/"+j.report.Provider+"/access-key with the new key"),
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
			Evidence: Evidence{Summary: "The trust policy lets another site in by its id.", Statement: other.statement},
			Coverage: []Observation{{Source: SourceTrust, Verdict: verdict.Allowed, Statement: other.statement}},
			Remediation: steps("If that site isn't yours, take its id out of the trust policy.",
				"The role kit's trust policy lets this site in alone: GET /v1/providers/"+j.report.Provider+"/role-kit?format=trust-policy"),
		}, j.statementText(other.statement))
	}
	for _, foreign := range j.trust.foreign {
		j.add(Finding{
			Rule: RuleForeignPrincipal, Action: foreign.action, Resource: foreign.who, Verdict: verdict.Allowed,
			Evidence:    Evidence{Summary: "The trust policy lets in somebody else than Arngate's gateway role.", Statement: foreign.statement},
			Coverage:    []Observation{{Source: SourceTrust, Verdict: verdict.Allowed, Statement: foreign.statement}},
			Remediation: j.fix.trust(),
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
	var read *Statement
	if j.trust != nil {
		if read = statement(j.trust); read != nil {
			seen = append(seen, Observation{Source: SourceTrust, Verdict: verdict.Allowed, Statement: read})
		}
	}
	if tried != Failed && read == nil {
		return
	}
	j.add(Finding{
		Rule: rule, Action: assumeRole, Resource: j.s.arn, Verdict: verdict.Allowed,
		Evidence: Evidence{Summary: summary, Statement: read}, Coverage: seen,
		Remediation: j.fix.trust(),
	}, "")
}
