package conformance

import (
	"maps"
	"reflect"
	"regexp"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
)

// settledRows are the rows of differences.md that the programs keep away from, or settle before they compare.
var settledRows = []string{
	"dynamodb-local/capacity-unasked", "dynamodb-local/number-form",
	"minio/delimiter", "minio/empty-page", "minio/folder-key", "minio/folder-of-markers", "minio/marker-is-prefix",
}

// dynamoDBTranslations are words of DynamoDB Local's that stand for AWS's.
func dynamoDBTranslations() []translation {
	return []translation{
		{"dynamodb-local/reason", regexp.MustCompile(`^The conditional request failed\.$`), "The conditional request failed"},
		{
			"dynamodb-local/wrong-key", regexp.MustCompile(`^One or more parameter values were invalid: (Type mismatch for (key|Index Key)|Missing the key).*`),
			"The provided key element does not match the schema",
		},
	}
}

// dynamoDBExcuses are the kinds of outcome in which DynamoDB Local differs.
func dynamoDBExcuses() []excuse {
	const (
		done    = "done"
		invalid = "ValidationException: "
		values  = "One or more parameter values were invalid: "
		// wrong is what DynamoDB Local says of keys that aren't the table's.
		wrong = "Invalid attribute value type|The number of conditions on the keys is invalid|One of the required keys was not given a value|" +
			values + "Type mismatch for (key|Index Key).*"
		schema = "The provided key element does not match the schema"
		// inExpressions are the faults that DynamoDB finds in expressions, and inRequest those beside them.
		inExpressions = "Invalid (Condition|Filter|Projection|Update|KeyCondition)Expression: .*|Value provided in ExpressionAttribute(Names|Values) unused.*|" +
			"ExpressionAttribute(Names|Values) can only be specified when using expressions.*|Invalid operator used in KeyConditionExpression.*|" +
			"Query condition missed key schema element.*|Query key condition not supported"
		inRequest = wrong + "|Return values set to invalid value|Provided list of item keys contains duplicates|Consistent read cannot be true .*|" +
			"The table does not have the specified index: .*|Transaction request cannot include multiple .*|" + values + ".*|One or more parameter values are not valid.*|" + schema
		minor = "Value provided in ExpressionAttribute(Names|Values) unused.*|.*The expression has redundant parentheses;"
		// inUpdates are the faults that show when an update meets an item.
		inUpdates = "The document path provided in the update expression is invalid for update|An operand in the update expression has .*|" +
			"The provided expression refers to an attribute that does not exist in the item|Transaction request cannot include multiple .*|" +
			"Attempting to store more than 38 significant digits in a Number|DynamoDB only supports precision up to 38 digits"
		either = "(ValidationException|TransactionCanceledException): "
	)
	lastKey := pair("dynamodb-local/last-key", done, done)
	lastKey.when = onlyLastKey
	whole := pair("dynamodb-local/updated-whole", done, done)
	whole.when = partOfWhole
	sees := pair("dynamodb-local/filter-of-index", done, done)
	sees.when = filteredIndex
	several := pair("dynamodb-local/order-of-faults", invalid+"("+inExpressions+")", invalid+"("+inExpressions+")")
	several.when = func(in any, _, _ outcome) bool {
		return reflect.TypeOf(in) == reflect.TypeFor[*awsdynamodb.TransactWriteItemsInput]()
	}
	return []excuse{
		lastKey, whole, sees, several,
		pair("dynamodb-local/consistent", invalid+"Consistent reads are not supported on global secondary indexes", invalid+"Consistent read cannot be true .*"),
		pair("dynamodb-local/values-in-messages", invalid+".*The BETWEEN operator requires .*", invalid+".*The BETWEEN operator requires .*"),
		pair("dynamodb-local/values-in-messages", invalid+".*attribute_type, operand type: .*", invalid+".*attribute_type, operand type: .*"),
		pair("dynamodb-local/values-in-messages", invalid+".*Two document paths .*", invalid+".*Two document paths .*"),
		pair("dynamodb-local/values-in-messages", invalid+values+".* does not project .*", invalid+values+".* does not project .*"),
		pair("dynamodb-local/order-of-faults", invalid+"Query condition missed key schema element: .*", invalid+"Query key condition not supported"),
		pair("dynamodb-local/wrong-key", invalid+schema, either+"("+wrong+")"),
		pair("dynamodb-local/wrong-key", invalid+values+"(Missing the key|Type mismatch for key|Type mismatch for Index Key) .*", invalid+"("+wrong+")"),
		pair("dynamodb-local/same-number", invalid+"Provided list of item keys contains duplicates", done),
		pair("dynamodb-local/same-number", invalid+"Transaction request cannot include multiple operations on one item", done),
		pair("dynamodb-local/return-values", invalid+"ReturnValues can only be ALL_OLD or NONE", invalid+"Return values set to invalid value"),
		pair("dynamodb-local/missed-key", invalid+"Query condition missed key schema element: .*", invalid+"Query condition missed key schema element"),
		pair("dynamodb-local/precision", invalid+"Attempting to store more than 38 significant digits in a Number", invalid+"DynamoDB only supports precision up to 38 digits"),
		pair("dynamodb-local/one-item", invalid+"Transaction request cannot include multiple operations on one item", "TransactionCanceledException: .*"),
		pair("dynamodb-local/validation-in-transaction", "TransactionCanceledException: .*ValidationError.*", invalid+".*"),
		pair("dynamodb-local/validation-in-transaction", "TransactionCanceledException: .*ValidationError.*", either+"("+wrong+")"),
		pair("dynamodb-local/order-of-faults", invalid+"("+inExpressions+")", either+"("+inRequest+"|"+inUpdates+")"),
		pair("dynamodb-local/order-of-faults", invalid+"("+inUpdates+")", either+"("+inUpdates+"|"+wrong+")"),
		pair("dynamodb-local/order-of-faults", invalid+"("+inExpressions+")", invalid+"("+minor+")"),
		pair("dynamodb-local/order-of-faults", invalid+"("+minor+")", invalid+"("+inExpressions+")"),
		pair("dynamodb-local/order-of-faults", invalid+values+"Cannot update attribute .*", "ConditionalCheckFailedException: .*"),
		pair("dynamodb-local/order-of-faults", invalid+schema, invalid+"Provided list of item keys contains duplicates"),
	}
}

// onlyLastKey reports whether a query differs in nothing but where the next page begins.
func onlyLastKey(in any, ours, its outcome) bool {
	query, is := in.(*awsdynamodb.QueryInput)
	return is && query.Limit != nil && cmp.Equal(withoutLastKey(ours.Out), withoutLastKey(its.Out))
}

func withoutLastKey(out any) map[string]any {
	body, _ := out.(map[string]any)
	body = maps.Clone(body)
	delete(body, "LastEvaluatedKey")
	return body
}

// filteredIndex reports whether a scan of an index has a filter, and read as much as the oracle.
func filteredIndex(in any, ours, its outcome) bool {
	scan, is := in.(*awsdynamodb.ScanInput)
	if !is || scan.IndexName == nil || scan.FilterExpression == nil {
		return false
	}
	counts := func(o outcome) int64 { return o.Out.(map[string]any)["counts"].(map[string]int64)["ScannedCount"] }
	return counts(ours) == counts(its)
}

// partOfWhole reports whether an update returned what it changed, where the oracle returned all of the attribute.
func partOfWhole(in any, ours, its outcome) bool {
	update, is := in.(*awsdynamodb.UpdateItemInput)
	if !is || update.ReturnValues != types.ReturnValueUpdatedOld && update.ReturnValues != types.ReturnValueUpdatedNew {
		return false
	}
	return within(ours.Out, its.Out)
}

// within reports whether a value is there in another: members of maps, and elements of lists in their order.
func within(part, whole any) bool {
	switch part := part.(type) {
	case map[string]any:
		members, is := whole.(map[string]any)
		for name, member := range part {
			if !is || !within(member, members[name]) {
				return false
			}
		}
		return true
	case []any:
		elements, _ := whole.([]any)
		for _, element := range part {
			for len(elements) > 0 && !within(element, elements[0]) {
				elements = elements[1:]
			}
			if len(elements) == 0 {
				return false
			}
			elements = elements[1:]
		}
		return true
	}
	return cmp.Equal(part, whole)
}
