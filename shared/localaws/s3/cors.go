package s3

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// maxCORSRules is how many rules a bucket can have ("Elements of a CORS configuration").
const maxCORSRules = 100

// corsRule lets pages of some origins call a bucket.
type corsRule struct {
	ID      string   `xml:"ID"`
	Headers []string `xml:"AllowedHeader"` // one * at most in each, as in origins
	Methods []string `xml:"AllowedMethod"`
	Origins []string `xml:"AllowedOrigin"`
	Expose  []string `xml:"ExposeHeader"`
	MaxAge  int      `xml:"MaxAgeSeconds"`
}

func (s *Service) putCORS(w http.ResponseWriter, r *request) error {
	var body struct {
		XMLName xml.Name   `xml:"CORSConfiguration"`
		Rules   []corsRule `xml:"CORSRule"`
	}
	if err := r.digestedXML(&body); err != nil {
		return err
	}
	if len(body.Rules) == 0 || len(body.Rules) > maxCORSRules {
		return malformedXML()
	}
	for _, rule := range body.Rules {
		if err := rule.check(); err != nil {
			return err
		}
	}
	return s.change(w, r, http.StatusOK, func(b *bucket) { b.cors = body.Rules })
}

// corsMethods are those that a rule may allow.
var corsMethods = []string{"GET", "PUT", "HEAD", "POST", "DELETE"}

func (c corsRule) check() error {
	if len(c.Methods) == 0 || len(c.Origins) == 0 {
		return malformedXML()
	}
	for _, method := range c.Methods {
		if !slices.Contains(corsMethods, method) {
			return invalidRequest("Found unsupported HTTP method in CORS config. Unsupported method is %s", method)
		}
	}
	for _, pattern := range slices.Concat(c.Origins, c.Headers) {
		if strings.Count(pattern, "*") > 1 {
			return invalidRequest(`AllowedOrigin "%s" can not have more than one wildcard.`, pattern)
		}
	}
	return nil
}

func (s *Service) getCORS(w http.ResponseWriter, r *request) error {
	var rules []corsRule
	if err := s.view(r, func(b *bucket) { rules = b.cors }); err != nil {
		return err
	}
	if rules == nil {
		return protocol.NewError(http.StatusNotFound, "NoSuchCORSConfiguration", "The CORS configuration does not exist").
			With("BucketName", r.bucket)
	}
	x := newDocument("CORSConfiguration")
	for _, rule := range rules {
		end := x.start("CORSRule")
		x.optional("ID", rule.ID)
		x.list("AllowedMethod", rule.Methods)
		x.list("AllowedOrigin", rule.Origins)
		x.list("AllowedHeader", rule.Headers)
		x.list("ExposeHeader", rule.Expose)
		if rule.MaxAge > 0 {
			x.number("MaxAgeSeconds", int64(rule.MaxAge))
		}
		end()
	}
	return x.write(w)
}

func (x *document) list(name string, values []string) {
	for _, value := range values {
		x.element(name, value)
	}
}

func (s *Service) deleteCORS(w http.ResponseWriter, r *request) error {
	return s.change(w, r, http.StatusNoContent, func(b *bucket) { b.cors = nil })
}

// allows says whether the rule lets a page of this origin send a request with this method and these headers.
func (c corsRule) allows(origin, method string, requested []string) bool {
	if !slices.Contains(c.Methods, method) || c.origin(origin) == "" {
		return false
	}
	for _, name := range requested {
		if !slices.ContainsFunc(c.Headers, func(pattern string) bool { return like(strings.ToLower(pattern), name) }) {
			return false
		}
	}
	return true
}

// origin is the origin that the answer names: a lone * stays one; empty if the rule doesn't match.
func (c corsRule) origin(origin string) string {
	for _, pattern := range c.Origins {
		switch {
		case pattern == "*":
			return "*"
		case like(pattern, origin):
			return origin
		}
	}
	return ""
}

// like matches text against a pattern with at most one wildcard.
func like(pattern, text string) bool {
	before, after, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == text
	}
	return len(text) >= len(before)+len(after) && strings.HasPrefix(text, before) && strings.HasSuffix(text, after)
}

// allowOrigin sets the CORS headers of a call that a page made, whatever is answered.
func allowOrigin(r *request, rules []corsRule) {
	h := r.call.Request.Header
	origin, method, requested := h.Get("Origin"), r.call.Request.Method, []string(nil)
	if method == http.MethodOptions {
		method, requested = h.Get("Access-Control-Request-Method"), requestedHeaders(h)
	}
	i := slices.IndexFunc(rules, func(c corsRule) bool { return c.allows(origin, method, requested) })
	if origin == "" || i < 0 {
		return
	}
	rule := rules[i]
	allowed := rule.origin(origin)
	r.addHeader("Access-Control-Allow-Origin", allowed)
	if allowed != "*" {
		r.addHeader("Access-Control-Allow-Credentials", "true")
	}
	r.addHeader("Access-Control-Allow-Methods", strings.Join(rule.Methods, ", "))
	if len(requested) > 0 {
		r.addHeader("Access-Control-Allow-Headers", strings.Join(requested, ", "))
	}
	if len(rule.Expose) > 0 {
		r.addHeader("Access-Control-Expose-Headers", strings.Join(rule.Expose, ", "))
	}
	if rule.MaxAge > 0 {
		r.addHeader("Access-Control-Max-Age", strconv.Itoa(rule.MaxAge))
	}
	r.addHeader("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method")
}

func requestedHeaders(h http.Header) []string {
	var names []string
	for name := range strings.SplitSeq(h.Get("Access-Control-Request-Headers"), ",") {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// preflight answers OPTIONS, which needs no permission. The headers have been set when the bucket was placed.
func (s *Service) preflight(w http.ResponseWriter, r *request) error {
	h := r.call.Request.Header
	method := h.Get("Access-Control-Request-Method")
	switch {
	case h.Get("Origin") == "":
		return protocol.NewError(http.StatusBadRequest, "BadRequest", "Insufficient information. Origin request header needed.")
	case !slices.Contains(corsMethods, method):
		return protocol.NewError(http.StatusBadRequest, "BadRequest", "Invalid Access-Control-Request-Method: %s", method)
	case r.call.Header.Get("Access-Control-Allow-Origin") == "":
		return s.forbidden(r, method)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Service) forbidden(r *request, method string) error {
	message := "CORSResponse: This CORS request is not allowed. This is usually because the evaluation of Origin, " +
		"request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted " +
		"by the resource's CORS spec."
	err := s.view(r, func(b *bucket) {
		if b.cors == nil {
			message = "CORSResponse: CORS is not enabled for this bucket."
		}
	})
	if err != nil {
		return err
	}
	return protocol.NewError(http.StatusForbidden, "AccessForbidden", "%s", message).
		With("Method", method).With("ResourceType", resourceType(r))
}
