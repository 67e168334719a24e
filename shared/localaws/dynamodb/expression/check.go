package expression

import (
	"math"
	"slices"
)

// checker makes the checks that need only the text, in the order of the text: functions, reserved words, indexes.
type checker struct{ kind Kind }

// The functions of the language, by where they may stand.
var (
	predicates = map[string]bool{
		"attribute_exists": true, "attribute_not_exists": true, "attribute_type": true, "begins_with": true, "contains": true,
	}
	updateFunctions = map[string]bool{ifNotExists: true, listAppend: true}
)

const (
	sizeFunction = "size"
	ifNotExists  = "if_not_exists"
	listAppend   = "list_append"
)

// position is where in an expression a node stands.
type position int

const (
	asCondition position = iota // where a condition is wanted
	asAssigned                  // the whole of what SET assigns
	asOperand                   // anywhere else
)

// all checks nodes that stand on their own: paths.
func (c checker) all(nodes []node) error {
	for _, n := range nodes {
		if err := c.check(n, asOperand); err != nil {
			return err
		}
	}
	return nil
}

func (c checker) check(n node, at position) error {
	switch n := n.(type) {
	case pathNode:
		return c.path(n)
	case functionNode:
		if err := c.function(n.name, at); err != nil {
			return err
		}
		return c.all(n.arguments)
	case parenthesisNode:
		return c.check(n.inner, at)
	case operationNode:
		return c.all(n.operands)
	case logicNode:
		for _, condition := range n.conditions {
			if err := c.check(condition, asCondition); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c checker) path(p pathNode) error {
	for _, s := range p.steps {
		switch {
		case s.index && !inIndexRange(s.text):
			return c.kind.fault("List index is not within the allowable range; index: [%s]", s.text)
		case !s.index && isReserved(s.text):
			return c.kind.fault("Attribute name is a reserved keyword; reserved keyword: %s", s.text)
		}
	}
	return nil
}

func inIndexRange(digits string) bool {
	n, ok := parseIndex(digits)
	return ok && n <= math.MaxInt32
}

func (c checker) function(name string, at position) error {
	isPredicate, isUpdate := predicates[name], updateFunctions[name]
	switch {
	case !isPredicate && !isUpdate && name != sizeFunction:
		return c.kind.fault("Invalid function name; function: %s", name)
	case c.kind == Update && !isUpdate:
		return c.kind.fault("The function is not allowed in an update expression; function: %s", name)
	case c.kind != Update && isUpdate:
		return c.kind.fault("The function is not allowed in a condition expression; function: %s", name)
	case isPredicate != (at == asCondition), name == listAppend && at != asAssigned:
		return c.kind.fault("The function is not allowed to be used this way in an expression; function: %s", name)
	}
	return nil
}

// hasRedundantParentheses reports whether somewhere a parenthesis holds nothing but another.
func hasRedundantParentheses(n node) bool {
	switch n := n.(type) {
	case parenthesisNode:
		_, doubled := n.inner.(parenthesisNode)
		return doubled || hasRedundantParentheses(n.inner)
	case functionNode:
		return anyRedundant(n.arguments)
	case operationNode:
		return anyRedundant(n.operands)
	case logicNode:
		return anyRedundant(n.conditions)
	}
	return false
}

func anyRedundant(nodes []node) bool { return slices.ContainsFunc(nodes, hasRedundantParentheses) }
