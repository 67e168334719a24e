package httpapi

import (
	"bytes"
	"errors"
	"strings"

	"github.com/emmansun/base64"
	"github.com/go-json-experiment/json/jsontext"
)

// event is what this package reads of an API Gateway event in payload format 2.0 ("Create AWS Lambda proxy
// integrations for HTTP APIs in API Gateway").
type event struct {
	method, routeKey, rawPath, rawQuery string
	requestID, sourceIP, domain         string
	issuer, subject                     string // of the authorizer's claims
	headers                             []pair // names in canonical form, repeated ones joined by commas
	pathParameters                      []pair // decoded
	cookies                             []string
	body                                jsontext.Value // a JSON string, or nothing
	isBase64                            bool
	reader                              eventReader
}

type pair struct{ name, value string }

// reset lets go of the event and keeps what the next one can use.
func (e *event) reset() {
	clear(e.headers)
	clear(e.pathParameters)
	clear(e.cookies)
	e.reader.open(nil)
	*e = event{
		headers: e.headers[:0], pathParameters: e.pathParameters[:0], cookies: e.cookies[:0], reader: e.reader,
	}
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
	value, _ := e.header("Authorization")
	return value
}

var errEvent = errors.New("the payload isn't an event of an HTTP API in payload format 2.0")

// read decodes the event. It keeps what it needs of payload, which must not change before the answer.
func (e *event) read(payload []byte) error {
	r := &e.reader
	r.open(payload)
	err := r.members(func(name []byte) error {
		switch string(name) {
		case "routeKey":
			return r.text(&e.routeKey)
		case "rawPath":
			return r.text(&e.rawPath)
		case "rawQueryString":
			return r.text(&e.rawQuery)
		case "headers":
			return r.pairs(&e.headers, headerName)
		case "pathParameters":
			return r.pairs(&e.pathParameters, asIs)
		case "cookies":
			return r.texts(&e.cookies)
		case "requestContext":
			return r.members(e.readContext)
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
	if !isMethod(e.method) || !strings.HasPrefix(e.rawPath, "/") {
		return errEvent
	}
	return nil
}

// isMethod is stricter than RFC 9110 section 9.1: the methods that there are have only these letters.
func isMethod(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func (e *event) readContext(name []byte) error {
	switch string(name) {
	case "requestId":
		return e.reader.text(&e.requestID)
	case "domainName":
		return e.reader.text(&e.domain)
	case "http":
		return e.reader.members(e.readHTTP)
	case "authorizer":
		return e.reader.members(e.readAuthorizer)
	}
	return e.reader.d.SkipValue()
}

func (e *event) readAuthorizer(name []byte) error {
	if string(name) == "jwt" {
		return e.reader.members(e.readJWT)
	}
	return e.reader.d.SkipValue()
}

func (e *event) readJWT(name []byte) error {
	if string(name) == "claims" {
		return e.reader.members(e.readClaim)
	}
	return e.reader.d.SkipValue()
}

func (e *event) readHTTP(name []byte) error {
	switch string(name) {
	case "method":
		return e.reader.text(&e.method)
	case "sourceIp":
		return e.reader.text(&e.sourceIP)
	}
	return e.reader.d.SkipValue()
}

func (e *event) readClaim(name []byte) error {
	switch string(name) {
	case "iss":
		return e.reader.text(&e.issuer)
	case "sub":
		return e.reader.text(&e.subject)
	}
	return e.reader.d.SkipValue()
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
		return nil, nil
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
