package httpapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/telemetry"
)

const (
	mediaJSON    = "application/json"
	mediaProblem = "application/problem+json"
	mediaHTML    = "text/html"
	mediaBytes   = "application/octet-stream"
	mediaAny     = "*/*"
)

// exchange is one request and its answer. It is the ResponseWriter that handlers write to.
//
// It is never used again: a context that outlives its request, as shared work's does, must not come to show
// another caller. Only the scratch is.
type exchange struct {
	api       *API
	requestID string
	caller    caller.Caller
	record    *telemetry.Record
	route     *route         // that answers; nil until one does
	accepted  string         // of the route's media types, the answer's
	problem   *problem.Error // what was answered; nil: no problem
	body      []byte         // of the request, decoded
	status    int
	*scratch
}

// scratch is what a request needs only until it is answered.
type scratch struct {
	event  event
	header http.Header
	buf    bytes.Buffer
}

func newScratch() *scratch { return &scratch{header: make(http.Header, 8)} }

// maxKept is the size of a buffer that is still worth keeping for the next request.
const maxKept = 1 << 20

// reset lets go of the request and keeps what the next one can use.
func (s *scratch) reset() {
	clear(s.header)
	if s.buf.Reset(); s.buf.Cap() > maxKept {
		s.buf = bytes.Buffer{}
	}
	s.event.reset()
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// Header returns the answer's headers.
func (x *exchange) Header() http.Header { return x.header }

// WriteHeader sets the answer's status; the first one counts.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 {
		x.status = status
	}
}

// Write adds to the answer's body.
func (x *exchange) Write(p []byte) (int, error) {
	x.WriteHeader(http.StatusOK)
	return x.buf.Write(p)
}

// answer replaces whatever was written with a problem.
func (x *exchange) answer(p *problem.Error) {
	clear(x.header)
	x.buf.Reset()
	x.status = 0
	r := x.reply(p)
	x.header.Set("Content-Type", mediaProblem)
	maps.Copy(x.header, r.GetHeaders())
	x.WriteHeader(r.GetStatus())
	_ = marshalWrite(x, &r.document) // bytes.Buffer and problem.Document can't fail
}

// reply is a problem as huma sends it. It keeps the problem for the log.
type reply struct {
	document   problem.Document
	retryAfter time.Duration
}

func (x *exchange) reply(p *problem.Error) *reply {
	x.problem = p
	return &reply{document: p.Document(x.requestID), retryAfter: p.RetryAfter}
}

// Error makes a reply an error for huma, which asks it for status, headers and media type.
func (r *reply) Error() string { return string(r.document.Code) }

// GetStatus returns the status to answer with.
func (r *reply) GetStatus() int { return r.document.Status }

// ContentType returns the media type of problem details.
func (r *reply) ContentType(string) string { return mediaProblem }

// GetHeaders returns the headers that belong to the problem.
func (r *reply) GetHeaders() http.Header {
	h := http.Header{}
	if r.retryAfter > 0 {
		seconds := (r.retryAfter + time.Second - 1) / time.Second
		h.Set("Retry-After", strconv.Itoa(int(seconds)))
	}
	if r.document.Code == problem.CallerMissing {
		h.Set("WWW-Authenticate", "Bearer")
	}
	return h
}

// problemOf makes a problem of what an operation returned: its own, or one of what stands behind every operation.
func problemOf(ctx context.Context, err error) *problem.Error {
	_, own := errors.AsType[*problem.Error](err)
	p := problem.FromOwn("Something failed on our side; it is logged under the request id.", err)
	if !own && p.Code == problem.DeadlineExceeded && ctx.Err() == nil {
		return internal(err) // some time of ours was up, not the request's
	}
	return p
}

func internal(cause error) *problem.Error {
	return problem.Wrap(problem.Internal, "Something failed on our side; it is logged under the request id.", cause)
}

// humaAPI is huma's API with our codec in place of its negotiated formats, and our problems in place of its
// error model, which repeats values.
type humaAPI struct{ huma.API }

// Negotiate always takes JSON: an operation with other types sets Content-Type itself.
func (humaAPI) Negotiate(string) (string, error) { return mediaJSON, nil }

// Marshal writes v by our codec, unless it writes itself.
func (humaAPI) Marshal(w io.Writer, _ string, v any) error {
	switch v := v.(type) {
	case *reply:
		return marshalWrite(w, &v.document)
	case JSONAppender:
		x, _ := w.(*exchange) // as every answer's writer is
		_, err := x.Write(v.AppendJSON(x.buf.AvailableBuffer()))
		return err
	}
	return marshalWrite(w, v)
}

// Unmarshal does nothing: bodies are taken by [exchange.takeBody].
func (humaAPI) Unmarshal(string, []byte, any) error { return nil }

// Transform turns huma's faults of parameters into our problem, together with those of query and body.
func (humaAPI) Transform(ctx huma.Context, _ string, v any) (any, error) {
	model, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	x := exchangeOf(ctx.Context())
	if model.Status != http.StatusUnprocessableEntity {
		return x.reply(internal(model)), nil
	}
	return x.reply(x.invalid(model)), nil
}
