// Package floor is the least that a function written in Go on AWS's SDK costs at a cold start: a program that has the clients of
// one of Arngate's functions, and answers every event by one call of AWS. It is what cold starts are measured against.
package floor

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
)

// Call is the one call of AWS that answers an event; what it returns is the answer.
type Call func(ctx context.Context, own Clients) (any, error)

// Clients are those that every function of Arngate has.
type Clients struct {
	DynamoDB *awsdynamodb.Client
	KMS      *awskms.Client
	STS      *awssts.Client
}

// Main runs a function whose further clients are made by open, with the environment's credentials.
func Main(open func(aws.Config) Call) {
	if err := run(context.Background(), open); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, open func(aws.Config) Call) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("load configuration: %w", err)
	}
	own := Clients{awsdynamodb.NewFromConfig(cfg), awskms.NewFromConfig(cfg), awssts.NewFromConfig(cfg)}
	call := open(cfg)
	lambda.StartWithOptions(func(ctx context.Context, _ json.RawMessage) (any, error) { return call(ctx, own) }, lambda.WithContext(ctx))
	return nil
}
