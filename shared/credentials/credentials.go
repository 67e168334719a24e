// Package credentials hands out temporary AWS credentials for one caller and one connection: from memory, else from a
// table that all instances share, else from AWS STS, once for all of them.
package credentials

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/seal"
	"github.com/arngate/arngate/shared/telemetry"
)

// Why there are no credentials, for branches. The cause is wrapped where there is one.
var (
	// ErrAwaitingRole: the provider has no role yet.
	ErrAwaitingRole = errors.New("credentials: provider has no role yet")
	// ErrUnverified: the provider's current revision has not passed verify.
	ErrUnverified = errors.New("credentials: provider is not verified")
	// ErrUnsafe: another site could use the provider's role.
	ErrUnsafe = errors.New("credentials: provider is unsafe")
	// ErrUnusable: AWS refuses the role or the keys.
	ErrUnusable = errors.New("credentials: provider is unusable")
	// ErrPolicyTooLarge: STS cannot pack the connection's session policy, even without tags.
	ErrPolicyTooLarge = errors.New("credentials: session policy is too large")
	// ErrThrottled: STS throttled until the request's time was up.
	ErrThrottled = errors.New("credentials: throttled by AWS STS")
)

// Credentials are temporary AWS credentials.
type Credentials struct {
	AccessKeyID     string // not secret: CloudTrail shows it
	SecretAccessKey seal.Secret
	SessionToken    seal.Secret
	Expires         time.Time // by AWS; they are not handed out in their last minute
}

// AWS returns the credentials in the SDK's form, in the clear.
func (c Credentials) AWS() aws.Credentials {
	return aws.Credentials{
		AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey.Reveal(), SessionToken: c.SessionToken.Reveal(),
		Source: "arngate", CanExpire: true, Expires: c.Expires,
	}
}

// Tier is where credentials came from.
type Tier = telemetry.Tier

// Request says whose credentials are wanted and for which connection. Opened is only read.
type Request struct {
	Caller caller.Caller
	Opened *registry.Opened
	// Lasting is how long they should still live, for what ends with them: presigned URLs (trap 37). Others are made in
	// place of those that don't; if that fails, they serve all the same. Zero: what [Broker.Get] promises anyway.
	Lasting time.Duration
}

// ready returns nil if the provider may be used, as its current revision was verified. Only the operator lets an unsafe
// role through, by its ARN.
func ready(o *registry.Opened, unsafeRoles []string) error {
	switch status := o.Provider.Status(o.State); status {
	case registry.Ready:
		return nil
	case registry.AwaitingRole:
		return ErrAwaitingRole
	case registry.Unverified:
		return ErrUnverified
	case registry.Unsafe:
		for _, arn := range unsafeRoles {
			if arn == o.Provider.RoleARN && arn != "" {
				return nil
			}
		}
		return ErrUnsafe
	case registry.Unusable:
		return fmt.Errorf("%w: verify found it so: %s", ErrUnusable, o.State.Reason)
	default:
		return fmt.Errorf("%w: unknown status %s", ErrUnverified, status)
	}
}
