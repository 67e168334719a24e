package registry_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/registry"
)

// Whoever wins, a connection never ends up without its provider.
func TestDeletingAProviderRacesWithConnections(t *testing.T) {
	store, _ := newStore(t)
	for round := range 10 {
		name := fmt.Sprintf("p%d", round)
		must[registry.Provider](t)(store.CreateProvider(t.Context(), provider(name)))
		var created, deleted error
		var all sync.WaitGroup
		all.Go(func() { _, created = store.CreateConnection(t.Context(), connection(name, name)) })
		all.Go(func() { deleted = store.DeleteProvider(t.Context(), siteA, name, nil) })
		all.Wait()
		if (created == nil) == (deleted == nil) {
			t.Errorf("got %v and %v, want exactly one to succeed", created, deleted)
		}
	}
}

func TestConcurrentConnectionsOfOneProvider(t *testing.T) {
	store, _ := newStore(t)
	must[registry.Provider](t)(store.CreateProvider(t.Context(), provider("main")))
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			if _, err := store.CreateConnection(t.Context(), connection(fmt.Sprintf("c%d", i), "main")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	var inUse *registry.InUseError
	if err := store.DeleteProvider(t.Context(), siteA, "main", nil); !errors.As(err, &inUse) || len(inUse.Connections) != 12 {
		t.Errorf("got %v, want all 12 named", err)
	}
}

// Of two writers that saw the same revision, one wins.
func TestConditionLetsOneWin(t *testing.T) {
	store, _ := newStore(t)
	p := must[registry.Provider](t)(store.CreateProvider(t.Context(), provider("main")))
	c := must[registry.Connection](t)(store.CreateConnection(t.Context(), connection("files", "main")))
	var won, lost [2]int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 8 {
		for i, write := range []func() error{
			func() error { _, err := store.UpdateProvider(t.Context(), p, registry.Only(p.Revision)); return err },
			func() error { _, err := store.UpdateConnection(t.Context(), c, registry.Only(c.Revision)); return err },
		} {
			all.Go(func() {
				err := write()
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					won[i]++
				case errors.Is(err, registry.ErrStale):
					lost[i]++
				default:
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	if diff := cmp.Diff([][2]int{{1, 1}, {7, 7}}, [][2]int{won, lost}); diff != "" {
		t.Error(diff)
	}
}

// An answer that is lost makes the SDK write again. The second write must not report the first as someone else's.
func TestTrap33aLostAnswers(t *testing.T) {
	store, local := newRetryingStore(t)
	created := must[registry.Provider](t)(store.CreateProvider(t.Context(), provider("other")))
	lose := func() { // the answer to the next write
		local.Inject(localaws.Fault{Service: "dynamodb", Count: 1, Cut: true, Match: func(c localaws.Call) bool { return c.Operation != "GetItem" }})
	}
	lose()
	must[registry.Provider](t)(store.CreateProvider(t.Context(), provider("main")))
	lose()
	updated := must[registry.Provider](t)(store.UpdateProvider(t.Context(), created, registry.Only(created.Revision)))
	lose()
	if err := store.DeleteProvider(t.Context(), updated.Site, updated.Name, registry.Only(updated.Revision)); err != nil {
		t.Error(err)
	}
}

// newRetryingStore is newStore with a client that sends again, as the functions' do.
func newRetryingStore(t *testing.T) (*registry.Store, *localawstest.AWS) {
	t.Helper()
	_, local := newStore(t)
	keys := local.Account("111111111111")
	own := awsclient.Own(awsclient.OwnOptions{
		Region: localawstest.Region, Endpoint: local.Endpoint(), Transport: local.Transport(),
		Provider: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, ""),
	})
	return registry.NewStore(awsdynamodb.NewFromConfig(own), table), local
}
