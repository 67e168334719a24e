package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/telemetry"
)

func TestCallerIsProved(t *testing.T) {
	b := newBench(t)
	a := b.do(t, request{method: http.MethodPost, path: "/v1/things/a"})
	if a.Status != 200 {
		t.Fatal(a.Body)
	}
	want := caller.Caller{
		Site: site, User: "ada", Actor: "ada", Groups: []string{"x admin"}, // one group, not two: trap 23a
		Scopes: []string{"arngate/connect", "arngate/admin", "arngate/act-as"},
	}
	if diff := cmp.Diff(want, b.caller); diff != "" {
		t.Errorf("Caller (-want +got):\n%s", diff)
	}
	line := b.requestLine(t)
	for key, want := range map[string]any{"site": site, "user": "ada", "operation": "echo", "request_id": "r-1", "outcome": "ok"} {
		if got := line[key]; got != want {
			t.Errorf("log %s = %v, want %v", key, got, want)
		}
	}
}

func TestActingUser(t *testing.T) {
	for header, wantUser := range map[string]string{"grace": "grace", " grace ": "grace"} {
		b := newBench(t)
		b.do(t, request{method: http.MethodPost, path: "/v1/things/a", header: map[string]string{"arngate-acting-user": header}})
		if got := b.caller; got.User != wantUser || got.Actor != "ada" || !got.Acting || got.Groups != nil {
			t.Errorf("header %q: caller %+v", header, got)
		}
	}
	for header, want := range map[string]problem.Code{
		"grace,linus": problem.InvalidRequest, "": problem.InvalidRequest, "arngate-audit": problem.UserReserved,
	} {
		b := newBench(t)
		a := b.do(t, request{method: http.MethodPost, path: "/v1/things/a", header: map[string]string{"arngate-acting-user": header}})
		if got := a.problem(t).Code; got != want || b.called != 0 {
			t.Errorf("header %q: %s, want %s", header, got, want)
		}
	}
}

func TestWhoMayNotCall(t *testing.T) {
	claims := func(change map[string]any) map[string]any {
		all := map[string]any{"iss": "https://id.example", "sub": "ada", "site_id": site, "scope": "arngate/connect"}
		maps.Copy(all, change)
		return all
	}
	for name, test := range map[string]struct {
		request request
		want    problem.Code
		says    string
	}{
		"no authorizer":   {request{noAuthorizer: true}, problem.CallerMissing, "no verified token"},
		"no site":         {request{claims: claims(map[string]any{"site_id": nil})}, problem.CallerMissing, "site"},
		"site no UUID":    {request{claims: claims(map[string]any{"site_id": "acme"})}, problem.CallerMissing, "UUID"},
		"audit's user":    {request{claims: claims(map[string]any{"sub": "arngate-audit"})}, problem.UserReserved, "reserved"},
		"no scope":        {request{claims: claims(map[string]any{"scope": "openid"})}, problem.ScopeMissing, "arngate/connect"},
		"act-as no scope": {request{claims: claims(nil), header: map[string]string{"arngate-acting-user": "x"}}, problem.ScopeMissing, "arngate/act-as"},
		"no bearer token": {request{header: map[string]string{"authorization": "Basic YTpi"}}, problem.CallerMissing, "can't be read"},
		"another token": {
			request{header: map[string]string{"authorization": "Bearer " + bearer(t, claims(map[string]any{"sub": "eve"}))}},
			problem.CallerMissing, "isn't the verified one",
		},
	} {
		b := newBench(t)
		test.request.method, test.request.path = http.MethodPost, "/v1/things/a"
		test.request.body = `{"method":1}` // nothing of the request is looked at before the caller
		a := b.do(t, test.request)
		got := a.problem(t)
		if got.Code != test.want || !strings.Contains(got.Detail, test.says) || b.called != 0 {
			t.Errorf("%s: %s %q, want %s saying %q", name, got.Code, got.Detail, test.want, test.says)
		}
		if test.want == problem.CallerMissing && a.Headers["Www-Authenticate"] == "" {
			t.Errorf("%s: a 401 without WWW-Authenticate", name)
		}
	}
}

func TestPublicOperationsHaveNoCaller(t *testing.T) {
	b := newBench(t)
	a := b.do(t, request{method: http.MethodGet, path: "/v1/health", noAuthorizer: true})
	if a.Status != http.StatusNoContent {
		t.Errorf("status %d, want 204: %s", a.Status, a.Body)
	}
	// A token that came along with it has no say either.
	if a := b.do(t, request{method: http.MethodGet, path: "/v1/health"}); a.Status != http.StatusNoContent {
		t.Errorf("status %d, want 204: %s", a.Status, a.Body)
	}
}

func TestTrap19APanicIsOneProblemAndOneLogLine(t *testing.T) {
	b := newBench(t)
	for _, value := range []any{"boom", errors.New("boom"), nil, http.ErrAbortHandler} {
		b.logs.Reset()
		b.fail = func(context.Context) error { panic(value) }
		a := b.do(t, request{method: http.MethodGet, path: "/v1/fail"})
		if got := a.problem(t); got.Code != problem.Internal || strings.Contains(a.Body, "boom") || strings.Contains(a.Body, ".go") {
			t.Errorf("panic(%v): %s", value, a.Body)
		}
		if got := strings.Count(b.logs.String(), "handler_test.go"); got == 0 {
			t.Errorf("panic(%v): no stack in the log", value)
		}
		if got := strings.Count(b.logs.String(), `"msg":"request"`); got != 1 {
			t.Errorf("panic(%v): %d log lines, want 1", value, got)
		}
	}
	b.fail = func(context.Context) error { return nil }
	if a := b.do(t, request{method: http.MethodGet, path: "/v1/fail"}); a.Status != http.StatusNoContent {
		t.Errorf("after a panic: status %d, want 204", a.Status)
	}
}

func TestErrorsThatAreNotProblemsAreInternal(t *testing.T) {
	b := newBench(t)
	b.fail = func(context.Context) error { return errors.New("dial tcp 10.0.0.1: the secret cause") }
	a := b.do(t, request{method: http.MethodGet, path: "/v1/fail"})
	if got := a.problem(t); got.Code != problem.Internal || strings.Contains(a.Body, "secret") || got.RequestID != "r-1" {
		t.Errorf("answer %s", a.Body)
	}
	if got, want := b.requestLine(t)["error"], "dial tcp 10.0.0.1: the secret cause"; got != want {
		t.Errorf("logged error = %v, want %v", got, want)
	}
}

// Causes that hold what a caller sent aren't logged: a URL has keys, AWS's messages have values.
func TestCausesAreLoggedWithoutWhatWasSent(t *testing.T) {
	for _, cause := range []error{
		&url.Error{Op: "Get", URL: "https://bucket.s3.amazonaws.com/payroll/ada.pdf?X-Amz-Security-Token=t0k", Err: errors.New("connection reset")},
		fmt.Errorf("call: %w", &url.Error{Op: "Put", URL: "https://x/payroll/ada.pdf", Err: context.DeadlineExceeded}),
	} {
		b := newBench(t)
		b.fail = func(context.Context) error {
			return problem.Wrap(problem.AWSUnavailable, "AWS could not be reached.", cause)
		}
		b.do(t, request{method: http.MethodGet, path: "/v1/fail"})
		if strings.Contains(b.logs.String(), "payroll") || strings.Contains(b.logs.String(), "t0k") {
			t.Errorf("log holds the URL: %s", b.logs)
		}
	}
	b := newBench(t)
	b.fail = func(context.Context) error {
		p := problem.Wrap(problem.AWSRejected, "AWS rejected the request.", errors.New("invalid value: payroll"))
		p.AWS = &problem.AWS{Service: "dynamodb", Operation: "PutItem", Code: "ValidationException", Status: 400, Message: "invalid value: payroll"}
		return p
	}
	b.do(t, request{method: http.MethodGet, path: "/v1/fail"})
	if got, want := b.requestLine(t)["error"], "dynamodb PutItem: 400 ValidationException"; got != want || strings.Contains(b.logs.String(), "payroll") {
		t.Errorf("logged %v, want %v: %s", got, want, b.logs)
	}
}

func TestEveryProblemRenders(t *testing.T) {
	for _, code := range problem.Codes() {
		b := newBench(t)
		b.fail = func(context.Context) error {
			p := problem.New(code, "What happened.").WithHint("What to do.")
			p.RetryAfter = 1500 * time.Millisecond
			return fmt.Errorf("wrapped: %w", p)
		}
		a := b.do(t, request{method: http.MethodGet, path: "/v1/fail"})
		kind := problem.Lookup(code)
		want := problem.Document{
			Type: "urn:arngate:problem:" + string(code), Title: kind.Title, Status: kind.Status, Detail: "What happened.",
			Code: code, RequestID: "r-1", Retryable: kind.Retryable, Hint: "What to do.",
		}
		if diff := cmp.Diff(want, a.problem(t)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", code, diff)
		}
		if got, want := a.Headers["Retry-After"], "2"; got != want {
			t.Errorf("%s: Retry-After = %q, want %q", code, got, want)
		}
		if got := b.requestLine(t)["outcome"]; got != string(code) {
			t.Errorf("%s: logged outcome %v", code, got)
		}
	}
}

func TestDeadline(t *testing.T) {
	b := newBench(t)
	ctx := withTimeout(t, 2*time.Second)
	end, _ := ctx.Deadline()
	b.fail = func(ctx context.Context) error {
		if got, _ := ctx.Deadline(); !got.Equal(end.Add(-500 * time.Millisecond)) {
			t.Errorf("the operation's deadline is %v before Lambda's, want 500ms", end.Sub(got))
		}
		return nil
	}
	if _, err := b.api.Handler().Invoke(ctx, request{method: http.MethodGet, path: "/v1/fail"}.event(t)); err != nil {
		t.Fatal(err)
	}
	b.fail = func(ctx context.Context) error {
		<-ctx.Done()
		return fmt.Errorf("read table: %w", ctx.Err())
	}
	raw, err := b.api.Handler().Invoke(withTimeout(t, 520*time.Millisecond), request{method: http.MethodGet, path: "/v1/fail"}.event(t))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), "deadline_exceeded") {
		t.Errorf("answer %s, want deadline_exceeded", raw)
	}
	// A deadline of the operation's own, inside of ours, is ours to mend.
	b.fail = func(context.Context) error { return context.DeadlineExceeded }
	if got := b.do(t, request{method: http.MethodGet, path: "/v1/fail"}).problem(t).Code; got != problem.Internal {
		t.Errorf("code %s, want internal", got)
	}
}

func TestHeadersOfAnAnswerThatCalledAWS(t *testing.T) {
	b := newBench(t)
	b.fail = func(ctx context.Context) error {
		r := telemetry.From(ctx)
		r.SetTier(telemetry.Minted)
		r.SetAWSRequestID("aws-1")
		return nil
	}
	a := b.do(t, request{method: http.MethodGet, path: "/v1/fail"})
	for name, want := range map[string]string{
		"Arngate-Request-Id": "r-1", "Arngate-Aws-Request-Id": "aws-1", "Arngate-Credentials": "minted",
	} {
		if got := a.Headers[name]; got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	b.fail = func(context.Context) error { return nil }
	a = b.do(t, request{method: http.MethodGet, path: "/v1/fail"})
	if _, there := a.Headers["Arngate-Credentials"]; there {
		t.Error("an answer without AWS says where credentials came from")
	}
}

// Work that outlives its request, as shared work may, must never see the caller of a later one.
func TestAnOldContextKeepsItsCaller(t *testing.T) {
	b := newBench(t)
	kept := make(chan context.Context, 1)
	b.fail = func(ctx context.Context) error {
		kept <- context.WithoutCancel(ctx)
		return nil
	}
	b.do(t, request{method: http.MethodGet, path: "/v1/fail"})
	old := <-kept
	b.fail = func(context.Context) error { return nil }
	for range 10 {
		b.do(t, request{method: http.MethodGet, path: "/v1/fail", claims: map[string]any{"iss": "https://id.example", "sub": "eve", "site_id": site}})
	}
	if got, want := httpapi.Caller(old).User, "ada"; got != want {
		t.Errorf("the old context's caller = %q, want %q", got, want)
	}
	if got, want := httpapi.RequestID(old), "r-1"; got != want {
		t.Errorf("the old context's request id = %q, want %q", got, want)
	}
}

func TestPayloadsThatAreNoEvents(t *testing.T) {
	b := newBench(t)
	for _, payload := range []string{"", "null", "{}", "[]", `"x"`, "{", `{"version":"1.0","path":"/x","httpMethod":"GET"}`, `{"rawPath":"x","requestContext":{"http":{"method":"GET"}}}`} {
		a := b.invoke(t, []byte(payload))
		if got := a.problem(t).Code; got != problem.Internal {
			t.Errorf("payload %q: code %s, want internal", payload, got)
		}
	}
}

// Whatever an event is, its answer is one that API Gateway understands, and who gets in is whom the authorizer verified.
func FuzzEvents(f *testing.F) {
	b := newBench(f)
	var in []caller.Caller
	b.fail = func(ctx context.Context) error {
		in = append(in, httpapi.Caller(ctx))
		return errors.New("failed")
	}
	f.Add(request{method: http.MethodPost, path: "/v1/things/a%", query: "limit=1&x=%zz", body: `{"method":"assume_role"}`, cookies: []string{"a=b"}}.event(f))
	f.Add(request{method: http.MethodPost, path: "/v1/things/../x", routeKey: "POST /v1/things/{name}", parameters: map[string]string{"name": "../x"}}.event(f))
	f.Add(request{method: http.MethodPut, path: "/v1/bytes", body: "AAEC/w==", isBase64: true}.event(f))
	f.Add(request{method: "G ET", path: "/v1/fail", header: map[string]string{"host": "a b", "x-\r\n": "y\n"}}.event(f))
	f.Add([]byte(`{"rawPath":"/","requestContext":{"http":{"method":"GET","sourceIp":"::1"}},"headers":[1],"body":{"a":1}}`))
	f.Add(request{method: http.MethodGet, path: "/v1/fail", header: map[string]string{"Authorization": "Bearer " + bearer(f, map[string]any{"iss": "https://id.example", "sub": "eve", "site_id": site})}}.event(f))
	f.Add(request{method: http.MethodGet, path: "/v1/fail", header: map[string]string{"arngate-acting-user": "lin", "Arngate-Acting-User": "arngate-audit"}}.event(f))
	f.Fuzz(func(t *testing.T, event []byte) {
		in = nil
		raw, err := b.api.Handler().Invoke(context.Background(), event)
		if err != nil {
			t.Fatalf("Invoke: %v", err)
		}
		var a answer
		if err := json.Unmarshal(raw, &a); err != nil {
			t.Fatalf("answer %q: %v", raw, err)
		}
		if a.Status < 200 || a.Status > 599 {
			t.Fatalf("status %d", a.Status)
		}
		_ = a.bytes(t)
		b.logs.Reset()
		var verified struct {
			RequestContext struct {
				Authorizer struct {
					JWT struct {
						Claims map[string]string `json:"claims"`
					} `json:"jwt"`
				} `json:"authorizer"`
			} `json:"requestContext"`
		}
		if len(in) == 0 || !jsontext.Value(event).IsValid() {
			return // nobody got in, or there is more than one meaning: API Gateway sends no name twice
		}
		if err := json.Unmarshal(event, &verified); err != nil || verified.RequestContext.Authorizer.JWT.Claims["sub"] != in[0].Actor || in[0].Actor == "" {
			t.Fatalf("%+v got in by %s, %v", in[0], event, err)
		}
	})
}
