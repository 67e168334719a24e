package dynamodb_test

import (
	"errors"
	"hash/crc32"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var ignoreUnexported = cmp.Options{
	cmpopts.IgnoreUnexported(
		types.AttributeValueMemberS{}, types.AttributeValueMemberN{}, types.AttributeValueMemberB{}, types.AttributeValueMemberM{},
		types.AttributeValueMemberL{}, types.AttributeValueMemberSS{}, types.AttributeValueMemberBOOL{},
		types.ConsumedCapacity{}, types.Capacity{}, types.CancellationReason{},
	),
	cmpopts.EquateEmpty(),
}

func wantEqual(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(got, want, ignoreUnexported); diff != "" {
		t.Errorf("got -, want +: %s", diff)
	}
}

func key(pk, sk string) item { return item{"pk": str(pk), "sk": num(sk)} }

func TestTrap25OneItemPerNumber(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	l.put(t, table, item{"pk": str("a"), "sk": num("1.0"), "x": num("1E2")}, item{"pk": str("a"), "sk": num("1E0"), "x": num("-0")})
	got, err := l.GetItem(t.Context(), &awsdynamodb.GetItemInput{TableName: &table, Key: key("a", "1")})
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, got.Item, item{"pk": str("a"), "sk": num("1"), "x": num("0")})
}

func TestTrap27EmptyValues(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	l.put(t, table, item{"pk": str("a"), "sk": num("1"), "x": str(""), "y": bin()})
	put := func(i item) error {
		_, err := l.PutItem(t.Context(), &awsdynamodb.PutItemInput{TableName: &table, Item: i})
		return err
	}
	wantInvalid(t, put(key("", "1")),
		"One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk")
	wantInvalid(t, put(item{"pk": str("a"), "sk": num("1"), "tag": bin()}),
		"One or more parameter values are not valid. A value specified for a secondary index key is not supported. "+
			"The AttributeValue for a key attribute cannot contain an empty binary value. IndexName: byTag, IndexKey: tag")
	wantInvalid(t, put(item{"pk": str("a"), "sk": num("1"), "x": &types.AttributeValueMemberSS{Value: []string{}}}),
		"One or more parameter values were invalid: An string set  may not be empty")
}

func TestKeysThatDoNotFit(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	const schema = "The provided key element does not match the schema"
	for _, k := range []item{{"pk": str("a")}, {"pk": str("a"), "sk": str("1")}, {"pk": str("a"), "x": num("1")}, {"pk": str("a"), "sk": num("1"), "x": num("1")}} {
		_, err := l.GetItem(t.Context(), &awsdynamodb.GetItemInput{TableName: &table, Key: k})
		wantInvalid(t, err, schema)
		_, err = l.UpdateItem(t.Context(), &awsdynamodb.UpdateItemInput{TableName: &table, Key: k})
		wantInvalid(t, err, schema)
	}
	for want, i := range map[string]item{
		"One or more parameter values were invalid: Missing the key sk in the item":                                   {"pk": str("a")},
		"One or more parameter values were invalid: Type mismatch for key sk expected: N actual: S":                   key2("a", str("1")),
		"One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes": key(strings.Repeat("x", 2049), "1"),
		"One or more parameter values were invalid: Type mismatch for Index Key holder Expected: S Actual: N IndexName: byHolder": {
			"pk": str("a"), "sk": num("1"), "holder": num("1"),
		},
	} {
		_, err := l.PutItem(t.Context(), &awsdynamodb.PutItemInput{TableName: &table, Item: i})
		wantInvalid(t, err, want)
	}
	_, err := l.GetItem(t.Context(), &awsdynamodb.GetItemInput{TableName: aws.String("Nope"), Key: key("a", "1")})
	wantFault(t, err, "ResourceNotFoundException", "Requested resource not found")
}

func key2(pk string, sk types.AttributeValue) item { return item{"pk": str(pk), "sk": sk} }

func TestTrap32UpdateCreatesUnlessForbidden(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	update := &awsdynamodb.UpdateItemInput{
		TableName: &table, Key: key("a", "1"), UpdateExpression: aws.String("SET x = :x"),
		ConditionExpression:       aws.String("attribute_exists(pk)"),
		ExpressionAttributeValues: item{":x": str("v")}, ReturnValues: types.ReturnValueAllNew,
	}
	_, err := l.UpdateItem(t.Context(), update)
	wantFault(t, err, "ConditionalCheckFailedException", "The conditional request failed")
	update.ConditionExpression = nil
	got, err := l.UpdateItem(t.Context(), update)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, got.Attributes, item{"pk": str("a"), "sk": num("1"), "x": str("v")})
}

func TestTrap33TheOldItemComesWithAFailedCondition(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	old := item{"pk": str("a"), "sk": num("1"), "x": str("old")}
	l.put(t, table, old)
	_, err := l.DeleteItem(t.Context(), &awsdynamodb.DeleteItemInput{
		TableName: &table, Key: key("a", "1"), ConditionExpression: aws.String("x = :x"), ExpressionAttributeValues: item{":x": str("new")},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) {
		t.Fatalf("got %v", err)
	}
	wantEqual(t, failed.Item, old)
}

func TestReturnValues(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	for returned, want := range map[types.ReturnValue][2]item{
		types.ReturnValueNone:       {nil, nil},
		types.ReturnValueAllOld:     {nil, {"pk": str("k"), "sk": num("1"), "x": str("1")}},
		types.ReturnValueUpdatedOld: {nil, {"x": str("1")}},
		types.ReturnValueAllNew:     {{"pk": str("k"), "sk": num("1"), "x": str("1")}, {"pk": str("k"), "sk": num("1"), "x": str("2"), "y": str("2")}},
		types.ReturnValueUpdatedNew: {{"x": str("1")}, {"x": str("2"), "y": str("2")}},
	} {
		update := &awsdynamodb.UpdateItemInput{
			TableName: &table, Key: key("k", "1"), ReturnValues: returned, UpdateExpression: aws.String("SET x = :v"),
			ExpressionAttributeValues: item{":v": str("1")},
		}
		created, err := l.UpdateItem(t.Context(), update)
		if err != nil {
			t.Fatal(err)
		}
		update.UpdateExpression, update.ExpressionAttributeValues = aws.String("SET x = :v, y = :v"), item{":v": str("2")}
		changed, err := l.UpdateItem(t.Context(), update)
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, [2]item{created.Attributes, changed.Attributes}, want)
		if _, err := l.DeleteItem(t.Context(), &awsdynamodb.DeleteItemInput{TableName: &table, Key: key("k", "1")}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := l.PutItem(t.Context(), &awsdynamodb.PutItemInput{TableName: &table, Item: key("k", "1"), ReturnValues: types.ReturnValueAllNew})
	wantInvalid(t, err, "ReturnValues can only be ALL_OLD or NONE")
}

func TestUpdatesOfKeys(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	for update, want := range map[string]string{
		"SET pk = :s":       "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key",
		"SET holder = :n":   "The update expression attempted to update the secondary index key to unsupported type",
		"SET holder.x = :n": "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: holder",
		"SET holder = :e": "One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value " +
			"that is not supported. The AttributeValue for a key attribute cannot contain an empty string value.",
	} {
		all, values := item{":s": str("s"), ":n": num("1"), ":e": str("")}, item{}
		values[update[strings.Index(update, ":"):]] = all[update[strings.Index(update, ":"):]]
		_, err := l.UpdateItem(t.Context(), &awsdynamodb.UpdateItemInput{
			TableName: &table, Key: key("a", "1"), UpdateExpression: &update, ExpressionAttributeValues: values,
		})
		wantInvalid(t, err, want)
	}
}

func TestItemSize(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	// pk and its name take 3 bytes, sk 4, the name x 1.
	fits := strings.Repeat("x", 400<<10-8)
	l.put(t, table, item{"pk": str("a"), "sk": num("1"), "x": str(fits)})
	_, err := l.PutItem(t.Context(), &awsdynamodb.PutItemInput{TableName: &table, Item: item{"pk": str("a"), "sk": num("1"), "x": str(fits + "x")}})
	wantInvalid(t, err, "Item size has exceeded the maximum allowed size")
	_, err = l.UpdateItem(t.Context(), &awsdynamodb.UpdateItemInput{
		TableName: &table, Key: key("a", "1"), UpdateExpression: aws.String("SET y = :y"), ExpressionAttributeValues: item{":y": str("")},
	})
	wantInvalid(t, err, "Item size to update has exceeded the maximum allowed size")
}

func TestConsumedCapacity(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	put, err := l.PutItem(t.Context(), &awsdynamodb.PutItemInput{
		TableName: &table, ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
		Item: item{"pk": str("a"), "sk": num("1"), "holder": str("h"), "height": num("1"), "tag": bin(1), "x": str(strings.Repeat("x", 1500))},
	})
	if err != nil {
		t.Fatal(err)
	}
	one, two := types.Capacity{CapacityUnits: aws.Float64(1)}, types.Capacity{CapacityUnits: aws.Float64(2)}
	wantEqual(t, put.ConsumedCapacity, &types.ConsumedCapacity{
		TableName: &table, CapacityUnits: aws.Float64(4), Table: &two,
		LocalSecondaryIndexes:  map[string]types.Capacity{"byTag": one},
		GlobalSecondaryIndexes: map[string]types.Capacity{"byHolder": one},
	})
	for consistent, want := range map[bool]float64{false: 0.5, true: 1} {
		got, err := l.GetItem(t.Context(), &awsdynamodb.GetItemInput{
			TableName: &table, Key: key("a", "1"), ConsistentRead: &consistent, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		})
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, got.ConsumedCapacity, &types.ConsumedCapacity{TableName: &table, CapacityUnits: &want})
	}
}

func TestPlaceholdersWithoutExpressions(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	_, err := l.PutItem(t.Context(), &awsdynamodb.PutItemInput{TableName: &table, Item: key("a", "1"), ExpressionAttributeNames: map[string]string{"#a": "a"}})
	wantInvalid(t, err, "ExpressionAttributeNames can only be specified when using expressions")
	_, err = l.UpdateItem(t.Context(), &awsdynamodb.UpdateItemInput{TableName: &table, Key: key("a", "1"), ExpressionAttributeValues: item{":a": str("a")}})
	wantInvalid(t, err, "ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and ConditionExpression are null")
}

func TestRequestsThatAreNotTheModels(t *testing.T) {
	l := start(t)
	l.orders(t)
	for _, c := range [][3]string{
		{"GetItem", `{`, `"com.amazon.coral.service#SerializationException"`},
		{"GetItem", `{"TableName":1,"Key":{}}`, `"NUMBER_VALUE cannot be converted to String"`},
		{"GetItem", `{}`, `"2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null; ` +
			`Value null at 'key' failed to satisfy constraint: Member must not be null"`},
		{"PutItem", `{"TableName":"Orders","Item":{},"ReturnConsumedCapacity":"x"}`, `"1 validation error detected: Value 'x' at 'returnConsumedCapacity' ` +
			`failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]"`},
		{"GetItem", `{"TableName":"Orders","Key":{},"AttributesToGet":["a"]}`, `"com.amazonaws.dynamodb.v20120810#NotImplemented"`},
		{"PutItem", `{"TableName":"Orders","Item":{},"Expected":{},"ConditionExpression":"a = b"}`, `"Can not use both expression and non-expression ` +
			`parameters in the same request: Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}"`},
		{"UpdateContinuousBackups", `{}`, `"com.amazonaws.dynamodb.v20120810#NotImplemented"`},
	} {
		status, answer := l.raw(t, c[0], c[1])
		if status < 400 || !strings.Contains(answer, c[2]) {
			t.Errorf("%s %s: got %d %s, want %s", c[0], c[1], status, answer, c[2])
		}
	}
}

// Keys of several attributes are what global indexes have: AWS takes them, the local DynamoDB says that it doesn't. Those of tables
// and local indexes AWS refuses.
func TestKeysOfSeveralAttributes(t *testing.T) {
	l := start(t)
	const attributes = `"AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"},{"AttributeName":"b","AttributeType":"S"},{"AttributeName":"c","AttributeType":"S"}]`
	keys := func(of string) string {
		var elements []string
		for i, role := range of {
			elements = append(elements, `{"AttributeName":"`+string("abc"[i])+`","KeyType":"`+map[rune]string{'h': "HASH", 'r': "RANGE"}[role]+`"}`)
		}
		return `"KeySchema":[` + strings.Join(elements, ",") + `]`
	}
	for _, c := range []struct{ table, local, global, want string }{
		{"h", "", "hh", "#NotImplemented"},
		{"h", "", "hrr", "#NotImplemented"},
		{"hrr", "", "", "length less than or equal to 2"},
		{"hr", "hrr", "", "length less than or equal to 2"},
		{"hh", "", "", "not a RANGE key type"},
	} {
		body := `{"TableName":"Wide","BillingMode":"PAY_PER_REQUEST",` + attributes + `,` + keys(c.table)
		if c.local != "" {
			body += `,"LocalSecondaryIndexes":[{"IndexName":"inner","Projection":{"ProjectionType":"ALL"},` + keys(c.local) + `}]`
		}
		if c.global != "" {
			body += `,"GlobalSecondaryIndexes":[{"IndexName":"outer","Projection":{"ProjectionType":"ALL"},` + keys(c.global) + `}]`
		}
		if status, answer := l.raw(t, "CreateTable", body+"}"); status < 400 || !strings.Contains(answer, c.want) {
			t.Errorf("%+v: got %d %s", c, status, answer)
		}
	}
}

func TestAnswersCarryTheirChecksum(t *testing.T) {
	l := start(t)
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader("{}"))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	l.serve(w, r)
	want := strconv.FormatUint(uint64(crc32.ChecksumIEEE(w.Body.Bytes())), 10)
	if got := w.Header().Get("X-Amz-Crc32"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestConcurrentAddsAllCount(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() {
			_, err := l.UpdateItem(t.Context(), &awsdynamodb.UpdateItemInput{
				TableName: &table, Key: key("a", "1"), UpdateExpression: aws.String("ADD hits :one"), ExpressionAttributeValues: item{":one": num("1")},
			})
			if err != nil {
				t.Errorf("add %d: %v", i, err)
			}
			if _, err := l.Scan(t.Context(), &awsdynamodb.ScanInput{TableName: &table}); err != nil {
				t.Errorf("scan %d: %v", i, err)
			}
		})
	}
	wait.Wait()
	got, err := l.GetItem(t.Context(), &awsdynamodb.GetItemInput{TableName: &table, Key: key("a", "1")})
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, got.Item["hits"], num("20"))
}

func TestAccountsAndRegionsAreApart(t *testing.T) {
	l := start(t)
	l.orders(t)
	for _, arn := range []string{"arn:aws:dynamodb:eu-west-1:111122223333:table/Orders", "Orders"} {
		if _, err := l.GetItem(t.Context(), &awsdynamodb.GetItemInput{TableName: &arn, Key: key("a", "1")}); err != nil {
			t.Errorf("%s: %v", arn, err)
		}
	}
	for _, arn := range []string{"arn:aws:dynamodb:eu-west-1:444455556666:table/Orders", "arn:aws:dynamodb:us-east-1:111122223333:table/Orders"} {
		_, err := l.GetItem(t.Context(), &awsdynamodb.GetItemInput{TableName: &arn, Key: key("a", "1")})
		wantFault(t, err, "ResourceNotFoundException", "Requested resource not found")
	}
}
