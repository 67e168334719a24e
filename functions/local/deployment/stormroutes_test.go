package deployment_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
)

// fixed are the routes that no storm sends anything to: what they answer is made before any request, and of nothing.
func fixed() map[string]bool {
	return map[string]bool{"GET /v1/health": true, "GET /v1/openapi.json": true}
}

// Every route of the template has a deed in the storm.
func TestStormKnowsEveryRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		customer := &customerAccount{}
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		customer.connect(t.Context, s)
		w := newWorld(t, s, customer)
		w.audits.link = w.linkToReport(t)
		known := map[string]bool{}
		for _, a := range w.acts {
			r := a.request(w, "mark")
			path, _, _ := strings.Cut(r.path, "?")
			for _, route := range s.Template.Routes {
				if route.Method == r.method && matches(route.Path, path) {
					known[route.Key()] = true
				}
			}
		}
		for _, route := range s.Template.Routes {
			if !known[route.Key()] && !fixed()[route.Key()] {
				t.Errorf("%s: no storm sends anything there", route.Key())
			}
		}
	})
}

// matches says whether a path is one of a route's.
func matches(route, path string) bool {
	want, got := strings.Split(route, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && !strings.HasPrefix(want[i], "{") {
			return false
		}
	}
	return true
}
