package seal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"golang.org/x/sync/singleflight"
)

const (
	// dataKeyLife is the age at which a data key is succeeded by a new one.
	dataKeyLife = 7 * 24 * time.Hour
	// keptKeys is how many data keys open: the one in use and the one before.
	keptKeys = 2
	// loadTimeout bounds a load of the data keys, whoever waits for it.
	loadTimeout = 2 * time.Second
	// retryAfter is the pause after a failed load, an unknown key or a failed succession, so that neither a KMS that
	// is down nor made-up key numbers cost every request a call.
	retryAfter = 10 * time.Second
	// createAttempts bounds how often a lost race for the first write is looked at again.
	createAttempts = 3
)

// ErrUnopenable is returned by [Ring.Open] for what no key opens: altered, sealed for something else, or sealed under a
// key that is gone. It is a miss, or an invalid cursor, never a fault of ours.
var ErrUnopenable = errors.New("seal: no key opens this")

// WrappedKey is a data key as it is stored: encrypted by KMS. An alias of an unnamed type, so that a store need not
// import this package.
type WrappedKey = struct {
	Number  uint64    // counts up from 1
	Wrapped []byte    // CiphertextBlob of GenerateDataKey
	Created time.Time // by the clock of the instance that made it
}

// KeyStore keeps wrapped data keys. Safe for concurrent use.
type KeyStore interface {
	// DataKeys returns the newest keys, newest first, at most limit; none is not an error.
	DataKeys(ctx context.Context, limit int) ([]WrappedKey, error)
	// CreateDataKey stores key unless its number is taken; created says whether it was.
	CreateDataKey(ctx context.Context, key WrappedKey) (created bool, err error)
}

// KMS is what the Ring calls of AWS Key Management Service.
type KMS interface {
	GenerateDataKey(context.Context, *awskms.GenerateDataKeyInput, ...func(*awskms.Options)) (*awskms.GenerateDataKeyOutput, error)
	Decrypt(context.Context, *awskms.DecryptInput, ...func(*awskms.Options)) (*awskms.DecryptOutput, error)
}

// Ring seals short-lived values: cached credentials, cursors, report links.
// The data keys are unwrapped once per process; no Seal or Open after that waits for KMS. Safe for concurrent use.
type Ring struct {
	kms    KMS
	store  KeyStore
	keyARN string
	now    func() time.Time
	flight singleflight.Group
	begun  chan struct{} // closed when what Begin began has ended; nil: nothing was begun

	mu        sync.RWMutex
	keys      []*dataKey // newest first, at most keptKeys
	pausedTil time.Time  // no load before
	pausedErr error      // why
}

// NewRing returns a Ring whose data keys the KMS key keyARN wraps. It does no I/O.
func NewRing(kms KMS, store KeyStore, keyARN string, now func() time.Time) *Ring {
	return &Ring{kms: kms, store: store, keyARN: keyARN, now: now}
}

// Begin starts to load the data keys and returns. Until ended is closed, two seconds later at most, whoever needs them waits for
// that. A failure is told to failed and leaves nothing behind: on Lambda a process can be frozen between its start and its first
// invocation, with the answer of KMS on a connection that is dead by then (trap 12), so who needs the keys first loads them then.
// Call it before all else, once.
func (r *Ring) Begin(ctx context.Context, failed func(error)) (ended <-chan struct{}) {
	begun := make(chan struct{})
	r.begun = begun
	go func() {
		defer close(begun)
		if err := r.reloadSafely(ctx); err != nil {
			failed(err)
		}
	}()
	return begun
}

// Load fetches and unwraps the data keys unless that is done, making the first one if there is none. After a failure it fails at
// once for ten seconds. Safe for concurrent use.
func (r *Ring) Load(ctx context.Context) error {
	_, err := r.current(ctx)
	return err
}

// Seal returns plain, readable by [Ring.Open] only with the same purpose and associated data. It fails only if the keys
// could never be loaded.
func (r *Ring) Seal(ctx context.Context, purpose string, associated, plain []byte) ([]byte, error) {
	key, err := r.current(ctx)
	if err != nil {
		return nil, fmt.Errorf("load data key: %w", err)
	}
	aead, err := key.aead(purpose)
	if err != nil {
		return nil, err
	}
	out := make([]byte, headerSize, headerSize+len(plain)+aead.Overhead())
	out[0] = version
	binary.BigEndian.PutUint64(out[1:], key.number)
	return aead.Seal(out, nil, plain, additional(purpose, associated)), nil //nolint:gosec // the cipher makes a random nonce itself
}

// Open returns what [Ring.Seal] sealed. It returns an error wrapping [ErrUnopenable] for what no key opens; any other
// error means that the keys could not be loaded.
func (r *Ring) Open(ctx context.Context, purpose string, associated, sealed []byte) ([]byte, error) {
	if len(sealed) < headerSize || sealed[0] != version {
		return nil, ErrUnopenable
	}
	key, err := r.numbered(ctx, binary.BigEndian.Uint64(sealed[1:]))
	if err != nil {
		return nil, err
	}
	aead, err := key.aead(purpose)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, sealed[headerSize:], additional(purpose, associated))
	if err != nil {
		return nil, ErrUnopenable
	}
	return plain, nil
}

// current returns the key to seal under, loading or succeeding it as needed. A succession that fails leaves the old
// key in use: it is still a good key.
func (r *Ring) current(ctx context.Context) (*dataKey, error) {
	if err := r.waitForBegun(ctx); err != nil {
		return nil, err
	}
	r.mu.RLock()
	newest, paused, pausedErr := r.newest(), r.pausedTil.After(r.now()), r.pausedErr
	r.mu.RUnlock()
	switch {
	case newest != nil && (!r.stale(newest.created) || paused):
		return newest, nil
	case newest == nil && paused:
		return nil, pausedErr
	}
	err := r.load(ctx)
	r.mu.RLock()
	defer r.mu.RUnlock()
	if newest = r.newest(); newest != nil {
		return newest, nil
	}
	return nil, err
}

// numbered returns the key of that number. One that is not known may be newer than what this process has loaded, so it
// is looked for once, and then not again for a while.
func (r *Ring) numbered(ctx context.Context, number uint64) (*dataKey, error) {
	key, loaded, paused := r.find(number)
	if key != nil {
		return key, nil
	}
	if loaded && paused {
		return nil, ErrUnopenable
	}
	if !loaded {
		if _, err := r.current(ctx); err != nil {
			return nil, fmt.Errorf("load data key: %w", err)
		}
	} else if err := r.load(ctx); err != nil {
		return nil, fmt.Errorf("load data key: %w", err)
	}
	if key, _, _ = r.find(number); key == nil {
		r.pause(nil)
		return nil, ErrUnopenable
	}
	return key, nil
}

func (r *Ring) find(number uint64) (key *dataKey, loaded, paused bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, key := range r.keys {
		if key.number == number {
			return key, true, false
		}
	}
	return nil, len(r.keys) > 0, r.pausedTil.After(r.now())
}

func (r *Ring) newest() *dataKey {
	if len(r.keys) == 0 {
		return nil
	}
	return r.keys[0]
}

func (r *Ring) stale(created time.Time) bool { return r.now().Sub(created) >= dataKeyLife }

func (r *Ring) pause(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pausedTil, r.pausedErr = r.now().Add(retryAfter), err
}

func (r *Ring) waitForBegun(ctx context.Context) error {
	if r.begun == nil {
		return nil
	}
	select {
	case <-r.begun:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// load does the loading once for all who ask at the same time, detached from the first one's cancellation; each waiter
// honours its own.
func (r *Ring) load(ctx context.Context) error {
	done := r.flight.DoChan("load", func() (any, error) {
		err := r.reloadSafely(ctx)
		if err != nil && ctx.Err() == nil { // not because the first caller had no time left
			r.pause(err)
		}
		return nil, err
	})
	select {
	case result := <-done:
		return result.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reloadSafely is reload in a goroutine of its own, where a panic would end the process (trap 19).
func (r *Ring) reloadSafely(ctx context.Context) (err error) {
	shared, cancel := detach(ctx, loadTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("seal: load panicked: %v", p)
		}
	}()
	return r.reload(shared)
}

// detach returns a context that outlives ctx's cancellation but not its deadline, nor limit.
func detach(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	shared, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	deadline, ok := ctx.Deadline()
	if !ok {
		return shared, cancel
	}
	bounded, cancelBounded := context.WithDeadline(shared, deadline)
	return bounded, func() { cancelBounded(); cancel() }
}

// reload reads the newest keys, makes one where there is none or the newest is too old, and unwraps what is new.
func (r *Ring) reload(ctx context.Context) error {
	wrapped, err := r.store.DataKeys(ctx, keptKeys)
	if err != nil {
		return fmt.Errorf("read data keys: %w", err)
	}
	var succession error
	if len(wrapped) == 0 || r.stale(wrapped[0].Created) {
		var next []WrappedKey
		if next, succession = r.succeed(ctx, wrapped); succession == nil {
			wrapped = next
		}
	}
	if len(wrapped) == 0 {
		return succession
	}
	if err := r.unwrap(ctx, wrapped); err != nil {
		return err
	}
	return succession
}

// succeed stores a new key after the newest of known. Whoever loses the race for its number uses the winner's.
func (r *Ring) succeed(ctx context.Context, known []WrappedKey) ([]WrappedKey, error) {
	for range createAttempts {
		number := uint64(1)
		if len(known) > 0 {
			number = known[0].Number + 1
		}
		made, err := r.kms.GenerateDataKey(ctx, &awskms.GenerateDataKeyInput{
			KeyId: aws.String(r.keyARN), KeySpec: kmstypes.DataKeySpecAes256, EncryptionContext: dataKeyContext(),
		})
		if err != nil {
			return nil, fmt.Errorf("generate data key: %w", err)
		}
		clear(made.Plaintext) // what is used is what the store keeps, unwrapped like any other
		key := WrappedKey{Number: number, Wrapped: made.CiphertextBlob, Created: r.now()}
		if _, err := r.store.CreateDataKey(ctx, key); err != nil {
			return nil, fmt.Errorf("store data key: %w", err)
		}
		if known, err = r.store.DataKeys(ctx, keptKeys); err != nil {
			return nil, fmt.Errorf("read data keys: %w", err)
		}
		if len(known) > 0 && !r.stale(known[0].Created) {
			return known, nil
		}
	}
	return nil, errors.New("seal: no data key after several attempts")
}

// unwrap decrypts the keys that are not known yet and puts wrapped in use. That the older one cannot be unwrapped only
// makes misses of what it sealed.
func (r *Ring) unwrap(ctx context.Context, wrapped []WrappedKey) error {
	keys := make([]*dataKey, 0, len(wrapped))
	for i, w := range wrapped {
		key, _, _ := r.find(w.Number)
		if key == nil {
			out, err := r.kms.Decrypt(ctx, &awskms.DecryptInput{
				KeyId: aws.String(r.keyARN), CiphertextBlob: w.Wrapped, EncryptionContext: dataKeyContext(),
			})
			if err != nil && i > 0 {
				continue
			}
			if err != nil {
				return fmt.Errorf("unwrap data key: %w", err)
			}
			key = newDataKey(w.Number, w.Created, out.Plaintext)
		}
		keys = append(keys, key)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys, r.pausedTil, r.pausedErr = keys, time.Time{}, nil
	return nil
}

// dataKeyContext keeps data keys and stored access keys apart: neither decrypts as the other.
func dataKeyContext() map[string]string { return map[string]string{"arngate": "data-key"} }
