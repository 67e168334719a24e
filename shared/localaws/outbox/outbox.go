// Package outbox is the SQS and the EventBridge of the local AWS: it takes what is sent and lets tests
// read it back. Queues keep messages for whoever receives them; buses have no rules.
//
// Source: "Amazon SQS API Reference" (JSON protocol) and "Amazon EventBridge API Reference".
package outbox

import (
	"slices"
	"sync"
	"time"
)

// maxBatch is how many entries one call has at most, of SQS and of EventBridge.
const maxBatch = 10

// Message is one message that was sent to a queue.
type Message struct {
	Time         time.Time
	Account      string
	QueueURL     string
	Body         string
	DelaySeconds int
	MessageID    string
}

// Event is one event that was put on a bus.
type Event struct {
	Time       time.Time
	Account    string
	Bus        string
	Source     string
	DetailType string
	Detail     string
	Resources  []string
	EventID    string
}

// Box keeps what is sent, of all accounts and regions. Safe for concurrent use.
type Box struct {
	now func() time.Time

	mu       sync.Mutex
	messages []Message
	events   []Event
	queues   map[string]*queue // by ARN
	arrived  chan struct{}     // closed, and made anew, when a queue gets a message
	heard    func(Event)       // nil: nobody listens
}

// New returns an empty box.
func New(now func() time.Time) *Box {
	return &Box{now: now, queues: map[string]*queue{}, arrived: make(chan struct{})}
}

// Listen has heard called with every event put on a bus from now on, one after another. It must not call the box.
func (b *Box) Listen(heard func(Event)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heard = heard
}

// Messages returns what has been sent to queues so far.
func (b *Box) Messages() []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.messages)
}

// Events returns what has been put on buses so far.
func (b *Box) Events() []Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.events)
}

// SQS is the box as the service with the signing name sqs.
func (b *Box) SQS() *SQS { return &SQS{box: b} }

// EventBridge is the box as the service with the signing name events.
func (b *Box) EventBridge() *EventBridge { return &EventBridge{box: b} }
