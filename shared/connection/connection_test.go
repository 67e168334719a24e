package connection_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/seal"
	"github.com/arngate/arngate/shared/secrettest"
	"github.com/arngate/arngate/shared/telemetry"
)

const (
	siteA = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
	siteB = "0c1d2e3f-8b86-4d01-b42d-00cf4fc964aa"
)

// fakeRegistry holds connections by name, of site A.
type fakeRegistry struct {
	opened map[string]*registry.Opened
	err    error
}

func (f *fakeRegistry) Open(_ context.Context, site, name string) (*registry.Opened, error) {
	if f.err != nil {
		return nil, f.err
	}
	opened, ok := f.opened[name]
	if !ok || site != siteA {
		return nil, registry.ErrNotFound
	}
	return opened, nil
}

// fakeBroker hands out ids in their order.
type fakeBroker struct {
	ids     []string
	tiers   []credentials.Tier
	dropped []string
	err     error
}

func (f *fakeBroker) Get(context.Context, credentials.Request) (credentials.Credentials, credentials.Tier, error) {
	if f.err != nil {
		return credentials.Credentials{}, "", f.err
	}
	id, tier := f.ids[0], f.tiers[0]
	if len(f.ids) > 1 {
		f.ids, f.tiers = f.ids[1:], f.tiers[1:]
	}
	return credentials.Credentials{AccessKeyID: id, SecretAccessKey: seal.NewSecret(secrettest.Plant(secrettest.SecretKey, "/s"))}, tier, nil
}

func (f *fakeBroker) Drop(_ context.Context, _ credentials.Request, accessKeyID string) {
	f.dropped = append(f.dropped, accessKeyID)
}

func files() *registry.Opened {
	return &registry.Opened{
		Connection: registry.Connection{
			Site: siteA, Name: "files", Provider: "main", Groups: []string{"sales"}, Revision: "c1",
			Limits: permissions.Limits{
				Connector: permissions.S3, Region: "us-east-1", ReadOnly: true,
				Buckets: []permissions.Bucket{{Name: "docs", Prefix: "reports"}},
			},
		},
		Provider: registry.Provider{
			Site: siteA, Name: "main", Method: registry.AssumeRole, Revision: "p1",
			RoleARN: "arn:aws:iam::111122223333:role/skuid-assumable-role/demo",
		},
		State: registry.State{Revision: "p1", Status: registry.Ready, Account: "111122223333"},
	}
}

type fixture struct {
	registry *fakeRegistry
	broker   *fakeBroker
	opener   *connection.Opener
}

func newFixture() fixture {
	f := fixture{
		registry: &fakeRegistry{opened: map[string]*registry.Opened{"files": files()}},
		broker:   &fakeBroker{ids: []string{"ASIA1", "ASIA2"}, tiers: []credentials.Tier{telemetry.Minted, telemetry.Memory}},
	}
	f.opener = connection.NewOpener(f.registry, f.broker, awsclient.New(awsclient.Options{Regions: []string{"us-east-1"}}))
	return f
}

var ada = caller.Caller{Site: siteA, User: "ada", Actor: "ada", Groups: []string{"sales"}}

func (f fixture) open(t *testing.T) *connection.Connection {
	t.Helper()
	c, err := f.opener.Open(t.Context(), ada, "files", permissions.S3)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// asProblem returns the problem that err is; it fails the test if it is none.
func asProblem(t *testing.T, err error) *problem.Error {
	t.Helper()
	var p *problem.Error
	if !errors.As(err, &p) {
		t.Fatalf("got %v, want a problem", err)
	}
	secrettest.CheckError(t, err)
	secrettest.Check(t, "a problem", fmt.Sprintf("%+v", p.Document("r")))
	return p
}

// Unknown, another site's, another group's, another connector's, no name at all: one answer, to the letter.
func TestTrap23NotYoursAndNotThereAreOne(t *testing.T) {
	f := newFixture()
	_, err := f.opener.Open(t.Context(), ada, "absent", permissions.S3)
	want := asProblem(t, err).Document("r")
	if want.Code != problem.ConnectionNotFound {
		t.Errorf("got %s, want connection_not_found", want.Code)
	}
	for name, c := range map[string]struct {
		caller    caller.Caller
		name      string
		connector permissions.Connector
	}{
		"another site's":      {caller.Caller{Site: siteB, User: "ada", Groups: []string{"sales"}}, "files", permissions.S3},
		"another group's":     {caller.Caller{Site: siteA, User: "bob", Groups: []string{"hr"}}, "files", permissions.S3},
		"without groups":      {caller.Caller{Site: siteA, User: "bob"}, "files", permissions.S3},
		"acting":              {caller.Caller{Site: siteA, User: "ada", Actor: "backend", Acting: true, Groups: []string{"sales"}}, "files", permissions.S3},
		"another connector's": {ada, "files", permissions.Lambda},
		"no name":             {ada, "../files", permissions.S3},
	} {
		_, err := f.opener.Open(t.Context(), c.caller, c.name, c.connector)
		if diff := cmp.Diff(want, asProblem(t, err).Document("r")); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestAllows(t *testing.T) {
	acting := caller.Caller{Site: siteA, User: "ada", Actor: "backend", Acting: true, Groups: []string{"sales"}}
	for _, c := range []struct {
		groups []string
		acting bool
		caller caller.Caller
		want   bool
	}{
		{[]string{"sales"}, false, ada, true},
		{[]string{"hr", "sales"}, false, ada, true},
		{[]string{"hr"}, false, ada, false},
		{[]string{"*"}, false, ada, true},
		{[]string{"*"}, false, caller.Caller{Site: siteA, User: "bob"}, true},
		{nil, false, ada, false},
		{[]string{"sales"}, false, caller.Caller{Site: siteA, User: "bob", Groups: []string{"*"}}, false},
		{[]string{"sales"}, true, ada, true},
		{[]string{"hr"}, true, ada, false}, // acting: true opens it to who acts, not to everyone
		{[]string{"hr"}, true, acting, true},
		{[]string{"*"}, false, acting, false}, // the token's groups don't apply to who acts
		{[]string{"sales"}, false, acting, false},
		{[]string{"*"}, true, caller.Caller{Site: siteB, User: "ada", Acting: true}, false},
	} {
		got := connection.Allows(registry.Connection{Site: siteA, Groups: c.groups, Acting: c.acting}, c.caller)
		if got != c.want {
			t.Errorf("groups %v, acting %t, caller %+v: got %t, want %t", c.groups, c.acting, c.caller, got, c.want)
		}
	}
}

func TestRegistryTrouble(t *testing.T) {
	f := newFixture()
	for err, want := range map[error]problem.Code{
		errors.New("table is down"): problem.Internal, context.DeadlineExceeded: problem.DeadlineExceeded,
	} {
		f.registry.err = err
		_, got := f.opener.Open(t.Context(), ada, "files", permissions.S3)
		if p := asProblem(t, got); p.Code != want {
			t.Errorf("%v: got %s, want %s", err, p.Code, want)
		}
	}
}

func TestRegionsOutsideTheOperatorsList(t *testing.T) {
	f := newFixture()
	f.registry.opened["files"].Connection.Limits.Region = "eu-west-1"
	_, err := f.opener.Open(t.Context(), ada, "files", permissions.S3)
	if p := asProblem(t, err); p.Code != problem.ConnectionForbids {
		t.Errorf("got %s, want connection_forbids", p.Code)
	}
}

func TestLimits(t *testing.T) {
	f := newFixture()
	s3 := f.open(t)
	f.registry.opened["tables"] = files()
	f.registry.opened["tables"].Connection.Limits = permissions.Limits{
		Connector: permissions.DynamoDB, Region: "us-east-1", Tables: []string{"Orders"},
	}
	f.registry.opened["jobs"] = files()
	f.registry.opened["jobs"].Connection.Limits = permissions.Limits{
		Connector: permissions.Lambda, Region: "us-east-1", Functions: []string{"report"},
	}
	tables, err := f.opener.Open(t.Context(), ada, "tables", permissions.DynamoDB)
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := f.opener.Open(t.Context(), ada, "jobs", permissions.Lambda)
	if err != nil {
		t.Fatal(err)
	}
	if tables.DynamoDB() == nil || jobs.DynamoDB() != nil || s3.DynamoDB() != nil {
		t.Error("a connection has the client for DynamoDB only if it is for DynamoDB")
	}
	for name, c := range map[string]struct {
		err     error
		allowed bool
	}{
		"read an object":            {s3.RequireObject("docs", "reports/a", false), true},
		"write when read-only":      {s3.RequireObject("docs", "reports/a", true), false},
		"beside the prefix":         {s3.RequireObject("docs", "reports-secret/a", false), false}, // trap 43
		"another bucket":            {s3.RequireObject("other", "reports/a", false), false},
		"list below the prefix":     {s3.RequireListing("docs", "reports/"), true},
		"list above the prefix":     {s3.RequireListing("docs", ""), false},
		"the bucket":                {s3.RequireBucket("docs"), true},
		"a bucket's ARN":            {s3.RequireBucket("arn:aws:s3:::docs"), false}, // trap 21
		"delete when read-only":     {s3.Require("s3:DeleteObject"), false},
		"list buckets":              {s3.Require("s3:ListAllMyBuckets"), true},
		"the table":                 {tables.RequireTable("Orders", true), true},
		"another table":             {tables.RequireTable("Users", false), false},
		"a table's ARN":             {tables.RequireTable("arn:aws:dynamodb:us-east-1:1:table/Orders", false), false},
		"a bucket of a table's":     {tables.RequireBucket("docs"), false},
		"an action of none":         {tables.Require("dynamodb:DeleteTable"), false},
		"the function":              {jobs.RequireFunction("report"), true},
		"another function":          {jobs.RequireFunction("other"), false},
		"a function with qualifier": {jobs.RequireFunction("report:1"), false},
	} {
		if c.allowed && c.err != nil {
			t.Errorf("%s: got %v", name, c.err)
		}
		if !c.allowed && asProblem(t, c.err).Code != problem.ConnectionForbids {
			t.Errorf("%s: got %v, want connection_forbids", name, c.err)
		}
	}
}

func TestBindTellsCallersAndConnectionsApart(t *testing.T) {
	seen := map[string]string{}
	for name, change := range map[string]func(*caller.Caller, *registry.Opened){
		"base":     func(*caller.Caller, *registry.Opened) {},
		"user":     func(c *caller.Caller, _ *registry.Opened) { c.User = "bob" },
		"actor":    func(c *caller.Caller, _ *registry.Opened) { c.Actor = "backend" },
		"joined":   func(c *caller.Caller, _ *registry.Opened) { c.User, c.Actor = "adaa", "da" },
		"revision": func(_ *caller.Caller, o *registry.Opened) { o.Connection.Revision = "c2" },
	} {
		f, c := newFixture(), ada
		change(&c, f.registry.opened["files"])
		opened, err := f.opener.Open(t.Context(), c, "files", permissions.S3)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[string(opened.Bind())]; ok {
			t.Errorf("%s and %s bind alike", name, other)
		}
		seen[string(opened.Bind())] = name
	}
}

func TestAccountOfAProvider(t *testing.T) {
	f := newFixture()
	if got, want := f.open(t).Account, "111122223333"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	f.registry.opened["files"].State = registry.State{Revision: "other", Account: "444455556666"}
	if got, want := f.open(t).Account, "111122223333"; got != want {
		t.Errorf("state of another revision: got %s, want that of the role's ARN, %s", got, want)
	}
}
