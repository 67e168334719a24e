package policy

import "strings"

// Context is what a request says about itself: condition keys and their values. Keys are matched without regard to case; if
// several differ only in case, the one spelled as the policy spells it counts, else the one that sorts first. A key with no
// values counts as absent.
type Context map[string][]string

// lookup returns the values of key, nil if the request doesn't have it.
func (c Context) lookup(key string) []string {
	if values, ok := c[key]; ok {
		return values
	}
	var name string
	var values []string
	for k, v := range c {
		if len(k) == len(key) && strings.EqualFold(k, key) && (name == "" || k < name) {
			name, values = k, v
		}
	}
	return values
}

// Request is one call to be authorized.
type Request struct {
	// Action is the full name, "s3:GetObject".
	Action string
	// Resource is the ARN of what is acted on, or "*" for actions without one.
	Resource string
	// Principal is the ARN of the caller (user, assumed-role session, federated-user session, account root), the name of a
	// service or identity provider, or "" for an anonymous caller. The role behind a session, or the user behind a federated
	// one, is the context's aws:PrincipalArn; without that key a session's role is known by its name alone.
	Principal string
	// ResourceAccount is the account that owns the resource; "" takes it from the resource's ARN, and from the principal's
	// where that has none.
	ResourceAccount string
	Context         Context
}

// Policies is everything that applies to a request.
type Policies struct {
	// Identity holds the policies of the user, its groups, or the role.
	Identity []*Document
	// Boundary is the permissions boundary of the user or role; nil if there is none.
	Boundary *Document
	// Session holds the session policies, which grant what any of them allows. nil: the session has none; empty but not nil:
	// nothing is allowed. A federated user without session policies has no rights of its own either way.
	Session []*Document
	// Resource is the policy of the resource (a role's trust policy, a key policy); nil if there is none or none is known.
	Resource *Document
	// SCPs holds the service control policies of each level, from the root to the account; every level must allow.
	SCPs [][]*Document
}

// Verdict is the outcome of an evaluation. The zero value denies.
type Verdict int

// The verdicts.
const (
	ImplicitlyDenied Verdict = iota // nothing allows it
	ExplicitlyDenied                // a Deny statement matches
	Allowed
)

// String returns the verdict's name.
func (v Verdict) String() string {
	switch v {
	case ImplicitlyDenied:
		return "ImplicitlyDenied"
	case ExplicitlyDenied:
		return "ExplicitlyDenied"
	case Allowed:
		return "Allowed"
	}
	return "Verdict(?)"
}

// Source is a kind of policy, in the words of AWS's access denied messages.
type Source string

// The sources.
const (
	IdentitySource Source = "identity-based policy"
	ResourceSource Source = "resource-based policy"
	BoundarySource Source = "permissions boundary"
	SessionSource  Source = "session policy"
	SCPSource      Source = "service control policy"
)

// Decision is a verdict and its reasons.
type Decision struct {
	Verdict Verdict
	// Source is the kind of policy that decided: the one that denies, the one that grants, or, on an implicit denial, the first
	// one in AWS's order that lacks the allow.
	Source Source
	// Statement is the statement that decided. It is nil on an implicit denial, and where an account's root is allowed by
	// being root.
	Statement *StatementRef
	// Missing names, each once, the condition keys that statements about this very action, resource and principal asked for
	// and the request didn't have: with them the verdict might be another. Spelled as in the policies.
	Missing []string
}

// StatementRef names a statement among the policies of an evaluation.
type StatementRef struct {
	Source   Source
	Document int // index in that source's slice; of SCPs, counted through all levels
	Index    int // of the statement in its document
	Sid      string
}
