package httpapi_test

import (
	"context"
	"net/http"
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
