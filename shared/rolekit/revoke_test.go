package rolekit_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/policy"
	"github.com/arngate/arngate/shared/rolekit"
)

// Sessions issued before are at an end; later ones, and keys without a time of issue, are not.
func TestRevokePolicy(t *testing.T) {
	at := time.Date(2026, time.November, 23, 9, 0, 0, 1, time.UTC)
	document, err := policy.Parse([]byte(rolekit.RevokePolicy(at)))
	if err != nil {
		t.Fatal(err)
	}
	allow, err := policy.Parse([]byte(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for issued, want := range map[string]policy.Verdict{
		"2026-11-23T08:59:59Z": policy.ExplicitlyDenied,
		"2026-11-23T09:00:00Z": policy.ExplicitlyDenied, // the second that the revocation fell in
		"2026-11-23T09:00:01Z": policy.Allowed,
		"":                     policy.Allowed,
	} {
		context := policy.Context{}
		if issued != "" {
			context["aws:TokenIssueTime"] = []string{issued}
		}
		got := policy.Evaluate(policy.Request{
			Action: "s3:GetObject", Resource: "arn:aws:s3:::files/x", Principal: customer, ResourceAccount: account, Context: context,
		}, policy.Policies{Identity: []*policy.Document{allow, document}}).Verdict
		if got != want {
			t.Errorf("issued %q: got %v, want %v", issued, got, want)
		}
	}
	whole := at.Truncate(time.Second)
	if text := rolekit.RevokePolicy(whole); !strings.Contains(text, `"2026-11-23T09:00:00Z"`) {
		t.Errorf("a whole second: got %s", text)
	}
}

func TestUserPolicy(t *testing.T) {
	text, err := rolekit.UserPolicy(options().Limits, "aws", account)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, "sts:GetFederationToken") || !strings.Contains(text, "dynamodb:Query") {
		t.Errorf("got %s", text)
	}
	var tables []string
	for i := range 50 {
		tables = append(tables, fmt.Sprintf("a-table-with-a-long-name-%060d", i))
	}
	limits := []permissions.Limits{{Connector: permissions.DynamoDB, Region: region, Tables: tables}}
	if _, err := rolekit.UserPolicy(limits, "aws", account); !errors.Is(err, permissions.ErrTooBroad) {
		t.Errorf("more than a managed policy takes: got %v", err)
	}
}

func TestTrap23bCommandsAreInert(t *testing.T) {
	sh := newShell(t)
	if got := rolekit.Command("aws", "--a=b", "x y", ""); got != "aws --a=b 'x y' ''" {
		t.Errorf("got %s", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`['"$(){}` + "`" + `\\*?!;&|<>#~: a\n]{1,8}`)
		words := rapid.SliceOfN(word, 1, 4).Draw(t, "words")
		got := sh.run(t, rolekit.Command(append([]string{"aws", "x", "y"}, append(words, "end")...)...))
		if diff := cmp.Diff([][]string{append([]string{"x", "y"}, append(words, "end")...)}, got); diff != "" {
			t.Errorf("arguments (-want +got):\n%s", diff)
		}
	})
}
