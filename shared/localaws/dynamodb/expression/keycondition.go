package expression

import (
	"slices"
	"strings"

	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
)

// KeyTerm is what a KeyConditionExpression asks of one attribute.
type KeyTerm struct {
	Path     Path
	Operator string        // =, <, <=, >, >=, BETWEEN or begins_with
	Values   []value.Value // two for BETWEEN, else one
}

// Holds reports whether v is what the term asks for.
func (t KeyTerm) Holds(v value.Value) bool {
	if t.Operator == "begins_with" {
		return textual(v, t.Values[0]) && strings.HasPrefix(v.Text(), t.Values[0].Text())
	}
	operands := []operand{literal{v}}
	for _, w := range t.Values {
		operands = append(operands, literal{w})
	}
	return comparison{t.Operator, operands}.holds(nil)
}

// ParseKeyCondition reads a KeyConditionExpression: one or two terms, each about another attribute. Whether they are the keys is for
// the table to say.
func ParseKeyCondition(text string, scope *Scope) ([]KeyTerm, error) {
	root, err := parseCondition(KeyCondition, text)
	if err != nil {
		return nil, err
	}
	r := resolver{kind: KeyCondition, scope: scope}
	resolved, err := r.condition(root)
	if err != nil {
		return nil, err
	}
	if err := r.finish(); err != nil {
		return nil, err
	}
	var terms []KeyTerm
	if err := collectTerms(resolved, &terms); err != nil {
		return nil, err
	}
	if len(terms) > 2 {
		return nil, invalid("Conditions can be of length 1 or 2 only")
	}
	return terms, nil
}

func collectTerms(c condition, terms *[]KeyTerm) error {
	switch c := c.(type) {
	case allOf:
		for _, part := range c {
			if err := collectTerms(part, terms); err != nil {
				return err
			}
		}
		return nil
	case anyOf:
		return unusable("OR")
	case negation:
		return unusable("NOT")
	case comparison:
		if c.operator == "<>" || c.operator == "IN" {
			return unusable(c.operator)
		}
		return addTerm(c.operator, c.operands, terms)
	case call:
		if c.name != "begins_with" {
			return unusable(c.name)
		}
		return addTerm(c.name, c.operands, terms)
	}
	return nil
}

func unusable(operator string) *Error {
	return invalid("Invalid operator used in KeyConditionExpression: %s", operator)
}

// mirrored are the operators that say the same with their operands exchanged.
var mirrored = map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

func addTerm(operator string, operands []operand, terms *[]KeyTerm) error {
	const prefix = "Invalid condition in KeyConditionExpression: "
	term := KeyTerm{Operator: operator}
	for i, o := range operands {
		switch o := o.(type) {
		case sizeOperand:
			return invalid("KeyConditionExpressions cannot contain nested operations")
		case literal:
			term.Values = append(term.Values, o.v)
		case pathOperand:
			switch {
			case i > 0 && mirrored[operator] == "":
				return invalid(prefix+"%s operator must have the key attribute as its first operand", operator)
			case term.Path != nil:
				return invalid(prefix + "Multiple attribute names used in one condition")
			case i > 0:
				term.Operator = mirrored[operator]
			}
			term.Path = Path(o)
		}
	}
	if term.Path == nil {
		return invalid(prefix + "No key attribute specified")
	}
	sameKey := func(t KeyTerm) bool { return t.Path.Attribute() == term.Path.Attribute() }
	if slices.ContainsFunc(*terms, sameKey) {
		return invalid("KeyConditionExpressions must only contain one condition per key")
	}
	*terms = append(*terms, term)
	return nil
}
