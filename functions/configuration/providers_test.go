package configuration_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/secrettest"
)

// A provider is named first, gets its role later, and is verified last. Any edit puts it back.
func TestProviderStatuses(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	arn := s.Role("/skuid-assumable-role/", "statuses", demosite.Site, "AmazonDynamoDBReadOnlyAccess")
	status := func(wanted string) {
		t.Helper()
		if got := s.Call(get, "/v1/providers/p", s.Admin(), ""); got.Field("status") != wanted {
			t.Errorf("got %s, want %s", got.Body, wanted)
		}
	}
	made := s.Call(post, "/v1/providers", s.Admin(), `{"name":"p","method":"assume_role"}`)
	want(t, made, http.StatusCreated, "")
	status("awaiting_role")
	s.Connection("c", "dynamodb", "p", `"tables":["Orders"]`)
	use := func() deploymenttest.Answer { return s.Call(get, "/v1/dynamodb/c/tables", s.Builder(), "") }
	want(t, use(), http.StatusFailedDependency, problem.ProviderAwaitingRole)

	want(t, s.Call(put, "/v1/providers/p", s.Admin(), `{"method":"assume_role","role_arn":"`+arn+`"}`), http.StatusOK, "")
	status("unverified")
	if err := s.Recycle(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(t, use(), http.StatusFailedDependency, problem.ProviderUnverified)
	want(t, s.Call(post, "/v1/providers/p/verify", s.Admin(), ""), http.StatusOK, "")
	status("ready")
	want(t, use(), http.StatusOK, "")
	want(t, s.Call(put, "/v1/providers/p", s.Admin(), `{"method":"assume_role","role_arn":"`+arn+`"}`), http.StatusOK, "")
	status("unverified")

	careless := s.Role("/skuid-assumable-role/", "careless", "*", "")
	want(t, s.Call(put, "/v1/providers/p", s.Admin(), `{"method":"assume_role","role_arn":"`+careless+`"}`), http.StatusOK, "")
	status("unverified")
}

// An ETag names what it was read with, and If-Match lets nothing else be replaced.
func TestProviderETags(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	const path, body = "/v1/providers/p", `{"method":"assume_role"}`
	first := s.Call(post, "/v1/providers", s.Admin(), `{"name":"p","method":"assume_role"}`).Header.Get("ETag")
	if read := s.Call(get, path, s.Admin(), "").Header.Get("ETag"); first == "" || read != first {
		t.Errorf("ETags of create and read are %s and %s", first, read)
	}
	second := conditional(s, put, path, body, first)
	want(t, second, http.StatusOK, "")
	for _, method := range []string{put, remove} {
		sent := body
		if method == remove {
			sent = ""
		}
		want(t, conditional(s, method, path, sent, first), http.StatusPreconditionFailed, problem.ETagMismatch)
		want(t, conditional(s, method, path+"/credentials", "", first), methodStatus(method), "")
	}
	want(t, conditional(s, remove, path, "", second.Header.Get("ETag")), http.StatusNoContent, "")
	want(t, s.Call(get, path, s.Admin(), ""), http.StatusNotFound, problem.ProviderNotFound)
}

// methodStatus is what a stale If-Match on the credentials is answered with: they can only be deleted.
func methodStatus(method string) int {
	if method == remove {
		return http.StatusPreconditionFailed
	}
	return http.StatusNotFound
}

// What isn't there and what is another site's are refused alike; so is who may not administer.
func TestProviderRefusals(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	stranger := s.TokenOf(demosite.OtherSite, "mallory@example.com", "arngate/admin")
	key := keyBody("AKIA0123456789ABCDEF", secrettest.Plant(secrettest.SecretKey, "x"))
	for _, c := range []struct{ method, path, body string }{
		{get, "", ""},
		{put, "", `{"method":"assume_role"}`},
		{remove, "", ""},
		{get, "/role-kit", ""},
		{put, "/access-key", key},
		{remove, "/credentials", ""},
	} {
		theirs := s.Call(c.method, "/v1/providers/demo"+c.path, stranger, c.body)
		nobodys := s.Call(c.method, "/v1/providers/nothing"+c.path, s.Admin(), c.body)
		want(t, theirs, http.StatusNotFound, problem.ProviderNotFound)
		want(t, nobodys, http.StatusNotFound, problem.ProviderNotFound)
		if theirs.Field("detail") != nobodys.Field("detail") {
			t.Errorf("trap 23: %s %s tells %s from %s", c.method, c.path, theirs.Body, nobodys.Body)
		}
		want(t, s.Call(c.method, "/v1/providers/demo"+c.path, s.Builder(), c.body), http.StatusForbidden, problem.ScopeMissing)
	}
	want(t, s.Call(post, "/v1/providers", s.Admin(), `{"name":"demo","method":"assume_role"}`), http.StatusConflict, problem.NameTaken)
}

func TestProviderInUse(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	refused := s.Call(remove, "/v1/providers/demo", s.Admin(), "")
	want(t, refused, http.StatusConflict, problem.ProviderInUse)
	if got := refused.Field("connections"); got != "[actions archive files orders]" {
		t.Errorf("connections are %s", got)
	}
	for _, name := range []string{"actions", "archive", "files", "orders"} {
		want(t, s.Call(remove, "/v1/connections/"+name, s.Admin(), ""), http.StatusNoContent, "")
	}
	want(t, s.Call(remove, "/v1/providers/demo", s.Admin(), ""), http.StatusNoContent, "")
}

// Every fault of a body comes in one answer, by its place and never with its value.
func TestProviderFaults(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	planted := secrettest.Plant(secrettest.SecretKey, "/x")
	for _, c := range []struct {
		name, body string
		code       problem.Code
		at         []string
	}{
		{
			"a role's own and keys'", `{"name":"1","method":"assume_role","role_arn":"` + planted + `","access_key_id":"` + planted + `","secret_access_key":"` + planted + `","scoping":"none"}`,
			problem.InvalidRequest,
			[]string{"/name", "/role_arn", "/access_key_id", "/scoping", "/secret_access_key"},
		},
		{
			"keys without a secret", `{"name":"k","method":"access_keys","access_key_id":"` + planted + `","role_arn":"` + planted + `"}`,
			problem.InvalidRequest,
			[]string{"/access_key_id", "/role_arn", "/secret_access_key"},
		},
		{"not an ARN", `{"name":"p","method":"assume_role","role_arn":"` + planted + `"}`, problem.RoleARNInvalid, []string{"/role_arn"}},
		{"a session's ARN", `{"name":"p","method":"assume_role","role_arn":"arn:aws:sts::444455556666:assumed-role/x/y"}`, problem.RoleARNInvalid, []string{"/role_arn"}},
		{"another path", `{"name":"p","method":"assume_role","role_arn":"arn:aws:iam::444455556666:role/skuid-assumable-role"}`, problem.RoleARNInvalid, []string{"/role_arn"}},
		{"another partition", `{"name":"p","method":"assume_role","role_arn":"arn:aws-cn:iam::444455556666:role/skuid-assumable-role/x"}`, problem.RoleARNInvalid, []string{"/role_arn"}},
		{"unknown fields", `{"name":"p","method":"assume_role","account":1,"external_id":"` + planted + `"}`, problem.InvalidRequest, []string{"/account", "/external_id"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := s.Call(post, "/v1/providers", s.Admin(), c.body)
			want(t, got, http.StatusUnprocessableEntity, c.code)
			if diff := cmp.Diff(c.at, pointers(t, got)); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			if strings.Contains(got.Body, planted) {
				t.Errorf("the answer repeats a value: %s", got.Body)
			}
		})
	}
	mismatch := s.Call(put, "/v1/providers/demo", s.Admin(), `{"name":"other","method":"assume_role"}`)
	want(t, mismatch, http.StatusUnprocessableEntity, problem.InvalidRequest)
}

func TestProvidersArePaged(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	for _, name := range []string{"a", "b", "c"} {
		want(t, s.Call(post, "/v1/providers", s.Admin(), `{"name":"`+name+`","method":"assume_role"}`), http.StatusCreated, "")
	}
	type page struct {
		Items []struct{ Name, Status string }
		Next  string `json:"next_cursor"`
	}
	first := read[page](t, s.Call(get, "/v1/providers?limit=3", s.Admin(), ""))
	second := read[page](t, s.Call(get, "/v1/providers?limit=3&cursor="+first.Next, s.Admin(), ""))
	var got []string
	for _, item := range append(first.Items, second.Items...) {
		got = append(got, item.Name+" "+item.Status)
	}
	if diff := cmp.Diff([]string{"a awaiting_role", "b awaiting_role", "c awaiting_role", "demo ready"}, got); diff != "" || second.Next != "" {
		t.Errorf("providers (-want +got):\n%s, then %q", diff, second.Next)
	}
	none := s.Call(get, "/v1/providers", s.TokenOf(demosite.OtherSite, "m@example.com", "arngate/admin"), "")
	if none.Body != `{"items":[]}` {
		t.Errorf("another site sees %s", none.Body)
	}
}
