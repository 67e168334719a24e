package demosite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrNoName is what the demo function fails with when its event names nobody.
var ErrNoName = errors.New("the event has no name")

// Hello is the code of the demo's Lambda function: {"name": "Ada"} becomes {"greeting": "Hello, Ada!"}.
// An event without a name is an error, so that a failing function can be seen as well.
func Hello(_ context.Context, event []byte) ([]byte, error) {
	var in struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal(event, &in); err != nil {
		return nil, fmt.Errorf("decode event: %w", err)
	}
	if in.Name == "" {
		return nil, ErrNoName
	}
	return json.Marshal(map[string]string{"greeting": "Hello, " + in.Name + "!"})
}
