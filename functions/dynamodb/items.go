package dynamodb

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/arngate/arngate/functions/dynamodb/plan"
	"github.com/arngate/arngate/functions/dynamodb/value"
)

// keyPointer begins every pointer to a fault in the query parameter key.
const keyPointer = "query.key"

type getItemInput struct {
	OfTable
	Form

	Key string `query:"key" required:"true" doc:"The item's key as JSON: partition key, and sort key if the table has one" example:"{\"id\":\"o-001\"}"`
}

type itemOutput struct{ Body ItemBody }

// ItemBody is one item.
type ItemBody struct {
	Item jsontext.Value `json:"item" doc:"The item; null if there is none with that key"`
}

// AppendJSON makes ItemBody an [httpapi.JSONAppender]: the item has just been written, so it is JSON.
func (b ItemBody) AppendJSON(dst []byte) []byte {
	return append(append(append(dst, `{"item":`...), b.Item...), '}')
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
		out.Body.Item, err = value.NewEncoder(in.mode()).AppendItem(make([]byte, 0, usualItem), found.Items[0])
	}
	return out, err
}

// usualItem is the size of most items as JSON, in bytes.
const usualItem = 512

// itemQuery reads the one item with that key, consistently.
func itemQuery(schema plan.Key, key value.Item) (*awsdynamodb.QueryInput, []value.Fault) {
	if faults := keyFaults(schema, key); len(faults) > 0 {
		return nil, faults
	}
	query := &awsdynamodb.QueryInput{
		Limit: aws.Int32(1), ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("#0 = :0"),
		ExpressionAttributeNames:  map[string]string{"#0": schema.Partition.Name},
		ExpressionAttributeValues: value.Item{":0": key[schema.Partition.Name]},
	}
	if schema.Sort.Name != "" {
		query.KeyConditionExpression = aws.String("#0 = :0 AND #1 = :1")
		query.ExpressionAttributeNames["#1"], query.ExpressionAttributeValues[":1"] = schema.Sort.Name, key[schema.Sort.Name]
	}
	return query, nil
}

// keyFaults finds what keeps a key from being the table's whole key: with the partition key alone a query would find some item.
func keyFaults(schema plan.Key, key value.Item) []value.Fault {
	var faults []value.Fault
	add := func(name, message string) {
		faults = append(faults, value.Fault{Pointer: string(jsontext.Pointer(keyPointer).AppendToken(name)), Message: message})
	}
	for _, attribute := range [...]plan.Attribute{schema.Partition, schema.Sort} {
		if attribute.Name == "" {
			continue
		}
		if v, ok := key[attribute.Name]; !ok {
			add(attribute.Name, "is missing: it is part of the table's key")
		} else if value.Kind(v) != attribute.Type {
			add(attribute.Name, "must be of the key's type, "+attribute.Type)
		}
	}
	for name := range key {
		if name == "" || name != schema.Partition.Name && name != schema.Sort.Name { // without a sort key its name is empty
			add(name, "is no part of the table's key")
		}
	}
	slices.SortFunc(faults, func(a, b value.Fault) int { return strings.Compare(a.Pointer, b.Pointer) })
	return faults
}
