package localgateway

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Issuer issues tokens for the local gateway: RS256 by one key. There is no token
// endpoint: only the program itself can make tokens. Safe for concurrent use.
type Issuer struct {
	url      string
	audience string
	signer   jose.Signer
	public   jose.JSONWebKey
}

const keyBits = 2048

// NewKey makes a key for an issuer.
func NewKey() (*rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	return key, nil
}

// NewIssuer makes an issuer with a new key. The url is its `iss`, where [Issuer.Handler] is served.
func NewIssuer(url, audience string) (*Issuer, error) {
	key, err := NewKey()
	if err != nil {
		return nil, err
	}
	return NewIssuerOf(key, url, audience)
}

// NewIssuerOf makes an issuer that signs by key, which others may have, too. The url is as for [NewIssuer].
func NewIssuerOf(key *rsa.PrivateKey, url, audience string) (*Issuer, error) {
	private := jose.JSONWebKey{Key: key, KeyID: hexOf(8), Algorithm: string(jose.RS256), Use: "sig"}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: private}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("make signer: %w", err)
	}
	return &Issuer{url: url, audience: audience, signer: signer, public: private.Public()}, nil
}

// Token signs a token that lives for ttl. The claims are added to iss, aud, iat and exp, and may replace them.
func (i *Issuer) Token(claims map[string]any, ttl time.Duration) (string, error) {
	now := time.Now()
	all := map[string]any{"iss": i.url, "aud": i.audience, "iat": now.Unix(), "exp": now.Add(ttl).Unix()}
	maps.Copy(all, claims)
	compact, err := jwt.Signed(i.signer).Claims(all).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return compact, nil
}

// Authorizer verifies this issuer's tokens for its audience.
func (i *Issuer) Authorizer() *Authorizer {
	return NewAuthorizer(i.url, []string{i.audience}, &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{i.public.Key}})
}

// Handler serves discovery (OpenID Connect Discovery 1.0 section 4) and keys, below the issuer's URL.
func (i *Issuer) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", serveJSON(map[string]any{
		"issuer": i.url, "jwks_uri": i.url + "/.well-known/jwks.json",
		"response_types_supported": []string{"id_token"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{string(jose.RS256)},
	}))
	mux.HandleFunc("GET /.well-known/jwks.json", serveJSON(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{i.public}}))
	return mux
}

func serveJSON(v any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v) // a client that is gone needs no answer
	}
}
