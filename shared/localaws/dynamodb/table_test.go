package dynamodb_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/policy"
)

func TestTables(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	l.put(t, table, item{"pk": str("a"), "sk": num("1"), "holder": str("h"), "height": num("1")}, key("a", "2"))
	got, err := l.DescribeTable(t.Context(), &awsdynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	d := got.Table
	wantEqual(t, []any{d.TableStatus, *d.ItemCount, *d.TableArn, *d.GlobalSecondaryIndexes[0].ItemCount, *d.GlobalSecondaryIndexes[0].IndexArn},
		[]any{
			types.TableStatusActive, int64(2), "arn:aws:dynamodb:eu-west-1:111122223333:table/Orders", int64(1),
			"arn:aws:dynamodb:eu-west-1:111122223333:table/Orders/index/byHolder",
		})
	_, err = l.CreateTable(t.Context(), &awsdynamodb.CreateTableInput{
		TableName: &table, BillingMode: types.BillingModePayPerRequest, KeySchema: []types.KeySchemaElement{hash("pk")},
		AttributeDefinitions: []types.AttributeDefinition{defined("pk", "S")},
	})
	wantFault(t, err, "ResourceInUseException", "Table already exists: Orders")
	if _, err := l.DeleteTable(t.Context(), &awsdynamodb.DeleteTableInput{TableName: &table}); err != nil {
		t.Fatal(err)
	}
	_, err = l.DescribeTable(t.Context(), &awsdynamodb.DescribeTableInput{TableName: &table})
	wantFault(t, err, "ResourceNotFoundException", "Requested resource not found: Table: Orders not found")
}

func TestListTablesInPages(t *testing.T) {
	l := start(t)
	for _, name := range []string{"Ccc", "Aaa", "Bbb"} {
		_, err := l.CreateTable(t.Context(), &awsdynamodb.CreateTableInput{
			TableName: &name, BillingMode: types.BillingModePayPerRequest, KeySchema: []types.KeySchemaElement{hash("pk")},
			AttributeDefinitions: []types.AttributeDefinition{defined("pk", "S")},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	first, err := l.ListTables(t.Context(), &awsdynamodb.ListTablesInput{Limit: aws.Int32(2)})
	if err != nil {
		t.Fatal(err)
	}
	rest, err := l.ListTables(t.Context(), &awsdynamodb.ListTablesInput{ExclusiveStartTableName: first.LastEvaluatedTableName})
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, [][]string{first.TableNames, rest.TableNames}, [][]string{{"Aaa", "Bbb"}, {"Ccc"}})
}

func TestTablesThatCanNotBe(t *testing.T) {
	l := start(t)
	const prefix = "One or more parameter values were invalid: "
	s := []types.AttributeDefinition{defined("pk", "S"), defined("sk", "S")}
	all := &types.Projection{ProjectionType: types.ProjectionTypeAll}
	for want, in := range map[string]*awsdynamodb.CreateTableInput{
		"Invalid KeySchema: The first KeySchemaElement is not a HASH key type": {KeySchema: []types.KeySchemaElement{sorted("pk")}},
		"Both the Hash Key and the Range Key element in the KeySchema have the same name": {
			KeySchema: []types.KeySchemaElement{hash("pk"), sorted("pk")},
		},
		prefix + "Some index key attributes are not defined in AttributeDefinitions. Keys: [zz], AttributeDefinitions: [pk, sk]": {
			KeySchema: []types.KeySchemaElement{hash("zz")},
		},
		prefix + "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions": {
			KeySchema: []types.KeySchemaElement{hash("pk")},
		},
		prefix + "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex": {
			KeySchema: []types.KeySchemaElement{hash("pk")},
			LocalSecondaryIndexes: []types.LocalSecondaryIndex{
				{IndexName: aws.String("local"), KeySchema: []types.KeySchemaElement{hash("pk"), sorted("sk")}, Projection: all},
			},
		},
		prefix + "ProjectionType is ALL, but NonKeyAttributes is specified": {
			KeySchema: []types.KeySchemaElement{hash("pk")},
			GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
				IndexName: aws.String("global"), KeySchema: []types.KeySchemaElement{hash("sk")},
				Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll, NonKeyAttributes: []string{"x"}},
			}},
		},
	} {
		in.TableName, in.BillingMode, in.AttributeDefinitions = aws.String("Orders"), types.BillingModePayPerRequest, s
		_, err := l.CreateTable(t.Context(), in)
		wantInvalid(t, err, want)
	}
}

func TestTrap2ExpiredItemsStayReadable(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	spec := &types.TimeToLiveSpecification{AttributeName: aws.String("expires"), Enabled: aws.Bool(true)}
	if _, err := l.UpdateTimeToLive(t.Context(), &awsdynamodb.UpdateTimeToLiveInput{TableName: &table, TimeToLiveSpecification: spec}); err != nil {
		t.Fatal(err)
	}
	got, err := l.DescribeTimeToLive(t.Context(), &awsdynamodb.DescribeTimeToLiveInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, []string{string(got.TimeToLiveDescription.TimeToLiveStatus), *got.TimeToLiveDescription.AttributeName}, []string{"ENABLED", "expires"})
	_, err = l.UpdateTimeToLive(t.Context(), &awsdynamodb.UpdateTimeToLiveInput{TableName: &table, TimeToLiveSpecification: spec})
	wantInvalid(t, err, "TimeToLive is already enabled")
	l.put(t, table, item{"pk": str("a"), "sk": num("1"), "expires": num("1")})
	if got := l.count(t); got != 1 {
		t.Errorf("the expired item is gone")
	}
}

func (l *local) resolve(t *testing.T, operation, body string) []protocol.Access {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	list, err := l.service.Resolve(l.call(r, []byte(body)))
	if err != nil {
		t.Fatalf("resolve %s: %v", operation, err)
	}
	return list
}

func TestAccesses(t *testing.T) {
	l := start(t)
	l.orders(t)
	const arn = "arn:aws:dynamodb:eu-west-1:111122223333:table/Orders"
	access := func(action, resource string, context policy.Context) protocol.Access {
		return protocol.Access{Action: "dynamodb:" + action, Resource: resource, ResourceAccount: account, Context: context}
	}
	const capacity = "dynamodb:ReturnConsumedCapacity"
	none := []string{"NONE"}
	for _, c := range []struct {
		operation, body string
		want            []protocol.Access
	}{
		{"ListTables", `{}`, []protocol.Access{access("ListTables", "arn:aws:dynamodb:eu-west-1:111122223333:table/*", nil)}},
		{"DescribeTable", `{"TableName":"Orders"}`, []protocol.Access{access("DescribeTable", arn, nil)}},
		{"GetItem", `{"TableName":"Orders","Key":{"pk":{"S":"a"},"sk":{"N":"1"}},"ProjectionExpression":"x.y"}`, []protocol.Access{
			access("GetItem", arn, policy.Context{capacity: none, "dynamodb:LeadingKeys": {"a"}, "dynamodb:Attributes": {"pk", "sk", "x"}}),
		}},
		// A member that PutItem doesn't have is no decoy.
		{"PutItem", `{"TableName":"Orders","Key":{"pk":{"S":"decoy"}},"Item":{"pk":{"S":"a"},"sk":{"N":"1"}},"ReturnValues":"ALL_OLD"}`, []protocol.Access{
			access("PutItem", arn, policy.Context{
				capacity: none, "dynamodb:LeadingKeys": {"a"}, "dynamodb:Attributes": {"pk", "sk"}, "dynamodb:ReturnValues": {"ALL_OLD"},
			}),
		}},
		{
			"Query", `{"TableName":"Orders","IndexName":"byHolder","KeyConditionExpression":"holder = :h","ExpressionAttributeValues":{":h":{"S":"me"}}}`,
			[]protocol.Access{access("Query", arn+"/index/byHolder", policy.Context{
				capacity: none, "dynamodb:LeadingKeys": {"me"}, "dynamodb:Attributes": {"holder"}, "dynamodb:Select": {"ALL_PROJECTED_ATTRIBUTES"},
			})},
		},
		{"Scan", `{"TableName":"Orders","Select":"COUNT"}`, []protocol.Access{
			access("Scan", arn, policy.Context{capacity: none, "dynamodb:Select": {"COUNT"}}),
		}},
		{"BatchGetItem", `{"RequestItems":{"Orders":{"Keys":[{"pk":{"S":"b"},"sk":{"N":"1"}},{"pk":{"S":"a"},"sk":{"N":"1"}}]}}}`, []protocol.Access{
			access("BatchGetItem", arn, policy.Context{capacity: none, "dynamodb:LeadingKeys": {"a", "b"}, "dynamodb:Attributes": {"pk", "sk"}}),
		}},
		{"TransactWriteItems", `{"TransactItems":[{"ConditionCheck":{"TableName":"Orders","Key":{"pk":{"S":"a"}},"ConditionExpression":"x = y"}},` +
			`{"Delete":{"TableName":"Orders","Key":{"pk":{"S":"b"}}}}]}`, []protocol.Access{
			access("ConditionCheckItem", arn, policy.Context{
				capacity: none, "dynamodb:LeadingKeys": {"a"}, "dynamodb:Attributes": {"pk", "x", "y"}, "dynamodb:EnclosingOperation": {"TransactWriteItems"},
			}),
			access("DeleteItem", arn, policy.Context{
				capacity: none, "dynamodb:LeadingKeys": {"b"}, "dynamodb:Attributes": {"pk"}, "dynamodb:ReturnValues": none,
				"dynamodb:EnclosingOperation": {"TransactWriteItems"},
			}),
		}},
		{"GetItem", `{"TableName":"arn:aws:dynamodb:eu-west-1:444455556666:table/Theirs","Key":{}}`, []protocol.Access{{
			Action: "dynamodb:GetItem", Resource: "arn:aws:dynamodb:eu-west-1:444455556666:table/Theirs", ResourceAccount: "444455556666",
			Context: policy.Context{capacity: none},
		}}},
	} {
		wantEqual(t, l.resolve(t, c.operation, c.body), c.want)
	}
}
