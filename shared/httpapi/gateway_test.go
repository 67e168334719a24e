package httpapi_test

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/arngate/arngate/shared/localgateway"
)

const gatewayHost = "127.0.0.1:8080"

// behind puts the bench behind an HTTP API and returns how to send to it, with a token of ada.
func behind(t *testing.T, b *bench) func(method, target, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	issuer, err := localgateway.NewIssuer("http://"+gatewayHost+"/issuer", "arngate")
	if err != nil {
		t.Fatal(err)
	}
	gateway, err := localgateway.New(localgateway.Options{
		Hosts: []string{gatewayHost},
		Routes: []localgateway.Route{
			{Method: "POST", Path: "/v1/things/{name}", Function: "test"},
			{Method: "POST", Path: "/v1/things/{name}/inner", Function: "test"},
			{Method: "PUT", Path: "/v1/bytes", Function: "test"},
			{Method: "GET", Path: "/v1/health", Function: "test", Public: true},
			{Method: "GET", Path: "/v1/fail", Function: "test"},
		},
		Functions: map[string]lambda.Handler{"test": b.api.Handler()}, Authorizer: issuer.Authorizer(),
	})
	if err != nil {
		t.Fatal(err)
	}
	token, err := issuer.Token(map[string]any{
		"sub": "ada", "site_id": site, "scope": "arngate/connect", "groups": []string{"x admin"},
	}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return func(method, target, body string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, "http://"+gatewayHost+target, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		for pair := range slices.Chunk(header, 2) {
			r.Header.Set(pair[0], pair[1])
		}
		w := httptest.NewRecorder()
		gateway.ServeHTTP(w, r)
		return w
	}
}

func TestBehindTheGateway(t *testing.T) {
	b := newBench(t)
	send := behind(t, b)
	// Trap 15: what the client encodes in a parameter arrives in the parameter.
	for sent, want := range map[string]string{
		"100%25.csv": "100%.csv", "a%2Finner": "a/inner", "a%3Fb": "a?b", "%2E%2E": "..", "%2F%2Fevil": "//evil", "z%C3%BC": "zü",
	} {
		response := send("POST", "/v1/things/"+sent, "")
		if response.Code != 200 || b.last.Name != want {
			t.Errorf("%s: %d, operation saw %q, want %q", sent, response.Code, b.last.Name, want)
		}
	}
	if got, want := strings.Join(b.caller.Groups, "|"), "x admin"; got != want {
		t.Errorf("groups = %q, want %q", got, want)
	}
	// Trap 17: commas stay in their header.
	send("POST", "/v1/things/a", "", "If-Match", `"a,b"`, "X-Amz-Meta-Title", "Hello, world")
	if b.last.IfMatch.IfMatch != `"a,b"` || b.last.Title != "Hello, world" {
		t.Errorf("If-Match, title = %q, %q", b.last.IfMatch.IfMatch, b.last.Title)
	}
	payload := []byte{0, 1, 0xff, 0xfe}
	response := send("PUT", "/v1/bytes", string(payload), "Content-Type", "image/png")
	if got := response.Body.Bytes(); !bytes.Equal(got, payload) {
		t.Errorf("bytes = %q, want %q", got, payload)
	}
	if response := send("GET", "/v1/health", "", "Authorization", ""); response.Code != 204 {
		t.Errorf("health: %d, want 204", response.Code)
	}
}

func TestTooLargeBehindTheGateway(t *testing.T) {
	b := newBench(t)
	send := behind(t, b)
	for _, test := range []struct {
		size int
		want string // of our problem, or API Gateway's message
	}{{4<<20 + 1, "payload_too_large"}, {5 << 20, "Request Entity Too Large"}, {11 << 20, "Request Entity Too Large"}} {
		response := send("PUT", "/v1/bytes", strings.Repeat("a", test.size), "Content-Type", "image/png")
		var answer struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		}
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		if response.Code != 413 || answer.Code+answer.Message != test.want {
			t.Errorf("%d bytes: %d %+v, want %s", test.size, response.Code, answer, test.want)
		}
	}
	// As JSON text, 5 MiB reach the function.
	response := send("POST", "/v1/things/a", `{"method":"`+strings.Repeat("a", 5<<20)+`"}`, "Content-Type", "application/json")
	if response.Code != 413 || response.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("5 MiB of JSON: %d %s, want our 413", response.Code, response.Header().Get("Content-Type"))
	}
}
