package audit_test

import (
	"context"
	"sync"
	"testing"
	"time"

	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/seal"
)

// fakeRegistry holds one provider and the last state.
type fakeRegistry struct {
	mu       sync.Mutex
	provider registry.Provider
	states   []registry.State
}

func (f *fakeRegistry) Provider(_ context.Context, site, name string) (registry.Provider, error) {
	if site != f.provider.Site || name != f.provider.Name {
		return registry.Provider{}, registry.ErrNotFound
	}
	return f.provider, nil
}

func (f *fakeRegistry) PutState(_ context.Context, _, _ string, state registry.State) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.states = append(f.states, state)
	return nil
}

// openVault opens what is not sealed.
type openVault struct{}

func (openVault) DecryptSecret(_ context.Context, _, _ string, sealed []byte) (seal.Secret, error) {
	return seal.NewSecret(string(sealed)), nil
}

// cloud is a local AWS with the gateway's account and a customer's, and a verifier in front of it.
type cloud struct {
	*localawstest.AWS

	t        testing.TB
	role     string // the gateway role's ARN
	customer localawstest.Keys
	registry *fakeRegistry
	verifier *audit.Verifier
}

func newCloud(tb testing.TB, options ...func(*localaws.Options)) *cloud {
	tb.Helper()
	local := localawstest.Start(tb, options...)
	role := local.AddRole(tb, local.Account(gatewayAccount), localawstest.Role{
		Name: "gateway",
		Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},
			"Action":"sts:AssumeRole"}]}`,
		Policy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
			"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Resource":"arn:aws:iam::*:role/skuid-assumable-role/*"}]}`,
	})
	time.Sleep(time.Minute) // under synctest: until roles made so far have spread
	session, err := local.AssumeAsService("lambda.amazonaws.com", role, "gateway")
	if err != nil {
		tb.Fatal(err)
	}
	own := awsclient.Own(awsclient.OwnOptions{
		Region: localawstest.Region, Endpoint: local.Endpoint(), Transport: local.Transport(),
		Provider: awscredentials.NewStaticCredentialsProvider(session.AccessKeyID, session.SecretAccessKey, session.SessionToken),
	})
	customer, err := awsclient.New(awsclient.Options{Endpoint: local.Endpoint(), Transport: local.Transport()}).STS(localawstest.Region)
	if err != nil {
		tb.Fatal(err)
	}
	gateway := awssts.NewFromConfig(own)
	kept := &fakeRegistry{}
	return &cloud{
		AWS: local, t: tb, role: role, customer: local.Account(customerAccount), registry: kept,
		verifier: audit.NewVerifier(kept, gateway, customer, credentials.NewMinter(gateway, customer, openVault{}),
			audit.Options{Partition: "aws", RolePath: rolePath}),
	}
}

// useRole makes a role with that trust policy the provider's.
func (c *cloud) useRole(trust string) {
	c.t.Helper()
	arn := c.AddRole(c.t, c.customer, localawstest.Role{
		Name: "demo", Path: rolePath, Trust: trust,
		Policy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
	})
	c.useARN(arn)
}

func (c *cloud) useARN(arn string) {
	c.registry.provider = registry.Provider{
		Site: siteA, Name: "main", Method: registry.AssumeRole, RoleARN: arn, Revision: "r1",
	}
	c.ResetCalls()
}

func (c *cloud) useKeys(k localawstest.Keys, scoping string) {
	c.registry.provider = registry.Provider{
		Site: siteA, Name: "main", Method: registry.AccessKeys, Revision: "r1", Scoping: scoping,
		AccessKeyID: k.AccessKeyID, SealedSecret: []byte(k.SecretAccessKey),
	}
	c.ResetCalls()
}

func (c *cloud) verify() audit.Verification {
	c.t.Helper()
	got, err := c.verifier.Verify(c.t.Context(), siteA, "main")
	if err != nil {
		c.t.Fatal(err)
	}
	if got.Calls > 8 {
		c.t.Errorf("got %d calls to STS, want at most 8", got.Calls)
	}
	want := registry.State{
		Revision: "r1", Status: got.Status, Trace: got.Trace, Account: got.Account, Reason: got.Reason, VerifiedAt: got.VerifiedAt,
	}
	if diff := cmp.Diff(want, c.registry.states[len(c.registry.states)-1]); diff != "" {
		c.t.Error(diff)
	}
	for _, check := range got.Checks {
		if check.Evidence == "" || (check.Verdict == audit.Failed && check.Remedy == "") {
			c.t.Errorf("%s: got evidence %q and remedy %q", check.Name, check.Evidence, check.Remedy)
		}
	}
	return got
}
