package seal_test

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/arngate/arngate/shared/seal"
	"github.com/arngate/arngate/shared/secrettest"
)

// fakeKMS wraps by keeping: the ciphertext is the name of what it keeps.
type fakeKMS struct {
	mu        sync.Mutex
	kept      map[string]keptPlain
	generates atomic.Int64
	decrypts  atomic.Int64
	down      atomic.Bool
}

type keptPlain struct {
	keyID   string
	context map[string]string
	plain   []byte
}

var errDown = errors.New("KMS is down")

func newFakeKMS() *fakeKMS { return &fakeKMS{kept: map[string]keptPlain{}} }

func (f *fakeKMS) keep(keyID string, context map[string]string, plain []byte) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := rand.Text()
	f.kept[name] = keptPlain{keyID: keyID, context: maps.Clone(context), plain: slices.Clone(plain)}
	return []byte(name)
}

func (f *fakeKMS) GenerateDataKey(_ context.Context, in *awskms.GenerateDataKeyInput, _ ...func(*awskms.Options)) (*awskms.GenerateDataKeyOutput, error) {
	if f.down.Load() {
		return nil, errDown
	}
	f.generates.Add(1)
	plain := make([]byte, 32)
	_, _ = rand.Read(plain)
	copy(plain, secrettest.Mark(secrettest.DataKey))
	return &awskms.GenerateDataKeyOutput{
		CiphertextBlob: f.keep(aws.ToString(in.KeyId), in.EncryptionContext, plain), Plaintext: plain,
	}, nil
}

func (f *fakeKMS) Encrypt(_ context.Context, in *awskms.EncryptInput, _ ...func(*awskms.Options)) (*awskms.EncryptOutput, error) {
	return &awskms.EncryptOutput{CiphertextBlob: f.keep(aws.ToString(in.KeyId), in.EncryptionContext, in.Plaintext)}, nil
}

func (f *fakeKMS) Decrypt(_ context.Context, in *awskms.DecryptInput, _ ...func(*awskms.Options)) (*awskms.DecryptOutput, error) {
	if f.down.Load() {
		return nil, errDown
	}
	f.decrypts.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	kept, ok := f.kept[string(in.CiphertextBlob)]
	if !ok || kept.keyID != aws.ToString(in.KeyId) || !maps.Equal(kept.context, in.EncryptionContext) {
		return nil, errors.New("InvalidCiphertextException")
	}
	return &awskms.DecryptOutput{Plaintext: slices.Clone(kept.plain)}, nil
}

// fakeKeys is a KeyStore in memory.
type fakeKeys struct {
	mu    sync.Mutex
	keys  []seal.WrappedKey // oldest first
	reads atomic.Int64
	// race is called before each write, once: the moment at which another instance is faster.
	race func()
}

func (f *fakeKeys) DataKeys(_ context.Context, limit int) ([]seal.WrappedKey, error) {
	f.reads.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	newest := slices.Clone(f.keys)
	slices.Reverse(newest)
	return newest[:min(limit, len(newest))], nil
}

func (f *fakeKeys) CreateDataKey(_ context.Context, key seal.WrappedKey) (bool, error) {
	f.mu.Lock()
	race := f.race
	f.race = nil
	f.mu.Unlock()
	if race != nil {
		race()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if slices.ContainsFunc(f.keys, func(k seal.WrappedKey) bool { return k.Number == key.Number }) {
		return false, nil
	}
	f.keys = append(f.keys, key)
	return true, nil
}

// slowKMS takes its time.
type slowKMS struct {
	*fakeKMS

	by time.Duration
}

func (s slowKMS) Decrypt(ctx context.Context, in *awskms.DecryptInput, o ...func(*awskms.Options)) (*awskms.DecryptOutput, error) {
	time.Sleep(s.by)
	return s.fakeKMS.Decrypt(ctx, in, o...)
}

// onceKMS leaves its first call without an answer.
type onceKMS struct {
	seal.KMS

	called atomic.Bool
}

func (o *onceKMS) GenerateDataKey(
	ctx context.Context, in *awskms.GenerateDataKeyInput, with ...func(*awskms.Options),
) (*awskms.GenerateDataKeyOutput, error) {
	if o.called.CompareAndSwap(false, true) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return o.KMS.GenerateDataKey(ctx, in, with...)
}
