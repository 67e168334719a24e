// Package s3 is the connector for Amazon S3: the routes below /v1/s3/{connection} and the AWS calls behind them.
//
// What it calls, and presigns, needs six permissions: s3:DeleteObject, s3:GetObject, s3:GetObjectAcl, s3:ListAllMyBuckets,
// s3:ListBucket and s3:PutObject. Buckets are named, never given as ARNs: an ARN could be another account's (trap 21). A key is
// a parameter or a member of a body, never a part of the path, so that any key there is can be meant (traps 15 and 16). Every
// call says whose the bucket must be.
package s3

import (
	"context"

	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/cursor"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
)

// Deps are what the connector needs; all are required.
type Deps struct {
	Opener *connection.Opener
	Ring   cursor.Sealer // seals cursors
}

// handler holds what the operations share. Safe for concurrent use.
type handler struct {
	opener  *connection.Opener
	cursors cursor.Cursors
	regions *regions
}

const (
	service = "/v1/s3/{connection}"
	root    = service + "/buckets"
	objects = root + "/{bucket}/objects"
	object  = root + "/{bucket}/object"
	uploads = root + "/{bucket}/uploads"
)

// Register adds the connector's operations to api.
func Register(api *httpapi.API, deps Deps) {
	h := &handler{opener: deps.Opener, cursors: cursor.New(deps.Ring), regions: newRegions()}
	h.registerReads(api)
	h.registerWrites(api)
	h.registerBulk(api)
	h.registerTransfers(api)
}

// operation adds what all operations of the connector have in common.
func operation(op httpapi.Operation) httpapi.Operation {
	op.Tags = []string{"S3"}
	op.Scopes = []string{caller.ScopeConnect}
	op.Problems = append(op.Problems,
		problem.ConnectionNotFound, problem.ConnectionForbids,
		problem.ProviderAwaitingRole, problem.ProviderUnverified, problem.ProviderUnsafe, problem.ProviderUnusable,
		problem.AWSAccessDenied, problem.AWSRejected, problem.AWSThrottled, problem.AWSUnavailable,
	)
	return op
}

// OfConnection is the part of every path that names the connection.
type OfConnection struct {
	Connection string `path:"connection" doc:"Name of the connection" example:"files"`
}

// OfBucket is the part of a path that names a bucket.
type OfBucket struct {
	OfConnection

	Bucket string `path:"bucket" doc:"Name of the bucket, not its ARN" example:"demo-files"`
}

// OfObject names an object.
type OfObject struct {
	OfBucket

	Key string `query:"key" required:"true" minLength:"1" doc:"Key of the object, URL-encoded" example:"reports/2026/q1.csv"`
}

// open opens the caller's connection.
func (h *handler) open(ctx context.Context, in OfConnection) (*connection.Connection, error) {
	return h.opener.Open(ctx, httpapi.Caller(ctx), in.Connection, permissions.S3)
}

// notABucket is the fault of what is no bucket's name.
const notABucket = "expected a bucket's name, not an ARN or alias"

// openBucket opens the caller's connection for a bucket, once allowed says that it may be used as it is meant to.
func (h *handler) openBucket(
	ctx context.Context, in OfBucket, allowed func(*connection.Connection) error,
) (*bucket, error) {
	if !permissions.IsBucketName(in.Bucket) {
		return nil, problem.Invalid(problem.Fault{Pointer: "path.bucket", Message: notABucket})
	}
	c, err := h.open(ctx, in.OfConnection)
	if err != nil {
		return nil, err
	}
	if err := allowed(c); err != nil {
		return nil, err
	}
	return h.bucketOf(c, in.Bucket)
}

// bucketOf is a bucket of a connection, whose limits have been seen to.
func (h *handler) bucketOf(c *connection.Connection, name string) (*bucket, error) {
	owner := c.Limits.Owner(name)
	if owner == "" {
		owner = c.Account
	}
	if owner == "" { // a call that doesn't say whose the bucket is would take anybody's
		return nil, problem.New(problem.ProviderUnverified, "It isn't known which account the connection's provider is in.").
			WithHint("As an administrator or auditor of the site, verify the provider.")
	}
	return &bucket{Connection: c, regions: h.regions, name: name, owner: owner}, nil
}

// openObject opens the caller's connection for an object.
func (h *handler) openObject(ctx context.Context, in OfObject, write bool) (*bucket, error) {
	if message := keyFault(in.Key); message != "" {
		return nil, problem.Invalid(problem.Fault{Pointer: "query.key", Message: message})
	}
	return h.openBucket(ctx, in.OfBucket, func(c *connection.Connection) error {
		return c.RequireObject(in.Bucket, in.Key, write)
	})
}
