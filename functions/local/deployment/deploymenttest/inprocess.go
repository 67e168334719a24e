package deploymenttest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/secrettest"
)

// Options of [InProcess]. The zero value deploys the repository's template on an AWS whose clock is right.
type Options struct {
	Template   string                                    // path; empty: the repository's
	Now        func() time.Time                          // the clock of AWS; nil: [time.Now]
	Between    func(http.RoundTripper) http.RoundTripper // stands between the functions and AWS; nil: nothing does
	Parameters map[string]string                         // of the template
	Bare       bool                                      // without the demo site, for [Stack.Demo] to set up
}

// apiHost is what requests to a deployment without a listener name as their host.
const apiHost = "127.0.0.1:80"

// InProcess deploys without a listener and sets the demo site up. A request is served in the caller's own goroutine, so that
// a deployment can be in a testing/synctest bubble, where hours take no time.
func InProcess(tb testing.TB, o Options) *Stack {
	tb.Helper()
	if o.Template == "" {
		o.Template = TemplatePath(tb)
	}
	api := &handlerTransport{}
	s, err := deploy(tb, o, apiHost, api)
	if err != nil {
		tb.Fatal(err)
	}
	api.handler = s.Handler()
	s.endWith(tb, func() {})
	if !o.Bare {
		s.demo(tb)
	}
	return s
}

// deploy deploys what is reached at address by api.
func deploy(tb testing.TB, o Options, address string, api http.RoundTripper) (*Stack, error) {
	tb.Helper()
	options := localaws.Options{Now: o.Now}
	localawstest.Watch(tb, &options)
	aws := localaws.New(options)
	s := &Stack{AWS: aws, URL: "http://" + address, Logs: &Logs{}, tb: tb, api: api}
	between := aws.Transport()
	if o.Between != nil {
		between = o.Between(between)
	}
	key, err := signingKey()
	if err != nil {
		return nil, err
	}
	s.Deployment, err = deployment.Start(tb.Context(), deployment.Options{
		Template: o.Template, Address: address, AWS: aws, AWSEndpoint: awsEndpoint, Transport: between, Logs: secrettest.Tee(tb, s.Logs), Parameters: o.Parameters,
		Key: key,
	})
	if err != nil {
		return nil, fmt.Errorf("deploy: %w", err)
	}
	s.Wait() // what functions begin by themselves is none of the calls that a test looks at
	return s, nil
}

// endWith has the deployment end with its test, after its listener.
func (s *Stack) endWith(tb testing.TB, closeListener func()) {
	tb.Helper()
	tb.Cleanup(func() {
		closeListener()
		s.Wait()
		s.checkTables(tb)
		if err := s.AWS.Close(); err != nil {
			tb.Error(err)
		}
	})
}

// handlerTransport has requests served by a handler as if they had come over a network.
type handlerTransport struct{ handler http.Handler }

// RoundTrip serves the request.
func (h *handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI, in.RemoteAddr, in.Host = r.URL.RequestURI(), "192.0.2.10:40000", r.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	recorder := httptest.NewRecorder()
	h.handler.ServeHTTP(recorder, in)
	if _, err := io.Copy(io.Discard, in.Body); err != nil {
		return nil, fmt.Errorf("read rest of request: %w", err)
	}
	return recorder.Result(), in.Body.Close()
}
