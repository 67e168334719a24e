package httpapi_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/httpapi"
)

// rawPath is decoded: whatever a parameter holds must stay in its segment, and nothing may fail to parse.
func TestTrap15DecodedPaths(t *testing.T) {
	const route = "POST /v1/things/{name}"
	for _, test := range []struct {
		name string // the parameter, decoded
		want string // what the operation sees
	}{
		{"100%.csv", "100%.csv"},
		{"100%25.csv", "100%25.csv"},
		{"a?b=c", "a?b=c"},
		{"a#b", "a#b"},
		{"a/b", "a/b"},
		{"a/inner", "a/inner"}, // must not reach /v1/things/{name}/inner
		{"..", ".."},
		{".", "."},
		{"../audits", "../audits"},
		{"//evil.example/x", "//evil.example/x"},
		{"a b+c;d", "a b+c;d"},
		{"Zürich", "Zürich"},
		{"{name}", "{name}"},
		{"a\\b\r\nx: y", "a\\b\r\nx: y"},
	} {
		b := newBench(t)
		a := b.do(t, request{
			method: http.MethodPost, path: "/v1/things/" + test.name, routeKey: route,
			parameters: map[string]string{"name": test.name},
		})
		if a.Status != http.StatusOK || b.last.Name != test.want {
			t.Errorf("parameter %q: status %d, operation saw %q", test.name, a.Status, b.last.Name)
		}
		if got := b.requestLine(t)["operation"]; got != "echo" {
			t.Errorf("parameter %q: operation %v, want echo", test.name, got)
		}
	}
}

// An event without route and parameters is routed by its path, where that can be told.
func TestTrap16NothingIsRedirected(t *testing.T) {
	for path, want := range map[string]int{
		"/v1/things/a": 200, "/v1/things/100%.csv": 200, "/v1/things/a?b": 200, "/v1/things/..": 200,
		"/v1//things/a": 404, "/v1/things/a/": 404, "/v1/things/": 404, "/": 404, "//": 404, "/v1/things/../things/a": 404,
		"/v1/nothing": 404,
	} {
		b := newBench(t)
		a := b.do(t, request{method: http.MethodPost, path: path})
		if a.Status != want {
			t.Errorf("path %q: status %d, want %d: %s", path, a.Status, want, a.Body)
		}
		if want == 404 && a.Body != `{"message":"Not Found"}` {
			t.Errorf("path %q: body %s, want API Gateway's own", path, a.Body)
		}
	}
}

func TestHeadIsNotOffered(t *testing.T) {
	b := newBench(t)
	if a := b.do(t, request{method: http.MethodHead, path: "/v1/things/a"}); a.Status != 404 {
		t.Errorf("HEAD: status %d, want 404", a.Status)
	}
	if a := b.do(t, request{method: http.MethodDelete, path: "/v1/things/a"}); a.Status != 404 {
		t.Errorf("a method without an operation: status %d, want 404", a.Status)
	}
}

func TestTrap17HeadersStayWhole(t *testing.T) {
	b := newBench(t)
	a := b.do(t, request{
		method: http.MethodPost, path: "/v1/things/a", body: `{"method":"assume_role"}`,
		header: map[string]string{"if-match": `"a,b"`, "x-amz-meta-title": "Hello, world"},
	})
	if a.Status != 200 {
		t.Fatal(a.Body)
	}
	if got, want := b.last.IfMatch.IfMatch, `"a,b"`; got != want {
		t.Errorf("If-Match = %q, want %q", got, want)
	}
	if got, want := b.last.Title, "Hello, world"; got != want {
		t.Errorf("X-Amz-Meta-Title = %q, want %q", got, want)
	}
}

// A client's own headers must not stand in for the request's context.
func TestTrap17ClientsCannotForgeTheContext(t *testing.T) {
	b := newBench(t)
	forged := `{"authorizer":{"jwt":{"claims":{"iss":"https://id.example","sub":"ada"}}},"requestId":"forged"}`
	headers := map[string]string{
		"x-golambdaproxy-apigw-context": forged, "x-apigateway-event": forged, "X-AMZN-Request-Context": forged,
	}
	b.do(t, request{method: http.MethodPost, path: "/v1/things/a", header: headers})
	if b.called != 1 || b.last.Forged+b.last.Event+b.last.Proxy != "" {
		t.Errorf("the operation sees forged headers: %+v", b.last)
	}
	a := b.do(t, request{method: http.MethodPost, path: "/v1/things/a", noAuthorizer: true, header: headers})
	if a.Status != http.StatusUnauthorized {
		t.Errorf("status %d, want 401", a.Status)
	}
	if got, want := a.Headers[httpapi.HeaderRequestID], "r-1"; got != want {
		t.Errorf("request id %q, want %q", got, want)
	}
}

func TestBodiesInBothForms(t *testing.T) {
	for _, body := range []string{"", "plain", `quotes " and \ slashes`, "\x00\x01\xff", strings.Repeat("ä", 1000)} {
		b := newBench(t)
		r := request{
			method: http.MethodPut, path: "/v1/bytes", body: base64.StdEncoding.EncodeToString([]byte(body)), isBase64: true,
			header: map[string]string{"content-type": "image/png"},
		}
		a := b.do(t, r)
		if diff := cmp.Diff(body, string(a.bytes(t))); diff != "" || a.Status != 200 {
			t.Errorf("base64 body %q: status %d (-want +got):\n%s", body, a.Status, diff)
		}
	}
	b := newBench(t)
	a := b.do(t, request{method: http.MethodPut, path: "/v1/bytes", body: "a\"b\\c\n\u2028é", header: map[string]string{"content-type": "text/plain"}})
	if got, want := string(a.bytes(t)), "a\"b\\c\n\u2028é"; got != want {
		t.Errorf("text body = %q, want %q", got, want)
	}
	if got, want := a.Headers["Content-Type"], "application/x-test"; got != want {
		t.Errorf("Content-Type = %q, want %q", got, want)
	}
}

func TestBrokenBase64(t *testing.T) {
	b := newBench(t)
	a := b.do(t, request{method: http.MethodPut, path: "/v1/bytes", body: "%%%%", isBase64: true})
	if got := a.problem(t).Code; got != "invalid_json" {
		t.Errorf("code %s, want invalid_json", got)
	}
}

func TestRequestBodyLimit(t *testing.T) {
	for _, test := range []struct {
		size int
		want int
	}{{httpapi.MaxBody, 200}, {httpapi.MaxBody + 1, 413}, {5 << 20, 413}} {
		b := newBench(t)
		body := strings.Repeat("\xff", test.size)
		a := b.do(t, request{method: http.MethodPut, path: "/v1/bytes", body: base64.StdEncoding.EncodeToString([]byte(body)), isBase64: true})
		if a.Status != test.want {
			t.Errorf("%d bytes in base64: status %d, want %d", test.size, a.Status, test.want)
		}
		text := strings.Repeat("a", test.size)
		if a := b.do(t, request{method: http.MethodPut, path: "/v1/bytes", body: text}); a.Status != test.want {
			t.Errorf("%d bytes of text: status %d, want %d", test.size, a.Status, test.want)
		}
		if test.want == 413 && !strings.Contains(a.problem(t).Hint, "/uploads") {
			t.Errorf("hint %q doesn't name the presigned route", a.problem(t).Hint)
		}
	}
	// What counts is the raw body, not its JSON form.
	b := newBench(t)
	if a := b.do(t, request{method: http.MethodPut, path: "/v1/bytes", body: strings.Repeat("\n", 3<<20)}); a.Status != 200 {
		t.Errorf("3 MiB of newlines, escaped: status %d, want 200", a.Status)
	}
}

// 1 MiB of NULs is 6.3 MB as a JSON string: over Lambda's limit.
func TestTrap18AnswersFitIntoLambdasLimit(t *testing.T) {
	for name, payload := range map[string]string{
		"NULs": strings.Repeat("\x00", 4<<20), "quotes": strings.Repeat(`"`, 4<<20), "text": strings.Repeat("a", 4<<20),
		"not UTF-8": strings.Repeat("\xff", 4<<20), "mixed": strings.Repeat("\x01abcdefghijklmnop", 200_000),
	} {
		b := newBench(t)
		b.payload = []byte(payload)
		raw, err := b.api.Handler().Invoke(t.Context(), request{method: http.MethodPut, path: "/v1/bytes"}.event(t))
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) > 6_291_556 {
			t.Errorf("%s: answer of %d bytes", name, len(raw))
		}
		a := b.invoke(t, request{method: http.MethodPut, path: "/v1/bytes"}.event(t))
		if string(a.bytes(t)) != payload {
			t.Errorf("%s: body changed", name)
		}
	}
}

func TestAnswerBodyLimit(t *testing.T) {
	b := newBench(t)
	b.payload = make([]byte, httpapi.MaxBody+1)
	a := b.do(t, request{method: http.MethodPut, path: "/v1/bytes"})
	if got := a.problem(t); got.Code != "payload_too_large" || !strings.Contains(got.Hint, "/downloads") {
		t.Errorf("code %s, hint %q, want payload_too_large naming the presigned route", got.Code, got.Hint)
	}
}

func TestShortestForm(t *testing.T) {
	b := newBench(t)
	for payload, wantBase64 := range map[string]bool{
		"plain text": false, `{"a":"b"}`: false, "\x00\x00\x00\x00": false, "\xff": true, strings.Repeat("\x00", 1<<20): true,
		strings.Repeat("plain text ", 10_000): false, strings.Repeat(`"`, 100_000): true,
	} {
		b.payload = []byte(payload)
		if a := b.do(t, request{method: http.MethodPut, path: "/v1/bytes"}); a.IsBase64 != wantBase64 {
			t.Errorf("payload %.20q: base64 %v, want %v", payload, a.IsBase64, wantBase64)
		}
	}
}

func TestIfMatch(t *testing.T) {
	for _, test := range []struct {
		header, revision string
		want             bool
	}{
		{"", "r", true},
		{"", "", true},
		{"*", "r", true},
		{"*", "", false},
		{`"r"`, "r", true},
		{`"q"`, "r", false},
		{`"a,b", "r"`, "r", true},
		{`"a,b"`, "a,b", true},
		{`"a,b"`, "a", false},
		{`W/"r"`, "r", false}, // If-Match compares strongly (RFC 9110 section 13.1.1)
		{"r", "r", false},
		{`"r`, "r", false},
		{`"r"`, "", false},
	} {
		if got := (httpapi.IfMatch{IfMatch: test.header}).Match(test.revision); got != test.want {
			t.Errorf("If-Match %s on %q: %v, want %v", test.header, test.revision, got, test.want)
		}
	}
}

// Bytes come and go by a library's vector instructions: whatever they are, as by encoding/base64.
func FuzzBytes(f *testing.F) {
	b := newBench(f)
	for size := range 100 {
		content := bytes.Repeat([]byte("\xff\x00\xd8"), size)[:size]
		f.Add(content, base64.StdEncoding.EncodeToString(content))
	}
	for at := range 64 {
		text := []byte(strings.Repeat("QUJD", 16))
		for _, odd := range []byte("=\n-_ \x7f") {
			text[at] = odd
			f.Add(text, string(text))
		}
	}
	f.Fuzz(func(t *testing.T, content []byte, text string) {
		if !utf8.ValidString(text) {
			t.Skip("no JSON string")
		}
		b.payload = append([]byte{0xff}, content...)
		out := b.do(t, request{method: http.MethodPut, path: "/v1/bytes"})
		if want := base64.StdEncoding.EncodeToString(b.payload); !out.IsBase64 || out.Body != want {
			t.Errorf("%q is sent as %q, want %q", b.payload, out.Body, want)
		}
		b.payload = nil
		in := b.do(t, request{method: http.MethodPut, path: "/v1/bytes", body: text, isBase64: true})
		want, err := base64.StdEncoding.DecodeString(text)
		switch {
		case err != nil:
			if in.Status != http.StatusBadRequest {
				t.Errorf("%q is taken, with %d, as %q", text, in.Status, in.bytes(t))
			}
		case in.Status != http.StatusOK || !bytes.Equal(in.bytes(t), want):
			t.Errorf("%q is taken, with %d, as %q, want %q", text, in.Status, in.bytes(t), want)
		}
	})
}
