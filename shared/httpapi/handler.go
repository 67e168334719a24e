package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/telemetry"
)

// Handler returns the API as Lambda runs it. Its answers are always answers of an HTTP API: what fails is a
// problem, never an error of the invocation.
func (a *API) Handler() lambda.Handler { return handler{a} }

type handler struct{ api *API }

// Invoke answers one event.
func (h handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	start := time.Now()
	kept, _ := h.api.scratches.Get().(*scratch)
	x := &exchange{api: h.api, scratch: kept}
	err := x.event.read(payload)
	x.requestID = x.event.requestID
	x.record = h.api.telemetry.Begin(x.requestID, lambdaRequestID(ctx))
	var stack []byte
	if err != nil {
		x.answer(internal(fmt.Errorf("read event: %w", err)))
	} else {
		stack = x.run(ctx)
	}
	out := x.encode()
	h.api.telemetry.Done(ctx, x.record, x.outcome(time.Since(start), stack))
	kept.reset()
	h.api.scratches.Put(kept)
	return out, nil
}

func lambdaRequestID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	return ""
}

// run carries the request through adapter, routing and operation. A panic becomes a problem; its stack is
// returned for the log.
func (x *exchange) run(ctx context.Context) (stack []byte) {
	defer func() {
		if caught := recover(); caught != nil {
			stack = debug.Stack()
			x.answer(internal(panicError(caught)))
		}
	}()
	if x.event.bodySize() > MaxBody {
		x.answer(tooLarge("The request's body", "Upload it straight to S3: POST /v1/s3/{connection}/buckets/{bucket}/uploads gives a presigned request."))
		return nil
	}
	body, err := x.event.readBody()
	if err != nil {
		x.answer(problem.Wrap(problem.InvalidJSON, "The body can't be read.", err))
		return nil
	}
	x.body = body
	ctx, cancel := x.api.withDeadline(ctx)
	defer cancel()
	ctx = context.WithValue(telemetry.NewContext(ctx, x.record), exchangeKey{}, x)
	if _, err := x.api.adapter.ProxyWithContext(ctx, x.event.adapterEvent()); err != nil {
		x.answer(internal(fmt.Errorf("proxy event: %w", err)))
	}
	return nil
}

// panicError keeps the kind of a panic for the log. It never reaches the client.
func panicError(caught any) error {
	if err, ok := caught.(error); ok {
		return fmt.Errorf("panic: %w", err)
	}
	return fmt.Errorf("panic: %v", caught)
}

func (a *API) withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-a.margin))
}

// serve is the HTTP handler behind the adapter. What it writes goes to the exchange: the adapter's own
// writer base64-encodes only what isn't UTF-8, however long JSON escaping makes it (trap 18).
func (a *API) serve(w http.ResponseWriter, r *http.Request) {
	x := exchangeOf(r.Context())
	path, ok := x.event.path()
	if !ok || r.Method == http.MethodHead {
		writeNotFound(x)
	} else {
		x.complete(r, path)
		a.mux.ServeHTTP(x, r)
	}
	if x.buf.Len() > MaxBody {
		x.answer(tooLarge("The answer's body", x.tooLargeHint()))
	}
	x.WriteHeader(http.StatusOK)
	w.WriteHeader(x.status)
}

// writeNotFound answers what API Gateway itself answers where there is no route. A function sees such a
// request only if template and code differ, or a client encoded a path in an odd way.
func writeNotFound(w http.ResponseWriter) {
	w.Header().Set("Content-Type", mediaJSON)
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte(`{"message":"Not Found"}`))
}

func tooLarge(what, hint string) *problem.Error {
	return problem.New(problem.PayloadTooLarge, what+" is over 4 MiB.").WithHint(hint)
}

// tooLargeHint is the operation's own, or the way out for all of S3.
func (x *exchange) tooLargeHint() string {
	if x.route != nil && x.route.TooLarge != "" {
		return x.route.TooLarge
	}
	return "Ask for less at a time, or download straight from S3: POST /v1/s3/{connection}/downloads gives presigned URLs."
}

func (x *exchange) outcome(took time.Duration, stack []byte) telemetry.Outcome {
	o := telemetry.Outcome{Status: x.status, Duration: took, Stack: stack}
	if p := x.problem; p != nil {
		o.Problem, o.Cause = string(p.Code), loggable(p)
	}
	return o
}

// loggable is the cause of a problem without what the caller sent: AWS's messages repeat values of items, and
// a failed request's URL holds keys. Of an answer of AWS's the codes are logged.
func loggable(p *problem.Error) error {
	if p.AWS != nil {
		return fmt.Errorf("%s %s: %d %s", p.AWS.Service, p.AWS.Operation, p.AWS.Status, p.AWS.Code)
	}
	if failed, ok := errors.AsType[*url.Error](p.Cause); ok {
		return fmt.Errorf("%s: %w", failed.Op, failed.Err)
	}
	return p.Cause
}
