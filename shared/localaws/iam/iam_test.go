package iam_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws/localawstest"
)

const (
	account    = "222222222222"
	allowAll   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	lambda     = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	customARN  = "arn:aws:iam::" + account + ":policy/team/custom"
	missingARN = "arn:aws:iam::" + account + ":policy/missing"
)

func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

func messageOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorMessage()
	}
	return ""
}

func start(t *testing.T) (*localawstest.AWS, localawstest.Keys, *awsiam.Client) {
	t.Helper()
	a := localawstest.Start(t)
	admin := a.Account(account)
	return a, admin, awsiam.NewFromConfig(a.Config(admin))
}

func TestRoleLifecycle(t *testing.T) {
	a, _, client := start(t)
	ctx := t.Context()
	created, err := client.CreateRole(ctx, &awsiam.CreateRoleInput{
		RoleName: aws.String("data"), Path: aws.String("/skuid-assumable-role/"), Description: aws.String("for Arngate"),
		AssumeRolePolicyDocument: aws.String(lambda), MaxSessionDuration: aws.Int32(7200),
		PermissionsBoundary: aws.String("arn:aws:iam::aws:policy/AmazonS3FullAccess"),
		Tags:                []types.Tag{{Key: aws.String("team"), Value: aws.String("a b")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if created.Role.MaxSessionDuration != nil || created.Role.RoleLastUsed != nil {
		t.Errorf("CreateRole tells more than AWS: %+v", created.Role)
	}
	got, err := client.GetRole(ctx, &awsiam.GetRoleInput{RoleName: aws.String("data")})
	if err != nil {
		t.Fatal(err)
	}
	document, err := url.PathUnescape(*got.Role.AssumeRolePolicyDocument)
	if err != nil {
		t.Fatal(err)
	}
	summary := []any{
		*got.Role.Arn, *got.Role.Path, *got.Role.Description, *got.Role.MaxSessionDuration, document,
		*got.Role.PermissionsBoundary.PermissionsBoundaryArn, *got.Role.Tags[0].Value, (*got.Role.RoleId)[:4],
	}
	want := []any{
		"arn:aws:iam::" + account + ":role/skuid-assumable-role/data", "/skuid-assumable-role/", "for Arngate", int32(7200), lambda,
		"arn:aws:iam::aws:policy/AmazonS3FullAccess", "a b", "AROA",
	}
	if diff := cmp.Diff(want, summary); diff != "" {
		t.Errorf("GetRole (-want +got):\n%s", diff)
	}
	calls := a.Calls()
	if got, want := calls[len(calls)-1].Resource, *created.Role.Arn; got != want {
		t.Errorf("authorized on %s, want %s", got, want)
	}
	if _, err := client.DeleteRole(ctx, &awsiam.DeleteRoleInput{RoleName: aws.String("data")}); err != nil {
		t.Fatal(err)
	}
	_, err = client.GetRole(ctx, &awsiam.GetRoleInput{RoleName: aws.String("data")})
	if diff := cmp.Diff([]string{"NoSuchEntity", "The role with name data cannot be found."}, []string{codeOf(err), messageOf(err)}); diff != "" {
		t.Error(diff)
	}
}

func TestRefusals(t *testing.T) {
	a, admin, client := start(t)
	ctx := t.Context()
	a.AddRole(t, admin, localawstest.Role{Name: "there", Trust: lambda})
	put := func(document string) func() error {
		return func() error {
			_, err := client.PutRolePolicy(ctx, &awsiam.PutRolePolicyInput{RoleName: aws.String("there"), PolicyName: aws.String("p"), PolicyDocument: &document})
			return err
		}
	}
	create := func(change func(*awsiam.CreateRoleInput)) func() error {
		return func() error {
			in := &awsiam.CreateRoleInput{RoleName: aws.String("new"), AssumeRolePolicyDocument: aws.String(lambda)}
			change(in)
			_, err := client.CreateRole(ctx, in)
			return err
		}
	}
	attach := func(policyARN string) func() error {
		return func() error {
			_, err := client.AttachRolePolicy(ctx, &awsiam.AttachRolePolicyInput{RoleName: aws.String("there"), PolicyArn: &policyARN})
			return err
		}
	}
	statement := func(body string) string { return `{"Version":"2012-10-17","Statement":[{` + body + `}]}` }
	tests := map[string]struct {
		do            func() error
		code, message string
	}{
		"role exists": {
			create(func(in *awsiam.CreateRoleInput) { in.RoleName = aws.String("there") }),
			"EntityAlreadyExists", "Role with name there already exists.",
		},
		"role exists in another spelling": {create(func(in *awsiam.CreateRoleInput) { in.RoleName = aws.String("THERE") }), "EntityAlreadyExists", ""},
		"name with a space":               {create(func(in *awsiam.CreateRoleInput) { in.RoleName = aws.String("a b") }), "ValidationError", ""},
		"name of 65":                      {create(func(in *awsiam.CreateRoleInput) { in.RoleName = aws.String(strings.Repeat("a", 65)) }), "ValidationError", ""},
		"path without end":                {create(func(in *awsiam.CreateRoleInput) { in.Path = aws.String("/a") }), "ValidationError", ""},
		"duration of 3,599 s":             {create(func(in *awsiam.CreateRoleInput) { in.MaxSessionDuration = aws.Int32(3599) }), "ValidationError", ""},
		"boundary that is missing":        {create(func(in *awsiam.CreateRoleInput) { in.PermissionsBoundary = aws.String(missingARN) }), "NoSuchEntity", ""},
		"trust that is no JSON": {
			create(func(in *awsiam.CreateRoleInput) { in.AssumeRolePolicyDocument = aws.String("{") }),
			"MalformedPolicyDocument", "This policy contains invalid Json",
		},
		"policy ARN that is none":    {attach("longpolicynamebutnoarn"), "ValidationError", "Invalid ARN:  Could not be parsed!"},
		"policy that is missing":     {attach(missingARN), "NoSuchEntity", "Policy " + missingARN + " does not exist or is not attachable."},
		"policy that is no JSON":     {put("{"), "MalformedPolicyDocument", ""},
		"policy with principal":      {put(statement(`"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"`)), "MalformedPolicyDocument", "Policy document should not specify a principal."},
		"policy without resource":    {put(statement(`"Effect":"Allow","Action":"*"`)), "MalformedPolicyDocument", ""},
		"policy without vendor":      {put(statement(`"Effect":"Allow","Action":"GetObject","Resource":"*"`)), "MalformedPolicyDocument", ""},
		"policy with a bare name":    {put(statement(`"Effect":"Allow","Action":"s3:*","Resource":"bucket"`)), "MalformedPolicyDocument", ""},
		"policy of many characters":  {put(statement(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::` + strings.Repeat("b", 10240) + `"`)), "LimitExceeded", ""},
		"policy with odd characters": {put(statement(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::漢"`)), "ValidationError", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := test.do()
			if got := codeOf(err); got != test.code {
				t.Fatalf("error = %v, want %s", err, test.code)
			}
			if got := messageOf(err); test.message != "" && got != test.message {
				t.Errorf("message = %q, want %q", got, test.message)
			}
		})
	}
}

func TestUsersGroupsAndKeys(t *testing.T) {
	a, admin, client := start(t)
	ctx := t.Context()
	keys := a.AddUser(t, admin, "machine", "")
	mine := awsiam.NewFromConfig(a.Config(keys))
	_, err := mine.GetUser(ctx, &awsiam.GetUserInput{})
	want := "User: arn:aws:iam::" + account + ":user/machine is not authorized to perform: iam:GetUser on resource: arn:aws:iam::" +
		account + ":user/machine because no identity-based policy allows the iam:GetUser action"
	if diff := cmp.Diff([]string{"AccessDenied", want}, []string{codeOf(err), messageOf(err)}); diff != "" {
		t.Error(diff)
	}
	readers := aws.String("readers")
	if _, err := client.CreateGroup(ctx, &awsiam.CreateGroupInput{GroupName: readers}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.PutGroupPolicy(ctx, &awsiam.PutGroupPolicyInput{
		GroupName: readers, PolicyName: aws.String("read"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:Get*","Resource":"arn:aws:iam::*:user/${aws:username}"}]}`),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.AddUserToGroup(ctx, &awsiam.AddUserToGroupInput{GroupName: readers, UserName: aws.String("machine")}); err != nil {
		t.Fatal(err)
	}
	if _, err := mine.GetUser(ctx, &awsiam.GetUserInput{}); err != nil {
		t.Errorf("a right of the group: %v", err)
	}
	groups, err := client.ListGroupsForUser(ctx, &awsiam.ListGroupsForUserInput{UserName: aws.String("machine")})
	if err != nil || len(groups.Groups) != 1 || *groups.Groups[0].GroupName != "readers" {
		t.Errorf("groups = %+v (%v)", groups, err)
	}
	if _, err := client.UpdateAccessKey(ctx, &awsiam.UpdateAccessKeyInput{
		UserName: aws.String("machine"), AccessKeyId: &keys.AccessKeyID, Status: types.StatusTypeInactive,
	}); err != nil {
		t.Fatal(err)
	}
	_, err = mine.GetUser(ctx, &awsiam.GetUserInput{})
	if got, want := codeOf(err), "InvalidClientTokenId"; got != want {
		t.Errorf("with an inactive key: %v, want %s", err, want)
	}
	listed, err := client.ListAccessKeys(ctx, &awsiam.ListAccessKeysInput{UserName: aws.String("machine")})
	if err != nil || len(listed.AccessKeyMetadata) != 1 || listed.AccessKeyMetadata[0].Status != types.StatusTypeInactive {
		t.Errorf("keys = %+v (%v)", listed, err)
	}
	if _, err := client.CreateAccessKey(ctx, &awsiam.CreateAccessKeyInput{UserName: aws.String("machine")}); err != nil {
		t.Fatal(err)
	}
	_, err = client.CreateAccessKey(ctx, &awsiam.CreateAccessKeyInput{UserName: aws.String("machine")})
	if got, want := codeOf(err), "LimitExceeded"; got != want {
		t.Errorf("a third key: %v, want %s", err, want)
	}
	_, err = client.DeleteUser(ctx, &awsiam.DeleteUserInput{UserName: aws.String("machine")})
	if got, want := codeOf(err), "DeleteConflict"; got != want {
		t.Errorf("deleting a user with keys: %v, want %s", err, want)
	}
	if _, err := client.DeleteAccessKey(ctx, &awsiam.DeleteAccessKeyInput{UserName: aws.String("machine"), AccessKeyId: &keys.AccessKeyID}); err != nil {
		t.Fatal(err)
	}
}
