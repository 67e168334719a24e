package registry_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/registry"
)

const (
	siteA = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
	siteB = "0c1d2e3f-8b86-4d01-b42d-00cf4fc964aa"
	table = "registry"
)

// newStore returns a store on an empty table of a local AWS.
func newStore(tb testing.TB) (*registry.Store, *localawstest.AWS) {
	tb.Helper()
	local := localawstest.Start(tb)
	client := awsdynamodb.NewFromConfig(local.Config(local.Account("111111111111")))
	_, err := client.CreateTable(tb.Context(), &awsdynamodb.CreateTableInput{
		TableName: aws.String(table), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	local.ResetCalls()
	return registry.NewStore(client, table), local
}

func provider(name string) registry.Provider {
	return registry.Provider{
		Site: siteA, Name: name, Method: registry.AssumeRole, RoleARN: "arn:aws:iam::111122223333:role/skuid-assumable-role/" + name,
	}
}

func connection(name, provider string) registry.Connection {
	return registry.Connection{
		Site: siteA, Name: name, Provider: provider, Acting: true, Groups: []string{"sales", "x admin"},
		Limits: permissions.Limits{
			Connector: permissions.S3, Region: "eu-central-1", ReadOnly: true,
			Buckets: []permissions.Bucket{{Name: "files", Prefix: "reports/", Owner: "111122223333"}, {Name: "other"}},
			KMSKeys: []string{"*"},
		},
		Policy: `{"Version":"2012-10-17"}`,
	}
}

func must[T any](tb testing.TB) func(T, error) T {
	tb.Helper()
	return func(v T, err error) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

func wantError(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

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
		if len(got.Revision) != 32 || got.ETag() != `"`+got.Revision+`"` || got.Created.IsZero() || !got.Created.Equal(got.Updated) {
			t.Errorf("got revision %q, ETag %s, created %s, updated %s", got.Revision, got.ETag(), got.Created, got.Updated)
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
	updated := must[registry.Provider](t)(store.UpdateProvider(t.Context(), edited, created.ETag()))
	if updated.Revision == created.Revision || !updated.Created.Equal(created.Created) || updated.RoleARN != edited.RoleARN {
		t.Errorf("got %+v", updated)
	}
	_, err := store.UpdateProvider(t.Context(), edited, created.ETag())
	wantError(t, err, registry.ErrETagMismatch)
	got := must[registry.Provider](t)(store.Provider(t.Context(), siteA, "main"))
	if diff := cmp.Diff(updated, got); diff != "" {
		t.Error(diff)
	}
	for _, prefix := range []string{``, `"x", `, ` `} {
		updated = must[registry.Provider](t)(store.UpdateProvider(t.Context(), edited, prefix+updated.ETag()))
	}
	for _, always := range []string{"", "*"} {
		updated = must[registry.Provider](t)(store.UpdateProvider(t.Context(), edited, always))
	}
	_, err = store.UpdateProvider(t.Context(), edited, "W/"+updated.ETag()) // RFC 9110: strong comparison
	wantError(t, err, registry.ErrETagMismatch)
	_, err = store.UpdateProvider(t.Context(), provider("absent"), "")
	wantError(t, err, registry.ErrNotFound)
}

// A name deleted and made again must not meet old credentials: its revision is another.
func TestTrap50aRevisionsAreRandom(t *testing.T) {
	store, _ := newStore(t)
	seen := map[string]bool{}
	for range 20 {
		p := must[registry.Provider](t)(store.CreateProvider(t.Context(), provider("main")))
		u := must[registry.Provider](t)(store.UpdateProvider(t.Context(), p, ""))
		c := must[registry.Connection](t)(store.CreateConnection(t.Context(), connection("files", "main")))
		if seen[p.Revision] || seen[u.Revision] || seen[c.Revision] {
			t.Fatal("a revision comes back")
		}
		seen[p.Revision], seen[u.Revision], seen[c.Revision] = true, true, true
		if err := store.DeleteConnection(t.Context(), siteA, "files", ""); err != nil {
			t.Fatal(err)
		}
		if err := store.DeleteProvider(t.Context(), siteA, "main", ""); err != nil {
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
	updated := must[registry.Connection](t)(store.UpdateConnection(t.Context(), moved, created.ETag()))
	if updated.Revision == created.Revision || !updated.Created.Equal(created.Created) {
		t.Errorf("got %+v", updated)
	}
	_, err := store.UpdateConnection(t.Context(), moved, created.ETag())
	wantError(t, err, registry.ErrETagMismatch)
	moved.Provider = "absent"
	_, err = store.UpdateConnection(t.Context(), moved, "")
	wantError(t, err, registry.ErrNoProvider)
	_, err = store.UpdateConnection(t.Context(), connection("absent", "main"), "")
	wantError(t, err, registry.ErrNotFound)
	// The provider it left is free, the one it went to is not.
	if err := store.DeleteProvider(t.Context(), siteA, "main", ""); err != nil {
		t.Error(err)
	}
	var inUse *registry.InUseError
	if err := store.DeleteProvider(t.Context(), siteA, "other", ""); !errors.As(err, &inUse) {
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
	err := store.DeleteProvider(t.Context(), siteA, "main", "")
	if !errors.As(err, &inUse) {
		t.Fatalf("got %v, want an InUseError", err)
	}
	if diff := cmp.Diff([]string{"alpha", "zeta"}, inUse.Connections); diff != "" {
		t.Error(diff)
	}
	must[registry.Provider](t)(store.UpdateProvider(t.Context(), p, "")) // an edit must not forget who uses it
	if err := store.DeleteProvider(t.Context(), siteA, "main", ""); !errors.As(err, &inUse) {
		t.Errorf("after an edit: got %v, want an InUseError", err)
	}
	wantError(t, store.DeleteProvider(t.Context(), siteA, "main", p.ETag()), registry.ErrETagMismatch)
	for _, name := range []string{"zeta", "alpha"} {
		if err := store.DeleteConnection(t.Context(), siteA, name, ""); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, store.DeleteConnection(t.Context(), siteA, "alpha", ""), registry.ErrNotFound)
	if err := store.DeleteProvider(t.Context(), siteA, "main", ""); err != nil {
		t.Error(err)
	}
	wantError(t, store.DeleteProvider(t.Context(), siteA, "main", ""), registry.ErrNotFound)
}

// Whoever wins, a connection never ends up without its provider.
func TestDeletingAProviderRacesWithConnections(t *testing.T) {
	store, _ := newStore(t)
	for round := range 10 {
		name := fmt.Sprintf("p%d", round)
		must[registry.Provider](t)(store.CreateProvider(t.Context(), provider(name)))
		var created, deleted error
		var all sync.WaitGroup
		all.Go(func() { _, created = store.CreateConnection(t.Context(), connection(name, name)) })
		all.Go(func() { deleted = store.DeleteProvider(t.Context(), siteA, name, "") })
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
	if err := store.DeleteProvider(t.Context(), siteA, "main", ""); !errors.As(err, &inUse) || len(inUse.Connections) != 12 {
		t.Errorf("got %v, want all 12 named", err)
	}
}

// Of two writers that saw the same revision, one wins.
func TestIfMatchLetsOneWin(t *testing.T) {
	store, _ := newStore(t)
	p := must[registry.Provider](t)(store.CreateProvider(t.Context(), provider("main")))
	c := must[registry.Connection](t)(store.CreateConnection(t.Context(), connection("files", "main")))
	var won, lost [2]int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 8 {
		for i, write := range []func() error{
			func() error { _, err := store.UpdateProvider(t.Context(), p, p.ETag()); return err },
			func() error { _, err := store.UpdateConnection(t.Context(), c, c.ETag()); return err },
		} {
			all.Go(func() {
				err := write()
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					won[i]++
				case errors.Is(err, registry.ErrETagMismatch):
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
	for _, operation := range []string{"PutItem", "UpdateItem"} {
		store, local := newRetryingStore(t)
		created := must[registry.Provider](t)(store.CreateProvider(t.Context(), provider("other")))
		local.Inject(localaws.Fault{Service: "dynamodb", Operation: operation, Count: 1, Cut: true})
		if operation == "PutItem" {
			must[registry.Provider](t)(store.CreateProvider(t.Context(), provider("main")))
			continue
		}
		must[registry.Provider](t)(store.UpdateProvider(t.Context(), created, created.ETag()))
	}
}

// newRetryingStore is newStore with a client that sends again, as the functions' do.
func newRetryingStore(t *testing.T) (*registry.Store, *localawstest.AWS) {
	t.Helper()
	_, local := newStore(t)
	keys := local.Account("111111111111")
	own, err := awsclient.Own(t.Context(), awsclient.OwnOptions{
		Region: localawstest.Region, Endpoint: local.Endpoint(), Transport: local.Transport(),
		Provider: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	return registry.NewStore(awsdynamodb.NewFromConfig(own), table), local
}

func TestListsArePaged(t *testing.T) {
	store, _ := newStore(t)
	var want []string
	for i := range 7 {
		name := fmt.Sprintf("p%d", i)
		must[registry.Provider](t)(store.CreateProvider(t.Context(), provider(name)))
		must[registry.Connection](t)(store.CreateConnection(t.Context(), connection(name, name)))
		want = append(want, name)
	}
	for _, limit := range []int{1, 3, 6, 7, 8, 1000} {
		var providers, connections []string
		for after, first := "", true; first || after != ""; first = false {
			page, next, err := store.Providers(t.Context(), siteA, after, limit)
			if err != nil || len(page) > limit || (next != "" && len(page) == 0) {
				t.Fatalf("limit %d: got %d and next %q, %v", limit, len(page), next, err)
			}
			for _, p := range page {
				providers = append(providers, p.Name)
			}
			after = next
		}
		for after, first := "", true; first || after != ""; first = false {
			page, next, err := store.Connections(t.Context(), siteA, after, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range page {
				connections = append(connections, c.Name)
			}
			after = next
		}
		if !slices.Equal(providers, want) || !slices.Equal(connections, want) {
			t.Errorf("limit %d: got %v and %v, want %v", limit, providers, connections, want)
		}
	}
	if page, next, err := store.Providers(t.Context(), siteB, "", 10); err != nil || len(page) != 0 || next != "" {
		t.Errorf("another site: got %d, %q, %v", len(page), next, err)
	}
}

func TestStates(t *testing.T) {
	store, _ := newStore(t)
	if got := must[registry.State](t)(store.State(t.Context(), siteA, "main")); got != (registry.State{}) {
		t.Errorf("got %+v, want the zero State", got)
	}
	at := time.Now().UTC().Truncate(time.Millisecond)
	state := registry.State{
		Revision: "r1", Status: registry.Ready, Trace: registry.TraceFull, Account: "111122223333", Reason: "x", VerifiedAt: at,
	}
	put := func(s registry.State) {
		t.Helper()
		if err := store.PutState(t.Context(), siteA, "main", s); err != nil {
			t.Fatal(err)
		}
	}
	put(state)
	if diff := cmp.Diff(state, must[registry.State](t)(store.State(t.Context(), siteA, "main"))); diff != "" {
		t.Error(diff)
	}
	stale := registry.State{Revision: "r0", Status: registry.Unusable, VerifiedAt: at.Add(-time.Second)}
	put(stale) // began earlier, ended later
	if got := must[registry.State](t)(store.State(t.Context(), siteA, "main")); got.Revision != "r1" {
		t.Errorf("got %+v, want the newer one to stay", got)
	}
	states := must[map[string]registry.State](t)(store.States(t.Context(), siteA))
	if diff := cmp.Diff(map[string]registry.State{"main": state}, states); diff != "" {
		t.Error(diff)
	}
}

func TestOpenMakesTwoReads(t *testing.T) {
	store, local := newStore(t)
	_, err := store.Open(t.Context(), siteA, "files")
	wantError(t, err, registry.ErrNotFound)
	p := must[registry.Provider](t)(store.CreateProvider(t.Context(), provider("main")))
	c := must[registry.Connection](t)(store.CreateConnection(t.Context(), connection("files", "main")))
	opened := must[*registry.Opened](t)(store.Open(t.Context(), siteA, "files"))
	if diff := cmp.Diff(&registry.Opened{Connection: c, Provider: p}, opened); diff != "" {
		t.Error(diff)
	}
	state := registry.State{Revision: p.Revision, Status: registry.Ready, VerifiedAt: time.Now().UTC().Truncate(time.Millisecond)}
	if err := store.PutState(t.Context(), siteA, "main", state); err != nil {
		t.Fatal(err)
	}
	local.ResetCalls()
	opened = must[*registry.Opened](t)(store.Open(t.Context(), siteA, "files"))
	if diff := cmp.Diff(state, opened.State); diff != "" {
		t.Error(diff)
	}
	var operations []string
	for _, call := range local.Calls() {
		operations = append(operations, call.Operation)
	}
	if diff := cmp.Diff([]string{"GetItem", "BatchGetItem"}, operations); diff != "" {
		t.Error(diff)
	}
	_, err = store.Open(t.Context(), siteB, "files")
	wantError(t, err, registry.ErrNotFound)
}

func TestDataKeys(t *testing.T) {
	store, _ := newStore(t)
	if keys := must[[]registry.DataKey](t)(store.DataKeys(t.Context(), 2)); len(keys) != 0 {
		t.Errorf("got %d keys, want none", len(keys))
	}
	now := time.Now().Truncate(time.Millisecond)
	var made []registry.DataKey
	for number := range uint64(12) {
		key := registry.DataKey{Number: number + 1, Wrapped: []byte{byte(number)}, Created: now}
		if created := must[bool](t)(store.CreateDataKey(t.Context(), key)); !created {
			t.Fatal("a new key is refused")
		}
		made = append(made, key)
	}
	if created := must[bool](t)(store.CreateDataKey(t.Context(), registry.DataKey{Number: 12, Wrapped: []byte("other"), Created: now})); created {
		t.Error("a taken number is overwritten")
	}
	keys := must[[]registry.DataKey](t)(store.DataKeys(t.Context(), 2))
	if diff := cmp.Diff([]registry.DataKey{made[11], made[10]}, keys); diff != "" {
		t.Error(diff)
	}
}

func TestCacheIsAtMost30SecondsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &fakeSource{opened: ready()}
		cache := must[*registry.Cache](t)(registry.NewCache(source, 10))
		open := func() { must[*registry.Opened](t)(cache.Open(t.Context(), siteA, "files")) }
		open()
		time.Sleep(29 * time.Second)
		if open(); source.reads != 1 {
			t.Errorf("got %d reads within 30 s, want 1", source.reads)
		}
		time.Sleep(time.Second)
		if open(); source.reads != 2 {
			t.Errorf("got %d reads after 30 s, want 2", source.reads)
		}
	})
}
