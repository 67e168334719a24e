package localawstest

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
)

// Role is a role to create.
type Role struct {
	Name     string
	Path     string // empty means /
	Trust    string // trust policy
	Policy   string // inline policy; empty: none
	Attached string // ARN of a managed policy; empty: none
	Boundary string // ARN of the permissions boundary; empty: none
}

// AddRole creates a role in the administrator's account and returns its ARN.
func (a *AWS) AddRole(tb testing.TB, administrator Keys, role Role) string {
	tb.Helper()
	client := awsiam.NewFromConfig(a.Config(administrator))
	in := &awsiam.CreateRoleInput{RoleName: &role.Name, AssumeRolePolicyDocument: &role.Trust}
	if role.Path != "" {
		in.Path = &role.Path
	}
	if role.Boundary != "" {
		in.PermissionsBoundary = &role.Boundary
	}
	out, err := client.CreateRole(tb.Context(), in)
	if err != nil {
		tb.Fatalf("create role %s: %v", role.Name, err)
	}
	if role.Policy != "" {
		_, err := client.PutRolePolicy(tb.Context(), &awsiam.PutRolePolicyInput{
			RoleName: &role.Name, PolicyName: aws.String("inline"), PolicyDocument: &role.Policy,
		})
		if err != nil {
			tb.Fatalf("put policy of role %s: %v", role.Name, err)
		}
	}
	if role.Attached != "" {
		_, err := client.AttachRolePolicy(tb.Context(), &awsiam.AttachRolePolicyInput{
			RoleName: &role.Name, PolicyArn: &role.Attached,
		})
		if err != nil {
			tb.Fatalf("attach policy to role %s: %v", role.Name, err)
		}
	}
	return *out.Role.Arn
}

// AddUser creates a user with an inline policy in the administrator's account and returns an access key.
func (a *AWS) AddUser(tb testing.TB, administrator Keys, name, policy string) Keys {
	tb.Helper()
	client := awsiam.NewFromConfig(a.Config(administrator))
	if _, err := client.CreateUser(tb.Context(), &awsiam.CreateUserInput{UserName: &name}); err != nil {
		tb.Fatalf("create user %s: %v", name, err)
	}
	if policy != "" {
		_, err := client.PutUserPolicy(tb.Context(), &awsiam.PutUserPolicyInput{
			UserName: &name, PolicyName: aws.String("inline"), PolicyDocument: &policy,
		})
		if err != nil {
			tb.Fatalf("put policy of user %s: %v", name, err)
		}
	}
	out, err := client.CreateAccessKey(tb.Context(), &awsiam.CreateAccessKeyInput{UserName: &name})
	if err != nil {
		tb.Fatalf("create access key of user %s: %v", name, err)
	}
	return Keys{AccessKeyID: *out.AccessKey.AccessKeyId, SecretAccessKey: *out.AccessKey.SecretAccessKey}
}

// Assume assumes a role and returns the session's credentials.
func (a *AWS) Assume(tb testing.TB, as Keys, in *awssts.AssumeRoleInput) Keys {
	tb.Helper()
	out, err := awssts.NewFromConfig(a.Config(as)).AssumeRole(tb.Context(), in)
	if err != nil {
		tb.Fatalf("assume role: %v", err)
	}
	return Keys{
		AccessKeyID:     *out.Credentials.AccessKeyId,
		SecretAccessKey: *out.Credentials.SecretAccessKey,
		SessionToken:    *out.Credentials.SessionToken,
	}
}
