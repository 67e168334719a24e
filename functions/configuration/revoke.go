package configuration

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/rolekit"
)

type revokeOutput struct {
	ETag string `header:"ETag"`
	Body revoked
}

// revoked is the provider after revocation, and how to end what is already out.
type revoked struct {
	provider
	RevokedAt     time.Time       `json:"revoked_at" doc:"Credentials issued before are not used any more"`
	DenyPolicy    json.RawMessage `json:"deny_policy" doc:"Attached to the role or user, ends sessions issued before: what presigned URLs and instances that remember them for 30 s still hold"`
	AttachCommand string          `json:"attach_command,omitzero" doc:"For the AWS CLI: attaches that policy to the role"`
}

func registerRevoke(api *httpapi.API, p providers) {
	httpapi.Register(api, httpapi.Operation{
		ID: "revoke-credentials", Method: http.MethodDelete, Path: "/v1/providers/{name}/credentials", Scopes: adminOnly, Tags: []string{"providers"},
		Summary: "Revoke a provider's credentials", Status: http.StatusOK,
		Description: "Every set of credentials minted before becomes unreachable, within 30 seconds on instances that remember it. " +
			"AWS itself ends what is out, such as presigned URLs, once the deny policy is attached. If-Match is honoured.",
		Problems: changeProblems(problem.ProviderNotFound),
	}, p.revoke)
}

func (p providers) revoke(ctx context.Context, in *deleteNamed) (*revokeOutput, error) {
	renewed, err := p.renew(ctx, in)
	if err != nil {
		return nil, refusal(err, problem.ProviderNotFound)
	}
	out := revoked{
		provider: p.view(renewed, registry.State{}), RevokedAt: renewed.Updated,
		DenyPolicy: json.RawMessage(rolekit.RevokePolicy(renewed.Updated)),
	}
	if role, err := registry.ParseRoleARN(renewed.RoleARN, p.deps.Partition, p.deps.RolePath); err == nil {
		out.AttachCommand = rolekit.Command("aws", "iam", "put-role-policy", "--role-name="+role.Name,
			"--policy-name="+rolekit.RevokePolicyName, "--policy-document="+string(out.DenyPolicy))
	}
	return &revokeOutput{ETag: renewed.ETag(), Body: out}, nil
}

// renew saves the provider as it is, under a new revision. Without If-Match, a save of somebody else's in between is taken up.
func (p providers) renew(ctx context.Context, in *deleteNamed) (registry.Provider, error) {
	const attempts = 4
	for attempt := 1; ; attempt++ {
		stored, err := p.deps.Registry.Provider(ctx, httpapi.Caller(ctx).Site, in.Name)
		if err != nil {
			return registry.Provider{}, err
		}
		if !in.Match(stored.Revision) {
			return registry.Provider{}, registry.ErrETagMismatch
		}
		renewed, err := p.deps.Registry.UpdateProvider(ctx, stored, stored.ETag())
		if !errors.Is(err, registry.ErrETagMismatch) || attempt == attempts {
			return renewed, err
		}
	}
}
