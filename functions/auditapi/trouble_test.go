package auditapi_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/problem"
)

// Whoever waits longer than there is time gets the id, and the audit goes on.
func TestWaitingEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		began := time.Now()
		a := s.Call(post, audits+"?wait=true", s.Auditor(), `{"providers":["demo"]}`)
		want(t, a, http.StatusAccepted, "")
		if took := time.Since(began); took < 20*time.Second || took > 28*time.Second {
			t.Errorf("waited %s, want most of the 29 s of an invocation", took)
		}
		got := read[started](t, a).Audits
		if len(got) != 1 || got[0].Status != "queued" {
			t.Fatalf("got %+v", got)
		}
		if n, err := s.Deliver(t.Context()); n != 1 || err != nil {
			t.Fatalf("delivered %d, %v", n, err)
		}
		if done := read[audited](t, s.Call(get, audits+"/"+got[0].ID, s.Auditor(), "")); done.Status != "done" {
			t.Errorf("the audit is %s", done.Status)
		}
	})
}

// An audit that no worker will get is not left queued for ever.
func TestAQueueThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		s.AWS.Inject(localaws.Fault{Service: "sqs", Code: "InternalFailure", Status: 500})
		a := s.Call(post, audits, s.Auditor(), `{"providers":["demo"]}`)
		want(t, a, http.StatusBadGateway, problem.AWSUnavailable)
		s.AWS.ClearFaults()
		listed := read[page[audited]](t, s.Call(get, audits, s.Auditor(), "")).Items
		if len(listed) != 1 || listed[0].Status != "failed" || listed[0].Problem != "aws_unavailable" || listed[0].Detail == "" {
			t.Errorf("kept %+v", listed)
		}
		if a := s.Call(post, audits, s.Auditor(), `{"providers":["demo"]}`); a.Status != http.StatusAccepted {
			t.Errorf("afterwards: %d %s", a.Status, a.Body)
		}
	})
}

// An audit that was kept, though no answer says so, is not left queued for ever; and whoever asked is answered in time.
func TestAnAuditThatWasKeptUnseen(t *testing.T) {
	for name, c := range map[string]struct {
		fault localaws.Fault
		code  problem.Code
	}{
		"no answer": {localaws.Fault{Service: "dynamodb", Operation: "TransactWriteItems", Cut: true, Count: 3}, problem.AWSUnavailable},
		"too late":  {localaws.Fault{Service: "dynamodb", Operation: "TransactWriteItems", Delay: time.Hour}, problem.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := deploymenttest.InProcess(t, deploymenttest.Options{})
				s.AWS.Inject(c.fault)
				began := time.Now()
				a := s.Call(post, audits, s.Auditor(), `{"providers":["demo"]}`)
				if a.Field("code") != string(c.code) || time.Since(began) > 29*time.Second {
					t.Errorf("got %d %s after %s", a.Status, a.Body, time.Since(began))
				}
				s.AWS.ClearFaults()
				for _, kept := range read[page[audited]](t, s.Call(get, audits, s.Auditor(), "")).Items {
					if c.fault.Cut && kept.Status != "failed" {
						t.Errorf("kept %+v", kept)
					}
				}
			})
		})
	}
}

// That the archive can't be read for a moment doesn't lose the audit that somebody waits for.
func TestWaitingSurvivesTheTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		go func() {
			time.Sleep(100 * time.Millisecond)
			s.AWS.Inject(localaws.Fault{Service: "dynamodb", Operation: "GetItem", Code: "InternalServerError", Status: 500, Count: 4})
			time.Sleep(5 * time.Second)
			_, _ = s.Deliver(t.Context())
		}()
		a := s.Call(post, audits+"?wait=true", s.Auditor(), `{"providers":["demo"]}`)
		want(t, a, http.StatusOK, "")
	})
}

// Nor does that its report can't be read: a problem would have it asked for again.
func TestWaitingSurvivesTheReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		go func() {
			time.Sleep(time.Second)
			finish(t, s)
			s.AWS.Inject(localaws.Fault{Service: "dynamodb", Operation: "Query", Code: "InternalServerError", Status: 500})
		}()
		a := s.Call(post, audits+"?wait=true", s.Auditor(), `{"providers":["demo"]}`)
		want(t, a, http.StatusAccepted, "")
		got := read[started](t, a).Audits
		if len(got) != 1 || got[0].Status != "done" || got[0].Report != nil {
			t.Fatalf("got %s", a.Body)
		}
		s.AWS.ClearFaults()
		if done := read[audited](t, s.Call(get, audits+"/"+got[0].ID, s.Auditor(), "")); done.Report == nil {
			t.Error("the report isn't there afterwards")
		}
	})
}

// Whoever waits gets the report or the audit's id, and never runs out of time over reading the report: whenever the audit ends, with
// tables that are slow.
func TestWaitingKeepsTimeForTheReport(t *testing.T) {
	for end := 22 * time.Second; end < 29*time.Second; end += 500 * time.Millisecond {
		t.Run(end.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := deploymenttest.InProcess(t, deploymenttest.Options{})
				s.AWS.Inject(localaws.Fault{Service: "sqs", Delay: 5 * time.Second}) // so that the invocation's end is what bounds the wait
				s.AWS.Inject(localaws.Fault{Service: "dynamodb", Operation: "GetItem", Delay: 900 * time.Millisecond, Match: func(c localaws.Call) bool {
					return c.Role != "" && strings.HasSuffix(c.Resource, "-Audits")
				}})
				began := time.Now()
				go func() {
					time.Sleep(end)
					finish(t, s)
				}()
				a := s.Call(post, audits+"?wait=true", s.Auditor(), `{"providers":["demo"]}`)
				if a.Status != http.StatusOK && a.Status != http.StatusAccepted {
					t.Errorf("got %d after %s, %s", a.Status, time.Since(began), a.Body)
				}
				time.Sleep(end) // until the audit has ended
			})
		})
	}
}

// Requests for audits are bounded for each site and minute; verifies are counted apart, and what was wrong in itself doesn't count.
func TestAuditsAreBoundedPerSiteAndMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute + 10*time.Second)))
		for range 10 {
			want(t, s.Call(post, "/v1/providers/demo/verify", s.Auditor(), ""), http.StatusOK, "")
			want(t, s.Call(post, audits, s.Auditor(), `{"providers":["demo","demo"]}`), http.StatusUnprocessableEntity, problem.InvalidRequest)
		}
		for range 10 {
			want(t, s.Call(post, audits, s.Auditor(), `{"providers":["demo"]}`), http.StatusAccepted, "")
		}
		queued := len(read[page[audited]](t, s.Call(get, audits, s.Auditor(), "")).Items)
		if err := s.Recycle(t.Context()); err != nil { // they are counted together
			t.Fatal(err)
		}
		a := s.Call(post, audits, s.Auditor(), `{"providers":["demo"]}`)
		want(t, a, http.StatusTooManyRequests, problem.RateLimited)
		if after, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || after < 1 || after > 50 {
			t.Errorf("come again after %q", a.Header.Get("Retry-After"))
		}
		if left := len(read[page[audited]](t, s.Call(get, audits, s.Auditor(), "")).Items); left != queued {
			t.Errorf("%d audits are kept, want %d: none of the refused request", left, queued)
		}
		want(t, s.Call(post, audits, stranger(s), `{"providers":["demo"]}`), http.StatusNotFound, problem.ProviderNotFound)
		time.Sleep(time.Minute)
		want(t, s.Call(post, audits, s.Auditor(), `{"providers":["demo"]}`), http.StatusAccepted, "")
	})
}

// finish ends the only audit there is as done, past all that is slow.
func finish(t *testing.T, s *deploymenttest.Stack) {
	t.Helper()
	a := kept(t, s)
	all, _, err := a.Audits(t.Context(), demosite.Site, "", "", 1)
	if err != nil || len(all) != 1 {
		t.Errorf("got %+v, %v", all, err)
		return
	}
	begun, err := a.Begin(t.Context(), demosite.Site, all[0].ID, all[0].Provider, "ada")
	if err == nil {
		err = a.Finish(t.Context(), begun, audit.Report{})
	}
	if err != nil {
		t.Error(err)
	}
}

// The table that counts verifies may be down: verify works, and stays bounded.
func TestVerifyWithoutTheCounter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		s.AWS.Inject(localaws.Fault{Service: "dynamodb", Code: "InternalServerError", Status: 500, Match: func(c localaws.Call) bool {
			return strings.Contains(c.Resource, "table/") && strings.Contains(strings.ToLower(c.Resource), "cache")
		}})
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
		for range 3 {
			want(t, s.Call(post, "/v1/providers/demo/verify", s.Auditor(), ""), http.StatusOK, "")
		}
		a := s.Call(post, "/v1/providers/demo/verify", s.Auditor(), "")
		want(t, a, http.StatusTooManyRequests, problem.RateLimited)
		if a.Header.Get("Retry-After") == "" {
			t.Error("nothing says when to come again")
		}
		if !strings.Contains(s.Logs.String(), "counted by this instance alone") {
			t.Error("operators aren't told")
		}
	})
}

// The sealing keys may be out of reach: links wait, reports don't.
func TestLinksWithoutTheKeys(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	id := plantFindingAudit(t, s)
	s.AWS.Inject(localaws.Fault{Service: "kms", Code: "KMSInternalException", Status: 500})
	if err := s.Recycle(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := s.Call(post, audits+"/"+id+"/link", s.Auditor(), "")
	want(t, a, http.StatusBadGateway, problem.AWSUnavailable)
	want(t, accept(s, audits+"/"+id, s.Auditor(), "text/html"), http.StatusOK, "")
	a = accept(s, "/v1/reports/AQAAAAAAAAABc2FtcGxlIGxpbms", "", browser)
	if a.Status != http.StatusBadGateway || !has(a, "<h1>AWS is unavailable</h1>") {
		t.Errorf("got %d %s", a.Status, a.Body)
	}
}

// The keys may take longer than is waited for them, which is less than a request has: that is told as what it is.
func TestLinksWhileTheKeysTakeLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		id := plantFindingAudit(t, s)
		s.AWS.Inject(localaws.Fault{Service: "kms", Delay: time.Hour})
		if err := s.Recycle(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // until keys are asked for again
		want(t, s.Call(post, audits+"/"+id+"/link", s.Auditor(), ""), http.StatusGatewayTimeout, problem.DeadlineExceeded)
		time.Sleep(time.Minute)
		want(t, s.Call(get, "/v1/reports/AQAAAAAAAAABc2FtcGxlIGxpbms", "", ""), http.StatusGatewayTimeout, problem.DeadlineExceeded)
	})
}
