package outbox

import (
	"crypto/md5" //nolint:gosec // SQS answers with the MD5 of a message's body.
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// maxMessage is how many bytes a message's body has at most.
const maxMessage = 1 << 20

// SQS takes messages and hands them out.
type SQS struct{ box *Box }

// entry is one message of a SendMessage or of a batch.
type entry struct {
	ID            string `json:"Id"`
	MessageBody   string
	DelaySeconds  int
	ReceiptHandle string
}

// request has the members of every operation.
type request struct {
	QueueURL  string `json:"QueueUrl"`
	QueueName string
	Entries   []entry
	entry

	Attributes                  map[string]string // CreateQueue
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MaxNumberOfMessages         int
	VisibilityTimeout           *int
	WaitTimeSeconds             int

	arn string // of the queue
}

// actions are the operations, and what must be allowed for them.
var actions = map[string]string{
	"CreateQueue": "sqs:CreateQueue", "GetQueueAttributes": "sqs:GetQueueAttributes",
	"SendMessage": "sqs:SendMessage", "SendMessageBatch": "sqs:SendMessage", "ReceiveMessage": "sqs:ReceiveMessage",
	"DeleteMessage": "sqs:DeleteMessage", "DeleteMessageBatch": "sqs:DeleteMessage",
}

// Resolve names the operation and the one access that it needs.
func (s *SQS) Resolve(c *protocol.Call) ([]protocol.Access, error) {
	name, err := protocol.Target(c, "AmazonSQS.")
	if err != nil {
		return nil, err
	}
	c.Operation = name
	action, known := actions[name]
	if !known {
		return nil, protocol.UnknownOperation()
	}
	in := new(request)
	if err := protocol.DecodeJSON(c, in); err != nil {
		return nil, err
	}
	account, queue, ok := queueOf(in.QueueURL)
	if name == "CreateQueue" {
		account, queue, ok = c.Account(), in.QueueName, in.QueueName != ""
	}
	if !ok {
		return nil, protocol.NewError(http.StatusBadRequest, "QueueDoesNotExist", "The specified queue does not exist.")
	}
	in.arn = "arn:aws:sqs:" + c.Region + ":" + account + ":" + queue
	c.State = in
	return []protocol.Access{{Action: action, Resource: in.arn, ResourceAccount: account}}, in.check(name)
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

func (in *request) check(operation string) error {
	switch operation {
	case "SendMessage", "DeleteMessage":
		in.Entries = []entry{in.entry}
	case "ReceiveMessage":
		if in.MaxNumberOfMessages == 0 {
			in.MaxNumberOfMessages = 1
		}
		if in.MaxNumberOfMessages < 1 || in.MaxNumberOfMessages > maxBatch || in.WaitTimeSeconds < 0 || in.WaitTimeSeconds > 20 {
			return invalidValue("ReceiveMessage takes 1 to %d messages and waits 0 to 20 seconds.", maxBatch)
		}
		return nil
	case "CreateQueue", "GetQueueAttributes":
		return nil
	}
	if len(in.Entries) == 0 || len(in.Entries) > maxBatch {
		return protocol.NewError(http.StatusBadRequest, "TooManyEntriesInBatchRequest", "A batch has 1 to %d entries.", maxBatch)
	}
	for _, e := range in.Entries {
		sends := strings.HasPrefix(operation, "Send")
		if sends && (e.MessageBody == "" || len(e.MessageBody) > maxMessage) {
			return invalidValue("A message has 1 to %d bytes.", maxMessage)
		}
		if e.DelaySeconds < 0 || e.DelaySeconds > 900 {
			return invalidValue("A message is delayed by 0 to 900 seconds.")
		}
	}
	return nil
}

func invalidValue(format string, args ...any) error {
	return protocol.NewError(http.StatusBadRequest, "InvalidParameterValue", format, args...)
}

// Serve carries an authorized call out.
func (s *SQS) Serve(w http.ResponseWriter, c *protocol.Call) error {
	in, ok := c.State.(*request)
	if !ok {
		return fmt.Errorf("serve %s: not resolved", c.Operation)
	}
	answer, err := s.answer(c, in)
	if err != nil {
		return err
	}
	return protocol.WriteJSON(w, protocol.JSON10, c.RequestID, answer)
}

func (s *SQS) answer(c *protocol.Call, in *request) (any, error) {
	switch c.Operation {
	case "CreateQueue":
		return s.create(c, in)
	case "GetQueueAttributes":
		return s.attributes(in), nil
	case "ReceiveMessage":
		return s.receive(c, in), nil
	case "DeleteMessage", "DeleteMessageBatch":
		return s.remove(c, in), nil
	default:
		return s.send(c, in), nil
	}
}

// sent is one message in an answer.
type sent struct {
	ID               string `json:"Id,omitempty"`
	MessageID        string `json:"MessageId"`
	MD5OfMessageBody string
}

func (s *SQS) send(c *protocol.Call, in *request) any {
	answers := make([]sent, len(in.Entries))
	s.box.mu.Lock()
	for i, e := range in.Entries {
		now := s.box.now()
		answers[i] = sent{ID: e.ID, MessageID: newMessageID(), MD5OfMessageBody: sumOf(e.MessageBody)}
		s.box.messages = append(s.box.messages, Message{
			Time: now, Account: c.Account(), QueueURL: in.QueueURL,
			Body: e.MessageBody, DelaySeconds: e.DelaySeconds, MessageID: answers[i].MessageID,
		})
		s.box.put(in.arn, &message{
			id: answers[i].MessageID, body: e.MessageBody, sender: c.Principal.UserID,
			sent: now, due: now.Add(time.Duration(e.DelaySeconds) * time.Second),
		})
	}
	s.box.mu.Unlock()
	if c.Operation == "SendMessage" {
		return answers[0]
	}
	return struct {
		Successful []sent
		Failed     []sent
	}{answers, []sent{}}
}

func sumOf(body string) string {
	sum := md5.Sum([]byte(body)) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

// create makes a queue, or changes what its attributes say: they are what the caller wants now.
func (s *SQS) create(c *protocol.Call, in *request) (any, error) {
	seconds := func(name string, otherwise time.Duration) (time.Duration, error) {
		text, given := in.Attributes[name]
		if !given {
			return otherwise, nil
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return 0, protocol.NewError(http.StatusBadRequest, "InvalidAttributeValue", "Invalid value for the parameter %s.", name)
		}
		return time.Duration(n) * time.Second, nil
	}
	visibility, err := seconds("VisibilityTimeout", defaultVisibility)
	if err != nil {
		return nil, err
	}
	retention, err := seconds("MessageRetentionPeriod", defaultRetention)
	if err != nil {
		return nil, err
	}
	redrive, err := readRedrive(in.Attributes["RedrivePolicy"])
	if err != nil {
		return nil, err
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	q := s.box.queueNamed(in.arn)
	q.attributes, q.visibility, q.retention, q.redrive = in.Attributes, visibility, retention, redrive
	return struct {
		QueueURL string `json:"QueueUrl"`
	}{"https://sqs." + c.Region + ".amazonaws.com/" + c.Account() + "/" + in.QueueName}, nil
}

func readRedrive(text string) (redrivePolicy, error) {
	if text == "" {
		return redrivePolicy{}, nil
	}
	var in struct {
		DeadLetterTargetArn string      `json:"deadLetterTargetArn"`
		MaxReceiveCount     json.Number `json:"maxReceiveCount"`
	}
	err := json.Unmarshal([]byte(text), &in)
	most, notANumber := in.MaxReceiveCount.Int64()
	if err != nil || notANumber != nil || most < 1 || most > 1000 || !strings.HasPrefix(in.DeadLetterTargetArn, "arn:") {
		return redrivePolicy{}, protocol.NewError(http.StatusBadRequest, "InvalidAttributeValue", "Invalid value for the parameter RedrivePolicy.")
	}
	return redrivePolicy{deadLetters: in.DeadLetterTargetArn, maxReceives: int(most)}, nil
}

func (s *SQS) attributes(in *request) any {
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	q := s.box.queueNamed(in.arn)
	visible, hidden, delayed := q.depths(s.box.now())
	all := map[string]string{
		"QueueArn": in.arn, "ApproximateNumberOfMessages": strconv.Itoa(visible),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(hidden), "ApproximateNumberOfMessagesDelayed": strconv.Itoa(delayed),
		"VisibilityTimeout":      strconv.Itoa(int(q.visibility.Seconds())),
		"MessageRetentionPeriod": strconv.Itoa(int(q.retention.Seconds())),
	}
	maps.Copy(all, q.attributes)
	return struct{ Attributes map[string]string }{asked(all, in.AttributeNames)}
}

// asked are those of the attributes that were asked for by name, or by All.
func asked(all map[string]string, names []string) map[string]string {
	if slices.Contains(names, "All") {
		return all
	}
	some := map[string]string{}
	for _, name := range names {
		if value, there := all[name]; there {
			some[name] = value
		}
	}
	return some
}

// received is one message as ReceiveMessage answers it.
type received struct {
	MessageID     string `json:"MessageId"`
	ReceiptHandle string
	MD5OfBody     string
	Body          string
	Attributes    map[string]string `json:",omitempty"`
}

func (s *SQS) receive(c *protocol.Call, in *request) any {
	w := wanted{arn: in.arn, most: in.MaxNumberOfMessages, visibility: -1, wait: time.Duration(in.WaitTimeSeconds) * time.Second}
	if in.VisibilityTimeout != nil {
		w.visibility = time.Duration(*in.VisibilityTimeout) * time.Second
	}
	milliseconds := func(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
	messages := []received{}
	for _, m := range s.box.receive(c.Request.Context(), w) {
		messages = append(messages, received{
			MessageID: m.id, ReceiptHandle: m.receipt, MD5OfBody: sumOf(m.body), Body: m.body,
			Attributes: asked(map[string]string{
				"SenderId": m.sender, "SentTimestamp": milliseconds(m.sent), "ApproximateReceiveCount": strconv.Itoa(m.received),
				"ApproximateFirstReceiveTimestamp": milliseconds(m.first),
			}, append(in.MessageSystemAttributeNames, in.AttributeNames...)),
		})
	}
	return struct{ Messages []received }{messages}
}

func (s *SQS) remove(c *protocol.Call, in *request) any {
	type deleted struct {
		ID string `json:"Id"`
	}
	answers := make([]deleted, len(in.Entries))
	for i, e := range in.Entries {
		s.box.drop(in.arn, e.ReceiptHandle)
		answers[i] = deleted{e.ID}
	}
	if c.Operation == "DeleteMessage" {
		return struct{}{}
	}
	return struct {
		Successful []deleted
		Failed     []deleted
	}{answers, []deleted{}}
}
