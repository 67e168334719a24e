package lambda

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// Limits of payloads in bytes ("Lambda quotas"). What a function answers may be a hundred bytes longer.
const (
	maxSyncPayload  = 6 << 20
	maxAsyncPayload = 1 << 20
	maxAnswer       = maxSyncPayload + 100
	maxTail         = 4 << 10 // of the log
)

// The ways to invoke.
const (
	requestResponse = "RequestResponse"
	event           = "Event"
	dryRun          = "DryRun"
)

func (s *Service) invoke(w http.ResponseWriter, c *protocol.Call, r *request) error {
	how := cmp.Or(c.Request.Header.Get("X-Amz-Invocation-Type"), requestResponse)
	tail := cmp.Or(c.Request.Header.Get("X-Amz-Log-Type"), "None")
	if err := checkInvocation(how, tail, c.Body); err != nil {
		return err
	}
	v, found := s.find(r.target)
	if !found {
		named := r.target
		named.qualifier = cmp.Or(named.qualifier, latest)
		return notFound("Function not found: %s", named.arn())
	}
	// A function runs to its end even if the client has gone.
	ctx := context.WithoutCancel(c.Request.Context())
	i := newInvocation(c, r, v)
	switch how {
	case dryRun:
		w.WriteHeader(http.StatusNoContent)
		return nil
	case event:
		s.running.Go(func() { s.run(ctx, i) })
		w.WriteHeader(http.StatusAccepted)
		return nil
	}
	done := make(chan result, 1)
	s.running.Go(func() { done <- s.run(ctx, i) })
	select {
	case out := <-done:
		out.write(w, v, tail == "Tail")
		return nil
	case <-c.Request.Context().Done():
		return fmt.Errorf("wait for function: %w", context.Cause(c.Request.Context()))
	}
}

func newInvocation(c *protocol.Call, r *request, v version) *invocation {
	in := Invocation{
		Payload: bytes.Clone(c.Body), Qualifier: cmp.Or(r.target.qualifier, latest), Version: v.number,
		RequestID: c.RequestID, ARN: r.target.arn(),
	}
	if len(in.Payload) == 0 {
		in.Payload = []byte("{}")
	}
	return &invocation{version: v, in: in}
}

// checkInvocation refuses what Lambda refuses before it looks for the function.
func checkInvocation(how, tail string, payload []byte) error {
	limit := maxSyncPayload
	switch how {
	case requestResponse, dryRun:
	case event:
		limit = maxAsyncPayload
	default:
		return validation(violation(how, "invocationType", "Member must satisfy enum value set: [Event, RequestResponse, DryRun]"))
	}
	if tail != "None" && tail != "Tail" {
		return validation(violation(tail, "logType", "Member must satisfy enum value set: [None, Tail]"))
	}
	if len(payload) > limit {
		return tooLarge(fmt.Sprintf("%d byte payload is too large for the %s invocation type (limit %d bytes)", len(payload), how, limit))
	}
	if len(payload) > 0 && (!utf8.Valid(payload) || !json.Valid(payload)) {
		return invalidContent(syntaxFault(payload))
	}
	return nil
}

// result is how a function ended.
type result struct {
	payload []byte
	failure string // Handled or Unhandled; empty: it didn't fail
	log     []byte
}

// write answers with a result: 200 even if the function failed (traps.md 44).
func (out result) write(w http.ResponseWriter, v version, tail bool) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Amz-Executed-Version", v.number)
	if out.failure != "" {
		h.Set("X-Amz-Function-Error", out.failure)
	}
	if tail {
		log := out.log[max(0, len(out.log)-maxTail):]
		h.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(log))
	}
	h.Set("Content-Length", strconv.Itoa(len(out.payload)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(out.payload) // the client has gone: nobody is left to tell
}
