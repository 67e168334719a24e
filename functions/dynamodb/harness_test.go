package dynamodb_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/functions/dynamodb"
	"github.com/arngate/arngate/functions/dynamodb/value"
	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/seal"
	"github.com/arngate/arngate/shared/secrettest"
	"github.com/arngate/arngate/shared/telemetry"
)

const (
	site      = "7b1f4e0a-3c52-4d7e-9a41-5f0c2d8e6b13"
	otherSite = "0a4be7a1-3c52-4d7e-9a41-5f0c2d8e6b14"
	account   = "444455556666"
)

// bench is the connector on a local AWS. Connections come from a map, and their credentials are those of
// the account's administrator: what is tested here is the connector.
type bench struct {
	local  *localawstest.AWS
	api    *httpapi.API
	client *awsdynamodb.Client // the administrator's own
	keys   localawstest.Keys   // what connections call AWS with
	opened map[string]*registry.Opened
	limit  time.Duration // what Lambda gives a request
}

func newBench(t *testing.T) *bench {
	t.Helper()
	local := localawstest.Start(t)
	return benchOn(t, local, local.Transport(), secrettest.Log(t))
}

// benchOn puts the connector on a local AWS that it reaches by transport; nil: over the network. Its log lines go to out.
func benchOn(tb testing.TB, local *localawstest.AWS, transport http.RoundTripper, out io.Writer) *bench {
	tb.Helper()
	b := &bench{local: local, keys: local.Account(account), opened: map[string]*registry.Opened{}, limit: 29 * time.Second}
	b.client = awsdynamodb.NewFromConfig(local.Config(b.keys))
	clients := awsclient.New(awsclient.Options{Endpoint: local.Endpoint(), Transport: transport})
	b.api = httpapi.New(httpapi.Options{Telemetry: telemetry.New(telemetry.Options{Out: out, Function: "dynamodb"})})
	dynamodb.Register(b.api, dynamodb.Deps{Opener: connection.NewOpener(b, b, clients), Ring: marked{}})
	b.connect("orders", func(l *permissions.Limits) { l.Tables = []string{"*"} })
	b.createOrders(tb)
	return b
}

// connect makes a connection of site.
func (b *bench) connect(name string, limit func(*permissions.Limits)) {
	limits := permissions.Limits{Connector: permissions.DynamoDB, Region: localawstest.Region}
	limit(&limits)
	b.opened[site+"/"+name] = &registry.Opened{
		Connection: registry.Connection{Site: site, Name: name, Groups: []string{"*"}, Limits: limits, Revision: "r-" + name},
		State:      registry.State{Account: account},
	}
}

// Open makes bench a connection.Registry.
func (b *bench) Open(_ context.Context, site, name string) (*registry.Opened, error) {
	if o, ok := b.opened[site+"/"+name]; ok {
		return o, nil
	}
	return nil, registry.ErrNotFound
}

// Get makes bench a connection.Broker.
func (b *bench) Get(context.Context, credentials.Request) (credentials.Credentials, credentials.Tier, error) {
	return credentials.Credentials{
		AccessKeyID: b.keys.AccessKeyID, SecretAccessKey: seal.NewSecret(b.keys.SecretAccessKey), SessionToken: seal.NewSecret(b.keys.SessionToken),
		Expires: time.Now().Add(time.Hour),
	}, telemetry.Memory, nil
}

// Drop makes bench a connection.Broker.
func (b *bench) Drop(context.Context, credentials.Request, string) {}

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

// createOrders makes the table Orders with twelve orders of three customers.
func (b *bench) createOrders(tb testing.TB) {
	tb.Helper()
	key := func(name string, role types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: aws.String(name), KeyType: role}
	}
	attribute := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS}
	}
	_, err := b.client.CreateTable(tb.Context(), &awsdynamodb.CreateTableInput{
		TableName: aws.String("Orders"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{attribute("id"), attribute("customer"), attribute("placed")},
		KeySchema:            []types.KeySchemaElement{key("id", types.KeyTypeHash)},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: aws.String("by-customer"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
			KeySchema: []types.KeySchemaElement{key("customer", types.KeyTypeHash), key("placed", types.KeyTypeRange)},
		}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	for i := range 12 {
		b.put(tb, fmt.Sprintf(`{"id":"o-%02d","customer":"c-%d","placed":"2026-01-%02d","total":%d}`, i, i%3, 28-i, i*10))
	}
	b.local.ResetCalls()
}

func (b *bench) put(tb testing.TB, item string) {
	tb.Helper()
	attributes, faults := value.DecodeItem([]byte(item), value.Plain, "")
	if len(faults) > 0 {
		tb.Fatal(faults)
	}
	if _, err := b.client.PutItem(tb.Context(), &awsdynamodb.PutItemInput{TableName: aws.String("Orders"), Item: attributes}); err != nil {
		tb.Fatal(err)
	}
}

// calls are the operations that AWS was asked for since the last time.
func (b *bench) calls() string {
	var names []string
	for _, c := range b.local.Calls() {
		names = append(names, c.Operation)
	}
	b.local.ResetCalls()
	return strings.Join(names, " ")
}

// request is what a client sends. Its path is below /v1/dynamodb/.
type request struct {
	method, path string
	query        url.Values
	body         string
	user, site   string
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
	ctx, cancel := context.WithTimeout(t.Context(), b.limit)
	defer cancel()
	raw, err := b.api.Handler().Invoke(ctx, r.event(t))
	if err != nil {
		t.Fatal(err)
	}
	secrettest.CheckAnswer(t, r.method+" "+r.path, string(raw))
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

func (r request) event(tb testing.TB) []byte {
	tb.Helper()
	user, at := r.user, r.site
	if user == "" {
		user = "ada"
	}
	if at == "" {
		at = site
	}
	claims := map[string]any{"iss": "https://id.example", "sub": user, "site_id": at, "scope": "arngate/connect"}
	event := map[string]any{
		"version": "2.0", "rawPath": "/v1/dynamodb/" + r.path, "rawQueryString": r.query.Encode(),
		"headers": map[string]string{"authorization": "Bearer e30." + base64.RawURLEncoding.EncodeToString(marshal(tb, claims)) + ".c2ln", "content-type": "application/json"},
		"requestContext": map[string]any{
			"requestId": "r-1", "http": map[string]any{"method": r.method, "sourceIp": "192.0.2.1"},
			"authorizer": map[string]any{"jwt": map[string]any{"claims": map[string]any{"iss": "https://id.example", "sub": user}}},
		},
	}
	if r.body != "" {
		event["body"] = r.body
	}
	return marshal(tb, event)
}

func marshal(tb testing.TB, v any) []byte {
	tb.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// get, search, put and remove send the usual requests about Orders.
func (b *bench) get(t *testing.T, path string, query ...string) answer {
	t.Helper()
	return b.do(t, request{method: http.MethodGet, path: path, query: parameters(query)})
}

func (b *bench) search(t *testing.T, body string) answer {
	t.Helper()
	return b.do(t, request{method: http.MethodPost, path: "orders/tables/Orders/search", body: body})
}

func (b *bench) putItem(t *testing.T, body string) answer {
	t.Helper()
	return b.do(t, request{method: http.MethodPut, path: "orders/tables/Orders/item", body: body})
}

func (b *bench) deleteItem(t *testing.T, query ...string) answer {
	t.Helper()
	return b.do(t, request{method: http.MethodDelete, path: "orders/tables/Orders/item", query: parameters(query)})
}

// parameters are names and values in turn.
func parameters(pairs []string) url.Values {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values
}

// wantBody checks the body of a success.
func (a answer) wantBody(t *testing.T, want string) {
	t.Helper()
	if a.Status != http.StatusOK || a.Body != want {
		t.Errorf("answer %d %s\n  want 200 %s", a.Status, a.Body, want)
	}
}

// wantProblem checks a problem's code and what it points at, and returns it.
func (a answer) wantProblem(t *testing.T, code problem.Code, pointers ...string) problem.Document {
	t.Helper()
	var d problem.Document
	if err := json.Unmarshal([]byte(a.Body), &d); err != nil {
		t.Fatalf("%s: %v", a.Body, err)
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

// page is a list's answer.
type page struct {
	Items      []json.RawMessage `json:"items"`
	NextCursor string            `json:"next_cursor"`
	Stopped    string            `json:"stopped"`
	Count      *int              `json:"count"`
	Explain    *struct {
		Index        string         `json:"index"`
		Scan         bool           `json:"scan"`
		Queries      int            `json:"queries"`
		KeyCondition string         `json:"key_condition"`
		Filter       string         `json:"filter"`
		Names        map[string]any `json:"names"`
		Values       map[string]any `json:"values"`
		FinishedHere bool           `json:"finished_here"`
		Pages        int            `json:"pages"`
		Scanned      int            `json:"items_scanned"`
		Capacity     float64        `json:"capacity"`
	} `json:"explain"`
}

func (a answer) page(t *testing.T) page {
	t.Helper()
	if a.Status != http.StatusOK {
		t.Fatalf("answer %d %s", a.Status, a.Body)
	}
	var p page
	if err := json.Unmarshal([]byte(a.Body), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// ids are the ids of a page's items, in order.
func (p page) ids(t *testing.T) string {
	t.Helper()
	var ids []string
	for _, raw := range p.Items {
		var item struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(raw, &item); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, item.ID)
	}
	return strings.Join(ids, " ")
}
