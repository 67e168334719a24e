package connection_test

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/awsclient/s3client"
	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/rolekit"
	"github.com/arngate/arngate/shared/seal"
	"github.com/arngate/arngate/shared/telemetry"
)

const (
	gatewayAccount  = "999999999999"
	customerAccount = "111122223333"
	keyARN          = "arn:aws:kms:us-east-1:" + gatewayAccount + ":key/11111111-2222-3333-4444-555555555555"
)

// The gateway role's rights, as narrow as the deployment gives them.
const gatewayPolicy = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],
	 "Resource":["arn:aws:iam::*:role/skuid-assumable-role/*","arn:aws:iam::*:role/*/skuid-assumable-role/*"]},
	{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:BatchGetItem","dynamodb:Query"],
	 "Resource":"arn:aws:dynamodb:us-east-1:999999999999:table/Registry"},
	{"Effect":"Allow","Action":"dynamodb:PutItem","Resource":"arn:aws:dynamodb:us-east-1:999999999999:table/Registry",
	 "Condition":{"ForAllValues:StringLike":{"dynamodb:LeadingKeys":["STATE#*","KEYS"]},"Null":{"dynamodb:LeadingKeys":"false"}}},
	{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:UpdateItem"],
	 "Resource":"arn:aws:dynamodb:us-east-1:999999999999:table/CredentialCache"},
	{"Effect":"Allow","Action":["kms:GenerateDataKey","kms:Decrypt"],"Resource":"` + keyARN + `"}]}`

const keyPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
	"Principal":{"AWS":"arn:aws:iam::999999999999:root"},"Action":"kms:*","Resource":"*"}]}`

// deployment is a gateway on a local AWS, with one customer whose role may do everything.
type deployment struct {
	*localawstest.AWS

	t        *testing.T
	store    *registry.Store // as the configuration function, which may write it
	gateway  aws.Config
	customer localawstest.Keys
	role     string
}

func newDeployment(t *testing.T) *deployment {
	t.Helper()
	local := localawstest.Start(t)
	administrator := local.Account(gatewayAccount)
	if err := local.AddKey(gatewayAccount, localawstest.Region, keyARN[strings.LastIndex(keyARN, "/")+1:], keyPolicy); err != nil {
		t.Fatal(err)
	}
	d := &deployment{AWS: local, t: t, customer: local.Account(customerAccount)}
	gatewayRole := local.AddRole(t, administrator, localawstest.Role{
		Name: "gateway", Policy: gatewayPolicy,
		Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`,
	})
	session, err := local.AssumeAsService("lambda.amazonaws.com", gatewayRole, "gateway")
	if err != nil {
		t.Fatal(err)
	}
	d.gateway = awsclient.Own(awsclient.OwnOptions{
		Region: localawstest.Region, Endpoint: local.Endpoint(), Transport: local.Transport(),
		Provider: awscredentials.NewStaticCredentialsProvider(session.AccessKeyID, session.SecretAccessKey, session.SessionToken),
	})
	own := awsdynamodb.NewFromConfig(local.Config(administrator))
	d.createTable(own, "Registry", "pk", "sk")
	d.createTable(own, "CredentialCache", "pk")
	d.store = registry.NewStore(own, "Registry")
	d.role = local.AddRole(t, d.customer, localawstest.Role{
		Name: "demo", Path: "/skuid-assumable-role/", Trust: rolekit.TrustPolicy(gatewayRole, []string{siteA}),
		Policy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
	})
	d.fillBucket()
	return d
}

func (d *deployment) createTable(client *awsdynamodb.Client, name string, keys ...string) {
	d.t.Helper()
	in := &awsdynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
	for i, key := range keys {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: &key, AttributeType: types.ScalarAttributeTypeS,
		})
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{
			AttributeName: &key, KeyType: []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i],
		})
	}
	if _, err := client.CreateTable(d.t.Context(), in); err != nil {
		d.t.Fatal(err)
	}
}

func (d *deployment) fillBucket() {
	d.t.Helper()
	client := awss3.NewFromConfig(d.Config(d.customer))
	if _, err := client.CreateBucket(d.t.Context(), &awss3.CreateBucketInput{Bucket: aws.String("docs")}); err != nil {
		d.t.Fatal(err)
	}
	for _, key := range []string{"reports/a", "reports-secret/b"} {
		_, err := client.PutObject(d.t.Context(), &awss3.PutObjectInput{
			Bucket: aws.String("docs"), Key: &key, Body: bytes.NewReader([]byte(key)),
		})
		if err != nil {
			d.t.Fatal(err)
		}
	}
}

// configure makes a provider, a read-only connection to the bucket's reports, and verifies.
func (d *deployment) configure() {
	d.t.Helper()
	_, err := d.store.CreateProvider(d.t.Context(), registry.Provider{
		Site: siteA, Name: "main", Method: registry.AssumeRole, RoleARN: d.role,
	})
	if err != nil {
		d.t.Fatal(err)
	}
	limits := permissions.Limits{
		Connector: permissions.S3, Region: localawstest.Region, ReadOnly: true,
		Buckets: []permissions.Bucket{{Name: "docs", Prefix: "reports"}},
	}
	policy, err := permissions.SessionPolicy(limits, "aws", customerAccount)
	if err != nil {
		d.t.Fatal(err)
	}
	_, err = d.store.CreateConnection(d.t.Context(), registry.Connection{
		Site: siteA, Name: "files", Provider: "main", Groups: []string{"sales"}, Limits: limits, Policy: policy,
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// clients are those for customers' accounts.
func (d *deployment) clients() *awsclient.Clients {
	return awsclient.New(awsclient.Options{Endpoint: d.Endpoint(), Transport: d.Transport(), Partition: "aws"})
}

func (d *deployment) minter() *credentials.Minter {
	d.t.Helper()
	sts, err := d.clients().STS(localawstest.Region)
	if err != nil {
		d.t.Fatal(err)
	}
	return credentials.NewMinter(awssts.NewFromConfig(d.gateway), sts, seal.NewVault(awskms.NewFromConfig(d.gateway), keyARN))
}

// verify verifies the provider, as the gateway role.
func (d *deployment) verify() audit.Verification {
	d.t.Helper()
	sts, err := d.clients().STS(localawstest.Region)
	if err != nil {
		d.t.Fatal(err)
	}
	store := registry.NewStore(awsdynamodb.NewFromConfig(d.gateway), "Registry")
	verifier := audit.NewVerifier(store, awssts.NewFromConfig(d.gateway), sts, d.minter(),
		audit.Options{Partition: "aws", RolePath: "/skuid-assumable-role/"})
	got, err := verifier.Verify(d.t.Context(), siteA, "main")
	if err != nil {
		d.t.Fatal(err)
	}
	return got
}

// instance is a connector's instance with nothing in memory, running as the gateway role.
func (d *deployment) instance() *connection.Opener {
	d.t.Helper()
	db := awsdynamodb.NewFromConfig(d.gateway)
	store := registry.NewStore(db, "Registry")
	cache, err := registry.NewCache(store, 100)
	if err != nil {
		d.t.Fatal(err)
	}
	ring := seal.NewRing(awskms.NewFromConfig(d.gateway), store, keyARN, time.Now)
	broker, err := credentials.NewBroker(d.minter(), credentials.NewTable(db, "CredentialCache"), ring, credentials.Options{})
	if err != nil {
		d.t.Fatal(err)
	}
	return connection.NewOpener(cache, broker, d.clients())
}

// read reads an object of the connection through opener, and returns the tier and the error.
func (d *deployment) read(opener *connection.Opener, key string) (credentials.Tier, error) {
	d.t.Helper()
	record := &telemetry.Record{}
	ctx := telemetry.NewContext(d.t.Context(), record)
	c, err := opener.Open(ctx, ada, "files", permissions.S3)
	if err != nil {
		return "", err
	}
	err = c.Call(ctx, "GetObject", "s3:GetObject", "arn:aws:s3:::docs/"+key, func(ctx context.Context) error {
		client, err := s3client.For(c.Clients(), c.Region)
		if err != nil {
			return err
		}
		out, err := client.GetObject(ctx, &awss3.GetObjectInput{Bucket: aws.String("docs"), Key: &key})
		if err != nil {
			return err
		}
		defer func() { _ = out.Body.Close() }()
		body, err := io.ReadAll(out.Body)
		if err == nil && string(body) != key {
			d.t.Errorf("got %q, want %q", body, key)
		}
		return err
	})
	if err == nil && record.Fields().AWSRequestID == "" {
		d.t.Error("the request id of AWS is not recorded")
	}
	return record.Fields().Tier, err
}

// operations counts the calls since the last reset.
func (d *deployment) operations() map[string]int {
	got := map[string]int{}
	for _, call := range d.Calls() {
		got[call.Operation]++
	}
	return got
}

func (d *deployment) want(opener *connection.Opener, want credentials.Tier) {
	d.t.Helper()
	got, err := d.read(opener, "reports/a")
	if err != nil || got != want {
		d.t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestTheWayOfOneRequest(t *testing.T) {
	d := newDeployment(t)
	d.configure()
	opener := d.instance()
	_, err := d.read(opener, "reports/a")
	if p := asProblem(t, err); p.Code != problem.ProviderUnverified {
		t.Errorf("before verify: got %s, want provider_unverified", p.Code)
	}
	if got := d.verify(); got.Status != registry.Ready {
		t.Fatalf("got %+v", got)
	}
	d.ResetCalls()
	d.want(opener, telemetry.Minted)
	if got := d.operations()["AssumeRole"]; got != 1 {
		t.Errorf("got %d AssumeRole, want 1", got)
	}
	d.ResetCalls()
	d.want(opener, telemetry.Memory)
	if got := len(d.Calls()); got != 1 { // a warm request makes no call but its own
		t.Errorf("got %v, want the call itself alone", d.operations())
	}
	d.ResetCalls()
	d.want(d.instance(), telemetry.Table)
	if got := d.operations(); got["AssumeRole"] != 0 {
		t.Errorf("got %v, want no AssumeRole", got)
	}
}

func TestExpiredCredentialsAreReplacedInEveryTier(t *testing.T) {
	d := newDeployment(t)
	d.configure()
	d.verify()
	opener := d.instance()
	d.want(opener, telemetry.Minted)
	d.Inject(localaws.Fault{Service: "s3", Operation: "GetObject", Count: 1, Status: 400, Code: "ExpiredToken"})
	d.want(opener, telemetry.Minted)
	d.ResetCalls()
	d.want(d.instance(), telemetry.Table)
}

// The role may do everything. What the connection does not include is refused here, and, without our checks, by AWS.
func TestRolesAreNarrowedByTheSessionPolicy(t *testing.T) {
	d := newDeployment(t)
	d.configure()
	d.verify()
	c, err := d.instance().Open(t.Context(), ada, "files", permissions.S3)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.RequireObject("docs", "reports/a", true); asProblem(t, err).Code != problem.ConnectionForbids {
		t.Errorf("got %v, want connection_forbids", err)
	}
	client, err := s3client.For(c.Clients(), c.Region)
	if err != nil {
		t.Fatal(err)
	}
	for action, call := range map[string]func(context.Context) error{
		"s3:DeleteObject": func(ctx context.Context) error {
			_, err := client.DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: aws.String("docs"), Key: aws.String("reports/a")})
			return err
		},
		"s3:PutObject": func(ctx context.Context) error {
			_, err := client.PutObject(ctx, &awss3.PutObjectInput{Bucket: aws.String("docs"), Key: aws.String("reports/a")})
			return err
		},
		"s3:GetObject": func(ctx context.Context) error { // trap 43
			_, err := client.GetObject(ctx, &awss3.GetObjectInput{Bucket: aws.String("docs"), Key: aws.String("reports-secret/b")})
			return err
		},
		"s3:ListBucket": func(ctx context.Context) error {
			_, err := client.ListObjectsV2(ctx, &awss3.ListObjectsV2Input{Bucket: aws.String("docs")})
			return err
		},
	} {
		_, operation, _ := strings.Cut(action, ":")
		err := c.Call(t.Context(), operation, action, "", call)
		if p := asProblem(t, err); p.Code != problem.AWSAccessDenied || p.MissingAction != action {
			t.Errorf("%s: got %s, missing %s", action, p.Code, p.MissingAction)
		}
	}
}

// No call is ever made with other credentials than the role's: not for another site, not when the role is gone.
func TestTrap5NoOtherCredentials(t *testing.T) {
	d := newDeployment(t)
	d.configure()
	d.verify()
	opener := d.instance()
	d.ResetCalls()
	foreign := caller.Caller{Site: siteB, User: "ada", Actor: "ada", Groups: []string{"sales"}}
	_, err := opener.Open(t.Context(), foreign, "files", permissions.S3)
	if p := asProblem(t, err); p.Code != problem.ConnectionNotFound {
		t.Errorf("another site: got %s, want connection_not_found", p.Code)
	}
	d.Inject(localaws.Fault{Service: "sts", Operation: "AssumeRole", Status: 403, Code: "AccessDenied"})
	_, err = d.read(opener, "reports/a")
	if p := asProblem(t, err); p.Code != problem.ProviderUnusable || p.AWS == nil || p.AWS.Code != "AccessDenied" {
		t.Errorf("got %v, want provider_unusable with AWS's answer", err)
	}
	for _, call := range d.Calls() {
		if slices.Contains([]string{"s3", "lambda"}, call.Service) {
			t.Errorf("there is a call of %s by %s", call.Operation, call.Principal)
		}
	}
}
