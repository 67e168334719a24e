package deployment_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
)

const backend = "backend@example.com"

// actingToken is one of the site's own backend, whose groups are its own and nobody else's.
func actingToken(t *testing.T, s *deploymenttest.Stack, scopes string) string {
	t.Helper()
	token, err := s.Token(map[string]any{
		"site_id": demosite.Site, "sub": backend, "scope": scopes, "groups": []string{"builders", "sales"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func callFor(s *deploymenttest.Stack, user, path, token string) deploymenttest.Answer {
	return s.Send(http.MethodGet, path, token, strings.NewReader(""), http.Header{"Arngate-Acting-User": {user}})
}

// A backend that acts for a user: AWS's log and ours name both, and their credentials are neither's alone.
func TestTaskABackendActingForItsUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		token := actingToken(t, s, "arngate/connect arngate/act-as")
		seen := map[string]string{}
		for _, c := range []struct {
			who    string
			answer func() deploymenttest.Answer
		}{
			{"ada", func() deploymenttest.Answer { return s.Call(http.MethodGet, listing, s.Builder(), "") }},
			{"backend", func() deploymenttest.Answer { return s.Call(http.MethodGet, listing, token, "") }},
			{"backend for ada", func() deploymenttest.Answer { return callFor(s, demosite.User, listing, token) }},
			{"backend for lin", func() deploymenttest.Answer { return callFor(s, "lin@example.com", listing, token) }},
		} {
			s.AWS.ResetCalls()
			if answer := c.answer(); answer.Status != http.StatusOK || answer.Header.Get("Arngate-Credentials") != "minted" {
				t.Fatalf("%s: got %d %s from %q", c.who, answer.Status, answer.Body, answer.Header.Get("Arngate-Credentials"))
			}
			calls := s.AWS.Calls()
			last := calls[len(calls)-1]
			if before, shared := seen[last.AccessKeyID]; shared {
				t.Errorf("%s and %s share credentials", c.who, before)
			}
			seen[last.AccessKeyID] = c.who
			if c.who != "backend for ada" {
				continue
			}
			got := traced{"", last.SessionName, last.SourceIdentity, last.Tags}
			if diff := cmp.Diff(traced{"", demosite.User + "@" + demosite.Site, demosite.User, map[string]string{
				"arngate:site": demosite.Site, "arngate:user": demosite.User, "arngate:actor": backend, "arngate:connection": demosite.FilesName,
			}}, got); diff != "" {
				t.Errorf("AWS's log (-want +got):\n%s", diff)
			}
			logged(t, s, last.AccessKeyID)
		}
	})
}

// logged fails the test unless the mint of an access key is logged with user, actor and connection.
func logged(t *testing.T, s *deploymenttest.Stack, accessKeyID string) {
	t.Helper()
	for line := range strings.Lines(s.Logs.String()) {
		var got struct {
			Message     string `json:"msg"`
			AccessKeyID string `json:"access_key_id"`
			User        string `json:"user"`
			Actor       string `json:"actor"`
			Site        string `json:"site"`
			Connection  string `json:"connection"`
			RequestID   string `json:"aws_request_id"`
			SessionName string `json:"session_name"`
		}
		if json.Unmarshal([]byte(line), &got) != nil || got.AccessKeyID != accessKeyID || got.SessionName == "" {
			continue
		}
		if got.User != demosite.User || got.Actor != backend || got.Site != demosite.Site || got.Connection != demosite.FilesName || got.RequestID == "" {
			t.Errorf("the mint's log line is %s", line)
		}
		return
	}
	t.Error("there is no log line of the mint")
}

// Acting needs its scope, one name, and a connection made for it; the token's groups open nothing then.
func TestActingIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		s.Connection("everyone", "s3", demosite.Provider, `"buckets":[{"name":"demo-files"}]`)
		body := `{"name":"sales","connector":"s3","provider":"demo","region":"eu-central-1","groups":["sales"],"buckets":[{"name":"demo-files"}]}`
		want(t, s.Call(http.MethodPost, "/v1/connections", s.Admin(), body), http.StatusCreated, "sales")
		may, mayNot := actingToken(t, s, "arngate/connect arngate/act-as"), actingToken(t, s, "arngate/connect")
		const everyone, sales = "/v1/s3/everyone/buckets", "/v1/s3/sales/buckets"
		for name, c := range map[string]struct {
			answer deploymenttest.Answer
			status int
			code   string
		}{
			"without the scope":     {callFor(s, "ada", listing, mayNot), http.StatusForbidden, "scope_missing"},
			"two names":             {callFor(s, "ada,lin", listing, may), http.StatusUnprocessableEntity, "invalid_request"},
			"no name":               {callFor(s, "", listing, may), http.StatusUnprocessableEntity, "invalid_request"},
			"the reserved name":     {callFor(s, "arngate-audit", listing, may), http.StatusForbidden, "user_reserved"},
			"not made for acting":   {callFor(s, "ada", everyone, may), http.StatusNotFound, "connection_not_found"},
			"by the token's groups": {callFor(s, "ada", sales, may), http.StatusNotFound, "connection_not_found"},
			"as itself":             {s.Call(http.MethodGet, sales, may, ""), http.StatusOK, ""},
			"another group":         {s.Call(http.MethodGet, sales, s.Builder(), ""), http.StatusNotFound, "connection_not_found"},
			"every group, and none": {s.Call(http.MethodGet, everyone, s.Builder(), ""), http.StatusOK, ""},
			"not there":             {callFor(s, "ada", "/v1/s3/nothing/buckets", may), http.StatusNotFound, "connection_not_found"},
		} {
			if c.answer.Status != c.status || c.answer.Field("code") != c.code {
				t.Errorf("%s: got %d %s, want %d %s", name, c.answer.Status, c.answer.Body, c.status, c.code)
			}
		}
	})
}
