package deployment_test

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"pgregory.net/rapid"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/localaws"
)

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
