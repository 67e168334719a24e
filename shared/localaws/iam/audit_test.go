package iam_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"
)

const (
	roleARN  = "arn:aws:iam::" + account + ":role/app/target"
	userARN  = "arn:aws:iam::" + account + ":user/app/person"
	groupARN = "arn:aws:iam::" + account + ":group/app/people"
	readS3   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}`
)

// audited makes what an audit looks at: a role and a user with inline, attached and boundary policies, and a group.
func audited(t *testing.T, client *awsiam.Client) {
	t.Helper()
	ctx := t.Context()
	path, role, user, group := aws.String("/app/"), aws.String("target"), aws.String("person"), aws.String("people")
	inline, custom := aws.String("inline"), aws.String(customARN)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := client.CreatePolicy(ctx, &awsiam.CreatePolicyInput{PolicyName: aws.String("custom"), Path: aws.String("/team/"), PolicyDocument: aws.String(readS3)})
	check(err)
	_, err = client.CreateRole(ctx, &awsiam.CreateRoleInput{RoleName: role, Path: path, AssumeRolePolicyDocument: aws.String(lambda), PermissionsBoundary: custom})
	check(err)
	_, err = client.PutRolePolicy(ctx, &awsiam.PutRolePolicyInput{RoleName: role, PolicyName: inline, PolicyDocument: aws.String(allowAll)})
	check(err)
	_, err = client.AttachRolePolicy(ctx, &awsiam.AttachRolePolicyInput{RoleName: role, PolicyArn: custom})
	check(err)
	_, err = client.CreateUser(ctx, &awsiam.CreateUserInput{UserName: user, Path: path, PermissionsBoundary: custom})
	check(err)
	_, err = client.PutUserPolicy(ctx, &awsiam.PutUserPolicyInput{UserName: user, PolicyName: inline, PolicyDocument: aws.String(allowAll)})
	check(err)
	_, err = client.AttachUserPolicy(ctx, &awsiam.AttachUserPolicyInput{UserName: user, PolicyArn: custom})
	check(err)
	_, err = client.CreateAccessKey(ctx, &awsiam.CreateAccessKeyInput{UserName: user})
	check(err)
	_, err = client.CreateGroup(ctx, &awsiam.CreateGroupInput{GroupName: group, Path: path})
	check(err)
	_, err = client.AddUserToGroup(ctx, &awsiam.AddUserToGroupInput{GroupName: group, UserName: user})
	check(err)
	_, err = client.PutGroupPolicy(ctx, &awsiam.PutGroupPolicyInput{GroupName: group, PolicyName: inline, PolicyDocument: aws.String(allowAll)})
	check(err)
	_, err = client.AttachGroupPolicy(ctx, &awsiam.AttachGroupPolicyInput{GroupName: group, PolicyArn: custom})
	check(err)
}

// auditRead is one read of an audit: what it must be allowed, and what it tells.
type auditRead struct {
	action, resource string
	read             func(context.Context, *awsiam.Client) (string, error)
	want             string
}

// document undoes the URL encoding in which documents come.
func document(encoded *string) string {
	text, err := url.PathUnescape(aws.ToString(encoded))
	if err != nil || text == aws.ToString(encoded) {
		return "not URL-encoded: " + aws.ToString(encoded)
	}
	return text
}

func roleReads() []auditRead {
	role, inline := aws.String("target"), aws.String("inline")
	return []auditRead{
		{"iam:GetRole", roleARN, func(ctx context.Context, c *awsiam.Client) (string, error) {
			out, err := c.GetRole(ctx, &awsiam.GetRoleInput{RoleName: role})
			if err != nil {
				return "", err
			}
			return *out.Role.Arn + " " + *out.Role.PermissionsBoundary.PermissionsBoundaryArn + " " + document(out.Role.AssumeRolePolicyDocument), nil
		}, roleARN + " " + customARN + " " + lambda},
		{"iam:ListRolePolicies", roleARN, func(ctx context.Context, c *awsiam.Client) (string, error) {
			out, err := c.ListRolePolicies(ctx, &awsiam.ListRolePoliciesInput{RoleName: role})
			if err != nil {
				return "", err
			}
			return strings.Join(out.PolicyNames, " "), nil
		}, "inline"},
		{"iam:GetRolePolicy", roleARN, func(ctx context.Context, c *awsiam.Client) (string, error) {
			out, err := c.GetRolePolicy(ctx, &awsiam.GetRolePolicyInput{RoleName: role, PolicyName: inline})
			if err != nil {
				return "", err
			}
			return document(out.PolicyDocument), nil
		}, allowAll},
		{"iam:ListAttachedRolePolicies", roleARN, func(ctx context.Context, c *awsiam.Client) (string, error) {
			out, err := c.ListAttachedRolePolicies(ctx, &awsiam.ListAttachedRolePoliciesInput{RoleName: role})
			if err != nil {
				return "", err
			}
			return *out.AttachedPolicies[0].PolicyArn, nil
		}, customARN},
		{"iam:GetPolicy", customARN, func(ctx context.Context, c *awsiam.Client) (string, error) {
			out, err := c.GetPolicy(ctx, &awsiam.GetPolicyInput{PolicyArn: aws.String(customARN)})
			if err != nil {
				return "", err
			}
			return *out.Policy.DefaultVersionId, nil
		}, "v1"},
		{"iam:GetPolicyVersion", customARN, func(ctx context.Context, c *awsiam.Client) (string, error) {
			out, err := c.GetPolicyVersion(ctx, &awsiam.GetPolicyVersionInput{PolicyArn: aws.String(customARN), VersionId: aws.String("v1")})
			if err != nil {
				return "", err
			}
			return document(out.PolicyVersion.Document), nil
		}, readS3},
	}
}

func userReads() []auditRead {
	user, inline := aws.String("person"), aws.String("inline")
	return []auditRead{
		{"iam:GetUser", userARN, func(ctx context.Context, c *awsiam.Client) (string, error) {
			out, err := c.GetUser(ctx, &awsiam.GetUserInput{UserName: user})
			if err != nil {
				return "", err
			}
			return *out.User.Arn + " " + *out.User.PermissionsBoundary.PermissionsBoundaryArn, nil
		}, userARN + " " + customARN},
		{"iam:ListUserPolicies", userARN, func(ctx context.Context, c *awsiam.Client) (string, error) {
			out, err := c.ListUserPolicies(ctx, &awsiam.ListUserPoliciesInput{UserName: user})
			if err != nil {
				return "", err
			}
			return strings.Join(out.PolicyNames, " "), nil
		}, "inline"},
		{"iam:GetUserPolicy", userARN, func(ctx context.Context, c *awsiam.Client) (string, error) {
			out, err := c.GetUserPolicy(ctx, &awsiam.GetUserPolicyInput{UserName: user, PolicyName: inline})
			if err != nil {
				return "", err
			}
			return document(out.PolicyDocument), nil
		}, allowAll},
		{"iam:ListAttachedUserPolicies", userARN, func(ctx context.Context, c *awsiam.Client) (string, error) {
			out, err := c.ListAttachedUserPolicies(ctx, &awsiam.ListAttachedUserPoliciesInput{UserName: user})
			if err != nil {
				return "", err
			}
			return *out.AttachedPolicies[0].PolicyArn, nil
		}, customARN},
		{"iam:ListGroupsForUser", userARN, func(ctx context.Context, c *awsiam.Client) (string, error) {
			out, err := c.ListGroupsForUser(ctx, &awsiam.ListGroupsForUserInput{UserName: user})
			if err != nil {
				return "", err
			}
			return *out.Groups[0].Arn, nil
		}, groupARN},
		{"iam:ListAccessKeys", userARN, func(ctx context.Context, c *awsiam.Client) (string, error) {
			out, err := c.ListAccessKeys(ctx, &awsiam.ListAccessKeysInput{UserName: user})
			if err != nil {
				return "", err
			}
			return string(out.AccessKeyMetadata[0].Status), nil
		}, "Active"},
	}
}

func groupReads() []auditRead {
	group, inline := aws.String("people"), aws.String("inline")
	return []auditRead{
		{"iam:ListGroupPolicies", groupARN, func(ctx context.Context, c *awsiam.Client) (string, error) {
			out, err := c.ListGroupPolicies(ctx, &awsiam.ListGroupPoliciesInput{GroupName: group})
			if err != nil {
				return "", err
			}
			return strings.Join(out.PolicyNames, " "), nil
		}, "inline"},
		{"iam:GetGroupPolicy", groupARN, func(ctx context.Context, c *awsiam.Client) (string, error) {
			out, err := c.GetGroupPolicy(ctx, &awsiam.GetGroupPolicyInput{GroupName: group, PolicyName: inline})
			if err != nil {
				return "", err
			}
			return document(out.PolicyDocument), nil
		}, allowAll},
		{"iam:ListAttachedGroupPolicies", groupARN, func(ctx context.Context, c *awsiam.Client) (string, error) {
			out, err := c.ListAttachedGroupPolicies(ctx, &awsiam.ListAttachedGroupPoliciesInput{GroupName: group})
			if err != nil {
				return "", err
			}
			return *out.AttachedPolicies[0].PolicyArn, nil
		}, customARN},
	}
}

// Each read of an audit needs its own action on exactly the resource it is about, and no more.
func TestAuditReads(t *testing.T) {
	a, admin, client := start(t)
	audited(t, client)
	nobody := awsiam.NewFromConfig(a.Config(a.AddUser(t, admin, "nobody", "")))
	reads := append(append(roleReads(), userReads()...), groupReads()...)
	for _, read := range reads {
		t.Run(read.action, func(t *testing.T) {
			name := "reader-" + strings.TrimPrefix(read.action, "iam:")
			reader := a.AddUser(t, admin, name, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"`+
				read.action+`","Resource":"`+read.resource+`"}]}`)
			got, err := read.read(t.Context(), awsiam.NewFromConfig(a.Config(reader)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(read.want, got); diff != "" {
				t.Error(diff)
			}
			_, err = read.read(t.Context(), nobody)
			want := "is not authorized to perform: " + read.action + " on resource: " + read.resource +
				" because no identity-based policy allows the " + read.action + " action"
			if codeOf(err) != "AccessDenied" || !strings.Contains(messageOf(err), want) {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

// A group's policies count for its members as long as they are members; a boundary bounds them too.
func TestGroupsAndBoundariesOfUsers(t *testing.T) {
	a, admin, client := start(t)
	ctx, user, group := t.Context(), aws.String("member"), aws.String("readers")
	keys := a.AddUser(t, admin, *user, "")
	read := func() error {
		t.Helper()
		_, err := awsiam.NewFromConfig(a.Config(keys)).ListRoles(ctx, &awsiam.ListRolesInput{})
		return err
	}
	steps := []struct {
		name string
		do   func() error
		want string // code
	}{
		{"alone", func() error { return nil }, "AccessDenied"},
		{"in a group", func() error {
			_, err := client.CreateGroup(ctx, &awsiam.CreateGroupInput{GroupName: group})
			if err == nil {
				_, err = client.AttachGroupPolicy(ctx, &awsiam.AttachGroupPolicyInput{GroupName: group, PolicyArn: aws.String("arn:aws:iam::aws:policy/IAMReadOnlyAccess")})
			}
			if err == nil {
				_, err = client.AddUserToGroup(ctx, &awsiam.AddUserToGroupInput{GroupName: group, UserName: user})
			}
			return err
		}, ""},
		{"bounded", func() error {
			_, err := client.PutUserPermissionsBoundary(ctx, &awsiam.PutUserPermissionsBoundaryInput{
				UserName: user, PermissionsBoundary: aws.String("arn:aws:iam::aws:policy/AmazonS3FullAccess"),
			})
			return err
		}, "AccessDenied"},
		{"unbounded", func() error {
			_, err := client.DeleteUserPermissionsBoundary(ctx, &awsiam.DeleteUserPermissionsBoundaryInput{UserName: user})
			return err
		}, ""},
		{"out of the group", func() error {
			_, err := client.RemoveUserFromGroup(ctx, &awsiam.RemoveUserFromGroupInput{GroupName: group, UserName: user})
			return err
		}, "AccessDenied"},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if err := read(); codeOf(err) != step.want {
			t.Errorf("%s: got %v, want %q", step.name, err, step.want)
		}
	}
}
