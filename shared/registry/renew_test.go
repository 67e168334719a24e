package registry_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/registry"
)

// Renewing changes the revision, which credentials are bound to, and what was observed still counts, until the next edit.
func TestRenewProvider(t *testing.T) {
	store, _ := newStore(t)
	created := must[registry.Provider](t)(store.CreateProvider(t.Context(), provider("main")))
	observe := func(revision string) registry.State {
		t.Helper()
		state := registry.State{Revision: revision, Status: registry.Ready, VerifiedAt: time.Now().UTC()}
		if err := store.PutState(t.Context(), siteA, "main", state); err != nil {
			t.Fatal(err)
		}
		return must[registry.State](t)(store.State(t.Context(), siteA, "main"))
	}
	state := observe(created.Revision)
	renewed := created
	for range 3 { // however often: it was observed of the first
		was := renewed.Revision
		renewed = must[registry.Provider](t)(store.RenewProvider(t.Context(), siteA, "main", registry.Only(renewed.Revision)))
		if renewed.Revision == was || renewed.Status(state) != registry.Ready {
			t.Fatalf("got %+v, %s", renewed, renewed.Status(state))
		}
		if diff := cmp.Diff(renewed, must[registry.Provider](t)(store.Provider(t.Context(), siteA, "main"))); diff != "" {
			t.Error(diff)
		}
	}
	if want := created; renewed.RoleARN != want.RoleARN || !renewed.Created.Equal(want.Created) {
		t.Errorf("got %+v, want %+v but for the revision", renewed, want)
	}
	state = observe(renewed.Revision) // observed anew, and renewed again
	renewed = must[registry.Provider](t)(store.RenewProvider(t.Context(), siteA, "main", nil))
	if got := renewed.Status(state); got != registry.Ready {
		t.Errorf("renewed after an observation: got %s", got)
	}
	edited := must[registry.Provider](t)(store.UpdateProvider(t.Context(), renewed, nil))
	if got := edited.Status(state); got != registry.Unverified {
		t.Errorf("edited: got %s", got)
	}
	if got := must[registry.Provider](t)(store.Provider(t.Context(), siteA, "main")).Status(state); got != registry.Unverified {
		t.Errorf("edited, read again: got %s", got)
	}
	_, err := store.RenewProvider(t.Context(), siteA, "main", registry.Only(renewed.Revision))
	wantError(t, err, registry.ErrStale)
	_, err = store.RenewProvider(t.Context(), siteB, "main", nil)
	wantError(t, err, registry.ErrNotFound)
}

// Without an observation there is nothing to carry over.
func TestRenewUnverifiedProvider(t *testing.T) {
	store, _ := newStore(t)
	must[registry.Provider](t)(store.CreateProvider(t.Context(), provider("main")))
	renewed := must[registry.Provider](t)(store.RenewProvider(t.Context(), siteA, "main", nil))
	if got := renewed.Status(registry.State{}); got != registry.Unverified {
		t.Errorf("got %s", got)
	}
}

// The write arrives, its answer doesn't: the second attempt must know its own first.
func TestTrap33aRenewWithALostAnswer(t *testing.T) {
	store, local := newRetryingStore(t)
	created := must[registry.Provider](t)(store.CreateProvider(t.Context(), provider("main")))
	local.Inject(localaws.Fault{Service: "dynamodb", Operation: "UpdateItem", Count: 1, Cut: true})
	must[registry.Provider](t)(store.RenewProvider(t.Context(), siteA, "main", registry.Only(created.Revision)))
}

// A key's age counts from the day it was entered, not from other edits.
func TestKeySince(t *testing.T) {
	store, _ := newStore(t)
	keys := registry.Provider{Site: siteA, Name: "keys", Method: registry.AccessKeys, AccessKeyID: "AKIA0123456789ABCDEF"}
	created := must[registry.Provider](t)(store.CreateProvider(t.Context(), keys))
	if created.KeySince.IsZero() || !created.KeySince.Equal(created.Created) {
		t.Errorf("created: got %v, want %v", created.KeySince, created.Created)
	}
	keys.Scoping = registry.ScopingNone
	edited := must[registry.Provider](t)(store.UpdateProvider(t.Context(), keys, nil))
	if !edited.KeySince.Equal(created.KeySince) {
		t.Errorf("edited: got %v, want %v", edited.KeySince, created.KeySince)
	}
	keys.AccessKeyID = "AKIA0123456789ABCDEG"
	rotated := must[registry.Provider](t)(store.UpdateProvider(t.Context(), keys, nil))
	if !rotated.KeySince.Equal(rotated.Updated) {
		t.Errorf("rotated: got %v, want %v", rotated.KeySince, rotated.Updated)
	}
	if diff := cmp.Diff(rotated, must[registry.Provider](t)(store.Provider(t.Context(), siteA, "keys"))); diff != "" {
		t.Error(diff)
	}
	keys.Method, keys.AccessKeyID, keys.Scoping = registry.AssumeRole, "", ""
	if got := must[registry.Provider](t)(store.UpdateProvider(t.Context(), keys, nil)); !got.KeySince.IsZero() {
		t.Errorf("no key: got %v", got.KeySince)
	}
}
