package sts_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/localaws/sts"
)

const (
	gatewayAccount  = "111111111111"
	customerAccount = "222222222222"
	site            = "6f1b5a52-0b7c-4c39-9d30-0f4d5b9d7a01"
	allowAll        = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	denyAll         = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`

	gatewayPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
		"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],
		"Resource":["arn:aws:iam::*:role/skuid-assumable-role/*"]}]}`
)

// world has a gateway that may assume roles under a path, and a customer's administrator.
type world struct {
	*localawstest.AWS

	gateway, customer localawstest.Keys
	gatewayRole       string
}

func newWorld(t *testing.T) world {
	t.Helper()
	w := world{AWS: localawstest.Start(t)}
	operator := w.Account(gatewayAccount)
	w.customer = w.Account(customerAccount)
	w.gatewayRole = w.AddRole(t, operator, localawstest.Role{
		Name: "gateway", Trust: lambdaTrust, Policy: gatewayPolicy,
	})
	made, err := w.AssumeAsService("lambda.amazonaws.com", w.gatewayRole, "function")
	if err != nil {
		t.Fatal(err)
	}
	w.gateway = localawstest.Keys{
		AccessKeyID: made.AccessKeyID, SecretAccessKey: made.SecretAccessKey, SessionToken: made.SessionToken,
	}
	return w
}

const lambdaTrust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
	"Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// fullTrust lets the gateway in with the site's ExternalId, tags and a source identity.
func (w world) fullTrust() string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":%q},"Action":"sts:AssumeRole",
		 "Condition":{"StringEquals":{"sts:ExternalId":%q}}},
		{"Effect":"Allow","Principal":{"AWS":%q},"Action":["sts:TagSession","sts:SetSourceIdentity"]}]}`,
		w.gatewayRole, site, w.gatewayRole)
}

// nameTrust is that of roles made before tags were asked for.
func (w world) nameTrust() string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":%q},
		"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":%q}}}]}`, w.gatewayRole, site)
}

func (w world) role(t *testing.T, name, trust string) string {
	t.Helper()
	return w.AddRole(t, w.customer, localawstest.Role{
		Name: name, Path: "/skuid-assumable-role/", Trust: trust, Policy: allowAll,
	})
}

func (w world) assume(t *testing.T, as localawstest.Keys, change func(*awssts.AssumeRoleInput)) (*awssts.AssumeRoleOutput, error) {
	t.Helper()
	in := &awssts.AssumeRoleInput{
		RoleArn:         aws.String("arn:aws:iam::" + customerAccount + ":role/skuid-assumable-role/data"),
		RoleSessionName: aws.String("ada@" + site),
		ExternalId:      aws.String(site),
	}
	if change != nil {
		change(in)
	}
	return awssts.NewFromConfig(w.Config(as)).AssumeRole(t.Context(), in)
}

func keysOf(c *types.Credentials) localawstest.Keys {
	return localawstest.Keys{
		AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken,
	}
}

func (w world) whoAmI(t *testing.T, keys localawstest.Keys) (string, error) {
	t.Helper()
	out, err := awssts.NewFromConfig(w.Config(keys)).GetCallerIdentity(t.Context(), &awssts.GetCallerIdentityInput{})
	if err != nil {
		return "", err
	}
	return *out.Arn, nil
}

// codeOf is AWS's code in an error; empty for none.
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

func TestAssumeRole(t *testing.T) {
	w := newWorld(t)
	w.role(t, "data", w.fullTrust())
	w.ResetCalls()
	out, err := w.assume(t, w.gateway, func(in *awssts.AssumeRoleInput) {
		in.SourceIdentity = aws.String("ada")
		in.Tags = []types.Tag{{Key: aws.String("arngate:site"), Value: aws.String(site)}}
		in.Policy = aws.String(denyAll)
		in.DurationSeconds = aws.Int32(900)
	})
	if err != nil {
		t.Fatal(err)
	}
	wantARN := "arn:aws:sts::" + customerAccount + ":assumed-role/data/ada@" + site
	if got := *out.AssumedRoleUser.Arn; got != wantARN {
		t.Errorf("Arn = %s, want %s without the path", got, wantARN)
	}
	if !strings.HasPrefix(*out.Credentials.AccessKeyId, "ASIA") || *out.SourceIdentity != "ada" || *out.SessionTokenUtilization == 0 {
		t.Errorf("answer = %+v", out)
	}
	if got, err := w.whoAmI(t, keysOf(out.Credentials)); err != nil || got != wantARN {
		t.Errorf("the session is %s (%v), want %s", got, err, wantARN)
	}
	got := w.Calls()[0]
	want := localaws.Requested{
		RoleARN: "arn:aws:iam::" + customerAccount + ":role/skuid-assumable-role/data", SessionName: "ada@" + site,
		SourceIdentity: "ada", Tags: map[string]string{"arngate:site": site}, Policy: denyAll, ExternalID: site,
		Duration: 900 * time.Second,
	}
	if diff := cmp.Diff(want, got.Requested); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	wantAccesses := []string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"}
	var actions []string
	for _, a := range got.Accesses {
		actions = append(actions, a.Action)
	}
	if diff := cmp.Diff(wantAccesses, actions); diff != "" {
		t.Errorf("accesses (-want +got):\n%s", diff)
	}
}

// Whatever is wrong about the role or the ExternalId, the answer is the same.
func TestTrap08DenialsLookTheSame(t *testing.T) {
	w := newWorld(t)
	const path = "arn:aws:iam::" + customerAccount + ":role/skuid-assumable-role/"
	w.role(t, "data", w.fullTrust())
	w.role(t, "foreign", strings.ReplaceAll(w.fullTrust(), w.gatewayRole, "arn:aws:iam::333333333333:root"))
	w.AddRole(t, w.customer, localawstest.Role{Name: "elsewhere", Trust: w.fullTrust()})
	tests := map[string]func(*awssts.AssumeRoleInput){
		"no ExternalId":        func(in *awssts.AssumeRoleInput) { in.ExternalId = nil },
		"wrong ExternalId":     func(in *awssts.AssumeRoleInput) { in.ExternalId = aws.String("another") },
		"missing role":         func(in *awssts.AssumeRoleInput) { in.RoleArn = aws.String(path + "missing") },
		"role of another path": func(in *awssts.AssumeRoleInput) { in.RoleArn = aws.String(path + "elsewhere") },
		"path outside of rights": func(in *awssts.AssumeRoleInput) {
			in.RoleArn = aws.String("arn:aws:iam::" + customerAccount + ":role/elsewhere")
		},
		"missing account": func(in *awssts.AssumeRoleInput) {
			in.RoleArn = aws.String("arn:aws:iam::999999999999:role/skuid-assumable-role/data")
		},
		"other principal": func(in *awssts.AssumeRoleInput) { in.RoleArn = aws.String(path + "foreign") },
		"longer than the role's maximum, and wrong": func(in *awssts.AssumeRoleInput) {
			in.RoleArn, in.DurationSeconds = aws.String(path+"missing"), aws.Int32(43200)
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			var arn string
			_, err := w.assume(t, w.gateway, func(in *awssts.AssumeRoleInput) { change(in); arn = *in.RoleArn })
			want := "User: arn:aws:sts::" + gatewayAccount + ":assumed-role/gateway/function is not authorized to perform: " +
				"sts:AssumeRole on resource: " + arn
			if diff := cmp.Diff([]string{"AccessDenied", want}, []string{codeOf(err), messageOf(err)}); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, err := w.assume(t, w.gateway, nil); err != nil {
		t.Errorf("the right call is refused: %v", err)
	}
}

// The forms of trust that let in who doesn't know the ExternalId.
func TestTrap10TrustForms(t *testing.T) {
	w := newWorld(t)
	statement := func(condition string) string {
		return fmt.Sprintf(`{"Effect":"Allow","Principal":{"AWS":%q},"Action":"sts:AssumeRole"%s}`, w.gatewayRole, condition)
	}
	when := func(operator string) string {
		return fmt.Sprintf(`,"Condition":{%q:{"sts:ExternalId":%q}}`, operator, site)
	}
	tests := map[string]struct {
		statements                        []string
		wantRight, wantWrong, wantWithout bool
	}{
		"StringEquals":              {[]string{statement(when("StringEquals"))}, true, false, false},
		"a second statement":        {[]string{statement(when("StringEquals")), statement("")}, true, true, true},
		"StringEqualsIfExists":      {[]string{statement(when("StringEqualsIfExists"))}, true, false, true},
		"ForAllValues:StringEquals": {[]string{statement(when("ForAllValues:StringEquals"))}, true, false, true},
		"StringNotEquals":           {[]string{statement(when("StringNotEquals"))}, false, true, true},
		"StringLike *": {
			[]string{statement(`,"Condition":{"StringLike":{"sts:ExternalId":"*"}}`)}, true, true, false,
		},
	}
	client := awsiam.NewFromConfig(w.Config(w.customer))
	w.role(t, "data", w.fullTrust())
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			trust := `{"Version":"2012-10-17","Statement":[` + strings.Join(test.statements, ",") + `]}`
			_, err := client.UpdateAssumeRolePolicy(t.Context(), &awsiam.UpdateAssumeRolePolicyInput{
				RoleName: aws.String("data"), PolicyDocument: &trust,
			})
			if err != nil {
				t.Fatal(err)
			}
			for id, want := range map[string]bool{site: test.wantRight, "wrong": test.wantWrong, "": test.wantWithout} {
				_, err := w.assume(t, w.gateway, func(in *awssts.AssumeRoleInput) {
					in.ExternalId = nil
					if id != "" {
						in.ExternalId = &id
					}
				})
				if got := err == nil; got != want {
					t.Errorf("ExternalId %q: assumed is %v (%v), want %v", id, got, err, want)
				}
			}
		})
	}
}

// Tags and a source identity are permissions of their own, in the trust and in the caller's policies.
func TestTrap06TagsNeedTheirOwnPermission(t *testing.T) {
	tags := func(in *awssts.AssumeRoleInput) {
		in.Tags = []types.Tag{{Key: aws.String("arngate:user"), Value: aws.String("ada")}}
	}
	source := func(in *awssts.AssumeRoleInput) { in.SourceIdentity = aws.String("ada") }
	w := newWorld(t)
	conditional := strings.Replace(w.nameTrust(), `"sts:AssumeRole"`, `["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]`, 1)
	w.role(t, "name", w.nameTrust())
	w.role(t, "full", w.fullTrust())
	w.role(t, "conditional", conditional)
	narrow := w.AddUser(t, w.Account(gatewayAccount), "narrow",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}`)
	w.role(t, "open", fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":%q},
		"Action":["sts:AssumeRole","sts:TagSession"]}]}`, "arn:aws:iam::"+gatewayAccount+":root"))
	tests := map[string]struct {
		as     localawstest.Keys
		role   string
		change func(*awssts.AssumeRoleInput)
		want   string // the action that is missing; empty: allowed
	}{
		"trust has only AssumeRole, neither asked":         {w.gateway, "name", nil, ""},
		"trust has only AssumeRole, tags":                  {w.gateway, "name", tags, "sts:TagSession"},
		"trust has only AssumeRole, source identity":       {w.gateway, "name", source, "sts:SetSourceIdentity"},
		"trust has all, tags":                              {w.gateway, "full", tags, ""},
		"trust has all, source identity":                   {w.gateway, "full", source, ""},
		"ExternalId is no key of TagSession":               {w.gateway, "conditional", tags, "sts:TagSession"},
		"ExternalId is no key of SetSourceIdentity":        {w.gateway, "conditional", source, "sts:SetSourceIdentity"},
		"the caller has only AssumeRole, neither asked":    {narrow, "open", nil, ""},
		"the caller has only AssumeRole, the trust is all": {narrow, "open", tags, "sts:TagSession"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := w.assume(t, test.as, func(in *awssts.AssumeRoleInput) {
				in.RoleArn = aws.String("arn:aws:iam::" + customerAccount + ":role/skuid-assumable-role/" + test.role)
				if test.change != nil {
					test.change(in)
				}
			})
			switch {
			case test.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.want != "" && (codeOf(err) != "AccessDenied" || !strings.Contains(messageOf(err), "perform: "+test.want+" on")):
				t.Errorf("error = %v, want %s denied", err, test.want)
			}
		})
	}
}

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

func TestSessionsExpireByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.role(t, "data", w.fullTrust())
		out, err := w.assume(t, w.gateway, func(in *awssts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(900) })
		if err != nil {
			t.Fatal(err)
		}
		keys := keysOf(out.Credentials)
		time.Sleep(15*time.Minute - time.Second)
		if _, err := w.whoAmI(t, keys); err != nil {
			t.Errorf("a second before the end: %v", err)
		}
		time.Sleep(time.Second)
		_, err = w.whoAmI(t, keys)
		if got, want := codeOf(err), "ExpiredToken"; got != want {
			t.Errorf("at the end: %v, want %s", err, want)
		}
	})
}

// A new role, and a changed trust policy, counts only after a while.
func TestTrap09Propagation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := localawstest.Start(t, func(o *localaws.Options) { o.Propagation = 10 * time.Second })
		admin := slow.Account(customerAccount)
		user := slow.AddUser(t, admin, "user", allowAll)
		arn := slow.AddRole(t, admin, localawstest.Role{
			Name: "new", Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + customerAccount + `"},"Action":"sts:AssumeRole"}]}`,
		})
		try := func() string {
			_, err := awssts.NewFromConfig(slow.Config(user)).AssumeRole(t.Context(), &awssts.AssumeRoleInput{
				RoleArn: &arn, RoleSessionName: aws.String("early"),
			})
			return codeOf(err)
		}
		if got := try(); got != "AccessDenied" {
			t.Errorf("at once: %q", got)
		}
		time.Sleep(10 * time.Second)
		if got := try(); got != "" {
			t.Errorf("after 10 s: %q", got)
		}
	})
}
