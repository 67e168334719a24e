// Package localawstest starts a local AWS for one test and configures the SDK's clients for it.
package localawstest

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/secrettest"
)

// Region is where clients of Config work unless the test says otherwise.
const Region = "us-east-1"

// Endpoint is the base address that reaches the local AWS through its in-process transport. It is an IP
// address, so that S3 clients put the bucket into the path, and https, as in production.
const Endpoint = "https://127.0.0.1"

// AWS is a local AWS that lives as long as its test.
type AWS struct {
	*localaws.AWS

	endpoint string
	client   *http.Client
}

// Keys are long-lived or temporary credentials.
type Keys struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string // empty for long-lived keys
}

// Start returns a local AWS that is reached in process, without a listener: fit for testing/synctest.
func Start(tb testing.TB, options ...func(*localaws.Options)) *AWS {
	tb.Helper()
	a := newAWS(tb, options)
	return &AWS{AWS: a, endpoint: Endpoint, client: &http.Client{Transport: a.Transport()}}
}

// Listen returns a local AWS behind a listener on loopback, closed when the test ends.
func Listen(tb testing.TB, options ...func(*localaws.Options)) *AWS {
	tb.Helper()
	a := newAWS(tb, options)
	server := httptest.NewServer(a)
	tb.Cleanup(server.Close)
	return &AWS{AWS: a, endpoint: server.URL, client: server.Client()}
}

func newAWS(tb testing.TB, options []func(*localaws.Options)) *localaws.AWS {
	tb.Helper()
	var o localaws.Options
	Watch(tb, &o)
	for _, set := range options {
		set(&o)
	}
	a := localaws.New(o)
	tb.Cleanup(func() {
		if err := a.Close(); err != nil {
			tb.Errorf("close the local AWS: %v", err)
		}
	})
	return a
}

// Watch has a local AWS plant the secrets that it issues, and fail the test when one is sent to be kept: in an item, a message,
// an event or a payload. Only KMS is given secrets.
func Watch(tb testing.TB, o *localaws.Options) {
	tb.Helper()
	o.Marks = localaws.Marks{
		SecretKey: secrettest.Mark(secrettest.SecretKey), SessionToken: secrettest.Mark(secrettest.SessionToken),
		DataKey: secrettest.Mark(secrettest.DataKey),
	}
	o.Inspect = func(service, operation string, body []byte) {
		if service != "kms" {
			secrettest.Check(tb, "what "+service+":"+operation+" was sent", string(body))
		}
	}
}

// Endpoint is the base address of the local AWS, for AWS_ENDPOINT_URL.
func (a *AWS) Endpoint() string { return a.endpoint }

// Client is the HTTP client that reaches the local AWS.
func (a *AWS) Client() *http.Client { return a.client }

// Account creates an account and returns the keys of its administrator.
func (a *AWS) Account(id string) Keys {
	keyID, secret := a.AddAccount(id)
	return Keys{AccessKeyID: keyID, SecretAccessKey: secret}
}

// Config is the configuration of SDK clients that call the local AWS with these credentials in Region.
// They do not retry, so that every failure is seen; set RetryMaxAttempts and Retryer to change that.
func (a *AWS) Config(keys Keys) aws.Config {
	return aws.Config{
		Region:       Region,
		BaseEndpoint: aws.String(a.endpoint),
		HTTPClient:   a.client,
		Credentials:  credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken),
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
	}
}
