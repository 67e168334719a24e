package audit

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/arngate/arngate/shared/audit/identity"
	"github.com/arngate/arngate/shared/audit/verdict"
	"github.com/arngate/arngate/shared/policy"
	"github.com/arngate/arngate/shared/rolekit"
)

// Remediation says what to do about a finding. Where it has commands, running them resolves the finding and takes nothing away
// that a connection needs; where it doesn't, what has to be done is beyond what the audit can see.
type Remediation struct {
	Summary  string   `json:"summary" doc:"In a sentence"`
	Policy   string   `json:"policy,omitzero" doc:"The policy as it should be, as JSON"`
	Commands []string `json:"commands,omitzero" doc:"Commands of the AWS CLI that do it, for a POSIX shell"`
	Steps    []string `json:"steps,omitzero" doc:"What a person has to do"`
}

// steps is a remediation that a person has to work out.
func steps(summary string, each ...string) Remediation {
	return Remediation{Summary: summary, Steps: each}
}

// fixer writes remediations for one provider. Whatever finding it belongs to, a fix of one policy leaves the same text: the policy
// without all of its excess, and with all that any finding adds to it. So it doesn't matter which fixes are applied, in which order
// and how often.
type fixer struct {
	s       subject
	id      *identity.Identity // nil if nothing could be read
	gateway string             // ARN of the gateway role
	sites   []string           // that the trust policy is to let in
	left    map[int]text       // what is left of the policies with excess, by their index
	added   map[string]text    // what is added to inline policies, by their name
}

// trust replaces the trust policy by the kit's. Whatever site the policy lets in by its own id stays: it may be one of the same
// company's, which only a person can tell.
func (f fixer) trust() Remediation {
	document := rolekit.TrustPolicy(f.gateway, f.sites)
	return Remediation{
		Summary: "Let nobody in but the gateway role, with the external id of a site. Whoever else needs these rights gets a role of their own.",
		Policy:  document,
		Commands: []string{rolekit.Command(
			"aws", "iam", "update-assume-role-policy", "--role-name", f.s.name, "--policy-document", string(compact([]byte(document))),
		)},
	}
}

// missing grants what is needed, if it is the identity's own policies or its boundary that lack it.
func (f fixer) missing(p *Permission) Remediation {
	grant, ok := f.s.grant()
	implicit := p.Verdict == verdict.DeniedImplicit
	switch {
	case p.Cause == verdict.IdentityPolicy && implicit && ok:
		return f.add("Add the permissions of the role kit.", "arngate-connections-"+short(grant.line()), grant)
	case p.Cause == verdict.PermissionsBoundary && implicit && ok:
		return f.widenBoundary(grant)
	}
	return steps(adviceFor(p.Cause, p.Verdict), "Action: "+p.Action, "Resource: "+p.Resource)
}

func adviceFor(c verdict.Cause, v verdict.Verdict) string {
	switch c {
	case verdict.IdentityPolicy, verdict.PermissionsBoundary:
		if v == verdict.DeniedExplicit {
			return "Somebody denied this on purpose. Take the action out of the Deny statement, or the connection back."
		}
		return "Allow the action in the identity's policy and its boundary."
	case verdict.ServiceControlPolicy:
		return "Whoever runs the AWS organization has to allow it in the service control policies above the account."
	case verdict.ResourceControlPolicy:
		return "Whoever runs the resource's AWS organization has to allow it in the resource control policies."
	case verdict.VPCEndpointPolicy:
		return "Allow it in the policy of the VPC endpoint that the requests pass."
	case verdict.ResourcePolicy:
		return "Have the owner of the resource allow it for this role in the resource's policy, or remove what denies it there."
	case verdict.KMS:
		return "Allow the role to use the key, in the key's policy and in the role's, and name the key in the connection's kms_keys: the role kit then grants it."
	case verdict.SessionPolicy:
		return "Save the connection again, which builds its session policy anew."
	case verdict.Evaluation:
		return "Audit again in a few minutes. If it stays, report it: AWS and Arngate read the same policy differently."
	case verdict.Guardrail:
	}
	return "Look in CloudTrail for the denied call: look at the policies above the account, of the VPC endpoint and of the resource."
}

// widenBoundary adds what is needed to the boundary, if it is the customer's own.
func (f fixer) widenBoundary(grant text) Remediation {
	b := f.id.Boundary
	if b == nil || parseARN(b.ARN).account != f.s.account {
		return steps("Use a permissions boundary that allows what the connections need.")
	}
	old, err := readText(b.Text)
	if err != nil {
		return steps("Allow in the permissions boundary what the connections need.")
	}
	document := old.with(grant)
	return Remediation{
		Summary: "Allow in the permissions boundary what the connections need. It may bound other identities too.", Policy: document.page(),
		Commands: []string{rolekit.Command(
			"aws", "iam", "create-policy-version", "--policy-arn", b.ARN, "--set-as-default", "--policy-document", document.line(),
		)},
		Steps: []string{"Once is enough for all findings about the boundary: each time makes a version, and IAM keeps five."},
	}
}

// federation lets the user make sessions that carry a policy.
func (f fixer) federation() Remediation {
	document, err := readText(writeStatements(policy.Statement{
		Effect: policy.Allow, Actions: []string{"sts:GetFederationToken"}, Resources: []string{"*"},
	}))
	if err != nil {
		return steps("Allow the user sts:GetFederationToken.")
	}
	return f.add("Let the user make federated sessions, which carry a session policy and the caller's name.", "arngate-sessions", document)
}

// reads lets the audit read what it could not.
func (f fixer) reads() Remediation {
	document, err := readText(writeStatements(f.s.reads(f.id)...))
	if err != nil {
		return steps("Grant the audit's reads of IAM.")
	}
	return f.add("Let the audit read the identity's own policies. Policies that are listed only then are asked for the next time.", "arngate-audit", document)
}

// unknown is what would make a verdict known.
func (f fixer) unknown() Remediation {
	r := f.reads()
	r.Summary = "Let the audit read the policies, or allow s3:ListBucket and s3:GetObject: then a refusal proves something."
	return r
}

// command is one about the role's or the user's policies.
func (f fixer) command(does string, options ...string) string {
	words := []string{"aws", "iam", does + "-role-policy", "--role-name", f.s.name}
	if f.s.isUser() {
		words = []string{"aws", "iam", does + "-user-policy", "--user-name", f.s.name}
	}
	return rolekit.Command(append(words, options...)...)
}

// short tells texts apart in names.
func short(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}
