package plan

import (
	"bytes"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/functions/dynamodb/value"
)

// Condition is a node of a where tree: all, any, or a comparison of one field. There is no "not": a
// negation is pushed down to the comparisons when it is read. A Condition is never changed once made.
type Condition struct {
	op       op
	children []*Condition // of all, any
	field    Path
	values   []types.AttributeValue // the operands
	negated  bool
}

// op is what a node does. Comparisons are spelled as in a request.
type op = string

const (
	opAll        op = "all" // of nothing: true
	opAny        op = "any" // of nothing: false
	opEqual      op = "="
	opLess       op = "<"
	opLessEq     op = "<="
	opGreater    op = ">"
	opGreaterEq  op = ">="
	opBetween    op = "between"
	opIn         op = "in"
	opBeginsWith op = "begins_with"
	opEndsWith   op = "ends_with"
	opContains   op = "contains"
	opExists     op = "exists"
	opType       op = "type"
)

// operator is a spelling of a comparison.
type operator struct {
	op      op
	negated bool
}

// operators are the words a request may use; it is only read.
var operators = map[string]operator{
	"=":               {opEqual, false},
	"!=":              {opEqual, true},
	"<":               {opLess, false},
	"<=":              {opLessEq, false},
	">":               {opGreater, false},
	">=":              {opGreaterEq, false},
	"between":         {opBetween, false},
	"not_between":     {opBetween, true},
	"in":              {opIn, false},
	"not_in":          {opIn, true},
	"begins_with":     {opBeginsWith, false},
	"not_begins_with": {opBeginsWith, true},
	"contains":        {opContains, false},
	"not_contains":    {opContains, true},
	"ends_with":       {opEndsWith, false},
	"exists":          {opExists, false},
	"not_exists":      {opExists, true},
	"type":            {opType, false},
}

// constant is the condition that is always b.
func constant(b bool) *Condition {
	if b {
		return &Condition{op: opAll}
	}
	return &Condition{op: opAny}
}

// isConstant says whether c is constant(b).
func (c *Condition) isConstant(b bool) bool {
	return len(c.children) == 0 && ((b && c.op == opAll) || (!b && c.op == opAny))
}

// combine joins children by all or any, drops what does not matter, and flattens.
func combine(how op, children []*Condition) *Condition {
	neutral := how == opAll
	var kept []*Condition
	for _, child := range children {
		switch {
		case child.isConstant(!neutral):
			return constant(!neutral)
		case child.isConstant(neutral):
		case child.op == how:
			kept = append(kept, child.children...)
		default:
			kept = append(kept, child)
		}
	}
	if len(kept) == 1 {
		return kept[0]
	}
	return &Condition{op: how, children: kept}
}

// not is c's negation.
func (c *Condition) not() *Condition {
	switch c.op {
	case opAll, opAny:
		how := opAny
		if c.op == opAny {
			how = opAll
		}
		children := make([]*Condition, len(c.children))
		for i, child := range c.children {
			children[i] = child.not()
		}
		return &Condition{op: how, children: children}
	default:
		flipped := *c
		flipped.negated = !c.negated
		return &flipped
	}
}

// conjuncts are the conditions that must all hold for c to hold.
func (c *Condition) conjuncts() []*Condition {
	if c.op == opAll {
		return c.children
	}
	return []*Condition{c}
}

// eachField calls visit for every field that c compares.
func (c *Condition) eachField(visit func(Path)) {
	if c.op == opAll || c.op == opAny {
		for _, child := range c.children {
			child.eachField(visit)
		}
		return
	}
	visit(c.field)
}

// Matches says whether the condition is true of item, as DynamoDB would decide it. A nil condition is
// true of everything.
func (c *Condition) Matches(item value.Item) bool {
	switch {
	case c == nil:
		return true
	case c.op == opAll:
		for _, child := range c.children {
			if !child.Matches(item) {
				return false
			}
		}
		return true
	case c.op == opAny:
		for _, child := range c.children {
			if child.Matches(item) {
				return true
			}
		}
		return false
	default:
		v, there := find(item, c.field)
		return (there && c.holds(v)) != c.negated
	}
}

// holds decides the comparison, without its negation, for a value that is there.
func (c *Condition) holds(v types.AttributeValue) bool {
	switch c.op {
	case opEqual:
		return value.Equal(v, c.values[0])
	case opIn:
		for _, candidate := range c.values {
			if value.Equal(v, candidate) {
				return true
			}
		}
		return false
	case opBetween:
		low, ok := value.Compare(v, c.values[0])
		high, _ := value.Compare(v, c.values[1])
		return ok && low >= 0 && high <= 0
	case opLess, opLessEq, opGreater, opGreaterEq:
		order, ok := value.Compare(v, c.values[0])
		return ok && ordered(c.op, order)
	case opBeginsWith:
		return affix(v, c.values[0], strings.HasPrefix, bytes.HasPrefix)
	case opEndsWith:
		return affix(v, c.values[0], strings.HasSuffix, bytes.HasSuffix)
	case opContains:
		return contains(v, c.values[0])
	case opExists:
		return true
	case opType:
		return value.Kind(v) == c.kindOperand()
	default:
		return false
	}
}

// kindOperand is the type that opType asks for.
func (c *Condition) kindOperand() string {
	kind, _ := c.values[0].(*types.AttributeValueMemberS)
	return kind.Value
}

// ordered says whether an order of a value against an operand satisfies an inequality.
func ordered(o op, order int) bool {
	switch o {
	case opLess:
		return order < 0
	case opLessEq:
		return order <= 0
	case opGreater:
		return order > 0
	default:
		return order >= 0
	}
}

func affix(v, operand types.AttributeValue, text func(s, affix string) bool, blob func(b, affix []byte) bool) bool {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		operand, ok := operand.(*types.AttributeValueMemberS)
		return ok && text(v.Value, operand.Value)
	case *types.AttributeValueMemberB:
		operand, ok := operand.(*types.AttributeValueMemberB)
		return ok && blob(v.Value, operand.Value)
	default:
		return false
	}
}

// contains is a substring of a string or of binary, an element of a set, or an element of a list.
func contains(v, operand types.AttributeValue) bool {
	switch v := v.(type) {
	case *types.AttributeValueMemberS, *types.AttributeValueMemberB:
		return affix(v, operand, strings.Contains, bytes.Contains)
	case *types.AttributeValueMemberL:
		return anyEqual(v.Value, operand, func(e types.AttributeValue) types.AttributeValue { return e })
	case *types.AttributeValueMemberSS:
		return anyEqual(v.Value, operand, func(e string) types.AttributeValue { return &types.AttributeValueMemberS{Value: e} })
	case *types.AttributeValueMemberNS:
		return anyEqual(v.Value, operand, func(e string) types.AttributeValue { return &types.AttributeValueMemberN{Value: e} })
	case *types.AttributeValueMemberBS:
		return anyEqual(v.Value, operand, func(e []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: e} })
	default:
		return false
	}
}

func anyEqual[E any](list []E, operand types.AttributeValue, wrap func(E) types.AttributeValue) bool {
	for _, e := range list {
		if value.Equal(wrap(e), operand) {
			return true
		}
	}
	return false
}
