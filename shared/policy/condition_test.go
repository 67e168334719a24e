package policy_test

import (
	"fmt"
	"testing"

	"github.com/arngate/arngate/shared/policy"
)

// holds reports whether a condition, as JSON, holds in context: whether a statement with it allows. A Deny with it must then deny.
func holds(t *testing.T, condition string, context policy.Context) bool {
	t.Helper()
	request := policy.Request{Principal: alice, Action: "s3:GetObject", Resource: object, Context: context}
	allow := statements(t, `{"Effect":"Allow","Action":"*","Resource":"*","Condition":`+condition+`}`)
	deny := statements(t, allowAll, `{"Effect":"Deny","Action":"*","Resource":"*","Condition":`+condition+`}`)
	allows := policy.Evaluate(request, policy.Policies{Identity: documents(allow)}).Verdict == policy.Allowed
	denies := policy.Evaluate(request, policy.Policies{Identity: documents(deny)}).Verdict == policy.ExplicitlyDenied
	if allows != denies {
		t.Errorf("%s: holds in an Allow: %v, in a Deny: %v", condition, allows, denies)
	}
	return allows
}

// TestConditionOperators has a condition's operator, its operands as JSON, the value of the request's key, and whether it holds.
func TestConditionOperators(t *testing.T) {
	for _, c := range []struct {
		operator, operands, value string
		want                      bool
	}{
		{"StringEquals", `"red"`, "red", true},
		{"StringEquals", `"red"`, "Red", false},
		{"StringEquals", `"r*"`, "red", false},
		{"StringEquals", `"r*"`, "r*", true},
		{"StringEquals", `""`, "", true},
		{"StringEquals", `""`, "x", false},
		{"StringEquals", `7`, "7", true},
		{"StringEquals", `true`, "true", true},
		{"StringEquals", `[]`, "red", false},
		{"StringNotEquals", `[]`, "red", true},
		{"StringNotEquals", `["a","b"]`, "c", true},
		{"StringNotEquals", `["a","b"]`, "b", false},
		{"StringEqualsIgnoreCase", `"RÉD"`, "réd", true},
		{"StringEqualsIgnoreCase", `"red"`, "reds", false},
		{"StringNotEqualsIgnoreCase", `["A","B"]`, "b", false},
		{"StringNotEqualsIgnoreCase", `["A","B"]`, "c", true},
		{"StringLike", `"r?d"`, "réd", true},
		{"StringLike", `"r?d"`, "rd", false},
		{"StringLike", `"R*"`, "red", false},
		{"StringLike", `"*"`, "", true},
		{"StringLike", `"?*"`, "", false},
		{"StringLike", `"*/*"`, "a/b/c", true},
		{"StringLike", `"[a-z]*"`, "b", false},
		{"StringNotLike", `["r*","b*"]`, "blue", false},
		{"StringNotLike", `["r*","b*"]`, "green", true},
		{"stringlike", `"r*"`, "red", true},

		{"NumericEquals", `"10"`, "10.0", true},
		{"NumericEquals", `10`, "+010", true},
		{"NumericEquals", `"-0"`, "0", true},
		{"NumericEquals", `"0.1"`, ".1", true},
		{"NumericEquals", `"1"`, "1.", false},
		{"NumericEquals", `"x"`, "x", false},
		{"NumericEquals", `"9007199254740993"`, "9007199254740992", false},
		{"NumericNotEquals", `"9007199254740993"`, "9007199254740992", true},
		{"NumericNotEquals", `["1","2"]`, "2.0", false},
		{"NumericNotEquals", `"1"`, "x", true},
		{"NumericLessThan", `"10"`, "9.99", true},
		{"NumericLessThan", `"10"`, "10", false},
		{"NumericLessThan", `"10"`, "-11", true},
		{"NumericLessThan", `"-10"`, "-11", true},
		{"NumericLessThan", `"-10"`, "-9", false},
		{"NumericLessThan", `"0.25"`, "0.5", false},
		{"NumericLessThan", `"0.5"`, "0.25", true},
		{"NumericLessThan", `["1","100"]`, "50", true},
		{"NumericLessThanEquals", `"10"`, "10", true},
		{"NumericLessThanEquals", `"10"`, "11", false},
		{"NumericGreaterThan", `"10"`, "9", false},
		{"NumericGreaterThan", `"10"`, "100", true},
		{"NumericGreaterThan", `"10"`, "10", false},
		{"NumericGreaterThanEquals", `"10"`, "10", true},
		{"NumericGreaterThanEquals", `"10"`, "9", false},
		{"NumericGreaterThan", `"0"`, "Inf", false},
		{"NumericGreaterThan", `"0"`, "0x10", false},

		{"DateEquals", `"2026-01-01T00:00:00Z"`, "2026-01-01T01:00:00+01:00", true},
		{"DateEquals", `"2026-01-01"`, "2026-01-01T00:00:00Z", true},
		{"DateEquals", `"2026-01"`, "2026-01-01T00:00:00Z", true},
		{"DateEquals", `"2026"`, "2026-01-01T00:00:00Z", true},
		{"DateEquals", `"2026-01-01T00:00Z"`, "2026-01-01T00:00:00Z", true},
		{"DateEquals", `"2026-01-01T00:00:00"`, "2026-01-01T00:00:00Z", true},
		{"DateEquals", `"1767225600"`, "2026-01-01T00:00:00Z", true},
		{"DateEquals", `1767225600`, "2026-01-01T00:00:00Z", true},
		{"DateEquals", `"2026-01-01T00:00:00Z"`, "1767225600.0", true},
		{"DateEquals", `"1767225600.25"`, "2026-01-01T00:00:00.250Z", true},
		{"DateEquals", `"-1"`, "1969-12-31T23:59:59Z", true},
		{"DateEquals", `"yesterday"`, "yesterday", false},
		{"DateEquals", `"253402300799"`, "9999-12-31T23:59:59Z", true},
		{"DateEquals", `"1000000000000"`, "1000000000000", false},
		{"DateNotEquals", `"2026-01-01"`, "2026-01-02", true},
		{"DateNotEquals", `["2026-01-01","2026-01-02"]`, "2026-01-02", false},
		{"DateNotEquals", `"2026-01-01"`, "yesterday", true},
		{"DateLessThan", `"2026-01-01T00:00:00Z"`, "2025-12-31T23:59:59.999Z", true},
		{"DateLessThan", `"2026-01-01T00:00:00Z"`, "2026-01-01T00:00:00Z", false},
		{"DateLessThan", `"9999999999999"`, "2026-01-01T00:00:00Z", false},
		{"DateLessThanEquals", `"2026-01-01T00:00:00Z"`, "2026-01-01T00:00:00Z", true},
		{"DateGreaterThan", `"2026-01-01T00:00:00Z"`, "2026-01-01T00:00:01Z", true},
		{"DateGreaterThan", `"2026-01-01T00:00:00Z"`, "2025-01-01T00:00:00Z", false},
		{"DateGreaterThanEquals", `"2026-01-01T00:00:00Z"`, "2026-01-01T00:00:00Z", true},
		{"DateGreaterThanEquals", `"2026-01-01T00:00:00Z"`, "2025-12-31T00:00:00Z", false},

		{"Bool", `true`, "true", true},
		{"Bool", `"True"`, "TRUE", true},
		{"Bool", `"true"`, "false", false},
		{"Bool", `"FALSE"`, "false", true},
		{"Bool", `"true"`, "yes", false},
		{"Bool", `"yes"`, "yes", false},
		{"Bool", `["true","false"]`, "false", true},

		{"BinaryEquals", `"QQ=="`, "QQ==", true},
		{"BinaryEquals", `"QQ=="`, "QR==", true},
		{"BinaryEquals", `"QQ=="`, "Qg==", false},
		{"BinaryEquals", `"QQ=="`, "!", false},
		{"BinaryEquals", `"!"`, "!", false},

		{"IpAddress", `"203.0.113.0/24"`, "203.0.113.255", true},
		{"IpAddress", `"203.0.113.0/24"`, "203.0.114.0", false},
		{"IpAddress", `"203.0.113.77/24"`, "203.0.113.1", true},
		{"IpAddress", `["10.0.0.0/8","203.0.113.7"]`, "203.0.113.7", true},
		{"IpAddress", `"203.0.113.7"`, "203.0.113.8", false},
		{"IpAddress", `"0.0.0.0/0"`, "2001:db8::1", false},
		{"IpAddress", `"2001:db8::/32"`, "2001:0DB8:0::1", true},
		{"IpAddress", `"2001:db8::/32"`, "2001:db9::1", false},
		{"IpAddress", `"2001:db8::1"`, "2001:db8::1", true},
		{"IpAddress", `"2001:db8::1"`, "2001:db8::2", false},
		{"IpAddress", `"203.0.113.7"`, "::ffff:203.0.113.7", true},
		{"IpAddress", `"::ffff:203.0.113.7"`, "203.0.113.7", true},
		{"IpAddress", `"203.0.113.0/33"`, "203.0.113.1", false},
		{"IpAddress", `"203.0.113.*"`, "203.0.113.1", false},
		{"IpAddress", `"203.0.113.0/24"`, "host", false},
		{"IpAddress", `"fe80::1%eth0"`, "fe80::1%eth0", false},
		{"NotIpAddress", `["10.0.0.0/8","203.0.113.0/24"]`, "203.0.113.7", false},
		{"NotIpAddress", `["10.0.0.0/8","203.0.113.0/24"]`, "192.0.2.1", true},

		{"ArnEquals", `"arn:aws:sns:*:123456789012:a?"`, "arn:aws:sns:eu-west-1:123456789012:ab", true},
		{"ArnLike", `"arn:aws:sns:*:*:topic"`, "arn:aws:sns:eu-west-1:123456789012:topic", true},
		{"ArnLike", `"arn:aws:sns:*:topic"`, "arn:aws:sns:eu-west-1:123456789012:topic", false},
		{"ArnLike", `"arn:aws:sns*"`, "arn:aws:sns:eu-west-1:123456789012:topic", false},
		{"ArnLike", `"arn:aws:s*:*:*:topic"`, "arn:aws:sns:eu-west-1:123456789012:topic", true},
		{"ArnLike", `"arn:aws:sns:eu*1:123456789012:topic"`, "arn:aws:sns:eu-west-1:123456789012:topic", true},
		{"ArnLike", `"arn:aws:sns:eu*topic"`, "arn:aws:sns:eu-west-1:123456789012:topic", false},
		{"ArnLike", `"arn:aws:s3:::b/*"`, "arn:aws:s3:::b/2024:01/a", true},
		{"ArnLike", `"arn:aws:s3:::b/2024:??/a"`, "arn:aws:s3:::b/2024:01/a", true},
		{"ArnLike", `"arn:aws:s3:::B"`, "arn:aws:s3:::b", false},
		{"ArnLike", `"arn:aws:s3:::b"`, "arn:aws:s3::1:b", false},
		{"ArnLike", `"*"`, "arn:aws:s3:::b", true},
		{"ArnLike", `"*"`, "b", false},
		{"ArnLike", `"arn:*:*:*:*:*"`, "arn:aws:s3:::b", true},
		{"ArnLike", `"arn:aws:s3:::b"`, "arn:aws:s3", false},
		{"ArnNotEquals", `"arn:aws:s3:::b"`, "arn:aws:s3:::b", false},
		{"ArnNotLike", `["arn:aws:s3:::a*","arn:aws:s3:::b*"]`, "arn:aws:s3:::bucket", false},
		{"ArnNotLike", `["arn:aws:s3:::a*","arn:aws:s3:::b*"]`, "arn:aws:s3:::c", true},
	} {
		t.Run(fmt.Sprintf("%s %s of %q", c.operator, c.operands, c.value), func(t *testing.T) {
			condition := fmt.Sprintf(`{%q:{"aws:key":%s}}`, c.operator, c.operands)
			if got := holds(t, condition, policy.Context{"AWS:Key": {c.value}}); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
			withSuffix := fmt.Sprintf(`{"%sIfExists":{"aws:key":%s}}`, c.operator, c.operands)
			if got := holds(t, withSuffix, policy.Context{"aws:key": {c.value}}); got != c.want {
				t.Errorf("IfExists: got %v, want %v", got, c.want)
			}
		})
	}
}

// TestTrap10And49MissingKey has what each operator says of a key that the request doesn't have, bare, with IfExists and with the qualifiers.
func TestTrap10And49MissingKey(t *testing.T) {
	for operator, operand := range map[string]string{
		"StringEquals": "x", "StringEqualsIgnoreCase": "x", "StringLike": "*", "NumericEquals": "0", "NumericLessThan": "1",
		"NumericLessThanEquals": "1", "NumericGreaterThan": "-1", "NumericGreaterThanEquals": "0", "DateEquals": "0",
		"DateLessThan": "2999", "DateLessThanEquals": "2999", "DateGreaterThan": "1970-01-01", "DateGreaterThanEquals": "1970-01-01",
		"Bool": "false", "BinaryEquals": "", "IpAddress": "0.0.0.0/0", "ArnEquals": "*", "ArnLike": "*",
		"StringNotEquals": "x", "StringNotEqualsIgnoreCase": "x", "StringNotLike": "*", "NumericNotEquals": "0", "DateNotEquals": "0",
		"NotIpAddress": "0.0.0.0/0", "ArnNotEquals": "*", "ArnNotLike": "*",
	} {
		negated := map[string]bool{
			"StringNotEquals": true, "StringNotEqualsIgnoreCase": true, "StringNotLike": true, "NumericNotEquals": true,
			"DateNotEquals": true, "NotIpAddress": true, "ArnNotEquals": true, "ArnNotLike": true,
		}[operator]
		for form, want := range map[string]bool{
			"%s": negated, "%sIfExists": true,
			"ForAllValues:%s": true, "ForAllValues:%sIfExists": true,
			"ForAnyValue:%s": false, "ForAnyValue:%sIfExists": true,
		} {
			name := fmt.Sprintf(form, operator)
			for _, context := range []policy.Context{nil, {"other": {"x"}}, {"aws:key": {}}} {
				if got := holds(t, fmt.Sprintf(`{%q:{"aws:key":%q}}`, name, operand), context); got != want {
					t.Errorf("%s in %v: got %v, want %v", name, context, got, want)
				}
			}
		}
	}
}

func TestNull(t *testing.T) {
	for _, c := range []struct {
		operands      string
		present, none bool
	}{
		{`"true"`, false, true},
		{`"false"`, true, false},
		{`false`, true, false},
		{`"TRUE"`, false, true},
		{`["true","false"]`, true, true},
		{`"maybe"`, false, false},
		{`[]`, false, false},
	} {
		condition := `{"Null":{"aws:key":` + c.operands + `}}`
		for _, value := range []string{"x", ""} {
			if got := holds(t, condition, policy.Context{"aws:key": {value}}); got != c.present {
				t.Errorf("%s of %q: got %v, want %v", condition, value, got, c.present)
			}
		}
		for _, context := range []policy.Context{nil, {"aws:key": {}}} {
			if got := holds(t, condition, context); got != c.none {
				t.Errorf("%s in %v: got %v, want %v", condition, context, got, c.none)
			}
		}
	}
}

// TestSeveralValues has a condition on a key with several values.
func TestSeveralValues(t *testing.T) {
	for _, c := range []struct {
		operator, operands string
		values             []string
		want               bool
	}{
		{"ForAllValues:StringEquals", `["a","b"]`, []string{"a"}, true},
		{"ForAllValues:StringEquals", `["a","b"]`, []string{"b", "a"}, true},
		{"ForAllValues:StringEquals", `["a","b"]`, []string{"a", "c"}, false},
		{"ForAllValues:StringEquals", `["a","b"]`, []string{"c"}, false},
		{"ForAllValues:StringEquals", `["a"]`, []string{""}, true},
		{"ForAllValues:StringEquals", `["a"]`, []string{"", "c"}, false},
		{"ForAllValues:StringNotEquals", `["a","b"]`, []string{"c", "d"}, true},
		{"ForAllValues:StringNotEquals", `["a","b"]`, []string{"c", "b"}, false},
		{"ForAllValues:StringLike", `["a*"]`, []string{"ab", "ac"}, true},
		{"ForAllValues:StringNotLike", `["a*"]`, []string{"b", "ac"}, false},
		{"ForAllValues:NumericLessThan", `"10"`, []string{"1", "9"}, true},
		{"ForAllValues:NumericLessThan", `"10"`, []string{"1", "11"}, false},
		{"ForAllValues:IpAddress", `"10.0.0.0/8"`, []string{"10.1.1.1", "11.1.1.1"}, false},
		{"ForAllValues:ArnLike", `"arn:aws:iam::*:role/*"`, []string{"arn:aws:iam::1:role/a", "arn:aws:iam::2:role/b"}, true},
		{"forallvalues:Bool", `"true"`, []string{"true", "true"}, true},
		{"ForAnyValue:StringEquals", `["a","b"]`, []string{"x", "b"}, true},
		{"ForAnyValue:StringEquals", `["a","b"]`, []string{"x", "y"}, false},
		{"ForAnyValue:StringEquals", `[""]`, []string{""}, false},
		{"ForAnyValue:StringNotEquals", `["a","b"]`, []string{"a", "b"}, false},
		{"ForAnyValue:StringNotEquals", `["a","b"]`, []string{"a", "c"}, true},
		{"ForAnyValue:StringLike", `"o-1/r-1/*"`, []string{"o-2/r-1/", "o-1/r-1/ou-1/"}, true},
		{"ForAnyValue:DateLessThan", `"2026-01-01"`, []string{"2027-01-01", "2025-01-01"}, true},
		{"ForAnyValue:StringEqualsIfExists", `["a"]`, []string{"b"}, false},
		{"ForAllValues:StringEqualsIfExists", `["a"]`, []string{"a", "b"}, false},
		{"StringEquals", `["a","b"]`, []string{"x", "b"}, true},
		{"StringNotEquals", `["a","b"]`, []string{"x", "b"}, false},
		{"StringNotEquals", `["a","b"]`, []string{"x", "y"}, true},
		{"Null", `"false"`, []string{"x", "y"}, true},
		{"ForAnyValue:Null", `"true"`, []string{"x"}, false},
	} {
		condition := fmt.Sprintf(`{%q:{"aws:TagKeys":%s}}`, c.operator, c.operands)
		if got := holds(t, condition, policy.Context{"aws:tagkeys": c.values}); got != c.want {
			t.Errorf("%s of %q: got %v, want %v", condition, c.values, got, c.want)
		}
	}
}

func TestConditionsAllHold(t *testing.T) {
	context := policy.Context{"a": {"1"}, "b": {"2"}}
	for condition, want := range map[string]bool{
		`{}`:                                 true,
		`{"StringEquals":{}}`:                true,
		`{"StringEquals":{"a":"1"}}`:         true,
		`{"StringEquals":{"a":"1","b":"2"}}`: true,
		`{"StringEquals":{"a":"1","b":"3"}}`: false,
		`{"StringEquals":{"a":"1"},"StringNotEquals":{"b":"2"}}`:      false,
		`{"StringEquals":{"a":"1"},"StringNotEquals":{"b":"3"}}`:      true,
		`{"StringEquals":{"a":"1"},"Null":{"b":"true"}}`:              false,
		`{"StringEquals":{"a":"1","c":"3"}}`:                          false,
		`{"StringEquals":{"a":"1"},"StringEqualsIfExists":{"c":"3"}}`: true,
	} {
		if got := holds(t, condition, context); got != want {
			t.Errorf("%s: got %v, want %v", condition, got, want)
		}
	}
}

func TestContextKeysInSeveralCases(t *testing.T) {
	context := policy.Context{"AWS:Username": {"first"}, "aws:userName": {"second"}}
	for condition, want := range map[string]bool{
		`{"StringEquals":{"aws:userName":"second"}}`: true,
		`{"StringEquals":{"aws:username":"first"}}`:  true,
		`{"StringEquals":{"aws:username":"second"}}`: false,
	} {
		if got := holds(t, condition, context); got != want {
			t.Errorf("%s: got %v, want %v", condition, got, want)
		}
	}
}
