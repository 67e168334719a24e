package auditapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/registry"
)

func registerVerify(api *httpapi.API, deps Deps) {
	v := verifications{deps}
	scopes := []string{caller.ScopeAdmin, caller.ScopeAudit}
	problems := []problem.Code{problem.ProviderNotFound, problem.ProviderAwaitingRole, problem.RateLimited, problem.AWSUnavailable}
	httpapi.Register(api, httpapi.Operation{
		ID: "verify-provider", Method: http.MethodPost, Path: "/v1/providers/{name}/verify", Scopes: scopes, Tags: []string{"audits"},
		Summary: "Verify a provider",
		Description: "Finds out whether Arngate, acting for this site, can use the provider, and whether nobody else can. " +
			"A new role is tried again for up to 15 seconds: IAM's changes take a while. That the provider is of no use is an answer, not a problem.",
		Problems: problems, ResponseExample: exampleVerification,
	}, v.provider)
	httpapi.Register(api, httpapi.Operation{
		ID: "verify-connection", Method: http.MethodPost, Path: "/v1/connections/{name}/verify", Scopes: scopes, Tags: []string{"audits"},
		Summary: "Verify a connection",
		Description: "Verifies the connection's provider, that AWS gives credentials under the connection's session policy, and, of a connection to S3, " +
			"that its buckets answer pages of the origins that this API answers, without which browsers can't use presigned URLs.",
		Problems: append([]problem.Code{problem.ConnectionNotFound}, problems...), ResponseExample: exampleVerification,
	}, v.connection)
}

type verifications struct{ deps Deps }

type Named struct {
	Name string `path:"name" doc:"Name in this site" example:"demo"`
}

type NamedConnection struct {
	Name string `path:"name" doc:"Name in this site" example:"files"`
}

type output struct{ Body audit.Verification }

func (v verifications) provider(ctx context.Context, in *Named) (*output, error) {
	return v.verify(ctx, in.Name)
}

func (v verifications) connection(ctx context.Context, in *NamedConnection) (*output, error) {
	site := httpapi.Caller(ctx).Site
	opened, err := v.deps.Registry.Open(ctx, site, in.Name)
	if err != nil {
		return nil, refusal(err, problem.ConnectionNotFound)
	}
	out, err := v.verify(ctx, opened.Provider.Name)
	if err != nil || out.Body.Status != registry.Ready {
		return out, err
	}
	// What verify has just found decides how the session is traced.
	if opened, err = v.deps.Registry.Open(ctx, site, in.Name); err != nil {
		return nil, refusal(err, problem.ConnectionNotFound)
	}
	check, err := v.session(ctx, opened)
	if err != nil {
		return nil, err
	}
	out.Body.Checks = append(append(out.Body.Checks, check), v.deps.Transfers.Check(ctx, opened)...)
	return out, nil
}

// session tries whether AWS gives credentials for the connection. They are not kept.
func (v verifications) session(ctx context.Context, opened *registry.Opened) (audit.Check, error) {
	const name = "connection_credentials"
	_, err := v.deps.Minter.Mint(ctx, credentials.Request{Caller: caller.Audit(opened.Connection.Site), Opened: opened})
	switch {
	case err == nil:
		return audit.Check{Name: name, Verdict: audit.Passed, Evidence: "AWS gave credentials under the connection's session policy."}, nil
	case errors.Is(err, credentials.ErrPolicyTooLarge):
		return audit.Check{
			Name: name, Verdict: audit.Failed, Evidence: "AWS cannot pack the connection's session policy.",
			Remedy: "Name fewer or shorter resources in the connection.",
		}, nil
	case errors.Is(err, credentials.ErrUnusable):
		return audit.Check{
			Name: name, Verdict: audit.Failed, Evidence: "AWS gave no credentials under the connection's session policy.",
			Remedy: "Verify once more; if it stays, check the role's policies and permissions boundary.",
		}, nil
	}
	return audit.Check{}, problem.FromAWS("sts", "AssumeRole", err)
}

func (v verifications) verify(ctx context.Context, provider string) (*output, error) {
	site := httpapi.Caller(ctx).Site
	if err := allow(ctx, v.deps.Limiter, audit.Verifies, "This site has verified too often within a minute."); err != nil {
		return nil, err
	}
	verification, err := v.deps.Verifier.Verify(ctx, site, provider)
	if err != nil {
		return nil, refusal(err, problem.ProviderNotFound)
	}
	return &output{Body: verification}, nil
}

// allow counts that the caller's site does what once more, and says tooOften if that is once too often.
func allow(ctx context.Context, limiter *audit.Limiter, what audit.Counted, tooOften string) error {
	err := limiter.Allow(ctx, what, httpapi.Caller(ctx).Site)
	if limit, ok := errors.AsType[*audit.LimitError](err); ok {
		refused := problem.Wrap(problem.RateLimited, tooOften, err)
		refused.RetryAfter = limit.RetryAfter
		return refused
	}
	return err
}

// refusal turns errors of verify into problems; notFound is what a missing entry is called.
func refusal(err error, notFound problem.Code) error {
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return problem.Wrap(notFound, "This site has nothing of that name.", err)
	case errors.Is(err, audit.ErrAwaitingRole):
		return problem.Wrap(problem.ProviderAwaitingRole, "The provider has no role yet.", err).
			WithHint("Create the role with the trust policy that the provider shows, and enter its ARN with PUT.")
	case errors.Is(err, audit.ErrInconclusive):
		if p := problem.FromAWS("sts", "AssumeRole", err); p.Code == problem.AWSThrottled || p.Code == problem.DeadlineExceeded {
			return p
		}
		return problem.Wrap(problem.AWSUnavailable, "AWS gave no answer to go by. Nothing was changed.", err).
			WithHint("Try again in a minute.")
	}
	return err
}

// exampleVerification is only read.
var exampleVerification = map[string]any{
	"provider": "demo", "status": "ready", "trace": "full", "account": "444455556666", "verified_at": "2026-11-23T09:00:00Z",
	"checks": []map[string]any{{
		"name": audit.CheckWrongExternalID, "verdict": audit.Passed, "evidence": "AWS refused a random external id.",
	}},
	"sts_calls": 7, "waited_seconds": 0,
}
