package policy_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/arngate/arngate/shared/policy"
)

// textbook reports whether a pattern without variables matches s as the documentation has it: another implementation than the
// package's.
func textbook(pattern, s string) bool {
	quoted := regexp.QuoteMeta(pattern)
	quoted = strings.ReplaceAll(strings.ReplaceAll(quoted, `\*`, `.*`), `\?`, `.`)
	return regexp.MustCompile(`(?s)^` + quoted + `$`).MatchString(s)
}

// textbookARN reports whether an ARN operator holds: each of the six parts matches on its own ("IAM JSON policy elements: Condition
// operators", Amazon Resource Name (ARN) condition operators).
func textbookARN(pattern, s string) bool {
	if strings.Trim(pattern, "*") == "" && pattern != "" {
		return strings.HasPrefix(s, "arn:") && strings.Count(s, ":") >= 5
	}
	patterns, parts := strings.SplitN(pattern, ":", 6), strings.SplitN(s, ":", 6)
	if len(patterns) != 6 || len(parts) != 6 {
		return false
	}
	for i := range patterns {
		if !textbook(patterns[i], parts[i]) {
			return false
		}
	}
	return true
}

// A pattern of a policy matches what the textbook says, of a resource and of an ARN's parts; escaped, it is itself and nothing else.
func FuzzPatterns(f *testing.F) {
	for _, seed := range [][2]string{
		{"arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b"},
		{"arn:aws:s3", "arn:aws:s3:::b"},
		{"arn:*:table/Orders", "arn:aws:dynamodb:us-east-1:1:table/Orders"},
		{"arn:aws:dynamodb:*:*:table/*", "arn:aws:dynamodb:us-east-1:1:table/a:b"},
		{"*a*b?c", "aXbbéc"},
		{"**", "arn:::::"},
		{"arn:aws:iam::*:role/x", "arn:aws:iam:::role:role/x"},
		{"${*}", "*"},
		{"a?", "a😀"},
		{"arn:aws:s3:::b/\n*", "arn:aws:s3:::b/\n\n"},
		{"", ""},
		{"[a-z]+", "a"},
		{"arn:aws*s3:::b", "arn:aws:s3:::b"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if !utf8.ValidString(pattern) || !utf8.ValidString(s) || pattern == "" {
			return // no policy has them
		}
		r := policy.Request{Action: "a:b", Resource: s, ResourceAccount: "123456789012"}
		want := textbook(pattern, s)
		if missing := 5 - strings.Count(pattern, ":"); strings.HasPrefix(pattern, "arn:") && missing > 0 {
			want = want || textbook(pattern+strings.Repeat(":*", missing), s)
		}
		if got := allows(t, policy.Version2008, "*", pattern, r); got != want {
			t.Errorf("resource %q for %q: %t, want %t", pattern, s, got, want)
		}
		if got := allows(t, policy.Version2012, "*", policy.Escape(pattern), r); got != (pattern == s) && !strings.HasPrefix(pattern, "arn:") {
			t.Errorf("escaped %q for %q: %t", pattern, s, got)
		}
		if strings.Contains(pattern, "${") {
			return
		}
		context := policy.Context{"aws:SourceArn": {s}}
		for _, operator := range []string{"ArnLike", "ArnEquals"} {
			if got, want := holds(t, `{"`+operator+`":{"aws:SourceArn":`+quote(pattern)+`}}`, context), textbookARN(pattern, s); got != want {
				t.Errorf("%s %q for %q: %t, want %t", operator, pattern, s, got, want)
			}
		}
		if got, want := holds(t, `{"StringLike":{"aws:SourceArn":`+quote(pattern)+`}}`, context), textbook(pattern, s); got != want {
			t.Errorf("StringLike %q for %q: %t, want %t", pattern, s, got, want)
		}
	})
}
