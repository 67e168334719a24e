package audit_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/localaws/lambda"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/policy"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/rolekit"
)

const (
	partnerAccount = "444455556666"
	gatewayARN     = "arn:aws:iam::" + gatewayAccount + ":role/gateway"
	reads          = `"iam:GetRole","iam:ListRolePolicies","iam:GetRolePolicy","iam:ListAttachedRolePolicies"`
	userReads      = `"iam:GetUser","iam:ListUserPolicies","iam:GetUserPolicy","iam:ListAttachedUserPolicies","iam:ListGroupsForUser","iam:ListAccessKeys"`
)

// corpusCase is one case of testdata/corpus; README.md there says what its fields mean.
type corpusCase struct {
	Name          string                     `json:"name"`
	Reason        string                     `json:"reason"`
	Trust         json.RawMessage            `json:"trust"`
	Path          string                     `json:"path"`
	Kit           bool                       `json:"kit"`
	NoReads       bool                       `json:"no_reads"`
	Inline        map[string]json.RawMessage `json:"inline"`
	Managed       map[string]json.RawMessage `json:"managed"`
	Attached      []string                   `json:"attached"`
	Boundary      json.RawMessage            `json:"boundary"`
	Tags          map[string]string          `json:"tags"`
	SCPs          [][]json.RawMessage        `json:"scps"`
	Buckets       map[string]json.RawMessage `json:"buckets"`
	Faults        []corpusFault              `json:"faults"`
	User          *corpusUser                `json:"user"`
	Connections   []corpusConnection         `json:"connections"`
	Findings      []expectedFinding          `json:"findings"`
	Disagreements []disagreement             `json:"disagreements"`
}

type corpusFault struct {
	Service, Operation, Code, Message string
	Status                            int
}

type corpusUser struct {
	Root        bool                       `json:"root"`
	WrongSecret bool                       `json:"wrong_secret"`
	Scoping     string                     `json:"scoping"`
	AgeDays     int                        `json:"age_days"`
	Groups      map[string]json.RawMessage `json:"groups"`
}

type corpusConnection struct {
	Name      string                `json:"name"`
	Connector permissions.Connector `json:"connector"`
	ReadOnly  bool                  `json:"read_only"`
	Tables    []string              `json:"tables"`
	Buckets   []permissions.Bucket  `json:"buckets"`
	Functions []string              `json:"functions"`
	KMSKeys   []string              `json:"kms_keys"`
}

func (c corpusConnection) limits() permissions.Limits {
	return permissions.Limits{
		Connector: c.Connector, Region: localawstest.Region, ReadOnly: c.ReadOnly,
		Tables: c.Tables, Buckets: c.Buckets, Functions: c.Functions, KMSKeys: c.KMSKeys,
	}
}

type expectedFinding struct {
	Rule, Severity, Action, Resource, Verdict, Cause string
	Includes, Excludes                               []string
}

type disagreement struct {
	Action, Resource, Offline, Live, Cause string
}

// corpus reads every case.
func corpus(t testing.TB) []corpusCase {
	t.Helper()
	files, err := filepath.Glob("testdata/corpus/*.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []corpusCase
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(strings.NewReader(strings.NewReplacer(
			"<gateway>", gatewayARN, "<site>", siteA, "<other>", siteB,
			"<ddb>", "arn:aws:dynamodb:us-east-1:"+customerAccount+":table", "<fn>", "arn:aws:lambda:us-east-1:"+customerAccount+":function",
		).Replace(string(raw))))
		d.DisallowUnknownFields()
		var cases []corpusCase
		if err := d.Decode(&cases); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, cases...)
	}
	if len(all) < 40 {
		t.Fatalf("got %d cases, want at least 40", len(all))
	}
	return all
}

// caseNamed returns one case of the corpus.
func caseNamed(t testing.TB, name string) corpusCase {
	t.Helper()
	for _, c := range corpus(t) {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no case %s", name)
	return corpusCase{}
}

// world is a local AWS with one provider on it, as a case describes it, and an auditor in front.
type world struct {
	*localawstest.AWS

	t           testing.TB
	c           corpusCase
	admin       localawstest.Keys
	partner     localawstest.Keys
	arn         string // of the role
	accessKey   string
	gateway     string // ARN of the gateway role
	registry    *fakeRegistry
	connections []registry.Connection
	auditor     *audit.Auditor
}

// Connections makes the world the auditor's list of connections.
func (w *world) Connections(context.Context, string, string, int) ([]registry.Connection, string, error) {
	return w.connections, "", nil
}

func newWorld(t testing.TB, c corpusCase) *world {
	t.Helper()
	local := localawstest.Start(t)
	w := &world{AWS: local, t: t, c: c, registry: &fakeRegistry{}}
	gateway := local.AddRole(t, local.Account(gatewayAccount), localawstest.Role{
		Name: "gateway",
		Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},
			"Action":"sts:AssumeRole"}]}`,
		Policy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
			"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Resource":"*"}]}`,
	})
	w.admin, w.partner = local.Account(customerAccount), local.Account(partnerAccount)
	w.addData()
	w.addConnections()
	if c.User != nil {
		w.addUser()
		time.Sleep(time.Duration(c.User.AgeDays) * 24 * time.Hour)
	} else {
		w.addRole()
	}
	w.addGuardrails()
	w.gateway = gateway
	w.renew()
	return w
}

// renew gives the auditor a fresh session of the gateway: they live for an hour.
func (w *world) renew() {
	session, err := w.AssumeAsService("lambda.amazonaws.com", w.gateway, "gateway")
	w.must(err)
	w.auditor = w.newAuditor(awscredentials.NewStaticCredentialsProvider(session.AccessKeyID, session.SecretAccessKey, session.SessionToken))
	w.ResetCalls()
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) newAuditor(gateway aws.CredentialsProvider) *audit.Auditor {
	own, err := awsclient.Own(w.t.Context(), awsclient.OwnOptions{
		Region: localawstest.Region, Endpoint: w.Endpoint(), Transport: w.Transport(), Provider: gateway,
	})
	w.must(err)
	clients := awsclient.New(awsclient.Options{Endpoint: w.Endpoint(), Transport: w.Transport()})
	customer, err := clients.STS(localawstest.Region)
	w.must(err)
	sts := awssts.NewFromConfig(own)
	minter := credentials.NewMinter(sts, customer, openVault{})
	verifier := audit.NewVerifier(w.registry, sts, customer, minter, audit.Options{Partition: "aws", RolePath: rolePath})
	return audit.NewAuditor(verifier, w, minter, clients, audit.AuditOptions{
		GatewayRole: gatewayARN, Region: localawstest.Region, LocalAWS: w.Endpoint(),
	})
}

// audit makes an audit and checks what holds for every one.
func (w *world) audit(previous *audit.Report) audit.Report {
	w.t.Helper()
	w.ResetCalls()
	report, err := w.auditor.Audit(w.t.Context(), siteA, "main", previous)
	w.must(err)
	sts := 0
	for _, call := range w.Calls() {
		if call.Service == "sts" {
			sts++
		}
	}
	if report.Verification.Calls > 8 || report.Coverage.STSCalls != report.Verification.Calls+report.Coverage.Sets {
		w.t.Errorf("got %d calls to STS for verify, %d sets, %d altogether", report.Verification.Calls, report.Coverage.Sets, report.Coverage.STSCalls)
	}
	if want := report.Coverage.STSCalls; report.Verification.WaitedSeconds == 0 && sts != want {
		w.t.Errorf("got %d calls to STS, want %d", sts, want)
	}
	return report
}

func (w *world) addData() {
	t := w.t
	db := awsdynamodb.NewFromConfig(w.Config(w.admin))
	s, n := ddbtypes.ScalarAttributeTypeS, ddbtypes.ScalarAttributeTypeN
	attribute := func(name string, kind ddbtypes.ScalarAttributeType) ddbtypes.AttributeDefinition {
		return ddbtypes.AttributeDefinition{AttributeName: &name, AttributeType: kind}
	}
	key := func(name string, kind ddbtypes.KeyType) ddbtypes.KeySchemaElement {
		return ddbtypes.KeySchemaElement{AttributeName: &name, KeyType: kind}
	}
	for _, table := range []awsdynamodb.CreateTableInput{
		{
			TableName: aws.String("Orders"), AttributeDefinitions: []ddbtypes.AttributeDefinition{attribute("id", s), attribute("customer", s)},
			KeySchema: []ddbtypes.KeySchemaElement{key("id", ddbtypes.KeyTypeHash)},
			GlobalSecondaryIndexes: []ddbtypes.GlobalSecondaryIndex{{
				IndexName: aws.String("by_customer"), KeySchema: []ddbtypes.KeySchemaElement{key("customer", ddbtypes.KeyTypeHash)},
				Projection: &ddbtypes.Projection{ProjectionType: ddbtypes.ProjectionTypeAll},
			}},
		},
		{
			TableName: aws.String("Events"), AttributeDefinitions: []ddbtypes.AttributeDefinition{attribute("id", s), attribute("at", n)},
			KeySchema: []ddbtypes.KeySchemaElement{key("id", ddbtypes.KeyTypeHash), key("at", ddbtypes.KeyTypeRange)},
		},
		{
			TableName: aws.String("Counters"), AttributeDefinitions: []ddbtypes.AttributeDefinition{attribute("n", n)},
			KeySchema: []ddbtypes.KeySchemaElement{key("n", ddbtypes.KeyTypeHash)},
		},
	} {
		table.BillingMode = ddbtypes.BillingModePayPerRequest
		_, err := db.CreateTable(t.Context(), &table)
		w.must(err)
	}
	time.Sleep(time.Minute) // until they are there
	_, err := db.PutItem(t.Context(), &awsdynamodb.PutItemInput{TableName: aws.String("Orders"), Item: map[string]ddbtypes.AttributeValue{
		"id": &ddbtypes.AttributeValueMemberS{Value: "1"}, "customer": &ddbtypes.AttributeValueMemberS{Value: "a"},
	}})
	w.must(err)
	w.addObjects()
	for _, name := range []string{"send-mail", "resize"} {
		w.must(w.Lambda().Register(customerAccount, localawstest.Region, lambda.Function{
			Name: name, Run: func(context.Context, lambda.Invocation) ([]byte, error) {
				t.Errorf("%s ran", name)
				return nil, nil
			},
		}))
	}
}

func (w *world) addObjects() {
	t := w.t
	files := awss3.NewFromConfig(w.Config(w.admin))
	for _, name := range []string{"acme-data", "acme-versioned"} {
		_, err := files.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: &name})
		w.must(err)
	}
	_, err := awss3.NewFromConfig(w.Config(w.partner)).CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: aws.String("partner-data")})
	w.must(err)
	_, err = files.PutBucketVersioning(t.Context(), &awss3.PutBucketVersioningInput{
		Bucket:                  aws.String("acme-versioned"),
		VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled},
	})
	w.must(err)
	for _, object := range [][3]string{
		{"acme-data", "reports/a.txt", "a"}, {"acme-data", "private/b.txt", "b"},
		{"acme-versioned", "reports/v.txt", "1"}, {"acme-versioned", "reports/v.txt", "2"}, {"acme-versioned", "gone.txt", "3"},
	} {
		_, err := files.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: &object[0], Key: &object[1], Body: strings.NewReader(object[2])})
		w.must(err)
	}
	_, err = files.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: aws.String("acme-versioned"), Key: aws.String("gone.txt")})
	w.must(err)
}

func (w *world) addConnections() {
	for _, c := range w.c.Connections {
		text, err := permissions.SessionPolicy(c.limits(), "aws", "")
		w.must(err)
		w.connections = append(w.connections, registry.Connection{
			Site: siteA, Name: c.Name, Provider: "main", Limits: c.limits(), Policy: text, Revision: "r1",
		})
	}
	w.connections = append(w.connections, registry.Connection{Site: siteA, Name: "elsewhere", Provider: "other"})
}

// kit is the role kit's permission policy for the case's connections.
func (w *world) kit() string {
	var limits []permissions.Limits
	for _, c := range w.c.Connections {
		limits = append(limits, c.limits())
	}
	text, err := permissions.PermissionPolicy(limits, "aws", customerAccount)
	w.must(err)
	return text
}

// fill fills the role's ARN in.
func (w *world) fill(raw string) string {
	return strings.NewReplacer("<role>", w.arn, "<access_key>", w.accessKey).Replace(raw)
}

func (w *world) addManaged(client *awsiam.Client) []string {
	var arns []string
	for name, document := range w.c.Managed {
		out, err := client.CreatePolicy(w.t.Context(), &awsiam.CreatePolicyInput{
			PolicyName: &name, PolicyDocument: aws.String(w.fill(string(document))),
		})
		w.must(err)
		arns = append(arns, *out.Policy.Arn)
	}
	return append(arns, w.c.Attached...)
}

// readsOf is the policy that grants the audit's reads, on exactly what it reads.
func readsOf(own, arn string, groups, managed []string) string {
	quote := func(s []string) string { return `["` + strings.Join(s, `","`) + `"]` }
	statements := `{"Effect":"Allow","Action":[` + own + `],"Resource":"` + arn + `"}`
	if len(groups) > 0 {
		statements += `,{"Effect":"Allow","Action":["iam:ListGroupPolicies","iam:GetGroupPolicy","iam:ListAttachedGroupPolicies"],"Resource":` + quote(groups) + `}`
	}
	if len(managed) > 0 {
		statements += `,{"Effect":"Allow","Action":["iam:GetPolicy","iam:GetPolicyVersion"],"Resource":` + quote(managed) + `}`
	}
	return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
}

func (w *world) addRole() {
	ctx := w.t.Context()
	client := awsiam.NewFromConfig(w.Config(w.admin))
	path := rolePath
	if w.c.Path != "" {
		path = w.c.Path
	}
	w.arn = "arn:aws:iam::" + customerAccount + ":role" + path + "demo"
	trust := rolekit.TrustPolicy(gatewayARN, []string{siteA})
	if w.c.Trust != nil {
		trust = w.fill(string(w.c.Trust))
	}
	in := &awsiam.CreateRoleInput{RoleName: aws.String("demo"), Path: &path, AssumeRolePolicyDocument: &trust}
	for key, value := range w.c.Tags {
		in.Tags = append(in.Tags, iamtypes.Tag{Key: &key, Value: &value})
	}
	managed := w.addManaged(client)
	readable := managed
	if w.c.Boundary != nil {
		document := w.fill(string(w.c.Boundary))
		boundary := "arn:aws:iam::" + customerAccount + ":policy/boundary"
		readable = append(readable, boundary)
		if document == `"kit"` {
			document = joined(w.t, w.kit(), readsOf(reads, w.arn, nil, readable))
		}
		_, err := client.CreatePolicy(ctx, &awsiam.CreatePolicyInput{PolicyName: aws.String("boundary"), PolicyDocument: &document})
		w.must(err)
		in.PermissionsBoundary = &boundary
	}
	_, err := client.CreateRole(ctx, in)
	w.must(err)
	put := func(name, document string) {
		_, err := client.PutRolePolicy(ctx, &awsiam.PutRolePolicyInput{RoleName: aws.String("demo"), PolicyName: &name, PolicyDocument: &document})
		w.must(err)
	}
	w.addInline(put, readsOf(reads, w.arn, nil, readable))
	for _, arn := range managed {
		_, err := client.AttachRolePolicy(ctx, &awsiam.AttachRolePolicyInput{RoleName: aws.String("demo"), PolicyArn: &arn})
		w.must(err)
	}
	w.registry.provider = registry.Provider{
		Site: siteA, Name: "main", Method: registry.AssumeRole, RoleARN: w.arn, Revision: "r1", Created: time.Now(), Updated: time.Now(),
	}
}

func (w *world) addInline(put func(name, document string), reads string) {
	if w.c.Kit {
		put("connections", w.kit())
	}
	if !w.c.NoReads {
		put("audit", reads)
	}
	for name, document := range w.c.Inline {
		put(name, w.fill(string(document)))
	}
}

func (w *world) addUser() {
	ctx, u := w.t.Context(), w.c.User
	client := awsiam.NewFromConfig(w.Config(w.admin))
	keys := localawstest.Keys{}
	if u.Root {
		keys.AccessKeyID, keys.SecretAccessKey = w.AddRootKey(customerAccount)
	} else {
		keys = w.AddUser(w.t, w.admin, "arngate", "")
		w.arn = "arn:aws:iam::" + customerAccount + ":user/arngate"
		var groups []string
		for name, document := range u.Groups {
			_, err := client.CreateGroup(ctx, &awsiam.CreateGroupInput{GroupName: &name})
			w.must(err)
			_, err = client.PutGroupPolicy(ctx, &awsiam.PutGroupPolicyInput{GroupName: &name, PolicyName: aws.String("group"), PolicyDocument: aws.String(string(document))})
			w.must(err)
			_, err = client.AddUserToGroup(ctx, &awsiam.AddUserToGroupInput{GroupName: &name, UserName: aws.String("arngate")})
			w.must(err)
			groups = append(groups, "arn:aws:iam::"+customerAccount+":group/"+name)
		}
		managed := w.addManaged(client)
		put := func(name, document string) {
			_, err := client.PutUserPolicy(ctx, &awsiam.PutUserPolicyInput{UserName: aws.String("arngate"), PolicyName: &name, PolicyDocument: &document})
			w.must(err)
		}
		w.addInline(put, readsOf(userReads, w.arn, groups, managed))
		for _, arn := range managed {
			_, err := client.AttachUserPolicy(ctx, &awsiam.AttachUserPolicyInput{UserName: aws.String("arngate"), PolicyArn: &arn})
			w.must(err)
		}
	}
	w.accessKey = keys.AccessKeyID
	secret := keys.SecretAccessKey
	if u.WrongSecret {
		secret = strings.Repeat("x", 40)
	}
	w.registry.provider = registry.Provider{
		Site: siteA, Name: "main", Method: registry.AccessKeys, AccessKeyID: keys.AccessKeyID, SealedSecret: []byte(secret),
		Scoping: u.Scoping, Revision: "r1", Created: time.Now(), Updated: time.Now(),
	}
}

func (w *world) addGuardrails() {
	for name, document := range w.c.Buckets {
		keys := w.admin
		if strings.HasPrefix(name, "partner") {
			keys = w.partner
		}
		_, err := awss3.NewFromConfig(w.Config(keys)).PutBucketPolicy(w.t.Context(), &awss3.PutBucketPolicyInput{
			Bucket: &name, Policy: aws.String(w.fill(string(document))),
		})
		w.must(err)
	}
	var levels [][]*policy.Document
	for _, level := range w.c.SCPs {
		var documents []*policy.Document
		for _, raw := range level {
			d, err := policy.Parse(raw)
			w.must(err)
			documents = append(documents, d)
		}
		levels = append(levels, documents)
	}
	w.SetSCPs(customerAccount, levels)
	time.Sleep(time.Minute) // until roles have spread
	for _, f := range w.c.Faults {
		w.Inject(localaws.Fault{Service: f.Service, Operation: f.Operation, Status: f.Status, Code: f.Code, Message: f.Message})
	}
}

// joined is one policy with the statements of several.
func joined(t testing.TB, texts ...string) string {
	t.Helper()
	var all []json.RawMessage
	for _, text := range texts {
		var d struct{ Statement []json.RawMessage }
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatal(err)
		}
		all = append(all, d.Statement...)
	}
	raw, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": all})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
