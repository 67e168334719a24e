package sts_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/localaws/localawstest"
)

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
