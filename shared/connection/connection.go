// Package connection opens a named connection for a caller: looks it up, checks who may use it and for what, gets
// credentials, and carries out AWS calls with them. What it returns as an error is a problem, ready to be sent.
package connection

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"sync/atomic"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/telemetry"
)

// Registry looks connections up; a registry.Cache is one. It returns an error wrapping registry.ErrNotFound for what is
// not there.
type Registry interface {
	Open(ctx context.Context, site, name string) (*registry.Opened, error)
}

// Broker hands out credentials; a credentials.Broker is one.
type Broker interface {
	Get(ctx context.Context, r credentials.Request) (credentials.Credentials, credentials.Tier, error)
	Drop(ctx context.Context, r credentials.Request, accessKeyID string)
}

// Opener opens connections. Safe for concurrent use.
type Opener struct {
	registry Registry
	broker   Broker
	clients  *awsclient.Clients
}

// NewOpener returns an Opener. It does no I/O.
func NewOpener(registry Registry, broker Broker, clients *awsclient.Clients) *Opener {
	return &Opener{registry: registry, broker: broker, clients: clients}
}

// Connection is a connection opened for one caller, for one request. Safe for concurrent use.
type Connection struct {
	Name    string
	Limits  permissions.Limits
	Account string // the provider's account, twelve digits
	Region  string

	opener   *Opener
	request  credentials.Request
	dynamodb *awsdynamodb.Client
	tierSet  atomic.Bool
}

// Open opens the caller's connection of that name. Whether it does not exist, is another site's, is another connector's,
// or is not for this caller: the problem is the same connection_not_found (trap 23).
func (o *Opener) Open(
	ctx context.Context, c caller.Caller, name string, connector permissions.Connector,
) (*Connection, error) {
	if !registry.ValidName(name) {
		return nil, notFound()
	}
	opened, err := o.registry.Open(ctx, c.Site, name)
	if err != nil {
		return nil, unread(err)
	}
	if opened.Connection.Limits.Connector != connector || !Allows(opened.Connection, c) {
		return nil, notFound()
	}
	telemetry.From(ctx).SetConnection(name)
	opening := &Connection{
		Name: name, Limits: opened.Connection.Limits, Account: account(opened), Region: opened.Connection.Limits.Region,
		opener: o, request: credentials.Request{Caller: c, Opened: opened},
	}
	if err := opening.connect(); err != nil {
		return nil, problem.Wrap(problem.ConnectionForbids, "The connection's region is not one that this deployment allows.", err).
			WithHint("Ask an administrator of the site to choose another region for the connection.")
	}
	return opening, nil
}

// Allows reports whether c, a caller of the connection's own site, may use it. For who acts for a user the token's groups
// don't apply: only connections made for acting are open then. Otherwise one of the groups must be the caller's; "*" is
// every caller, those without groups too.
func Allows(connection registry.Connection, c caller.Caller) bool {
	if connection.Site != c.Site {
		return false
	}
	if c.Acting {
		return connection.Acting
	}
	return slices.Contains(connection.Groups, "*") ||
		slices.ContainsFunc(connection.Groups, func(group string) bool { return slices.Contains(c.Groups, group) })
}

func (c *Connection) connect() error {
	if c.Limits.Connector != permissions.DynamoDB {
		return c.opener.clients.CheckRegion(c.Region) // the connector links the client
	}
	var err error
	c.dynamodb, err = c.opener.clients.DynamoDB(c.Region)
	return err
}

// Partition returns the partition of the connection's region, such as "aws", for naming resources that carry no region.
func (c *Connection) Partition() string {
	partition, err := awsclient.PartitionOf(c.Region)
	if err != nil { // Open has refused the region
		return "aws"
	}
	return partition
}

// DynamoDB returns the client for the connection's region; nil if it is another connector's.
func (c *Connection) DynamoDB() *awsdynamodb.Client { return c.dynamodb }

// Clients returns all clients, for a connector whose own only it links.
func (c *Connection) Clients() *awsclient.Clients { return c.opener.clients }

// Bind returns what a cursor or link of this connection is bound to: site, user, actor and the connection as it is now,
// each behind its length. What is sealed with it as associated data opens for nobody and nothing else.
func (c *Connection) Bind() []byte {
	var bound []byte
	for _, part := range [...]string{
		c.request.Caller.Site, c.request.Caller.User, c.request.Caller.Actor, c.Name, c.request.Opened.Connection.Revision,
	} {
		bound = binary.AppendUvarint(bound, uint64(len(part)))
		bound = append(bound, part...)
	}
	return bound
}

// account is what GetCallerIdentity answered when the provider was verified, or what the role's ARN says.
func account(o *registry.Opened) string {
	if o.State.Account != "" && o.Provider.Counts(o.State) {
		return o.State.Account
	}
	role, err := registry.ParseRoleARN(o.Provider.RoleARN, partitionOf(o.Provider.RoleARN), "")
	if err != nil {
		return ""
	}
	return role.Account
}

func notFound() error {
	return problem.New(problem.ConnectionNotFound, "There is no connection of that name for this caller.").
		WithHint("GET /v1/me lists the connections that this caller may use.")
}

func unread(err error) error {
	if errors.Is(err, registry.ErrNotFound) {
		return notFound()
	}
	return problem.FromOwn("The connection could not be looked up.", err)
}
