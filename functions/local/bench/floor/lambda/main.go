// Command lambda is the floor of the function lambda.
package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/arngate/arngate/functions/local/bench/floor"
)

func main() {
	floor.Main(func(cfg aws.Config) floor.Call {
		lambda := awslambda.NewFromConfig(cfg)
		return func(ctx context.Context, _ floor.Clients) (any, error) { return lambda.ListFunctions(ctx, nil) }
	})
}
