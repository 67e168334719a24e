package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/arngate/arngate/functions/dynamodb/plan"
	"github.com/arngate/arngate/functions/dynamodb/value"
	"github.com/arngate/arngate/shared/problem"
)

// keyPointer begins every pointer to a fault in the query parameter key.
const keyPointer = "query.key"

type getItemInput struct {
	OfTable
	Form

	Key string `query:"key" required:"true" doc:"The item's key as JSON: partition key, and sort key if the table has one" example:"{\"id\":\"42\"}"`
}

type itemOutput struct{ Body ItemBody }

// ItemBody is one item.
type ItemBody struct {
	Item jsontext.Value `json:"item" doc:"The item; null if there is none with that key"`
}

func (h *handler) getItem(ctx context.Context, in *getItemInput) (*itemOutput, error) {
	conn, err := h.openTable(ctx, in.OfTable, false)
	if err != nil {
		return nil, err
	}
	key, faults := value.DecodeItem([]byte(in.Key), in.mode(), keyPointer)
	if len(faults) > 0 {
		return nil, invalid(faults)
	}
	described, err := h.tables.get(ctx, conn, in.Table)
	if err != nil {
		return nil, err
	}
	query, faults := itemQuery(described.table.Key, key)
	if len(faults) > 0 {
		return nil, invalid(faults)
	}
	query.TableName = aws.String(in.Table)
	var found *awsdynamodb.QueryOutput
	err = call(ctx, conn, "Query", func(ctx context.Context) (err error) {
		found, err = conn.DynamoDB().Query(ctx, query)
		return err
	})
	if err != nil {
		h.tables.forget(conn, in.Table, err)
		return nil, err
	}
	out := &itemOutput{Body: ItemBody{Item: jsontext.Value("null")}}
	if len(found.Items) > 0 {
		out.Body.Item, err = value.NewEncoder(in.mode()).AppendItem(nil, found.Items[0])
	}
	return out, err
}

// itemQuery reads the one item with that key, consistently. A key that isn't the table's whole key is at
// fault: with the partition key alone a query would find some item.
func itemQuery(schema plan.Key, key value.Item) (*awsdynamodb.QueryInput, []value.Fault) {
	query := &awsdynamodb.QueryInput{
		Limit: aws.Int32(1), ConsistentRead: aws.Bool(true),
		ExpressionAttributeNames: map[string]string{}, ExpressionAttributeValues: value.Item{},
	}
	var faults []value.Fault
	var conditions, names []string
	for i, attribute := range []plan.Attribute{schema.Partition, schema.Sort} {
		if attribute.Name == "" {
			continue
		}
		names = append(names, attribute.Name)
		v, ok := key[attribute.Name]
		pointer := string(jsontext.Pointer(keyPointer).AppendToken(attribute.Name))
		if !ok {
			faults = append(faults, value.Fault{Pointer: pointer, Message: "is missing: it is part of the table's key"})
			continue
		}
		if value.Kind(v) != attribute.Type {
			faults = append(faults, value.Fault{Pointer: pointer, Message: "must be of the key's type, " + attribute.Type})
		}
		name, placeholder := fmt.Sprintf("#%d", i), fmt.Sprintf(":%d", i)
		conditions = append(conditions, name+" = "+placeholder)
		query.ExpressionAttributeNames[name], query.ExpressionAttributeValues[placeholder] = attribute.Name, v
	}
	for name := range key {
		if !slices.Contains(names, name) {
			faults = append(faults, value.Fault{Pointer: string(jsontext.Pointer(keyPointer).AppendToken(name)), Message: "is no part of the table's key"})
		}
	}
	slices.SortFunc(faults, func(a, b value.Fault) int { return strings.Compare(a.Pointer, b.Pointer) })
	query.KeyConditionExpression = aws.String(strings.Join(conditions, " AND "))
	return query, faults
}

// Return says what a write gives back.
const returnOld = "old"

type putItemInput struct {
	OfTable
	Form

	Body PutBody
}

// PutBody is an item to be put.
type PutBody struct {
	Item      jsontext.Value   `json:"item" doc:"The whole item"`
	If        jsontext.Value   `json:"if,omitempty" doc:"Put only if this holds of the item that is there: a tree as in a search's where"`
	Condition *NativeCondition `json:"condition,omitempty" doc:"The same in DynamoDB's own form; not with if"`
	Return    string           `json:"return,omitzero" enum:"none,old" default:"none" doc:"old: answer with the item that was replaced"`
}

type writtenOutput struct{ Body WrittenBody }

// WrittenBody is what a write gives back.
type WrittenBody struct {
	Attributes jsontext.Value `json:"attributes,omitempty" doc:"What return asked for; absent if there was nothing"`
}

func (h *handler) putItem(ctx context.Context, in *putItemInput) (*writtenOutput, error) {
	conn, err := h.openTable(ctx, in.OfTable, true)
	if err != nil {
		return nil, err
	}
	item, faults := value.DecodeItem(in.Body.Item, in.mode(), "/item")
	condition, more := writeCondition(in.Body.If, "/if", in.Body.Condition, "/condition", in.mode())
	if faults = append(faults, more...); len(faults) > 0 {
		return nil, invalid(faults)
	}
	put := &awsdynamodb.PutItemInput{
		TableName: aws.String(in.Table), Item: item, ReturnValues: returnValue(in.Body.Return),
		ConditionExpression: optional(condition.Text), ExpressionAttributeNames: condition.Names, ExpressionAttributeValues: condition.Values,
		ReturnValuesOnConditionCheckFailure: oldOnFailure(condition),
	}
	var out *awsdynamodb.PutItemOutput
	err = call(ctx, conn, "PutItem", func(ctx context.Context) (err error) {
		out, err = conn.DynamoDB().PutItem(ctx, put)
		return err
	})
	if err != nil {
		return nil, withItem(err, in.mode())
	}
	return written(out.Attributes, in.mode())
}

type deleteItemInput struct {
	OfTable
	Form

	Key       string `query:"key" required:"true" doc:"The item's key as JSON" example:"{\"id\":\"42\"}"`
	If        string `query:"if" doc:"Delete only if this holds of the item: a tree as in a search's where, as JSON"`
	Condition string `query:"condition" doc:"The same in DynamoDB's own form, as JSON: expression, names, values; not with if"`
	Return    string `query:"return" enum:"none,old" default:"none" doc:"old: answer with the item that was deleted"`
}

func (h *handler) deleteItem(ctx context.Context, in *deleteItemInput) (*writtenOutput, error) {
	conn, err := h.openTable(ctx, in.OfTable, true)
	if err != nil {
		return nil, err
	}
	key, faults := value.DecodeItem([]byte(in.Key), in.mode(), keyPointer)
	native, more := parseNative(in.Condition, "query.condition")
	faults = append(faults, more...)
	condition, more := writeCondition([]byte(in.If), "query.if", native, "query.condition", in.mode())
	if faults = append(faults, more...); len(faults) > 0 {
		return nil, invalid(faults)
	}
	deletion := &awsdynamodb.DeleteItemInput{
		TableName: aws.String(in.Table), Key: key, ReturnValues: returnValue(in.Return),
		ConditionExpression: optional(condition.Text), ExpressionAttributeNames: condition.Names, ExpressionAttributeValues: condition.Values,
		ReturnValuesOnConditionCheckFailure: oldOnFailure(condition),
	}
	var out *awsdynamodb.DeleteItemOutput
	err = call(ctx, conn, "DeleteItem", func(ctx context.Context) (err error) {
		out, err = conn.DynamoDB().DeleteItem(ctx, deletion)
		return err
	})
	if err != nil {
		return nil, withItem(err, in.mode())
	}
	return written(out.Attributes, in.mode())
}

func returnValue(word string) types.ReturnValue {
	if word == returnOld {
		return types.ReturnValueAllOld
	}
	return ""
}

// oldOnFailure asks for the item that a condition failed on: it saves the caller a read (traps.md 33).
func oldOnFailure(condition plan.Expression) types.ReturnValuesOnConditionCheckFailure {
	if condition.Text == "" {
		return ""
	}
	return types.ReturnValuesOnConditionCheckFailureAllOld
}

func written(attributes value.Item, mode value.Mode) (*writtenOutput, error) {
	out := &writtenOutput{}
	if len(attributes) == 0 {
		return out, nil
	}
	var err error
	out.Body.Attributes, err = value.NewEncoder(mode).AppendItem(nil, attributes)
	return out, err
}

// withItem adds the item that a condition failed on to the problem.
func withItem(err error, mode value.Mode) error {
	p, isProblem := errors.AsType[*problem.Error](err)
	failed, isFailed := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !isProblem || !isFailed || len(failed.Item) == 0 {
		return err
	}
	encoded, encodeErr := value.NewEncoder(mode).AppendItem(nil, failed.Item)
	if encodeErr != nil {
		return err
	}
	shown := *p
	shown.Item = encoded
	return &shown
}
