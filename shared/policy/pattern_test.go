package policy_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/arngate/arngate/shared/policy"
)

// allows reports whether a statement of version that allows action on resource allows a request.
func allows(t rapid.TB, version, action, resource string, r policy.Request) bool {
	t.Helper()
	d := parse(t, fmt.Sprintf(`{"Version":%q,"Statement":{"Effect":"Allow","Action":%s,"Resource":%s}}`, version, quote(action), quote(resource)))
	r.Principal = alice
	return policy.Evaluate(r, policy.Policies{Identity: documents(d)}).Verdict == policy.Allowed
}

// quote writes s as a JSON string.
func quote(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

func TestActions(t *testing.T) {
	for _, c := range []struct {
		pattern, action string
		want            bool
	}{
		{"*", "s3:GetObject", true},
		{"s3:*", "s3:GetObject", true},
		{"S3:GET*", "s3:GetObject", true},
		{"s3:GetObject", "S3:GETOBJECT", true},
		{"s3:*Object", "s3:GetObject", true},
		{"s3:*Object", "s3:GetObjectAcl", false},
		{"s3:GetObject?", "s3:GetObject", false},
		{"s3:?et*A?l", "s3:GetObjectAcl", true},
		{"GetObject", "s3:GetObject", false},
		{"Get*", "s3:GetObject", false},
		{"*:GetObject", "s3:GetObject", true},
		{"s3", "s3:GetObject", false},
		{"s3:", "s3:GetObject", false},
		{"", "s3:GetObject", false},
		{"s3:Get${*}", "s3:GetObject", false},
		{"s3-object-lambda:*", "s3:GetObject", false},
		{"s3:**t", "s3:GetObject", true},
		{"ſ3:GetObject", "s3:GetObject", false},
	} {
		if got := allows(t, policy.Version2012, c.pattern, "*", policy.Request{Action: c.action, Resource: object}); got != c.want {
			t.Errorf("%s for %s: got %v, want %v", c.pattern, c.action, got, c.want)
		}
	}
}

func TestResources(t *testing.T) {
	const table = "arn:aws:dynamodb:us-east-1:123456789012:table/Orders"
	for _, c := range []struct {
		pattern, resource string
		want              bool
	}{
		{"*", "*", true},
		{"*", object, true},
		{"arn:aws:s3:::data-bucket/*", "*", false},
		{"arn:aws:s3:::*", object, true},
		{"arn:aws:s3:::data-bucket*", object, true},
		{"arn:aws:s3:::data-bucket/*/a.csv", "arn:aws:s3:::data-bucket/x/y:z/a.csv", true},
		{"arn:aws:s3:::data-bucket/*/test/*", "arn:aws:s3:::data-bucket//test/object", true},
		{"arn:aws:s3:::data-bucket/*/test/*", "arn:aws:s3:::data-bucket/test/object", false},
		{"ARN:aws:s3:::data-bucket/*", object, false},
		{"arn:aws:s3:::DATA-BUCKET/*", object, false},
		{"arn:*:s3:::data-bucket/*", object, true},
		{"arn:aws:s3:::data-bucket/?eports/*", object, true},
		{"arn:aws:s3:::data-bucket/???", "arn:aws:s3:::data-bucket/é€😀", true},
		{"arn:aws:s3:::data-bucket/*??", "arn:aws:s3:::data-bucket/€", false},
		{"arn:aws:dynamodb:*:*:table/*", table + "/index/i", true},
		{"arn:aws:dynamodb:*:*:table/Orders", table + "/index/i", false},
		{"arn:aws:dynamodb:*:table/Orders", table, true},
		{"arn:aws:dynamodb:us-east-1:*", table, true},
		// "IAM identifiers": an ARN of fewer than six parts is completed with wildcards.
		{"arn:aws:dynamodb", table, true},
		{"arn:aws:dynamodb:us-east-1", table, true},
		{"arn:aws:dynamodb:us-east-1:123456789012", table, true},
		{"arn:aws:dynamodb:us-east-1:999988887777", table, false},
		{"arn:aws:sqs", table, false},
		{"arn:aws", table, true},
		{"dynamodb", table, false},
		{table + ":", table, false},
		{"", table, false},
	} {
		if got := allows(t, policy.Version2012, "*", c.pattern, policy.Request{Action: "a:b", Resource: c.resource}); got != c.want {
			t.Errorf("%s for %s: got %v, want %v", c.pattern, c.resource, got, c.want)
		}
	}
}

func TestVariables(t *testing.T) {
	context := policy.Context{
		"aws:username": {"alice"}, "aws:PrincipalTag/team": {"*"}, "aws:PrincipalTag/a b": {"spaced"}, "aws:PrincipalTag/empty": {""},
		"aws:TagKeys": {"x", "y"}, "tag:dollar": {"${aws:username}"},
	}
	const bucket = "arn:aws:s3:::b/"
	for _, c := range []struct {
		pattern, resource string
		want              bool
	}{
		{"${aws:username}", "alice", true},
		{"${AWS:UserName}/*", "alice/x/y", true},
		{"${ aws:username }", "alice", true},
		{"${aws:username}", "${aws:username}", false},
		{"home-${aws:username}-*-${aws:username}", "home-alice-and-alice", true},
		{"${aws:PrincipalTag/a b}", "spaced", true},
		{"${aws:PrincipalTag/empty}x", "x", true},
		{"${aws:PrincipalTag/empty, 'd'}x", "x", true},
		{"${nope}", "", false},
		{"${nope}", "${nope}", false},
		{"${nope}*", "x", false},
		{"${nope, 'common'}/*", "common/x", true},
		{"${nope,'common'}", "common", true},
		{"${nope ,  'com}mon' }", "com}mon", true},
		{"${nope, ''}x", "x", true},
		{"${nope, 'a*'}", "abc", false},
		{"${nope, 'a*'}", "a*", true},
		{"${aws:username, 'common'}", "common", false},
		{"${aws:TagKeys}", "x", false},
		{"${aws:TagKeys, 'x'}", "x", false},
		{"${tag:dollar}", "${aws:username}", true},
		{"${tag:dollar}", "alice", false},
		{"${*}${?}${$}", "*?$", true},
		{"${?}", "x", false},
		{"${$}{aws:username}", "${aws:username}", true},
		{"$aws:username", "$aws:username", true},
		{"$", "$", true},
		{"*${aws:username}?", "malice!", true},
	} {
		r := policy.Request{Action: "a:b", Resource: bucket + c.resource, Context: context}
		if got := allows(t, policy.Version2012, "*", bucket+c.pattern, r); got != c.want {
			t.Errorf("%s for %s: got %v, want %v", c.pattern, c.resource, got, c.want)
		}
	}
}

func TestTrap50SubstitutedWildcardsAreLiteral(t *testing.T) {
	for _, value := range []string{"*", "?????", "${*}", "a*"} {
		context := policy.Context{"aws:PrincipalTag/team": {value}}
		r := policy.Request{Action: "a:b", Resource: "arn:aws:s3:::b/alice", Context: context}
		if allows(t, policy.Version2012, "*", "arn:aws:s3:::b/${aws:PrincipalTag/team}", r) {
			t.Errorf("%s as a tag matches alice in a resource", value)
		}
		r.Resource = "arn:aws:s3:::b/" + value
		if !allows(t, policy.Version2012, "*", "arn:aws:s3:::b/${aws:PrincipalTag/team}", r) {
			t.Errorf("%s as a tag doesn't match itself in a resource", value)
		}
		context["k"] = []string{"alice"}
		for _, operator := range []string{"StringLike", "StringEquals", "ArnLike", "StringEqualsIgnoreCase"} {
			if holds(t, `{"`+operator+`":{"k":"${aws:PrincipalTag/team}"}}`, context) {
				t.Errorf("%s as a tag matches alice in %s", value, operator)
			}
		}
	}
}

func TestVariablesStandAfterTheFifthColonAlone(t *testing.T) {
	context := policy.Context{"aws:PrincipalAccount": {account}, "aws:username": {"alice"}}
	for pattern, want := range map[string]bool{
		"arn:aws:sqs:us-east-1:123456789012:${aws:username}":              true,
		"arn:aws:sqs:us-east-1:${aws:PrincipalAccount}:alice":             false,
		"arn:aws:sqs:${aws:PrincipalAccount, 'us-east-1'}:*:alice":        false,
		"arn:aws:sqs:us-east-1:${aws:PrincipalAccount}:${aws:username}":   false,
		"arn:aws:sqs:us-east-1:123456789012:alice${aws:username, ''}":     false,
		"arn:aws:sqs:us-east-1:123456789012:alice${aws:PrincipalTag, ''}": true,
	} {
		r := policy.Request{Action: "a:b", Resource: "arn:aws:sqs:us-east-1:123456789012:alice", Context: context}
		if got := allows(t, policy.Version2012, "*", pattern, r); got != want {
			t.Errorf("%s: got %v, want %v", pattern, got, want)
		}
	}
}

func TestVariablesInConditions(t *testing.T) {
	context := policy.Context{
		"aws:username": {"alice"}, "owner": {"alice"}, "Owner2": {"ALICE"}, "n": {"5"}, "five": {"5"},
		"arn": {"arn:aws:iam::123456789012:user/alice"}, "many": {"alice", "bob"},
	}
	for condition, want := range map[string]bool{
		`{"StringEquals":{"owner":"${aws:username}"}}`:                                             true,
		`{"StringNotEquals":{"owner":"${aws:username}"}}`:                                          false,
		`{"StringEqualsIgnoreCase":{"owner2":"${aws:username}"}}`:                                  true,
		`{"StringEqualsIgnoreCase":{"owner2":"x${aws:username}"}}`:                                 false,
		`{"StringEqualsIgnoreCase":{"owner2":"${nope}"}}`:                                          false,
		`{"StringLike":{"owner":"a*${aws:username, 'x'}"}}`:                                        false,
		`{"StringEquals":{"owner":"${nope}"}}`:                                                     false,
		`{"StringEquals":{"owner":"${nope, 'alice'}"}}`:                                            true,
		`{"StringNotEquals":{"owner":"${nope}"}}`:                                                  true,
		`{"ArnLike":{"arn":"arn:aws:iam::*:user/${aws:username}"}}`:                                true,
		`{"ArnLike":{"arn":"${arn}"}}`:                                                             true,
		`{"ArnLike":{"arn":"${nope}"}}`:                                                            false,
		`{"ArnLike":{"arn":"arn:aws:iam::${nope, '123456789012'}:user/*"}}`:                        true,
		`{"NumericEquals":{"n":"${five}"}}`:                                                        false,
		`{"StringEquals":{"many":"${aws:username}"}}`:                                              true,
		`{"ForAllValues:StringEquals":{"many":"${aws:username}"}}`:                                 false,
		`{"ForAllValues:StringEquals":{"many":["${aws:username}","bob"]}}`:                         true,
		`{"StringEquals":{"owner":"${many}"}}`:                                                     false,
		`{"StringEquals":{"owner":"${*}"}}`:                                                        false,
		`{"StringEquals":{"owner":["${nope}","alice"]}}`:                                           true,
		`{"Bool":{"owner":"${aws:username}"},"StringEquals":{"owner":"alice"}}`:                    false,
		`{"StringLike":{"owner":"${aws:username}"},"StringEquals":{"five":"5","n":"${five,'6'}"}}`: true,
	} {
		if got := holds(t, condition, context); got != want {
			t.Errorf("%s: got %v, want %v", condition, got, want)
		}
	}
}

func TestVersion2008HasNoVariables(t *testing.T) {
	context := policy.Context{"aws:username": {"alice"}}
	for _, c := range []struct {
		pattern, resource string
		want              bool
	}{
		{"${aws:username}", "alice", false},
		{"${aws:username}", "${aws:username}", true},
		{"${*}", "${anything}", true},
		{"${*}", "*", false},
	} {
		r := policy.Request{Action: "a:b", Resource: "arn:aws:s3:::b/" + c.resource, Context: context}
		if got := allows(t, policy.Version2008, "*", "arn:aws:s3:::b/"+c.pattern, r); got != c.want {
			t.Errorf("%s for %s: got %v, want %v", c.pattern, c.resource, got, c.want)
		}
	}
}

// naive is the oracle: the textbook recursion over `*` and `?`.
func naive(pattern, s []rune) bool {
	switch {
	case len(pattern) == 0:
		return len(s) == 0
	case pattern[0] == '*':
		return naive(pattern[1:], s) || len(s) > 0 && naive(pattern, s[1:])
	case len(s) == 0:
		return false
	}
	return (pattern[0] == '?' || pattern[0] == s[0]) && naive(pattern[1:], s[1:])
}

func TestPropertyWildcardsAgreeWithTheTextbook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOfN(rapid.RuneFrom([]rune("abé😀/:")), 0, 9, -1).Draw(t, "s")
		pattern := rapid.StringOfN(rapid.RuneFrom([]rune("ab*?é😀/:")), 1, 9, -1).Draw(t, "pattern")
		r := policy.Request{Action: "a:b", Resource: s}
		if got, want := allows(t, policy.Version2012, "*", pattern, r), naive([]rune(pattern), []rune(s)); got != want {
			t.Errorf("%q for %q: got %v, want %v", pattern, s, got, want)
		}
	})
}

// The pattern is made from the string it should match, by putting wildcards in: so that it does match.
func TestPropertyGeneralizedPatternsMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOfN(rapid.RuneFrom([]rune("abé😀/:*?")), 1, 12, -1).Draw(t, "s")
		var pattern strings.Builder
		for _, r := range s {
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				pattern.WriteByte('*')
			case 1:
				pattern.WriteByte('?')
			case 2:
				pattern.WriteString("*" + policy.Escape(string(r)))
			default:
				pattern.WriteString(policy.Escape(string(r)))
			}
		}
		if !allows(t, policy.Version2012, "*", pattern.String(), policy.Request{Action: "a:b", Resource: s}) {
			t.Errorf("%q doesn't match %q", pattern.String(), s)
		}
	})
}

func TestPropertyEscapedTextMatchesItselfAlone(t *testing.T) {
	text := rapid.StringOfN(rapid.RuneFrom([]rune("a*?${}é, '")), 1, 8, -1)
	rapid.Check(t, func(t *rapid.T) {
		one, other := text.Draw(t, "one"), text.Draw(t, "other")
		r := policy.Request{Action: "a:b", Resource: other, Context: policy.Context{"a": {"x"}}}
		if got, want := allows(t, policy.Version2012, "*", policy.Escape(one), r), one == other; got != want {
			t.Errorf("escaped %q for %q: got %v, want %v", one, other, got, want)
		}
		r.Resource = one
		if !allows(t, policy.Version2012, "*", policy.Escape(one), r) {
			t.Errorf("escaped %q doesn't match itself", one)
		}
		if !utf8.ValidString(policy.Escape(one)) {
			t.Errorf("escaped %q isn't UTF-8", one)
		}
	})
}

func TestHostilePatternsDontTakeLong(t *testing.T) {
	began := time.Now()
	pattern := strings.Repeat("*a", 500) + "b"
	if allows(t, policy.Version2012, "*", pattern, policy.Request{Action: "a:b", Resource: strings.Repeat("a", 5000)}) {
		t.Error("matched")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}
