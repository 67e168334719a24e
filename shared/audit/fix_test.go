package audit_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/verdict"
)

// Whoever runs the commands of a finding is rid of it, and no connection loses anything.
func TestEveryFixResolvesItsFinding(t *testing.T) {
	fixes := 0
	for _, c := range corpus(t) {
		t.Run(c.Name, func(t *testing.T) {
			for i := range c.Findings {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, c)
					before := w.audit(nil)
					if i >= len(before.Findings) || len(before.Findings[i].Remediation.Commands) == 0 {
						return
					}
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

func (w *world) fixAndCheck(before audit.Report, f audit.Finding) {
	w.t.Helper()
	for _, command := range f.Remediation.Commands {
		w.run(command)
	}
	time.Sleep(time.Minute) // until it has spread
	after := w.audit(&before)
	for _, g := range after.Findings {
		if g.Fingerprint == f.Fingerprint && g.State != audit.Resolved {
			w.t.Errorf("%s on %s %s: still %s after\n%s", f.Rule, f.Action, f.Resource, g.State, strings.Join(f.Remediation.Commands, "\n"))
		}
	}
	for _, old := range before.Permissions {
		i := slices.IndexFunc(after.Permissions, func(p audit.Permission) bool { return p.Action == old.Action && p.Resource == old.Resource })
		if old.Verdict == verdict.Allowed && (i < 0 || after.Permissions[i].Verdict != verdict.Allowed) {
			w.t.Errorf("%s: the fix took %s on %s away:\n%s", f.Rule, old.Action, old.Resource, strings.Join(f.Remediation.Commands, "\n"))
		}
	}
	if before.Verification.Status == "ready" && after.Verification.Status != "ready" {
		w.t.Errorf("%s: the provider is %s after the fix", f.Rule, after.Verification.Status)
	}
}

// run does what a command of the AWS CLI would, as a shell would read it.
func (w *world) run(command string) {
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
	if err != nil {
		w.t.Fatalf("%s: %v", command, err)
	}
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
