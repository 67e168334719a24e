package expression_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/arngate/arngate/shared/localaws/dynamodb/expression"
	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
)

// apply applies an update to item, and returns what it makes of the attribute named.
func apply(t *testing.T, it value.Item, update, attribute string) string {
	t.Helper()
	u, err := expression.ParseUpdate(update, scope(t, update))
	if err != nil {
		return err.Error()
	}
	before := text(t, it)
	after, err := u.Apply(it)
	if text(t, it) != before {
		t.Errorf("%s: changed the item it was given", update)
	}
	if err != nil {
		return err.Error()
	}
	v, ok := after[attribute]
	if !ok {
		return "absent"
	}
	return strings.TrimSuffix(strings.TrimPrefix(text(t, value.Item{"v": v}), `{"v":`), "}")
}

func TestUpdates(t *testing.T) {
	const (
		missing = "The provided expression refers to an attribute that does not exist in the item"
		path    = "The document path provided in the update expression is invalid for update"
		operand = "An operand in the update expression has an incorrect data type"
	)
	it := item(t, record)
	for _, c := range [][3]string{
		{"SET q = :a", "q", `{"S":"a"}`},
		{"set s=:a remove n", "n", "absent"},
		{"SET n = n + :one", "n", `{"N":"6"}`},
		{"SET n = :one - n", "n", `{"N":"-4"}`},
		{"SET n = (n) + (:one)", "n", `{"N":"6"}`},
		{"SET n = if_not_exists(zz, :one) + if_not_exists(n, :two)", "n", `{"N":"6"}`},
		{"SET q = if_not_exists(zz, if_not_exists(yy, :a))", "q", `{"S":"a"}`},
		{"SET s = n, n = s", "n", `{"S":"abc"}`},
		{"SET li = list_append(li, :l)", "li", `{"L":[{"N":"1"},{"N":"2"},{"N":"3"},{"S":"a"}]}`},
		{"SET li = list_append(if_not_exists(zz, :l), :l)", "li", `{"L":[{"S":"a"},{"S":"a"}]}`},
		{"SET li[1] = :a", "li", `{"L":[{"N":"1"},{"S":"a"},{"N":"3"}]}`},
		{"SET li[10] = :a, li[7] = :one", "li", `{"L":[{"N":"1"},{"N":"2"},{"N":"3"},{"N":"1"},{"S":"a"}]}`},
		{"SET li[0] = li[1], li[1] = li[0]", "li", `{"L":[{"N":"2"},{"N":"1"},{"N":"3"}]}`},
		{"REMOVE li[0] SET li[1] = :a", "li", `{"L":[{"S":"a"},{"N":"3"}]}`},
		{"REMOVE li[0], li[1]", "li", `{"L":[{"N":"3"}]}`},
		{"REMOVE li[9], m.zz", "li", `{"L":[{"N":"1"},{"N":"2"},{"N":"3"}]}`},
		{"SET m.l[1].q = :one", "m", `{"M":{"l":{"L":[{"S":"p"},{"M":{"q":{"N":"1"}}}]},"x":{"N":"1"}}}`},
		{"REMOVE m.l", "m", `{"M":{"x":{"N":"1"}}}`},
		{"ADD n :one", "n", `{"N":"6"}`},
		{"ADD zz :one", "zz", `{"N":"1"}`},
		{"ADD m.x :one", "m", `{"M":{"l":{"L":[{"S":"p"},{"M":{"q":{"S":"r"}}}]},"x":{"N":"2"}}}`},
		{"ADD ss :cd", "ss", `{"SS":["a","b","c","d"]}`},
		{"ADD zz :ss", "zz", `{"SS":["a"]}`},
		{"DELETE ss :ss", "ss", `{"SS":["b"]}`},
		{"DELETE ss :cd", "ss", `{"SS":["a","b"]}`},
		{"DELETE zz :ss", "zz", "absent"},
		{"SET q = zz", "", missing},
		{"SET n = zz + :one", "", missing},
		{"SET n = if_not_exists(n, zz)", "", missing},
		{"SET n = s + :one", "", operand},
		{"SET li = list_append(s, :l)", "", operand},
		{"ADD s :one", "", operand},
		{"ADD ss :ns", "", operand},
		{"DELETE s :ss", "", operand},
		{"SET zz.y = :one", "", path},
		{"SET s.y = :one", "", path},
		{"SET s[0] = :one", "", path},
		{"SET li.x = :one", "", path},
		{"SET li[9].x = :one", "", path},
		{"REMOVE zz.y", "", path},
		{"SET n = :huge + n", "", "Attempting to store more than 38 significant digits in a Number"},
	} {
		if diff := cmp.Diff(apply(t, it, c[0], c[1]), c[2]); diff != "" {
			t.Errorf("%s: %s", c[0], diff)
		}
	}
}

func TestTrap27DeletingAllOfASetRemovesIt(t *testing.T) {
	if got := apply(t, item(t, record), "DELETE ss :ab", "ss"); got != "absent" {
		t.Errorf("got %s", got)
	}
}

func TestUpdateFaults(t *testing.T) {
	for update, want := range map[string]string{
		"SET":                             `Syntax error; token: "<EOF>", near: "SET"`,
		"FOO s":                           `Syntax error; token: "FOO", near: "FOO s"`,
		"SET s = :a, REMOVE n":            `Syntax error; token: "REMOVE", near: ", REMOVE n"`,
		"SET n = n + :one + :one":         `Syntax error; token: "+", near: ":one + :one"`,
		"SET set = :a":                    `Syntax error; token: "set", near: "SET set ="`,
		"ADD n s":                         `Syntax error; token: "s", near: "n s"`,
		"REMOVE :a":                       `Syntax error; token: ":a", near: "REMOVE :a"`,
		"SET s = :a SET n = :one":         `The "SET" section can only be used once in an update expression;`,
		"SET s = ((:a))":                  "The expression has redundant parentheses;",
		"SET s = :a, s = :z":              "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [s], path two: [s]",
		"SET m.x = :a REMOVE m":           "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [m, x], path two: [m]",
		"SET s = name":                    "Attribute name is a reserved keyword; reserved keyword: name",
		"SET s = size(s)":                 "The function is not allowed in an update expression; function: size",
		"SET s = foo(s)":                  "Invalid function name; function: foo",
		"SET s = n + list_append(li, :l)": "The function is not allowed to be used this way in an expression; function: list_append",
		"SET s = if_not_exists(n, n)": "The first operand must be distinct from the remaining operands for this operator or function; " +
			"operator: if_not_exists, first operand: [n]",
		"SET s = if_not_exists(:a, s)": "Operator or function requires a document path; operator or function: if_not_exists",
		"SET s = if_not_exists(s)":     "Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1",
		"SET n = n + :a":               "Incorrect operand type for operator or function; operator or function: +, operand type: S",
		"SET s = list_append(s, :a)":   "Incorrect operand type for operator or function; operator or function: list_append, operand type: S",
		"ADD s :a":                     "Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND",
		"DELETE n :one":                "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND",
		"SET s = :missing":             "An expression attribute value used in expression is not defined; attribute value: :missing",
		// Of several faults in what the text alone doesn't tell, the last is named.
		"SET s = :first, n = :last": "An expression attribute value used in expression is not defined; attribute value: :last",
	} {
		_, err := expression.ParseUpdate(update, scope(t, update))
		if err == nil || err.Error() != "Invalid UpdateExpression: "+want {
			t.Errorf("%s: got %v, want %s", update, err, want)
		}
	}
}

func TestWhatAnUpdateReturns(t *testing.T) {
	it := item(t, record)
	for _, c := range [][3]string{
		{"SET m.x = :two, q = :a", `{"m":{"M":{"x":{"N":"1"}}}}`, `{"m":{"M":{"x":{"N":"2"}}},"q":{"S":"a"}}`},
		{"SET li[1] = :a", `{"li":{"L":[{"N":"2"}]}}`, `{"li":{"L":[{"S":"a"}]}}`},
		{"REMOVE m.x, s", `{"m":{"M":{"x":{"N":"1"}}},"s":{"S":"abc"}}`, `{}`},
		{"DELETE ss :ss REMOVE li[0]", `{"li":{"L":[{"N":"1"}]},"ss":{"SS":["a","b"]}}`, `{"ss":{"SS":["b"]}}`},
	} {
		u, err := expression.ParseUpdate(c[0], scope(t, c[0]))
		if err != nil {
			t.Fatalf("%s: %v", c[0], err)
		}
		after, err := u.Apply(it)
		if err != nil {
			t.Fatalf("%s: %v", c[0], err)
		}
		if diff := cmp.Diff([2]string{text(t, u.Old(it)), text(t, u.New(after))}, [2]string{c[1], c[2]}); diff != "" {
			t.Errorf("%s: %s", c[0], diff)
		}
	}
}

// TestSetAndRemoveAgreeWithAModel sets and removes fields and list elements in one update, and compares with doing so by hand: sets
// first, by the indexes of before, then removals from the highest index down.
func TestSetAndRemoveAgreeWithAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.IntRange(0, 5).Draw(t, "length")
		before := make([]string, length)
		for i := range before {
			before[i] = fmt.Sprintf("old%d", i)
		}
		changes := rapid.MapOfN(rapid.IntRange(0, 7), rapid.Bool(), 1, 6).Draw(t, "changes")
		var sets, removes []string
		model := slices.Clone(before)
		for _, i := range slices.Sorted(maps.Keys(changes)) {
			switch {
			case !changes[i]:
				removes = append(removes, fmt.Sprintf("li[%d]", i))
			case i < length:
				sets, model[i] = append(sets, fmt.Sprintf("li[%d] = :a", i)), "a"
			default:
				sets, model = append(sets, fmt.Sprintf("li[%d] = :a", i)), append(model, "a")
			}
		}
		for _, i := range slices.Backward(slices.Sorted(maps.Keys(changes))) {
			if !changes[i] && i < length {
				model = slices.Delete(model, i, i+1)
			}
		}
		update := section("REMOVE", removes) + section("SET", rapid.Permutation(sets).Draw(t, "order"))
		if got, want := updated(t, update, before), strings.Join(model, ","); got != want {
			t.Fatalf("%s on %v: got %s, want %s", update, before, got, want)
		}
	})
}

func section(name string, actions []string) string {
	if len(actions) == 0 {
		return ""
	}
	return name + " " + strings.Join(actions, ", ") + " "
}

// updated is the list li after an update.
func updated(t *rapid.T, update string, before []string) string {
	var elements []value.Value
	for _, s := range before {
		elements = append(elements, value.NewString(s))
	}
	s, err := expression.NewScope(nil, value.Item{":a": value.NewString("a")})
	if err != nil {
		t.Fatal(err)
	}
	u, err := expression.ParseUpdate(update, s)
	if err != nil {
		t.Fatal(err)
	}
	after, err := u.Apply(value.Item{"li": value.NewList(elements)})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, e := range after["li"].Elements() {
		texts = append(texts, e.Text())
	}
	return strings.Join(texts, ",")
}

// TestAnyTextIsAnswered feeds pieces of the grammar in any order: every answer is an expression or an Error that says what is wrong.
func TestAnyTextIsAnswered(t *testing.T) {
	pieces := rapid.SampledFrom([]string{
		"s", "#n", ":a", ":one", "li[0]", "(", ")", ",", ".", "[", "]", "0", "=", "<>", "<", "+", "-", "AND", "OR", "NOT", "BETWEEN", "IN",
		"SET", "REMOVE", "ADD", "DELETE", "size(", "contains(", "if_not_exists(", "list_append(", "é", " ", "name",
	})
	values := value.Item{":a": value.NewString("a"), ":one": value.NewNumber(value.Decimal{})}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(pieces, 1, 12).Draw(t, "pieces"), " ")
		s, err := expression.NewScope(map[string]string{"#n": "n"}, values)
		if err != nil {
			t.Fatal(err)
		}
		_, condition := expression.ParsePredicate(expression.Condition, text, s)
		_, update := expression.ParseUpdate(text, s)
		_, projection := expression.ParseProjection(text, s)
		_, key := expression.ParseKeyCondition(text, s)
		for _, err := range []error{condition, update, projection, key} {
			var refused *expression.Error
			if err != nil && (!errors.As(err, &refused) || refused.Message == "") {
				t.Fatalf("%s: %v", text, err)
			}
		}
	})
}
