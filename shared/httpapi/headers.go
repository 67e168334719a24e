package httpapi

import (
	"context"
	"strings"
)

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
