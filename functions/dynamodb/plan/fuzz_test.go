package plan_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/functions/dynamodb/plan"
	"github.com/arngate/arngate/functions/dynamodb/value"
	"github.com/arngate/arngate/shared/localaws/dynamodb/expression"
	localvalue "github.com/arngate/arngate/shared/localaws/dynamodb/value"
)

// found are the items among which the fuzz tests search.
var found = []string{
	`{"id":"1","customer":"a","placed":"2026-01","total":5,"note":"x!","tags":{"$set":["a","b"]},"lines":[{"sku":"a"},1],"a.b":{"c":null},"status":"open"}`,
	`{"id":"2","customer":"a","status":"open","total":0.5,"bin":{"$binary":"AAE="},"none":null,"yes":true,"ns":{"$set":[1,2]}}`,
	`{"id":"3","customer":1,"placed":"","order":"o","n":7,"size":{"name":["a"]}}`,
	`{"id":"4"}`,
}

func decoded(t *testing.T, raw string) value.Item {
	t.Helper()
	item, faults := value.DecodeItem([]byte(raw), value.Plain, "")
	if len(faults) > 0 {
		t.Fatalf("%s: %v", raw, faults)
	}
	return item
}

// local is an item, or what placeholders stand for, as the local AWS has it. Nil stays nil. It is not ok if DynamoDB takes no such
// values, wherever they stand.
func local(t *testing.T, item value.Item) (_ localvalue.Item, ok bool) {
	t.Helper()
	if item == nil {
		return nil, true
	}
	text, err := value.NewEncoder(value.Typed).AppendItem(nil, item)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	decoded, err := localvalue.DecodeItem(tree)
	return decoded, err == nil
}

// scopeOf has the placeholders of an expression; nil if DynamoDB takes no such values.
func scopeOf(t *testing.T, names map[string]string, values value.Item) *expression.Scope {
	t.Helper()
	taken, ok := local(t, values)
	if !ok {
		return nil
	}
	scope, err := expression.NewScope(names, taken)
	if err != nil {
		t.Fatal(err)
	}
	return scope
}

// understood is a read as DynamoDB understands it: what is none of its own words fails the test, and so does a placeholder that is
// in no expression.
type understood struct {
	key    []expression.KeyTerm
	filter *expression.Predicate
}

func understand(t *testing.T, r plan.Read, scope *expression.Scope) (u understood) {
	t.Helper()
	var err error
	if r.KeyCondition != "" {
		if u.key, err = expression.ParseKeyCondition(r.KeyCondition, scope); err != nil {
			t.Fatalf("%s: %v", r.KeyCondition, err)
		}
	}
	if r.Filter != "" {
		if u.filter, err = expression.ParsePredicate(expression.Filter, r.Filter, scope); err != nil {
			t.Fatalf("%s: %v", r.Filter, err)
		}
	}
	if r.Projection != "" {
		if _, err := expression.ParseProjection(r.Projection, scope); err != nil {
			t.Fatalf("%s: %v", r.Projection, err)
		}
	}
	if err := scope.Unused(); err != nil {
		t.Fatal(err)
	}
	return u
}

// finds says whether DynamoDB returns an item that is in the index.
func (u understood) finds(item localvalue.Item) bool {
	return (u.filter == nil || u.filter.Holds(item)) && !slices.ContainsFunc(u.key, func(term expression.KeyTerm) bool {
		v, there := term.Path.Get(item)
		return !there || !term.Holds(v)
	})
}

// indexed says whether the item is in the index: it has the index's key.
func indexed(table plan.Table, index string, item value.Item) bool {
	i := slices.IndexFunc(table.Indexes, func(i plan.Index) bool { return i.Name == index })
	if i < 0 {
		return true
	}
	for _, a := range []plan.Attribute{table.Indexes[i].Key.Partition, table.Indexes[i].Key.Sort} {
		s, isString := item[a.Name].(*types.AttributeValueMemberS)
		if a.Name != "" && (value.Kind(item[a.Name]) != a.Type || isString && s.Value == "") {
			return false
		}
	}
	return true
}

// Whatever is searched for, the reads that are to find it are in DynamoDB's words, and find exactly that, where its index has it.
func FuzzDecodeWhere(f *testing.F) {
	for _, seed := range []string{
		`{"all":[{"field":"customer","op":"in","value":["a",1]},{"not":{"field":["a.b",0],"op":"ends_with","value":"x"}}]}`,
		`{"any":[{"field":"id","op":"=","value":"1"},{"all":[{"field":"id","op":"in","value":["2","3"]},{"field":"total","op":"<","value":1e0}]}]}`,
		`{"all":[{"field":"customer","op":"=","value":"a"},{"field":"placed","op":"begins_with","value":"2026"},{"field":"note","op":"ends_with","value":"!"}]}`,
		`{"all":[{"field":"status","op":"=","value":"open"},{"field":"total","op":"not_between","value":[0.5,4]}]}`,
		`{"field":["size","name",0],"op":"contains","value":"a"}`, `{"field":"tags","op":"=","value":{"$set":["b","a"]}}`, `{"field":"none","op":"type","value":"NULL"}`,
		`{"field":"bin","op":"begins_with","value":{"$binary":"AA=="}}`, `{"not":{"any":[{"field":"lines[0].sku","op":"!=","value":"a"},{"all":[]}]}}`,
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, raw []byte, some bool) {
		c, faults := plan.DecodeWhere(raw, value.Plain, "")
		if len(faults) > 0 {
			return
		}
		request := plan.Request{Where: c, Index: plan.IndexAuto}
		if some {
			request.Fields = []plan.Path{{{Name: "total"}}, {{Name: "a.b"}, {Name: "c"}}}
		}
		p, err := plan.Make(orders, request)
		if err != nil {
			t.Fatal(err)
		}
		reads := make([]understood, len(p.Reads))
		for i, r := range p.Reads {
			scope := scopeOf(t, r.Names, r.Values)
			if scope == nil {
				return
			}
			reads[i] = understand(t, r, scope)
		}
		for _, text := range found {
			item := decoded(t, text)
			there, _ := local(t, item)
			want := c.Matches(item)
			times := 0
			for i, r := range reads {
				if indexed(orders, p.Index, item) && r.finds(there) && p.Reads[i].Residual.Matches(item) {
					times++
				}
			}
			if want != (times == 1) && (!want || p.Sparse == "") || times > 1 {
				t.Errorf("%s matches %s: %t, and %d reads find it: %q", raw, text, want, times, spell(p))
			}
		}
	})
}

// An update of any fields is in DynamoDB's words, and changes none but those.
func FuzzDecodeChanges(f *testing.F) {
	f.Add([]byte(`{"a.b[0]":{"$set":[1]}}`), "add")
	f.Add([]byte(`{"total":1,"lines[0].n":-2}`), "add")
	f.Add([]byte(`{"tags":{"$set":["a"]}}`), "delete")
	f.Add([]byte(`{"lines":["x"],"size.name":[{"$number":"1"}]}`), "append")
	f.Add([]byte(`[{"field":["a.b",0],"value":"x"}]`), "set")
	f.Add([]byte(`[{"field":["a.b","c"],"value":{"$map":{"$set":1}}},{"field":"#0","value":":0"}]`), "set")
	f.Add([]byte(`["a",["b.c"]]`), "remove")
	f.Fuzz(func(t *testing.T, raw []byte, action string) {
		changes, faults := plan.DecodeChanges(raw, plan.Action(action), value.Plain, "")
		if len(faults) > 0 || len(plan.CheckChanges(changes, "")) > 0 {
			return
		}
		u, faults := plan.NativeUpdate(changes, plan.Expression{}, "id", "")
		if len(faults) > 0 {
			return
		}
		scope := scopeOf(t, u.Condition.Names, u.Condition.Values)
		if scope == nil {
			return
		}
		update, err := expression.ParseUpdate(u.Text, scope)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if _, err := expression.ParsePredicate(expression.Condition, u.Condition.Text, scope); err != nil {
			t.Fatalf("%s: %v", u.Condition.Text, err)
		}
		if err := scope.Unused(); err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, c := range changes {
			want = append(want, c.Field.Root())
		}
		slices.Sort(want)
		if got := slices.Sorted(slices.Values(update.Paths().Attributes())); !slices.Equal(got, slices.Compact(want)) {
			t.Errorf("%s changes %q, want %q", raw, got, want)
		}
	})
}

// A native condition stays one beside what an update adds to it: what DynamoDB takes of it alone it takes there, to the same
// effect, and nothing that it would refuse.
func FuzzNativeConditions(f *testing.F) {
	for _, seed := range []string{
		"#t = :n", "#t > :0 OR #t = :n", "(#t = :n)", "(#t = :n) OR (#t > :n)", "#t = :n) OR (#t = :n", "#t = :n OR attribute_exists(id)", " (#t = :n) ",
		"NOT (begins_with(note, :s))", "attribute_exists(#0) AND (#t < :n)", "((#t = :n))", "size(tags) > :n", "#t = :0",
	} {
		f.Add(seed)
	}
	changes, _ := plan.DecodeChanges([]byte(`{"seen":true}`), plan.Set, value.Plain, "")
	f.Fuzz(func(t *testing.T, text string) {
		if !plan.Balanced(text) {
			return
		}
		names, values := map[string]string{"#0": "note", "#t": "total"}, value.Item{
			":0": &types.AttributeValueMemberN{Value: "1"}, ":n": &types.AttributeValueMemberN{Value: "5"}, ":s": &types.AttributeValueMemberS{Value: "x"},
		}
		parse := func(e plan.Expression) (*expression.Predicate, error) {
			return expression.ParsePredicate(expression.Condition, e.Text, scopeOf(t, e.Names, e.Values))
		}
		native := plan.Expression{Text: text, Names: names, Values: values}
		u, faults := plan.NativeUpdate(changes, native, "id", "")
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		alone, err := parse(native)
		beside, errBeside := parse(u.Condition)
		switch {
		case err != nil && errBeside == nil && text != "":
			t.Fatalf("%q is refused alone, %v, and taken as %q", text, err, u.Condition.Text)
		case err == nil && errBeside != nil && !strings.Contains(errBeside.Error(), "xceeded") && !strings.Contains(errBeside.Error(), "too many"):
			t.Fatalf("%q is taken alone, and refused as %q: %v", text, u.Condition.Text, errBeside)
		case err != nil || errBeside != nil:
			return
		}
		for _, it := range found {
			item, _ := local(t, decoded(t, it))
			without, _ := local(t, decoded(t, strings.Replace(it, `"id"`, `"other"`, 1)))
			if got, want := beside.Holds(item), alone.Holds(item); got != want || beside.Holds(without) {
				t.Errorf("%q is %t of %s, want %t", u.Condition.Text, got, it, want)
			}
		}
	})
}
