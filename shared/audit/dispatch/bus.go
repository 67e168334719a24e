package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awseventbridge "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// Source is what every event names as its source.
const Source = "arngate.audit"

// Event is one thing to tell whoever listens on a bus.
type Event struct {
	Type      string // the event's detail-type
	Time      time.Time
	Resources []string // ARNs
	Detail    any      // encoded as a JSON object
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

// Put puts the events on the bus. What was refused is put again a few times. It returns an error if some were not taken; all
// may be put again then: whoever listens must expect the same event twice, as with EventBridge anyway.
func (b *Bus) Put(ctx context.Context, events []Event) error {
	entries := make([]types.PutEventsRequestEntry, len(events))
	for i, e := range events {
		detail, err := json.Marshal(e.Detail)
		if err != nil {
			return fmt.Errorf("encode event: %w", err)
		}
		entries[i] = types.PutEventsRequestEntry{
			EventBusName: &b.name, Source: aws.String(Source), DetailType: aws.String(e.Type), Time: aws.Time(e.Time),
			Resources: e.Resources, Detail: aws.String(string(detail)),
		}
	}
	places := make([]int, len(events))
	for i := range places {
		places[i] = i
	}
	var faults []error
	for batch := range slices.Chunk(places, batchSize) {
		_, err := deliver(ctx, batch, func(ctx context.Context, places []int) ([]refused, error) { return b.put(ctx, entries, places) })
		if err != nil {
			faults = append(faults, fmt.Errorf("put events: %w", err))
		}
	}
	return errors.Join(faults...)
}

// put makes one call.
func (b *Bus) put(ctx context.Context, entries []types.PutEventsRequestEntry, places []int) ([]refused, error) {
	in := &awseventbridge.PutEventsInput{}
	for _, i := range places {
		in.Entries = append(in.Entries, entries[i])
	}
	out, err := b.client.PutEvents(ctx, in)
	if err != nil {
		return nil, err
	}
	var failed []refused
	for i, e := range out.Entries { // in the order of the request's
		if e.ErrorCode != nil && i < len(places) {
			failed = append(failed, refused{at: places[i], code: *e.ErrorCode})
		}
	}
	return failed, nil
}
