package load_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"

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
	s.inhabit(t, behind.URL, demosite.OtherSite)
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
		API: s.url, AdminToken: s.token(t, demosite.Site, "grace@example.com", "arngate/admin"), Client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		Customer: deployment.Administrator(s.aws, endpoint, s.aws.Transport(), demosite.Account),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// inhabit gives another site a provider and connections of the same names as the demo's, on a role of its own.
func (s *server) inhabit(t *testing.T, endpoint, site string) {
	t.Helper()
	admin := s.token(t, site, "grace@example.com", "arngate/admin")
	var named struct {
		TrustPolicy json.RawMessage `json:"trust_policy"`
	}
	s.call(t, admin, "/v1/providers", `{"name":"demo","method":"assume_role"}`, &named)
	iam := awsiam.NewFromConfig(deployment.Administrator(s.aws, endpoint, s.aws.Transport(), demosite.Account))
	made, err := iam.CreateRole(t.Context(), &awsiam.CreateRoleInput{
		RoleName: aws.String("load"), Path: aws.String("/skuid-assumable-role/"), AssumeRolePolicyDocument: aws.String(string(named.TrustPolicy)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := iam.AttachRolePolicy(t.Context(), &awsiam.AttachRolePolicyInput{
		RoleName: made.Role.RoleName, PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess"),
	}); err != nil {
		t.Fatal(err)
	}
	s.send(t, http.MethodPut, admin, "/v1/providers/demo", fmt.Sprintf(`{"name":"demo","method":"assume_role","role_arn":%q}`, *made.Role.Arn), nil)
	s.call(t, admin, "/v1/providers/demo/verify", "", nil)
	for name, limits := range map[string]string{
		"orders": `"connector":"dynamodb","tables":["Orders"]`, "files": `"connector":"s3","buckets":[{"name":"demo-files"}]`, "actions": `"connector":"lambda","functions":["hello"]`,
	} {
		s.call(t, admin, "/v1/connections", fmt.Sprintf(`{"name":%q,"provider":"demo","region":%q,"groups":["*"],%s}`, name, demosite.Region, limits), nil)
	}
}

func (s *server) call(t *testing.T, token, path, body string, out any) {
	t.Helper()
	s.send(t, http.MethodPost, token, path, body, out)
}

// send sends a request that has to succeed, and decodes its answer into out unless that is nil.
func (s *server) send(t *testing.T, method, token, path, body string, out any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }() // it has been read
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %d %s, %v", method, path, answer.StatusCode, text, err)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatal(err)
	}
}

// token is of a user of a site.
func (s *server) token(t *testing.T, site, user string, scopes ...string) string {
	t.Helper()
	token, err := s.Token(map[string]any{
		"site_id": site, "sub": user, "scope": strings.Join(scopes, " "), "groups": []string{"builders"},
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
