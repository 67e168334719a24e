package policy

import "strings"

// quantifier says how an operator deals with the several values of a request's key.
type quantifier uint8

const (
	single       quantifier = iota // meant for one value; of several, any may match
	forAllValues                   // every value, also when there is none
	forAnyValue                    // at least one
)

// operator is a condition operator taken apart: qualifier, base, suffix.
type operator struct {
	quantifier quantifier
	ifExists   bool // true where the key is missing
	negated    bool // true where no operand matches, and where the key is missing
	null       bool // asks whether the key is missing
	compile    func(text string, variables bool) (operand, error)
}

// operand is one value of a condition, compiled for its operator.
type operand interface {
	matches(value string, q *query) bool
}

// parseOperator takes the name of an operator apart. AWS takes them in any case. ok is false if there is no such operator;
// Null has no IfExists ("IAM JSON policy elements: Condition operators").
func parseOperator(name string) (op operator, ok bool) {
	name = strings.ToLower(name)
	if base, found := strings.CutPrefix(name, "forallvalues:"); found {
		name, op.quantifier = base, forAllValues
	} else if base, found := strings.CutPrefix(name, "foranyvalue:"); found {
		name, op.quantifier = base, forAnyValue
	}
	name, op.ifExists = strings.CutSuffix(name, "ifexists")
	if name == "null" {
		op.null = true
		op.compile = newBool
		return op, !op.ifExists
	}
	op.negated, op.compile = comparison(name)
	return op, op.compile != nil
}

// comparison returns how an operator's operands compare, and whether it is true where none does; a nil function for an operator
// that doesn't exist. Without their `not`, the negated operators are the others: that is how they are defined.
func comparison(name string) (negated bool, compile func(string, bool) (operand, error)) {
	switch name {
	case "stringequals", "stringnotequals":
		compile = newString
	case "stringequalsignorecase", "stringnotequalsignorecase":
		compile = newFoldedString
	case "stringlike", "stringnotlike":
		compile = newWildcardString
	case "arnequals", "arnlike", "arnnotequals", "arnnotlike":
		compile = newARNPattern
	case "bool":
		compile = newBool
	case "binaryequals":
		compile = newBinary
	case "ipaddress", "notipaddress":
		compile = newNetwork
	default:
		compile = ordered(name)
	}
	return strings.Contains(name, "not"), compile
}

// ordered returns the operators that exist for numbers and for dates.
func ordered(name string) func(string, bool) (operand, error) {
	var holds func(order int) bool
	base, isDate := strings.CutPrefix(name, "date")
	if !isDate {
		var isNumber bool
		if base, isNumber = strings.CutPrefix(name, "numeric"); !isNumber {
			return nil
		}
	}
	switch base {
	case "equals", "notequals":
		holds = func(order int) bool { return order == 0 }
	case "lessthan":
		holds = func(order int) bool { return order < 0 }
	case "lessthanequals":
		holds = func(order int) bool { return order <= 0 }
	case "greaterthan":
		holds = func(order int) bool { return order > 0 }
	case "greaterthanequals":
		holds = func(order int) bool { return order >= 0 }
	default:
		return nil
	}
	if isDate {
		return func(text string, _ bool) (operand, error) { return newDate(text, holds), nil }
	}
	return func(text string, _ bool) (operand, error) { return newNumber(text, holds), nil }
}
