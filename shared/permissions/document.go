package permissions

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/arngate/arngate/shared/policy"
)

// document is a policy to be written.
type document struct {
	Version   string      `json:"Version"`
	Statement []statement `json:"Statement"`
}

type statement struct {
	Effect    policy.Effect `json:"Effect"`
	Action    oneOrMany     `json:"Action"`
	Resource  oneOrMany     `json:"Resource"`
	Condition condition     `json:"Condition,omitempty"`
}

// condition is operator -> key -> values.
type condition map[string]map[string]oneOrMany

// oneOrMany is written as a string if it holds one: every character counts.
type oneOrMany []string

// MarshalJSON writes a single value without its brackets.
func (o oneOrMany) MarshalJSON() ([]byte, error) {
	if len(o) == 1 {
		return marshal(o[0], "")
	}
	return marshal([]string(o), "")
}

func newDocument(statements []statement) document {
	return document{Version: policy.Version2012, Statement: statements}
}

// text writes d in ASCII alone, indented if indent says so. STS takes only tab, LF, CR and U+0020 to U+00FF (AWS STS API
// Reference, AssumeRole, Policy); anything beyond ASCII goes as \u escapes, which count as what they are: six characters.
func (d document) text(indent string) (string, error) {
	raw, err := marshal(d, indent)
	if err != nil {
		return "", fmt.Errorf("write policy: %w", err)
	}
	return ascii(string(raw)), nil
}

// marshal is [json.Marshal] without the escapes that only HTML needs.
func marshal(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func ascii(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch high, low := utf16.EncodeRune(r); {
		case r < 0x7f:
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// merge joins statements that differ in their resources alone.
func merge(statements []statement) []statement {
	var out []statement
	for _, s := range statements {
		i := slices.IndexFunc(out, func(o statement) bool {
			return slices.Equal(o.Action, s.Action) && o.Condition.equal(s.Condition)
		})
		if i < 0 {
			out = append(out, s)
			continue
		}
		for _, resource := range s.Resource {
			if !slices.Contains(out[i].Resource, resource) {
				out[i].Resource = append(out[i].Resource, resource)
			}
		}
	}
	return out
}

// stringLike is the one condition that these policies need: a key that matches a pattern.
func stringLike(key, pattern string) condition {
	return condition{"StringLike": {key: {pattern}}}
}

func (c condition) equal(other condition) bool {
	return maps.EqualFunc(c, other, func(a, b map[string]oneOrMany) bool {
		return maps.EqualFunc(a, b, slices.Equal[oneOrMany])
	})
}
