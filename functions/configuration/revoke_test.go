package configuration_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/problem"
)

const listing = "/v1/s3/files/buckets/demo-files/objects"

// After revoking, no tier has credentials any more, and the provider is of use all the same.
func TestRevoke(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	tier := func(wanted string) {
		t.Helper()
		got := s.Call(get, listing, s.Builder(), "")
		if got.Status != http.StatusOK || got.Header.Get("Arngate-Credentials") != wanted {
			t.Errorf("got %d with %q, want %q: %s", got.Status, got.Header.Get("Arngate-Credentials"), wanted, got.Body)
		}
	}
	recycle := func() {
		t.Helper()
		if err := s.Recycle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	tier("minted")
	recycle()
	tier("table")
	before := s.Call(get, "/v1/providers/demo", s.Admin(), "")
	began := time.Now().Add(-time.Second)
	answer := conditional(s, remove, "/v1/providers/demo/credentials", "", before.Header.Get("ETag"))
	revoked := read[struct {
		Status    string
		Account   string
		RevokedAt time.Time       `json:"revoked_at"`
		Deny      json.RawMessage `json:"deny_policy"`
		Command   string          `json:"attach_command"`
	}](t, answer)
	if revoked.Status != "ready" || revoked.Account != demosite.Account || revoked.RevokedAt.Before(began) {
		t.Errorf("got %s", answer.Body)
	}
	if answer.Header.Get("ETag") == before.Header.Get("ETag") || answer.Header.Get("ETag") == "" {
		t.Errorf("ETag is still %s", answer.Header.Get("ETag"))
	}
	if !strings.Contains(string(revoked.Deny), "aws:TokenIssueTime") || !strings.Contains(revoked.Command, "--role-name="+demosite.RoleName) {
		t.Errorf("got %s and %s", revoked.Deny, revoked.Command)
	}
	recycle() // what instances remember of the registry is forgotten, as it is after 30 s
	tier("minted")
	tier("memory")
	want(t, conditional(s, remove, "/v1/providers/demo/credentials", "", before.Header.Get("ETag")), http.StatusPreconditionFailed, problem.ETagMismatch)
	want(t, s.Call(remove, "/v1/providers/demo/credentials", s.Admin(), ""), http.StatusOK, "")
}

// Without a role there is nothing to attach the policy to by name.
func TestRevokeWithoutARole(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	want(t, s.Call(post, "/v1/providers", s.Admin(), `{"name":"p","method":"assume_role"}`), http.StatusCreated, "")
	got := s.Call(remove, "/v1/providers/p/credentials", s.Admin(), "")
	want(t, got, http.StatusOK, "")
	if got.Field("status") != "awaiting_role" || got.Field("attach_command") != "" || got.Field("deny_policy") == "" {
		t.Errorf("got %s", got.Body)
	}
}
