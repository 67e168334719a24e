package conformance

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// expressions writes random expressions of DynamoDB and collects the placeholders that they use. Most are right; some
// are wrong in one of the ways that DynamoDB tells apart.
type expressions struct {
	r      *rand.Rand
	names  map[string]string
	values item
}

func newExpressions(r *rand.Rand) *expressions {
	return &expressions{r: r, names: make(map[string]string), values: make(item)}
}

// attributes are the names that items have beside their keys. Some are reserved words.
var attributes = []string{"a", "b", "s", "n", "n2", "bin", "yes", "nil", "m", "l", "ss", "ns", "bs", "name", "data", "total", "a.b", "x-y"}

// name is an attribute's name as an expression may have it: a placeholder, or the name itself if that can be.
func (e *expressions) name(attribute string) string {
	plain := !strings.ContainsAny(attribute, ".-")
	if plain && chance(e.r, 2) && (chance(e.r, 8) || !strings.Contains(" name data total ", " "+attribute+" ")) {
		return attribute
	}
	for placeholder, known := range e.names {
		if known == attribute {
			return placeholder
		}
	}
	placeholder := "#" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[len(e.names):][:1]
	e.names[placeholder] = attribute
	return placeholder
}

// value is a placeholder for a value.
func (e *expressions) value(v types.AttributeValue) string {
	placeholder := ":v" + strconv.Itoa(len(e.values))
	e.values[placeholder] = v
	return placeholder
}

func (e *expressions) path() string {
	switch e.r.IntN(8) {
	case 0:
		return e.name("m") + "." + e.name(pick(e.r, "a", "b", "n", "l", "name"))
	case 1:
		return fmt.Sprintf("%s[%d]", e.name("l"), e.r.IntN(4))
	case 2:
		return fmt.Sprintf("%s.%s[%d]", e.name("m"), e.name("l"), e.r.IntN(3))
	case 3:
		return fmt.Sprintf("%s[%d].%s", e.name("l"), e.r.IntN(3), e.name("a"))
	}
	return e.name(pick(e.r, attributes...))
}

// anyValue is a value of any type, nested to this depth.
func anyValue(r *rand.Rand, depth int) types.AttributeValue {
	kinds := 8
	if depth > 0 {
		kinds = 10
	}
	switch r.IntN(kinds) {
	case 0:
		return str(pick(r, "", "a", "ab", "abc", "b", "Zebra", "é", "𝄞", "1", "a\x00b"))
	case 1, 2:
		return num(anyNumber(r))
	case 3:
		return &types.AttributeValueMemberB{Value: pick(r, []byte{}, []byte{0}, []byte("a"), []byte("ab"), []byte{0xff, 0x80})}
	case 4:
		return &types.AttributeValueMemberBOOL{Value: chance(r, 2)}
	case 5:
		return &types.AttributeValueMemberNULL{Value: true}
	case 6, 7:
		return anySet(r)
	case 8:
		m := make(item)
		for range r.IntN(4) {
			m[pick(r, "a", "b", "n", "l", "name")] = anyValue(r, depth-1)
		}
		return &types.AttributeValueMemberM{Value: m}
	}
	l := make([]types.AttributeValue, r.IntN(4))
	for i := range l {
		l[i] = anyValue(r, depth-1)
	}
	return &types.AttributeValueMemberL{Value: l}
}

func anyNumber(r *rand.Rand) string {
	return pick(r, "0", "1", "1.0", "2", "3", "10", "-1", "-5", "1.5", "0.1", "1E2", "-0", "007", "123456789012345678901234567890.12345678",
		"1E-130", "9.9E125", "99999999999999999999999999999999999999", "0.00000001", "-1e-3", strconv.Itoa(r.IntN(20)))
}

func anySet(r *rand.Rand) types.AttributeValue {
	switch r.IntN(3) {
	case 0:
		return &types.AttributeValueMemberSS{Value: some(r, "a", "b", "c", "d", "")}
	case 1:
		return &types.AttributeValueMemberNS{Value: some(r, "1", "2", "3", "-1", "1E1")}
	}
	return &types.AttributeValueMemberBS{Value: some(r, []byte("a"), []byte("b"), []byte{0, 1})}
}

// some are one or more of these, each once.
func some[T any](r *rand.Rand, from ...T) []T {
	r.Shuffle(len(from), func(i, j int) { from[i], from[j] = from[j], from[i] })
	return from[:1+r.IntN(len(from)-1)]
}

func (e *expressions) operand() string {
	switch e.r.IntN(6) {
	case 0, 1, 2:
		return e.value(anyValue(e.r, 1))
	case 3:
		return "size(" + e.path() + ")"
	}
	return e.path()
}

// condition is a condition nested to this depth.
func (e *expressions) condition(depth int) string {
	if chance(e.r, 60) {
		return e.brokenCondition()
	}
	if depth > 0 {
		switch e.r.IntN(6) {
		case 0:
			return e.condition(depth-1) + pick(e.r, " AND ", " and ") + e.condition(depth-1)
		case 1:
			return e.condition(depth-1) + pick(e.r, " OR ", " or ") + e.condition(depth-1)
		case 2:
			return pick(e.r, "NOT ", "not ") + e.condition(depth-1)
		case 3:
			return "(" + e.condition(depth-1) + ")"
		}
	}
	switch e.r.IntN(9) {
	case 0:
		return "attribute_exists(" + e.path() + ")"
	case 1:
		return "attribute_not_exists(" + e.path() + ")"
	case 2:
		return "attribute_type(" + e.path() + ", " + e.value(str(pick(e.r, "S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "M", "L"))) + ")"
	case 3:
		return "begins_with(" + e.path() + ", " + e.value(pick(e.r, str("a"), str("ab"), str(""), types.AttributeValue(&types.AttributeValueMemberB{Value: []byte("a")}))) + ")"
	case 4:
		return "contains(" + e.path() + ", " + pick(e.r, e.operand, e.path)() + ")"
	case 5:
		return e.operand() + " BETWEEN " + e.operand() + " AND " + e.operand()
	case 6:
		list := make([]string, 1+e.r.IntN(3))
		for i := range list {
			list[i] = e.operand()
		}
		return e.operand() + " IN (" + strings.Join(list, ", ") + ")"
	}
	return e.operand() + " " + pick(e.r, "=", "<>", "<", "<=", ">", ">=") + " " + e.operand()
}

// brokenCondition is a condition that DynamoDB refuses.
func (e *expressions) brokenCondition() string {
	return e.fill(pick(e.r,
		"$p = ", "= $p", "$p == $p", "$p <> <> $p", "unknown($p)", "attribute_exists($p, $p)", "attribute_exists()", "$p = :missing",
		"#missing = $p", "size($p)", "$p", "($p = $p", "$p = $p)", "$p BETWEEN $p", "$p IN ()", "$p AND $p", "begins_with($p)",
		"Attribute_exists($p)", "attribute_type($p, $s)", "NOT", "", "attribute_type($p, $n)", "begins_with($p, $n)", "$p = $p = $p",
		"$p..a = $p", "l[-1] = $p", "l[a] = $p", "l[1 = $p", "contains($p, $p, $p)", "size($n) = $p", "$n BETWEEN $n AND $n",
		"if_not_exists($p, $p) = $p", "$p = 5", `$p = "text"`, "$p % $p", "attribute_exists($s)", "$p LIKE $p", "$p BETWEEN $n AND $s",
		"NOT NOT $p = $p", "(($p = $p))", "contains($s, $p)", "$p IN ($p, )", "size(size($p)) = $n", "attribute_type($p, $p)", "$n = $s", "$n < $n",
	))
}

// blanks are what a template leaves to fill in: a path, or the placeholder of a number, a string, a set, a list, a name.
var blanks = regexp.MustCompile(`\$[pnsSl]|@\w+`)

// fill writes a template.
func (e *expressions) fill(template string) string {
	return blanks.ReplaceAllStringFunc(template, func(blank string) string {
		switch blank {
		case "$p":
			return e.path()
		case "$n":
			return e.value(num(anyNumber(e.r)))
		case "$s":
			return e.value(str(pick(e.r, "a", "ab", "X")))
		case "$S":
			return e.value(anySet(e.r))
		case "$l":
			return e.value(&types.AttributeValueMemberL{Value: []types.AttributeValue{str("x"), num("1")}})
		}
		return e.name(blank[1:])
	})
}

// update is an update expression.
func (e *expressions) update() string {
	if chance(e.r, 25) {
		return e.brokenUpdate()
	}
	clauses := make(map[string][]string)
	for range 1 + e.r.IntN(3) {
		switch e.r.IntN(6) {
		case 0, 1, 2:
			clauses["SET"] = append(clauses["SET"], e.path()+" = "+e.assigned())
		case 3:
			clauses["REMOVE"] = append(clauses["REMOVE"], e.path())
		case 4:
			clauses["ADD"] = append(clauses["ADD"], e.name(pick(e.r, "n", "n2", "ns", "ss", "bs", "a"))+" "+e.value(pick(e.r, anySet(e.r), num(anyNumber(e.r)))))
		case 5:
			clauses["DELETE"] = append(clauses["DELETE"], e.name(pick(e.r, "ns", "ss", "bs", "a"))+" "+e.value(anySet(e.r)))
		}
	}
	var parts []string
	keywords := slices.Sorted(maps.Keys(clauses))
	e.r.Shuffle(len(keywords), func(i, j int) { keywords[i], keywords[j] = keywords[j], keywords[i] })
	for _, keyword := range keywords {
		parts = append(parts, keyword+" "+strings.Join(clauses[keyword], ", "))
	}
	return strings.Join(parts, " ")
}

// assigned is what a SET may set.
func (e *expressions) assigned() string {
	number := func() string { return pick(e.r, "@n", "@n2", "$n", "if_not_exists(@n, $n)") }
	switch e.r.IntN(7) {
	case 0, 1:
		return e.value(anyValue(e.r, 2))
	case 2:
		return e.fill(number() + pick(e.r, " + ", " - ") + number())
	case 3:
		return "if_not_exists(" + e.path() + ", " + e.value(anyValue(e.r, 1)) + ")"
	case 4:
		return e.fill(pick(e.r, "list_append(@l, $l)", "list_append($l, @l)", "list_append(if_not_exists(@l, $l), $l)", "list_append($l, $p)"))
	case 5:
		return e.path()
	}
	return e.operand()
}

// brokenUpdate is an update that DynamoDB refuses.
func (e *expressions) brokenUpdate() string {
	return e.fill(pick(e.r,
		"SET", "SET $p", "SET $p = ", "$p = $n", "SET a = $n, a = $n", "SET m = $n, m.a = $n", "REMOVE l[0], l[0]", "SET a = $n REMOVE a",
		"SET a = $n SET b = $n", "ADD a b", "ADD l[0] $n, l[0] $n", "DELETE a $n", "ADD a $s", "SET a = $n + $s", "SET a = list_append($n, $n)",
		"SET a = unknown(b)", "SET a = if_not_exists($n, b)", "SET a = if_not_exists(b)", "REMOVE", "ADD", "", "SET a = :missing", "SET #missing = $n",
		"UPSERT a = $n", "SET a = attribute_exists(b)", "SET a = $n + $n + $n", "SET h = $n", "REMOVE h", "SET a = (b)", "SET a += $n",
		"SET a.b.c.d = $n", "DELETE ss $S ADD ss $S", "SET a = size(b)", "SET a = b - c", "REMOVE a = $n", "ADD m.a $n", "set a = $n", "SET l[1] = $n, l[0] = $s",
		"SET a = m.a, m = $n", "SET l = $l, l[0] = $n", "SET a = $s + $s", "ADD ss $S, ss $S", "SET m.a[0].b = $n", "REMOVE m.a, m.b", "SET a = b b = $n",
	))
}

// projection is a list of paths.
func (e *expressions) projection() string {
	if chance(e.r, 40) {
		return pick(e.r, "a,", ",a", "a b", "a, a", "m, m.a", "l[0], l", "#missing", "", "size(a)", "a = b", ":v")
	}
	n := 1 + e.r.IntN(3)
	paths := make([]string, n)
	for i := range paths {
		paths[i] = e.path()
	}
	return strings.Join(paths, ", ")
}

// used are the placeholders, or nil if there are none: DynamoDB refuses empty maps. Now and then there is one too many.
func (e *expressions) used() (names map[string]string, values item) {
	if chance(e.r, 80) {
		e.names["#unused"] = "unused"
	}
	if chance(e.r, 80) {
		e.values[":unused"] = str("unused")
	}
	if len(e.names) > 0 {
		names = e.names
	}
	if len(e.values) > 0 {
		values = e.values
	}
	return names, values
}
