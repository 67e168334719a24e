package permissions_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/arngate/arngate/shared/permissions"
)

// These hold the code at its edges, where mutants of it had passed.

func TestOwnersAreTwelveDigits(t *testing.T) {
	for owner, want := range map[string]bool{
		"123456789012": true, "": true, "12345": false, "1234567890123": false, "abcdefghijkl": false, "12345678901x": false, "１２３４": false,
	} {
		if got := s3(permissions.Bucket{Name: "abc", Owner: owner}).Validate() == nil; got != want {
			t.Errorf("%q: got %t, want %t", owner, got, want)
		}
	}
}

func TestPrefixesHaveAKeysForm(t *testing.T) {
	for prefix, want := range map[string]bool{
		strings.Repeat("a", 1024): true, strings.Repeat("a", 1025): false, "a b": true, " ": true, "a\x1fb": false, "\x7f": false, "~": true, "\x00": false, "é": true, "\xff": false,
	} {
		if got := s3(permissions.Bucket{Name: "abc", Prefix: prefix}).Validate() == nil; got != want {
			t.Errorf("%.20q: got %t, want %t", prefix, got, want)
		}
	}
}

func TestKMSKeysAreARNsOfKeys(t *testing.T) {
	const rest = ":kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	for key, want := range map[string]bool{
		"arn:aws" + rest: true, "arn:aws-cn" + rest: true, "xrn:aws" + rest: false, "arn:gcp" + rest: false, "arn:aws1" + rest: false, "arn:AWS" + rest: false,
		"arn:aws" + strings.Replace(rest, "kms", "s3", 1): false, "arn:aws" + strings.Replace(rest, "key/", "alias/", 1): false,
		"arn:aws:kms:us-east-1:123456789012:key/": false, "arn:aws:kms:us-east-1:123456789012:key/" + strings.Repeat("a", 64): true,
		"arn:aws:kms:us-east-1:123456789012:key/" + strings.Repeat("a", 65): false,
	} {
		l := dynamodb("Orders")
		l.KMSKeys = []string{key}
		if got := l.Validate() == nil; got != want {
			t.Errorf("%s: got %t, want %t", key, got, want)
		}
	}
}

// A role's policy of just the most characters is taken, one more is not. Without spaces, that is: it is indented for people.
func TestRolePoliciesAreBoundedOnTheirDot(t *testing.T) {
	size := func(prefix, key int) (int, error) {
		var all []permissions.Limits
		for _, n := range []int{1024, 1024, 1024, 1024, prefix} {
			all = append(all, s3(permissions.Bucket{Name: "abc", Prefix: strings.Repeat("abcde"[len(all):len(all)+1], n)}))
		}
		all[0].KMSKeys = []string{"arn:aws:kms:us-east-1:123456789012:key/" + strings.Repeat("a", key)}
		text, err := permissions.PermissionPolicy(all, "aws", "123456789012")
		var compact bytes.Buffer
		if err == nil {
			err = json.Compact(&compact, []byte(text))
		}
		return compact.Len(), err
	}
	first := 1
	for n := 1; n > 0; first += 16 {
		n, _ = size(first, 64) // what fails there is looked at below
	}
	taken := 0
	for prefix := first; prefix < first+32; prefix++ {
		for key := 1; key <= 4; key++ {
			n, err := size(prefix, key)
			if err != nil && !errors.Is(err, permissions.ErrTooBroad) {
				t.Fatal(err)
			}
			taken = max(taken, n)
		}
	}
	if taken != permissions.MaxRolePolicyLength {
		t.Errorf("the longest that is taken has %d characters, want %d", taken, permissions.MaxRolePolicyLength)
	}
}

// DEL and everything above it goes as an escape.
func TestPoliciesAreASCII(t *testing.T) {
	for char, want := range map[string]string{"~": "~", "\u0080": `\u0080`, "\uffff": `\uffff`, "\U00010000": `\ud800\udc00`} {
		text, err := permissions.SessionPolicy(s3(permissions.Bucket{Name: "abc", Prefix: "a" + char}), "aws", "")
		if err != nil || !strings.Contains(text, "a"+want+"/") {
			t.Errorf("%q: %v, %s", char, err, text)
		}
	}
}
