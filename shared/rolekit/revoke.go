package rolekit

import (
	"strings"
	"time"

	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/policy"
)

// RevokePolicyName is the name of the inline policy that ends older sessions. Put again, it replaces the one before.
const RevokePolicyName = "arngate-revoked-sessions"

// maxManagedPolicy is IAM's limit for a managed policy, in characters, whitespace aside. ("IAM and AWS STS quotas")
const maxManagedPolicy = 6144

// RevokePolicy is the policy under which every session that was issued before that time may do nothing; longer-lived keys, which
// have no time of issue, are not concerned. Compact JSON. The time is rounded up to a second: AWS knows no fractions of it.
// (IAM User Guide, "Revoke IAM role temporary security credentials")
func RevokePolicy(issuedBefore time.Time) string {
	at := issuedBefore.UTC()
	if whole := at.Truncate(time.Second); !at.Equal(whole) {
		at = whole.Add(time.Second)
	}
	type denied struct {
		Effect    policy.Effect                `json:"Effect"`
		Action    string                       `json:"Action"`
		Resource  string                       `json:"Resource"`
		Condition map[string]map[string]string `json:"Condition"`
	}
	return compact(struct {
		Version   string   `json:"Version"`
		Statement []denied `json:"Statement"`
	}{policy.Version2012, []denied{{
		policy.Deny, "*", "*", map[string]map[string]string{"DateLessThan": {"aws:TokenIssueTime": at.Format(time.RFC3339)}},
	}}})
}

// UserPolicy is what the IAM user of a provider with access keys needs for its connections: to make federated sessions, and what
// those may do. JSON in ASCII, for a managed policy; it returns an error wrapping [permissions.ErrTooBroad] if it can't be one.
func UserPolicy(limits []permissions.Limits, partition, account string) (string, error) {
	sessions := statement{policy.Allow, []string{"sts:GetFederationToken"}, []string{permissions.Every}}
	return grant(limits, partition, account, []statement{sessions}, maxManagedPolicy)
}

// Command is a command line for a POSIX shell: each word is one argument, whatever it holds.
func Command(words ...string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = word
		if word == "" || strings.ContainsFunc(word, special) {
			quoted[i] = quoteShell(word)
		}
	}
	return strings.Join(quoted, " ")
}

// special reports what needs quotes, or might.
func special(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_=./:@+,", r)
}
