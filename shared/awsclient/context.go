package awsclient

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// ErrNoCredentials is what a call ends with whose context carries no credentials. It never goes out.
var ErrNoCredentials = errors.New("awsclient: the call carries no credentials")

type credentialsKey struct{}

// WithCredentials returns a context whose calls are signed with credentials.
func WithCredentials(ctx context.Context, credentials aws.Credentials) context.Context {
	return context.WithValue(ctx, credentialsKey{}, &credentials)
}

// CredentialsFrom returns the credentials that calls with ctx are signed with; ok is false if there are none. A
// presigned URL lives no longer than their Expires (trap 37).
func CredentialsFrom(ctx context.Context) (credentials aws.Credentials, ok bool) {
	found, ok := ctx.Value(credentialsKey{}).(*aws.Credentials)
	if !ok {
		return aws.Credentials{}, false
	}
	return *found, true
}

// contextCredentials is the credentials provider of every client for customers: the call's own credentials, or none.
// There is no chain behind it to fall back to (trap 5).
type contextCredentials struct{}

// Retrieve returns the credentials of the call, or [ErrNoCredentials].
func (contextCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	credentials, ok := CredentialsFrom(ctx)
	if !ok || !credentials.HasKeys() {
		return aws.Credentials{}, ErrNoCredentials
	}
	return credentials, nil
}
