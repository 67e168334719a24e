package registry_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/registry"
)

// What an audit reads of a provider costs what the provider has, not what its site has.
func TestConnectionsOfAProvider(t *testing.T) {
	store, local := newStore(t)
	for _, name := range []string{"main", "other", "idle"} {
		must[registry.Provider](t)(store.CreateProvider(t.Context(), provider(name)))
	}
	var want []registry.Connection
	for i := range 130 { // more than one batch
		c := must[registry.Connection](t)(store.CreateConnection(t.Context(), connection(fmt.Sprintf("c%03d", i), "main")))
		switch i {
		case 5:
			c.Provider = "other"
			must[registry.Connection](t)(store.UpdateConnection(t.Context(), c, nil))
		case 6:
			if err := store.DeleteConnection(t.Context(), siteA, c.Name, nil); err != nil {
				t.Fatal(err)
			}
		default:
			want = append(want, c)
		}
	}
	local.ResetCalls()
	got := must[[]registry.Connection](t)(store.ConnectionsOf(t.Context(), siteA, "main"))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("connections (-want +got):\n%s", diff)
	}
	if calls := len(local.Calls()); calls != 3 {
		t.Errorf("got %d calls, want 3", calls)
	}
	if got := must[[]registry.Connection](t)(store.ConnectionsOf(t.Context(), siteA, "idle")); len(got) != 0 {
		t.Errorf("got %v of a provider without connections", got)
	}
	for _, whose := range [][2]string{{siteA, "nobody"}, {siteB, "main"}} {
		if _, err := store.ConnectionsOf(t.Context(), whose[0], whose[1]); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("%v: got %v, want ErrNotFound", whose, err)
		}
	}
}
