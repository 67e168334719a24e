// Package credentialstest holds what every implementation of the shared tier must do, and one in memory for tests.
package credentialstest

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/credentials"
)

// Store is a credentials.Store in memory. Err, if set, is what every call ends with; Delay is how long each takes. The
// zero value is not usable; make one with [NewStore]. Safe for concurrent use, except for its fields.
type Store struct {
	Err   error
	Delay time.Duration

	mu    sync.Mutex
	items map[string]storeItem
}

type storeItem struct {
	credentials.Item
	owner, mark string
}

// NewStore returns an empty Store.
func NewStore() *Store { return &Store{items: map[string]storeItem{}} }

// use waits, and returns what the call must end with, or locks the store.
func (s *Store) use(ctx context.Context) error {
	if s.Delay > 0 {
		select {
		case <-time.After(s.Delay):
		case <-ctx.Done():
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.Err != nil {
		return s.Err
	}
	s.mu.Lock()
	return nil
}

// Get is credentials.Store's.
func (s *Store) Get(ctx context.Context, id string) (credentials.Item, error) {
	if err := s.use(ctx); err != nil {
		return credentials.Item{}, err
	}
	defer s.mu.Unlock()
	return s.items[id].Item, nil
}

// Lease is credentials.Store's.
func (s *Store) Lease(ctx context.Context, id, owner string, seen int64, now, until time.Time) (bool, credentials.Item, error) {
	if err := s.use(ctx); err != nil {
		return false, credentials.Item{}, err
	}
	defer s.mu.Unlock()
	item := s.items[id]
	if item.Generation != seen || (now.Before(item.LeasedUntil) && item.owner != owner) {
		return false, item.Item, nil
	}
	item.owner, item.LeasedUntil = owner, until
	s.items[id] = item
	return true, credentials.Item{}, nil
}

// Put is credentials.Store's.
func (s *Store) Put(ctx context.Context, id, owner string, sealed []byte, mark string, _ time.Time) error {
	if err := s.use(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	item := s.items[id]
	if item.owner != owner {
		return credentials.ErrLeaseLost
	}
	s.items[id] = storeItem{
		Item: credentials.Item{Generation: item.Generation + 1, Sealed: slices.Clone(sealed)}, mark: mark,
	}
	return nil
}

// Release is credentials.Store's.
func (s *Store) Release(ctx context.Context, id, owner string) error {
	if err := s.use(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if item := s.items[id]; item.owner == owner {
		item.owner, item.LeasedUntil = "", time.Time{}
		s.items[id] = item
	}
	return nil
}

// Drop is credentials.Store's.
func (s *Store) Drop(ctx context.Context, id, mark string) error {
	if err := s.use(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if item := s.items[id]; item.mark == mark {
		item.Sealed, item.mark = nil, ""
		item.Generation++
		s.items[id] = item
	}
	return nil
}

// Sealed returns everything that the store holds, by id.
func (s *Store) Sealed() map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	sealed := map[string][]byte{}
	for id, item := range maps.All(s.items) {
		sealed[id] = item.Sealed
	}
	return sealed
}

// Replace puts sealed in place of what the store holds under id.
func (s *Store) Replace(id string, sealed []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	item := s.items[id]
	item.Sealed = sealed
	s.items[id] = item
}

// contract is one store under test, with the test's time. What it leases and puts is under the id "a".
type contract struct {
	*testing.T
	store credentials.Store
	now   time.Time
}

// Run checks that what newStore returns is a credentials.Store.
func Run(t *testing.T, newStore func(t *testing.T) credentials.Store) {
	t.Helper()
	for name, check := range map[string]func(contract){
		"empty":                      contract.empty,
		"put under lease":            contract.putUnderLease,
		"one lease at a time":        contract.oneLease,
		"lease lapses":               contract.leaseLapses,
		"lease is given once asked":  contract.leaseAgain,
		"lease needs the generation": contract.leaseNeedsGeneration,
		"put needs the lease":        contract.putNeedsLease,
		"release":                    contract.release,
		"drop by mark":               contract.dropByMark,
		"drop counts on":             contract.dropCountsOn,
		"race for the lease":         contract.race,
	} {
		t.Run(name, func(t *testing.T) {
			check(contract{T: t, store: newStore(t), now: time.Now().Truncate(time.Millisecond)})
		})
	}
}

func (c contract) get(id string) credentials.Item {
	c.Helper()
	item, err := c.store.Get(c.Context(), id)
	if err != nil {
		c.Fatal(err)
	}
	return item
}

func (c contract) lease(owner string, seen int64, now time.Time) (bool, credentials.Item) {
	c.Helper()
	won, current, err := c.store.Lease(c.Context(), "a", owner, seen, now, now.Add(time.Second))
	if err != nil {
		c.Fatal(err)
	}
	return won, current
}

func (c contract) put(owner, sealed, mark string) error {
	return c.store.Put(c.Context(), "a", owner, []byte(sealed), mark, c.now.Add(time.Hour))
}

func (c contract) want(got, want credentials.Item) {
	c.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		c.Error(diff)
	}
}

func (c contract) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c contract) empty() {
	c.want(c.get("a"), credentials.Item{})
	c.must(c.store.Release(c.Context(), "a", "x"))
	c.must(c.store.Drop(c.Context(), "a", "m"))
	c.want(c.get("a"), credentials.Item{})
}

func (c contract) putUnderLease() {
	if won, _ := c.lease("x", 0, c.now); !won {
		c.Fatal("the first lease is refused")
	}
	c.want(c.get("a"), credentials.Item{LeasedUntil: c.now.Add(time.Second)})
	c.must(c.put("x", "one", "m"))
	c.want(c.get("a"), credentials.Item{Generation: 1, Sealed: []byte("one")})
	c.want(c.get("b"), credentials.Item{})
	if won, _ := c.lease("y", 1, c.now); !won {
		c.Fatal("a lease after the first is refused")
	}
	c.want(c.get("a"), credentials.Item{Generation: 1, Sealed: []byte("one"), LeasedUntil: c.now.Add(time.Second)})
	c.must(c.put("y", "two", "n"))
	c.want(c.get("a"), credentials.Item{Generation: 2, Sealed: []byte("two")})
}

func (c contract) oneLease() {
	c.lease("x", 0, c.now)
	won, current := c.lease("y", 0, c.now.Add(999*time.Millisecond))
	if won {
		c.Error("a second lease is given")
	}
	c.want(current, credentials.Item{LeasedUntil: c.now.Add(time.Second)})
}

func (c contract) leaseLapses() {
	c.lease("x", 0, c.now)
	if won, _ := c.lease("y", 0, c.now.Add(time.Second)); !won {
		c.Error("a lapsed lease is in the way")
	}
	if err := c.put("x", "late", "m"); err != credentials.ErrLeaseLost { //nolint:errorlint // the contract is this very error
		c.Errorf("got %v, want ErrLeaseLost", err)
	}
	c.must(c.put("y", "mine", "m"))
	c.want(c.get("a"), credentials.Item{Generation: 1, Sealed: []byte("mine")})
}

// The SDK sends a write again whose answer was lost: the owner must not be refused for its own lease.
func (c contract) leaseAgain() {
	c.lease("x", 0, c.now)
	if won, _ := c.lease("x", 0, c.now); !won {
		c.Error("the lease's own holder is refused")
	}
}

// Whoever looked before an entry was made must not make another.
func (c contract) leaseNeedsGeneration() {
	c.lease("x", 0, c.now)
	c.must(c.put("x", "one", "m"))
	won, current := c.lease("y", 0, c.now)
	if won {
		c.Error("the lease is given to someone who has not seen the entry")
	}
	c.want(current, credentials.Item{Generation: 1, Sealed: []byte("one")})
}

func (c contract) putNeedsLease() {
	if err := c.put("x", "one", "m"); err != credentials.ErrLeaseLost { //nolint:errorlint // the contract is this very error
		c.Errorf("got %v, want ErrLeaseLost", err)
	}
	c.want(c.get("a"), credentials.Item{})
}

func (c contract) release() {
	c.lease("x", 0, c.now)
	c.must(c.store.Release(c.Context(), "a", "y"))
	if won, _ := c.lease("y", 0, c.now); won {
		c.Error("another one's release ended the lease")
	}
	c.must(c.store.Release(c.Context(), "a", "x"))
	if won, _ := c.lease("y", 0, c.now); !won {
		c.Error("a released lease is in the way")
	}
}

func (c contract) dropByMark() {
	c.lease("x", 0, c.now)
	c.must(c.put("x", "one", "m"))
	c.must(c.store.Drop(c.Context(), "a", "other"))
	c.want(c.get("a"), credentials.Item{Generation: 1, Sealed: []byte("one")})
	c.must(c.store.Drop(c.Context(), "a", "m"))
	c.want(c.get("a"), credentials.Item{Generation: 2})
}

func (c contract) dropCountsOn() {
	c.lease("x", 0, c.now)
	c.must(c.put("x", "one", "m"))
	c.must(c.store.Drop(c.Context(), "a", "m"))
	if won, _ := c.lease("y", 1, c.now); won {
		c.Error("the lease is given to someone who saw the dropped entry")
	}
	if won, _ := c.lease("y", 2, c.now); !won {
		c.Error("the lease is refused after a drop")
	}
}

func (c contract) race() {
	var wins sync.Map
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			owner := strconv.Itoa(i)
			won, _, err := c.store.Lease(c.Context(), "a", owner, 0, c.now, c.now.Add(time.Second))
			if err != nil {
				c.Error(err)
			}
			if won {
				wins.Store(owner, true)
			}
		})
	}
	all.Wait()
	count := 0
	wins.Range(func(any, any) bool { count++; return true })
	if count != 1 {
		c.Errorf("got %d leases, want 1", count)
	}
}
