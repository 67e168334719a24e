package deployment_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/localaws"
)

// audited is an audit as the API lists it.
type audited struct {
	ID          string `json:"id"`
	Provider    string `json:"provider"`
	Status      string `json:"status"`
	RequestedBy string `json:"requested_by"`
}

func auditsOf(t *testing.T, s *deploymenttest.Stack) []audited {
	t.Helper()
	var page struct {
		Items []audited `json:"items"`
	}
	answer := s.Call(http.MethodGet, "/v1/audits", s.Auditor(), "")
	if answer.Status != http.StatusOK {
		t.Fatalf("got %d %s", answer.Status, answer.Body)
	}
	if err := json.Unmarshal([]byte(answer.Body), &page); err != nil {
		t.Fatal(err)
	}
	return page.Items
}

func statuses(all []audited) map[string]string {
	out := map[string]string{}
	for _, a := range all {
		out[a.Provider] = a.Status
	}
	return out
}

func deliver(t *testing.T, s *deploymenttest.Stack, want int) {
	t.Helper()
	delivered, err := s.Deliver(t.Context())
	if err != nil {
		t.Error(err)
	}
	if delivered != want {
		t.Errorf("%d messages were delivered, want %d", delivered, want)
	}
}

// The schedule has every provider audited: through the scheduler's role, the function's own, the queue and the worker.
func TestScheduleAuditsEveryProvider(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	if err := s.RunSchedules(t.Context()); err != nil {
		t.Fatal(err)
	}
	providers := len(s.AWS.Messages())
	deliver(t, s, providers)
	all := auditsOf(t, s)
	for _, a := range all {
		if a.Status != "done" {
			t.Errorf("the audit of %s is %s, want done", a.Provider, a.Status)
		}
	}
	if len(all) != providers || providers == 0 {
		t.Errorf("%d audits of %d providers", len(all), providers)
	}
	if len(s.AWS.Events()) == 0 {
		t.Error("no event tells of what was found")
	}
}

// What can't be audited now comes again when it may be received again, and has failed after three times. Another message of the
// same batch is none the worse.
func TestAuditComesAgainUntilItHasFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		s.Provider("broken", s.Role("/skuid-assumable-role/", "broken", demosite.Site, ""))
		s.AWS.Inject(localaws.Fault{Service: "sts", Operation: "AssumeRole", Status: http.StatusServiceUnavailable, Code: "ServiceUnavailable", Match: func(c localaws.Call) bool {
			return strings.HasSuffix(c.Requested.RoleARN, "/broken")
		}})
		if answer := s.Call(http.MethodPost, "/v1/audits", s.Auditor(), `{"providers":["broken","demo"]}`); answer.Status != http.StatusAccepted {
			t.Fatalf("got %d %s", answer.Status, answer.Body)
		}
		deliver(t, s, 2)
		if diff := cmp.Diff("done", statuses(auditsOf(t, s))["demo"]); diff != "" {
			t.Errorf("the other audit (-want +got):\n%s", diff)
		}
		for range 2 {
			deliver(t, s, 0) // it is hidden
			time.Sleep(12 * time.Minute)
			deliver(t, s, 1)
		}
		if diff := cmp.Diff(map[string]string{"broken": "failed", "demo": "done"}, statuses(auditsOf(t, s))); diff != "" {
			t.Errorf("audits, after 24 minutes (-want +got):\n%s", diff)
		}
		time.Sleep(12 * time.Minute)
		deliver(t, s, 0)
		if got := depth(t, s, "AuditDeadLetters", sqstypes.QueueAttributeNameApproximateNumberOfMessages); got != "0" {
			t.Errorf("%s messages lie with the dead letters, want none: the audit says that it failed", got)
		}
	})
}

// What can't even be noted as failed lies, after five times, where the operator finds it.
func TestMessageThatCannotBeAnsweredForIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		if answer := s.Call(http.MethodPost, "/v1/audits", s.Auditor(), `{"providers":["demo"]}`); answer.Status != http.StatusAccepted {
			t.Fatalf("got %d %s", answer.Status, answer.Body)
		}
		s.AWS.Inject(localaws.Fault{Service: "dynamodb", Status: http.StatusServiceUnavailable, Code: "ServiceUnavailable", Match: func(c localaws.Call) bool {
			return strings.HasSuffix(c.Resource, "-Audits")
		}})
		for range 5 {
			deliver(t, s, 1)
			time.Sleep(12 * time.Minute)
		}
		deliver(t, s, 0)
		if got := depth(t, s, "AuditDeadLetters", sqstypes.QueueAttributeNameApproximateNumberOfMessages); got != "1" {
			t.Errorf("%s messages lie with the dead letters, want 1", got)
		}
	})
}

// depth is how many messages lie in a queue, by its logical id; of says which ones count.
func depth(t *testing.T, s *deploymenttest.Stack, queue string, of sqstypes.QueueAttributeName) string {
	t.Helper()
	for _, q := range s.Template.Queues {
		if q.LogicalID != queue {
			continue
		}
		got, err := awssqs.NewFromConfig(s.Operator()).GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{
			QueueUrl: &q.URL, AttributeNames: []sqstypes.QueueAttributeName{of},
		})
		if err != nil {
			t.Fatal(err)
		}
		return got.Attributes[string(of)]
	}
	t.Fatalf("the template has no queue %s", queue)
	return ""
}

// Messages that are delayed, as the schedule's are where audits are spread, are delivered when they are due.
func TestSpreadAuditsAreDeliveredInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{Parameters: map[string]string{"AuditSpreadSeconds": "900"}})
		if err := s.RunSchedules(t.Context()); err != nil {
			t.Fatal(err)
		}
		sent := s.AWS.Messages()
		ctx, end := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.Poll(ctx, func(err error) { t.Error(err) })
		}()
		time.Sleep(16 * time.Minute)
		synctest.Wait()
		end()
		<-done
		all := auditsOf(t, s)
		if len(all) != len(sent) {
			t.Errorf("%d audits for %d messages", len(all), len(sent))
		}
		for _, a := range all {
			if a.Status != "done" {
				t.Errorf("the audit of %s is %s", a.Provider, a.Status)
			}
		}
	})
}
