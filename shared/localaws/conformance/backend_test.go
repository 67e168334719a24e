package conformance

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/arngate/arngate/shared/localaws/localawstest"
)

// The variables that name an oracle's endpoint. That of S3 has the access key and the secret as user and password.
const (
	dynamoDBVariable = "ARNGATE_CONFORMANCE_DYNAMODB"
	s3Variable       = "ARNGATE_CONFORMANCE_S3"
	seedVariable     = "ARNGATE_CONFORMANCE_SEED"
)

// environment is the only place of the suite that reads the environment.
func environment(name string) string {
	return os.Getenv(name) //nolint:forbidigo // shared/config is for what ships; these address programs beside the tests
}

// The backends by name, as differences.md has them.
const (
	localAWS      = "local AWS"
	dynamoDBLocal = "DynamoDB Local"
	minIO         = "MinIO"
)

// account is where the tests live in the local AWS.
const account = "111122223333"

// backend is something that speaks AWS's protocols.
type backend struct {
	name   string
	config aws.Config
	aws    *localawstest.AWS // nil if it isn't the local AWS
	keys   localawstest.Keys
}

// local is a new local AWS with an account.
func local(t *testing.T) *backend {
	t.Helper()
	a := localawstest.Start(t)
	keys := a.Account(account)
	return &backend{name: localAWS, config: a.Config(keys), aws: a, keys: keys}
}

// oracle is the program at the endpoint that a variable names, or nil if it names none.
func oracle(t *testing.T, name, variable string) *backend {
	t.Helper()
	endpoint := environment(variable)
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		t.Fatalf("%s is no address", variable)
	}
	keys := localawstest.Keys{AccessKeyID: "conformance", SecretAccessKey: "conformance"}
	if u.User != nil {
		keys.AccessKeyID = u.User.Username()
		keys.SecretAccessKey, _ = u.User.Password()
		u.User = nil
	}
	return &backend{name: name, keys: keys, config: aws.Config{
		Region:       localawstest.Region,
		BaseEndpoint: aws.String(u.String()),
		HTTPClient:   &http.Client{},
		Credentials:  credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, ""),
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
	}}
}

// client is a configuration whose calls leave their last answer in the recorder.
func (b *backend) client() (aws.Config, *recorder) {
	r := &recorder{next: b.config.HTTPClient}
	config := b.config.Copy()
	config.HTTPClient = r
	return config, r
}

// identify fails the test unless the backend is what its name says. It goes by what no other of them does: the local
// AWS logs the calls that it gets, DynamoDB Local has tables in the region ddblocal, MinIO has a health check.
func (b *backend) identify(t *testing.T) {
	t.Helper()
	found, err := b.signs(t.Context())
	if err != nil {
		t.Fatalf("identify %s: %v", b.name, err)
	}
	if !found {
		t.Fatalf("what answers is not %s", b.name)
	}
	t.Logf("ran on: %s", b.name)
}

func (b *backend) signs(ctx context.Context) (bool, error) {
	if b.name == minIO {
		return b.healthy(ctx)
	}
	tables := awsdynamodb.NewFromConfig(b.config)
	name := "identify"
	if _, err := tables.CreateTable(ctx, hashTable(name)); err != nil {
		return false, fmt.Errorf("create table: %w", err)
	}
	out, err := tables.DeleteTable(ctx, &awsdynamodb.DeleteTableInput{TableName: &name})
	if err != nil {
		return false, fmt.Errorf("delete table: %w", err)
	}
	ofOracle := strings.Contains(*out.TableDescription.TableArn, ":ddblocal:")
	if b.name == dynamoDBLocal {
		return ofOracle, nil
	}
	calls := b.aws.Calls()
	return !ofOracle && len(calls) == 2 && calls[1].Operation == "DeleteTable", nil
}

func (b *backend) healthy(ctx context.Context) (bool, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, *b.config.BaseEndpoint+"/minio/health/live", http.NoBody)
	if err != nil {
		return false, fmt.Errorf("make request: %w", err)
	}
	response, err := b.config.HTTPClient.Do(request)
	if err != nil {
		return false, fmt.Errorf("ask for health: %w", err)
	}
	if err := response.Body.Close(); err != nil {
		return false, fmt.Errorf("close answer: %w", err)
	}
	return response.StatusCode == http.StatusOK && response.Header.Get("Server") == "MinIO", nil
}

// TestBackends proves that the suite runs on what it says: the local AWS, and each oracle that was asked for.
func TestBackends(t *testing.T) {
	local(t).identify(t)
	for name, variable := range map[string]string{dynamoDBLocal: dynamoDBVariable, minIO: s3Variable} {
		if o := oracle(t, name, variable); o != nil {
			o.identify(t)
		}
	}
}

// TestBackendMistaken proves that one backend is not taken for another.
func TestBackendMistaken(t *testing.T) {
	a := local(t)
	for _, name := range []string{dynamoDBLocal, minIO} {
		mistaken := &backend{name: name, config: a.config}
		if found, err := mistaken.signs(t.Context()); found || err != nil {
			t.Errorf("the local AWS as %s: got %v, %v, want it told apart", name, found, err)
		}
	}
}

// on runs a test on the local AWS and on the oracle that the variable names, if it does.
func on(t *testing.T, oracleName, variable string, test func(t *testing.T, b *backend)) {
	t.Helper()
	t.Run(localAWS, func(t *testing.T) { test(t, local(t)) })
	if o := oracle(t, oracleName, variable); o != nil {
		t.Run(oracleName, func(t *testing.T) { test(t, o) })
	}
}
