// Package policy parses AWS IAM JSON policies and evaluates requests against them as AWS documents it.
//
// A policy is parsed once, by [Parse], into a [Document] that many goroutines may use at the same time; [Evaluate] then decides
// any number of requests. The package is pure: no AWS package, no I/O, no clock. What it knows of a request is what the
// [Request] says.
//
// Sources, in the IAM User Guide: "Grammar of the IAM JSON policy language", "IAM JSON policy elements reference" with its pages
// on condition operators, multivalued keys and variables, "Policy evaluation logic" with "How AWS enforcement code logic evaluates
// requests to allow or deny access" and "Cross-account policy evaluation logic".
//
// What is not done here: checking that services, actions and condition keys exist, resource control policies, and unique ids
// (AIDA..., AROA...) as principals.
package policy

import "slices"

// Effect is what a statement does to the requests it matches.
type Effect string

// The two effects. They are case-sensitive.
const (
	Allow Effect = "Allow"
	Deny  Effect = "Deny"
)

// The versions of the policy language. Version2008 is also what a policy without a version is written in; it has no variables,
// `${aws:username}` is plain text there.
const (
	Version2008 = "2008-10-17"
	Version2012 = "2012-10-17"
)

// Document is a parsed and compiled policy. It is immutable and safe for concurrent use. The zero value has no statements.
type Document struct {
	version    string
	id         string
	statements []Statement
	compiled   []compiledStatement
}

// Version returns the version of the policy language the document is written in: [Version2008] if it names none.
func (d *Document) Version() string {
	if d.version == "" {
		return Version2008
	}
	return d.version
}

// ID returns the document's Id element, "" if there is none.
func (d *Document) ID() string { return d.id }

// Statements returns the statements as they are written, in order. The slice is the caller's; what its elements point to is
// shared and must not be changed.
func (d *Document) Statements() []Statement { return slices.Clone(d.statements) }

// Statement is one statement of a policy as it is written. Of each pair (Actions, NotActions), (Resources, NotResources),
// (Principal, NotPrincipal) at most one is set. An element given as a single string is a slice of one.
type Statement struct {
	Sid          string
	Effect       Effect
	Actions      []string
	NotActions   []string
	Resources    []string // nil together with NotResources in trust policies, where the resource is the role itself
	NotResources []string
	Principal    *Principals // nil in identity-based policies, boundaries, session policies and SCPs
	NotPrincipal *Principals
	Conditions   []Condition // all must hold; in the order of the text
}

// Principals is the value of a Principal or NotPrincipal element.
type Principals struct {
	Any           bool     // the element is the string "*"
	AWS           []string // ARNs, account ids, or "*"
	Service       []string
	Federated     []string
	CanonicalUser []string
}

// Condition is one key of one operator in a Condition element.
type Condition struct {
	Operator string // as written, with qualifier and suffix: "ForAllValues:StringLikeIfExists"
	Key      string // as written; matched without regard to case
	Values   []string
}
