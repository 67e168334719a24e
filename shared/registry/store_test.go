package registry_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

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
