package audit

import (
	"strings"

	"github.com/arngate/arngate/shared/audit/verdict"
)

// reconcile takes what the policies and the probe say of one requirement together.
//
// The probe decides where it proves something. Where it denies what the policies allow, a guardrail does; where it allows what
// they deny, the resource's own policy grants it, if it can have one and nothing denies explicitly. Anything else is
// a difference that no other policy explains.
func reconcile(r requirement, offline, live Observation) Permission {
	p := Permission{
		Connections: []string{r.connection}, Action: r.action, Resource: r.resource,
		Verdict: verdict.Unknown, Sources: []Observation{offline, live},
	}
	// A sample shows that something is denied, not that everything is allowed.
	sampled := r.every && live.Verdict == verdict.Allowed && offline.Verdict.Denied()
	switch {
	case live.Verdict.Definite() && !sampled:
		p.Verdict = live.Verdict
		p.Disagree = offline.Verdict.Definite() && offline.Verdict.Denied() != live.Verdict.Denied()
	default:
		p.Verdict = offline.Verdict
	}
	switch {
	case p.Verdict.Denied():
		p.Cause = cause(offline, live)
	case p.Disagree:
		p.Cause = verdict.Evaluation
		if offline.Verdict == verdict.DeniedImplicit && hasResourcePolicy(r) {
			p.Cause = verdict.ResourcePolicy
		}
	}
	return p
}

// cause says what denies.
func cause(offline, live Observation) verdict.Cause {
	switch {
	case !live.Verdict.Denied():
		return offline.Cause
	case live.Cause == verdict.IdentityPolicy && offline.Verdict == verdict.Allowed,
		live.Cause == verdict.PermissionsBoundary && offline.Verdict == verdict.Allowed:
		return verdict.Evaluation // AWS names what we have read and judged otherwise
	case live.Cause != "":
		return live.Cause
	case offline.Verdict.Denied():
		return offline.Cause
	}
	return verdict.Guardrail
}

// hasResourcePolicy reports whether what is acted on can have a policy of its own that grants it: an account's listings can't.
func hasResourcePolicy(r requirement) bool {
	return r.resource != "*" && !strings.HasPrefix(r.resource, "arn:*")
}
