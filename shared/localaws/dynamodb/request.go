package dynamodb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/arngate/arngate/shared/localaws/dynamodb/expression"
	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
)

// parameters reads a structure of a request. The first SerializationException sticks; violated constraints of the API's model are
// collected, and reported together. Check finds both.
type parameters struct {
	members     map[string]any
	path        string // where it is in the request, as constraints name it; empty at the top
	fault       *error
	constraints *[]string
}

// readBody reads the JSON of a request.
func readBody(body []byte) (parameters, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return parameters{}, serialization("")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return parameters{}, serialization("")
	}
	members, ok := tree.(map[string]any)
	if !ok {
		return parameters{}, serialization("Unexpected field type")
	}
	return parameters{members: members, fault: new(error), constraints: new([]string)}, nil
}

// check returns what is wrong with the parameters read until now.
func (p parameters) check() error {
	if *p.fault != nil {
		return answerable(*p.fault)
	}
	switch n := len(*p.constraints); n {
	case 0:
		return nil
	case 1:
		return validation("1 validation error detected: %s", (*p.constraints)[0])
	default:
		return validation("%d validation errors detected: %s", n, strings.Join(*p.constraints, "; "))
	}
}

func (p parameters) fail(err error) {
	if *p.fault == nil {
		*p.fault = err
	}
}

// constrain notes that a member violates a constraint of the model.
func (p parameters) constrain(name, shown, constraint string) {
	*p.constraints = append(*p.constraints,
		fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: Member must %s", shown, p.path+lowerFirst(name), constraint))
}

func lowerFirst(name string) string {
	r := []rune(name)
	r[0] = unicode.ToLower(r[0])
	return string(r)
}

func (p parameters) has(name string) bool { return p.members[name] != nil }

// require notes the absence of a member.
func (p parameters) require(names ...string) {
	for _, name := range names {
		if !p.has(name) {
			p.constrain(name, "null", "not be null")
		}
	}
}

func (p parameters) text(name string) string {
	if !p.has(name) {
		return ""
	}
	s, ok := p.members[name].(string)
	if !ok {
		p.fail(value.Mismatch(p.members[name], "String"))
	}
	return s
}

func (p parameters) flag(name string) bool {
	if !p.has(name) {
		return false
	}
	b, ok := p.members[name].(bool)
	if !ok {
		p.fail(value.Mismatch(p.members[name], "Boolean"))
	}
	return b
}

// integer is absent if it isn't given.
func (p parameters) integer(name string) (n int, given bool) {
	if !p.has(name) {
		return 0, false
	}
	number, ok := p.members[name].(json.Number)
	if !ok {
		p.fail(value.Mismatch(p.members[name], "Integer"))
		return 0, true
	}
	i, err := number.Int64()
	if err != nil {
		p.fail(value.Mismatch(number, "Integer"))
	}
	return int(i), true
}

// ranged is an integer within bounds; given is false if there is none.
func (p parameters) ranged(name string, low, high int) (n int, given bool) {
	n, given = p.integer(name)
	switch {
	case given && n < low:
		p.constrain(name, fmt.Sprintf("'%d'", n), fmt.Sprintf("have value greater than or equal to %d", low))
	case given && n > high:
		p.constrain(name, fmt.Sprintf("'%d'", n), fmt.Sprintf("have value less than or equal to %d", high))
	}
	return n, given
}

// choice is one of the given texts, the one called fallback if it is absent.
func (p parameters) choice(name, fallback string, choices ...string) string {
	if !p.has(name) {
		return fallback
	}
	s := p.text(name)
	if !slices.Contains(choices, s) {
		p.constrain(name, "'"+s+"'", "satisfy enum value set: ["+strings.Join(choices, ", ")+"]")
	}
	return s
}

// structure is a member that is a structure; an absent one has no members.
func (p parameters) structure(name string) parameters {
	return p.child(p.members[name], lowerFirst(name)+".")
}

func (p parameters) child(tree any, path string) parameters {
	c := parameters{path: p.path + path, fault: p.fault, constraints: p.constraints}
	if tree == nil {
		return c
	}
	members, ok := tree.(map[string]any)
	if !ok {
		p.fail(&value.SyntaxError{Message: "Unexpected field type"})
	}
	c.members = members
	return c
}

// entry is the value of a key in a structure that is a map.
func (p parameters) entry(key string) parameters {
	return p.child(p.members[key], key+".member.")
}

// structures are the elements of a member that is a list of structures.
func (p parameters) structures(name string) []parameters {
	return p.elements(name, lowerFirst(name))
}

// entries are the elements of a list that is the value of a key in a structure that is a map.
func (p parameters) entries(key string) []parameters {
	return p.elements(key, key+".member")
}

func (p parameters) elements(name, path string) []parameters {
	array := p.array(name)
	list := make([]parameters, len(array))
	for i, tree := range array {
		list[i] = p.child(tree, fmt.Sprintf("%s.%d.member.", path, i+1))
	}
	return list
}

func (p parameters) array(name string) []any {
	if !p.has(name) {
		return nil
	}
	array, ok := p.members[name].([]any)
	if !ok {
		p.fail(&value.SyntaxError{Message: "Unexpected field type"})
	}
	return array
}

func (p parameters) texts(name string) []string {
	var list []string
	for _, tree := range p.array(name) {
		s, ok := tree.(string)
		if !ok {
			p.fail(value.Mismatch(tree, "String"))
		}
		list = append(list, s)
	}
	return list
}

// item is a member that is a map of attribute values; nil if it is absent.
func (p parameters) item(name string) value.Item {
	if !p.has(name) {
		return nil
	}
	item, err := value.DecodeItem(p.members[name])
	if err != nil {
		p.fail(err)
	}
	return item
}

// items are the elements of a member that is a list of maps of attribute values.
func (p parameters) items(name string) []value.Item {
	var list []value.Item
	for _, tree := range p.array(name) {
		item, err := value.DecodeItem(tree)
		if err != nil {
			p.fail(err)
		}
		list = append(list, item)
	}
	return list
}

// scope reads ExpressionAttributeNames, and ExpressionAttributeValues if expressions of these kinds can use them.
func (p parameters) scope(kinds ...expression.Kind) (*expression.Scope, error) {
	names, err := p.placeholders()
	if err != nil {
		return nil, err
	}
	if len(withValues(kinds)) == 0 {
		return expression.NewScope(names, nil)
	}
	values, err := p.placeholderValues()
	if err != nil {
		return nil, err
	}
	return expression.NewScope(names, values)
}

func (p parameters) placeholders() (map[string]string, error) {
	const name = "ExpressionAttributeNames"
	if !p.has(name) {
		return nil, nil //nolint:nilnil // an absent map is none, not a fault
	}
	object := p.structure(name)
	names := make(map[string]string, len(object.members))
	for key := range object.members {
		names[key] = object.text(key)
	}
	return names, p.check()
}

func (p parameters) placeholderValues() (value.Item, error) {
	const name = "ExpressionAttributeValues"
	if !p.has(name) {
		return nil, nil //nolint:nilnil // an absent map is none, not a fault
	}
	object := p.structure(name)
	values := make(value.Item, len(object.members))
	for key, tree := range object.members {
		v, err := value.Decode(tree)
		if bad, ok := errors.AsType[*value.Error](err); ok {
			return nil, validation("ExpressionAttributeValues contains invalid value: %s for key %s", bad.Message, key)
		}
		if err != nil {
			return nil, err
		}
		values[key] = v
	}
	return values, p.check()
}
