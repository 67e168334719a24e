package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/telemetry"
)

type document struct {
	OpenAPI string                          `json:"openapi"`
	Paths   map[string]map[string]operation `json:"paths"`
	Parts   struct {
		Schemas map[string]json.RawMessage `json:"schemas"`
		Schemes map[string]json.RawMessage `json:"securitySchemes"`
	} `json:"components"`
}

type operation struct {
	ID          string                `json:"operationId"`
	Description string                `json:"description"`
	Security    []map[string][]string `json:"security"`
	Scopes      []string              `json:"x-scopes"`
	RequestBody struct {
		Required bool                       `json:"required"`
		Content  map[string]json.RawMessage `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Description string                     `json:"description"`
		Headers     map[string]json.RawMessage `json:"headers"`
		Content     map[string]struct {
			Schema   map[string]any             `json:"schema"`
			Examples map[string]json.RawMessage `json:"examples"`
		} `json:"content"`
	} `json:"responses"`
}

func read(t *testing.T, api *httpapi.API) (document, []byte) {
	t.Helper()
	text, err := api.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d, text
}

func TestOpenAPI(t *testing.T) {
	d, text := read(t, newBench(t).api)
	if d.OpenAPI != "3.1.0" {
		t.Errorf("openapi = %s, want 3.1.0", d.OpenAPI)
	}
	for _, unwanted := range []string{"ErrorModel", "ErrorDetail", "$schema"} {
		if bytes.Contains(text, []byte(unwanted)) {
			t.Errorf("the document has huma's %s", unwanted)
		}
	}
	if _, ok := d.Parts.Schemas["Problem"]; !ok {
		t.Error("no schema of problems")
	}
	if _, ok := d.Parts.Schemes["bearer"]; !ok {
		t.Error("no security scheme")
	}
	op := d.Paths["/v1/things/{name}"]["post"]
	if diff := cmp.Diff([]string{"arngate/connect"}, op.Scopes); diff != "" {
		t.Errorf("scopes (-want +got):\n%s", diff)
	}
	problems := op.Responses["422"].Content["application/problem+json"]
	if problems.Schema["$ref"] != "#/components/schemas/Problem" || problems.Examples["invalid_request"] == nil {
		t.Errorf("422 = %+v, want the problem's schema and an example", op.Responses["422"])
	}
	for _, status := range []string{"200", "400", "401", "403", "413", "415", "422", "500", "504"} {
		if _, ok := op.Responses[status]; !ok {
			t.Errorf("no response %s", status)
		}
	}
	if _, ok := op.Responses["200"].Headers[httpapi.HeaderRequestID]; !ok {
		t.Error("the success doesn't document its request id")
	}
	if security := d.Paths["/v1/health"]["get"].Security; security == nil || len(security) != 0 {
		t.Errorf("security of a public operation = %v, want an empty list", security)
	}
	raw := d.Paths["/v1/bytes"]["put"]
	if _, ok := raw.RequestBody.Content["*/*"]; !ok {
		t.Errorf("request body of bytes = %v, want */*", raw.RequestBody)
	}
	if _, ok := raw.Responses["200"].Content["application/octet-stream"]; !ok {
		t.Errorf("response of bytes = %v, want application/octet-stream", raw.Responses["200"].Content)
	}
}

func TestOpenAPIIsDeterministic(t *testing.T) {
	first, err := newBench(t).api.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, err := newBench(t).api.OpenAPI()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, again) {
			t.Fatal("two documents of the same operations differ")
		}
	}
}

// The document leaves what requests run by alone.
func TestOpenAPIChangesNothing(t *testing.T) {
	b := newBench(t)
	before := b.echo(t, `{"x":1}`)
	if _, err := b.api.OpenAPI(); err != nil {
		t.Fatal(err)
	}
	after := b.echo(t, `{"x":1}`)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("answer changed (-before +after):\n%s", diff)
	}
	one, _ := b.api.OpenAPI()
	two, _ := b.api.OpenAPI()
	if !bytes.Equal(one, two) {
		t.Error("the second document differs from the first")
	}
}

func TestRequiredBodyIsDocumented(t *testing.T) {
	api := httpapi.New(httpapi.Options{Telemetry: telemetry.New(telemetry.Options{Out: &bytes.Buffer{}, Function: "test"})})
	type body struct {
		A string `json:"a"`
	}
	httpapi.Register(api, httpapi.Operation{ID: "x", Method: http.MethodPost, Path: "/x", Problems: []problem.Code{problem.NameTaken}, RequestExample: map[string]string{"a": "b"}},
		func(context.Context, *struct{ Body body }) (*struct{}, error) { return &struct{}{}, nil })
	d, _ := read(t, api)
	op := d.Paths["/x"]["post"]
	if !op.RequestBody.Required || !bytes.Contains(op.RequestBody.Content["application/json"], []byte(`"example"`)) {
		t.Errorf("request body = %+v, want required with an example", op.RequestBody)
	}
	if _, ok := op.Responses["409"].Content["application/problem+json"].Examples["name_taken"]; !ok {
		t.Error("the operation's own problem isn't documented")
	}
	if statuses := slices.Sorted(maps.Keys(op.Responses)); statuses[0] != "204" {
		t.Errorf("success = %s, want 204", statuses[0])
	}
	b := bench{api: api, logs: &bytes.Buffer{}}
	if got := b.do(t, request{method: http.MethodPost, path: "/x"}).problem(t).Code; got != problem.InvalidJSON {
		t.Errorf("missing body: %s, want invalid_json", got)
	}
}

// A problem that an operation shows is the document's example of its code, and an answer that comes in several forms has the
// schema of each.
func TestWhatAnOperationShowsIsDocumented(t *testing.T) {
	api := httpapi.New(httpapi.Options{Telemetry: telemetry.New(telemetry.Options{Out: &bytes.Buffer{}, Function: "test"})})
	failed := problem.New(problem.FunctionFailed, "It failed.")
	failed.Function = &problem.FunctionFailure{ErrorType: "OrderError"}
	type done struct {
		Version string `json:"version"`
	}
	httpapi.Register(api, httpapi.Operation{
		ID: "x", Method: http.MethodPost, Path: "/x", Problems: []problem.Code{problem.FunctionFailed, problem.NameTaken},
		Shown:    []*problem.Error{failed},
		Produces: []httpapi.Media{{Type: "application/json", Body: done{}}, {Type: "application/octet-stream"}},
	}, func(context.Context, *struct {
		RawBody []byte `contentType:"application/json"`
	},
	) (*rawOutput, error) {
		return &rawOutput{}, nil
	})
	d, _ := read(t, api)
	op := d.Paths["/x"]["post"]
	shown := op.Responses["424"].Content["application/problem+json"].Examples["function_failed"]
	if !bytes.Contains(shown, []byte(`"error_type": "OrderError"`)) || !bytes.Contains(shown, []byte(`"It failed."`)) {
		t.Errorf("function_failed is shown as %s", shown)
	}
	if shown := op.Responses["409"].Content["application/problem+json"].Examples["name_taken"]; !bytes.Contains(shown, []byte(`"code": "name_taken"`)) {
		t.Errorf("name_taken is shown as %s", shown)
	}
	if got := op.Responses["200"].Content["application/json"].Schema["$ref"]; got == nil || op.Responses["200"].Content["application/octet-stream"].Schema["format"] != "binary" {
		t.Errorf("the answer is %v", op.Responses["200"].Content)
	}
	if body := op.RequestBody.Content["application/json"]; !bytes.Contains(body, []byte(`"schema"`)) {
		t.Errorf("the body is %s", body)
	}
}
