package configuration

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/registry"
)

// ConnectionBody is a connection as a person writes it.
type ConnectionBody struct {
	Name      string       `json:"name,omitzero" doc:"1 to 63 letters, digits, _ or -, beginning with a letter; with PUT it may be left out" example:"files"`
	Connector string       `json:"connector" enum:"dynamodb,s3,lambda" example:"s3"`
	Provider  string       `json:"provider" doc:"Name of a provider of this site" example:"demo"`
	Region    string       `json:"region" doc:"AWS Region" example:"eu-central-1"`
	ReadOnly  bool         `json:"read_only,omitzero" doc:"Refuse every write"`
	Acting    bool         `json:"acting,omitzero" doc:"Open to a backend that acts for the site's users"`
	Groups    []string     `json:"groups" doc:"Groups that may use it; [\"*\"] is every caller of the site" example:"[\"*\"]"`
	Tables    []string     `json:"tables,omitempty" doc:"Tables of a dynamodb connection; [\"*\"] is all"`
	Buckets   []bucketBody `json:"buckets,omitempty" doc:"Buckets of an s3 connection; [\"*\"] is all, as [{\"name\": \"*\"}] is"`
	Functions []string     `json:"functions,omitempty" doc:"Functions of a lambda connection; [\"*\"] is all"`
	KMSKeys   []string     `json:"kms_keys,omitempty" doc:"ARNs of the KMS keys its resources are encrypted with, where not AWS's own"`
}

// shownConnection is a connection as it is answered.
type shownConnection struct {
	ConnectionBody
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

type connectionOutput struct {
	ETag string `header:"ETag"`
	Body shownConnection
}

type connectionsOutput struct{ Body httpapi.Page[shownConnection] }

func registerConnections(api *httpapi.API, deps Deps) {
	c := connections{deps}
	tags := []string{"connections"}
	example := ConnectionBody{
		Name: "reports", Connector: "s3", Provider: "demo", Region: "eu-central-1", ReadOnly: true, Groups: []string{"*"},
		Buckets: []bucketBody{{Name: "demo-files", Prefix: "reports/"}},
	}
	replacement := example
	replacement.Name, replacement.ReadOnly = "", false
	httpapi.Register(api, httpapi.Operation{
		ID: "list-connections", Method: http.MethodGet, Path: "/v1/connections", Scopes: adminOnly, Tags: tags,
		Summary: "List connections", Description: "The site's connections by name.",
	}, c.list)
	httpapi.Register(api, httpapi.Operation{
		ID: "create-connection", Method: http.MethodPost, Path: "/v1/connections", Scopes: adminOnly, Tags: tags, Status: http.StatusCreated,
		Summary: "Create a connection",
		Description: "A named use of a provider: which connector, where, on which resources, read-only or not, for whom. " +
			"Its session policy is made now: what would not fit is refused, never widened.",
		Problems:       []problem.Code{problem.NameTaken, problem.ConnectionTooBroad},
		RequestExample: example,
	}, c.create)
	httpapi.Register(api, httpapi.Operation{
		ID: "get-connection", Method: http.MethodGet, Path: "/v1/connections/{name}", Scopes: adminOnly, Tags: tags,
		Summary: "Read a connection", Description: "As it was saved.",
		Problems: []problem.Code{problem.ConnectionNotFound},
	}, c.read)
	httpapi.Register(api, httpapi.Operation{
		ID: "replace-connection", Method: http.MethodPut, Path: "/v1/connections/{name}", Scopes: adminOnly, Tags: tags,
		Summary:        "Replace a connection",
		Description:    "Credentials minted before become unreachable. If-Match is honoured.",
		Problems:       changeProblems(problem.ConnectionNotFound, problem.ConnectionTooBroad),
		RequestExample: replacement,
	}, c.replace)
	httpapi.Register(api, httpapi.Operation{
		ID: "delete-connection", Method: http.MethodDelete, Path: "/v1/connections/{name}", Scopes: adminOnly, Tags: tags,
		Summary: "Delete a connection", Description: "If-Match is honoured.",
		Problems: changeProblems(problem.ConnectionNotFound),
	}, c.delete)
}

type connections struct{ deps Deps }

func (c connections) list(ctx context.Context, in *struct{ httpapi.PageQuery }) (*connectionsOutput, error) {
	page, next, err := c.deps.Registry.Connections(ctx, httpapi.Caller(ctx).Site, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := connectionsOutput{Body: httpapi.Page[shownConnection]{Items: make([]shownConnection, 0, len(page)), NextCursor: next}}
	for _, stored := range page {
		out.Body.Items = append(out.Body.Items, show(stored))
	}
	return &out, nil
}

func (c connections) create(ctx context.Context, in *struct{ Body ConnectionBody }) (*connectionOutput, error) {
	entry, err := c.entry(httpapi.Caller(ctx).Site, in.Body.Name, in.Body)
	if err != nil {
		return nil, err
	}
	stored, err := c.deps.Registry.CreateConnection(ctx, entry)
	if err != nil {
		return nil, refusal(err, problem.ConnectionNotFound)
	}
	return &connectionOutput{ETag: httpapi.ETag(stored.Revision), Body: show(stored)}, nil
}

func (c connections) read(ctx context.Context, in *NamedConnection) (*connectionOutput, error) {
	stored, err := c.deps.Registry.Connection(ctx, httpapi.Caller(ctx).Site, in.Name)
	if err != nil {
		return nil, refusal(err, problem.ConnectionNotFound)
	}
	return &connectionOutput{ETag: httpapi.ETag(stored.Revision), Body: show(stored)}, nil
}

type replaceConnection struct {
	NamedConnection
	httpapi.IfMatch
	Body ConnectionBody
}

func (c connections) replace(ctx context.Context, in *replaceConnection) (*connectionOutput, error) {
	entry, err := c.entry(httpapi.Caller(ctx).Site, in.Name, in.Body)
	if err != nil {
		return nil, err
	}
	stored, err := c.deps.Registry.UpdateConnection(ctx, entry, in.Match)
	if err != nil {
		return nil, refusal(err, problem.ConnectionNotFound)
	}
	return &connectionOutput{ETag: httpapi.ETag(stored.Revision), Body: show(stored)}, nil
}

type deleteConnection struct {
	NamedConnection
	httpapi.IfMatch
}

func (c connections) delete(ctx context.Context, in *deleteConnection) (*struct{}, error) {
	err := c.deps.Registry.DeleteConnection(ctx, httpapi.Caller(ctx).Site, in.Name, in.Match)
	if err != nil {
		return nil, refusal(err, problem.ConnectionNotFound)
	}
	return &struct{}{}, nil
}

// entry is the registry's form of a valid body, with its session policy.
//
// The policy names any account: credentials reach only their own account's tables and functions by name, and a
// provider may get its role, or another account's, after the connection was saved.
func (c connections) entry(site, name string, body ConnectionBody) (registry.Connection, error) {
	entry := registry.Connection{
		Site: site, Name: name, Provider: body.Provider, Acting: body.Acting, Groups: body.Groups,
		Limits: permissions.Limits{
			Connector: permissions.Connector(body.Connector), Region: body.Region, ReadOnly: body.ReadOnly,
			Tables: body.Tables, Functions: body.Functions, KMSKeys: body.KMSKeys,
		},
	}
	for _, bucket := range body.Buckets {
		entry.Limits.Buckets = append(entry.Limits.Buckets, permissions.Bucket(bucket))
	}
	faults := faultsOf(entry.Validate(), name, body.Name)
	known := func(f problem.Fault) bool { return f.Pointer == "/region" }
	if err := c.deps.CheckRegion(body.Region); err != nil && !slices.ContainsFunc(faults, known) {
		faults = append(faults, problem.Fault{Pointer: "/region", Message: "must be an AWS Region that this deployment allows"})
	}
	if len(faults) > 0 {
		return registry.Connection{}, problem.Invalid(faults...)
	}
	policy, err := permissions.SessionPolicy(entry.Limits, c.deps.Partition, "")
	if errors.Is(err, permissions.ErrTooBroad) {
		return registry.Connection{}, problem.Wrap(problem.ConnectionTooBroad, "The session policy for these resources is longer than AWS takes.", err).
			WithHint("Spread the resources over several connections, or shorten prefixes.")
	}
	if err != nil {
		return registry.Connection{}, err
	}
	entry.Policy = policy
	return entry, nil
}

func show(stored registry.Connection) shownConnection {
	limits := stored.Limits
	shown := shownConnection{
		ConnectionBody: ConnectionBody{
			Name: stored.Name, Connector: string(limits.Connector), Provider: stored.Provider, Region: limits.Region,
			ReadOnly: limits.ReadOnly, Acting: stored.Acting, Groups: stored.Groups,
			Tables: limits.Tables, Functions: limits.Functions, KMSKeys: limits.KMSKeys,
		},
		CreatedAt: stored.Created, UpdatedAt: stored.Updated,
	}
	for _, bucket := range limits.Buckets {
		shown.Buckets = append(shown.Buckets, bucketBody(bucket))
	}
	return shown
}
