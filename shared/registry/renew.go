package registry

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// RenewProvider gives the provider another revision and changes nothing else: every credential that was minted before is
// unreachable, and what was observed of the provider still counts. It returns [ErrNotFound], or
// [ErrStale] where on lets the current revision not through.
//
// If an observation is written at the same time it may be lost: the provider is unverified then.
func (s *Store) RenewProvider(ctx context.Context, site, name string, on Condition) (Provider, error) {
	revision := NewRevision()
	var renewed Provider
	err := write(ctx, func() error {
		current, err := s.Provider(ctx, site, name)
		if err != nil {
			return err
		}
		renewed = current
		if current.Revision == revision { // an earlier attempt of this call arrived after all
			return nil
		}
		if err := on.check(current.Revision); err != nil {
			return err
		}
		observed, err := s.State(ctx, site, name)
		if err != nil {
			return err
		}
		renewed.Revision, renewed.ObservedAs, renewed.Updated = revision, current.Revision, s.now().UTC()
		if current.Counts(observed) {
			renewed.ObservedAs = observed.Revision
		}
		return s.renewProvider(ctx, renewed, current.Revision)
	})
	if err != nil {
		return Provider{}, fmt.Errorf("renew provider: %w", err)
	}
	return renewed, nil
}

func (s *Store) renewProvider(ctx context.Context, p Provider, was string) error {
	updated, err := attributevalue.Marshal(p.Updated)
	if err != nil {
		return fmt.Errorf("encode provider: %w", err)
	}
	_, err = s.db.UpdateItem(ctx, &awsdynamodb.UpdateItemInput{
		TableName: &s.table, Key: key(sitePartition+p.Site, providerPrefix+p.Name),
		UpdateExpression:    aws.String("SET revision = :revision, observed_as = :as, updated = :updated"),
		ConditionExpression: aws.String("revision = :was"),
		ExpressionAttributeValues: item{
			":revision": text(p.Revision), ":as": text(p.ObservedAs), ":updated": updated, ":was": text(was),
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	old, conditionFailed, other := refused(err)
	if conditionFailed && !wrote(old, p.Revision) {
		return errChanged
	}
	return other
}
