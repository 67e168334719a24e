package audit

import (
	"maps"

	"github.com/arngate/arngate/shared/audit/identity"
	"github.com/arngate/arngate/shared/audit/verdict"
	"github.com/arngate/arngate/shared/policy"
)

// offline evaluates the policies as they were read for one requirement.
func (s subject) offline(id *identity.Identity, r requirement) Observation {
	o := Observation{Source: SourcePolicies, Verdict: verdict.Unknown}
	if id == nil || (len(id.Policies) == 0 && !id.Complete()) {
		o.Detail = "The policies could not be read."
		return o
	}
	policies := policy.Policies{Identity: documents(id)}
	if id.Boundary != nil {
		policies.Boundary = id.Boundary.Document
	}
	d := policy.Evaluate(s.request(id, r), policies)
	o.Missing, o.Statement = d.Missing, statementOf(id, d.Statement)
	o.Verdict, o.Cause = offlineVerdict(d)
	switch {
	case len(d.Missing) > 0:
		o.Verdict, o.Cause, o.Detail = verdict.Unknown, "", "It depends on what only a request has."
	case d.Verdict == policy.ExplicitlyDenied:
	case !id.Complete():
		o.Verdict, o.Cause, o.Detail = verdict.Unknown, "", "Not all policies could be read."
	case d.Source == policy.ResourceSource && r.owner != "":
		o.Verdict, o.Cause, o.Detail = verdict.Unknown, "", "The policies allow it; the bucket is another account's, whose policy has to as well and can't be read."
	}
	return o
}

// request is a request of a session of the role or user, as far as it can be known beforehand.
func (s subject) request(id *identity.Identity, r requirement) policy.Request {
	context := policy.Context{
		"aws:PrincipalArn": {s.arn}, "aws:PrincipalAccount": {s.account}, "aws:SecureTransport": {"true"},
		"aws:ViaAWSService": {"false"}, "aws:PrincipalIsAWSService": {"false"}, "aws:RequestedRegion": {r.target.Region},
		"aws:ResourceAccount": {s.account}, "aws:PrincipalType": {"AssumedRole"}, "aws:MultiFactorAuthPresent": {"false"},
	}
	principal := "arn:" + s.partition + ":sts::" + s.account + ":assumed-role/" + s.name + "/arngate-audit"
	if s.isUser() {
		// Requests run on a federated session of the user, within our session policy: the user's own rights are what counts.
		principal = s.arn
		context["aws:PrincipalType"] = []string{"FederatedUser"}
	}
	if r.owner != "" {
		context["aws:ResourceAccount"] = []string{r.owner}
	}
	for key, value := range id.Tags {
		context["aws:PrincipalTag/"+key] = []string{value}
	}
	maps.Copy(context, r.context)
	owner := r.owner
	if owner == "" {
		owner = s.account
	}
	return policy.Request{Action: r.action, Resource: r.tested, Principal: principal, ResourceAccount: owner, Context: context}
}

func offlineVerdict(d policy.Decision) (verdict.Verdict, verdict.Cause) {
	switch d.Verdict {
	case policy.Allowed:
		return verdict.Allowed, ""
	case policy.ExplicitlyDenied:
		return verdict.DeniedExplicit, causeOf(d.Source)
	case policy.ImplicitlyDenied:
	}
	return verdict.DeniedImplicit, causeOf(d.Source)
}

func causeOf(s policy.Source) verdict.Cause {
	switch s {
	case policy.BoundarySource:
		return verdict.PermissionsBoundary
	case policy.ResourceSource:
		return verdict.ResourcePolicy
	case policy.SessionSource:
		return verdict.SessionPolicy
	case policy.SCPSource:
		return verdict.ServiceControlPolicy
	case policy.IdentitySource:
	}
	return verdict.IdentityPolicy
}

func documents(id *identity.Identity) []*policy.Document {
	var out []*policy.Document
	for _, p := range id.Policies {
		out = append(out, p.Document)
	}
	return out
}

// statementOf names the statement that an evaluation refers to; nil if it refers to none.
func statementOf(id *identity.Identity, ref *policy.StatementRef) *Statement {
	switch {
	case ref == nil:
		return nil
	case ref.Source == policy.BoundarySource && id.Boundary != nil:
		return &Statement{Policy: boundaryName, ARN: id.Boundary.ARN, Index: ref.Index, Sid: ref.Sid}
	case ref.Source == policy.IdentitySource && ref.Document < len(id.Policies):
		return inPolicy(id.Policies[ref.Document], ref.Index)
	}
	return nil
}

const boundaryName = "permissions-boundary"

func inPolicy(p identity.Policy, index int) *Statement {
	return &Statement{Policy: p.Name, ARN: p.ARN, Group: p.Group, Index: index, Sid: p.Document.Statements()[index].Sid}
}
