package httpapi

import (
	"errors"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/problem"
)

// admit is the middleware that proves the caller and its scope before anything of the request is looked at, and then chooses the
// media type of the answer.
func (a *API) admit(r *route) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		x := exchangeOf(ctx.Context())
		x.route = r
		x.record.SetOperation(r.ID)
		if !r.Public {
			c, p := x.prove(r)
			if p != nil {
				x.answer(p)
				return
			}
			x.caller = c
			x.record.SetCaller(c.Site, c.User, c.Actor)
		}
		if p := x.negotiate(r); p != nil {
			x.answer(p)
			return
		}
		next(ctx)
	}
}

// prove returns the caller if it may use the operation.
func (x *exchange) prove(r *route) (caller.Caller, *problem.Error) {
	acting, acts := x.event.header(caller.ActingUserHeader)
	c, err := x.api.prover.Prove(caller.Evidence{
		Issuer: x.event.issuer, Subject: x.event.subject, Authorization: x.event.authorization(),
		ActingUser: acting, Acts: acts,
	})
	if err != nil {
		return caller.Caller{}, refusal(err)
	}
	if len(r.Scopes) > 0 && !c.HasAny(r.Scopes...) {
		return caller.Caller{}, scopeMissing(r.Scopes)
	}
	return c, nil
}

// refusal is the one place where an unproved caller becomes a problem.
func refusal(err error) *problem.Error {
	switch {
	case errors.Is(err, caller.ErrReserved):
		return problem.Wrap(problem.UserReserved, "The user "+caller.AuditUser+" is reserved for audits.", err)
	case errors.Is(err, caller.ErrActAsScope):
		p := scopeMissing([]string{caller.ScopeActAs})
		p.Detail = "The header " + caller.ActingUserHeader + " needs the scope " + caller.ScopeActAs + "."
		return p
	case errors.Is(err, caller.ErrActingUser):
		return problem.Invalid(problem.Fault{
			Pointer: "header." + caller.ActingUserHeader, Message: "must be one name, without a comma",
		})
	}
	return problem.Wrap(problem.CallerMissing, "The request carries no verified caller that Arngate can read: "+cause(err)+".", err).
		WithHint("Send a bearer token of your site through API Gateway; its claims must name site and user.")
}

// cause is the sentinel's text, which is safe: this package's callers only ever see caller's own sentinels.
func cause(err error) string {
	for _, known := range []error{
		caller.ErrNoAuthorizer, caller.ErrToken, caller.ErrOtherToken, caller.ErrSite, caller.ErrUser, caller.ErrClaim,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "unknown reason"
}

func scopeMissing(scopes []string) *problem.Error {
	names := strings.Join(slices.Sorted(slices.Values(scopes)), " or ")
	return problem.New(problem.ScopeMissing, "The token lacks the scope "+names+".").
		WithHint("Ask whoever issues your tokens for the scope " + names + ".")
}
