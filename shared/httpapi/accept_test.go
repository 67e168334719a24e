package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/telemetry"
)

type paperInput struct {
	Name string `path:"name"`
	Fail bool   `query:"fail"`
}

type paper struct {
	Title string `json:"title"`
}

// newPapers is an API whose one operation answers in three media types, and has pages for its problems.
func newPapers(tb testing.TB) *bench {
	tb.Helper()
	b := &bench{logs: &bytes.Buffer{}}
	b.api = httpapi.New(httpapi.Options{Telemetry: telemetry.New(telemetry.Options{Out: b.logs, Function: "test"})})
	httpapi.Register(b.api, httpapi.Operation{
		ID: "paper", Method: http.MethodGet, Path: "/v1/papers/{name}", Public: true, Problems: []problem.Code{problem.LinkExpired},
		Produces: []httpapi.Media{
			{Type: "application/json", Body: paper{}, Example: paper{Title: "A"}}, {Type: "text/html"}, {Type: "application/sarif+json", Body: map[string]any{}},
		},
		Page: func(d problem.Document) ([]byte, string) {
			return []byte("<h1>" + d.Title + "</h1>"), "default-src 'none'"
		},
	}, func(ctx context.Context, in *paperInput) (*rawOutput, error) {
		if in.Fail {
			return nil, problem.New(problem.LinkExpired, "It is over.")
		}
		body, err := httpapi.Encode(paper{Title: httpapi.URL(ctx, "/v1/papers/"+in.Name)})
		return &rawOutput{httpapi.Accepted(ctx), body}, err
	})
	return b
}

func (b *bench) accept(tb testing.TB, accept, query string) answer {
	tb.Helper()
	r := request{method: http.MethodGet, path: "/v1/papers/a", query: query, noAuthorizer: true}
	if accept != "-" {
		r.header = map[string]string{"accept": accept}
	}
	return b.do(tb, r)
}

func TestAccept(t *testing.T) {
	const (
		asJSON, html, sarif = "application/json", "text/html", "application/sarif+json"
		browser             = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
	)
	for accept, want := range map[string]string{
		"-": asJSON, "": asJSON, "*/*": asJSON, "application/*": asJSON, "text/*": html, browser: html,
		"application/sarif+json": sarif, "APPLICATION/SARIF+JSON": sarif, "text/html": html,
		"text/html;q=0.5, application/json;q=0.4": html,
		"text/html;q=0.5, application/json":       asJSON,
		"text/html, application/json":             asJSON,
		"application/json;q=0, */*":               html,
		"*/*;q=0.1, application/sarif+json;q=0.2": sarif,
		"application/*;q=0.2, text/*;q=0.3":       html,
		"application/json; charset=utf-8":         asJSON,
		"text/html;q=1.5":                         asJSON, // nothing in it can be read
		"rubbish":                                 asJSON,
		"*/json, text/html":                       html,
		"text/html;q=0.001, image/png":            html,
	} {
		a := newPapers(t).accept(t, accept, "")
		if a.Status != http.StatusOK || a.Headers["Content-Type"] != want {
			t.Errorf("%q: got %d %s, want %s", accept, a.Status, a.Headers["Content-Type"], want)
		}
		if a.Headers["Vary"] != "Accept" || a.Headers["Cache-Control"] != "no-store" || a.Headers["X-Content-Type-Options"] != "nosniff" {
			t.Errorf("%q: headers %v", accept, a.Headers)
		}
	}
	for _, accept := range []string{"image/png", "text/plain", "*/*;q=0", "text/html;q=0", "application/xml, text/html;q=0"} {
		a := newPapers(t).accept(t, accept, "")
		if a.Status != http.StatusNotAcceptable {
			t.Errorf("%q: got %d %s", accept, a.Status, a.Body)
		}
		d := a.problem(t)
		if d.Code != problem.NotAcceptable || !strings.Contains(d.Hint, "application/sarif+json") {
			t.Errorf("%q: %+v", accept, d)
		}
	}
}

// A problem is a page only for whoever would rather have one; its status and its line in the log stay the same.
func TestProblemPages(t *testing.T) {
	for accept, page := range map[string]bool{
		"-": false, "*/*": false, "application/problem+json, text/html": false, "application/json, text/html;q=0.9": true,
		"text/html": true, "text/html,application/xml;q=0.9,*/*;q=0.8": true, "text/html;q=0.1,*/*;q=0.2": false,
	} {
		b := newPapers(t)
		a := b.accept(t, accept, "fail=true")
		if a.Status != http.StatusGone || b.requestLine(t)["outcome"] != "link_expired" {
			t.Errorf("%q: got %d, logged %v", accept, a.Status, b.requestLine(t)["outcome"])
		}
		if !page {
			if d := a.problem(t); d.Code != problem.LinkExpired {
				t.Errorf("%q: %+v", accept, d)
			}
			continue
		}
		want := map[string]string{
			"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": "default-src 'none'", "Referrer-Policy": "no-referrer",
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Accept", "Arngate-Request-Id": "r-1",
		}
		if diff := cmp.Diff(want, a.Headers); diff != "" || a.Body != "<h1>Link expired</h1>" {
			t.Errorf("%q: %s\nheaders (-want +got):\n%s", accept, a.Body, diff)
		}
	}
	a := newPapers(t).accept(t, "text/html", "fial=true") // faults of parameters have pages too
	if a.Status != http.StatusUnprocessableEntity || a.Body != "<h1>Invalid request</h1>" {
		t.Errorf("got %d %s", a.Status, a.Body)
	}
}

func TestURLIsTheGatewaysDomain(t *testing.T) {
	for domain, want := range map[string]string{
		"api.example": "https://api.example/v1/papers/a", "127.0.0.1:4000": "http://127.0.0.1:4000/v1/papers/a",
		"localhost:8080": "http://localhost:8080/v1/papers/a", "[::1]:9": "http://[::1]:9/v1/papers/a", "": "/v1/papers/a",
		"localhost.evil.example": "https://localhost.evil.example/v1/papers/a",
	} {
		b := newPapers(t)
		var event map[string]any
		sent := request{method: http.MethodGet, path: "/v1/papers/a", noAuthorizer: true, header: map[string]string{"host": "evil.example", "x-forwarded-proto": "gopher"}}
		if err := json.Unmarshal(sent.event(t), &event); err != nil {
			t.Fatal(err)
		}
		event["requestContext"].(map[string]any)["domainName"] = domain
		var got paper
		if err := json.Unmarshal([]byte(b.invoke(t, marshal(t, event)).Body), &got); err != nil || got.Title != want {
			t.Errorf("%q: got %q, %v, want %q", domain, got.Title, err, want)
		}
	}
}

func TestProducesIsDocumented(t *testing.T) {
	d, _ := read(t, newPapers(t).api)
	op := d.Paths["/v1/papers/{name}"]["get"]
	content := op.Responses["200"].Content
	if len(content) != 3 || content["application/json"].Schema["$ref"] == nil || content["text/html"].Schema["type"] != "string" {
		t.Errorf("200 = %+v", content)
	}
	if _, ok := op.Responses["406"].Content["application/problem+json"].Examples["not_acceptable"]; !ok {
		t.Errorf("406 = %+v", op.Responses["406"])
	}
	if _, ok := op.Responses["410"].Content["text/html"]; !ok {
		t.Errorf("410 = %+v", op.Responses["410"])
	}
}

func TestProducesNeedsBytes(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an operation of several media types took a body that isn't bytes")
		}
	}()
	api := httpapi.New(httpapi.Options{Telemetry: telemetry.New(telemetry.Options{Out: &bytes.Buffer{}, Function: "test"})})
	httpapi.Register(api, httpapi.Operation{ID: "x", Method: http.MethodGet, Path: "/x", Produces: []httpapi.Media{{Type: "text/html"}}},
		func(context.Context, *nothing) (*echoOutput, error) { return &echoOutput{}, nil })
}
