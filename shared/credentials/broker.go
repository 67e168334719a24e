package credentials

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/arngate/arngate/shared/telemetry"
)

const (
	// loadTimeout bounds the shared work of getting credentials, whoever waits for it.
	loadTimeout = 20 * time.Second
	// tellTime is what the shared work leaves of its first caller's time, so that how it ended can be told.
	tellTime = 50 * time.Millisecond
	// refreshBudget bounds a refresh: whoever makes it has credentials and should not be kept waiting.
	refreshBudget = 300 * time.Millisecond
	// replaceBudget bounds making credentials that last, in place of some that are good otherwise.
	replaceBudget = 5 * time.Second
	// droppedKept is how many dropped access key ids an instance remembers.
	droppedKept = 1024
	// joinAttempts bounds how often a caller joins shared work that ended for another's reasons.
	joinAttempts = 3
)

// Source makes credentials; a [Minter] is one.
type Source interface {
	Mint(ctx context.Context, r Request) (Credentials, error)
}

// Options of [NewBroker].
type Options struct {
	MemorySize  int      // entries kept in memory; 0: 10,000, some 30 MB at the most
	UnsafeRoles []string // role ARNs that the operator lets through although verify found them unsafe
}

// Broker hands out credentials: from memory, else from the table, else minted. One mint serves all who wait for it, in
// all instances. Safe for concurrent use.
type Broker struct {
	source      Source
	shared      *sharedTier
	unsafeRoles []string
	memory      *lru.Cache[Key, *entry]
	dropped     *lru.Cache[string, struct{}]
	flight      singleflight.Group
}

// NewBroker returns a Broker. It does no I/O.
func NewBroker(source Source, store Store, sealer Sealer, o Options) (*Broker, error) {
	if o.MemorySize == 0 {
		o.MemorySize = 10_000
	}
	memory, err := lru.New[Key, *entry](o.MemorySize)
	if err != nil {
		return nil, fmt.Errorf("make memory tier: %w", err)
	}
	dropped, err := lru.New[string, struct{}](droppedKept)
	if err != nil {
		return nil, fmt.Errorf("make memory tier: %w", err)
	}
	denials, err := newDenials()
	if err != nil {
		return nil, err
	}
	b := &Broker{unsafeRoles: o.UnsafeRoles, memory: memory, dropped: dropped}
	b.source = &rememberingSource{source: source, denials: denials}
	b.shared = &sharedTier{store: store, sealer: sealer, dropped: dropped.Contains}
	return b, nil
}

// Get returns credentials for r with more than a minute to live, and the tier they came from.
// It returns an error wrapping [ErrAwaitingRole], [ErrUnverified], [ErrUnsafe], [ErrUnusable], [ErrPolicyTooLarge] or
// [ErrThrottled]; any other error is STS's, the network's, or ctx's.
func (b *Broker) Get(ctx context.Context, r Request) (Credentials, Tier, error) {
	got, tier, err := b.get(ctx, r)
	if err != nil || r.Lasting == 0 || time.Until(got.Expires) >= r.Lasting {
		return got, tier, err
	}
	return b.replace(ctx, r, got, tier)
}

func (b *Broker) get(ctx context.Context, r Request) (Credentials, Tier, error) {
	if err := ready(r.Opened, b.unsafeRoles); err != nil {
		return Credentials{}, "", err
	}
	key, now := keyOf(r), time.Now()
	if e, ok := b.memory.Get(key); ok && now.Before(e.usableUntil) {
		if now.Before(e.refreshFrom) || !e.claimRefresh(now) {
			return e.credentials, telemetry.Memory, nil
		}
		return b.refresh(ctx, key, r, e)
	}
	return b.load(ctx, key, r)
}

// Drop forgets the credentials with that access key id in every tier, because AWS no longer takes them. Others under the
// same key stay.
func (b *Broker) Drop(ctx context.Context, r Request, accessKeyID string) {
	key := keyOf(r)
	b.dropped.Add(accessKeyID, struct{}{})
	if e, ok := b.memory.Peek(key); ok && e.credentials.AccessKeyID == accessKeyID {
		b.memory.Remove(key)
	}
	b.shared.drop(ctx, idOf(key), accessKeyID)
}

// found is what the shared work of a load comes to.
type found struct {
	entry *entry
	tier  Tier
}

// load gets credentials once for all callers of this instance that want the same. The work is detached from the first
// one's cancellation; each waiter honours its own.
func (b *Broker) load(ctx context.Context, key Key, r Request) (Credentials, Tier, error) {
	var result found
	var err error
	for range joinAttempts {
		result, err = b.join(ctx, key, r)
		switch {
		case err == nil && !b.dropped.Contains(result.entry.credentials.AccessKeyID):
			return result.entry.credentials, result.tier, nil
		case err == nil: // read by shared work that began before they were dropped
		case mayBegin(ctx) && errors.Is(err, context.DeadlineExceeded):
			// The first caller had less time than this one.
		default:
			return Credentials{}, "", err
		}
	}
	if err != nil {
		return Credentials{}, "", err
	}
	return result.entry.credentials, result.tier, nil
}

func (b *Broker) join(ctx context.Context, key Key, r Request) (found, error) {
	id := idOf(key)
	done := b.flight.DoChan(id, func() (result any, err error) {
		defer func() {
			if p := recover(); p != nil { // in this goroutine it would end the process (trap 19)
				err = fmt.Errorf("credentials: load panicked: %v", p)
			}
		}()
		shared, cancel := detach(ctx)
		defer cancel()
		return b.obtain(shared, key, id, r)
	})
	select {
	case answer := <-done:
		result, _ := answer.Val.(found)
		return result, answer.Err
	case <-ctx.Done():
		return found{}, ctx.Err()
	}
}

// mayBegin reports whether work that ctx's caller begins has any time. Without, it would only take those with it who have more.
func mayBegin(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() == nil && (!ok || time.Until(deadline) > tellTime)
}

// detach returns a context that outlives ctx's cancellation, but ends before its deadline: nothing outlives an invocation.
func detach(ctx context.Context) (context.Context, context.CancelFunc) {
	shared, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
	deadline, ok := ctx.Deadline()
	if !ok {
		return shared, cancel
	}
	bounded, cancelBounded := context.WithDeadline(shared, deadline.Add(-tellTime))
	return bounded, func() { cancelBounded(); cancel() }
}

// obtain is the shared work: look into memory again, then into the table, then mint.
func (b *Broker) obtain(ctx context.Context, key Key, id string, r Request) (found, error) {
	e, ok := b.memory.Get(key)
	if ok && time.Now().Before(e.usableUntil) && !b.dropped.Contains(e.credentials.AccessKeyID) {
		return found{entry: e, tier: telemetry.Memory}, nil
	}
	mint := func(ctx context.Context) (Credentials, error) { return b.source.Mint(ctx, r) }
	got, tier, err := b.shared.obtain(ctx, id, mint)
	if err != nil {
		return found{}, err
	}
	e = newEntry(got)
	b.memory.Add(key, e)
	return found{entry: e, tier: tier}, nil
}

// refresh makes new credentials while the old ones still serve. If it takes too long or fails, the old ones do.
func (b *Broker) refresh(ctx context.Context, key Key, r Request, old *entry) (Credentials, Tier, error) {
	budget, cancel := context.WithTimeout(ctx, refreshBudget)
	defer cancel()
	mint := func(ctx context.Context) (Credentials, error) { return b.source.Mint(ctx, r) }
	got, tier, err := b.shared.renew(budget, idOf(key), old.credentials, mint)
	switch {
	case errors.Is(err, errLeased):
		return old.credentials, telemetry.Memory, nil
	case err != nil:
		telemetry.From(ctx).Logger().WarnContext(ctx, "credentials not refreshed", slog.Any("error", err))
		return old.credentials, telemetry.Memory, nil
	}
	b.memory.Add(key, newEntry(got))
	return got, tier, nil
}

// replace makes credentials that last longer than old ones that are still good: once for all instances, as any others. If it
// takes too long or fails, the old ones do.
func (b *Broker) replace(ctx context.Context, r Request, old Credentials, tier Tier) (Credentials, Tier, error) {
	budget, cancel := context.WithTimeout(ctx, replaceBudget)
	defer cancel()
	key, began := keyOf(r), time.Now()
	mint := func(ctx context.Context) (Credentials, error) { return b.source.Mint(ctx, r) }
	for {
		got, newTier, err := b.shared.renew(budget, idOf(key), old, mint)
		if errors.Is(err, errLeased) { // someone is making them
			err = pausePolling(budget, began, time.Now().Add(leaseTime)) // whose lease it is by now is not known
			if err == nil {
				continue
			}
		}
		if err != nil {
			telemetry.From(ctx).Logger().WarnContext(ctx, "credentials not replaced by lasting ones", slog.Any("error", err))
			return old, tier, nil
		}
		b.memory.Add(key, newEntry(got))
		return got, newTier, nil
	}
}

func idOf(key Key) string {
	digest := key.Digest()
	return hex.EncodeToString(digest[:])
}
