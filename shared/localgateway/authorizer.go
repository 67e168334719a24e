package localgateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// Authorizer is the JWT authorizer of an HTTP API ("Control access to HTTP APIs with JWT authorizers in API Gateway").
// It takes the token from the header Authorization.
type Authorizer struct {
	issuer   string
	audience []string
	verifier *oidc.IDTokenVerifier
	now      func() time.Time
}

// NewAuthorizer makes an authorizer for tokens of one issuer, for one of the audiences, signed by RS256 with one of the keys.
func NewAuthorizer(issuer string, audience []string, keys oidc.KeySet) *Authorizer {
	a := &Authorizer{issuer: issuer, audience: audience, now: time.Now}
	a.verifier = oidc.NewVerifier(issuer, keys, &oidc.Config{
		SupportedSigningAlgs: []string{oidc.RS256}, SkipClientIDCheck: true,
		Now: func() time.Time { return a.now() },
	})
	return a
}

// token is a verified token's claims.
type token struct{ claims map[string]any }

const (
	challenge    = "Bearer"
	invalidToken = `Bearer scope="" error="invalid_token" error_description="` //nolint:gosec // G101: a challenge's beginning
)

// authorize returns the verified token, or nil and the WWW-Authenticate header to refuse by (RFC 6750 section 3).
func (a *Authorizer) authorize(r *http.Request) (*token, string) {
	compact := r.Header.Get("Authorization")
	if scheme, rest, ok := strings.Cut(compact, " "); ok && strings.EqualFold(scheme, "Bearer") {
		compact = strings.TrimSpace(rest)
	}
	if compact == "" {
		return nil, challenge
	}
	// The verifier also takes the JSON form of a JWS; API Gateway takes only the compact one.
	if strings.Count(compact, ".") != 2 || strings.ContainsAny(compact, " {}\"") {
		return nil, invalidToken + `the token is not a JWT"`
	}
	verified, err := a.verifier.Verify(r.Context(), compact)
	if err != nil {
		return nil, invalidToken + reason(err) + `"`
	}
	t, err := a.check(verified)
	if err != nil {
		return nil, invalidToken + err.Error() + `"`
	}
	return t, ""
}

func reason(err error) string {
	if _, expired := errors.AsType[*oidc.TokenExpiredError](err); expired {
		return "the token has expired"
	}
	return "the token can't be verified"
}

// check does what API Gateway does beyond OpenID Connect: the audience may be in client_id where there is no
// aud, and nbf and iat may not lie ahead.
func (a *Authorizer) check(verified *oidc.IDToken) (*token, error) {
	var raw json.RawMessage
	if err := verified.Claims(&raw); err != nil {
		return nil, errors.New("the token's claims can't be read")
	}
	claims := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&claims); err != nil {
		return nil, errors.New("the token's claims can't be read")
	}
	audience := verified.Audience
	if len(audience) == 0 {
		if client, ok := claims["client_id"].(string); ok {
			audience = []string{client}
		}
	}
	if !slices.ContainsFunc(audience, func(s string) bool { return slices.Contains(a.audience, s) }) {
		return nil, errors.New("the token has another audience")
	}
	for _, name := range []string{"nbf", "iat"} {
		if ahead(claims[name], a.now()) {
			return nil, errors.New("the token is not valid yet")
		}
	}
	return &token{claims}, nil
}

// ahead says whether a claim's time isn't known to have come: one that is no number (RFC 7519 section 2, NumericDate) is none.
func ahead(claim any, now time.Time) bool {
	if claim == nil {
		return false
	}
	number, _ := claim.(json.Number)
	seconds, err := number.Float64()
	return err != nil || seconds > float64(now.Unix())
}

// flattened are the claims as API Gateway passes them on: all of them text, lists as `[a b]`, so that a group
// named `a b` can't be told from two (trap 23a).
func (t *token) flattened() map[string]string {
	out := make(map[string]string, len(t.claims))
	for name, value := range t.claims {
		out[name] = fmt.Sprint(value)
	}
	return out
}
