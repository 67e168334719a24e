package localgateway

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// CORS is the configuration of an HTTP API ("Configure CORS for HTTP APIs in API Gateway"). API Gateway answers
// preflights by itself, without an authorizer, and sets the headers of every answer. Credentials are never allowed.
type CORS struct {
	AllowOrigins  []string // "*" allows all
	AllowMethods  []string
	AllowHeaders  []string
	ExposeHeaders []string
	MaxAge        time.Duration
}

// preflight answers a preflight and says that it did.
func (c *CORS) preflight(x *exchange) bool {
	origin := x.r.Header.Get("Origin")
	if x.r.Method != http.MethodOptions || origin == "" || x.r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	if c.allows(origin) {
		header := x.w.Header()
		c.setHeaders(header, origin)
		header.Del("Access-Control-Expose-Headers")
		header.Set("Access-Control-Allow-Methods", strings.Join(c.AllowMethods, ","))
		header.Set("Access-Control-Allow-Headers", strings.Join(c.AllowHeaders, ","))
		if c.MaxAge > 0 {
			header.Set("Access-Control-Max-Age", strconv.Itoa(int(c.MaxAge.Seconds())))
		}
	}
	x.write(http.StatusNoContent, nil)
	return true
}

// setHeaders lets a page of an allowed origin read the answer.
func (c *CORS) setHeaders(header http.Header, origin string) {
	if origin == "" || !c.allows(origin) {
		return
	}
	if slices.Contains(c.AllowOrigins, "*") {
		header.Set("Access-Control-Allow-Origin", "*")
	} else {
		header.Set("Access-Control-Allow-Origin", origin)
		header.Set("Vary", "Origin")
	}
	if len(c.ExposeHeaders) > 0 {
		header.Set("Access-Control-Expose-Headers", strings.Join(c.ExposeHeaders, ","))
	}
}

func (c *CORS) allows(origin string) bool {
	return slices.Contains(c.AllowOrigins, "*") || slices.Contains(c.AllowOrigins, origin)
}
