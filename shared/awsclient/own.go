package awsclient

import (
	"context"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
)

// OwnOptions of [Own].
type OwnOptions struct {
	Region    string                  // the gateway's; empty: from the environment
	Endpoint  string                  // AWS_ENDPOINT_URL, or empty
	Transport http.RoundTripper       // nil: [NewTransport]; give [New] the same one
	Provider  aws.CredentialsProvider // nil: the SDK's default chain
}

// Own returns the configuration for calls to the gateway's own account: its tables, its key, and AssumeRole itself.
// It is the only place where the default chain is used. A given provider spares a cold start the chain's milliseconds.
func Own(ctx context.Context, o OwnOptions) (aws.Config, error) {
	if o.Transport == nil {
		o.Transport = NewTransport()
	}
	own := aws.Config{Region: o.Region, AppID: appID}
	if o.Provider != nil {
		own.Credentials = aws.NewCredentialsCache(o.Provider)
	} else {
		loaded, err := config.LoadDefaultConfig(ctx, func(l *config.LoadOptions) error {
			l.Region, l.AppID = o.Region, appID
			return nil
		})
		if err != nil {
			return aws.Config{}, fmt.Errorf("load own configuration: %w", err)
		}
		own = loaded
	}
	own.HTTPClient = newHTTPClient(o.Transport)
	retryer := newRetryer()
	own.Retryer = func() aws.Retryer { return retryer }
	if o.Endpoint != "" {
		own.BaseEndpoint = aws.String(o.Endpoint)
	}
	return own, nil
}
