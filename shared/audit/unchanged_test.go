package audit_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/probe"
	"github.com/arngate/arngate/shared/audit/verdict"
	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/awsclient/auditclient"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/secrettest"
)

// data is everything that is stored: every item, every version and delete marker with its content, every upload.
func (w *world) data() string {
	w.ClearFaults()
	ctx := w.t.Context()
	var b strings.Builder
	db := awsdynamodb.NewFromConfig(w.Config(w.admin))
	tables, err := db.ListTables(ctx, &awsdynamodb.ListTablesInput{})
	w.must(err)
	for _, table := range tables.TableNames {
		out, err := db.Scan(ctx, &awsdynamodb.ScanInput{TableName: &table})
		w.must(err)
		var items []string
		for _, item := range out.Items {
			raw, err := json.Marshal(item)
			w.must(err)
			items = append(items, string(raw))
		}
		slices.Sort(items)
		fmt.Fprintln(&b, "table", table, items)
	}
	for bucket, keys := range map[string]localawstest.Keys{"acme-data": w.admin, "acme-versioned": w.admin, "partner-data": w.partner} {
		files := awss3.NewFromConfig(w.Config(keys))
		out, err := files.ListObjectVersions(ctx, &awss3.ListObjectVersionsInput{Bucket: &bucket})
		w.must(err)
		for _, v := range out.Versions {
			got, err := files.GetObject(ctx, &awss3.GetObjectInput{Bucket: &bucket, Key: v.Key, VersionId: v.VersionId})
			w.must(err)
			content, err := io.ReadAll(got.Body)
			w.must(err)
			fmt.Fprintln(&b, "version", bucket, *v.Key, *v.VersionId, *v.ETag, v.LastModified, string(content))
		}
		for _, m := range out.DeleteMarkers {
			fmt.Fprintln(&b, "marker", bucket, *m.Key, *m.VersionId, m.LastModified)
		}
		uploads, err := files.ListMultipartUploads(ctx, &awss3.ListMultipartUploadsInput{Bucket: &bucket})
		w.must(err)
		fmt.Fprintln(&b, "uploads", bucket, len(uploads.Uploads))
	}
	lines := strings.Split(b.String(), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// An audit with all its probes leaves everything as it was, byte for byte: of a role that may do it all, of one that may
// not, and in a versioned bucket, where a deletion without a condition would leave a marker. The functions fail the test
// if they run.
func TestTrap47AuditsChangeNothing(t *testing.T) {
	everything := []corpusConnection{
		{Name: "orders", Connector: "dynamodb", Tables: []string{"Orders", "Events", "Counters"}},
		{Name: "all", Connector: "dynamodb", Tables: []string{"*"}},
		{Name: "files", Connector: "s3", Buckets: caseNamed(t, "three_connections").Connections[1].Buckets},
		{Name: "any", Connector: "s3", Buckets: caseNamed(t, "everything_by_kit").Connections[1].Buckets},
		{Name: "mail", Connector: "lambda", Functions: []string{"send-mail", "resize"}},
	}
	for name, c := range map[string]corpusCase{
		"all allowed":    {Attached: []string{"arn:aws:iam::aws:policy/AdministratorAccess"}, Connections: everything},
		"nothing but":    {Connections: everything},
		"only deletions": {Connections: everything, Inline: map[string]json.RawMessage{"app": deletions}},
		"only writing":   {Connections: everything, Inline: map[string]json.RawMessage{"app": writing}},
		"without reads":  {Connections: everything, NoReads: true, Kit: true},
		"a user's keys":  {Connections: everything, Attached: []string{"arn:aws:iam::aws:policy/AdministratorAccess"}, User: &corpusUser{}},
		"unscoped keys":  {Connections: everything, Kit: true, User: &corpusUser{Scoping: "none"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, c)
				before := w.data()
				report := w.audit(nil)
				calls := w.Calls()
				if diff := gocmp.Diff(before, w.data()); diff != "" {
					t.Error(diff)
				}
				tried := map[string]bool{}
				for _, call := range calls {
					tried[call.Operation] = true
				}
				for _, operation := range []string{
					"PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "DescribeTable", "ListTables", "PutObject", "DeleteObject",
					"GetObject", "GetObjectAcl", "ListObjectsV2", "ListBuckets", "Invoke", "ListFunctions",
				} {
					if !tried[operation] {
						t.Errorf("%s was not tried: the test would prove nothing", operation)
					}
				}
				if report.Coverage.Probes < 30 {
					t.Errorf("got %d probes", report.Coverage.Probes)
				}
			})
		})
	}
}

// A whole audit of a store that nobody vouches for sends nothing that could write: what that would have shown is unknown, and the
// report says why.
func TestAuditsOfAStoreThatNobodyVouchesForOnlyRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, corpusCase{Attached: []string{"arn:aws:iam::aws:policy/AdministratorAccess"}, Connections: []corpusConnection{
			{Name: "orders", Connector: "dynamodb", Tables: []string{"Orders"}},
			{Name: "files", Connector: "s3", Buckets: caseNamed(t, "three_connections").Connections[1].Buckets},
			{Name: "mail", Connector: "lambda", Functions: []string{"send-mail"}},
		}})
		w.undeclared = true
		w.renew()
		before := w.data()
		report := w.audit(nil)
		for _, call := range w.Calls() {
			switch call.Operation {
			case "PutItem", "UpdateItem", "DeleteItem", "PutObject", "DeleteObject", "Invoke":
				t.Errorf("%s was sent", call.Operation)
			}
		}
		if diff := gocmp.Diff(before, w.data()); diff != "" {
			t.Error(diff)
		}
		unsent := map[string]bool{}
		for _, p := range report.Permissions {
			for _, o := range p.Sources {
				if o.Source == audit.SourceProbe && strings.HasPrefix(o.Detail, "not sent") {
					unsent[p.Action] = true
				}
			}
		}
		want := map[string]bool{
			"dynamodb:PutItem": true, "dynamodb:UpdateItem": true, "dynamodb:DeleteItem": true,
			"s3:PutObject": true, "s3:DeleteObject": true, "lambda:InvokeFunction": true,
		}
		if diff := gocmp.Diff(want, unsent); diff != "" {
			t.Errorf("probes that were not sent (-want +got):\n%s", diff)
		}
	})
}

var (
	deletions = json.RawMessage(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["s3:DeleteObject","dynamodb:DeleteItem"],"Resource":"*"}}`)
	writing   = json.RawMessage(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["s3:PutObject","dynamodb:PutItem","dynamodb:UpdateItem"],"Resource":"*"}}`)
)

// A store that ignores conditions would write. What could write is refused before it is sent; what only reads is not.
func TestWritingProbesGoNowhereElse(t *testing.T) {
	var sent []string
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = append(sent, r.Method+" "+r.URL.Path+" "+r.Header.Get("X-Amz-Target"))
		w.WriteHeader(http.StatusOK)
	}))
	defer store.Close()
	clients := auditclient.Clients{Clients: awsclient.New(awsclient.Options{Endpoint: store.URL})}
	keys := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: secrettest.Plant(secrettest.SecretKey, "x")}
	for _, local := range []string{"", "http://127.0.0.1:1", "https://127.0.0.1"} {
		prober := probe.New(clients, local)
		for _, target := range []probe.Target{
			{Action: "dynamodb:PutItem", Table: "Orders"},
			{Action: "dynamodb:UpdateItem", Table: "Orders"},
			{Action: "dynamodb:DeleteItem", Table: "Orders"},
			{Action: "s3:PutObject", Bucket: "acme-data"},
			{Action: "s3:PutObject", Bucket: "acme-data", Known: probe.Known{MayGet: true}},
			{Action: "s3:DeleteObject", Bucket: "acme-data"},
			{Action: "lambda:InvokeFunction", Function: "send-mail"},
		} {
			target.Region = localawstest.Region
			got := prober.Probe(t.Context(), keys, target)
			if got.Verdict != verdict.Unknown || !strings.HasPrefix(got.Why, "not sent") {
				t.Errorf("%s: got %s, %q", target.Action, got.Verdict, got.Why)
			}
		}
		if len(sent) > 0 {
			t.Fatalf("sent %v", sent)
		}
	}
	prober := probe.New(clients, "")
	prober.Probe(t.Context(), keys, probe.Target{Action: "s3:ListBucket", Bucket: "acme-data", Region: localawstest.Region})
	if len(sent) != 1 {
		t.Errorf("got %v, want the reading probe alone", sent)
	}
	// Where the store is known to be the local AWS, they are sent.
	prober = probe.New(clients, store.URL)
	prober.Probe(t.Context(), keys, probe.Target{Action: "s3:DeleteObject", Bucket: "acme-data", Region: localawstest.Region})
	if len(sent) != 2 {
		t.Errorf("got %v, want the writing probe too", sent)
	}
}
