package credentials

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/seal"
	"github.com/arngate/arngate/shared/telemetry"
)

// lifetime is what is asked of STS, and the most that is believed: the gateway's own role is a session already, and a
// chained one lives for an hour at most (trap 1).
const lifetime = time.Hour

// STS is what assuming roles calls of AWS STS, with the gateway's own credentials, at its regional endpoint.
type STS interface {
	AssumeRole(context.Context, *awssts.AssumeRoleInput, ...func(*awssts.Options)) (*awssts.AssumeRoleOutput, error)
}

// KeySTS is what stored access keys call of AWS STS. The client behind it has no credentials of its own, so that it can
// never use the gateway's: each call brings the customer's.
type KeySTS interface {
	GetFederationToken(context.Context, *awssts.GetFederationTokenInput, ...func(*awssts.Options)) (*awssts.GetFederationTokenOutput, error)
	GetSessionToken(context.Context, *awssts.GetSessionTokenInput, ...func(*awssts.Options)) (*awssts.GetSessionTokenOutput, error)
}

// SecretOpener reads stored secret access keys; a seal.Vault is one.
type SecretOpener interface {
	DecryptSecret(ctx context.Context, site, provider string, sealed []byte) (seal.Secret, error)
}

// Minter makes credentials by calling STS, each time it is asked. stscreds is not used: its provider is not safe for
// concurrent use, keeps one session name and asks for 15 minutes (trap 4). Safe for concurrent use.
type Minter struct {
	sts     STS
	keySTS  KeySTS
	secrets SecretOpener
}

// NewMinter returns a Minter. It does no I/O.
func NewMinter(sts STS, keySTS KeySTS, secrets SecretOpener) *Minter {
	return &Minter{sts: sts, keySTS: keySTS, secrets: secrets}
}

// Mint returns new credentials for r, and logs who got which. It does not look at the provider's state, except for what
// it says about tracing. It returns an error wrapping [ErrUnusable] if AWS refuses the role or the keys,
// [ErrPolicyTooLarge], or [ErrThrottled]; any other error is STS's or the network's.
func (m *Minter) Mint(ctx context.Context, r Request) (Credentials, error) {
	began := time.Now()
	var made minted
	var err error
	if r.Opened.Provider.Method == registry.AccessKeys {
		made, err = m.fromKeys(ctx, r)
	} else {
		made, err = m.assumeRole(ctx, r)
	}
	if err != nil {
		return Credentials{}, fmt.Errorf("mint credentials: %w", err)
	}
	got, err := made.credentials(began)
	if err != nil {
		return Credentials{}, fmt.Errorf("mint credentials: %w", err)
	}
	record := telemetry.From(ctx)
	record.Count(telemetry.Mints)
	requestID, _ := awsmiddleware.GetRequestIDMetadata(made.metadata)
	record.Logger().InfoContext(
		ctx, "credentials minted",
		slog.String("session_name", made.name), slog.String("access_key_id", got.AccessKeyID),
		slog.String("site", r.Caller.Site), slog.String("user", r.Caller.User), slog.String("actor", r.Caller.Actor),
		slog.String("connection", r.Opened.Connection.Name), slog.String("aws_request_id", requestID),
		slog.Bool("without_tags", made.withoutTags),
	)
	return got, nil
}

// minted is STS's answer.
type minted struct {
	name        string // of the session; empty with GetSessionToken, which has none
	answer      *ststypes.Credentials
	metadata    middleware.Metadata
	withoutTags bool // asked for, but too large
}

// credentials takes the answer's own expiry, bounded by an hour from when it was asked for.
func (m minted) credentials(began time.Time) (Credentials, error) {
	c := m.answer
	if c == nil || c.Expiration == nil || aws.ToString(c.AccessKeyId) == "" || aws.ToString(c.SecretAccessKey) == "" {
		return Credentials{}, errors.New("AWS STS answered without credentials")
	}
	expires := *c.Expiration
	if latest := began.Add(lifetime); latest.Before(expires) {
		expires = latest
	}
	return Credentials{
		AccessKeyID: *c.AccessKeyId, SecretAccessKey: seal.NewSecret(*c.SecretAccessKey),
		SessionToken: seal.NewSecret(aws.ToString(c.SessionToken)), Expires: expires,
	}, nil
}

// assumeRole assumes the provider's role. The external id is the caller's site, always; there is no other input it could
// come from.
func (m *Minter) assumeRole(ctx context.Context, r Request) (minted, error) {
	in := &awssts.AssumeRoleInput{
		RoleArn:         aws.String(r.Opened.Provider.RoleARN),
		RoleSessionName: aws.String(SessionName(r.Caller.User, r.Caller.Site)),
		ExternalId:      aws.String(r.Caller.Site),
		Policy:          aws.String(r.Opened.Connection.Policy),
		DurationSeconds: aws.Int32(int32(lifetime / time.Second)),
	}
	// Only what verify saw the trust policy allow: asked for blindly it would break every older role (trap 6).
	if r.Opened.State.Trace == registry.TraceFull {
		in.SourceIdentity = aws.String(SourceIdentity(r.Caller.User))
		in.Tags = sessionTags(r)
	}
	out, err := m.callAssumeRole(ctx, in)
	withoutTags := false
	if len(in.Tags) > 0 && errorCode(err) == codePackedPolicyTooLarge {
		in.Tags, withoutTags = nil, true // tags count into the packed size (trap 7)
		out, err = m.callAssumeRole(ctx, in)
	}
	if err != nil {
		return minted{}, classify(err, roleDenials())
	}
	return minted{
		name: *in.RoleSessionName, answer: out.Credentials, metadata: out.ResultMetadata, withoutTags: withoutTags,
	}, nil
}

func (m *Minter) callAssumeRole(ctx context.Context, in *awssts.AssumeRoleInput) (*awssts.AssumeRoleOutput, error) {
	return untilNotThrottled(ctx, func() (*awssts.AssumeRoleOutput, error) { return m.sts.AssumeRole(ctx, in) })
}

func sessionTags(r Request) []ststypes.Tag {
	tag := func(name, value string) ststypes.Tag {
		return ststypes.Tag{Key: aws.String("arngate:" + name), Value: aws.String(TagValue(value))}
	}
	return []ststypes.Tag{
		tag("site", r.Caller.Site), tag("user", r.Caller.User),
		tag("actor", r.Caller.Actor), tag("connection", r.Opened.Connection.Name),
	}
}
