package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/arngate/arngate/shared/audit/grants"
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

// fixer writes remediations for one provider.
type fixer struct {
	s       subject
	id      *identity.Identity
	gateway string // ARN of the gateway role
}

// trust replaces the trust policy by the kit's.
func (f fixer) trust(summary string, sites []string) Remediation {
	document := rolekit.TrustPolicy(f.gateway, sites)
	return Remediation{
		Summary: summary, Policy: document,
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
		return f.put("Add the permissions of the role kit.", "arngate-connections-"+short(grant.line()), grant)
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
	return f.put("Let the user make federated sessions, which carry a session policy and the caller's name.", "arngate-sessions", document)
}

// reads lets the audit read what it could not.
func (f fixer) reads() Remediation {
	document, err := readText(writeStatements(f.s.reads(f.id)...))
	if err != nil {
		return steps("Grant the audit's reads of IAM.")
	}
	return f.put("Let the audit read the identity's own policies. Policies that are listed only then are asked for the next time.", "arngate-audit", document)
}

// unknown is what would make a verdict known.
func (f fixer) unknown() Remediation {
	r := f.reads()
	r.Summary = "Let the audit read the policies, or allow s3:ListBucket and s3:GetObject: then a refusal proves something."
	return r
}

// excess rewrites the policy without the statement that grants too much, with what is needed in its place.
func (f fixer) excess(e grants.Excess, in grants.Input) Remediation {
	p := f.id.Policies[e.Ref.Policy]
	if p.Group != "" {
		return steps("Other users of the group "+p.Group+" may need this: give this user policies of its own, and take it out of the group.",
			"Policy: "+p.Name)
	}
	old, err := readText(p.Text)
	if err != nil {
		return steps("Take the statement out of the policy " + p.Name + ".")
	}
	left := old.without(e.Ref.Statement)
	if grants.Contributes(in, e.Ref) {
		if left, err = f.instead(left, p.Document.Statements()[e.Ref.Statement]); err != nil {
			return steps("Narrow the statement to what the connections need.")
		}
	}
	const summary = "Take the statement away; what connections need of it is granted by name."
	if p.ARN == "" {
		return f.rewrite(summary, p.Name, left)
	}
	detach := f.command("detach", "--policy-arn", p.ARN)
	if len(left.Statement) == 0 {
		return Remediation{Summary: "Detach the policy: nothing in it is needed.", Commands: []string{detach}}
	}
	r := f.put("Detach the policy, which other identities may have too; what is needed of it stays as an inline policy.",
		"arngate-"+p.Name+"-"+short(left.line()), left)
	r.Commands = append(r.Commands, detach)
	return r
}

// instead adds what is needed in place of a statement, under that statement's conditions.
func (f fixer) instead(left text, removed policy.Statement) (text, error) {
	var wanted []policy.Statement
	if grant, ok := f.s.grant(); ok {
		d, err := policy.Parse([]byte(grant.line()))
		if err != nil {
			return text{}, err
		}
		wanted = append(wanted, d.Statements()...)
	}
	wanted = append(wanted, f.s.reads(f.id)...)
	if f.s.isUser() {
		wanted = append(wanted, policy.Statement{Effect: policy.Allow, Actions: []string{"sts:GetFederationToken"}, Resources: []string{"*"}})
	}
	for i := range wanted {
		wanted[i].Conditions = slices.Concat(wanted[i].Conditions, without(removed.Conditions, wanted[i].Conditions))
	}
	added, err := readText(writeStatements(wanted...))
	if err != nil {
		return text{}, err
	}
	return left.with(added), nil
}

// without returns conditions without those on the same key by the same operator as others.
func without(conditions, others []policy.Condition) []policy.Condition {
	return slices.DeleteFunc(slices.Clone(conditions), func(c policy.Condition) bool {
		return slices.ContainsFunc(others, func(o policy.Condition) bool {
			return strings.EqualFold(o.Operator, c.Operator) && strings.EqualFold(o.Key, c.Key)
		})
	})
}

// rewrite replaces an inline policy, or deletes it if nothing is left.
func (f fixer) rewrite(summary, name string, left text) Remediation {
	if len(left.Statement) == 0 {
		return Remediation{
			Summary:  "Delete the policy: nothing in it is needed.",
			Commands: []string{f.command("delete", "--policy-name", name)},
		}
	}
	return f.put(summary, name, left)
}

// put writes an inline policy.
func (f fixer) put(summary, name string, document text) Remediation {
	return Remediation{
		Summary: summary, Policy: document.page(),
		Commands: []string{f.command("put", "--policy-name", name, "--policy-document", document.line())},
	}
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
