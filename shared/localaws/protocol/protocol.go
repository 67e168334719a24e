// Package protocol is what a service of the local AWS receives and returns: an authenticated call,
// the accesses that must be allowed for it, and an AWS error in the form of the service's wire protocol.
package protocol

import (
	"net/http"
	"time"

	"github.com/arngate/arngate/shared/policy"
)

// Principal is who signed a call: a user, the account's root, an assumed-role session or a federated user.
// It is built for one call and read-only afterwards.
type Principal struct {
	ARN         string // as GetCallerIdentity says
	Account     string // 12 digits
	UserID      string // aws:userid: AIDA..., AROA...:session, account:federated-name, the account for root
	AccessKeyID string

	RoleARN        string            // sessions of a role only: the role with its path
	SessionName    string            // sessions only
	SourceIdentity string            // sessions only; empty if none was set
	Tags           map[string]string // sessions: session tags over the role's own; else the user's tags
	TransitiveTags []string          // sessions only: the keys that a further session inherits

	Policies policy.Policies // Identity, Boundary, Session and SCPs of this principal; Resource is the access's
	Context  policy.Context  // the keys that describe the principal: aws:PrincipalArn, aws:userid, ...

	Session   bool      // made with temporary credentials
	Chained   bool      // a role session that another role session made
	Federated bool      // made by GetFederationToken
	Root      bool      // the account's root, or a session of it
	Expires   time.Time // zero for long-lived keys
}

// Call is one request whose signature, if it has one, has been verified.
type Call struct {
	Service   string // the signing name: dynamodb, s3, lambda, sts, iam, kms, sqs, events
	Region    string // from the credential scope; us-east-1 for anonymous calls
	Operation string // set by Resolve, for example PutItem

	// Request is as it was received: method, URL (EscapedPath as sent) and headers. Its Body is empty and
	// the bytes are in Body, except for S3: there Request.Body is the payload with its chunk framing
	// removed, and a Read that finds the payload not to be what was signed fails with an *Error.
	Request *http.Request
	Body    []byte

	Principal *Principal // nil: anonymous, which only S3 knows
	RequestID string
	Now       time.Time // the local AWS's clock when the request came in
	Presigned bool      // signed in the query

	// Header holds headers of whatever is answered, a denial included: Resolve sets them, for example the
	// bucket's region or CORS. Nil means none.
	Header http.Header

	// State is the service's own: what Resolve has read and Serve goes on with.
	State any

	// Authorize says whether the caller is allowed one more access than Resolve named: for answers that
	// differ per key, or that depend on what else the caller may do. It returns nil or the denial as an
	// *Error, and the access appears in the call log only if log is true.
	Authorize func(access Access, log bool) error

	// AuthenticateForm proves who signed the form that the body of an otherwise unsigned request holds, and makes
	// that principal the call's, and its region the call's. It takes a field by its name in lower case. It fails with
	// an *Error. Nil where the request itself is signed.
	AuthenticateForm func(field func(name string) string) error
}

// Account is the caller's account, or empty for an anonymous call.
func (c *Call) Account() string {
	if c.Principal == nil {
		return ""
	}
	return c.Principal.Account
}

// Access is one action on one resource that must be allowed for a call.
type Access struct {
	Action          string           // dynamodb:PutItem
	Resource        string           // its ARN, or * for actions without one
	ResourceAccount string           // the account that owns the resource; empty means the caller's own
	ResourcePolicy  *policy.Document // the resource's own policy; nil if it has none
	Context         policy.Context   // keys of this action beyond the global ones

	// PolicyRequired says that without a ResourcePolicy nobody is let in, whatever identity policies
	// allow. So it is with a role that does not exist. Where there is one, package policy knows that roles
	// and KMS keys must allow by it.
	PolicyRequired bool

	// Undifferentiated leaves the reason out of a denial's message, as STS does for AssumeRole.
	Undifferentiated bool
}
