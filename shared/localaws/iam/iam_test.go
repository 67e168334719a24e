package iam_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws/iam"
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

func TestTrustPrincipals(t *testing.T) {
	a, admin, client := start(t)
	a.AddRole(t, admin, localawstest.Role{Name: "existing", Path: "/p/", Trust: lambda})
	trust := func(principal, action, more string) string {
		return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":%s,"Action":%q%s}]}`, principal, action, more)
	}
	aRole := func(arn string) string { return trust(`{"AWS":"`+arn+`"}`, "sts:AssumeRole", "") }
	tests := map[string]struct {
		trust   string
		message string // empty: taken
	}{
		"an account":               {aRole("333333333333"), ""},
		"its root":                 {aRole("arn:aws:iam::333333333333:root"), ""},
		"a role that exists":       {aRole("arn:aws:iam::" + account + ":role/p/existing"), ""},
		"everybody":                {aRole("*"), ""},
		"a session":                {aRole("arn:aws:sts::" + account + ":assumed-role/existing/s"), ""},
		"a service":                {lambda, ""},
		"tagging and identity too": {trust(`{"AWS":"333333333333"}`, "sts:*", ""), ""},
		"a role that is missing": {
			aRole("arn:aws:iam::" + account + ":role/missing"),
			`Invalid principal in policy: "AWS":"arn:aws:iam::` + account + `:role/missing"`,
		},
		"a role without its path": {
			aRole("arn:aws:iam::" + account + ":role/existing"),
			`Invalid principal in policy: "AWS":"arn:aws:iam::` + account + `:role/existing"`,
		},
		"a pattern": {aRole("arn:aws:iam::" + account + ":role/*"), `Invalid principal in policy: "AWS":"arn:aws:iam::` + account + `:role/*"`},
		"a service that is none": {
			trust(`{"Service":"lambda"}`, "sts:AssumeRole", ""),
			`Invalid principal in policy: "SERVICE":"lambda"`,
		},
		"no principal":   {`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole"}]}`, "Syntax errors in policy."},
		"a resource":     {trust(`{"AWS":"333333333333"}`, "sts:AssumeRole", `,"Resource":"*"`), "Has prohibited field Resource"},
		"another action": {trust(`{"AWS":"333333333333"}`, "s3:GetObject", ""), "AssumeRole policy may only specify STS AssumeRole actions."},
		"too long":       {trust(`{"AWS":"333333333333"}`, "sts:AssumeRole", strings.Repeat(" ", 2048)), "Cannot exceed quota for ACLSizePerRole: 2048"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := client.UpdateAssumeRolePolicy(t.Context(), &awsiam.UpdateAssumeRolePolicyInput{
				RoleName: aws.String("existing"), PolicyDocument: &test.trust,
			})
			if got := messageOf(err); got != test.message {
				t.Errorf("message = %q, want %q", got, test.message)
			}
		})
	}
}

// A trusted role that is deleted and created again is not trusted any more: IAM keeps its unique id.
func TestTrustIsInTheRoleThatWas(t *testing.T) {
	a, admin, client := start(t)
	ctx := t.Context()
	gateway := localawstest.Role{
		Name: "gateway", Policy: allowAll,
		Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole"}]}`,
	}
	gatewayARN := a.AddRole(t, admin, gateway)
	customer := a.AddRole(t, admin, localawstest.Role{
		Name: "customer", Trust: strings.Replace(gateway.Trust, account, gatewayARN, 1),
	})
	assume := func() error {
		keys := a.Assume(t, admin, &awssts.AssumeRoleInput{RoleArn: &gatewayARN, RoleSessionName: aws.String("gw")})
		_, err := awssts.NewFromConfig(a.Config(keys)).AssumeRole(ctx, &awssts.AssumeRoleInput{
			RoleArn: &customer, RoleSessionName: aws.String("one"),
		})
		return err
	}
	if err := assume(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.DeleteRolePolicy(ctx, &awsiam.DeleteRolePolicyInput{RoleName: aws.String("gateway"), PolicyName: aws.String("inline")}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.DeleteRole(ctx, &awsiam.DeleteRoleInput{RoleName: aws.String("gateway")}); err != nil {
		t.Fatal(err)
	}
	a.AddRole(t, admin, gateway)
	if got, want := codeOf(assume()), "AccessDenied"; got != want {
		t.Errorf("the role created again: %q, want %s", got, want)
	}
	shown, err := client.GetRole(ctx, &awsiam.GetRoleInput{RoleName: aws.String("customer")})
	if err != nil {
		t.Fatal(err)
	}
	if document, _ := url.PathUnescape(*shown.Role.AssumeRolePolicyDocument); strings.Contains(document, gatewayARN) || !strings.Contains(document, `"AROA`) {
		t.Errorf("the trust policy shows %s, want the id of the role that was", document)
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

func TestPaging(t *testing.T) {
	a, admin, client := start(t)
	var want, got []string
	for i := range 7 {
		name := fmt.Sprintf("role-%d", i)
		a.AddRole(t, admin, localawstest.Role{Name: name, Path: "/page/", Trust: lambda})
		want = append(want, name)
	}
	a.AddRole(t, admin, localawstest.Role{Name: "elsewhere", Trust: lambda})
	pages := awsiam.NewListRolesPaginator(client, &awsiam.ListRolesInput{PathPrefix: aws.String("/page/"), MaxItems: aws.Int32(3)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Roles) > 3 {
			t.Errorf("a page has %d roles", len(page.Roles))
		}
		for _, r := range page.Roles {
			got = append(got, *r.RoleName)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	_, err := client.ListRoles(t.Context(), &awsiam.ListRolesInput{Marker: aws.String("x")})
	if got, want := codeOf(err), "ValidationError"; got != want {
		t.Errorf("a marker of nobody: %v, want %s", err, want)
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
