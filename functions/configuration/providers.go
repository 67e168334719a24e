package configuration

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/sync/errgroup"

	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/rolekit"
	"github.com/arngate/arngate/shared/seal"
)

// providerBody is a provider as a person writes it.
type providerBody struct {
	Name            string      `json:"name,omitzero" doc:"1 to 63 letters, digits, _ or -, beginning with a letter; with PUT it may be left out" example:"demo"`
	Method          string      `json:"method" enum:"assume_role,access_keys" doc:"How the site authenticates to AWS" example:"assume_role"`
	RoleARN         string      `json:"role_arn,omitzero" doc:"Role to assume; may come later" example:"arn:aws:iam::444455556666:role/skuid-assumable-role/arngate-demo"`
	AccessKeyID     string      `json:"access_key_id,omitzero" doc:"Long-lived access key of an IAM user"`
	SecretAccessKey seal.Secret `json:"secret_access_key,omitzero" writeOnly:"true" doc:"Write-only. With PUT and the same access_key_id it may be left out"`
	Scoping         string      `json:"scoping,omitzero" enum:"none" doc:"none: access keys whose policy doesn't allow GetFederationToken; every audit reports it"`
}

// Provider is a provider as it is answered: never with a secret.
type Provider struct {
	Name             string          `json:"name"`
	Method           string          `json:"method" enum:"assume_role,access_keys"`
	RoleARN          string          `json:"role_arn,omitzero"`
	AccessKeyID      string          `json:"access_key_id,omitzero"`
	AccessKeySince   time.Time       `json:"access_key_since,omitzero" doc:"When the access key was entered"`
	AccessKeyAgeDays *int            `json:"access_key_age_days,omitempty" doc:"Whole days since then; rotate keys before they are 90 days old"`
	Scoping          string          `json:"scoping,omitzero"`
	Status           string          `json:"status" enum:"awaiting_role,unverified,ready,unsafe,unusable"`
	StatusReason     string          `json:"status_reason,omitzero" doc:"Why it is not ready"`
	Account          string          `json:"account,omitzero" doc:"AWS account, as verify saw it"`
	Trace            string          `json:"trace,omitzero" enum:"full,name" doc:"What of a caller the role lets AWS record"`
	VerifiedAt       time.Time       `json:"verified_at,omitzero"`
	RolePath         string          `json:"role_path,omitzero" doc:"Segment that the role's path must contain"`
	TrustPolicy      json.RawMessage `json:"trust_policy,omitempty" doc:"Trust policy to create the role with"`
	CreatedAt        time.Time       `json:"created_at"`
	UpdatedAt        time.Time       `json:"updated_at"`
}

type providerOutput struct {
	ETag string `header:"ETag"`
	Body Provider
}

type providersOutput struct{ Body httpapi.Page[Provider] }

func registerProviders(api *httpapi.API, deps Deps) {
	p := providers{deps}
	tags := []string{"providers"}
	httpapi.Register(api, httpapi.Operation{
		ID: "list-providers", Method: http.MethodGet, Path: "/v1/providers", Scopes: adminOnly, Tags: tags,
		Summary: "List providers", Description: "The site's authentication providers by name.",
	}, p.list)
	httpapi.Register(api, httpapi.Operation{
		ID: "create-provider", Method: http.MethodPost, Path: "/v1/providers", Scopes: adminOnly, Tags: tags, Status: http.StatusCreated,
		Summary: "Create a provider",
		Description: "Name it first, without a role: the answer holds the trust policy to create the role with. " +
			"Then add the role's ARN with PUT, and verify. No connection uses a provider before verify has passed.",
		Problems:       []problem.Code{problem.NameTaken, problem.RoleARNInvalid},
		RequestExample: map[string]any{"name": "sales", "method": "assume_role"},
	}, p.create)
	httpapi.Register(api, httpapi.Operation{
		ID: "get-provider", Method: http.MethodGet, Path: "/v1/providers/{name}", Scopes: adminOnly, Tags: tags,
		Summary: "Read a provider", Description: "With its status, what the last verify saw, and its trust policy.",
		Problems: []problem.Code{problem.ProviderNotFound},
	}, p.read)
	httpapi.Register(api, httpapi.Operation{
		ID: "replace-provider", Method: http.MethodPut, Path: "/v1/providers/{name}", Scopes: adminOnly, Tags: tags,
		Summary:        "Replace a provider",
		Description:    "Any change makes it unverified, and credentials minted before unreachable. If-Match is honoured.",
		Problems:       changeProblems(problem.ProviderNotFound, problem.RoleARNInvalid),
		RequestExample: map[string]any{"method": "assume_role", "role_arn": "arn:aws:iam::444455556666:role/skuid-assumable-role/arngate-demo"},
	}, p.replace)
	httpapi.Register(api, httpapi.Operation{
		ID: "delete-provider", Method: http.MethodDelete, Path: "/v1/providers/{name}", Scopes: adminOnly, Tags: tags,
		Summary: "Delete a provider", Description: "Refused while connections use it. If-Match is honoured.",
		Problems: changeProblems(problem.ProviderNotFound, problem.ProviderInUse),
	}, p.delete)
	registerRoleKit(api, p)
	registerAccessKey(api, p)
	registerRevoke(api, p)
}

type providers struct{ deps Deps }

func (p providers) list(ctx context.Context, in *struct{ httpapi.PageQuery }) (*providersOutput, error) {
	site := httpapi.Caller(ctx).Site
	var (
		page   []registry.Provider
		next   string
		states map[string]registry.State
	)
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		page, next, err = p.deps.Registry.Providers(ctx, site, in.Cursor, in.Limit)
		return err
	})
	both.Go(func() (err error) {
		states, err = p.deps.Registry.States(ctx, site)
		return err
	})
	if err := both.Wait(); err != nil {
		return nil, err
	}
	out := providersOutput{Body: httpapi.Page[Provider]{Items: make([]Provider, 0, len(page)), NextCursor: next}}
	for _, stored := range page {
		out.Body.Items = append(out.Body.Items, p.view(stored, states[stored.Name]))
	}
	return &out, nil
}

func (p providers) create(ctx context.Context, in *struct{ Body providerBody }) (*providerOutput, error) {
	entry, err := p.entry(httpapi.Caller(ctx).Site, in.Body.Name, in.Body, true)
	if err != nil {
		return nil, err
	}
	if err := p.seal(ctx, &entry, in.Body.SecretAccessKey); err != nil {
		return nil, err
	}
	stored, err := p.deps.Registry.CreateProvider(ctx, entry)
	if err != nil {
		return nil, refusal(err, problem.ProviderNotFound)
	}
	return p.output(stored, registry.State{}), nil
}

func (p providers) read(ctx context.Context, in *Named) (*providerOutput, error) {
	stored, state, err := p.find(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	return p.output(stored, state), nil
}

// find reads the caller's provider of that name, and what was last observed of it.
func (p providers) find(ctx context.Context, name string) (registry.Provider, registry.State, error) {
	site := httpapi.Caller(ctx).Site
	stored, err := p.deps.Registry.Provider(ctx, site, name)
	if err != nil {
		return registry.Provider{}, registry.State{}, refusal(err, problem.ProviderNotFound)
	}
	state, err := p.deps.Registry.State(ctx, site, name)
	return stored, state, err
}

type replaceProvider struct {
	Named
	httpapi.IfMatch
	Body providerBody
}

func (p providers) replace(ctx context.Context, in *replaceProvider) (*providerOutput, error) {
	entry, err := p.entry(httpapi.Caller(ctx).Site, in.Name, in.Body, false)
	if err != nil {
		return nil, err
	}
	on := registry.Condition(in.Match)
	if in.Body.SecretAccessKey.Empty() && entry.Method == registry.AccessKeys {
		on, err = p.keepSecret(ctx, &entry, in.IfMatch)
	} else {
		err = p.seal(ctx, &entry, in.Body.SecretAccessKey)
	}
	if err != nil {
		return nil, err
	}
	stored, err := p.deps.Registry.UpdateProvider(ctx, entry, on)
	if err != nil {
		return nil, refusal(err, problem.ProviderNotFound)
	}
	return p.output(stored, registry.State{}), nil
}

type deleteNamed struct {
	Named
	httpapi.IfMatch
}

func (p providers) delete(ctx context.Context, in *deleteNamed) (*struct{}, error) {
	err := p.deps.Registry.DeleteProvider(ctx, httpapi.Caller(ctx).Site, in.Name, in.Match)
	if err != nil {
		return nil, refusal(err, problem.ProviderNotFound)
	}
	return &struct{}{}, nil
}

// entry is the registry's form of a valid body, without its secret. A new provider with access keys needs one.
func (p providers) entry(site, name string, body providerBody, isNew bool) (registry.Provider, error) {
	entry := registry.Provider{
		Site: site, Name: name, Method: registry.Method(body.Method),
		RoleARN: body.RoleARN, AccessKeyID: body.AccessKeyID, Scoping: body.Scoping,
	}
	faults := faultsOf(entry.Validate(p.deps.Partition, p.deps.RolePath), name, body.Name)
	if entry.Method != registry.AccessKeys && !body.SecretAccessKey.Empty() {
		faults = append(faults, problem.Fault{Pointer: "/secret_access_key", Message: "belongs to method access_keys"})
	}
	if entry.Method == registry.AccessKeys && isNew && body.SecretAccessKey.Empty() {
		faults = append(faults, noSecret())
	}
	if len(faults) == 0 {
		return entry, nil
	}
	invalid := problem.Invalid(faults...)
	if len(faults) == 1 && faults[0].Pointer == "/role_arn" && entry.Method == registry.AssumeRole {
		invalid = problem.New(problem.RoleARNInvalid, "Arngate can't assume a role with this ARN.").
			WithHint("Create the role under the path " + p.deps.RolePath + " and copy its whole ARN.")
		invalid.Faults = faults
	}
	return registry.Provider{}, invalid
}

// seal encrypts the secret into the entry. Without one where one belongs it is a fault.
func (p providers) seal(ctx context.Context, entry *registry.Provider, secret seal.Secret) error {
	if entry.Method != registry.AccessKeys {
		return nil
	}
	if secret.Empty() {
		return problem.Invalid(noSecret())
	}
	sealed, err := p.deps.Vault.EncryptSecret(ctx, entry.Site, entry.Name, secret)
	if err != nil {
		return err
	}
	entry.SealedSecret = sealed
	return nil
}

func noSecret() problem.Fault {
	return problem.Fault{Pointer: "/secret_access_key", Message: "is required with a new access_key_id"}
}

// keepSecret takes over the stored secret of the same access key. The condition it returns binds the write to the revision
// that the secret was read from, besides the request's own condition.
func (p providers) keepSecret(ctx context.Context, entry *registry.Provider, asked httpapi.IfMatch) (registry.Condition, error) {
	stored, err := p.deps.Registry.Provider(ctx, entry.Site, entry.Name)
	if err != nil {
		return nil, refusal(err, problem.ProviderNotFound)
	}
	if stored.AccessKeyID != entry.AccessKeyID {
		return nil, problem.Invalid(noSecret())
	}
	entry.SealedSecret = stored.SealedSecret
	return func(revision string) bool { return revision == stored.Revision && asked.Match(revision) }, nil
}

func (p providers) output(stored registry.Provider, state registry.State) *providerOutput {
	return &providerOutput{ETag: httpapi.ETag(stored.Revision), Body: p.view(stored, state)}
}

// view shows a stored provider with what was observed of it. What was observed of another revision isn't shown.
func (p providers) view(stored registry.Provider, state registry.State) Provider {
	shown := Provider{
		Name: stored.Name, Method: string(stored.Method), RoleARN: stored.RoleARN, AccessKeyID: stored.AccessKeyID, Scoping: stored.Scoping,
		Status: string(stored.Status(state)), CreatedAt: stored.Created, UpdatedAt: stored.Updated,
	}
	if stored.Method == registry.AssumeRole {
		shown.RolePath = p.deps.RolePath
		shown.TrustPolicy = json.RawMessage(rolekit.TrustPolicy(p.deps.GatewayRoleARN, []string{stored.Site}))
	}
	if !stored.KeySince.IsZero() {
		shown.AccessKeySince = stored.KeySince
		shown.AccessKeyAgeDays = aws.Int(int(time.Since(stored.KeySince) / (24 * time.Hour)))
	}
	if stored.Counts(state) {
		shown.StatusReason, shown.Account, shown.Trace, shown.VerifiedAt = state.Reason, state.Account, string(state.Trace), state.VerifiedAt
	}
	return shown
}
