package httpapi_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/telemetry"
)

type renameInput struct {
	Name string `path:"name" doc:"Name of the shelf"`
	httpapi.IfMatch
	Body struct {
		Title string `json:"title" minLength:"1" maxLength:"40" doc:"The new title"`
		Note  string `json:"note,omitzero"`
	}
}

type renameOutput struct {
	ETag string `header:"ETag"`
	Body struct {
		Name  string `json:"name"`
		Title string `json:"title"`
	}
}

// A function registers its operations on an API; its bootstrap gives the handler to Lambda.
func Example() {
	api := httpapi.New(httpapi.Options{Telemetry: telemetry.New(telemetry.Options{Out: io.Discard, Function: "shelves"})})
	httpapi.Register(api, httpapi.Operation{
		ID: "rename-shelf", Method: http.MethodPut, Path: "/v1/shelves/{name}", Summary: "Rename a shelf",
		Scopes: []string{caller.ScopeAdmin}, Problems: []problem.Code{problem.ETagMismatch},
	}, func(ctx context.Context, in *renameInput) (*renameOutput, error) {
		if !in.Match("7") {
			return nil, problem.New(problem.ETagMismatch, "The shelf "+in.Name+" changed meanwhile.")
		}
		out := &renameOutput{ETag: httpapi.ETag("8")}
		out.Body.Name, out.Body.Title = in.Name, in.Body.Title+" of "+httpapi.Caller(ctx).User
		return out, nil
	})

	for _, body := range []string{`{"title":"Maps"}`, `{"title":"","colour":"red"}`} {
		answer, err := api.Handler().Invoke(context.Background(), exampleEvent(body))
		fmt.Println(string(answer), err)
	}
	// Output:
	// {"statusCode":200,"headers":{"Arngate-Request-Id":"r-1","Cache-Control":"no-store","Content-Type":"application/json","Etag":"\"8\"","X-Content-Type-Options":"nosniff"},"isBase64Encoded":false,"body":"{\"name\":\"atlas\",\"title\":\"Maps of ada\"}"} <nil>
	// {"statusCode":422,"headers":{"Arngate-Request-Id":"r-1","Cache-Control":"no-store","Content-Type":"application/problem+json","X-Content-Type-Options":"nosniff"},"isBase64Encoded":false,"body":"{\"type\":\"urn:arngate:problem:invalid_request\",\"title\":\"Invalid request\",\"status\":422,\"detail\":\"The request doesn't fit: each fault is listed under errors.\",\"code\":\"invalid_request\",\"request_id\":\"r-1\",\"retryable\":false,\"errors\":[{\"pointer\":\"/title\",\"message\":\"expected at least 1 characters\"},{\"pointer\":\"/colour\",\"message\":\"unknown field\"}]}"} <nil>
}

func exampleEvent(body string) []byte {
	claims := `{"iss":"https://id.example","sub":"ada","site_id":"6f1c2f4e-8a53-4a5e-9a0e-0d3c5b7e9f10","scope":"arngate/admin"}`
	event, _ := json.Marshal(map[string]any{
		"version": "2.0", "routeKey": "PUT /v1/shelves/{name}", "rawPath": "/v1/shelves/atlas",
		"headers": map[string]string{
			"authorization": "Bearer e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln",
			"content-type":  "application/json", "if-match": `"7"`,
		},
		"pathParameters": map[string]string{"name": "atlas"},
		"requestContext": map[string]any{
			"requestId":  "r-1",
			"http":       map[string]string{"method": "PUT", "path": "/v1/shelves/atlas", "sourceIp": "192.0.2.1"},
			"authorizer": map[string]any{"jwt": map[string]any{"claims": map[string]string{"iss": "https://id.example", "sub": "ada"}}},
		},
		"body": body,
	})
	return event
}
