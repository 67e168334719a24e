package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// adapterEvent is the part of the event that go-api-proxy gets right. Its path is always one that parses
// (trap 15), and it gets no headers, which it would split at commas, and no body, which we have decoded
// already: path, headers, query and remote address are put into its request by [exchange.complete] (trap 17).
func (e *event) adapterEvent() events.APIGatewayV2HTTPRequest {
	var out events.APIGatewayV2HTTPRequest
	out.Version = "2.0"
	out.RawPath = "/"
	out.RequestContext.RequestID = e.requestID
	out.RequestContext.HTTP.Method = e.method
	out.RequestContext.HTTP.SourceIP = e.sourceIP
	return out
}

// complete gives the adapter's request what the event says.
func (x *exchange) complete(r *http.Request, path url.URL) {
	e := &x.event
	path.Scheme, path.RawQuery = "https", e.rawQuery
	path.Host, _ = e.header("Host")
	r.URL, r.Host, r.RequestURI = &path, path.Host, ""
	r.RemoteAddr = remoteAddr(e.sourceIP)
	r.Body, r.ContentLength = http.NoBody, int64(len(x.body))
	values := make([]string, len(e.headers)+1) // one allocation for all values
	for i, h := range e.headers {
		if foreign(h.name) {
			continue
		}
		values[i] = h.value
		r.Header[h.name] = values[i : i+1 : i+1]
	}
	if len(e.cookies) > 0 {
		values[len(e.headers)] = strings.Join(e.cookies, "; ")
		r.Header["Cookie"] = values[len(e.headers):]
	}
}

// foreign headers are those by which a client could pose as the gateway or as Lambda to code that reads the
// request's context from headers (trap 17).
func foreign(name string) bool {
	return strings.HasPrefix(name, "X-Golambdaproxy-") || strings.HasPrefix(name, "X-Apigateway-") ||
		strings.HasPrefix(name, "X-Amzn-")
}

// remoteAddr has the form that net/http promises, with a port.
func remoteAddr(ip string) string {
	if strings.Contains(ip, ":") {
		return "[" + ip + "]:0"
	}
	return ip + ":0"
}

// path returns the path to route by, or false where no operation can be meant.
//
// API Gateway has decoded rawPath: `%2F` reads like a slash, and a path may hold `%`, `?` or `..` as they are (trap 15). Where the
// route and its parameters, which are decoded one by one, make up rawPath, the path is put together from
// those, so that a parameter stays in its segment; else rawPath is split as it is. Every segment is escaped again, dots too,
// so that ServeMux finds nothing to redirect (trap 16).
func (e *event) path() (url.URL, bool) {
	if plainPath(e.rawPath) && !slices.ContainsFunc(e.pathParameters, pair.hasSlash) {
		return url.URL{Path: e.rawPath}, true
	}
	segments, ok := e.segments()
	if !ok {
		return url.URL{}, false
	}
	var decoded, escaped strings.Builder
	for _, segment := range segments {
		if segment == "" {
			return url.URL{}, false
		}
		decoded.WriteString("/" + segment)
		escaped.WriteString("/" + escapeSegment(segment))
	}
	return url.URL{Path: decoded.String(), RawPath: escaped.String()}, true
}

func (p pair) hasSlash() bool { return strings.Contains(p.value, "/") }

// plainPath is true for nearly every path: its segments are names that need no escaping.
func plainPath(path string) bool {
	if len(path) < 2 || path[len(path)-1] == '/' {
		return false
	}
	previous := byte(0)
	for i := range len(path) {
		c := path[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		case c == '/' && previous != '/':
		case c == '.' && previous != '/' && previous != '.':
		default:
			return false
		}
		previous = c
	}
	return true
}

func escapeSegment(segment string) string {
	if segment == "." || segment == ".." {
		return strings.ReplaceAll(segment, ".", "%2E")
	}
	return url.PathEscape(segment)
}

// segments splits the path by its route key where that explains it, else at its slashes.
func (e *event) segments() ([]string, bool) {
	if !strings.HasPrefix(e.rawPath, "/") {
		return nil, false
	}
	if _, template, ok := strings.Cut(e.routeKey, " /"); ok && len(e.pathParameters) > 0 {
		segments := strings.Split(template, "/")
		for i, segment := range segments {
			if name, ok := strings.CutPrefix(segment, "{"); ok {
				segments[i] = e.pathParameter(strings.TrimSuffix(name, "}"))
			}
		}
		if "/"+strings.Join(segments, "/") == e.rawPath {
			return segments, true
		}
	}
	return strings.Split(e.rawPath[1:], "/"), true
}

func (e *event) pathParameter(name string) string {
	for _, p := range e.pathParameters {
		if p.name == name {
			return p.value
		}
	}
	return ""
}
