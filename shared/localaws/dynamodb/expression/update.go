package expression

import (
	"slices"

	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
)

// Updating is an UpdateExpression, ready to be applied. Safe for concurrent use.
type Updating struct {
	changes []change
	paths   *Paths
	kept    []Path // the paths that have a value afterwards: all but those of REMOVE
	reads   []Path
}

// change is one action: what it does, where, and with what.
type change struct {
	section string
	path    Path
	with    assigned // nil for REMOVE
}

// assigned is something that an update computes from the item as it was. The error is an *Error.
type assigned interface {
	compute(item value.Item) (value.Value, error)
}

// ParseUpdate reads an UpdateExpression.
func ParseUpdate(text string, scope *Scope) (*Updating, error) {
	p, err := newParser(Update, text)
	if err != nil {
		return nil, err
	}
	sections, err := p.sections()
	if err != nil {
		return nil, err
	}
	if err := checkSections(sections); err != nil {
		return nil, err
	}
	var names []string
	var actions []action
	var targets []node
	for _, s := range sections {
		for _, a := range s.actions {
			names, actions, targets = append(names, s.name), append(actions, a), append(targets, a.path)
		}
	}
	paths, err := resolvePaths(Update, scope, targets)
	if err != nil {
		return nil, err
	}
	u := &Updating{paths: paths, changes: make([]change, len(actions))}
	r := resolver{kind: Update, scope: scope}
	for i, a := range slices.Backward(actions) { // as DynamoDB does, which decides the error of several
		c := change{section: names[i], path: paths.list[i]}
		if c.with, err = r.action(c.section, a.operand); err != nil {
			return nil, err
		}
		if c.section != "REMOVE" {
			u.kept = append(u.kept, c.path)
		}
		u.changes[i] = c
	}
	u.reads = r.paths
	return u, r.finish()
}

// checkSections makes the checks that need only the text.
func checkSections(sections []section) error {
	seen, doubled := make(map[string]bool), ""
	for _, s := range sections {
		for _, a := range s.actions {
			if hasRedundantParentheses(a.operand) {
				return Update.fault("The expression has redundant parentheses;")
			}
		}
	}
	for _, s := range sections {
		if seen[s.name] && doubled == "" {
			doubled = s.name
		}
		seen[s.name] = true
		for _, a := range s.actions {
			if err := (checker{Update}).action(a); err != nil {
				return err
			}
		}
	}
	if doubled != "" {
		return Update.fault(`The "%s" section can only be used once in an update expression;`, doubled)
	}
	return nil
}

func (c checker) action(a action) error {
	if err := c.check(a.path, asOperand); err != nil {
		return err
	}
	return c.check(a.operand, asAssigned)
}

func (r *resolver) action(section string, n node) (assigned, error) {
	if section == "REMOVE" {
		return removal{}, nil
	}
	if section == "SET" {
		return r.assigned(n)
	}
	l, err := r.literal(n.(valueNode))
	if err != nil {
		return nil, err
	}
	if k := l.v.Kind(); !k.IsSet() && (k != value.Number || section == "DELETE") {
		return nil, r.kind.fault("Incorrect operand type for operator or function; operator: %s, operand type: %s, "+
			"typeSet: ALLOWED_FOR_%s_OPERAND", section, k.LongName(), section)
	}
	return constant(l), nil
}

type (
	removal    struct{}
	constant   struct{ v value.Value }
	copied     Path
	arithmetic struct {
		operator    string
		left, right assigned
	}
	fallback struct {
		path      Path
		otherwise assigned
	}
	appended struct{ first, second assigned }
)

func (r *resolver) assigned(n node) (assigned, error) {
	switch n := n.(type) {
	case pathNode:
		path, err := r.path(n)
		return copied(path), err
	case valueNode:
		l, err := r.literal(n)
		return constant(l), err
	case parenthesisNode:
		return r.assigned(n.inner)
	case operationNode:
		return r.arithmetic(n)
	case functionNode:
		r.counted()
		arguments, err := r.allAssigned(n.arguments)
		if err != nil {
			return nil, err
		}
		if err := r.number(n, 2); err != nil {
			return nil, err
		}
		if n.name == ifNotExists {
			return r.fallback(arguments)
		}
		return appended{arguments[0], arguments[1]}, r.constantsAre(listAppend, value.List, arguments)
	}
	return nil, r.kind.fault("Syntax error") // not reached: the grammar has no other operands
}

func (r *resolver) allAssigned(nodes []node) ([]assigned, error) {
	resolved := make([]assigned, len(nodes))
	for i, n := range nodes {
		a, err := r.assigned(n)
		if err != nil {
			return nil, err
		}
		resolved[i] = a
	}
	return resolved, nil
}

func (r *resolver) arithmetic(n operationNode) (assigned, error) {
	r.counted()
	operands, err := r.allAssigned(n.operands)
	if err != nil {
		return nil, err
	}
	return arithmetic{n.operator, operands[0], operands[1]}, r.constantsAre(n.operator, value.Number, operands)
}

// constantsAre checks the type of the operands that are known before there is an item.
func (r *resolver) constantsAre(operator string, kind value.Kind, operands []assigned) error {
	for _, o := range operands {
		if c, ok := o.(constant); ok && c.v.Kind() != kind {
			return r.wrongType(operator, c.v.Kind().String())
		}
	}
	return nil
}

func (r *resolver) fallback(arguments []assigned) (assigned, error) {
	path, ok := arguments[0].(copied)
	if !ok {
		return nil, r.kind.fault("Operator or function requires a document path; operator or function: %s", ifNotExists)
	}
	if second, ok := arguments[1].(copied); ok && equalPaths(Path(second), Path(path)) {
		return nil, r.notDistinct(ifNotExists, Path(path))
	}
	return fallback{Path(path), arguments[1]}, nil
}

func (removal) compute(value.Item) (value.Value, error) { return value.Value{}, nil }

func (c constant) compute(value.Item) (value.Value, error) { return c.v, nil }

func (c copied) compute(item value.Item) (value.Value, error) {
	v, ok := Path(c).Get(item)
	if !ok {
		return value.Value{}, invalid("The provided expression refers to an attribute that does not exist in the item")
	}
	return v, nil
}

// compute needs the second operand to exist even where the first does, as DynamoDB does.
func (f fallback) compute(item value.Item) (value.Value, error) {
	otherwise, err := f.otherwise.compute(item)
	if v, ok := f.path.Get(item); ok && err == nil {
		return v, nil
	}
	return otherwise, err
}

func (a arithmetic) compute(item value.Item) (value.Value, error) {
	left, right, err := computeBoth(item, a.left, a.right, value.Number)
	if err != nil {
		return value.Value{}, err
	}
	if a.operator == "-" {
		d, err := left.Decimal().Sub(right.Decimal())
		return value.NewNumber(d), err
	}
	d, err := left.Decimal().Add(right.Decimal())
	return value.NewNumber(d), err
}

func (a appended) compute(item value.Item) (value.Value, error) {
	first, second, err := computeBoth(item, a.first, a.second, value.List)
	return value.NewList(slices.Concat(first.Elements(), second.Elements())), err
}

func computeBoth(item value.Item, a, b assigned, kind value.Kind) (left, right value.Value, err error) {
	if left, err = a.compute(item); err != nil {
		return left, right, err
	}
	if right, err = b.compute(item); err != nil {
		return left, right, err
	}
	if left.Kind() != kind || right.Kind() != kind {
		err = wrongOperand()
	}
	return left, right, err
}

func wrongOperand() *Error {
	return invalid("An operand in the update expression has an incorrect data type")
}
