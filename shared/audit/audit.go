// Package audit finds out what a provider really grants, and to whom. Verify is its first part: can Arngate, acting for
// this site, use the provider, and can nobody else?
package audit

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/arngate/arngate/shared/registry"
)

// Errors of Verify, for branches. One of registry.ErrNotFound says that there is no such provider.
var (
	// ErrAwaitingRole: the provider has no role yet, so there is nothing to verify.
	ErrAwaitingRole = errors.New("audit: provider has no role yet")
	// ErrInconclusive: AWS throttled, failed or could not be reached. Nothing was found, and nothing is stored.
	ErrInconclusive = errors.New("audit: AWS gave no answer to go by")
)

// Verdict is what a check came to.
type Verdict string

// The verdicts there are.
const (
	Passed  Verdict = "passed"
	Failed  Verdict = "failed"
	Unknown Verdict = "unknown" // tried, but the answer proves nothing
	Skipped Verdict = "skipped" // not tried, because an earlier check failed
)

// Names of the checks, in their order.
const (
	CheckRoleARN         = "role_arn"                   // form, partition, path
	CheckAssume          = "assume_with_external_id"    // this site gets in
	CheckNoExternalID    = "refuse_without_external_id" // nobody gets in without one
	CheckWrongExternalID = "refuse_wrong_external_id"   // another site does not get in
	CheckStillAssumable  = "assume_again"               // so that a refusal was one
	CheckSessionTags     = "session_tags"               // sessions may carry tags
	CheckSourceIdentity  = "source_identity"            // and the user as source identity
	CheckIdentity        = "identity"                   // who we are then
	CheckNotRoot         = "not_root"                   // the keys are a user's
	CheckSession         = "session"                    // the keys make sessions
)

// Check is one thing that was looked at.
type Check struct {
	Name     string  `json:"name" doc:"Which check" example:"refuse_wrong_external_id"`
	Verdict  Verdict `json:"verdict" enum:"passed,failed,unknown,skipped" doc:"What it came to"`
	Evidence string  `json:"evidence" doc:"What was seen"`
	Remedy   string  `json:"remedy,omitzero" doc:"What to do about it"`
}

// Verification is the result of a verify.
type Verification struct {
	Provider      string          `json:"provider" doc:"Name of the provider"`
	Status        registry.Status `json:"status" enum:"ready,unsafe,unusable" doc:"Whether connectors use the provider"`
	Trace         registry.Trace  `json:"trace,omitzero" enum:"full,name" doc:"What sessions of the role record of the user"`
	Account       string          `json:"account,omitzero" doc:"AWS account that the provider leads to"`
	Reason        string          `json:"reason,omitzero" doc:"Name of the check that decided, if the provider is not ready"`
	VerifiedAt    time.Time       `json:"verified_at" doc:"When it began"`
	Checks        []Check         `json:"checks" doc:"Every check, in order"`
	Calls         int             `json:"sts_calls" doc:"Calls to AWS STS, without the retries"`
	WaitedSeconds int             `json:"waited_seconds" doc:"Time spent retrying, because IAM's changes take a while"`
}

// Registry is what Verify reads and writes; a registry.Store is one.
type Registry interface {
	Provider(ctx context.Context, site, name string) (registry.Provider, error)
	PutState(ctx context.Context, site, provider string, state registry.State) error
}

// GatewaySTS is AWS STS, called with the gateway's own credentials.
type GatewaySTS interface {
	AssumeRole(context.Context, *awssts.AssumeRoleInput, ...func(*awssts.Options)) (*awssts.AssumeRoleOutput, error)
}

// CustomerSTS is AWS STS, called with a customer's credentials: each call brings them, the client has none.
type CustomerSTS interface {
	GetCallerIdentity(context.Context, *awssts.GetCallerIdentityInput, ...func(*awssts.Options)) (*awssts.GetCallerIdentityOutput, error)
	GetFederationToken(context.Context, *awssts.GetFederationTokenInput, ...func(*awssts.Options)) (*awssts.GetFederationTokenOutput, error)
	GetSessionToken(context.Context, *awssts.GetSessionTokenInput, ...func(*awssts.Options)) (*awssts.GetSessionTokenOutput, error)
}

// Keys opens stored access keys; a credentials.Minter is one.
type Keys interface {
	LongLived(ctx context.Context, p registry.Provider) (aws.Credentials, error)
}

// Options of [NewVerifier].
type Options struct {
	Partition string // this deployment's, such as "aws"
	RolePath  string // the path segment of assumable roles, with its slashes
}

// Verifier verifies providers. Safe for concurrent use.
type Verifier struct {
	registry Registry
	gateway  GatewaySTS
	customer CustomerSTS
	keys     Keys
	options  Options
}

// NewVerifier returns a Verifier. It does no I/O.
func NewVerifier(registry Registry, gateway GatewaySTS, customer CustomerSTS, keys Keys, o Options) *Verifier {
	return &Verifier{registry: registry, gateway: gateway, customer: customer, keys: keys, options: o}
}
