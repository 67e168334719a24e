package sts_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/arngate/arngate/shared/localaws/sts"
)

// A role session lives an hour at most if a role session made it.
func TestTrap01ChainingEndsAfterAnHour(t *testing.T) {
	w := newWorld(t)
	w.role(t, "data", w.fullTrust())
	client := awsiam.NewFromConfig(w.Config(w.customer))
	if _, err := client.UpdateRole(t.Context(), &awsiam.UpdateRoleInput{
		RoleName: aws.String("data"), MaxSessionDuration: aws.Int32(43200),
	}); err != nil {
		t.Fatal(err)
	}
	_, err := w.assume(t, w.gateway, func(in *awssts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(3601) })
	if got, want := codeOf(err), "ValidationError"; got != want || !strings.Contains(messageOf(err), "role chaining") {
		t.Errorf("error = %v, want %s", err, want)
	}
	out, err := w.assume(t, w.gateway, func(in *awssts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(3600) })
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(*out.Credentials.Expiration); left > time.Hour || left < 59*time.Minute {
		t.Errorf("expires in %v, want an hour", left)
	}
	direct := w.AddUser(t, w.Account(gatewayAccount), "direct", gatewayPolicy)
	w.role(t, "hour", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+gatewayAccount+`"},"Action":"sts:AssumeRole"}]}`)
	_, err = w.assume(t, direct, func(in *awssts.AssumeRoleInput) {
		in.RoleArn = aws.String("arn:aws:iam::" + customerAccount + ":role/skuid-assumable-role/hour")
		in.DurationSeconds = aws.Int32(3601)
	})
	if got, want := codeOf(err), "ValidationError"; got != want || !strings.Contains(messageOf(err), "MaxSessionDuration") {
		t.Errorf("longer than the role's maximum: %v, want %s", err, want)
	}
	trust := strings.ReplaceAll(w.fullTrust(), w.gatewayRole, "arn:aws:iam::"+gatewayAccount+":user/direct")
	if _, err := client.UpdateAssumeRolePolicy(t.Context(), &awsiam.UpdateAssumeRolePolicyInput{
		RoleName: aws.String("data"), PolicyDocument: &trust,
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.assume(t, direct, func(in *awssts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(43200) }); err != nil {
		t.Errorf("a user may have the role's maximum: %v", err)
	}
}

// A policy within 2,048 characters can be too large once packed, and tags count.
func TestTrap07PackedPolicyTooLarge(t *testing.T) {
	w := newWorld(t)
	w.role(t, "data", w.fullTrust())
	policyOf := func(length int) *string {
		head := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::`
		tail := `"}]}`
		return aws.String(head + strings.Repeat("b", length-len(head)-len(tail)) + tail)
	}
	tags := make([]types.Tag, 4)
	for i := range tags {
		tags[i] = types.Tag{Key: aws.String(fmt.Sprintf("arngate:%d", i)), Value: aws.String(strings.Repeat("v", 40))}
	}
	tests := map[string]struct {
		policy *string
		tags   []types.Tag
		want   string
	}{
		"fits":                    {policyOf(sts.PackedLimit), nil, ""},
		"fits, but not with tags": {policyOf(1900), tags, "PackedPolicyTooLarge"},
		"too large by itself":     {policyOf(2048), nil, "PackedPolicyTooLarge"},
		"too long":                {policyOf(2049), nil, "ValidationError"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := w.assume(t, w.gateway, func(in *awssts.AssumeRoleInput) { in.Policy, in.Tags = test.policy, test.tags })
			if got := codeOf(err); got != test.want {
				t.Fatalf("error = %v, want %q", err, test.want)
			}
			if err == nil && *out.SessionTokenUtilization != 100 {
				t.Errorf("SessionTokenUtilization = %d, want 100", *out.SessionTokenUtilization)
			}
		})
	}
}

func TestTrap14GrammarOfNamesAndExternalIDs(t *testing.T) {
	w := newWorld(t)
	w.role(t, "data", w.fullTrust())
	name := func(v string) func(*awssts.AssumeRoleInput) {
		return func(in *awssts.AssumeRoleInput) { in.RoleSessionName = &v }
	}
	external := func(v string) func(*awssts.AssumeRoleInput) {
		return func(in *awssts.AssumeRoleInput) { in.ExternalId = &v }
	}
	source := func(v string) func(*awssts.AssumeRoleInput) {
		return func(in *awssts.AssumeRoleInput) { in.SourceIdentity = &v }
	}
	tests := map[string]struct {
		change func(*awssts.AssumeRoleInput)
		want   string
	}{
		"name: shortest":               {name("ab"), ""},
		"name: too short":              {name("a"), "ValidationError"},
		"name: longest":                {name(strings.Repeat("a", 64)), ""},
		"name: too long":               {name(strings.Repeat("a", 65)), "ValidationError"},
		"name: all characters":         {name("aZ09_+=,.@-"), ""},
		"name: colon":                  {name("a:b"), "ValidationError"},
		"name: slash":                  {name("a/b"), "ValidationError"},
		"name: space":                  {name("a b"), "ValidationError"},
		"name: letter of another kind": {name("aé"), "ValidationError"},
		"name: line end":               {name("ab\n"), "ValidationError"},
		"id: colon and slash are fine": {external("a:b/c"), "AccessDenied"},
		"id: too short":                {external("a"), "ValidationError"},
		"id: longest":                  {external(strings.Repeat("a", 1224)), "AccessDenied"},
		"id: too long":                 {external(strings.Repeat("a", 1225)), "ValidationError"},
		"id: space":                    {external("a b"), "ValidationError"},
		"source identity: too short":   {source("a"), "ValidationError"},
		"source identity: longest":     {source(strings.Repeat("a", 64)), ""},
		"source identity: too long":    {source(strings.Repeat("a", 65)), "ValidationError"},
		"source identity: colon":       {source("a:b"), "ValidationError"},
	}
	for label, test := range tests {
		t.Run(label, func(t *testing.T) {
			_, err := w.assume(t, w.gateway, test.change)
			if got := codeOf(err); got != test.want {
				t.Errorf("error = %v, want %q", err, test.want)
			}
		})
	}
}

func TestAssumeRoleParameters(t *testing.T) {
	w := newWorld(t)
	w.role(t, "data", w.fullTrust())
	arn := func(v string) func(*awssts.AssumeRoleInput) {
		return func(in *awssts.AssumeRoleInput) { in.RoleArn = &v }
	}
	policy := func(v string) func(*awssts.AssumeRoleInput) {
		return func(in *awssts.AssumeRoleInput) { in.Policy = &v }
	}
	duration := func(v int32) func(*awssts.AssumeRoleInput) {
		return func(in *awssts.AssumeRoleInput) { in.DurationSeconds = &v }
	}
	tags := func(keysAndValues ...string) func(*awssts.AssumeRoleInput) {
		return func(in *awssts.AssumeRoleInput) {
			for i := 0; i < len(keysAndValues); i += 2 {
				in.Tags = append(in.Tags, types.Tag{Key: &keysAndValues[i], Value: &keysAndValues[i+1]})
			}
		}
	}
	tests := map[string]struct {
		change        func(*awssts.AssumeRoleInput)
		code, message string
	}{
		"no ARN":          {arn("nothing-valid-in-here"), "ValidationError", "nothing-valid-in-here is invalid"},
		"ARN in part":     {arn("arn:a:::something/test-role"), "ValidationError", "arn:a:::something/test-role is invalid"},
		"no service":      {arn("arn:a::::something/test-role"), "ValidationError", "arn:a::::something/test-role is invalid"},
		"no resource":     {arn("arn:a:a::aaaaaaaaaa:"), "ValidationError", "arn:a:a::aaaaaaaaaa: is invalid"},
		"not a role":      {arn("arn:aws:s3:::my-bucket-with-a-name"), "AccessDenied", ""},
		"899 s":           {duration(899), "ValidationError", ""},
		"43,201 s":        {duration(43201), "ValidationError", ""},
		"policy not JSON": {policy("{"), "MalformedPolicyDocument", ""},
		"policy no policy": {
			policy(`{"Version":"2012-10-17","Statement":[{"Effect":"Perhaps","Action":"*","Resource":"*"}]}`),
			"MalformedPolicyDocument", "",
		},
		"policy with principal": {
			policy(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`),
			"MalformedPolicyDocument", "",
		},
		"policy with another character": {policy(strings.Replace(allowAll, `"*"`, `"s3:漢"`, 1)), "ValidationError", ""},
		"policy in Latin-1":             {policy(strings.Replace(allowAll, `"Resource":"*"`, `"Resource":"arn:aws:s3:::b/é"`, 1)), "", ""},
		"tag twice": {
			tags("Team", "a", "team", "b"), "InvalidParameterValue",
			"Duplicate tag keys found. Please note that Tag keys are case insensitive.",
		},
		"tag of AWS":         {tags("aws:team", "a"), "InvalidParameterValue", ""},
		"tag with no key":    {tags("", "a"), "ValidationError", ""},
		"tag with semicolon": {tags("a", "b;c"), "ValidationError", ""},
		"tag value empty":    {tags("a", ""), "", ""},
		"tag value too long": {tags("a", strings.Repeat("v", 257)), "ValidationError", ""},
		"transitive, no tag": {
			func(in *awssts.AssumeRoleInput) { in.TransitiveTagKeys = []string{"team"} },
			"InvalidParameterValue", "The specified transitive tag key must be included in the requested tags.",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := w.assume(t, w.gateway, test.change)
			if got := codeOf(err); got != test.code {
				t.Fatalf("error = %v, want %q", err, test.code)
			}
			if got := messageOf(err); test.message != "" && got != test.message {
				t.Errorf("message = %q, want %q", got, test.message)
			}
		})
	}
}
