package credentials_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/telemetry"
)

func TestNotReadyProvidersAreNotUsed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*registry.Opened)
		want   error
	}{
		"no role":        {func(o *registry.Opened) { o.Provider.RoleARN = "" }, credentials.ErrAwaitingRole},
		"never verified": {func(o *registry.Opened) { o.State = registry.State{} }, credentials.ErrUnverified},
		"edited since":   {func(o *registry.Opened) { o.Provider.Revision = "p2" }, credentials.ErrUnverified},
		"unsafe":         {func(o *registry.Opened) { o.State.Status = registry.Unsafe }, credentials.ErrUnsafe},
		"unusable":       {func(o *registry.Opened) { o.State.Status = registry.Unusable }, credentials.ErrUnusable},
		"no revision": {func(o *registry.Opened) {
			o.Provider.Revision, o.State.Revision = "", ""
		}, credentials.ErrUnverified},
	} {
		w := newWorld(t)
		broker := w.instance()
		mustGet(t, broker, request()) // what is cached does not help
		for _, lasting := range []time.Duration{0, time.Minute} {
			got, _, err := broker.Get(t.Context(), request(func(r *credentials.Request) { r.Lasting = lasting; c.change(r.Opened) }))
			if !errors.Is(err, c.want) || got.AccessKeyID != "" {
				t.Errorf("%s, lasting %s: got %q and %v, want %v", name, lasting, got.AccessKeyID, err, c.want)
			}
		}
		if got := len(w.sts.calls()); got != 1 {
			t.Errorf("%s: got %d AssumeRole, want none more", name, got-1)
		}
	}
}

func TestOperatorLetsAnUnsafeRoleThrough(t *testing.T) {
	w := newWorld(t)
	unsafe := request(func(r *credentials.Request) { r.Opened.State.Status = registry.Unsafe })
	broker, err := credentials.NewBroker(credentials.NewMinter(w.sts, nil, nil), w.store, newRing(t),
		credentials.Options{UnsafeRoles: []string{unsafe.Opened.Provider.RoleARN}})
	if err != nil {
		t.Fatal(err)
	}
	mustGet(t, broker, unsafe)
	other := request(func(r *credentials.Request) {
		r.Opened.State.Status, r.Opened.Provider.RoleARN = registry.Unsafe, r.Opened.Provider.RoleARN+"2"
	})
	if _, _, err := broker.Get(t.Context(), other); !errors.Is(err, credentials.ErrUnsafe) {
		t.Errorf("got %v, want ErrUnsafe", err)
	}
}

func TestDenialsAreRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		broker := w.instance()
		w.sts.failNext(accessDenied(), accessDenied(), accessDenied())
		for i := range 10 {
			user := string(rune('a' + i)) // for every user of the provider
			_, _, err := broker.Get(t.Context(), request(func(r *credentials.Request) { r.Caller.User = user }))
			if !errors.Is(err, credentials.ErrUnusable) {
				t.Fatalf("got %v, want ErrUnusable", err)
			}
		}
		if got, want := len(w.sts.calls()), 1; got != want {
			t.Errorf("got %d AssumeRole, want %d", got, want)
		}
		edited := request(func(r *credentials.Request) { r.Opened.Provider.Revision, r.Opened.State.Revision = "p2", "p2" })
		verified := request(func(r *credentials.Request) { r.Opened.State.VerifiedAt = time.Now() })
		for range 2 { // another revision, or another verify, is worth another try
			_, _, _ = broker.Get(t.Context(), edited)
			_, _, _ = broker.Get(t.Context(), verified)
		}
		if got, want := len(w.sts.calls()), 3; got != want {
			t.Errorf("got %d AssumeRole, want %d", got, want)
		}
		time.Sleep(30 * time.Second)
		if _, tier := mustGet(t, broker, request()); tier != telemetry.Minted {
			t.Errorf("after 30 s: got %s, want minted", tier)
		}
	})
}
