package audit_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/awsclient/auditclient"
	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/localaws/lambda"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/policy"
	"github.com/arngate/arngate/shared/registry"
)

const (
	partnerAccount = "444455556666"
	gatewayARN     = "arn:aws:iam::" + gatewayAccount + ":role/gateway"
	reads          = `"iam:GetRole","iam:ListRolePolicies","iam:GetRolePolicy","iam:ListAttachedRolePolicies"`
	userReads      = `"iam:GetUser","iam:ListUserPolicies","iam:GetUserPolicy","iam:ListAttachedUserPolicies","iam:ListGroupsForUser","iam:ListAccessKeys"`
)

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
	undeclared  bool // nobody says that the store is the local AWS
}

// ConnectionsOf makes the world the auditor's list of connections.
func (w *world) ConnectionsOf(context.Context, string, string) ([]registry.Connection, error) {
	return w.connections, nil
}

func newWorld(tb testing.TB, c corpusCase) *world {
	tb.Helper()
	local := localawstest.Start(tb)
	w := &world{AWS: local, t: tb, c: c, registry: &fakeRegistry{}}
	gateway := local.AddRole(tb, local.Account(gatewayAccount), localawstest.Role{
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
	own := awsclient.Own(awsclient.OwnOptions{
		Region: localawstest.Region, Endpoint: w.Endpoint(), Transport: w.Transport(), Provider: gateway,
	})
	clients := auditclient.Clients{Clients: awsclient.New(awsclient.Options{Endpoint: w.Endpoint(), Transport: w.Transport()})}
	customer, err := clients.STS(localawstest.Region)
	w.must(err)
	sts := awssts.NewFromConfig(own)
	minter := credentials.NewMinter(sts, customer, openVault{})
	verifier := audit.NewVerifier(w.registry, sts, customer, minter, audit.Options{Partition: "aws", RolePath: rolePath})
	options := audit.AuditOptions{GatewayRole: gatewayARN, Region: localawstest.Region, LocalAWS: w.Endpoint()}
	if w.undeclared {
		options.LocalAWS = ""
	}
	return audit.NewAuditor(verifier, w, minter, clients, options)
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
		{"acme-data", "reports/a.txt", "a"},
		{"acme-data", "private/b.txt", "b"},
		{"acme-versioned", "reports/v.txt", "1"},
		{"acme-versioned", "reports/v.txt", "2"},
		{"acme-versioned", "gone.txt", "3"},
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
func joined(tb testing.TB, texts ...string) string {
	tb.Helper()
	var all []json.RawMessage
	for _, text := range texts {
		var d struct {
			Statement []json.RawMessage `json:"Statement"`
		}
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			tb.Fatal(err)
		}
		all = append(all, d.Statement...)
	}
	raw, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": all})
	if err != nil {
		tb.Fatal(err)
	}
	return string(raw)
}
