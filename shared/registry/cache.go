package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"
)

const (
	// cacheLife is how long an instance may go on without looking at the registry.
	cacheLife = 30 * time.Second
	// openTimeout bounds a read of the registry, whoever waits for it.
	openTimeout = 5 * time.Second
)

// Source is what stands behind a [Cache]: the Store.
type Source interface {
	Open(ctx context.Context, site, name string) (*Opened, error)
}

// Cache remembers opened connections for at most 30 seconds, a bounded number of them, and reads each once for all who
// ask at the same time. What is not there, or not ready, is not remembered: whoever just made or verified it should not
// have to wait. Safe for concurrent use.
type Cache struct {
	source  Source
	entries *lru.Cache[cacheKey, cacheEntry]
	flight  singleflight.Group
}

type cacheKey struct{ site, name string }

type cacheEntry struct {
	opened *Opened
	until  time.Time
}

// NewCache returns a Cache of at most size connections, size being positive.
func NewCache(source Source, size int) (*Cache, error) {
	entries, err := lru.New[cacheKey, cacheEntry](size)
	if err != nil {
		return nil, fmt.Errorf("make registry cache: %w", err)
	}
	return &Cache{source: source, entries: entries}, nil
}

// Open returns the connection, as [Store.Open]. Nobody changes what it returns.
func (c *Cache) Open(ctx context.Context, site, name string) (*Opened, error) {
	key := cacheKey{site: site, name: name}
	if entry, ok := c.entries.Get(key); ok && time.Now().Before(entry.until) {
		return entry.opened, nil
	}
	for {
		opened, err := c.load(ctx, key)
		// The shared read was bounded by the deadline of whoever came first. Those who have time left look again.
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil && !errors.Is(err, errOpenTimeout) {
			continue
		}
		return opened, err
	}
}

// errOpenTimeout says that the registry was slow, not that the first caller had no time.
var errOpenTimeout = errors.New("registry: did not answer in time")

func (c *Cache) load(ctx context.Context, key cacheKey) (*Opened, error) {
	done := c.flight.DoChan(key.site+"/"+key.name, func() (_ any, err error) {
		defer func() {
			if p := recover(); p != nil { // a panic in this goroutine would end the process (trap 19)
				err = fmt.Errorf("registry: open panicked: %v", p)
			}
		}()
		return c.read(ctx, key)
	})
	select {
	case result := <-done:
		opened, _ := result.Val.(*Opened)
		return opened, result.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// read opens the connection on a context that outlives the first caller's cancellation, but not its deadline.
func (c *Cache) read(ctx context.Context, key cacheKey) (*Opened, error) {
	began := time.Now()
	shared, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), openTimeout, errOpenTimeout)
	defer cancel()
	if deadline, ok := ctx.Deadline(); ok {
		var cancelEarly context.CancelFunc
		shared, cancelEarly = context.WithDeadline(shared, deadline)
		defer cancelEarly()
	}
	opened, err := c.source.Open(shared, key.site, key.name)
	if err != nil {
		if cause := context.Cause(shared); errors.Is(cause, errOpenTimeout) {
			return nil, fmt.Errorf("%w: %w", errOpenTimeout, err)
		}
		return nil, err
	}
	if opened.Provider.Status(opened.State) == Ready {
		c.entries.Add(key, cacheEntry{opened: opened, until: began.Add(cacheLife)})
	} else {
		c.entries.Remove(key)
	}
	return opened, nil
}
