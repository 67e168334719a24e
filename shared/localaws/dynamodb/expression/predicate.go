package expression

import (
	"slices"
	"strings"

	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
)

// Predicate is a condition or filter, ready to be evaluated. Safe for concurrent use.
type Predicate struct {
	root  condition
	paths []Path
}

// condition is something that is true of an item or not.
type condition interface {
	holds(item value.Item) bool
}

// ParsePredicate reads a ConditionExpression or FilterExpression.
func ParsePredicate(kind Kind, text string, scope *Scope) (*Predicate, error) {
	root, err := parseCondition(kind, text)
	if err != nil {
		return nil, err
	}
	r := resolver{kind: kind, scope: scope}
	resolved, err := r.condition(root)
	if err != nil {
		return nil, err
	}
	return &Predicate{root: resolved, paths: r.paths}, r.finish()
}

// parseCondition reads and checks all that the text alone tells.
func parseCondition(kind Kind, text string) (node, error) {
	p, err := newParser(kind, text)
	if err != nil {
		return nil, err
	}
	root, err := p.or()
	if err != nil {
		return nil, err
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	if hasRedundantParentheses(root) {
		return nil, kind.fault("The expression has redundant parentheses;")
	}
	return root, checker{kind}.check(root, asCondition)
}

// Holds reports whether the item satisfies the predicate. A comparison with an attribute that isn't there, or between types, is
// false, except that <> is true.
func (p *Predicate) Holds(item value.Item) bool { return p.root.holds(item) }

// Paths are the document paths that the predicate looks at.
func (p *Predicate) Paths() []Path { return p.paths }

type (
	anyOf      []condition
	allOf      []condition
	negation   struct{ of condition }
	comparison struct {
		operator string
		operands []operand
	}
	call struct {
		name     string
		operands []operand
	}
)

func (r *resolver) condition(n node) (condition, error) {
	switch n := n.(type) {
	case parenthesisNode:
		return r.condition(n.inner)
	case logicNode:
		return r.logic(n)
	case operationNode:
		return r.comparison(n)
	case functionNode:
		return r.predicate(n)
	}
	return nil, r.kind.fault("Syntax error") // not reached: the grammar has no other conditions
}

func (r *resolver) logic(n logicNode) (condition, error) {
	r.counted()
	parts := make([]condition, len(n.conditions))
	for i, c := range n.conditions {
		part, err := r.condition(c)
		if err != nil {
			return nil, err
		}
		parts[i] = part
	}
	switch n.operator {
	case "AND":
		return allOf(parts), nil
	case "OR":
		return anyOf(parts), nil
	}
	return negation{parts[0]}, nil
}

func (r *resolver) comparison(n operationNode) (condition, error) {
	r.counted()
	operands, err := r.operands(n.operands)
	if err != nil {
		return nil, err
	}
	if n.operator == "IN" && len(operands)-1 > maxOperandsOfIn {
		return nil, r.kind.fault("The IN operator is provided with too many operands; number of operands: %d", len(operands)-1)
	}
	switch n.operator {
	case "<", "<=", ">", ">=":
		err = r.ordered(n.operator, operands)
	case "BETWEEN":
		if err = r.ordered(n.operator, operands); err == nil {
			err = r.bounds(operands[1], operands[2])
		}
	}
	if err != nil {
		return nil, err
	}
	return comparison{n.operator, operands}, r.distinct(n.operator, operands)
}

// ordered checks that operands of known type have an order.
func (r *resolver) ordered(operator string, operands []operand) error {
	for _, o := range operands {
		if k := kindOf(o); k != 0 && !k.IsScalar() {
			return r.wrongType(operator, k.String())
		}
	}
	return nil
}

func (r *resolver) bounds(low, high operand) error {
	l, lowKnown := low.(literal)
	h, highKnown := high.(literal)
	switch {
	case !lowKnown || !highKnown:
		return nil
	case l.v.Kind() != h.v.Kind():
		return r.kind.fault("The BETWEEN operator requires same data type for lower and upper bounds; "+
			"lower bound operand: AttributeValue: %s, upper bound operand: AttributeValue: %s", l.v, h.v)
	case value.Compare(l.v, h.v) > 0:
		return r.kind.fault("The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "+
			"lower bound operand: AttributeValue: %s, upper bound operand: AttributeValue: %s", l.v, h.v)
	}
	return nil
}

func (r *resolver) predicate(n functionNode) (condition, error) {
	want := 2
	if n.name == "attribute_exists" || n.name == "attribute_not_exists" {
		want = 1
	}
	operands, err := r.arguments(n, want)
	if err != nil {
		return nil, err
	}
	if err := r.distinct(n.name, operands); err != nil {
		return nil, err
	}
	switch n.name {
	case "attribute_exists", "attribute_not_exists":
		if _, ok := operands[0].(pathOperand); !ok {
			err = r.kind.fault("Operator or function requires a document path; operator or function: %s", n.name)
		}
	case "attribute_type":
		err = r.typeName(operands[1])
	case "begins_with":
		err = r.prefixes(operands)
	}
	return call{n.name, operands}, err
}

// anyType is how DynamoDB names the type of a path where only a literal will do.
const anyType = "{NS,INT,L,B,DOUBLE,SS,NULL,DECIMAL,INTSET,S,DICT,HDS,DECIMALSET,FLOAT,N,DOUBLESET,BOOL,BS,FS,HD,M}"

func (r *resolver) typeName(o operand) error {
	l, ok := o.(literal)
	switch k := kindOf(o); {
	case k == 0:
		return r.wrongType("attribute_type", anyType)
	case !ok || k != value.String:
		return r.wrongType("attribute_type", k.String())
	}
	if _, known := value.KindOf(l.v.Text()); !known {
		return r.kind.fault("Invalid attribute type name found; type: %s, valid types: {N,BS,L,B,NULL,M,S,SS,NS,BOOL}", l.v.Text())
	}
	return nil
}

func (r *resolver) prefixes(operands []operand) error {
	for _, o := range operands {
		if k := kindOf(o); k != 0 && k != value.String && k != value.Binary {
			return r.wrongType("begins_with", k.String())
		}
	}
	return nil
}

func (a anyOf) holds(item value.Item) bool {
	return slices.ContainsFunc(a, func(c condition) bool { return c.holds(item) })
}

func (a allOf) holds(item value.Item) bool {
	return !slices.ContainsFunc(a, func(c condition) bool { return !c.holds(item) })
}

func (n negation) holds(item value.Item) bool { return !n.of.holds(item) }

func (c comparison) holds(item value.Item) bool {
	left, ok := c.operands[0].value(item)
	equals := func(o operand) bool {
		right, found := o.value(item)
		return ok && found && value.Equal(left, right)
	}
	switch c.operator {
	case "=", "IN":
		return slices.ContainsFunc(c.operands[1:], equals)
	case "<>":
		return !equals(c.operands[1])
	case "BETWEEN":
		return ok && compares(item, ">=", left, c.operands[1]) && compares(item, "<=", left, c.operands[2])
	}
	return ok && compares(item, c.operator, left, c.operands[1])
}

// compares reports whether left stands in the given order to what o is: never, between types or without an order.
func compares(item value.Item, operator string, left value.Value, o operand) bool {
	right, ok := o.value(item)
	if !ok || left.Kind() != right.Kind() || !left.Kind().IsScalar() {
		return false
	}
	order := value.Compare(left, right)
	switch operator {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

func (c call) holds(item value.Item) bool {
	first, ok := c.operands[0].value(item)
	switch c.name {
	case "attribute_exists":
		return ok
	case "attribute_not_exists":
		return !ok
	}
	second, found := c.operands[1].value(item)
	if !ok || !found {
		return false
	}
	switch c.name {
	case "attribute_type":
		return first.Kind().String() == second.Text()
	case "begins_with":
		return textual(first, second) && strings.HasPrefix(first.Text(), second.Text())
	}
	return textual(first, second) && strings.Contains(first.Text(), second.Text()) || first.Has(second)
}

// textual reports whether both are strings or both are binary.
func textual(a, b value.Value) bool {
	return a.Kind() == b.Kind() && (a.Kind() == value.String || a.Kind() == value.Binary)
}
