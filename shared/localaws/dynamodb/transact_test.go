package dynamodb_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func putting(i item) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{TableName: aws.String("Orders"), Item: i}}
}

func checking(k item, condition string) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: aws.String("Orders"), Key: k, ConditionExpression: &condition,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

func (l *local) transact(t *testing.T, token string, items ...types.TransactWriteItem) (*awsdynamodb.TransactWriteItemsOutput, error) {
	t.Helper()
	in := &awsdynamodb.TransactWriteItemsInput{TransactItems: items, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal}
	if token != "" {
		in.ClientRequestToken = &token
	}
	return l.TransactWriteItems(t.Context(), in)
}

func (l *local) count(t *testing.T) int32 {
	t.Helper()
	got, err := l.Scan(t.Context(), &awsdynamodb.ScanInput{TableName: aws.String("Orders"), Select: types.SelectCount})
	if err != nil {
		t.Fatal(err)
	}
	return got.Count
}

func TestTrap31ReasonsInItemOrder(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	old := item{"pk": str("a"), "sk": num("1"), "x": str("old")}
	l.put(t, table, old)
	update := types.TransactWriteItem{Update: &types.Update{TableName: &table, Key: key("d", "1"), UpdateExpression: aws.String("SET x = y")}}
	_, err := l.transact(t, "", putting(key("b", "1")), checking(key("a", "1"), "x = y"), putting(item{"pk": str("c")}), update)
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		t.Fatalf("got %v", err)
	}
	wantFault(t, err, "TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons "+
		"[None, ConditionalCheckFailed, ValidationError, ValidationError]")
	wantEqual(t, cancelled.CancellationReasons, []types.CancellationReason{
		{Code: aws.String("None")},
		{Code: aws.String("ConditionalCheckFailed"), Message: aws.String("The conditional request failed"), Item: old},
		{Code: aws.String("ValidationError"), Message: aws.String("One or more parameter values were invalid: Missing the key sk in the item")},
		{Code: aws.String("ValidationError"), Message: aws.String("The provided expression refers to an attribute that does not exist in the item")},
	})
	if got := l.count(t); got != 1 {
		t.Errorf("a cancelled transaction left %d items, want 1", got)
	}
}

func TestTrap31LimitsOfTransactions(t *testing.T) {
	l := start(t)
	l.orders(t)
	var many, large []types.TransactWriteItem
	for i := range 101 {
		many = append(many, putting(key("a", strconv.Itoa(i))))
	}
	for i := range 11 {
		large = append(large, putting(item{"pk": str("a"), "sk": num(strconv.Itoa(i)), "x": str(strings.Repeat("x", 400_000))}))
	}
	if _, err := l.transact(t, "", many[:100]...); err != nil {
		t.Errorf("100 items: %v", err)
	}
	_, err := l.transact(t, "", many...)
	wantInvalid(t, err, "Member must have length less than or equal to 100")
	_, err = l.transact(t, "", large...)
	wantInvalid(t, err, "Transaction payload size cannot exceed 4MB. Payload Size: 4400087")
	_, err = l.transact(t, "", putting(key("b", "1")), checking(key("b", "1.0"), "x = y"))
	wantInvalid(t, err, "Transaction request cannot include multiple operations on one item")
}

func TestTrap31TokensLiveTenMinutes(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	add := types.TransactWriteItem{Update: &types.Update{
		TableName: &table, Key: key("a", "1"), UpdateExpression: aws.String("ADD hits :one"), ExpressionAttributeValues: item{":one": num("1")},
	}}
	run := func(want string, items ...types.TransactWriteItem) *awsdynamodb.TransactWriteItemsOutput {
		t.Helper()
		out, err := l.transact(t, "token", items...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := l.GetItem(t.Context(), &awsdynamodb.GetItemInput{TableName: &table, Key: key("a", "1")})
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, got.Item["hits"], num(want))
		return out
	}
	first, repeated := run("1", add), run("1", add)
	wantEqual(t, []float64{*first.ConsumedCapacity[0].WriteCapacityUnits, *repeated.ConsumedCapacity[0].ReadCapacityUnits}, []float64{2, 2})
	_, err := l.transact(t, "token", putting(key("b", "1")))
	wantFault(t, err, "IdempotentParameterMismatchException", "DynamoDB rejected the request because you retried a request "+
		"with a different payload but with an idempotent token that was already used.")
	l.now.Add(10*60 - 1)
	run("1", add)
	l.now.Add(1)
	run("2", add)
}

func TestTransactionsThatFailedMayBeRepeated(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	check := checking(key("a", "1"), "attribute_exists(pk)")
	if _, err := l.transact(t, "token", check, putting(key("b", "1"))); err == nil {
		t.Error("the condition held")
	}
	l.put(t, table, key("a", "1"))
	if _, err := l.transact(t, "token", check, putting(key("b", "1"))); err != nil {
		t.Error(err)
	}
}

func TestTransactGetItems(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	l.put(t, table, item{"pk": str("a"), "sk": num("1"), "x": str("x")})
	get := func(k item) types.TransactGetItem {
		return types.TransactGetItem{Get: &types.Get{TableName: &table, Key: k, ProjectionExpression: aws.String("x")}}
	}
	got, err := l.TransactGetItems(t.Context(), &awsdynamodb.TransactGetItemsInput{
		TransactItems: []types.TransactGetItem{get(key("a", "1")), get(key("a", "2"))}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, []item{got.Responses[0].Item, got.Responses[1].Item}, []item{{"x": str("x")}, nil})
	wantEqual(t, *got.ConsumedCapacity[0].ReadCapacityUnits, 4.0)
	_, err = l.TransactGetItems(t.Context(), &awsdynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{get(key("a", "1")), get(item{"pk": str("a")})}})
	wantFault(t, err, "TransactionCanceledException",
		"Transaction cancelled, please refer cancellation reasons for specific reasons [None, ValidationError]")
}

func TestBatches(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	write := func(requests ...types.WriteRequest) error {
		_, err := l.BatchWriteItem(t.Context(), &awsdynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: requests}})
		return err
	}
	put := func(i item) types.WriteRequest { return types.WriteRequest{PutRequest: &types.PutRequest{Item: i}} }
	remove := func(k item) types.WriteRequest {
		return types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: k}}
	}
	if err := write(put(key("a", "1")), put(key("a", "2")), remove(key("a", "3"))); err != nil {
		t.Fatal(err)
	}
	wantInvalid(t, write(put(key("a", "1")), remove(key("a", "1.0"))), "Provided list of item keys contains duplicates")
	wantInvalid(t, write(put(item{"x": str("y")})), "The provided key element does not match the schema")
	var many []types.WriteRequest
	var keys []item
	for i := range 101 {
		many, keys = append(many, put(key("b", strconv.Itoa(i)))), append(keys, key("b", strconv.Itoa(i)))
	}
	wantInvalid(t, write(many[:26]...), "Too many items requested for the BatchWriteItem call")
	if got := l.count(t); got != 2 {
		t.Errorf("got %d items, want 2", got)
	}

	get := func(table string, keys ...item) (map[string][]item, error) {
		got, err := l.BatchGetItem(t.Context(), &awsdynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{table: {Keys: keys}}})
		if err != nil {
			return nil, err
		}
		return got.Responses, nil
	}
	found, err := get(table, key("a", "1"), key("z", "1"))
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, found, map[string][]item{table: {key("a", "1")}})
	_, err = get(table, keys...)
	wantInvalid(t, err, "Too many items requested for the BatchGetItem call")
	_, err = get(table, key("a", "1"), key("a", "1"))
	wantInvalid(t, err, "Provided list of item keys contains duplicates")
	_, err = get("Nope", key("a", "1"))
	wantFault(t, err, "ResourceNotFoundException", "Requested resource not found")
}

func TestBatchGetLeavesWhatIsTooMuch(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	var keys []item
	for i := range 45 {
		keys = append(keys, key("a", strconv.Itoa(i)))
		l.put(t, table, item{"pk": str("a"), "sk": num(strconv.Itoa(i)), "x": str(strings.Repeat("x", 400_000))})
	}
	got, err := l.BatchGetItem(t.Context(), &awsdynamodb.BatchGetItemInput{
		RequestItems: map[string]types.KeysAndAttributes{table: {Keys: keys, ConsistentRead: aws.Bool(true)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	left := got.UnprocessedKeys[table]
	if len(got.Responses[table]) != 41 || len(left.Keys) != 4 || !aws.ToBool(left.ConsistentRead) {
		t.Errorf("got %d items and %d keys left, want 41 and 4", len(got.Responses[table]), len(left.Keys))
	}
}
