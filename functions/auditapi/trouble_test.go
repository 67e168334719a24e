package auditapi_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
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
		if !strings.Contains(s.Logs.String(), "verify counted by this instance alone") {
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
