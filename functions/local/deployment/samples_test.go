package deployment_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/secrettest"
)

// sample is a request as one of the sample events has it: it names what the demo site has.
type sample struct {
	name, route string // "s3-get-object", "GET /v1/s3/{connection}/buckets/{bucket}/object"
	method      string
	path        string // with its query
	body        string
	contentType string
	public      bool
}

// exampleSecret is AWS's own example of a secret access key, which the sample events have.
const exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" //nolint:gosec // an example

// samples are the requests of all sample events. A route of the code without an event fails the test: it would be left out.
func samples(t *testing.T) []sample {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(deploymenttest.Root(t), "events", "*-*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []sample
	for _, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // the repository's own file
		if err != nil {
			t.Fatal(err)
		}
		var event struct {
			RouteKey        string            `json:"routeKey"`
			RawPath         string            `json:"rawPath"`
			RawQueryString  string            `json:"rawQueryString"`
			Headers         map[string]string `json:"headers"`
			Body            string            `json:"body"`
			IsBase64Encoded bool              `json:"isBase64Encoded"`
		}
		if json.Unmarshal(text, &event) != nil || event.RouteKey == "" {
			continue // another kind of event
		}
		if event.IsBase64Encoded {
			plain, err := base64.StdEncoding.DecodeString(event.Body)
			if err != nil {
				t.Fatal(err)
			}
			event.Body = string(plain)
		}
		method, _, _ := strings.Cut(event.RouteKey, " ")
		s := sample{
			name: strings.TrimSuffix(filepath.Base(file), ".json"), route: event.RouteKey, method: method,
			path: event.RawPath, body: event.Body, contentType: event.Headers["content-type"],
		}
		s.body = strings.ReplaceAll(s.body, exampleSecret, secrettest.Plant(secrettest.SecretKey, "of-the-sample-event"))
		if event.RawQueryString != "" {
			s.path += "?" + event.RawQueryString
		}
		all = append(all, s)
	}
	for _, route := range slices.Sorted(maps.Keys(publicRoutes())) {
		i := slices.IndexFunc(all, func(s sample) bool { return s.route == route })
		if i < 0 {
			t.Fatalf("no sample event is of the route %s, so that nobody knows whether it keeps sites apart", route)
		}
		all[i].public = publicRoutes()[route]
	}
	return all
}

// publicRoutes are all routes of the code, and whether they need no token.
func publicRoutes() map[string]bool {
	public := map[string]bool{}
	for _, routes := range deployment.Routes() {
		for _, route := range routes {
			key, isPublic := strings.CutSuffix(route, " (public)")
			public[key] = isPublic
		}
	}
	return public
}

// as sends the sample with a token.
func (s sample) as(stack *deploymenttest.Stack, token string) deploymenttest.Answer {
	header := http.Header{}
	if s.contentType != "" {
		header.Set("Content-Type", s.contentType)
	}
	return stack.Send(s.method, s.path, token, strings.NewReader(s.body), header)
}

// inBubble is a test in a testing/synctest bubble, which can't be asked for its deadline.
type inBubble struct{ rapid.TB }

// scopes are all that a token can have.
func scopes() []string {
	return []string{"arngate/connect", "arngate/admin", "arngate/audit", "arngate/act-as"}
}

// wants are the scopes of which a route needs one, as the design has them.
func wants(s sample) []string {
	admin, audit := "arngate/admin", "arngate/audit"
	switch _, path, _ := strings.Cut(s.route, " "); {
	case strings.HasSuffix(path, "/verify"):
		return []string{admin, audit}
	case strings.HasSuffix(path, "/suppression"):
		return []string{admin}
	case strings.HasPrefix(path, "/v1/audits"), strings.HasPrefix(path, "/v1/findings"):
		return []string{audit}
	case strings.HasPrefix(path, "/v1/providers"), strings.HasPrefix(path, "/v1/connections"):
		return []string{admin}
	case path == "/v1/me":
		return nil
	}
	return []string{"arngate/connect"}
}

func tokenFor(t *testing.T, s *deploymenttest.Stack, claims map[string]any) string {
	t.Helper()
	token, err := s.Token(claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}
