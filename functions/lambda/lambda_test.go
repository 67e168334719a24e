package lambda_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/localaws"
	locallambda "github.com/arngate/arngate/shared/localaws/lambda"
)

const invocations = "/v1/lambda/all/functions/%s/invocations"

// start runs the deployment with a connection `all` to every function of the demo customer, on a role that may do anything.
func start(t *testing.T, functions ...locallambda.Function) *deploymenttest.Stack {
	t.Helper()
	s := deploymenttest.Start(t)
	for _, f := range functions {
		if err := s.AWS.Lambda().Register(demosite.Account, demosite.Region, f); err != nil {
			t.Fatal(err)
		}
	}
	s.Provider("mighty", s.Role("/skuid-assumable-role/", "mighty", demosite.Site, "AdministratorAccess"))
	s.Connection("all", "lambda", "mighty", `"functions":["*"]`)
	return s
}

func returns(name, payload string) locallambda.Function {
	return locallambda.Function{Name: name, Run: func(context.Context, locallambda.Invocation) ([]byte, error) {
		return []byte(payload), nil
	}}
}

// asked counts the calls to Lambda.
func asked(aws *localaws.AWS) int {
	count := 0
	for _, call := range aws.Calls() {
		if call.Service == "lambda" {
			count++
		}
	}
	return count
}

// invoked counts the invocations that Lambda let through.
func invoked(aws *localaws.AWS) int {
	count := 0
	for _, call := range aws.Calls() {
		if call.Operation == "Invoke" && call.Allowed {
			count++
		}
	}
	return count
}

func want(t *testing.T, a deploymenttest.Answer, status int, word string) {
	t.Helper()
	if a.Status != status || !strings.Contains(a.Body, word) {
		t.Errorf("got %d %s, want %d with %s", a.Status, a.Body, status, word)
	}
}

// trap 46: a payload that isn't JSON is legal, and so is none.
func TestTrap46Payloads(t *testing.T) {
	s := start(t, returns("json", `{"n":1.0000000000000000001,"a":[]}`), returns("text", "\xff not JSON"), returns("nothing", ""))
	for name, answer := range map[string]string{
		"json":    `{"payload":{"n":1.0000000000000000001,"a":[]},"executed_version":"$LATEST"}`,
		"text":    `{"payload_base64":"/yBub3QgSlNPTg==","executed_version":"$LATEST"}`,
		"nothing": `{"executed_version":"$LATEST"}`,
	} {
		got := s.Call(http.MethodPost, fmt.Sprintf(invocations, name), s.Builder(), `{}`)
		if got.Status != http.StatusOK || got.Body != answer {
			t.Errorf("%s: got %d %s, want %s", name, got.Status, got.Body, answer)
		}
	}
	raw := s.Send(http.MethodPost, fmt.Sprintf(invocations, "text"), s.Builder(), strings.NewReader(`{}`),
		http.Header{"Content-Type": {"application/json"}, "Accept": {"application/octet-stream"}})
	if raw.Body != "\xff not JSON" || raw.Header.Get("Content-Type") != "application/octet-stream" || raw.Header.Get("Arngate-Executed-Version") != "$LATEST" {
		t.Errorf("got %q as %q of version %q", raw.Body, raw.Header.Get("Content-Type"), raw.Header.Get("Arngate-Executed-Version"))
	}
}

// The function sees the event byte for byte.
func TestEventIsPassedAsItIs(t *testing.T) {
	var seen []byte
	s := start(t, locallambda.Function{Name: "echo", Run: func(_ context.Context, in locallambda.Invocation) ([]byte, error) {
		seen = bytes.Clone(in.Payload)
		return nil, nil
	}})
	const event = "{ \"n\" : 1e400,\n \"a\":1, \"a\":2, \"é\":\"\\u00e9\" }"
	want(t, s.Call(http.MethodPost, fmt.Sprintf(invocations, "echo"), s.Builder(), event), http.StatusOK, "executed_version")
	if string(seen) != event {
		t.Errorf("the function saw %q, want %q", seen, event)
	}
}

// trap 44: a function that failed is HTTP 200 with a header. A payload that only looks like an error is none.
func TestTrap44FunctionErrors(t *testing.T) {
	s := start(t,
		locallambda.Function{Name: "fails", Run: func(_ context.Context, in locallambda.Invocation) ([]byte, error) {
			_, _ = fmt.Fprintln(in.Log, "about to fail")
			return nil, &locallambda.FunctionError{Type: "OrderError", Message: "no such order", Trace: []string{"at order (index.js:3)"}}
		}},
		locallambda.Function{Name: "panics", Run: func(context.Context, locallambda.Invocation) ([]byte, error) { panic("boom") }},
		locallambda.Function{Name: "slow", Timeout: time.Second, Run: func(ctx context.Context, _ locallambda.Invocation) ([]byte, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}},
		returns("looks-like-it", `{"errorMessage":"none","errorType":"None"}`),
	)
	failed := s.Call(http.MethodPost, fmt.Sprintf(invocations, "fails")+"?log=tail", s.Builder(), `{}`)
	want(t, failed, http.StatusFailedDependency, `"error_type":"OrderError","error_message":"no such order","stack_trace":["at order (index.js:3)"]`)
	want(t, failed, http.StatusFailedDependency, "about to fail")
	want(t, failed, http.StatusFailedDependency, `"retryable":false`)
	want(t, s.Call(http.MethodPost, fmt.Sprintf(invocations, "panics"), s.Builder(), `{}`), http.StatusFailedDependency, `"error_message":"boom"`)
	want(t, s.Call(http.MethodPost, fmt.Sprintf(invocations, "slow"), s.Builder(), `{}`), http.StatusFailedDependency, "timed out")
	want(t, s.Call(http.MethodPost, fmt.Sprintf(invocations, "looks-like-it"), s.Builder(), `{}`), http.StatusOK, `"errorMessage":"none"`)
}

// A client shows why a function failed: what it answers with is what the function's own runtime wrote, with the frames of its stack
// as lines, whichever language it is in, and the end of its log.
func TestTaskAFailingFunctionShownWithItsStack(t *testing.T) {
	fails := func(name string, trace ...string) locallambda.Function {
		return locallambda.Function{Name: name, Run: func(_ context.Context, in locallambda.Invocation) ([]byte, error) {
			_, _ = fmt.Fprintln(in.Log, "looking for order 42")
			return nil, &locallambda.FunctionError{Type: "OrderError", Message: "no such order", Trace: trace}
		}}
	}
	s := start(t, fails("orders", "at find (/var/task/orders.js:12:9)", "at handler (/var/task/index.js:3:5)"), fails("bare"))
	failed := s.Call(http.MethodPost, fmt.Sprintf(invocations, "orders")+"?log=tail", s.Builder(), `{"order":42}`)
	var shown struct {
		Code       string   `json:"code"`
		Type       string   `json:"error_type"`
		Message    string   `json:"error_message"`
		StackTrace []string `json:"stack_trace"`
		LogTail    string   `json:"log_tail"`
		Hint       string   `json:"hint"`
		Retryable  bool     `json:"retryable"`
	}
	if err := json.Unmarshal([]byte(failed.Body), &shown); err != nil || failed.Status != http.StatusFailedDependency {
		t.Fatalf("got %d %s", failed.Status, failed.Body)
	}
	screen := shown.Type + ": " + shown.Message + "\n    " + strings.Join(shown.StackTrace, "\n    ")
	if want := "OrderError: no such order\n    at find (/var/task/orders.js:12:9)\n    at handler (/var/task/index.js:3:5)"; screen != want {
		t.Errorf("shown is\n%s\nwant\n%s", screen, want)
	}
	if !strings.Contains(shown.LogTail, "looking for order 42") || shown.Code != "function_failed" || shown.Hint == "" || shown.Retryable {
		t.Errorf("got %+v", shown)
	}
	if bare := s.Call(http.MethodPost, fmt.Sprintf(invocations, "bare"), s.Builder(), `{}`); strings.Contains(bare.Body, "stack_trace") || strings.Contains(bare.Body, "log_tail") {
		t.Errorf("what isn't there is shown: %s", bare.Body)
	}
}

// trap 45: an invocation whose answer is lost is not sent again, and not called a failure.
func TestTrap45LostAnswerIsNotRepeated(t *testing.T) {
	s := start(t, returns("once", `1`))
	want(t, s.Call(http.MethodPost, fmt.Sprintf(invocations, "once"), s.Builder(), `{}`), http.StatusOK, "1")
	s.AWS.ResetCalls()
	s.AWS.Inject(localaws.Fault{Service: "lambda", Operation: "Invoke", Count: 1, Cut: true})
	lost := s.Call(http.MethodPost, fmt.Sprintf(invocations, "once"), s.Builder(), `{}`)
	want(t, lost, http.StatusGatewayTimeout, "outcome_unknown")
	want(t, lost, http.StatusGatewayTimeout, `"retryable":false`)
	if got := invoked(s.AWS); got != 1 {
		t.Errorf("the function was invoked %d times, want once", got)
	}
}

func TestModes(t *testing.T) {
	ran := make(chan string, 1)
	s := start(t, locallambda.Function{Name: "work", Run: func(_ context.Context, in locallambda.Invocation) ([]byte, error) {
		ran <- string(in.Payload)
		return nil, errors.New("nobody hears this")
	}})
	dry := s.Call(http.MethodPost, fmt.Sprintf(invocations, "work")+"?mode=dry-run", s.Builder(), "")
	if dry.Status != http.StatusNoContent || dry.Body != "" || len(ran) != 0 {
		t.Errorf("dry run: got %d %q, and %d runs", dry.Status, dry.Body, len(ran))
	}
	queued := s.Call(http.MethodPost, fmt.Sprintf(invocations, "work")+"?mode=async", s.Builder(), `{"a":1}`)
	if queued.Status != http.StatusAccepted || queued.Body != "" {
		t.Errorf("async: got %d %q, want 202 without a body", queued.Status, queued.Body)
	}
	if got := <-ran; got != `{"a":1}` {
		t.Errorf("async: the function got %q", got)
	}
	s.AWS.ResetCalls()
	for name, c := range map[string]struct {
		query, body string
		status      int
		word        string
	}{
		"async over 1 MiB":  {"?mode=async", `"` + strings.Repeat("x", 1<<20) + `"`, http.StatusRequestEntityTooLarge, "payload_too_large"},
		"not JSON":          {"", `{"a"`, http.StatusBadRequest, "invalid_json"},
		"unknown mode":      {"?mode=later", `{}`, http.StatusUnprocessableEntity, "query.mode"},
		"unknown qualifier": {"?qualifier=no%20such", `{}`, http.StatusUnprocessableEntity, "query.qualifier"},
	} {
		t.Run(name, func(t *testing.T) {
			want(t, s.Call(http.MethodPost, fmt.Sprintf(invocations, "work")+c.query, s.Builder(), c.body), c.status, c.word)
		})
	}
	if got := asked(s.AWS); got != 0 {
		t.Errorf("Lambda was asked %d times for what we refuse", got)
	}
	want(t, s.Call(http.MethodPost, fmt.Sprintf(invocations, "missing"), s.Builder(), `{}`), http.StatusNotFound, "function_not_found")
	want(t, s.Call(http.MethodPost, fmt.Sprintf(invocations, "work")+"?qualifier=missing", s.Builder(), `{}`), http.StatusNotFound, "function_not_found")
}

// The connection's limits hold in Arngate, and a function is named, never given as an ARN (trap 21).
func TestTrap21LimitsAndNames(t *testing.T) {
	s := start(t, returns("other", `1`))
	s.Connection("look", "lambda", "mighty", `"read_only":true,"functions":["*"]`)
	s.AWS.ResetCalls()
	want(t, s.Call(http.MethodPost, "/v1/lambda/actions/functions/other/invocations", s.Builder(), `{}`), http.StatusForbidden, "connection_forbids")
	want(t, s.Call(http.MethodPost, "/v1/lambda/look/functions/other/invocations", s.Builder(), `{}`), http.StatusForbidden, "connection_forbids")
	arn := "arn:aws:lambda:eu-central-1:444455556666:function:other"
	want(t, s.Call(http.MethodPost, fmt.Sprintf(invocations, arn), s.Builder(), `{}`), http.StatusUnprocessableEntity, "path.name")
	if got := asked(s.AWS); got != 0 {
		t.Errorf("Lambda was asked %d times for what the connection refuses", got)
	}
}

// A denial names the action that the role lacks.
func TestDeniedInvocation(t *testing.T) {
	s := start(t, returns("other", `1`))
	s.Provider("poor", s.Role("/skuid-assumable-role/", "poor", demosite.Site, ""))
	s.Connection("poor", "lambda", "poor", `"functions":["other"]`)
	want(t, s.Call(http.MethodPost, "/v1/lambda/poor/functions/other/invocations", s.Builder(), `{}`), http.StatusForbidden, `"missing_action":"lambda:InvokeFunction"`)
	want(t, s.Call(http.MethodGet, "/v1/lambda/poor/functions", s.Builder(), ""), http.StatusForbidden, `"missing_action":"lambda:ListFunctions"`)
}

// Listing shows each function that the connection includes once, over pages of any size.
func TestListingByPages(t *testing.T) {
	var functions []locallambda.Function
	for i := range 7 {
		functions = append(functions, returns(fmt.Sprintf("f%d", i), `1`))
	}
	s := start(t, functions...)
	s.Connection("some", "lambda", "mighty", `"functions":["f1","f4","hello"]`)
	for connection, all := range map[string]string{"all": "f0 f1 f2 f3 f4 f5 f6 hello", "some": "f1 f4 hello"} {
		for _, limit := range []int{1, 2, 3, 50} {
			if got := strings.Join(list(t, s, connection, limit), " "); got != all {
				t.Errorf("%s by %d: got %q, want %q", connection, limit, got, all)
			}
		}
	}
	want(t, s.Call(http.MethodGet, "/v1/lambda/all/functions?cursor=AAAA", s.Builder(), ""), http.StatusBadRequest, "cursor_invalid")
}

func list(t *testing.T, s *deploymenttest.Stack, connection string, limit int) []string {
	t.Helper()
	var names []string
	cursor := ""
	for range 20 {
		page := s.Call(http.MethodGet, fmt.Sprintf("/v1/lambda/%s/functions?limit=%d&cursor=%s", connection, limit, cursor), s.Builder(), "")
		if page.Status != http.StatusOK {
			t.Fatalf("got %d %s", page.Status, page.Body)
		}
		parts := strings.Split(page.Body, `"name":"`)
		for _, part := range parts[1:] {
			name, _, _ := strings.Cut(part, `"`)
			names = append(names, name)
		}
		if cursor = page.Field("next_cursor"); cursor == "" {
			return names
		}
	}
	t.Fatal("the listing doesn't end")
	return nil
}
