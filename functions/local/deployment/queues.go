package deployment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/arngate/arngate/shared/localgateway/template"
)

const (
	// pollingTime is how long a receive waits for a message, in seconds: as long as SQS has it.
	pollingTime = 20
	// batchesInFlight bounds the batches of one queue where the template doesn't.
	batchesInFlight = 5
	// pollingPause follows a receive that failed.
	pollingPause = time.Second
)

// Poll delivers the messages of the template's queues to their functions until ctx ends, as Lambda does: under the function's
// role, in batches, and deleting what the function doesn't name as failed ("Using Lambda with Amazon SQS"). It returns when
// no batch is under way any more. Trouble goes to failed, which must not block.
func (d *Deployment) Poll(ctx context.Context, failed func(error)) {
	var all sync.WaitGroup
	for _, m := range d.mappings() {
		all.Go(func() {
			_ = m.open(ctx) // each delivery tells of its fault; begun by all at once, simulated time would stand still in it
			for range m.concurrency() {
				all.Go(func() { m.poll(ctx, failed) })
			}
		})
	}
	all.Wait()
}

// poll delivers batch after batch.
func (m *mapping) poll(ctx context.Context, failed func(error)) {
	for ctx.Err() == nil {
		if _, err := m.deliver(ctx, pollingTime); err != nil && ctx.Err() == nil {
			failed(err)
			pause(ctx, pollingPause)
		}
	}
}

// Deliver delivers the messages that are due now, batch after batch, and returns how many that were. Those that come back
// are for a later call.
func (d *Deployment) Deliver(ctx context.Context) (delivered int, err error) {
	for _, m := range d.mappings() {
		for {
			n, err := m.deliver(ctx, 0)
			if delivered += n; err != nil || n == 0 {
				if err != nil {
					return delivered, err
				}
				break
			}
		}
	}
	return delivered, nil
}

// mapping is one event source mapping.
type mapping struct {
	deployment *Deployment
	function   template.Function
	event      template.QueueEvent
	queue      template.Queue

	once    sync.Once
	sqs     *awssqs.Client
	handler lambda.Handler
	fault   error
}

func (d *Deployment) mappings() []*mapping {
	var all []*mapping
	for _, f := range d.Template.Functions {
		for _, e := range f.Queues {
			if queue, ok := d.Template.Queue(e.Queue); ok {
				all = append(all, &mapping{deployment: d, function: f, event: e, queue: queue})
			}
		}
	}
	return all
}

func (m *mapping) concurrency() int {
	if m.event.MaximumConcurrency > 0 {
		return m.event.MaximumConcurrency
	}
	return batchesInFlight
}

// open makes the client with the function's role, looks at the queue as Lambda does when a mapping is made, and starts the function.
func (m *mapping) open(ctx context.Context) error {
	m.once.Do(func() {
		m.sqs = awssqs.NewFromConfig(m.deployment.as(m.deployment.Credentials(m.function)))
		_, err := m.sqs.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{
			QueueUrl: &m.queue.URL, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameVisibilityTimeout},
		})
		if err != nil {
			m.fault = fmt.Errorf("map queue %s: %w", m.queue.LogicalID, err)
			return
		}
		m.handler, m.fault = m.deployment.Instance(ctx, m.function.LogicalID)
	})
	return m.fault
}

// deliver receives one batch, waiting so many seconds for it, and has the function handle it. It returns how many messages that
// were.
func (m *mapping) deliver(ctx context.Context, wait int32) (int, error) {
	if err := m.open(ctx); err != nil {
		return 0, err
	}
	got, err := m.sqs.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{
		QueueUrl: &m.queue.URL, MaxNumberOfMessages: int32(m.event.BatchSize), WaitTimeSeconds: wait, //nolint:gosec // at most 10
		MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{sqstypes.MessageSystemAttributeNameAll},
	})
	if err != nil {
		return 0, fmt.Errorf("receive from %s: %w", m.queue.LogicalID, err)
	}
	if len(got.Messages) == 0 {
		return 0, nil
	}
	again, err := m.invoke(context.WithoutCancel(ctx), got.Messages)
	if err != nil {
		return len(got.Messages), fmt.Errorf("invoke %s: %w", m.function.LogicalID, err)
	}
	return len(got.Messages), m.remove(context.WithoutCancel(ctx), got.Messages, again)
}

// invoke has the function handle messages, and returns the ids of those to be delivered again. An error is for them all.
func (m *mapping) invoke(ctx context.Context, messages []sqstypes.Message) (again map[string]bool, err error) {
	event, err := json.Marshal(m.eventOf(messages))
	if err != nil {
		return nil, fmt.Errorf("render event: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(m.function.Timeout)*time.Second)
	defer cancel()
	defer func() {
		if caught := recover(); caught != nil {
			err = fmt.Errorf("function panicked: %v", caught)
		}
	}()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: *messages[0].MessageId, InvokedFunctionArn: m.function.ARN})
	answer, err := m.handler.Invoke(ctx, event)
	if err != nil || !m.event.BatchItemFailures {
		return nil, err
	}
	return failures(answer, messages)
}

// failures reads which messages a function names as failed. An answer that can't be read, or that names a message which wasn't
// in the batch, fails them all.
func failures(answer []byte, messages []sqstypes.Message) (map[string]bool, error) {
	var said events.SQSEventResponse
	if err := json.Unmarshal(answer, &said); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	sent := map[string]bool{}
	for _, message := range messages {
		sent[*message.MessageId] = true
	}
	again := map[string]bool{}
	for _, failure := range said.BatchItemFailures {
		if !sent[failure.ItemIdentifier] {
			return nil, errors.New("read answer: it names a message that wasn't sent")
		}
		again[failure.ItemIdentifier] = true
	}
	return again, nil
}

// eventOf renders messages as the function gets them.
func (m *mapping) eventOf(messages []sqstypes.Message) events.SQSEvent {
	var event events.SQSEvent
	for _, message := range messages {
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: *message.MessageId, ReceiptHandle: *message.ReceiptHandle, Body: *message.Body, Md5OfBody: aws.ToString(message.MD5OfBody),
			Attributes: message.Attributes, MessageAttributes: map[string]events.SQSMessageAttribute{},
			EventSourceARN: m.queue.ARN, EventSource: "aws:sqs", AWSRegion: Region,
		})
	}
	return event
}

// remove deletes the messages that are done with.
func (m *mapping) remove(ctx context.Context, messages []sqstypes.Message, again map[string]bool) error {
	var done []sqstypes.DeleteMessageBatchRequestEntry
	for i, message := range messages {
		if !again[*message.MessageId] {
			done = append(done, sqstypes.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: message.ReceiptHandle})
		}
	}
	if len(done) == 0 {
		return nil
	}
	if _, err := m.sqs.DeleteMessageBatch(ctx, &awssqs.DeleteMessageBatchInput{QueueUrl: &m.queue.URL, Entries: done}); err != nil {
		return fmt.Errorf("delete from %s: %w", m.queue.LogicalID, err)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
