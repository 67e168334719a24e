package auditworker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awseventbridge "github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/arngate/arngate/functions/auditworker"
	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/archive"
	"github.com/arngate/arngate/shared/audit/dispatch"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/secrettest"
	"github.com/arngate/arngate/shared/telemetry"
)

const (
	site    = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
	account = "111111111111"
)

func TestMain(m *testing.M) { os.Exit(secrettest.Main(m)) }

// desk is a worker on a local AWS, with an auditor that a test puts words into the mouth of.
type desk struct {
	*localawstest.AWS

	t        testing.TB
	archive  *archive.Archive
	registry *registry.Store
	out      *bytes.Buffer
	deps     auditworker.Deps
	auditor  *scripted
}

// scripted finds what it is told to.
type scripted struct {
	audit func(ctx context.Context, provider string, previous *audit.Report) (audit.Report, error)

	mu    sync.Mutex
	calls map[string]int
}

// Audit answers as scripted.
func (s *scripted) Audit(ctx context.Context, _, provider string, previous *audit.Report) (audit.Report, error) {
	s.mu.Lock()
	if s.calls == nil {
		s.calls = map[string]int{}
	}
	s.calls[provider]++
	s.mu.Unlock()
	return s.audit(ctx, provider, previous)
}

func newDesk(tb testing.TB) *desk {
	tb.Helper()
	local := localawstest.Start(tb)
	config := local.Config(local.Account(account))
	db := awsdynamodb.NewFromConfig(config)
	for _, name := range []string{"audits", "registry"} {
		createTable(tb, db, name)
	}
	d := &desk{
		AWS: local, t: tb, archive: archive.New(db, "audits", 400*24*time.Hour), registry: registry.NewStore(db, "registry"),
		out: &bytes.Buffer{}, auditor: &scripted{audit: clean},
	}
	d.deps = auditworker.Deps{
		Auditor: d.auditor, Archive: d.archive, Providers: d.registry, Bus: dispatch.NewBus(awseventbridge.NewFromConfig(config), "ops"),
		Telemetry: telemetry.New(telemetry.Options{Out: d.out, Function: "auditworker"}),
	}
	return d
}

func createTable(tb testing.TB, db *awsdynamodb.Client, name string) {
	tb.Helper()
	s := types.ScalarAttributeTypeS
	_, err := db.CreateTable(tb.Context(), &awsdynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: s}, {AttributeName: aws.String("sk"), AttributeType: s}},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// must ends the test on an error.
func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// provider creates one with a role.
func (d *desk) provider(name, role string) {
	d.t.Helper()
	_, err := d.registry.CreateProvider(d.t.Context(), registry.Provider{Site: site, Name: name, Method: registry.AssumeRole, RoleARN: role})
	d.must(err)
}

// handle delivers messages, each for the nth time, and returns the ids of those to be delivered again.
func (d *desk) handle(ctx context.Context, n int, messages ...events.SQSMessage) []string {
	d.t.Helper()
	var batch events.SQSEvent
	for _, m := range messages {
		m.Attributes = map[string]string{"ApproximateReceiveCount": fmt.Sprint(n), "SentTimestamp": m.Attributes["SentTimestamp"]}
		batch.Records = append(batch.Records, m)
	}
	answer, err := auditworker.New(d.deps).Handle(ctx, batch)
	d.must(err)
	var again []string
	for _, f := range answer.BatchItemFailures {
		again = append(again, f.ItemIdentifier)
	}
	return again
}

// queued is the message of an audit that somebody asked for.
func (d *desk) queued(provider string) (events.SQSMessage, archive.Audit) {
	d.t.Helper()
	of, err := d.archive.Queue(d.t.Context(), site, provider, "ada")
	d.must(err)
	return message(dispatch.Message{Site: site, Provider: provider, Audit: of.ID, By: "ada"}), of
}

// scheduled is the message of the schedule.
func scheduled(provider string) events.SQSMessage {
	return message(dispatch.Message{Site: site, Provider: provider, By: dispatch.BySchedule})
}

func message(m dispatch.Message) events.SQSMessage {
	body, _ := json.Marshal(m)
	return events.SQSMessage{MessageId: "m-" + m.Provider, Body: string(body), Attributes: map[string]string{"SentTimestamp": "1795435200000"}}
}

// stored is the audit as it is.
func (d *desk) stored(id string) archive.Audit {
	d.t.Helper()
	of, err := d.archive.Audit(d.t.Context(), site, id)
	d.must(err)
	return of
}

// told are the events on the bus: their type, and the number of their finding.
func (d *desk) told() []string {
	d.t.Helper()
	out := []string{}
	for _, e := range d.Events() {
		var detail auditworker.Detail
		d.must(json.Unmarshal([]byte(e.Detail), &detail))
		out = append(out, strings.TrimPrefix(e.DetailType, "Finding ")+" "+detail.Provider+" "+detail.Finding.Fingerprint[30:])
	}
	slices.Sort(out)
	return out
}

// metrics are the metrics of audits that were written.
func (d *desk) metrics() []map[string]any {
	d.t.Helper()
	var out []map[string]any
	for line := range strings.Lines(d.out.String()) {
		var members map[string]any
		d.must(json.Unmarshal([]byte(line), &members))
		if _, ok := members["_aws"]; ok && members["Audits"] != nil {
			out = append(out, members)
		}
	}
	return out
}

// clean is a report without findings.
func clean(context.Context, string, *audit.Report) (audit.Report, error) { return report(), nil }

func report(findings ...audit.Finding) audit.Report {
	now := time.Now().UTC()
	for i := range findings {
		findings[i].FirstSeen, findings[i].LastSeen = now, now
	}
	return audit.Report{
		Version: audit.ReportVersion, Identity: "arn:aws:iam::444455556666:role/x", StartedAt: now, FinishedAt: now, Findings: findings,
		Verification: audit.Verification{Status: registry.Ready},
	}
}

func finding(n int, severity audit.Severity, state audit.State) audit.Finding {
	return audit.Finding{
		Fingerprint: fmt.Sprintf("%032d", n), Rule: audit.RuleWriteExcess, Severity: severity, Provider: "main", Action: "s3:*", Resource: "*",
		State: state, Rechecked: true, Evidence: audit.Evidence{Summary: "Too much."}, Remediation: audit.Remediation{Summary: "Take it away."},
	}
}
