package s3_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/arngate/arngate/functions/s3"
	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/seal"
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
	sessions map[string]localawstest.Keys
	life     time.Duration // that is left to sessions
	time     time.Duration // that an invocation has; 29 seconds if zero
}

func newBench(t *testing.T) *bench {
	t.Helper()
	local := localawstest.Listen(t)
	b := &bench{
		local: local, gateway: local.Account(gateway), opened: map[string]*registry.Opened{},
		sessions: map[string]localawstest.Keys{}, life: time.Hour,
	}
	b.customer = local.Account(account)
	b.admin = client(local, b.customer, localawstest.Region)
	b.role = b.addRole(t, b.customer, "files", `{"Effect":"Allow","Action":"*","Resource":"*"}`)
	clients := awsclient.New(awsclient.Options{Endpoint: local.Endpoint(), Transport: local.Client().Transport})
	b.serve(t, connection.NewOpener(b, b, clients))
	b.connect("files", func(l *permissions.Limits) { l.Buckets = []permissions.Bucket{{Name: "*"}} })
	createBucket(t, b.admin, "demo-files", localawstest.Region)
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
func (b *bench) serve(t *testing.T, opener *connection.Opener) {
	t.Helper()
	b.opener = opener
	b.api = httpapi.New(httpapi.Options{Telemetry: telemetry.New(telemetry.Options{Out: t.Output(), Function: "s3"})})
	s3.Register(b.api, s3.Deps{Opener: opener, Ring: marked{}})
}

func (b *bench) addRole(t *testing.T, administrator localawstest.Keys, name, statement string) string {
	t.Helper()
	return b.local.AddRole(t, administrator, localawstest.Role{
		Name:   name,
		Trust:  `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + gateway + `:root"},"Action":"sts:AssumeRole"}]}`,
		Policy: `{"Version":"2012-10-17","Statement":[` + statement + `]}`,
	})
}

func client(local *localawstest.AWS, keys localawstest.Keys, region string) *awss3.Client {
	config := local.Config(keys)
	config.Region = region
	return awss3.NewFromConfig(config, func(o *awss3.Options) { o.UsePathStyle = true })
}

func createBucket(t *testing.T, c *awss3.Client, name, region string) {
	t.Helper()
	in := &awss3.CreateBucketInput{Bucket: &name}
	if region != "us-east-1" {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	if _, err := c.CreateBucket(t.Context(), in, func(o *awss3.Options) { o.Region = region }); err != nil {
		t.Fatal(err)
	}
}

// store puts an object into demo-files as the account's administrator.
func (b *bench) store(t *testing.T, key, content string, set ...func(*awss3.PutObjectInput)) string {
	t.Helper()
	in := &awss3.PutObjectInput{Bucket: new("demo-files"), Key: &key, Body: strings.NewReader(content)}
	for _, f := range set {
		f(in)
	}
	out, err := b.admin.PutObject(t.Context(), in)
	if err != nil {
		t.Fatal(err)
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
type marked struct{}

func (marked) mark(purpose string, associated, plain []byte) []byte {
	mac := hmac.New(sha256.New, append([]byte(purpose+"\x00"), associated...))
	mac.Write(plain)
	return mac.Sum(nil)
}

// Seal makes marked a cursor.Sealer.
func (m marked) Seal(_ context.Context, purpose string, associated, plain []byte) ([]byte, error) {
	return append(m.mark(purpose, associated, plain), plain...), nil
}

// Open makes marked a cursor.Sealer.
func (m marked) Open(_ context.Context, purpose string, associated, sealed []byte) ([]byte, error) {
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
	return c.Call(t.Context(), "DeleteObject", "s3:DeleteObject", "", func(ctx context.Context) error { return do(ctx, c.S3()) })
}

// request is what a client sends. Its path is below /v1/s3/.
type request struct {
	method, path string
	query        []string // names and values in turn
	headers      map[string]string
	body         []byte
	user         string // ada if empty
	site         string // site if empty
}

// answer is what it gets.
type answer struct {
	Status  int               `json:"statusCode"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Base64  bool              `json:"isBase64Encoded"`
}

func (b *bench) do(t *testing.T, r request) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), cmp.Or(b.time, 29*time.Second))
	defer cancel()
	raw, err := b.api.Handler().Invoke(ctx, r.event(t))
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(raw, &a); err != nil {
		t.Fatal(err)
	}
	if a.Base64 {
		decoded, err := base64.StdEncoding.DecodeString(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		a.Body = string(decoded)
	}
	return a
}

func (r request) event(t *testing.T) []byte {
	t.Helper()
	user := r.user
	if user == "" {
		user = "ada"
	}
	query := url.Values{}
	for i := 0; i+1 < len(r.query); i += 2 {
		query.Set(r.query[i], r.query[i+1])
	}
	of := r.site
	if of == "" {
		of = site
	}
	claims := map[string]any{"iss": "https://id.example", "sub": user, "site_id": of, "scope": "arngate/connect"}
	headers := map[string]string{"authorization": "Bearer e30." + base64.RawURLEncoding.EncodeToString(marshal(t, claims)) + ".c2ln"}
	for name, value := range r.headers {
		headers[strings.ToLower(name)] = value
	}
	event := map[string]any{
		"version": "2.0", "rawPath": "/v1/s3/" + r.path, "rawQueryString": query.Encode(), "headers": headers,
		"requestContext": map[string]any{
			"requestId": "r-1", "http": map[string]any{"method": r.method, "sourceIp": "192.0.2.1"},
			"authorizer": map[string]any{"jwt": map[string]any{"claims": map[string]any{"iss": "https://id.example", "sub": user}}},
		},
	}
	if r.body != nil {
		event["body"], event["isBase64Encoded"] = base64.StdEncoding.EncodeToString(r.body), true
	}
	return marshal(t, event)
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (b *bench) get(t *testing.T, path string, query ...string) answer {
	t.Helper()
	return b.do(t, request{method: http.MethodGet, path: path, query: query})
}

// post sends JSON below /v1/s3/.
func (b *bench) post(t *testing.T, path, body string) answer {
	t.Helper()
	return b.do(t, request{method: http.MethodPost, path: path, body: []byte(body)})
}

// into decodes the body of a success.
func (a answer) into(t *testing.T, out any) {
	t.Helper()
	if a.Status != http.StatusOK {
		t.Fatalf("answer %d %s", a.Status, a.Body)
	}
	if err := json.Unmarshal([]byte(a.Body), out); err != nil {
		t.Fatal(err)
	}
}

// quote is text as JSON.
func quote(t *testing.T, text string) string {
	t.Helper()
	return string(marshal(t, text))
}

const objectPath = "files/buckets/demo-files/object"

// object asks for an object of demo-files, with headers in turn.
func (b *bench) object(t *testing.T, method, key string, headers ...string) answer {
	t.Helper()
	return b.do(t, request{method: method, path: objectPath, query: []string{"key", key}, headers: pairs(headers)})
}

// put puts an object into demo-files, with headers in turn.
func (b *bench) put(t *testing.T, key, content string, headers ...string) answer {
	t.Helper()
	return b.do(t, request{
		method: http.MethodPut, path: objectPath, query: []string{"key", key}, headers: pairs(headers), body: []byte(content),
	})
}

func pairs(list []string) map[string]string {
	out := map[string]string{}
	for i := 0; i+1 < len(list); i += 2 {
		out[list[i]] = list[i+1]
	}
	return out
}

// want checks status and body.
func (a answer) want(t *testing.T, status int, body string) {
	t.Helper()
	if a.Status != status || a.Body != body {
		t.Errorf("answer %d %.1000s\n  want %d %.1000s", a.Status, a.Body, status, body)
	}
}

// wantHeader checks headers, names and values in turn; an empty value is an absent header.
func (a answer) wantHeader(t *testing.T, list ...string) {
	t.Helper()
	for name, want := range pairs(list) {
		if got := a.Headers[http.CanonicalHeaderKey(name)]; got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

// wantProblem checks a problem's code and what it points at, and returns it.
func (a answer) wantProblem(t *testing.T, code problem.Code, pointers ...string) problem.Document {
	t.Helper()
	var d problem.Document
	if err := json.Unmarshal([]byte(a.Body), &d); err != nil {
		t.Fatalf("%d %s: %v", a.Status, a.Body, err)
	}
	var got []string
	for _, f := range d.Errors {
		got = append(got, f.Pointer)
	}
	if d.Code != code || a.Status != problem.Lookup(code).Status || strings.Join(got, " ") != strings.Join(pointers, " ") {
		t.Errorf("answer %d %s; want %s at %v", a.Status, a.Body, code, pointers)
	}
	return d
}

// listing is the answer of a list.
type listing struct {
	Items      []map[string]any `json:"items"`
	Folders    []string         `json:"folders"`
	NextCursor string           `json:"next_cursor"`
}

func (a answer) listing(t *testing.T) listing {
	t.Helper()
	if a.Status != http.StatusOK {
		t.Fatalf("answer %d %s", a.Status, a.Body)
	}
	var l listing
	if err := json.Unmarshal([]byte(a.Body), &l); err != nil {
		t.Fatal(err)
	}
	return l
}

// values are one member of every item, in order.
func (l listing) values(member string) []string {
	out := []string{}
	for _, item := range l.Items {
		value, _ := item[member].(string)
		out = append(out, value)
	}
	return out
}
