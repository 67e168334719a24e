// Package deploymenttest runs the whole deployment for one test: the functions behind the local gateway, on a local AWS, with
// the demo site.
package deploymenttest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/localaws"
	locallambda "github.com/arngate/arngate/shared/localaws/lambda"
	"github.com/arngate/arngate/shared/secrettest"
)

// awsEndpoint is where clients think the local AWS is. It is reached in process.
const awsEndpoint = "http://127.0.0.1:4566"

// Stack is a running deployment with the demo site in it. It ends with its test.
type Stack struct {
	*deployment.Deployment

	AWS  *localaws.AWS
	URL  string // of the API
	Logs *Logs  // of all functions

	tb     testing.TB
	api    http.RoundTripper // reaches the API
	tokens sync.Map          // signed ones, by second and claims
}

// Logs collects log lines. Safe for concurrent use.
type Logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write adds to the log.
func (l *Logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is all that was logged so far.
func (l *Logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Start deploys the repository's template and sets the demo site up.
func Start(tb testing.TB) *Stack {
	tb.Helper()
	return StartTemplate(tb, TemplatePath(tb))
}

// StartTemplate deploys the template at path and sets the demo site up.
func StartTemplate(tb testing.TB, path string) *Stack {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{ReadHeaderTimeout: time.Minute}}
	s, err := deploy(tb, Options{Template: path}, listener.Addr().String(), http.DefaultTransport)
	if err != nil {
		_ = listener.Close()
		tb.Fatal(err)
	}
	server.Config.Handler = s.Handler()
	server.Start()
	s.endWith(tb, server.Close)
	s.demo(tb)
	return s
}

func (s *Stack) demo(tb testing.TB) {
	tb.Helper()
	if err := s.Demo(); err != nil {
		tb.Fatal(err)
	}
}

// Demo sets the demo site up.
func (s *Stack) Demo() error {
	s.tb.Helper()
	err := s.AWS.Lambda().Register(demosite.Account, demosite.Region, locallambda.Function{
		Name: demosite.Function,
		Run: func(ctx context.Context, in locallambda.Invocation) ([]byte, error) {
			return demosite.Hello(ctx, in.Payload)
		},
	})
	if err != nil {
		return fmt.Errorf("register the demo function: %w", err)
	}
	return demosite.Create(s.tb.Context(), demosite.Options{
		API: s.URL, AdminToken: s.TokenOf(demosite.Site, "grace@example.com", "arngate/admin"), Customer: s.Customer(),
		Client: &http.Client{Transport: s.api},
	})
}

// Customer is an administrator of the demo customer's account.
func (s *Stack) Customer() aws.Config {
	return deployment.Administrator(s.AWS, awsEndpoint, s.AWS.Transport(), demosite.Account)
}

// Operator is an administrator of the gateway's own account.
func (s *Stack) Operator() aws.Config {
	return deployment.Administrator(s.AWS, awsEndpoint, s.AWS.Transport(), deployment.Account)
}

// TokenOf is a token of a user of a site, with these scopes and the group builders.
func (s *Stack) TokenOf(site, user string, scopes ...string) string {
	s.tb.Helper()
	token, err := s.Token(map[string]any{
		"site_id": site, "sub": user, "scope": strings.Join(scopes, " "), "groups": []string{"builders"},
		"jti": secrettest.Mark(secrettest.BearerToken),
	})
	if err != nil {
		s.tb.Fatal(err)
	}
	return token
}

// Builder is a token of the demo site's builder.
func (s *Stack) Builder() string { return s.TokenOf(demosite.Site, demosite.User, "arngate/connect") }

// Admin is a token of the demo site's administrator.
func (s *Stack) Admin() string {
	return s.TokenOf(demosite.Site, "grace@example.com", "arngate/admin")
}

// Auditor is a token of the demo site's auditor.
func (s *Stack) Auditor() string {
	return s.TokenOf(demosite.Site, "edsger@example.com", "arngate/audit")
}

// Answer is an HTTP answer, read.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Field is a member of the answer's JSON object, as a string; empty if it isn't there.
func (a Answer) Field(name string) string {
	var object map[string]any
	if json.Unmarshal([]byte(a.Body), &object) != nil || object[name] == nil {
		return ""
	}
	return fmt.Sprint(object[name])
}

// Call sends a request with a body of JSON text, or none if it is empty.
func (s *Stack) Call(method, path, token, body string) Answer {
	s.tb.Helper()
	header := http.Header{}
	if body != "" {
		header.Set("Content-Type", "application/json")
	}
	return s.Send(method, path, token, strings.NewReader(body), header)
}

// Send sends a request. Redirects are not followed.
func (s *Stack) Send(method, path, token string, body io.Reader, header http.Header) Answer {
	s.tb.Helper()
	request, err := http.NewRequestWithContext(s.tb.Context(), method, s.URL+path, planted(s.tb, body))
	if err != nil {
		s.tb.Fatal(err)
	}
	request.Header = header
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := s.api.RoundTrip(request)
	if err != nil {
		s.tb.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }() // it has been read
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.tb.Fatal(err)
	}
	answer := Answer{Status: response.StatusCode, Header: response.Header, Body: string(text)}
	checkAnswer(s.tb, method+" "+path, answer)
	return answer
}

// TemplatePath is the path of the repository's template.yaml.
func TemplatePath(tb testing.TB) string {
	tb.Helper()
	return filepath.Join(Root(tb), "template.yaml")
}

// Root is the folder of the repository.
func Root(tb testing.TB) string {
	tb.Helper()
	folder, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			tb.Fatal("no go.mod above the test")
		}
		folder = parent
	}
}

// Role creates a role in the demo customer's account under path, with a managed policy of AWS's if one is named, and
// returns its ARN. It trusts the gateway for site as the demo's provider asks for.
func (s *Stack) Role(path, name, site, managed string) string {
	s.tb.Helper()
	return s.RoleTrusting(path, name, s.trustPolicy(site), managed)
}

// RoleTrusting is [Stack.Role] with a trust policy of the caller's.
func (s *Stack) RoleTrusting(path, name, trust, managed string) string {
	s.tb.Helper()
	iam := awsiam.NewFromConfig(s.Customer())
	made, err := iam.CreateRole(s.tb.Context(), &awsiam.CreateRoleInput{RoleName: &name, Path: &path, AssumeRolePolicyDocument: &trust})
	if err != nil {
		s.tb.Fatal(err)
	}
	if managed != "" {
		_, err := iam.AttachRolePolicy(s.tb.Context(), &awsiam.AttachRolePolicyInput{
			RoleName: &name, PolicyArn: aws.String("arn:aws:iam::aws:policy/" + managed),
		})
		if err != nil {
			s.tb.Fatal(err)
		}
	}
	return *made.Role.Arn
}

// trustPolicy is the one that the demo's provider shows, for a site of the caller's choice.
func (s *Stack) trustPolicy(site string) string {
	var provider struct {
		TrustPolicy json.RawMessage `json:"trust_policy"`
	}
	s.must(s.Call(http.MethodGet, "/v1/providers/"+demosite.Provider, s.Admin(), ""), &provider)
	return strings.ReplaceAll(string(provider.TrustPolicy), demosite.Site, site)
}

// Provider registers a provider of the demo site on a role, and verifies it.
func (s *Stack) Provider(name, roleARN string) {
	s.tb.Helper()
	body := fmt.Sprintf(`{"name":%q,"method":"assume_role","role_arn":%q}`, name, roleARN)
	s.must(s.Call(http.MethodPost, "/v1/providers", s.Admin(), body), nil)
	var verified struct{ Status string }
	s.must(s.Call(http.MethodPost, "/v1/providers/"+name+"/verify", s.Admin(), ""), &verified)
	if verified.Status != "ready" {
		s.tb.Fatalf("provider %s is %s", name, verified.Status)
	}
}

// Connection registers a connection of the demo site for all its callers; limits are the members of its body that say what
// it includes, such as `"tables":["*"]`.
func (s *Stack) Connection(name, connector, provider, limits string) {
	s.tb.Helper()
	body := fmt.Sprintf(`{"name":%q,"connector":%q,"provider":%q,"region":%q,"groups":["*"],%s}`, name, connector, provider, demosite.Region, limits)
	s.must(s.Call(http.MethodPost, "/v1/connections", s.Admin(), body), nil)
}

// must fails the test unless the answer is a success, and decodes it into out if that isn't nil.
func (s *Stack) must(a Answer, out any) {
	s.tb.Helper()
	if a.Status/100 != 2 {
		s.tb.Fatalf("got %d: %s", a.Status, a.Body)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal([]byte(a.Body), out); err != nil {
		s.tb.Fatal(err)
	}
}
