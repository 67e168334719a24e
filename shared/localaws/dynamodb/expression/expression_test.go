package expression_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws/dynamodb/expression"
	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
)

// record is the item that the tests of this package look at.
const record = `{
	"s": {"S": "abc"}, "n": {"N": "5"}, "b": {"B": "YWI="}, "t": {"BOOL": true}, "z": {"NULL": true},
	"ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1", "2"]}, "li": {"L": [{"N": "1"}, {"N": "2"}, {"N": "3"}]},
	"m": {"M": {"x": {"N": "1"}, "l": {"L": [{"S": "p"}, {"M": {"q": {"S": "r"}}}]}}}
}`

// operands are the values that the tests' placeholders stand for.
const operands = `{
	":a": {"S": "a"}, ":z": {"S": "z"}, ":e": {"S": ""}, ":abc": {"S": "abc"}, ":one": {"N": "1"}, ":two": {"N": "2"}, ":five": {"N": "5.0"},
	":bin": {"B": "YQ=="}, ":yes": {"BOOL": true}, ":null": {"NULL": true}, ":ss": {"SS": ["a"]}, ":ab": {"SS": ["b", "a"]}, ":cd": {"SS": ["c", "d"]},
	":ns": {"NS": ["1"]}, ":l": {"L": [{"S": "a"}]}, ":m": {"M": {}}, ":S": {"S": "S"}, ":huge": {"N": "9e125"}
}`

func item(tb testing.TB, text string) value.Item {
	tb.Helper()
	var tree map[string]any
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		tb.Fatalf("read item: %v", err)
	}
	i, err := value.DecodeItem(tree)
	if err != nil {
		tb.Fatalf("decode item: %v", err)
	}
	return i
}

func text(tb testing.TB, i value.Item) string {
	tb.Helper()
	out, err := json.Marshal(i)
	if err != nil {
		tb.Fatalf("write item: %v", err)
	}
	return string(out)
}

var placeholder = regexp.MustCompile(`:\w+`)

// scope has the values that the expressions use, and #n for n, #d for a name with a dot.
func scope(tb testing.TB, expressions string) *expression.Scope {
	tb.Helper()
	all, values := item(tb, operands), value.Item(nil)
	for _, key := range placeholder.FindAllString(expressions, -1) {
		if v, ok := all[key]; ok {
			if values == nil {
				values = make(value.Item)
			}
			values[key] = v
		}
	}
	s, err := expression.NewScope(map[string]string{"#n": "n", "#d": "a.b"}, values)
	if err != nil {
		tb.Fatalf("make scope: %v", err)
	}
	return s
}

func TestConditions(t *testing.T) {
	it := item(t, record)
	for text, want := range map[string]bool{
		"s = :abc": true, "s <> :abc": false, "n = :five": true, "#n = :five": true, "zz <> :a": true, "zz = :a": false, "zz = yy": false, "zz <> yy": true,
		"s < :z": true, "s > :z": false, "n < :a": false, "n >= :five AND n <= :five": true, "t = :yes": true, "z = :null": true,
		"n BETWEEN :one AND :five": true, "n BETWEEN :one AND :two": false, "s between :a and :z": true, "zz BETWEEN :one AND :two": false,
		"n IN (:one, :five)": true, "n IN (:one)": false, ":five IN (s, n)": true,
		"attribute_exists(s)": true, "attribute_exists(m.l[1].q)": true, "attribute_exists(m.l[2])": false, "attribute_not_exists(zz)": true,
		"attribute_type(s, :S)": true, "attribute_type(n, :S)": false, "attribute_type(zz, :S)": false,
		"begins_with(s, :a)": true, "begins_with(s, :e)": true, "begins_with(n, :a)": false, "begins_with(b, :bin)": true,
		"contains(s, :a)": true, "contains(ss, :a)": true, "contains(ss, :z)": false, "contains(li, :two)": true, "contains(ns, :one)": true, "contains(b, :bin)": true,
		"size(s) > :two": true, "size(m) = :two": true, "size(li) = size(s)": true, "size(n) = :one": false, "size(zz) < :one": false, "size (ss) = :two": true,
		"NOT s = :a AND NOT n = :one": true, "s = :a OR s = :abc AND n = :one": false, "(s = :abc OR s = :a) AND n = :five": true, "NOT NOT s = :abc": true,
		"s = :abc or s = :a and n = :one": true, "li[0] = :one": true, "li[ 1 ] = :two": true, "li[9] = :one": false, "m.x = :one": true, "m . x = :one": true,
		"ss = :ab": true, "ss = :ss": false, "(s) = (:abc)": true, "size(#d) = :one": false,
	} {
		p, err := expression.ParsePredicate(expression.Condition, text, scope(t, text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := p.Holds(it); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}

func TestConditionFaults(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "The expression can not be empty;",
		" ":                       `Syntax error; token: "<EOF>", near: " "`,
		"s =":                     `Syntax error; token: "<EOF>", near: "="`,
		"s = :a AND":              `Syntax error; token: "<EOF>", near: "AND"`,
		"s == :a":                 `Syntax error; token: "=", near: "== :a"`,
		"s != :a":                 `Syntax error; token: "!", near: "s !="`,
		"(s = :a":                 `Syntax error; token: "<EOF>", near: ":a"`,
		"s = :a)":                 `Syntax error; token: ")", near: ":a)"`,
		"(s = :a) = :yes":         `Syntax error; token: "=", near: ") = :yes"`,
		"s = :a AND (n)":          `Syntax error; token: "<EOF>", near: ")"`,
		"_s = :a":                 `Syntax error; token: "_", near: "_s"`,
		"é = :a":                  `Syntax error; token: "é", near: "é ="`,
		"li[00] = :a":             `Syntax error; token: "0", near: "00]"`,
		"a.and = :a":              `Syntax error; token: "and", near: ".and ="`,
		"s IN ()":                 `Syntax error; token: ")", near: "()"`,
		"((s = :a))":              "The expression has redundant parentheses;",
		"s = ((:a))":              "The expression has redundant parentheses;",
		"foo(s)":                  "Invalid function name; function: foo",
		"Size(s) = :one":          "Invalid function name; function: Size",
		"list_append(s,n)":        "The function is not allowed in a condition expression; function: list_append",
		"size(s)":                 "The function is not allowed to be used this way in an expression; function: size",
		"contains(s,:a) = :yes":   "The function is not allowed to be used this way in an expression; function: contains",
		"li[2147483648] = :a":     "List index is not within the allowable range; index: [2147483648]",
		"s = :missing":            "An expression attribute value used in expression is not defined; attribute value: :missing",
		"#zz = :a":                "An expression attribute name used in the document path is not defined; attribute name: #zz",
		"s < :yes":                "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
		"s BETWEEN :ss AND :ss":   "Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: SS",
		"size(:one) = :one":       "Incorrect operand type for operator or function; operator or function: size, operand type: N",
		"begins_with(s, :one)":    "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
		"size(s, n) = :one":       "Incorrect number of operands for operator or function; operator or function: size, number of operands: 2",
		"attribute_exists(:a)":    "Operator or function requires a document path; operator or function: attribute_exists",
		"attribute_type(s, :a)":   "Invalid attribute type name found; type: a, valid types: {N,BS,L,B,NULL,M,S,SS,NS,BOOL}",
		"m.x = m.x":               "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [m, x]",
		"n BETWEEN :two AND :one": "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}",
		"n BETWEEN :two AND :a":   "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {S:a}",
		"n IN (" + strings.Repeat(":one,", 100) + ":one)": "The IN operator is provided with too many operands; number of operands: 101",
		strings.Repeat("s = :a OR ", 150) + "s = :a":      "The expression contains too many operators; operator count: 301",
		strings.Repeat("a.", 32) + "a = :a":               "The document path has too many nesting levels; nesting levels: 33",
		"s = :a" + strings.Repeat(" ", 4091):              "Expression size has exceeded the maximum allowed size; expression size: 4097",
		// Of several faults the first of these kinds is named: parentheses, what the text alone tells, then the rest in order.
		"name = :a AND ((s = :a))":   "The expression has redundant parentheses;",
		"s = :missing AND foo(name)": "Invalid function name; function: foo",
		"s < :yes AND #zz = :a":      "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
	} {
		_, err := expression.ParsePredicate(expression.Filter, text, scope(t, text))
		if err == nil {
			t.Errorf("%s: accepted", text)
			continue
		}
		if diff := cmp.Diff(err.Error(), "Invalid FilterExpression: "+want); diff != "" {
			t.Errorf("%.60s: %s", text, diff)
		}
	}
}

func TestTrap26ReservedWordsNeedPlaceholders(t *testing.T) {
	for _, word := range []string{"name", "Status", "SIZE", "convert", "zone", "abort", "m.timestamp"} {
		_, err := expression.ParseProjection(word, scope(t, ""))
		name := word[strings.LastIndex(word, ".")+1:]
		want := "Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: " + name
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", word, err, want)
		}
	}
}

func TestTrap26DotsInNames(t *testing.T) {
	it := item(t, `{"a.b": {"S": "dotted"}, "a": {"M": {"b": {"S": "nested"}}}}`)
	for projection, want := range map[string]string{
		"#d":  `{"a.b":{"S":"dotted"}}`,
		"a.b": `{"a":{"M":{"b":{"S":"nested"}}}}`,
	} {
		p, err := expression.ParseProjection(projection, scope(t, ""))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(text(t, p.Apply(it)), want); diff != "" {
			t.Errorf("%s: %s", projection, diff)
		}
	}
}

func TestTrap28ProjectionsLeaveOutWhatIsNotThere(t *testing.T) {
	it := item(t, record)
	for projection, want := range map[string]string{
		"zz": `{}`, "s.x": `{}`, "li[9]": `{}`, "m.zz": `{}`, "m.l[1].zz": `{}`, "s, zz": `{"s":{"S":"abc"}}`,
		"li[2], li[0]":    `{"li":{"L":[{"N":"1"},{"N":"3"}]}}`,
		"m.l[1].q":        `{"m":{"M":{"l":{"L":[{"M":{"q":{"S":"r"}}}]}}}}`,
		"m.x, m.l[0], #n": `{"m":{"M":{"l":{"L":[{"S":"p"}]},"x":{"N":"1"}}},"n":{"N":"5"}}`,
	} {
		p, err := expression.ParseProjection(projection, scope(t, ""))
		if err != nil {
			t.Errorf("%s: %v", projection, err)
			continue
		}
		if diff := cmp.Diff(text(t, p.Apply(it)), want); diff != "" {
			t.Errorf("%s: %s", projection, diff)
		}
	}
}

func TestPathsThatOverlap(t *testing.T) {
	const rest = " with each other; must remove or rewrite one of these paths; path one: "
	for projection, want := range map[string]string{
		"s, s":         "Two document paths overlap" + rest + "[s], path two: [s]",
		"m, m.x":       "Two document paths overlap" + rest + "[m], path two: [m, x]",
		"m.x, m":       "Two document paths overlap" + rest + "[m, x], path two: [m]",
		"m.x, m[0]":    "Two document paths conflict" + rest + "[m, x], path two: [m, [0]]",
		"#n, n":        "Two document paths overlap" + rest + "[n], path two: [n]",
		"li[0], li[0]": "Two document paths overlap" + rest + "[li, [0]], path two: [li, [0]]",
		"s, s, #zz":    "An expression attribute name used in the document path is not defined; attribute name: #zz",
		"s,":           `Syntax error; token: "<EOF>", near: ","`,
		"s n":          `Syntax error; token: "n", near: "s n"`,
		"size(s)":      `Syntax error; token: "(", near: "size(s"`,
	} {
		_, err := expression.ParseProjection(projection, scope(t, ""))
		if err == nil || err.Error() != "Invalid ProjectionExpression: "+want {
			t.Errorf("%s: got %v, want %s", projection, err, want)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	for _, c := range []struct {
		names  map[string]string
		values value.Item
		want   string
	}{
		{map[string]string{}, nil, "ExpressionAttributeNames must not be empty"},
		{nil, value.Item{}, "ExpressionAttributeValues must not be empty"},
		{map[string]string{"n": "n"}, nil, `ExpressionAttributeNames contains invalid key: Syntax error; key: "n"`},
		{map[string]string{"#a-b": "n"}, nil, `ExpressionAttributeNames contains invalid key: Syntax error; key: "#a-b"`},
		{map[string]string{"#n": ""}, nil, "ExpressionAttributeNames contains invalid value: Empty attribute name for key #n"},
		{nil, value.Item{":": value.NewNull()}, `ExpressionAttributeValues contains invalid key: Syntax error; key: ":"`},
	} {
		_, err := expression.NewScope(c.names, c.values)
		if err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	s, err := expression.NewScope(map[string]string{"#n": "n"}, value.Item{":a": value.NewNull()})
	if err != nil {
		t.Fatal(err)
	}
	want := "Value provided in ExpressionAttributeNames unused in expressions: keys: {#n}"
	if err := s.Unused(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestKeyConditions(t *testing.T) {
	for text, want := range map[string]string{
		"a = :a":                             "[a] = {S:a}",
		":a = a AND :one < b":                "[a] = {S:a}; [b] > {N:1}",
		"(a = :a) AND (b >= :one)":           "[a] = {S:a}; [b] >= {N:1}",
		"a = :a AND b BETWEEN :one AND :two": "[a] = {S:a}; [b] BETWEEN {N:1}{N:2}",
		"a = :a AND begins_with(b, :a)":      "[a] = {S:a}; [b] begins_with {S:a}",
		"a = :a OR b = :a":                   "Invalid operator used in KeyConditionExpression: OR",
		"NOT a = :a":                         "Invalid operator used in KeyConditionExpression: NOT",
		"a <> :a":                            "Invalid operator used in KeyConditionExpression: <>",
		"a IN (:a)":                          "Invalid operator used in KeyConditionExpression: IN",
		"attribute_exists(a)":                "Invalid operator used in KeyConditionExpression: attribute_exists",
		"size(a) = :one":                     "KeyConditionExpressions cannot contain nested operations",
		"a = b":                              "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition",
		":a = :a":                            "Invalid condition in KeyConditionExpression: No key attribute specified",
		":one BETWEEN a AND b":               "Invalid condition in KeyConditionExpression: BETWEEN operator must have the key attribute as its first operand",
		"a = :a AND a > :one":                "KeyConditionExpressions must only contain one condition per key",
		"a = :a AND b = :a AND c = :a":       "Conditions can be of length 1 or 2 only",
		"name = :a":                          "Invalid KeyConditionExpression: Attribute name is a reserved keyword; reserved keyword: name",
	} {
		terms, err := expression.ParseKeyCondition(text, scope(t, text))
		var got []string
		for _, term := range terms {
			line := term.Path.String() + " " + term.Operator + " "
			for _, v := range term.Values {
				line += v.String()
			}
			got = append(got, line)
		}
		if err != nil {
			got = []string{err.Error()}
		}
		if diff := cmp.Diff(strings.Join(got, "; "), want); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}
