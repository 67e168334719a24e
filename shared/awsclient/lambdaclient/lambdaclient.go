// Package lambdaclient makes clients for Lambda in customers' accounts. It is apart from awsclient because the tables that come
// with the SDK's client take a millisecond of every cold start that links it, and one connector in three uses it.
package lambdaclient

import (
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/arngate/arngate/shared/awsclient"
)

// For returns the client of clients for region, or [awsclient.ErrRegion].
func For(clients *awsclient.Clients, region string) (*awslambda.Client, error) {
	return awsclient.For(clients, region, once, func(b awsclient.Base) *awslambda.Client {
		return awslambda.New(awslambda.Options{
			Region: region, BaseEndpoint: b.Endpoint, HTTPClient: b.HTTPClient, Retryer: b.Retryer, AppID: b.AppID,
			Credentials: b.Credentials, APIOptions: b.APIOptions,
		})
	})
}

// once holds for Invoke: the function would run twice.
func once(operation string, _ *smithyhttp.Request) bool { return operation == "Invoke" }
