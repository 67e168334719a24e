package awsclient

import (
	"context"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	smithyendpoints "github.com/aws/smithy-go/endpoints"

	"github.com/arngate/arngate/shared/awsclient/endpoints"
)

// dynamoDBEndpoints is the endpoint resolver of a client for DynamoDB that has no hosts for accounts, so that it is of no matter
// which table a call is about. Clients compare it, so it is used as a pointer.
type dynamoDBEndpoints struct {
	known endpoints.Remembered[dynamoDBEndpoint]
}

// dynamoDBEndpoint is everything that the place of a DynamoDB call depends on.
type dynamoDBEndpoint struct {
	region, endpoint, account, mode endpoints.Maybe[string]
	fips, dualStack, search         endpoints.Maybe[bool]
}

// keyOfDynamoDB leaves out ResourceArn and ResourceArnList, which name the account whose host to call.
func keyOfDynamoDB(p awsdynamodb.EndpointParameters) dynamoDBEndpoint {
	return dynamoDBEndpoint{
		region: endpoints.Given(p.Region), endpoint: endpoints.Given(p.Endpoint),
		account: endpoints.Given(p.AccountId), mode: endpoints.Given(p.AccountIdEndpointMode),
		fips: endpoints.Given(p.UseFIPS), dualStack: endpoints.Given(p.UseDualStack), search: endpoints.Given(p.IsSearchOperation),
	}
}

// ResolveEndpoint makes dynamoDBEndpoints an [awsdynamodb.EndpointResolverV2].
func (e *dynamoDBEndpoints) ResolveEndpoint(
	ctx context.Context, p awsdynamodb.EndpointParameters,
) (smithyendpoints.Endpoint, error) {
	p.ResourceArn, p.ResourceArnList = nil, nil
	return e.known.Get(keyOfDynamoDB(p), func() (smithyendpoints.Endpoint, error) {
		return awsdynamodb.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, p)
	})
}
