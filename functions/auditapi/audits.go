package auditapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/archive"
	"github.com/arngate/arngate/shared/audit/report"
	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
)

// audited is an audit as it is answered.
type audited struct {
	ID          string                 `json:"id" doc:"Ids sort by time" example:"01a207a2-3280-7d3c-83f2-0ee359bda679"`
	Provider    string                 `json:"provider" doc:"Name of the provider" example:"demo"`
	Status      archive.Status         `json:"status" enum:"queued,running,done,failed" doc:"How far it is; done has a report, failed found nothing"`
	RequestedBy string                 `json:"requested_by,omitzero" doc:"Who asked for it"`
	RequestedAt time.Time              `json:"requested_at,omitzero"`
	StartedAt   time.Time              `json:"started_at,omitzero"`
	FinishedAt  time.Time              `json:"finished_at,omitzero"`
	Findings    map[audit.Severity]int `json:"findings,omitempty" doc:"How many there are of each severity, without resolved and suppressed ones; a critical one counts although it is suppressed"`
	Provided    string                 `json:"provider_status,omitzero" enum:"ready,unsafe,unusable" doc:"What verify came to"`
	Problem     string                 `json:"problem,omitzero" doc:"Code of the problem for which it failed"`
	Detail      string                 `json:"detail,omitzero" doc:"Why it failed"`
	Report      *audit.Report          `json:"report,omitempty" doc:"The report, where one audit is asked for and it is done"`
}

func view(a archive.Audit) audited {
	return audited{
		ID: a.ID, Provider: a.Provider, Status: a.Status, RequestedBy: a.RequestedBy, RequestedAt: a.RequestedAt,
		StartedAt: a.StartedAt, FinishedAt: a.FinishedAt, Findings: a.Findings, Provided: string(a.ProviderStatus),
		Problem: a.Problem, Detail: a.Detail,
	}
}

type audits struct{ deps Deps }

func registerAudits(api *httpapi.API, deps Deps) {
	a := audits{deps}
	scopes := []string{caller.ScopeAudit}
	registerStart(api, a, scopes)
	httpapi.Register(api, httpapi.Operation{
		ID: "list-audits", Method: http.MethodGet, Path: "/v1/audits", Scopes: scopes, Tags: tags(),
		Summary: "List audits", Description: "The site's audits, the newest first; of one provider if it is named.",
		Problems: []problem.Code{problem.CursorInvalid}, ResponseExample: httpapi.Page[audited]{Items: []audited{exampleAudit(archive.Done)}},
	}, a.list)
	httpapi.Register(api, httpapi.Operation{
		ID: "get-audit", Method: http.MethodGet, Path: "/v1/audits/{id}", Scopes: scopes, Tags: tags(),
		Summary: "Read an audit",
		Description: "As JSON: how far the audit is, with its report once it is done. As `text/html` the report as a page for people, as " +
			"`application/sarif+json` in SARIF 2.1.0 for tools; both only of an audit that is done.",
		Problems: []problem.Code{problem.AuditNotFound, problem.AuditUnfinished, problem.AuditFailed},
		TooLarge: "Read the findings page by page: GET /v1/findings?provider={name}.",
		Produces: []httpapi.Media{
			{Type: mediaJSON, Body: audited{}, Example: exampleReported()}, {Type: report.MediaHTML}, {Type: report.MediaSARIF, Body: map[string]any{}},
		},
	}, a.read)
}

type listInput struct {
	Provider string `query:"provider" maxLength:"63" doc:"Only of this provider" example:"demo"`
	httpapi.PageQuery
}

type listOutput struct{ Body httpapi.Page[audited] }

func (a audits) list(ctx context.Context, in *listInput) (*listOutput, error) {
	page, next, err := a.deps.Archive.Audits(ctx, httpapi.Caller(ctx).Site, in.Provider, in.Cursor, in.Limit)
	if err != nil {
		return nil, archived(err, problem.AuditNotFound)
	}
	out := listOutput{Body: httpapi.Page[audited]{Items: make([]audited, 0, len(page)), NextCursor: next}}
	for _, each := range page {
		out.Body.Items = append(out.Body.Items, view(each))
	}
	return &out, nil
}

// Identified names an audit; embed it in an operation's input.
type Identified struct {
	ID string `path:"id" maxLength:"100" doc:"Id of the audit" example:"01a207a2-3280-7d3c-83f2-0ee359bda679"`
}

func (a audits) read(ctx context.Context, in *Identified) (*document, error) {
	site := httpapi.Caller(ctx).Site
	found, err := a.deps.Archive.Audit(ctx, site, in.ID)
	if err != nil {
		return nil, archived(err, problem.AuditNotFound)
	}
	media := httpapi.Accepted(ctx)
	if media != mediaJSON {
		if err := reported(found); err != nil {
			return nil, err
		}
		written, err := a.deps.Archive.Report(ctx, site, in.ID)
		if err != nil {
			return nil, archived(err, problem.AuditNotFound)
		}
		return render(media, written)
	}
	out, err := a.withReport(ctx, found)
	if err != nil {
		return nil, err
	}
	body, err := httpapi.Encode(out)
	return &document{ContentType: mediaJSON, Body: body}, err
}

// withReport is the audit with its report, if it is done.
func (a audits) withReport(ctx context.Context, found archive.Audit) (audited, error) {
	out := view(found)
	if found.Status != archive.Done {
		return out, nil
	}
	written, err := a.deps.Archive.Report(ctx, found.Site, found.ID)
	if err != nil {
		return audited{}, archived(err, problem.AuditNotFound)
	}
	out.Report = &written
	return out, nil
}

// retryUnfinished is when to look again for a report; an audit takes a few seconds.
const retryUnfinished = 5 * time.Second

// reported returns a problem for an audit that has no report.
func reported(a archive.Audit) error {
	switch {
	case a.Status == archive.Failed:
		return problem.New(problem.AuditFailed, "The audit has failed, so there is no report. "+a.Detail).
			WithHint("GET /v1/audits/{id} as JSON says why. Start another one with POST /v1/audits.")
	case !a.Status.Ended():
		unfinished := problem.New(problem.AuditUnfinished, "The audit has not ended yet.").WithHint("Ask again in a few seconds.")
		unfinished.RetryAfter = retryUnfinished
		return unfinished
	}
	return nil
}

// archived turns errors of the archive into problems; notFound is what a missing entry is called.
func archived(err error, notFound problem.Code) error {
	switch {
	case errors.Is(err, archive.ErrNotFound):
		return problem.Wrap(notFound, "This site has nothing under that name.", err)
	case errors.Is(err, archive.ErrCursor):
		return problem.Wrap(problem.CursorInvalid, "The cursor is none that a page of this list ended with.", err).
			WithHint("Take next_cursor as it is, or start without a cursor.")
	}
	return err
}
