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
	if err := p.refusePlaceholders(kinds, given); err != nil || len(given) == 0 {
		return expressions{}, err
	}
	scope, err := p.scope(kinds...)
	if err != nil {
		return expressions{}, err
	}
	var e expressions
	for _, name := range given {
		if e, err = e.with(expression.Kind(name), p.text(name), scope); err != nil {
			return expressions{}, err
		}
	}
	return e, scope.Unused()
}

// with adds an expression to the others.
func (e expressions) with(kind expression.Kind, text string, scope *expression.Scope) (_ expressions, err error) {
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
	return e, err
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

// refusePlaceholders refuses names in a request without expressions, and values in one without an expression that can use them.
func (p parameters) refusePlaceholders(kinds []expression.Kind, given []string) error {
	const when = "can only be specified when using expressions"
	if p.has("ExpressionAttributeNames") && len(given) == 0 {
		return validation("ExpressionAttributeNames " + when)
	}
	users := withValues(kinds)
	if !p.has("ExpressionAttributeValues") || len(users) == 0 || slices.ContainsFunc(users, p.has) {
		return nil
	}
	verb := " is null"
	if len(users) > 1 {
		verb = " are null"
	}
	return validation("ExpressionAttributeValues %s: %s%s", when, strings.Join(users, " and "), verb)
}

// withValues are the names of those kinds that can use values.
func withValues(kinds []expression.Kind) []string {
	var names []string
	for _, k := range kinds {
		if k != expression.Projection {
			names = append(names, string(k))
		}
	}
	return names
}

// paths are the document paths in the expressions.
func (e expressions) paths() []expression.Path {
	var paths []expression.Path
	for _, predicate := range []*expression.Predicate{e.condition, e.filter} {
		if predicate != nil {
			paths = slices.Concat(paths, predicate.Paths())
		}
	}
	if e.projection != nil {
		paths = slices.Concat(paths, e.projection.All())
	}
	if e.update != nil {
		paths = slices.Concat(paths, e.update.Reads(), e.update.Paths().All())
	}
	for _, t := range e.key {
		paths = append(paths, t.Path)
	}
	return paths
}

// checkKeys refuses paths into key attributes, which are scalars.
func (e expressions) checkKeys(t *table) error {
	for _, path := range e.paths() {
		if len(path) == 1 {
			continue
		}
		const message = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
		name := path.Attribute()
		if t.keys.has(name) {
			return validation(message+"Key: %s", name)
		}
		if slices.ContainsFunc(t.indexes, func(x *index) bool { return x.keys.has(name) }) {
			return validation(message+"IndexKey: %s", name)
		}
	}
	return nil
}
