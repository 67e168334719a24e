package httpapi_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
)

func faults(err error) []problem.Fault {
	if p, ok := errors.AsType[*problem.Error](err); ok {
		return p.Faults
	}
	return nil
}

func TestDecode(t *testing.T) {
	type inner struct {
		When time.Time `json:"when,omitzero"`
		Blob []byte    `json:"blob,omitempty"`
	}
	type value struct {
		ID    string                    `json:"id"`
		Count int8                      `json:"count,omitzero"`
		List  []inner                   `json:"list,omitempty"`
		Map   map[string]jsontext.Value `json:"map,omitempty"`
		Any   any                       `json:"any,omitzero"`
		Self  *value                    `json:"self,omitempty"`
	}
	var v value
	err := httpapi.Decode([]byte(`{"id":"a","list":[{"when":"2026-01-02T03:04:05Z","blob":"AQI="}],"map":{"x~/y":0.1e1},"self":{"id":"b"}}`), &v)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(v.Map["x~/y"]), "0.1e1"; got != want || v.Self.ID != "b" || len(v.List[0].Blob) != 2 {
		t.Errorf("decoded %+v", v)
	}
	for _, test := range []struct {
		raw  string
		want []problem.Fault
	}{
		{`{"count":300}`, []problem.Fault{{Pointer: "/id", Message: "required field is missing"}}},
		{`{"id":"a","count":300}`, []problem.Fault{{Pointer: "/count", Message: "has a value that doesn't fit"}}},
		{`{"id":"a","count":1.5}`, []problem.Fault{{Pointer: "/count", Message: "expected an integer"}}},
		{`{"id":"a","list":[{"when":"today"},{"blob":"%"}]}`, []problem.Fault{
			{Pointer: "/list/0/when", Message: "expected a time as in RFC 3339"}, {Pointer: "/list/1/blob", Message: "expected base64"},
		}},
		{`{"id":"a","a.b/c~d":1,"ID":2}`, []problem.Fault{
			{Pointer: "/a.b~1c~0d", Message: "unknown field"}, {Pointer: "/ID", Message: "unknown field"},
		}},
		{`{"id":"a","self":{"self":{"x":1}}}`, []problem.Fault{
			{Pointer: "/self/self/x", Message: "unknown field"},
			{Pointer: "/self/self/id", Message: "required field is missing"},
			{Pointer: "/self/id", Message: "required field is missing"},
		}},
		{`{"id":"a","any":{"x":1,"x":{"y":1,"y":2}}}`, []problem.Fault{
			{Pointer: "/any/x", Message: "duplicate field"}, {Pointer: "/any/x/y", Message: "duplicate field"},
		}},
	} {
		var v value
		if diff := cmp.Diff(test.want, faults(httpapi.Decode([]byte(test.raw), &v))); diff != "" {
			t.Errorf("Decode(%s) (-want +got):\n%s", test.raw, diff)
		}
	}
}

func TestDecodeBoundsItsFaults(t *testing.T) {
	var v struct{}
	raw := "{"
	for i := range 5000 {
		if i > 0 {
			raw += ","
		}
		raw += `"f` + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/100) + jsonNumber(i) + `":1`
	}
	if got := len(faults(httpapi.Decode([]byte(raw+"}"), &v))); got != 100 {
		t.Errorf("%d faults, want 100", got)
	}
}

// A client's names are repeated in pointers, but not at any length.
func TestPointersAreBounded(t *testing.T) {
	long := strings.Repeat("ä", 100_000)
	var v struct{}
	for name, raw := range map[string]string{
		"unknown": `{"` + long + `":1}`, "twice": `{"` + long + `":1,"` + long + `":2}`, "not JSON": `{"` + long + `":[}`,
	} {
		got := faults(httpapi.Decode([]byte(raw), &v))
		if len(got) == 0 || len(got[0].Pointer) > 1100 || !strings.HasSuffix(got[0].Pointer, "ä…") {
			t.Errorf("%s: %d faults, the first pointer %.40q", name, len(got), got)
		}
	}
}

func jsonNumber(i int) string {
	b, _ := json.Marshal(i)
	return string(b)
}

// shade is a function's own type: what it expects becomes the fault's message.
type shade string

func (s *shade) UnmarshalText(text []byte) error {
	if string(text) != "red" {
		return httpapi.ExpectedError("expected a shade that we have")
	}
	*s = shade(text)
	return nil
}

func TestExpectedError(t *testing.T) {
	d := httpapi.NewDecoder[struct {
		Shade shade `json:"shade"`
	}]()
	var v struct {
		Shade shade `json:"shade"`
	}
	want := []problem.Fault{{Pointer: "/shade", Message: "expected a shade that we have"}}
	if diff := cmp.Diff(want, faults(d.Decode([]byte(`{"shade":"secret blue"}`), &v))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := d.Decode([]byte(`{"shade":"red"}`), &v); err != nil {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	d := httpapi.NewDecoder[echoBody]()
	f.Add([]byte(`{"method":"assume_role","item":{"a":[1,{"b":null}]},"tags":["x"],"nested":{"deep":true}}`))
	f.Add([]byte(`{"method":"assume_role","method":1,"x":{"a":1,"a":[{"c":1,"c":2}]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var v echoBody
		err := d.Decode(raw, &v)
		if err == nil {
			if !json.Valid(raw) {
				t.Fatal("took what isn't JSON")
			}
			if v.Method != "assume_role" && v.Method != "access_keys" {
				t.Fatalf("took method %q", v.Method)
			}
			return
		}
		p, ok := errors.AsType[*problem.Error](err)
		if !ok {
			t.Fatalf("error %T isn't a problem", err)
		}
		if p.Code == problem.InvalidRequest && len(p.Faults) == 0 {
			t.Fatal("an invalid request without a fault")
		}
	})
}
