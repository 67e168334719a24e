package credentials_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/credentials/credentialstest"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/seal"
	"github.com/arngate/arngate/shared/secrettest"
)

const (
	siteA = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
	siteB = "0c1d2e3f-8b86-4d01-b42d-00cf4fc964aa"
)

// fakeSTS answers each AssumeRole with other credentials.
type fakeSTS struct {
	mu      sync.Mutex
	inputs  []*awssts.AssumeRoleInput
	answers []error // one for each call; success once they are used up
	delay   time.Duration
	life    time.Duration // 0: what was asked for
}

func (f *fakeSTS) AssumeRole(ctx context.Context, in *awssts.AssumeRoleInput, _ ...func(*awssts.Options)) (*awssts.AssumeRoleOutput, error) {
	f.mu.Lock()
	copied := *in
	f.inputs = append(f.inputs, &copied)
	number := len(f.inputs)
	var err error
	if len(f.answers) > 0 {
		err, f.answers = f.answers[0], f.answers[1:]
	}
	life := f.life
	f.mu.Unlock()
	if f.delay > 0 {
		select {
		case <-time.After(f.delay):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err != nil {
		return nil, err
	}
	if life == 0 {
		life = time.Duration(*in.DurationSeconds) * time.Second
	}
	return &awssts.AssumeRoleOutput{Credentials: &ststypes.Credentials{
		AccessKeyId: aws.String(fmt.Sprintf("ASIA%d", number)), SecretAccessKey: aws.String(plantedKey),
		SessionToken: aws.String(plantedToken), Expiration: aws.Time(time.Now().Add(life)),
	}}, nil
}

func (f *fakeSTS) calls() []*awssts.AssumeRoleInput {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*awssts.AssumeRoleInput(nil), f.inputs...)
}

func (f *fakeSTS) failNext(errs ...error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers = append(f.answers, errs...)
}

// What STS and KMS hand out here.
var (
	plantedKey     = secrettest.Plant(secrettest.SecretKey, "/of/a/session")
	plantedToken   = secrettest.Plant(secrettest.SessionToken, "/of/a/session")
	plantedDataKey = []byte((secrettest.Mark(secrettest.DataKey) + "0123456789abcdef0123456789abcdef")[:32])
)

// refusal is STS's answer with that code. Throttling, too, comes with HTTP 400 (trap 8).
func refusal(status int, code string) error {
	return &smithy.OperationError{ServiceID: "STS", OperationName: "AssumeRole", Err: &awshttp.ResponseError{
		ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status, Header: http.Header{}}},
			Err:      &smithy.GenericAPIError{Code: code, Message: "User: arn:aws:sts::999999999999:assumed-role/gateway/x"},
		},
	}}
}

func accessDenied() error { return refusal(http.StatusForbidden, "AccessDenied") }
func throttling() error   { return refusal(http.StatusBadRequest, "Throttling") }
func packedTooLarge() error {
	return refusal(http.StatusBadRequest, "PackedPolicyTooLarge")
}

// newRing returns a Ring on a KMS and a store in memory.
func newRing(tb testing.TB) *seal.Ring {
	tb.Helper()
	return seal.NewRing(&fakeKMS{}, &fakeKeys{}, "key", time.Now)
}

type fakeKMS struct {
	down bool
}

func (f *fakeKMS) GenerateDataKey(context.Context, *awskms.GenerateDataKeyInput, ...func(*awskms.Options)) (*awskms.GenerateDataKeyOutput, error) {
	if f.down {
		return nil, errors.New("KMS is down")
	}
	return &awskms.GenerateDataKeyOutput{CiphertextBlob: []byte("wrapped"), Plaintext: plantedDataKey}, nil
}

func (f *fakeKMS) Decrypt(context.Context, *awskms.DecryptInput, ...func(*awskms.Options)) (*awskms.DecryptOutput, error) {
	if f.down {
		return nil, errors.New("KMS is down")
	}
	return &awskms.DecryptOutput{Plaintext: plantedDataKey}, nil
}

type fakeKeys struct {
	mu   sync.Mutex
	keys []seal.WrappedKey
}

func (f *fakeKeys) DataKeys(_ context.Context, limit int) ([]seal.WrappedKey, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.keys[:min(limit, len(f.keys))], nil
}

func (f *fakeKeys) CreateDataKey(_ context.Context, key seal.WrappedKey) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = append([]seal.WrappedKey{key}, f.keys...)
	return true, nil
}

// world is one STS and one table with as many instances of the broker as wanted.
type world struct {
	t     testing.TB
	sts   *fakeSTS
	store *credentialstest.Store
	kms   *fakeKMS
	keys  *fakeKeys
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	return &world{t: tb, sts: &fakeSTS{}, store: credentialstest.NewStore(), kms: &fakeKMS{}, keys: &fakeKeys{}}
}

// instance is a broker as a new process would have it, with nothing in memory.
func (w *world) instance() *credentials.Broker {
	w.t.Helper()
	ring := seal.NewRing(w.kms, w.keys, "key", time.Now)
	broker, err := credentials.NewBroker(credentials.NewMinter(w.sts, nil, nil), w.store, ring, credentials.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	return broker
}

// request is ada's on a ready connection of site A, changed by changes.
func request(changes ...func(*credentials.Request)) credentials.Request {
	r := credentials.Request{
		Caller: caller.Caller{Site: siteA, User: "ada", Actor: "ada"},
		Opened: &registry.Opened{
			Connection: registry.Connection{
				Site: siteA, Name: "files", Provider: "main", Revision: "c1", Policy: `{"Statement":[]}`, PolicyDigest: [32]byte{1},
			},
			Provider: registry.Provider{
				Site: siteA, Name: "main", Method: registry.AssumeRole, Revision: "p1",
				RoleARN: "arn:aws:iam::111122223333:role/skuid-assumable-role/demo",
			},
			State: registry.State{Revision: "p1", Status: registry.Ready, Trace: registry.TraceName, Account: "111122223333"},
		},
	}
	for _, change := range changes {
		change(&r)
	}
	return r
}

func mustGet(tb testing.TB, b *credentials.Broker, r credentials.Request) (credentials.Credentials, credentials.Tier) {
	tb.Helper()
	got, tier, err := b.Get(tb.Context(), r)
	if err != nil {
		tb.Fatal(err)
	}
	return got, tier
}
