package localgateway_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/arngate/arngate/shared/localgateway"
)

func sign(t *testing.T, issuer *localgateway.Issuer, claims map[string]any, ttl time.Duration) string {
	t.Helper()
	token, err := issuer.Token(claims, ttl)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func encode(v any) string {
	b, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(b)
}

func TestTokens(t *testing.T) {
	f := setUp(t, nil)
	good := sign(t, f.issuer, map[string]any{"sub": "ada"}, time.Hour)
	for name, header := range map[string]string{
		"a good one": "Bearer " + good, "in small letters": "bearer " + good, "bare": good,
		"several audiences": "Bearer " + sign(t, f.issuer, map[string]any{"aud": []string{"x", "arngate"}}, time.Hour),
		"client_id for aud": "Bearer " + sign(t, f.issuer, map[string]any{"aud": []string{}, "client_id": "arngate"}, time.Hour),
		"nbf behind us":     "Bearer " + sign(t, f.issuer, map[string]any{"nbf": time.Now().Add(-time.Minute).Unix()}, time.Hour),
	} {
		if w := f.do("GET", "/v1/me", nil, "Authorization", header); w.Code != 200 {
			t.Errorf("%s: %d %s %s", name, w.Code, w.Body, w.Header())
		}
	}
}

func TestAttacksOnTokens(t *testing.T) {
	f := setUp(t, nil)
	good := sign(t, f.issuer, map[string]any{"sub": "ada"}, time.Hour)
	parts := strings.Split(good, ".")
	other, err := localgateway.NewIssuer("http://"+host+"/issuer", "arngate")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := localgateway.NewIssuer("http://evil.example", "arngate")
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{
		"iss": "http://" + host + "/issuer", "aud": "arngate", "sub": "eve",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
	w := httptest.NewRecorder()
	f.issuer.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/.well-known/jwks.json", nil))
	unsigned := encode(map[string]any{"alg": "HS256", "typ": "JWT"}) + "." + encode(claims)
	mac := hmac.New(sha256.New, w.Body.Bytes())
	mac.Write([]byte(unsigned))
	for name, token := range map[string]string{
		"no algorithm":          encode(map[string]any{"alg": "none"}) + "." + encode(claims) + ".",
		"no algorithm, a tail":  encode(map[string]any{"alg": "none"}) + "." + encode(claims) + ".AA",
		"None in capitals":      encode(map[string]any{"alg": "NONE"}) + "." + encode(claims) + ".AA",
		"the public key as MAC": unsigned + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)),
		"another key":           sign(t, other, claims, time.Hour),
		"a key of its own":      embeddedKey(t, claims),
		"another issuer":        sign(t, elsewhere, map[string]any{"sub": "eve"}, time.Hour),
		"another audience":      sign(t, f.issuer, map[string]any{"aud": "other"}, time.Hour),
		"no audience":           sign(t, f.issuer, map[string]any{"aud": []string{}}, time.Hour),
		"client_id beside aud":  sign(t, f.issuer, map[string]any{"aud": "other", "client_id": "arngate"}, time.Hour),
		"expired":               sign(t, f.issuer, nil, -time.Second),
		"no expiry":             sign(t, f.issuer, map[string]any{"exp": nil}, time.Hour),
		"not yet":               sign(t, f.issuer, map[string]any{"nbf": time.Now().Add(time.Minute).Unix()}, time.Hour),
		"issued tomorrow":       sign(t, f.issuer, map[string]any{"iat": time.Now().Add(24 * time.Hour).Unix()}, 48*time.Hour),
		"issued as a text":      sign(t, f.issuer, map[string]any{"iat": "32503680000"}, time.Hour),
		"claims exchanged":      parts[0] + "." + encode(claims) + "." + parts[2],
		"header exchanged":      encode(map[string]any{"alg": "RS256", "x": 1}) + "." + parts[1] + "." + parts[2],
		"signature cut":         parts[0] + "." + parts[1] + "." + parts[2][:len(parts[2])-2],
		"no signature":          parts[0] + "." + parts[1] + ".",
		"the JSON form":         `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"two tokens":            good + "," + good,
		"garbage":               "a.b.c",
		"a word":                "token",
	} {
		w := f.do("GET", "/v1/me", nil, "Authorization", "Bearer "+token)
		checkMessage(t, w, 401, "Unauthorized")
		if got := w.Header().Get("Www-Authenticate"); !strings.HasPrefix(got, `Bearer scope="" error="invalid_token"`) {
			t.Errorf("%s: WWW-Authenticate = %q", name, got)
		}
		if w.Code != 401 {
			t.Errorf("%s got in", name)
		}
	}
	for name, headers := range map[string][]string{"no token": nil, "an empty one": {"Authorization", ""}, "only the scheme": {"Authorization", "Bearer "}} {
		w := f.do("GET", "/v1/me", nil, headers...)
		checkMessage(t, w, 401, "Unauthorized")
		if got, want := w.Header().Get("Www-Authenticate"), "Bearer"; got != want {
			t.Errorf("%s: WWW-Authenticate = %q, want %q", name, got, want)
		}
	}
	if f.fn.last.Load() != nil {
		t.Error("the function was called")
	}
}

// embeddedKey signs with a key that the token itself brings along (RFC 7515 section 4.1.3).
func embeddedKey(t *testing.T, claims map[string]any) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, &jose.SignerOptions{EmbedJWK: true})
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestTrap23aClaimsAreFlattened(t *testing.T) {
	f := setUp(t, nil)
	token := sign(t, f.issuer, map[string]any{
		"sub": "ada", "groups": []string{"x admin", "y"}, "one": []string{"x admin y"}, "n": 1712345678901234567, "ok": true, "none": nil,
	}, time.Hour)
	if w := f.do("GET", "/v1/me", nil, "Authorization", "Bearer "+token); w.Code != 200 {
		t.Fatal(w.Body)
	}
	claims := f.fn.last.Load().RequestContext.Authorizer.JWT.Claims
	for name, want := range map[string]string{
		"groups": "[x admin y]", "one": "[x admin y]", "n": "1712345678901234567", "ok": "true", "sub": "ada", "aud": "arngate",
	} {
		if got := claims[name]; got != want {
			t.Errorf("claim %s = %q, want %q", name, got, want)
		}
	}
	if !strings.Contains(string(*f.fn.raw.Load()), `"scopes":null`) {
		t.Error("scopes of a route without scopes aren't null")
	}
}

func TestPublicRoutesHaveNoAuthorizer(t *testing.T) {
	f := setUp(t, nil)
	f.do("GET", "/v1/health", nil, "Authorization", "Bearer "+sign(t, f.issuer, map[string]any{"sub": "ada"}, time.Hour))
	if a := f.fn.last.Load().RequestContext.Authorizer; a != nil {
		t.Errorf("authorizer = %+v, want none", a)
	}
}

func TestIssuerHandler(t *testing.T) {
	f := setUp(t, nil)
	get := func(path string) map[string]any {
		w := httptest.NewRecorder()
		f.issuer.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
		var v map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		return v
	}
	if got, want := get("/.well-known/openid-configuration")["jwks_uri"], "http://"+host+"/issuer/.well-known/jwks.json"; got != want {
		t.Errorf("jwks_uri = %v, want %v", got, want)
	}
	keys, _ := get("/.well-known/jwks.json")["keys"].([]any)
	if len(keys) != 1 {
		t.Fatalf("%d keys", len(keys))
	}
	key, _ := keys[0].(map[string]any)
	if key["d"] != nil || key["p"] != nil || key["alg"] != "RS256" {
		t.Errorf("key = %v, want a public one", key)
	}
}
