package configuration_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/problem"
)

// shown is a connection as it is answered.
type shown struct {
	Name, Connector, Provider, Region string
	ReadOnly                          bool `json:"read_only"`
	Acting                            bool
	Groups, Tables, Functions         []string
	KMSKeys                           []string `json:"kms_keys"`
	Buckets                           []struct{ Name, Prefix, Owner string }
}

func TestConnectionIsAsItWasSaved(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	const key = "arn:aws:kms:eu-central-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	body := `{"name":"c","connector":"s3","provider":"demo","region":"eu-central-1","read_only":true,"acting":true,"groups":["a","b"],
		"kms_keys":["` + key + `"],"buckets":[{"name":"demo-files","prefix":"r","owner":"444455556666"}]}`
	made := s.Call(post, "/v1/connections", s.Admin(), body)
	want(t, made, http.StatusCreated, "")
	expected := shown{
		Name: "c", Connector: "s3", Provider: "demo", Region: "eu-central-1", ReadOnly: true, Acting: true, Groups: []string{"a", "b"},
		KMSKeys: []string{key}, Buckets: []struct{ Name, Prefix, Owner string }{{"demo-files", "r", "444455556666"}},
	}
	for _, got := range []deploymenttest.Answer{made, s.Call(get, "/v1/connections/c", s.Admin(), "")} {
		if diff := cmp.Diff(expected, read[shown](t, got)); diff != "" {
			t.Errorf("connection (-want +got):\n%s", diff)
		}
	}
	want(t, s.Call(post, "/v1/connections", s.Admin(), body), http.StatusConflict, problem.NameTaken)
}

// "*" alone is everything, of buckets as of tables and functions; beside others it is a fault.
func TestEverythingIsOneStar(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	for i, limits := range []string{
		`"connector":"s3","buckets":["*"]`, `"connector":"s3","buckets":[{"name":"*"}]`, `"connector":"dynamodb","tables":["*"]`,
		`"connector":"lambda","functions":["*"]`,
	} {
		body := fmt.Sprintf(`{"name":"c%d","provider":"demo","region":"eu-central-1","groups":["*"],%s}`, i, limits)
		want(t, s.Call(post, "/v1/connections", s.Admin(), body), http.StatusCreated, "")
	}
	if got := read[shown](t, s.Call(get, "/v1/connections/c0", s.Admin(), "")).Buckets; len(got) != 1 || got[0].Name != "*" {
		t.Errorf("buckets are %v", got)
	}
	want(t, s.Call(get, "/v1/s3/c0/buckets/demo-files/objects", s.Builder(), ""), http.StatusOK, "")
	for limits, at := range map[string]string{
		`"connector":"s3","buckets":["demo-files"]`:                              "/buckets/0",
		`"connector":"s3","buckets":[1]`:                                         "/buckets/0",
		`"connector":"s3","buckets":[{"name":"a","colour":1}]`:                   "/buckets/0/colour",
		`"connector":"s3","buckets":[{"prefix":"a"}]`:                            "/buckets/0/name",
		`"connector":"s3","buckets":["*",{"name":"demo-files"}]`:                 "/buckets",
		`"connector":"s3","buckets":[]`:                                          "/buckets",
		`"connector":"s3"`:                                                       "/buckets",
		`"connector":"dynamodb","tables":["*","Orders"]`:                         "/tables",
		`"connector":"lambda","functions":["arn:aws:lambda:x:1:function:hello"]`: "/functions/0",
	} {
		body := `{"name":"bad","provider":"demo","region":"eu-central-1","groups":["*"],` + limits + `}`
		got := s.Call(post, "/v1/connections", s.Admin(), body)
		want(t, got, http.StatusUnprocessableEntity, problem.InvalidRequest)
		if diff := cmp.Diff([]string{at}, pointers(t, got)); diff != "" {
			t.Errorf("%s: faults (-want +got):\n%s", limits, diff)
		}
	}
}

func TestConnectionFaultsComeTogether(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	got := s.Call(post, "/v1/connections", s.Admin(),
		`{"name":"1","connector":"dynamodb","provider":"2","region":"us-east-1.evil.example#","groups":[],"tables":["a b"],"functions":["f"]}`)
	want(t, got, http.StatusUnprocessableEntity, problem.InvalidRequest)
	if diff := cmp.Diff([]string{"/name", "/provider", "/groups", "/region", "/tables/0", "/functions"}, pointers(t, got)); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	// A region with a region's form that isn't one (trap 21), and a provider that isn't there.
	got = s.Call(post, "/v1/connections", s.Admin(), strings.Replace(tables("c", "demo", "Orders"), "eu-central-1", "eu-nowhere-9", 1))
	if diff := cmp.Diff([]string{"/region"}, pointers(t, got)); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	got = s.Call(post, "/v1/connections", s.Admin(), tables("c", "nothing", "Orders"))
	want(t, got, http.StatusUnprocessableEntity, problem.InvalidRequest)
	if diff := cmp.Diff([]string{"/provider"}, pointers(t, got)); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

// What doesn't fit into a session policy is refused at save, and the connection stays as it was (trap 7).
func TestTrap7ConnectionTooBroad(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	var many []string
	for i := range 30 {
		many = append(many, fmt.Sprintf("a-table-with-a-long-name-%d", i))
	}
	want(t, s.Call(post, "/v1/connections", s.Admin(), tables("broad", "demo", many...)), http.StatusUnprocessableEntity, problem.ConnectionTooBroad)
	want(t, s.Call(get, "/v1/connections/broad", s.Admin(), ""), http.StatusNotFound, problem.ConnectionNotFound)
	want(t, s.Call(put, "/v1/connections/orders", s.Admin(), tables("orders", "demo", many...)), http.StatusUnprocessableEntity, problem.ConnectionTooBroad)
	if got := read[shown](t, s.Call(get, "/v1/connections/orders", s.Admin(), "")).Tables; !cmp.Equal(got, []string{"Orders"}) {
		t.Errorf("tables are %v", got)
	}
}

func TestConnectionETagsAndRefusals(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	const path = "/v1/connections/orders"
	body := tables("", "demo", "Orders")
	body = strings.Replace(body, `"name":"",`, "", 1)
	first := s.Call(get, path, s.Admin(), "").Header.Get("ETag")
	second := conditional(s, put, path, body, first)
	want(t, second, http.StatusOK, "")
	want(t, conditional(s, put, path, body, first), http.StatusPreconditionFailed, problem.ETagMismatch)
	want(t, conditional(s, remove, path, "", first), http.StatusPreconditionFailed, problem.ETagMismatch)
	stranger := s.TokenOf(demosite.OtherSite, "mallory@example.com", "arngate/admin")
	for _, method := range []string{get, put, remove} {
		sent := ""
		if method == put {
			sent = body
		}
		theirs := s.Call(method, path, stranger, sent)
		if method == put { // its provider isn't there either
			want(t, theirs, theirs.Status, "")
		} else {
			want(t, theirs, http.StatusNotFound, problem.ConnectionNotFound)
		}
		want(t, s.Call(method, "/v1/connections/nothing", s.Admin(), sent), http.StatusNotFound, problem.ConnectionNotFound)
		want(t, s.Call(method, path, s.Builder(), sent), http.StatusForbidden, problem.ScopeMissing)
	}
	want(t, conditional(s, remove, path, "", second.Header.Get("ETag")), http.StatusNoContent, "")
}

// me are the names of the connections that a caller may use.
func me(t *testing.T, s *deploymenttest.Stack, claims map[string]any, header http.Header) string {
	t.Helper()
	token, err := s.Token(claims)
	if err != nil {
		t.Fatal(err)
	}
	answer := s.Send(get, "/v1/me", token, http.NoBody, header)
	var names []string
	for _, c := range read[struct{ Connections []shown }](t, answer).Connections {
		names = append(names, c.Name)
	}
	return strings.Join(names, " ")
}

// Groups open connections to callers; a backend that acts for a user sees only what is open to acting.
func TestGroupsAndActing(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	for _, name := range []string{"actions", "archive", "files", "orders"} {
		want(t, s.Call(remove, "/v1/connections/"+name, s.Admin(), ""), http.StatusNoContent, "")
	}
	for name, groups := range map[string]string{"all": `["*"]`, "ones": `["a","b"]`, "odd": `["x admin"]`, "act": `["nobody"],"acting":true`} {
		body := strings.Replace(tables(name, "demo", "Orders"), `["*"]`, groups, 1)
		want(t, s.Call(post, "/v1/connections", s.Admin(), body), http.StatusCreated, "")
	}
	claims := func(scope string, groups any) map[string]any {
		out := map[string]any{"site_id": demosite.Site, "sub": "u", "scope": scope}
		if groups != nil {
			out["groups"] = groups
		}
		return out
	}
	for _, c := range []struct {
		name, want string
		claims     map[string]any
		acting     string
	}{
		{"no groups", "all", claims("arngate/connect", nil), ""},
		{"one of its groups", "all ones", claims("arngate/connect", []string{"b", "c"}), ""},
		{"trap 23a: a group with a space", "all odd", claims("arngate/connect", []string{"x admin"}), ""},
		{"trap 23a: its halves", "all", claims("arngate/connect", []string{"x", "admin"}), ""},
		{"acting, whose groups don't apply", "act", claims("arngate/connect arngate/act-as", []string{"a"}), "ada@example.com"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{}
			if c.acting != "" {
				header.Set("Arngate-Acting-User", c.acting)
			}
			if got := me(t, s, c.claims, header); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	token, err := s.Token(claims("arngate/connect", []string{"a"}))
	if err != nil {
		t.Fatal(err)
	}
	refused := s.Send(get, "/v1/me", token, http.NoBody, http.Header{"Arngate-Acting-User": {"ada@example.com"}})
	want(t, refused, http.StatusForbidden, problem.ScopeMissing)
}
