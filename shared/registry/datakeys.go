package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// DataKey is a data key that KMS made, wrapped. An alias of an unnamed type, which package seal declares alike, so that
// neither imports the other.
type DataKey = struct {
	Number  uint64
	Wrapped []byte
	Created time.Time
}

// dataKeyItem is a data key in the table. Numbers are padded, so that the sort key sorts like them.
type dataKeyItem struct {
	PK      string `dynamodbav:"pk"`
	SK      string `dynamodbav:"sk"`
	Number  uint64 `dynamodbav:"number"`
	Wrapped []byte `dynamodbav:"wrapped"`
	Created int64  `dynamodbav:"created"` // Unix time in milliseconds
}

// DataKeys returns the newest data keys, newest first, at most limit.
func (s *Store) DataKeys(ctx context.Context, limit int) ([]DataKey, error) {
	answer, err := s.db.Query(ctx, &awsdynamodb.QueryInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false),
		Limit:                     aws.Int32(int32(min(limit, 100))), //nolint:gosec // at most 100
		KeyConditionExpression:    aws.String("pk = :pk AND begins_with(sk, :prefix)"),
		ExpressionAttributeValues: item{":pk": text(keysPartition), ":prefix": text(dataKeyPrefix)},
	})
	if err != nil {
		return nil, fmt.Errorf("read data keys: %w", err)
	}
	keys := make([]DataKey, 0, len(answer.Items))
	for _, raw := range answer.Items {
		var stored dataKeyItem
		if err := attributevalue.UnmarshalMap(raw, &stored); err != nil {
			return nil, fmt.Errorf("decode data key: %w", err)
		}
		keys = append(keys, DataKey{
			Number: stored.Number, Wrapped: stored.Wrapped, Created: time.UnixMilli(stored.Created),
		})
	}
	return keys, nil
}

// CreateDataKey stores key unless its number is taken; created says whether it was.
func (s *Store) CreateDataKey(ctx context.Context, key DataKey) (created bool, err error) {
	put, err := attributevalue.MarshalMap(dataKeyItem{
		PK: keysPartition, SK: fmt.Sprintf("%s%020d", dataKeyPrefix, key.Number),
		Number: key.Number, Wrapped: key.Wrapped, Created: key.Created.UnixMilli(),
	})
	if err != nil {
		return false, fmt.Errorf("encode data key: %w", err)
	}
	_, err = s.db.PutItem(ctx, &awsdynamodb.PutItemInput{
		TableName: &s.table, Item: put, ConditionExpression: aws.String("attribute_not_exists(pk)"),
	})
	if _, taken := errors.AsType[*types.ConditionalCheckFailedException](err); taken {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("write data key: %w", err)
	}
	return true, nil
}
