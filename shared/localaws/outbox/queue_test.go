package outbox_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws/localawstest"
)

// queues makes a queue whose messages are given up after two receives, and one for those.
func queues(t *testing.T) (sqs *awssqs.Client, queue, dead string) {
	t.Helper()
	a := localawstest.Start(t)
	admin := a.Account(account)
	sqs = awssqs.New(awssqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(localawstest.Endpoint), HTTPClient: &http.Client{Transport: a.Transport()},
		Credentials: awscredentials.NewStaticCredentialsProvider(admin.AccessKeyID, admin.SecretAccessKey, ""),
	})
	create := func(name string, attributes map[string]string) string {
		made, err := sqs.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
		if err != nil {
			t.Fatal(err)
		}
		return *made.QueueUrl
	}
	dead = create("dead", nil)
	queue = create("audits", map[string]string{
		"VisibilityTimeout": "60",
		"RedrivePolicy":     `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:` + account + `:dead","maxReceiveCount":2}`,
	})
	return sqs, queue, dead
}

func send(t *testing.T, sqs *awssqs.Client, queue, body string, delay int32) {
	t.Helper()
	if _, err := sqs.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: &queue, MessageBody: &body, DelaySeconds: delay}); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, sqs *awssqs.Client, queue string, wait int32) []sqstypes.Message {
	t.Helper()
	got, err := sqs.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{
		QueueUrl: &queue, MaxNumberOfMessages: 10, WaitTimeSeconds: wait,
		MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"All"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return got.Messages
}

// seen are a message's body and how often it was received.
func seen(messages []sqstypes.Message) []string {
	var all []string
	for _, m := range messages {
		all = append(all, *m.Body+" "+m.Attributes["ApproximateReceiveCount"])
	}
	return all
}

func TestMessagesAreHiddenAndComeAgainUntilTheyAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sqs, queue, dead := queues(t)
		send(t, sqs, queue, "audit", 0)
		for i, step := range []struct {
			pause time.Duration
			queue string
			want  []string
		}{
			{0, queue, []string{"audit 1"}},
			{59 * time.Second, queue, nil},
			{time.Second, queue, []string{"audit 2"}},
			{time.Hour, queue, nil},
			{0, dead, []string{"audit 1"}},
		} {
			time.Sleep(step.pause)
			if diff := cmp.Diff(step.want, seen(receive(t, sqs, step.queue, 0))); diff != "" {
				t.Errorf("receive %d (-want +got):\n%s", i, diff)
			}
		}
	})
}

func TestMessagesThatAreDeletedStayAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sqs, queue, _ := queues(t)
		send(t, sqs, queue, "done", 0)
		send(t, sqs, queue, "again", 0)
		messages := receive(t, sqs, queue, 0)
		if len(messages) != 2 {
			t.Fatalf("got %q, want two messages", seen(messages))
		}
		_, err := sqs.DeleteMessageBatch(t.Context(), &awssqs.DeleteMessageBatchInput{
			QueueUrl: &queue, Entries: []sqstypes.DeleteMessageBatchRequestEntry{{Id: aws.String("a"), ReceiptHandle: messages[0].ReceiptHandle}},
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if diff := cmp.Diff([]string{"again 2"}, seen(receive(t, sqs, queue, 0))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		// The receipt of an earlier receive deletes nothing any more.
		if _, err := sqs.DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{QueueUrl: &queue, ReceiptHandle: messages[1].ReceiptHandle}); err != nil {
			t.Fatal(err)
		}
		got, err := sqs.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{QueueUrl: &queue, AttributeNames: []sqstypes.QueueAttributeName{"ApproximateNumberOfMessagesNotVisible", "VisibilityTimeout"}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"ApproximateNumberOfMessagesNotVisible": "1", "VisibilityTimeout": "60"}, got.Attributes); diff != "" {
			t.Errorf("attributes (-want +got):\n%s", diff)
		}
	})
}

// Whoever waits gets a message when it is due, not a moment later, and nothing when none comes.
func TestReceivingWaits(t *testing.T) {
	for _, c := range []struct {
		delay int32
		late  time.Duration // of the sending
		want  time.Duration
		got   int
	}{
		{delay: 7, want: 7 * time.Second, got: 1},
		{late: 3 * time.Second, want: 3 * time.Second, got: 1},
		{delay: 30, want: 20 * time.Second, got: 0},
	} {
		t.Run(fmt.Sprint(c.want), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sqs, queue, _ := queues(t)
				began := time.Now()
				done := make(chan []sqstypes.Message, 1)
				go func() { done <- receive(t, sqs, queue, 20) }()
				time.Sleep(c.late)
				send(t, sqs, queue, "x", c.delay)
				if got := <-done; len(got) != c.got || time.Since(began) != c.want {
					t.Errorf("got %q after %s, want %d messages after %s", seen(got), time.Since(began), c.got, c.want)
				}
			})
		})
	}
}

func TestQueueForgetsWhatNobodyReceives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sqs, queue, _ := queues(t)
		send(t, sqs, queue, "old", 0)
		time.Sleep(4*24*time.Hour + time.Second)
		if got := receive(t, sqs, queue, 0); len(got) != 0 {
			t.Errorf("got %q after four days, want nothing", seen(got))
		}
	})
}
