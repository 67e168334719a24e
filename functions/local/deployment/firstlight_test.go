package deployment_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/localaws"
)

const listing = "/v1/s3/files/buckets/demo-files/objects?delimiter=/"

// assumed are the AssumeRole calls that AWS let through, by session name.
func assumed(aws *localaws.AWS) []string {
	var names []string
	for _, call := range aws.Calls() {
		if call.Operation == "AssumeRole" && call.Allowed {
			names = append(names, call.Requested.SessionName)
		}
	}
	return names
}

// Credentials come from STS once, then from memory, and from the table once the instances are new.
func TestOneAssumeRoleServesAllInstances(t *testing.T) {
	s := deploymenttest.Start(t)
	s.AWS.ResetCalls()
	for _, want := range []string{"minted", "memory", "table", "memory"} {
		if want == "table" {
			if err := s.Recycle(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		answer := s.Call(http.MethodGet, listing, s.Builder(), "")
		if got := answer.Header.Get("Arngate-Credentials"); answer.Status != http.StatusOK || got != want {
			t.Fatalf("got %d with credentials from %q, want 200 from %q: %s", answer.Status, got, want, answer.Body)
		}
	}
	got := assumed(s.AWS)
	if want := demosite.User + "@" + demosite.Site; len(got) != 1 || got[0] != want {
		t.Errorf("sessions assumed: %q, want one, named %q", got, want)
	}
}

// Every caller has credentials of its own: another user, or another connection, never gets those of the first.
func TestCredentialsAreNotShared(t *testing.T) {
	s := deploymenttest.Start(t)
	other := s.TokenOf(demosite.Site, "lin@example.com", "arngate/connect")
	for _, request := range []struct{ path, token string }{
		{listing, s.Builder()},
		{listing, other},
		{"/v1/s3/archive/buckets/demo-archive/objects?delimiter=/", s.Builder()},
		{"/v1/dynamodb/orders/tables", s.Builder()},
	} {
		answer := s.Call(http.MethodGet, request.path, request.token, "")
		if got := answer.Header.Get("Arngate-Credentials"); answer.Status != http.StatusOK || got != "minted" {
			t.Errorf("%s: got %d with credentials from %q, want 200 from minted", request.path, answer.Status, got)
		}
	}
	keys := map[string]string{}
	for _, call := range s.AWS.Calls() {
		if call.SessionName == "" || (call.Service != "s3" && call.Service != "dynamodb") || !strings.Contains(call.Principal, demosite.Account) {
			continue
		}
		who := call.SessionName + " " + call.Tags["arngate:connection"]
		if before, seen := keys[call.AccessKeyID]; seen && before != who {
			t.Errorf("an access key was used by %q and by %q", before, who)
		}
		keys[call.AccessKeyID] = who
	}
	if len(keys) != 4 {
		t.Errorf("%d access keys were used, want 4: %v", len(keys), keys)
	}
}

// trap 23: what another site has, and what nobody has, get the same answer.
func TestTrap23OtherSiteSeesNothing(t *testing.T) {
	s := deploymenttest.Start(t)
	other := s.TokenOf(demosite.OtherSite, demosite.User, "arngate/connect", "arngate/admin")
	for _, path := range []string{
		"/v1/s3/%s/buckets", "/v1/dynamodb/%s/tables", "/v1/lambda/%s/functions", "/v1/connections/%s",
	} {
		name := strings.Split(path, "/")[2]
		real := map[string]string{"s3": "files", "dynamodb": "orders", "lambda": "actions", "connections": "files"}[name]
		theirs := s.Call(http.MethodGet, fmt.Sprintf(path, real), other, "")
		nobodys := s.Call(http.MethodGet, fmt.Sprintf(path, "nothing"), other, "")
		if theirs.Status != http.StatusNotFound || theirs.Field("code") != "connection_not_found" {
			t.Errorf("%s: got %d %s, want 404 connection_not_found", path, theirs.Status, theirs.Body)
		}
		if withoutID(theirs) != withoutID(nobodys) {
			t.Errorf("%s: what is another site's is told apart from what isn't there:\n%s\n%s", path, theirs.Body, nobodys.Body)
		}
	}
	me := s.Call(http.MethodGet, "/v1/me", other, "")
	if strings.Contains(me.Body, "files") || !strings.Contains(me.Body, `"connections":[]`) {
		t.Errorf("the other site sees connections: %s", me.Body)
	}
}

func withoutID(a deploymenttest.Answer) string {
	return strings.ReplaceAll(a.Body, a.Field("request_id"), "")
}

func provider(name, arn string) string {
	return fmt.Sprintf(`{"name":%q,"method":"assume_role","role_arn":%q}`, name, arn)
}

// A role that can't be assumed is a problem of its own, and nothing is called with other credentials in its place (trap 5).
func TestTrap5UnusableRolesNeverFallBack(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	const required = "/skuid-assumable-role/"
	outside := s.Role("/elsewhere/", "outside", demosite.Site, "AdministratorAccess")
	for name, arn := range map[string]string{
		"outside the path":  outside,
		"a look-alike path": "arn:aws:iam::444455556666:role/xskuid-assumable-role/r",
		"not a role":        "arn:aws:iam::444455556666:user/skuid-assumable-role/r",
	} {
		answer := s.Call(http.MethodPost, "/v1/providers", s.Admin(), provider("bad", arn))
		if answer.Status != http.StatusUnprocessableEntity || answer.Field("code") != "role_arn_invalid" {
			t.Errorf("%s: got %d %s, want 422 role_arn_invalid", name, answer.Status, answer.Body)
		}
	}
	before := len(s.AWS.Calls())
	for name, arn := range map[string]string{
		"other-site": s.Role(required, "other-site", demosite.OtherSite, "AdministratorAccess"),
		"missing":    "arn:aws:iam::444455556666:role" + required + "missing",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // verify takes its 15 s, for the role might be new
			want(t, s.Call(http.MethodPost, "/v1/providers", s.Admin(), provider(name, arn)), http.StatusCreated, "unverified")
			s.Connection(name, "s3", name, `"buckets":[{"name":"demo-files"}]`)
			want(t, s.Call(http.MethodGet, "/v1/s3/"+name+"/buckets", s.Builder(), ""), http.StatusFailedDependency, "provider_unverified")
			want(t, s.Call(http.MethodPost, "/v1/providers/"+name+"/verify", s.Admin(), ""), http.StatusOK, `"unusable"`)
			want(t, s.Call(http.MethodGet, "/v1/s3/"+name+"/buckets", s.Builder(), ""), http.StatusFailedDependency, "provider_unusable")
			for _, call := range s.AWS.Calls()[before:] {
				if call.Service == "s3" || (call.Operation == "AssumeRole" && call.Allowed) {
					t.Errorf("%s was called by %s", call.Operation, call.Principal)
				}
			}
		})
	}
}

// A connection narrows even an administrator's role: Arngate refuses what it doesn't include.
func TestReadOnlyConnectionOverAdministratorAccess(t *testing.T) {
	s := deploymenttest.Start(t)
	s.Provider("mighty", s.Role("/skuid-assumable-role/", "mighty", demosite.Site, "AdministratorAccess"))
	s.Connection("look", "s3", "mighty", `"read_only":true,"buckets":[{"name":"demo-files"}]`)
	object := "/v1/s3/look/buckets/demo-files/object?key=readme.txt"
	want(t, s.Call(http.MethodGet, object, s.Builder(), ""), http.StatusOK, "Files of the demo site")
	s.AWS.ResetCalls()
	want(t, s.Call(http.MethodDelete, object, s.Builder(), ""), http.StatusForbidden, "connection_forbids")
	if calls := s.AWS.Calls(); len(calls) != 0 {
		t.Errorf("AWS was asked %d times", len(calls))
	}
}

// A denial by AWS names the action that the role lacks.
func TestDenialNamesTheMissingAction(t *testing.T) {
	s := deploymenttest.Start(t)
	answer := s.Call(http.MethodDelete, "/v1/s3/archive/buckets/demo-archive/object?key=readme.txt", s.Builder(), "")
	want(t, answer, http.StatusForbidden, "aws_access_denied")
	if got := answer.Field("missing_action"); got != "s3:DeleteObject" {
		t.Errorf("missing_action is %q, want s3:DeleteObject", got)
	}
	if got := answer.Field("resource"); got != "arn:aws:s3:::demo-archive/readme.txt" {
		t.Errorf("resource is %q, want the object's ARN", got)
	}
}
