package auditapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/verdict"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/registry"
)

// planted is a report with these findings.
func planted(findings ...audit.Finding) audit.Report {
	now := time.Now().UTC().Truncate(time.Second)
	for i := range findings {
		findings[i].FirstSeen, findings[i].LastSeen, findings[i].Rechecked = now, now, true
		if findings[i].State == "" {
			findings[i].State = audit.New
		}
	}
	return audit.Report{
		Version: audit.ReportVersion, Method: registry.AssumeRole, StartedAt: now, FinishedAt: now.Add(time.Second), Connections: []string{"orders"},
		Verification: audit.Verification{Status: registry.Ready, VerifiedAt: now, Checks: []audit.Check{}}, Findings: findings,
		Permissions: []audit.Permission{}, Changed: audit.ChangeFirst, Coverage: audit.Coverage{Policies: audit.PoliciesRead, Limits: []string{}},
	}
}

func found(fingerprint string, severity audit.Severity, provider string) audit.Finding {
	return audit.Finding{
		Fingerprint: strings.Repeat(fingerprint, 32)[:32], Rule: audit.RuleWriteExcess, Severity: severity, Provider: provider,
		Action: "dynamodb:*", Resource: "*", Verdict: verdict.Allowed, Evidence: audit.Evidence{Summary: "Too much."},
		Coverage: []audit.Observation{}, Remediation: audit.Remediation{Summary: "Less."},
	}
}

// plantFinding keeps an audit with one finding and returns its fingerprint.
func plantFinding(tb testing.TB, s *deploymenttest.Stack) string {
	tb.Helper()
	f := found("a", audit.High, "planted")
	plant(tb, s, demosite.Site, "planted", planted(f))
	return f.Fingerprint
}

// plantFindingAudit is plantFinding for those who need the audit's id.
func plantFindingAudit(tb testing.TB, s *deploymenttest.Stack) string {
	tb.Helper()
	return plant(tb, s, demosite.Site, "planted", planted(found("a", audit.High, "planted")))
}

func soon() string { return time.Now().UTC().Add(48 * time.Hour).Format(time.RFC3339) }

func TestFindingsAreFiltered(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	plant(t, s, demosite.Site, "one", planted(found("a", audit.Critical, "one"), found("b", audit.Medium, "one")))
	plant(t, s, demosite.Site, "two", planted(found("c", audit.Critical, "two"), found("d", audit.Info, "two")))
	for query, expected := range map[string]string{
		"": "abcd", "?severity=critical": "ac", "?provider=two": "cd", "?provider=two&severity=critical": "c", "?state=new": "abcd",
		"?state=resolved": "", "?state=unchanged&provider=one": "", "?provider=three": "",
	} {
		var got string
		for cursor, join := "", "?"; ; {
			if query != "" {
				join = query + "&"
			}
			listed := read[page[audit.Finding]](t, s.Call(get, "/v1/findings"+join+"limit=1&cursor="+cursor, s.Auditor(), ""))
			for _, f := range listed.Items {
				got += f.Fingerprint[:1]
			}
			if cursor = listed.NextCursor; cursor == "" {
				break
			}
		}
		if got != expected {
			t.Errorf("%q lists %q, want %q", query, got, expected)
		}
	}
	for query, pointer := range map[string]string{
		"state=old": "query.state", "severity=bad": "query.severity", "sort=x": "query.sort", "limit=0": "query.limit",
		"severity=high&severity=info": "query.severity",
	} {
		a := s.Call(get, "/v1/findings?"+query, s.Auditor(), "")
		want(t, a, http.StatusUnprocessableEntity, problem.InvalidRequest)
		if !slices.Contains(pointers(t, a), pointer) {
			t.Errorf("%s: %s", query, a.Body)
		}
	}
	want(t, s.Call(get, "/v1/findings?cursor=rubbish", s.Auditor(), ""), http.StatusBadRequest, problem.CursorInvalid)
}

// What was found of a provider is nobody's concern once that is deleted, and comes back with it: who makes it anew hasn't mended
// the role.
func TestFindingsOfADeletedProviderAreGone(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	plant(t, s, demosite.Site, "one", planted(found("a", audit.Critical, "one"), found("b", audit.High, "one")))
	plant(t, s, demosite.Site, "two", planted(found("c", audit.Critical, "two")))
	plant(t, s, demosite.Site, "zero", planted(found("d", audit.Critical, "zero")))
	paths := map[string]string{"/v1/findings": "abcd", "/v1/findings?state=new&severity=critical": "acd", "/v1/findings?provider=one": "ab"}
	check := func(lost string) {
		t.Helper()
		for path, wanted := range paths {
			wanted = strings.Map(func(r rune) rune {
				if strings.ContainsRune(lost, r) {
					return -1
				}
				return r
			}, wanted)
			got := ""
			for _, f := range read[page[audit.Finding]](t, s.Call(get, path, s.Auditor(), "")).Items {
				got += f.Fingerprint[:1]
			}
			if got != wanted {
				t.Errorf("%s lists %q, want %q", path, got, wanted)
			}
		}
	}
	check("")
	want(t, s.Call(remove, "/v1/providers/one", s.Admin(), ""), http.StatusNoContent, "")
	check("ab")
	gone := "/v1/findings/" + found("a", audit.Critical, "one").Fingerprint
	want(t, s.Call(get, gone, s.Auditor(), ""), http.StatusNotFound, problem.FindingNotFound)
	want(t, s.Call(put, gone+"/suppression", s.Admin(), `{"reason":"Gone.","until":"`+soon()+`"}`), http.StatusNotFound, problem.FindingNotFound)
	if got := read[page[audited]](t, s.Call(get, audits+"?provider=one", s.Auditor(), "")); len(got.Items) != 1 {
		t.Errorf("its audits are history, and stay: %+v", got.Items)
	}
	want(t, s.Call(post, "/v1/providers", s.Admin(), `{"name":"one","method":"assume_role"}`), http.StatusCreated, "")
	check("")
	want(t, s.Call(get, gone, s.Auditor(), ""), http.StatusOK, "")
}

func TestASuppressionIsSeenAndEnds(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	print := plantFinding(t, s)
	path := "/v1/findings/" + print
	until := soon()
	body := `{"reason":"The job moves in January.","until":"` + until + `"}`
	a := s.Call(put, path+"/suppression", s.Admin(), body)
	want(t, a, http.StatusOK, "")
	if got := read[audit.Suppression](t, a); got.By != "grace@example.com" || got.Reason != "The job moves in January." || got.Until.Format(time.RFC3339) != until || got.Fingerprint != print {
		t.Errorf("suppression %+v", got)
	}
	for range 2 { // as an item, and in the list
		if got := read[audit.Finding](t, s.Call(get, path, s.Auditor(), "")); got.Suppression == nil || got.Suppression.By != "grace@example.com" {
			t.Errorf("finding %+v", got)
		}
	}
	if got := read[page[audit.Finding]](t, s.Call(get, "/v1/findings?provider=planted", s.Auditor(), "")); len(got.Items) != 1 || got.Items[0].Suppression == nil {
		t.Errorf("a suppressed finding is hidden, or doesn't say so: %+v", got)
	}
	for range 2 { // ending it twice is one end
		want(t, s.Call(remove, path+"/suppression", s.Admin(), ""), http.StatusNoContent, "")
	}
	if got := read[audit.Finding](t, s.Call(get, path, s.Auditor(), "")); got.Suppression != nil {
		t.Errorf("after its end: %+v", got)
	}
}

func TestSuppressionsAreBounded(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	path := "/v1/findings/" + plantFinding(t, s) + "/suppression"
	in := func(d time.Duration) string { return time.Now().UTC().Add(d).Format(time.RFC3339) }
	for body, expected := range map[string][]string{
		`{"reason":"x","until":"` + in(91*24*time.Hour) + `"}`:                           {"/until"},
		`{"reason":"x","until":"` + in(-time.Hour) + `"}`:                                {"/until"},
		`{"reason":"  ","until":"` + in(-time.Hour) + `"}`:                               {"/reason", "/until"},
		`{"reason":"","until":"` + in(time.Hour) + `"}`:                                  {"/reason"},
		`{"until":"` + in(time.Hour) + `"}`:                                              {"/reason"},
		`{"reason":"x"}`:                                                                 {"/until"},
		`{"reason":"x","until":"tomorrow"}`:                                              {"/until"},
		`{"reason":"x","until":"` + in(time.Hour) + `","by":"y"}`:                        {"/by"},
		`{"reason":"` + strings.Repeat("x", 1001) + `","until":"` + in(time.Hour) + `"}`: {"/reason"},
	} {
		a := s.Call(put, path, s.Admin(), body)
		want(t, a, http.StatusUnprocessableEntity, problem.InvalidRequest)
		if diff := cmp.Diff(expected, pointers(t, a)); diff != "" {
			t.Errorf("%s: faults (-want +got):\n%s", body, diff)
		}
	}
	want(t, s.Call(put, path, s.Admin(), `{"reason":"x","until":"`+in(90*24*time.Hour-time.Minute)+`"}`), http.StatusOK, "")
	want(t, s.Call(put, path, s.Admin(), ""), http.StatusBadRequest, problem.InvalidJSON)
	for _, unknown := range []string{strings.Repeat("f", 32), "x", "SUPPRESSION"} {
		path := "/v1/findings/" + unknown
		want(t, s.Call(get, path, s.Auditor(), ""), http.StatusNotFound, problem.FindingNotFound)
		want(t, s.Call(put, path+"/suppression", s.Admin(), `{"reason":"x","until":"`+in(time.Hour)+`"}`), http.StatusNotFound, problem.FindingNotFound)
		want(t, s.Call(remove, path+"/suppression", s.Admin(), ""), http.StatusNotFound, problem.FindingNotFound)
	}
}

// A backend that acts for an administrator is named beside them. It needs the administrator's scope itself.
func TestWhoSuppressesForWhom(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	path := "/v1/findings/" + plantFinding(t, s) + "/suppression"
	header := http.Header{"Content-Type": {"application/json"}, "Arngate-Acting-User": {"ada@example.com"}}
	backend := s.TokenOf(demosite.Site, "portal", "arngate/admin", "arngate/act-as")
	a := s.Send(put, path, backend, strings.NewReader(`{"reason":"x","until":"`+soon()+`"}`), header)
	if got := read[audit.Suppression](t, a); got.By != "ada@example.com (by portal)" {
		t.Errorf("suppressed by %q", got.By)
	}
}

// Names that look like markup, and marks of direction, are text in every form of a report.
func TestHostileNamesStayText(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	const name = `</script><script>alert(1)</script>"'><img src=x onerror=alert(2)>`
	f := found("a", audit.High, "planted")
	f.Action, f.Resource, f.Evidence.Summary, f.Remediation.Commands = name, name+"\u202e"+strings.Repeat("W", 3000), name, []string{"aws " + name}
	f.Evidence.Connections = []string{name}
	r := planted(f)
	r.Identity, r.Connections = name, []string{name}
	path := audits + "/" + plant(t, s, demosite.Site, "planted", r)
	html := accept(s, path, s.Auditor(), "text/html")
	want(t, html, http.StatusOK, "")
	for _, markup := range []string{"<script>alert", "<img", "onerror=alert(2)>", "\u202e"} {
		if strings.Contains(html.Body, markup) {
			t.Errorf("the page has %q", markup)
		}
	}
	if strings.Count(html.Body, "<script") != 1 {
		t.Errorf("the page has %d scripts", strings.Count(html.Body, "<script"))
	}
	want(t, accept(s, path, s.Auditor(), "application/sarif+json"), http.StatusOK, "")
	if got := read[audited](t, s.Call(get, path, s.Auditor(), "")); got.Report.Findings[0].Resource != f.Resource {
		t.Errorf("the resource is %q in JSON", got.Report.Findings[0].Resource)
	}
}
