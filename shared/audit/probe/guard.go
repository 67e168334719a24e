package probe

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// ErrEndpoint is what a writing probe ends with that would go elsewhere than to AWS or the local AWS. It never goes out.
var ErrEndpoint = errors.New("probe: the endpoint is neither AWS nor the local AWS")

// guard stands at the end of a call's stack, where the address is what the request really goes to, however it was configured.
type guard struct {
	local string // host of the local AWS, with its port; "" if there is none
}

func newGuard(local string) guard {
	u, err := url.Parse(local)
	if err != nil {
		return guard{}
	}
	return guard{local: u.Host}
}

// add puts the guard into a call's stack.
func (g guard) add(stack *middleware.Stack) error { return stack.Finalize.Add(g, middleware.After) }

// ID names the guard in the stack.
func (guard) ID() string { return "ArngateProbeEndpoint" }

// HandleFinalize sends the request on if it goes to AWS or the local AWS, else returns [ErrEndpoint].
func (g guard) HandleFinalize(
	ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
) (middleware.FinalizeOutput, middleware.Metadata, error) {
	request, ok := in.Request.(*smithyhttp.Request)
	if !ok || !g.trusts(request.URL) {
		return middleware.FinalizeOutput{}, middleware.Metadata{}, ErrEndpoint
	}
	return next.HandleFinalize(ctx, in)
}

func (g guard) trusts(u *url.URL) bool {
	if g.local != "" && u.Host == g.local {
		return true
	}
	return u.Scheme == "https" && isAWS(u.Hostname())
}

// isAWS reports whether a host is one of AWS's, in any partition.
func isAWS(host string) bool {
	for _, domain := range [...]string{
		"amazonaws.com", "amazonaws.com.cn", "amazonaws.eu", "api.aws", "api.amazonwebservices.com.cn", "api.amazonwebservices.eu",
		"c2s.ic.gov", "sc2s.sgov.gov", "csp.hci.ic.gov", "cloud.adc-e.uk",
	} {
		if strings.HasSuffix(host, "."+domain) {
			return true
		}
	}
	return false
}
