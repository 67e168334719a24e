package dynamodb

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/arngate/arngate/functions/dynamodb/plan"
	"github.com/arngate/arngate/functions/dynamodb/value"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/problem"
)

// write is one put, update or delete, checked and in DynamoDB's words.
type write struct {
	operation string // PutItem, UpdateItem or DeleteItem
	table     string
	item      value.Item // what PutItem puts, else the key
	update    string     // what UpdateItem does
	condition plan.Expression
	returns   types.ReturnValue
	// existing means that the condition begins with that the item is there, which the caller did not ask for by a
	// condition.
	existing bool
}

const (
	putOperation    = "PutItem"
	updateOperation = "UpdateItem"
	deleteOperation = "DeleteItem"
)

// returnValues are DynamoDB's words for ours; it is only read.
var returnValues = map[string]types.ReturnValue{
	"old":         types.ReturnValueAllOld,
	"new":         types.ReturnValueAllNew,
	"updated_old": types.ReturnValueUpdatedOld,
	"updated_new": types.ReturnValueUpdatedNew,
}

// send carries the write out by a call of its own, and returns what it was asked to.
func (w *write) send(ctx context.Context, conn *connection.Connection) (attributes value.Item, err error) {
	err = call(ctx, conn, w.operation, func(ctx context.Context) (err error) {
		attributes, err = w.sendOnce(ctx, conn.DynamoDB())
		return err
	})
	return attributes, err
}

func (w *write) sendOnce(ctx context.Context, client *awsdynamodb.Client) (value.Item, error) {
	switch w.operation {
	case putOperation:
		out, err := client.PutItem(ctx, &awsdynamodb.PutItemInput{
			TableName: aws.String(w.table), Item: w.item, ReturnValues: w.returns,
			ConditionExpression: optional(w.condition.Text), ExpressionAttributeNames: w.condition.Names, ExpressionAttributeValues: w.condition.Values,
			ReturnValuesOnConditionCheckFailure: w.oldOnFailure(),
		})
		if err != nil {
			return nil, err
		}
		return out.Attributes, nil
	case updateOperation:
		out, err := client.UpdateItem(ctx, &awsdynamodb.UpdateItemInput{
			TableName: aws.String(w.table), Key: w.item, UpdateExpression: aws.String(w.update), ReturnValues: w.returns,
			ConditionExpression: optional(w.condition.Text), ExpressionAttributeNames: w.condition.Names, ExpressionAttributeValues: w.condition.Values,
			ReturnValuesOnConditionCheckFailure: w.oldOnFailure(),
		})
		if err != nil {
			return nil, err
		}
		return out.Attributes, nil
	default:
		out, err := client.DeleteItem(ctx, &awsdynamodb.DeleteItemInput{
			TableName: aws.String(w.table), Key: w.item, ReturnValues: w.returns,
			ConditionExpression: optional(w.condition.Text), ExpressionAttributeNames: w.condition.Names, ExpressionAttributeValues: w.condition.Values,
			ReturnValuesOnConditionCheckFailure: w.oldOnFailure(),
		})
		if err != nil {
			return nil, err
		}
		return out.Attributes, nil
	}
}

// transactItem is the write as a part of a transaction.
func (w *write) transactItem() types.TransactWriteItem {
	switch w.operation {
	case putOperation:
		return types.TransactWriteItem{Put: &types.Put{
			TableName: aws.String(w.table), Item: w.item,
			ConditionExpression: optional(w.condition.Text), ExpressionAttributeNames: w.condition.Names, ExpressionAttributeValues: w.condition.Values,
			ReturnValuesOnConditionCheckFailure: w.oldOnFailure(),
		}}
	case updateOperation:
		return types.TransactWriteItem{Update: &types.Update{
			TableName: aws.String(w.table), Key: w.item, UpdateExpression: aws.String(w.update),
			ConditionExpression: optional(w.condition.Text), ExpressionAttributeNames: w.condition.Names, ExpressionAttributeValues: w.condition.Values,
			ReturnValuesOnConditionCheckFailure: w.oldOnFailure(),
		}}
	default:
		return types.TransactWriteItem{Delete: &types.Delete{
			TableName: aws.String(w.table), Key: w.item,
			ConditionExpression: optional(w.condition.Text), ExpressionAttributeNames: w.condition.Names, ExpressionAttributeValues: w.condition.Values,
			ReturnValuesOnConditionCheckFailure: w.oldOnFailure(),
		}}
	}
}

// oldOnFailure asks for the item that the condition failed on: it saves the caller a read (traps.md 33).
func (w *write) oldOnFailure() types.ReturnValuesOnConditionCheckFailure {
	if w.condition.Text == "" {
		return ""
	}
	return types.ReturnValuesOnConditionCheckFailureAllOld
}

// explain adds to the problem of a condition that failed the item it failed on, or that there is none.
func (w *write) explain(err error, mode value.Mode) error {
	p, isProblem := errors.AsType[*problem.Error](err)
	failed, isFailed := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !isProblem || !isFailed {
		return err
	}
	shown := *p
	if len(failed.Item) == 0 {
		if w.existing {
			shown.Detail, shown.Hint = absent, "Send upsert: true to have it created."
		}
		return &shown
	}
	var encodeErr error
	if shown.Item, encodeErr = value.NewEncoder(mode).AppendItem(nil, failed.Item); encodeErr != nil {
		return err
	}
	return &shown
}

const absent = "There is no item with that key."

// preparePut checks a put. Its body stands at at.
func preparePut(table string, body *PutBody, at jsontext.Pointer, mode value.Mode) (write, []value.Fault) {
	w := write{operation: putOperation, table: table, returns: returnValues[body.Return]}
	var faults, more []value.Fault
	w.item, faults = value.DecodeItem(body.Item, mode, at.AppendToken("item"))
	w.condition, more = writeCondition(body.If, at.AppendToken("if"), body.Condition, at.AppendToken("condition"), mode)
	return w, append(faults, more...)
}

// prepareUpdate checks an update of the item with key, whose place in the request is keyAt.
func prepareUpdate(table string, key []byte, keyAt jsontext.Pointer, body *UpdateBody, at jsontext.Pointer, mode value.Mode) (write, []value.Fault) {
	w := write{operation: updateOperation, table: table, returns: returnValues[body.Return], existing: !body.Upsert}
	var faults, more []value.Fault
	w.item, faults = decodeKey(key, keyAt, mode)
	changes, more := body.changes(at, mode)
	faults = append(faults, more...)
	condition, more := writeCondition(body.If, at.AppendToken("if"), body.Condition, at.AppendToken("condition"), mode)
	if faults = append(faults, more...); len(faults) > 0 {
		return w, faults
	}
	exists := ""
	if w.existing {
		exists = anyName(w.item)
	}
	update, faults := plan.NativeUpdate(changes, condition, exists, at)
	w.update, w.condition = update.Text, update.Condition
	return w, faults
}

// prepareDelete checks a deletion, but for its condition.
func prepareDelete(table string, key []byte, keyAt jsontext.Pointer, returned string, mode value.Mode) (write, []value.Fault) {
	item, faults := decodeKey(key, keyAt, mode)
	return write{operation: deleteOperation, table: table, item: item, returns: returnValues[returned]}, faults
}

// decodeKey reads the key of a write. Whether it is the table's key is DynamoDB's to say.
func decodeKey(raw []byte, at jsontext.Pointer, mode value.Mode) (value.Item, []value.Fault) {
	key, faults := value.DecodeItem(raw, mode, at)
	if len(faults) == 0 && len(key) == 0 {
		faults = []value.Fault{{Pointer: string(at), Message: "must name the attributes of the table's key"}}
	}
	return key, faults
}

// anyName is the first of a key's names: every attribute of the key of an item that is there exists.
func anyName(key value.Item) string {
	first := ""
	for name := range key {
		if first == "" || name < first {
			first = name
		}
	}
	return first
}
