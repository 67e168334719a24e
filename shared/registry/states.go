package registry

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// stateItem is what was observed of a provider, in the table.
type stateItem struct {
	PK         string `dynamodbav:"pk"`
	SK         string `dynamodbav:"sk"`
	Revision   string `dynamodbav:"revision"`
	Status     Status `dynamodbav:"status"`
	Trace      Trace  `dynamodbav:"trace"`
	Account    string `dynamodbav:"account"`
	Reason     string `dynamodbav:"reason"`
	VerifiedAt int64  `dynamodbav:"verified_at"` // Unix time in milliseconds
}

func (i stateItem) state() State {
	state := State{Revision: i.Revision, Status: i.Status, Trace: i.Trace, Account: i.Account, Reason: i.Reason}
	if i.VerifiedAt != 0 {
		state.VerifiedAt = time.UnixMilli(i.VerifiedAt).UTC()
	}
	return state
}

// State returns what was last observed of the provider; the zero State if nothing was.
func (s *Store) State(ctx context.Context, site, provider string) (State, error) {
	var stored stateItem
	err := s.get(ctx, statePartition+site, providerPrefix+provider, &stored)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return State{}, fmt.Errorf("read state: %w", err)
	}
	return stored.state(), nil
}

// States returns what was last observed of each of the site's providers, by name.
func (s *Store) States(ctx context.Context, site string) (map[string]State, error) {
	items, err := s.list(ctx, statePartition+site, providerPrefix, "", math.MaxInt32)
	if err != nil {
		return nil, fmt.Errorf("list states: %w", err)
	}
	states := make(map[string]State, len(items))
	for _, raw := range items {
		var stored stateItem
		if err := attributevalue.UnmarshalMap(raw, &stored); err != nil {
			return nil, fmt.Errorf("decode state: %w", err)
		}
		states[strings.TrimPrefix(stored.SK, providerPrefix)] = stored.state()
	}
	return states, nil
}

// PutState stores what was observed of the provider, VerifiedAt being when the observation began. What began later and
// is already there stays: an observation of an older revision that took long must not replace that of the newer one.
func (s *Store) PutState(ctx context.Context, site, provider string, state State) error {
	put, err := attributevalue.MarshalMap(stateItem{
		PK: statePartition + site, SK: providerPrefix + provider, Revision: state.Revision, Status: state.Status,
		Trace: state.Trace, Account: state.Account, Reason: state.Reason, VerifiedAt: state.VerifiedAt.UnixMilli(),
	})
	if err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	_, err = s.db.PutItem(ctx, &awsdynamodb.PutItemInput{
		TableName: &s.table, Item: put,
		ConditionExpression:       aws.String("attribute_not_exists(pk) OR verified_at <= :at"),
		ExpressionAttributeValues: item{":at": put["verified_at"]},
	})
	var newer *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &newer) {
		return fmt.Errorf("write state: %w", err)
	}
	return nil
}
