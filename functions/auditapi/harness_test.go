package auditapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/archive"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/localgateway/template"
	"github.com/arngate/arngate/shared/problem"
)

const (
	get    = http.MethodGet
	post   = http.MethodPost
	put    = http.MethodPut
	remove = http.MethodDelete

	otherSite = "0c1d2e3f-8b86-4d01-b42d-00cf4fc964aa"
	audits    = "/v1/audits"
	unknownID = "01a207a2-3280-7d3c-83f2-0ee359bda679"
	browser   = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
)

// want fails the test unless the answer has that status and, if code isn't empty, that problem's code.
func want(tb testing.TB, a deploymenttest.Answer, status int, code problem.Code) {
	tb.Helper()
	if a.Status != status || (code != "" && a.Field("code") != string(code)) {
		tb.Errorf("got %d %s, want %d %s", a.Status, a.Body, status, code)
	}
}

// read is the answer's JSON, which must be a success's.
func read[T any](tb testing.TB, a deploymenttest.Answer) T {
	tb.Helper()
	var out T
	if a.Status/100 != 2 {
		tb.Fatalf("got %d %s", a.Status, a.Body)
	}
	if err := json.Unmarshal([]byte(a.Body), &out); err != nil {
		tb.Fatalf("%v in %s", err, a.Body)
	}
	return out
}

// pointers are where the answer's faults are.
func pointers(tb testing.TB, a deploymenttest.Answer) []string {
	tb.Helper()
	var document problem.Document
	if err := json.Unmarshal([]byte(a.Body), &document); err != nil {
		tb.Fatalf("%v in %s", err, a.Body)
	}
	var out []string
	for _, fault := range document.Errors {
		out = append(out, fault.Pointer)
	}
	return out
}

// audited is an audit as a client reads it.
type audited struct {
	ID          string         `json:"id"`
	Provider    string         `json:"provider"`
	Status      string         `json:"status"`
	RequestedBy string         `json:"requested_by"`
	Findings    map[string]int `json:"findings"`
	Problem     string         `json:"problem"`
	Detail      string         `json:"detail"`
	Report      *audit.Report  `json:"report"`
}

type started struct {
	Audits []audited `json:"audits"`
}

type page[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor"`
}

type link struct {
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expires_at"`
}

// accept sends a request with an Accept header, and no other.
func accept(s *deploymenttest.Stack, path, token, accepted string) deploymenttest.Answer {
	return s.Send(get, path, token, http.NoBody, http.Header{"Accept": {accepted}})
}

// auditOf asks for an audit of the demo's provider, has it made, and returns its id.
func auditOf(tb testing.TB, s *deploymenttest.Stack) string {
	tb.Helper()
	asked := read[started](tb, s.Call(post, audits, s.Auditor(), `{"providers":["demo"]}`))
	if _, err := s.Deliver(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return asked.Audits[0].ID
}

// kept is the archive of the deployment, as its operator reaches it.
func kept(tb testing.TB, s *deploymenttest.Stack) *archive.Archive {
	tb.Helper()
	return archive.New(awsdynamodb.NewFromConfig(s.Operator()), tableOf(tb, s), 24*time.Hour)
}

func tableOf(tb testing.TB, s *deploymenttest.Stack) string {
	tb.Helper()
	i := slices.IndexFunc(s.Template.Functions, func(f template.Function) bool { return f.LogicalID == "AuditApiFunction" })
	if i < 0 {
		tb.Fatal("the template has no AuditApiFunction")
	}
	return s.Template.Functions[i].Environment["ARNGATE_AUDITS_TABLE"]
}

// plant keeps a done audit of the site's provider, which is made if it isn't there, with that report, and returns its id.
func plant(tb testing.TB, s *deploymenttest.Stack, site, provider string, r audit.Report) string {
	tb.Helper()
	admin := s.TokenOf(site, "grace@example.com", "arngate/admin")
	if a := s.Call(post, "/v1/providers", admin, `{"name":"`+provider+`","method":"assume_role"}`); a.Status != http.StatusCreated && a.Status != http.StatusConflict {
		tb.Fatalf("provider %s: %d %s", provider, a.Status, a.Body)
	}
	a, ctx := kept(tb, s), context.WithoutCancel(tb.Context())
	queued, err := a.Queue(ctx, site, provider, "grace")
	if err != nil {
		tb.Fatal(err)
	}
	begun, err := a.Begin(ctx, site, queued.ID, provider, "grace")
	if err != nil {
		tb.Fatal(err)
	}
	r.ID, r.Site, r.Provider = begun.ID, site, provider
	if err := a.Finish(ctx, begun, r); err != nil {
		tb.Fatal(err)
	}
	return begun.ID
}

// others are tokens that the operations of the audits must not be open to, by what they lack.
func others(s *deploymenttest.Stack) map[string]string {
	return map[string]string{
		"connect": s.Builder(), "admin": s.Admin(), "act-as": s.TokenOf(demosite.Site, "backend", "arngate/act-as"), "nothing": s.TokenOf(demosite.Site, "ada"),
	}
}

// stranger is an auditor and administrator of another site.
func stranger(s *deploymenttest.Stack) string {
	return s.TokenOf(otherSite, "eve", "arngate/audit", "arngate/admin")
}

// texts are what a body has, in lower case.
func has(a deploymenttest.Answer, text string) bool {
	return strings.Contains(strings.ToLower(a.Body), strings.ToLower(text))
}

// empty deletes all items of the audits' table.
func empty(ctx context.Context, tb testing.TB, s *deploymenttest.Stack) error {
	tb.Helper()
	db, table := awsdynamodb.NewFromConfig(s.Operator()), tableOf(tb, s)
	scanned, err := db.Scan(ctx, &awsdynamodb.ScanInput{TableName: &table})
	if err != nil {
		return err
	}
	for _, item := range scanned.Items {
		key := map[string]types.AttributeValue{"pk": item["pk"], "sk": item["sk"]}
		if _, err := db.DeleteItem(ctx, &awsdynamodb.DeleteItemInput{TableName: &table, Key: key}); err != nil {
			return err
		}
	}
	return nil
}
