package registry

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/shared/permissions"
)

// connectionItem is a connection in the table.
type connectionItem struct {
	PK        string                `dynamodbav:"pk"`
	SK        string                `dynamodbav:"sk"`
	Site      string                `dynamodbav:"site"`
	Name      string                `dynamodbav:"name"`
	Provider  string                `dynamodbav:"provider"`
	Acting    bool                  `dynamodbav:"acting"`
	Groups    []string              `dynamodbav:"groups"`
	Connector permissions.Connector `dynamodbav:"connector"`
	Region    string                `dynamodbav:"region"`
	ReadOnly  bool                  `dynamodbav:"read_only"`
	Tables    []string              `dynamodbav:"tables,omitempty"`
	Buckets   []bucketItem          `dynamodbav:"buckets,omitempty"`
	Functions []string              `dynamodbav:"functions,omitempty"`
	KMSKeys   []string              `dynamodbav:"kms_keys,omitempty"`
	Policy    string                `dynamodbav:"policy"`
	Revision  string                `dynamodbav:"revision"`
	Created   time.Time             `dynamodbav:"created"`
	Updated   time.Time             `dynamodbav:"updated"`
}

type bucketItem struct {
	Name   string `dynamodbav:"name"`
	Prefix string `dynamodbav:"prefix,omitempty"`
	Owner  string `dynamodbav:"owner,omitempty"`
}

func newConnectionItem(c Connection) connectionItem {
	stored := connectionItem{
		PK: sitePartition + c.Site, SK: connectionPrefix + c.Name,
		Site: c.Site, Name: c.Name, Provider: c.Provider, Acting: c.Acting, Groups: c.Groups,
		Connector: c.Limits.Connector, Region: c.Limits.Region, ReadOnly: c.Limits.ReadOnly,
		Tables: c.Limits.Tables, Functions: c.Limits.Functions, KMSKeys: c.Limits.KMSKeys,
		Policy: c.Policy, Revision: c.Revision, Created: c.Created, Updated: c.Updated,
	}
	for _, bucket := range c.Limits.Buckets {
		stored.Buckets = append(stored.Buckets, bucketItem(bucket))
	}
	return stored
}

func (i connectionItem) connection() Connection {
	c := Connection{
		Site: i.Site, Name: i.Name, Provider: i.Provider, Acting: i.Acting, Groups: i.Groups,
		Limits: permissions.Limits{
			Connector: i.Connector, Region: i.Region, ReadOnly: i.ReadOnly,
			Tables: i.Tables, Functions: i.Functions, KMSKeys: i.KMSKeys,
		},
		Policy: i.Policy, PolicyDigest: sha256.Sum256([]byte(i.Policy)),
		Revision: i.Revision, Created: i.Created, Updated: i.Updated,
	}
	for _, bucket := range i.Buckets {
		c.Limits.Buckets = append(c.Limits.Buckets, permissions.Bucket(bucket))
	}
	return c
}

// CreateConnection stores c, which is valid and has its policy, and returns it with its revision. It returns
// [ErrNameTaken] if there is one of that name, [ErrNoProvider] if its provider does not exist.
func (s *Store) CreateConnection(ctx context.Context, c Connection) (Connection, error) {
	now := s.now().UTC()
	c.Revision, c.Created, c.Updated = NewRevision(), now, now
	c.PolicyDigest = sha256.Sum256([]byte(c.Policy))
	err := write(ctx, func() error {
		put, err := s.putConnection(c, "")
		if err != nil {
			return err
		}
		reasons, other := s.transact(ctx, put, s.use(c.Site, c.Provider, c.Name, "ADD"))
		switch {
		case failed(reasons, 0) && wrote(reasons[0].Item, c.Revision):
			return nil
		case failed(reasons, 0):
			return ErrNameTaken
		case failed(reasons, 1):
			return ErrNoProvider
		}
		return other
	})
	if err != nil {
		return Connection{}, fmt.Errorf("create connection: %w", err)
	}
	return c, nil
}

// UpdateConnection replaces the connection of c's name and returns it with its new revision. It returns
// [ErrNotFound], [ErrNoProvider], or [ErrStale] where on lets the current revision not through.
func (s *Store) UpdateConnection(ctx context.Context, c Connection, on Condition) (Connection, error) {
	c.Revision, c.Updated = NewRevision(), s.now().UTC()
	c.PolicyDigest = sha256.Sum256([]byte(c.Policy))
	err := write(ctx, func() error {
		current, err := s.Connection(ctx, c.Site, c.Name)
		if err != nil {
			return err
		}
		c.Created = current.Created
		if current.Revision == c.Revision { // an earlier attempt of this call arrived after all
			return nil
		}
		if err := on.check(current.Revision); err != nil {
			return err
		}
		return s.replaceConnection(ctx, c, current)
	})
	if err != nil {
		return Connection{}, fmt.Errorf("update connection: %w", err)
	}
	return c, nil
}

// replaceConnection writes c over current and moves its name from one provider's used_by to the other's.
func (s *Store) replaceConnection(ctx context.Context, c, current Connection) error {
	put, err := s.putConnection(c, current.Revision)
	if err != nil {
		return err
	}
	writes := []types.TransactWriteItem{put, s.use(c.Site, c.Provider, c.Name, "ADD")}
	if current.Provider != c.Provider {
		writes = append(writes, s.use(c.Site, current.Provider, c.Name, "DELETE"))
	}
	reasons, other := s.transact(ctx, writes...)
	switch {
	case failed(reasons, 0) && wrote(reasons[0].Item, c.Revision):
		return nil
	case failed(reasons, 0):
		return errChanged
	case failed(reasons, 1):
		return ErrNoProvider
	case failed(reasons, 2):
		return errChanged
	}
	return other
}

// Connection returns the site's connection of that name, or [ErrNotFound].
func (s *Store) Connection(ctx context.Context, site, name string) (Connection, error) {
	var stored connectionItem
	if err := s.get(ctx, sitePartition+site, connectionPrefix+name, &stored); err != nil {
		return Connection{}, fmt.Errorf("read connection: %w", err)
	}
	return stored.connection(), nil
}

// Connections returns up to limit of the site's connections by name, those after the name after; next is where the next
// page begins, empty at the end.
func (s *Store) Connections(ctx context.Context, site, after string, limit int) (page []Connection, next string, err error) {
	items, err := s.list(ctx, sitePartition+site, connectionPrefix, after, limit)
	if err != nil {
		return nil, "", fmt.Errorf("list connections: %w", err)
	}
	return pageOf(items, limit, connectionItem.connection, func(c Connection) string { return c.Name })
}

// DeleteConnection deletes the site's connection of that name. It returns [ErrNotFound] or [ErrStale].
func (s *Store) DeleteConnection(ctx context.Context, site, name string, on Condition) error {
	err := write(ctx, func() error {
		current, err := s.Connection(ctx, site, name)
		if err != nil {
			return err
		}
		if err := on.check(current.Revision); err != nil {
			return err
		}
		reasons, other := s.transact(ctx, types.TransactWriteItem{Delete: &types.Delete{
			TableName: &s.table, Key: key(sitePartition+site, connectionPrefix+name),
			ConditionExpression:       aws.String("revision = :was"),
			ExpressionAttributeValues: item{":was": text(current.Revision)},
		}}, s.use(site, current.Provider, name, "DELETE"))
		if failed(reasons, 0) || failed(reasons, 1) {
			return errChanged
		}
		return other
	})
	if err != nil {
		return fmt.Errorf("delete connection: %w", err)
	}
	return nil
}

// putConnection is the write of c over the revision was, or where there is none yet.
func (s *Store) putConnection(c Connection, was string) (types.TransactWriteItem, error) {
	encoded, err := attributevalue.MarshalMap(newConnectionItem(c))
	if err != nil {
		return types.TransactWriteItem{}, fmt.Errorf("encode connection: %w", err)
	}
	put := &types.Put{
		TableName: &s.table, Item: encoded, ConditionExpression: aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if was != "" {
		put.ConditionExpression = aws.String("revision = :was")
		put.ExpressionAttributeValues = item{":was": text(was)}
	}
	return types.TransactWriteItem{Put: put}, nil
}

// use adds a connection's name to those that use a provider, or deletes it. The provider must exist: without the
// condition an update would make one (trap 32).
func (s *Store) use(site, provider, connection, verb string) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &s.table, Key: key(sitePartition+site, providerPrefix+provider),
		UpdateExpression:          aws.String(verb + " used_by :connection"),
		ConditionExpression:       aws.String("attribute_exists(pk)"),
		ExpressionAttributeValues: item{":connection": nameSet(connection)},
	}}
}

// transact carries out writes together. Reasons are non-nil if and only if a condition failed.
func (s *Store) transact(ctx context.Context, writes ...types.TransactWriteItem) ([]types.CancellationReason, error) {
	_, err := s.db.TransactWriteItems(ctx, &awsdynamodb.TransactWriteItemsInput{TransactItems: writes})
	if err == nil {
		return nil, nil
	}
	return cancelled(err)
}
