package dynamodb_test

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"
)

// sortKeys are the numbers sk of items, as they are written.
func sortKeys(items []item) []string {
	keys := make([]string, len(items))
	for i, it := range items {
		keys[i] = it["sk"].(*types.AttributeValueMemberN).Value
	}
	return keys
}

// ofA queries the partition a.
func ofA() *awsdynamodb.QueryInput {
	return &awsdynamodb.QueryInput{
		TableName: aws.String("Orders"), KeyConditionExpression: aws.String("pk = :pk"), ExpressionAttributeValues: item{":pk": str("a")},
	}
}

func TestTrap24LimitBeforeFilter(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	for i := range 5 {
		l.put(t, table, item{"pk": str("a"), "sk": num(strconv.Itoa(i)), "x": num(strconv.Itoa(i % 2))})
	}
	q := ofA()
	q.Limit, q.FilterExpression = aws.Int32(1), aws.String("x = :one")
	q.ExpressionAttributeValues[":one"] = num("1")
	got, err := l.Query(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if got.Count != 0 || got.ScannedCount != 1 {
		t.Errorf("got %d of %d, want an empty page of one", got.Count, got.ScannedCount)
	}
	wantEqual(t, got.LastEvaluatedKey, key("a", "0"))

	var found []string
	for pages := awsdynamodb.NewQueryPaginator(l, q); pages.HasMorePages(); {
		p, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, sortKeys(p.Items)...)
	}
	wantEqual(t, found, []string{"1", "3"})
}

func TestTrap25SortKeysAreNumbers(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	for _, n := range []string{"10", "9", "-1", "-10", "0", "1e-130", "0.5", "9e125", "-9e125"} {
		l.put(t, table, key("a", n))
	}
	got, err := l.Query(t.Context(), ofA())
	if err != nil {
		t.Fatal(err)
	}
	short := make([]string, len(got.Items))
	for i, k := range sortKeys(got.Items) {
		f, _ := new(big.Float).SetString(k)
		short[i] = f.Text('g', 4)
	}
	wantEqual(t, short, []string{"-9e+125", "-10", "-1", "0", "1e-130", "0.5", "9", "10", "9e+125"})
}

// TestQueryAgreesWithSorting compares ranges, directions and pages of queries with sorting and filtering all items.
func TestQueryAgreesWithSorting(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	var all []int
	for i := -12; i <= 12; i += 3 {
		all = append(all, i)
		l.put(t, table, key("a", strconv.Itoa(i)), key("b", strconv.Itoa(i+1)))
	}
	holds := map[string]func(n, low, high int) bool{
		"=":       func(n, low, _ int) bool { return n == low },
		"<":       func(n, low, _ int) bool { return n < low },
		"<=":      func(n, low, _ int) bool { return n <= low },
		">":       func(n, low, _ int) bool { return n > low },
		">=":      func(n, low, _ int) bool { return n >= low },
		"BETWEEN": func(n, low, high int) bool { return low <= n && n <= high },
	}
	rapid.Check(t, func(r *rapid.T) {
		operator := rapid.SampledFrom([]string{"=", "<", "<=", ">", ">=", "BETWEEN"}).Draw(r, "operator")
		low := rapid.IntRange(-14, 14).Draw(r, "low")
		high := rapid.IntRange(low, 14).Draw(r, "high")
		descending := rapid.Bool().Draw(r, "descending")
		q := ofA()
		q.KeyConditionExpression = aws.String("pk = :pk AND sk " + operator + " :low")
		q.ExpressionAttributeValues[":low"] = num(strconv.Itoa(low))
		if operator == "BETWEEN" {
			q.KeyConditionExpression = aws.String("pk = :pk AND sk BETWEEN :low AND :high")
			q.ExpressionAttributeValues[":high"] = num(strconv.Itoa(high))
		}
		q.ScanIndexForward = aws.Bool(!descending)
		q.Limit = aws.Int32(int32(rapid.IntRange(1, 5).Draw(r, "limit"))) //nolint:gosec // small
		var want []string
		for _, n := range all {
			if holds[operator](n, low, high) {
				want = append(want, strconv.Itoa(n))
			}
		}
		if descending {
			slices.Reverse(want)
		}
		var got []string
		for pages := awsdynamodb.NewQueryPaginator(l, q); pages.HasMorePages(); {
			p, err := pages.NextPage(t.Context())
			if err != nil {
				r.Fatal(err)
			}
			got = append(got, sortKeys(p.Items)...)
		}
		if !slices.Equal(got, want) {
			r.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestPagesThatEndARange(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	l.put(t, table, key("a", "1"), key("a", "2"), key("a", "3"))
	for _, c := range []struct {
		condition  string
		descending bool
		more       bool
	}{
		{"pk = :pk", false, true}, // DynamoDB can't know that the third is the last
		{"pk = :pk AND sk BETWEEN :one AND :three", false, false},
		{"pk = :pk AND sk BETWEEN :one AND :three", true, false},
		{"pk = :pk AND sk <= :three", false, false},
		{"pk = :pk AND sk < :four", false, true},
		{"pk = :pk AND sk >= :one", true, false},
		{"pk = :pk AND sk >= :one", false, true},
	} {
		q := ofA()
		q.KeyConditionExpression, q.ScanIndexForward, q.Limit = &c.condition, aws.Bool(!c.descending), aws.Int32(3)
		for name, n := range map[string]string{":one": "1", ":three": "3", ":four": "4"} {
			if strings.Contains(c.condition, name) {
				q.ExpressionAttributeValues[name] = num(n)
			}
		}
		got, err := l.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if more := got.LastEvaluatedKey != nil; got.Count != 3 || more != c.more {
			t.Errorf("%s, descending %v: got %d, more %v, want 3, %v", c.condition, c.descending, got.Count, more, c.more)
		}
	}
}

func TestTrap28CountsAndProjections(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	l.put(t, table, item{"pk": str("a"), "sk": num("1"), "x": str("x"), "holder": str("h"), "height": num("1"), "title": str("t"), "tag": bin(1)})
	q := ofA()
	q.Select = types.SelectCount
	got, err := l.Query(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if got.Count != 1 || got.Items != nil {
		t.Errorf("got %d and %v, want a count of 1 and no items", got.Count, got.Items)
	}
	for _, c := range []struct {
		index, selection, projection string
		want                         item
	}{
		{"", "", "x, zz", item{"x": str("x")}},
		{"byTag", "", "", item{"pk": str("a"), "sk": num("1"), "tag": bin(1)}},
		{"byTag", "", "x", item{"x": str("x")}}, // fetched from the table
		{"byTag", "ALL_ATTRIBUTES", "", item{"pk": str("a"), "sk": num("1"), "x": str("x"), "holder": str("h"), "height": num("1"), "title": str("t"), "tag": bin(1)}},
		{"byHolder", "", "", item{"pk": str("a"), "sk": num("1"), "holder": str("h"), "height": num("1"), "title": str("t")}},
		{"byHolder", "", "title, pk", item{"title": str("t"), "pk": str("a")}},
	} {
		q := ofA()
		if c.index != "" {
			q.IndexName = &c.index
		}
		if c.index == "byHolder" {
			q.KeyConditionExpression, q.ExpressionAttributeValues = aws.String("holder = :h"), item{":h": str("h")}
		}
		if c.projection != "" {
			q.ProjectionExpression = &c.projection
		}
		q.Select = types.Select(c.selection)
		got, err := l.Query(t.Context(), q)
		if err != nil {
			t.Errorf("%v: %v", c, err)
			continue
		}
		wantEqual(t, got.Items, []item{c.want})
	}
}

func TestTrap29NoFilterOnKeys(t *testing.T) {
	l := start(t)
	l.orders(t)
	q := ofA()
	q.FilterExpression = aws.String("x = :pk AND sk = :pk")
	_, err := l.Query(t.Context(), q)
	wantInvalid(t, err, "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk")
	_, err = l.Scan(t.Context(), &awsdynamodb.ScanInput{
		TableName: q.TableName, FilterExpression: aws.String("pk = :pk"), ExpressionAttributeValues: q.ExpressionAttributeValues,
	})
	if err != nil {
		t.Errorf("a scan may filter on keys: %v", err)
	}
}

func TestKeyConditionsThatDoNotFit(t *testing.T) {
	l := start(t)
	l.orders(t)
	for condition, want := range map[string]string{
		"pk > :pk":               "Query key condition not supported",
		"x = :pk":                "Query condition missed key schema element: pk",
		"pk = :pk AND x = :pk":   "Query condition missed key schema element: sk",
		"pk = :pk AND sk = :pk":  "One or more parameter values were invalid: Condition parameter type does not match schema type",
		"pk.x = :pk":             "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: pk",
		"pk = :pk AND x.y = :pk": "KeyConditionExpressions cannot have conditions on nested attributes",
	} {
		q := ofA()
		q.KeyConditionExpression = &condition
		_, err := l.Query(t.Context(), q)
		wantInvalid(t, err, want)
	}
	q := ofA()
	q.KeyConditionExpression, q.ExpressionAttributeValues = nil, nil
	_, err := l.Query(t.Context(), q)
	wantInvalid(t, err, "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	q = ofA()
	q.IndexName = aws.String("byNothing")
	_, err = l.Query(t.Context(), q)
	wantInvalid(t, err, "The table does not have the specified index: byNothing")
	q = ofA()
	q.ExclusiveStartKey = key("b", "1")
	_, err = l.Query(t.Context(), q)
	wantInvalid(t, err, "The provided starting key is outside query boundaries based on provided conditions")
	q.KeyConditionExpression, q.ExclusiveStartKey = aws.String("pk = :pk AND sk > :five"), key("a", "1")
	q.ExpressionAttributeValues[":five"] = num("5")
	_, err = l.Query(t.Context(), q)
	wantInvalid(t, err, "The provided starting key does not match the range key predicate")
}

func TestPagesEndAtAMegabyte(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	for i := range 12 {
		l.put(t, table, item{"pk": str("a"), "sk": num(strconv.Itoa(i)), "x": str(strings.Repeat("x", 100_000))})
	}
	q := ofA()
	q.Select, q.ReturnConsumedCapacity = types.SelectCount, types.ReturnConsumedCapacityTotal
	got, err := l.Query(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	// The eleventh item passes the megabyte: 1,100,000 bytes and the keys are 269 blocks of 4 KB, half a unit each.
	wantEqual(t, []any{got.Count, got.LastEvaluatedKey, *got.ConsumedCapacity.CapacityUnits}, []any{int32(11), key("a", "10"), 134.5})
}

func TestScanSegmentsPartitionTheTable(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	var want []string
	for i := range 60 {
		pk := fmt.Sprintf("p%02d", i)
		l.put(t, table, key(pk, "1"), key(pk, "2"))
		want = append(want, pk, pk)
	}
	for _, total := range []int32{1, 2, 7, 1_000_000} {
		var got []string
		for segment := range min(total, 7) {
			pages := awsdynamodb.NewScanPaginator(l, &awsdynamodb.ScanInput{
				TableName: &table, Segment: aws.Int32(segment), TotalSegments: aws.Int32(total), Limit: aws.Int32(5),
			})
			for pages.HasMorePages() {
				p, err := pages.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, it := range p.Items {
					got = append(got, it["pk"].(*types.AttributeValueMemberS).Value)
				}
			}
		}
		slices.SortFunc(got, cmp.Compare[string])
		if total <= 7 {
			wantEqual(t, got, want)
		}
	}
	for want, in := range map[string]*awsdynamodb.ScanInput{
		"The TotalSegments parameter is required but was not present in the request when Segment parameter is present": {Segment: aws.Int32(0)},
		"The Segment parameter is required but was not present in the request when parameter TotalSegments is present": {TotalSegments: aws.Int32(2)},
		"The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 2 is not less than TotalSegments: 2": {
			Segment: aws.Int32(2), TotalSegments: aws.Int32(2),
		},
	} {
		in.TableName = &table
		_, err := l.Scan(t.Context(), in)
		wantInvalid(t, err, want)
	}
}

func TestSelectionsThatContradict(t *testing.T) {
	l := start(t)
	table := l.orders(t)
	for want, in := range map[string]*awsdynamodb.ScanInput{
		"Cannot specify the ProjectionExpression when choosing to get only the Count":                                                       {Select: types.SelectCount, ProjectionExpression: aws.String("x")},
		"Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES":                                                       {Select: types.SelectAllAttributes, ProjectionExpression: aws.String("x")},
		"ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName":                                                        {Select: types.SelectAllProjectedAttributes},
		"Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES":                                 {Select: types.SelectSpecificAttributes},
		"1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1": {Limit: aws.Int32(0)},
	} {
		in.TableName = &table
		_, err := l.Scan(t.Context(), in)
		wantInvalid(t, err, want)
	}
}
