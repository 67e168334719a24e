// Package deployment stands Arngate up on loopback the way template.yaml deploys it: tables, key and roles in an account of
// the local AWS, and the functions, under those roles and with that environment, behind the local API Gateway.
package deployment

import (
	"context"
	"crypto/rsa"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/arngate/arngate/shared/assembly"
	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/localgateway"
	"github.com/arngate/arngate/shared/localgateway/template"
)

// The stack as it is deployed here. The sample events and their environment name these.
const (
	Account   = "111122223333"
	Region    = "eu-central-1"
	StackName = "arngate-local"
	Audience  = "arngate"
)

// Options of [Start]. Template, Address, AWSEndpoint and Logs are required.
type Options struct {
	Template    string            // path of template.yaml
	Address     string            // host and port at which Handler is served
	AWS         *localaws.AWS     // empty of Account
	AWSEndpoint string            // where functions reach it
	Transport   http.RoundTripper // by which they do; nil: over the network
	Logs        io.Writer         // functions' log lines
	Access      *slog.Logger      // nil: no access log
	Parameters  map[string]string // of the template, over those that a local deployment has
	Key         *rsa.PrivateKey   // signs tokens; nil: a new one
}

// Deployment is a running stack. Safe for concurrent use.
type Deployment struct {
	Template *template.Template
	options  Options
	issuer   *localgateway.Issuer
	gateway  *localgateway.Gateway
	begun    sync.WaitGroup // what functions begin before their first invocation
}

// Start creates what the template declares, and the functions. Nothing listens: serve [Deployment.Handler].
func Start(ctx context.Context, o Options) (*Deployment, error) {
	url := "http://" + o.Address
	// Audits that somebody waits for in front of a screen aren't spread.
	parameters := map[string]string{"JwtIssuer": url, "JwtAudience": Audience, "AuditSpreadSeconds": "0"}
	maps.Copy(parameters, o.Parameters)
	declared, err := template.Load(o.Template, template.Inputs{
		Account: Account, Region: Region, StackName: StackName, Parameters: parameters,
	})
	if err != nil {
		return nil, err
	}
	if len(declared.APIs) != 1 {
		return nil, fmt.Errorf("%s has %d HTTP APIs, want one", o.Template, len(declared.APIs))
	}
	if err := provision(ctx, declared, o); err != nil {
		return nil, fmt.Errorf("provision: %w", err)
	}
	issuer, err := newIssuer(o.Key, url)
	if err != nil {
		return nil, err
	}
	d := &Deployment{Template: declared, options: o, issuer: issuer}
	if err := d.registerScheduled(); err != nil {
		return nil, err
	}
	functions, err := d.functions(ctx)
	if err != nil {
		return nil, err
	}
	api := declared.APIs[0]
	d.gateway, err = localgateway.New(localgateway.Options{
		Hosts: []string{o.Address}, Routes: routes(declared), Functions: functions, Authorizer: issuer.Authorizer(), Log: o.Access,
		CORS: cors(api), Throttle: localgateway.Throttle{Rate: api.ThrottlingRate, Burst: api.ThrottlingBurst}, Timeouts: timeouts(declared),
	})
	return d, err
}

func newIssuer(key *rsa.PrivateKey, url string) (*localgateway.Issuer, error) {
	if key == nil {
		return localgateway.NewIssuer(url, Audience)
	}
	return localgateway.NewIssuerOf(key, url, Audience)
}

// Handler serves the API and, below /.well-known/, what an OpenID Connect issuer publishes.
func (d *Deployment) Handler() http.Handler {
	issuer := d.issuer.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == d.options.Address && strings.HasPrefix(r.URL.Path, "/.well-known/") {
			issuer.ServeHTTP(w, r)
			return
		}
		d.gateway.ServeHTTP(w, r)
	})
}

// Wait returns when no function is running any more, nor starting.
func (d *Deployment) Wait() {
	d.gateway.Wait()
	d.begun.Wait()
}

// Recycle gives every function a new instance, as Lambda does: what the old ones kept in memory is gone, what lies in
// tables stays.
func (d *Deployment) Recycle(ctx context.Context) error {
	functions, err := d.functions(ctx)
	if err != nil {
		return err
	}
	d.gateway.Recycle(functions)
	return nil
}

// Instance starts one more instance of a function, by its logical id in the template.
func (d *Deployment) Instance(ctx context.Context, logicalID string) (lambda.Handler, error) {
	declared, ok := d.Template.Function(logicalID)
	if !ok {
		return nil, fmt.Errorf("start function: the template has no %s", logicalID)
	}
	for _, f := range functions() {
		if f.logicalID == logicalID {
			return d.start(ctx, f, declared)
		}
	}
	return nil, fmt.Errorf("start function: there is no code for %s", logicalID)
}

// Token is a bearer token for the claims, for an hour or what the claims say. See [localgateway.Issuer.Token].
func (d *Deployment) Token(claims map[string]any) (string, error) {
	return d.issuer.Token(claims, tokenLife)
}

const tokenLife = 12 * time.Hour

func (d *Deployment) functions(ctx context.Context) (map[string]lambda.Handler, error) {
	handlers := map[string]lambda.Handler{}
	for _, declared := range d.Template.Functions {
		handler, err := d.Instance(ctx, declared.LogicalID)
		if err != nil {
			return nil, err
		}
		handlers[declared.LogicalID] = handler
	}
	return handlers, nil
}

func (d *Deployment) start(ctx context.Context, f function, declared template.Function) (lambda.Handler, error) {
	environment := maps.Clone(declared.Environment)
	environment["AWS_ENDPOINT_URL"] = d.options.AWSEndpoint
	environment["AWS_REGION"] = Region
	environment["AWS_LAMBDA_FUNCTION_NAME"] = declared.Name
	handler, err := f.start(ctx, environment, assembly.Runtime{
		Out: d.options.Logs, Transport: d.options.Transport, Provider: d.Credentials(declared),
		LocalAWS: d.options.AWSEndpoint, Begun: &d.begun,
	})
	if err != nil {
		return nil, fmt.Errorf("start function %s: %w", declared.LogicalID, err)
	}
	return handler, nil
}

// Credentials are those of a function's role, as Lambda gets them for it.
func (d *Deployment) Credentials(declared template.Function) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		role, ok := d.Template.Role(declared.Role)
		if !ok {
			return aws.Credentials{}, fmt.Errorf("the template has no role %s", declared.Role)
		}
		issued, err := d.options.AWS.AssumeAsService("lambda.amazonaws.com", role.ARN, declared.Name)
		if err != nil {
			return aws.Credentials{}, fmt.Errorf("assume role of %s: %w", declared.LogicalID, err)
		}
		return credentialsOf(issued)
	})
}

func routes(declared *template.Template) []localgateway.Route {
	all := make([]localgateway.Route, 0, len(declared.Routes))
	for _, r := range declared.Routes {
		all = append(all, localgateway.Route{Method: r.Method, Path: r.Path, Function: r.Function, Public: r.Public})
	}
	return slices.Clip(all)
}

// timeouts are those of functions, by logical id.
func timeouts(declared *template.Template) map[string]time.Duration {
	all := map[string]time.Duration{}
	for _, f := range declared.Functions {
		all[f.LogicalID] = time.Duration(f.Timeout) * time.Second
	}
	return all
}

// cors is the API's CORS configuration; nil if it has none.
func cors(api template.API) *localgateway.CORS {
	c := api.CORS
	if c == nil {
		return nil
	}
	return &localgateway.CORS{
		AllowOrigins: c.AllowOrigins, AllowMethods: c.AllowMethods, AllowHeaders: c.AllowHeaders, ExposeHeaders: c.ExposeHeaders,
		MaxAge: time.Duration(c.MaxAge) * time.Second,
	}
}
