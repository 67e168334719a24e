package connection

import (
	"slices"

	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
)

// Require returns a connection_forbids problem unless the connection is for that action, such as "dynamodb:PutItem".
func (c *Connection) Require(action string) error {
	if slices.Contains(permissions.Actions(c.Limits.Connector, c.Limits.ReadOnly), action) {
		return nil
	}
	if c.Limits.ReadOnly {
		return forbids("The connection is read-only.")
	}
	return forbids("The connection does not include this action.")
}

// RequireTable returns a connection_forbids problem unless the table is within the connection's limits, and, for a write,
// the connection is not read-only.
func (c *Connection) RequireTable(name string, write bool) error {
	if err := c.requireWrite(write); err != nil {
		return err
	}
	if !c.Limits.AllowsTable(name) {
		return forbids("The connection does not include this table.")
	}
	return nil
}

// RequireBucket returns a connection_forbids problem unless the bucket, or a part of it, is within the limits.
func (c *Connection) RequireBucket(name string) error {
	if !c.Limits.AllowsBucket(name) {
		return forbids("The connection does not include this bucket.")
	}
	return nil
}

// RequireListing returns a connection_forbids problem unless everything below prefix is within the limits.
func (c *Connection) RequireListing(bucket, prefix string) error {
	if err := c.RequireBucket(bucket); err != nil {
		return err
	}
	if !c.Limits.AllowsListing(bucket, prefix) {
		return forbids("The connection does not include this part of the bucket.")
	}
	return nil
}

// RequireObject returns a connection_forbids problem unless the object is within the limits, and, for a write, the
// connection is not read-only.
func (c *Connection) RequireObject(bucket, key string, write bool) error {
	if err := c.requireWrite(write); err != nil {
		return err
	}
	if err := c.RequireBucket(bucket); err != nil {
		return err
	}
	if !c.Limits.AllowsObject(bucket, key) {
		return forbids("The connection does not include this part of the bucket.")
	}
	return nil
}

// RequireFunction returns a connection_forbids problem unless the function is within the limits and may be invoked.
func (c *Connection) RequireFunction(name string) error {
	if err := c.Require("lambda:InvokeFunction"); err != nil {
		return err
	}
	if !c.Limits.AllowsFunction(name) {
		return forbids("The connection does not include this function.")
	}
	return nil
}

func (c *Connection) requireWrite(write bool) error {
	if write && c.Limits.ReadOnly {
		return forbids("The connection is read-only.")
	}
	return nil
}

func forbids(detail string) error {
	return problem.New(problem.ConnectionForbids, detail).
		WithHint("Ask an administrator of the site to widen the connection, or use another one: GET /v1/me lists them.")
}
