package conformance

import (
	"context"
	"encoding/base64"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func fromBase64(text string) []byte {
	bytes, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return bytes
}

// The steps of a DynamoDB program.

// write puts without a condition.
func (p *dynamoDBProgram) write() dynamoDBStep {
	return asStepOf("PutItem", &awsdynamodb.PutItemInput{
		TableName: &p.table.name, Item: p.table.item(p.r), ReturnValues: pick(p.r, "", types.ReturnValueAllOld, types.ReturnValueNone),
	}, (*awsdynamodb.Client).PutItem)
}

func (p *dynamoDBProgram) put() dynamoDBStep {
	e := newExpressions(p.r)
	in := &awsdynamodb.PutItemInput{
		TableName: &p.table.name, Item: p.table.item(p.r), ConditionExpression: aws.String(e.condition(2)),
		ReturnValues: p.returned("", types.ReturnValueAllOld), ReturnValuesOnConditionCheckFailure: p.onFailure(),
	}
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = e.used()
	return asStepOf("PutItem", in, (*awsdynamodb.Client).PutItem)
}

// returned is one of these, or now and then what isn't allowed.
func (p *dynamoDBProgram) returned(from ...types.ReturnValue) types.ReturnValue {
	if chance(p.r, 60) {
		return types.ReturnValueUpdatedNew
	}
	return pick(p.r, from...)
}

func (p *dynamoDBProgram) onFailure() types.ReturnValuesOnConditionCheckFailure {
	return pick(p.r, "", types.ReturnValuesOnConditionCheckFailureAllOld, types.ReturnValuesOnConditionCheckFailureNone)
}

func (p *dynamoDBProgram) update() dynamoDBStep {
	e := newExpressions(p.r)
	in := &awsdynamodb.UpdateItemInput{
		TableName: &p.table.name, Key: p.table.key(p.r), UpdateExpression: aws.String(e.update()),
		ReturnValues: pick(p.r, "", types.ReturnValueNone, types.ReturnValueAllOld, types.ReturnValueAllNew, types.ReturnValueUpdatedOld, types.ReturnValueUpdatedNew),
	}
	if chance(p.r, 3) {
		in.ConditionExpression, in.ReturnValuesOnConditionCheckFailure = aws.String(e.condition(1)), p.onFailure()
	}
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = e.used()
	return asStepOf("UpdateItem", in, (*awsdynamodb.Client).UpdateItem)
}

func (p *dynamoDBProgram) remove() dynamoDBStep {
	in := &awsdynamodb.DeleteItemInput{
		TableName: &p.table.name, Key: p.table.key(p.r), ReturnValues: p.returned("", types.ReturnValueNone, types.ReturnValueAllOld),
	}
	if chance(p.r, 2) {
		e := newExpressions(p.r)
		in.ConditionExpression, in.ReturnValuesOnConditionCheckFailure = aws.String(e.condition(2)), p.onFailure()
		in.ExpressionAttributeNames, in.ExpressionAttributeValues = e.used()
	}
	return asStepOf("DeleteItem", in, (*awsdynamodb.Client).DeleteItem)
}

func (p *dynamoDBProgram) get() dynamoDBStep {
	in := &awsdynamodb.GetItemInput{TableName: &p.table.name, Key: p.table.key(p.r), ConsistentRead: aws.Bool(chance(p.r, 2))}
	if chance(p.r, 2) {
		e := newExpressions(p.r)
		in.ProjectionExpression = aws.String(e.projection())
		in.ExpressionAttributeNames, _ = e.used()
	}
	return asStepOf("GetItem", in, (*awsdynamodb.Client).GetItem)
}

// source is the table or one of its indexes, or now and then one that isn't there.
func (p *dynamoDBProgram) source() (*string, dynamoDBKey) {
	if chance(p.r, 120) {
		return aws.String("no-index"), p.table.dynamoDBKey
	}
	if len(p.table.indexes) == 0 || chance(p.r, 2) {
		return nil, p.table.dynamoDBKey
	}
	index := pick(p.r, p.table.indexes...)
	return &index.name, index.dynamoDBKey
}

func (p *dynamoDBProgram) query() dynamoDBStep {
	e := newExpressions(p.r)
	index, key := p.source()
	in := &awsdynamodb.QueryInput{
		TableName: &p.table.name, IndexName: index, KeyConditionExpression: aws.String(p.keyCondition(e, key)),
		ScanIndexForward: aws.Bool(chance(p.r, 2)), Limit: p.limit(), Select: p.selected(), ConsistentRead: p.consistent(),
	}
	if chance(p.r, 3) {
		in.FilterExpression = aws.String(e.condition(1))
	}
	if in.Select == "" && chance(p.r, 3) {
		in.ProjectionExpression = aws.String(e.projection())
	}
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = e.used()
	if index == nil {
		return asStepOf("Query", in, (*awsdynamodb.Client).Query)
	}
	return asWhole("Query", in, key, func(ctx context.Context, t dynamoDBTarget, start item) (item, error) {
		page := *in
		page.ExclusiveStartKey = start
		out, err := t.Query(ctx, &page)
		if err != nil {
			return nil, err
		}
		return out.LastEvaluatedKey, nil
	})
}

func (p *dynamoDBProgram) limit() *int32 {
	if chance(p.r, 2) {
		return nil
	}
	return aws.Int32(pick[int32](p.r, 1, 2, 3, 5, 100))
}

func (p *dynamoDBProgram) selected() types.Select {
	if chance(p.r, 3) {
		return pick(p.r, types.SelectCount, types.SelectAllAttributes, types.SelectAllProjectedAttributes, types.SelectSpecificAttributes)
	}
	return ""
}

func (p *dynamoDBProgram) consistent() *bool {
	if chance(p.r, 6) {
		return aws.Bool(true)
	}
	return nil
}

// keyCondition is a condition on a key of the table's or an index's.
func (p *dynamoDBProgram) keyCondition(e *expressions, key dynamoDBKey) string {
	if chance(p.r, 30) {
		return e.fill(pick(p.r, "h = $s", "h > $n", "h = $s OR r = $s", "h = $s AND a = $s", "NOT h = $s", "h <> $s", "h = $s AND h = $s", "r = $s",
			"h IN ($s)", "attribute_exists(h)", "h = $s AND contains(r, $s)", "h = $s AND r = $s AND r = $s", "h = :missing", "size(h) = $n", "", "h"))
	}
	value := func(name string) string { return e.value(p.table.keyValue(p.r, name)) }
	condition := e.name(key.hash) + " = " + value(key.hash)
	if key.rangeName == "" || chance(p.r, 3) {
		return condition
	}
	name := e.name(key.rangeName)
	second := name + pick(p.r, " = ", " < ", " <= ", " > ", " >= ")
	switch p.r.IntN(3) {
	case 0:
		second = name + " BETWEEN " + value(key.rangeName) + " AND " + value(key.rangeName)
	case 1:
		second = "begins_with(" + name + ", " + value(key.rangeName) + ")"
	default:
		second += value(key.rangeName)
	}
	if chance(p.r, 4) {
		return second + " AND " + condition
	}
	return condition + " AND " + second
}

func (p *dynamoDBProgram) scan() dynamoDBStep {
	index, key := p.source()
	e := newExpressions(p.r)
	in := &awsdynamodb.ScanInput{
		TableName: &p.table.name, IndexName: index, Limit: p.limit(), Select: p.selected(), ConsistentRead: p.consistent(),
	}
	if chance(p.r, 2) {
		in.FilterExpression = aws.String(e.condition(2))
	}
	if in.Select == "" && chance(p.r, 3) {
		in.ProjectionExpression = aws.String(e.projection())
	}
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = e.used()
	return asWhole("Scan", in, key, func(ctx context.Context, t dynamoDBTarget, start item) (item, error) {
		page := *in
		page.ExclusiveStartKey = start
		out, err := t.Scan(ctx, &page)
		if err != nil {
			return nil, err
		}
		return out.LastEvaluatedKey, nil
	})
}

// transactWrite writes to some items, now and then to one of them twice.
func (p *dynamoDBProgram) transactWrite() dynamoDBStep {
	in := &awsdynamodb.TransactWriteItemsInput{}
	for range 1 + p.r.IntN(4) {
		e := newExpressions(p.r)
		var one types.TransactWriteItem
		var condition *string
		if chance(p.r, 3) {
			condition = aws.String(e.condition(1))
		}
		switch p.r.IntN(4) {
		case 0:
			put := &types.Put{TableName: &p.table.name, Item: p.table.item(p.r), ConditionExpression: condition, ReturnValuesOnConditionCheckFailure: p.onFailure()}
			put.ExpressionAttributeNames, put.ExpressionAttributeValues = e.used()
			one.Put = put
		case 1:
			update := &types.Update{
				TableName: &p.table.name, Key: p.table.key(p.r), UpdateExpression: aws.String(e.update()), ConditionExpression: condition,
				ReturnValuesOnConditionCheckFailure: p.onFailure(),
			}
			update.ExpressionAttributeNames, update.ExpressionAttributeValues = e.used()
			one.Update = update
		case 2:
			remove := &types.Delete{TableName: &p.table.name, Key: p.table.key(p.r), ConditionExpression: condition, ReturnValuesOnConditionCheckFailure: p.onFailure()}
			remove.ExpressionAttributeNames, remove.ExpressionAttributeValues = e.used()
			one.Delete = remove
		default:
			check := &types.ConditionCheck{
				TableName: &p.table.name, Key: p.table.key(p.r), ConditionExpression: aws.String(e.condition(1)), ReturnValuesOnConditionCheckFailure: p.onFailure(),
			}
			check.ExpressionAttributeNames, check.ExpressionAttributeValues = e.used()
			one.ConditionCheck = check
		}
		in.TransactItems = append(in.TransactItems, one)
	}
	return asStepOf("TransactWriteItems", in, (*awsdynamodb.Client).TransactWriteItems)
}

func (p *dynamoDBProgram) transactGet() dynamoDBStep {
	in := &awsdynamodb.TransactGetItemsInput{}
	for range 1 + p.r.IntN(3) {
		get := &types.Get{TableName: &p.table.name, Key: p.table.key(p.r)}
		if chance(p.r, 3) {
			e := newExpressions(p.r)
			get.ProjectionExpression = aws.String(e.projection())
			get.ExpressionAttributeNames, _ = e.used()
		}
		in.TransactItems = append(in.TransactItems, types.TransactGetItem{Get: get})
	}
	return asStepOf("TransactGetItems", in, (*awsdynamodb.Client).TransactGetItems)
}

func (p *dynamoDBProgram) batchWrite() dynamoDBStep {
	var requests []types.WriteRequest
	for range 1 + p.r.IntN(4) {
		if chance(p.r, 2) {
			requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: p.table.item(p.r)}})
			continue
		}
		requests = append(requests, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: p.table.key(p.r)}})
	}
	return asStepOf("BatchWriteItem", &awsdynamodb.BatchWriteItemInput{
		RequestItems: map[string][]types.WriteRequest{p.table.name: requests},
	}, (*awsdynamodb.Client).BatchWriteItem)
}

func (p *dynamoDBProgram) batchGet() dynamoDBStep {
	keys := types.KeysAndAttributes{}
	for range 1 + p.r.IntN(4) {
		keys.Keys = append(keys.Keys, p.table.key(p.r))
	}
	if chance(p.r, 3) {
		e := newExpressions(p.r)
		keys.ProjectionExpression = aws.String(e.projection())
		keys.ExpressionAttributeNames, _ = e.used()
	}
	get := asStepOf("BatchGetItem", &awsdynamodb.BatchGetItemInput{
		RequestItems: map[string]types.KeysAndAttributes{p.table.name: keys},
	}, (*awsdynamodb.Client).BatchGetItem)
	ask := get.ask
	// Its items come in no order ("BatchGetItem", DynamoDB API Reference).
	get.ask = func(ctx context.Context, t dynamoDBTarget) (any, error) {
		out, err := ask(ctx, t)
		body, _ := out.(map[string]any)
		responses, _ := body["Responses"].(map[string]any)
		if items, is := responses[p.table.name].([]any); is {
			inOrder(items)
		}
		return out, err
	}
	return get
}
