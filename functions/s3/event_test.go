package s3_test

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/secrettest"
)

// request is what a client sends. Its path is below /v1/s3/.
type request struct {
	method, path string
	query        []string // names and values in turn
	headers      map[string]string
	body         []byte
	user         string // ada if empty
	site         string // site if empty
}

// answer is what it gets.
type answer struct {
	Status  int               `json:"statusCode"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Base64  bool              `json:"isBase64Encoded"`
}

func (b *bench) do(t *testing.T, r request) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), cmp.Or(b.time, 29*time.Second))
	defer cancel()
	event := r.event(t)
	raw, err := b.api.Handler().Invoke(ctx, event)
	b.passed.Add(int64(len(event) + len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	secrettest.CheckAnswer(t, r.method+" "+r.path, string(raw))
	var a answer
	if err := json.Unmarshal(raw, &a); err != nil {
		t.Fatal(err)
	}
	if a.Base64 {
		decoded, err := base64.StdEncoding.DecodeString(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		a.Body = string(decoded)
	}
	return a
}

func (r request) event(tb testing.TB) []byte {
	tb.Helper()
	user := r.user
	if user == "" {
		user = "ada"
	}
	query := url.Values{}
	for i := 0; i+1 < len(r.query); i += 2 {
		query.Set(r.query[i], r.query[i+1])
	}
	of := r.site
	if of == "" {
		of = site
	}
	claims := map[string]any{"iss": "https://id.example", "sub": user, "site_id": of, "scope": "arngate/connect"}
	headers := map[string]string{"authorization": "Bearer e30." + base64.RawURLEncoding.EncodeToString(marshal(tb, claims)) + ".c2ln"}
	for name, value := range r.headers {
		headers[strings.ToLower(name)] = value
	}
	event := map[string]any{
		"version": "2.0", "rawPath": "/v1/s3/" + r.path, "rawQueryString": query.Encode(), "headers": headers,
		"requestContext": map[string]any{
			"requestId": "r-1", "http": map[string]any{"method": r.method, "sourceIp": "192.0.2.1"},
			"authorizer": map[string]any{"jwt": map[string]any{"claims": map[string]any{"iss": "https://id.example", "sub": user}}},
		},
	}
	if r.body != nil {
		event["body"], event["isBase64Encoded"] = base64.StdEncoding.EncodeToString(r.body), true
	}
	return marshal(tb, event)
}

func marshal(tb testing.TB, v any) []byte {
	tb.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func (b *bench) get(t *testing.T, path string, query ...string) answer {
	t.Helper()
	return b.do(t, request{method: http.MethodGet, path: path, query: query})
}

// post sends JSON below /v1/s3/.
func (b *bench) post(t *testing.T, path, body string) answer {
	t.Helper()
	return b.do(t, request{method: http.MethodPost, path: path, body: []byte(body)})
}

// into decodes the body of a success.
func (a answer) into(t *testing.T, out any) {
	t.Helper()
	if a.Status != http.StatusOK {
		t.Fatalf("answer %d %s", a.Status, a.Body)
	}
	if err := json.Unmarshal([]byte(a.Body), out); err != nil {
		t.Fatal(err)
	}
}

// quote is text as JSON.
func quote(t *testing.T, text string) string {
	t.Helper()
	return string(marshal(t, text))
}

const objectPath = "files/buckets/demo-files/object"

// object asks for an object of demo-files, with headers in turn.
func (b *bench) object(t *testing.T, method, key string, headers ...string) answer {
	t.Helper()
	return b.do(t, request{method: method, path: objectPath, query: []string{"key", key}, headers: pairs(headers)})
}

// put puts an object into demo-files, with headers in turn.
func (b *bench) put(t *testing.T, key, content string, headers ...string) answer {
	t.Helper()
	return b.do(t, request{
		method: http.MethodPut, path: objectPath, query: []string{"key", key}, headers: pairs(headers), body: []byte(content),
	})
}

func pairs(list []string) map[string]string {
	out := map[string]string{}
	for i := 0; i+1 < len(list); i += 2 {
		out[list[i]] = list[i+1]
	}
	return out
}

// want checks status and body.
func (a answer) want(t *testing.T, status int, body string) {
	t.Helper()
	if a.Status != status || a.Body != body {
		t.Errorf("answer %d %.1000s\n  want %d %.1000s", a.Status, a.Body, status, body)
	}
}

// wantHeader checks headers, names and values in turn; an empty value is an absent header.
func (a answer) wantHeader(t *testing.T, list ...string) {
	t.Helper()
	for name, want := range pairs(list) {
		if got := a.Headers[http.CanonicalHeaderKey(name)]; got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

// wantProblem checks a problem's code and what it points at, and returns it.
func (a answer) wantProblem(t *testing.T, code problem.Code, pointers ...string) problem.Document {
	t.Helper()
	var d problem.Document
	if err := json.Unmarshal([]byte(a.Body), &d); err != nil {
		t.Fatalf("%d %s: %v", a.Status, a.Body, err)
	}
	var got []string
	for _, f := range d.Errors {
		got = append(got, f.Pointer)
	}
	if d.Code != code || a.Status != problem.Lookup(code).Status || strings.Join(got, " ") != strings.Join(pointers, " ") {
		t.Errorf("answer %d %s; want %s at %v", a.Status, a.Body, code, pointers)
	}
	return d
}

// listing is the answer of a list.
type listing struct {
	Items      []map[string]any `json:"items"`
	Folders    []string         `json:"folders"`
	NextCursor string           `json:"next_cursor"`
}

func (a answer) listing(t *testing.T) listing {
	t.Helper()
	if a.Status != http.StatusOK {
		t.Fatalf("answer %d %s", a.Status, a.Body)
	}
	var l listing
	if err := json.Unmarshal([]byte(a.Body), &l); err != nil {
		t.Fatal(err)
	}
	return l
}

// values are one member of every item, in order.
func (l listing) values(member string) []string {
	out := []string{}
	for _, item := range l.Items {
		value, _ := item[member].(string)
		out = append(out, value)
	}
	return out
}
