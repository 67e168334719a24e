package awsclient

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	smithyendpoints "github.com/aws/smithy-go/endpoints"

	"github.com/arngate/arngate/shared/awsclient/endpoints/endpointstest"
)

func TestEveryParameterIsInTheKey(t *testing.T) {
	endpointstest.KeyDependsOn(t, keyOfDynamoDB, "ResourceArn", "ResourceArnList")
}

func TestRememberedEndpointsAreTheSDKs(t *testing.T) {
	ctx := t.Context()
	var dynamodb dynamoDBEndpoints
	for _, table := range []*string{nil, aws.String("Orders"), aws.String("arn:aws:dynamodb:eu-west-1:123456789012:table/Orders")} {
		for _, region := range []string{"us-east-1", "eu-central-1", "cn-north-1"} {
			p := awsdynamodb.EndpointParameters{Region: &region, ResourceArn: table, AccountIdEndpointMode: aws.String("disabled")}
			endpointstest.Same(t, aws.ToString(table)+" in "+region,
				func() (smithyendpoints.Endpoint, error) {
					return awsdynamodb.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, p)
				},
				func() (smithyendpoints.Endpoint, error) { return dynamodb.ResolveEndpoint(ctx, p) })
		}
	}
}
