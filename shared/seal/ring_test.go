package seal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/arngate/arngate/shared/seal"
	"github.com/arngate/arngate/shared/secrettest"
)

const keyARN = "arn:aws:kms:eu-central-1:111122223333:key/0f0f0f0f"

func newRing(kms *fakeKMS, keys *fakeKeys) *seal.Ring {
	return seal.NewRing(kms, keys, keyARN, time.Now)
}

func mustSeal(t *testing.T, r *seal.Ring, purpose, associated, plain string) []byte {
	t.Helper()
	sealed, err := r.Seal(t.Context(), purpose, []byte(associated), []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func wantOpens(t *testing.T, r *seal.Ring, purpose, associated string, sealed []byte, want string) {
	t.Helper()
	got, err := r.Open(t.Context(), purpose, []byte(associated), sealed)
	if err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func wantUnopenable(t *testing.T, r *seal.Ring, purpose, associated string, sealed []byte) {
	t.Helper()
	if got, err := r.Open(t.Context(), purpose, []byte(associated), sealed); !errors.Is(err, seal.ErrUnopenable) {
		t.Errorf("got %q, %v, want ErrUnopenable", got, err)
	}
}

func TestRingBindsPurposeAndEntry(t *testing.T) {
	r := newRing(newFakeKMS(), &fakeKeys{})
	sealed := mustSeal(t, r, "cursor", "site/one", "plain")
	wantOpens(t, r, "cursor", "site/one", sealed, "plain")
	wantUnopenable(t, r, "cursor", "site/two", sealed)
	wantUnopenable(t, r, "report", "site/one", sealed)
	wantUnopenable(t, r, "cursors", "ite/one", sealed)
	if bytes.Contains(sealed, []byte("plain")) {
		t.Error("what is sealed can be read")
	}
}

// What the store is given of a data key, and what is told of a KMS that fails when it has the key at hand, shows nothing of it.
func TestDataKeysStayInside(t *testing.T) {
	kms, keys := newFakeKMS(), &fakeKeys{}
	sealed := mustSeal(t, newRing(kms, keys), "cursor", "site/one", planted)
	secrettest.Check(t, "what is sealed", string(sealed))
	for _, key := range keys.keys {
		secrettest.Check(t, "a stored data key", fmt.Sprintf("%+v %s", key, key.Wrapped))
	}
	for _, failing := range []*seal.Ring{
		newRing(kms, &fakeKeys{race: func() { panic("the store, while the key is at hand") }}),
		seal.NewRing(kms, keys, "another key", time.Now),
	} {
		err := failing.Load(t.Context())
		if err == nil {
			t.Error("got no error")
		}
		secrettest.CheckError(t, err)
	}
}

func TestRingRefusesWhatIsAltered(t *testing.T) {
	r := newRing(newFakeKMS(), &fakeKeys{})
	rapid.Check(t, func(rt *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(rt, "plain")
		sealed, err := r.Seal(context.Background(), "p", []byte("a"), plain)
		if err != nil {
			rt.Fatal(err)
		}
		i := rapid.IntRange(0, len(sealed)-1).Draw(rt, "byte")
		sealed[i] ^= rapid.ByteRange(1, 255).Draw(rt, "bits")
		if _, err := r.Open(context.Background(), "p", []byte("a"), sealed); !errors.Is(err, seal.ErrUnopenable) {
			rt.Fatalf("got %v, want ErrUnopenable", err)
		}
		if _, err := r.Open(context.Background(), "p", []byte("a"), sealed[:i]); !errors.Is(err, seal.ErrUnopenable) {
			rt.Fatalf("cut short: got %v, want ErrUnopenable", err)
		}
	})
}

// Any number of instances, all started at once on an empty registry, come to use one data key, unwrapped once each.
func TestRingFirstWriteIsRaceFree(t *testing.T) {
	kms, keys := newFakeKMS(), &fakeKeys{}
	rings := make([]*seal.Ring, 16)
	sealed := make([][]byte, len(rings))
	var all sync.WaitGroup
	for i := range rings {
		rings[i] = newRing(kms, keys)
		for range 4 {
			all.Go(func() {
				if err := rings[i].Load(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	if got, want := len(keys.keys), 1; got != want {
		t.Errorf("got %d data keys, want %d", got, want)
	}
	if got, want := kms.decrypts.Load(), int64(len(rings)); got != want {
		t.Errorf("got %d unwraps, want %d", got, want)
	}
	for i, ring := range rings {
		sealed[i] = mustSeal(t, ring, "p", "a", "plain")
	}
	for i, ring := range rings {
		wantOpens(t, ring, "p", "a", sealed[(i+1)%len(rings)], "plain")
	}
	if got, want := kms.decrypts.Load(), int64(len(rings)); got != want {
		t.Errorf("after use: got %d unwraps, want %d", got, want)
	}
}

func TestRingUsesTheWinnersKey(t *testing.T) {
	kms, keys := newFakeKMS(), &fakeKeys{}
	winner, loser := newRing(kms, keys), newRing(kms, keys)
	keys.race = func() { _ = winner.Load(context.Background()) }
	sealed := mustSeal(t, loser, "p", "a", "plain")
	wantOpens(t, winner, "p", "a", sealed, "plain")
	if got, want := len(keys.keys), 1; got != want {
		t.Errorf("got %d data keys, want %d", got, want)
	}
}

func TestRingSucceedsOldKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kms, keys := newFakeKMS(), &fakeKeys{}
		r, other := newRing(kms, keys), newRing(kms, keys)
		first := mustSeal(t, r, "p", "a", "first")
		wantOpens(t, other, "p", "a", first, "first")
		time.Sleep(7*24*time.Hour - time.Second)
		mustSeal(t, r, "p", "a", "still")
		if got, want := len(keys.keys), 1; got != want {
			t.Fatalf("before 7 days: got %d data keys, want %d", got, want)
		}
		time.Sleep(time.Second)
		second := mustSeal(t, r, "p", "a", "second")
		if got, want := len(keys.keys), 2; got != want {
			t.Fatalf("after 7 days: got %d data keys, want %d", got, want)
		}
		wantOpens(t, r, "p", "a", first, "first")       // the one before still opens
		wantOpens(t, other, "p", "a", second, "second") // and others learn of the new one
		wantOpens(t, newRing(kms, keys), "p", "a", first, "first")
		time.Sleep(7 * 24 * time.Hour)
		third := mustSeal(t, r, "p", "a", "third")
		wantUnopenable(t, r, "p", "a", first)
		wantOpens(t, r, "p", "a", second, "second")
		wantOpens(t, r, "p", "a", third, "third")
	})
}

func TestRingOutlivesKMS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kms, keys := newFakeKMS(), &fakeKeys{}
		r := newRing(kms, keys)
		first := mustSeal(t, r, "p", "a", "first")
		kms.down.Store(true)
		time.Sleep(8 * 24 * time.Hour)
		wantOpens(t, r, "p", "a", first, "first")
		late := mustSeal(t, r, "p", "a", "late") // under the old key: the succession has to wait
		wantOpens(t, r, "p", "a", late, "late")
		kms.down.Store(false)
		time.Sleep(11 * time.Second)
		mustSeal(t, r, "p", "a", "later")
		if got, want := len(keys.keys), 2; got != want {
			t.Errorf("got %d data keys, want %d", got, want)
		}
	})
}

func TestRingFailsFastWhileKMSIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kms, keys := newFakeKMS(), &fakeKeys{}
		kms.down.Store(true)
		r := newRing(kms, keys)
		for range 100 {
			if err := r.Load(t.Context()); !errors.Is(err, errDown) {
				t.Fatalf("got %v, want %v", err, errDown)
			}
		}
		if got, want := keys.reads.Load(), int64(1); got != want {
			t.Errorf("got %d loads, want %d", got, want)
		}
		kms.down.Store(false)
		time.Sleep(10 * time.Second)
		if err := r.Load(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Made-up key numbers, as in altered cursors, don't make us read the registry each time.
func TestRingLooksForUnknownKeysOnce(t *testing.T) {
	kms, keys := newFakeKMS(), &fakeKeys{}
	r := newRing(kms, keys)
	sealed := mustSeal(t, r, "p", "a", "plain")
	sealed[1] ^= 0xff
	reads := keys.reads.Load()
	for range 50 {
		wantUnopenable(t, r, "p", "a", sealed)
	}
	if got, want := keys.reads.Load()-reads, int64(1); got != want {
		t.Errorf("got %d reads, want %d", got, want)
	}
}

// A caller without time must not make the others wait out a pause.
func TestRingLoadIsDetached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRing(newFakeKMS(), &fakeKeys{})
		gone, cancel := context.WithDeadline(t.Context(), time.Now())
		defer cancel()
		if err := r.Load(gone); err == nil {
			t.Error("got no error, want one for a caller without time")
		}
		synctest.Wait()
		if err := r.Load(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Who needs the keys while they are on their way waits for them, and asks for them no second time.
func TestRingBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kms, keys := newFakeKMS(), &fakeKeys{}
		mustSeal(t, newRing(kms, keys), "p", "a", "another instance's")
		reads, decrypts := keys.reads.Load(), kms.decrypts.Load()
		r := seal.NewRing(slowKMS{kms, time.Second}, keys, keyARN, time.Now)
		ended := r.Begin(t.Context(), func(err error) { t.Error(err) })
		gone, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := r.Load(gone); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v for a caller without time", err)
		}
		for range 3 {
			mustSeal(t, r, "p", "a", "plain")
		}
		<-ended
		if got := keys.reads.Load() - reads; got != 1 {
			t.Errorf("got %d reads, want 1", got)
		}
		if got := kms.decrypts.Load() - decrypts; got != 1 {
			t.Errorf("got %d decryptions, want 1", got)
		}
	})
}

// trap 12: a process that is frozen while it loads its keys never gets KMS's answer. Nobody pays for that later than within the two
// seconds that a load may take: the first who needs the keys loads them.
func TestTrap12RingBeginsAndFails(t *testing.T) {
	for name, c := range map[string]struct {
		fail func(kms *fakeKMS, keys *fakeKeys) seal.KMS
		mend func(kms *fakeKMS)
	}{
		"KMS doesn't answer": {func(kms *fakeKMS, _ *fakeKeys) seal.KMS { return &onceKMS{KMS: kms} }, func(*fakeKMS) {}},
		"KMS is down": {
			func(kms *fakeKMS, _ *fakeKeys) seal.KMS { kms.down.Store(true); return kms }, func(kms *fakeKMS) { kms.down.Store(false) },
		},
		"a panic": {func(kms *fakeKMS, keys *fakeKeys) seal.KMS { keys.race = func() { panic("trap 19") }; return kms }, func(*fakeKMS) {}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				kms, keys := newFakeKMS(), &fakeKeys{}
				r := seal.NewRing(c.fail(kms, keys), keys, keyARN, time.Now)
				began := time.Now()
				var failed error
				<-r.Begin(t.Context(), func(err error) { failed = err })
				if failed == nil {
					t.Error("nobody was told")
				}
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("it took %s", took)
				}
				c.mend(kms)
				wantOpens(t, r, "p", "a", mustSeal(t, r, "p", "a", "plain"), "plain")
			})
		})
	}
}

func TestVaultBindsSiteAndProvider(t *testing.T) {
	kms := newFakeKMS()
	v := seal.NewVault(kms, keyARN)
	sealed, err := v.EncryptSecret(t.Context(), "site-a", "main", seal.NewSecret(planted))
	if err != nil {
		t.Fatal(err)
	}
	got, err := v.DecryptSecret(t.Context(), "site-a", "main", sealed)
	if err != nil || got.Reveal() != planted {
		t.Errorf("got %v, %v, want the secret", got, err)
	}
	for _, other := range [][2]string{{"site-b", "main"}, {"site-a", "other"}} {
		if _, err := v.DecryptSecret(t.Context(), other[0], other[1], sealed); err == nil {
			t.Errorf("%v opens another's secret", other)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	r := newRing(newFakeKMS(), &fakeKeys{})
	sealed, err := r.Seal(b.Context(), "credentials", []byte("id"), make([]byte, 1200))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Open(b.Context(), "credentials", []byte("id"), sealed); err != nil {
			b.Fatal(err)
		}
	}
}
