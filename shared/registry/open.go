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

// batchAttempts bounds how often what a batch left unprocessed is asked for again.
const batchAttempts = 4

// Open returns the connection with its provider and that provider's state, in two reads: the connection, then the other
// two together. It returns [ErrNotFound] if there is no such connection.
func (s *Store) Open(ctx context.Context, site, name string) (*Opened, error) {
	connection, err := s.Connection(ctx, site, name)
	if err != nil {
		return nil, fmt.Errorf("open connection: %w", err)
	}
	provider, state, err := s.providerAndState(ctx, site, connection.Provider)
	if err != nil {
		return nil, fmt.Errorf("open connection: %w", err)
	}
	return &Opened{Connection: connection, Provider: provider, State: state}, nil
}

func (s *Store) providerAndState(ctx context.Context, site, name string) (Provider, State, error) {
	items, err := s.batch(ctx, []item{
		key(sitePartition+site, providerPrefix+name), key(statePartition+site, providerPrefix+name),
	})
	if err != nil {
		return Provider{}, State{}, fmt.Errorf("read provider and state: %w", err)
	}
	var provider providerItem
	var state stateItem
	found := false
	for _, raw := range items {
		var out any = &state
		if pk, _ := raw["pk"].(*types.AttributeValueMemberS); pk != nil && pk.Value == sitePartition+site {
			out, found = &provider, true
		}
		if err := attributevalue.UnmarshalMap(raw, out); err != nil {
			return Provider{}, State{}, fmt.Errorf("decode provider and state: %w", err)
		}
	}
	if !found { // deleted with the connection, between the two reads
		return Provider{}, State{}, fmt.Errorf("read provider: %w", ErrNotFound)
	}
	return provider.provider(), state.state(), nil
}

// batch reads the items of keys that there are, in any order.
func (s *Store) batch(ctx context.Context, keys []item) ([]item, error) {
	request := map[string]types.KeysAndAttributes{s.table: {Keys: keys, ConsistentRead: aws.Bool(true)}}
	var items []item
	for attempt := range batchAttempts {
		if attempt > 0 {
			select {
			case <-time.After(conflictPause << attempt):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		answer, err := s.db.BatchGetItem(ctx, &awsdynamodb.BatchGetItemInput{RequestItems: request})
		if err != nil {
			return nil, err
		}
		items = append(items, answer.Responses[s.table]...)
		if len(answer.UnprocessedKeys) == 0 {
			return items, nil
		}
		request = answer.UnprocessedKeys
	}
	return nil, errors.New("registry: keys left unprocessed")
}
