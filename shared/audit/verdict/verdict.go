// Package verdict has the words in which an audit says whether an action is allowed, and why not.
package verdict

import (
	"regexp"
	"strings"
)

// Verdict says whether an action is allowed on a resource.
type Verdict string

// The verdicts.
const (
	Allowed        Verdict = "allowed"
	DeniedExplicit Verdict = "denied_explicit" // a Deny says so
	DeniedImplicit Verdict = "denied_implicit" // nothing allows it
	Unknown        Verdict = "unknown"
)

// Definite reports whether v is a verdict to go by.
func (v Verdict) Definite() bool { return v == Allowed || v.Denied() }

// Denied reports whether v denies.
func (v Verdict) Denied() bool { return v == DeniedExplicit || v == DeniedImplicit }

// Cause is what denies an action, or what grants one that the policies as read don't.
type Cause string

// The causes. The zero value is none.
const (
	IdentityPolicy        Cause = "identity_policy"
	PermissionsBoundary   Cause = "permissions_boundary"
	SessionPolicy         Cause = "session_policy" // Arngate's own
	ServiceControlPolicy  Cause = "service_control_policy"
	ResourceControlPolicy Cause = "resource_control_policy"
	VPCEndpointPolicy     Cause = "vpc_endpoint_policy"
	ResourcePolicy        Cause = "resource_policy"
	KMS                   Cause = "kms"
	// Guardrail is a denial by what the audit can't read, where AWS doesn't say which: a policy above the account, of an
	// endpoint or of the resource.
	Guardrail Cause = "guardrail"
	// Evaluation is a difference that no other policy can explain: the policies changed between the reading and the probe,
	// or the evaluator errs.
	Evaluation Cause = "evaluation"
)

// Denial is what AWS says of a denial.
type Denial struct {
	Action   string // that was denied; "" if AWS doesn't say
	Resource string // likewise
	Explicit bool
	Cause    Cause // "" if AWS doesn't say
}

// denial is how AWS says what was refused.
var denial = regexp.MustCompile(`not authorized to perform: ([A-Za-z0-9-]+:[A-Za-z0-9*]+)(?: on resource: ("[^"]*"|\S+))?`)

// ReadDenial reads AWS's message. (IAM User Guide, "Troubleshoot access denied error messages")
func ReadDenial(message string) Denial {
	d := Denial{Explicit: strings.Contains(message, "with an explicit deny")}
	if m := denial.FindStringSubmatch(message); m != nil {
		d.Action = m[1]
		d.Resource = strings.Trim(m[2], `"`)
	}
	if strings.HasPrefix(strings.ToLower(d.Action), "kms:") {
		d.Cause = KMS
		return d
	}
	_, reason, _ := strings.Cut(message, "with an explicit deny in a")
	if !d.Explicit {
		_, reason, _ = strings.Cut(message, "because no ")
	}
	reason = strings.TrimSpace(strings.TrimPrefix(reason, "n "))
	for _, known := range [...]struct {
		words string
		cause Cause
	}{
		{"identity-based policy", IdentityPolicy},
		{"permissions boundary", PermissionsBoundary},
		{"session policy", SessionPolicy},
		{"service control policy", ServiceControlPolicy},
		{"resource control policy", ResourceControlPolicy},
		{"VPC endpoint policy", VPCEndpointPolicy},
		{"resource-based policy", ResourcePolicy},
	} {
		if strings.HasPrefix(reason, known.words) {
			d.Cause = known.cause
		}
	}
	return d
}
