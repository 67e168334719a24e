package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/arngate/arngate/shared/policy"
)

// text is a policy whose statements are kept as they are written.
type text struct {
	Version   string            `json:"Version"`
	Statement []json.RawMessage `json:"Statement"`
}

// readText takes a policy apart that package policy has parsed: a single statement may stand without a list.
func readText(raw string) (text, error) {
	var outer struct {
		Version   string          `json:"Version"`
		Statement json.RawMessage `json:"Statement"`
	}
	if err := json.Unmarshal([]byte(raw), &outer); err != nil {
		return text{}, fmt.Errorf("read policy: %w", err)
	}
	t := text{Version: outer.Version}
	if t.Version == "" {
		t.Version = policy.Version2008
	}
	if bytes.HasPrefix(bytes.TrimSpace(outer.Statement), []byte("[")) {
		if err := json.Unmarshal(outer.Statement, &t.Statement); err != nil {
			return text{}, fmt.Errorf("read policy: %w", err)
		}
		return t, nil
	}
	t.Statement = []json.RawMessage{outer.Statement}
	return t, nil
}

// without returns t without the statements at some places.
func (t text) without(places []int) text {
	out := text{Version: t.Version}
	for i, s := range t.Statement {
		if !slices.Contains(places, i) {
			out.Statement = append(out.Statement, s)
		}
	}
	return out
}

// with returns t with the statements of another policy behind its own, each once. A text of 2008 becomes one of 2012 by one:
// what is added may need its escapes.
func (t text) with(other text) text {
	out := text{Version: t.Version, Statement: append([]json.RawMessage(nil), t.Statement...)}
	if other.Version == policy.Version2012 {
		out.Version = policy.Version2012
	}
	for _, s := range other.Statement {
		known := false
		for _, mine := range out.Statement {
			known = known || bytes.Equal(compact(mine), compact(s))
		}
		if !known {
			out.Statement = append(out.Statement, s)
		}
	}
	return out
}

// line is t in one line, for a command; page is for people to read.
func (t text) line() string { return string(compact(t.marshal(""))) }
func (t text) page() string { return string(t.marshal("  ")) }

func (t text) marshal(indent string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(t); err != nil {
		return nil // the statements were read as JSON, so they can be written
	}
	return bytes.TrimSpace(b.Bytes())
}

func compact(raw []byte) []byte {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return raw
	}
	return b.Bytes()
}

// statement is a statement to be written.
type statement struct {
	Sid         string                         `json:"Sid,omitempty"`
	Effect      policy.Effect                  `json:"Effect"`
	Action      []string                       `json:"Action,omitempty"`
	NotAction   []string                       `json:"NotAction,omitempty"`
	Resource    []string                       `json:"Resource,omitempty"`
	NotResource []string                       `json:"NotResource,omitempty"`
	Condition   map[string]map[string][]string `json:"Condition,omitempty"`
}

// writeStatements writes statements as a policy of the current version.
func writeStatements(all ...policy.Statement) string {
	t := text{Version: policy.Version2012}
	for _, s := range all {
		t.Statement = append(t.Statement, rawStatement(s))
	}
	return t.line()
}

func rawStatement(s policy.Statement) json.RawMessage {
	w := statement{
		Sid: s.Sid, Effect: s.Effect, Action: s.Actions, NotAction: s.NotActions, Resource: s.Resources, NotResource: s.NotResources,
	}
	for _, c := range s.Conditions {
		if w.Condition == nil {
			w.Condition = map[string]map[string][]string{}
		}
		if w.Condition[c.Operator] == nil {
			w.Condition[c.Operator] = map[string][]string{}
		}
		w.Condition[c.Operator][c.Key] = c.Values
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(w); err != nil {
		return nil // strings can always be written
	}
	return bytes.TrimSpace(b.Bytes())
}

// allowAll is a policy under which everything is allowed.
func allowAll() *policy.Document {
	d, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
	if err != nil {
		panic(err) // a constant
	}
	return d
}
