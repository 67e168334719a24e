package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
)

// maxBatch is how many items one BatchGetItem reads ("Amazon DynamoDB API Reference").
const maxBatch = 100

// ConnectionsOf returns the connections that use the provider, by name. It reads no others, however many the site has. It returns
// [ErrNotFound] if there is no such provider.
func (s *Store) ConnectionsOf(ctx context.Context, site, provider string) ([]Connection, error) {
	var user providerItem
	if err := s.get(ctx, sitePartition+site, providerPrefix+provider, &user); err != nil {
		return nil, fmt.Errorf("list connections of provider: %w", err)
	}
	all := make([]Connection, 0, len(user.UsedBy))
	for names := range slices.Chunk(slices.Sorted(slices.Values(user.UsedBy)), maxBatch) {
		var keys []item
		for _, name := range names {
			keys = append(keys, key(sitePartition+site, connectionPrefix+name))
		}
		items, err := s.batch(ctx, keys)
		if err != nil {
			return nil, fmt.Errorf("list connections of provider: %w", err)
		}
		for _, raw := range items {
			var stored connectionItem
			if err := attributevalue.UnmarshalMap(raw, &stored); err != nil {
				return nil, fmt.Errorf("decode connection: %w", err)
			}
			if stored.Provider == provider { // not given another one since
				all = append(all, stored.connection())
			}
		}
	}
	slices.SortFunc(all, func(a, b Connection) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}
