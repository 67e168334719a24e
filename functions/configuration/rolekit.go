package configuration

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/rolekit"
)

const jsonFormat = "json"

type roleKitInput struct {
	Named

	Format   string   `query:"format" enum:"json,trust-policy,cli,cloudformation,terraform" default:"json" doc:"json: the documents; trust-policy: that alone; cli: a shell script for the AWS CLI; cloudformation: a template in YAML; terraform: a configuration for Terraform or OpenTofu"`
	RoleName string   `query:"role_name" doc:"Name for the role; that of the provider's role where there is one, else arngate- and the provider's name"`
	Account  string   `query:"account" doc:"Account the role will be in. Where the provider has no role yet, and this is missing, tables and functions are named in any account, as which they are reached only in the role's own" example:"444455556666"`
	Site     []string `query:"site,explode" maxItems:"50" doc:"Id of one more site that may assume the role; may be given several times"`
	Audit    bool     `query:"audit" doc:"Let the role read its own policies, so that audits find what it grants too much"`
	Policy   []string `query:"policy,explode" maxItems:"20" doc:"ARN of a managed policy, attached to the role or its boundary, that audits read too; may be given several times"`
	Origin   []string `query:"origin,explode" maxItems:"20" doc:"Origin whose pages use presigned URLs, for the buckets' CORS rules; may be given several times. None: those the API answers" example:"https://app.example"`
}

type roleKitOutput struct {
	ContentType string `header:"Content-Type" doc:"application/json, text/x-shellscript, application/yaml or text/plain, by format"`
	Body        []byte
}

func registerRoleKit(api *httpapi.API, p providers) {
	httpapi.Register(api, httpapi.Operation{
		ID: "get-role-kit", Method: http.MethodGet, Path: "/v1/providers/{name}/role-kit", Scopes: adminOnly, Tags: []string{"providers"},
		Summary: "What to create the provider's role with",
		Description: "For the AWS administrator: the trust policy, a permission policy for exactly the provider's connections (with the KMS keys they name), " +
			"the path, and what browsers' transfers and abandoned uploads want of the buckets. Ask again when connections have changed: each form brings the role up to date. " +
			"A provider with access keys has no role: its kit is the policy of its IAM user, as json.",
		Problems: []problem.Code{problem.ProviderNotFound, problem.ConnectionTooBroad},
		Forms: []httpapi.Media{
			{Type: "application/json", Body: json.RawMessage(nil), Example: exampleKit()},
			{Type: "text/x-shellscript"},
			{Type: "application/yaml", Body: json.RawMessage(nil)}, // readers of YAML see a document, not a text
			{Type: "text/plain"},
		},
	}, p.roleKit)
}

// exampleKit is the beginning of a kit's documents.
func exampleKit() map[string]any {
	return map[string]any{
		"role_name": "arngate-demo", "role_path": "/skuid-assumable-role/", "trust_policy": map[string]any{"Version": "2012-10-17"},
		"policy_name": rolekit.PolicyName, "permission_policy": map[string]any{"Version": "2012-10-17"},
	}
}

func (p providers) roleKit(ctx context.Context, in *roleKitInput) (*roleKitOutput, error) {
	stored, err := p.deps.Registry.Provider(ctx, httpapi.Caller(ctx).Site, in.Name)
	if err != nil {
		return nil, refusal(err, problem.ProviderNotFound)
	}
	limits, err := p.limitsOf(ctx, stored)
	if err != nil {
		return nil, err
	}
	if stored.Method == registry.AccessKeys {
		return p.userKit(in, limits)
	}
	options := p.kitOptions(in, stored, limits)
	if faults := kitFaults(options, in); len(faults) > 0 {
		return nil, problem.Invalid(faults...)
	}
	kit, err := rolekit.New(options)
	if err != nil {
		return nil, kitRefusal(err)
	}
	return renderKit(kit, in.Format)
}

// limitsOf are those of the connections that use the provider.
func (p providers) limitsOf(ctx context.Context, stored registry.Provider) ([]permissions.Limits, error) {
	var limits []permissions.Limits
	err := eachConnection(ctx, p.deps.Registry, stored.Site, func(c registry.Connection) {
		if c.Provider == stored.Name {
			limits = append(limits, c.Limits)
		}
	})
	return limits, err
}

// kitOptions is the role to make, or, unless another name is asked for, the one there is: its path and account can't be changed.
func (p providers) kitOptions(in *roleKitInput, stored registry.Provider, limits []permissions.Limits) rolekit.Options {
	o := rolekit.Options{
		Partition: p.deps.Partition, GatewayRoleARN: p.deps.GatewayRoleARN, RolePath: p.deps.RolePath, Account: in.Account,
		RoleName: cmp.Or(in.RoleName, defaultRoleName(stored.Name)), Sites: unique(append([]string{stored.Site}, in.Site...)),
		Limits: limits, Audit: in.Audit, Policies: unique(in.Policy), Origins: unique(in.Origin),
	}
	if len(o.Origins) == 0 {
		o.Origins = p.deps.Origins
	}
	role, err := registry.ParseRoleARN(stored.RoleARN, p.deps.Partition, p.deps.RolePath)
	if err == nil && (in.RoleName == "" || in.RoleName == role.Name) {
		o.RoleName, o.RolePath, o.Account = role.Name, role.Path, role.Account
	}
	return o
}

// defaultRoleName keeps to the 64 characters of a role's name: a provider's has at most 63.
func defaultRoleName(provider string) string {
	const longest = 64
	if name := "arngate-" + provider; len(name) <= longest {
		return name
	}
	return provider
}

// kitFaults are the faults of the parameters that the options come from.
func kitFaults(o rolekit.Options, in *roleKitInput) []problem.Fault {
	var faults []problem.Fault
	if in.Account != "" && in.Account != o.Account {
		faults = append(faults, problem.Fault{Pointer: "query.account", Message: "must be that of the provider's role, or be left out"})
	}
	for _, site := range in.Site {
		if !registry.ValidSite(site) {
			faults = append(faults, problem.Fault{Pointer: "query.site", Message: "must be the id of a site, a UUID"})
		}
	}
	for _, fault := range o.Validate() {
		if fault.Pointer != "site" { // a UUID is an ExternalId
			faults = append(faults, problem.Fault{Pointer: "query." + fault.Pointer, Message: fault.Message})
		}
	}
	return faults
}

func kitRefusal(err error) error {
	switch {
	case errors.Is(err, rolekit.ErrTooManySites):
		return problem.Invalid(problem.Fault{Pointer: "query.site", Message: "must be fewer: IAM takes no longer trust policy"})
	case errors.Is(err, permissions.ErrTooBroad):
		return problem.Wrap(problem.ConnectionTooBroad, "The policy for the provider's connections is longer than IAM takes.", err).
			WithHint("Spread the connections over several providers, with a role each.")
	case errors.Is(err, rolekit.ErrDynamicReference):
		return problem.Invalid(problem.Fault{
			Pointer: "query.format", Message: "can't be cloudformation here: it would take a name in a connection for a dynamic reference",
		})
	}
	return err
}

func renderKit(kit *rolekit.Kit, format string) (*roleKitOutput, error) {
	switch format {
	case "trust-policy":
		return &roleKitOutput{"application/json", []byte(kit.TrustPolicy())}, nil
	case "cli":
		return &roleKitOutput{"text/x-shellscript; charset=utf-8", []byte(kit.CLI())}, nil
	case "terraform":
		return &roleKitOutput{"text/plain; charset=utf-8", []byte(kit.Terraform())}, nil
	case "cloudformation":
		text, err := kit.CloudFormation()
		if err != nil {
			return nil, kitRefusal(err)
		}
		return &roleKitOutput{"application/yaml", []byte(text)}, nil
	}
	return &roleKitOutput{"application/json", []byte(kit.JSON())}, nil
}

// userKit is what there is for a provider with access keys.
func (p providers) userKit(in *roleKitInput, limits []permissions.Limits) (*roleKitOutput, error) {
	var faults []problem.Fault
	if in.Format != jsonFormat {
		faults = append(faults, problem.Fault{Pointer: "query.format", Message: "must be json: access keys have no role"})
	}
	if in.RoleName != "" {
		faults = append(faults, problem.Fault{Pointer: "query.role_name", Message: "must be left out: access keys have no role"})
	}
	if len(faults) > 0 {
		return nil, problem.Invalid(faults...)
	}
	policy, err := rolekit.UserPolicy(limits, p.deps.Partition, in.Account)
	if err != nil {
		return nil, kitRefusal(err)
	}
	body, err := json.MarshalIndent(map[string]any{"policy_name": rolekit.PolicyName, "permission_policy": json.RawMessage(policy)}, "", "  ")
	return &roleKitOutput{"application/json", append(body, '\n')}, err
}

// unique keeps the first of equal values.
func unique(values []string) []string {
	var out []string
	for _, v := range values {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
