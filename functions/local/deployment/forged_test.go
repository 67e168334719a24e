package deployment_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
)

// forgedToken has the form of a token, and no signature that would hold.
func forgedToken(claims map[string]any) string {
	return part(map[string]any{"alg": "RS256", "typ": "JWT"}) + "." + part(claims) + ".c2lnbmF0dXJl"
}

func part(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // nothing here can't be marshalled
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// Tokens that nobody's issuer signed, by what an attacker can know: the public key, its id, and where it is published.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	var published jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(s.Call(http.MethodGet, "/.well-known/jwks.json", "", "").Body), &published); err != nil || len(published.Keys) != 1 {
		t.Fatalf("the keys: %v, %v", published, err)
	}
	public, id := published.Keys[0], published.Keys[0].KeyID
	der, err := x509.MarshalPKIXPublicKey(public.Key)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, ok := public.Key.(*rsa.PublicKey)
	if !ok {
		t.Fatalf("the key is a %T", public.Key)
	}
	own, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{
		"iss": s.URL, "aud": "arngate", "sub": demosite.User, "site_id": demosite.Site, "scope": "arngate/connect",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
	mac := func(header map[string]any, key []byte) string {
		unsigned := part(header) + "." + part(claims)
		hash := hmac.New(sha256.New, key)
		_, _ = hash.Write([]byte(unsigned)) // a hash's Write never fails
		return unsigned + "." + base64.RawURLEncoding.EncodeToString(hash.Sum(nil))
	}
	signed := func(extra map[jose.HeaderKey]any) string {
		options := &jose.SignerOptions{ExtraHeaders: extra}
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: own}, options)
		if err != nil {
			t.Fatal(err)
		}
		token, err := jwt.Signed(signer).Claims(claims).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	header := map[string]any{"alg": "HS256", "typ": "JWT", "kid": id}
	for name, token := range map[string]string{
		"MAC by the public key in PEM":    mac(header, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		"MAC by the public key in DER":    mac(header, der),
		"MAC by PKCS #1":                  mac(header, x509.MarshalPKCS1PublicKey(rsaKey)),
		"MAC by the modulus":              mac(header, rsaKey.N.Bytes()),
		"MAC by nothing":                  mac(header, nil),
		"MAC named RS256":                 mac(map[string]any{"alg": "RS256", "kid": id}, der),
		"another key by the issuer's id":  signed(map[jose.HeaderKey]any{"kid": id}),
		"an id that is a path":            signed(map[jose.HeaderKey]any{"kid": "../../../../dev/null"}),
		"an id that is a query":           signed(map[jose.HeaderKey]any{"kid": id + "' OR '1'='1"}),
		"an empty id":                     signed(map[jose.HeaderKey]any{"kid": ""}),
		"an id that goes on behind a NUL": signed(map[jose.HeaderKey]any{"kid": id + "\x00/../" + id}),
		"an id that is an address":        signed(map[jose.HeaderKey]any{"kid": "https://evil.example/jwks.json"}),
		"a certificate of its own":        signed(map[jose.HeaderKey]any{"kid": id, "x5c": []string{base64.StdEncoding.EncodeToString(der)}}),
		"claims nested deep":              part(map[string]any{"alg": "RS256", "kid": id}) + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":`+strings.Repeat("[", 3000)+strings.Repeat("]", 3000)+"}")) + ".AAAA",
		"an id that is no string":         part(map[string]any{"alg": "RS256", "kid": []string{id}}) + "." + part(claims) + ".AAAA",
		"keys from elsewhere":             signed(map[jose.HeaderKey]any{"kid": id, "jku": "https://evil.example/jwks.json"}),
		"a certificate from elsewhere":    signed(map[jose.HeaderKey]any{"kid": id, "x5u": "https://evil.example/cert.pem"}),
		"a key of its own":                signed(map[jose.HeaderKey]any{"jwk": jose.JSONWebKey{Key: own.Public(), KeyID: id}}),
		"a critical extension":            signed(map[jose.HeaderKey]any{"kid": id, "crit": []string{"exp"}}),
		"no algorithm, in mixed case":     part(map[string]any{"alg": "nOnE", "kid": id}) + "." + part(claims) + ".",
		"no algorithm named":              part(map[string]any{"kid": id}) + "." + part(claims) + ".AAAA",
		"two algorithms":                  base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","alg":"RS256"}`)) + "." + part(claims) + ".",
		"a payload that isn't in base64":  part(map[string]any{"alg": "RS256", "b64": false, "crit": []string{"b64"}}) + ".{}.AAAA",
		"a signature of zeros":            part(map[string]any{"alg": "RS256", "kid": id}) + "." + part(claims) + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 256)),
		"an ECDSA signature of zeros":     part(map[string]any{"alg": "ES256", "kid": id}) + "." + part(claims) + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64)),
		"an RSA-PSS signature of nothing": part(map[string]any{"alg": "PS256", "kid": id}) + "." + part(claims) + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 256)),
	} {
		answer := s.Call(http.MethodGet, "/v1/me", token, "")
		if answer.Status != http.StatusUnauthorized || answer.Body != `{"message":"Unauthorized"}` {
			t.Errorf("%s: got %d %s, want API Gateway's 401", name, answer.Status, answer.Body)
		}
	}
}

// A token is taken from the header Authorization and from nowhere else, and only if there is one of it.
func TestTokensComeInOneHeader(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	token, other := s.Builder(), s.TokenOf(demosite.OtherSite, "eve", "arngate/connect")
	for name, c := range map[string]struct {
		query  string
		header http.Header
	}{
		"in the query":                  {"?access_token=" + token + "&authorization=Bearer+" + token, http.Header{}},
		"in a cookie":                   {"", http.Header{"Cookie": {"authorization=" + token + "; Authorization=Bearer " + token}}},
		"in another header":             {"", http.Header{"X-Authorization": {"Bearer " + token}, "Proxy-Authorization": {"Bearer " + token}, "Token": {token}}},
		"in two headers":                {"", http.Header{"Authorization": {"Bearer " + token, "Bearer " + token}}},
		"in two, the other's first":     {"", http.Header{"Authorization": {"Bearer " + other, "Bearer " + token}}},
		"beside none":                   {"", http.Header{"Authorization": {"", "Bearer " + token}}},
		"by another scheme":             {"", http.Header{"Authorization": {"Basic " + token}}},
		"as a name's and with its user": {"", http.Header{"Authorization": {"Bearer user:" + token}}},
	} {
		answer := s.Send(http.MethodGet, "/v1/me"+c.query, "", strings.NewReader(""), c.header)
		if answer.Status != http.StatusUnauthorized || strings.Contains(answer.Body, demosite.Site) {
			t.Errorf("%s: got %d %s, want 401", name, answer.Status, answer.Body)
		}
	}
}

// Tokens that hold, of an issuer that leaves a claim out, or gives it a form in which it is two things.
func TestTokensThatNameNobody(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	for name, changes := range map[string]map[string]any{
		"no subject":              {"sub": nil},
		"an empty subject":        {"sub": ""},
		"a site in braces":        {"site_id": "{" + demosite.Site + "}"},
		"a site without dashes":   {"site_id": strings.ReplaceAll(demosite.Site, "-", "")},
		"a site and a line end":   {"site_id": demosite.Site + "\n"},
		"a site of other digits":  {"site_id": strings.Replace(demosite.Site, "7", "７", 1)},
		"two sites":               {"site_id": []string{demosite.Site, demosite.OtherSite}},
		"a site that is a number": {"site_id": 7},
		"a site that is a map":    {"site_id": map[string]any{"": demosite.Site}},
		"no site":                 {"site_id": nil},
		"groups in a map":         {"groups": map[string]any{"builders": true}},
		"groups in groups":        {"groups": []any{[]string{"builders"}}},
		"scopes in a map":         {"scope": map[string]any{"arngate/connect": true}},
		"a user of audits":        {"sub": "Arngate-Audit"},
		"begun as a text":         {"nbf": "32503680000"},
		"issued as a text":        {"iat": "32503680000"},
		"issued in no number":     {"iat": []int{1}},
		"issued beyond all time":  {"iat": 1e300},
		"an expiry of no number":  {"exp": map[string]any{}},
	} {
		claims := map[string]any{"site_id": demosite.Site, "sub": demosite.User, "scope": "arngate/connect"}
		maps.Copy(claims, changes)
		answer := s.Call(http.MethodGet, "/v1/me", tokenFor(t, s, claims), "")
		if code := answer.Field("code"); answer.Status != http.StatusUnauthorized && code != "user_reserved" {
			t.Errorf("%s: got %d %s", name, answer.Status, answer.Body)
		}
	}
}
