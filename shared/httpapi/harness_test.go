package httpapi_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/telemetry"
)

const site = "6f1c2f4e-8a53-4a5e-9a0e-0d3c5b7e9f10"

// request is what a test sends; event makes of it what API Gateway would.
type request struct {
	method, path, query, routeKey string
	header                        map[string]string
	parameters                    map[string]string
	claims                        map[string]any // of the bearer token; nil: a connect token of ada
	noAuthorizer                  bool
	body                          string
	isBase64                      bool
	cookies                       []string
}

func (r request) event(tb testing.TB) []byte {
	tb.Helper()
	claims := r.claims
	if claims == nil {
		claims = map[string]any{
			"iss": "https://id.example", "sub": "ada", "site_id": site,
			"scope": "arngate/connect arngate/admin arngate/act-as", "groups": []string{"x admin"},
		}
	}
	headers := map[string]string{"authorization": "Bearer " + bearer(tb, claims), "host": "api.example"}
	if r.body != "" {
		headers["content-type"] = "application/json"
	}
	maps.Copy(headers, r.header)
	requestContext := map[string]any{
		"requestId": "r-1", "http": map[string]any{"method": r.method, "path": r.path, "sourceIp": "192.0.2.1"},
	}
	if !r.noAuthorizer {
		requestContext["authorizer"] = map[string]any{"jwt": map[string]any{
			"claims": map[string]any{"iss": claims["iss"], "sub": claims["sub"], "groups": "[x admin]"}, "scopes": nil,
		}}
	}
	event := map[string]any{
		"version": "2.0", "routeKey": r.routeKey, "rawPath": r.path, "rawQueryString": r.query, "headers": headers,
		"pathParameters": r.parameters, "requestContext": requestContext, "isBase64Encoded": r.isBase64, "cookies": r.cookies,
	}
	if r.body != "" {
		event["body"] = r.body
	}
	return marshal(tb, event)
}

func bearer(tb testing.TB, claims map[string]any) string {
	tb.Helper()
	return "e30." + base64.RawURLEncoding.EncodeToString(marshal(tb, claims)) + ".c2ln"
}

func marshal(tb testing.TB, v any) []byte {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// answer is what Lambda returns.
type answer struct {
	Status   int               `json:"statusCode"`
	Headers  map[string]string `json:"headers"`
	Cookies  []string          `json:"cookies"`
	Body     string            `json:"body"`
	IsBase64 bool              `json:"isBase64Encoded"`
}

func (a answer) bytes(tb testing.TB) []byte {
	tb.Helper()
	if !a.IsBase64 {
		return []byte(a.Body)
	}
	b, err := base64.StdEncoding.DecodeString(a.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func (a answer) problem(tb testing.TB) problem.Document {
	tb.Helper()
	if got, want := a.Headers["Content-Type"], "application/problem+json"; got != want {
		tb.Fatalf("Content-Type = %q, want %q; body %s", got, want, a.Body)
	}
	var d problem.Document
	if err := json.Unmarshal([]byte(a.Body), &d); err != nil {
		tb.Fatalf("problem %s: %v", a.Body, err)
	}
	if d.Status != a.Status {
		tb.Errorf("problem's status = %d, answer's %d", d.Status, a.Status)
	}
	return d
}

// bench is an API with operations that show what reaches them.
type bench struct {
	api  *httpapi.API
	logs *bytes.Buffer
	// last is the input of the last call of echo; called counts its calls.
	last   echoInput
	caller caller.Caller
	called int
	// fail is what the operation "fail" does.
	fail func(context.Context) error
	// payload is what the operation "bytes" answers with.
	payload []byte
}

type echoInput struct {
	Name   string `path:"name"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50"`
	Filter string `query:"filter"`
	Link   string `query:"link" format:"uri"`
	Title  string `header:"X-Amz-Meta-Title"`
	Forged string `header:"X-Amzn-Request-Context"`
	Event  string `header:"X-Apigateway-Event"`
	Proxy  string `header:"X-Golambdaproxy-Apigw-Context"`
	httpapi.IfMatch
	Body *echoBody
}

type echoBody struct {
	Method string         `json:"method" enum:"assume_role,access_keys"`
	Secret string         `json:"secret_access_key,omitzero" minLength:"4" maxLength:"40" pattern:"^[A-Za-z0-9/+=]*$"`
	Age    int            `json:"age,omitzero" minimum:"0" maximum:"150"`
	Tags   []string       `json:"tags,omitempty" maxItems:"2"`
	Item   jsontext.Value `json:"item,omitzero"`
	Nested *struct {
		Deep bool `json:"deep"`
	} `json:"nested,omitempty"`
}

type echoOutput struct {
	Body struct {
		Name string         `json:"name"`
		Item jsontext.Value `json:"item,omitzero"`
	}
}

type rawInput struct {
	RawBody []byte
}

type rawOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

type nothing struct{}

func newBench(tb testing.TB) *bench {
	tb.Helper()
	b := &bench{logs: &bytes.Buffer{}}
	b.api = httpapi.New(httpapi.Options{Telemetry: telemetry.New(telemetry.Options{Out: b.logs, Function: "test"})})
	echo := func(ctx context.Context, in *echoInput) (*echoOutput, error) {
		b.last, b.caller = *in, httpapi.Caller(ctx)
		b.called++
		out := &echoOutput{}
		out.Body.Name = in.Name
		if in.Body != nil {
			out.Body.Item = in.Body.Item
		}
		return out, nil
	}
	connect := []string{caller.ScopeConnect}
	httpapi.Register(b.api, httpapi.Operation{ID: "echo", Method: http.MethodPost, Path: "/v1/things/{name}", Scopes: connect}, echo)
	httpapi.Register(b.api, httpapi.Operation{ID: "echo-inner", Method: http.MethodPost, Path: "/v1/things/{name}/inner", Scopes: connect}, echo)
	httpapi.Register(b.api, httpapi.Operation{ID: "get", Method: http.MethodGet, Path: "/v1/things/{name}", Scopes: connect},
		func(context.Context, *struct {
			Name string `path:"name"`
			httpapi.PageQuery
		},
		) (*struct{ Body httpapi.Page[string] }, error) {
			return &struct{ Body httpapi.Page[string] }{}, nil
		})
	httpapi.Register(b.api, httpapi.Operation{ID: "bytes", Method: http.MethodPut, Path: "/v1/bytes"},
		func(_ context.Context, in *rawInput) (*rawOutput, error) {
			if b.payload != nil {
				return &rawOutput{"application/x-test", b.payload}, nil
			}
			return &rawOutput{"application/x-test", in.RawBody}, nil
		})
	httpapi.Register(b.api, httpapi.Operation{ID: "fail", Method: http.MethodGet, Path: "/v1/fail"},
		func(ctx context.Context, _ *nothing) (*nothing, error) { return &nothing{}, b.fail(ctx) })
	httpapi.Register(b.api, httpapi.Operation{ID: "health", Method: http.MethodGet, Path: "/v1/health", Public: true},
		func(ctx context.Context, _ *nothing) (*nothing, error) {
			if c := httpapi.Caller(ctx); c.Site != "" {
				return nil, errors.New("a public operation has a caller")
			}
			return &nothing{}, nil
		})
	httpapi.Register(b.api, httpapi.Operation{ID: "audit", Method: http.MethodGet, Path: "/v1/audits", Scopes: []string{caller.ScopeAudit}},
		func(context.Context, *nothing) (*nothing, error) { return &nothing{}, nil })
	return b
}

func (b *bench) do(tb testing.TB, r request) answer {
	tb.Helper()
	return b.invoke(tb, r.event(tb))
}

func (b *bench) invoke(tb testing.TB, event []byte) answer {
	tb.Helper()
	raw, err := b.api.Handler().Invoke(context.Background(), event)
	if err != nil {
		tb.Fatalf("Invoke: %v", err)
	}
	var a answer
	if err := json.Unmarshal(raw, &a); err != nil {
		tb.Fatalf("answer %s: %v", raw, err)
	}
	return a
}

func (b *bench) echo(tb testing.TB, body string) answer {
	tb.Helper()
	return b.do(tb, request{method: http.MethodPost, path: "/v1/things/a", body: body})
}

// requestLine is the one log line of the last request.
func (b *bench) requestLine(tb testing.TB) map[string]any {
	tb.Helper()
	var found map[string]any
	for line := range strings.Lines(b.logs.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			tb.Fatalf("log line %q: %v", line, err)
		}
		if fields["msg"] == "request" {
			found = fields
		}
	}
	return found
}

// withTimeout is a context that ends by itself, as Lambda's does.
func withTimeout(tb testing.TB, d time.Duration) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	tb.Cleanup(cancel)
	return ctx
}
