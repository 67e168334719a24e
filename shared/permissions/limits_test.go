package permissions_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/arngate/arngate/shared/permissions"
)

func TestActions(t *testing.T) {
	for _, c := range []struct {
		connector permissions.Connector
		readOnly  bool
		want      []string
	}{
		{permissions.DynamoDB, false, []string{
			"dynamodb:DeleteItem", "dynamodb:DescribeTable", "dynamodb:ListTables", "dynamodb:PutItem", "dynamodb:Query",
			"dynamodb:Scan", "dynamodb:UpdateItem",
		}},
		{permissions.DynamoDB, true, []string{"dynamodb:DescribeTable", "dynamodb:ListTables", "dynamodb:Query", "dynamodb:Scan"}},
		{permissions.S3, false, []string{
			"s3:DeleteObject", "s3:GetObject", "s3:GetObjectAcl", "s3:ListAllMyBuckets", "s3:ListBucket", "s3:PutObject",
		}},
		{permissions.S3, true, []string{"s3:GetObject", "s3:GetObjectAcl", "s3:ListAllMyBuckets", "s3:ListBucket"}},
		{permissions.Lambda, false, []string{"lambda:InvokeFunction", "lambda:ListFunctions"}},
		{permissions.Lambda, true, []string{"lambda:ListFunctions"}},
		{"sqs", false, nil},
	} {
		if diff := cmp.Diff(c.want, permissions.Actions(c.connector, c.readOnly)); diff != "" {
			t.Errorf("%s, read-only %v (-want +got):\n%s", c.connector, c.readOnly, diff)
		}
	}
}

func TestIsWrite(t *testing.T) {
	for action, want := range map[string]bool{
		"dynamodb:PutItem": true, "s3:DeleteObject": true, "lambda:InvokeFunction": true,
		"dynamodb:Query": false, "s3:ListBucket": false, "lambda:ListFunctions": false, "sqs:SendMessage": false,
	} {
		if got := permissions.IsWrite(action); got != want {
			t.Errorf("%s: got %v, want %v", action, got, want)
		}
	}
}

func TestTrap21NamesAreNeverARNs(t *testing.T) {
	names := []string{
		"", "*", "a*b", "arn:aws:dynamodb:us-east-1:999988887777:table/Orders", "arn:aws:s3:us-east-1:999988887777:accesspoint/ap",
		"123456789012:function:f", "function:live", "files/key", "näme", "a b", "${aws:username}", "a\nb",
	}
	all := []permissions.Limits{dynamodb("*"), s3(permissions.Bucket{Name: "*"}), lambda("*")}
	for _, name := range names {
		for _, l := range all {
			if l.AllowsTable(name) || l.AllowsBucket(name) || l.AllowsObject(name, "k") || l.AllowsFunction(name) {
				t.Errorf("%s: %q is allowed", l.Connector, name)
			}
		}
		if name == "*" {
			continue
		}
		for _, l := range []permissions.Limits{dynamodb(name), s3(permissions.Bucket{Name: name}), lambda(name)} {
			if l.Validate() == nil {
				t.Errorf("%s: %q is valid", l.Connector, name)
			}
		}
	}
}

func TestTrap21RegionsHaveARegionsForm(t *testing.T) {
	for region, want := range map[string]bool{
		"us-east-1": true, "us-gov-west-1": true, "ap-southeast-5": true, "eusc-de-east-1": true, "us-isob-east-1": true,
		"ap-east-10": true, "us-" + strings.Repeat("a", 27) + "-1": true, "us-" + strings.Repeat("a", 28) + "-1": false,
		"": false, "us-east-1.evil.example#": false, "us-east": false, "US-EAST-1": false, "us--1": false, "us-east-1/": false,
		"localhost": false, "a-b-1": false, "us-east-": false, "us-east-123": false, "us-east-1\n": false, "*": false,
	} {
		l := dynamodb("*")
		l.Region = region
		if got := l.Validate() == nil; got != want {
			t.Errorf("%q: got %v, want %v", region, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		name                    string
		table, bucket, function bool
	}{
		{"abc", true, true, true},
		{"ab", false, false, true},
		{"a.b", true, true, false},
		{"a_b", true, false, true},
		{"Abc", true, false, true},
		{"-ab", true, false, true},
		{"ab-", true, false, true},
		{"a..b", true, false, false},
		{"192.168.5.4", true, false, false},
		{"xn--abc", true, false, true},
		{"sthree-abc", true, false, true},
		{"my-access-point-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias", true, false, true},
		{"lake--use1-az4--x-s3", true, false, true},
		{"point.mrap", true, false, false},
		{strings.Repeat("a", 63), true, true, true},
		{strings.Repeat("a", 64), true, false, true},
		{strings.Repeat("a", 65), true, false, false},
		{strings.Repeat("a", 255), true, false, false},
		{strings.Repeat("a", 256), false, false, false},
	} {
		got := [3]bool{permissions.IsTableName(c.name), permissions.IsBucketName(c.name), permissions.IsFunctionName(c.name)}
		if want := [3]bool{c.table, c.bucket, c.function}; got != want {
			t.Errorf("%q as table, bucket, function: got %v, want %v", c.name, got, want)
		}
	}
}

func TestValidateCollectsEveryFaultWithoutItsValue(t *testing.T) {
	const planted = "planted/value"
	key := "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	for _, c := range []struct {
		name   string
		limits permissions.Limits
		want   []string
	}{
		{"good", permissions.Limits{Connector: permissions.DynamoDB, Region: region, Tables: []string{"Orders", "Items"}, KMSKeys: []string{key}}, nil},
		{"nothing", permissions.Limits{}, []string{"/connector", "/region"}},
		{"no tables", dynamodb(), []string{"/tables"}},
		{"no buckets", s3(), []string{"/buckets"}},
		{"no functions", lambda(), []string{"/functions"}},
		{"names beside every one", dynamodb("*", "Orders"), []string{"/tables"}},
		{"buckets beside every one", s3(permissions.Bucket{Name: "files"}, permissions.Bucket{Name: "*"}), []string{"/buckets"}},
		{"twice", dynamodb("Orders", "Orders"), []string{"/tables/1"}},
		{"another connector's lists", permissions.Limits{
			Connector: permissions.Lambda, Region: region, Functions: []string{"f"}, Tables: []string{planted},
			Buckets: []permissions.Bucket{{Name: planted}}, KMSKeys: []string{key},
		}, []string{"/tables", "/buckets", "/kms_keys"}},
		{"all at once", permissions.Limits{
			Connector: permissions.S3, Region: planted, Functions: []string{planted},
			Buckets: []permissions.Bucket{{Name: planted, Prefix: "a\x00", Owner: planted}}, KMSKeys: []string{planted, "*"},
		}, []string{
			"/region", "/buckets/0/name", "/buckets/0/prefix", "/buckets/0/owner", "/functions", "/kms_keys", "/kms_keys/0",
		}},
		{"same bucket, other prefix", s3(permissions.Bucket{Name: "files", Prefix: "a"}, permissions.Bucket{Name: "files", Prefix: "b"}), nil},
		{"same folder", s3(permissions.Bucket{Name: "files", Prefix: "a"}, permissions.Bucket{Name: "files", Prefix: "a/"}), []string{"/buckets/1"}},
		{
			"two owners",
			s3(permissions.Bucket{Name: "files", Prefix: "a", Owner: account}, permissions.Bucket{Name: "files", Prefix: "b"}),
			[]string{"/buckets/1/owner"},
		},
		{"prefix of every bucket", s3(permissions.Bucket{Name: "*", Prefix: "a"}), []string{"/buckets/0/prefix"}},
		{"long prefix", s3(permissions.Bucket{Name: "files", Prefix: strings.Repeat("a", 1025)}), []string{"/buckets/0/prefix"}},
		{"prefix isn't UTF-8", s3(permissions.Bucket{Name: "files", Prefix: "\xff"}), []string{"/buckets/0/prefix"}},
		{"alias", permissions.Limits{
			Connector: permissions.DynamoDB, Region: region, Tables: []string{"*"},
			KMSKeys: []string{strings.Replace(key, "key/", "alias/", 1), key + "*", strings.Replace(key, "us-east-1", "*", 1), "*", key + ":x"},
		}, []string{"/kms_keys", "/kms_keys/0", "/kms_keys/1", "/kms_keys/2", "/kms_keys/4"}},
		{"long key id", permissions.Limits{
			Connector: permissions.DynamoDB, Region: region, Tables: []string{"*"},
			KMSKeys: []string{"arn:aws:kms:us-east-1:123456789012:key/" + strings.Repeat("a", 64), "arn:aws:kms:us-east-1:123456789012:key/" + strings.Repeat("a", 65)},
		}, []string{"/kms_keys/1"}},
		{"every key", permissions.Limits{Connector: permissions.DynamoDB, Region: region, Tables: []string{"*"}, KMSKeys: []string{"*"}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, f := range c.limits.Validate() {
				got = append(got, f.Pointer)
				if f.Message == "" || strings.Contains(f.Message, planted) {
					t.Errorf("%s: message %q", f.Pointer, f.Message)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("pointers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLimitsBelongToTheirConnector(t *testing.T) {
	l := permissions.Limits{
		Tables: []string{"*"}, Functions: []string{"*"}, Buckets: []permissions.Bucket{{Name: "*"}},
	}
	for _, c := range append(permissions.Connectors(), "sqs") {
		l.Connector = c
		got := [3]bool{l.AllowsTable("abc"), l.AllowsBucket("abc"), l.AllowsFunction("abc")}
		want := [3]bool{c == permissions.DynamoDB, c == permissions.S3, c == permissions.Lambda}
		if got != want {
			t.Errorf("%s: tables, buckets, functions: got %v, want %v", c, got, want)
		}
	}
}

func TestAllowsNamedOnly(t *testing.T) {
	if l := dynamodb("Orders"); !l.AllowsTable("Orders") || l.AllowsTable("orders") || l.AllowsTable("Orders2") {
		t.Error("tables")
	}
	if l := lambda("f"); !l.AllowsFunction("f") || l.AllowsFunction("f:live") || l.AllowsFunction("g") {
		t.Error("functions")
	}
	l := s3(permissions.Bucket{Name: "files", Prefix: "a", Owner: account}, permissions.Bucket{Name: "files", Prefix: "b", Owner: account})
	for key, want := range map[string]bool{"a/x": true, "b/": true, "c/x": false, "a": false, "": false} {
		if got := l.AllowsObject("files", key); got != want {
			t.Errorf("object %q: got %v, want %v", key, got, want)
		}
	}
	if !l.AllowsBucket("files") || l.AllowsBucket("other") {
		t.Error("buckets")
	}
	if s3(permissions.Bucket{Name: "files"}).AllowsObject("files", "") {
		t.Error("the empty key is an object")
	}
	if got := l.Owner("files"); got != account {
		t.Errorf("owner: got %q, want %q", got, account)
	}
	if got := l.Owner("other"); got != "" {
		t.Errorf("owner of another bucket: got %q", got)
	}
}

func TestPropertyValidNamesAreNoPatterns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[aB0*?$:/._-]{1,8}`).Draw(t, "name")
		if (permissions.IsTableName(name) || permissions.IsBucketName(name) || permissions.IsFunctionName(name)) &&
			strings.ContainsAny(name, "*?$:/") {
			t.Errorf("%q is a name", name)
		}
	})
}
