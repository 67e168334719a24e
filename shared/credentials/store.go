package credentials

import (
	"context"
	"errors"
	"time"
)

// ErrLeaseLost is returned by [Store.Put] when someone else holds the lease by now.
var ErrLeaseLost = errors.New("credentials: lease lost")

// Item is one key's place in the shared tier: an entry, a lease on making one, or both. The zero value is neither.
type Item struct {
	// Generation counts the changes of the entry. A lease is given only to whoever has seen the current one, so that
	// nobody makes anew what has been made since they looked.
	Generation int64
	// Sealed is the entry, nil if there is none. Whether it has expired is inside.
	Sealed []byte
	// LeasedUntil is when the lease lapses; zero, or past, means that there is none.
	LeasedUntil time.Time
}

// Store is the tier that all instances share. Every method may be called at any time by any number of instances; an
// error means that the tier itself failed, unless it is one that is named here.
type Store interface {
	// Get returns the item of id, the zero Item if there is none.
	Get(ctx context.Context, id string) (Item, error)
	// Lease takes the lease on id for owner, until then, if none is held at now and the generation is still the one
	// seen. If not, won is false and current is the item as it is.
	Lease(ctx context.Context, id, owner string, seen int64, now, until time.Time) (won bool, current Item, err error)
	// Put stores an entry and gives up owner's lease, or returns [ErrLeaseLost]. Mark names the entry for Drop; at
	// expires it may be deleted.
	Put(ctx context.Context, id, owner string, sealed []byte, mark string, expires time.Time) error
	// Release gives up owner's lease, if it is still held.
	Release(ctx context.Context, id, owner string) error
	// Drop removes the entry of id if it has that mark.
	Drop(ctx context.Context, id, mark string) error
}
