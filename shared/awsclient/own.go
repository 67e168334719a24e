package awsclient

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// OwnOptions of [Own]. Region and Provider are required.
type OwnOptions struct {
	Region    string                  // the gateway's
	Endpoint  string                  // AWS_ENDPOINT_URL, or empty
	Transport http.RoundTripper       // nil: [NewTransport]; give [New] the same one
	Provider  aws.CredentialsProvider // the gateway's own credentials
}

// Own returns the configuration for calls to the gateway's own account: its tables, its key, and AssumeRole itself.
// It is the only place where the gateway's own credentials are used. The SDK's package config, with its chain of sources for
// credentials, isn't linked: of them Lambda has two, and the clients for the others cost every cold start a millisecond.
func Own(o OwnOptions) aws.Config {
	if o.Transport == nil {
		o.Transport = NewTransport()
	}
	retryer := newRetryer()
	own := aws.Config{
		Region: o.Region, AppID: appID, Credentials: aws.NewCredentialsCache(o.Provider), HTTPClient: newHTTPClient(o.Transport),
		Retryer: func() aws.Retryer { return retryer },
	}
	if o.Endpoint != "" {
		own.BaseEndpoint = aws.String(o.Endpoint)
	}
	return own
}
