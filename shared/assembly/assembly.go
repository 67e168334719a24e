// Package assembly puts together, from a function's environment, what its operations stand on: the one wiring that the
// executables on Lambda, the local server and the tests share.
package assembly

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/config"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/seal"
	"github.com/arngate/arngate/shared/telemetry"
)

// rememberedConnections bounds what an instance remembers of the registry.
const rememberedConnections = 10_000

// Runtime is where a function runs. Out is required.
type Runtime struct {
	Out       io.Writer               // log lines and metrics; standard output on Lambda
	Transport http.RoundTripper       // nil: connections of its own
	Provider  aws.CredentialsProvider // the function's own credentials; nil: those that Lambda gives it
	// LocalAWS is the address of the local AWS where one was started for this function, else empty; see
	// audit.AuditOptions. It is never taken from the environment.
	LocalAWS string
	// Begun gets what a function begins before its first invocation, for who ends it without one to wait for; nil: nobody does.
	Begun *sync.WaitGroup
}

// Telemetry writes the logs and metrics of a function with that environment.
func Telemetry(f config.Function, r Runtime) *telemetry.Telemetry {
	return telemetry.New(telemetry.Options{Out: r.Out, Function: f.FunctionName, Level: f.LogLevel})
}

// API is an API without operations, for a function with that environment.
func API(f config.Function, claims config.Claims, r Runtime) *httpapi.API {
	return httpapi.New(httpapi.Options{
		Telemetry: Telemetry(f, r),
		Claims:    caller.Claims{Site: claims.SiteClaim, User: claims.UserClaim, Groups: claims.GroupsClaim},
	})
}

// Account is the gateway's own account, as far as a function uses it.
type Account struct {
	Partition string // of the deployment, such as "aws"
	Clients   *awsclient.Clients
	Registry  *registry.Store
	Vault     *seal.Vault

	Own aws.Config // of clients for it

	kms *awskms.Client
}

// OpenAccount makes the clients for the gateway's own account and for customers' accounts. It makes no call.
func OpenAccount(f config.Function, regions config.Regions, table config.Registry, key config.Key, r Runtime) (*Account, error) {
	partition, err := awsclient.PartitionOf(f.Region)
	if err != nil {
		return nil, fmt.Errorf("read AWS_REGION: %w", err)
	}
	if r.Transport == nil {
		r.Transport = awsclient.NewTransport()
	}
	own := Own(f, r)
	kms := awskms.NewFromConfig(own)
	return &Account{
		Partition: partition,
		Clients: awsclient.New(awsclient.Options{
			Endpoint: string(f.Endpoint), Partition: partition, Regions: regions.AllowedRegions, Transport: r.Transport,
		}),
		Registry: registry.NewStore(awsdynamodb.NewFromConfig(own), table.RegistryTable),
		Vault:    seal.NewVault(kms, string(key.KeyARN)),
		Own:      own, kms: kms,
	}, nil
}

// Own is the configuration of clients for the gateway's own account.
func Own(f config.Function, r Runtime) aws.Config {
	if r.Provider == nil {
		r.Provider = config.OwnCredentials()
	}
	return awsclient.Own(awsclient.OwnOptions{
		Region: f.Region, Endpoint: string(f.Endpoint), Transport: r.Transport, Provider: r.Provider,
	})
}

// Gateway is what a function stands on that makes calls in customers' accounts.
type Gateway struct {
	*Account
	Ring   *seal.Ring
	Minter *credentials.Minter
	Opener *connection.Opener
	Table  *credentials.Table

	STS       *awssts.Client // calls with the gateway's own credentials
	Customers *awssts.Client // calls with customers' credentials only

	loaded <-chan struct{} // closed when the data keys are, or could not be
}

// OpenGateway makes a Gateway and begins to load the data keys: see [Gateway.Handler]. That they can't be loaded is no error:
// a gateway without them mints.
func OpenGateway(ctx context.Context, c config.Gateway, r Runtime) (*Gateway, error) {
	account, err := OpenAccount(c.Function, c.Regions, c.Registry, c.Key, r)
	if err != nil {
		return nil, err
	}
	remembered, err := registry.NewCache(account.Registry, rememberedConnections)
	if err != nil {
		return nil, err
	}
	customers, err := account.Clients.STS(c.Region)
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		Account: account,
		Ring:    seal.NewRing(account.kms, account.Registry, string(c.KeyARN), time.Now),
		Table:   credentials.NewTable(awsdynamodb.NewFromConfig(account.Own), c.CredentialCacheTable),
		STS:     awssts.NewFromConfig(account.Own), Customers: customers,
	}
	g.Minter = credentials.NewMinter(g.STS, g.Customers, account.Vault)
	broker, err := credentials.NewBroker(g.Minter, g.Table, g.Ring, credentials.Options{UnsafeRoles: Texts(c.UnsafeRoleARNs)})
	if err != nil {
		return nil, err
	}
	g.Opener = connection.NewOpener(remembered, broker, account.Clients)
	g.loaded = g.Ring.Begin(ctx, func(err error) {
		Telemetry(c.Function, r).Logger().WarnContext(ctx, "data keys not loaded", "error", err)
	})
	if r.Begun != nil {
		r.Begun.Go(func() { <-g.loaded })
	}
	return g, nil
}

// Handler is what answers invocations, as aws-lambda-go has it.
type Handler interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// Handler returns h, no invocation of which ends while the data keys are being loaded, so that what began with the process
// doesn't outlive an invocation either. A cold start has them on their way while it registers operations, asks for its first
// event and looks its connection up.
func (g *Gateway) Handler(h Handler) Handler { return settled{h, g.loaded} }

type settled struct {
	Handler

	loaded <-chan struct{}
}

// Invoke answers one event. What it waits for takes two seconds at most.
func (s settled) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	defer func() { <-s.loaded }()
	return s.Handler.Invoke(ctx, payload)
}

// Texts are settings as plain text.
func Texts[T ~string](settings []T) []string {
	out := make([]string, len(settings))
	for i, setting := range settings {
		out[i] = string(setting)
	}
	return out
}
