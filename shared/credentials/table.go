package credentials

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The cache table: partition key pk, a string, no sort key; TTL attribute expires_at, in seconds.
//
//	CREDENTIALS#<hex of the key's digest>   sealed, mark, generation, lease_owner, lease_until (ms), expires_at
//	COUNT#<name>#<window>                   hits, expires_at
const (
	credentialsPrefix = "CREDENTIALS#"
	countPrefix       = "COUNT#"
	// leaseKept is how long a lease without an entry is kept before it may be deleted.
	leaseKept = 10 * time.Minute
)

// DynamoDB is what the Table calls of Amazon DynamoDB.
type DynamoDB interface {
	GetItem(context.Context, *awsdynamodb.GetItemInput, ...func(*awsdynamodb.Options)) (*awsdynamodb.GetItemOutput, error)
	UpdateItem(context.Context, *awsdynamodb.UpdateItemInput, ...func(*awsdynamodb.Options)) (*awsdynamodb.UpdateItemOutput, error)
}

// Table is the [Store] in DynamoDB. DynamoDB deletes expired items late, up to days (trap 2): whoever reads checks.
// Safe for concurrent use.
type Table struct {
	db   DynamoDB
	name string
}

// NewTable returns the store in the table of that name. It does no I/O.
func NewTable(db DynamoDB, name string) *Table { return &Table{db: db, name: name} }

type values = map[string]types.AttributeValue

// Get returns the item of id by a consistent read.
func (t *Table) Get(ctx context.Context, id string) (Item, error) {
	out, err := t.db.GetItem(ctx, &awsdynamodb.GetItemInput{
		TableName: &t.name, Key: tableKey(credentialsPrefix + id), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return Item{}, fmt.Errorf("read cache entry: %w", err)
	}
	return decodeItem(out.Item), nil
}

// Lease takes the lease by one conditional write, whose refusal brings the item as it is.
func (t *Table) Lease(ctx context.Context, id, owner string, seen int64, now, until time.Time) (bool, Item, error) {
	// An owner's own lease is no obstacle: the SDK sends a write again whose answer was lost.
	condition := "(attribute_not_exists(lease_until) OR lease_until <= :now OR lease_owner = :owner) AND "
	expression := values{
		":now": number(now.UnixMilli()), ":owner": text(owner), ":until": number(until.UnixMilli()),
		":kept": number(until.Add(leaseKept).Unix()),
	}
	if seen == 0 {
		condition += "attribute_not_exists(generation)"
	} else {
		condition += "generation = :seen"
		expression[":seen"] = number(seen)
	}
	err := t.update(ctx, credentialsPrefix+id,
		"SET lease_owner = :owner, lease_until = :until, expires_at = :kept", condition, expression)
	if refused, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return false, decodeItem(refused.Item), nil
	}
	if err != nil {
		return false, Item{}, fmt.Errorf("take lease: %w", err)
	}
	return true, Item{}, nil
}

// Put stores the entry under a new generation.
func (t *Table) Put(ctx context.Context, id, owner string, sealed []byte, mark string, expires time.Time) error {
	err := t.update(ctx, credentialsPrefix+id,
		"SET sealed = :sealed, mark = :mark, expires_at = :expires, generation = if_not_exists(generation, :zero) + :one "+
			"REMOVE lease_owner, lease_until",
		"lease_owner = :owner", values{
			":sealed": &types.AttributeValueMemberB{Value: sealed}, ":mark": text(mark), ":expires": number(expires.Unix()),
			":zero": number(0), ":one": number(1), ":owner": text(owner),
		})
	if conditionFailed(err) {
		return ErrLeaseLost
	}
	if err != nil {
		return fmt.Errorf("write cache entry: %w", err)
	}
	return nil
}

// Release removes the lease; that it is someone else's by now is fine.
func (t *Table) Release(ctx context.Context, id, owner string) error {
	err := t.update(ctx, credentialsPrefix+id, "REMOVE lease_owner, lease_until", "lease_owner = :owner",
		values{":owner": text(owner)})
	if err != nil && !conditionFailed(err) {
		return fmt.Errorf("release lease: %w", err)
	}
	return nil
}

// Drop removes the entry and leaves the generation: it goes on counting, so that whoever looked before does not get the
// lease on what they saw.
func (t *Table) Drop(ctx context.Context, id, mark string) error {
	err := t.update(ctx, credentialsPrefix+id, "SET generation = generation + :one REMOVE sealed, mark", "mark = :mark",
		values{":one": number(1), ":mark": text(mark)})
	if err != nil && !conditionFailed(err) {
		return fmt.Errorf("drop cache entry: %w", err)
	}
	return nil
}

// Count adds one to the count of name in the current window and returns it, and when the window ends. Windows begin at
// multiples of their length.
func (t *Table) Count(ctx context.Context, name string, window time.Duration) (count int64, ends time.Time, err error) {
	begins := time.Now().Truncate(window)
	ends = begins.Add(window)
	out, err := t.db.UpdateItem(ctx, &awsdynamodb.UpdateItemInput{
		TableName: &t.name, Key: tableKey(countPrefix + name + "#" + strconv.FormatInt(begins.Unix(), 10)),
		UpdateExpression:          aws.String("ADD hits :one SET expires_at = :ends"),
		ExpressionAttributeValues: values{":one": number(1), ":ends": number(ends.Unix())},
		ReturnValues:              types.ReturnValueUpdatedNew,
	})
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("count: %w", err)
	}
	return decodeNumber(out.Attributes["hits"]), ends, nil
}

func (t *Table) update(ctx context.Context, id, update, condition string, expression values) error {
	_, err := t.db.UpdateItem(ctx, &awsdynamodb.UpdateItemInput{
		TableName: &t.name, Key: tableKey(id), UpdateExpression: &update, ConditionExpression: &condition,
		ExpressionAttributeValues:           expression,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	return err
}

func conditionFailed(err error) bool {
	_, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	return ok
}

func tableKey(id string) values { return values{"pk": text(id)} }

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// decodeItem reads an item; what is not there, or not readable, is zero.
func decodeItem(stored values) Item {
	var item Item
	if sealed, ok := stored["sealed"].(*types.AttributeValueMemberB); ok {
		item.Sealed = sealed.Value
	}
	item.Generation = decodeNumber(stored["generation"])
	if until := decodeNumber(stored["lease_until"]); until != 0 {
		item.LeasedUntil = time.UnixMilli(until)
	}
	return item
}

func decodeNumber(v types.AttributeValue) int64 {
	n, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	decoded, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		return 0
	}
	return decoded
}
