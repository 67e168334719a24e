package registry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The registry table: partition key pk and sort key sk, both strings.
//
//	SITE#<site>   PROVIDER#<name>, CONNECTION#<name>   written by the configuration function only
//	STATE#<site>  PROVIDER#<name>                      written by the gateway role
//	KEYS          DATAKEY#<number>                     written by the gateway role
//
// A provider's item holds, besides the provider, the names of the connections that use it (used_by), changed in the
// same transaction as the connection: so a provider in use cannot be deleted, nor a connection made without one.
const (
	sitePartition    = "SITE#"
	statePartition   = "STATE#"
	keysPartition    = "KEYS"
	providerPrefix   = "PROVIDER#"
	connectionPrefix = "CONNECTION#"
	dataKeyPrefix    = "DATAKEY#"
)

const (
	// writeAttempts bounds how often a write that met another one is tried.
	writeAttempts = 6
	// conflictPause is the longest first pause between two of them; it doubles.
	conflictPause = 20 * time.Millisecond
)

// DynamoDB is what the Store calls of Amazon DynamoDB.
type DynamoDB interface {
	GetItem(context.Context, *awsdynamodb.GetItemInput, ...func(*awsdynamodb.Options)) (*awsdynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *awsdynamodb.BatchGetItemInput, ...func(*awsdynamodb.Options)) (*awsdynamodb.BatchGetItemOutput, error)
	Query(context.Context, *awsdynamodb.QueryInput, ...func(*awsdynamodb.Options)) (*awsdynamodb.QueryOutput, error)
	Scan(context.Context, *awsdynamodb.ScanInput, ...func(*awsdynamodb.Options)) (*awsdynamodb.ScanOutput, error)
	PutItem(context.Context, *awsdynamodb.PutItemInput, ...func(*awsdynamodb.Options)) (*awsdynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *awsdynamodb.UpdateItemInput, ...func(*awsdynamodb.Options)) (*awsdynamodb.UpdateItemOutput, error)
	TransactWriteItems(context.Context, *awsdynamodb.TransactWriteItemsInput, ...func(*awsdynamodb.Options)) (*awsdynamodb.TransactWriteItemsOutput, error)
}

// Store keeps the registry in one DynamoDB table. Every read is strongly consistent. Safe for concurrent use.
type Store struct {
	db    DynamoDB
	table string
	now   func() time.Time
}

// NewStore returns the registry in table. It does no I/O.
func NewStore(db DynamoDB, table string) *Store {
	return &Store{db: db, table: table, now: time.Now}
}

type item = map[string]types.AttributeValue

func key(pk, sk string) item {
	return item{"pk": text(pk), "sk": text(sk)}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func nameSet(names ...string) types.AttributeValue {
	return &types.AttributeValueMemberSS{Value: names}
}

// get reads one item into out. It returns [ErrNotFound] if there is none.
func (s *Store) get(ctx context.Context, pk, sk string, out any) error {
	answer, err := s.db.GetItem(ctx, &awsdynamodb.GetItemInput{
		TableName: &s.table, Key: key(pk, sk), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return err
	}
	if len(answer.Item) == 0 {
		return ErrNotFound
	}
	return attributevalue.UnmarshalMap(answer.Item, out)
}

// list reads up to limit+1 items of a partition whose sort key begins with prefix, after the name after.
func (s *Store) list(ctx context.Context, pk, prefix, after string, limit int) ([]item, error) {
	in := &awsdynamodb.QueryInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :pk AND begins_with(sk, :prefix)"),
		ExpressionAttributeValues: item{":pk": text(pk), ":prefix": text(prefix)},
	}
	if after != "" {
		in.ExclusiveStartKey = key(pk, prefix+after)
	}
	var items []item
	for {
		in.Limit = aws.Int32(int32(min(limit+1-len(items), 1001))) //nolint:gosec // at most 1001
		page, err := s.db.Query(ctx, in)
		if err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
		if len(items) > limit || len(page.LastEvaluatedKey) == 0 {
			return items, nil
		}
		in.ExclusiveStartKey = page.LastEvaluatedKey
	}
}

// pageOf decodes a page of at most limit entries and names the last one if there are more.
func pageOf[I, E any](items []item, limit int, entry func(I) E, name func(E) string) ([]E, string, error) {
	more := len(items) > limit
	if more {
		items = items[:limit]
	}
	page := make([]E, 0, len(items))
	for _, raw := range items {
		var decoded I
		if err := attributevalue.UnmarshalMap(raw, &decoded); err != nil {
			return nil, "", fmt.Errorf("decode entry: %w", err)
		}
		page = append(page, entry(decoded))
	}
	if !more || len(page) == 0 {
		return page, "", nil
	}
	return page, name(page[len(page)-1]), nil
}

// errConflict says that a write met another one and may be tried again.
var errConflict = errors.New("registry: another write was under way")

// errChanged says that the entry is no longer what was read before the write.
var errChanged = errors.New("registry: entry changed meanwhile")

// Condition says whether a write may go ahead on an entry's current revision; nil lets every revision through. It is asked
// again when the entry changed meanwhile.
type Condition func(revision string) bool

// Only is the condition that lets that revision through and no other.
func Only(revision string) Condition { return func(current string) bool { return current == revision } }

// check returns [ErrStale] if the condition doesn't let the revision through.
func (c Condition) check(revision string) error {
	if c != nil && !c(revision) {
		return ErrStale
	}
	return nil
}

// write calls once until it neither conflicts nor meets a change, a few times.
func write(ctx context.Context, once func() error) error {
	pause := conflictPause
	for attempt := 1; ; attempt++ {
		err := once()
		switch {
		case !errors.Is(err, errChanged) && !errors.Is(err, errConflict):
			return err
		case attempt == writeAttempts:
			return err
		}
		select {
		case <-time.After(rand.N(pause)): //nolint:gosec // jitter
			pause *= 2
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// refused classifies the error of a conditional write. If the condition failed it returns the item as it is (nil if
// there is none) and true.
func refused(err error) (old item, conditionFailed bool, other error) {
	var failed *types.ConditionalCheckFailedException
	var conflict *types.TransactionConflictException
	switch {
	case err == nil:
		return nil, false, nil
	case errors.As(err, &failed):
		return failed.Item, true, nil
	case errors.As(err, &conflict):
		return nil, false, fmt.Errorf("%w: %w", errConflict, err)
	default:
		return nil, false, err
	}
}

// cancelled classifies the error of a transaction: reasons tells for each of its items whether its condition failed, and
// with which item. Any other error is other.
func cancelled(err error) (reasons []types.CancellationReason, other error) {
	var canceled *types.TransactionCanceledException
	if !errors.As(err, &canceled) {
		return nil, err
	}
	for _, reason := range canceled.CancellationReasons {
		switch aws.ToString(reason.Code) {
		case "None", "ConditionalCheckFailed":
		case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			return nil, fmt.Errorf("%w: %w", errConflict, err)
		default:
			return nil, err
		}
	}
	return canceled.CancellationReasons, nil
}

// failed reports whether the condition of item i of a cancelled transaction failed.
func failed(reasons []types.CancellationReason, i int) bool {
	return i < len(reasons) && aws.ToString(reasons[i].Code) == "ConditionalCheckFailed"
}

// wrote reports whether old is what this very write left: its answer was lost and the SDK sent it again. Revisions are
// random, so no other write has this one.
func wrote(old item, revision string) bool {
	got, ok := old["revision"].(*types.AttributeValueMemberS)
	return ok && got.Value == revision
}
