package credentials

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"time"

	"github.com/arngate/arngate/shared/seal"
	"github.com/arngate/arngate/shared/telemetry"
)

const (
	// tableBudget bounds every look at the shared tier: it is an optimisation, and slower than that it is none.
	tableBudget = 200 * time.Millisecond
	// leaseTime is longer than a mint takes, and short enough to wait for when its holder died.
	leaseTime = 3 * time.Second
	// patience bounds how long one waits for others' leases before minting without.
	patience = 2 * leaseTime
	// An entry that another makes is looked at again after a quarter of the time waited so far, within these bounds: so
	// a wait is hardly longer than the mint, and costs few reads.
	shortestPoll = 20 * time.Millisecond
	longestPoll  = 250 * time.Millisecond
	// sealPurpose keeps sealed credentials apart from all else that is sealed.
	sealPurpose = "credentials"
)

// Sealer seals entries; a seal.Ring is one.
type Sealer interface {
	Load(ctx context.Context) error
	Seal(ctx context.Context, purpose string, associated, plain []byte) ([]byte, error)
	Open(ctx context.Context, purpose string, associated, sealed []byte) ([]byte, error)
}

type mintFunc func(ctx context.Context) (Credentials, error)

// errLeased says that someone else is making the entry.
var errLeased = errors.New("credentials: another instance holds the lease")

// sharedTier is the table with what makes it safe to use: sealing, expiry, the lease, and going on without it. Safe for
// concurrent use.
type sharedTier struct {
	store   Store
	sealer  Sealer
	dropped func(accessKeyID string) bool
}

// obtain returns the entry of id, or mints it: once for all instances, unless the table fails. Then everyone mints for
// themselves.
func (t *sharedTier) obtain(ctx context.Context, id string, mint mintFunc) (Credentials, Tier, error) {
	item, err := t.get(ctx, id)
	if err != nil {
		return t.alone(ctx, err, mint)
	}
	for began, waiting := time.Now(), false; ; {
		if got, ok := t.open(ctx, id, item); ok {
			return t.perhapsRenewed(ctx, id, got, mint)
		}
		if time.Since(began) > patience {
			return t.alone(ctx, errors.New("others' leases lapsed without an entry"), mint)
		}
		if time.Now().Before(item.LeasedUntil) {
			if !waiting {
				waiting = true
				telemetry.From(ctx).Count(telemetry.LeaseWaits)
			}
			if err := pausePolling(ctx, began, item.LeasedUntil); err != nil {
				return Credentials{}, "", err
			}
			if item, err = t.get(ctx, id); err != nil {
				return t.alone(ctx, err, mint)
			}
			continue
		}
		got, current, err := t.underLease(ctx, id, item.Generation, mint)
		switch {
		case errors.Is(err, errLeased):
			item = current // someone was faster: look at what they left
		case errors.Is(err, errTable):
			return t.alone(ctx, err, mint)
		default:
			return got, telemetry.Minted, err
		}
	}
}

// pausePolling waits until the next look at an entry that another has been making since began, or until its lease
// lapses, whichever is sooner.
func pausePolling(ctx context.Context, began, leasedUntil time.Time) error {
	poll := min(max(time.Since(began)/4, shortestPoll), longestPoll)
	wait := min(poll*3/4+mathrand.N(poll/2), time.Until(leasedUntil)+time.Millisecond) //nolint:gosec // jitter
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// perhapsRenewed returns got, or, if it is in its last minutes, tries to renew it first.
func (t *sharedTier) perhapsRenewed(ctx context.Context, id string, got Credentials, mint mintFunc) (Credentials, Tier, error) {
	if time.Until(got.Expires) > refreshWindow-refreshJitter {
		return got, telemetry.Table, nil
	}
	budget, cancel := context.WithTimeout(ctx, refreshBudget)
	defer cancel()
	if fresh, tier, err := t.renew(budget, id, got, mint); err == nil {
		return fresh, tier, nil
	}
	return got, telemetry.Table, nil
}

// renew returns what another instance has made since old, or mints it under the lease. It returns [errLeased] while
// another holds that.
func (t *sharedTier) renew(ctx context.Context, id string, old Credentials, mint mintFunc) (Credentials, Tier, error) {
	item, err := t.get(ctx, id)
	if err != nil {
		return t.alone(ctx, err, mint)
	}
	if newer, ok := t.open(ctx, id, item); ok && newer.Expires.After(old.Expires) {
		return newer, telemetry.Table, nil
	}
	if time.Now().Before(item.LeasedUntil) {
		return Credentials{}, "", errLeased
	}
	got, _, err := t.underLease(ctx, id, item.Generation, mint)
	if errors.Is(err, errTable) {
		return t.alone(ctx, err, mint)
	}
	return got, telemetry.Minted, err
}

// errTable says that the table failed, not the mint.
var errTable = errors.New("credentials: table failed")

// underLease mints while holding the lease and stores what it got. If the lease is not to be had it returns [errLeased]
// and the item as it is; if the table fails, [errTable].
func (t *sharedTier) underLease(ctx context.Context, id string, seen int64, mint mintFunc) (Credentials, Item, error) {
	owner, now := newOwner(), time.Now()
	budget, cancel := context.WithTimeout(ctx, tableBudget)
	won, current, err := t.store.Lease(budget, id, owner, seen, now, now.Add(leaseTime))
	cancel()
	if err != nil {
		return Credentials{}, Item{}, fmt.Errorf("%w: %w", errTable, err)
	}
	if !won {
		return Credentials{}, current, errLeased
	}
	got, err := mint(ctx)
	if err != nil {
		t.release(ctx, id, owner)
		return Credentials{}, Item{}, err
	}
	t.put(ctx, id, owner, got)
	return got, Item{}, nil
}

// alone mints without the table and says so.
func (t *sharedTier) alone(ctx context.Context, cause error, mint mintFunc) (Credentials, Tier, error) {
	t.degraded(ctx, "credentials cache passed over", cause)
	got, err := mint(ctx)
	return got, telemetry.Minted, err
}

func (t *sharedTier) degraded(ctx context.Context, what string, cause error) {
	record := telemetry.From(ctx)
	record.Count(telemetry.CacheErrors)
	record.Logger().WarnContext(ctx, "credentials cache degraded", slog.String("what", what), slog.Any("error", cause))
}

// get reads the item. Without the data keys nothing in the table is of use, so it fails then.
func (t *sharedTier) get(ctx context.Context, id string) (Item, error) {
	if err := t.sealer.Load(ctx); err != nil {
		return Item{}, fmt.Errorf("load data key: %w", err)
	}
	budget, cancel := context.WithTimeout(ctx, tableBudget)
	defer cancel()
	return t.store.Get(budget, id)
}

// put stores what was minted. It has been minted whether or not that works.
func (t *sharedTier) put(ctx context.Context, id, owner string, c Credentials) {
	sealed, err := t.encode(ctx, id, c)
	if err != nil {
		t.degraded(ctx, "entry not sealed", err)
		t.release(ctx, id, owner)
		return
	}
	// The time that a refresh had may be up by now. What it made is worth storing all the same.
	budget, cancel := context.WithTimeout(context.WithoutCancel(ctx), tableBudget)
	defer cancel()
	if err := t.store.Put(budget, id, owner, sealed, markOf(c.AccessKeyID), c.Expires); err != nil && !errors.Is(err, ErrLeaseLost) {
		t.degraded(ctx, "entry not stored", err)
	}
}

// release gives the lease up even if the request's time is up: others are waiting for it.
func (t *sharedTier) release(ctx context.Context, id, owner string) {
	budget, cancel := context.WithTimeout(context.WithoutCancel(ctx), tableBudget)
	defer cancel()
	if err := t.store.Release(budget, id, owner); err != nil {
		t.degraded(ctx, "lease not released", err)
	}
}

func (t *sharedTier) drop(ctx context.Context, id, accessKeyID string) {
	budget, cancel := context.WithTimeout(ctx, tableBudget)
	defer cancel()
	if err := t.store.Drop(budget, id, markOf(accessKeyID)); err != nil {
		t.degraded(ctx, "entry not dropped", err)
	}
}

// stored is an entry before it is sealed.
type stored struct {
	AccessKeyID     string `json:"a"`
	SecretAccessKey string `json:"s"`
	SessionToken    string `json:"t"`
	Expires         int64  `json:"e"` // Unix time in milliseconds
}

func (t *sharedTier) encode(ctx context.Context, id string, c Credentials) ([]byte, error) {
	plain, err := json.Marshal(stored{
		AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey.Reveal(), SessionToken: c.SessionToken.Reveal(),
		Expires: c.Expires.UnixMilli(),
	})
	if err != nil {
		return nil, fmt.Errorf("encode entry: %w", err)
	}
	return t.sealer.Seal(ctx, sealPurpose, []byte(id), plain)
}

// open returns the item's entry if it is there, readable, live and not dropped. The expiry is the sealed one, checked on
// every read (trap 2).
func (t *sharedTier) open(ctx context.Context, id string, item Item) (Credentials, bool) {
	if item.Sealed == nil {
		return Credentials{}, false
	}
	plain, err := t.sealer.Open(ctx, sealPurpose, []byte(id), item.Sealed)
	if err != nil {
		if !errors.Is(err, seal.ErrUnopenable) {
			t.degraded(ctx, "entry not opened", err)
		}
		return Credentials{}, false
	}
	var s stored
	if err := json.Unmarshal(plain, &s); err != nil {
		return Credentials{}, false
	}
	expires := time.UnixMilli(s.Expires)
	if !time.Now().Before(expires.Add(-lastMinute)) || t.dropped(s.AccessKeyID) {
		return Credentials{}, false
	}
	return Credentials{
		AccessKeyID: s.AccessKeyID, SecretAccessKey: seal.NewSecret(s.SecretAccessKey),
		SessionToken: seal.NewSecret(s.SessionToken), Expires: expires,
	}, true
}

// markOf names an entry by its access key id without telling it.
func markOf(accessKeyID string) string {
	sum := sha256.Sum256([]byte(accessKeyID))
	return hex.EncodeToString(sum[:16])
}

func newOwner() string {
	var bits [16]byte
	_, _ = rand.Read(bits[:]) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(bits[:])
}
