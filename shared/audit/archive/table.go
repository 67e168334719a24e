package archive

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

// The Audits table: partition key pk and sort key sk, both strings, and expires_at for its TTL. Everything of a site is in its
// own partition, SITE#<site>:
//
//	AUDIT#<id>                 an audit, and where its report lies
//	OF#<provider>#<id>         that the audit is this provider's, so that a provider's are listed by one query
//	CURRENT#<provider>         what is known of the provider's findings, by its last audit
//	FINDING#<fingerprint>      which provider's finding it is: that never changes
//	SUPPRESSION#<fingerprint>  a suppression
//	PART#<text>#<number>       a part of a long text: a report, or findings that are many
//
// Only AUDIT# and CURRENT# change, both in one transaction where an audit ends, on the condition that they are as they were
// read. Texts are written before, under a name of their own each time: what a lost worker, or a lost race, leaves of them is
// named by nothing and expires.
const (
	sitePartition     = "SITE#"
	auditPrefix       = "AUDIT#"
	ofPrefix          = "OF#"
	currentPrefix     = "CURRENT#"
	findingPrefix     = "FINDING#"
	suppressionPrefix = "SUPPRESSION#"
	partPrefix        = "PART#"
)

const (
	// attempts bounds how often a write that met another one is tried.
	attempts = 8
	// conflictPause is the longest first pause between two of them; it doubles.
	conflictPause = 20 * time.Millisecond
)

type item = map[string]types.AttributeValue

// head is what every item has.
type head struct {
	PK        string `dynamodbav:"pk"`
	SK        string `dynamodbav:"sk"`
	ExpiresAt int64  `dynamodbav:"expires_at"` // Unix time in seconds
}

// head is that of an item written now.
func (a *Archive) head(site, sk string) head {
	return head{PK: sitePartition + site, SK: sk, ExpiresAt: a.now().Add(a.retention).Unix()}
}

func key(site, sk string) item { return item{"pk": text(sitePartition + site), "sk": text(sk)} }

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// get reads one item into out. It returns [ErrNotFound] if there is none.
func (a *Archive) get(ctx context.Context, site, sk string, out any) error {
	answer, err := a.db.GetItem(ctx, &awsdynamodb.GetItemInput{TableName: &a.table, Key: key(site, sk), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return err
	}
	if len(answer.Item) == 0 {
		return ErrNotFound
	}
	return attributevalue.UnmarshalMap(answer.Item, out)
}

// span is a part of a site's partition, in the order of its sort keys.
type span struct {
	site     string
	prefix   string // of all sort keys in it
	from     string // what follows the prefix in the first of them; empty is the beginning
	after    string // what follows the prefix in the one to go on after; instead of from
	backward bool
}

// query reads items of a span until it ends or enough says so; page is how many are read at a time, zero as many as fit.
func (a *Archive) query(ctx context.Context, s span, page int32, each func(item) (more bool, err error)) error {
	in := &awsdynamodb.QueryInput{
		TableName: &a.table, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(!s.backward),
		KeyConditionExpression: aws.String("pk = :pk AND sk BETWEEN :from AND :to"),
		ExpressionAttributeValues: item{
			":pk": text(sitePartition + s.site), ":from": text(s.prefix + s.from), ":to": text(s.prefix + "~"), // '~' is above all that follows prefixes
		},
	}
	if page > 0 {
		in.Limit = aws.Int32(page)
	}
	if s.after != "" {
		in.ExclusiveStartKey = key(s.site, s.prefix+s.after)
	}
	for {
		answer, err := a.db.Query(ctx, in)
		if err != nil {
			return err
		}
		for _, raw := range answer.Items {
			if more, err := each(raw); err != nil || !more {
				return err
			}
		}
		if len(answer.LastEvaluatedKey) == 0 {
			return nil
		}
		in.ExclusiveStartKey = answer.LastEvaluatedKey
	}
}

// put writes one item, whatever was there.
func (a *Archive) put(ctx context.Context, v any) error {
	raw, err := attributevalue.MarshalMap(v)
	if err != nil {
		return fmt.Errorf("encode item: %w", err)
	}
	return retried(ctx, func() error {
		_, err := a.db.PutItem(ctx, &awsdynamodb.PutItemInput{TableName: &a.table, Item: raw})
		return conflicting(err)
	})
}

// write is one part of a transaction: the item to put, and on which condition.
type write struct {
	item      any
	condition string // empty: none
	names     map[string]string
	values    item
}

// transact makes all of the writes or none. failed names those whose conditions were not met; then nothing was written.
func (a *Archive) transact(ctx context.Context, writes ...write) (failed []bool, err error) {
	in := &awsdynamodb.TransactWriteItemsInput{}
	for _, w := range writes {
		raw, err := attributevalue.MarshalMap(w.item)
		if err != nil {
			return nil, fmt.Errorf("encode item: %w", err)
		}
		put := &types.Put{TableName: &a.table, Item: raw, ExpressionAttributeNames: w.names, ExpressionAttributeValues: w.values}
		if w.condition != "" {
			put.ConditionExpression = &w.condition
		}
		in.TransactItems = append(in.TransactItems, types.TransactWriteItem{Put: put})
	}
	err = retried(ctx, func() error {
		_, err := a.db.TransactWriteItems(ctx, in)
		failed, err = unmet(err)
		return err
	})
	return failed, err
}

// errConflict says that a write met another one and may be tried again.
var errConflict = errors.New("archive: another write was under way")

// conflicting is err, as errConflict where it is one.
func conflicting(err error) error {
	if _, conflict := errors.AsType[*types.TransactionConflictException](err); conflict {
		return fmt.Errorf("%w: %w", errConflict, err)
	}
	return err
}

// unmet classifies the error of a transaction: which conditions were not met, if that is all that was wrong.
func unmet(err error) (failed []bool, other error) {
	canceled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		return nil, conflicting(err)
	}
	failed = make([]bool, len(canceled.CancellationReasons))
	for i, reason := range canceled.CancellationReasons {
		switch aws.ToString(reason.Code) {
		case "None":
		case "ConditionalCheckFailed":
			failed[i] = true
		case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			return nil, fmt.Errorf("%w: %w", errConflict, err)
		default:
			return nil, err
		}
	}
	return failed, nil
}

// retried calls once until it meets no other write, a few times.
func retried(ctx context.Context, once func() error) error {
	pause := conflictPause
	for attempt := 1; ; attempt++ {
		err := once()
		if !errors.Is(err, errConflict) || attempt == attempts {
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
