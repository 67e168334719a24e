package deployment_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
)

const (
	lavish = "lavish" // a provider whose role has much to be accepted
	fair   = "fair"   // one that is audited before the storm, as those are that are audited in it
	excess = 60       // findings of the lavish one
)

// audits are what has been audited before the storm.
type audits struct {
	id    string          // of the audit of the lavish provider
	known string          // fingerprint of a finding of it
	link  string          // to its report, as the phase began
	found map[string]bool // what an audit finds of the demo's role, in fair weather

	mu       sync.Mutex
	untaken  []string          // fingerprints of findings
	accepted map[string]string // which finding a mark is about
	claimed  map[string]bool   // ids of audits that were said to be under way
}

// findingShown is a finding, as far as a storm looks at it.
type findingShown struct {
	Fingerprint string `json:"fingerprint"`
	Rule        string `json:"rule"`
	Severity    string `json:"severity"`
	State       string `json:"state"`
	Action      string `json:"action"`
	Resource    string `json:"resource"`
}

// about is what a finding says, whichever provider it is of; empty if it says that something could not be told.
func (f findingShown) about() string {
	if strings.HasSuffix(f.Rule, "_unknown") {
		return ""
	}
	return strings.Join([]string{f.Rule, f.Severity, f.Action, f.Resource}, " ")
}

// auditShown is an audit as the API shows it.
type auditShown struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Problem string `json:"problem"`
	Report  *struct {
		Verification struct {
			Status string `json:"status"`
			Trace  string `json:"trace"`
		} `json:"verification"`
		Findings []findingShown `json:"findings"`
	} `json:"report"`
}

// auditFirst has providers audited before the storm.
func (w *world) auditFirst(t *testing.T) *audits {
	t.Helper()
	var resources []string
	for i := range excess {
		resources = append(resources, fmt.Sprintf(`"arn:aws:s3:::excess-%02d/*"`, i))
	}
	role := w.Role("/skuid-assumable-role/", lavish, demosite.Site, "")
	_, err := awsiam.NewFromConfig(w.Customer()).PutRolePolicy(t.Context(), &awsiam.PutRolePolicyInput{
		RoleName: aws.String(lavish), PolicyName: aws.String(lavish), PolicyDocument: aws.String(fmt.Sprintf(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":[%s]},`+
				`{"Effect":"Allow","Action":["iam:GetRole","iam:GetRolePolicy","iam:ListAttachedRolePolicies","iam:ListRolePolicies"],"Resource":%q}]}`,
			strings.Join(resources, ","), role)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.create("/v1/providers", roleBody(lavish, role)); err != nil {
		t.Fatal(err)
	}
	if err := w.createAudited(fair); err != nil {
		t.Fatal(err)
	}
	if answer := w.Call(http.MethodPost, "/v1/audits", w.Auditor(), `{"providers":["lavish","fair"]}`); answer.Status != http.StatusAccepted {
		t.Fatalf("got %d %s", answer.Status, answer.Body)
	}
	if _, err := w.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	out := &audits{found: map[string]bool{}, accepted: map[string]string{}, claimed: map[string]bool{}}
	for _, f := range w.auditsOf(t, fair)[0].Report.Findings {
		out.found[f.about()] = true
	}
	first := w.auditsOf(t, lavish)[0]
	out.id = first.ID
	for _, f := range first.Report.Findings {
		out.untaken = append(out.untaken, f.Fingerprint)
	}
	out.known = out.untaken[0]
	return out
}

// createAudited creates a provider on the demo's role, with a connection, for one audit alone.
func (w *world) createAudited(name string) error {
	if err := w.create("/v1/providers", roleBody(name, demoRole)); err != nil {
		return err
	}
	return w.create("/v1/connections", fmt.Sprintf(`{"name":%[1]q,"connector":"dynamodb","provider":%[1]q,"region":%[2]q,"groups":["nobody"],"tables":[%[3]q]}`,
		name, demosite.Region, demosite.Table))
}

// auditsOf are all audits of a provider, with their reports.
func (w *world) auditsOf(t *testing.T, provider string) []auditShown {
	t.Helper()
	all, err := w.audited(provider)
	if err != nil || len(all) == 0 || all[0].Report == nil {
		t.Fatalf("audits of %s: %+v, %v", provider, all, err)
	}
	return all
}

func (w *world) audited(provider string) ([]auditShown, error) {
	var page struct {
		Items []auditShown `json:"items"`
	}
	if err := w.read200("/v1/audits?limit=100&provider="+url.QueryEscape(provider), &page); err != nil {
		return nil, err
	}
	for i := range page.Items {
		if err := w.read200("/v1/audits/"+page.Items[i].ID, &page.Items[i]); err != nil {
			return nil, err
		}
	}
	return page.Items, nil
}

func (w *world) read200(path string, out any) error {
	answer := w.Call(http.MethodGet, path, w.Auditor(), "")
	if answer.Status != http.StatusOK {
		return fmt.Errorf("read %s: %d %s", path, answer.Status, answer.Body)
	}
	return json.Unmarshal([]byte(answer.Body), out)
}

// linkToReport is the path of a new link.
func (w *world) linkToReport(t *testing.T) string {
	t.Helper()
	answer := w.Call(http.MethodPost, "/v1/audits/"+w.audits.id+"/link", w.Auditor(), "")
	to, err := url.Parse(answer.Field("url"))
	if answer.Status != http.StatusOK || err != nil {
		t.Fatalf("got %d %s, %v", answer.Status, answer.Body, err)
	}
	return to.Path
}

// rarely is what a site that asks too often is told.
func rarely() map[string]claim { return map[string]claim{"rate_limited": asDenied} }

// auditWrites are the ways to have something audited, and to accept what was found.
func auditWrites() []act {
	start := func(name, query string) act {
		return act{
			name: name, each: true, others: rarely(), truth: auditedOnce, prepare: (*world).createAudited,
			request: func(_ *world, mark string) request {
				return request{http.MethodPost, "/v1/audits" + query, fmt.Sprintf(`{"providers":[%q]}`, mark), nil}
			},
			check: func(w *world, _ string, a deploymenttest.Answer) string { return w.started(a) },
		}
	}
	return []act{
		start("audit", ""), start("audit-and-wait", "?wait=true"),
		{
			name: "suppress", prepare: func(w *world, mark string) error { return w.audits.take(mark) },
			request: func(w *world, mark string) request {
				return request{http.MethodPut, w.suppression(mark), suppressionBody(mark), nil}
			},
			truth: func(w *world, mark string) ([]int, error) {
				reason, err := w.suppressedFor(mark)
				return []int{oneIf(reason == mark)}, err
			},
		},
		{
			name: "unsuppress",
			prepare: func(w *world, mark string) error {
				if err := w.audits.take(mark); err != nil {
					return err
				}
				if answer := w.Call(http.MethodPut, w.suppression(mark), w.Admin(), suppressionBody(mark)); answer.Status != http.StatusOK {
					return fmt.Errorf("suppress: %d %s", answer.Status, answer.Body)
				}
				return nil
			},
			request: func(w *world, mark string) request { return request{http.MethodDelete, w.suppression(mark), "", nil} },
			truth: func(w *world, mark string) ([]int, error) {
				reason, err := w.suppressedFor(mark)
				return []int{oneIf(reason == "")}, err
			},
		},
	}
}

// started says what is wrong with the answer that an audit was asked for.
func (w *world) started(a deploymenttest.Answer) string {
	var answer struct {
		Audits []auditShown `json:"audits"`
	}
	if err := json.Unmarshal([]byte(a.Body), &answer); err != nil || len(answer.Audits) != 1 {
		return fmt.Sprintf("%d audits, %v", len(answer.Audits), err)
	}
	of := answer.Audits[0]
	w.audits.mu.Lock()
	w.audits.claimed[of.ID] = true
	w.audits.mu.Unlock()
	if a.Status == http.StatusOK { // or it says what it came to when it is read
		return w.untrue(of)
	}
	return ""
}

// untrue says what an audit that has ended claims to have found that isn't so.
func (w *world) untrue(of auditShown) string {
	switch {
	case of.Status == "failed" && !slices.Contains(stormy, of.Problem):
		return fmt.Sprintf("the audit failed for %q", of.Problem)
	case of.Status == "failed":
		return ""
	case of.Status != "done":
		return "the audit is " + of.Status + " for ever"
	case of.Report == nil:
		return "the audit is done without a report"
	case of.Report.Verification.Status != "ready" || of.Report.Verification.Trace != "full":
		return "the provider is said to be " + of.Report.Verification.Status + ", traced by " + of.Report.Verification.Trace
	}
	for _, f := range of.Report.Findings {
		if about := f.about(); about != "" && !w.audits.found[about] {
			return "a finding that isn't so: " + about
		}
	}
	return ""
}

// auditedOnce is how often the mark's provider was audited. It is an error if one of these has not ended, has found what isn't so, or
// if nobody was told of what it found.
func auditedOnce(w *world, mark string) ([]int, error) {
	all, err := w.audited(mark)
	if err != nil {
		return nil, err
	}
	told := w.toldOf(mark)
	for _, of := range all {
		if of.Status == "queued" && !w.audits.claimed[of.ID] {
			continue // nobody was told of it, and it has failed in four days
		}
		if wrong := w.untrue(of); wrong != "" {
			return nil, fmt.Errorf("%s: %s", of.ID, wrong)
		}
		if of.Report == nil {
			continue
		}
		for _, f := range of.Report.Findings {
			if f.State == "new" && (f.Severity == "critical" || f.Severity == "high") && !told[of.ID+" "+f.Fingerprint] {
				return nil, fmt.Errorf("%s: nobody was told of %s", of.ID, f.about())
			}
		}
	}
	return []int{len(all)}, nil
}

// toldOf are the audits of a provider, and the findings, that events have told of.
func (w *world) toldOf(provider string) map[string]bool {
	told := map[string]bool{}
	for _, event := range w.AWS.Events() {
		var detail struct {
			Provider string       `json:"provider"`
			Audit    string       `json:"audit"`
			Finding  findingShown `json:"finding"`
		}
		if json.Unmarshal([]byte(event.Detail), &detail) == nil && detail.Provider == provider {
			told[detail.Audit+" "+detail.Finding.Fingerprint] = true
		}
	}
	return told
}

// take gives a mark a finding of its own.
func (a *audits) take(mark string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.untaken) == 0 {
		return fmt.Errorf("there are no more findings")
	}
	a.accepted[mark], a.untaken = a.untaken[0], a.untaken[1:]
	return nil
}

func (w *world) suppression(mark string) string {
	w.audits.mu.Lock()
	defer w.audits.mu.Unlock()
	return "/v1/findings/" + w.audits.accepted[mark] + "/suppression"
}

func suppressionBody(mark string) string {
	return fmt.Sprintf(`{"reason":%q,"until":%q}`, mark, time.Now().AddDate(0, 1, 0).UTC().Format(time.RFC3339))
}

// suppressedFor is the reason for which the mark's finding is accepted; empty if it isn't.
func (w *world) suppressedFor(mark string) (string, error) {
	fingerprint := strings.Split(w.suppression(mark), "/")[3]
	out, err := w.customer.registry.GetItem(w.customer.ctx(), &awsdynamodb.GetItemInput{
		TableName: aws.String(deployment.StackName + "-Audits"), ConsistentRead: aws.Bool(true),
		Key: map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: "SITE#" + demosite.Site}, "sk": &types.AttributeValueMemberS{Value: "SUPPRESSION#" + fingerprint},
		},
	})
	if err != nil {
		return "", fmt.Errorf("read audits: %w", err)
	}
	return textOf(out.Item, "reason"), nil
}

// auditReads are the ways to verify, and to read what was found.
func auditReads() []act {
	get := func(name string, path func(w *world) string, header http.Header, want ...string) act {
		read := reading(name, request{}, want...)
		read.request = func(w *world, _ string) request { return request{http.MethodGet, path(w), "", header} }
		return read
	}
	at := func(path string) func(*world) string { return func(*world) string { return path } }
	report := func(w *world) string { return "/v1/audits/" + w.audits.id }
	post := func(name, path string, want ...string) act {
		verify := reading(name, request{http.MethodPost, path, "", nil}, want...)
		verify.others = rarely()
		return verify
	}
	link := get("link", report, nil, reportsRoute)
	link.request = func(w *world, _ string) request { return request{http.MethodPost, report(w) + "/link", "", nil} }
	return []act{
		post("verify", "/v1/providers/demo/verify", `"ready"`, `"trace":"full"`),
		post("verify-connection", "/v1/connections/files/verify", `"ready"`, `"trace":"full"`, `"connection_credentials","verdict":"passed"`),
		get("list-audits", at("/v1/audits?provider="+lavish), nil, `"done"`),
		get("get-audit", report, nil, `"done"`, "excess-00"),
		get("get-audit-page", report, http.Header{"Accept": {"text/html"}}, "excess-00"),
		link,
		get("open-link", func(w *world) string { return w.audits.link }, nil, "excess-00"),
		get("list-findings", at("/v1/findings?limit=1000&provider="+lavish), nil, "excess-00", "excess-59"),
		get("get-finding", func(w *world) string { return "/v1/findings/" + w.audits.known }, nil, "excess-"),
	}
}

const reportsRoute = "/v1/reports/"
