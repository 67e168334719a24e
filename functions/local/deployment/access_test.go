package deployment_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
)

// Every route but the public ones wants a token, and one of its scopes: with any others it says so before it looks at anything.
func TestEveryRouteWantsItsScope(t *testing.T) {
	t.Parallel()
	all := samples(t)
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		for _, one := range all {
			if one.public {
				continue
			}
			if answer := one.as(s, ""); answer.Status != http.StatusUnauthorized || answer.Body != `{"message":"Unauthorized"}` {
				t.Errorf("%s without a token: %d %s", one.route, answer.Status, answer.Body)
			}
			need := wants(one)
			s.AWS.ResetCalls()
			others := slices.DeleteFunc(scopes(), func(scope string) bool { return slices.Contains(need, scope) })
			answer := one.as(s, s.TokenOf(demosite.Site, demosite.User, others...))
			if one.route == "GET /v1/me" {
				want(t, answer, http.StatusOK, demosite.Site)
				continue
			}
			if answer.Status != http.StatusForbidden || answer.Field("code") != "scope_missing" {
				t.Errorf("%s with the scopes %q: %d %s", one.route, others, answer.Status, answer.Body)
			}
			if calls := s.AWS.Calls(); len(calls) > 0 {
				t.Errorf("%s with the scopes %q: AWS was asked to %s", one.route, others, calls[0].Operation)
			}
		}
	})
}

// trap 3: no two callers share credentials: what AWS sees an access key used for is one site's, user's, actor's and connection's.
func TestAccessKeysAreOneCallersOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		users := map[string]string{} // by access key
		use := func(user, actor, connection string) {
			path := map[string]string{demosite.FilesName: listing, demosite.OrdersName: "/v1/dynamodb/orders/tables"}[connection]
			token := tokenFor(t, s, map[string]any{"site_id": demosite.Site, "sub": actor, "scope": "arngate/connect arngate/act-as", "groups": []string{"builders"}})
			header := http.Header{}
			if user != actor {
				header.Set("Arngate-Acting-User", user)
			}
			s.AWS.ResetCalls()
			if answer := s.Send(http.MethodGet, path, token, strings.NewReader(""), header); answer.Status != http.StatusOK {
				t.Fatalf("%q by %q: %d %s", user, actor, answer.Status, answer.Body)
			}
			calls := s.AWS.Calls()
			key, who := calls[len(calls)-1].AccessKeyID, fmt.Sprintf("%q by %q through %s", user, actor, connection)
			if before, used := users[key]; used && before != who {
				t.Errorf("an access key was used for %s and for %s", before, who)
			}
			users[key] = who
		}
		names := []string{"a", "ab", "b", "a@b", "A", "a b", "a_b", "ä", "a/b", "a:b", strings.Repeat("a", 64), strings.Repeat("a", 65), strings.Repeat("a", 300)}
		rapid.Check(inBubble{t}, func(rt *rapid.T) {
			user, actor := rapid.SampledFrom(names).Draw(rt, "user"), rapid.SampledFrom(names).Draw(rt, "actor")
			use(user, actor, rapid.SampledFrom([]string{demosite.FilesName, demosite.OrdersName}).Draw(rt, "connection"))
			if rapid.IntRange(0, 9).Draw(rt, "new instances") == 0 {
				recycle(t, s)
			}
		})
		if len(users) < 20 {
			t.Errorf("only %d callers had credentials", len(users))
		}
	})
}
