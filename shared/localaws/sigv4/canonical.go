package sigv4

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// canonicalRequest is the text whose hash is signed.
func (s *Signed) canonicalRequest(r *http.Request, payloadHash string) string {
	return strings.Join([]string{
		r.Method,
		s.canonicalPath(r.URL),
		canonicalQuery(r.URL.RawQuery, s.Presigned),
		s.canonicalHeaders(r),
		strings.Join(s.headers, ";"),
		payloadHash,
	}, "\n")
}

// canonicalPath is the path encoded once and as it is for S3, whose keys may hold "..", and normalized
// and encoded twice for every other service.
func (s *Signed) canonicalPath(u *url.URL) string {
	sent := u.EscapedPath()
	if sent == "" {
		return "/"
	}
	if s.Service == "s3" {
		decoded, err := url.PathUnescape(sent)
		if err != nil {
			return sent
		}
		return Escape(decoded, false)
	}
	return Escape(normalize(sent), false)
}

// normalize removes empty and dot segments (RFC 3986, section 6.2.2.3).
func normalize(path string) string {
	var out []string
	for segment := range strings.SplitSeq(path, "/") {
		switch segment {
		case "", ".":
		case "..":
			if len(out) > 0 {
				out = out[:len(out)-1]
			}
		default:
			out = append(out, segment)
		}
	}
	clean := "/" + strings.Join(out, "/")
	if clean != "/" && strings.HasSuffix(path, "/") {
		clean += "/"
	}
	return clean
}

// Escape percent-encodes every byte but the unreserved ones of RFC 3986, and the slash unless it is
// asked for, as AWS's UriEncode does.
func Escape(text string, slash bool) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if isUnreserved(c) || c == '/' && !slash {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
	return b.String()
}

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// parameter is one name and value of a query, decoded.
type parameter struct{ name, value string }

// parseRawQuery reads a query without net/url's refusal of semicolons. What cannot be decoded stays as
// it was sent.
func parseRawQuery(raw string) []parameter {
	var out []parameter
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		out = append(out, parameter{name: unescape(name), value: unescape(value)})
	}
	return out
}

func unescape(text string) string {
	decoded, err := url.QueryUnescape(text)
	if err != nil {
		return text
	}
	return decoded
}

// canonicalQuery sorts the parameters by their encoded names, then values. The signature itself is left
// out of a presigned request's.
func canonicalQuery(raw string, presigned bool) string {
	parameters := parseRawQuery(raw)
	encoded := make([]parameter, 0, len(parameters))
	for _, p := range parameters {
		if presigned && p.name == "X-Amz-Signature" {
			continue
		}
		encoded = append(encoded, parameter{name: Escape(p.name, true), value: Escape(p.value, true)})
	}
	slices.SortFunc(encoded, func(a, b parameter) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	pairs := make([]string, len(encoded))
	for i, p := range encoded {
		pairs[i] = p.name + "=" + p.value
	}
	return strings.Join(pairs, "&")
}

// canonicalHeaders lists the signed headers with their values, one to a line.
func (s *Signed) canonicalHeaders(r *http.Request) string {
	var b strings.Builder
	for _, name := range s.headers {
		b.WriteString(name)
		b.WriteByte(':')
		b.WriteString(canonicalValue(headerValues(r, name)))
		b.WriteByte('\n')
	}
	return b.String()
}

// headerValues finds a header where net/http has put it.
func headerValues(r *http.Request, name string) []string {
	switch name {
	case "host":
		return []string{r.Host}
	case "content-length":
		if r.ContentLength >= 0 {
			return []string{strconv.FormatInt(r.ContentLength, 10)}
		}
	case "transfer-encoding":
		return r.TransferEncoding
	}
	return r.Header.Values(name)
}

// canonicalValue joins values, trimmed and with runs of spaces made one.
func canonicalValue(values []string) string {
	clean := make([]string, len(values))
	for i, v := range values {
		v = strings.TrimSpace(v)
		for strings.Contains(v, "  ") {
			v = strings.ReplaceAll(v, "  ", " ")
		}
		clean[i] = v
	}
	return strings.Join(clean, ",")
}
