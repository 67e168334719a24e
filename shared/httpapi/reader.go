package httpapi

import (
	"bytes"
	"net/textproto"

	"github.com/go-json-experiment/json/jsontext"
)

// eventReader reads an event's values leniently: null, and what has another type than expected, is passed over.
// It is kept for the next event, so that a warm request doesn't build it anew.
type eventReader struct{ d *jsontext.Decoder }

// open begins with a new payload; nil lets go of the old one.
//
// API Gateway is trusted to send JSON without duplicate names, and bytes of a client's that aren't UTF-8 are
// its to judge: strictness here would only turn a request into a failure.
func (r *eventReader) open(payload []byte) {
	if r.d == nil {
		r.d = new(jsontext.Decoder)
	}
	// A bytes.Buffer is read in place, without a copy.
	r.d.Reset(bytes.NewBuffer(payload), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// members calls member for each name, which is only valid until it reads on.
func (r *eventReader) members(member func(name []byte) error) error {
	if r.d.PeekKind() != '{' {
		return r.d.SkipValue()
	}
	if _, err := r.d.ReadToken(); err != nil {
		return err
	}
	for r.d.PeekKind() != '}' {
		quoted, err := r.d.ReadValue()
		if err != nil {
			return err
		}
		if err := member(unquoted(quoted)); err != nil {
			return err
		}
	}
	_, err := r.d.ReadToken()
	return err
}

// unquoted is a name without its quotes; a copy only where it holds escapes.
func unquoted(quoted jsontext.Value) []byte {
	name := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(name, '\\') < 0 {
		return name
	}
	name, _ = jsontext.AppendUnquote(nil, quoted)
	return name
}

func (r *eventReader) text(to *string) error {
	if r.d.PeekKind() != '"' {
		return r.d.SkipValue()
	}
	token, err := r.d.ReadToken()
	if err != nil {
		return err
	}
	*to = token.String()
	return nil
}

func (r *eventReader) texts(to *[]string) error {
	if r.d.PeekKind() != '[' {
		return r.d.SkipValue()
	}
	if _, err := r.d.ReadToken(); err != nil {
		return err
	}
	for r.d.PeekKind() != ']' {
		var s string
		if err := r.text(&s); err != nil {
			return err
		}
		*to = append(*to, s)
	}
	_, err := r.d.ReadToken()
	return err
}

func (r *eventReader) pairs(to *[]pair, named func([]byte) string) error {
	return r.members(func(name []byte) error {
		p := pair{name: named(name)}
		if err := r.text(&p.value); err != nil {
			return err
		}
		*to = append(*to, p)
		return nil
	})
}

func (r *eventReader) raw(to *jsontext.Value) error {
	if r.d.PeekKind() != '"' {
		return r.d.SkipValue()
	}
	value, err := r.d.ReadValue()
	*to = value
	return err
}

func (r *eventReader) flag(to *bool) error {
	if r.d.PeekKind() != 't' {
		return r.d.SkipValue()
	}
	*to = true
	_, err := r.d.ReadToken()
	return err
}

func asIs(name []byte) string { return string(name) }

// headerName is the canonical form of a header's name. Those that come with nearly every request cost nothing.
func headerName(name []byte) string {
	if known, ok := usualHeaders[string(name)]; ok {
		return known
	}
	return textproto.CanonicalMIMEHeaderKey(string(name))
}

// usualHeaders is only read.
var usualHeaders = map[string]string{
	"accept":              "Accept",
	"accept-encoding":     "Accept-Encoding",
	"accept-language":     "Accept-Language",
	"arngate-acting-user": "Arngate-Acting-User",
	"authorization":       "Authorization",
	"cache-control":       "Cache-Control",
	"content-length":      "Content-Length",
	"content-type":        "Content-Type",
	"host":                "Host",
	"if-match":            "If-Match",
	"if-none-match":       "If-None-Match",
	"origin":              "Origin",
	"referer":             "Referer",
	"user-agent":          "User-Agent",
	"x-amzn-trace-id":     "X-Amzn-Trace-Id",
	"x-forwarded-for":     "X-Forwarded-For",
	"x-forwarded-port":    "X-Forwarded-Port",
	"x-forwarded-proto":   "X-Forwarded-Proto",
}
