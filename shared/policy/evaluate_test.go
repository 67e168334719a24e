package policy_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/policy"
)

// granting is a resource's policy that allows everything to a principal, given as JSON.
func granting(t *testing.T, principal string) *policy.Document {
	t.Helper()
	return statements(t, `{"Effect":"Allow","Principal":`+principal+`,"Action":"*","Resource":"*"}`)
}

func awsPrincipal(arn string) string { return fmt.Sprintf(`{"AWS":%q}`, arn) }

// sessionContext is what a session's request says of the role or user behind it.
func sessionContext(arn string) policy.Context { return policy.Context{"aws:PrincipalArn": {arn}} }

// TestResourcePolicyWithinAccount follows the table of "How AWS enforcement code logic evaluates requests": what a resource's policy
// grants alone, and what other policies that say nothing take away from it.
func TestResourcePolicyWithinAccount(t *testing.T) {
	silent := documents(statements(t, `{"Effect":"Allow","Action":"sqs:*","Resource":"*"}`))
	limitedBy := map[string]policy.Policies{
		"nothing":  {},
		"boundary": {Boundary: silent[0]},
		"session":  {Session: silent},
		"SCP":      {SCPs: [][]*policy.Document{silent}},
	}
	for _, c := range []struct {
		name, caller string
		context      policy.Context
		principal    string
		allowed      []string // by which limits that say nothing the grant is not taken away
	}{
		{"user by its ARN", alice, nil, awsPrincipal(alice), []string{"boundary", "nothing", "session"}},
		{"user by everyone", alice, nil, `"*"`, []string{"boundary", "nothing", "session"}},
		{"user by every AWS principal", alice, nil, awsPrincipal("*"), []string{"boundary", "nothing", "session"}},
		{"user by its account", alice, nil, awsPrincipal(root), nil},
		{"user by its account's id", alice, nil, awsPrincipal(account), nil},
		{"user by another's ARN", alice, nil, awsPrincipal(bob), nil},
		{"user by a pattern", alice, nil, awsPrincipal("arn:aws:iam::123456789012:*"), nil},
		{"user by an ARN in another case", alice, nil, awsPrincipal("arn:aws:iam::123456789012:user/Alice"), nil},
		{"user by a service", alice, nil, `{"Service":"` + alice + `"}`, nil},
		{"session by its ARN", session, sessionContext(appRole), awsPrincipal(session), []string{"boundary", "nothing", "session"}},
		{"session by everyone", session, sessionContext(appRole), `"*"`, []string{"boundary", "nothing", "session"}},
		{"session by its role", session, sessionContext(appRole), awsPrincipal(appRole), []string{"nothing"}},
		{"session by its role, role unknown", session, nil, awsPrincipal(appRole), []string{"nothing"}},
		{"session by a role without its path", session, sessionContext(appRole), awsPrincipal("arn:aws:iam::123456789012:role/GatewayRole"), nil},
		{"session by another role", session, nil, awsPrincipal("arn:aws:iam::123456789012:role/app/OtherRole"), nil},
		{"session by a user of its role's name", session, nil, awsPrincipal("arn:aws:iam::123456789012:user/GatewayRole"), nil},
		{"session by its role elsewhere", session, nil, awsPrincipal("arn:aws:iam::999988887777:role/app/GatewayRole"), nil},
		{"session by its account", session, sessionContext(appRole), awsPrincipal(account), nil},
		{"session by another session", session, sessionContext(appRole), awsPrincipal(session + "2"), nil},
		{"role by its ARN", appRole, nil, awsPrincipal(appRole), []string{"nothing"}},
		{"federated user by its ARN", carol, nil, awsPrincipal(carol), []string{"boundary", "nothing", "session"}},
		{"federated user by its user", carol, sessionContext(alice), awsPrincipal(alice), nil},
		{"federated user by another user", carol, sessionContext(alice), awsPrincipal(bob), nil},
		{"root by its ARN", root, nil, awsPrincipal(root), []string{"boundary", "nothing", "session"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, limit := range []string{"boundary", "nothing", "session", "SCP"} {
				policies := limitedBy[limit]
				policies.Resource = granting(t, c.principal)
				d := policy.Evaluate(policy.Request{Principal: c.caller, Context: c.context, Action: "s3:GetObject", Resource: object}, policies)
				if d.Verdict == policy.Allowed {
					got = append(got, limit)
				}
			}
			if diff := cmp.Diff(c.allowed, got); diff != "" {
				t.Errorf("allowed in spite of (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCombinations(t *testing.T) {
	all := documents(statements(t, allowAll))
	deny := statements(t, denyAll)
	none := documents(statements(t))
	for _, c := range []struct {
		name, caller string
		context      policy.Context
		owner        string // the resource's account, if not the usual one
		policies     policy.Policies
		want         policy.Verdict
	}{
		{"identity and boundary", alice, nil, "", policy.Policies{Identity: all, Boundary: all[0]}, policy.Allowed},
		{"boundary alone", alice, nil, "", policy.Policies{Boundary: all[0]}, policy.ImplicitlyDenied},
		{"session alone", session, nil, "", policy.Policies{Session: all}, policy.ImplicitlyDenied},
		{"identity and session", session, nil, "", policy.Policies{Identity: all, Session: all}, policy.Allowed},
		{"one of two session policies", session, nil, "", policy.Policies{Identity: all, Session: documents(none[0], all[0])}, policy.Allowed},
		{"session by its role, and session policy", session, nil, "", policy.Policies{Resource: granting(t, awsPrincipal(appRole)), Session: all}, policy.Allowed},
		{"all levels of SCPs", alice, nil, "", policy.Policies{Identity: all, SCPs: [][]*policy.Document{all, all}}, policy.Allowed},
		{"a level without SCPs", alice, nil, "", policy.Policies{Identity: all, SCPs: [][]*policy.Document{all, {}}}, policy.ImplicitlyDenied},
		{"SCPs grant nothing", alice, nil, "", policy.Policies{SCPs: [][]*policy.Document{all}}, policy.ImplicitlyDenied},
		{"everyone, but denied by identity", alice, nil, "", policy.Policies{Identity: documents(deny), Resource: granting(t, `"*"`)}, policy.ExplicitlyDenied},
		{"everyone, but denied by boundary", alice, nil, "", policy.Policies{Boundary: deny, Resource: granting(t, `"*"`)}, policy.ExplicitlyDenied},
		{"its session, but denied by session", session, nil, "", policy.Policies{
			Session: documents(deny), Resource: granting(t, awsPrincipal(session)),
		}, policy.ExplicitlyDenied},
		{"root needs no policy", root, nil, "", policy.Policies{}, policy.Allowed},
		{"root under SCPs", root, nil, "", policy.Policies{SCPs: [][]*policy.Document{none}}, policy.ImplicitlyDenied},
		{"root denied by the resource", root, nil, "", policy.Policies{
			Resource: statements(t, `{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`),
		}, policy.ExplicitlyDenied},
		{"federated user without session policy", carol, nil, "", policy.Policies{Identity: all}, policy.ImplicitlyDenied},
		{"federated user with session policy", carol, nil, "", policy.Policies{Identity: all, Session: all}, policy.Allowed},
		{"federated user by its user, with session policy", carol, sessionContext(alice), "", policy.Policies{
			Session: all, Resource: granting(t, awsPrincipal(alice)),
		}, policy.Allowed},

		{"across, identity alone", alice, nil, "999988887777", policy.Policies{Identity: all}, policy.ImplicitlyDenied},
		{"across, resource alone", alice, nil, "999988887777", policy.Policies{Resource: granting(t, awsPrincipal(alice))}, policy.ImplicitlyDenied},
		{"across, everyone alone", alice, nil, "999988887777", policy.Policies{Resource: granting(t, `"*"`)}, policy.ImplicitlyDenied},
		{"across, both by ARN", alice, nil, "999988887777", policy.Policies{Identity: all, Resource: granting(t, awsPrincipal(alice))}, policy.Allowed},
		{"across, both by account", alice, nil, "999988887777", policy.Policies{Identity: all, Resource: granting(t, awsPrincipal(account))}, policy.Allowed},
		{"across, the owner's account", alice, nil, "999988887777", policy.Policies{
			Identity: all, Resource: granting(t, awsPrincipal("999988887777")),
		}, policy.ImplicitlyDenied},
		{"across, boundary silent", alice, nil, "999988887777", policy.Policies{
			Identity: all, Boundary: none[0], Resource: granting(t, awsPrincipal(alice)),
		}, policy.ImplicitlyDenied},
		{"across, session policy silent", session, nil, "999988887777", policy.Policies{
			Identity: all, Session: none, Resource: granting(t, awsPrincipal(session)),
		}, policy.ImplicitlyDenied},
		{"across, session by its role", session, nil, "999988887777", policy.Policies{
			Identity: all, Session: all, Resource: granting(t, awsPrincipal(appRole)),
		}, policy.Allowed},
		{"across, session alone", session, nil, "999988887777", policy.Policies{Resource: granting(t, awsPrincipal(session))}, policy.ImplicitlyDenied},
		{"across, SCP silent", alice, nil, "999988887777", policy.Policies{
			Identity: all, SCPs: [][]*policy.Document{none}, Resource: granting(t, awsPrincipal(alice)),
		}, policy.ImplicitlyDenied},
		{"across, root", root, nil, "999988887777", policy.Policies{Resource: granting(t, awsPrincipal(account))}, policy.Allowed},
		{"across, root not named", root, nil, "999988887777", policy.Policies{}, policy.ImplicitlyDenied},
		{"across, denied by the resource", alice, nil, "999988887777", policy.Policies{
			Identity: all, Resource: statements(t, `{"Effect":"Deny","Principal":{"AWS":"123456789012"},"Action":"*","Resource":"*"}`),
		}, policy.ExplicitlyDenied},

		{"anonymous, everyone", "", nil, "", policy.Policies{Resource: granting(t, `"*"`)}, policy.Allowed},
		{"anonymous, every AWS principal", "", nil, "", policy.Policies{Resource: granting(t, awsPrincipal("*"))}, policy.Allowed},
		{"anonymous, account", "", nil, "", policy.Policies{Resource: granting(t, awsPrincipal(account))}, policy.ImplicitlyDenied},
		{"anonymous, no policy", "", nil, "", policy.Policies{Identity: all}, policy.ImplicitlyDenied},
		{"anonymous, denied", "", nil, "", policy.Policies{
			Resource: statements(t, `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`, `{"Effect":"Deny","NotPrincipal":{"AWS":"`+alice+`"},"Action":"*","Resource":"*"}`),
		}, policy.ExplicitlyDenied},
		{"service", "lambda.amazonaws.com", nil, "", policy.Policies{Resource: granting(t, `{"Service":["sns.amazonaws.com","lambda.amazonaws.com"]}`)}, policy.Allowed},
		{"another service", "lambda.amazonaws.com", nil, "", policy.Policies{Resource: granting(t, `{"Service":"sns.amazonaws.com"}`)}, policy.ImplicitlyDenied},
		{"service, everyone", "lambda.amazonaws.com", nil, "", policy.Policies{Resource: granting(t, `"*"`)}, policy.Allowed},
		{"service under SCPs of the account", "lambda.amazonaws.com", nil, "", policy.Policies{
			Resource: granting(t, `{"Service":"lambda.amazonaws.com"}`), SCPs: [][]*policy.Document{none},
		}, policy.Allowed},
		{"identity provider", "arn:aws:iam::123456789012:saml-provider/corp", nil, "", policy.Policies{
			Resource: granting(t, `{"Federated":"arn:aws:iam::123456789012:saml-provider/corp"}`),
		}, policy.Allowed},
		{"identity provider by its account", "arn:aws:iam::123456789012:oidc-provider/corp", nil, "", policy.Policies{
			Identity: all, Resource: granting(t, awsPrincipal(account)),
		}, policy.ImplicitlyDenied},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := policy.Evaluate(policy.Request{
				Principal: c.caller, Context: c.context, Action: "s3:GetObject", Resource: object, ResourceAccount: c.owner,
			}, c.policies)
			if got.Verdict != c.want {
				t.Errorf("got %v by %s, want %v", got.Verdict, got.Source, c.want)
			}
		})
	}
}

func TestAccountOfTheResource(t *testing.T) {
	policies := policy.Policies{Identity: documents(statements(t, allowAll))}
	for _, c := range []struct {
		resource, owner string
		want            policy.Verdict
	}{
		{"arn:aws:sqs:us-east-1:123456789012:q", "", policy.Allowed},
		{"arn:aws:sqs:us-east-1:999988887777:q", "", policy.ImplicitlyDenied},
		{"arn:aws:sqs:us-east-1:999988887777:q", account, policy.Allowed},
		{"arn:aws:s3:::b", "", policy.Allowed},
		{"arn:aws:s3:::b", "999988887777", policy.ImplicitlyDenied},
		{"*", "", policy.Allowed},
		{"::::999988887777", "", policy.Allowed},
		{"x:aws:sqs:us-east-1:999988887777:q", "", policy.Allowed},
	} {
		got := policy.Evaluate(policy.Request{Principal: alice, Action: "a:b", Resource: c.resource, ResourceAccount: c.owner}, policies)
		if got.Verdict != c.want {
			t.Errorf("%s of %q: got %v, want %v", c.resource, c.owner, got.Verdict, c.want)
		}
	}
}

// TestPoliciesThatMustAllow has the two kinds of resources whose policy must allow although the caller is of the same account.
func TestPoliciesThatMustAllow(t *testing.T) {
	const (
		roleARN = "arn:aws:iam::123456789012:role/target"
		keyARN  = "arn:aws:kms:us-east-1:123456789012:key/k"
	)
	all := documents(statements(t, allowAll))
	for _, c := range []struct {
		name, action, resource string
		principal              string // of the resource's policy, "" for none at all
		identity               []*policy.Document
		want                   policy.Verdict
	}{
		{"trust names the user", "sts:AssumeRole", roleARN, awsPrincipal(alice), nil, policy.Allowed},
		{"trust names the account", "sts:AssumeRole", roleARN, awsPrincipal(account), nil, policy.ImplicitlyDenied},
		{"trust names the account, identity allows", "sts:AssumeRole", roleARN, awsPrincipal(root), all, policy.Allowed},
		{"trust names another, identity allows", "sts:AssumeRole", roleARN, awsPrincipal(bob), all, policy.ImplicitlyDenied},
		{"trust names another, tags", "sts:tagsession", roleARN, awsPrincipal(bob), all, policy.ImplicitlyDenied},
		{"trust names another, source identity", "sts:SetSourceIdentity", roleARN, awsPrincipal(bob), all, policy.ImplicitlyDenied},
		{"trust names another, an action without role", "sts:GetFederationToken", roleARN, awsPrincipal(bob), all, policy.Allowed},
		{"trust unknown", "sts:AssumeRole", roleARN, "", all, policy.Allowed},
		{"key names the user", "kms:Decrypt", keyARN, awsPrincipal(alice), nil, policy.Allowed},
		{"key names the account", "kms:Decrypt", keyARN, awsPrincipal(account), nil, policy.ImplicitlyDenied},
		{"key names the account, identity allows", "kms:Decrypt", keyARN, awsPrincipal(account), all, policy.Allowed},
		{"key names another, identity allows", "KMS:Decrypt", keyARN, awsPrincipal(bob), all, policy.ImplicitlyDenied},
		{"key policy unknown", "kms:Decrypt", keyARN, "", all, policy.Allowed},
		{"bucket names another, identity allows", "s3:GetObject", object, awsPrincipal(bob), all, policy.Allowed},
	} {
		t.Run(c.name, func(t *testing.T) {
			policies := policy.Policies{Identity: c.identity}
			if c.principal != "" {
				policies.Resource = granting(t, c.principal)
			}
			got := policy.Evaluate(policy.Request{Principal: alice, Action: c.action, Resource: c.resource}, policies)
			if got.Verdict != c.want {
				t.Errorf("got %v by %s, want %v", got.Verdict, got.Source, c.want)
			}
		})
	}
}

func TestNotPrincipal(t *testing.T) {
	everyone := `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`
	deny := func(principals string) *policy.Document {
		return statements(t, everyone, `{"Effect":"Deny","NotPrincipal":`+principals+`,"Action":"*","Resource":"*"}`)
	}
	allow := func(principals string) *policy.Document {
		return statements(t, `{"Effect":"Allow","NotPrincipal":`+principals+`,"Action":"*","Resource":"*"}`)
	}
	aliceAndRoot := `{"AWS":["` + alice + `","` + root + `"]}`
	for _, c := range []struct {
		name, caller string
		resource     *policy.Document
		want         policy.Verdict
	}{
		{"spared", alice, deny(aliceAndRoot), policy.Allowed},
		{"spared, root", root, deny(aliceAndRoot), policy.Allowed},
		{"another of the account", bob, deny(aliceAndRoot), policy.ExplicitlyDenied},
		{"of another account", foreign, deny(aliceAndRoot), policy.ExplicitlyDenied},
		{"a service", "lambda.amazonaws.com", deny(aliceAndRoot), policy.ExplicitlyDenied},
		{"the service spared", "lambda.amazonaws.com", deny(`{"Service":"lambda.amazonaws.com"}`), policy.Allowed},
		{"a session of the role", session, deny(awsPrincipal(appRole)), policy.ExplicitlyDenied},
		{"the session itself", session, deny(`{"AWS":["` + session + `","` + appRole + `"]}`), policy.Allowed},
		{"the role itself", appRole, deny(awsPrincipal(appRole)), policy.Allowed},
		{"everyone spared", bob, deny(`"*"`), policy.Allowed},
		{"allows others", bob, allow(awsPrincipal(alice)), policy.Allowed},
		{"doesn't allow whom it names", alice, allow(awsPrincipal(alice)), policy.ImplicitlyDenied},
		{"doesn't allow of the account it names", bob, allow(awsPrincipal(root)), policy.ImplicitlyDenied},
		{"doesn't allow sessions of the role it names", session, allow(awsPrincipal(appRole)), policy.ImplicitlyDenied},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := policy.Evaluate(policy.Request{Principal: c.caller, Action: "s3:GetObject", Resource: object, ResourceAccount: account},
				policy.Policies{Resource: c.resource, Identity: documents(statements(t))})
			if got.Verdict != c.want {
				t.Errorf("got %v, want %v", got.Verdict, c.want)
			}
		})
	}
}

// TestDenyByPrincipal has denials of the resource that reach the caller through its account, its role or its own ARN.
func TestDenyByPrincipal(t *testing.T) {
	for _, c := range []struct {
		principal string
		want      policy.Verdict
	}{
		{`"*"`, policy.ExplicitlyDenied},
		{awsPrincipal(account), policy.ExplicitlyDenied},
		{awsPrincipal(root), policy.ExplicitlyDenied},
		{awsPrincipal(appRole), policy.ExplicitlyDenied},
		{awsPrincipal(session), policy.ExplicitlyDenied},
		{awsPrincipal(session + "2"), policy.Allowed},
		{awsPrincipal(alice), policy.Allowed},
		{`{"Service":"lambda.amazonaws.com"}`, policy.Allowed},
		{`{"AWS":[]}`, policy.Allowed},
		{`{}`, policy.Allowed},
	} {
		got := policy.Evaluate(policy.Request{Principal: session, Context: sessionContext(appRole), Action: "s3:GetObject", Resource: object},
			policy.Policies{
				Identity: documents(statements(t, allowAll)),
				Resource: statements(t, `{"Effect":"Deny","Principal":`+c.principal+`,"Action":"*","Resource":"*"}`),
			})
		if got.Verdict != c.want {
			t.Errorf("%s: got %v, want %v", c.principal, got.Verdict, c.want)
		}
	}
}

// TestStatementsInTheWrongPlace has principals where none belong and none where one does: they deny, but allow nothing.
func TestStatementsInTheWrongPlace(t *testing.T) {
	request := policy.Request{Principal: alice, Action: "s3:GetObject", Resource: object}
	everyone := documents(granting(t, `"*"`))
	for name, policies := range map[string]policy.Policies{
		"identity": {Identity: everyone},
		"boundary": {Identity: documents(statements(t, allowAll)), Boundary: everyone[0]},
		"session":  {Identity: documents(statements(t, allowAll)), Session: everyone},
		"SCP":      {Identity: documents(statements(t, allowAll)), SCPs: [][]*policy.Document{everyone}},
		"resource": {Resource: statements(t, allowAll)},
	} {
		if got := policy.Evaluate(request, policies); got.Verdict != policy.ImplicitlyDenied {
			t.Errorf("%s: got %v", name, got.Verdict)
		}
	}
	denying := statements(t, allowAll, `{"Effect":"Deny","Principal":{"AWS":"`+bob+`"},"Action":"*","Resource":"*"}`)
	if got := policy.Evaluate(request, policy.Policies{Identity: documents(denying)}); got.Verdict != policy.ExplicitlyDenied {
		t.Errorf("identity, denying: got %v", got.Verdict)
	}
	if got := policy.Evaluate(request, policy.Policies{Resource: statements(t, denyAll)}); got.Verdict != policy.ExplicitlyDenied {
		t.Errorf("resource, denying: got %v", got.Verdict)
	}
}

func TestNotActionAndNotResource(t *testing.T) {
	for _, c := range []struct {
		statement string
		want      policy.Verdict
	}{
		{`{"Effect":"Allow","NotAction":["iam:*","sts:*"],"Resource":"*"}`, policy.Allowed},
		{`{"Effect":"Allow","NotAction":["iam:*","S3:get*"],"Resource":"*"}`, policy.ImplicitlyDenied},
		{`{"Effect":"Allow","Action":"*","NotResource":["arn:aws:s3:::other/*","arn:aws:s3:::data-bucket"]}`, policy.Allowed},
		{`{"Effect":"Allow","Action":"*","NotResource":["arn:aws:s3:::other/*","arn:aws:s3:::data-bucket/*"]}`, policy.ImplicitlyDenied},
		{`{"Effect":"Allow","NotAction":"iam:*","NotResource":"arn:aws:s3:::other/*"}`, policy.Allowed},
		{`{"Effect":"Allow","Action":[],"Resource":"*"}`, policy.ImplicitlyDenied},
		{`{"Effect":"Allow","Action":"*","Resource":[]}`, policy.ImplicitlyDenied},
		{`{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::${aws:username}/*"}`, policy.Allowed},
	} {
		got := policy.Evaluate(policy.Request{Principal: alice, Action: "s3:GetObject", Resource: object},
			policy.Policies{Identity: documents(statements(t, c.statement))})
		if got.Verdict != c.want {
			t.Errorf("%s: got %v, want %v", c.statement, got.Verdict, c.want)
		}
	}
}

func TestClosestRelationCounts(t *testing.T) {
	both := statements(t,
		`{"Sid":"account","Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"*","Resource":"*"}`,
		`{"Sid":"role","Effect":"Allow","Principal":{"AWS":"`+appRole+`"},"Action":"*","Resource":"*"}`,
		`{"Sid":"session","Effect":"Allow","Principal":{"AWS":"`+session+`"},"Action":"s3:GetObject","Resource":"*"}`)
	silent := statements(t)
	for action, want := range map[string]policy.Verdict{"s3:GetObject": policy.Allowed, "s3:PutObject": policy.ImplicitlyDenied} {
		got := policy.Evaluate(policy.Request{Principal: session, Action: action, Resource: object}, policy.Policies{Resource: both, Boundary: silent})
		if got.Verdict != want {
			t.Errorf("%s: got %v, want %v", action, got.Verdict, want)
		}
	}
}

func TestFirstOfEquallyCloseStatementsIsNamed(t *testing.T) {
	d := policy.Evaluate(policy.Request{Principal: alice, Action: "s3:GetObject", Resource: object}, policy.Policies{Resource: statements(t,
		`{"Sid":"account","Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"*","Resource":"*"}`,
		`{"Sid":"first","Effect":"Allow","Principal":{"AWS":"`+alice+`"},"Action":"*","Resource":"*"}`,
		`{"Sid":"second","Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`)})
	if d.Statement == nil || d.Statement.Sid != "first" {
		t.Errorf("got %+v", d.Statement)
	}
}
