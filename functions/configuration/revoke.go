package configuration

import (
	"context"
	"encoding/json"
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
	Provider
	RevokedAt     time.Time       `json:"revoked_at" doc:"Credentials issued before are not used any more"`
	DenyPolicy    json.RawMessage `json:"deny_policy" doc:"Attached to the role or user, ends sessions issued before: what presigned URLs and instances that remember them for 30 s still hold"`
	AttachCommand string          `json:"attach_command,omitzero" doc:"For the AWS CLI: attaches that policy to the role"`
}

func registerRevoke(api *httpapi.API, p providers) {
	httpapi.Register(api, httpapi.Operation{
		ID: "revoke-credentials", Method: http.MethodDelete, Path: "/v1/providers/{name}/credentials", Scopes: adminOnly, Tags: []string{"providers"},
		Summary: "Revoke a provider's credentials", Status: http.StatusOK,
		Description: "Every set of credentials minted before becomes unreachable, within 30 seconds on instances that remember it. " +
			"The provider stays as verified as it was, and credentials are minted anew. AWS itself ends what is out, such as presigned URLs, once the deny policy is attached. If-Match is honoured.",
		Problems: changeProblems(problem.ProviderNotFound),
	}, p.revoke)
}

func (p providers) revoke(ctx context.Context, in *deleteNamed) (*revokeOutput, error) {
	site := httpapi.Caller(ctx).Site
	renewed, err := p.deps.Registry.RenewProvider(ctx, site, in.Name, in.Match)
	if err != nil {
		return nil, refusal(err, problem.ProviderNotFound)
	}
	state, err := p.deps.Registry.State(ctx, site, in.Name)
	if err != nil {
		return nil, err
	}
	out := revoked{
		Provider: p.view(renewed, state), RevokedAt: renewed.Updated,
		DenyPolicy: json.RawMessage(rolekit.RevokePolicy(renewed.Updated)),
	}
	if role, err := registry.ParseRoleARN(renewed.RoleARN, p.deps.Partition, p.deps.RolePath); err == nil {
		out.AttachCommand = rolekit.Command("aws", "iam", "put-role-policy", "--role-name="+role.Name,
			"--policy-name="+rolekit.RevokePolicyName, "--policy-document="+string(out.DenyPolicy))
	}
	return &revokeOutput{ETag: httpapi.ETag(renewed.Revision), Body: out}, nil
}
