package connection_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"

	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/registry"
)

// These hold the code at its edges, where mutants of it had passed.

// Action and resource of a denial are AWS's where it names them, else the call's own; but the call's resource is not what
// another action is missing on.
func TestDenialsAreCompletedByWhatWasCalled(t *testing.T) {
	const user = "User: arn:aws:sts::111122223333:assumed-role/demo/ada is not authorized to perform: "
	for message, want := range map[string]struct{ action, resource string }{
		"Access Denied":       {"s3:GetObject", "arn:aws:s3:::docs/a"},
		user + "s3:GetObject": {"s3:GetObject", "arn:aws:s3:::docs/a"},
		user + "s3:GetObject on resource: \"arn:aws:s3:::docs/b\" because no policy allows it": {"s3:GetObject", "arn:aws:s3:::docs/b"},
		user + "kms:Decrypt because no policy allows it":                                       {"kms:Decrypt", ""},
		user + "kms:Decrypt on resource: arn:aws:kms:us-east-1:111122223333:key/k":             {"kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/k"},
	} {
		err := newFixture().open(t).Call(t.Context(), "GetObject", "s3:GetObject", "arn:aws:s3:::docs/a", func(context.Context) error {
			return &smithy.OperationError{ServiceID: "S3", OperationName: "GetObject", Err: &smithy.GenericAPIError{Code: "AccessDenied", Message: message}}
		})
		if p := asProblem(t, err); p.Code != problem.AWSAccessDenied || p.MissingAction != want.action || p.Resource != want.resource {
			t.Errorf("%s: got %s, %q on %q; want %q on %q", message, p.Code, p.MissingAction, p.Resource, want.action, want.resource)
		}
	}
}

// The account is the one that verify saw, or, before it has, the one that the role's ARN names.
func TestAccountsComeFromVerifyOrFromTheRole(t *testing.T) {
	for name, c := range map[string]struct {
		provider registry.Provider
		account  string
		want     string
	}{
		"a role, not verified": {files().Provider, "", "111122223333"},
		"access keys":          {registry.Provider{Site: siteA, Name: "main", Method: registry.AccessKeys, Revision: "p1"}, "444455556666", "444455556666"},
		"nothing is known":     {registry.Provider{Site: siteA, Name: "main", Method: registry.AccessKeys, Revision: "p1"}, "", ""},
	} {
		f := newFixture()
		f.registry.opened["files"].Provider = c.provider
		f.registry.opened["files"].State.Account = c.account
		if got := f.open(t).Account; got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// Why there are no credentials is told by what the provider has, and by whose answer it was.
func TestWhatIsToldOfProviders(t *testing.T) {
	failed := func(service string) error {
		return &smithy.OperationError{ServiceID: service, OperationName: "Decrypt", Err: &smithy.GenericAPIError{Code: "InternalFailure"}}
	}
	keys := registry.Provider{Site: siteA, Name: "main", Method: registry.AccessKeys, Revision: "p1"}
	unscoped := keys
	unscoped.Scoping = registry.ScopingNone
	refused := &smithy.OperationError{ServiceID: "STS", OperationName: "x", Err: &smithy.GenericAPIError{Code: "AccessDenied"}}
	for name, c := range map[string]struct {
		provider  registry.Provider
		err       error
		code      problem.Code
		word      string // of detail or hint
		operation string // of AWS's answer
	}{
		"a role refused":         {files().Provider, errors.Join(credentials.ErrUnusable, refused), problem.ProviderUnusable, "assume the role", "AssumeRole"},
		"keys refused":           {keys, errors.Join(credentials.ErrUnusable, refused), problem.ProviderUnusable, "sts:GetFederationToken", "GetFederationToken"},
		"keys without scoping":   {unscoped, errors.Join(credentials.ErrUnusable, refused), problem.ProviderUnusable, "refuses the access keys", "GetSessionToken"},
		"no answer of AWS's":     {keys, credentials.ErrUnusable, problem.ProviderUnusable, "refuses the access keys", ""},
		"keys can't be opened":   {keys, failed(awskms.ServiceID), problem.AWSUnavailable, "could not be opened", ""},
		"no session can be made": {keys, failed("STS"), problem.AWSUnavailable, "AWS failed", "GetFederationToken"},
	} {
		f := newFixture()
		f.registry.opened["files"].Provider, f.broker.err = c.provider, c.err
		p := asProblem(t, f.open(t).Call(t.Context(), "GetObject", "s3:GetObject", "", func(context.Context) error { return nil }))
		if p.Code != c.code || !strings.Contains(p.Detail+p.Hint, c.word) {
			t.Errorf("%s: got %s, %s %s", name, p.Code, p.Detail, p.Hint)
		}
		operation := ""
		if p.AWS != nil {
			operation = p.AWS.Operation
		}
		if operation != c.operation {
			t.Errorf("%s: AWS's answer is to %q, want %q", name, operation, c.operation)
		}
	}
}

// What carries no region in its ARN, such as a bucket, is named in the partition of the connection's region.
func TestPartitionIsTheRegions(t *testing.T) {
	regions := map[string]string{"us-east-1": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov"}
	f := newFixture()
	f.opener = connection.NewOpener(f.registry, f.broker, awsclient.New(awsclient.Options{Regions: slices.Sorted(maps.Keys(regions))}))
	for region, want := range regions {
		f.registry.opened["files"].Connection.Limits.Region = region
		if got := f.open(t).Partition(); got != want {
			t.Errorf("%s: got %q, want %q", region, got, want)
		}
	}
}
