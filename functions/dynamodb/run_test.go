package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/arngate/arngate/functions/dynamodb/plan"
	"github.com/arngate/arngate/functions/dynamodb/value"
	"github.com/arngate/arngate/shared/localaws/localawstest"
)

// The table of these tests: key (pk S, sk N); a global index "by-a" on (a S, b N) with whole items, one
// "by-c" on c alone with keys only, and a local one "by-b" on (pk, b) with keys only. All kinds of values
// appear in d.
const truthTable = "truth"

func createTruthTable(t *testing.T, client *awsdynamodb.Client) {
	t.Helper()
	key := func(partition, sort string) []types.KeySchemaElement {
		schema := []types.KeySchemaElement{{AttributeName: aws.String(partition), KeyType: types.KeyTypeHash}}
		if sort != "" {
			schema = append(schema, types.KeySchemaElement{AttributeName: aws.String(sort), KeyType: types.KeyTypeRange})
		}
		return schema
	}
	attribute := func(name string, kind types.ScalarAttributeType) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: kind}
	}
	_, err := client.CreateTable(t.Context(), &awsdynamodb.CreateTableInput{
		TableName: aws.String(truthTable), BillingMode: types.BillingModePayPerRequest,
		KeySchema:            key("pk", "sk"),
		AttributeDefinitions: []types.AttributeDefinition{attribute("pk", "S"), attribute("sk", "N"), attribute("a", "S"), attribute("b", "N"), attribute("c", "S")},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{
			{IndexName: aws.String("by-a"), KeySchema: key("a", "b"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll}},
			{IndexName: aws.String("by-c"), KeySchema: key("c", ""), Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}},
		},
		LocalSecondaryIndexes: []types.LocalSecondaryIndex{
			{IndexName: aws.String("by-b"), KeySchema: key("pk", "b"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestTrap24SearchFindsJustWhatMatches holds plan and run against the local AWS.
func TestTrap24SearchFindsJustWhatMatches(t *testing.T) {
	local := localawstest.Start(t)
	truth(t, awsdynamodb.NewFromConfig(local.Config(local.Account("123456789012"))))
}

// truthDescription is that table for the planner.
func truthDescription() plan.Table {
	pk, sk := plan.Attribute{Name: "pk", Type: "S"}, plan.Attribute{Name: "sk", Type: "N"}
	a, b, c := plan.Attribute{Name: "a", Type: "S"}, plan.Attribute{Name: "b", Type: "N"}, plan.Attribute{Name: "c", Type: "S"}
	return plan.Table{Key: plan.Key{Partition: pk, Sort: sk}, Indexes: []plan.Index{
		{Name: "by-a", Key: plan.Key{Partition: a, Sort: b}, Global: true, Usable: true, All: true},
		{Name: "by-c", Key: plan.Key{Partition: c}, Global: true, Usable: true},
		{Name: "by-b", Key: plan.Key{Partition: pk, Sort: b}, Usable: true},
	}}
}

var (
	texts   = rapid.SampledFrom([]string{"x", "xy", "y", "yx"})
	numbers = rapid.SampledFrom([]string{"-1", "0", "1", "2", "10"})
)

// anyOf draws a JSON value of any type from a small world, so that equality and order meet often.
func anyOf(t *rapid.T) string {
	return rapid.SampledFrom([]string{
		`""`, `"x"`, `"xy"`, `"y"`, `"yx"`, `-1`, `0`, `1`, `2`, `10`, `1.0`, `true`, `null`, `{"$binary":"eA=="}`, `{"$binary":"eHk="}`,
		`{"$set":["x","y"]}`, `{"$set":[1,2]}`, `{"$set":[2,1]}`, `["x",1]`, `[]`, `{"e":"x"}`, `{"e":["xy",2]}`,
	}).Draw(t, "value")
}

// itemOf draws an item of the truth table as plain JSON.
func itemOf(t *rapid.T) string {
	parts := []string{fmt.Sprintf(`"pk":%q,"sk":%s`, texts.Draw(t, "pk"), numbers.Draw(t, "sk"))}
	if rapid.Bool().Draw(t, "has a") {
		parts = append(parts, fmt.Sprintf(`"a":%q`, texts.Draw(t, "a")))
	}
	if rapid.IntRange(0, 3).Draw(t, "has b") > 0 {
		parts = append(parts, `"b":`+numbers.Draw(t, "b"))
	}
	if rapid.Bool().Draw(t, "has c") {
		parts = append(parts, fmt.Sprintf(`"c":%q`, texts.Draw(t, "c")))
	}
	if rapid.Bool().Draw(t, "has d") {
		parts = append(parts, `"d":`+anyOf(t))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// whereOf draws a where tree as JSON.
func whereOf(t *rapid.T, depth int) string {
	kind := rapid.IntRange(0, 7).Draw(t, "node")
	if depth == 0 || kind > 4 {
		return leafOf(t)
	}
	list := func() string {
		n := rapid.IntRange(0, 3).Draw(t, "children")
		var children []string
		for range n {
			children = append(children, whereOf(t, depth-1))
		}
		return "[" + strings.Join(children, ",") + "]"
	}
	switch kind {
	case 0:
		return `{"not":` + whereOf(t, depth-1) + `}`
	case 1:
		return `{"any":` + list() + `}`
	case 2: // what planners live on
		return fmt.Sprintf(`{"all":[{"field":"pk","op":"in","value":[%q,%q]},%s]}`, texts.Draw(t, "in"), texts.Draw(t, "in"), whereOf(t, depth-1))
	case 3:
		return fmt.Sprintf(`{"all":[{"field":"a","op":"=","value":%q},%s]}`, texts.Draw(t, "a"), whereOf(t, depth-1))
	default:
		return `{"all":` + list() + `}`
	}
}

func leafOf(t *rapid.T) string {
	field := rapid.SampledFrom([]string{`"pk"`, `"sk"`, `"a"`, `"b"`, `"c"`, `"d"`, `"d.e"`, `"d[0]"`, `["d","e",0]`, `"pk.x"`, `"missing"`}).Draw(t, "field")
	op := rapid.SampledFrom([]string{"=", "!=", "<", "<=", ">", ">=", "between", "not_between", "in", "not_in", "begins_with", "not_begins_with", "contains", "not_contains", "ends_with", "exists", "not_exists", "type"}).Draw(t, "op")
	operand := ""
	switch op {
	case "exists", "not_exists":
	case "type":
		operand = rapid.SampledFrom([]string{`"S"`, `"N"`, `"M"`, `"NS"`}).Draw(t, "type")
	case "between", "not_between":
		operand = rapid.SampledFrom([]string{`["x","xy"]`, `["","x"]`, `["",""]`, `["x","x"]`, `[0,2]`, `[-1,10]`, `[1,1.0]`}).Draw(t, "bounds")
	case "in", "not_in":
		operand = "[" + anyOf(t) + "," + anyOf(t) + "]"
	case "begins_with", "not_begins_with", "ends_with":
		operand = rapid.SampledFrom([]string{`""`, `"x"`, `"y"`, `"yx"`, `{"$binary":"eA=="}`}).Draw(t, "affix")
	case "contains", "not_contains":
		operand = rapid.SampledFrom([]string{`"x"`, `"y"`, `1`, `true`, `{"$binary":"eA=="}`}).Draw(t, "part")
	case "=", "!=":
		operand = anyOf(t)
	default:
		operand = rapid.SampledFrom([]string{`""`, `"x"`, `"xy"`, `0`, `1`, `{"$binary":"eA=="}`}).Draw(t, "bound")
	}
	if operand == "" {
		return fmt.Sprintf(`{"field":%s,"op":%q}`, field, op)
	}
	return fmt.Sprintf(`{"field":%s,"op":%q,"value":%s}`, field, op, operand)
}

// truth runs random searches over random small tables, and compares with what the where tree says of each
// item of the table. Every search is read in pages, each of which goes through a cursor's positions.
func truth(t *testing.T, client *awsdynamodb.Client) {
	t.Helper()
	createTruthTable(t, client)
	rapid.Check(t, func(t *rapid.T) {
		items := replaceItems(t, client)
		for range 8 {
			raw := whereOf(t, 3)
			where, faults := plan.DecodeWhere([]byte(raw), value.Plain, "/where")
			if len(faults) > 0 {
				t.Fatalf("%s: %v", raw, faults)
			}
			r := plan.Request{Where: where, Index: plan.IndexAuto}
			if rapid.Bool().Draw(t, "fields") {
				r.Fields = []plan.Path{{{Name: "pk"}}, {{Name: "sk"}}, {{Name: "d"}, {Name: "e"}}}
			}
			if rapid.Bool().Draw(t, "ordered") {
				name := rapid.SampledFrom([]string{"sk", "b"}).Draw(t, "order")
				r.Order = &plan.Order{Field: plan.Path{{Name: name}}, Descending: rapid.Bool().Draw(t, "descending")}
			}
			checkSearch(t, client, raw, r, items)
		}
	})
}

func replaceItems(t *rapid.T, client *awsdynamodb.Client) []value.Item {
	ctx := context.Background()
	old, err := client.Scan(ctx, &awsdynamodb.ScanInput{TableName: aws.String(truthTable), ProjectionExpression: aws.String("pk, sk")})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range old.Items {
		if _, err := client.DeleteItem(ctx, &awsdynamodb.DeleteItemInput{TableName: aws.String(truthTable), Key: key}); err != nil {
			t.Fatal(err)
		}
	}
	byKey := map[string]value.Item{}
	for range rapid.IntRange(0, 14).Draw(t, "items") {
		item, faults := value.DecodeItem([]byte(itemOf(t)), value.Plain, "")
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		byKey[spell(t, value.Item{"pk": item["pk"], "sk": item["sk"]})] = item
	}
	var items []value.Item
	for _, item := range byKey {
		if _, err := client.PutItem(ctx, &awsdynamodb.PutItemInput{TableName: aws.String(truthTable), Item: item}); err != nil {
			t.Fatal(err)
		}
		items = append(items, item)
	}
	return items
}

func checkSearch(t *rapid.T, client *awsdynamodb.Client, raw string, r plan.Request, items []value.Item) {
	p, err := plan.Make(truthDescription(), r)
	if refusal, ok := errors.AsType[*plan.RefusedError](err); ok && refusal.Order {
		return
	}
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	var want []string
	for _, item := range items {
		if _, in := item[p.Sparse]; r.Where.Matches(item) && (p.Sparse == "" || in) {
			want = append(want, shaped(t, item, r.Fields))
		}
	}
	limit := rapid.IntRange(1, 4).Draw(t, "limit")
	var got []string
	var sorts []types.AttributeValue
	var from []position
	for {
		s := newSearch(p, direct{client: client, table: truthTable}, limit, from)
		n := 0
		s.emit = func(item value.Item) (bool, error) {
			if p.MergeBy != "" {
				sorts = append(sorts, item[p.MergeBy])
			}
			got = append(got, spell(t, p.Shape(item)))
			n++
			return true, nil
		}
		stopped, err := s.run(context.Background())
		if err != nil {
			t.Fatalf("%s: %+v: %v", raw, p, err)
		}
		if n > limit || (n < limit && stopped != stoppedEnd) {
			t.Fatalf("%s: stopped by %s after %d of %d", raw, stopped, n, limit)
		}
		if from = s.positions(); (from == nil) != (stopped == stoppedEnd) {
			t.Fatalf("%s: stopped by %s, and goes on at %v", raw, stopped, from)
		}
		if from == nil {
			break
		}
	}
	ordered := slices.IsSortedFunc(sorts, func(a, b types.AttributeValue) int {
		order, _ := value.Compare(a, b)
		if p.Descending {
			order = -order
		}
		return order
	})
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || !ordered {
		t.Fatalf("%s on %q: %+v: ordered %t, %s", raw, p.Index, p.Reads, ordered, diff)
	}
	checkCount(t, client, raw, r, items)
}

// checkCount counts the same: without fields, another index may do.
func checkCount(t *rapid.T, client *awsdynamodb.Client, raw string, r plan.Request, items []value.Item) {
	r.Count, r.Fields, r.Order = true, nil, nil
	p, err := plan.Make(truthDescription(), r)
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	want := 0
	for _, item := range items {
		if _, in := item[p.Sparse]; r.Where.Matches(item) && (p.Sparse == "" || in) {
			want++
		}
	}
	s := newSearch(p, direct{client: client, table: truthTable}, 0, nil)
	s.emit = func(value.Item) (bool, error) { return true, nil }
	if stopped, err := s.run(context.Background()); err != nil || stopped != stoppedEnd || s.taken != want {
		t.Fatalf("%s on %q: %+v: counted %d, want %d; stopped by %s, %v", raw, p.Index, p.Reads, s.taken, want, stopped, err)
	}
}

// shaped is item cut to fields the obvious way, for the fields that these tests ask for.
func shaped(t *rapid.T, item value.Item, fields []plan.Path) string {
	if fields == nil {
		return spell(t, item)
	}
	cut := value.Item{"pk": item["pk"], "sk": item["sk"]}
	if m, ok := item["d"].(*types.AttributeValueMemberM); ok {
		if e, ok := m.Value["e"]; ok {
			cut["d"] = &types.AttributeValueMemberM{Value: value.Item{"e": e}}
		}
	}
	return spell(t, cut)
}

// spell writes an item as JSON, sets sorted, numbers in one form.
func spell(t *rapid.T, item value.Item) string {
	text, err := value.NewEncoder(value.Plain).AppendItem(nil, item)
	if err != nil {
		t.Fatal(err)
	}
	replaced := strings.NewReplacer("1.0", "1", `{"$set":["y","x"]}`, `{"$set":["x","y"]}`, `{"$set":[2,1]}`, `{"$set":[1,2]}`)
	return replaced.Replace(string(text))
}

func TestAnItemIsReadConsistentlyByItsWholeKey(t *testing.T) {
	key := value.Item{"pk": &types.AttributeValueMemberS{Value: "x"}, "sk": &types.AttributeValueMemberN{Value: "1"}}
	q, faults := itemQuery(truthDescription().Key, key)
	if len(faults) > 0 || !aws.ToBool(q.ConsistentRead) || aws.ToInt32(q.Limit) != 1 || aws.ToString(q.KeyConditionExpression) != "#0 = :0 AND #1 = :1" {
		t.Errorf("itemQuery = %+v, %v", q, faults)
	}
	delete(key, "sk")
	if _, faults := itemQuery(truthDescription().Key, key); len(faults) != 1 || faults[0].Pointer != "query.key/sk" {
		t.Errorf("without the sort key: %v", faults)
	}
	key[""] = &types.AttributeValueMemberS{Value: "x"}
	if _, faults := itemQuery(plan.Key{Partition: plan.Attribute{Name: "pk", Type: "S"}}, key); len(faults) != 1 || faults[0].Pointer != "query.key/" {
		t.Errorf("with an attribute without a name: %v", faults)
	}
}
