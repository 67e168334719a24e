package outbox_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/arngate/arngate/shared/localaws/localawstest"
)

const account = "222222222222"

// call sends one signed JSON call and returns status and body.
func call(t *testing.T, a *localawstest.AWS, keys localawstest.Keys, service, target, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, localawstest.Endpoint+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", target)
	sum := sha256.Sum256([]byte(body))
	credentials := aws.Credentials{AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey}
	if err := v4.NewSigner().SignHTTP(r.Context(), credentials, r, hex.EncodeToString(sum[:]), service, "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	answer, err := a.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func TestMessagesAndEventsAreKept(t *testing.T) {
	a := localawstest.Start(t)
	admin := a.Account(account)
	for target, body := range map[string]string{
		"AmazonSQS.SendMessage":      `{"QueueUrl":"https://sqs.us-east-1.amazonaws.com/222222222222/audits","MessageBody":"one"}`,
		"AmazonSQS.SendMessageBatch": `{"QueueUrl":"https://127.0.0.1/222222222222/audits","Entries":[{"Id":"a","MessageBody":"two"},{"Id":"b","MessageBody":"three","DelaySeconds":5}]}`,
	} {
		if status, text := call(t, a, admin, "sqs", target, body); status != http.StatusOK || !strings.Contains(text, "MD5OfMessageBody") {
			t.Errorf("%s: %d %s", target, status, text)
		}
	}
	got := make(map[string]int)
	for _, m := range a.Messages() {
		got[m.Body] = m.DelaySeconds
	}
	if len(got) != 3 || got["three"] != 5 {
		t.Errorf("messages = %v", got)
	}
	status, text := call(t, a, admin, "events", "AWSEvents.PutEvents", `{"Entries":[{"Source":"arngate","DetailType":"finding","Detail":"{}"}]}`)
	events := a.Events()
	if status != http.StatusOK || len(events) != 1 || !strings.HasSuffix(events[0].Bus, "event-bus/default") {
		t.Errorf("%d %s, events = %+v", status, text, events)
	}
}

func TestSendingIsAuthorized(t *testing.T) {
	a := localawstest.Start(t)
	admin := a.Account(account)
	user := a.AddUser(t, admin, "sender", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:SendMessage",
		"Resource":"arn:aws:sqs:us-east-1:222222222222:audits"}]}`)
	for queue, want := range map[string]int{"audits": http.StatusOK, "others": http.StatusForbidden} {
		status, text := call(t, a, user, "sqs", "AmazonSQS.SendMessage", `{"QueueUrl":"https://h/222222222222/`+queue+`","MessageBody":"x"}`)
		if status != want {
			t.Errorf("%s: %d %s, want %d", queue, status, text, want)
		}
	}
	if status, text := call(t, a, user, "events", "AWSEvents.PutEvents", `{"Entries":[{"Source":"a"}]}`); !strings.Contains(text, "AccessDeniedException") {
		t.Errorf("PutEvents: %d %s", status, text)
	}
	if status, text := call(t, a, admin, "sqs", "AmazonSQS.PurgeQueue", `{}`); !strings.Contains(text, "UnknownOperationException") {
		t.Errorf("PurgeQueue: %d %s", status, text)
	}
}
