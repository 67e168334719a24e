package probe

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/shared/audit/verdict"
)

// Key is one attribute of a key.
type Key struct {
	Name string
	Type types.ScalarAttributeType
}

// Schema is the key of a table or an index.
type Schema struct {
	Partition Key
	Sort      *Key // nil if there is none
}

// Index is an index of a table.
type Index struct {
	Name string
	Keys Schema
}

// Table is what DescribeTable says.
type Table struct {
	Keys    Schema
	Indexes []Index // sorted by name
}

// guess stands for the key of a table that can't be described: probes with it still get past the permission.
func guess() Schema { return Schema{Partition: Key{Name: "id", Type: types.ScalarAttributeTypeS}} }

// AnyIndex is an index that no table has: what is asked of it still gets past the permission.
func AnyIndex() *Index { return &Index{Name: "arngate-audit-no-such-index", Keys: guess()} }

func (p *Prober) dynamodb(ctx context.Context, t Target, id *exchange) Result {
	client, err := p.clients.DynamoDB(t.Region)
	if err != nil {
		return Result{Verdict: verdict.Unknown, Why: err.Error()}
	}
	switch _, operation, _ := strings.Cut(t.Action, ":"); operation {
	case "ListTables":
		out, err := client.ListTables(ctx, &awsdynamodb.ListTablesInput{Limit: aws.Int32(1)})
		r := judge("ListTables, Limit 1", err)
		if out != nil {
			id.note(out.ResultMetadata)
			r.Sample = first(out.TableNames)
		}
		return r
	case "DescribeTable":
		return p.describeTable(ctx, client, t, id)
	case "Query", "Scan":
		return p.search(ctx, client, t, operation, id)
	default:
		return p.writeItem(ctx, client, t, operation)
	}
}

func (p *Prober) describeTable(ctx context.Context, client *awsdynamodb.Client, t Target, id *exchange) Result {
	out, err := client.DescribeTable(ctx, &awsdynamodb.DescribeTableInput{TableName: &t.Table})
	r := judge("DescribeTable", err, "ResourceNotFoundException")
	if out != nil {
		id.note(out.ResultMetadata)
		r.Table = tableOf(out.Table)
	}
	return r
}

// search asks for one item by a random key, or for one of all, and for no more than their number.
func (p *Prober) search(ctx context.Context, client *awsdynamodb.Client, t Target, operation string, id *exchange) Result {
	keys, index := t.keys(), (*string)(nil)
	request := operation + ", Limit 1, Select COUNT"
	if t.Index != nil {
		keys, index = t.Index.Keys, &t.Index.Name
		request += ", on an index"
	}
	var err error
	if operation == "Scan" {
		var out *awsdynamodb.ScanOutput
		out, err = client.Scan(ctx, &awsdynamodb.ScanInput{
			TableName: &t.Table, IndexName: index, Limit: aws.Int32(1), Select: types.SelectCount,
		})
		if out != nil {
			id.note(out.ResultMetadata)
		}
	} else {
		var out *awsdynamodb.QueryOutput
		out, err = client.Query(ctx, &awsdynamodb.QueryInput{
			TableName: &t.Table, IndexName: index, Limit: aws.Int32(1), Select: types.SelectCount,
			KeyConditionExpression:    aws.String("#k = :k"),
			ExpressionAttributeNames:  map[string]string{"#k": keys.Partition.Name},
			ExpressionAttributeValues: map[string]types.AttributeValue{":k": keys.Partition.random()},
		})
		if out != nil {
			id.note(out.ResultMetadata)
		}
	}
	// What is wrong with key or index is found out only from the table, after the permission.
	return judge(request, err, "ValidationException")
}

// writeItem writes under the condition that an attribute both exists and doesn't.
func (p *Prober) writeItem(ctx context.Context, client *awsdynamodb.Client, t Target, operation string) Result {
	never := aws.String("attribute_exists(#k) AND attribute_not_exists(#k)")
	names := map[string]string{"#k": t.keys().Partition.Name}
	key := t.keys().random()
	guarded := func(o *awsdynamodb.Options) { o.APIOptions = append(slices.Clip(o.APIOptions), p.guard.add) }
	var err error
	switch operation {
	case "PutItem":
		_, err = client.PutItem(ctx, &awsdynamodb.PutItemInput{
			TableName: &t.Table, Item: key, ConditionExpression: never, ExpressionAttributeNames: names,
		}, guarded)
	case "UpdateItem":
		_, err = client.UpdateItem(ctx, &awsdynamodb.UpdateItemInput{
			TableName: &t.Table, Key: key, ConditionExpression: never, ExpressionAttributeNames: names,
		}, guarded)
	case "DeleteItem":
		_, err = client.DeleteItem(ctx, &awsdynamodb.DeleteItemInput{
			TableName: &t.Table, Key: key, ConditionExpression: never, ExpressionAttributeNames: names,
		}, guarded)
	default:
		return Result{Verdict: verdict.Unknown, Why: "there is no probe for this action"}
	}
	return judge(operation+", random key, a condition that never holds", err, "ConditionalCheckFailedException")
}

func (t Target) keys() Schema {
	if t.Keys == nil {
		return guess()
	}
	return *t.Keys
}

func (s Schema) random() map[string]types.AttributeValue {
	key := map[string]types.AttributeValue{s.Partition.Name: s.Partition.random()}
	if s.Sort != nil {
		maps.Copy(key, map[string]types.AttributeValue{s.Sort.Name: s.Sort.random()})
	}
	return key
}

// random returns a value that no item has.
func (k Key) random() types.AttributeValue {
	text := random()
	switch k.Type {
	case types.ScalarAttributeTypeB:
		return &types.AttributeValueMemberB{Value: []byte(Mark + text)}
	case types.ScalarAttributeTypeN:
		digits := strings.Map(func(r rune) rune {
			switch {
			case r >= '0' && r <= '9':
				return r
			case r >= 'a' && r <= 'f':
				return '1' + r - 'a'
			}
			return -1
		}, text)
		return &types.AttributeValueMemberN{Value: "-7" + digits + "1"}
	case types.ScalarAttributeTypeS:
	}
	return &types.AttributeValueMemberS{Value: Mark + text}
}

func tableOf(d *types.TableDescription) *Table {
	if d == nil {
		return nil
	}
	kinds := map[string]types.ScalarAttributeType{}
	for _, a := range d.AttributeDefinitions {
		kinds[aws.ToString(a.AttributeName)] = a.AttributeType
	}
	t := &Table{Keys: schemaOf(d.KeySchema, kinds)}
	for _, x := range d.GlobalSecondaryIndexes {
		t.Indexes = append(t.Indexes, Index{aws.ToString(x.IndexName), schemaOf(x.KeySchema, kinds)})
	}
	for _, x := range d.LocalSecondaryIndexes {
		t.Indexes = append(t.Indexes, Index{aws.ToString(x.IndexName), schemaOf(x.KeySchema, kinds)})
	}
	slices.SortFunc(t.Indexes, func(a, b Index) int { return strings.Compare(a.Name, b.Name) })
	return t
}

func schemaOf(elements []types.KeySchemaElement, kinds map[string]types.ScalarAttributeType) Schema {
	s := guess()
	hash := true
	for _, e := range elements {
		k := Key{Name: aws.ToString(e.AttributeName), Type: kinds[aws.ToString(e.AttributeName)]}
		if e.KeyType == types.KeyTypeHash && hash {
			s.Partition, hash = k, false
		} else if e.KeyType == types.KeyTypeRange {
			s.Sort = &k
		}
	}
	return s
}

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}
