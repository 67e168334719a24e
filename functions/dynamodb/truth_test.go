package dynamodb_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"github.com/arngate/arngate/functions/dynamodb/value"
	"github.com/arngate/arngate/shared/problem"
)

// world is a random table with random items. The attributes p, q and c are strings, n and m numbers; d is anything.
type world struct {
	name, partition, sort string
	indexes               []worldIndex
	items                 []map[string]any
}

type worldIndex struct {
	name, partition, sort string
	global, whole         bool
}

var kindsOfKeys = map[string]types.ScalarAttributeType{"p": "S", "q": "S", "c": "S", "n": "N", "m": "N"}

// newWorld draws a table and creates it.
func newWorld(t *rapid.T, b *bench, name string) *world {
	w := &world{name: name, partition: "p", sort: rapid.SampledFrom([]string{"", "n", "q"}).Draw(t, "sort key")}
	for i := range rapid.IntRange(0, 3).Draw(t, "indexes") {
		index := worldIndex{name: fmt.Sprintf("by-%d", i), global: w.sort == "" || rapid.Bool().Draw(t, "global"), partition: "p"}
		if index.global {
			index.partition = rapid.SampledFrom([]string{"q", "c", "m"}).Draw(t, "index partition")
		}
		sorts := slices.DeleteFunc([]string{"n", "m", "c", ""}, func(s string) bool { return s == index.partition || (!index.global && (s == "" || s == w.sort)) })
		index.sort = rapid.SampledFrom(sorts).Draw(t, "index sort")
		index.whole = rapid.Bool().Draw(t, "whole")
		w.indexes = append(w.indexes, index)
	}
	w.create(t, b)
	byKey := map[string]map[string]any{}
	for range rapid.IntRange(0, 16).Draw(t, "items") {
		item := w.drawItem(t)
		byKey[w.identity(item)] = item
	}
	for _, item := range byKey {
		raw, err := json.Marshal(item)
		if err != nil {
			t.Fatal(err)
		}
		attributes, faults := value.DecodeItem(raw, value.Plain, "")
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		if _, err := b.client.PutItem(context.Background(), &awsdynamodb.PutItemInput{TableName: aws.String(name), Item: attributes}); err != nil {
			t.Fatal(err)
		}
		w.items = append(w.items, item)
	}
	return w
}

func (w *world) create(t *rapid.T, b *bench) {
	used := map[string]bool{}
	schema := func(partition, sort string) []types.KeySchemaElement {
		used[partition] = true
		key := []types.KeySchemaElement{{AttributeName: aws.String(partition), KeyType: types.KeyTypeHash}}
		if sort != "" {
			used[sort] = true
			key = append(key, types.KeySchemaElement{AttributeName: aws.String(sort), KeyType: types.KeyTypeRange})
		}
		return key
	}
	in := &awsdynamodb.CreateTableInput{TableName: aws.String(w.name), BillingMode: types.BillingModePayPerRequest, KeySchema: schema(w.partition, w.sort)}
	for _, index := range w.indexes {
		projection := &types.Projection{ProjectionType: types.ProjectionTypeAll}
		if !index.whole {
			projection.ProjectionType = types.ProjectionTypeKeysOnly
		}
		if index.global {
			in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{IndexName: aws.String(index.name), KeySchema: schema(index.partition, index.sort), Projection: projection})
		} else {
			in.LocalSecondaryIndexes = append(in.LocalSecondaryIndexes, types.LocalSecondaryIndex{IndexName: aws.String(index.name), KeySchema: schema(index.partition, index.sort), Projection: projection})
		}
	}
	for name := range used {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: kindsOfKeys[name]})
	}
	if _, err := b.client.CreateTable(context.Background(), in); err != nil {
		t.Fatal(err)
	}
}

var (
	someTexts   = rapid.SampledFrom([]any{"x", "xy", "y", "yx"})
	someNumbers = rapid.SampledFrom([]any{json.Number("-1"), json.Number("0"), json.Number("1"), json.Number("2"), json.Number("10")})
	someValues  = rapid.SampledFrom([]any{
		"", "x", "xy", "yx", json.Number("-1"), json.Number("0"), json.Number("2"), json.Number("10"), true, nil,
		[]any{"x", json.Number("1")},
		[]any{},
		map[string]any{"$binary": "eA=="},
		map[string]any{"$set": []any{"x", "y"}},
		map[string]any{"$set": []any{json.Number("2"), json.Number("1")}},
		map[string]any{"e": "x"},
		map[string]any{"e": []any{"xy", json.Number("2")}},
	})
)

func (w *world) drawItem(t *rapid.T) map[string]any {
	item := map[string]any{}
	for _, name := range []string{"p", "q", "c", "n", "m"} {
		if name != w.partition && name != w.sort && rapid.IntRange(0, 3).Draw(t, "lacks "+name) == 0 {
			continue
		}
		if kindsOfKeys[name] == "N" {
			item[name] = someNumbers.Draw(t, name)
		} else {
			item[name] = someTexts.Draw(t, name)
		}
	}
	if rapid.Bool().Draw(t, "has d") {
		item["d"] = someValues.Draw(t, "d")
	}
	return item
}

// identity is the item's key in the table.
func (w *world) identity(item map[string]any) string {
	return fmt.Sprint(item[w.partition], " ", item[w.sort])
}

// drawTree draws a where tree: mostly such as bind keys, for those are what a planner is for.
func drawTree(t *rapid.T, depth int) map[string]any {
	node := rapid.IntRange(0, 9).Draw(t, "node")
	if depth == 0 || node > 5 {
		return drawLeaf(t)
	}
	children := func() []any {
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "children") {
			list = append(list, drawTree(t, depth-1))
		}
		return list
	}
	switch node {
	case 0:
		return map[string]any{"not": drawTree(t, depth-1)}
	case 1:
		return map[string]any{"any": children()}
	case 2:
		return map[string]any{"all": children()}
	case 3:
		return map[string]any{"all": append(children(), map[string]any{"field": "p", "op": "in", "value": []any{someTexts.Draw(t, "in"), someTexts.Draw(t, "in")}})}
	case 4:
		field := rapid.SampledFrom([]string{"q", "c"}).Draw(t, "bound")
		return map[string]any{"all": append(children(), map[string]any{"field": field, "op": "=", "value": someTexts.Draw(t, "equal")})}
	default:
		both := func() any {
			return map[string]any{"all": []any{map[string]any{"field": "p", "op": "=", "value": someTexts.Draw(t, "equal")}, drawTree(t, depth-1)}}
		}
		return map[string]any{"any": []any{both(), both()}}
	}
}

func drawLeaf(t *rapid.T) map[string]any {
	field := rapid.SampledFrom([]string{"p", "q", "c", "n", "m", "d", "d.e", "d[0]", "missing"}).Draw(t, "field")
	op := rapid.SampledFrom([]string{
		"=", "!=", "<", "<=", ">", ">=", "between", "not_between", "in", "not_in", "begins_with", "not_begins_with", "contains", "not_contains", "ends_with", "exists", "not_exists", "type",
	}).Draw(t, "op")
	leaf := map[string]any{"field": field, "op": op}
	switch strings.TrimPrefix(op, "not_") {
	case "exists":
	case "type":
		leaf["value"] = rapid.SampledFrom([]any{"S", "N", "M", "NS"}).Draw(t, "type")
	case "between":
		leaf["value"] = rapid.SampledFrom([]any{[]any{"x", "xy"}, []any{"", "x"}, []any{json.Number("0"), json.Number("2")}, []any{json.Number("-1"), json.Number("1E1")}}).Draw(t, "bounds")
	case "in":
		leaf["value"] = []any{someValues.Draw(t, "in"), someValues.Draw(t, "in")}
	case "begins_with", "ends_with":
		leaf["value"] = rapid.SampledFrom([]any{"", "x", "y", "yx", map[string]any{"$binary": "eA=="}}).Draw(t, "affix")
	case "contains":
		leaf["value"] = rapid.SampledFrom([]any{"x", "y", json.Number("1"), true}).Draw(t, "part")
	case "=", "!=":
		leaf["value"] = rapid.OneOf(someValues, someTexts, someNumbers).Draw(t, "operand")
	default:
		leaf["value"] = rapid.SampledFrom([]any{"", "x", "xy", json.Number("0"), json.Number("1.0")}).Draw(t, "bound")
	}
	return leaf
}

// TestSearchAgainstTruth: whatever table, indexes, items and tree, a search finds just what the predicate above selects, in the
// order asked for, over pages of any size, and reads no more than it must.
func TestSearchAgainstTruth(t *testing.T) {
	b := newBench(t)
	tables := 0
	rapid.Check(t, func(rt *rapid.T) {
		tables++
		w := newWorld(rt, b, fmt.Sprintf("world-%d", tables))
		defer func() {
			if _, err := b.client.DeleteTable(context.Background(), &awsdynamodb.DeleteTableInput{TableName: aws.String(w.name)}); err != nil {
				rt.Fatal(err)
			}
		}()
		for range 6 {
			s := &truthSearch{bench: b, t: t, world: w, body: map[string]any{"where": drawTree(rt, 3), "explain": true}}
			s.check(rt)
		}
	})
}

// truthSearch is one search of a world.
type truthSearch struct {
	bench *bench
	t     *testing.T
	world *world
	body  map[string]any
}

// foundPage is a page of one.
type foundPage struct {
	Items      []map[string]any `json:"items"`
	NextCursor string           `json:"next_cursor"`
	Stopped    string           `json:"stopped"`
	Count      int              `json:"count"`
	Explain    struct {
		Index  string `json:"index"`
		Scan   bool   `json:"scan"`
		Sparse string `json:"sparse"`
	} `json:"explain"`
}

func (s *truthSearch) where() map[string]any { return s.body["where"].(map[string]any) }

func (s *truthSearch) send(rt *rapid.T) (foundPage, bool) {
	raw, err := json.Marshal(s.body)
	if err != nil {
		rt.Fatal(err)
	}
	a := s.bench.do(s.t, request{method: http.MethodPost, path: "orders/tables/" + s.world.name + "/search", body: string(raw)})
	if a.Status == problem.Lookup(problem.OrderUnsupported).Status && strings.Contains(a.Body, string(problem.OrderUnsupported)) {
		return foundPage{}, false
	}
	if a.Status != http.StatusOK {
		rt.Fatalf("%s: %d %s", raw, a.Status, a.Body)
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(a.Body)))
	decoder.UseNumber()
	var page foundPage
	if err := decoder.Decode(&page); err != nil {
		rt.Fatal(err)
	}
	return page, true
}

func (s *truthSearch) check(rt *rapid.T) {
	if rapid.Bool().Draw(rt, "counted") {
		s.body["count"] = true
		page, _ := s.send(rt)
		if want := s.selected(page); page.Count != len(want) || page.NextCursor != "" {
			rt.Fatalf("%v: counted %d, want %d", s.body, page.Count, len(want))
		}
		s.checkScan(rt, page)
		return
	}
	s.body["limit"] = rapid.IntRange(1, 5).Draw(rt, "limit")
	s.body["consistent"] = rapid.IntRange(0, 3).Draw(rt, "consistent") == 0
	order, descending := "", rapid.Bool().Draw(rt, "descending")
	if rapid.Bool().Draw(rt, "ordered") {
		order = rapid.SampledFrom([]string{"n", "m", "q", "c"}).Draw(rt, "order")
		s.body["order"] = map[string]any{"field": order, "direction": map[bool]string{false: "asc", true: "desc"}[descending]}
	}
	first, items, ok := s.read(rt)
	if !ok {
		if order == s.world.sort && binds(s.where(), s.world.partition, false) {
			rt.Fatalf("%v: the table's own order is refused", s.body)
		}
		return
	}
	want := s.selected(first)
	for _, item := range items {
		original := want[s.world.identity(item)]
		if original == nil || !equal(original, item) {
			rt.Fatalf("%v on %+v: found %v, which is %v", s.body, first.Explain, item, original)
		}
		delete(want, s.world.identity(item))
	}
	if len(want) > 0 {
		rt.Fatalf("%v on %+v of %+v: %v were not found", s.body, first.Explain, s.world.indexes, want)
	}
	inOrder := slices.IsSortedFunc(items, func(a, b map[string]any) int {
		order, _ := ordered(a[order], b[order])
		if descending {
			return -order
		}
		return order
	})
	if order != "" && !inOrder {
		rt.Fatalf("%v: not in order: %v", s.body, items)
	}
	s.checkScan(rt, first)
}

// read reads all pages.
func (s *truthSearch) read(rt *rapid.T) (first foundPage, items []map[string]any, ok bool) {
	limit := s.body["limit"].(int)
	for n := 0; ; n++ {
		page, ok := s.send(rt)
		if !ok {
			return page, nil, false
		}
		if n == 0 {
			first = page
		}
		items = append(items, page.Items...)
		if len(page.Items) > limit || (page.Stopped == "end") != (page.NextCursor == "") || (len(page.Items) < limit && page.Stopped != "end") {
			rt.Fatalf("%v: stopped by %s after %d of %d, cursor %q", s.body, page.Stopped, len(page.Items), limit, page.NextCursor)
		}
		if page.NextCursor == "" {
			return first, items, true
		}
		s.body["cursor"] = page.NextCursor
	}
}

// selected are the items that the search is to find, by key. What a sparse index can't show, the answer says.
func (s *truthSearch) selected(page foundPage) map[string]map[string]any {
	want := map[string]map[string]any{}
	for _, item := range s.world.items {
		_, held := item[page.Explain.Sparse]
		if holds(s.where(), item) && (page.Explain.Sparse == "" || held) {
			want[s.world.identity(item)] = item
		}
	}
	return want
}

// checkScan fails if everything was read although a key was bound on every branch, of the table or of an index that holds
// whole items and that the tree can't find less by.
func (s *truthSearch) checkScan(rt *rapid.T, page foundPage) {
	if !page.Explain.Scan {
		return
	}
	if binds(s.where(), s.world.partition, false) {
		rt.Fatalf("%v scans, and the table's key is bound", s.body)
	}
	for _, index := range s.world.indexes {
		usable := index.whole && index.global && s.body["consistent"] != true
		exact := index.sort == "" || index.sort == s.world.sort || !mentions(s.where(), index.sort)
		if usable && exact && binds(s.where(), index.partition, false) {
			rt.Fatalf("%v scans, and the key of %+v is bound", s.body, index)
		}
	}
}
