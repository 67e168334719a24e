package plan

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/functions/dynamodb/value"
)

// facts is what is known of every item that a read can return.
type facts struct {
	// known are attributes whose value is given, by an equality on a key.
	known value.Item
	// present are key attributes that every item of the index has, with a value that is not empty, by
	// name: their types.
	present map[string]string
	// missing is an attribute that the items considered don't have; empty: none.
	missing string
}

// fold decides what can be decided of c from facts alone, and returns the rest.
func fold(c *Condition, f facts) *Condition {
	if c.op == opAll || c.op == opAny {
		children := make([]*Condition, len(c.children))
		for i, child := range c.children {
			children[i] = fold(child, f)
		}
		return combine(c.op, children)
	}
	root := c.field.Root()
	if _, ok := f.known[root]; ok {
		return constant(c.Matches(f.known))
	}
	if root == f.missing {
		return constant(c.Matches(nil))
	}
	if kind, ok := f.present[root]; ok {
		return foldPresent(c, kind)
	}
	return c
}

// foldPresent decides a comparison of a key attribute of type kind as far as its presence and type do.
func foldPresent(c *Condition, kind string) *Condition {
	if len(c.field) > 1 {
		return constant(c.negated) // a key is a scalar: there is nothing below it
	}
	switch c.op {
	case opExists:
		return constant(!c.negated)
	case opType:
		return constant((c.kindOperand() == kind) != c.negated)
	case opIn:
		return foldIn(c, kind)
	case opLess, opLessEq, opGreater, opGreaterEq:
		return foldInequality(c, kind)
	case opBetween:
		return foldBetween(c, kind)
	default:
	}
	switch operand := c.values[0]; {
	case value.Kind(operand) != kind:
		return constant(c.negated)
	case !empty(operand):
		return c
	case c.op == opEqual:
		return constant(c.negated) // a key is never empty: traps.md 27
	default:
		return constant(!c.negated) // everything begins with, ends with and contains the empty text
	}
}

func foldIn(c *Condition, kind string) *Condition {
	possible := keyValues(c.values, kind)
	if len(possible) == 0 {
		return constant(c.negated)
	}
	folded := *c
	folded.values = possible
	return &folded
}

func foldInequality(c *Condition, kind string) *Condition {
	operand := c.values[0]
	if value.Kind(operand) != kind {
		return constant(c.negated)
	}
	if empty(operand) {
		return constant(ordered(c.op, 1) != c.negated)
	}
	if !c.negated {
		return c
	}
	folded := *c
	folded.negated = false
	folded.op = opposite(c.op)
	return &folded
}

// opposite is the inequality that holds of a value that is there just when o does not.
func opposite(o op) op {
	switch o {
	case opLess:
		return opGreaterEq
	case opLessEq:
		return opGreater
	case opGreater:
		return opLessEq
	default:
		return opLess
	}
}

func foldBetween(c *Condition, kind string) *Condition {
	low, high := c.values[0], c.values[1]
	switch {
	case value.Kind(low) != kind:
		return constant(c.negated)
	case empty(low):
		return foldInequality(&Condition{op: opLessEq, field: c.field, values: []types.AttributeValue{high}, negated: c.negated}, kind)
	default:
		return c
	}
}

// empty says whether v is an empty string or binary, which no key can be.
func empty(v types.AttributeValue) bool {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value == ""
	case *types.AttributeValueMemberB:
		return len(v.Value) == 0
	default:
		return false
	}
}

// keyValues are those of values that a key attribute of type kind can have, sorted, each once.
func keyValues(values []types.AttributeValue, kind string) []types.AttributeValue {
	possible := []types.AttributeValue{}
	for _, v := range values {
		if value.Kind(v) == kind && !empty(v) {
			possible = append(possible, v)
		}
	}
	slices.SortFunc(possible, order)
	return slices.CompactFunc(possible, func(a, b types.AttributeValue) bool { return order(a, b) == 0 })
}

// order compares two values of one key attribute.
func order(a, b types.AttributeValue) int {
	order, _ := value.Compare(a, b)
	return order
}

// bound finds the values that the key attribute must have one of for c to hold: it says false if c can
// hold with any value. They come sorted; none means that c can't hold.
func bound(c *Condition, key Attribute) (values []types.AttributeValue, ok bool) {
	switch c.op {
	case opAll:
		return boundAll(c.children, key)
	case opAny:
		for _, child := range c.children {
			some, ok := bound(child, key)
			if !ok {
				return nil, false
			}
			values = append(values, some...)
		}
		return keyValues(values, key.Type), true
	case opEqual, opIn:
		if c.negated || !c.field.is(key.Name) {
			return nil, false
		}
		return keyValues(c.values, key.Type), true
	default:
		return nil, false
	}
}

func boundAll(children []*Condition, key Attribute) (values []types.AttributeValue, ok bool) {
	for _, child := range children {
		some, bounded := bound(child, key)
		switch {
		case !bounded:
		case !ok:
			values, ok = some, true
		default:
			values = slices.DeleteFunc(values, func(v types.AttributeValue) bool {
				_, found := slices.BinarySearchFunc(some, v, order)
				return !found
			})
		}
	}
	return values, ok
}
