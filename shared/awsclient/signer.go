package awsclient

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// forgetfulSigner signs each request with a key derived from the secret at hand.
//
// The SDK's own signer keeps the last derived key for a service and region and finds it again by access key id and day alone
// (aws/signer/internal/v4/cache.go). Whoever named another's access key id, with any secret, right after it was used, would
// sign as its owner. A key that a person typed in may be signed with by this signer only. Ids of sessions are AWS's to give,
// never twice: clients that are called with nothing else may keep theirs. Safe for concurrent use.
type forgetfulSigner struct{}

// SignHTTP signs the request as [v4.Signer.SignHTTP] does.
func (forgetfulSigner) SignHTTP(
	ctx context.Context, credentials aws.Credentials, r *http.Request, payloadHash, service, region string, at time.Time,
	options ...func(*v4.SignerOptions),
) error {
	return v4.NewSigner().SignHTTP(ctx, credentials, r, payloadHash, service, region, at, options...)
}
