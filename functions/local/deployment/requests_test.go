package deployment_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/secrettest"
)

// want fails the test unless the answer has that status and that word.
func want(t *testing.T, a deploymenttest.Answer, status int, word string) {
	t.Helper()
	if a.Status != status || !strings.Contains(a.Body, word) {
		t.Errorf("got %d %s, want %d with %s", a.Status, a.Body, status, word)
	}
}

// Bad input gets a problem that names what is wrong.
func TestBadInputIsNamed(t *testing.T) {
	s := deploymenttest.Start(t)
	const search = "/v1/dynamodb/orders/tables/Orders/search"
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		code, word         string
	}{
		"broken JSON":     {http.MethodPost, search, `{"where":`, http.StatusBadRequest, "invalid_json", ""},
		"trailing JSON":   {http.MethodPost, search, `{} {}`, http.StatusBadRequest, "invalid_json", ""},
		"unknown field":   {http.MethodPost, search, `{"whree":{}}`, http.StatusUnprocessableEntity, "invalid_request", "/whree"},
		"duplicate field": {http.MethodPost, search, `{"limit":1,"limit":2}`, http.StatusUnprocessableEntity, "invalid_request", "/limit"},
		"wrong type":      {http.MethodPost, search, `{"limit":"many"}`, http.StatusUnprocessableEntity, "invalid_request", "/limit"},
		"two faults":      {http.MethodPost, search, `{"limit":"many","whree":1}`, http.StatusUnprocessableEntity, "invalid_request", "/whree"},
		"unknown query":   {http.MethodGet, "/v1/s3/files/buckets?colour=red", "", http.StatusUnprocessableEntity, "invalid_request", "query.colour"},
		"bad cursor":      {http.MethodPost, search, `{"cursor":"AAAA"}`, http.StatusBadRequest, "cursor_invalid", ""},
		"5 MiB":           {http.MethodPost, search, `{"where":"` + strings.Repeat("x", 5<<20) + `"}`, http.StatusRequestEntityTooLarge, "payload_too_large", ""},
	} {
		t.Run(name, func(t *testing.T) {
			answer := s.Call(c.method, c.path, s.Builder(), c.body)
			want(t, answer, c.status, c.word)
			if answer.Field("code") != c.code {
				t.Errorf("code is %q, want %q: %s", answer.Field("code"), c.code, answer.Body)
			}
			if got := answer.Header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("Content-Type is %q", got)
			}
		})
	}
	plain := s.Send(http.MethodPost, search, s.Builder(), strings.NewReader(`{}`), http.Header{"Content-Type": {"text/plain"}})
	want(t, plain, http.StatusUnsupportedMediaType, "unsupported_media_type")
}

// A cursor is good for the request, user, connection and site that it was made for, and nobody else.
func TestCursorIsBound(t *testing.T) {
	s := deploymenttest.Start(t)
	const search = "/v1/dynamodb/orders/tables/Orders/search"
	first := s.Call(http.MethodPost, search, s.Builder(), `{"limit":2}`)
	cursor := first.Field("next_cursor")
	if cursor == "" {
		t.Fatalf("no cursor: %s", first.Body)
	}
	want(t, s.Call(http.MethodPost, search, s.Builder(), `{"limit":2,"cursor":"`+cursor+`"}`), http.StatusOK, "items")
	other := s.TokenOf(demosite.Site, "lin@example.com", "arngate/connect")
	want(t, s.Call(http.MethodPost, search, other, `{"limit":2,"cursor":"`+cursor+`"}`), http.StatusBadRequest, "cursor_invalid")
	want(t, s.Call(http.MethodPost, search, s.Builder(), `{"limit":3,"cursor":"`+cursor+`"}`), http.StatusBadRequest, "cursor_invalid")
}

// API Gateway answers for tokens that don't hold; Arngate for scopes that lack.
func TestTokens(t *testing.T) {
	s := deploymenttest.Start(t)
	claims := func(changes map[string]any) string {
		all := map[string]any{"site_id": demosite.Site, "sub": demosite.User, "scope": "arngate/connect"}
		maps.Copy(all, changes)
		token, err := s.Token(all)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	for name, token := range map[string]string{
		"none":             "",
		"not a token":      "abc",
		"expired":          claims(map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}),
		"another audience": claims(map[string]any{"aud": "somebody-else"}),
		"another issuer":   claims(map[string]any{"iss": "https://issuer.example"}),
		"not yet valid":    claims(map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}),
	} {
		t.Run(name, func(t *testing.T) {
			answer := s.Call(http.MethodGet, listing, token, "")
			if answer.Status != http.StatusUnauthorized || answer.Body != `{"message":"Unauthorized"}` {
				t.Errorf("got %d %s, want API Gateway's 401", answer.Status, answer.Body)
			}
		})
	}
	want(t, s.Call(http.MethodGet, "/v1/providers", s.Builder(), ""), http.StatusForbidden, "scope_missing")
	want(t, s.Call(http.MethodGet, listing, s.Admin(), ""), http.StatusForbidden, "scope_missing")
	want(t, s.Call(http.MethodGet, listing, claims(map[string]any{"sub": "arngate-audit"}), ""), http.StatusForbidden, "user_reserved")
	want(t, s.Call(http.MethodGet, listing, claims(map[string]any{"site_id": "x"}), ""), http.StatusUnauthorized, "caller_missing")
}

// trap 20: a secret in a body that doesn't fit is in no answer, no log and no table: the stack looks for what is planted.
func TestTrap20PlantedSecretStaysInside(t *testing.T) {
	s := deploymenttest.Start(t)
	secret := secrettest.Plant(secrettest.SecretKey, "/in+a+body+for+this+00")
	for _, body := range []string{
		`{"name":"keys","method":"access_keys","access_key_id":"AKIAIOSFODNN7EXAMPLE","secret_acces_key":"` + secret + `"}`,
		`{"name":"keys","method":"access_keys","access_key_id":"` + secret + `","secret_access_key":"` + secret + `"}`,
		`{"name":"keys","method":"` + secret + `","secret_access_key":"` + secret + `"}`,
		`{"name":"keys","method":"access_keys","access_key_id":"AKIAIOSFODNN7EXAMPLE","secret_access_key":["` + secret + `"]}`,
		`{"name":"keys","method":"access_keys","access_key_id":"AKIAIOSFODNN7EXAMPLE","secret_access_key":"` + secret + `"`,
		`{"name":"keys","method":"access_keys","access_key_id":"AKIAIOSFODNN7EXAMPLE","secret_access_key":"` + secret + `","unknown":"` + secret + `"}`,
	} {
		answer := s.Call(http.MethodPost, "/v1/providers", s.Admin(), body)
		if answer.Status/100 != 4 {
			t.Errorf("got %d for %s", answer.Status, body)
		}
	}
	good := s.Call(http.MethodPost, "/v1/providers", s.Admin(),
		`{"name":"keys","method":"access_keys","access_key_id":"AKIAIOSFODNN7EXAMPLE","secret_access_key":"`+secret+`"}`)
	want(t, good, http.StatusCreated, "AKIAIOSFODNN7EXAMPLE")
	want(t, s.Call(http.MethodGet, "/v1/providers/keys", s.Admin(), ""), http.StatusOK, "AKIAIOSFODNN7EXAMPLE")
}
