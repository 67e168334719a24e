package docs_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/functions/local/docs"
)

const host = "127.0.0.1:8080"

// render makes the page of a document.
func render(t *testing.T, document []byte) *docs.Docs {
	t.Helper()
	d, err := docs.New(docs.Options{
		Host: "127.0.0.1:8080", AWS: "127.0.0.1:4566", Document: document,
		Identities: []docs.Identity{{Name: "a builder", Variable: "ARNGATE_TOKEN", Token: "demo-token", Scopes: []string{"arngate/connect"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// page is what a browser gets at a path of the address host; next answers 404.
func page(t *testing.T, d *docs.Docs, method, host, path string) *httptest.ResponseRecorder {
	t.Helper()
	recorder := httptest.NewRecorder()
	d.Before(http.NotFoundHandler()).ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), method, "http://"+host+path, http.NoBody))
	return recorder
}

func openAPI(t *testing.T) []byte {
	t.Helper()
	document, err := deployment.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// Every operation, parameter, status and problem of the document is on the page, and a token.
func TestPageShowsTheWholeDocument(t *testing.T) {
	raw := openAPI(t)
	shown := page(t, render(t, raw), http.MethodGet, host, docs.Path).Body.String()
	var document struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Summary     string `json:"summary"`
			Parameters  []struct {
				Name string `json:"name"`
				In   string `json:"in"`
			} `json:"parameters"`
			Responses map[string]struct {
				Content map[string]struct {
					Examples map[string]json.RawMessage `json:"examples"`
				} `json:"content"`
			} `json:"responses"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	for path, operations := range document.Paths {
		for method, op := range operations {
			start := strings.Index(shown, `id="`+op.OperationID+`"`)
			if start < 0 {
				t.Errorf("%s %s is missing", method, path)
				continue
			}
			part, _, _ := strings.Cut(shown[start:], "\n</details>\n")
			wanted := []string{`data-method="` + strings.ToUpper(method) + `"`, `data-path="` + path + `"`}
			for _, p := range op.Parameters {
				id := op.OperationID + "-" + p.In + "-" + strings.ToLower(p.Name)
				wanted = append(wanted, `<label for="`+id+`">`, `id="`+id+`" name="`+p.Name+`" data-in="`+p.In+`"`)
			}
			for status, response := range op.Responses {
				codes := response.Content["application/problem+json"].Examples
				if codes == nil {
					wanted = append(wanted, `<span class="status">`+status+`</span>`)
				}
				for code := range codes {
					wanted = append(wanted, "<td>"+status+"</td><td><code>"+code+"</code></td>")
				}
			}
			for _, want := range wanted {
				if !strings.Contains(part, want) {
					t.Errorf("%s: no %s", op.OperationID, want)
				}
			}
		}
	}
	if !strings.Contains(shown, `data-token="demo-token"`) {
		t.Error("the token isn't filled in")
	}
	if regexp.MustCompile(`\bZgotmplZ\b|&lt;nil&gt;|%!`).MatchString(shown) {
		t.Error("something was rendered wrongly")
	}
}

// Identifiers are unique, and every label names an input: a screen reader goes by them.
func TestPageIsLabelled(t *testing.T) {
	shown := page(t, render(t, openAPI(t)), http.MethodGet, host, docs.Path).Body.String()
	var ids []string
	for _, found := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(shown, -1) {
		if slices.Contains(ids, found[1]) {
			t.Errorf("two elements are %s", found[1])
		}
		ids = append(ids, found[1])
	}
	for _, found := range regexp.MustCompile(` (?:for|aria-describedby|aria-labelledby|href)="#?([^"/:]*)"`).FindAllStringSubmatch(shown, -1) {
		if !slices.Contains(ids, found[1]) {
			t.Errorf("nothing is called %q", found[1])
		}
	}
	labels := regexp.MustCompile(`<label for="([^"]*)"`).FindAllStringSubmatch(shown, -1)
	inputs := regexp.MustCompile(`<(?:input|select|textarea) id="([^"]*)"`).FindAllStringSubmatch(shown, -1)
	if len(labels) != len(inputs) || len(inputs) != len(regexp.MustCompile(`<(?:input|select|textarea)\b`).FindAllString(shown, -1)) {
		t.Errorf("%d inputs and %d labels", len(inputs), len(labels))
	}
}

// Nothing comes from another host, and the browser is told so.
func TestPageNeedsNoOtherHost(t *testing.T) {
	rendered := render(t, openAPI(t))
	for _, path := range []string{docs.Path, docs.Path + "/page.css", docs.Path + "/page.js"} {
		answer := page(t, rendered, http.MethodGet, host, path)
		if answer.Code != http.StatusOK {
			t.Fatalf("%s: %d", path, answer.Code)
		}
		policy := answer.Header().Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
			t.Errorf("%s: policy %s", path, policy)
		}
		if got := answer.Header().Get("Cache-Control"); got != "no-store" { // there are tokens in it
			t.Errorf("%s: Cache-Control %q", path, got)
		}
		shown := answer.Body.String()
		for _, outside := range []string{`src="http`, `src="//`, `href="http`, `href="//`, "@import", "url(", "<style", " style=", " onclick=", "innerHTML", "eval("} {
			if strings.Contains(shown, outside) {
				t.Errorf("%s has %s", path, outside)
			}
		}
	}
}

// Whatever has no address of the page's own goes to the API, a request under another name of this machine too: a page that has its
// name resolve to loopback must not read the tokens.
func TestPageIsServedAtItsAddressOnly(t *testing.T) {
	rendered := render(t, openAPI(t))
	for _, c := range []struct{ method, host, path string }{
		{http.MethodGet, "evil.example:8080", docs.Path},
		{http.MethodGet, "localhost:8080", docs.Path},
		{http.MethodPost, host, docs.Path},
		{http.MethodGet, host, docs.Path + "/"},
		{http.MethodGet, host, docs.Path + "/other.js"},
		{http.MethodGet, host, "/v1/health"},
	} {
		answer := page(t, rendered, c.method, c.host, c.path)
		if answer.Code != http.StatusNotFound {
			t.Errorf("%v: %d", c, answer.Code)
		}
	}
}

// Texts of the document stay texts.
func TestTextsStayTexts(t *testing.T) {
	const hostile = `<script>alert(1)</script>`
	document := `{"info": {"title": "Arngate"}, "paths": {"/x": {"get": {"operationId": "x", "tags": ["t"], "summary": "` + hostile + `",
		"description": "` + hostile + " `" + hostile + "`" + `", "parameters": [{"name": "p", "in": "query", "schema": {"examples": ["\"` + hostile + `"], "type": "string"}}],
		"responses": {"200": {"description": "OK", "content": {"application/json": {"example": "` + hostile + `"}}}}}}}}`
	if shown := page(t, render(t, []byte(document)), http.MethodGet, host, docs.Path).Body.String(); strings.Contains(shown, hostile) {
		t.Error("a text became an element")
	}
}

// A schema that contains itself comes to an end.
func TestSchemaThatContainsItself(t *testing.T) {
	document := `{"info": {"title": "Arngate"}, "components": {"schemas": {"Tree": {"type": "object", "properties": {
		"all": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}}}}},
		"paths": {"/x": {"post": {"operationId": "x", "tags": ["t"], "responses": {},
		"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Tree"}, "example": {"op": "\u003e"}}}}}}}}`
	shown := page(t, render(t, []byte(document)), http.MethodGet, host, docs.Path).Body.String()
	if !strings.Contains(shown, `<code>all</code>`) || strings.Count(shown, `<code>all</code>`) != 1 {
		t.Errorf("%d times", strings.Count(shown, `<code>all</code>`))
	}
	if !strings.Contains(shown, `&#34;op&#34;: &#34;&gt;&#34;`) {
		t.Error("an example isn't shown as it reads")
	}
}
