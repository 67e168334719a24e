package auditapi

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/arngate/arngate/shared/audit/archive"
	"github.com/arngate/arngate/shared/audit/report"
	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/seal"
)

const (
	// linkPurpose keeps links apart from all else that is sealed under the same keys.
	linkPurpose = "report-link"
	// linkLife is how long a link can be opened.
	linkLife = 15 * time.Minute
)

type links struct{ audits }

func registerLinks(api *httpapi.API, deps Deps) {
	l := links{audits{deps}}
	httpapi.Register(api, httpapi.Operation{
		ID: "create-report-link", Method: http.MethodPost, Path: "/v1/audits/{id}/link", Scopes: []string{caller.ScopeAudit}, Tags: tags(),
		Summary: "Make a link to a report",
		Description: "A link that opens the report as a page in any browser, without a token, for 15 minutes. Whoever has it can read this one " +
			"report; it can't be taken back, only expire.",
		Problems:        []problem.Code{problem.AuditNotFound, problem.AuditUnfinished, problem.AuditFailed},
		ResponseExample: link{URL: "https://api.example.com" + reportPath + "AQAAAAAAAAAB", ExpiresAt: exampleTime().Add(linkLife)},
	}, l.create)
	httpapi.Register(api, httpapi.Operation{
		ID: "open-report-link", Method: http.MethodGet, Path: reportPath + "{sealed}", Public: true, Tags: tags(),
		Summary: "Open a link to a report", Description: "The report as a page. Problems are pages too, for browsers.",
		Problems: []problem.Code{problem.LinkInvalid, problem.LinkExpired, problem.AuditNotFound, problem.AWSUnavailable, problem.AWSThrottled},
		TooLarge: "Read the report as JSON or SARIF with a token: GET /v1/audits/{id}.",
		Produces: []httpapi.Media{{Type: report.MediaHTML}}, Page: problemPage,
	}, l.open)
}

const reportPath = "/v1/reports/"

type link struct {
	URL       string    `json:"url" doc:"Opens the report in a browser, without a token"`
	ExpiresAt time.Time `json:"expires_at" doc:"When it ends"`
}

type linkOutput struct{ Body link }

func (l links) create(ctx context.Context, in *Identified) (*linkOutput, error) {
	site := httpapi.Caller(ctx).Site
	found, err := l.deps.Archive.Audit(ctx, site, in.ID)
	if err != nil {
		return nil, archived(err, problem.AuditNotFound)
	}
	if err := reported(found); err != nil {
		return nil, err
	}
	expires := time.Now().UTC().Truncate(time.Second).Add(linkLife)
	sealed, err := l.deps.Ring.Seal(ctx, linkPurpose, nil, target{expires: expires, site: site, audit: found.ID}.bytes())
	if err != nil {
		return nil, problem.FromOwn("The link could not be made.", fmt.Errorf("seal link: %w", err))
	}
	path := reportPath + base64.RawURLEncoding.EncodeToString(sealed)
	return &linkOutput{Body: link{URL: httpapi.URL(ctx, path), ExpiresAt: expires}}, nil
}

func (l links) open(ctx context.Context, in *struct {
	Sealed string `path:"sealed" doc:"The end of the link's address" example:"AQAAAAAAAAAB"`
},
) (*document, error) {
	to, err := l.unseal(ctx, in.Sealed)
	if err != nil {
		return nil, err
	}
	httpapi.NoteSite(ctx, to.site)
	if !time.Now().Before(to.expires) {
		return nil, problem.New(problem.LinkExpired, "Links to reports work for 15 minutes; this one's time is over.").
			WithHint("Ask whoever gave it to you for a new one: POST /v1/audits/{id}/link.")
	}
	written, err := l.deps.Archive.Report(ctx, to.site, to.audit)
	if errors.Is(err, archive.ErrNotFound) {
		return nil, problem.Wrap(problem.AuditNotFound, "The report is no longer kept.", err)
	}
	if err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	return render(report.MediaHTML, written)
}

// unseal reads the end of a link's address. What differs from it by a character is no link.
func (l links) unseal(ctx context.Context, text string) (target, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") { // which decoding passes over
		return target{}, linkInvalid(err)
	}
	plain, err := l.deps.Ring.Open(ctx, linkPurpose, nil, sealed)
	if errors.Is(err, seal.ErrUnopenable) {
		return target{}, linkInvalid(err)
	}
	if err != nil {
		return target{}, problem.FromOwn("The link could not be opened.", fmt.Errorf("open link: %w", err))
	}
	to, ok := readTarget(plain)
	if !ok {
		return target{}, linkInvalid(nil)
	}
	return to, nil
}

func linkInvalid(cause error) error {
	return problem.Wrap(problem.LinkInvalid, "This is no link to a report, or not all of one.", cause).
		WithHint("Copy the whole address, or ask for a new link.")
}

// target is what a link leads to.
type target struct {
	expires     time.Time
	site, audit string
}

func (t target) bytes() []byte {
	out := binary.BigEndian.AppendUint64(nil, uint64(t.expires.Unix())) //nolint:gosec // not before 1970
	out = binary.AppendUvarint(out, uint64(len(t.site)))
	return append(append(out, t.site...), t.audit...)
}

func readTarget(plain []byte) (target, bool) {
	if len(plain) < 8 {
		return target{}, false
	}
	seconds, rest := binary.BigEndian.Uint64(plain), plain[8:]
	length, n := binary.Uvarint(rest)
	if n <= 0 || length > uint64(len(rest)-n) { //nolint:gosec // n is at most what there is
		return target{}, false
	}
	rest = rest[n:]
	return target{expires: time.Unix(int64(seconds), 0), site: string(rest[:length]), audit: string(rest[length:])}, true //nolint:gosec // our own seconds
}

// problemPage is a problem for people who have opened a link.
func problemPage(d problem.Document) (page []byte, policy string) {
	page, err := report.Notice(d.Title, strings.TrimSpace(d.Detail+" "+d.Hint), d.RequestID)
	if err != nil {
		return []byte("<!doctype html><title>Arngate</title>"), report.ContentSecurityPolicy()
	}
	return page, report.ContentSecurityPolicy()
}
