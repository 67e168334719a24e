package httpapi

import (
	"context"
	"net/netip"
	"net/url"
	"strings"
)

// URL returns the address at which a client reaches path of this API: the domain by which API Gateway was reached, which is not
// for the client to say, and HTTPS, but HTTP on this machine's own addresses. Only the path, if the domain isn't known.
func URL(ctx context.Context, path string) string {
	u := url.URL{Path: path}
	if x := exchangeOf(ctx); x != nil && x.event.domain != "" {
		u.Scheme, u.Host = "https", x.event.domain
		if loopback(u.Hostname()) {
			u.Scheme = "http"
		}
	}
	return u.String()
}

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// HeadersBelow returns the request's headers whose names begin with prefix, which is in canonical form ("X-Amz-Meta-"): what
// an operation takes whose headers' names are the client's own. Names are in lower case and without the prefix; nil if
// there are none. Repeated headers are one value, joined by commas.
func HeadersBelow(ctx context.Context, prefix string) map[string]string {
	x := exchangeOf(ctx)
	if x == nil {
		return nil
	}
	var below map[string]string
	for _, h := range x.event.headers {
		name, ok := strings.CutPrefix(h.name, prefix)
		if !ok || name == "" {
			continue
		}
		if below == nil {
			below = map[string]string{}
		}
		below[strings.ToLower(name)] = h.value
	}
	return below
}

// SetHeader sets a header of the answer, for an operation whose headers' names are not its own; see [HeadersBelow]. One that succeeds
// sets them, last of all: a problem would be sent with them.
func SetHeader(ctx context.Context, name, value string) {
	if x := exchangeOf(ctx); x != nil {
		x.header.Set(name, value)
	}
}
