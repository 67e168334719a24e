package load_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/localaws"
	locallambda "github.com/arngate/arngate/shared/localaws/lambda"
)

// server is all that make run starts, in this process: the functions behind the gateway, and the local AWS, each on a port.
type server struct {
	*deployment.Deployment

	url     string
	aws     *localaws.AWS
	between *http.Transport // from the functions to AWS
}

func start(t *testing.T) *server {
	t.Helper()
	local := localaws.New(localaws.Options{LogLimit: 10_000})
	t.Cleanup(func() { _ = local.Close() }) // nothing is asked of it any more
	behind := httptest.NewServer(local)
	t.Cleanup(behind.Close)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	front := &httptest.Server{Listener: listener, Config: &http.Server{ReadHeaderTimeout: time.Minute}}
	s := &server{url: "http://" + listener.Addr().String(), aws: local, between: awsclient.NewTransport()}
	t.Cleanup(s.between.CloseIdleConnections)
	s.Deployment, err = deployment.Start(t.Context(), deployment.Options{
		Template: deploymenttest.TemplatePath(t), Address: listener.Addr().String(), AWS: local, AWSEndpoint: behind.URL, Transport: s.between, Logs: io.Discard,
		Parameters: map[string]string{"ThrottlingRate": "1000000", "ThrottlingBurst": "1000000"}, // or it is the gateway's throttle that is tried
	})
	if err != nil {
		t.Fatal(err)
	}
	front.Config.Handler = s.Handler()
	front.Start()
	t.Cleanup(front.Close)
	s.demonstrate(t, behind.URL)
	return s
}

// demonstrate sets the demo site up.
func (s *server) demonstrate(t *testing.T, endpoint string) {
	t.Helper()
	err := s.aws.Lambda().Register(demosite.Account, demosite.Region, locallambda.Function{
		Name: demosite.Function,
		Run: func(ctx context.Context, in locallambda.Invocation) ([]byte, error) {
			return demosite.Hello(ctx, in.Payload)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = demosite.Create(t.Context(), demosite.Options{
		API: s.url, AdminToken: s.token(t, "grace@example.com", "arngate/admin"), Client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		Customer: deployment.Administrator(s.aws, endpoint, s.aws.Transport(), demosite.Account),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// token is of a user of the demo site.
func (s *server) token(t *testing.T, user string, scopes ...string) string {
	t.Helper()
	token, err := s.Token(map[string]any{
		"site_id": demosite.Site, "sub": user, "scope": strings.Join(scopes, " "), "groups": []string{"builders"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// rest waits for what is under way, and lets go of what is kept for the next request.
func (s *server) rest() {
	s.Wait()
	s.between.CloseIdleConnections()
	s.aws.ResetCalls()
}
