package demosite

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
)

// Providers besides [Provider], whose role may not write to [Archive], for audits to say something about.
const (
	GoodProvider  = "accounting" // may do what its connection needs, and nothing else
	BroadProvider = "marketing"  // may do much more
	OpenProvider  = "legacy"     // trusts everybody
)

// audited is a provider with a role and a connection.
type audited struct {
	provider   string
	status     string // what verify finds
	connection map[string]any
	trust      string // in place of the one that the provider asks for; empty: that one
	excess     string // policy beside what the kit grants; empty: none
}

// everyone is a trust policy that lets anybody in, from any account.
const everyone = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`

// generous is what somebody granted to be done with it.
const generous = `{"Version":"2012-10-17","Statement":[` +
	`{"Sid":"Campaigns","Effect":"Allow","Action":["s3:*","dynamodb:*"],"Resource":"*"},` +
	`{"Sid":"Deploy","Effect":"Allow","Action":["iam:PassRole","lambda:UpdateFunctionCode"],"Resource":"*"}]}`

func allAudited() []audited {
	bucket := func(name, prefix string) []map[string]any { return []map[string]any{{"name": name, "prefix": prefix}} }
	return []audited{
		{provider: GoodProvider, status: "ready", connection: map[string]any{
			"name": "invoices", "connector": "s3", "buckets": bucket(Bucket, "reports/"), "groups": []string{"accounting"}, "read_only": true,
		}},
		{provider: BroadProvider, status: "ready", excess: generous, connection: map[string]any{
			"name": "campaigns", "connector": "dynamodb", "tables": []string{Table}, "groups": []string{"marketing"}, "read_only": true,
		}},
		{provider: OpenProvider, status: "unsafe", trust: everyone, connection: map[string]any{
			"name": "old-files", "connector": "s3", "buckets": bucket(Archive, "photos/"), "groups": []string{"archive"}, "read_only": true,
		}},
	}
}

// AddAudited adds the providers for audits to say something about: one whose role is good, one whose role may do more than it
// needs, one whose role anybody may assume. The demo must have been created. It returns when all are verified.
func AddAudited(ctx context.Context, o Options) error {
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	customer, site := newCustomer(o.Customer), siteAPI{base: o.API, token: o.AdminToken, client: o.Client}
	for _, a := range allAudited() {
		if err := a.create(ctx, customer, site); err != nil {
			return fmt.Errorf("add provider %s: %w", a.provider, err)
		}
	}
	return nil
}

// create names the provider, says what it is for, makes its role by the kit, and has it verified.
func (a audited) create(ctx context.Context, c customer, site siteAPI) error {
	body := map[string]any{"name": a.provider, "method": "assume_role"}
	if err := site.call(ctx, http.MethodPost, "/v1/providers", body, nil); err != nil {
		return err
	}
	a.connection["provider"], a.connection["region"] = a.provider, Region
	if err := site.call(ctx, http.MethodPost, "/v1/connections", a.connection, nil); err != nil {
		return err
	}
	kit, err := site.roleKit(ctx, a.provider)
	if err != nil {
		return err
	}
	arn, err := c.createKitRole(ctx, kit, a)
	if err != nil {
		return err
	}
	return site.useRole(ctx, a.provider, arn, a.status)
}

// kit is what a role is to be created with.
type kit struct {
	RoleName         string          `json:"role_name"`
	RolePath         string          `json:"role_path"`
	TrustPolicy      json.RawMessage `json:"trust_policy"`
	PolicyName       string          `json:"policy_name"`
	PermissionPolicy json.RawMessage `json:"permission_policy"`
}

func (s siteAPI) roleKit(ctx context.Context, provider string) (kit, error) {
	var out kit
	query := url.Values{"format": {"json"}, "audit": {"true"}, "account": {Account}}
	err := s.call(ctx, http.MethodGet, "/v1/providers/"+provider+"/role-kit?"+query.Encode(), nil, &out)
	return out, err
}

func (c customer) createKitRole(ctx context.Context, k kit, a audited) (arn string, err error) {
	trust := a.trust
	if trust == "" {
		trust = string(k.TrustPolicy)
	}
	made, err := c.iam.CreateRole(ctx, &awsiam.CreateRoleInput{RoleName: &k.RoleName, Path: &k.RolePath, AssumeRolePolicyDocument: &trust})
	if err != nil {
		return "", fmt.Errorf("create role: %w", err)
	}
	for name, document := range map[string]string{k.PolicyName: string(k.PermissionPolicy), "generous": a.excess} {
		if document == "" {
			continue
		}
		_, err := c.iam.PutRolePolicy(ctx, &awsiam.PutRolePolicyInput{RoleName: &k.RoleName, PolicyName: &name, PolicyDocument: &document})
		if err != nil {
			return "", fmt.Errorf("put role policy: %w", err)
		}
	}
	return aws.ToString(made.Role.Arn), nil
}
