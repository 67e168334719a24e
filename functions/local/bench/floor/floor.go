// Package floor is the least that a function written in Go on AWS's SDK costs at a cold start: a program that has the clients of
// one of Arngate's functions, and answers every event by one call of AWS, or by as many as the function makes at a cold start.
// It is what cold starts are measured against.
package floor

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
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

// Gateway, as the member floor of an event, has the calls made before that no function of Arngate can do without: for the data
// keys, the key that opens them, the connection, its provider, and the credentials.
type Gateway struct {
	Registry string `json:"registry"` // name of the table
	Cache    string `json:"cache"`    // name of the table
	Key      string `json:"key"`      // ARN of the KMS key
}

func (g Gateway) open(ctx context.Context, own Clients) error {
	if g.Registry == "" {
		return nil
	}
	key := func(pk string) map[string]types.AttributeValue {
		return map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: "floor"}}
	}
	_, err := own.DynamoDB.Query(ctx, &awsdynamodb.QueryInput{
		TableName: &g.Registry, KeyConditionExpression: aws.String("pk = :pk"), Limit: aws.Int32(2),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": &types.AttributeValueMemberS{Value: "KEYS"}},
	})
	if err != nil {
		return fmt.Errorf("read data keys: %w", err)
	}
	if _, err := own.KMS.GenerateDataKey(ctx, &awskms.GenerateDataKeyInput{KeyId: &g.Key, KeySpec: kmstypes.DataKeySpecAes256}); err != nil {
		return fmt.Errorf("open data keys: %w", err)
	}
	if _, err := own.DynamoDB.GetItem(ctx, &awsdynamodb.GetItemInput{TableName: &g.Registry, Key: key("connection")}); err != nil {
		return fmt.Errorf("read connection: %w", err)
	}
	_, err = own.DynamoDB.BatchGetItem(ctx, &awsdynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		g.Registry: {Keys: []map[string]types.AttributeValue{key("provider"), key("state")}},
	}})
	if err != nil {
		return fmt.Errorf("read provider: %w", err)
	}
	_, err = own.DynamoDB.GetItem(ctx, &awsdynamodb.GetItemInput{TableName: &g.Cache, Key: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: "credentials"},
	}})
	if err != nil {
		return fmt.Errorf("read credentials: %w", err)
	}
	return nil
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
	answer := func(ctx context.Context, event struct {
		Floor Gateway `json:"floor"`
	},
	) (any, error) {
		if err := event.Floor.open(ctx, own); err != nil {
			return nil, err
		}
		return call(ctx, own)
	}
	lambda.StartWithOptions(answer, lambda.WithContext(ctx))
	return nil
}
