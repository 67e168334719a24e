package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// ProviderName names a provider among those of all sites.
type ProviderName struct {
	Site string
	Name string
}

// errPlace is returned for a place in the list of all providers that no page ended with.
var errPlace = errors.New("registry: not a place in the list")

// ProviderNames returns the next providers of all sites, in no order, and what to go on after; "" begins, and a "" ends. A
// page may be empty. It is the one call that isn't about a site, and asks for nothing but keys, so that whoever may make
// it need not be allowed to read anything else (dynamodb:Attributes, dynamodb:Select).
func (s *Store) ProviderNames(ctx context.Context, after string) (page []ProviderName, next string, err error) {
	in := &awsdynamodb.ScanInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true), Select: types.SelectSpecificAttributes,
		ProjectionExpression:      aws.String("pk, sk"),
		FilterExpression:          aws.String("begins_with(pk, :site) AND begins_with(sk, :provider)"),
		ExpressionAttributeValues: item{":site": text(sitePartition), ":provider": text(providerPrefix)},
	}
	if after != "" {
		pk, sk, ok := strings.Cut(after, " ")
		if !ok {
			return nil, "", fmt.Errorf("list provider names: %w", errPlace)
		}
		in.ExclusiveStartKey = key(pk, sk)
	}
	answer, err := s.db.Scan(ctx, in)
	if err != nil {
		return nil, "", fmt.Errorf("list provider names: %w", err)
	}
	page = make([]ProviderName, 0, len(answer.Items))
	for _, raw := range answer.Items {
		pk, sk := keyOf(raw)
		page = append(page, ProviderName{Site: strings.TrimPrefix(pk, sitePartition), Name: strings.TrimPrefix(sk, providerPrefix)})
	}
	if len(answer.LastEvaluatedKey) > 0 {
		pk, sk := keyOf(answer.LastEvaluatedKey)
		next = pk + " " + sk
	}
	return page, next, nil
}

// keyOf is the key of an item.
func keyOf(i item) (pk, sk string) {
	partition, _ := i["pk"].(*types.AttributeValueMemberS)
	sort, _ := i["sk"].(*types.AttributeValueMemberS)
	if partition == nil || sort == nil {
		return "", ""
	}
	return partition.Value, sort.Value
}
