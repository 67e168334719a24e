package httpapi

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// event is what this package reads of an API Gateway event in payload format 2.0 ("Create AWS Lambda proxy
// integrations for HTTP APIs in API Gateway").
type event struct {
	method, routeKey, rawPath, rawQuery string
	requestID, sourceIP                 string
	issuer, subject                     string // of the authorizer's claims
	headers                             []pair // names in lower case, repeated ones joined by commas
	pathParameters                      []pair // decoded
	cookies                             []string
	body                                jsontext.Value // a JSON string, or nothing
	isBase64                            bool
}

type pair struct{ name, value string }

// reset keeps the slices for the next event.
func (e *event) reset() {
	clear(e.headers)
	clear(e.pathParameters)
	clear(e.cookies)
	*e = event{headers: e.headers[:0], pathParameters: e.pathParameters[:0], cookies: e.cookies[:0]}
}

func (e *event) header(name string) (string, bool) {
	for i := range e.headers {
		if e.headers[i].name == name {
			return e.headers[i].value, true
		}
	}
	return "", false
}

func (e *event) authorization() string {
	value, _ := e.header("authorization")
	return value
}

var errEvent = errors.New("the payload isn't an event of an HTTP API in payload format 2.0")

// read decodes the event. It keeps what it needs of payload, which must not change before the answer.
//
// API Gateway is trusted to send JSON without duplicate names, and bytes of a client's that aren't UTF-8 are
// its to judge: strictness here would only turn a request into a failure.
func (e *event) read(payload []byte) error {
	r := eventReader{jsontext.NewDecoder(bytes.NewBuffer(payload), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))}
	err := r.members(func(name string) error {
		switch name {
		case "routeKey":
			return r.text(&e.routeKey)
		case "rawPath":
			return r.text(&e.rawPath)
		case "rawQueryString":
			return r.text(&e.rawQuery)
		case "headers":
			return r.pairs(&e.headers)
		case "pathParameters":
			return r.pairs(&e.pathParameters)
		case "cookies":
			return r.texts(&e.cookies)
		case "requestContext":
			return r.members(func(name string) error { return e.readContext(r, name) })
		case "body":
			return r.raw(&e.body)
		case "isBase64Encoded":
			return r.flag(&e.isBase64)
		}
		return r.d.SkipValue()
	})
	if err != nil {
		return err
	}
	for i := range e.headers {
		e.headers[i].name = strings.ToLower(e.headers[i].name)
	}
	if !isMethod(e.method) || !strings.HasPrefix(e.rawPath, "/") {
		return errEvent
	}
	return nil
}

// isMethod is stricter than RFC 9110 section 9.1: the methods that there are have only these letters.
func isMethod(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func (e *event) readContext(r eventReader, name string) error {
	switch name {
	case "requestId":
		return r.text(&e.requestID)
	case "http":
		return r.members(func(name string) error {
			switch name {
			case "method":
				return r.text(&e.method)
			case "sourceIp":
				return r.text(&e.sourceIP)
			}
			return r.d.SkipValue()
		})
	case "authorizer":
		return r.members(func(name string) error {
			if name != "jwt" {
				return r.d.SkipValue()
			}
			return r.members(func(name string) error {
				if name != "claims" {
					return r.d.SkipValue()
				}
				return r.members(func(name string) error { return e.readClaim(r, name) })
			})
		})
	}
	return r.d.SkipValue()
}

func (e *event) readClaim(r eventReader, name string) error {
	switch name {
	case "iss":
		return r.text(&e.issuer)
	case "sub":
		return r.text(&e.subject)
	}
	return r.d.SkipValue()
}

// bodySize is the size of the body once it is decoded; of base64 with escapes in it, a little more.
func (e *event) bodySize() int {
	if len(e.body) <= 2 {
		return 0
	}
	size := len(e.body) - 2
	if e.isBase64 {
		padding := bytes.Count(e.body[size-1:size+1], []byte("="))
		return base64.StdEncoding.DecodedLen(size) - padding
	}
	if bytes.IndexByte(e.body, '\\') < 0 {
		return size
	}
	text, _ := jsontext.AppendUnquote(nil, e.body)
	return len(text)
}

// readBody decodes the body.
func (e *event) readBody() ([]byte, error) {
	if len(e.body) <= 2 {
		return nil, nil //nolint:nilnil // an event without a body has an empty one
	}
	text := e.body[1 : len(e.body)-1]
	if bytes.IndexByte(text, '\\') >= 0 {
		unquoted, err := jsontext.AppendUnquote(make([]byte, 0, len(text)), e.body)
		if err != nil && !e.isBase64 && len(unquoted) == 0 {
			return nil, errEvent
		}
		text = unquoted
	}
	if !e.isBase64 {
		return text, nil
	}
	body := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(body, text)
	if err != nil {
		return nil, errEvent
	}
	return body[:n], nil
}

// eventReader reads values leniently: null, and what has another type than expected, is passed over.
type eventReader struct{ d *jsontext.Decoder }

func (r eventReader) members(member func(name string) error) error {
	if r.d.PeekKind() != '{' {
		return r.d.SkipValue()
	}
	if _, err := r.d.ReadToken(); err != nil {
		return err
	}
	for r.d.PeekKind() != '}' {
		name, err := r.d.ReadToken()
		if err != nil {
			return err
		}
		if err := member(name.String()); err != nil {
			return err
		}
	}
	_, err := r.d.ReadToken()
	return err
}

func (r eventReader) text(to *string) error {
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

func (r eventReader) texts(to *[]string) error {
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

func (r eventReader) pairs(to *[]pair) error {
	return r.members(func(name string) error {
		p := pair{name: name}
		if err := r.text(&p.value); err != nil {
			return err
		}
		*to = append(*to, p)
		return nil
	})
}

func (r eventReader) raw(to *jsontext.Value) error {
	if r.d.PeekKind() != '"' {
		return r.d.SkipValue()
	}
	value, err := r.d.ReadValue()
	*to = value
	return err
}

func (r eventReader) flag(to *bool) error {
	if r.d.PeekKind() != 't' {
		return r.d.SkipValue()
	}
	*to = true
	_, err := r.d.ReadToken()
	return err
}
