package dynamodb_test

import (
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestTrap30GlobalIndexes(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	for i := range 4 {
		l.put(t, table, item{"pk": str("a"), "sk": num(strconv.Itoa(i)), "holder": str("h"), "height": num("7")})
	}
	l.put(t, table, key("a", "9"), item{"pk": str("a"), "sk": num("8"), "holder": str("h")}) // not in the index: it is sparse
	q := &awsdynamodb.QueryInput{
		TableName: &table, IndexName: aws.String("byHolder"), KeyConditionExpression: aws.String("holder = :h"),
		ExpressionAttributeValues: item{":h": str("h")}, Limit: aws.Int32(1),
	}
	first, err := l.Query(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, first.LastEvaluatedKey, item{"pk": str("a"), "sk": num("0"), "holder": str("h"), "height": num("7")})
	var found []string
	for pages := awsdynamodb.NewQueryPaginator(l, q); pages.HasMorePages(); {
		p, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, sortKeys(p.Items)...)
	}
	wantEqual(t, found, []string{"0", "1", "2", "3"})

	q.ExclusiveStartKey = item{"holder": str("h"), "height": num("7")}
	_, err = l.Query(t.Context(), q)
	wantInvalid(t, err, "Exclusive Start Key must have same size as table's key schema")
	q.ExclusiveStartKey, q.ConsistentRead = nil, aws.Bool(true)
	_, err = l.Query(t.Context(), q)
	wantInvalid(t, err, "Consistent reads are not supported on global secondary indexes")
	q.ConsistentRead, q.ProjectionExpression = nil, aws.String("title, x")
	_, err = l.Query(t.Context(), q)
	wantInvalid(t, err, "One or more parameter values were invalid: Global secondary index byHolder does not project [x]")
	q.ProjectionExpression, q.FilterExpression = nil, aws.String("x = :h")
	_, err = l.Query(t.Context(), q)
	wantInvalid(t, err, "One or more parameter values were invalid: Secondary index byHolder does not project one or more filter attributes: [x]")
	q.FilterExpression, q.Select = nil, types.SelectAllAttributes
	_, err = l.Query(t.Context(), q)
	wantInvalid(t, err, "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index byHolder "+
		"because its projection type is not ALL")
}

func TestTrap28FilterOfAScannedIndex(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	l.put(t, table, item{"pk": str("a"), "sk": num("1"), "holder": str("h"), "height": num("1"), "x": str("there")})
	for filter, want := range map[string]int32{"attribute_exists(x)": 0, "attribute_not_exists(x)": 1} {
		out, err := l.Scan(t.Context(), &awsdynamodb.ScanInput{
			TableName: &table, IndexName: aws.String("byHolder"), FilterExpression: &filter,
		})
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, out.Count, want)
	}
}

func TestIndexesFollowTheirItems(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	l.put(t, table, item{"pk": str("a"), "sk": num("1"), "holder": str("h"), "height": num("1")})
	held := func(holder string) int32 {
		got, err := l.Query(t.Context(), &awsdynamodb.QueryInput{
			TableName: &table, IndexName: aws.String("byHolder"), KeyConditionExpression: aws.String("holder = :h"),
			ExpressionAttributeValues: item{":h": str(holder)}, Select: types.SelectCount,
		})
		if err != nil {
			t.Fatal(err)
		}
		return got.Count
	}
	update := func(expression string, values item) {
		_, err := l.UpdateItem(t.Context(), &awsdynamodb.UpdateItemInput{
			TableName: &table, Key: key("a", "1"), UpdateExpression: &expression, ExpressionAttributeValues: values,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	update("SET holder = :h", item{":h": str("i")})
	wantEqual(t, []int32{held("h"), held("i")}, []int32{0, 1})
	update("REMOVE height", nil)
	wantEqual(t, held("i"), int32(0))
	update("SET height = :one", item{":one": num("1")})
	wantEqual(t, held("i"), int32(1))
	if _, err := l.DeleteItem(t.Context(), &awsdynamodb.DeleteItemInput{TableName: &table, Key: key("a", "1")}); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, held("i"), int32(0))
}
