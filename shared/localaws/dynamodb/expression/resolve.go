package expression

import (
	"slices"
	"strconv"
	"strings"

	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
)

// maxOperators and maxOperandsOfIn bound an expression, and maxSteps a path ("Expression parameters", Service quotas, Amazon
// DynamoDB Developer Guide).
const (
	maxOperators    = 300
	maxOperandsOfIn = 100
	maxSteps        = 32
)

// operand is something that has a value in an item, or none.
type operand interface {
	value(item value.Item) (value.Value, bool)
}

type (
	pathOperand Path
	literal     struct{ v value.Value }
	sizeOperand struct{ of operand }
)

func (p pathOperand) value(item value.Item) (value.Value, bool) { return Path(p).Get(item) }

func (l literal) value(value.Item) (value.Value, bool) { return l.v, true }

func (s sizeOperand) value(item value.Item) (value.Value, bool) {
	v, ok := s.of.value(item)
	if !ok {
		return value.Value{}, false
	}
	n, ok := v.Count()
	if !ok {
		return value.Value{}, false
	}
	d, err := value.ParseDecimal(strconv.Itoa(n))
	return value.NewNumber(d), err == nil
}

// kindOf is the type that an operand is known to have before there is an item; zero for paths.
func kindOf(o operand) value.Kind {
	switch o := o.(type) {
	case literal:
		return o.v.Kind()
	case sizeOperand:
		return value.Number
	}
	return 0
}

// resolver replaces placeholders and checks operands, in the order of the text.
type resolver struct {
	kind      Kind
	scope     *Scope
	operators int
	paths     []Path
}

// counted adds one operator.
func (r *resolver) counted() { r.operators++ }

// finish checks the number of operators.
func (r *resolver) finish() error {
	if r.operators > maxOperators {
		return r.kind.fault("The expression contains too many operators; operator count: %d", maxOperators+1)
	}
	return nil
}

func (r *resolver) path(n pathNode) (Path, error) {
	path := make(Path, len(n.steps))
	for i, s := range n.steps {
		step := Step{Name: s.text}
		switch {
		case s.index:
			index, _ := parseIndex(s.text) // in range, as the checker saw to
			step = Step{Index: index, List: true}
		case strings.HasPrefix(s.text, "#"):
			name, ok := r.scope.name(s.text)
			if !ok {
				return nil, r.kind.fault("An expression attribute name used in the document path is not defined; attribute name: %s", s.text)
			}
			step.Name = name
		}
		path[i] = step
	}
	if len(path) > maxSteps {
		return nil, r.kind.fault("The document path has too many nesting levels; nesting levels: %d", len(path))
	}
	r.paths = append(r.paths, path)
	return path, nil
}

func parseIndex(digits string) (int, bool) {
	n, err := strconv.Atoi(digits)
	return n, err == nil
}

func (r *resolver) literal(n valueNode) (literal, error) {
	v, ok := r.scope.value(n.placeholder)
	if !ok {
		return literal{}, r.kind.fault("An expression attribute value used in expression is not defined; attribute value: %s", n.placeholder)
	}
	return literal{v}, nil
}

// operand resolves an operand of a condition.
func (r *resolver) operand(n node) (operand, error) {
	switch n := n.(type) {
	case pathNode:
		path, err := r.path(n)
		return pathOperand(path), err
	case valueNode:
		return r.literal(n)
	case parenthesisNode:
		return r.operand(n.inner)
	case functionNode:
		return r.size(n)
	}
	return nil, r.kind.fault("Syntax error") // not reached: the grammar has no other operands
}

func (r *resolver) operands(nodes []node) ([]operand, error) {
	resolved := make([]operand, len(nodes))
	for i, n := range nodes {
		o, err := r.operand(n)
		if err != nil {
			return nil, err
		}
		resolved[i] = o
	}
	return resolved, nil
}

func (r *resolver) size(n functionNode) (operand, error) {
	operands, err := r.arguments(n, 1)
	if err != nil {
		return nil, err
	}
	switch k := kindOf(operands[0]); k {
	case value.Number, value.Boolean, value.Null:
		return nil, r.wrongType(n.name, k.String())
	case value.String, value.Binary, value.StringSet, value.NumberSet, value.BinarySet, value.List, value.Map:
	}
	return sizeOperand{operands[0]}, nil
}

// arguments resolves the arguments of a function and checks how many there are.
func (r *resolver) arguments(n functionNode, want int) ([]operand, error) {
	r.counted()
	operands, err := r.operands(n.arguments)
	if err != nil {
		return nil, err
	}
	return operands, r.number(n, want)
}

func (r *resolver) number(n functionNode, want int) error {
	if got := len(n.arguments); got != want {
		return r.kind.fault("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d",
			n.name, got)
	}
	return nil
}

func (r *resolver) wrongType(operator, kind string) *Error {
	return r.kind.fault("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", operator, kind)
}

// distinct checks that the first operand, if it is a path, isn't among the others.
func (r *resolver) distinct(operator string, operands []operand) error {
	first, ok := operands[0].(pathOperand)
	if !ok {
		return nil
	}
	same := func(o operand) bool {
		p, ok := o.(pathOperand)
		return ok && equalPaths(Path(p), Path(first))
	}
	if slices.ContainsFunc(operands[1:], same) {
		return r.notDistinct(operator, Path(first))
	}
	return nil
}

func (r *resolver) notDistinct(operator string, first Path) *Error {
	return r.kind.fault("The first operand must be distinct from the remaining operands for this operator or function; "+
		"operator: %s, first operand: %s", operator, first)
}
