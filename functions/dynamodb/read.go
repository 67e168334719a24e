package dynamodb

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/functions/dynamodb/plan"
	"github.com/arngate/arngate/functions/dynamodb/value"
)

// queryInput is one page of a read as a Query.
func queryInput(table string, p *plan.Plan, r *plan.Read, start value.Item, limit int32) *awsdynamodb.QueryInput {
	in := &awsdynamodb.QueryInput{
		TableName: aws.String(table), KeyConditionExpression: aws.String(r.KeyCondition),
		IndexName: optional(p.Index), FilterExpression: optional(r.Filter), ProjectionExpression: optional(r.Projection),
		ExpressionAttributeNames: r.Names, ExpressionAttributeValues: r.Values, Select: p.Select, ExclusiveStartKey: start,
	}
	if p.Descending {
		in.ScanIndexForward = aws.Bool(false)
	}
	if p.Consistent {
		in.ConsistentRead = aws.Bool(true)
	}
	if limit > 0 {
		in.Limit = aws.Int32(limit)
	}
	return in
}

// scanInput is one page of a read as a Scan.
func scanInput(table string, p *plan.Plan, r *plan.Read, start value.Item, limit int32) *awsdynamodb.ScanInput {
	in := &awsdynamodb.ScanInput{
		TableName: aws.String(table),
		IndexName: optional(p.Index), FilterExpression: optional(r.Filter), ProjectionExpression: optional(r.Projection),
		ExpressionAttributeNames: r.Names, ExpressionAttributeValues: r.Values, Select: p.Select, ExclusiveStartKey: start,
	}
	if p.Consistent {
		in.ConsistentRead = aws.Bool(true)
	}
	if limit > 0 {
		in.Limit = aws.Int32(limit)
	}
	return in
}

// optional leaves an empty text out.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func queryPage(out *awsdynamodb.QueryOutput) page {
	return page{items: out.Items, count: int(out.Count), scanned: int(out.ScannedCount), next: lastKey(out.LastEvaluatedKey), capacity: units(out.ConsumedCapacity)}
}

func scanPage(out *awsdynamodb.ScanOutput) page {
	return page{items: out.Items, count: int(out.Count), scanned: int(out.ScannedCount), next: lastKey(out.LastEvaluatedKey), capacity: units(out.ConsumedCapacity)}
}

// lastKey is nil at the end, which DynamoDB says by an absent or empty key.
func lastKey(key value.Item) value.Item {
	if len(key) == 0 {
		return nil
	}
	return key
}

func units(c *types.ConsumedCapacity) float64 {
	if c == nil || c.CapacityUnits == nil {
		return 0
	}
	return *c.CapacityUnits
}

// direct reads through a client. It asks for the capacity only where someone wants to know.
type direct struct {
	client   *awsdynamodb.Client
	table    string
	capacity bool
}

func (d direct) readPage(ctx context.Context, p *plan.Plan, r *plan.Read, start value.Item, limit int32) (page, error) {
	if p.Scan {
		in := scanInput(d.table, p, r, start, limit)
		in.ReturnConsumedCapacity = d.returnCapacity()
		out, err := d.client.Scan(ctx, in)
		if err != nil {
			return page{}, err
		}
		return scanPage(out), nil
	}
	in := queryInput(d.table, p, r, start, limit)
	in.ReturnConsumedCapacity = d.returnCapacity()
	out, err := d.client.Query(ctx, in)
	if err != nil {
		return page{}, err
	}
	return queryPage(out), nil
}

func (d direct) returnCapacity() types.ReturnConsumedCapacity {
	if d.capacity {
		return types.ReturnConsumedCapacityTotal
	}
	return ""
}
