package httpapi_test

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"github.com/arngate/arngate/shared/httpapi"
)

type hiddenPath struct {
	Name string `path:"name"`
}

type hiding struct{ Body []struct{ hiddenPath } }

// Operations that would misbehave are found when they are registered, by every test.
func TestRegisterRefuses(t *testing.T) {
	for name, register := range map[string]func(*httpapi.API){
		"HEAD": func(a *httpapi.API) {
			httpapi.Register(a, httpapi.Operation{ID: "x", Method: http.MethodHead, Path: "/x"}, nop[nothing])
		},
		"another method": func(a *httpapi.API) {
			httpapi.Register(a, httpapi.Operation{ID: "x", Method: http.MethodTrace, Path: "/x"}, nop[nothing])
		},
		"embedded fields that can't be set": func(a *httpapi.API) {
			httpapi.Register(a, httpapi.Operation{ID: "x", Method: http.MethodGet, Path: "/x/{name}"}, nop[struct{ hiddenPath }])
		},
		"embedded fields that the document would not show": func(a *httpapi.API) {
			httpapi.Register(a, httpapi.Operation{ID: "x", Method: http.MethodGet, Path: "/x"}, func(context.Context, *nothing) (*hiding, error) {
				return new(hiding), nil
			})
		},
		"one id twice": func(a *httpapi.API) {
			httpapi.Register(a, httpapi.Operation{ID: "x", Method: http.MethodGet, Path: "/x"}, nop[nothing])
			httpapi.Register(a, httpapi.Operation{ID: "x", Method: http.MethodGet, Path: "/y"}, nop[nothing])
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("Register() accepted it")
				}
			}()
			register(newBench(t).api)
		})
	}
}

func nop[I any](context.Context, *I) (*nothing, error) { return &nothing{}, nil }

// Operations are made ready by their first requests, which may come at once, and while the document is made (trap 13).
func TestTrap13FirstRequestsAtOnce(t *testing.T) {
	b := newBench(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if a := b.echo(t, `{"name":"x"}`); a.Status == http.StatusInternalServerError {
				t.Errorf("got %d %s", a.Status, a.Body)
			}
		})
		all.Go(func() {
			if a := b.do(t, request{method: http.MethodPut, path: "/v1/bytes"}); a.Status == http.StatusInternalServerError {
				t.Errorf("got %d %s", a.Status, a.Body)
			}
		})
		all.Go(func() {
			if _, err := b.api.OpenAPI(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
