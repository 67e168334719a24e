package configuration_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
)

// kit is the form json of a role kit.
type kit struct {
	RoleName   string          `json:"role_name"`
	RolePath   string          `json:"role_path"`
	Trust      json.RawMessage `json:"trust_policy"`
	PolicyName string          `json:"policy_name"`
	Permission json.RawMessage `json:"permission_policy"`
}

// create makes the role of the kit in the demo customer's account, and returns its ARN.
func (k kit) create(t *testing.T, s *deploymenttest.Stack) string {
	t.Helper()
	iam := awsiam.NewFromConfig(s.Customer())
	made, err := iam.CreateRole(t.Context(), &awsiam.CreateRoleInput{
		RoleName: &k.RoleName, Path: &k.RolePath, AssumeRolePolicyDocument: aws.String(string(k.Trust)),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = iam.PutRolePolicy(t.Context(), &awsiam.PutRolePolicyInput{
		RoleName: &k.RoleName, PolicyName: &k.PolicyName, PolicyDocument: aws.String(string(k.Permission)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return *made.Role.Arn
}

// hostilePrefix is a folder whose name tries every target (traps.md 23b).
const hostilePrefix = "'$(id)${x}*?\"`\\/"

// onboard goes the way of a person: name the provider, say what it is for, make the role from the kit, enter its ARN, verify.
func onboard(t *testing.T, s *deploymenttest.Stack) (role kit, arn string) {
	t.Helper()
	read[any](t, s.Call(post, "/v1/providers", s.Admin(), `{"name":"mine","method":"assume_role"}`))
	prefix, _ := json.Marshal(hostilePrefix)
	s.Connection("my-orders", "dynamodb", "mine", `"tables":["Orders"]`)
	s.Connection("my-files", "s3", "mine", `"buckets":[{"name":"demo-files","prefix":"reports"},{"name":"demo-files","prefix":`+string(prefix)+`}]`)
	s.Connection("my-archive", "s3", "mine", `"read_only":true,"buckets":[{"name":"demo-archive"}]`)
	s.Connection("my-actions", "lambda", "mine", `"functions":["hello"]`)
	role = read[kit](t, s.Call(get, "/v1/providers/mine/role-kit?audit=true&account="+demosite.Account, s.Admin(), ""))
	arn = role.create(t, s)
	read[any](t, s.Call(put, "/v1/providers/mine", s.Admin(), `{"method":"assume_role","role_arn":"`+arn+`"}`))
	verified := read[struct{ Status, Trace string }](t, s.Call(post, "/v1/providers/mine/verify", s.Admin(), ""))
	if verified.Status != "ready" || verified.Trace != "full" {
		t.Fatalf("the role is %s with trace %s, want ready with full", verified.Status, verified.Trace)
	}
	return role, arn
}

// Each action of each connector works through a role made from the kit; a connection that was made later doesn't.
func TestRoleFromTheKitWorks(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	role, _ := onboard(t, s)
	if role.RoleName != "arngate-mine" || role.RolePath != "/skuid-assumable-role/" {
		t.Errorf("the role is %s%s", role.RolePath, role.RoleName)
	}
	item := `/v1/dynamodb/my-orders/tables/Orders/item`
	hostile := "/v1/s3/my-files/buckets/demo-files/object?key=" + url.QueryEscape(hostilePrefix+"x")
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{get, "/v1/dynamodb/my-orders/tables", "", http.StatusOK},
		{get, "/v1/dynamodb/my-orders/tables/Orders", "", http.StatusOK},
		{get, item + `?key={"id":"o-001"}`, "", http.StatusOK},
		{put, item, `{"item":{"id":"mine"}}`, http.StatusOK},
		{http.MethodPatch, item + `?key={"id":"mine"}`, `{"set":{"status":"open"}}`, http.StatusOK},
		{remove, item + `?key={"id":"mine"}`, "", http.StatusOK},
		{get, "/v1/dynamodb/my-orders/tables/Orders/items", "", http.StatusOK},
		{get, "/v1/s3/my-files/buckets", "", http.StatusOK},
		{get, "/v1/s3/my-files/buckets/demo-files/objects?prefix=reports/", "", http.StatusOK},
		{get, "/v1/s3/my-files/buckets/demo-files/object?key=reports/2026/q1.csv", "", http.StatusOK},
		{put, hostile, "bytes", http.StatusOK},
		{get, hostile, "", http.StatusOK},
		{remove, hostile, "", http.StatusNoContent},
		{get, "/v1/s3/my-archive/buckets/demo-archive/object?key=readme.txt", "", http.StatusOK},
		{get, "/v1/lambda/my-actions/functions", "", http.StatusOK},
		{post, "/v1/lambda/my-actions/functions/hello/invocations", `{"name":"Ada"}`, http.StatusOK},
	} {
		path := strings.NewReplacer("{", "%7B", "}", "%7D", `"`, "%22").Replace(c.path)
		if got := s.Call(c.method, path, s.Builder(), c.body); got.Status != c.status {
			t.Errorf("%s %s: got %d %s, want %d", c.method, c.path, got.Status, got.Body, c.status)
		}
	}
	s.Connection("later", "s3", "mine", `"buckets":[{"name":"demo-archive"}]`)
	denied := s.Call(put, "/v1/s3/later/buckets/demo-archive/object?key=x", s.Builder(), "x")
	want(t, denied, http.StatusForbidden, "aws_access_denied")
	if got := denied.Field("missing_action"); got != "s3:PutObject" {
		t.Errorf("missing action is %q", got)
	}
}

// sessionOf is a session of the role without any session policy, as the gateway could make it for a site: the role's rights
// alone.
func sessionOf(t *testing.T, s *deploymenttest.Stack, arn, site string) (aws.Config, error) {
	t.Helper()
	declared, ok := s.Template.Function("S3Function")
	if !ok {
		t.Fatal("no S3Function")
	}
	cfg := s.Customer()
	cfg.Credentials = s.Credentials(declared)
	out, err := awssts.NewFromConfig(cfg).AssumeRole(t.Context(), &awssts.AssumeRoleInput{
		RoleArn: &arn, RoleSessionName: aws.String("proof"), ExternalId: &site,
	})
	if err != nil {
		return aws.Config{}, err
	}
	c := out.Credentials
	cfg.Credentials = awscredentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
	return cfg, nil
}

func isDenied(err error) bool {
	answer, answered := errors.AsType[smithy.APIError](err)
	return answered && strings.HasPrefix(answer.ErrorCode(), "AccessDenied")
}

// The role itself, with no session policy to help, may do what its connections need and nothing else.
func TestRoleFromTheKitDeniesTheRest(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	_, arn := onboard(t, s)
	cfg, err := sessionOf(t, s, arn, demosite.Site)
	if err != nil {
		t.Fatal(err)
	}
	iam, dynamodb, lambda := awsiam.NewFromConfig(cfg), awsdynamodb.NewFromConfig(cfg), awslambda.NewFromConfig(cfg)
	s3 := awss3.NewFromConfig(cfg, func(o *awss3.Options) { o.UsePathStyle = true })
	object := func(bucket, key string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := s3.PutObject(ctx, &awss3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("x")})
			return err
		}
	}
	table := func(name string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := dynamodb.PutItem(ctx, &awsdynamodb.PutItemInput{
				TableName: &name, Item: map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: "x"}},
			})
			return err
		}
	}
	role := func(name string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := iam.GetRole(ctx, &awsiam.GetRoleInput{RoleName: &name})
			return err
		}
	}
	for _, c := range []struct {
		name  string
		call  func(context.Context) error
		allow bool
	}{
		{"its table", table("Orders"), true},
		{"another table", table("Others"), false},
		{"its folder", object("demo-files", "reports/x"), true},
		{"its hostile folder", object("demo-files", hostilePrefix+"x"), true},
		{"what the hostile folder would match as a pattern", object("demo-files", "'$(id)${x}anything\"`\\/x"), false},
		{"beside its folder", object("demo-files", "reports-secret/x"), false},
		{"a bucket it only reads", object("demo-archive", "x"), false},
		{"itself", role("arngate-mine"), true},
		{"another role", role(demosite.RoleName), false},
		{"its table's deletion", func(ctx context.Context) error {
			_, err := dynamodb.DeleteTable(ctx, &awsdynamodb.DeleteTableInput{TableName: aws.String("Orders")})
			return err
		}, false},
		{"another function", func(ctx context.Context) error {
			_, err := lambda.Invoke(ctx, &awslambda.InvokeInput{FunctionName: aws.String("hello2")})
			return err
		}, false},
		{"rights of its own", func(ctx context.Context) error {
			_, err := iam.PutRolePolicy(ctx, &awsiam.PutRolePolicyInput{
				RoleName: aws.String("arngate-mine"), PolicyName: aws.String("x"),
				PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`),
			})
			return err
		}, false},
	} {
		err := c.call(t.Context())
		if c.allow && err != nil || !c.allow && !isDenied(err) {
			t.Errorf("%s: got %v, allowed is to be %v", c.name, err, c.allow)
		}
	}
}

// One site more in the kit, and that site can use the role too, but no third.
func TestRoleFromTheKitForSeveralSites(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	path := "/v1/providers/shared/role-kit"
	read[any](t, s.Call(post, "/v1/providers", s.Admin(), `{"name":"shared","method":"assume_role"}`))
	s.Connection("shared-orders", "dynamodb", "shared", `"tables":["Orders"]`)
	arn := read[kit](t, s.Call(get, path+"?site="+demosite.OtherSite+"&site="+demosite.Site, s.Admin(), "")).create(t, s)
	for _, site := range []string{demosite.Site, demosite.OtherSite} {
		admin := s.TokenOf(site, "admin@example.com", "arngate/admin")
		body := fmt.Sprintf(`{"name":"theirs","method":"assume_role","role_arn":%q}`, arn)
		read[any](t, s.Call(post, "/v1/providers", admin, body))
		verified := s.Call(post, "/v1/providers/theirs/verify", admin, "")
		if verified.Field("status") != "ready" {
			t.Errorf("site %s: %s, want ready", site, verified.Body)
		}
	}
	if _, err := sessionOf(t, s, arn, "00000000-0000-4000-8000-000000000000"); !isDenied(err) {
		t.Errorf("a third site: got %v, want a denial", err)
	}
}
