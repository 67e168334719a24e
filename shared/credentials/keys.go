package credentials

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/arngate/arngate/shared/registry"
)

// LongLived returns a provider's stored access keys in the clear: to make sessions from them, and for verify and audits.
// No connector's call is ever signed with them.
func (m *Minter) LongLived(ctx context.Context, p registry.Provider) (aws.Credentials, error) {
	if p.Method != registry.AccessKeys {
		return aws.Credentials{}, errors.New("credentials: provider has no access keys")
	}
	secret, err := m.secrets.DecryptSecret(ctx, p.Site, p.Name, p.SealedSecret)
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("open access key: %w", err)
	}
	return aws.Credentials{AccessKeyID: p.AccessKeyID, SecretAccessKey: secret.Reveal(), Source: "arngate"}, nil
}

// SignWith makes one call of an STS client use credentials.
func SignWith(credentials aws.Credentials) func(*awssts.Options) {
	provider := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentials, nil })
	return func(o *awssts.Options) { o.Credentials = provider }
}

// fromKeys makes a federated session from stored access keys; without one, and so without a policy and a name, only
// where the provider was saved with scoping none.
func (m *Minter) fromKeys(ctx context.Context, r Request) (minted, error) {
	keys, err := m.LongLived(ctx, r.Opened.Provider)
	if err != nil {
		return minted{}, err
	}
	if r.Opened.Provider.Scoping == registry.ScopingNone {
		return m.sessionToken(ctx, keys)
	}
	in := &awssts.GetFederationTokenInput{
		Name:            aws.String(FederationName(r.Caller.User, r.Caller.Site)),
		Policy:          aws.String(r.Opened.Connection.Policy),
		DurationSeconds: aws.Int32(int32(lifetime / time.Second)),
	}
	out, err := untilNotThrottled(ctx, func() (*awssts.GetFederationTokenOutput, error) {
		return m.keySTS.GetFederationToken(ctx, in, SignWith(keys))
	})
	if err != nil {
		return minted{}, classify(err, keyDenials())
	}
	return minted{name: *in.Name, answer: out.Credentials, metadata: out.ResultMetadata}, nil
}

func (m *Minter) sessionToken(ctx context.Context, keys aws.Credentials) (minted, error) {
	in := &awssts.GetSessionTokenInput{DurationSeconds: aws.Int32(int32(lifetime / time.Second))}
	out, err := untilNotThrottled(ctx, func() (*awssts.GetSessionTokenOutput, error) {
		return m.keySTS.GetSessionToken(ctx, in, SignWith(keys))
	})
	if err != nil {
		return minted{}, classify(err, keyDenials())
	}
	return minted{answer: out.Credentials, metadata: out.ResultMetadata}, nil
}
