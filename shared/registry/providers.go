package registry

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// providerItem is a provider in the table.
type providerItem struct {
	PK           string    `dynamodbav:"pk"`
	SK           string    `dynamodbav:"sk"`
	Site         string    `dynamodbav:"site"`
	Name         string    `dynamodbav:"name"`
	Method       Method    `dynamodbav:"method"`
	RoleARN      string    `dynamodbav:"role_arn"`
	AccessKeyID  string    `dynamodbav:"access_key_id"`
	SealedSecret []byte    `dynamodbav:"sealed_secret"`
	Scoping      string    `dynamodbav:"scoping"`
	KeySince     time.Time `dynamodbav:"key_since"`
	Revision     string    `dynamodbav:"revision"`
	ObservedAs   string    `dynamodbav:"observed_as,omitempty"`
	Created      time.Time `dynamodbav:"created"`
	Updated      time.Time `dynamodbav:"updated"`
	UsedBy       []string  `dynamodbav:"used_by,stringset,omitempty"`
}

func (i providerItem) provider() Provider {
	return Provider{
		Site: i.Site, Name: i.Name, Method: i.Method, RoleARN: i.RoleARN, AccessKeyID: i.AccessKeyID,
		SealedSecret: i.SealedSecret, Scoping: i.Scoping, KeySince: i.KeySince, Revision: i.Revision, ObservedAs: i.ObservedAs,
		Created: i.Created, Updated: i.Updated,
	}
}

// CreateProvider stores p, which is valid, and returns it with its revision. It returns [ErrNameTaken] if there is one
// of that name.
func (s *Store) CreateProvider(ctx context.Context, p Provider) (Provider, error) {
	now := s.now().UTC()
	p.Revision, p.ObservedAs, p.Created, p.Updated = NewRevision(), "", now, now
	p.KeySince = p.keySince(Provider{})
	put, err := attributevalue.MarshalMap(providerItem{
		PK: sitePartition + p.Site, SK: providerPrefix + p.Name,
		Site: p.Site, Name: p.Name, Method: p.Method, RoleARN: p.RoleARN, AccessKeyID: p.AccessKeyID,
		SealedSecret: p.SealedSecret, Scoping: p.Scoping, KeySince: p.KeySince, Revision: p.Revision, Created: p.Created, Updated: p.Updated,
	})
	if err != nil {
		return Provider{}, fmt.Errorf("encode provider: %w", err)
	}
	err = write(ctx, func() error {
		_, err := s.db.PutItem(ctx, &awsdynamodb.PutItemInput{
			TableName: &s.table, Item: put,
			ConditionExpression:                 aws.String("attribute_not_exists(pk)"),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		old, conditionFailed, other := refused(err)
		if conditionFailed && !wrote(old, p.Revision) {
			return ErrNameTaken
		}
		return other
	})
	if err != nil {
		return Provider{}, fmt.Errorf("create provider: %w", err)
	}
	return p, nil
}

// UpdateProvider replaces what a person may change of the provider (method, role, keys, scoping) and returns it with its
// new revision. It returns [ErrNotFound], or [ErrStale] where on lets the current revision not through.
func (s *Store) UpdateProvider(ctx context.Context, p Provider, on Condition) (Provider, error) {
	p.Revision, p.ObservedAs, p.Updated = NewRevision(), "", s.now().UTC()
	err := write(ctx, func() error {
		current, err := s.Provider(ctx, p.Site, p.Name)
		if err != nil {
			return err
		}
		if current.Revision == p.Revision { // an earlier attempt of this call arrived after all
			p.Created, p.KeySince = current.Created, current.KeySince
			return nil
		}
		if err := on.check(current.Revision); err != nil {
			return err
		}
		p.Created, p.KeySince = current.Created, p.keySince(current)
		return s.replaceProvider(ctx, p, current.Revision)
	})
	if err != nil {
		return Provider{}, fmt.Errorf("update provider: %w", err)
	}
	return p, nil
}

// keySince is when the provider's access key was entered, current being the provider before this save.
func (p Provider) keySince(current Provider) time.Time {
	switch p.AccessKeyID {
	case "":
		return time.Time{}
	case current.AccessKeyID:
		return current.KeySince
	}
	return p.Updated
}

// replaceProvider leaves used_by alone: connections are saved at the same time.
func (s *Store) replaceProvider(ctx context.Context, p Provider, was string) error {
	updated, err := attributevalue.Marshal(p.Updated)
	if err != nil {
		return fmt.Errorf("encode provider: %w", err)
	}
	secret, err := attributevalue.Marshal(p.SealedSecret)
	if err != nil {
		return fmt.Errorf("encode provider: %w", err)
	}
	since, err := attributevalue.Marshal(p.KeySince)
	if err != nil {
		return fmt.Errorf("encode provider: %w", err)
	}
	_, err = s.db.UpdateItem(ctx, &awsdynamodb.UpdateItemInput{
		TableName: &s.table, Key: key(sitePartition+p.Site, providerPrefix+p.Name),
		UpdateExpression: aws.String("SET #method = :method, role_arn = :role, access_key_id = :key, " +
			"sealed_secret = :secret, scoping = :scoping, key_since = :since, revision = :revision, updated = :updated REMOVE observed_as"),
		ConditionExpression:      aws.String("revision = :was"),
		ExpressionAttributeNames: map[string]string{"#method": "method"},
		ExpressionAttributeValues: item{
			":method": text(string(p.Method)), ":role": text(p.RoleARN), ":key": text(p.AccessKeyID),
			":secret": secret, ":scoping": text(p.Scoping), ":since": since,
			":revision": text(p.Revision), ":updated": updated, ":was": text(was),
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	old, conditionFailed, other := refused(err)
	if conditionFailed && !wrote(old, p.Revision) {
		return errChanged
	}
	return other
}

// Provider returns the site's provider of that name, or [ErrNotFound].
func (s *Store) Provider(ctx context.Context, site, name string) (Provider, error) {
	var stored providerItem
	if err := s.get(ctx, sitePartition+site, providerPrefix+name, &stored); err != nil {
		return Provider{}, fmt.Errorf("read provider: %w", err)
	}
	return stored.provider(), nil
}

// Providers returns up to limit of the site's providers by name, those after the name after; next is where the next page
// begins, empty at the end.
func (s *Store) Providers(ctx context.Context, site, after string, limit int) (page []Provider, next string, err error) {
	items, err := s.list(ctx, sitePartition+site, providerPrefix, after, limit)
	if err != nil {
		return nil, "", fmt.Errorf("list providers: %w", err)
	}
	return pageOf(items, limit, providerItem.provider, func(p Provider) string { return p.Name })
}

// DeleteProvider deletes the site's provider of that name. It returns [ErrNotFound], [ErrStale], or an
// [InUseError] with the connections that use it.
func (s *Store) DeleteProvider(ctx context.Context, site, name string, on Condition) error {
	err := write(ctx, func() error {
		current, err := s.Provider(ctx, site, name)
		if err != nil {
			return err
		}
		if err := on.check(current.Revision); err != nil {
			return err
		}
		// A transaction, for its token: sent again after a lost answer, a deletion alone would find nothing (trap 33a).
		reasons, other := s.transact(ctx, types.TransactWriteItem{Delete: &types.Delete{
			TableName: &s.table, Key: key(sitePartition+site, providerPrefix+name),
			ConditionExpression:                 aws.String("revision = :was AND attribute_not_exists(used_by)"),
			ExpressionAttributeValues:           item{":was": text(current.Revision)},
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}})
		if failed(reasons, 0) {
			return undeletable(reasons[0].Item)
		}
		return other
	})
	if err != nil {
		return fmt.Errorf("delete provider: %w", err)
	}
	return nil
}

// undeletable says why the provider old was not deleted: gone, in use, or changed.
func undeletable(old item) error {
	if len(old) == 0 {
		return ErrNotFound
	}
	var stored providerItem
	if err := attributevalue.UnmarshalMap(old, &stored); err != nil {
		return fmt.Errorf("decode provider: %w", err)
	}
	if len(stored.UsedBy) == 0 {
		return errChanged
	}
	slices.Sort(stored.UsedBy)
	return &InUseError{Connections: stored.UsedBy}
}
