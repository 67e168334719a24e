package auditapi_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/problem"
)

// linked makes a link to an audit's report and returns its path.
func linked(tb testing.TB, s *deploymenttest.Stack, id string) (path string, made link) {
	tb.Helper()
	made = read[link](tb, s.Call(post, audits+"/"+id+"/link", s.Auditor(), ""))
	path, ok := strings.CutPrefix(made.URL, s.URL)
	if !ok || !strings.HasPrefix(path, "/v1/reports/") {
		tb.Fatalf("the link %s doesn't lead to %s", made.URL, s.URL)
	}
	return path, made
}

func TestALinkOpensItsReportWithoutAToken(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	id := auditOf(t, s)
	before := time.Now()
	path, made := linked(t, s, id)
	if left := made.ExpiresAt.Sub(before); left < 14*time.Minute+58*time.Second || left > 15*time.Minute+time.Second {
		t.Errorf("the link lasts %s", left)
	}
	for _, accepted := range []string{browser, "*/*", "text/html"} {
		a := accept(s, path, "", accepted)
		want(t, a, http.StatusOK, "")
		strict(t, a)
		if a.Header.Get("Content-Type") != "text/html; charset=utf-8" || !has(a, id) {
			t.Errorf("%s: %s", accepted, a.Body)
		}
	}
	want(t, s.Call(get, path, "", ""), http.StatusOK, "")
	want(t, accept(s, path, "", "application/json"), http.StatusNotAcceptable, problem.NotAcceptable)
	want(t, s.Call(get, path+"?print=1", "", ""), http.StatusUnprocessableEntity, problem.InvalidRequest)
	if strings.Contains(s.Logs.String(), strings.TrimPrefix(path, "/v1/reports/")) {
		t.Error("the link is logged")
	}
	if !strings.Contains(s.Logs.String(), `"operation":"open-report-link"`) {
		t.Error("that a link was opened isn't logged")
	}
}

// A browser gets a page that says what is wrong, everybody else a problem.
func TestALinkExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		path, made := linked(t, s, auditOf(t, s))
		time.Sleep(time.Until(made.ExpiresAt) - time.Second)
		want(t, accept(s, path, "", browser), http.StatusOK, "")
		time.Sleep(time.Second)
		a := accept(s, path, "", "*/*")
		want(t, a, http.StatusGone, problem.LinkExpired)
		if a.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("content type %s", a.Header.Get("Content-Type"))
		}
		a = accept(s, path, "", browser)
		want(t, a, http.StatusGone, "")
		if a.Header.Get("Content-Type") != "text/html; charset=utf-8" || !has(a, "<h1>Link expired</h1>") || has(a, "<script") {
			t.Errorf("%v %s", a.Header, a.Body)
		}
		for name, value := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
			if got := a.Header.Get(name); got != value {
				t.Errorf("%s: %s, want %s", name, got, value)
			}
		}
		if policy := a.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") {
			t.Errorf("Content-Security-Policy: %s", policy)
		}
	})
}

func TestOnlyWholeUnalteredLinksOpen(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	path, _ := linked(t, s, auditOf(t, s))
	sealed := strings.TrimPrefix(path, "/v1/reports/")
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range sealed { // each character, by each bit of what it stands for
		at := strings.IndexByte(alphabet, sealed[i])
		for bit := 1; bit < 64; bit <<= 1 {
			altered := sealed[:i] + string(alphabet[at^bit]) + sealed[i+1:]
			if a := s.Call(get, "/v1/reports/"+altered, "", ""); a.Status != http.StatusNotFound || a.Field("code") != string(problem.LinkInvalid) {
				t.Fatalf("character %d altered: %d %s", i, a.Status, a.Body)
			}
		}
	}
	for name, altered := range map[string]string{
		"cut off": sealed[:len(sealed)-1], "doubled": sealed + sealed, "longer": sealed + "A", "padded": sealed + "%3D", "with a line break": sealed[:20] + "%0A" + sealed[20:],
		"of nothing": "A", "of another alphabet": strings.Repeat("+", 40), "an id": unknownID, "too short": "AQAAAAAAAAAB",
	} {
		a := s.Call(get, "/v1/reports/"+altered, "", "")
		want(t, a, http.StatusNotFound, problem.LinkInvalid)
		if t.Failed() {
			t.Fatalf("a link %s", name)
		}
	}
}

// What is sealed for something else, by the same keys, is no link.
func TestACursorIsNoLink(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	listed := s.Call(get, "/v1/dynamodb/orders/tables/Orders/items?limit=1", s.Builder(), "")
	cursor := listed.Field("next_cursor")
	if raw, err := base64.RawURLEncoding.DecodeString(cursor); err != nil || len(raw) < 30 || raw[0] != 1 {
		t.Fatalf("no sealed cursor in %s", listed.Body)
	}
	want(t, s.Call(get, "/v1/reports/"+cursor, "", ""), http.StatusNotFound, problem.LinkInvalid)
	path, _ := linked(t, s, auditOf(t, s))
	sealed := strings.TrimPrefix(path, "/v1/reports/")
	want(t, s.Call(get, "/v1/dynamodb/orders/tables/Orders/items?limit=1&cursor="+sealed, s.Builder(), ""), http.StatusBadRequest, problem.CursorInvalid)
}

// A link leads to the one report it was made for; whose link it is doesn't depend on who opens it.
func TestALinkLeadsToOneReport(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	mine := plant(t, s, demosite.Site, "mine", planted())
	theirs := plant(t, s, otherSite, "theirs", planted())
	want(t, s.Call(post, audits+"/"+theirs+"/link", s.Auditor(), ""), http.StatusNotFound, problem.AuditNotFound)
	want(t, s.Call(post, audits+"/"+mine+"/link", stranger(s), ""), http.StatusNotFound, problem.AuditNotFound)
	path, _ := linked(t, s, mine)
	for name, token := range map[string]string{"nobody": "", "a stranger": stranger(s), "an auditor": s.Auditor()} {
		a := s.Call(get, path, token, "")
		want(t, a, http.StatusOK, "")
		if !has(a, mine) || has(a, theirs) {
			t.Errorf("%s reads %s", name, a.Body)
		}
	}
}

// A report that is no longer kept is not there for its link either.
func TestALinkOutlivesItsReport(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	path, _ := linked(t, s, plant(t, s, demosite.Site, "mine", planted()))
	forget(t, s)
	want(t, s.Call(get, path, "", ""), http.StatusNotFound, problem.AuditNotFound)
	a := accept(s, path, "", browser)
	if a.Status != http.StatusNotFound || !has(a, "The report is no longer kept.") {
		t.Errorf("got %d %s", a.Status, a.Body)
	}
}

// forget empties the table of the audits, as its TTL does.
func forget(tb testing.TB, s *deploymenttest.Stack) {
	tb.Helper()
	if err := empty(context.WithoutCancel(tb.Context()), tb, s); err != nil {
		tb.Fatal(err)
	}
}
