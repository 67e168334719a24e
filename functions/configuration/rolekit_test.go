package configuration_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/secrettest"
)

// Every form says what it is, and is for the provider's own role where it has one.
func TestRoleKitForms(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	for _, c := range []struct{ query, contentType, word string }{
		{"", "application/json", `"permission_policy"`},
		{"?format=json", "application/json", `"role_name": "arngate-demo"`},
		{"?format=trust-policy", "application/json", `"sts:ExternalId": "` + demosite.Site + `"`},
		{"?format=cli", "text/x-shellscript; charset=utf-8", "role='arngate-demo'"},
		{"?format=cloudformation", "application/yaml", `RoleName: "arngate-demo"`},
		{"?format=terraform", "text/plain; charset=utf-8", `name               = "arngate-demo"`},
		{"?role_name=other", "application/json", `"role_name": "other"`},
		{"?site=" + demosite.OtherSite, "application/json", `"` + demosite.OtherSite + `"`},
		{"", "application/json", `arn:aws:dynamodb:eu-central-1:` + demosite.Account + `:table/Orders`},
		{"?audit=true", "application/json", `"arn:aws:iam::` + demosite.Account + `:role/skuid-assumable-role/arngate-demo"`},
		{"?audit=true&policy=arn:aws:iam::aws:policy/ReadOnlyAccess", "application/json", "iam:GetPolicyVersion"},
		{"?origin=https://app.example", "application/json", `"https://app.example"`},
	} {
		got := s.Call(get, "/v1/providers/demo/role-kit"+c.query, s.Admin(), "")
		if got.Status != http.StatusOK || got.Header.Get("Content-Type") != c.contentType || !strings.Contains(got.Body, c.word) {
			t.Errorf("%s: got %d, %s, %s; want %s with %s", c.query, got.Status, got.Header.Get("Content-Type"), got.Body, c.contentType, c.word)
		}
	}
	plain := s.Call(get, "/v1/providers/demo/role-kit", s.Admin(), "").Body
	if strings.Contains(plain, "iam:Get") || strings.Contains(plain, "CORS") {
		t.Errorf("got what nobody asked for: %s", plain)
	}
}

// The kit is for the role that there is, wherever its path has the segment; another name means a new role, under the segment.
func TestRoleKitOfADeeperPath(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	const arn = "arn:aws:iam::777788889999:role/team/skuid-assumable-role/a'b/deep"
	want(t, s.Call(post, "/v1/providers", s.Admin(), `{"name":"p","method":"assume_role","role_arn":"`+arn+`"}`), http.StatusCreated, "")
	const path = "/v1/providers/p/role-kit?audit=true"
	got := read[kit](t, s.Call(get, path, s.Admin(), ""))
	if got.RoleName != "deep" || got.RolePath != "/team/skuid-assumable-role/a'b/" || !strings.Contains(string(got.Permission), arn) {
		t.Errorf("got %s%s with %s", got.RolePath, got.RoleName, got.Permission)
	}
	got = read[kit](t, s.Call(get, path+"&role_name=other&account=444455556666", s.Admin(), ""))
	if got.RolePath != "/skuid-assumable-role/" || !strings.Contains(string(got.Permission), "arn:aws:iam::444455556666:role/skuid-assumable-role/other") {
		t.Errorf("got %s%s with %s", got.RolePath, got.RoleName, got.Permission)
	}
	refused := s.Call(get, path+"&account=444455556666", s.Admin(), "")
	if diff := cmp.Diff([]string{"query.account"}, pointers(t, refused)); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

// Without an origin of the request's, buckets answer the pages that the API answers.
func TestRoleKitOrigins(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(deploymenttest.TemplatePath(t))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "template.yaml")
	changed := strings.Replace(string(text), "CorsOrigins:\n    Type: String\n    Default: \"\"", "CorsOrigins:\n    Type: String\n    Default: https://api-pages.example", 1)
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil { //nolint:gosec // a temporary folder
		t.Fatal(err)
	}
	s := deploymenttest.StartTemplate(t, path)
	for query, origin := range map[string]string{"": "https://api-pages.example", "?origin=https://other.example": "https://other.example"} {
		got := s.Call(get, "/v1/providers/demo/role-kit"+query, s.Admin(), "")
		if got.Status != http.StatusOK || strings.Count(got.Body, "https://") != 2 || !strings.Contains(got.Body, origin) {
			t.Errorf("%s: got %s, want two buckets to answer %s alone", query, got.Body, origin)
		}
	}
}

// A provider without connections, without a role, and with a name as long as names get.
func TestRoleKitOfANewProvider(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	long := strings.Repeat("p", 63)
	for name, role := range map[string]string{"new": "arngate-new", long: long} {
		want(t, s.Call(post, "/v1/providers", s.Admin(), `{"name":"`+name+`","method":"assume_role"}`), http.StatusCreated, "")
		got := read[kit](t, s.Call(get, "/v1/providers/"+name+"/role-kit", s.Admin(), ""))
		if got.RoleName != role || got.Permission != nil {
			t.Errorf("got role %s with %s", got.RoleName, got.Permission)
		}
	}
}

func TestRoleKitFaultsComeTogether(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	const path = "/v1/providers/demo/role-kit"
	for query, at := range map[string][]string{
		"?format=pdf":      {"query.format"},
		"?colour=red":      {"query.colour"},
		"?audit=perhaps":   {"query.audit"},
		"?site=not-a-uuid": {"query.site"},
		"?role_name=%27%24(id)%24%7Bx%7D*&site=x&account=1&policy=p&origin=o": {"query.site", "query.role_name", "query.account", "query.policy", "query.origin"},
		"?role_name=a&role_name=b": {"query.role_name"},
	} {
		got := s.Call(get, path+query, s.Admin(), "")
		want(t, got, http.StatusUnprocessableEntity, problem.InvalidRequest)
		if diff := cmp.Diff(at, pointers(t, got)); diff != "" {
			t.Errorf("%s: faults (-want +got):\n%s", query, diff)
		}
		if strings.Contains(got.Body, "$(id)") {
			t.Errorf("%s: the answer repeats the value: %s", query, got.Body)
		}
	}
	s.Connection("resolved", "s3", "demo", `"buckets":[{"name":"demo-files","prefix":"{{resolve:ssm:x}}"}]`)
	got := s.Call(get, path+"?format=cloudformation", s.Admin(), "")
	want(t, got, http.StatusUnprocessableEntity, problem.InvalidRequest)
	want(t, s.Call(get, path+"?format=terraform", s.Admin(), ""), http.StatusOK, "")
}

// What no role can be granted is said, not folded into something wider.
func TestRoleKitTooBroad(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"} {
		long := strings.Repeat(name, 200)
		s.Connection("broad-"+name, "dynamodb", "demo", `"tables":["`+long+`1","`+long+`2"]`)
	}
	s.Connection("broad-z", "s3", "demo", `"buckets":[{"name":"demo-files","prefix":"`+strings.Repeat("z", 700)+`"}]`)
	want(t, s.Call(get, "/v1/providers/demo/role-kit", s.Admin(), ""), http.StatusUnprocessableEntity, problem.ConnectionTooBroad)
}

// Access keys have no role: their kit is a policy for the user.
func TestRoleKitOfAccessKeys(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	body := strings.Replace(keyBody("AKIA0123456789ABCDEF", secrettest.Plant(secrettest.SecretKey, "x")), "{", `{"name":"keys","method":"access_keys",`, 1)
	want(t, s.Call(post, "/v1/providers", s.Admin(), body), http.StatusCreated, "")
	got := s.Call(get, "/v1/providers/keys/role-kit", s.Admin(), "")
	if !strings.Contains(got.Body, "sts:GetFederationToken") || strings.Contains(got.Body, "trust_policy") {
		t.Errorf("got %s", got.Body)
	}
	refused := s.Call(get, "/v1/providers/keys/role-kit?format=cli&role_name=x", s.Admin(), "")
	if diff := cmp.Diff([]string{"query.format", "query.role_name"}, pointers(t, refused)); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}
