package policy_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/arngate/arngate/shared/policy"
)

// attached are the places a policy can be in, beside an identity-based policy that allows everything.
func attached(d *policy.Document) map[policy.Source]policy.Policies {
	all := &policy.Document{}
	if parsed, err := policy.Parse([]byte(`{"Statement":` + allowAll + `}`)); err == nil {
		all = parsed
	}
	identity := documents(all)
	return map[policy.Source]policy.Policies{
		policy.IdentitySource: {Identity: documents(d)},
		policy.ResourceSource: {Identity: identity, Resource: d},
		policy.BoundarySource: {Identity: identity, Boundary: d},
		policy.SessionSource:  {Identity: identity, Session: documents(d)},
		policy.SCPSource:      {Identity: identity, SCPs: [][]*policy.Document{{d}}},
	}
}

// with returns the policies with d added where source says.
func with(p policy.Policies, source policy.Source, d *policy.Document) policy.Policies {
	switch source {
	case policy.IdentitySource:
		p.Identity = append(documents(d), p.Identity...)
	case policy.BoundarySource:
		p.Boundary = d
	case policy.SessionSource:
		p.Session = append(documents(d), p.Session...)
	case policy.SCPSource:
		p.SCPs = append([][]*policy.Document{{d}}, p.SCPs...)
	case policy.ResourceSource:
		p.Resource = d
	}
	return p
}

// FuzzParse parses any text; what parses is evaluated everywhere a policy can be, under a request that resembles it.
func FuzzParse(f *testing.F) {
	for _, seed := range seedPolicies(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := policy.Parse(text)
		if (d == nil) == (err == nil) {
			t.Fatalf("got document %v and error %v", d, err)
		}
		if err != nil {
			return
		}
		for _, s := range d.Statements() {
			request := policy.Request{Principal: session, Action: first(s.Actions), Resource: first(s.Resources), Context: policy.Context{}}
			for _, c := range s.Conditions {
				request.Context[c.Key] = c.Values
			}
			checkProperties(t, d, request)
		}
	})
}

// FuzzEvaluate evaluates a fixed set of policies, and one drawn, under any request.
func FuzzEvaluate(f *testing.F) {
	seeds := seedPolicies(f)
	for i, c := range loadCases(f) {
		f.Add(seeds[i%len(seeds)], c.request.Principal, c.request.Action, c.request.Resource, c.request.ResourceAccount, "aws:username", "alice")
	}
	f.Fuzz(func(t *testing.T, text []byte, principal, action, resource, owner, key, value string) {
		d, err := policy.Parse(text)
		if err != nil {
			return
		}
		checkProperties(t, d, policy.Request{
			Principal: principal, Action: action, Resource: resource, ResourceAccount: owner, Context: policy.Context{key: {value}},
		})
	})
}

// checkProperties checks what must be true of every evaluation.
func checkProperties(t *testing.T, d *policy.Document, r policy.Request) {
	t.Helper()
	hasAccount := policy.Evaluate(policy.Request{Principal: r.Principal, Action: "x:y", Resource: "*"}, policy.Policies{
		SCPs: [][]*policy.Document{{}},
	}).Source == policy.SCPSource
	deny, allow := statements(t, denyAll), statements(t, allowAll)
	for source, policies := range attached(d) {
		before := policy.Evaluate(r, policies)
		checkDecision(t, before)
		for place := range attached(d) {
			if place == policy.SCPSource && !hasAccount {
				continue // they say nothing of services and anonymous callers
			}
			if got := policy.Evaluate(r, with(policies, place, deny)); got.Verdict != policy.ExplicitlyDenied {
				t.Errorf("%s with a Deny of everything as %s: got %v", source, place, got.Verdict)
			}
		}
		if before.Verdict == policy.ExplicitlyDenied {
			more := with(policies, policy.IdentitySource, allow)
			if got := policy.Evaluate(r, more); got.Verdict != policy.ExplicitlyDenied {
				t.Errorf("%s denied, with one more Allow: got %v", source, got.Verdict)
			}
		}
		if source != policy.IdentitySource && source != policy.ResourceSource {
			unlimited := policy.Evaluate(r, policy.Policies{Identity: policies.Identity})
			if before.Verdict == policy.Allowed && unlimited.Verdict != policy.Allowed {
				t.Errorf("a %s grants: %v without it", source, unlimited.Verdict)
			}
		}
	}
}

// checkDecision checks that a decision is of one piece.
func checkDecision(t *testing.T, d policy.Decision) {
	t.Helper()
	if d.Source == "" {
		t.Errorf("got no source: %+v", d)
	}
	if d.Statement != nil && (d.Statement.Source != d.Source || d.Verdict == policy.ImplicitlyDenied) {
		t.Errorf("the statement doesn't fit: %+v", d)
	}
	if d.Verdict == policy.ExplicitlyDenied && d.Statement == nil {
		t.Errorf("denied by no statement: %+v", d)
	}
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// seedPolicies returns the texts of the policies in testdata/policy-cases.json.
func seedPolicies(f *testing.F) [][]byte {
	f.Helper()
	text, err := os.ReadFile("testdata/policy-cases.json")
	if err != nil {
		f.Fatal(err)
	}
	var cases []testCase
	if err := json.Unmarshal(text, &cases); err != nil {
		f.Fatal(err)
	}
	var out [][]byte
	for _, c := range cases {
		for _, raw := range append(c.Identity, c.ResourcePolicy, c.Boundary) {
			if len(raw) > 0 && string(raw) != "null" {
				out = append(out, raw)
			}
		}
	}
	return out
}
