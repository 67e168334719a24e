package iam_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws/iam"
	"github.com/arngate/arngate/shared/localaws/localawstest"
)

func TestPoliciesOfARole(t *testing.T) {
	a, admin, client := start(t)
	ctx := t.Context()
	a.AddRole(t, admin, localawstest.Role{Name: "data", Trust: lambda})
	// The document holds percent signs, a plus and a space: it must come back as it was sent.
	document := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/a%3Ab +c"}]}`
	name := aws.String("data")
	for _, policyName := range []string{"b", "a"} {
		if _, err := client.PutRolePolicy(ctx, &awsiam.PutRolePolicyInput{RoleName: name, PolicyName: &policyName, PolicyDocument: &document}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := client.GetRolePolicy(ctx, &awsiam.GetRolePolicyInput{RoleName: name, PolicyName: aws.String("a")})
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(*got.PolicyDocument, ` "{+`) {
		t.Errorf("the document is not URL-encoded: %s", *got.PolicyDocument)
	}
	decoded, err := url.QueryUnescape(*got.PolicyDocument)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(document, decoded); diff != "" {
		t.Error(diff)
	}
	list, err := client.ListRolePolicies(ctx, &awsiam.ListRolePoliciesInput{RoleName: name})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, list.PolicyNames); diff != "" {
		t.Error(diff)
	}
	_, err = client.DeleteRole(ctx, &awsiam.DeleteRoleInput{RoleName: name})
	if got, want := codeOf(err), "DeleteConflict"; got != want {
		t.Errorf("deleting a role with policies: %v, want %s", err, want)
	}
	for range 2 { // attaching twice is no error
		if _, err := client.AttachRolePolicy(ctx, &awsiam.AttachRolePolicyInput{RoleName: name, PolicyArn: aws.String(iam.AdministratorARN)}); err != nil {
			t.Fatal(err)
		}
	}
	attached, err := client.ListAttachedRolePolicies(ctx, &awsiam.ListAttachedRolePoliciesInput{RoleName: name})
	if err != nil {
		t.Fatal(err)
	}
	if len(attached.AttachedPolicies) != 1 || *attached.AttachedPolicies[0].PolicyName != "AdministratorAccess" {
		t.Errorf("attached = %+v", attached.AttachedPolicies)
	}
	if _, err := client.DetachRolePolicy(ctx, &awsiam.DetachRolePolicyInput{RoleName: name, PolicyArn: aws.String(iam.AdministratorARN)}); err != nil {
		t.Fatal(err)
	}
	_, err = client.DetachRolePolicy(ctx, &awsiam.DetachRolePolicyInput{RoleName: name, PolicyArn: aws.String(iam.AdministratorARN)})
	if got, want := codeOf(err), "NoSuchEntity"; got != want {
		t.Errorf("detaching twice: %v, want %s", err, want)
	}
	_, err = client.GetRolePolicy(ctx, &awsiam.GetRolePolicyInput{RoleName: name, PolicyName: aws.String("missing")})
	if got, want := codeOf(err), "NoSuchEntity"; got != want {
		t.Errorf("a policy that is missing: %v, want %s", err, want)
	}
}

func TestManagedPolicies(t *testing.T) {
	_, _, client := start(t)
	ctx := t.Context()
	out, err := client.CreatePolicy(ctx, &awsiam.CreatePolicyInput{
		PolicyName: aws.String("custom"), Path: aws.String("/team/"), PolicyDocument: aws.String(allowAll),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := *out.Policy.Arn; got != customARN {
		t.Errorf("Arn = %s, want %s", got, customARN)
	}
	second := strings.Replace(allowAll, `"Action":"*"`, `"Action":"s3:*"`, 1)
	if _, err := client.CreatePolicyVersion(ctx, &awsiam.CreatePolicyVersionInput{
		PolicyArn: aws.String(customARN), PolicyDocument: &second, SetAsDefault: true,
	}); err != nil {
		t.Fatal(err)
	}
	p, err := client.GetPolicy(ctx, &awsiam.GetPolicyInput{PolicyArn: aws.String(customARN)})
	if err != nil {
		t.Fatal(err)
	}
	v, err := client.GetPolicyVersion(ctx, &awsiam.GetPolicyVersionInput{PolicyArn: aws.String(customARN), VersionId: p.Policy.DefaultVersionId})
	if err != nil {
		t.Fatal(err)
	}
	document, _ := url.PathUnescape(*v.PolicyVersion.Document)
	if diff := cmp.Diff([]any{"v2", second, true}, []any{*p.Policy.DefaultVersionId, document, v.PolicyVersion.IsDefaultVersion}); diff != "" {
		t.Error(diff)
	}
	if _, err := client.GetPolicy(ctx, &awsiam.GetPolicyInput{PolicyArn: aws.String(iam.AdministratorARN)}); err != nil {
		t.Errorf("AWS's own policy: %v", err)
	}
	list, err := client.ListPolicies(ctx, &awsiam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Policies) != 1 {
		t.Errorf("own policies = %d, want 1", len(list.Policies))
	}
}

func TestBoundaryLimits(t *testing.T) {
	a, admin, client := start(t)
	keys := a.AddUser(t, admin, "bounded", allowAll)
	mine := awsiam.NewFromConfig(a.Config(keys))
	if _, err := mine.ListRoles(t.Context(), &awsiam.ListRolesInput{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.PutUserPermissionsBoundary(t.Context(), &awsiam.PutUserPermissionsBoundaryInput{
		UserName: aws.String("bounded"), PermissionsBoundary: aws.String("arn:aws:iam::aws:policy/AmazonS3FullAccess"),
	}); err != nil {
		t.Fatal(err)
	}
	_, err := mine.ListRoles(t.Context(), &awsiam.ListRolesInput{})
	if got, want := messageOf(err), "because no permissions boundary allows the iam:ListRoles action"; !strings.HasSuffix(got, want) {
		t.Errorf("message = %q, want it to end in %q", got, want)
	}
}

func TestAWSManagedPoliciesParse(t *testing.T) {
	_, _, client := start(t)
	list, err := client.ListPolicies(t.Context(), &awsiam.ListPoliciesInput{Scope: types.PolicyScopeTypeAws})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Policies) < 5 {
		t.Fatalf("there are %d policies of AWS", len(list.Policies))
	}
	for _, p := range list.Policies {
		v, err := client.GetPolicyVersion(t.Context(), &awsiam.GetPolicyVersionInput{PolicyArn: p.Arn, VersionId: p.DefaultVersionId})
		if err != nil {
			t.Fatal(err)
		}
		document, _ := url.PathUnescape(*v.PolicyVersion.Document)
		if _, err := client.CreatePolicy(t.Context(), &awsiam.CreatePolicyInput{PolicyName: p.PolicyName, PolicyDocument: &document}); err != nil {
			t.Errorf("%s is no policy: %v", *p.Arn, err)
		}
	}
}

// What a policy allows is its default version, whichever that is now.
func TestDefaultVersionDecides(t *testing.T) {
	a, admin, client := start(t)
	ctx := t.Context()
	made, err := client.CreatePolicy(ctx, &awsiam.CreatePolicyInput{PolicyName: aws.String("p"), PolicyDocument: aws.String(allowAll)})
	if err != nil {
		t.Fatal(err)
	}
	none := strings.Replace(allowAll, "Allow", "Deny", 1)
	for range 4 {
		if _, err := client.CreatePolicyVersion(ctx, &awsiam.CreatePolicyVersionInput{PolicyArn: made.Policy.Arn, PolicyDocument: &none}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = client.CreatePolicyVersion(ctx, &awsiam.CreatePolicyVersionInput{PolicyArn: made.Policy.Arn, PolicyDocument: &none})
	if codeOf(err) != "LimitExceeded" {
		t.Errorf("a sixth version: %v", err)
	}
	keys := a.AddUser(t, admin, "bearer", "")
	if _, err := client.AttachUserPolicy(ctx, &awsiam.AttachUserPolicyInput{UserName: aws.String("bearer"), PolicyArn: made.Policy.Arn}); err != nil {
		t.Fatal(err)
	}
	bearer := awsiam.NewFromConfig(a.Config(keys))
	for version, want := range map[string]string{"v1": "", "v5": "AccessDenied"} {
		if _, err := client.SetDefaultPolicyVersion(ctx, &awsiam.SetDefaultPolicyVersionInput{PolicyArn: made.Policy.Arn, VersionId: &version}); err != nil {
			t.Fatal(err)
		}
		if _, err := bearer.ListUsers(ctx, &awsiam.ListUsersInput{}); codeOf(err) != want {
			t.Errorf("%s: got %v, want %q", version, err, want)
		}
	}
	_, err = client.SetDefaultPolicyVersion(ctx, &awsiam.SetDefaultPolicyVersionInput{PolicyArn: made.Policy.Arn, VersionId: aws.String("v9")})
	if codeOf(err) != "NoSuchEntity" {
		t.Errorf("a version that is not there: %v", err)
	}
	var order []string
	in := &awsiam.ListPolicyVersionsInput{PolicyArn: made.Policy.Arn, MaxItems: aws.Int32(2)}
	for pages := awsiam.NewListPolicyVersionsPaginator(client, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page.Versions {
			order = append(order, *v.VersionId)
		}
	}
	if diff := cmp.Diff([]string{"v5", "v4", "v3", "v2", "v1"}, order); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
}

func TestTagsOfARole(t *testing.T) {
	a, admin, client := start(t)
	ctx, role := t.Context(), aws.String("tagged")
	a.AddRole(t, admin, localawstest.Role{Name: *role, Trust: lambda})
	tag := func(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }
	if _, err := client.TagRole(ctx, &awsiam.TagRoleInput{RoleName: role, Tags: []types.Tag{tag("Team", "a"), tag("stage", "dev")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.TagRole(ctx, &awsiam.TagRoleInput{RoleName: role, Tags: []types.Tag{tag("team", "b")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.UntagRole(ctx, &awsiam.UntagRoleInput{RoleName: role, TagKeys: []string{"stage", "absent"}}); err != nil {
		t.Fatal(err)
	}
	out, err := client.ListRoleTags(ctx, &awsiam.ListRoleTagsInput{RoleName: role})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Tags) != 1 || *out.Tags[0].Key != "team" || *out.Tags[0].Value != "b" {
		t.Errorf("got %d tags, want team=b alone", len(out.Tags))
	}
	limited := a.AddUser(t, admin, "limited", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:UntagRole","Resource":"*",
		"Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["stage"]}}}]}`)
	_, err = awsiam.NewFromConfig(a.Config(limited)).UntagRole(ctx, &awsiam.UntagRoleInput{RoleName: role, TagKeys: []string{"team"}})
	if codeOf(err) != "AccessDenied" {
		t.Errorf("a key that may not be removed: %v", err)
	}
}
