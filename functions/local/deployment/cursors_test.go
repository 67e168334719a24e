package deployment_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
)

// A cursor goes on for the very caller and request that it was made for, on every route that pages.
func TestCursorsAreOneCallersOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		s.Connection("orders-too", "dynamodb", demosite.Provider, `"tables":["Orders"],"acting":true`)
		inhabit(t, s) // another site has connections of the same names
		s.Connection("files-too", "s3", demosite.Provider, `"buckets":[{"name":"demo-files"}],"acting":true`)
		ada := map[string]any{"site_id": demosite.Site, "sub": demosite.User, "scope": "arngate/connect arngate/act-as", "groups": []string{"builders", "sales"}}
		site := demosite.Site
		ask := func(path, body, cursor, user, acting string) deploymenttest.Answer {
			claims := maps.Clone(ada)
			claims["sub"], claims["site_id"] = user, site
			header, method := http.Header{}, http.MethodGet
			if acting != "" {
				header.Set("Arngate-Acting-User", acting)
			}
			if body != "" {
				method = http.MethodPost
				header.Set("Content-Type", "application/json")
				if cursor != "" {
					body = strings.TrimSuffix(body, "}") + fmt.Sprintf(`,"cursor":%q}`, cursor)
				}
			} else if cursor != "" {
				path += "&cursor=" + url.QueryEscape(cursor)
			}
			return s.Send(method, path, tokenFor(t, s, claims), strings.NewReader(body), header)
		}
		pages := []struct{ path, body string }{
			{"/v1/dynamodb/orders/tables/Orders/items?limit=2", ""},
			{"/v1/dynamodb/orders/tables/Orders/items?limit=3", ""},
			{"/v1/dynamodb/orders/tables/Orders/search", `{"limit":2}`},
			{"/v1/dynamodb/orders/tables/Orders/search", `{"limit":2,"where":{"field":"total","op":">","value":1}}`},
			{"/v1/dynamodb/orders/tables/Orders/scan", `{"limit":2}`},
			{"/v1/dynamodb/orders/tables/Orders/query", `{"limit":2,"index":"by-customer","key_condition":"#c = :c","names":{"#c":"customer"},"values":{":c":"velo-works"}}`},
			{"/v1/s3/files/buckets/demo-files/objects?limit=1", ""},
			{"/v1/s3/files/buckets/demo-files/objects?limit=1&prefix=r", ""},
		}
		cursors := make([]string, len(pages))
		for i, p := range pages {
			first := ask(p.path, p.body, "", demosite.User, "")
			if cursors[i] = first.Field("next_cursor"); cursors[i] == "" {
				t.Fatalf("%s %s has no second page: %d %s", p.path, p.body, first.Status, first.Body)
			}
			want(t, ask(p.path, p.body, cursors[i], demosite.User, ""), http.StatusOK, "items")
		}
		rapid.Check(inBubble{t}, func(rt *rapid.T) {
			i := rapid.IntRange(0, len(pages)-1).Draw(rt, "cursor of")
			j, user, acting, path, cursor := i, demosite.User, "", pages[i].path, cursors[i]
			difference := rapid.SampledFrom([]string{"none", "site", "user", "acting", "connection", "similar request", "request", "altered"}).Draw(rt, "difference")
			site = demosite.Site
			switch difference {
			case "site":
				site = demosite.OtherSite
			case "user":
				user = "lin@example.com"
			case "acting":
				acting = "lin@example.com" // for herself she is who she is
			case "connection":
				path = strings.Replace(strings.Replace(path, "/files/", "/files-too/", 1), "/orders/", "/orders-too/", 1)
			case "similar request": // its neighbour, mostly of the same operation
				j = i ^ 1
				path = pages[j].path
			case "request":
				j = (i + rapid.IntRange(1, len(pages)-1).Draw(rt, "further")) % len(pages)
				path = pages[j].path
			case "altered":
				at, letter := rapid.IntRange(0, len(cursor)-2).Draw(rt, "at"), rapid.SampledFrom([]byte("AB")).Draw(rt, "letter")
				if cursor[at] == letter {
					letter = 'C'
				}
				cursor = cursor[:at] + string(letter) + cursor[at+1:]
			}
			its := difference == "none"
			answer := ask(path, pages[j].body, cursor, user, acting)
			if refused := answer.Status == http.StatusBadRequest && answer.Field("code") == "cursor_invalid"; refused == its {
				rt.Errorf("got %d %s", answer.Status, answer.Body)
			}
		})
	})
}
