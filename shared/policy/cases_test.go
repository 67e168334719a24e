package policy_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/arngate/arngate/shared/policy"
)

// minCases is how many cases testdata/policy-cases.json holds at least: a file cut short must not pass.
const minCases = 104

// testCase is one evaluation of testdata/policy-cases.json.
type testCase struct {
	ID              string                     `json:"id"`
	Expect          string                     `json:"expect"`
	Action          string                     `json:"action"`
	Resource        string                     `json:"resource"`
	Principal       string                     `json:"principal"`
	ResourceAccount string                     `json:"resourceAccount"`
	Context         map[string]json.RawMessage `json:"context"`
	Identity        []json.RawMessage          `json:"identity"`
	Boundary        json.RawMessage            `json:"boundary"`
	Session         json.RawMessage            `json:"session"`
	ResourcePolicy  json.RawMessage            `json:"resourcePolicy"`
	SCPs            [][]json.RawMessage        `json:"scps"`
}

// evaluation is a case, parsed.
type evaluation struct {
	id       string
	expect   string
	request  policy.Request
	policies policy.Policies
}

func loadCases(tb testing.TB) []evaluation {
	tb.Helper()
	text, err := os.ReadFile("testdata/policy-cases.json")
	if err != nil {
		tb.Fatal(err)
	}
	var cases []testCase
	if err := json.Unmarshal(text, &cases); err != nil {
		tb.Fatal(err)
	}
	out := make([]evaluation, 0, len(cases))
	for _, c := range cases {
		e, err := c.parse()
		if err != nil {
			tb.Fatalf("%s: %v", c.ID, err)
		}
		out = append(out, e)
	}
	return out
}

func (c testCase) parse() (evaluation, error) {
	e := evaluation{id: c.ID, expect: c.Expect}
	e.request = policy.Request{
		Action: c.Action, Resource: c.Resource, Principal: c.Principal, ResourceAccount: c.ResourceAccount,
		Context: policy.Context{},
	}
	for key, raw := range c.Context {
		values, err := contextValues(raw)
		if err != nil {
			return e, fmt.Errorf("read context %s: %w", key, err)
		}
		e.request.Context[key] = values
	}
	var err error
	if e.policies.Identity, err = parseAll(c.Identity); err != nil {
		return e, err
	}
	if e.policies.Session, err = parseOneOrMany(c.Session); err != nil {
		return e, err
	}
	if e.policies.Boundary, err = parseOptional(c.Boundary); err != nil {
		return e, err
	}
	if e.policies.Resource, err = parseOptional(c.ResourcePolicy); err != nil {
		return e, err
	}
	for _, level := range c.SCPs {
		parsed, err := parseAll(level)
		if err != nil {
			return e, err
		}
		e.policies.SCPs = append(e.policies.SCPs, parsed)
	}
	return e, nil
}

// contextValues reads one value or a list of them; numbers and booleans are their text.
func contextValues(raw json.RawMessage) ([]string, error) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	out := make([]string, 0, len(list))
	for _, value := range list {
		text := string(value)
		if strings.HasPrefix(text, `"`) {
			if err := json.Unmarshal(value, &text); err != nil {
				return nil, err
			}
		}
		out = append(out, text)
	}
	return out, nil
}

// parseOneOrMany reads a list of policies, or a single one; nil for none.
func parseOneOrMany(raw json.RawMessage) ([]*policy.Document, error) {
	var list []json.RawMessage
	if string(raw) == "null" || len(raw) == 0 {
		return nil, nil
	}
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	return parseAll(list)
}

func parseAll(texts []json.RawMessage) ([]*policy.Document, error) {
	out := make([]*policy.Document, 0, len(texts))
	for _, text := range texts {
		d, err := parseOptional(text)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// parseOptional returns a nil document for an absent policy.
func parseOptional(text json.RawMessage) (*policy.Document, error) {
	if len(text) == 0 || string(text) == "null" {
		return nil, nil //nolint:nilnil // an absent policy is a nil document in policy.Policies
	}
	return policy.Parse(text)
}

func TestCases(t *testing.T) {
	cases := loadCases(t)
	if len(cases) < minCases {
		t.Fatalf("got %d cases, want at least %d", len(cases), minCases)
	}
	seen := make(map[string]bool)
	for _, c := range cases {
		if seen[c.id] {
			t.Errorf("case %s is there twice", c.id)
		}
		seen[c.id] = true
		t.Run(c.id, func(t *testing.T) {
			got := policy.Evaluate(c.request, c.policies)
			if got.Verdict.String() != c.expect {
				t.Errorf("got %v (%s, %+v, missing %v), want %s", got.Verdict, got.Source, got.Statement, got.Missing, c.expect)
			}
		})
	}
}

func BenchmarkCases(b *testing.B) {
	cases := loadCases(b)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		c := &cases[i%len(cases)]
		i++
		policy.Evaluate(c.request, c.policies)
	}
}
