package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"
)

const (
	// callsAtATime is how many calls to SQS are under way at the same time.
	callsAtATime = 4
	// maxDelay is how long SQS can hold a message back ("SendMessageBatchRequestEntry").
	maxDelay = 15 * time.Minute
)

// BySchedule is who asks for the audits of the schedule.
const BySchedule = "schedule"

// Message asks for one audit. As JSON it is the body of a message in the queue.
type Message struct {
	Site     string `json:"site"`
	Provider string `json:"provider"`
	Audit    string `json:"audit,omitzero"` // id of the queued audit; empty from the schedule: the worker derives one from the message's own
	By       string `json:"by,omitzero"`    // who asked
}

// SendError is returned for messages that were not sent.
type SendError struct {
	Messages []Message
	Cause    error // of one of them
}

// Error says how many.
func (e *SendError) Error() string {
	return fmt.Sprintf("%d messages not sent: %v", len(e.Messages), e.Cause)
}

// Unwrap returns the cause.
func (e *SendError) Unwrap() error { return e.Cause }

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

// Send sends the messages, each to be delivered at a random time within spread, at most 15 minutes; at once if it is zero. What
// was refused is sent again a few times. A failure of some keeps none of the others: it returns a [SendError] that names those
// that were not sent.
func (q *Queue) Send(ctx context.Context, messages []Message, spread time.Duration) error {
	entries, err := entriesOf(messages, min(spread, maxDelay))
	if err != nil {
		return fmt.Errorf("send messages: %w", err)
	}
	var (
		mu     sync.Mutex
		unsent SendError
		group  errgroup.Group
	)
	group.SetLimit(callsAtATime)
	places := make([]int, len(messages))
	for i := range places {
		places[i] = i
	}
	for batch := range slices.Chunk(places, batchSize) {
		group.Go(func() error {
			left, err := deliver(ctx, batch, func(ctx context.Context, places []int) ([]refused, error) { return q.send(ctx, entries, places) })
			mu.Lock()
			defer mu.Unlock()
			for _, i := range left {
				unsent.Messages, unsent.Cause = append(unsent.Messages, messages[i]), err
			}
			return nil // of one batch alone
		})
	}
	_ = group.Wait()
	if len(unsent.Messages) > 0 {
		return fmt.Errorf("send messages: %w", &unsent)
	}
	return nil
}

// entriesOf are the messages as SQS takes them, each with its place as id.
func entriesOf(messages []Message, spread time.Duration) ([]types.SendMessageBatchRequestEntry, error) {
	entries := make([]types.SendMessageBatchRequestEntry, len(messages))
	for i, m := range messages {
		body, err := json.Marshal(m)
		if err != nil {
			return nil, fmt.Errorf("encode message: %w", err)
		}
		entries[i] = types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(string(body))}
		if seconds := int32(spread / time.Second); seconds > 0 { //nolint:gosec // 900 at most
			entries[i].DelaySeconds = rand.Int32N(seconds + 1) //nolint:gosec // jitter
		}
	}
	return entries, nil
}

// send makes one call.
func (q *Queue) send(ctx context.Context, entries []types.SendMessageBatchRequestEntry, places []int) ([]refused, error) {
	in := &awssqs.SendMessageBatchInput{QueueUrl: &q.url}
	for _, i := range places {
		in.Entries = append(in.Entries, entries[i])
	}
	out, err := q.client.SendMessageBatch(ctx, in)
	if err != nil {
		return nil, err
	}
	var failed []refused
	for _, f := range out.Failed {
		i, err := strconv.Atoi(aws.ToString(f.Id))
		if err != nil || !slices.Contains(places, i) {
			return nil, errors.New("dispatch: an answer names a message that was not sent")
		}
		failed = append(failed, refused{at: i, code: aws.ToString(f.Code), final: f.SenderFault})
	}
	return failed, nil
}
