package lambda

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/arngate/arngate/shared/awsclient/lambdaclient"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
)

// maxAsync is the most that Lambda takes for an asynchronous invocation, in bytes (AWS Lambda Developer Guide,
// "Lambda quotas").
const maxAsync = 1 << 20

// The forms of a synchronous answer.
const (
	mediaJSON  = "application/json"
	mediaBytes = "application/octet-stream"
)

// The modes of an invocation.
const (
	modeAsync  = "async"
	modeDryRun = "dry-run"
)

type invokeInput struct {
	OfConnection

	Name      string `path:"name" pattern:"^[a-zA-Z0-9_-]{1,140}$" doc:"Name of the function, not its ARN" example:"hello"`
	Mode      string `query:"mode" enum:"sync,async,dry-run" default:"sync" doc:"Wait for the result, queue the event, or only see whether it could be invoked"`
	Qualifier string `query:"qualifier" pattern:"^(\\$LATEST|[a-zA-Z0-9_-]{1,128})$" doc:"Version or alias"`
	Log       string `query:"log" enum:"tail" doc:"tail: answer with the last 4 KB of the log too; with mode=sync"`
	Accept    string `header:"Accept" doc:"application/octet-stream: the payload itself is the answer, with mode=sync" example:"application/json"`
	RawBody   []byte `contentType:"application/json" doc:"The event"`
}

type invokeOutput struct {
	Status      int
	ContentType string `header:"Content-Type"`
	Version     string `header:"Arngate-Executed-Version" doc:"Version that ran, where the payload itself is the answer"`
	Body        []byte
}

// Invocation is the result of a synchronous invocation.
type Invocation struct {
	Payload         jsontext.Value `json:"payload,omitempty" doc:"What the function returned, where that is JSON"`
	PayloadBase64   string         `json:"payload_base64,omitzero" doc:"What the function returned, where that is not JSON"`
	ExecutedVersion string         `json:"executed_version" doc:"Version that ran"`
	LogTail         string         `json:"log_tail,omitzero" doc:"With log=tail"`
}

func (h *handler) invoke(ctx context.Context, in *invokeInput) (*invokeOutput, error) {
	c, err := h.open(ctx, in.OfConnection)
	if err != nil {
		return nil, err
	}
	if err := c.RequireFunction(in.Name); err != nil {
		return nil, err
	}
	if err := checkEvent(in); err != nil {
		return nil, err
	}
	answer, err := send(ctx, c, in)
	if err != nil {
		return nil, err
	}
	switch in.Mode {
	case modeAsync:
		return &invokeOutput{Status: http.StatusAccepted}, nil
	case modeDryRun:
		return &invokeOutput{Status: http.StatusNoContent}, nil
	}
	// Only this header says that the function failed: the status is 200 then too, and the payload may look like
	// anything (trap 44).
	if answer.FunctionError != nil {
		return nil, failed(answer)
	}
	return result(ctx, answer)
}

// checkEvent refuses what Lambda would, before it is asked. No event at all is fine.
func checkEvent(in *invokeInput) error {
	if len(in.RawBody) > 0 && !jsontext.Value(in.RawBody).IsValid(jsontext.AllowDuplicateNames(true)) {
		return problem.New(problem.InvalidJSON, "The event isn't JSON.")
	}
	if in.Mode == modeAsync && len(in.RawBody) > maxAsync {
		return problem.New(problem.PayloadTooLarge, "An asynchronous event may have 1 MiB.").
			WithHint("Put the data into a bucket and send its key, or invoke with mode=sync.")
	}
	return nil
}

func send(ctx context.Context, c *connection.Connection, in *invokeInput) (answer *awslambda.InvokeOutput, err error) {
	request := &awslambda.InvokeInput{
		FunctionName: &in.Name, InvocationType: types.InvocationTypeRequestResponse, Payload: in.RawBody,
	}
	switch in.Mode {
	case modeAsync:
		request.InvocationType = types.InvocationTypeEvent
	case modeDryRun:
		request.InvocationType = types.InvocationTypeDryRun
	}
	if in.Qualifier != "" {
		request.Qualifier = &in.Qualifier
	}
	if in.Log != "" && request.InvocationType == types.InvocationTypeRequestResponse {
		request.LogType = types.LogTypeTail
	}
	err = call(ctx, c, "Invoke", "lambda:InvokeFunction", func(ctx context.Context) error {
		client, err := lambdaclient.For(c.Clients(), c.Region)
		if err != nil {
			return err
		}
		answer, err = client.Invoke(ctx, request)
		return err
	})
	return answer, err
}

// result is the answer of a function that did not fail. No payload at all is legal (trap 46).
func result(ctx context.Context, answer *awslambda.InvokeOutput) (*invokeOutput, error) {
	version := aws.ToString(answer.ExecutedVersion)
	if httpapi.Accepted(ctx) == mediaBytes {
		return &invokeOutput{Status: http.StatusOK, ContentType: mediaBytes, Version: version, Body: answer.Payload}, nil
	}
	out := Invocation{ExecutedVersion: version, LogTail: logTail(answer)}
	switch payload := jsontext.Value(answer.Payload); {
	case len(payload) == 0:
	case payload.IsValid():
		out.Payload = payload
	default:
		out.PayloadBase64 = base64.StdEncoding.EncodeToString(payload)
	}
	body, err := httpapi.Encode(out)
	return &invokeOutput{Status: http.StatusOK, ContentType: mediaJSON, Body: body}, err
}

// failed is the problem of a function that failed: its error as the runtime describes it, or, where it describes it in
// its own way, its whole payload as the message.
func failed(answer *awslambda.InvokeOutput) error {
	var described struct {
		ErrorType    string           `json:"errorType"`
		ErrorMessage string           `json:"errorMessage"`
		StackTrace   []jsontext.Value `json:"stackTrace"`
		Trace        []jsontext.Value `json:"trace"` // Node.js's runtime calls it so
	}
	failure := &problem.FunctionFailure{LogTail: logTail(answer)}
	if err := json.Unmarshal(answer.Payload, &described, jsontext.AllowDuplicateNames(true)); err != nil {
		described.ErrorMessage = strings.ToValidUTF8(string(answer.Payload), "\uFFFD")
	}
	failure.ErrorType, failure.ErrorMessage = described.ErrorType, described.ErrorMessage
	failure.StackTrace = frames(append(described.StackTrace, described.Trace...))
	return failedAs(failure)
}

func failedAs(failure *problem.FunctionFailure) *problem.Error {
	p := problem.New(problem.FunctionFailed, "The function failed.").
		WithHint("The function ran: look at error_message and its log before invoking it again.")
	p.Function = failure
	return p
}

// frames are the lines of a stack: the runtimes of Python and Node.js write texts, Go's objects of path, line and label.
func frames(stack []jsontext.Value) []string {
	var lines []string
	for _, frame := range stack {
		var object struct {
			Path  string `json:"path"`
			Line  int    `json:"line"`
			Label string `json:"label"`
		}
		var text string
		switch {
		case json.Unmarshal(frame, &text) == nil:
			lines = append(lines, text)
		case json.Unmarshal(frame, &object) == nil && object.Label != "":
			lines = append(lines, fmt.Sprintf("%s:%d %s", object.Path, object.Line, object.Label))
		default:
			lines = append(lines, frame.String())
		}
	}
	return lines
}

func logTail(answer *awslambda.InvokeOutput) string {
	tail, err := base64.StdEncoding.DecodeString(aws.ToString(answer.LogResult))
	if err != nil {
		return ""
	}
	return strings.ToValidUTF8(string(tail), "\uFFFD")
}

var (
	exampleInvocation = Invocation{Payload: jsontext.Value(`{"greeting": "Hello, Ada!"}`), ExecutedVersion: "$LATEST"}
	exampleFunctions  = map[string]any{"items": []Function{{
		Name: "hello", Description: "Greets", Runtime: "provided.al2023", Handler: "bootstrap", TimeoutSeconds: 3, MemoryMB: 128,
		ModifiedAt: "2026-01-05T09:00:00Z",
	}}}
	exampleFailure = &problem.FunctionFailure{
		ErrorType: "OrderError", ErrorMessage: "no such order", StackTrace: []string{"at find (/var/task/orders.js:12:9)", "at handler (/var/task/index.js:3:5)"},
		LogTail: "START RequestId: 8f5b7c1e-0c1c-4f0a-9d4e-2f7a3a6c9b10 Version: $LATEST\nlooking for order 42\nEND RequestId: 8f5b7c1e-0c1c-4f0a-9d4e-2f7a3a6c9b10\n",
	}
)
