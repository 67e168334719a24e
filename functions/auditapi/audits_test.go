package auditapi_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/problem"
)

func TestAnAuditFromTheQueueToItsReport(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	asked := s.Call(post, audits, s.Auditor(), `{"providers":["demo"]}`)
	want(t, asked, http.StatusAccepted, "")
	queued := read[started](t, asked).Audits
	if len(queued) != 1 || queued[0].Provider != "demo" || queued[0].Status != "queued" || queued[0].RequestedBy != "edsger@example.com" {
		t.Fatalf("queued %+v", queued)
	}
	path := audits + "/" + queued[0].ID
	for media, code := range map[string]problem.Code{"text/html": problem.AuditUnfinished, "application/sarif+json": problem.AuditUnfinished} {
		a := accept(s, path, s.Auditor(), media)
		want(t, a, http.StatusConflict, code)
		if a.Header.Get("Retry-After") != "5" || a.Field("retryable") != "true" {
			t.Errorf("%s: %v", media, a.Header)
		}
	}
	want(t, s.Call(post, path+"/link", s.Auditor(), ""), http.StatusConflict, problem.AuditUnfinished)
	if n, err := s.Deliver(t.Context()); n != 1 || err != nil {
		t.Fatalf("delivered %d, %v", n, err)
	}
	done := read[audited](t, s.Call(get, path, s.Auditor(), ""))
	if done.Status != "done" || done.Report == nil || done.Report.ID != done.ID || done.Report.Provider != "demo" || len(done.Findings) != 4 {
		t.Fatalf("done %+v", done)
	}
	listed := read[page[audited]](t, s.Call(get, audits+"?provider=demo", s.Auditor(), ""))
	if len(listed.Items) == 0 || listed.Items[0].ID != done.ID || listed.Items[0].Report != nil {
		t.Errorf("listed %+v", listed)
	}
}

func TestReportComesAsItIsAccepted(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	path := audits + "/" + auditOf(t, s)
	for accepted, media := range map[string]string{
		"*/*": "application/json", "application/json": "application/json", browser: "text/html; charset=utf-8",
		"application/sarif+json": "application/sarif+json", "application/sarif+json;q=0.4, text/html;q=0.3": "application/sarif+json",
	} {
		a := accept(s, path, s.Auditor(), accepted)
		want(t, a, http.StatusOK, "")
		if got := a.Header.Get("Content-Type"); got != media {
			t.Errorf("%s: got %s, want %s", accepted, got, media)
		}
		if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("X-Content-Type-Options") != "nosniff" || a.Header.Get("Vary") != "Accept" {
			t.Errorf("%s: headers %v", accepted, a.Header)
		}
	}
	pageOf := accept(s, path, s.Auditor(), browser)
	strict(t, pageOf)
	if !has(pageOf, "<!doctype html>") || !has(pageOf, "permission audit") {
		t.Errorf("page %s", pageOf.Body)
	}
	if a := accept(s, path, s.Auditor(), "application/sarif+json"); !has(a, `"version":"2.1.0"`) {
		t.Errorf("SARIF %s", a.Body)
	}
	want(t, accept(s, path, s.Auditor(), "text/csv"), http.StatusNotAcceptable, problem.NotAcceptable)
}

// strict fails the test unless a page has the headers that keep it to itself.
func strict(t *testing.T, a deploymenttest.Answer) {
	t.Helper()
	for name, value := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "X-Frame-Options": "DENY", "X-Robots-Tag": "noindex",
	} {
		if got := a.Header.Get(name); got != value {
			t.Errorf("%s: %s, want %s", name, got, value)
		}
	}
	if policy := a.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || !strings.HasSuffix(policy, "frame-ancestors 'none'") {
		t.Errorf("Content-Security-Policy: %s", policy)
	}
}

func TestStartSaysEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	want(t, s.Call(post, "/v1/providers", s.Admin(), `{"name":"early","method":"assume_role"}`), http.StatusCreated, "")
	for body, expected := range map[string]struct {
		query    string
		status   int
		code     problem.Code
		pointers []string
	}{
		`{"providers":[]}`:                    {"", 422, problem.InvalidRequest, []string{"/providers"}},
		`{}`:                                  {"", 422, problem.InvalidRequest, []string{"/providers"}},
		`{"providers":["demo"],"all":true}`:   {"", 422, problem.InvalidRequest, []string{"/all"}},
		`{"providers":"demo"}`:                {"", 422, problem.InvalidRequest, []string{"/providers"}},
		`{"providers":["demo","x","demo"]}`:   {"", 422, problem.InvalidRequest, []string{"/providers/2"}},
		`{"providers":["demo","early"]}`:      {"?wait=true", 422, problem.InvalidRequest, []string{"query.wait"}},
		`{"providers":["demo"] }`:             {"?wait=maybe&soon=1", 422, problem.InvalidRequest, []string{"query.wait", "query.soon"}},
		`{"providers":["nope","demo","no2"]}`: {"", 404, problem.ProviderNotFound, []string{"/providers/0", "/providers/2"}},
		`{"providers":["early","demo"]}`:      {"", 424, problem.ProviderAwaitingRole, []string{"/providers/0"}},
		`{"providers":["early","nope"]}`:      {"", 404, problem.ProviderNotFound, []string{"/providers/1"}},
		`{"providers":`:                       {"", 400, problem.InvalidJSON, nil},
		many(101):                             {"", 422, problem.InvalidRequest, []string{"/providers"}},
	} {
		a := s.Call(post, audits+expected.query, s.Auditor(), body)
		want(t, a, expected.status, expected.code)
		if expected.pointers != nil && !cmp.Equal(expected.pointers, pointers(t, a)) {
			t.Errorf("%s: faults at %v, want %v", body, pointers(t, a), expected.pointers)
		}
	}
	header := http.Header{"Content-Type": {"text/plain"}}
	want(t, s.Send(post, audits, s.Auditor(), strings.NewReader(`{"providers":["demo"]}`), header), http.StatusUnsupportedMediaType, problem.UnsupportedMediaType)
	if listed := read[page[audited]](t, s.Call(get, audits, s.Auditor(), "")); len(listed.Items) != 0 {
		t.Errorf("refused requests left audits: %+v", listed.Items)
	}
	if n, err := s.Deliver(t.Context()); n != 0 || err != nil {
		t.Errorf("refused requests left %d messages, %v", n, err)
	}
}

func many(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%q", fmt.Sprintf("p%d", i))
	}
	return `{"providers":[` + strings.Join(names, ",") + `]}`
}

// Who waits gets the report in the same request; it was queued all the same.
func TestWaiting(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	ctx, stop := context.WithCancel(t.Context())
	polled := make(chan struct{})
	go func() { defer close(polled); s.Poll(ctx, func(err error) { t.Error(err) }) }()
	defer func() { stop(); <-polled }()
	a := s.Call(post, audits+"?wait=true", s.Auditor(), `{"providers":["demo"]}`)
	want(t, a, http.StatusOK, "")
	got := read[started](t, a).Audits
	if len(got) != 1 || got[0].Status != "done" || got[0].Report == nil || got[0].Report.ID != got[0].ID {
		t.Errorf("got %s", a.Body)
	}
}

func TestAuditsArePaged(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	var made []string
	for range 5 {
		made = append(made, read[started](t, s.Call(post, audits, s.Auditor(), `{"providers":["demo"]}`)).Audits[0].ID)
	}
	slices.Reverse(made)
	var seen []string
	for cursor := ""; ; {
		got := read[page[audited]](t, s.Call(get, audits+"?limit=2&provider=demo&cursor="+cursor, s.Auditor(), ""))
		for _, each := range got.Items {
			seen = append(seen, each.ID)
		}
		if cursor = got.NextCursor; cursor == "" {
			break
		}
	}
	slices.Sort(made) // those of one millisecond have no order of their own
	slices.Sort(seen)
	if diff := cmp.Diff(made, seen); diff != "" {
		t.Errorf("audits (-made +listed):\n%s", diff)
	}
	want(t, s.Call(get, audits+"?cursor=rubbish", s.Auditor(), ""), http.StatusBadRequest, problem.CursorInvalid)
	for query, pointer := range map[string]string{
		"limit=0": "query.limit", "limit=1001": "query.limit", "limit=x": "query.limit", "state=new": "query.state",
		"provider=a&provider=b": "query.provider", "provider=" + strings.Repeat("a", 64): "query.provider",
	} {
		a := s.Call(get, audits+"?"+query, s.Auditor(), "")
		want(t, a, http.StatusUnprocessableEntity, problem.InvalidRequest)
		if !slices.Contains(pointers(t, a), pointer) {
			t.Errorf("%s: %s", query, a.Body)
		}
	}
	if got := read[page[audited]](t, s.Call(get, audits+"?provider=nobody", s.Auditor(), "")); len(got.Items) != 0 {
		t.Errorf("audits of nobody: %+v", got)
	}
}

// Every operation asks for its scope, and shows nothing of another site.
func TestScopesAndSites(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	id := auditOf(t, s)
	print := plantFinding(t, s)
	suppress := `{"reason":"known","until":"` + soon() + `"}`
	for _, op := range []struct {
		method, path, body string
		missing            problem.Code // for another site; empty: an empty list
		admins             bool
	}{
		{post, audits, `{"providers":["demo"]}`, problem.ProviderNotFound, false},
		{get, audits, "", "", false},
		{get, audits + "/" + id, "", problem.AuditNotFound, false},
		{post, audits + "/" + id + "/link", "", problem.AuditNotFound, false},
		{get, "/v1/findings", "", "", false},
		{get, "/v1/findings/" + print, "", problem.FindingNotFound, false},
		{put, "/v1/findings/" + print + "/suppression", suppress, problem.FindingNotFound, true},
		{remove, "/v1/findings/" + print + "/suppression", "", problem.FindingNotFound, true},
	} {
		lacking := others(s)
		if op.admins {
			delete(lacking, "admin")
			lacking["audit"] = s.Auditor()
		}
		for name, token := range lacking {
			if a := s.Call(op.method, op.path, token, op.body); a.Status != http.StatusForbidden || a.Field("code") != "scope_missing" {
				t.Errorf("%s %s with %s: %d %s", op.method, op.path, name, a.Status, a.Body)
			}
		}
		if a := s.Call(op.method, op.path, "", op.body); a.Status != http.StatusUnauthorized {
			t.Errorf("%s %s without a token: %d", op.method, op.path, a.Status)
		}
		a := s.Call(op.method, op.path, stranger(s), op.body)
		if op.missing != "" {
			want(t, a, http.StatusNotFound, op.missing)
		} else if got := read[page[map[string]any]](t, a); len(got.Items) != 0 {
			t.Errorf("%s %s shows another site %v", op.method, op.path, got.Items)
		}
		if has(a, demosite.Site) || has(a, "demo") {
			t.Errorf("%s %s tells another site: %s", op.method, op.path, a.Body)
		}
	}
}

func TestUnknownAudits(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	for _, id := range []string{unknownID, "x", "..", "%2e%2e", strings.Repeat("a", 100)} {
		want(t, s.Call(get, audits+"/"+id, s.Auditor(), ""), http.StatusNotFound, "")
		want(t, s.Call(post, audits+"/"+id+"/link", s.Auditor(), ""), http.StatusNotFound, "")
	}
	want(t, s.Call(get, audits+"/"+strings.Repeat("a", 101), s.Auditor(), ""), http.StatusUnprocessableEntity, problem.InvalidRequest)
}

// An audit that came to nothing says why, and has no report in any form.
func TestFailedAudits(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	a := kept(t, s)
	queued, err := a.Queue(t.Context(), demosite.Site, "demo", "grace")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Fail(t.Context(), queued, "aws_throttled", "AWS throttles requests."); err != nil {
		t.Fatal(err)
	}
	path := audits + "/" + queued.ID
	got := read[audited](t, s.Call(get, path, s.Auditor(), ""))
	if got.Status != "failed" || got.Problem != "aws_throttled" || got.Detail != "AWS throttles requests." || got.Report != nil {
		t.Errorf("got %+v", got)
	}
	for _, media := range []string{"text/html", "application/sarif+json"} {
		refused := accept(s, path, s.Auditor(), media)
		want(t, refused, http.StatusConflict, problem.AuditFailed)
		if !has(refused, "AWS throttles requests.") || refused.Field("retryable") != "false" {
			t.Errorf("%s", refused.Body)
		}
	}
	want(t, s.Call(post, path+"/link", s.Auditor(), ""), http.StatusConflict, problem.AuditFailed)
}
