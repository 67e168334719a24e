package auditapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/archive"
	"github.com/arngate/arngate/shared/audit/dispatch"
	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/telemetry"
)

// startBody names what to audit.
type startBody struct {
	Providers []string `json:"providers" minItems:"1" maxItems:"100" doc:"Names of providers, each once" example:"[\"demo\"]"`
}

// started are the audits that a request has asked for.
type started struct {
	Audits []audited `json:"audits" doc:"One for each provider, in the order of the request"`
}

type startInput struct {
	Wait bool `query:"wait" doc:"Of one provider: wait for the report, and answer 200 with it if it comes in time"`
	Body startBody
}

type startOutput struct {
	Status int
	Body   started
}

func registerStart(api *httpapi.API, a audits, scopes []string) {
	httpapi.Register(api, httpapi.Operation{
		ID: "start-audits", Method: http.MethodPost, Path: "/v1/audits", Scopes: scopes, Tags: tags(), Status: http.StatusAccepted,
		Summary: "Audit providers",
		Description: "Queues one audit for each provider. Read how far it is with GET /v1/audits/{id}, or, of one provider, wait for it with " +
			"`wait=true`: the answer is 200 with the report then, or 202 where the time wasn't enough, or the report couldn't be read " +
			"at once; the audit goes on all the same. " +
			"A site may ask ten times a minute.",
		Others:         map[int]string{http.StatusOK: "With `wait=true`: the audit has ended, and has its report unless it failed"},
		Problems:       []problem.Code{problem.ProviderNotFound, problem.ProviderAwaitingRole, problem.RateLimited, problem.AWSUnavailable},
		TooLarge:       "The audit is done; read its findings page by page: GET /v1/findings?provider={name}.",
		RequestExample: startBody{Providers: []string{"demo"}}, ResponseExample: started{Audits: []audited{exampleAudit(archive.Queued)}},
	}, a.start)
}

func (a audits) start(ctx context.Context, in *startInput) (*startOutput, error) {
	names := in.Body.Providers
	if faults := startFaults(in); len(faults) > 0 {
		return nil, problem.Invalid(faults...)
	}
	const tooOften = "This site has asked for audits too often within a minute. One request takes up to 100 providers."
	if err := allow(ctx, a.deps.Limiter, audit.Starts, tooOften); err != nil {
		return nil, err
	}
	who := httpapi.Caller(ctx)
	if err := a.known(ctx, who.Site, names); err != nil {
		return nil, err
	}
	queued, err := a.queue(ctx, who.Site, names, nameOf(who))
	if err != nil {
		return nil, err
	}
	out := &startOutput{Status: http.StatusAccepted}
	if in.Wait && !queued[0].Status.Ended() {
		queued[0] = a.await(ctx, queued[0])
	}
	for _, each := range queued {
		out.Body.Audits = append(out.Body.Audits, view(each))
	}
	if !in.Wait || !queued[0].Status.Ended() {
		return out, nil
	}
	reported, err := a.withReport(ctx, queued[0])
	if err != nil { // a problem would have the audit asked for once more
		telemetry.From(ctx).Logger().WarnContext(ctx, "report not read", "audit", queued[0].ID, "error", err.Error())
		return out, nil
	}
	out.Status, out.Body.Audits[0] = http.StatusOK, reported
	return out, nil
}

func startFaults(in *startInput) []problem.Fault {
	var faults []problem.Fault
	names := in.Body.Providers
	for i, name := range names {
		if slices.Index(names, name) < i {
			faults = append(faults, problem.Fault{Pointer: providerAt(i), Message: "given more than once"})
		}
	}
	if in.Wait && len(names) != 1 {
		faults = append(faults, problem.Fault{Pointer: "query.wait", Message: "only one provider can be waited for"})
	}
	return faults
}

func providerAt(i int) string { return "/providers/" + strconv.Itoa(i) }

// nameOf is who asks, as it is kept.
func nameOf(c caller.Caller) string {
	if c.Acting {
		return c.User + " (by " + c.Actor + ")"
	}
	return c.User
}

// atOnce bounds the calls that one request makes to the tables at the same time.
const atOnce = 10

// known returns a problem unless the site has all of these providers, each with what it needs to be audited.
func (a audits) known(ctx context.Context, site string, names []string) error {
	lacking := make([]error, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, name := range names {
		group.Go(func() error {
			provider, err := a.deps.Registry.Provider(ctx, site, name)
			switch {
			case errors.Is(err, registry.ErrNotFound):
				lacking[i] = err
			case err == nil && provider.Method == registry.AssumeRole && provider.RoleARN == "":
				lacking[i] = errAwaitingRole
			default:
				return err
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return lackingProblem(lacking)
}

var errAwaitingRole = errors.New("provider has no role yet")

// lackingProblem lists all providers that are missing, else all that have no role.
func lackingProblem(lacking []error) error {
	missing := problem.New(problem.ProviderNotFound, "This site has no provider of that name.").WithHint("GET /v1/providers lists the site's providers.")
	awaiting := problem.New(problem.ProviderAwaitingRole, "The provider has no role yet, so there is nothing to audit.").
		WithHint("Create the role with the trust policy that the provider shows, and enter its ARN with PUT.")
	for i, err := range lacking {
		switch {
		case errors.Is(err, registry.ErrNotFound):
			missing.Faults = append(missing.Faults, problem.Fault{Pointer: providerAt(i), Message: "unknown to this site"})
		case err != nil:
			awaiting.Faults = append(awaiting.Faults, problem.Fault{Pointer: providerAt(i), Message: "has no role yet"})
		}
	}
	switch {
	case len(missing.Faults) > 0:
		return missing
	case len(awaiting.Faults) > 0:
		return awaiting
	}
	return nil
}

// queue keeps an audit for each provider and sends them to the workers.
func (a audits) queue(ctx context.Context, site string, names []string, by string) ([]archive.Audit, error) {
	queued := make([]archive.Audit, len(names))
	early, cancel := inTime(ctx)
	defer cancel()
	group, keeping := errgroup.WithContext(early)
	group.SetLimit(atOnce)
	for i, name := range names {
		group.Go(func() (err error) {
			queued[i], err = a.deps.Archive.Queue(keeping, site, name, by)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		a.fail(ctx, queued, func(archive.Audit) bool { return true }) // those, too, of which the answer was lost
		return nil, problem.FromOwn("The audit could not be kept.", err)
	}
	messages := make([]dispatch.Message, len(queued))
	for i, each := range queued {
		messages[i] = dispatch.Message{Site: site, Provider: each.Provider, Audit: each.ID, By: by}
	}
	return a.send(early, queued, messages)
}

// inTime ends before ctx by what noting failures takes.
func inTime(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-failing))
}

const (
	notSent = "The audit could not be handed to a worker."
	failing = 2 * time.Second // for noting that audits have failed
)

// fail notes that those audits that are lost come to nothing, as far as that can be noted.
func (a audits) fail(ctx context.Context, all []archive.Audit, lost func(archive.Audit) bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), failing)
	defer cancel()
	for i, each := range all {
		if !lost(each) {
			continue
		}
		all[i].Status, all[i].Problem, all[i].Detail = archive.Failed, string(problem.AWSUnavailable), notSent
		err := a.deps.Archive.Fail(ctx, each, string(problem.AWSUnavailable), notSent)
		if err != nil && !errors.Is(err, archive.ErrNotFound) { // it was never kept
			httpapi.Logger(ctx).WarnContext(ctx, "audit not marked as failed", "error", err)
		}
	}
}

// send hands the audits to the workers. Those that can't be sent have failed; if none could be, that is the request's problem.
func (a audits) send(ctx context.Context, queued []archive.Audit, messages []dispatch.Message) ([]archive.Audit, error) {
	err := a.deps.Queue.Send(ctx, messages, 0)
	if err == nil {
		return queued, nil
	}
	unsent := messages
	if some, ok := errors.AsType[*dispatch.SendError](err); ok {
		unsent = some.Messages
	}
	lost := map[string]bool{}
	for _, m := range unsent {
		lost[m.Audit] = true
	}
	a.fail(ctx, queued, func(each archive.Audit) bool { return lost[each.ID] })
	if len(lost) == len(queued) {
		return nil, problem.Wrap(problem.AWSUnavailable, notSent, err)
	}
	httpapi.Logger(ctx).ErrorContext(ctx, "audits not sent", "count", len(lost), "error", err)
	return queued, nil
}
