package caller

import (
	"bytes"
	"encoding/base64"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// token holds the claims that are read from a bearer token's payload.
type token struct {
	issuer, subject, site, user string
	scopes, groups              []string
}

// parse reads the payload of a JWS in compact form (RFC 7515 section 3.1) behind the Bearer scheme
// (RFC 6750 section 2.1). A payload with a claim twice is refused (RFC 7519 section 4 leaves it open).
func parse(authorization string, names Claims) (token, error) {
	compact, ok := bearer(authorization)
	if !ok {
		return token{}, ErrToken
	}
	_, rest, _ := strings.Cut(compact, ".")
	payload, signature, ok := strings.Cut(rest, ".")
	if !ok || signature == "" || strings.Trim(signature, base64URL) != "" {
		return token{}, ErrToken
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(payload)
	if err != nil {
		return token{}, ErrToken
	}
	return readClaims(raw, names)
}

// base64URL are the characters of a signature. Whatever else stands there, such as a comma and what a second header said,
// was not part of the token that was verified.
const base64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func bearer(authorization string) (string, bool) {
	scheme, compact, ok := strings.Cut(authorization, " ")
	if !ok {
		// API Gateway's JWT authorizer takes the bare token too ("Control access to HTTP APIs with JWT authorizers").
		return authorization, authorization != ""
	}
	return strings.TrimLeft(compact, " "), strings.EqualFold(scheme, "bearer")
}

// decoders are kept, so that a warm request makes none.
var decoders = sync.Pool{New: func() any { return new(jsontext.Decoder) }}

func readClaims(raw []byte, names Claims) (token, error) {
	d, _ := decoders.Get().(*jsontext.Decoder)
	d.Reset(bytes.NewBuffer(raw))
	defer func() {
		d.Reset(bytes.NewBuffer(nil)) // the claims are not kept
		decoders.Put(d)
	}()
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return token{}, ErrToken
	}
	var t token
	for {
		name, err := d.ReadToken()
		if err != nil {
			return token{}, ErrToken
		}
		if name.Kind() == '}' {
			break
		}
		if err := t.read(name.String(), d, names); err != nil {
			return token{}, err
		}
	}
	if len(bytes.TrimSpace(d.UnreadBuffer())) != 0 {
		return token{}, ErrToken
	}
	return t, nil
}

// read takes one claim. A claim may have several uses: `sub` is subject and, by default, user.
func (t *token) read(name string, d *jsontext.Decoder, names Claims) error {
	isText := name == "iss" || name == "sub" || name == names.Site || name == names.User
	isScope := name == "scope" || name == "scp"
	isGroups := name == names.Groups
	if !isText && !isScope && !isGroups {
		return skip(d)
	}
	list, single, err := readStrings(d)
	if err != nil {
		return err
	}
	if isText {
		if !single {
			return ErrClaim
		}
		t.setText(name, list, names)
	}
	if isScope {
		for _, scopes := range list {
			t.scopes = append(t.scopes, strings.Fields(scopes)...)
		}
	}
	if isGroups {
		t.groups = list
	}
	return nil
}

func (t *token) setText(name string, list []string, names Claims) {
	if len(list) == 0 {
		return
	}
	switch name {
	case "iss":
		t.issuer = list[0]
	case "sub":
		t.subject = list[0]
	}
	if name == names.Site {
		t.site = list[0]
	}
	if name == names.User {
		t.user = list[0]
	}
}

func skip(d *jsontext.Decoder) error {
	if err := d.SkipValue(); err != nil {
		return ErrToken
	}
	return nil
}

// readStrings reads a string, or a list of strings; single tells them apart. Empty strings are left out.
func readStrings(d *jsontext.Decoder) (list []string, single bool, err error) {
	first, err := d.ReadToken()
	if err != nil {
		return nil, false, ErrToken
	}
	switch byte(first.Kind()) {
	case '"':
		return appendNonEmpty(nil, first.String()), true, nil
	case 'n':
		return nil, true, nil // null is an absent claim
	case '[':
	default:
		return nil, false, ErrClaim
	}
	for {
		element, err := d.ReadToken()
		if err != nil {
			return nil, false, ErrToken
		}
		switch byte(element.Kind()) {
		case ']':
			return list, false, nil
		case '"':
			list = appendNonEmpty(list, element.String())
		default:
			return nil, false, ErrClaim
		}
	}
}

func appendNonEmpty(list []string, s string) []string {
	if s == "" {
		return list
	}
	return append(list, s)
}
