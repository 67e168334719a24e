package httpapi

import (
	"cmp"
	"regexp"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

// shape is a schema made ready for checking: what a JSON value may be.
type shape struct {
	kind                       kind
	nullable                   bool
	oneOf                      []*shape // of different kinds: the value's own kind says which it is
	fields                     map[string]field
	required                   []string
	additional                 *shape // of members that fields doesn't name; nil: anything
	closed                     bool   // no other members than fields
	items                      *shape
	enum                       []string // the values as JSON text
	enumText                   []string // those that are strings, as they are
	pattern                    *regexp.Regexp
	patternHelp                string
	format                     string
	minLength, maxLength       int // in runes; maxLength -1: none
	minItems, maxItems         int // of arrays and objects
	minimum, maximum           *float64
	exclusiveMin, exclusiveMax *float64
}

type field struct {
	shape    *shape
	required bool
}

// kind is the JSON type that a shape takes.
type kind byte

const (
	anything kind = iota
	text
	integer
	number
	boolean
	array
	object
)

// none is the absent upper limit.
const none = -1

// compile makes a shape of a schema. Of the keywords that combine schemas it knows oneOf where each has a JSON type of its own;
// the others are left to the type's own decoding.
func compile(registry huma.Registry, schema *huma.Schema) *shape {
	return compiler{registry, map[*huma.Schema]*shape{}}.compile(schema)
}

type compiler struct {
	registry huma.Registry
	done     map[*huma.Schema]*shape // for types that contain themselves
}

func (c compiler) compile(schema *huma.Schema) *shape {
	for schema != nil && schema.Ref != "" {
		schema = c.registry.SchemaFromRef(schema.Ref)
	}
	if schema != nil && schema.OneOf != nil {
		return c.compileOneOf(schema.OneOf)
	}
	if schema == nil || schema.AnyOf != nil || schema.AllOf != nil || schema.Not != nil {
		return &shape{maxLength: none, maxItems: none}
	}
	if s, ok := c.done[schema]; ok {
		return s
	}
	s := &shape{
		nullable: schema.Nullable, format: schema.Format, patternHelp: schema.PatternDescription,
		minLength: valueOr(schema.MinLength, 0), maxLength: valueOr(schema.MaxLength, none),
		minItems: cmp.Or(valueOr(schema.MinItems, 0), valueOr(schema.MinProperties, 0)),
		maxItems: valueOr(schema.MaxItems, valueOr(schema.MaxProperties, none)),
		minimum:  schema.Minimum, maximum: schema.Maximum,
		exclusiveMin: schema.ExclusiveMinimum, exclusiveMax: schema.ExclusiveMaximum,
	}
	c.done[schema] = s
	if schema.Pattern != "" {
		s.pattern = regexp.MustCompile(schema.Pattern)
	}
	if schema.ContentEncoding == "base64" {
		s.format = "base64"
	}
	for _, value := range schema.Enum {
		s.enum = append(s.enum, jsonText(value))
		if text, ok := value.(string); ok {
			s.enumText = append(s.enumText, text)
		}
	}
	c.compileKind(s, schema)
	return s
}

func (c compiler) compileOneOf(schemas []*huma.Schema) *shape {
	s := &shape{maxLength: none, maxItems: none}
	kinds := map[kind]bool{anything: true}
	for _, schema := range schemas {
		one := c.compile(schema)
		if kinds[one.kind] {
			return &shape{maxLength: none, maxItems: none}
		}
		kinds[one.kind] = true
		s.oneOf = append(s.oneOf, one)
	}
	return s
}

func (c compiler) compileKind(s *shape, schema *huma.Schema) {
	switch schema.Type {
	case huma.TypeString:
		s.kind = text
	case huma.TypeInteger:
		s.kind = integer
	case huma.TypeNumber:
		s.kind = number
	case huma.TypeBoolean:
		s.kind = boolean
	case huma.TypeArray:
		s.kind, s.items = array, c.compile(schema.Items)
	case huma.TypeObject:
		s.kind = object
		c.compileMembers(s, schema)
	}
}

func (c compiler) compileMembers(s *shape, schema *huma.Schema) {
	s.fields = make(map[string]field, len(schema.Properties))
	for name, property := range schema.Properties {
		s.fields[name] = field{c.compile(property), slices.Contains(schema.Required, name)}
	}
	s.required = schema.Required
	switch additional := schema.AdditionalProperties.(type) {
	case bool:
		s.closed = !additional
	case *huma.Schema:
		s.additional = c.compile(additional)
	}
}

func valueOr(p *int, fallback int) int {
	if p == nil {
		return fallback
	}
	return *p
}
