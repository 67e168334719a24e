package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/functions/dynamodb/plan"
	"github.com/arngate/arngate/functions/dynamodb/value"
)

// changesOf decodes an update's members, in the order of their names here.
func changesOf(t *testing.T, members ...string) (changes []plan.Change, pointers []string) {
	t.Helper()
	for _, member := range members {
		action, raw, _ := strings.Cut(member, "=")
		some, faults := plan.DecodeChanges([]byte(raw), plan.Action(action), value.Plain, jsontext.Pointer("/"+action))
		changes = append(changes, some...)
		for _, f := range faults {
			pointers = append(pointers, f.Pointer)
		}
	}
	if len(pointers) > 0 {
		return nil, pointers
	}
	for _, f := range plan.CheckChanges(changes, "") {
		pointers = append(pointers, f.Pointer)
	}
	return changes, pointers
}

func TestNativeUpdate(t *testing.T) {
	condition := plan.Expression{
		Text: "#0 = :0 OR #x = :0", Names: map[string]string{"#0": "size", "#x": "x"},
		Values: value.Item{":0": &types.AttributeValueMemberN{Value: "7"}},
	}
	for _, tc := range []struct {
		name, exists string
		condition    plan.Expression
		members      []string
		want         string
	}{
		{"set", "", plan.Expression{}, []string{`set={"a":1,"m.k[0]":"x"}`}, `SET a = 1, m.k[0] = "x" |`},
		{"literal segments", "", plan.Expression{}, []string{`set=[{"field":["a.b",0,"c"],"value":null}]`}, `SET a.b[0].c = null |`},
		{"remove", "id", plan.Expression{}, []string{`remove=["a",["b.c"]]`}, `REMOVE a, b.c | attribute_exists(id)`},
		{"add", "", plan.Expression{}, []string{`add={"n":1,"tags":{"$set":["x"]}}`}, `ADD n 1, tags {"$set":["x"]} |`},
		{"add deeper down", "", plan.Expression{}, []string{`add={"m.n":-1}`}, `SET m.n = if_not_exists(m.n, 0) + -1 |`},
		{"delete", "", plan.Expression{}, []string{`delete={"tags":{"$set":[1]}}`}, `DELETE tags {"$set":[1]} |`},
		{"append", "", plan.Expression{}, []string{`append={"log":["x"]}`}, `SET log = list_append(if_not_exists(log, []), ["x"]) |`},
		{"all of them", "id", condition, []string{`set={"a":1}`, `remove=["b"]`, `add={"n":1}`, `delete={"s":{"$set":[1]}}`, `append={"l":[]}`}, `SET a = 1, l = list_append(if_not_exists(l, []), []) REMOVE b ADD n 1 DELETE s {"$set":[1]} | attribute_exists(id) AND (size = 7 OR #x = 7)`},
		{"a condition in parentheses", "id", plan.Expression{Text: " (a = b) "}, []string{`set={"c":1}`}, `SET c = 1 | attribute_exists(id) AND (a = b)`},
		{"what is no white space to DynamoDB", "id", plan.Expression{Text: "\v(a = b)"}, []string{`set={"c":1}`}, "SET c = 1 | attribute_exists(id) AND (\v(a = b))"},
		{"a condition with parentheses", "id", plan.Expression{Text: "(a = b) OR (c = d)"}, []string{`set={"c":1}`}, `SET c = 1 | attribute_exists(id) AND ((a = b) OR (c = d))`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			changes, faults := changesOf(t, tc.members...)
			if len(faults) > 0 {
				t.Fatalf("faults at %v", faults)
			}
			u, more := plan.NativeUpdate(changes, tc.condition, tc.exists, "")
			if len(more) > 0 {
				t.Fatal(more)
			}
			r := plan.Read{Names: u.Condition.Names, Values: u.Condition.Values}
			if got := strings.TrimSpace(readable(u.Text, r) + " | " + readable(u.Condition.Text, r)); got != strings.TrimSpace(tc.want) {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
	if len(condition.Names) != 2 || len(condition.Values) != 1 {
		t.Error("the request's own placeholders were changed")
	}
}

func TestTrap26AnUpdateTakesNoPlaceholderOfItsCondition(t *testing.T) {
	changes, _ := changesOf(t, `set={"a":1,"b":2}`)
	own := plan.Expression{
		Text: "#1 = :1 AND #3 = :3", Names: map[string]string{"#1": "x", "#3": "y"},
		Values: value.Item{":1": &types.AttributeValueMemberS{Value: "x"}, ":3": &types.AttributeValueMemberS{Value: "y"}},
	}
	u, _ := plan.NativeUpdate(changes, own, "id", "")
	got := readable(u.Condition.Text, plan.Read{Names: u.Condition.Names, Values: u.Condition.Values})
	if want := `attribute_exists(id) AND (x = "x" AND y = "y")`; got != want || len(u.Condition.Names) != 5 || len(u.Condition.Values) != 4 {
		t.Errorf("got %s with %d names", got, len(u.Condition.Names))
	}
}

func TestChangeFaults(t *testing.T) {
	for _, tc := range []struct {
		members []string
		want    []string
	}{
		{nil, []string{""}},
		{[]string{`set=null`, `remove=[]`}, []string{""}},
		{[]string{`set=7`, `remove={"a":1}`, `add="x"`}, []string{"/set", "/remove", "/add"}},
		{[]string{`set={"a..b":1,"c":{"$number":"x"}}`, `remove=["a[",""]`}, []string{"/set/a..b", "/set/c/$number", "/remove/0", "/remove/1"}},
		{[]string{`set=[{"field":"a"},{"field":"a","value":1,"op":"="},{"feld":"a"},7]`}, []string{"/set/0", "/set/1", "/set/2", "/set/3"}},
		{[]string{`set={"a":1,"a":2}`}, []string{"/set"}},
		{[]string{`add={"a":"x"}`, `delete={"a":1}`, `append={"a":"x"}`}, []string{"/add/a", "/delete/a", "/append/a"}},
		{[]string{`set={"a.b":1}`, `remove=["a"]`}, []string{"/remove/0"}},
		{[]string{`set=[{"field":"a","value":1},{"field":["a"],"value":1}]`, `add={"a[0]":1}`}, []string{"/set/1", "/add/a[0]"}},
	} {
		_, got := changesOf(t, tc.members...)
		slices.Sort(got)
		slices.Sort(tc.want)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", tc.members, diff)
		}
	}
}

func TestAnUpdateThatIsTooLong(t *testing.T) {
	for name, n := range map[string]int{"for an expression": 320, "to look at closer": 501} {
		t.Run(name, func(t *testing.T) {
			var pairs []string
			for i := range n {
				pairs = append(pairs, `"f`+strings.Repeat("x", i%5)+string(rune('a'+i%26))+string(rune('a'+i/26))+`":1`)
			}
			changes, faults := changesOf(t, "set={"+strings.Join(pairs, ",")+"}")
			if n > 500 {
				if diff := cmp.Diff([]string{""}, faults); diff != "" {
					t.Error(diff)
				}
				return
			}
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			if _, more := plan.NativeUpdate(changes, plan.Expression{}, "id", "/writes/0/update"); len(more) != 1 || more[0].Pointer != "/writes/0/update" {
				t.Errorf("faults %v", more)
			}
		})
	}
}

// A placeholder that a native condition mentions and doesn't define stays undefined, for DynamoDB to refuse: it is not the update's.
func TestUndefinedPlaceholdersStaySo(t *testing.T) {
	changes, _ := changesOf(t, `set={"a":1,"b":2}`)
	u, faults := plan.NativeUpdate(changes, plan.Expression{Text: "#0 = :0 OR a = :1"}, "id", "")
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	for _, placeholder := range []string{"#0", ":0", ":1"} {
		if u.Condition.Names[placeholder] != "" || u.Condition.Values[placeholder] != nil {
			t.Errorf("%s means something: %q, %v", placeholder, u.Condition.Names, u.Condition.Values)
		}
	}
}

func TestBalanced(t *testing.T) {
	for text, want := range map[string]bool{"": true, "a = b": true, "(a) OR (b)": true, "a) OR (b": false, "((a)": false} {
		if got := plan.Balanced(text); got != want {
			t.Errorf("Balanced(%q) = %t", text, got)
		}
	}
}
