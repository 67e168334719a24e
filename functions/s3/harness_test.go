package s3_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/arngate/arngate/functions/s3"
	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/awsclient/s3client"
	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/seal"
	"github.com/arngate/arngate/shared/secrettest"
	"github.com/arngate/arngate/shared/telemetry"
)

const (
	site      = "7b1f4e0a-3c52-4d7e-9a41-5f0c2d8e6b13"
	gateway   = "999999999999"
	account   = "444455556666"
	stranger  = "777788889999"
	elsewhere = "eu-west-1" // where some buckets are, and no connection
)

// bench is the connector on a local AWS behind a listener. Connections come from a map; their credentials are sessions of a
// role that may do anything, under the session policy that the connection's limits make.
type bench struct {
	local    *localawstest.AWS
	api      *httpapi.API
	opener   *connection.Opener
	admin    *awss3.Client // of the account's administrator
	gateway  localawstest.Keys
	customer localawstest.Keys // the account's administrator
	role     string
	opened   map[string]*registry.Opened
	mu       sync.Mutex // for what Get writes: a bulk operation calls it at the same time
	sessions map[string]localawstest.Keys
	life     time.Duration   // that is left to sessions
	lasting  []time.Duration // that credentials were asked to, one for each time
	passed   atomic.Int64    // bytes that went into and out of the function
	ahead    atomic.Int64    // how far the clock of AWS is ahead, in nanoseconds
	time     time.Duration   // that an invocation has; 29 seconds if zero
	ring     marked
}

func newBench(tb testing.TB) *bench {
	tb.Helper()
	b := &bench{opened: map[string]*registry.Opened{}, sessions: map[string]localawstest.Keys{}, life: time.Hour}
	local := localawstest.Listen(tb, func(o *localaws.Options) {
		o.Now = func() time.Time { return time.Now().Add(time.Duration(b.ahead.Load())) }
	})
	b.local, b.gateway = local, local.Account(gateway)
	b.customer = local.Account(account)
	b.admin = client(local, b.customer)
	b.role = b.addRole(tb, b.customer, "files", `{"Effect":"Allow","Action":"*","Resource":"*"}`)
	clients := awsclient.New(awsclient.Options{Endpoint: local.Endpoint(), Transport: local.Client().Transport})
	b.serve(tb, connection.NewOpener(b, b, clients))
	b.connect("files", func(l *permissions.Limits) { l.Buckets = []permissions.Bucket{{Name: "*"}} })
	createBucket(tb, b.admin, "demo-files", localawstest.Region)
	local.ResetCalls()
	return b
}

// through puts the connector on the local AWS behind another transport.
func (b *bench) through(t *testing.T, transport http.RoundTripper) {
	t.Helper()
	clients := awsclient.New(awsclient.Options{Endpoint: b.local.Endpoint(), Transport: transport})
	b.serve(t, connection.NewOpener(b, b, clients))
}

// serve puts the connector on an opener.
func (b *bench) serve(tb testing.TB, opener *connection.Opener) {
	tb.Helper()
	b.opener = opener
	b.api = httpapi.New(httpapi.Options{Telemetry: telemetry.New(telemetry.Options{Out: secrettest.Log(tb), Function: "s3"})})
	s3.Register(b.api, s3.Deps{Opener: opener, Ring: &b.ring})
}

func (b *bench) addRole(tb testing.TB, administrator localawstest.Keys, name, statement string) string {
	tb.Helper()
	return b.local.AddRole(tb, administrator, localawstest.Role{
		Name:   name,
		Trust:  `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + gateway + `:root"},"Action":"sts:AssumeRole"}]}`,
		Policy: `{"Version":"2012-10-17","Statement":[` + statement + `]}`,
	})
}

func client(local *localawstest.AWS, keys localawstest.Keys) *awss3.Client {
	return awss3.NewFromConfig(local.Config(keys), func(o *awss3.Options) { o.UsePathStyle = true })
}

func createBucket(tb testing.TB, c *awss3.Client, name, region string) {
	tb.Helper()
	in := &awss3.CreateBucketInput{Bucket: &name}
	if region != "us-east-1" {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	if _, err := c.CreateBucket(tb.Context(), in, func(o *awss3.Options) { o.Region = region }); err != nil {
		tb.Fatal(err)
	}
}

// store puts an object into demo-files as the account's administrator.
func (b *bench) store(tb testing.TB, key, content string, set ...func(*awss3.PutObjectInput)) string {
	tb.Helper()
	in := &awss3.PutObjectInput{Bucket: new("demo-files"), Key: &key, Body: strings.NewReader(content)}
	for _, f := range set {
		f(in)
	}
	out, err := b.admin.PutObject(tb.Context(), in)
	if err != nil {
		tb.Fatal(err)
	}
	return aws.ToString(out.ETag)
}

// version makes demo-files keep versions.
func (b *bench) version(t *testing.T) {
	t.Helper()
	_, err := b.admin.PutBucketVersioning(t.Context(), &awss3.PutBucketVersioningInput{
		Bucket: new("demo-files"), VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// connect makes a connection of site, on the role of the bench.
func (b *bench) connect(name string, limit func(*permissions.Limits)) {
	limits := permissions.Limits{Connector: permissions.S3, Region: localawstest.Region}
	limit(&limits)
	b.opened[site+"/"+name] = &registry.Opened{
		Connection: registry.Connection{Site: site, Name: name, Groups: []string{"*"}, Limits: limits, Revision: "r-" + name},
		Provider:   registry.Provider{Site: site, Name: "p", Method: registry.AssumeRole, RoleARN: b.role, Revision: "1"},
		State:      registry.State{Account: account, Revision: "1"},
	}
}

// Open makes bench a connection.Registry.
func (b *bench) Open(_ context.Context, site, name string) (*registry.Opened, error) {
	if o, ok := b.opened[site+"/"+name]; ok {
		return o, nil
	}
	return nil, registry.ErrNotFound
}

// Get makes bench a connection.Broker: a session of the role for each connection.
func (b *bench) Get(ctx context.Context, r credentials.Request) (credentials.Credentials, credentials.Tier, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lasting = append(b.lasting, r.Lasting)
	name := r.Opened.Connection.Name
	keys, ok := b.sessions[name]
	if !ok {
		policy, err := permissions.SessionPolicy(r.Opened.Connection.Limits, "aws", account)
		if err != nil {
			return credentials.Credentials{}, "", err
		}
		out, err := awssts.NewFromConfig(b.local.Config(b.gateway)).AssumeRole(ctx, &awssts.AssumeRoleInput{
			RoleArn: &r.Opened.Provider.RoleARN, RoleSessionName: aws.String("session"), Policy: &policy,
		})
		if err != nil {
			return credentials.Credentials{}, "", err
		}
		keys = localawstest.Keys{
			AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey,
			SessionToken: *out.Credentials.SessionToken,
		}
		b.sessions[name] = keys
	}
	return credentials.Credentials{
		AccessKeyID: keys.AccessKeyID, SecretAccessKey: seal.NewSecret(keys.SecretAccessKey),
		SessionToken: seal.NewSecret(keys.SessionToken), Expires: time.Now().Add(b.life),
	}, telemetry.Memory, nil
}

// Drop makes bench a connection.Broker.
func (b *bench) Drop(_ context.Context, r credentials.Request, _ string) {
	delete(b.sessions, r.Opened.Connection.Name)
}

// marked stands in for a seal.Ring: it doesn't hide anything, but opens only what it has made for the same thing.
type marked struct{ down error } // down: why nothing can be sealed

func (*marked) mark(purpose string, associated, plain []byte) []byte {
	mac := hmac.New(sha256.New, append([]byte(purpose+"\x00"), associated...))
	mac.Write(plain)
	return mac.Sum(nil)
}

// Seal makes marked a cursor.Sealer.
func (m *marked) Seal(_ context.Context, purpose string, associated, plain []byte) ([]byte, error) {
	if m.down != nil {
		return nil, m.down
	}
	return append(m.mark(purpose, associated, plain), plain...), nil
}

// Open makes marked a cursor.Sealer.
func (m *marked) Open(_ context.Context, purpose string, associated, sealed []byte) ([]byte, error) {
	if len(sealed) < sha256.Size || !bytes.Equal(sealed[:sha256.Size], m.mark(purpose, associated, sealed[sha256.Size:])) {
		return nil, seal.ErrUnopenable
	}
	return sealed[sha256.Size:], nil
}

// operations are what S3 was asked for since the last time.
func (b *bench) operations() string {
	var names []string
	for _, c := range b.local.Calls() {
		if c.Service == "s3" {
			names = append(names, c.Operation)
		}
	}
	b.local.ResetCalls()
	return strings.Join(names, " ")
}

// direct opens a connection as its user and calls S3 with its credentials, past what the connector checks.
func (b *bench) direct(t *testing.T, name string, do func(context.Context, *awss3.Client) error) error {
	t.Helper()
	c, err := b.opener.Open(t.Context(), caller.Caller{Site: site, User: "ada", Actor: "ada"}, name, permissions.S3)
	if err != nil {
		t.Fatal(err)
	}
	client, err := s3client.For(c.Clients(), c.Region)
	if err != nil {
		t.Fatal(err)
	}
	return c.Call(t.Context(), "DeleteObject", "s3:DeleteObject", "", func(ctx context.Context) error { return do(ctx, client) })
}
