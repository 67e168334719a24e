package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
)

// A list that is marked so may be given several times, anything else once.
func TestRepeatedQueryParameter(t *testing.T) {
	b := newBench(t)
	type input struct {
		Site []string `query:"site,explode" maxItems:"3"`
		One  []string `query:"one"`
	}
	var got input
	httpapi.Register(b.api, httpapi.Operation{ID: "sites", Method: http.MethodGet, Path: "/v1/sites"},
		func(_ context.Context, in *input) (*nothing, error) {
			got = *in
			return &nothing{}, nil
		})
	get := func(query string) answer {
		return b.do(t, request{method: http.MethodGet, path: "/v1/sites", routeKey: "GET /v1/sites", query: query})
	}
	if a := get("site=a&site=b,c&one=d"); a.Status != http.StatusNoContent {
		t.Fatalf("got %d %s", a.Status, a.Body)
	}
	if diff := cmp.Diff(input{Site: []string{"a", "b,c"}, One: []string{"d"}}, got); diff != "" {
		t.Errorf("input (-want +got):\n%s", diff)
	}
	want := []problem.Fault{{Pointer: "query.one", Message: "given more than once"}}
	if diff := cmp.Diff(want, get("one=d&one=e").problem(t).Errors); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

// entry is a name alone or an object.
type entry struct {
	Name string `json:"name"`
	Size int    `json:"size,omitzero" maximum:"9"`
}

func (*entry) Schema(r huma.Registry) *huma.Schema {
	type object entry
	return &huma.Schema{OneOf: []*huma.Schema{
		{Type: huma.TypeString, Enum: []any{"*"}},
		huma.SchemaFromType(r, reflect.TypeFor[object]()),
	}}
}

func (e *entry) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		return json.UnmarshalDecode(d, &e.Name)
	}
	type object entry
	return json.UnmarshalDecode(d, (*object)(e))
}

// Alternatives of different JSON types are told apart by the value's own, and each is checked whole.
func TestAlternatives(t *testing.T) {
	var got []entry
	if err := httpapi.Decode([]byte(`["*",{"name":"a","size":1}]`), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]entry{{Name: "*"}, {Name: "a", Size: 1}}, got); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
	want := []problem.Fault{
		{Pointer: "/0", Message: `expected one of "*"`},
		{Pointer: "/1", Message: "expected an object"},
		{Pointer: "/2/size", Message: "expected at most 9"},
		{Pointer: "/2/more", Message: "unknown field"},
		{Pointer: "/2/name", Message: "required field is missing"},
	}
	if diff := cmp.Diff(want, faultsOf(t, httpapi.Decode([]byte(`["a",1,{"size":10,"more":1}]`), &got))); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func faultsOf(t *testing.T, err error) []problem.Fault {
	t.Helper()
	p, ok := errors.AsType[*problem.Error](err)
	if !ok {
		t.Fatalf("got %v, want a problem", err)
	}
	return p.Faults
}
