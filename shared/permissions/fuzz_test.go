package permissions_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/policy"
)

// The documentation's own words of what names consist of: of the names, what could be an ARN, a pattern, a path or a host is none.
var (
	tableNames    = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)
	functionNames = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
	bucketNames   = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	regionNames   = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$`)
	keyARNs       = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$`)
)

// A connection's table, bucket or function is one by its name alone, never by an ARN, an access point or a pattern; and its policy is
// about that one and no other.
func FuzzTrap21Names(f *testing.F) {
	for _, seed := range [][3]string{
		{"Orders", "Orders2", "us-east-1"},
		{"arn:aws:dynamodb:us-east-1:999988887777:table/Orders", "Orders", "us-east-1"},
		{"demo-files", "demo-files.evil", "us-gov-west-1"},
		{"x--ol-s3", "x", "eu-central-1"},
		{"192.168.0.1", "a..b", "us-east-1.evil.example#"},
		{"hello", "hello:live", "cn-north-1"},
		{"111122223333:function:hello", "hello", ""},
		{"table/Orders", "Orders/index/x", "us-east-1\n"},
		{"*", "anything", "*"},
		{"a*b", "aXb", "us-east-1/"},
		{"point.mrap", "xn--a", "eusc-de-east-1"},
		{"${aws:username}", "a", "a-b-1"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, name, other, region string) {
		for _, c := range []struct {
			limits  permissions.Limits
			grammar *regexp.Regexp
			exact   bool // else there are names that the grammar has and AWS refuses
			action  string
			arn     func(name string) string
			allows  func(l permissions.Limits, name string) bool
		}{
			{dynamodb(name), tableNames, true, "dynamodb:Query", tableARN, permissions.Limits.AllowsTable},
			{lambda(name), functionNames, true, "lambda:InvokeFunction", functionARN, permissions.Limits.AllowsFunction},
			{s3(permissions.Bucket{Name: name}), bucketNames, false, "s3:ListBucket", func(name string) string { return "arn:aws:s3:::" + name }, permissions.Limits.AllowsBucket},
		} {
			valid := c.limits.Validate() == nil
			if fits := name == permissions.Every || c.grammar.MatchString(name); valid != fits && (valid || c.exact) {
				t.Errorf("%s: %q is valid: %t", c.limits.Connector, name, valid)
			}
			if !valid {
				continue
			}
			want := c.grammar.MatchString(other) && (name == permissions.Every || name == other)
			if got := c.allows(c.limits, other); got != want && (got || c.exact || name == other) {
				t.Errorf("%s limited to %q allows %q: %t", c.limits.Connector, name, other, got)
			}
			verdict := verdicts(t, sessionPolicy(t, c.limits))
			if got := verdict(c.action, c.arn(other), nil) == policy.Allowed; c.grammar.MatchString(other) && got != want {
				t.Errorf("%s of %q: allowed on %q: %t", c.action, name, other, got)
			}
		}
		checkRegion(t, region)
		l := dynamodb("*")
		l.KMSKeys = []string{other}
		if l.Validate() == nil && other != permissions.Every && (!keyARNs.MatchString(other) || strings.Contains(other, "alias")) {
			t.Errorf("%q is the ARN of a key", other)
		}
	})
}

func checkRegion(t *testing.T, region string) {
	t.Helper()
	l := dynamodb("*")
	l.Region = region
	if got, want := l.Validate() == nil, regionNames.MatchString(region) && len(region) <= 32; got != want {
		t.Errorf("the region %q is valid: %t, want %t", region, got, want)
	}
}
