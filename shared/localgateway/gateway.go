// Package localgateway is an API Gateway HTTP API on loopback, as honest as it can be: HTTP requests become
// events in payload format 2.0, as JSON, for the very handlers that Lambda runs, and their answers HTTP again.
// Tokens are verified, limits hold, and what API Gateway answers by itself is answered here in the same words.
//
// It is for development and tests and never part of what ships.
package localgateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Limits of an HTTP API and of Lambda ("Quotas for configuring and running an HTTP API in API Gateway",
// "Lambda quotas").
const (
	maxPayload    = 10 << 20         // body of a request
	maxHead       = 10_240           // request line and headers together
	maxInvocation = 6_291_456        // event of an invocation
	maxAnswer     = 6_291_556        // answer of an invocation
	maxTime       = 30 * time.Second // integration timeout
)

// functionTime is the timeout of a function that has none of its own.
const functionTime = 29 * time.Second

// Options describe the API. Hosts, Routes and Functions are required, an Authorizer too unless all routes are public.
type Options struct {
	// Hosts are the values of the Host header that are served: the listen address. A page in a browser that
	// had another name resolve to loopback gets nowhere.
	Hosts []string
	// Routes of the template.
	Routes []Route
	// Functions by the name that routes give.
	Functions map[string]lambda.Handler
	// Authorizer verifies the tokens of routes that aren't public.
	Authorizer *Authorizer
	// CORS of the HTTP API; nil: none.
	CORS *CORS
	// Throttle of the stage; the zero value lets everything through.
	Throttle Throttle
	// Timeouts of functions, by which Lambda ends them; of one that isn't named, 29 s.
	Timeouts map[string]time.Duration
	// Log takes a line per request, as access logs have it: route key, never path or query. Discarded if nil.
	Log *slog.Logger
}

// Gateway is the HTTP API. Safe for concurrent use.
type Gateway struct {
	hosts      map[string]bool
	routes     routes
	functions  atomic.Pointer[map[string]lambda.Handler]
	authorizer *Authorizer
	cors       *CORS
	throttle   *bucket
	timeouts   map[string]time.Duration
	log        *slog.Logger
	running    sync.WaitGroup
}

// New makes a Gateway. It fails where a route names a function or needs an authorizer that isn't there.
func New(o Options) (*Gateway, error) {
	routes, err := newRoutes(o.Routes)
	if err != nil {
		return nil, err
	}
	for _, r := range o.Routes {
		if _, ok := o.Functions[r.Function]; !ok {
			return nil, fmt.Errorf("make gateway: route %s names the function %q, which isn't there", r.key(), r.Function)
		}
		if !r.Public && o.Authorizer == nil {
			return nil, fmt.Errorf("make gateway: route %s needs an authorizer", r.key())
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	g := &Gateway{
		hosts: map[string]bool{}, routes: routes, authorizer: o.Authorizer, cors: o.CORS,
		throttle: newBucket(o.Throttle), timeouts: o.Timeouts, log: o.Log,
	}
	for _, host := range o.Hosts {
		g.hosts[host] = true
	}
	g.Recycle(o.Functions)
	return g, nil
}

// Recycle replaces the functions for requests to come, as Lambda does with new instances: what the old ones kept in
// memory is gone. Requests under way end on the old ones.
func (g *Gateway) Recycle(functions map[string]lambda.Handler) { g.functions.Store(&functions) }

// Wait returns when no function is running any more. One whose answer API Gateway no longer waited for may
// run on, as it does in Lambda.
func (g *Gateway) Wait() { g.running.Wait() }

// ServeHTTP answers one request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	x := &exchange{gateway: g, w: w, r: r, id: newRequestID(), routeKey: "-"}
	x.serve(r.Context())
	g.log.LogAttrs(r.Context(), slog.LevelInfo, "access", slog.String("request_id", x.id),
		slog.String("route_key", x.routeKey), slog.Int("status", x.status), slog.Duration("latency", time.Since(start)))
}

// exchange is one request and its answer.
type exchange struct {
	gateway  *Gateway
	w        http.ResponseWriter
	r        *http.Request
	id       string
	routeKey string
	status   int
}

func (x *exchange) serve(ctx context.Context) {
	g := x.gateway
	x.w.Header().Set("Apigw-Requestid", x.id)
	if !g.hosts[x.r.Host] {
		x.message(http.StatusMisdirectedRequest, "Misdirected Request: the Host header must be the address that this gateway listens on")
		return
	}
	if headSize(x.r) > maxHead {
		x.message(http.StatusRequestHeaderFieldsTooLarge, "Request Header Fields Too Large")
		return
	}
	if g.cors != nil {
		if g.cors.preflight(x) {
			return
		}
		g.cors.setHeaders(x.w.Header(), x.r.Header.Get("Origin"))
	}
	matched, ok := g.routes.match(x.r.Method, x.r.URL.EscapedPath())
	if !ok {
		x.message(http.StatusNotFound, "Not Found")
		return
	}
	x.routeKey = matched.route.key()
	if !g.throttle.take(time.Now()) {
		x.message(http.StatusTooManyRequests, "Too Many Requests")
		return
	}
	var token *token
	if !matched.route.Public {
		var refusal string
		if token, refusal = g.authorizer.authorize(x.r); token == nil {
			x.w.Header().Set("Www-Authenticate", refusal)
			x.message(http.StatusUnauthorized, "Unauthorized")
			return
		}
	}
	x.invoke(ctx, matched, token)
}

func (x *exchange) invoke(ctx context.Context, m match, t *token) {
	body, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, maxPayload))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			x.message(http.StatusRequestEntityTooLarge, "Request Entity Too Large")
			return
		}
		x.message(http.StatusBadRequest, "Bad Request")
		return
	}
	event, err := newEvent(x.r, x.id, m, t, body)
	if err != nil {
		x.message(http.StatusInternalServerError, "Internal Server Error")
		return
	}
	if len(event) > maxInvocation {
		x.message(http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	}
	answer, err := x.gateway.call(ctx, m.route.Function, x.id, event)
	switch {
	case errors.Is(err, errTimeout):
		x.message(http.StatusServiceUnavailable, "Service Unavailable")
	case err != nil || len(answer) > maxAnswer:
		x.message(http.StatusInternalServerError, "Internal Server Error")
	default:
		x.respond(answer)
	}
}

var (
	errTimeout  = errors.New("the integration took too long") // API Gateway no longer waited
	errTimedOut = errors.New("the function timed out")        // Lambda ended it
)

type result struct {
	answer []byte
	err    error
}

// call runs the function. It waits for the function's timeout or that of the integration, whichever is earlier. The function may
// run on: Lambda would end the one that has timed out.
func (g *Gateway) call(ctx context.Context, function, requestID string, event []byte) ([]byte, error) {
	handler := (*g.functions.Load())[function]
	if handler == nil {
		return nil, fmt.Errorf("invoke function %q: it isn't there", function)
	}
	ctx = lambdacontext.NewContext(context.WithoutCancel(ctx), &lambdacontext.LambdaContext{AwsRequestID: newUUID()})
	allowed, late := maxTime, errTimeout
	timeout, known := g.timeouts[function]
	if !known {
		timeout = functionTime
	}
	if timeout < allowed {
		allowed, late = timeout, errTimedOut
	}
	done := make(chan result, 1)
	g.running.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		answer, err := invoke(ctx, handler, event)
		if err != nil {
			g.log.LogAttrs(ctx, slog.LevelError, "function failed", slog.String("request_id", requestID),
				slog.String("function", function), slog.String("error", err.Error()))
		}
		done <- result{answer, err}
	})
	timer := time.NewTimer(allowed)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.answer, r.err
	case <-timer.C:
		return nil, late
	}
}

// invoke turns a panic into a failed invocation: Lambda would lose that one instance, not the gateway.
func invoke(ctx context.Context, h lambda.Handler, event []byte) (answer []byte, err error) {
	defer func() {
		if caught := recover(); caught != nil {
			answer, err = nil, fmt.Errorf("function panicked: %v", caught)
		}
	}()
	return h.Invoke(ctx, event)
}

// headSize is the size of request line and headers as they came over the wire, near enough.
func headSize(r *http.Request) int {
	size := len(r.Method) + len(r.RequestURI) + len(r.Proto) + len("  \r\n") + len("Host: \r\n") + len(r.Host)
	for name, values := range r.Header {
		for _, value := range values {
			size += len(name) + len(value) + len(": \r\n")
		}
	}
	return size
}
