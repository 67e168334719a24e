package auditapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/archive"
	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/registry"
)

type findings struct{ deps Deps }

func registerFindings(api *httpapi.API, deps Deps) {
	f := findings{deps}
	audits, admins := []string{caller.ScopeAudit}, []string{caller.ScopeAdmin}
	missing := []problem.Code{problem.FindingNotFound}
	httpapi.Register(api, httpapi.Operation{
		ID: "list-findings", Method: http.MethodGet, Path: "/v1/findings", Scopes: audits, Tags: tags(),
		Summary: "List findings",
		Description: "What the last audit of each provider found, by provider, the worst first. Suppressed ones are among them, and say so; those of " +
			"a provider that was deleted are not.",
		Problems: []problem.Code{problem.CursorInvalid}, ResponseExample: httpapi.Page[audit.Finding]{Items: []audit.Finding{exampleFinding()}},
	}, f.list)
	httpapi.Register(api, httpapi.Operation{
		ID: "get-finding", Method: http.MethodGet, Path: "/v1/findings/{fingerprint}", Scopes: audits, Tags: tags(),
		Summary: "Read a finding", Description: "With its evidence, and what to do about it.",
		Problems: missing, ResponseExample: exampleFinding(),
	}, f.read)
	httpapi.Register(api, httpapi.Operation{
		ID: "suppress-finding", Method: http.MethodPut, Path: "/v1/findings/{fingerprint}/suppression", Scopes: admins, Tags: tags(),
		Summary: "Suppress a finding",
		Description: "Says that the finding is known and accepted, why, and until when: at most 90 days. It stays visible, with that; a provider " +
			"that is unsafe stays so, and a critical finding is counted all the same. A suppression that is there is replaced.",
		Problems:       missing,
		RequestExample: suppressionBody{Reason: exampleReason, Until: exampleTime().AddDate(0, 1, 0)}, ResponseExample: exampleSuppression(),
	}, f.suppress)
	httpapi.Register(api, httpapi.Operation{
		ID: "unsuppress-finding", Method: http.MethodDelete, Path: "/v1/findings/{fingerprint}/suppression", Scopes: admins, Tags: tags(),
		Summary: "End a suppression", Description: "Without one, nothing happens.", Problems: missing,
	}, f.unsuppress)
}

type findingsInput struct {
	State    string `query:"state" enum:"new,unchanged,resolved" doc:"Only those that stand so to the audit before" example:"new"`
	Severity string `query:"severity" enum:"critical,high,medium,info" doc:"Only those of this severity" example:"high"`
	Provider string `query:"provider" maxLength:"63" doc:"Only of this provider" example:"demo"`
	httpapi.PageQuery
}

type findingsOutput struct {
	Body httpapi.Page[audit.Finding]
}

func (f findings) list(ctx context.Context, in *findingsInput) (*findingsOutput, error) {
	filter := archive.Filter{State: audit.State(in.State), Severity: audit.Severity(in.Severity), Provider: in.Provider, Of: f.exists}
	page, next, err := f.deps.Archive.Findings(ctx, httpapi.Caller(ctx).Site, filter, in.Cursor, in.Limit)
	if err != nil {
		return nil, archived(err, problem.FindingNotFound)
	}
	return &findingsOutput{Body: httpapi.Page[audit.Finding]{Items: append([]audit.Finding{}, page...), NextCursor: next}}, nil
}

// exists reports whether the caller's site has the provider. The archive doesn't know: it keeps what was found of one that was
// deleted.
func (f findings) exists(ctx context.Context, provider string) (bool, error) {
	_, err := f.deps.Registry.Provider(ctx, httpapi.Caller(ctx).Site, provider)
	if errors.Is(err, registry.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// find returns one finding of a provider that exists.
func (f findings) find(ctx context.Context, fingerprint string) (audit.Finding, error) {
	found, err := f.deps.Archive.Finding(ctx, httpapi.Caller(ctx).Site, fingerprint)
	if err != nil {
		return audit.Finding{}, archived(err, problem.FindingNotFound)
	}
	exists, err := f.exists(ctx, found.Provider)
	if err == nil && !exists {
		err = archived(archive.ErrNotFound, problem.FindingNotFound)
	}
	return found, err
}

// Fingerprinted names a finding; embed it in an operation's input.
type Fingerprinted struct {
	Fingerprint string `path:"fingerprint" maxLength:"100" doc:"Fingerprint of the finding" example:"5f0c2d8e6b137b1f4e0a3c524d7e9a41"`
}

type findingOutput struct{ Body audit.Finding }

func (f findings) read(ctx context.Context, in *Fingerprinted) (*findingOutput, error) {
	found, err := f.find(ctx, in.Fingerprint)
	if err != nil {
		return nil, err
	}
	return &findingOutput{Body: found}, nil
}

// suppressionBody is a suppression as a person writes it.
type suppressionBody struct {
	Reason string    `json:"reason" minLength:"1" maxLength:"1000" doc:"Why the finding is accepted"`
	Until  time.Time `json:"until" doc:"When the suppression ends: at most 90 days from now"`
}

type suppressionOutput struct{ Body audit.Suppression }

func (f findings) suppress(ctx context.Context, in *struct {
	Fingerprinted

	Body suppressionBody
},
) (*suppressionOutput, error) {
	who, now := httpapi.Caller(ctx), time.Now().UTC()
	if _, err := f.find(ctx, in.Fingerprint); err != nil {
		return nil, err
	}
	s := audit.Suppression{
		Fingerprint: in.Fingerprint, Reason: in.Body.Reason, By: nameOf(who), Set: now, Until: in.Body.Until.UTC(),
	}
	if err := s.Validate(now); err != nil {
		return nil, problem.Invalid(suppressionFaults(err)...)
	}
	if err := f.deps.Archive.Suppress(ctx, who.Site, s); err != nil {
		return nil, archived(err, problem.FindingNotFound)
	}
	return &suppressionOutput{Body: s}, nil
}

// suppressionFaults says which member of the body each fault is about.
func suppressionFaults(err error) []problem.Fault {
	var faults []problem.Fault
	for _, each := range [...]struct {
		pointer string
		err     error
	}{{"/reason", audit.ErrNoReason}, {"/until", audit.ErrNotFuture}, {"/until", audit.ErrTooLong}} {
		if errors.Is(err, each.err) {
			faults = append(faults, problem.Fault{Pointer: each.pointer, Message: each.err.Error()})
		}
	}
	return faults
}

func (f findings) unsuppress(ctx context.Context, in *Fingerprinted) (*struct{}, error) {
	if err := f.deps.Archive.Unsuppress(ctx, httpapi.Caller(ctx).Site, in.Fingerprint); err != nil {
		return nil, archived(err, problem.FindingNotFound)
	}
	return &struct{}{}, nil
}
