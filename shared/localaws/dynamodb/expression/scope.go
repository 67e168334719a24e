// Package expression is DynamoDB's expression language: conditions, filters, key conditions, projections and updates, checked
// with AWS's messages and evaluated over items.
package expression

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
)

// Error says why an expression, or a request for one, can't be accepted, in AWS's words: a ValidationException.
type Error struct{ Message string }

// Error is the message.
func (e *Error) Error() string { return e.Message }

func invalid(format string, args ...any) *Error { return &Error{fmt.Sprintf(format, args...)} }

// Kind is the request parameter that an expression came in; it begins the messages about it.
type Kind string

// The kinds of expressions.
const (
	Condition    Kind = "ConditionExpression"
	Filter       Kind = "FilterExpression"
	KeyCondition Kind = "KeyConditionExpression"
	Projection   Kind = "ProjectionExpression"
	Update       Kind = "UpdateExpression"
)

func (k Kind) fault(format string, args ...any) *Error {
	return invalid("Invalid %s: %s", k, fmt.Sprintf(format, args...))
}

var (
	nameKey  = regexp.MustCompile(`^#[A-Za-z0-9_]+$`)
	valueKey = regexp.MustCompile(`^:[A-Za-z0-9_]+$`)
)

// Scope is the placeholders of one request, shared by its expressions. It remembers which were used. Not safe for concurrent use.
type Scope struct {
	names      map[string]string
	values     value.Item
	usedNames  map[string]bool
	usedValues map[string]bool
}

// NewScope takes ExpressionAttributeNames and the decoded ExpressionAttributeValues; either may be nil, which means that it was
// not given.
func NewScope(names map[string]string, values value.Item) (*Scope, error) {
	if err := checkNames(names); err != nil {
		return nil, err
	}
	if values != nil && len(values) == 0 {
		return nil, invalid("ExpressionAttributeValues must not be empty")
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !valueKey.MatchString(key) {
			return nil, invalid(`ExpressionAttributeValues contains invalid key: Syntax error; key: "%s"`, key)
		}
	}
	return &Scope{names: names, values: values, usedNames: make(map[string]bool), usedValues: make(map[string]bool)}, nil
}

func checkNames(names map[string]string) error {
	if names != nil && len(names) == 0 {
		return invalid("ExpressionAttributeNames must not be empty")
	}
	for _, key := range slices.Sorted(maps.Keys(names)) {
		const prefix = "ExpressionAttributeNames contains invalid "
		switch name := names[key]; {
		case !nameKey.MatchString(key):
			return invalid(prefix+`key: Syntax error; key: "%s"`, key)
		case name == "":
			return invalid(prefix+"value: Empty attribute name for key %s", key)
		case len(name) > value.MaxNameLength:
			return invalid(prefix+"value: Attribute name is too large, must be less than 65536 bytes for key %s", key)
		}
	}
	return nil
}

func (s *Scope) name(placeholder string) (string, bool) {
	name, ok := s.names[placeholder]
	s.usedNames[placeholder] = true
	return name, ok
}

func (s *Scope) value(placeholder string) (value.Value, bool) {
	v, ok := s.values[placeholder]
	s.usedValues[placeholder] = true
	return v, ok
}

// Unused returns an error naming the placeholders that no expression of the request used.
func (s *Scope) Unused() error {
	if err := unused("ExpressionAttributeNames", slices.Collect(maps.Keys(s.names)), s.usedNames); err != nil {
		return err
	}
	return unused("ExpressionAttributeValues", slices.Collect(maps.Keys(s.values)), s.usedValues)
}

func unused(parameter string, keys []string, used map[string]bool) error {
	left := slices.DeleteFunc(keys, func(k string) bool { return used[k] })
	if len(left) == 0 {
		return nil
	}
	return invalid("Value provided in %s unused in expressions: keys: {%s}", parameter, strings.Join(InHashOrder(left), ", "))
}
