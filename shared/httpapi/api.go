// Package httpapi is the only way in: it turns an event of API Gateway's HTTP API into a typed operation
// of a function and its result, or problem, into the answer.
//
// What holds for every operation is decided here once: who is calling and with which scope, sizes and
// deadline, that unknown or duplicate fields and parameters are errors, that all faults of a request come in
// one answer and none repeats a value, which headers an answer carries, and what is logged.
//
// Routing, parameters and OpenAPI are huma's on the standard ServeMux; bodies are decoded once by this
// package, because huma would make float64 of numbers, take duplicate and case-varied names, and repeat
// values in its faults (trap 20).
package httpapi

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/telemetry"
)

// Limits of a request and an answer (api.md, "Conventions").
const (
	// MaxBody is the most a raw body may have, both ways: what Lambda's 6 MB leave after base64 or escaping.
	MaxBody = 4 << 20
	// maxEvent is the most Lambda takes as an answer. Beyond it Lambda drops the answer, and the client sees
	// a 500 of API Gateway's (trap 18).
	maxEvent = 6_291_556
	// defaultMargin is kept from Lambda's deadline, to answer in.
	defaultMargin = 500 * time.Millisecond
)

// Options are what [New] needs. Telemetry is required; the rest has defaults.
type Options struct {
	Telemetry *telemetry.Telemetry
	// Claims are the names of the token's claims.
	Claims caller.Claims
	// Margin is the time kept from the invocation's deadline for answering; 500 ms if zero.
	Margin time.Duration
	// Version is the version of the API in its OpenAPI document; "1" if empty.
	Version string
}

// API is the operations of one function, or of several for the OpenAPI document. Register operations first;
// from its first request on it is safe for concurrent use.
type API struct {
	telemetry *telemetry.Telemetry
	prover    *caller.Prover
	margin    time.Duration
	version   string
	mux       *http.ServeMux
	adapter   *httpadapter.HandlerAdapterV2
	routes    []*route
	scratches sync.Pool
}

// New makes an API without operations.
func New(o Options) *API {
	if o.Margin == 0 {
		o.Margin = defaultMargin
	}
	if o.Version == "" {
		o.Version = "1"
	}
	mux := http.NewServeMux()
	a := &API{telemetry: o.Telemetry, prover: caller.NewProver(o.Claims), margin: o.Margin, version: o.Version, mux: mux}
	a.scratches.New = func() any { return newScratch() }
	a.adapter = httpadapter.NewV2(http.HandlerFunc(a.serve))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { writeNotFound(w) })
	return a
}

// newHuma makes an API of huma's without operations.
func newHuma(mux humago.Mux, version string) humaAPI {
	return humaAPI{humago.New(mux, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI:    "3.1.0",
			Info:       &huma.Info{Title: "Arngate", Version: version},
			Components: &huma.Components{Schemas: newRegistry()},
		},
		Formats: map[string]huma.Format{mediaJSON: {Marshal: marshalWrite, Unmarshal: nil}},
	})}
}

// newRegistry makes a schema registry that names schemas by package and type, so that the functions' types
// can't collide in the one OpenAPI document, and takes [jsontext.Value] as any JSON.
func newRegistry() huma.Registry {
	registry := huma.NewMapRegistry("#/components/schemas/", schemaName)
	registry.RegisterTypeAlias(reflect.TypeFor[jsontext.Value](), reflect.TypeFor[rawMessage]())
	return registry
}

// Caller returns the verified caller of the request. Outside of an operation that isn't public it is the
// zero Caller, which is nobody.
func Caller(ctx context.Context) caller.Caller {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x.caller
	}
	return caller.Caller{}
}

// RequestID returns API Gateway's id of the request; empty outside of one.
func RequestID(ctx context.Context) string {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x.requestID
	}
	return ""
}

// Routes lists the route keys of the registered operations as API Gateway has them, such as "GET /v1/providers/{name}",
// sorted; those that need no token end in " (public)".
func (a *API) Routes() []string {
	keys := make([]string, 0, len(a.routes))
	for _, r := range a.routes {
		key := r.Method + " " + r.Path
		if r.Public {
			key += " (public)"
		}
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
