// Package outbox is the SQS and the EventBridge of the local AWS: it takes what is sent and lets tests
// read it back. It delivers nothing.
//
// Source: "Amazon SQS API Reference" (JSON protocol) and "Amazon EventBridge API Reference".
package outbox

import (
	"crypto/md5" //nolint:gosec // SQS answers with the MD5 of a message's body.
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// Limits of one call.
const (
	maxMessage = 1 << 20 // bytes of a message's body
	maxBatch   = 10
)

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
}

// New returns an empty box.
func New(now func() time.Time) *Box { return &Box{now: now} }

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

// SQS takes messages.
type SQS struct{ box *Box }

// entry is one message of a SendMessage or SendMessageBatch.
type entry struct {
	ID           string `json:"Id"`
	MessageBody  string
	DelaySeconds int
}

type sending struct {
	QueueURL string `json:"QueueUrl"`
	Entries  []entry
	entry
}

// Resolve names the operation and the one access that it needs.
func (s *SQS) Resolve(c *protocol.Call) ([]protocol.Access, error) {
	name, err := protocol.Target(c, "AmazonSQS.")
	if err != nil {
		return nil, err
	}
	c.Operation = name
	if name != "SendMessage" && name != "SendMessageBatch" {
		return nil, protocol.UnknownOperation()
	}
	in := new(sending)
	if err := protocol.DecodeJSON(c, in); err != nil {
		return nil, err
	}
	if name == "SendMessage" {
		in.Entries = []entry{in.entry}
	}
	account, queue, ok := queueOf(in.QueueURL)
	if !ok {
		return nil, protocol.NewError(http.StatusBadRequest, "QueueDoesNotExist", "The specified queue does not exist.")
	}
	c.State = in
	return []protocol.Access{{
		Action:          "sqs:SendMessage",
		Resource:        "arn:aws:sqs:" + c.Region + ":" + account + ":" + queue,
		ResourceAccount: account,
	}}, in.check()
}

// queueOf reads account and name from the end of a queue's URL.
func queueOf(url string) (account, name string, ok bool) {
	parts := strings.Split(strings.TrimSuffix(url, "/"), "/")
	if len(parts) < 3 {
		return "", "", false
	}
	account, name = parts[len(parts)-2], parts[len(parts)-1]
	return account, name, len(account) == 12 && name != ""
}

func (in *sending) check() error {
	if len(in.Entries) == 0 || len(in.Entries) > maxBatch {
		return protocol.NewError(http.StatusBadRequest, "TooManyEntriesInBatchRequest", "A batch has 1 to %d entries.", maxBatch)
	}
	for _, e := range in.Entries {
		if e.MessageBody == "" || len(e.MessageBody) > maxMessage {
			return protocol.NewError(http.StatusBadRequest, "InvalidParameterValue", "A message has 1 to %d bytes.", maxMessage)
		}
	}
	return nil
}

// sent is one message in an answer.
type sent struct {
	ID               string `json:"Id,omitempty"`
	MessageID        string `json:"MessageId"`
	MD5OfMessageBody string
}

// Serve records the messages.
func (s *SQS) Serve(w http.ResponseWriter, c *protocol.Call) error {
	in, ok := c.State.(*sending)
	if !ok {
		return fmt.Errorf("serve %s: not resolved", c.Operation)
	}
	answers := make([]sent, len(in.Entries))
	s.box.mu.Lock()
	for i, e := range in.Entries {
		sum := md5.Sum([]byte(e.MessageBody)) //nolint:gosec // see the import
		answers[i] = sent{ID: e.ID, MessageID: rand.Text(), MD5OfMessageBody: hex.EncodeToString(sum[:])}
		s.box.messages = append(s.box.messages, Message{
			Time: s.box.now(), Account: c.Account(), QueueURL: in.QueueURL,
			Body: e.MessageBody, DelaySeconds: e.DelaySeconds, MessageID: answers[i].MessageID,
		})
	}
	s.box.mu.Unlock()
	if c.Operation == "SendMessage" {
		return protocol.WriteJSON(w, protocol.JSON10, c.RequestID, answers[0])
	}
	return protocol.WriteJSON(w, protocol.JSON10, c.RequestID, struct {
		Successful []sent
		Failed     []sent
	}{answers, []sent{}})
}

// EventBridge takes events.
type EventBridge struct{ box *Box }

type putEvents struct {
	Entries []struct {
		EventBusName string
		Source       string
		DetailType   string
		Detail       string
		Resources    []string
	}
}

// Resolve names the operation and an access for each bus.
func (s *EventBridge) Resolve(c *protocol.Call) ([]protocol.Access, error) {
	name, err := protocol.Target(c, "AWSEvents.")
	if err != nil {
		return nil, err
	}
	c.Operation = name
	if name != "PutEvents" {
		return nil, protocol.UnknownOperation()
	}
	in := new(putEvents)
	if err := protocol.DecodeJSON(c, in); err != nil {
		return nil, err
	}
	if len(in.Entries) == 0 || len(in.Entries) > maxBatch {
		return nil, protocol.NewError(http.StatusBadRequest, "ValidationException", "A call has 1 to %d entries.", maxBatch)
	}
	c.State = in
	accesses := make([]protocol.Access, len(in.Entries))
	for i, e := range in.Entries {
		accesses[i] = protocol.Access{Action: "events:PutEvents", Resource: busARN(c, e.EventBusName)}
		accesses[i].Context = map[string][]string{
			"events:source":      {e.Source},
			"events:detail-type": {e.DetailType},
		}
	}
	return accesses, nil
}

// busARN is the ARN of the bus that an entry names; none means the default one.
func busARN(c *protocol.Call, name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	if name == "" {
		name = "default"
	}
	return "arn:aws:events:" + c.Region + ":" + c.Account() + ":event-bus/" + name
}

// Serve records the events.
func (s *EventBridge) Serve(w http.ResponseWriter, c *protocol.Call) error {
	in, ok := c.State.(*putEvents)
	if !ok {
		return fmt.Errorf("serve %s: not resolved", c.Operation)
	}
	type accepted struct {
		EventID string `json:"EventId"`
	}
	answers := make([]accepted, len(in.Entries))
	s.box.mu.Lock()
	for i, e := range in.Entries {
		answers[i].EventID = rand.Text()
		s.box.events = append(s.box.events, Event{
			Time: s.box.now(), Account: c.Account(), Bus: busARN(c, e.EventBusName), Source: e.Source,
			DetailType: e.DetailType, Detail: e.Detail, Resources: e.Resources, EventID: answers[i].EventID,
		})
	}
	s.box.mu.Unlock()
	return protocol.WriteJSON(w, protocol.JSON11, c.RequestID, struct {
		FailedEntryCount int
		Entries          []accepted
	}{0, answers})
}
