package registry_test

import (
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/registry"
)

func TestProvidersAreKept(t *testing.T) {
	store, _ := newStore(t)
	keys := registry.Provider{
		Site: siteA, Name: "keys", Method: registry.AccessKeys, AccessKeyID: "AKIAEXAMPLEEXAMPLE",
		SealedSecret: []byte{0, 1, 255}, Scoping: registry.ScopingNone,
	}
	for _, p := range []registry.Provider{provider("main"), keys, {Site: siteA, Name: "later", Method: registry.AssumeRole}} {
		created := must[registry.Provider](t)(store.CreateProvider(t.Context(), p))
		got := must[registry.Provider](t)(store.Provider(t.Context(), siteA, p.Name))
		if diff := cmp.Diff(created, got); diff != "" {
			t.Error(diff)
		}
		if len(got.Revision) != 32 || got.Created.IsZero() || !got.Created.Equal(got.Updated) {
			t.Errorf("got revision %q, created %s, updated %s", got.Revision, got.Created, got.Updated)
		}
		_, err := store.Provider(t.Context(), siteB, p.Name)
		wantError(t, err, registry.ErrNotFound)
		_, err = store.CreateProvider(t.Context(), p)
		wantError(t, err, registry.ErrNameTaken)
	}
}

func TestProvidersAreUpdated(t *testing.T) {
	store, _ := newStore(t)
	created := must[registry.Provider](t)(store.CreateProvider(t.Context(), provider("main")))
	edited := created
	edited.RoleARN += "2"
	updated := must[registry.Provider](t)(store.UpdateProvider(t.Context(), edited, registry.Only(created.Revision)))
	if updated.Revision == created.Revision || !updated.Created.Equal(created.Created) || updated.RoleARN != edited.RoleARN {
		t.Errorf("got %+v", updated)
	}
	_, err := store.UpdateProvider(t.Context(), edited, registry.Only(created.Revision))
	wantError(t, err, registry.ErrStale)
	got := must[registry.Provider](t)(store.Provider(t.Context(), siteA, "main"))
	if diff := cmp.Diff(updated, got); diff != "" {
		t.Error(diff)
	}
	must[registry.Provider](t)(store.UpdateProvider(t.Context(), edited, nil))
	_, err = store.UpdateProvider(t.Context(), provider("absent"), nil)
	wantError(t, err, registry.ErrNotFound)
}

// A name deleted and made again must not meet old credentials: its revision is another.
func TestTrap50aRevisionsAreRandom(t *testing.T) {
	store, _ := newStore(t)
	seen := map[string]bool{}
	for range 20 {
		p := must[registry.Provider](t)(store.CreateProvider(t.Context(), provider("main")))
		u := must[registry.Provider](t)(store.UpdateProvider(t.Context(), p, nil))
		c := must[registry.Connection](t)(store.CreateConnection(t.Context(), connection("files", "main")))
		if seen[p.Revision] || seen[u.Revision] || seen[c.Revision] {
			t.Fatal("a revision comes back")
		}
		seen[p.Revision], seen[u.Revision], seen[c.Revision] = true, true, true
		if err := store.DeleteConnection(t.Context(), siteA, "files", nil); err != nil {
			t.Fatal(err)
		}
		if err := store.DeleteProvider(t.Context(), siteA, "main", nil); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConnectionsAreKept(t *testing.T) {
	store, _ := newStore(t)
	_, err := store.CreateConnection(t.Context(), connection("files", "main"))
	wantError(t, err, registry.ErrNoProvider)
	_, err = store.Provider(t.Context(), siteA, "main") // trap 32: the write must not have made one
	wantError(t, err, registry.ErrNotFound)
	must[registry.Provider](t)(store.CreateProvider(t.Context(), provider("main")))
	created := must[registry.Connection](t)(store.CreateConnection(t.Context(), connection("files", "main")))
	got := must[registry.Connection](t)(store.Connection(t.Context(), siteA, "files"))
	if diff := cmp.Diff(created, got); diff != "" {
		t.Error(diff)
	}
	if want := sha256.Sum256([]byte(got.Policy)); got.PolicyDigest != want {
		t.Errorf("got digest %x, want %x", got.PolicyDigest, want)
	}
	_, err = store.CreateConnection(t.Context(), connection("files", "main"))
	wantError(t, err, registry.ErrNameTaken)
	_, err = store.Connection(t.Context(), siteB, "files")
	wantError(t, err, registry.ErrNotFound)
}

func TestConnectionsAreUpdated(t *testing.T) {
	store, _ := newStore(t)
	for _, name := range []string{"main", "other"} {
		must[registry.Provider](t)(store.CreateProvider(t.Context(), provider(name)))
	}
	created := must[registry.Connection](t)(store.CreateConnection(t.Context(), connection("files", "main")))
	moved := created
	moved.Provider = "other"
	updated := must[registry.Connection](t)(store.UpdateConnection(t.Context(), moved, registry.Only(created.Revision)))
	if updated.Revision == created.Revision || !updated.Created.Equal(created.Created) {
		t.Errorf("got %+v", updated)
	}
	_, err := store.UpdateConnection(t.Context(), moved, registry.Only(created.Revision))
	wantError(t, err, registry.ErrStale)
	moved.Provider = "absent"
	_, err = store.UpdateConnection(t.Context(), moved, nil)
	wantError(t, err, registry.ErrNoProvider)
	_, err = store.UpdateConnection(t.Context(), connection("absent", "main"), nil)
	wantError(t, err, registry.ErrNotFound)
	// The provider it left is free, the one it went to is not.
	if err := store.DeleteProvider(t.Context(), siteA, "main", nil); err != nil {
		t.Error(err)
	}
	var inUse *registry.InUseError
	if err := store.DeleteProvider(t.Context(), siteA, "other", nil); !errors.As(err, &inUse) {
		t.Errorf("got %v, want an InUseError", err)
	}
}

func TestProvidersInUseStay(t *testing.T) {
	store, _ := newStore(t)
	p := must[registry.Provider](t)(store.CreateProvider(t.Context(), provider("main")))
	for _, name := range []string{"zeta", "alpha"} {
		must[registry.Connection](t)(store.CreateConnection(t.Context(), connection(name, "main")))
	}
	var inUse *registry.InUseError
	err := store.DeleteProvider(t.Context(), siteA, "main", nil)
	if !errors.As(err, &inUse) {
		t.Fatalf("got %v, want an InUseError", err)
	}
	if diff := cmp.Diff([]string{"alpha", "zeta"}, inUse.Connections); diff != "" {
		t.Error(diff)
	}
	must[registry.Provider](t)(store.UpdateProvider(t.Context(), p, nil)) // an edit must not forget who uses it
	if err := store.DeleteProvider(t.Context(), siteA, "main", nil); !errors.As(err, &inUse) {
		t.Errorf("after an edit: got %v, want an InUseError", err)
	}
	wantError(t, store.DeleteProvider(t.Context(), siteA, "main", registry.Only(p.Revision)), registry.ErrStale)
	for _, name := range []string{"zeta", "alpha"} {
		if err := store.DeleteConnection(t.Context(), siteA, name, nil); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, store.DeleteConnection(t.Context(), siteA, "alpha", nil), registry.ErrNotFound)
	if err := store.DeleteProvider(t.Context(), siteA, "main", nil); err != nil {
		t.Error(err)
	}
	wantError(t, store.DeleteProvider(t.Context(), siteA, "main", nil), registry.ErrNotFound)
}
