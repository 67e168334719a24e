package lambda_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws/lambda"
	"github.com/arngate/arngate/shared/localaws/protocol"
)

const (
	account = "111111111111"
	region  = "eu-west-1"
)

// front is what the root does around a service, without signatures: it resolves, lets a test refuse, serves.
type front struct {
	service *lambda.Service
	seen    []protocol.Access
	deny    func(protocol.Access) error
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	c := &protocol.Call{
		Service: "lambda", Region: region, Request: r, Body: body, RequestID: "req-1", Now: time.Now(),
		Principal: &protocol.Principal{ARN: "arn:aws:iam::" + account + ":user/u", Account: account},
	}
	accesses, err := f.service.Resolve(c)
	f.seen = append(f.seen, accesses...)
	for _, a := range accesses {
		if err == nil && f.deny != nil {
			err = f.deny(a)
		}
	}
	if err == nil {
		err = f.service.Serve(w, c)
	}
	if aws, ok := errors.AsType[*protocol.Error](err); ok {
		protocol.WriteError(w, protocol.RESTJSON, c.RequestID, aws)
	} else if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func start(t *testing.T, functions ...lambda.Function) (*lambda.Service, *awslambda.Client, *front) {
	t.Helper()
	s := lambda.New(time.Now)
	for _, f := range functions {
		if err := s.Register(account, region, f); err != nil {
			t.Fatal(err)
		}
	}
	f := &front{service: s}
	server := httptest.NewServer(f)
	t.Cleanup(func() {
		server.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	client := awslambda.New(awslambda.Options{
		Region: region, BaseEndpoint: aws.String(server.URL), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
	})
	return s, client, f
}

func answering(name string, run func(context.Context, lambda.Invocation) ([]byte, error)) lambda.Function {
	return lambda.Function{Name: name, Run: run}
}

func echo(_ context.Context, in lambda.Invocation) ([]byte, error) { return in.Payload, nil }

func wantError(t *testing.T, err error, status int, code, message string) {
	t.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatalf("got error %v, want %s", err, code)
	}
	if got := api.ErrorCode(); got != code {
		t.Errorf("got code %s (%s), want %s", got, api.ErrorMessage(), code)
	}
	if got := api.ErrorMessage(); message != "" && !strings.Contains(got, message) {
		t.Errorf("got message %q, want it to hold %q", got, message)
	}
	response, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || response.HTTPStatusCode() != status {
		t.Errorf("got %v, want status %d", err, status)
	}
}

func TestInvokeSync(t *testing.T) {
	_, client, f := start(t, answering("echo", func(_ context.Context, in lambda.Invocation) ([]byte, error) {
		_, _ = fmt.Fprintln(in.Log, "hello from", in.Version)
		return in.Payload, nil
	}))
	out, err := client.Invoke(t.Context(), &awslambda.InvokeInput{
		FunctionName: aws.String("echo"), Payload: []byte(`{"n": 12345678901234567890}`), LogType: types.LogTypeTail,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(out.Payload), `{"n": 12345678901234567890}`; got != want {
		t.Errorf("got payload %s, want %s", got, want)
	}
	if got, want := aws.ToString(out.ExecutedVersion), "$LATEST"; got != want {
		t.Errorf("got version %s, want %s", got, want)
	}
	log := decode(t, aws.ToString(out.LogResult))
	for _, want := range []string{"START RequestId: req-1 Version: $LATEST\n", "hello from $LATEST\n", "END RequestId: req-1\nREPORT RequestId: req-1\tDuration: "} {
		if !strings.Contains(log, want) {
			t.Errorf("got log %q, want it to hold %q", log, want)
		}
	}
	want := []protocol.Access{{
		Action: "lambda:InvokeFunction", Resource: "arn:aws:lambda:eu-west-1:111111111111:function:echo", ResourceAccount: account,
	}}
	if diff := cmp.Diff(want, f.seen); diff != "" {
		t.Errorf("accesses (-want +got):\n%s", diff)
	}
}

func TestTrap46PayloadsThatAreNotJSONAndNone(t *testing.T) {
	_, client, _ := start(t,
		answering("binary", func(context.Context, lambda.Invocation) ([]byte, error) { return []byte{0xff, 0, 'x'}, nil }),
		answering("nothing", func(_ context.Context, in lambda.Invocation) ([]byte, error) {
			if string(in.Payload) != "{}" {
				return nil, fmt.Errorf("got %s", in.Payload)
			}
			return nil, nil // an answer without a payload is the point
		}),
	)
	for name, want := range map[string]string{"binary": "\xff\x00x", "nothing": ""} {
		out, err := client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String(name)})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(out.Payload); got != want || out.FunctionError != nil {
			t.Errorf("%s: got %q, error %v, want %q", name, got, aws.ToString(out.FunctionError), want)
		}
	}
}

func TestTrap44FunctionErrorsAreHTTP200(t *testing.T) {
	boom := errors.New("boom")
	_, client, _ := start(t,
		answering("plain", func(context.Context, lambda.Invocation) ([]byte, error) { return nil, boom }),
		answering("typed", func(context.Context, lambda.Invocation) ([]byte, error) {
			return nil, &lambda.FunctionError{Type: "OrderError", Message: "no such order", Trace: []string{"a", "b"}}
		}),
		answering("handled", func(context.Context, lambda.Invocation) ([]byte, error) {
			return nil, &lambda.FunctionError{Type: "E", Message: "m", Handled: true}
		}),
		answering("large", func(context.Context, lambda.Invocation) ([]byte, error) {
			return make([]byte, 6<<20+101), nil
		}),
	)
	for _, test := range []struct{ name, kind, payload string }{
		{"plain", "Unhandled", `{"errorMessage":"boom","errorType":"errorString"}`},
		{"typed", "Unhandled", `{"errorMessage":"no such order","errorType":"OrderError","stackTrace":["a","b"]}`},
		{"handled", "Handled", `{"errorMessage":"m","errorType":"E"}`},
		{"large", "Unhandled", `{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).",` +
			`"errorType":"Function.ResponseSizeTooLarge"}`},
	} {
		out, err := client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String(test.name)})
		if err != nil {
			t.Fatal(err)
		}
		if got := aws.ToString(out.FunctionError); got != test.kind || out.StatusCode != http.StatusOK {
			t.Errorf("%s: got %q with %d, want %q with 200", test.name, got, out.StatusCode, test.kind)
		}
		if diff := cmp.Diff(test.payload, string(out.Payload)); diff != "" {
			t.Errorf("%s: payload (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestPanicIsAFunctionError(t *testing.T) {
	_, client, _ := start(t, answering("panics", func(context.Context, lambda.Invocation) ([]byte, error) { panic("at the disco") }))
	out, err := client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("panics")})
	if err != nil {
		t.Fatal(err)
	}
	if got := aws.ToString(out.FunctionError); got != "Unhandled" {
		t.Errorf("got %q, want Unhandled", got)
	}
	for _, want := range []string{`"errorMessage":"at the disco","errorType":"string"`, `"stackTrace":[{"path":"`, "lambda_test.go"} {
		if !strings.Contains(string(out.Payload), want) {
			t.Errorf("got %s, want it to hold %s", out.Payload, want)
		}
	}
}

func TestTimeout(t *testing.T) {
	stop := make(chan struct{})
	slow := answering("slow", func(context.Context, lambda.Invocation) ([]byte, error) {
		<-stop // heeds no context
		return nil, errors.New("too late")
	})
	slow.Timeout = 10 * time.Millisecond
	polite := answering("polite", func(ctx context.Context, _ lambda.Invocation) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	polite.Timeout = 10 * time.Millisecond
	_, client, _ := start(t, slow, polite)
	defer close(stop)
	for _, name := range []string{"slow", "polite"} {
		out, err := client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String(name)})
		if err != nil {
			t.Fatal(err)
		}
		want := `{"errorMessage":"RequestId: req-1 Error: Task timed out after 0.01 seconds","errorType":"Sandbox.Timedout"}`
		if diff := cmp.Diff(want, string(out.Payload)); diff != "" {
			t.Errorf("%s: payload (-want +got):\n%s", name, diff)
		}
	}
}

// TestTrap45TheFunctionRunsOnWhenTheClientHasGone shows why an invoke that was sent must not be sent again.
func TestTrap45TheFunctionRunsOnWhenTheClientHasGone(t *testing.T) {
	started, finish, ran := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	_, client, _ := start(t, answering("long", func(ctx context.Context, _ lambda.Invocation) ([]byte, error) {
		close(started)
		<-finish
		ran <- ctx.Err()
		return nil, ctx.Err()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // ends with the started function
		<-started
		cancel()
	}()
	if _, err := client.Invoke(ctx, &awslambda.InvokeInput{FunctionName: aws.String("long")}); err == nil {
		t.Error("got an answer, want the client's own cancellation")
	}
	close(finish)
	if err := <-ran; err != nil {
		t.Errorf("the function saw %v, want it to run on", err)
	}
}

func TestInvokeAsyncAndDryRun(t *testing.T) {
	ran := make(chan string, 2)
	_, client, _ := start(t, answering("job", func(_ context.Context, in lambda.Invocation) ([]byte, error) {
		ran <- string(in.Payload)
		return nil, errors.New("nobody hears this")
	}))
	invoke := func(how types.InvocationType, payload string) (*awslambda.InvokeOutput, error) {
		return client.Invoke(t.Context(), &awslambda.InvokeInput{
			FunctionName: aws.String("job"), InvocationType: how, Payload: []byte(payload),
		})
	}
	out, err := invoke(types.InvocationTypeEvent, `{"id":1}`)
	if err != nil || out.StatusCode != http.StatusAccepted || len(out.Payload) > 0 || out.FunctionError != nil {
		t.Fatalf("got %+v, %v, want 202 alone", out, err)
	}
	if got, want := <-ran, `{"id":1}`; got != want {
		t.Errorf("got payload %s, want %s", got, want)
	}
	out, err = invoke(types.InvocationTypeDryRun, `{"id":2}`)
	if err != nil || out.StatusCode != http.StatusNoContent {
		t.Fatalf("got %+v, %v, want 204", out, err)
	}
	if len(ran) > 0 {
		t.Error("the dry run ran")
	}
	_, err = invoke("Sometimes", "{}")
	wantError(t, err, http.StatusBadRequest, "ValidationException",
		"1 validation error detected: Value 'Sometimes' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set")
}

func nonEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func decode(t *testing.T, text string) string {
	t.Helper()
	raw, err := base64Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
