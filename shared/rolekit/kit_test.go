package rolekit_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/policy"
	"github.com/arngate/arngate/shared/rolekit"
)

const (
	account = "123456789012"
	region  = "eu-central-1"
	keyARN  = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
)

// options are those of a kit with everything in it.
func options() rolekit.Options {
	return rolekit.Options{
		Partition: "aws", GatewayRoleARN: gateway, RolePath: "/skuid-assumable-role/", RoleName: "arngate-demo", Account: account,
		Sites: []string{siteA, siteB}, Audit: true, Policies: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"},
		Origins: []string{"https://app.example"},
		Limits: []permissions.Limits{
			{Connector: permissions.DynamoDB, Region: region, Tables: []string{"Orders"}, KMSKeys: []string{keyARN}},
			{Connector: permissions.S3, Region: region, Buckets: []permissions.Bucket{{Name: "files", Prefix: "reports"}, {Name: "theirs", Owner: "999999999999"}}},
			{Connector: permissions.S3, Region: region, ReadOnly: true, Buckets: []permissions.Bucket{{Name: "archive"}}},
			{Connector: permissions.Lambda, Region: region, Functions: []string{"hello"}},
		},
	}
}

func newKit(tb rapid.TB, o rolekit.Options) *rolekit.Kit {
	tb.Helper()
	kit, err := rolekit.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	return kit
}

// decoded is what JSON text says.
func decoded(tb rapid.TB, text string) any {
	tb.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		tb.Fatalf("%v in %s", err, text)
	}
	return v
}

// The role may do what its connections need, and read itself, and nothing beside.
func TestPermissionPolicyIsForExactlyTheConnections(t *testing.T) {
	document, err := policy.Parse([]byte(newKit(t, options()).PermissionPolicy()))
	if err != nil {
		t.Fatal(err)
	}
	const (
		orders = "arn:aws:dynamodb:eu-central-1:123456789012:table/Orders"
		role   = "arn:aws:iam::123456789012:role/skuid-assumable-role/arngate-demo"
	)
	dynamodb := policy.Context{"kms:ViaService": {"dynamodb.eu-central-1.amazonaws.com"}}
	for _, c := range []struct {
		action, resource string
		context          policy.Context
		want             policy.Verdict
	}{
		{"dynamodb:Query", orders, nil, policy.Allowed},
		{"dynamodb:Query", orders + "/index/by-customer", nil, policy.Allowed},
		{"dynamodb:Query", orders + "2", nil, policy.ImplicitlyDenied},
		{"dynamodb:DeleteTable", orders, nil, policy.ImplicitlyDenied},
		{"dynamodb:Query", strings.Replace(orders, account, "999999999999", 1), nil, policy.ImplicitlyDenied},
		{"s3:PutObject", "arn:aws:s3:::files/reports/q1.csv", nil, policy.Allowed},
		{"s3:PutObject", "arn:aws:s3:::files/reports-secret/q1.csv", nil, policy.ImplicitlyDenied},
		{"s3:GetObject", "arn:aws:s3:::archive/x", nil, policy.Allowed},
		{"s3:PutObject", "arn:aws:s3:::archive/x", nil, policy.ImplicitlyDenied},
		{"lambda:InvokeFunction", "arn:aws:lambda:eu-central-1:123456789012:function:hello:live", nil, policy.Allowed},
		{"kms:Decrypt", keyARN, dynamodb, policy.Allowed},
		{"kms:Decrypt", keyARN, nil, policy.ImplicitlyDenied},
		{"kms:Decrypt", keyARN + "0", dynamodb, policy.ImplicitlyDenied},
		{"iam:GetRole", role, nil, policy.Allowed},
		{"iam:GetRolePolicy", role, nil, policy.Allowed},
		{"iam:ListRolePolicies", role, nil, policy.Allowed},
		{"iam:ListAttachedRolePolicies", role, nil, policy.Allowed},
		{"iam:GetRole", role + "2", nil, policy.ImplicitlyDenied},
		{"iam:PutRolePolicy", role, nil, policy.ImplicitlyDenied},
		{"iam:GetPolicyVersion", "arn:aws:iam::aws:policy/ReadOnlyAccess", nil, policy.Allowed},
		{"iam:GetPolicy", "arn:aws:iam::aws:policy/AdministratorAccess", nil, policy.ImplicitlyDenied},
	} {
		got := policy.Evaluate(policy.Request{
			Action: c.action, Resource: c.resource, ResourceAccount: account, Principal: role, Context: c.context,
		}, policy.Policies{Identity: []*policy.Document{document}}).Verdict
		if got != c.want {
			t.Errorf("%s on %s: got %v, want %v", c.action, c.resource, got, c.want)
		}
	}
}

func TestKitGrantsWhatIsAskedFor(t *testing.T) {
	o := options()
	o.Audit = false
	if got := newKit(t, o).PermissionPolicy(); strings.Contains(got, "iam:") {
		t.Errorf("without the audit, got %s", got)
	}
	o.Limits = nil
	if got := newKit(t, o).PermissionPolicy(); got != "" {
		t.Errorf("without connections, got %s", got)
	}
	o.Audit, o.Account, o.Policies = true, "", nil
	got := newKit(t, o).PermissionPolicy()
	if !strings.Contains(got, `"arn:aws:iam::*:role/skuid-assumable-role/arngate-demo"`) || strings.Contains(got, "iam:GetPolicy\"") {
		t.Errorf("the account being unknown, got %s", got)
	}
}

func TestBucketSuggestions(t *testing.T) {
	got, _ := decoded(t, newKit(t, options()).JSON()).(map[string]any)
	rules := func(methods ...any) any {
		return map[string]any{"CORSRules": []any{map[string]any{
			"ID": "arngate", "AllowedOrigins": []any{"https://app.example"}, "AllowedMethods": methods, "AllowedHeaders": []any{"*"},
			"ExposeHeaders": []any{"ETag"}, "MaxAgeSeconds": 600.0,
		}}}
	}
	want := []any{
		map[string]any{"name": "archive", "cors": rules("GET", "HEAD")},
		map[string]any{"name": "files", "cors": rules("GET", "HEAD", "POST", "PUT"), "lifecycle": map[string]any{"Rules": []any{map[string]any{
			"ID": "arngate-abandoned-uploads-1", "Status": "Enabled", "Filter": map[string]any{"Prefix": "reports/"},
			"AbortIncompleteMultipartUpload": map[string]any{"DaysAfterInitiation": 7.0},
		}}}},
	}
	if diff := cmp.Diff(want, got["buckets"]); diff != "" {
		t.Errorf("buckets (-want +got):\n%s", diff)
	}
	o := options()
	o.Origins, o.Limits = nil, o.Limits[2:3]
	if kit := newKit(t, o).JSON(); strings.Contains(kit, "buckets") {
		t.Errorf("got suggestions where there is nothing to suggest: %s", kit)
	}
}

func TestTooMuchIsRefused(t *testing.T) {
	o := options()
	for i := range 60 {
		o.Sites = append(o.Sites, fmt.Sprintf("6f1c1a52-52a4-4b39-9f0e-%012d", i))
	}
	if _, err := rolekit.New(o); !errors.Is(err, rolekit.ErrTooManySites) {
		t.Errorf("60 sites: got %v", err)
	}
	o = options()
	for i := range 80 {
		o.Limits[0].Tables = append(o.Limits[0].Tables, fmt.Sprintf("a-table-with-a-long-name-%060d", i))
	}
	if _, err := rolekit.New(o); !errors.Is(err, permissions.ErrTooBroad) {
		t.Errorf("80 tables: got %v", err)
	}
	// The audit's reads can be what makes it too long.
	o = options()
	for i := range 60 {
		o.Policies = append(o.Policies, fmt.Sprintf("arn:aws:iam::123456789012:policy/%0120d", i))
	}
	if _, err := rolekit.New(o); !errors.Is(err, permissions.ErrTooBroad) {
		t.Errorf("60 policies: got %v", err)
	}
}

func TestValidateNamesEveryFaultWithoutItsValue(t *testing.T) {
	const planted = "'$(id)${x}*"
	o := rolekit.Options{
		Partition: planted, GatewayRoleARN: planted, RolePath: planted, RoleName: planted, Account: planted, Sites: []string{planted},
		Policies: []string{planted}, Origins: []string{"https://a.example/" + planted},
		Limits: []permissions.Limits{{Connector: permissions.DynamoDB, Region: region, Tables: []string{planted}}},
	}
	var got []string
	for _, fault := range o.Validate() {
		got = append(got, fault.Pointer)
		if strings.Contains(fault.Message, planted) {
			t.Errorf("%s repeats the value: %s", fault.Pointer, fault.Message)
		}
	}
	want := []string{"partition", "gateway role", "role path", "role_name", "account", "site", "policy", "origin", "connections/0/tables/0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	if _, err := rolekit.New(o); err == nil {
		t.Error("there is a kit of invalid options")
	}
	if faults := options().Validate(); faults != nil {
		t.Errorf("good options: got %v", faults)
	}
}
