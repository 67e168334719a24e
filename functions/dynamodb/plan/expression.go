package plan

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/functions/dynamodb/value"
)

// Limits of an expression (Amazon DynamoDB Developer Guide, "Service, account, and table quotas",
// "Expression parameters").
const (
	maxExpression = 4096
	maxOperators  = 300
	maxIn         = 100
)

// Expression is a condition in DynamoDB's own words, every name and every value a placeholder: an
// attribute's name may be a reserved word or hold a dot (traps.md 26).
type Expression struct {
	Text   string
	Names  map[string]string
	Values map[string]types.AttributeValue
}

// Native writes c, the `if` of a write, as a condition expression. It says false if DynamoDB has none
// for it, for ends_with and the empty any, or if it would be longer than DynamoDB takes. The text is
// empty if c is always true.
func Native(c *Condition) (Expression, bool) {
	if c.isConstant(false) {
		return Expression{}, false // an empty expression would mean the opposite
	}
	narrowed, exact := narrow(c, nil)
	b := builder{}
	text, fits := b.condition(narrowed)
	return Expression{Text: text, Names: b.names, Values: b.values}, exact && fits
}

// narrow returns a condition that DynamoDB can decide, and that is true wherever c is true, so that
// what DynamoDB leaves out can't match. It is exact if it is true nowhere else. Comparisons of the keys
// named are not DynamoDB's to decide: a query refuses them in its filter (traps.md 29).
func narrow(c *Condition, keys []string) (narrowed *Condition, exact bool) {
	switch {
	case c.op == opAll || c.op == opAny:
		children := make([]*Condition, len(c.children))
		exact = true
		for i, child := range c.children {
			part, same := narrow(child, keys)
			children[i], exact = part, exact && same
		}
		return combine(c.op, children), exact
	case slices.Contains(keys, c.field.Root()):
		return constant(true), false
	case c.op == opEndsWith:
		return narrowEndsWith(c)
	default:
		return c, true
	}
}

// narrowEndsWith uses that what ends with a text contains it, and that it is a string; for binary,
// whose documentation promises no subsequences, only the type.
func narrowEndsWith(c *Condition) (narrowed *Condition, exact bool) {
	operand := c.values[0]
	kind := value.Kind(operand)
	switch {
	case c.negated && !empty(operand):
		return constant(true), false
	case kind == "S" && !empty(operand):
		return &Condition{op: opContains, field: c.field, values: c.values}, false
	default:
		typed := &Condition{op: opType, field: c.field, values: []types.AttributeValue{&types.AttributeValueMemberS{Value: kind}}, negated: c.negated}
		return typed, empty(operand)
	}
}

// builder writes the expressions of one read, which share their placeholders.
type builder struct {
	names     map[string]string
	values    map[string]types.AttributeValue
	byName    map[string]string // the placeholder of each name
	foreign   string            // an expression that stands beside those written here
	operators int
}

// seeded is a builder that leaves the placeholders of e to e, those also that e mentions and doesn't define: they must not come to
// mean something.
func seeded(e Expression) *builder {
	return &builder{names: maps.Clone(e.Names), values: maps.Clone(e.Values), byName: map[string]string{}, foreign: e.Text}
}

func (b *builder) clone() *builder {
	return &builder{names: maps.Clone(b.names), byName: maps.Clone(b.byName), values: maps.Clone(b.values)}
}

// name returns the placeholder for an attribute name.
func (b *builder) name(name string) string {
	if placeholder, ok := b.byName[name]; ok {
		return placeholder
	}
	if b.names == nil {
		b.names = map[string]string{}
	}
	if b.byName == nil {
		b.byName = map[string]string{}
	}
	placeholder := free("#", b.names, b.foreign)
	b.names[placeholder], b.byName[name] = name, placeholder
	return placeholder
}

// value returns a new placeholder for a value.
func (b *builder) value(v types.AttributeValue) string {
	if b.values == nil {
		b.values = map[string]types.AttributeValue{}
	}
	placeholder := free(":", b.values, b.foreign)
	b.values[placeholder] = v
	return placeholder
}

func (b *builder) path(path Path) string {
	var text strings.Builder
	for i, s := range path {
		switch {
		case s.Name == "":
			text.WriteString("[" + strconv.Itoa(s.Index) + "]")
			continue
		case i > 0:
			text.WriteByte('.')
		}
		text.WriteString(b.name(s.Name))
	}
	return text.String()
}

// filter writes c, unless DynamoDB would refuse the length of it: then it leaves the builder as it was
// and says false. What is always true is empty.
func (b *builder) filter(c *Condition) (text string, ok bool) {
	trial := b.clone()
	if text, ok = trial.condition(c); !ok {
		return "", false
	}
	*b = *trial
	return text, true
}

// condition writes c, which no constant is part of unless it is all of it.
func (b *builder) condition(c *Condition) (text string, ok bool) {
	if c.isConstant(true) {
		return "", true
	}
	b.operators = 0
	text = b.write(c, false)
	return text, len(text) <= maxExpression && b.operators <= maxOperators
}

// write writes c, in parentheses if it is a part of something that needs them. DynamoDB refuses
// redundant ones.
func (b *builder) write(c *Condition, inner bool) string {
	if c.op != opAll && c.op != opAny {
		return b.comparison(c, inner)
	}
	word := " AND "
	if c.op == opAny {
		word = " OR "
	}
	parts := make([]string, len(c.children))
	for i, child := range c.children {
		parts[i] = b.write(child, true)
	}
	b.operators += len(parts) - 1
	text := strings.Join(parts, word)
	if inner {
		return "(" + text + ")"
	}
	return text
}

func (b *builder) comparison(c *Condition, inner bool) string {
	b.operators++
	path := b.path(c.field)
	if !c.negated {
		return b.plain(c, path, inner)
	}
	switch c.op {
	case opEqual:
		return path + " <> " + b.value(c.values[0])
	case opExists:
		return "attribute_not_exists(" + path + ")"
	default:
		b.operators++
		text := b.plain(c, path, true)
		if strings.HasPrefix(text, "(") {
			return "NOT " + text
		}
		return "NOT (" + text + ")"
	}
}

func (b *builder) plain(c *Condition, path string, inner bool) string {
	switch c.op {
	case opEqual, opLess, opLessEq, opGreater, opGreaterEq:
		return path + " " + c.op + " " + b.value(c.values[0])
	case opBetween:
		return path + " BETWEEN " + b.value(c.values[0]) + " AND " + b.value(c.values[1])
	case opIn:
		return b.in(c, path, inner)
	case opExists:
		return "attribute_exists(" + path + ")"
	case opType:
		return "attribute_type(" + path + ", " + b.value(c.values[0]) + ")"
	default:
		return c.op + "(" + path + ", " + b.value(c.values[0]) + ")"
	}
}

// in writes lists longer than DynamoDB's hundred as several.
func (b *builder) in(c *Condition, path string, inner bool) string {
	var parts []string
	for chunk := range slices.Chunk(c.values, maxIn) {
		placeholders := make([]string, len(chunk))
		for i, v := range chunk {
			placeholders[i] = b.value(v)
		}
		parts = append(parts, path+" IN ("+strings.Join(placeholders, ", ")+")")
	}
	b.operators += 2 * (len(parts) - 1)
	text := strings.Join(parts, " OR ")
	if len(parts) > 1 && inner {
		return "(" + text + ")"
	}
	return text
}

// projection writes the paths, which must be disjoint.
func (b *builder) projection(paths []Path) string {
	parts := make([]string, len(paths))
	for i, path := range paths {
		parts[i] = b.path(path)
	}
	return strings.Join(parts, ", ")
}
