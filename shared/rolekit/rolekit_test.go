package rolekit_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/arngate/arngate/shared/policy"
	"github.com/arngate/arngate/shared/rolekit"
)

const (
	gateway  = "arn:aws:iam::999988887777:role/arngate-gateway"
	other    = "arn:aws:iam::999988887777:role/other"
	customer = "arn:aws:iam::123456789012:role/skuid-assumable-role/site"
	siteA    = "6f1c1a52-52a4-4b39-9f0e-0a4f0a4f5b1a"
	siteB    = "7d2d2b63-63b5-4c4a-8a1f-1b5a1b5a6c2b"
)

// assume asks whether session, of a role that may assume anything, may do action on the customer's role.
func assume(t rapid.TB, trust, role, action string, context policy.Context) policy.Verdict {
	t.Helper()
	resource, err := policy.Parse([]byte(trust))
	if err != nil {
		t.Fatal(err)
	}
	identity, err := policy.Parse([]byte(`{"Statement":{"Effect":"Allow","Action":"sts:*","Resource":"*"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if context == nil {
		context = policy.Context{}
	}
	context["aws:PrincipalArn"] = []string{role}
	return policy.Evaluate(policy.Request{
		Action: action, Resource: customer, ResourceAccount: "123456789012", Context: context,
		Principal: "arn:aws:sts::999988887777:assumed-role/" + role[len("arn:aws:iam::999988887777:role/"):] + "/s",
	}, policy.Policies{Identity: []*policy.Document{identity}, Resource: resource}).Verdict
}

func externalID(values ...string) policy.Context { return policy.Context{"sts:ExternalId": values} }

func TestTrap10TrustPolicyDemandsTheExternalID(t *testing.T) {
	one := rolekit.TrustPolicy(gateway, []string{siteA})
	two := rolekit.TrustPolicy(gateway, []string{siteA, siteB})
	for _, c := range []struct {
		name, trust, role, action string
		context                   policy.Context
		want                      policy.Verdict
	}{
		{"right", one, gateway, "sts:AssumeRole", externalID(siteA), policy.Allowed},
		{"another site's", one, gateway, "sts:AssumeRole", externalID(siteB), policy.ImplicitlyDenied},
		{"missing", one, gateway, "sts:AssumeRole", nil, policy.ImplicitlyDenied},
		{"empty", one, gateway, "sts:AssumeRole", externalID(""), policy.ImplicitlyDenied},
		{"longer", one, gateway, "sts:AssumeRole", externalID(siteA + "x"), policy.ImplicitlyDenied},
		{"first of two", two, gateway, "sts:AssumeRole", externalID(siteA), policy.Allowed},
		{"second of two", two, gateway, "sts:AssumeRole", externalID(siteB), policy.Allowed},
		{"neither of two", two, gateway, "sts:AssumeRole", externalID("x"), policy.ImplicitlyDenied},
		{"no site", rolekit.TrustPolicy(gateway, nil), gateway, "sts:AssumeRole", externalID(siteA), policy.ImplicitlyDenied},
		{"another role", one, other, "sts:AssumeRole", externalID(siteA), policy.ImplicitlyDenied},
		{"tags", one, gateway, "sts:TagSession", nil, policy.Allowed},
		{"source identity", one, gateway, "sts:SetSourceIdentity", nil, policy.Allowed},
		{"tags of another role", one, other, "sts:TagSession", nil, policy.ImplicitlyDenied},
		{"by SAML", one, gateway, "sts:AssumeRoleWithSAML", externalID(siteA), policy.ImplicitlyDenied},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := assume(t, c.trust, c.role, c.action, c.context); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestTrap23bSitesAreInert(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		site := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a*?$"'{}\\<]{1,12}`), rapid.Just("${sts:ExternalId}")).Draw(t, "site")
		given := rapid.OneOf(rapid.Just(site), rapid.Just("a"), rapid.String()).Draw(t, "given")
		want := policy.ImplicitlyDenied
		if given == site {
			want = policy.Allowed
		}
		if got := assume(t, rolekit.TrustPolicy(gateway, []string{site}), gateway, "sts:AssumeRole", externalID(given)); got != want {
			t.Errorf("site %q, ExternalId %q: got %v, want %v", site, given, got, want)
		}
	})
}

func TestTrustPolicyShape(t *testing.T) {
	var got any
	if err := json.Unmarshal([]byte(rolekit.TrustPolicy(gateway, []string{siteA, siteB})), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"Version": "2012-10-17",
		"Statement": []any{
			map[string]any{
				"Effect": "Allow", "Principal": map[string]any{"AWS": gateway}, "Action": "sts:AssumeRole",
				"Condition": map[string]any{"StringEquals": map[string]any{"sts:ExternalId": []any{siteA, siteB}}},
			},
			map[string]any{
				"Effect": "Allow", "Principal": map[string]any{"AWS": gateway},
				"Action": []any{"sts:TagSession", "sts:SetSourceIdentity"},
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("trust policy (-want +got):\n%s", diff)
	}
}
