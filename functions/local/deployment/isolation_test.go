package deployment_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"pgregory.net/rapid"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/secrettest"
)

// sample is a request as one of the sample events has it: it names what the demo site has.
type sample struct {
	name, route string // "s3-get-object", "GET /v1/s3/{connection}/buckets/{bucket}/object"
	method      string
	path        string // with its query
	body        string
	contentType string
	public      bool
}

// exampleSecret is AWS's own example of a secret access key, which the sample events have.
const exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" //nolint:gosec // an example

// samples are the requests of all sample events. A route of the code without an event fails the test: it would be left out.
func samples(t *testing.T) []sample {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(deploymenttest.Root(t), "events", "*-*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []sample
	for _, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // the repository's own file
		if err != nil {
			t.Fatal(err)
		}
		var event struct {
			RouteKey        string            `json:"routeKey"`
			RawPath         string            `json:"rawPath"`
			RawQueryString  string            `json:"rawQueryString"`
			Headers         map[string]string `json:"headers"`
			Body            string            `json:"body"`
			IsBase64Encoded bool              `json:"isBase64Encoded"`
		}
		if json.Unmarshal(text, &event) != nil || event.RouteKey == "" {
			continue // another kind of event
		}
		if event.IsBase64Encoded {
			plain, err := base64.StdEncoding.DecodeString(event.Body)
			if err != nil {
				t.Fatal(err)
			}
			event.Body = string(plain)
		}
		method, _, _ := strings.Cut(event.RouteKey, " ")
		s := sample{
			name: strings.TrimSuffix(filepath.Base(file), ".json"), route: event.RouteKey, method: method,
			path: event.RawPath, body: event.Body, contentType: event.Headers["content-type"],
		}
		s.body = strings.ReplaceAll(s.body, exampleSecret, secrettest.Plant(secrettest.SecretKey, "of-the-sample-event"))
		if event.RawQueryString != "" {
			s.path += "?" + event.RawQueryString
		}
		all = append(all, s)
	}
	for _, route := range slices.Sorted(maps.Keys(publicRoutes())) {
		i := slices.IndexFunc(all, func(s sample) bool { return s.route == route })
		if i < 0 {
			t.Fatalf("no sample event is of the route %s, so that nobody knows whether it keeps sites apart", route)
		}
		all[i].public = publicRoutes()[route]
	}
	return all
}

// publicRoutes are all routes of the code, and whether they need no token.
func publicRoutes() map[string]bool {
	public := map[string]bool{}
	for _, routes := range deployment.Routes() {
		for _, route := range routes {
			key, isPublic := strings.CutSuffix(route, " (public)")
			public[key] = isPublic
		}
	}
	return public
}

// as sends the sample with a token.
func (s sample) as(stack *deploymenttest.Stack, token string) deploymenttest.Answer {
	header := http.Header{}
	if s.contentType != "" {
		header.Set("Content-Type", s.contentType)
	}
	return stack.Send(s.method, s.path, token, strings.NewReader(s.body), header)
}

// inBubble is a test in a testing/synctest bubble, which can't be asked for its deadline.
type inBubble struct{ rapid.TB }

// scopes are all that a token can have.
func scopes() []string {
	return []string{"arngate/connect", "arngate/admin", "arngate/audit", "arngate/act-as"}
}

// Whatever users of another site send, they are answered as if the demo site did not exist: two deployments, one with it and one
// without, give them the same answers. Nothing of the site's changes, and its role is not assumed.
func TestSitesAreWorldsOfTheirOwn(t *testing.T) {
	t.Parallel()
	all := samples(t)
	synctest.Test(t, func(t *testing.T) {
		full, bare := deploymenttest.InProcess(t, deploymenttest.Options{}), deploymenttest.InProcess(t, deploymenttest.Options{Bare: true})
		live(t, full, all)
		before := holdings(t, full)
		full.AWS.ResetCalls()
		compare := func(tb rapid.TB, s sample, claims map[string]any) {
			seen := differsFrom(s.as(full, tokenFor(t, full, claims)), s.as(bare, tokenFor(t, bare, claims)))
			if seen != "" {
				tb.Errorf("%s by %v tells the demo site's being there: %s", s.name, claims, seen)
			}
		}
		for _, s := range all { // each of them at least once
			compare(t, s, strangerClaims("eve", scopes(), []string{"builders", "*"}))
		}
		if t.Failed() {
			return // rapid wants a test that hasn't
		}
		rapid.Check(inBubble{t}, func(rt *rapid.T) {
			for range rapid.IntRange(1, 6).Draw(rt, "requests") {
				claims := strangerClaims(
					rapid.SampledFrom([]string{"eve", demosite.User, "grace@example.com", "arngate-audit", demosite.Site}).Draw(rt, "user"),
					rapid.SliceOfNDistinct(rapid.SampledFrom(scopes()), 0, 4, rapid.ID).Draw(rt, "scopes"),
					rapid.SliceOfN(rapid.SampledFrom([]string{"builders", "*", "admin"}), 0, 2).Draw(rt, "groups"),
				)
				compare(rt, rapid.SampledFrom(all).Draw(rt, "sample"), claims)
			}
		})
		for _, call := range full.AWS.Calls() {
			if call.Requested.ExternalID == demosite.Site || strings.Contains(call.Principal, ":"+demosite.Account+":") {
				t.Errorf("%s was called by %s as %s", call.Operation, call.Principal, call.Requested.SessionName)
			}
		}
		if after := holdings(t, full); after != before {
			t.Errorf("the demo site had\n%s\nand has\n%s", before, after)
		}
	})
}

func strangerClaims(user string, scopes, groups []string) map[string]any {
	return map[string]any{"site_id": demosite.OtherSite, "sub": user, "scope": strings.Join(scopes, " "), "groups": groups}
}

func tokenFor(t *testing.T, s *deploymenttest.Stack, claims map[string]any) string {
	t.Helper()
	token, err := s.Token(claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// live has the demo site do all that there is to do, so that there is something of each kind to be found.
func live(t *testing.T, s *deploymenttest.Stack, all []sample) {
	t.Helper()
	token := s.TokenOf(demosite.Site, demosite.User, scopes()...)
	for _, one := range all {
		if one.method != http.MethodDelete {
			one.as(s, token)
		}
	}
	s.Verify(demosite.Provider) // it has been replaced
}

// chance is what differs between two answers to the same request anyway: ids, times, revisions.
var chance = regexp.MustCompile(`"(request_id|id|created_at|updated_at|verified_at|requested_at|checked_at|at|revision)":"[^"]*"|` +
	`\d{4}-\d\d-\d\d[T ][0-9:.]+Z?|\b[0-9a-f]{32}\b|127\.0\.0\.1:\d+|"aws":\{[^}]*"request_id":"[^"]*"`)

// differsFrom says how two answers differ; empty if not.
func differsFrom(a, b deploymenttest.Answer) string {
	left, right := a.Body, b.Body
	if left != right {
		left, right = chance.ReplaceAllString(left, "…"), chance.ReplaceAllString(right, "…")
	}
	if a.Status != b.Status || left != right {
		return fmt.Sprintf("%d %s\nagainst %d %s", a.Status, left, b.Status, right)
	}
	if got, want := slices.Sorted(maps.Keys(a.Header)), slices.Sorted(maps.Keys(b.Header)); !slices.Equal(got, want) {
		return fmt.Sprintf("headers %q against %q", got, want)
	}
	return ""
}

// holdings are all that the demo site has: its entries, its items and its objects.
func holdings(t *testing.T, s *deploymenttest.Stack) string {
	t.Helper()
	admin := s.TokenOf(demosite.Site, "grace@example.com", scopes()...)
	var all strings.Builder
	for _, path := range []string{
		"/v1/providers?limit=1000", "/v1/connections?limit=1000", "/v1/audits?limit=1000", "/v1/findings?limit=1000",
		"/v1/dynamodb/orders/tables/Orders/items?limit=1000", "/v1/lambda/actions/functions",
	} {
		answer := s.Call(http.MethodGet, path, admin, "")
		if answer.Status != http.StatusOK {
			t.Fatalf("%s: %d %s", path, answer.Status, answer.Body)
		}
		all.WriteString(answer.Body)
	}
	client := awss3.NewFromConfig(s.Customer(), func(o *awss3.Options) { o.UsePathStyle = true })
	bucket := demosite.Bucket
	listed, err := client.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range listed.Contents {
		all.WriteString(*object.Key + " " + *object.ETag + "\n")
	}
	return all.String()
}

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

// wants are the scopes of which a route needs one, as the design has them.
func wants(s sample) []string {
	admin, audit := "arngate/admin", "arngate/audit"
	switch _, path, _ := strings.Cut(s.route, " "); {
	case strings.HasSuffix(path, "/verify"):
		return []string{admin, audit}
	case strings.HasSuffix(path, "/suppression"):
		return []string{admin}
	case strings.HasPrefix(path, "/v1/audits"), strings.HasPrefix(path, "/v1/findings"):
		return []string{audit}
	case strings.HasPrefix(path, "/v1/providers"), strings.HasPrefix(path, "/v1/connections"):
		return []string{admin}
	case path == "/v1/me":
		return nil
	}
	return []string{"arngate/connect"}
}

// trap 23: a connection that isn't for a caller's groups, or not for acting, is answered on every route as one that isn't there.
func TestGroupsOpenConnectionsAndNothingElseDoes(t *testing.T) {
	t.Parallel()
	all := slices.DeleteFunc(samples(t), func(s sample) bool { return !strings.Contains(s.route, "{connection}") })
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		for connector, limits := range map[string]string{
			"s3": `"buckets":[{"name":"demo-files"}]`, "dynamodb": `"tables":["Orders"]`, "lambda": `"functions":["hello"]`,
		} {
			body := fmt.Sprintf(`{"name":"inner-%s","connector":%q,"provider":"demo","region":"eu-central-1","groups":["inner circle","Inner"],%s}`, connector, connector, limits)
			want(t, s.Call(http.MethodPost, "/v1/connections", s.Admin(), body), http.StatusCreated, "inner circle")
		}
		s.AWS.ResetCalls()
		refused := func(tb rapid.TB, one sample, groups []string, acting string) {
			connector := strings.Split(one.path, "/")[2]
			to := func(name string) deploymenttest.Answer {
				moved := one
				parts := strings.SplitN(one.path, "/", 5)
				moved.path = "/v1/" + connector + "/" + name + "/" + parts[4]
				token := tokenFor(t, s, map[string]any{
					"site_id": demosite.Site, "sub": demosite.User, "scope": strings.Join(scopes(), " "), "groups": groups,
				})
				header := http.Header{"Content-Type": {one.contentType}}
				if acting != "" {
					header.Set("Arngate-Acting-User", acting)
				}
				return s.Send(one.method, moved.path, token, strings.NewReader(one.body), header)
			}
			closed, missing := to("inner-"+connector), to("missing-"+connector)
			if seen := differsFrom(closed, missing); seen != "" || closed.Field("code") != "connection_not_found" {
				tb.Errorf("%s by the groups %q, acting for %q: %s\n%s", one.name, groups, acting, closed.Body, seen)
			}
		}
		for _, one := range all {
			refused(t, one, nil, "")
			refused(t, one, []string{"inner circle"}, "lin") // groups don't count where one acts for another
		}
		if t.Failed() {
			return // rapid wants a test that hasn't
		}
		rapid.Check(inBubble{t}, func(rt *rapid.T) {
			groups := rapid.SliceOfN(rapid.SampledFrom([]string{
				"", "*", "inner", "INNER", "circle", "inner  circle", "inner circle ", "Inner\x00", "inner-s3", "[inner circle]", "Inner,inner circle",
			}), 0, 3).Draw(rt, "groups")
			acting := rapid.SampledFrom([]string{"", "", "lin", demosite.User}).Draw(rt, "acting")
			refused(rt, rapid.SampledFrom(all).Draw(rt, "sample"), groups, acting)
		})
		if len(s.AWS.Calls()) > 0 && slices.ContainsFunc(s.AWS.Calls(), func(c localaws.Call) bool { return c.Operation == "AssumeRole" }) {
			t.Error("a role was assumed")
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

// A cursor goes on for the very caller and request that it was made for, on every route that pages.
func TestCursorsAreOneCallersOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		s.Connection("orders-too", "dynamodb", demosite.Provider, `"tables":["Orders"],"acting":true`)
		s.Connection("files-too", "s3", demosite.Provider, `"buckets":[{"name":"demo-files"}],"acting":true`)
		ada := map[string]any{"site_id": demosite.Site, "sub": demosite.User, "scope": "arngate/connect arngate/act-as", "groups": []string{"builders"}}
		ask := func(path, body, cursor, user, acting string) deploymenttest.Answer {
			claims := maps.Clone(ada)
			claims["sub"] = user
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
			difference := rapid.SampledFrom([]string{"none", "user", "acting", "connection", "similar request", "request", "altered"}).Draw(rt, "difference")
			switch difference {
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
