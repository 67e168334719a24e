// Command s3 is the floor of the function s3.
package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/arngate/arngate/functions/local/bench/floor"
)

func main() {
	floor.Main(func(cfg aws.Config) floor.Call {
		s3 := awss3.NewFromConfig(cfg)
		return func(ctx context.Context, _ floor.Clients) (any, error) { return s3.ListBuckets(ctx, nil) }
	})
}
