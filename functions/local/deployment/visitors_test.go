package deployment_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/localaws"
)

// admission says who may use a connection.
type admission struct {
	groups []string
	acting bool
}

// admissions are those of two sites whose connections have the same names, so that taking one for the other is seen.
func admissions() map[string]map[string]admission {
	everyone := []string{"*"}
	return map[string]map[string]admission{
		demosite.Site:      {"files": {[]string{"builders"}, true}, "orders": {everyone, true}, "actions": {[]string{"sales", "x admin"}, false}},
		demosite.OtherSite: {"files": {[]string{"sales"}, false}, "orders": {[]string{"builders"}, true}, "actions": {everyone, true}},
	}
}

// inhabit gives both sites what admissions says, on a role of each, and returns the roles. Of one site, it replaces what the demo has.
func inhabit(t *testing.T, s *deploymenttest.Stack) map[string]string {
	t.Helper()
	roles := map[string]string{
		demosite.Site:      demosite.RoleARN,
		demosite.OtherSite: s.Role("/skuid-assumable-role/", "arngate-other", demosite.OtherSite, "AdministratorAccess"),
	}
	other := s.TokenOf(demosite.OtherSite, "grace@example.com", "arngate/admin")
	want(t, s.Call(http.MethodPost, "/v1/providers", other, provider(demosite.Provider, roles[demosite.OtherSite])), http.StatusCreated, "unverified")
	want(t, s.Call(http.MethodPost, "/v1/providers/demo/verify", other, ""), http.StatusOK, "ready")
	for site, granted := range admissions() {
		for name, g := range granted {
			groups, err := json.Marshal(g.groups)
			if err != nil {
				t.Fatal(err)
			}
			limits := map[string]string{
				"files": `"connector":"s3","buckets":[{"name":"demo-files"}]`, "orders": `"connector":"dynamodb","tables":["Orders"]`, "actions": `"connector":"lambda","functions":["hello"]`,
			}
			body := fmt.Sprintf(`{"name":%q,"provider":"demo","region":"eu-central-1","groups":%s,"acting":%t,%s}`, name, groups, g.acting, limits[name])
			method, path, status := http.MethodPost, "/v1/connections", http.StatusCreated
			if site == demosite.Site {
				method, path, status = http.MethodPut, "/v1/connections/"+name, http.StatusOK
			}
			want(t, s.Call(method, path, s.TokenOf(site, "grace@example.com", "arngate/admin"), body), status, name)
		}
	}
	time.Sleep(time.Minute) // no instance remembers what was before
	return roles
}

// visitor is who sends a request.
type visitor struct {
	site, subject  string
	scopes, groups []string
	acting         string
	acts           bool // the header is there
}

// visitors are drawn so that often one user comes by itself and by others, and to both sites.
func visitors() *rapid.Generator[visitor] {
	spelled := append(scopes(), "arngate/connect arngate", "ARNGATE/ADMIN")
	return rapid.Custom(func(t *rapid.T) visitor {
		v := visitor{
			site:    rapid.SampledFrom([]string{demosite.Site, demosite.Site, demosite.OtherSite, demosite.OtherSite, "00000000-0000-4000-8000-000000000000"}).Draw(t, "site"),
			subject: rapid.SampledFrom([]string{"lin", "lin", "backend", "backend", "a", "Arngate-audit"}).Draw(t, "subject"),
			scopes:  rapid.OneOf(rapid.Just(scopes()), rapid.SliceOfNDistinct(rapid.SampledFrom(spelled), 0, 6, rapid.ID)).Draw(t, "scopes"),
			groups:  rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"builders", "sales", "*", "x admin", "x", "admin", "Sales"}), 0, 3, rapid.ID).Draw(t, "groups"),
			acts:    rapid.Bool().Draw(t, "acts"),
		}
		if v.acts {
			v.acting = rapid.SampledFrom([]string{"lin", "lin", "lin", "a", "arngate-audit", "a,lin", ""}).Draw(t, "acting")
		}
		return v
	})
}

// user is for whom the visitor's requests are.
func (v visitor) user() string {
	if v.acts {
		return v.acting
	}
	return v.subject
}

// has says whether the visitor's token has one of the scopes.
func (v visitor) has(scopes ...string) bool {
	return slices.ContainsFunc(strings.Fields(strings.Join(v.scopes, " ")), func(scope string) bool { return slices.Contains(scopes, scope) })
}

// refusal is the code of the problem that a visitor has with a route, by the design's words; empty if it is let in.
func (v visitor) refusal(s sample) string {
	need := wants(s)
	switch {
	case s.public:
		return ""
	case strings.EqualFold(v.subject, "arngate-audit"):
		return "user_reserved"
	case v.acts && !v.has("arngate/act-as"):
		return "scope_missing"
	case v.acts && (v.acting == "" || strings.Contains(v.acting, ",")):
		return "invalid_request"
	case v.acts && v.acting == "arngate-audit":
		return "user_reserved"
	case need != nil && !v.has(need...):
		return "scope_missing"
	case strings.HasPrefix(s.path, "/v1/connections/") && admissions()[v.site] == nil:
		return "connection_not_found"
	case !strings.Contains(s.route, "{connection}"):
		return ""
	}
	g, there := admissions()[v.site][s.connection()]
	within := slices.ContainsFunc(g.groups, func(group string) bool { return group == "*" || slices.Contains(v.groups, group) })
	if !there || v.acts && !g.acting || !v.acts && !within {
		return "connection_not_found"
	}
	return ""
}

// connection is the one that the sample's route goes through.
func (s sample) connection() string { return strings.Split(s.path, "/")[3] }

// changes says whether the sample would change what a site has: providers, connections, audits.
func (s sample) changes() bool {
	return s.method != http.MethodGet && !strings.Contains(s.route, "{connection}")
}

// visits lets visitors in where the design lets them in, and keeps what credentials were used for whom.
type visits struct {
	stack *deploymenttest.Stack
	roles map[string]string // by site
	users map[string]string // by access key
}

// visit sends one request and checks who is let in, and as whom AWS is asked then.
func (w *visits) visit(tb rapid.TB, s sample, v visitor) {
	tb.Helper()
	token, err := w.stack.Token(map[string]any{"site_id": v.site, "sub": v.subject, "scope": strings.Join(v.scopes, " "), "groups": v.groups})
	if err != nil {
		tb.Fatal(err)
	}
	header := http.Header{"Content-Type": {s.contentType}}
	if v.acts {
		header.Set("Arngate-Acting-User", v.acting)
	}
	w.stack.AWS.ResetCalls()
	answer := w.stack.Send(s.method, s.path, token, strings.NewReader(s.body), header)
	got, want := answer.Field("code"), v.refusal(s)
	if !slices.Contains([]string{"user_reserved", "scope_missing", "connection_not_found", "caller_missing"}, got) && (got != "invalid_request" || want == "") {
		got = ""
	}
	if got != want || answer.Status == http.StatusUnauthorized {
		tb.Errorf("%s by %+v: %d %s, want %q", s.route, v, answer.Status, answer.Body, want)
	}
	for _, call := range w.stack.AWS.Calls() {
		if seen := w.stranger(call, s, v); seen != "" || want != "" && call.Service != "dynamodb" && call.Service != "kms" {
			tb.Errorf("%s by %+v, to be refused with %q: %s of %q by %q %s", s.route, v, want, call.Operation, call.Resource, call.Role, seen)
		}
	}
}

// stranger says what of a call isn't the visitor's; empty if it all is.
func (w *visits) stranger(call localaws.Call, s sample, v visitor) string {
	name := v.user() + "@" + v.site
	if r := call.Requested; r.RoleARN != "" && (r.ExternalID != v.site || r.RoleARN != w.roles[v.site] || r.SessionName != name) {
		return fmt.Sprintf("assumes %s for %q as %q", r.RoleARN, r.ExternalID, r.SessionName)
	}
	if !strings.Contains(call.Role, ":"+demosite.Account+":") {
		return "" // the gateway's own
	}
	who := fmt.Sprintf("%q by %q through %s of %s", v.user(), v.subject, s.connection(), v.site)
	if before, used := w.users[call.AccessKeyID]; used && before != who {
		return "with credentials of " + before
	}
	w.users[call.AccessKeyID] = who
	if call.Role != w.roles[v.site] || call.SessionName != name || call.Tags["arngate:actor"] != v.subject {
		return fmt.Sprintf("as %q, %v", call.SessionName, call.Tags)
	}
	return ""
}

// Whoever comes, with whatever scopes and groups, for whomever: on every route it is let in just where the design lets it in, and AWS
// is then asked as that user of that site, by that site's role, with credentials that nobody else has. The sites have the same
// names for everything, and so have their users.
func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	all := samples(t)
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{Parameters: map[string]string{"ThrottlingRate": "1000000", "ThrottlingBurst": "1000000"}})
		w := &visits{stack: s, roles: inhabit(t, s), users: map[string]string{}}
		for _, one := range all { // each of them by somebody of either site who may
			for _, site := range []string{demosite.Site, demosite.OtherSite} {
				if v := (visitor{site: site, subject: demosite.User, scopes: scopes(), groups: []string{"builders", "sales"}}); !one.changes() {
					w.visit(t, one, v)
				}
			}
		}
		if t.Failed() {
			return // rapid wants a test that hasn't
		}
		rapid.Check(inBubble{t}, func(rt *rapid.T) {
			for range rapid.IntRange(1, 16).Draw(rt, "requests") {
				one, v := rapid.SampledFrom(all).Draw(rt, "sample"), visitors().Draw(rt, "visitor")
				if one.changes() && v.refusal(one) == "" {
					continue // there would be other things then
				}
				w.visit(rt, one, v)
			}
		})
		if len(w.users) < 10 {
			t.Errorf("only %d were let in to where AWS is asked", len(w.users))
		}
	})
}
