package policy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/arngate/arngate/shared/policy"
)

const (
	account = "123456789012"
	alice   = "arn:aws:iam::123456789012:user/alice"
	bob     = "arn:aws:iam::123456789012:user/bob"
	appRole = "arn:aws:iam::123456789012:role/app/GatewayRole"
	session = "arn:aws:sts::123456789012:assumed-role/GatewayRole/audit"
	carol   = "arn:aws:sts::123456789012:federated-user/carol"
	root    = "arn:aws:iam::123456789012:root"
	foreign = "arn:aws:iam::999988887777:user/mallory"
	object  = "arn:aws:s3:::data-bucket/reports/a.csv"
)

// parse reads a policy whose text a test wrote.
func parse(t rapid.TB, text string) *policy.Document {
	t.Helper()
	d, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return d
}

// statements makes a document of version 2012-10-17.
func statements(t rapid.TB, list ...string) *policy.Document {
	t.Helper()
	return parse(t, `{"Version":"2012-10-17","Statement":[`+strings.Join(list, ",")+`]}`)
}

const (
	allowAll = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	denyAll  = `{"Effect":"Deny","Action":"*","Resource":"*"}`
)

func documents(list ...*policy.Document) []*policy.Document { return list }

func TestVerdictZeroValueDenies(t *testing.T) {
	var d policy.Decision
	if d.Verdict != policy.ImplicitlyDenied {
		t.Errorf("got %v", d.Verdict)
	}
}

func TestVerdictString(t *testing.T) {
	for v, want := range map[policy.Verdict]string{
		policy.ImplicitlyDenied: "ImplicitlyDenied", policy.ExplicitlyDenied: "ExplicitlyDenied", policy.Allowed: "Allowed",
		policy.Verdict(7): "Verdict(?)",
	} {
		if got := v.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestNothingAllowsNothing(t *testing.T) {
	got := policy.Evaluate(policy.Request{}, policy.Policies{})
	if got.Verdict != policy.ImplicitlyDenied {
		t.Errorf("no principal: got %v", got.Verdict)
	}
	got = policy.Evaluate(policy.Request{Principal: alice, Action: "s3:GetObject", Resource: object}, policy.Policies{
		Identity: documents(nil, &policy.Document{}), Session: documents(nil), SCPs: [][]*policy.Document{{nil}},
	})
	if got.Verdict != policy.ImplicitlyDenied {
		t.Errorf("empty documents: got %v", got.Verdict)
	}
}

func TestDecisionNamesTheStatement(t *testing.T) {
	request := policy.Request{Principal: alice, Action: "s3:GetObject", Resource: object}
	allow := statements(t, `{"Sid":"Other","Effect":"Allow","Action":"sqs:*","Resource":"*"}`, `{"Sid":"Read","Effect":"Allow","Action":"s3:*","Resource":"*"}`)
	deny := statements(t, `{"Sid":"Stop","Effect":"Deny","Action":"s3:*","Resource":"*"}`)
	other := statements(t, `{"Effect":"Allow","Action":"sqs:*","Resource":"*"}`)
	everyone := statements(t, `{"Sid":"Public","Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`)
	ref := func(source policy.Source, document, index int, sid string) *policy.StatementRef {
		return &policy.StatementRef{Source: source, Document: document, Index: index, Sid: sid}
	}
	for _, c := range []struct {
		name     string
		policies policy.Policies
		want     policy.Decision
	}{
		{"identity allows", policy.Policies{Identity: documents(other, allow)}, policy.Decision{
			Verdict: policy.Allowed, Source: policy.IdentitySource, Statement: ref(policy.IdentitySource, 1, 1, "Read"),
		}},
		{"identity lacks", policy.Policies{Identity: documents(other)}, policy.Decision{Source: policy.IdentitySource}},
		{"identity denies", policy.Policies{Identity: documents(allow, deny)}, policy.Decision{
			Verdict: policy.ExplicitlyDenied, Source: policy.IdentitySource, Statement: ref(policy.IdentitySource, 1, 0, "Stop"),
		}},
		{"resource allows", policy.Policies{Resource: everyone}, policy.Decision{
			Verdict: policy.Allowed, Source: policy.ResourceSource, Statement: ref(policy.ResourceSource, 0, 0, "Public"),
		}},
		{"boundary lacks", policy.Policies{Identity: documents(allow), Boundary: other}, policy.Decision{Source: policy.BoundarySource}},
		{"boundary denies", policy.Policies{Identity: documents(allow), Boundary: deny}, policy.Decision{
			Verdict: policy.ExplicitlyDenied, Source: policy.BoundarySource, Statement: ref(policy.BoundarySource, 0, 0, "Stop"),
		}},
		{"session lacks", policy.Policies{Identity: documents(allow), Session: documents(other)}, policy.Decision{Source: policy.SessionSource}},
		{"session empty", policy.Policies{Identity: documents(allow), Session: []*policy.Document{}}, policy.Decision{Source: policy.SessionSource}},
		{"session denies", policy.Policies{Identity: documents(allow), Session: documents(allow, deny)}, policy.Decision{
			Verdict: policy.ExplicitlyDenied, Source: policy.SessionSource, Statement: ref(policy.SessionSource, 1, 0, "Stop"),
		}},
		{"SCP lacks", policy.Policies{Identity: documents(allow), SCPs: [][]*policy.Document{{allow}, {other}, {allow}}}, policy.Decision{
			Source: policy.SCPSource,
		}},
		{"SCP denies, counted through levels", policy.Policies{
			Identity: documents(allow), SCPs: [][]*policy.Document{{allow, other}, {allow, deny}},
		}, policy.Decision{Verdict: policy.ExplicitlyDenied, Source: policy.SCPSource, Statement: ref(policy.SCPSource, 3, 0, "Stop")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, policy.Evaluate(request, c.policies)); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMissingKeys(t *testing.T) {
	for _, c := range []struct {
		name, statement string
		context         policy.Context
		want            []string
	}{
		{
			"asked for in vain",
			`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red"}}}`,
			nil,
			[]string{"aws:PrincipalTag/team"},
		},
		{
			"a variable",
			`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:username}/*"}`,
			nil,
			[]string{"aws:username"},
		},
		{
			"a variable with a default",
			`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:username, 'x'}/*"}`,
			nil,
			[]string{"aws:username"},
		},
		{
			"all of them, each once",
			`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"a:x":"${a:z}","a:y":"1"},"StringLike":{"a:x":"1"}}}`,
			nil,
			[]string{"a:x", "a:y"},
		},
		{
			"one that couldn't help",
			`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"a:x":"1"},"Bool":{"a:y":"true"}}}`,
			policy.Context{"a:y": {"false"}},
			nil,
		},
		{
			"twice, the second time with a key that is there",
			`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"a:x":"${a:z}"},"StringLike":{"a:y":"${a:z}"}}}`,
			policy.Context{"a:y": {"1"}, "a:x": {"1"}},
			[]string{"a:z"},
		},
		{
			"another action's",
			`{"Effect":"Allow","Action":"sqs:*","Resource":"*","Condition":{"StringEquals":{"a:x":"1"}}}`,
			nil,
			nil,
		},
		{
			"another resource's",
			`{"Effect":"Allow","Action":"*","Resource":"arn:aws:sqs:*:*:*","Condition":{"StringEquals":{"a:x":"1"}}}`,
			nil,
			nil,
		},
		{
			"a value's variable",
			`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"a:x":"${a:z}"}}}`,
			policy.Context{"a:x": {"1"}},
			[]string{"a:z"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := policy.Evaluate(policy.Request{Principal: alice, Action: "s3:GetObject", Resource: object, Context: c.context},
				policy.Policies{Identity: documents(statements(t, c.statement))})
			if diff := cmp.Diff(c.want, got.Missing); diff != "" {
				t.Errorf("missing (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStatementsAreAsWritten(t *testing.T) {
	d := parse(t, `{"Id":"trust","Statement":[
		{"Sid":"A","Effect":"Allow","Principal":{"AWS":"123456789012","Service":["a","b"],"Federated":"f","CanonicalUser":"c"},
		 "Action":"sts:AssumeRole","Condition":{"ForAllValues:StringLikeIfExists":{"aws:TagKeys":["a",1,true]},"Null":{"k":"false"}}},
		{"Effect":"Deny","NotPrincipal":"*","NotAction":["a:b","c:d"],"NotResource":"r"}],"Version":"2012-10-17"}`)
	want := []policy.Statement{
		{
			Sid: "A", Effect: policy.Allow, Actions: []string{"sts:AssumeRole"},
			Principal: &policy.Principals{
				AWS: []string{"123456789012"}, Service: []string{"a", "b"}, Federated: []string{"f"}, CanonicalUser: []string{"c"},
			},
			Conditions: []policy.Condition{
				{Operator: "ForAllValues:StringLikeIfExists", Key: "aws:TagKeys", Values: []string{"a", "1", "true"}},
				{Operator: "Null", Key: "k", Values: []string{"false"}},
			},
		},
		{Effect: policy.Deny, NotPrincipal: &policy.Principals{Any: true}, NotActions: []string{"a:b", "c:d"}, NotResources: []string{"r"}},
	}
	if diff := cmp.Diff(want, d.Statements()); diff != "" {
		t.Errorf("statements (-want +got):\n%s", diff)
	}
	if d.ID() != "trust" || d.Version() != policy.Version2012 {
		t.Errorf("got id %q, version %q", d.ID(), d.Version())
	}
	d.Statements()[0].Sid = "changed"
	if got := d.Statements()[0].Sid; got != "A" {
		t.Errorf("a caller changed the document: got Sid %q", got)
	}
}

func TestVersionDefault(t *testing.T) {
	if got := parse(t, `{"Statement":[]}`).Version(); got != policy.Version2008 {
		t.Errorf("got %q", got)
	}
	if got := (&policy.Document{}).Version(); got != policy.Version2008 {
		t.Errorf("zero value: got %q", got)
	}
}
