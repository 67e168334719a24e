package policy

import (
	"fmt"
	"strings"
)

// compiledCondition is one key of one operator.
type compiledCondition struct {
	operator operator
	key      string
	operands []operand
}

func compileCondition(c Condition, variables bool) (compiledCondition, error) {
	op, ok := parseOperator(c.Operator)
	if !ok {
		return compiledCondition{}, fmt.Errorf("compile condition: no such operator")
	}
	out := compiledCondition{operator: op, key: c.Key}
	for _, text := range c.Values {
		o, err := op.compile(text, variables)
		if err != nil {
			return compiledCondition{}, err
		}
		out.operands = append(out.operands, o)
	}
	return out, nil
}

// truth is what a condition says.
type truth uint8

const (
	fails      truth = iota // whatever else the request might hold
	holds                   // with what the request holds
	failsSoFar              // for want of a key
)

// evaluate applies c to the request of q, noting the keys that are missing.
// (IAM User Guide: "Condition operators", "Single-valued vs. multivalued context keys", "Conditions with multiple context keys or
// values")
func (c *compiledCondition) evaluate(q *query) truth {
	before := q.misses
	switch {
	case c.holds(q):
		return holds
	case q.misses > before:
		return failsSoFar
	}
	return fails
}

func (c *compiledCondition) holds(q *query) bool {
	values := q.values(c.key)
	op := c.operator
	switch {
	case op.null:
		return c.anyOperand(boolText(len(values) == 0), q)
	case len(values) == 0:
		return c.holdsMissing()
	case op.quantifier == forAllValues:
		return nullDataset(values) || c.forAll(values, q)
	case op.quantifier == forAnyValue:
		return !nullDataset(values) && c.forAny(values, q)
	}
	return c.single(values, q)
}

// holdsMissing says what a condition is whose key the request doesn't have.
func (c *compiledCondition) holdsMissing() bool {
	switch {
	case c.operator.ifExists, c.operator.quantifier == forAllValues:
		return true
	case c.operator.quantifier == forAnyValue:
		return false
	}
	return c.operator.negated
}

// nullDataset reports whether values are what AWS's page on multivalued keys calls a null dataset, "such as an empty string":
// ForAllValues is true of it, ForAnyValue false.
func nullDataset(values []string) bool {
	return strings.Join(values, "") == ""
}

func (c *compiledCondition) forAll(values []string, q *query) bool {
	for _, v := range values {
		if c.anyOperand(v, q) == c.operator.negated {
			return false
		}
	}
	return true
}

func (c *compiledCondition) forAny(values []string, q *query) bool {
	for _, v := range values {
		if c.anyOperand(v, q) != c.operator.negated {
			return true
		}
	}
	return false
}

// single is an operator without qualifier: some value matches some operand, or, negated, none matches any.
func (c *compiledCondition) single(values []string, q *query) bool {
	for _, v := range values {
		if c.anyOperand(v, q) {
			return !c.operator.negated
		}
	}
	return c.operator.negated
}

func (c *compiledCondition) anyOperand(value string, q *query) bool {
	for _, o := range c.operands {
		if o.matches(value, q) {
			return true
		}
	}
	return false
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
