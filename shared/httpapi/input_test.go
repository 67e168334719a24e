package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/problem"
)

func TestEveryFaultInOneAnswer(t *testing.T) {
	b := newBench(t)
	a := b.do(t, request{
		method: http.MethodPost, path: "/v1/things/a", query: "limit=0&limit=2&colour=red&filter=%zz",
		body: `{"method":"password","secret_access_key":"a b","age":200,"tags":["a",1,"c"],"nested":{"deep":"yes","more":1},"Item":1}`,
	})
	got := a.problem(t)
	want := []problem.Fault{
		{Pointer: "query.limit", Message: "expected number >= 1"},
		{Pointer: "query.limit", Message: "given more than once"},
		{Pointer: "query.colour", Message: "unknown query parameter"},
		{Pointer: "query.filter", Message: "isn't URL-encoded"},
		{Pointer: "/method", Message: `expected one of "assume_role", "access_keys"`},
		{Pointer: "/secret_access_key", Message: "expected at least 4 characters"},
		{Pointer: "/secret_access_key", Message: "expected text that matches ^[A-Za-z0-9/+=]*$"},
		{Pointer: "/age", Message: "expected at most 150"},
		{Pointer: "/tags/1", Message: "expected a string"},
		{Pointer: "/tags", Message: "expected at most 2 items"},
		{Pointer: "/nested/deep", Message: "expected true or false"},
		{Pointer: "/nested/more", Message: "unknown field"},
		{Pointer: "/Item", Message: "unknown field"},
	}
	if diff := cmp.Diff(want, got.Errors); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	if got.Code != problem.InvalidRequest || b.called != 0 {
		t.Errorf("code, calls = %s, %d, want %s, 0", got.Code, b.called, problem.InvalidRequest)
	}
}

// Without the parameters' faults, those of query and body come together too.
func TestQueryAndBodyFaultsTogether(t *testing.T) {
	b := newBench(t)
	a := b.do(t, request{method: http.MethodPost, path: "/v1/things/a", query: "x=1", body: `{"method":1}`})
	want := []problem.Fault{
		{Pointer: "query.x", Message: "unknown query parameter"},
		{Pointer: "/method", Message: "expected a string"},
	}
	if diff := cmp.Diff(want, a.problem(t).Errors); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestTrap20EveryDuplicateNameIsAFault(t *testing.T) {
	b := newBench(t)
	a := b.echo(t, `{"method":"assume_role","item":{"a":1,"a":2,"b":[{"c":1,"c":1}],"d":3},"method":"access_keys"}`)
	want := []problem.Fault{
		{Pointer: "/item/a", Message: "duplicate field"},
		{Pointer: "/item/b/0/c", Message: "duplicate field"},
		{Pointer: "/method", Message: "duplicate field"},
	}
	if diff := cmp.Diff(want, a.problem(t).Errors); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestTrap20NumbersStayExact(t *testing.T) {
	b := newBench(t)
	const item = `{"n":12345678901234567890.123456789012345678,"big":1E+125,"one":1.0}`
	a := b.echo(t, `{"method":"assume_role","item":`+item+`}`)
	if want := `{"name":"a","item":` + item + `}`; a.Body != want {
		t.Errorf("body = %s, want %s", a.Body, want)
	}
}

func TestBodiesThatAreNotJSON(t *testing.T) {
	b := newBench(t)
	for _, body := range []string{
		`{`, `{"method":}`, `{"method":"assume_role"} x`, `{"method":"assume_role"}{}`, `nul`, "\x00", `{"method":"a\ud800"}`,
		`{"method":"assume_role",}`, strings.Repeat("[", 20_000), `{"item":{"a":1,"a":2},"x":`,
	} {
		a := b.do(t, request{method: http.MethodPost, path: "/v1/things/a", body: body})
		if got := a.problem(t); got.Code != problem.InvalidJSON || got.Status != 400 {
			t.Errorf("body %.20q: %s %d, want invalid_json 400", body, got.Code, got.Status)
		}
	}
	if b.called != 0 {
		t.Error("the operation was called")
	}
}

func TestBodyOfAnotherKind(t *testing.T) {
	b := newBench(t)
	for body, want := range map[string]string{`[]`: "expected an object", `null`: "expected an object", `"x"`: "expected an object", `1`: "expected an object"} {
		if got := b.echo(t, body).problem(t); len(got.Errors) != 1 || got.Errors[0].Message != want {
			t.Errorf("body %s: faults %v, want %s", body, got.Errors, want)
		}
	}
}

func TestContentTypes(t *testing.T) {
	b := newBench(t)
	for contentType, want := range map[string]int{
		"application/json": 200, "application/json; charset=utf-8": 200, "Application/JSON;charset=UTF-8": 200, "": 200,
		"text/plain": 415, "application/x-www-form-urlencoded": 415, "application/json; charset=utf-16": 415, "a;b;c/": 415,
		"application/json, text/plain": 415,
	} {
		a := b.do(t, request{
			method: http.MethodPost, path: "/v1/things/a", body: `{"method":"assume_role"}`,
			header: map[string]string{"content-type": contentType},
		})
		if a.Status != want {
			t.Errorf("content type %q: status %d, want %d", contentType, a.Status, want)
		}
		if want == 415 && a.problem(t).Code != problem.UnsupportedMediaType {
			t.Errorf("content type %q: code %s", contentType, a.problem(t).Code)
		}
	}
}

func TestOptionalBody(t *testing.T) {
	b := newBench(t)
	if a := b.do(t, request{method: http.MethodPost, path: "/v1/things/a"}); a.Status != 200 || b.last.Body != nil {
		t.Errorf("status, body = %d, %v, want 200, none", a.Status, b.last.Body)
	}
	if a := b.echo(t, `{"method":"assume_role","nested":null,"age":null}`); a.Status != 200 || b.last.Body.Nested != nil {
		t.Errorf("null for optional fields: status %d: %s", a.Status, a.Body)
	}
}

// A mistyped provider body must not return its secret: not in the answer, not in the log (trap 20).
func TestTrap20ASecretIsNeverRepeated(t *testing.T) {
	const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" //nolint:gosec // G101: AWS's own example
	for _, body := range []string{
		`{"method":"access_keys","secret_access_key":["` + secret + `"]}`,
		`{"method":"access_keys","secret_access_key":{"v":"` + secret + `"}}`,
		`{"method":"` + secret + `"}`,
		`{"method":"access_keys","secret_access_key":"` + secret + `!` + secret + `"}`,
		`{"method":"access_keys","secret":"` + secret + `"}`,
		`{"method":"access_keys","age":"` + secret + `"}`,
		`{"method":"access_keys","secret_access_key":"` + secret,
		`{"method":"access_keys","secret_access_key":"` + secret + `"} trailing`,
		`{"method":"access_keys","secret_access_key":` + secret + `}`,
		secret, `"` + secret + `"`, `["` + secret + `"]`,
		`{"method":"access_keys","method":"` + secret + `"}`,
	} {
		b := newBench(t)
		for _, r := range []request{
			{method: http.MethodPost, path: "/v1/things/a", body: body},
			{method: http.MethodPost, path: "/v1/things/a", body: body, query: "limit=0"},
			{method: http.MethodPost, path: "/v1/things/a", body: body, header: map[string]string{"content-type": "text/plain"}},
			{method: http.MethodPost, path: "/v1/things/a", body: body, noAuthorizer: true},
			{method: http.MethodPost, path: "/v1/things/a", query: "limit=" + secret},
			{method: http.MethodPost, path: "/v1/things/a", query: "link=http://[" + secret},
			{method: http.MethodPost, path: "/v1/things/a", query: "limit=%zz" + secret},
			{method: http.MethodGet, path: "/v1/things/a", body: body},
		} {
			raw, err := b.api.Handler().Invoke(t.Context(), r.event(t))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(raw), "wJalrX") {
				t.Errorf("body %s: the answer repeats the secret: %s", body, raw)
			}
		}
		if strings.Contains(b.logs.String(), "wJalrX") {
			t.Errorf("body %s: the log repeats the secret: %s", body, b.logs)
		}
	}
}
