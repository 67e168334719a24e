// Command dynamodb is the floor of the function dynamodb.
package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/arngate/arngate/functions/local/bench/floor"
)

func main() {
	floor.Main(func(aws.Config) floor.Call {
		return func(ctx context.Context, own floor.Clients) (any, error) { return own.DynamoDB.ListTables(ctx, nil) }
	})
}
