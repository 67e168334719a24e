package dynamodb_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
)

// What follows says which items a where tree selects, written for these tests alone and from the documentation alone: JSON in
// plain form, numbers as json.Number. It shares no code with the planner.

// holds says whether the tree is true of the item.
func holds(node, item map[string]any) bool {
	switch {
	case node["all"] != nil:
		return !slices.ContainsFunc(node["all"].([]any), func(n any) bool { return !holds(n.(map[string]any), item) })
	case node["any"] != nil:
		return slices.ContainsFunc(node["any"].([]any), func(n any) bool { return holds(n.(map[string]any), item) })
	case node["not"] != nil:
		return !holds(node["not"].(map[string]any), item)
	}
	v, there := member(item, node["field"])
	op, operand := node["op"].(string), node["value"]
	switch positive, negated := strings.CutPrefix(op, "not_"); {
	case op == "!=":
		return !there || !equal(v, operand)
	case negated:
		return !there || !compares(positive, v, operand)
	default:
		return there && compares(op, v, operand)
	}
}

// member is what lies at a field, whose steps these tests separate by dots.
func member(item map[string]any, field any) (any, bool) {
	var at any = item
	for step := range strings.SplitSeq(field.(string), ".") {
		name, index, indexed := strings.Cut(step, "[")
		object, ok := at.(map[string]any)
		if !ok || kindOf(at) != "M" {
			return nil, false
		}
		if at, ok = object[name]; !ok {
			return nil, false
		}
		if indexed {
			list, ok := at.([]any)
			if !ok || index != "0]" || len(list) == 0 {
				return nil, false
			}
			at = list[0]
		}
	}
	return at, true
}

// compares says whether a comparison holds of a value that is there.
func compares(op string, v, operand any) bool {
	switch op {
	case "exists":
		return true
	case "type":
		return kindOf(v) == operand
	case "=":
		return equal(v, operand)
	case "in":
		return slices.ContainsFunc(operand.([]any), func(o any) bool { return equal(v, o) })
	case "between":
		return compares(">=", v, operand.([]any)[0]) && compares("<=", v, operand.([]any)[1])
	case "begins_with", "ends_with", "contains":
		return affects(op, v, operand)
	}
	order, ok := ordered(v, operand)
	switch op {
	case "<":
		return ok && order < 0
	case "<=":
		return ok && order <= 0
	case ">":
		return ok && order > 0
	default:
		return ok && order >= 0
	}
}

// affects is what looks into a value.
func affects(op string, v, operand any) bool {
	switch kindOf(v) {
	case "S", "B":
		if kindOf(v) != kindOf(operand) {
			return false
		}
		whole, part := text(v), text(operand)
		switch op {
		case "begins_with":
			return strings.HasPrefix(whole, part)
		case "ends_with":
			return strings.HasSuffix(whole, part)
		default:
			return strings.Contains(whole, part)
		}
	case "L":
		return op == "contains" && slices.ContainsFunc(v.([]any), func(e any) bool { return equal(e, operand) })
	case "SS", "NS":
		return op == "contains" && slices.ContainsFunc(elements(v), func(e any) bool { return equal(e, operand) })
	default:
		return false
	}
}

func kindOf(v any) string {
	switch v := v.(type) {
	case string:
		return "S"
	case json.Number:
		return "N"
	case bool:
		return "BOOL"
	case []any:
		return "L"
	case map[string]any:
		switch {
		case v["$binary"] != nil:
			return "B"
		case v["$set"] != nil:
			return kindOf(v["$set"].([]any)[0]) + "S"
		default:
			return "M"
		}
	default:
		return "NULL"
	}
}

// text is a string's or binary's bytes.
func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	decoded, err := base64.StdEncoding.DecodeString(v.(map[string]any)["$binary"].(string))
	if err != nil {
		return ""
	}
	return string(decoded)
}

func elements(set any) []any { return set.(map[string]any)["$set"].([]any) }

// ordered compares two values of one type that has an order.
func ordered(a, b any) (order int, ok bool) {
	if kindOf(a) != kindOf(b) {
		return 0, false
	}
	switch kindOf(a) {
	case "S", "B":
		return bytes.Compare([]byte(text(a)), []byte(text(b))), true
	case "N":
		x, _ := new(big.Rat).SetString(a.(json.Number).String())
		y, _ := new(big.Rat).SetString(b.(json.Number).String())
		return x.Cmp(y), true
	default:
		return 0, false
	}
}

func equal(a, b any) bool {
	if order, ok := ordered(a, b); ok {
		return order == 0
	}
	if kindOf(a) != kindOf(b) {
		return false
	}
	switch kindOf(a) {
	case "BOOL":
		return a == b
	case "NULL":
		return true
	case "L":
		return slices.EqualFunc(a.([]any), b.([]any), equal)
	case "SS", "NS":
		x, y := elements(a), elements(b)
		return len(x) == len(y) && !slices.ContainsFunc(x, func(e any) bool {
			return !slices.ContainsFunc(y, func(f any) bool { return equal(e, f) })
		})
	default:
		x, y := a.(map[string]any), b.(map[string]any)
		for name := range x {
			if other, ok := y[name]; !ok || !equal(x[name], other) {
				return false
			}
		}
		return len(x) == len(y)
	}
}

// binds says whether the tree, or its negation, is true only of items whose attribute has one of a few given values: whether the
// attribute is bound on every branch.
func binds(node map[string]any, attribute string, negated bool) bool {
	both, either := node["all"], node["any"]
	if negated {
		both, either = either, both
	}
	child := func(n any) bool { return binds(n.(map[string]any), attribute, negated) }
	switch {
	case both != nil:
		return slices.ContainsFunc(both.([]any), child)
	case either != nil:
		return !slices.ContainsFunc(either.([]any), func(n any) bool { return !child(n) })
	case node["not"] != nil:
		return binds(node["not"].(map[string]any), attribute, !negated)
	case node["field"] != attribute:
		return false
	case negated:
		return node["op"] == "!=" || node["op"] == "not_in"
	default:
		return node["op"] == "=" || node["op"] == "in"
	}
}

// mentions says whether the tree compares the attribute, or something below it.
func mentions(node map[string]any, attribute string) bool {
	for _, list := range []any{node["all"], node["any"]} {
		if children, ok := list.([]any); ok {
			return slices.ContainsFunc(children, func(n any) bool { return mentions(n.(map[string]any), attribute) })
		}
	}
	if inner, ok := node["not"].(map[string]any); ok {
		return mentions(inner, attribute)
	}
	name, _, _ := strings.Cut(strings.ReplaceAll(node["field"].(string), "[", "."), ".")
	return name == attribute
}
