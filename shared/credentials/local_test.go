package credentials_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/credentials/credentialstest"
	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/rolekit"
	"github.com/arngate/arngate/shared/seal"
	"github.com/arngate/arngate/shared/secrettest"
	"github.com/arngate/arngate/shared/telemetry"
)

const (
	gatewayAccount  = "999999999999"
	customerAccount = "111122223333"
	cacheTable      = "CredentialCache"
)

// cloud is a local AWS with the gateway's account and a customer's.
type cloud struct {
	*localawstest.AWS

	t        testing.TB
	gateway  aws.Config // as the gateway role
	role     string     // the gateway role's ARN
	customer localawstest.Keys
}

const gatewayPolicy = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],
	 "Resource":["arn:aws:iam::*:role/skuid-assumable-role/*","arn:aws:iam::*:role/*/skuid-assumable-role/*"]},
	{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:UpdateItem"],"Resource":"*"}]}`

func newCloud(tb testing.TB) *cloud {
	tb.Helper()
	local := localawstest.Start(tb)
	administrator := local.Account(gatewayAccount)
	role := local.AddRole(tb, administrator, localawstest.Role{
		Name: "gateway", Policy: gatewayPolicy,
		Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`,
	})
	session, err := local.AssumeAsService("lambda.amazonaws.com", role, "gateway")
	if err != nil {
		tb.Fatal(err)
	}
	own := awsclient.Own(awsclient.OwnOptions{
		Region: localawstest.Region, Endpoint: local.Endpoint(), Transport: local.Transport(),
		Provider: awscredentials.NewStaticCredentialsProvider(session.AccessKeyID, session.SecretAccessKey, session.SessionToken),
	})
	_, err = awsdynamodb.NewFromConfig(local.Config(administrator)).CreateTable(tb.Context(), &awsdynamodb.CreateTableInput{
		TableName: aws.String(cacheTable), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	c := &cloud{AWS: local, t: tb, gateway: own, role: role, customer: local.Account(customerAccount)}
	local.ResetCalls()
	return c
}

func (c *cloud) table() *credentials.Table {
	return credentials.NewTable(awsdynamodb.NewFromConfig(c.gateway), cacheTable)
}

// customerSTS is AWS STS for calls on customers' keys: without credentials of its own.
func (c *cloud) customerSTS() *awssts.Client {
	c.t.Helper()
	client, err := awsclient.New(awsclient.Options{Endpoint: c.Endpoint(), Transport: c.Transport()}).STS(localawstest.Region)
	if err != nil {
		c.t.Fatal(err)
	}
	return client
}

func (c *cloud) minter() *credentials.Minter {
	return credentials.NewMinter(awssts.NewFromConfig(c.gateway), c.customerSTS(), keptVault{})
}

func (c *cloud) instance(sealer credentials.Sealer) *credentials.Broker {
	c.t.Helper()
	broker, err := credentials.NewBroker(c.minter(), c.table(), sealer, credentials.Options{})
	if err != nil {
		c.t.Fatal(err)
	}
	return broker
}

// customerRole makes a role in the customer's account and returns a request that uses it.
func (c *cloud) customerRole(name, path, trust string) credentials.Request {
	c.t.Helper()
	arn := c.AddRole(c.t, c.customer, localawstest.Role{
		Name: name, Path: path, Trust: trust,
		Policy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
	})
	c.ResetCalls()
	return request(func(r *credentials.Request) {
		r.Opened.Provider.RoleARN = arn
		r.Opened.Connection.Policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}]}`
	})
}

// assumptions are the AssumeRole calls that arrived.
func (c *cloud) assumptions() []localaws.Call {
	var calls []localaws.Call
	for _, call := range c.Calls() {
		if call.Operation == "AssumeRole" {
			calls = append(calls, call)
		}
	}
	return calls
}

// sharedRing makes rings over the same data keys, as the instances of a deployment have them.
func sharedRing() func() *seal.Ring {
	kms, keys := &fakeKMS{}, &fakeKeys{}
	return func() *seal.Ring { return seal.NewRing(kms, keys, "key", time.Now) }
}

func TestStoreInDynamoDB(t *testing.T) {
	credentialstest.Run(t, func(t *testing.T) credentials.Store {
		t.Helper()
		return newCloud(t).table()
	})
}

func TestMintOnTheLocalAWS(t *testing.T) {
	c := newCloud(t)
	r := c.customerRole("demo", "/skuid-assumable-role/", rolekit.TrustPolicy(c.role, []string{siteA}))
	full(&r)
	rings := sharedRing()
	got, tier := mustGet(t, c.instance(rings()), r)
	if tier != telemetry.Minted || time.Until(got.Expires) > time.Hour {
		t.Errorf("got %s until %s", tier, got.Expires)
	}
	again, tier := mustGet(t, c.instance(rings()), r)
	if tier != telemetry.Table || again.AccessKeyID != got.AccessKeyID {
		t.Errorf("another instance: got %s from %s, want %s from the table", again.AccessKeyID, tier, got.AccessKeyID)
	}
	calls := c.assumptions()
	if len(calls) != 1 {
		t.Fatalf("got %d AssumeRole, want 1", len(calls))
	}
	want := map[string]any{
		"name": "ada@" + siteA, "external id": siteA, "source identity": "ada", "seconds": "1h0m0s",
		"tags": map[string]string{"arngate:site": siteA, "arngate:user": "ada", "arngate:actor": "ada", "arngate:connection": "files"},
	}
	requested := calls[0].Requested
	if diff := cmp.Diff(want, map[string]any{
		"name": requested.SessionName, "external id": requested.ExternalID, "source identity": requested.SourceIdentity,
		"seconds": requested.Duration.String(), "tags": requested.Tags,
	}); diff != "" {
		t.Error(diff)
	}
}

// What cannot be assumed is not used, and nothing else is used in its place.
func TestTrap5NothingElseIsUsed(t *testing.T) {
	c := newCloud(t)
	for name, r := range map[string]credentials.Request{
		"another external id": c.customerRole("other-id", "/skuid-assumable-role/", rolekit.TrustPolicy(c.role, []string{siteB})),
		"another path":        c.customerRole("other-path", "/elsewhere/", rolekit.TrustPolicy(c.role, []string{siteA})),
		"no such role": request(func(r *credentials.Request) {
			r.Opened.Provider.RoleARN = "arn:aws:iam::" + customerAccount + ":role/skuid-assumable-role/absent"
		}),
	} {
		c.ResetCalls()
		_, _, err := c.instance(newRing(t)).Get(t.Context(), r)
		if !errors.Is(err, credentials.ErrUnusable) {
			t.Errorf("%s: got %v, want ErrUnusable", name, err)
		}
		for _, call := range c.Calls() {
			if call.Service != "sts" && call.Service != "dynamodb" {
				t.Errorf("%s: there is a call of %s", name, call.Service)
			}
		}
		if got := len(c.assumptions()); got != 1 {
			t.Errorf("%s: got %d AssumeRole, want 1", name, got)
		}
	}
}

func TestAccessKeysOnTheLocalAWS(t *testing.T) {
	c := newCloud(t)
	user := c.AddUser(t, c.customer, "arngate", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:GetFederationToken","s3:*"],"Resource":"*"}]}`)
	unscoped := c.AddUser(t, c.customer, "narrow", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`)
	c.ResetCalls()
	use := func(k localawstest.Keys) func(*credentials.Request) {
		return func(r *credentials.Request) {
			keys(r)
			r.Opened.Connection.Policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}]}`
			r.Opened.Provider.AccessKeyID, r.Opened.Provider.SealedSecret = k.AccessKeyID, []byte(k.SecretAccessKey)
		}
	}
	minter := credentials.NewMinter(awssts.NewFromConfig(c.gateway), c.customerSTS(), keptVault{})
	got, err := minter.Mint(t.Context(), request(use(user)))
	if err != nil {
		t.Fatal(err)
	}
	identity, err := c.customerSTS().GetCallerIdentity(t.Context(), &awssts.GetCallerIdentityInput{}, credentials.SignWith(got.AWS()))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := aws.ToString(identity.Arn), "arn:aws:sts::"+customerAccount+":federated-user/"+credentials.FederationName("ada", siteA); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := minter.Mint(t.Context(), request(use(unscoped))); !errors.Is(err, credentials.ErrUnusable) {
		t.Errorf("without the permission: got %v, want ErrUnusable", err)
	}
	wrong := localawstest.Keys{AccessKeyID: user.AccessKeyID, SecretAccessKey: secrettest.Plant(secrettest.SecretKey, "wrong")}
	if _, err := minter.Mint(t.Context(), request(use(wrong))); !errors.Is(err, credentials.ErrUnusable) {
		t.Errorf("with a wrong secret: got %v, want ErrUnusable", err)
	}
}

// keptVault opens what is not sealed.
type keptVault struct{}

func (keptVault) DecryptSecret(_ context.Context, _, _ string, sealed []byte) (seal.Secret, error) {
	return seal.NewSecret(string(sealed)), nil
}

// The stampede again, over the SDK and the local AWS's DynamoDB and STS.
func TestStampedeOnTheLocalAWS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		r := c.customerRole("demo", "/skuid-assumable-role/", rolekit.TrustPolicy(c.role, []string{siteA}))
		c.Inject(localaws.Fault{Service: "sts", Operation: "AssumeRole", Delay: 300 * time.Millisecond})
		rings := sharedRing()
		var all sync.WaitGroup
		ids := make([]string, 10*50)
		for i := range 10 {
			broker := c.instance(rings())
			for j := range 50 {
				all.Go(func() {
					got, _, err := broker.Get(t.Context(), r)
					if err != nil {
						t.Error(err)
					}
					ids[i*50+j] = got.AccessKeyID
				})
			}
		}
		all.Wait()
		if got, want := len(c.assumptions()), 1; got != want {
			t.Errorf("got %d AssumeRole, want %d", got, want)
		}
		for _, id := range ids {
			if id != ids[0] {
				t.Errorf("got %s and %s, want the same for all", id, ids[0])
			}
		}
	})
}

func TestThrottledSTSOnTheLocalAWS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		r := c.customerRole("demo", "/skuid-assumable-role/", rolekit.TrustPolicy(c.role, []string{siteA}))
		c.Inject(localaws.Fault{Service: "sts", Operation: "AssumeRole", Count: 5, Status: 400, Code: "Throttling"})
		if _, tier := mustGet(t, c.instance(newRing(t)), r); tier != telemetry.Minted {
			t.Errorf("got %s, want minted", tier)
		}
	})
}

func TestCountsByWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newCloud(t).table()
		for want := range int64(3) {
			got, ends, err := table.Count(t.Context(), "verify#"+siteA, time.Minute)
			if err != nil || got != want+1 || time.Until(ends) > time.Minute {
				t.Errorf("got %d until %s, %v, want %d", got, ends, err, want+1)
			}
		}
		if got, _, err := table.Count(t.Context(), "verify#"+siteB, time.Minute); err != nil || got != 1 {
			t.Errorf("another name: got %d, %v, want 1", got, err)
		}
		time.Sleep(time.Minute)
		if got, _, err := table.Count(t.Context(), "verify#"+siteA, time.Minute); err != nil || got != 1 {
			t.Errorf("another window: got %d, %v, want 1", got, err)
		}
	})
}
