package configuration

import (
	"context"
	_ "embed"
	"encoding/json"
	"net/http"

	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/registry"
)

// document is the OpenAPI document of every function's operations, made by `make openapi`.
//
//go:embed openapi.json
var document []byte

type healthOutput struct{ Body health }

type health struct {
	Status string `json:"status" doc:"Always ok: an answer is the proof" example:"ok"`
}

type documentOutput struct {
	ContentType  string `header:"Content-Type"`
	CacheControl string `header:"Cache-Control"`
	Body         []byte
}

func registerPublic(api *httpapi.API) {
	httpapi.Register(api, httpapi.Operation{
		ID: "get-health", Method: http.MethodGet, Path: "/v1/health", Public: true, Tags: []string{"service"},
		Summary:         "Is the API up",
		Description:     "Answers as long as API Gateway reaches the function. It asks neither AWS nor the tables.",
		ResponseExample: health{Status: "ok"},
	}, func(context.Context, *struct{}) (*healthOutput, error) {
		return &healthOutput{Body: health{Status: "ok"}}, nil
	})
	httpapi.Register(api, httpapi.Operation{
		ID: "get-openapi", Method: http.MethodGet, Path: "/v1/openapi.json", Public: true, Tags: []string{"service"},
		Summary:     "The OpenAPI document",
		Description: "OpenAPI 3.1, for the operations of every function.",
		Forms:       []httpapi.Media{{Type: "application/json", Body: json.RawMessage(nil)}},
	}, func(context.Context, *struct{}) (*documentOutput, error) {
		return &documentOutput{ContentType: "application/json", CacheControl: "public, max-age=300", Body: document}, nil
	})
}

type meOutput struct{ Body me }

// me is the caller as Arngate sees it.
type me struct {
	Site        string         `json:"site" doc:"The site that the token belongs to" format:"uuid"`
	User        string         `json:"user" doc:"For whom requests are made"`
	Actor       string         `json:"actor" doc:"Who holds the token"`
	Acting      bool           `json:"acting" doc:"The user was named by Arngate-Acting-User"`
	Scopes      []string       `json:"scopes"`
	Groups      []string       `json:"groups"`
	Connections []myConnection `json:"connections" doc:"Connections that this caller may use"`
}

type myConnection struct {
	Name      string `json:"name" example:"orders"`
	Connector string `json:"connector" example:"dynamodb"`
	Region    string `json:"region" example:"eu-central-1"`
	ReadOnly  bool   `json:"read_only"`
}

func registerMe(api *httpapi.API, deps Deps) {
	httpapi.Register(api, httpapi.Operation{
		ID: "get-me", Method: http.MethodGet, Path: "/v1/me", Tags: []string{"service"},
		Summary:     "Who is calling",
		Description: "The caller as Arngate sees it, and the connections it may use.",
		ResponseExample: me{
			Site: exampleSite, User: "ada@example.com", Actor: "ada@example.com", Scopes: []string{"arngate/connect"}, Groups: []string{"builders"},
			Connections: []myConnection{{Name: "orders", Connector: "dynamodb", Region: "eu-central-1"}},
		},
	}, func(ctx context.Context, _ *struct{}) (*meOutput, error) {
		who := httpapi.Caller(ctx)
		out := me{
			Site: who.Site, User: who.User, Actor: who.Actor, Acting: who.Acting,
			Scopes: append([]string{}, who.Scopes...), Groups: append([]string{}, who.Groups...), Connections: []myConnection{},
		}
		err := eachConnection(ctx, deps.Registry, who.Site, func(c registry.Connection) {
			if connection.Allows(c, who) {
				out.Connections = append(out.Connections, mine(c))
			}
		})
		if err != nil {
			return nil, err
		}
		return &meOutput{Body: out}, nil
	})
}

func mine(c registry.Connection) myConnection {
	return myConnection{Name: c.Name, Connector: string(c.Limits.Connector), Region: c.Limits.Region, ReadOnly: c.Limits.ReadOnly}
}

// eachConnection calls do with every connection of the site, by name.
func eachConnection(ctx context.Context, store *registry.Store, site string, do func(registry.Connection)) error {
	for after, more := "", true; more; more = after != "" {
		page, next, err := store.Connections(ctx, site, after, maxPage)
		if err != nil {
			return err
		}
		for _, c := range page {
			do(c)
		}
		after = next
	}
	return nil
}

// maxPage is how many entries are read at a time where all are wanted.
const maxPage = 1000

const exampleSite = "7b1f4e0a-3c52-4d7e-9a41-5f0c2d8e6b13"
