// Command configuration is the floor of the function configuration.
package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/arngate/arngate/functions/local/bench/floor"
)

func main() {
	floor.Main(func(aws.Config) floor.Call {
		return func(ctx context.Context, own floor.Clients) (any, error) { return own.STS.GetCallerIdentity(ctx, nil) }
	})
}
