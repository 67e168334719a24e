package httpapi_test

import (
	"bytes"
	"context"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/telemetry"
)

// Headers whose names are the client's own come in, and go out; outside of a request there are none.
func TestHeadersOfTheClientsNaming(t *testing.T) {
	api := httpapi.New(httpapi.Options{Telemetry: telemetry.New(telemetry.Options{Out: &bytes.Buffer{}, Function: "test"})})
	var seen map[string]string
	httpapi.Register(api, httpapi.Operation{ID: "x", Method: http.MethodGet, Path: "/x"}, func(ctx context.Context, _ *struct{}) (*struct{}, error) {
		seen = httpapi.HeadersBelow(ctx, "X-Amz-Meta-")
		for name, value := range seen {
			httpapi.SetHeader(ctx, "X-Amz-Meta-"+name, value)
		}
		return &struct{}{}, nil
	})
	b := bench{api: api, logs: &bytes.Buffer{}}
	answer := b.do(t, request{method: http.MethodGet, path: "/x", header: map[string]string{"x-amz-meta-title": "Hello, world", "x-amz-meta-": "y", "x-amz-acl": "z"}})
	if diff := cmp.Diff(map[string]string{"title": "Hello, world"}, seen); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if got, want := answer.Headers["X-Amz-Meta-Title"], "Hello, world"; got != want {
		t.Errorf("the answer has %q, want %q", got, want)
	}
	if got := httpapi.HeadersBelow(context.Background(), "X-"); got != nil {
		t.Errorf("outside of a request there is %v", got)
	}
	httpapi.SetHeader(context.Background(), "X-A", "b")
}
