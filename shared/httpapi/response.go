package httpapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/emmansun/base64"
	"github.com/go-json-experiment/json/jsontext"
)

// Headers of Arngate's answers.
const (
	HeaderRequestID    = "Arngate-Request-Id"
	HeaderAWSRequestID = "Arngate-Aws-Request-Id"
	HeaderCredentials  = "Arngate-Credentials" //nolint:gosec // G101: a header's name
)

// encode writes the answer as Lambda returns it to an HTTP API ("Lambda function response for format 2.0").
// An answer that Lambda would drop is replaced by a problem.
func (x *exchange) encode() []byte {
	x.paint()
	x.setHeaders()
	asText, size := bodyForm(x.buf.Bytes())
	out := x.appendAnswer(make([]byte, 0, size+headLen), asText)
	if len(out) > maxEvent {
		x.answer(tooLarge("The answer", x.tooLargeHint()))
		x.setHeaders()
		out = x.appendAnswer(out[:0], true)
	}
	return out
}

// paint makes a problem a page where its route has pages, for those who would rather have one.
func (x *exchange) paint() {
	if x.problem == nil || x.route == nil || x.route.Page == nil {
		return
	}
	header, _ := x.event.header("Accept")
	if best, _ := preferred(header, []string{mediaProblem, mediaHTML}); best != mediaHTML {
		return
	}
	page, policy := x.route.Page(x.problem.Document(x.requestID))
	x.buf.Reset()
	_, _ = x.Write(page) // a bytes.Buffer can't fail
	x.header.Set("Content-Type", mediaHTML+"; charset=utf-8")
	x.header.Set("Content-Security-Policy", policy)
	x.header.Set("Referrer-Policy", "no-referrer")
}

func (x *exchange) setHeaders() {
	fields := x.record.Fields()
	set := func(name, value string) {
		if value != "" {
			x.header.Set(name, value)
		}
	}
	set(HeaderRequestID, fields.RequestID)
	set(HeaderAWSRequestID, fields.AWSRequestID)
	set(HeaderCredentials, string(fields.Tier))
	x.header.Set("Cache-Control", cmpOr(x.header.Get("Cache-Control"), "no-store"))
	x.header.Set("X-Content-Type-Options", "nosniff")
	if x.route != nil && len(x.route.Produces) > 0 {
		x.header.Set("Vary", "Accept")
	}
}

func cmpOr(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

func (x *exchange) appendAnswer(out []byte, asText bool) []byte {
	out = append(out, `{"statusCode":`...)
	out = strconv.AppendInt(out, int64(x.status), 10)
	out = append(out, `,"headers":{`...)
	out = appendHeaders(out, x.header)
	out = append(out, '}')
	if cookies := x.header["Set-Cookie"]; len(cookies) > 0 {
		out = append(out, `,"cookies":[`...)
		for i, cookie := range cookies {
			if i > 0 {
				out = append(out, ',')
			}
			out, _ = jsontext.AppendQuote(out, cookie)
		}
		out = append(out, ']')
	}
	out = appendBody(out, x.buf.Bytes(), asText)
	return append(out, '}')
}

// appendHeaders writes headers in order of their names, so that equal answers are equal bytes.
func appendHeaders(out []byte, header http.Header) []byte {
	var list [16]string
	names := list[:0]
	for name := range header {
		if name != "Set-Cookie" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for i, name := range names {
		if i > 0 {
			out = append(out, ',')
		}
		out, _ = jsontext.AppendQuote(out, name)
		out = append(out, ':')
		out, _ = jsontext.AppendQuote(out, joined(header[name]))
	}
	return out
}

func joined(values []string) string {
	if len(values) == 1 {
		return values[0]
	}
	return strings.Join(values, ",")
}

// smallText stays readable for people who look at events, whatever is shorter.
const smallText = 16 << 10

// headLen is more than an answer has around its body, as a rule.
const headLen = 1024

// bodyForm says how a body is sent, and how long it is then: as a JSON string or in base64, whichever is shorter, because a text
// of control characters grows six times when it is escaped (trap 18). The length of a small text is an estimate.
func bodyForm(body []byte) (asText bool, size int) {
	size = base64.StdEncoding.EncodedLen(len(body))
	if !utf8.Valid(body) {
		return false, size
	}
	if len(body) <= smallText {
		return true, len(body) + len(body)/8
	}
	if escaped := escapedLen(body); escaped <= size {
		return true, escaped
	}
	return false, size
}

func appendBody(out, body []byte, asText bool) []byte {
	if asText {
		out = append(out, `,"isBase64Encoded":false,"body":`...)
		return appendString(out, body)
	}
	out = append(out, `,"isBase64Encoded":true,"body":"`...)
	return append(base64.StdEncoding.AppendEncode(out, body), '"')
}

// escapes says how many bytes a byte of UTF-8 text adds when a JSON string escapes it (RFC 8259 section 7).
var escapes = func() (add [256]byte) {
	for c := range 0x20 {
		add[c] = 5
	}
	for _, c := range "\b\f\n\r\t\"\\" {
		add[c] = 1
	}
	return add
}()

func escapedLen(text []byte) int {
	n := len(text)
	for _, c := range text {
		n += int(escapes[c])
	}
	return n
}

const hex = "0123456789abcdef"

// appendString writes valid UTF-8 as a JSON string. It copies runs, because most text has few escapes.
func appendString(out, text []byte) []byte {
	out = append(out, '"')
	start := 0
	for i, c := range text {
		if escapes[c] == 0 {
			continue
		}
		out = append(out, text[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\b':
			out = append(out, `\b`...)
		case '\f':
			out = append(out, `\f`...)
		case '\n':
			out = append(out, `\n`...)
		case '\r':
			out = append(out, `\r`...)
		case '\t':
			out = append(out, `\t`...)
		default:
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	out = append(out, text[start:]...)
	return append(out, '"')
}
