package permissions_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/policy"
)

const (
	region  = "us-east-1"
	account = "123456789012"
)

// verdicts asks what a session with AdministratorAccess and the given session policy may do.
func verdicts(t rapid.TB, session string) func(action, resource string, context policy.Context) policy.Verdict {
	t.Helper()
	admin := parse(t, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	limit := parse(t, session)
	return func(action, resource string, context policy.Context) policy.Verdict {
		return policy.Evaluate(policy.Request{
			Action: action, Resource: resource, ResourceAccount: account, Context: context,
			Principal: "arn:aws:sts::" + account + ":assumed-role/site/ada@site",
		}, policy.Policies{Identity: []*policy.Document{admin}, Session: []*policy.Document{limit}}).Verdict
	}
}

func parse(t rapid.TB, text string) *policy.Document {
	t.Helper()
	d, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return d
}

// sessionPolicy returns the policy of valid limits.
func sessionPolicy(t rapid.TB, l permissions.Limits) string {
	t.Helper()
	if faults := l.Validate(); faults != nil {
		t.Fatalf("invalid limits: %v", faults)
	}
	text, err := permissions.SessionPolicy(l, "aws", account)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func dynamodb(tables ...string) permissions.Limits {
	return permissions.Limits{Connector: permissions.DynamoDB, Region: region, Tables: tables}
}

func s3(buckets ...permissions.Bucket) permissions.Limits {
	return permissions.Limits{Connector: permissions.S3, Region: region, Buckets: buckets}
}

func lambda(functions ...string) permissions.Limits {
	return permissions.Limits{Connector: permissions.Lambda, Region: region, Functions: functions}
}

func readOnly(l permissions.Limits) permissions.Limits {
	l.ReadOnly = true
	return l
}

func tableARN(name string) string {
	return "arn:aws:dynamodb:" + region + ":" + account + ":table/" + name
}

func functionARN(name string) string {
	return "arn:aws:lambda:" + region + ":" + account + ":function:" + name
}

// everyAction is what the audited services know, as far as the tests care: the product's and some it must not have.
func everyAction() []string {
	out := []string{
		"dynamodb:BatchWriteItem", "dynamodb:CreateTable", "dynamodb:DeleteTable", "dynamodb:GetItem", "dynamodb:PartiQLSelect",
		"dynamodb:UpdateTable", "iam:PassRole", "lambda:DeleteFunction", "lambda:GetFunction", "lambda:InvokeFunctionUrl",
		"lambda:UpdateFunctionCode", "s3:AbortMultipartUpload", "s3:DeleteBucket", "s3:DeleteObjectVersion",
		"s3:GetBucketLocation", "s3:GetObjectVersion", "s3:PutBucketPolicy", "s3:PutObjectAcl", "sts:AssumeRole",
	}
	for _, c := range permissions.Connectors() {
		out = append(out, permissions.Actions(c, false)...)
	}
	return out
}

// allowedOn returns which of everyAction the session may do on resource, sorted.
func allowedOn(t *testing.T, session, resource string) []string {
	t.Helper()
	verdict := verdicts(t, session)
	var out []string
	for _, action := range everyAction() {
		if listsAccount := strings.Contains(action, ":List") && action != "s3:ListBucket"; listsAccount && resource != "*" {
			continue // AWS asks about these with resource * alone
		}
		if verdict(action, resource, nil) == policy.Allowed {
			out = append(out, action)
		}
	}
	slices.Sort(out)
	return out
}

func TestSessionPolicyAllowsExactlyTheActions(t *testing.T) {
	var (
		orders       = dynamodb("Orders")
		files        = s3(permissions.Bucket{Name: "files"})
		thumbnail    = lambda("thumbnail")
		tableReads   = []string{"dynamodb:DescribeTable", "dynamodb:Query", "dynamodb:Scan"}
		tableWrites  = []string{"dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"}
		objectReads  = []string{"s3:GetObject", "s3:GetObjectAcl"}
		objectWrites = []string{"s3:DeleteObject", "s3:PutObject"}
	)
	for _, c := range []struct {
		name     string
		limits   permissions.Limits
		resource string
		want     []string
	}{
		{"table", orders, tableARN("Orders"), slices.Concat(tableReads, tableWrites)},
		{"index, trap 48", orders, tableARN("Orders") + "/index/by-date", slices.Concat(tableReads, tableWrites)},
		{"stream", orders, tableARN("Orders") + "/stream/1", nil},
		{"longer name", orders, tableARN("OrdersOld"), nil},
		{"another region's", orders, strings.Replace(tableARN("Orders"), region, "eu-west-1", 1), nil},
		{"another account's", orders, strings.Replace(tableARN("Orders"), account, "999988887777", 1), nil},
		{"table, read-only", readOnly(orders), tableARN("Orders"), tableReads},
		{"any table", dynamodb("*"), tableARN("Anything"), slices.Concat(tableReads, tableWrites)},
		{"any table's index", readOnly(dynamodb("*")), tableARN("Anything") + "/index/i", tableReads},
		{"no table", orders, "*", []string{"dynamodb:ListTables"}},
		{"object", files, "arn:aws:s3:::files/a/b", slices.Concat(objectReads, objectWrites)},
		{"object, read-only", readOnly(files), "arn:aws:s3:::files/a/b", objectReads},
		{"bucket", files, "arn:aws:s3:::files", []string{"s3:ListBucket"}},
		{"longer bucket name", files, "arn:aws:s3:::files-old/a", nil},
		{"no bucket", files, "*", []string{"s3:ListAllMyBuckets"}},
		{
			"any object, and any bucket",
			s3(permissions.Bucket{Name: "*"}), "arn:aws:s3:::other/k", slices.Concat(objectReads, objectWrites, []string{"s3:ListBucket"}),
		},
		{"function", thumbnail, functionARN("thumbnail"), []string{"lambda:InvokeFunction"}},
		{"alias, trap 48", thumbnail, functionARN("thumbnail") + ":live", []string{"lambda:InvokeFunction"}},
		{"longer function name", thumbnail, functionARN("thumbnails"), nil},
		{"any function", lambda("*"), functionARN("x") + ":1", []string{"lambda:InvokeFunction"}},
		{"no function", thumbnail, "*", []string{"lambda:ListFunctions"}},
		{"function, read-only", readOnly(thumbnail), functionARN("thumbnail"), nil},
		{"no function, read-only", readOnly(thumbnail), "*", []string{"lambda:ListFunctions"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			slices.Sort(c.want)
			if diff := cmp.Diff(c.want, allowedOn(t, sessionPolicy(t, c.limits), c.resource)); diff != "" {
				t.Errorf("allowed on %s (-want +got):\n%s", c.resource, diff)
			}
		})
	}
}

func TestTrap43PrefixesHoldByWholeSegments(t *testing.T) {
	for _, prefix := range []string{"reports", "reports/"} {
		l := s3(permissions.Bucket{Name: "files", Prefix: prefix}, permissions.Bucket{Name: "open"})
		verdict := verdicts(t, sessionPolicy(t, l))
		for _, c := range []struct {
			bucket, key string
			want        bool
		}{
			{"files", "reports/a.csv", true},
			{"files", "reports/", true},
			{"files", "reports/2024/a:b.csv", true},
			{"files", "reports-secret/a", false},
			{"files", "reports", false},
			{"files", "Reports/a", false},
			{"files", "", false},
			{"open", "anything", true},
			{"closed", "reports/a", false},
		} {
			if got := l.AllowsListing(c.bucket, c.key); got != c.want {
				t.Errorf("AllowsListing(%s, %q) under %q: got %v, want %v", c.bucket, c.key, prefix, got, c.want)
			}
			listing := verdict("s3:ListBucket", "arn:aws:s3:::"+c.bucket, policy.Context{"s3:prefix": {c.key}})
			if got := listing == policy.Allowed; got != c.want {
				t.Errorf("ListBucket %s %q under %q: got %v, want %v", c.bucket, c.key, prefix, got, c.want)
			}
			object := verdict("s3:GetObject", "arn:aws:s3:::"+c.bucket+"/"+c.key, nil)
			if got := object == policy.Allowed; got != c.want {
				t.Errorf("GetObject %s %q under %q: got %v, want %v", c.bucket, c.key, prefix, got, c.want)
			}
		}
		if got := verdict("s3:ListBucket", "arn:aws:s3:::files", nil); got != policy.ImplicitlyDenied {
			t.Errorf("ListBucket without prefix: got %v", got)
		}
	}
}

// The prefix and the key are drawn from the same few characters, so that they meet: wildcards, variables, separators.
func TestTrap43And23bPropertyPolicyAgreesWithLimits(t *testing.T) {
	text := rapid.StringOfN(rapid.RuneFrom([]rune("a*?$${}/\\\"'é😀:")), 0, 6, -1)
	rapid.Check(t, func(t *rapid.T) {
		prefix := text.Draw(t, "prefix")
		key := rapid.OneOf(text, rapid.Map(text, func(s string) string { return prefix + s }),
			rapid.Map(text, func(s string) string { return prefix + "/" + s })).Draw(t, "key")
		l := s3(permissions.Bucket{Name: "files", Prefix: prefix})
		session := sessionPolicy(t, l)
		if i := strings.IndexFunc(session, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
			t.Errorf("not ASCII at %d: %q", i, session)
		}
		verdict := verdicts(t, session)
		if got, want := verdict("s3:PutObject", "arn:aws:s3:::files/"+key, nil) == policy.Allowed, l.AllowsListing("files", key); got != want {
			t.Errorf("prefix %q, key %q: policy allows %v, limits %v", prefix, key, got, want)
		}
		listing := verdict("s3:ListBucket", "arn:aws:s3:::files", policy.Context{"s3:prefix": {key}})
		if got, want := listing == policy.Allowed, l.AllowsListing("files", key); got != want {
			t.Errorf("prefix %q, listing %q: policy allows %v, limits %v", prefix, key, got, want)
		}
	})
}

func TestTrap38KMSOnlyThroughTheService(t *testing.T) {
	key := "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	otherKey := strings.Replace(key, "1234abcd", "5678abcd", 1)
	withKey := func(l permissions.Limits) permissions.Limits {
		l.KMSKeys = []string{key}
		return l
	}
	files := s3(permissions.Bucket{Name: "files"})
	for _, c := range []struct {
		name            string
		limits          permissions.Limits
		action, on, via string
		want            bool
	}{
		{"S3 reads", files, "kms:Decrypt", key, "s3.us-east-1.amazonaws.com", true},
		{"S3 in another region", files, "kms:Decrypt", key, "s3.eu-west-1.amazonaws.com", true},
		{"S3 in China", files, "kms:Decrypt", key, "s3.cn-north-1.amazonaws.com.cn", true},
		{"S3 writes", files, "kms:GenerateDataKey", key, "s3.us-east-1.amazonaws.com", true},
		{"S3 writes, read-only", readOnly(files), "kms:GenerateDataKey", key, "s3.us-east-1.amazonaws.com", false},
		{"S3 reads, read-only", readOnly(files), "kms:Decrypt", key, "s3.us-east-1.amazonaws.com", true},
		{"directly", files, "kms:Decrypt", key, "", false},
		{"through another service", files, "kms:Decrypt", key, "dynamodb.us-east-1.amazonaws.com", false},
		{"named key", withKey(files), "kms:Decrypt", key, "s3.us-east-1.amazonaws.com", true},
		{"another key than named", withKey(files), "kms:Decrypt", otherKey, "s3.us-east-1.amazonaws.com", false},
		{"encrypting", files, "kms:Encrypt", key, "s3.us-east-1.amazonaws.com", false},
		{"DynamoDB", dynamodb("Orders"), "kms:Decrypt", key, "dynamodb.us-east-1.amazonaws.com", true},
		{"DynamoDB in another region", dynamodb("Orders"), "kms:Decrypt", key, "dynamodb.eu-west-1.amazonaws.com", false},
		{"DynamoDB needs no data key", dynamodb("Orders"), "kms:GenerateDataKey", key, "dynamodb.us-east-1.amazonaws.com", false},
		{"Lambda", lambda("f"), "kms:Decrypt", key, "lambda.us-east-1.amazonaws.com", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			context := policy.Context{}
			if c.via != "" {
				context["kms:ViaService"] = []string{c.via}
			}
			if got := verdicts(t, sessionPolicy(t, c.limits))(c.action, c.on, context) == policy.Allowed; got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestTrap7TooBroadIsRefusedNeverFoldedWider(t *testing.T) {
	build := func(n int) (string, error) {
		l := dynamodb()
		for i := range n {
			l.Tables = append(l.Tables, fmt.Sprintf("a-table-with-a-rather-long-name-%02d", i))
		}
		return permissions.SessionPolicy(l, "aws", account)
	}
	n := 1
	for ; ; n++ {
		text, err := build(n)
		if errors.Is(err, permissions.ErrTooBroad) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > permissions.MaxPolicyLength {
			t.Fatalf("%d tables: got %d characters", n, len(text))
		}
		if count := strings.Count(text, "/index/*"); count != n {
			t.Fatalf("got %d tables in the policy, want %d", count, n)
		}
	}
	if n < 8 {
		t.Errorf("%d tables are too many already", n)
	}
}

func TestLongestPolicyIsTakenWhole(t *testing.T) {
	build := func(keyID int) (string, error) {
		l := s3(permissions.Bucket{Name: "files", Prefix: strings.Repeat("a", 700)})
		l.KMSKeys = []string{"arn:aws:kms:us-east-1:123456789012:key/" + strings.Repeat("k", keyID)}
		return permissions.SessionPolicy(l, "aws", "")
	}
	short, err := build(0)
	if err != nil {
		t.Fatal(err)
	}
	room := permissions.MaxPolicyLength - len(short)
	if text, err := build(room); err != nil || len(text) != permissions.MaxPolicyLength {
		t.Errorf("got %d characters and %v", len(text), err)
	}
	if _, err := build(room + 1); !errors.Is(err, permissions.ErrTooBroad) {
		t.Errorf("one character more: got %v, want ErrTooBroad", err)
	}
}

func TestEscapesCountAsWritten(t *testing.T) {
	if _, err := permissions.SessionPolicy(s3(permissions.Bucket{Name: "files", Prefix: strings.Repeat("é", 100)}), "aws", ""); err != nil {
		t.Errorf("100 characters: %v", err)
	}
	_, err := permissions.SessionPolicy(s3(permissions.Bucket{Name: "files", Prefix: strings.Repeat("é", 200)}), "aws", "")
	if !errors.Is(err, permissions.ErrTooBroad) {
		t.Errorf("200 characters of 6 each, twice: got %v, want ErrTooBroad", err)
	}
}

func TestDenyAllDeniesEverything(t *testing.T) {
	if got := verdicts(t, permissions.DenyAll())("s3:ListAllMyBuckets", "*", nil); got != policy.ExplicitlyDenied {
		t.Errorf("got %v", got)
	}
}

func TestSessionPolicyText(t *testing.T) {
	got := sessionPolicy(t, readOnly(s3(permissions.Bucket{Name: "files", Prefix: "a$"})))
	want := `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Action":["s3:GetObject","s3:GetObjectAcl"],"Resource":"arn:aws:s3:::files/a${$}/*"},` +
		`{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::files","Condition":{"StringLike":{"s3:prefix":"a${$}/*"}}},` +
		`{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"},` +
		`{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*","Condition":{"StringLike":{"kms:ViaService":"s3.*"}}}]}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
}

func TestPolicyKeepsItsHandsOffTheLimits(t *testing.T) {
	keys := append(make([]string, 0, 4), "arn:aws:kms:us-east-1:123456789012:key/a")
	one, other := s3(permissions.Bucket{Name: "aaa"}), s3(permissions.Bucket{Name: "bbb"})
	one.KMSKeys, other.KMSKeys = keys, []string{"arn:aws:kms:us-east-1:123456789012:key/b"}
	if _, err := permissions.PermissionPolicy([]permissions.Limits{one, other}, "aws", account); err != nil {
		t.Fatal(err)
	}
	if got := keys[:2][1]; got != "" {
		t.Errorf("got %q written behind the caller's slice", got)
	}
}

func TestPoliciesOfUnknownConnectorsAreRefused(t *testing.T) {
	if _, err := permissions.SessionPolicy(permissions.Limits{Connector: "sqs"}, "aws", ""); err == nil {
		t.Error("session policy: got no error")
	}
	if _, err := permissions.PermissionPolicy([]permissions.Limits{{Connector: "sqs"}}, "aws", ""); err == nil {
		t.Error("permission policy: got no error")
	}
}

func TestEmptyLimitsAllowNoResource(t *testing.T) {
	text, err := permissions.SessionPolicy(dynamodb(), "aws", account)
	if err != nil {
		t.Fatal(err)
	}
	if got := allowedOn(t, text, tableARN("Orders")); got != nil {
		t.Errorf("got %v", got)
	}
}
