package localaws

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// Transport returns a RoundTripper that serves requests to any host in the caller's own goroutine: no
// listener, no connection and nothing left behind, so that it works inside a testing/synctest bubble.
// A request counts as sent over TLS if its URL's scheme is https.
func (a *AWS) Transport() http.RoundTripper { return transport{handler: a} }

// secureKey marks the context of a request that came through Transport by https.
type secureKey struct{}

// isSecure says whether a request came over TLS, or as good as.
func isSecure(r *http.Request) bool {
	marked, _ := r.Context().Value(secureKey{}).(bool)
	return marked || r.TLS != nil
}

type transport struct{ handler http.Handler }

// RoundTrip serves the request as net/http's server would after reading it from the wire.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }() // the contract of RoundTrip
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in, err := received(r)
	if err != nil {
		return nil, err
	}
	w := &answer{header: make(http.Header)}
	if err := serveCut(t.handler, w, in); err != nil {
		return nil, err
	}
	if err := r.Context().Err(); err != nil {
		return nil, err // the client stopped waiting before the answer was there
	}
	return w.response(r), nil
}

// received is the request as a server sees it: the URL parsed from the request line, the Host and
// Content-Length headers as net/http leaves them.
func received(r *http.Request) (*http.Request, error) {
	line := r.URL.RequestURI()
	u, err := url.ParseRequestURI(line)
	if err != nil {
		return nil, fmt.Errorf("parse request line: %w", err)
	}
	ctx := r.Context()
	if r.URL.Scheme == "https" {
		ctx = context.WithValue(ctx, secureKey{}, true)
	}
	in := r.Clone(ctx)
	in.URL, in.RequestURI = u, line
	in.RemoteAddr = "127.0.0.1:0"
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	if in.Header.Get("User-Agent") == "" {
		in.Header.Set("User-Agent", "Go-http-client/1.1")
	}
	if r.ContentLength > 0 {
		in.Header.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	return in, nil
}

// serveCut turns the panic by which a handler cuts a connection into the error that a client sees then.
func serveCut(h http.Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		switch p := recover(); {
		case p == nil:
		case isAbort(p):
			err = fmt.Errorf("read answer: %w", io.ErrUnexpectedEOF)
		default:
			panic(p)
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}

func isAbort(p any) bool {
	err, ok := p.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

// answer collects what a handler writes.
type answer struct {
	header http.Header
	sent   http.Header // as it was when the status was written
	status int
	body   bytes.Buffer
}

// Header is the header that will be sent.
func (w *answer) Header() http.Header { return w.header }

// WriteHeader fixes status and header at the first call; later calls do nothing, as on the wire.
func (w *answer) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.sent = status, w.header.Clone()
	}
}

// Write adds to the body.
func (w *answer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// Flush does nothing: the answer is delivered whole.
func (w *answer) Flush() { w.WriteHeader(http.StatusOK) }

func (w *answer) response(r *http.Request) *http.Response {
	w.WriteHeader(http.StatusOK)
	body := w.body.Bytes()
	length := int64(len(body))
	if declared, err := strconv.ParseInt(w.sent.Get("Content-Length"), 10, 64); err == nil && declared >= 0 {
		length = declared
	}
	if r.Method == http.MethodHead || w.status == http.StatusNoContent || w.status == http.StatusNotModified {
		body = nil
	}
	return &http.Response{
		Status:        strconv.Itoa(w.status) + " " + http.StatusText(w.status),
		StatusCode:    w.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        w.sent,
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: length,
		Request:       r,
	}
}
