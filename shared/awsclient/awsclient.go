// Package awsclient makes the clients through which Arngate calls AWS: one per service and region for customers'
// accounts, with the credentials of each call from its context and never any others; and the configuration for the
// gateway's own account. It holds the deadlines, connection and retry rules of both.
package awsclient

import (
	"net/http"
	"reflect"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"
)

// appID is what the User-Agent header of every call ends with.
const appID = "arngate"

// Options of [New]. The zero value calls AWS itself in every region.
type Options struct {
	Endpoint  string            // AWS_ENDPOINT_URL: everything goes there, S3 with the bucket in the path
	Partition string            // this deployment's; empty allows the regions of every partition
	Regions   []string          // the operator's list; empty allows all
	Transport http.RoundTripper // empty: [NewTransport]
}

// Clients are the clients for customers' accounts. Each is made on first use and kept: making one costs 50 to 100
// microseconds, and its connections are worth more. A call whose context carries no credentials fails (trap 5).
// Safe for concurrent use.
type Clients struct {
	options    Options
	httpClient *http.Client
	retryer    aws.Retryer

	dynamodb perRegion[awsdynamodb.Client]
	sts      perRegion[awssts.Client]
	others   sync.Map // of *perRegion[C], by the type C; see [For]
}

// New returns clients that share one pool of connections. It does no I/O.
func New(o Options) *Clients {
	if o.Transport == nil {
		o.Transport = NewTransport()
	}
	return &Clients{options: o, httpClient: newHTTPClient(o.Transport), retryer: newRetryer()}
}

// DynamoDB returns the client for region, or [ErrRegion].
func (c *Clients) DynamoDB(region string) (*awsdynamodb.Client, error) {
	return c.dynamodb.get(c, region, func() *awsdynamodb.Client {
		return awsdynamodb.New(awsdynamodb.Options{
			Region: region, BaseEndpoint: c.endpoint(), HTTPClient: c.httpClient, Retryer: c.retryer, AppID: appID,
			Credentials: contextCredentials{}, APIOptions: apiOptions(dynamoDBOnce),
			// A host of its own for each account would be a pool of its own for each account.
			AccountIDEndpointMode: aws.AccountIDEndpointModeDisabled, EndpointResolverV2: &dynamoDBEndpoints{},
		})
	})
}

// STS returns the client for region, or [ErrRegion]. It is for calls on a customer's credentials, such as
// GetCallerIdentity; the gateway's own AssumeRole goes through [Own].
func (c *Clients) STS(region string) (*awssts.Client, error) {
	return c.sts.get(c, region, func() *awssts.Client {
		return awssts.New(awssts.Options{
			Region: region, BaseEndpoint: c.endpoint(), HTTPClient: c.httpClient, Retryer: c.retryer, AppID: appID,
			Credentials: contextCredentials{}, APIOptions: apiOptions(nothingOnce), HTTPSignerV4: forgetfulSigner{},
		})
	})
}

// Base is what every client for customers' accounts is made of.
type Base struct {
	Endpoint    *string // nil: AWS's own
	HTTPClient  *http.Client
	Retryer     aws.Retryer
	AppID       string
	Credentials aws.CredentialsProvider // of the call's context
	APIOptions  []func(*middleware.Stack) error
	// Signer is for a service that is called with keys which people typed in; all others keep their own.
	Signer v4.HTTPSigner
}

// For returns the client of type C for region, made by build on first use, or [ErrRegion]. It is for packages of clients that not
// every function links; once says which of their calls may do harm when they are carried out twice, nil: none.
func For[C any](c *Clients, region string, once OnceRule, build func(Base) *C) (*C, error) {
	kept, _ := c.others.LoadOrStore(reflect.TypeFor[C](), new(perRegion[C]))
	clients, _ := kept.(*perRegion[C])
	if once == nil {
		once = nothingOnce
	}
	return clients.get(c, region, func() *C {
		return build(Base{
			Endpoint: c.endpoint(), HTTPClient: c.httpClient, Retryer: c.retryer, AppID: appID,
			Credentials: contextCredentials{}, APIOptions: apiOptions(once), Signer: forgetfulSigner{},
		})
	})
}

// Unsigned returns what a call without a signature is made with: the endpoint, nil for AWS's own, and the client; or [ErrRegion].
func (c *Clients) Unsigned(region string) (endpoint *string, client *http.Client, err error) {
	return c.endpoint(), c.httpClient, c.CheckRegion(region)
}

func (c *Clients) endpoint() *string {
	if c.options.Endpoint == "" {
		return nil
	}
	return aws.String(c.options.Endpoint)
}

// perRegion keeps one client for each region. The zero value is empty.
type perRegion[C any] struct {
	mu      sync.RWMutex
	clients map[string]*C
}

func (p *perRegion[C]) get(c *Clients, region string, build func() *C) (*C, error) {
	p.mu.RLock()
	client := p.clients[region]
	p.mu.RUnlock()
	if client != nil {
		return client, nil
	}
	if err := c.CheckRegion(region); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if client = p.clients[region]; client == nil { // still
		client = build()
		if p.clients == nil {
			p.clients = map[string]*C{}
		}
		p.clients[region] = client
	}
	return client, nil
}
