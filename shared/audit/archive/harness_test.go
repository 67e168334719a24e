package archive_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/archive"
	"github.com/arngate/arngate/shared/audit/verdict"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/registry"
)

const (
	siteA     = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
	siteB     = "0c1d2e3f-8b86-4d01-b42d-00cf4fc964aa"
	table     = "audits"
	retention = 400 * 24 * time.Hour
)

// keeper is an archive on a local AWS, with the client behind it.
type keeper struct {
	*archive.Archive

	t  testing.TB
	db *awsdynamodb.Client
}

func newKeeper(tb testing.TB) *keeper {
	tb.Helper()
	local := localawstest.Start(tb)
	db := awsdynamodb.NewFromConfig(local.Config(local.Account("111111111111")))
	_, err := db.CreateTable(tb.Context(), &awsdynamodb.CreateTableInput{
		TableName: aws.String(table), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return &keeper{archive.New(db, table, retention), tb, db}
}

func must[T any](tb testing.TB) func(T, error) T {
	tb.Helper()
	return func(v T, err error) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

// audited makes an audit of the provider end with these findings, as one that began at that time.
func (k *keeper) audited(provider string, began time.Time, findings ...audit.Finding) archive.Audit {
	k.t.Helper()
	of := k.begun(provider)
	k.finish(of, began, findings...)
	return must[archive.Audit](k.t)(k.Audit(k.t.Context(), siteA, of.ID))
}

func (k *keeper) begun(provider string) archive.Audit {
	k.t.Helper()
	queued := must[archive.Audit](k.t)(k.Queue(k.t.Context(), siteA, provider, "ada"))
	return must[archive.Audit](k.t)(k.Begin(k.t.Context(), siteA, queued.ID, provider, "ada"))
}

func (k *keeper) finish(of archive.Audit, began time.Time, findings ...audit.Finding) {
	k.t.Helper()
	if err := k.Finish(k.t.Context(), of, report(began, findings...)); err != nil {
		k.t.Fatal(err)
	}
}

// known are the findings of provider main, all in one page.
func (k *keeper) known() []audit.Finding {
	k.t.Helper()
	page, next, err := k.Findings(k.t.Context(), siteA, archive.Filter{Provider: "main"}, "", 1000)
	if err != nil || next != "" {
		k.t.Fatalf("list findings: next %q, %v", next, err)
	}
	return page
}

// items are all items of the table.
func (k *keeper) items() []map[string]types.AttributeValue {
	k.t.Helper()
	var all []map[string]types.AttributeValue
	pages := awsdynamodb.NewScanPaginator(k.db, &awsdynamodb.ScanInput{TableName: aws.String(table)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(k.t.Context())
		if err != nil {
			k.t.Fatal(err)
		}
		all = append(all, page.Items...)
	}
	return all
}

// noon is when the first audits begin.
func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 123456789, time.UTC) }

// report is what an audit that began at that time found.
func report(began time.Time, findings ...audit.Finding) audit.Report {
	for i := range findings {
		findings[i].LastSeen = began
		if findings[i].FirstSeen.IsZero() {
			findings[i].FirstSeen = began
		}
	}
	return audit.Report{
		Version: audit.ReportVersion, Method: registry.AssumeRole, Identity: "arn:aws:iam::111122223333:role/x",
		StartedAt: began, FinishedAt: began.Add(time.Second),
		Verification: audit.Verification{Provider: "main", Status: registry.Unsafe, VerifiedAt: began},
		Connections:  []string{"orders"}, Findings: findings, Changed: audit.ChangeFirst,
		Permissions: []audit.Permission{}, Effective: &audit.Effective{Text: "t", Meaning: "m"},
	}
}

// finding is a new one, of provider main, with a fingerprint made of n.
func finding(n int, severity audit.Severity) audit.Finding {
	return audit.Finding{
		Fingerprint: fmt.Sprintf("%032x", n), Rule: audit.RuleWriteExcess, Severity: severity, Provider: "main",
		Action: "dynamodb:*", Resource: "*", Verdict: verdict.Allowed, State: audit.New, Rechecked: true,
		Evidence:    audit.Evidence{Summary: "Too much.", Actions: []string{"dynamodb:DeleteTable"}, Statement: &audit.Statement{Policy: "app", Index: 2}},
		Coverage:    []audit.Observation{{Source: audit.SourcePolicies, Verdict: verdict.Allowed, Status: 200, Missing: []string{"aws:SourceIp"}}},
		Remediation: audit.Remediation{Summary: "Take it away.", Commands: []string{"aws iam delete-role-policy"}},
	}
}

// in puts a finding into another state.
func in(state audit.State, f audit.Finding) audit.Finding {
	f.State = state
	return f
}

// at gives a finding of an audit before its first time.
func at(first time.Time, f audit.Finding) audit.Finding {
	f.FirstSeen = first
	return f
}

var errBroken = errors.New("broken on purpose")

// fragile is a client whose nth write fails: before anything is written, or after.
type fragile struct {
	archive.Client

	mu    sync.Mutex
	until int
	after bool
}

func (f *fragile) breaks() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.until--
	return f.until == 0
}

func (f *fragile) PutItem(ctx context.Context, in *awsdynamodb.PutItemInput, o ...func(*awsdynamodb.Options)) (*awsdynamodb.PutItemOutput, error) {
	return broken(f, func() (*awsdynamodb.PutItemOutput, error) { return f.Client.PutItem(ctx, in, o...) })
}

func (f *fragile) TransactWriteItems(
	ctx context.Context, in *awsdynamodb.TransactWriteItemsInput, o ...func(*awsdynamodb.Options),
) (*awsdynamodb.TransactWriteItemsOutput, error) {
	return broken(f, func() (*awsdynamodb.TransactWriteItemsOutput, error) {
		return f.Client.TransactWriteItems(ctx, in, o...)
	})
}

func broken[T any](f *fragile, call func() (T, error)) (out T, err error) {
	breaks := f.breaks()
	if breaks && !f.after {
		return out, errBroken
	}
	out, err = call()
	if breaks {
		return out, errBroken
	}
	return out, err
}

// skOf is the sort key of an item.
func skOf(i map[string]types.AttributeValue) string {
	sk, ok := i["sk"].(*types.AttributeValueMemberS)
	if !ok {
		return ""
	}
	return sk.Value
}

// kindOf is what stands before the first '#'.
func kindOf(i map[string]types.AttributeValue) string {
	kind, _, _ := strings.Cut(skOf(i), "#")
	return kind
}
