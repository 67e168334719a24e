package awsclient

import (
	"context"
	"sync"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	smithyauth "github.com/aws/smithy-go/auth"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
)

// maxEndpoints bounds what a client remembers: buckets are the customers' to name.
const maxEndpoints = 1000

// endpoints remembers where calls go. The SDK works it out by its rules for every call, for S3 twice: 4 to 15 microseconds.
// Safe for concurrent use.
type endpoints[K comparable] struct {
	mu    sync.RWMutex
	known map[K]smithyendpoints.Endpoint
}

func (e *endpoints[K]) get(key K, resolve func() (smithyendpoints.Endpoint, error)) (smithyendpoints.Endpoint, error) {
	e.mu.RLock()
	found, ok := e.known[key]
	e.mu.RUnlock()
	if ok {
		return ownEndpoint(found), nil
	}
	found, err := resolve()
	if err != nil {
		return found, err
	}
	e.mu.Lock()
	if e.known == nil || len(e.known) >= maxEndpoints {
		e.known = map[K]smithyendpoints.Endpoint{}
	}
	e.known[key] = found
	e.mu.Unlock()
	return ownEndpoint(found), nil
}

// ownEndpoint is a call's own copy: the SDK's S3 client writes into the ways of signing that an endpoint allows.
func ownEndpoint(of smithyendpoints.Endpoint) smithyendpoints.Endpoint {
	own := smithyendpoints.Endpoint{URI: of.URI, Headers: of.Headers.Clone()}
	own.Properties.SetAll(&of.Properties)
	if shared, ok := smithyauth.GetAuthOptions(&of.Properties); ok {
		options := make([]*smithyauth.Option, len(shared))
		for i, s := range shared {
			options[i] = &smithyauth.Option{SchemeID: s.SchemeID}
			options[i].IdentityProperties.SetAll(&s.IdentityProperties)
			options[i].SignerProperties.SetAll(&s.SignerProperties)
		}
		smithyauth.SetAuthOptions(&own.Properties, options)
	}
	return own
}

// maybe is an optional parameter as part of a key.
type maybe[T comparable] struct {
	value T
	set   bool
}

func given[T comparable](p *T) maybe[T] {
	if p == nil {
		return maybe[T]{}
	}
	return maybe[T]{*p, true}
}

// s3Endpoints is the endpoint resolver of a client for S3. Clients compare it, so it is used as a pointer.
type s3Endpoints struct{ endpoints[s3Endpoint] }

// s3Endpoint is everything that the place of an S3 call depends on.
type s3Endpoint struct {
	bucket, region, endpoint                                     maybe[string]
	fips, dualStack, pathStyle, accelerate, global, objectLambda maybe[bool]
	noAccessPoints, noMultiRegion, arnRegion, control, noExpress maybe[bool]
}

// keyOfS3 leaves out Key, Prefix and CopySource, which are parameters that no rule asks for.
func keyOfS3(p awss3.EndpointParameters) s3Endpoint {
	return s3Endpoint{
		bucket: given(p.Bucket), region: given(p.Region), endpoint: given(p.Endpoint),
		fips: given(p.UseFIPS), dualStack: given(p.UseDualStack), pathStyle: given(p.ForcePathStyle),
		accelerate: given(p.Accelerate), global: given(p.UseGlobalEndpoint), objectLambda: given(p.UseObjectLambdaEndpoint),
		noAccessPoints: given(p.DisableAccessPoints), noMultiRegion: given(p.DisableMultiRegionAccessPoints),
		arnRegion: given(p.UseArnRegion), control: given(p.UseS3ExpressControlEndpoint), noExpress: given(p.DisableS3ExpressSessionAuth),
	}
}

// ResolveEndpoint makes s3Endpoints an [awss3.EndpointResolverV2].
func (e *s3Endpoints) ResolveEndpoint(ctx context.Context, p awss3.EndpointParameters) (smithyendpoints.Endpoint, error) {
	return e.get(keyOfS3(p), func() (smithyendpoints.Endpoint, error) {
		return awss3.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, p)
	})
}

// dynamoDBEndpoints is the endpoint resolver of a client for DynamoDB that has no hosts for accounts, so that it is of no matter
// which table a call is about.
type dynamoDBEndpoints struct{ endpoints[dynamoDBEndpoint] }

// dynamoDBEndpoint is everything that the place of a DynamoDB call depends on.
type dynamoDBEndpoint struct {
	region, endpoint, account, mode maybe[string]
	fips, dualStack, search         maybe[bool]
}

// keyOfDynamoDB leaves out ResourceArn and ResourceArnList, which name the account whose host to call.
func keyOfDynamoDB(p awsdynamodb.EndpointParameters) dynamoDBEndpoint {
	return dynamoDBEndpoint{
		region: given(p.Region), endpoint: given(p.Endpoint), account: given(p.AccountId), mode: given(p.AccountIdEndpointMode),
		fips: given(p.UseFIPS), dualStack: given(p.UseDualStack), search: given(p.IsSearchOperation),
	}
}

// ResolveEndpoint makes dynamoDBEndpoints an [awsdynamodb.EndpointResolverV2].
func (e *dynamoDBEndpoints) ResolveEndpoint(
	ctx context.Context, p awsdynamodb.EndpointParameters,
) (smithyendpoints.Endpoint, error) {
	p.ResourceArn, p.ResourceArnList = nil, nil
	return e.get(keyOfDynamoDB(p), func() (smithyendpoints.Endpoint, error) {
		return awsdynamodb.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, p)
	})
}
