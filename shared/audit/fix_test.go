package audit_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/verdict"
	"github.com/arngate/arngate/shared/permissions"
)

// Whoever runs the commands of a finding is rid of it, and of all others that they are offered for, and no connection loses anything.
func TestEveryFixResolvesItsFinding(t *testing.T) {
	fixes := 0
	for _, c := range corpus(t) {
		t.Run(c.Name, func(t *testing.T) {
			var offering []int
			synctest.Test(t, func(t *testing.T) {
				for i, f := range newWorld(t, c).audit(nil).Findings {
					if len(f.Remediation.Commands) > 0 {
						offering = append(offering, i)
					}
				}
			})
			for _, i := range offering {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, c)
					before := w.audit(nil)
					fixes++
					w.fixAndCheck(before, before.Findings[i])
				})
			}
		})
	}
	if fixes < 50 {
		t.Errorf("only %d findings offer a fix", fixes)
	}
}

// Whoever runs the commands of all findings, in whatever order and those of one policy more than once, is rid of all of them: none
// brings back what another took away.
func TestAllFixesTogetherInAnyOrder(t *testing.T) {
	several := 0
	for _, c := range append(corpus(t), entangled()...) {
		t.Run(c.Name, func(t *testing.T) {
			fixes := make([]audit.Finding, 2)
			for order := 0; order < orders && len(fixes) > 1 && order < 2*(len(fixes)-1); order++ { // two have but two orders
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, c)
					before := w.audit(nil)
					fixes = slices.DeleteFunc(slices.Clone(before.Findings), func(f audit.Finding) bool { return len(f.Remediation.Commands) == 0 })
					if len(fixes) < 2 {
						return
					}
					several++
					reorder(fixes, order)
					w.fixAndCheck(before, fixes...)
				})
			}
		})
	}
	if several < 40 {
		t.Errorf("only %d runs have several fixes", several)
	}
}

// orders is in how many orders fixes are applied.
const orders = 4

// reorder brings fixes into one of several orders: as listed, backwards, shuffled.
func reorder(fixes []audit.Finding, order int) {
	switch order {
	case 0:
	case 1:
		slices.Reverse(fixes)
	default:
		random := rand.New(rand.NewPCG(7, uint64(order))) //nolint:gosec // an order, not a secret
		random.Shuffle(len(fixes), func(i, j int) { fixes[i], fixes[j] = fixes[j], fixes[i] })
	}
}

// entangled are roles whose fixes meet in one policy.
func entangled() []corpusCase {
	connections := []corpusConnection{{Name: "orders", Connector: permissions.DynamoDB, ReadOnly: true, Tables: []string{"Orders"}}}
	statements := func(all string) json.RawMessage {
		return json.RawMessage(`{"Version":"2012-10-17","Statement":[` + all + `]}`)
	}
	const broad = `{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"}`
	return []corpusCase{
		{
			Name: "two_statements_too_much", Kit: true, Connections: connections,
			Inline: map[string]json.RawMessage{"broad": statements(broad + `,{"Effect":"Allow","Action":"s3:*","Resource":"*"},
				{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}`)},
		},
		{
			Name: "too_much_in_a_managed_policy", Connections: connections,
			Managed: map[string]json.RawMessage{"broad": statements(broad + `,{"Effect":"Allow","Action":"dynamodb:*","Resource":"*"},
				{"Effect":"Deny","Action":"dynamodb:DeleteItem","Resource":"*"}`)},
		},
		{
			Name: "too_much_where_something_is_missing", Connections: connections, NoReads: true,
			Inline: map[string]json.RawMessage{"arngate-audit": statements(broad + `,{"Effect":"Allow","Action":["iam:GetRole","iam:ListRolePolicies","iam:GetRolePolicy"],"Resource":"*"}`)},
		},
		{
			Name: "strangers_of_several_kinds", Kit: true, Connections: connections,
			Trust: json.RawMessage(`{"Version":"2012-10-17","Statement":[
				{"Effect":"Allow","Principal":{"AWS":["` + gatewayARN + `","` + partnerAccount + `"],"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole",
				"Condition":{"StringEquals":{"sts:ExternalId":["` + siteA + `","` + siteB + `"]}}}]}`),
		},
	}
}

// fixAndCheck runs the commands of findings and audits again.
func (w *world) fixAndCheck(before audit.Report, fixes ...audit.Finding) {
	w.t.Helper()
	var commands []string
	for _, f := range fixes {
		commands = append(commands, f.Remediation.Commands...)
	}
	done := w.runAll(commands)
	time.Sleep(time.Minute) // until it has spread
	after := w.audit(&before)
	for _, f := range before.Findings {
		i := slices.IndexFunc(after.Findings, func(g audit.Finding) bool { return g.Fingerprint == f.Fingerprint })
		if len(f.Remediation.Commands) > 0 && containsAll(commands, f.Remediation.Commands) && i >= 0 && after.Findings[i].State != audit.Resolved {
			w.t.Errorf("%s on %s %s: still %s after\n%s", f.Rule, f.Action, f.Resource, after.Findings[i].State, done)
		}
	}
	w.checkNothingLost(before, after, done)
}

// checkNothingLost compares what connections may do before and after, and wants nothing to be worse.
func (w *world) checkNothingLost(before, after audit.Report, done string) {
	w.t.Helper()
	for _, old := range before.Permissions {
		i := slices.IndexFunc(after.Permissions, func(p audit.Permission) bool { return p.Action == old.Action && p.Resource == old.Resource })
		if old.Verdict == verdict.Allowed && (i < 0 || after.Permissions[i].Verdict != verdict.Allowed) {
			w.t.Errorf("%s on %s was taken away:\n%s", old.Action, old.Resource, done)
		}
	}
	if before.Verification.Status == "ready" && after.Verification.Status != "ready" {
		w.t.Errorf("the provider is %s after\n%s", after.Verification.Status, done)
	}
	if before.Coverage.Policies != audit.PoliciesRead || !before.Coverage.Trust {
		return // what was there shows only now
	}
	for _, f := range after.Findings {
		sameAs := func(g audit.Finding) bool {
			return g.Rule == f.Rule && g.Action == f.Action && g.Resource == f.Resource
		}
		readsDetached := strings.HasPrefix(f.Action, "iam:GetPolicy") && strings.Contains(done, "--policy-arn "+f.Resource)
		if f.State == audit.New && f.Rule != audit.RulePermissionsChange && !readsDetached && !slices.ContainsFunc(before.Findings, sameAs) {
			w.t.Errorf("%s on %s %s is new after\n%s", f.Rule, f.Action, f.Resource, done)
		}
	}
}

func containsAll(all, some []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// runAll runs commands one after the other, as a shell does: that what is to be deleted is gone already ends nothing. It returns
// them to be shown.
func (w *world) runAll(commands []string) string {
	w.t.Helper()
	for i, command := range commands {
		err := w.run(command)
		if _, gone := errors.AsType[*types.NoSuchEntityException](err); err != nil && (!gone || !slices.Contains(commands[:i], command)) {
			w.t.Errorf("%s: %v", command, err)
		}
	}
	return strings.Join(commands, "\n")
}

// run does what a command of the AWS CLI would, as a shell would read it.
func (w *world) run(command string) error {
	w.t.Helper()
	words := shellWords(w.t, command)
	if len(words) < 3 || words[0] != "aws" || words[1] != "iam" {
		w.t.Fatalf("not a command of IAM: %q", command)
	}
	option := func(name string) *string {
		i := slices.Index(words, "--"+name)
		if i < 0 || i+1 >= len(words) {
			w.t.Fatalf("%s lacks --%s", command, name)
		}
		return &words[i+1]
	}
	ctx, client := w.t.Context(), awsiam.NewFromConfig(w.Config(w.admin))
	var err error
	switch words[2] {
	case "put-role-policy":
		_, err = client.PutRolePolicy(ctx, &awsiam.PutRolePolicyInput{RoleName: option("role-name"), PolicyName: option("policy-name"), PolicyDocument: option("policy-document")})
	case "delete-role-policy":
		_, err = client.DeleteRolePolicy(ctx, &awsiam.DeleteRolePolicyInput{RoleName: option("role-name"), PolicyName: option("policy-name")})
	case "detach-role-policy":
		_, err = client.DetachRolePolicy(ctx, &awsiam.DetachRolePolicyInput{RoleName: option("role-name"), PolicyArn: option("policy-arn")})
	case "update-assume-role-policy":
		_, err = client.UpdateAssumeRolePolicy(ctx, &awsiam.UpdateAssumeRolePolicyInput{RoleName: option("role-name"), PolicyDocument: option("policy-document")})
	case "put-user-policy":
		_, err = client.PutUserPolicy(ctx, &awsiam.PutUserPolicyInput{UserName: option("user-name"), PolicyName: option("policy-name"), PolicyDocument: option("policy-document")})
	case "delete-user-policy":
		_, err = client.DeleteUserPolicy(ctx, &awsiam.DeleteUserPolicyInput{UserName: option("user-name"), PolicyName: option("policy-name")})
	case "detach-user-policy":
		_, err = client.DetachUserPolicy(ctx, &awsiam.DetachUserPolicyInput{UserName: option("user-name"), PolicyArn: option("policy-arn")})
	case "create-policy-version":
		if !slices.Contains(words, "--set-as-default") {
			w.t.Fatalf("%s would change nothing", command)
		}
		_, err = client.CreatePolicyVersion(ctx, &awsiam.CreatePolicyVersionInput{PolicyArn: option("policy-arn"), PolicyDocument: option("policy-document"), SetAsDefault: *aws.Bool(true)})
	default:
		w.t.Fatalf("unknown command %s", words[2])
	}
	return err
}

// shellWords splits a command as a POSIX shell does. What isn't quoted must be plain, so that nothing is expanded.
func shellWords(tb testing.TB, command string) []string {
	tb.Helper()
	var words []string
	var word strings.Builder
	inWord := false
	for i := 0; i < len(command); i++ {
		switch c := command[i]; {
		case c == '\'':
			end := strings.IndexByte(command[i+1:], '\'')
			if end < 0 {
				tb.Fatalf("an open quote in %q", command)
			}
			word.WriteString(command[i+1 : i+1+end])
			i += end + 1
			inWord = true
		case c == '\\' && i+1 < len(command):
			i++
			word.WriteByte(command[i])
		case c == ' ':
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		case strings.IndexByte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@+,", c) >= 0:
			word.WriteByte(c)
			inWord = true
		default:
			tb.Fatalf("%q is special to a shell in %q", c, command)
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words
}
