package connection

import (
	"context"
	"time"

	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/telemetry"
)

// Call carries out one AWS call: call gets a context whose calls are signed with the caller's credentials. It is called
// once more, with fresh credentials, if AWS answers that they are expired or unknown: nothing was carried out then.
// The error is a problem. Operation is AWS's ("GetObject"), action and resource are what a denial names where AWS's own
// message does not: "s3:GetObject" and an ARN.
func (c *Connection) Call(
	ctx context.Context, operation, action, resource string, call func(context.Context) error,
) error {
	return c.CallLasting(ctx, 0, operation, action, resource, call)
}

// CallLasting is [Connection.Call] with credentials that should still live that long, for presigning (trap 37). They may not:
// [Expires] says how long they do.
func (c *Connection) CallLasting(
	ctx context.Context, lasting time.Duration, operation, action, resource string, call func(context.Context) error,
) error {
	request := c.request
	request.Lasting = lasting
	used, err := c.try(ctx, request, call)
	if used != "" && problem.CredentialsExpired(err) {
		c.opener.broker.Drop(ctx, request, used)
		c.tierSet.Store(false)
		used, err = c.try(ctx, request, call)
	}
	switch {
	case err == nil:
		return nil
	case used == "":
		return unusable(c.request.Opened, err)
	case problem.CredentialsExpired(err):
		return refusedTwice(err)
	default:
		return c.explain(operation, action, resource, err)
	}
}

// Expires returns when the credentials in a context that [Connection.Call] made expire: what is presigned with them
// lives no longer (trap 37). It is the zero time for any other context.
func Expires(ctx context.Context) time.Time {
	used, _ := awsclient.CredentialsFrom(ctx)
	return used.Expires
}

// try gets credentials and calls. Used is their access key id, empty if there were none: then err says why.
func (c *Connection) try(
	ctx context.Context, request credentials.Request, call func(context.Context) error,
) (used string, err error) {
	got, tier, err := c.opener.broker.Get(ctx, request)
	if err != nil {
		return "", err
	}
	record := telemetry.From(ctx)
	if c.tierSet.CompareAndSwap(false, true) { // a request's second call finds in memory what its first one minted
		record.SetTier(tier)
	}
	ctx = awsclient.WithCredentials(ctx, got.AWS())
	ctx = awsclient.WithObserver(ctx, func(a awsclient.Attempt) {
		record.SetAWSRequestID(a.RequestID)
		record.AddAWSLatency(a.Latency)
	})
	return got.AccessKeyID, call(ctx)
}

// explain makes a problem of the error of a call.
func (c *Connection) explain(operation, action, resource string, err error) error {
	explained := problem.FromAWS(string(c.Limits.Connector), operation, err)
	if explained.Code != problem.AWSAccessDenied {
		return explained
	}
	denied := *explained // it may be the caller's own
	if denied.MissingAction == "" {
		denied.MissingAction = action
	}
	if denied.Resource == "" && denied.MissingAction == action {
		denied.Resource = resource
	}
	return &denied
}
