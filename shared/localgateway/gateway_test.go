package localgateway_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localgateway"
)

const host = "127.0.0.1:8080"

// function is a handler that keeps the last event and answers as told.
type function struct {
	last   atomic.Pointer[events.APIGatewayV2HTTPRequest]
	raw    atomic.Pointer[[]byte]
	answer func(context.Context) ([]byte, error)
}

func (f *function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	f.last.Store(&e)
	f.raw.Store(&payload)
	if f.answer == nil {
		return []byte(`{"statusCode":200,"body":"ok"}`), nil
	}
	return f.answer(ctx)
}

func says(text string) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) { return []byte(text), nil }
}

type fixture struct {
	gateway *localgateway.Gateway
	issuer  *localgateway.Issuer
	fn      *function
}

func setUp(t *testing.T, change func(*localgateway.Options)) *fixture {
	t.Helper()
	issuer, err := localgateway.NewIssuer("http://"+host+"/issuer", "arngate")
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{issuer: issuer, fn: &function{}}
	options := localgateway.Options{
		Hosts: []string{host},
		Routes: []localgateway.Route{
			{Method: "GET", Path: "/v1/health", Function: "fn", Public: true},
			{Method: "ANY", Path: "/v1/things/{name}", Function: "fn", Public: true},
			{Method: "GET", Path: "/v1/things/special", Function: "fn", Public: true},
			{Method: "GET", Path: "/v1/things/{name}/parts/{part}", Function: "fn", Public: true},
			{Method: "GET", Path: "/v1/files/{proxy+}", Function: "fn", Public: true},
			{Method: "GET", Path: "/v1/me", Function: "fn"},
		},
		Functions:  map[string]lambda.Handler{"fn": f.fn},
		Authorizer: issuer.Authorizer(),
	}
	if change != nil {
		change(&options)
	}
	if f.gateway, err = localgateway.New(options); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) do(method, target string, body io.Reader, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, "http://"+host+target, body)
	for pair := range slices.Chunk(header, 2) {
		r.Header.Add(pair[0], pair[1])
	}
	w := httptest.NewRecorder()
	f.gateway.ServeHTTP(w, r)
	return w
}

func checkMessage(t *testing.T, w *httptest.ResponseRecorder, status int, message string) {
	t.Helper()
	if got, want := w.Body.String(), `{"message":"`+message+`"}`; w.Code != status || got != want {
		t.Errorf("answer %d %s, want %d %s", w.Code, got, status, want)
	}
	if got, want := w.Header().Get("Content-Type"), "application/json"; got != want {
		t.Errorf("Content-Type = %q, want %q", got, want)
	}
}

func TestEvent(t *testing.T) {
	f := setUp(t, nil)
	w := f.do("POST", "/v1/things/a%2Fb%20c?x=1&x=2&y=%C3%A4&z", strings.NewReader(`{"a":1}`), "Content-Type", "application/json",
		"X-Amz-Meta-Title", "Hello, world", "If-Match", `"a"`, "If-Match", `"b"`, "Cookie", "k=v; l=w")
	if w.Code != 200 || w.Body.String() != "ok" {
		t.Fatalf("answer %d %s", w.Code, w.Body)
	}
	e := f.fn.last.Load()
	if e.RawPath != "/v1/things/a/b c" || e.RouteKey != "ANY /v1/things/{name}" || e.RawQueryString != "x=1&x=2&y=%C3%A4&z" {
		t.Errorf("rawPath, routeKey, rawQueryString = %q, %q, %q", e.RawPath, e.RouteKey, e.RawQueryString)
	}
	for got, want := range map[string]string{
		e.PathParameters["name"]: "a/b c", e.QueryStringParameters["x"]: "1,2", e.QueryStringParameters["y"]: "ä",
		e.Headers["x-amz-meta-title"]: "Hello, world", e.Headers["if-match"]: `"a","b"`, e.Headers["host"]: host,
		e.Headers["x-forwarded-for"]: "192.0.2.1", e.Headers["cookie"]: "", e.Body: `{"a":1}`, e.Version: "2.0",
		e.RequestContext.HTTP.Method: "POST", e.RequestContext.Stage: "$default", e.RequestContext.HTTP.SourceIP: "192.0.2.1",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if diff := cmp.Diff([]string{"k=v", "l=w"}, e.Cookies); diff != "" {
		t.Errorf("cookies (-want +got):\n%s", diff)
	}
	if e.RequestContext.RequestID == "" || e.RequestContext.RequestID != w.Header().Get("Apigw-Requestid") {
		t.Errorf("request id %q, header %q", e.RequestContext.RequestID, w.Header().Get("Apigw-Requestid"))
	}
	if _, err := time.Parse("02/Jan/2006:15:04:05 -0700", e.RequestContext.Time); err != nil {
		t.Error(err)
	}
}

func TestBinaryBodies(t *testing.T) {
	for _, test := range []struct {
		contentType, encoding, body string
		wantBase64                  bool
	}{
		{"application/json", "", "{}", false},
		{"application/json; charset=utf-8", "", "{}", false},
		{"text/csv", "", "a,b", false},
		{"application/xml", "", "<a/>", false},
		{"image/png", "", "\x89PNG", true},
		{"application/octet-stream", "", "text", true},
		{"", "", "text", true},
		{"application/json", "gzip", "{}", true},
		{"text/plain", "", "\xff", true},
	} {
		f := setUp(t, nil)
		f.do("PUT", "/v1/things/a", strings.NewReader(test.body), "Content-Type", test.contentType, "Content-Encoding", test.encoding)
		e := f.fn.last.Load()
		body := e.Body
		if e.IsBase64Encoded {
			decoded, _ := base64.StdEncoding.DecodeString(body)
			body = string(decoded)
		}
		if e.IsBase64Encoded != test.wantBase64 || body != test.body {
			t.Errorf("%q %q: base64 %v, body %q", test.contentType, test.body, e.IsBase64Encoded, body)
		}
	}
}

func TestRoutes(t *testing.T) {
	f := setUp(t, nil)
	for target, want := range map[string]string{
		"/v1/health": "GET /v1/health", "/v1/things/x": "ANY /v1/things/{name}", "/v1/things/special": "GET /v1/things/special",
		"/v1/things/a/parts/b": "GET /v1/things/{name}/parts/{part}", "/v1/files/a/b/c": "GET /v1/files/{proxy+}",
		"/v1/things/%2E%2E": "ANY /v1/things/{name}", "/v1/things/100%25.csv": "ANY /v1/things/{name}",
	} {
		f.do("GET", target, nil)
		if got := f.fn.last.Load().RouteKey; got != want {
			t.Errorf("%s: route %q, want %q", target, got, want)
		}
	}
	f.do("GET", "/v1/health", nil)
	if got, want := f.fn.last.Load().PathParameters["proxy"], ""; got != want {
		t.Errorf("proxy = %q", got)
	}
	f.do("GET", "/v1/files/a/b%2Fc", nil)
	if got, want := f.fn.last.Load().PathParameters["proxy"], "a/b/c"; got != want {
		t.Errorf("proxy = %q, want %q", got, want)
	}
	for _, request := range [][2]string{
		{"GET", "/"},
		{"GET", "/v1/nothing"},
		{"POST", "/v1/health"},
		{"GET", "/v1/health/"},
		{"GET", "/v1/things/"},
		{"GET", "/v1//health"},
		{"OPTIONS", "/v1/health"},
	} {
		checkMessage(t, f.do(request[0], request[1], nil), 404, "Not Found")
	}
	if w := f.do("HEAD", "/v1/health", nil); w.Code != 404 || w.Body.Len() != 0 {
		t.Errorf("HEAD: %d %q, want 404 without a body", w.Code, w.Body)
	}
}

func TestOwnAnswers(t *testing.T) {
	f := setUp(t, func(o *localgateway.Options) { o.Throttle = localgateway.Throttle{Rate: 0.001, Burst: 8} })
	f.fn.answer = func(context.Context) ([]byte, error) { return nil, errors.New("failed") }
	checkMessage(t, f.do("GET", "/v1/health", nil), 500, "Internal Server Error")
	f.fn.answer = func(context.Context) ([]byte, error) { panic("boom") }
	checkMessage(t, f.do("GET", "/v1/health", nil), 500, "Internal Server Error")
	for _, answer := range []string{"not json", `{"statusCode":200,"isBase64Encoded":true,"body":"%"}`, `{"statusCode":9}`} {
		f.fn.answer = says(answer)
		checkMessage(t, f.do("GET", "/v1/health", nil), 500, "Internal Server Error")
	}
	// Trap 18: over Lambda's limit the client sees a 500.
	f.fn.answer = says(`{"statusCode":200,"body":"` + strings.Repeat("a", 6_291_556) + `"}`)
	checkMessage(t, f.do("GET", "/v1/health", nil), 500, "Internal Server Error")
	f.fn.answer = nil
	checkMessage(t, f.do("PUT", "/v1/things/a", bytes.NewReader(make([]byte, 10<<20+1))), 413, "Request Entity Too Large")
	// What makes the event itself pass 6 MB.
	checkMessage(t, f.do("PUT", "/v1/things/a", bytes.NewReader(make([]byte, 5<<20))), 413, "Request Entity Too Large")
	checkMessage(t, f.do("GET", "/v1/health", nil), 429, "Too Many Requests")
}

func TestHead(t *testing.T) {
	f := setUp(t, nil)
	if w := f.do("GET", "/v1/health?"+strings.Repeat("a", 9_000), nil, "X-Long", strings.Repeat("b", 900)); w.Code != 200 {
		t.Errorf("just under the limit: %d", w.Code)
	}
	if w := f.do("GET", "/v1/health?"+strings.Repeat("a", 9_000), nil, "X-Long", strings.Repeat("b", 1_300)); w.Code != 431 {
		t.Errorf("over the limit: %d, want 431", w.Code)
	}
}

func TestHostMustBeTheListenAddress(t *testing.T) {
	f := setUp(t, nil)
	for _, name := range []string{"evil.example", "127.0.0.1", "localhost:8080", "127.0.0.1:8081", ""} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "http://"+host+"/v1/health", nil)
		r.Host = name
		w := httptest.NewRecorder()
		f.gateway.ServeHTTP(w, r)
		if w.Code != http.StatusMisdirectedRequest || !strings.Contains(w.Body.String(), "Host header") {
			t.Errorf("Host %q: %d %s, want 421", name, w.Code, w.Body)
		}
	}
}

// A function that Lambda ends is a failed one; one for which API Gateway no longer waits runs on.
func TestTimeouts(t *testing.T) {
	for _, c := range []struct {
		name    string
		timeout map[string]time.Duration
		ends    time.Duration // of the function's context
		status  int
		message string
		after   time.Duration
	}{
		{"none of its own", nil, 29 * time.Second, 500, "Internal Server Error", 29 * time.Second},
		{"a short one", map[string]time.Duration{"fn": 3 * time.Second}, 3 * time.Second, 500, "Internal Server Error", 3 * time.Second},
		{"a long one", map[string]time.Duration{"fn": 5 * time.Minute}, 5 * time.Minute, 503, "Service Unavailable", 30 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := setUp(t, func(o *localgateway.Options) { o.Timeouts = c.timeout })
				var end time.Duration
				start := time.Now()
				f.fn.answer = func(ctx context.Context) ([]byte, error) {
					deadline, _ := ctx.Deadline()
					end = deadline.Sub(start)
					if lc, ok := lambdacontext.FromContext(ctx); !ok || lc.AwsRequestID == "" {
						t.Error("no Lambda context")
					}
					time.Sleep(40 * time.Second)
					return []byte(`{}`), nil
				}
				checkMessage(t, f.do("GET", "/v1/health", nil), c.status, c.message)
				if got := time.Since(start); got != c.after {
					t.Errorf("answered after %v, want %v", got, c.after)
				}
				f.gateway.Wait()
				if end != c.ends {
					t.Errorf("the function's deadline is %v away, want %v", end, c.ends)
				}
				if got, want := time.Since(start), 40*time.Second; got != want {
					t.Errorf("Wait returned after %v, want %v", got, want)
				}
			})
		})
	}
}

func TestAnswers(t *testing.T) {
	f := setUp(t, nil)
	f.fn.answer = says(`{"statusCode":201,"headers":{"content-type":"image/png","etag":"\"x\"","Content-Length":"1","connection":"close"},` +
		`"cookies":["a=b","c=d"],"isBase64Encoded":true,"body":"AAH/"}`)
	w := f.do("GET", "/v1/health", nil)
	if w.Code != 201 || !bytes.Equal(w.Body.Bytes(), []byte{0, 1, 255}) {
		t.Errorf("answer %d %q", w.Code, w.Body)
	}
	for name, want := range map[string]string{"Content-Type": "image/png", "Etag": `"x"`, "Connection": ""} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if diff := cmp.Diff([]string{"a=b", "c=d"}, w.Header().Values("Set-Cookie")); diff != "" {
		t.Error(diff)
	}
	f.fn.answer = says(`{"hello":"world"}`)
	if w := f.do("GET", "/v1/health", nil); w.Code != 200 || w.Body.String() != `{"hello":"world"}` {
		t.Errorf("JSON without a status: %d %s", w.Code, w.Body)
	}
	f.fn.answer = says(`{"statusCode":204,"body":"x"}`)
	if w := f.do("GET", "/v1/health", nil); w.Code != 204 || w.Body.Len() != 0 {
		t.Errorf("204: %d %q", w.Code, w.Body)
	}
}

func TestCORS(t *testing.T) {
	cors := &localgateway.CORS{
		AllowOrigins: []string{"https://app.example"}, AllowMethods: []string{"GET", "PUT"}, AllowHeaders: []string{"authorization"},
		ExposeHeaders: []string{"ETag", "Arngate-Request-Id"}, MaxAge: 10 * time.Minute,
	}
	f := setUp(t, func(o *localgateway.Options) { o.CORS = cors })
	w := f.do("OPTIONS", "/v1/me", nil, "Origin", "https://app.example", "Access-Control-Request-Method", "PUT")
	want := http.Header{
		"Access-Control-Allow-Origin": {"https://app.example"}, "Access-Control-Allow-Methods": {"GET,PUT"},
		"Access-Control-Allow-Headers": {"authorization"}, "Access-Control-Max-Age": {"600"}, "Vary": {"Origin"},
	}
	got := w.Header().Clone()
	got.Del("Apigw-Requestid")
	if diff := cmp.Diff(want, got); diff != "" || w.Code != 204 {
		t.Errorf("preflight %d (-want +got):\n%s", w.Code, diff)
	}
	w = f.do("OPTIONS", "/v1/me", nil, "Origin", "https://evil.example", "Access-Control-Request-Method", "PUT")
	if w.Code != 204 || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("preflight of another origin: %d %v", w.Code, w.Header())
	}
	f.fn.answer = says(`{"statusCode":200,"headers":{"access-control-allow-origin":"*","access-control-allow-credentials":"true"}}`)
	w = f.do("GET", "/v1/health", nil, "Origin", "https://app.example")
	if w.Header().Get("Access-Control-Allow-Origin") != "https://app.example" || w.Header().Get("Access-Control-Allow-Credentials") != "" ||
		w.Header().Get("Access-Control-Expose-Headers") != "ETag,Arngate-Request-Id" {
		t.Errorf("headers %v", w.Header())
	}
	if w := f.do("GET", "/v1/me", nil, "Origin", "https://app.example"); w.Code != 401 || w.Header().Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("a 401 that a page can't read: %d %v", w.Code, w.Header())
	}
	// Off by default.
	f = setUp(t, nil)
	checkMessage(t, f.do("OPTIONS", "/v1/me", nil, "Origin", "https://app.example", "Access-Control-Request-Method", "PUT"), 404, "Not Found")
}

func TestRecycle(t *testing.T) {
	f := setUp(t, nil)
	other := &function{answer: says(`{"statusCode":200,"body":"new"}`)}
	f.gateway.Recycle(map[string]lambda.Handler{"fn": other})
	if w := f.do("GET", "/v1/health", nil); w.Body.String() != "new" {
		t.Errorf("answer %s, want the new function's", w.Body)
	}
	f.gateway.Recycle(nil)
	checkMessage(t, f.do("GET", "/v1/health", nil), 500, "Internal Server Error")
}

func TestAccessLogHasNoPath(t *testing.T) {
	out := &bytes.Buffer{}
	f := setUp(t, func(o *localgateway.Options) { o.Log = slog.New(slog.NewJSONHandler(out, nil)) })
	f.do("GET", "/v1/things/payroll?key=secret", nil)
	if got := out.String(); strings.Contains(got, "payroll") || strings.Contains(got, "secret") || !strings.Contains(got, `"route_key":"ANY /v1/things/{name}"`) {
		t.Errorf("log %s", got)
	}
}

func TestNewFindsWhatIsMissing(t *testing.T) {
	fn := map[string]lambda.Handler{"fn": &function{}}
	for name, o := range map[string]localgateway.Options{
		"function":   {Routes: []localgateway.Route{{Method: "GET", Path: "/x", Function: "other", Public: true}}, Functions: fn},
		"authorizer": {Routes: []localgateway.Route{{Method: "GET", Path: "/x", Function: "fn"}}, Functions: fn},
		"path":       {Routes: []localgateway.Route{{Method: "GET", Path: "x", Function: "fn", Public: true}}, Functions: fn},
		"a twin":     {Routes: []localgateway.Route{{Method: "GET", Path: "/x", Function: "fn", Public: true}, {Method: "GET", Path: "/x", Function: "fn", Public: true}}, Functions: fn},
	} {
		if _, err := localgateway.New(o); err == nil {
			t.Errorf("%s: New() succeeded", name)
		}
	}
}

func ExampleIssuer_Token() {
	issuer, err := localgateway.NewIssuer("http://127.0.0.1:8080/issuer", "arngate")
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := issuer.Token(map[string]any{
		"sub": "ada", "site_id": "6f1c2f4e-8a53-4a5e-9a0e-0d3c5b7e9f10", "scope": "arngate/connect", "groups": []string{"staff"},
	}, time.Hour)
	fmt.Println(strings.Count(token, "."), err)
	// Output: 2 <nil>
}
