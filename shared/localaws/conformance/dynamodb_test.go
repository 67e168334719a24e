package conformance

import (
	"crypto/rand"
	"net/http"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// dynamoDBSituations are all situations of DynamoDB.
func dynamoDBSituations() []situation[*dynamoDBStage] {
	return slices.Concat(dynamoDBTables(), dynamoDBItems(), dynamoDBBatches(), dynamoDBTransactions())
}

// TestDynamoDB asks DynamoDB what AWS was asked.
func TestDynamoDB(t *testing.T) {
	on(t, dynamoDBLocal, dynamoDBVariable, func(t *testing.T, b *backend) {
		t.Helper()
		for _, s := range dynamoDBSituations() {
			t.Run(s.name, func(t *testing.T) {
				at := newDynamoDBStage(t, b)
				w := s.do(at)
				hold(t, b, at.recorder.last, w, s.but)
			})
		}
	})
}

// dynamoDBStage is a DynamoDB with a table of the situation's own, whose partition key is id, a string.
type dynamoDBStage struct {
	*awsdynamodb.Client
	stage

	table *string
}

func newDynamoDBStage(t *testing.T, b *backend) *dynamoDBStage {
	t.Helper()
	config, recorder := b.client()
	s := &dynamoDBStage{Client: awsdynamodb.NewFromConfig(config), stage: stage{t, recorder, b}, table: aws.String("conformance-" + rand.Text())}
	_, err := s.CreateTable(t.Context(), hashTable(*s.table))
	s.must(err)
	return s
}

// asked drops the outcome of a call: the recorder has it.
func asked[O any](_ *O, _ error) {}

// item is made of names and strings in turn.
type item = map[string]types.AttributeValue

func str(value string) types.AttributeValue { return &types.AttributeValueMemberS{Value: value} }
func num(value string) types.AttributeValue { return &types.AttributeValueMemberN{Value: value} }
func id(value string) item                  { return item{"id": str(value)} }

func (s *dynamoDBStage) has(i item) {
	s.t.Helper()
	_, err := s.PutItem(s.t.Context(), &awsdynamodb.PutItemInput{TableName: s.table, Item: i})
	s.must(err)
}

// refused is the want of DynamoDB's errors. The service before the # of the code is the same for all of them.
func refused(code, message string, more ...string) want {
	w := want{"#": "400", "__type": "com.amazonaws.dynamodb.v20120810#" + code, "~message": message}
	if code == "ValidationException" {
		w["__type"] = "com.amazon.coral.validate#ValidationException"
	}
	for i := 0; i+1 < len(more); i += 2 {
		w[more[i]] = more[i+1]
	}
	return w
}

// hashTable is a table with a partition key id of strings.
func hashTable(name string) *awsdynamodb.CreateTableInput {
	return &awsdynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
	}
}

func dynamoDBTables() []situation[*dynamoDBStage] {
	return []situation[*dynamoDBStage]{
		{name: "a table that is there", but: "dynamodb-local/existing-table", do: func(s *dynamoDBStage) want {
			asked(s.CreateTable(s.t.Context(), hashTable(*s.table)))
			return refused("ResourceInUseException", "Table already exists: "+*s.table)
		}},
		{name: "deleting a table that isn't there", but: "dynamodb-local/no-table", do: func(s *dynamoDBStage) want {
			asked(s.DeleteTable(s.t.Context(), &awsdynamodb.DeleteTableInput{TableName: aws.String("non-existent")}))
			return refused("ResourceNotFoundException", "Requested resource not found: Table: non-existent not found")
		}},
		{name: "describing a table that isn't there", but: "dynamodb-local/no-table", do: func(s *dynamoDBStage) want {
			asked(s.DescribeTable(s.t.Context(), &awsdynamodb.DescribeTableInput{TableName: aws.String("non-existent")}))
			return refused("ResourceNotFoundException", "Requested resource not found: Table: non-existent not found")
		}},
		{name: "a table's description", do: func(s *dynamoDBStage) want {
			asked(s.DescribeTable(s.t.Context(), &awsdynamodb.DescribeTableInput{TableName: s.table}))
			return want{
				"#": "200", "Table.TableStatus": "ACTIVE", "Table.TableName": *s.table, "Table.ItemCount": "0", "Table.TableSizeBytes": "0",
				"Table.KeySchema.AttributeName": "id", "Table.KeySchema.KeyType": "HASH", "Table.DeletionProtectionEnabled": "false",
				"Table.AttributeDefinitions.AttributeType": "S",
			}
		}},
		{name: "a table with capacity", do: func(s *dynamoDBStage) want {
			in := hashTable(*s.table + "-provisioned")
			in.BillingMode = ""
			in.ProvisionedThroughput = &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(5), WriteCapacityUnits: aws.Int64(5)}
			_, err := s.CreateTable(s.t.Context(), in)
			s.must(err)
			asked(s.DescribeTable(s.t.Context(), &awsdynamodb.DescribeTableInput{TableName: in.TableName}))
			return want{
				"#": "200", "Table.ProvisionedThroughput.ReadCapacityUnits": "5", "Table.ProvisionedThroughput.WriteCapacityUnits": "5",
				"Table.ProvisionedThroughput.NumberOfDecreasesToday": "0",
			}
		}},
		{name: "a local secondary index", do: func(s *dynamoDBStage) want {
			name := s.indexed()
			_, err := s.PutItem(s.t.Context(), &awsdynamodb.PutItemInput{TableName: name, Item: item{
				"PK": str("test one"), "SK": str("hello"), "LSI1SK": num("123"),
			}})
			s.must(err)
			asked(s.Query(s.t.Context(), &awsdynamodb.QueryInput{
				TableName: name, IndexName: aws.String("LSI1"), KeyConditionExpression: aws.String("PK = :v1"),
				ExpressionAttributeValues: item{":v1": str("test one")}, Select: types.SelectAllAttributes,
			}))
			return want{"#": "200", "Count": "1", "ScannedCount": "1", "Items.LSI1SK.N": "123", "Items.PK.S": "test one", "Items.SK.S": "hello"}
		}},
	}
}

// indexed creates a table with a local secondary index over a number.
func (s *dynamoDBStage) indexed() *string {
	s.t.Helper()
	name := aws.String(*s.table + "-indexed")
	element := func(name string, kind types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: &name, KeyType: kind}
	}
	_, err := s.CreateTable(s.t.Context(), &awsdynamodb.CreateTableInput{
		TableName: name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("PK"), AttributeType: "S"},
			{AttributeName: aws.String("SK"), AttributeType: "S"},
			{AttributeName: aws.String("LSI1SK"), AttributeType: "N"},
		},
		KeySchema: []types.KeySchemaElement{element("PK", types.KeyTypeHash), element("SK", types.KeyTypeRange)},
		LocalSecondaryIndexes: []types.LocalSecondaryIndex{{
			IndexName: aws.String("LSI1"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
			KeySchema: []types.KeySchemaElement{element("PK", types.KeyTypeHash), element("LSI1SK", types.KeyTypeRange)},
		}},
	})
	s.must(err)
	return name
}

func dynamoDBItems() []situation[*dynamoDBStage] {
	put := func(s *dynamoDBStage, i item, values types.ReturnValue) {
		asked(s.PutItem(s.t.Context(), &awsdynamodb.PutItemInput{TableName: s.table, Item: i, ReturnValues: values}))
	}
	first := item{"id": str("id1"), "data": str("foobar")}
	return []situation[*dynamoDBStage]{
		{name: "put what is new", do: func(s *dynamoDBStage) want {
			put(s, first, types.ReturnValueAllOld)
			return want{"#": "200", "Attributes.id.S": none, "Body": "{}"}
		}},
		{name: "put over the same and return it", do: func(s *dynamoDBStage) want {
			s.has(first)
			put(s, first, types.ReturnValueAllOld)
			return want{"#": "200", "Attributes.id.S": "id1", "Attributes.data.S": "foobar"}
		}},
		{name: "put over another and return nothing", do: func(s *dynamoDBStage) want {
			s.has(first)
			put(s, item{"id": str("id1"), "data": str("other")}, types.ReturnValueNone)
			return want{"#": "200", "Body": "{}"}
		}},
		{name: "empty strings and bytes", do: func(s *dynamoDBStage) want {
			put(s, item{"id": str("id1"), "data": str(""), "bytes": &types.AttributeValueMemberB{Value: []byte{}}}, "")
			return want{"#": "200", "Body": "{}"}
		}},
		{name: "bytes that are no text", do: func(s *dynamoDBStage) want {
			s.has(item{"id": str("id1"), "data": &types.AttributeValueMemberB{Value: []byte{0x90}}, "version": num("1")})
			_, err := s.UpdateItem(s.t.Context(), &awsdynamodb.UpdateItemInput{
				TableName: s.table, Key: id("id1"), UpdateExpression: aws.String("SET version = :v"), ExpressionAttributeValues: item{":v": num("2")},
			})
			s.must(err)
			asked(s.GetItem(s.t.Context(), &awsdynamodb.GetItemInput{TableName: s.table, Key: id("id1")}))
			return want{"#": "200", "Item.data.B": "kA==", "Item.version.N": "2"}
		}},
		{name: "a condition that doesn't hold returns the item", do: func(s *dynamoDBStage) want {
			s.has(item{"id": str("456"), "price": num("650"), "product": str("sporting goods")})
			asked(s.UpdateItem(s.t.Context(), &awsdynamodb.UpdateItemInput{
				TableName: s.table, Key: id("456"), UpdateExpression: aws.String("SET price = price - :discount"),
				ConditionExpression:                 aws.String("price > :limit"),
				ExpressionAttributeValues:           item{":discount": num("75"), ":limit": num("1000")},
				ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
			}))
			return refused("ConditionalCheckFailedException", "The conditional request failed",
				"Item.id.S", "456", "Item.price.N", "650", "Item.product.S", "sporting goods")
		}},
		{name: "a condition that doesn't hold returns nothing unasked", do: func(s *dynamoDBStage) want {
			s.has(id("456"))
			asked(s.PutItem(s.t.Context(), &awsdynamodb.PutItemInput{
				TableName: s.table, Item: id("456"), ConditionExpression: aws.String("attribute_not_exists(id)"),
			}))
			return refused("ConditionalCheckFailedException", "The conditional request failed", "Item.id.S", none)
		}},
	}
}

func dynamoDBBatches() []situation[*dynamoDBStage] {
	batch := func(s *dynamoDBStage, table string, requests ...types.WriteRequest) {
		asked(s.BatchWriteItem(s.t.Context(), &awsdynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: requests}}))
	}
	put := func(i item) types.WriteRequest { return types.WriteRequest{PutRequest: &types.PutRequest{Item: i}} }
	return []situation[*dynamoDBStage]{
		{name: "a batch", do: func(s *dynamoDBStage) want {
			batch(s, *s.table, put(item{"id": str("a"), "data": &types.AttributeValueMemberB{Value: []byte("foobar")}}),
				types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: id("b")}})
			return want{"#": "200", "Body": `{"UnprocessedItems":{}}`}
		}},
		{name: "a batch for a table that isn't there", but: "dynamodb-local/no-table", do: func(s *dynamoDBStage) want {
			batch(s, "non-existent", put(id("a")))
			return refused("ResourceNotFoundException", "Requested resource not found")
		}},
		{name: "a batch without the key", but: "dynamodb-local/wrong-key", do: func(s *dynamoDBStage) want {
			batch(s, *s.table, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: item{"another": str("a")}}})
			return refused("ValidationException", "The provided key element does not match the schema")
		}},
	}
}

func dynamoDBTransactions() []situation[*dynamoDBStage] {
	write := func(s *dynamoDBStage, token string, items ...types.TransactWriteItem) {
		asked(s.TransactWriteItems(s.t.Context(), &awsdynamodb.TransactWriteItemsInput{TransactItems: items, ClientRequestToken: given(token)}))
	}
	put := func(s *dynamoDBStage, i item, condition string) types.TransactWriteItem {
		return types.TransactWriteItem{Put: &types.Put{TableName: s.table, Item: i, ConditionExpression: given(condition)}}
	}
	return []situation[*dynamoDBStage]{
		{name: "a transaction", do: func(s *dynamoDBStage) want {
			write(s, "", put(s, id("a"), ""), put(s, id("b"), "attribute_not_exists(id)"))
			return want{"#": "200", "Body": "{}"}
		}},
		{name: "a transaction that is cancelled", but: "dynamodb-local/reason", do: func(s *dynamoDBStage) want {
			s.has(id("foo"))
			write(s, "", types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
				TableName: s.table, Key: id("foo"), ConditionExpression: aws.String("attribute_not_exists(id)"),
			}}, put(s, id("bar"), ""))
			return refused("TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons "+
				"[ConditionalCheckFailed, None]", "CancellationReasons.Code", "ConditionalCheckFailed,None",
				"CancellationReasons.Message", "The conditional request failed")
		}},
		{name: "a transaction for a table that isn't there", but: "dynamodb-local/no-table", do: func(s *dynamoDBStage) want {
			write(s, "", types.TransactWriteItem{Put: &types.Put{TableName: aws.String("non-existent"), Item: id("a")}})
			return refused("ResourceNotFoundException", "Requested resource not found")
		}},
		{name: "a transaction sent twice is done once", do: func(s *dynamoDBStage) want {
			add := types.TransactWriteItem{Update: &types.Update{
				TableName: s.table, Key: id("a"), UpdateExpression: aws.String("ADD n :one"), ExpressionAttributeValues: item{":one": num("1")},
			}}
			token := rand.Text()
			write(s, token, add)
			write(s, token, add)
			asked(s.GetItem(s.t.Context(), &awsdynamodb.GetItemInput{TableName: s.table, Key: id("a")}))
			return want{"#": "200", "Item.n.N": "1"}
		}},
		{name: "a transaction of bytes", do: func(s *dynamoDBStage) want {
			write(s, "", put(s, item{"id": str("someUser"), "binaryData": &types.AttributeValueMemberB{Value: []byte("foobar")}}, ""))
			asked(s.GetItem(s.t.Context(), &awsdynamodb.GetItemInput{TableName: s.table, Key: id("someUser")}))
			return want{"#": "200", "Item.binaryData.B": "Zm9vYmFy", "Item.id.S": "someUser"}
		}},
		{name: "a transaction that reads", do: func(s *dynamoDBStage) want {
			s.has(id("John"))
			asked(s.TransactGetItems(s.t.Context(), &awsdynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{
				{Get: &types.Get{TableName: s.table, Key: id("John")}}, {Get: &types.Get{TableName: s.table, Key: id("nobody")}},
			}}))
			return want{"#": "200", "Body": `{"Responses":[{"Item":{"id":{"S":"John"}}},{}]}`}
		}},
		{name: "a transaction over a table's ARN", but: "dynamodb-local/arn", do: func(s *dynamoDBStage) want {
			s.has(id("Sarah"))
			described, err := s.DescribeTable(s.t.Context(), &awsdynamodb.DescribeTableInput{TableName: s.table})
			s.must(err)
			asked(s.TransactGetItems(s.t.Context(), &awsdynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{
				{Get: &types.Get{TableName: described.Table.TableArn, Key: id("Sarah")}},
			}}))
			return want{"#": "200", "Responses.Item.id.S": "Sarah"}
		}},
		{name: "a transaction that puts, updates and deletes", do: func(s *dynamoDBStage) want {
			s.has(id("Fred"))
			s.has(id("NewKey"))
			write(s, "",
				put(s, item{"id": str("Fred"), "name": str("Fred")}, ""),
				types.TransactWriteItem{Delete: &types.Delete{TableName: s.table, Key: id("NewKey")}},
				types.TransactWriteItem{Update: &types.Update{
					TableName: s.table, Key: id("NonExistentKey"), UpdateExpression: aws.String("SET attr1 = :v1"),
					ExpressionAttributeValues: item{":v1": str("value1")},
				}})
			if s.recorder.last.status != http.StatusOK {
				s.t.Errorf("got status %d of the transaction, want 200", s.recorder.last.status)
			}
			asked(s.Scan(s.t.Context(), &awsdynamodb.ScanInput{TableName: s.table, Select: types.SelectCount}))
			return want{"#": "200", "Count": "2", "ScannedCount": "2", "Items.id.S": none}
		}},
	}
}
