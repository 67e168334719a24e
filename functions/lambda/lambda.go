// Package lambda is the connector for AWS Lambda: the routes below /v1/lambda/{connection} and the AWS calls behind them.
//
// It calls InvokeFunction and ListFunctions, and nothing else. Functions are named, never given as ARNs: an ARN could be
// another account's (trap 21).
package lambda

import (
	"context"
	"net/http"

	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/cursor"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
)

// Deps are what the connector needs; all are required.
type Deps struct {
	Opener *connection.Opener
	Ring   cursor.Sealer
}

// handler holds what the operations share. Safe for concurrent use.
type handler struct {
	connections *connection.Opener
	cursors     cursor.Cursors
}

const root = "/v1/lambda/{connection}/functions"

// Register adds the connector's operations to api.
func Register(api *httpapi.API, deps Deps) {
	h := &handler{connections: deps.Opener, cursors: cursor.New(deps.Ring)}
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "list-functions", Method: http.MethodGet, Path: root,
		Summary:     "List functions",
		Description: "The functions of the connection's account and region, as far as the connection includes them. A page can be shorter than `limit`.",
		Problems:    []problem.Code{problem.CursorInvalid}, ResponseExample: exampleFunctions,
	}), h.list)
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "invoke-function", Method: http.MethodPost, Path: root + "/{name}/invocations",
		Summary: "Invoke a function",
		Description: "The body, any JSON, is the function's event, byte for byte. `mode=sync` waits and answers 200 with the payload: as `payload`, or as " +
			"`payload_base64` where it isn't JSON; with `Accept: application/octet-stream` the payload itself. `mode=async` answers 202 when Lambda has queued the event, " +
			"`mode=dry-run` 204 when the function could be invoked. A function that fails is `function_failed`. " +
			"An event is sent once: if no answer comes, the problem is `outcome_unknown`.",
		Problems: []problem.Code{
			problem.FunctionNotFound, problem.FunctionFailed, problem.OutcomeUnknown, problem.InvalidJSON,
		},
		RequestExample: map[string]any{"name": "Ada"},
		Produces:       []httpapi.Media{{Type: mediaJSON, Body: Invocation{}, Example: exampleInvocation}, {Type: mediaBytes}},
		Others: map[int]string{
			http.StatusAccepted:  "With mode=async: Lambda has queued the event. Whether the function then fails isn't known here.",
			http.StatusNoContent: "With mode=dry-run: the function could be invoked, and was not.",
		},
		Shown: []*problem.Error{failedAs(exampleFailure)},
	}), h.invoke)
}

// operation adds what both operations of the connector have in common.
func operation(op httpapi.Operation) httpapi.Operation {
	op.Tags = []string{"Lambda"}
	op.Scopes = []string{caller.ScopeConnect}
	op.TooLarge = "Have the function answer with less, or put its result into a bucket."
	op.Problems = append(op.Problems,
		problem.ConnectionNotFound, problem.ConnectionForbids,
		problem.ProviderAwaitingRole, problem.ProviderUnverified, problem.ProviderUnsafe, problem.ProviderUnusable,
		problem.AWSAccessDenied, problem.AWSRejected, problem.AWSThrottled, problem.AWSUnavailable,
	)
	return op
}

// OfConnection is the part of every path that names the connection.
type OfConnection struct {
	Connection string `path:"connection" doc:"Name of the connection" example:"actions"`
}

// open opens the caller's connection.
func (h *handler) open(ctx context.Context, in OfConnection) (*connection.Connection, error) {
	return h.connections.Open(ctx, httpapi.Caller(ctx), in.Connection, permissions.Lambda)
}

// call makes one AWS call. Lambda's own message names the resource of what it denies.
func call(ctx context.Context, c *connection.Connection, operation, action string, do func(context.Context) error) error {
	return c.Call(ctx, operation, action, "", do)
}
