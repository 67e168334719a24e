package iam_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/arngate/arngate/shared/localaws/localawstest"
)

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
