package localgateway

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// eventV2 is an event of payload format 2.0 ("Create AWS Lambda proxy integrations for HTTP APIs in API Gateway").
type eventV2 struct {
	Version         string            `json:"version"`
	RouteKey        string            `json:"routeKey"`
	RawPath         string            `json:"rawPath"`
	RawQueryString  string            `json:"rawQueryString"`
	Cookies         []string          `json:"cookies,omitempty"`
	Headers         map[string]string `json:"headers"`
	Query           map[string]string `json:"queryStringParameters,omitempty"`
	RequestContext  requestContext    `json:"requestContext"`
	Body            string            `json:"body,omitempty"`
	PathParameters  map[string]string `json:"pathParameters,omitempty"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

type requestContext struct {
	AccountID    string      `json:"accountId"`
	APIID        string      `json:"apiId"`
	Authorizer   *authorizer `json:"authorizer,omitempty"`
	DomainName   string      `json:"domainName"`
	DomainPrefix string      `json:"domainPrefix"`
	HTTP         httpContext `json:"http"`
	RequestID    string      `json:"requestId"`
	RouteKey     string      `json:"routeKey"`
	Stage        string      `json:"stage"`
	Time         string      `json:"time"`
	TimeEpoch    int64       `json:"timeEpoch"`
}

type authorizer struct {
	JWT jwtContext `json:"jwt"`
}

type jwtContext struct {
	Claims map[string]string `json:"claims"`
	Scopes []string          `json:"scopes"` // those that the route asks for; null, because no route does
}

type httpContext struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

// newEvent renders a request as the event that its function gets.
func newEvent(r *http.Request, id string, m match, t *token, body []byte) ([]byte, error) {
	now := time.Now().UTC()
	sourceIP, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		sourceIP = r.RemoteAddr
	}
	e := eventV2{
		Version: "2.0", RouteKey: m.route.key(), RawPath: r.URL.Path, RawQueryString: r.URL.RawQuery,
		Cookies: cookies(r.Header), Headers: headers(r, sourceIP, len(body)), Query: query(r.URL.RawQuery),
		PathParameters: m.parameters,
		RequestContext: requestContext{
			AccountID: "000000000000", APIID: "local", DomainName: r.Host, DomainPrefix: "local",
			HTTP: httpContext{
				Method: r.Method, Path: r.URL.Path, Protocol: r.Proto, SourceIP: sourceIP, UserAgent: r.UserAgent(),
			},
			RequestID: id, RouteKey: m.route.key(), Stage: "$default",
			Time: now.Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
		},
	}
	if t != nil {
		e.RequestContext.Authorizer = &authorizer{jwtContext{Claims: t.flattened()}}
	}
	e.setBody(r.Header, body)
	event, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("render event: %w", err)
	}
	return event, nil
}

// setBody passes text on as it is, and everything else in base64.
func (e *eventV2) setBody(h http.Header, body []byte) {
	if len(body) == 0 {
		return
	}
	if isText(h) && utf8.Valid(body) {
		e.Body = string(body)
		return
	}
	e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
}

func isText(h http.Header) bool {
	if h.Get("Content-Encoding") != "" {
		return false
	}
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return false
	}
	return strings.HasPrefix(media, "text/") || media == "application/json" ||
		media == "application/xml" || media == "application/javascript"
}

// headers are in lower case, repeated ones joined by commas; cookies have a place of their own.
func headers(r *http.Request, sourceIP string, size int) map[string]string {
	out := make(map[string]string, len(r.Header)+6)
	for name, values := range r.Header {
		if name != "Cookie" {
			out[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	out["host"] = r.Host
	out["content-length"] = fmt.Sprint(size)
	out["x-forwarded-for"] = join(out["x-forwarded-for"], sourceIP)
	out["x-forwarded-proto"] = "http"
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		out["x-forwarded-port"] = port
	}
	out["x-amzn-trace-id"] = "Root=1-" + hexOf(4) + "-" + hexOf(12)
	return out
}

func join(list, value string) string {
	if list == "" {
		return value
	}
	return list + ", " + value
}

func cookies(h http.Header) []string {
	var out []string
	for _, line := range h.Values("Cookie") {
		for cookie := range strings.SplitSeq(line, ";") {
			if cookie = strings.TrimSpace(cookie); cookie != "" {
				out = append(out, cookie)
			}
		}
	}
	return out
}

// query decodes parameters, repeated ones joined by commas. What can't be decoded is left out, as from rawQueryString it isn't.
func query(raw string) map[string]string {
	values, _ := url.ParseQuery(raw)
	out := make(map[string]string, len(values))
	for name, list := range values {
		out[name] = strings.Join(list, ",")
	}
	return out
}

// newRequestID has the length and letters of API Gateway's.
func newRequestID() string {
	b := make([]byte, 11)
	_, _ = rand.Read(b) // crypto/rand never fails
	return base64.RawURLEncoding.EncodeToString(b) + "="
}

func newUUID() string {
	return hexOf(4) + "-" + hexOf(2) + "-" + hexOf(2) + "-" + hexOf(2) + "-" + hexOf(6)
}

func hexOf(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // crypto/rand never fails
	return hex.EncodeToString(b)
}
