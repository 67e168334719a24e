// Package dispatch carries audits to the workers that make them, and tells the outside what they found: an SQS queue of
// messages, and an EventBridge bus of events.
package dispatch

import (
	"context"
	"time"

	awseventbridge "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Message asks for one audit. As JSON it is the body of a message in the queue.
type Message struct {
	Site     string `json:"site"`
	Provider string `json:"provider"`
	Audit    string `json:"audit,omitzero"` // id of the queued audit; empty from the schedule: the worker derives one from the message's own
	By       string `json:"by,omitzero"`    // who asked
}

// SQS is what a Queue calls of Amazon SQS.
type SQS interface {
	SendMessageBatch(context.Context, *awssqs.SendMessageBatchInput, ...func(*awssqs.Options)) (*awssqs.SendMessageBatchOutput, error)
}

// Queue sends messages to an SQS queue. Safe for concurrent use.
type Queue struct {
	client SQS
	url    string
}

// NewQueue returns the queue at url. It does no I/O.
func NewQueue(client SQS, url string) *Queue { return &Queue{client: client, url: url} }

// Send sends the messages, each to be delivered at a random time within spread, which is at most 15 minutes; at once if spread is
// zero. It goes on after a failure, and returns a SendError that says which messages were not sent.
func (q *Queue) Send(ctx context.Context, messages []Message, spread time.Duration) error {
	return nil
}

// EventBridge is what a Bus calls of Amazon EventBridge.
type EventBridge interface {
	PutEvents(context.Context, *awseventbridge.PutEventsInput, ...func(*awseventbridge.Options)) (*awseventbridge.PutEventsOutput, error)
}

// Bus puts events on an EventBridge bus. Safe for concurrent use.
type Bus struct {
	client EventBridge
	name   string
}

// NewBus returns the bus of that name or ARN. It does no I/O.
func NewBus(client EventBridge, name string) *Bus { return &Bus{client: client, name: name} }
