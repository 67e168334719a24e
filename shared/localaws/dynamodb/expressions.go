package dynamodb

import (
	"slices"
	"strings"

	"github.com/arngate/arngate/shared/localaws/dynamodb/expression"
)

// expressions are those of one request; the ones it doesn't have are nil.
type expressions struct {
	update     *expression.Updating
	condition  *expression.Predicate
	projection *expression.Paths
	filter     *expression.Predicate
	key        []expression.KeyTerm
}

// legacyParameters are what requests had before there were expressions.
var legacyParameters = []string{
	"AttributeUpdates", "Expected", "AttributesToGet", "KeyConditions", "QueryFilter", "ScanFilter", "ConditionalOperator",
}

// expressions reads those of the given kinds, in the order in which DynamoDB does, and checks that all placeholders are used.
func (p parameters) expressions(kinds ...expression.Kind) (expressions, error) {
	var given []string
	for _, k := range kinds {
		if p.has(string(k)) {
			given = append(given, string(k))
		}
	}
	if err := p.refuseLegacy(given); err != nil {
		return expressions{}, err
	}
	if len(given) == 0 {
		return expressions{}, p.refusePlaceholders(kinds)
	}
	scope, err := p.scope()
	if err != nil {
		return expressions{}, err
	}
	var e expressions
	for _, name := range given {
		if err := e.parse(expression.Kind(name), p.text(name), scope); err != nil {
			return expressions{}, err
		}
	}
	return e, scope.Unused()
}

func (e *expressions) parse(kind expression.Kind, text string, scope *expression.Scope) (err error) {
	switch kind {
	case expression.Update:
		e.update, err = expression.ParseUpdate(text, scope)
	case expression.Condition:
		e.condition, err = expression.ParsePredicate(kind, text, scope)
	case expression.Filter:
		e.filter, err = expression.ParsePredicate(kind, text, scope)
	case expression.Projection:
		e.projection, err = expression.ParseProjection(text, scope)
	case expression.KeyCondition:
		e.key, err = expression.ParseKeyCondition(text, scope)
	}
	return err
}

// refuseLegacy refuses the parameters of before expressions, which nothing here needs.
func (p parameters) refuseLegacy(given []string) error {
	var legacy []string
	for _, name := range legacyParameters {
		if p.has(name) {
			legacy = append(legacy, name)
		}
	}
	switch {
	case len(legacy) == 0:
		return nil
	case len(given) == 0:
		return notImplemented("the legacy parameters " + strings.Join(legacy, ", "))
	}
	return validation("Can not use both expression and non-expression parameters in the same request: "+
		"Non-expression parameters: {%s} Expression parameters: {%s}", strings.Join(legacy, ", "), strings.Join(given, ", "))
}

// refusePlaceholders refuses placeholders in a request without expressions.
func (p parameters) refusePlaceholders(kinds []expression.Kind) error {
	const when = "can only be specified when using expressions"
	if p.has("ExpressionAttributeNames") {
		return validation("ExpressionAttributeNames " + when)
	}
	if !p.has("ExpressionAttributeValues") {
		return nil
	}
	var names []string
	for _, k := range slices.DeleteFunc(slices.Clone(kinds), func(k expression.Kind) bool { return k == expression.Projection }) {
		names = append(names, string(k))
	}
	verb := " is null"
	if len(names) > 1 {
		verb = " are null"
	}
	return validation("ExpressionAttributeValues %s: %s%s", when, strings.Join(names, " and "), verb)
}
