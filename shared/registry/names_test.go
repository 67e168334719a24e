package registry_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/registry"
)

// allNames reads every page of a store.
func allNames(t *testing.T, store *registry.Store) (names []registry.ProviderName, pages int) {
	t.Helper()
	after := ""
	for {
		page, next, err := store.ProviderNames(t.Context(), after)
		if err != nil {
			t.Fatal(err)
		}
		names, pages, after = append(names, page...), pages+1, next
		if next == "" {
			return names, pages
		}
	}
}

func TestProviderNamesAreThoseOfAllSitesAndNothingElse(t *testing.T) {
	store, local := newStore(t)
	var want []registry.ProviderName
	for i := range 150 {
		for _, site := range []string{siteA, siteB} {
			p := provider(fmt.Sprintf("p%03d", i))
			p.Site = site
			p.RoleARN += strings.Repeat("x", 400)
			must[registry.Provider](t)(store.CreateProvider(t.Context(), p))
			want = append(want, registry.ProviderName{Site: site, Name: p.Name})
			if err := store.PutState(t.Context(), site, p.Name, registry.State{Revision: "r", Status: registry.Ready}); err != nil {
				t.Fatal(err)
			}
		}
	}
	c := connection("c", "p000")
	c.Policy = strings.Repeat("x", 300<<10)
	for i := range 5 { // enough for a second page
		c.Name = fmt.Sprintf("c%d", i)
		must[registry.Connection](t)(store.CreateConnection(t.Context(), c))
	}
	local.ResetCalls()
	got, pages := allNames(t, store)
	byName := func(a, b registry.ProviderName) int { return strings.Compare(a.Site+a.Name, b.Site+b.Name) }
	slices.SortFunc(got, byName)
	slices.SortFunc(want, byName)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if pages < 2 {
		t.Errorf("got %d page, want several", pages)
	}
}

// Whoever lists the names is allowed to see keys and no other attribute.
func TestProviderNamesNeedNoRightsButOnKeys(t *testing.T) {
	store, local := newStore(t)
	must[registry.Provider](t)(store.CreateProvider(t.Context(), provider("main")))
	keys := local.AddUser(t, local.Account("111111111111"), "schedule", `{"Version":"2012-10-17","Statement":{
		"Effect":"Allow","Action":"dynamodb:Scan","Resource":"arn:aws:dynamodb:us-east-1:111111111111:table/registry",
		"Condition":{"ForAllValues:StringEquals":{"dynamodb:Attributes":["pk","sk"]},"StringEquals":{"dynamodb:Select":"SPECIFIC_ATTRIBUTES"}}}}`)
	config := local.Config(localawstest.Keys{})
	config.Credentials = awscredentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, "")
	client := awsdynamodb.NewFromConfig(config)
	got, _ := allNames(t, registry.NewStore(client, table))
	if diff := cmp.Diff([]registry.ProviderName{{Site: siteA, Name: "main"}}, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if _, err := client.Scan(t.Context(), &awsdynamodb.ScanInput{TableName: aws.String(table)}); err == nil {
		t.Error("the same rights read whole items")
	}
}

func TestProviderNamesRefuseAPlaceThatIsNone(t *testing.T) {
	store, _ := newStore(t)
	if _, _, err := store.ProviderNames(t.Context(), "nowhere"); err == nil {
		t.Error("got no error, want one")
	}
}
