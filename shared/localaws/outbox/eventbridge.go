package outbox

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

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
		if s.box.heard != nil {
			s.box.heard(s.box.events[len(s.box.events)-1])
		}
	}
	s.box.mu.Unlock()
	return protocol.WriteJSON(w, protocol.JSON11, c.RequestID, struct {
		FailedEntryCount int
		Entries          []accepted
	}{0, answers})
}
