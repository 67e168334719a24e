package registry_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/arngate/arngate/shared/registry"
)

// fakeSource answers with one entry, or an error.
type fakeSource struct {
	opened *registry.Opened
	err    error
	delay  time.Duration

	mu    sync.Mutex
	reads int
}

func (f *fakeSource) Open(ctx context.Context, _, _ string) (*registry.Opened, error) {
	f.mu.Lock()
	f.reads++
	f.mu.Unlock()
	if f.delay > 0 {
		select {
		case <-time.After(f.delay):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return f.opened, f.err
}

func ready() *registry.Opened {
	p := provider("main")
	p.Revision = "r"
	return &registry.Opened{
		Connection: connection("files", "main"), Provider: p, State: registry.State{Revision: "r", Status: registry.Ready},
	}
}

// Who has just made or verified something should not be told for 30 s that it isn't there.
func TestCacheForgetsWhatIsNotReady(t *testing.T) {
	absent := &fakeSource{err: registry.ErrNotFound}
	unverified := &fakeSource{opened: ready()}
	unverified.opened.State.Status = registry.Unusable
	for _, source := range []*fakeSource{absent, unverified} {
		cache := must[*registry.Cache](t)(registry.NewCache(source, 10))
		for range 3 {
			_, _ = cache.Open(t.Context(), siteA, "files")
		}
		if source.reads != 3 {
			t.Errorf("got %d reads, want 3", source.reads)
		}
	}
}

func TestCacheKeepsSitesApart(t *testing.T) {
	source := &fakeSource{opened: ready()}
	cache := must[*registry.Cache](t)(registry.NewCache(source, 10))
	for _, key := range [][2]string{{siteA, "files"}, {siteB, "files"}, {siteA, "other"}} {
		must[*registry.Opened](t)(cache.Open(t.Context(), key[0], key[1]))
	}
	if source.reads != 3 {
		t.Errorf("got %d reads, want 3", source.reads)
	}
}

func TestCacheReadsOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &fakeSource{opened: ready(), delay: time.Second}
		cache := must[*registry.Cache](t)(registry.NewCache(source, 10))
		leaving, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := cache.Open(leaving, siteA, "files"); !errors.Is(err, context.Canceled) {
				t.Errorf("who left: got %v", err)
			}
		})
		synctest.Wait()
		for range 50 {
			all.Go(func() {
				if _, err := cache.Open(t.Context(), siteA, "files"); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(100 * time.Millisecond)
		leave()
		all.Wait()
		if source.reads != 1 {
			t.Errorf("got %d reads, want 1", source.reads)
		}
	})
}

func TestCacheGivesUpOnASlowRegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &fakeSource{opened: ready(), delay: time.Hour}
		cache := must[*registry.Cache](t)(registry.NewCache(source, 10))
		began := time.Now()
		if _, err := cache.Open(t.Context(), siteA, "files"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want a deadline", err)
		}
		if took := time.Since(began); took != 5*time.Second || source.reads != 1 {
			t.Errorf("took %s and %d reads, want 5s and one", took, source.reads)
		}
	})
}

// The shared read ends with the deadline of whoever came first. Those with more time look again.
func TestCacheWaitersOutliveTheFirstsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &fakeSource{opened: ready(), delay: time.Second}
		cache := must[*registry.Cache](t)(registry.NewCache(source, 10))
		short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := cache.Open(short, siteA, "files"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the first: got %v", err)
			}
		})
		synctest.Wait()
		all.Go(func() {
			if _, err := cache.Open(t.Context(), siteA, "files"); err != nil {
				t.Errorf("the second: %v", err)
			}
		})
		all.Wait()
	})
}

func BenchmarkOpenFromCache(b *testing.B) {
	cache := must[*registry.Cache](b)(registry.NewCache(&fakeSource{opened: ready()}, 10))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cache.Open(b.Context(), siteA, "files"); err != nil {
			b.Fatal(err)
		}
	}
}
