package docs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// schemas are the document's, by name.
type schemas map[string]*schema

// shown is a schema as the page shows it.
type shown struct {
	Members []member
	// Items describe the elements of a list, or the values of an object without named members, if there is more to them than
	// a type; OneOf are alternatives.
	Items *shown
	OneOf []*shown
	Type  string
	// Recursive says that the schema contains itself, and is shown further up.
	Recursive bool
	Facts     []string // limits, choices, defaults
}

type member struct {
	Name        string
	Need        string // "required" of a request, "always" of an answer; empty: may be missing
	Description []span
	Schema      *shown
}

// The words for a member that can't be missing.
const (
	needed = "required"
	always = "always"
)

// show makes a schema ready; need is the word for what can't be missing. A schema that contains itself is shown once.
func (s schemas) show(declared *schema, need string) *shown { return s.below(declared, need, nil) }

func (s schemas) below(declared *schema, need string, above []string) *shown {
	out := &shown{Type: s.typeOf(declared)}
	if name := refName(declared.Ref); name != "" {
		if slices.Contains(above, name) {
			out.Recursive = true
			return out
		}
		above = append(slices.Clone(above), name)
	}
	d := s.resolve(declared)
	out.Facts = facts(d)
	for _, name := range slices.Sorted(maps.Keys(d.Properties)) {
		p := d.Properties[name]
		description := p.Description
		if description == "" {
			description = s.resolve(p).Description
		}
		m := member{Name: name, Description: spans(description), Schema: s.below(p, need, above)}
		if slices.Contains(d.Required, name) {
			m.Need = need
		}
		out.Members = append(out.Members, m)
	}
	slices.SortStableFunc(out.Members, func(a, b member) int { return compareTrue(a.Need != "", b.Need != "") })
	for _, one := range slices.Concat(d.OneOf, d.AnyOf, d.AllOf) {
		out.OneOf = append(out.OneOf, s.below(one, need, above))
	}
	inner := d.Items
	if inner == nil {
		inner = d.AdditionalProperties.schema
	}
	if inner != nil {
		if items := s.below(inner, need, above); items.Deep() || items.Recursive || len(items.Facts) > 0 {
			out.Items = items
		}
	}
	return out
}

// Deep says whether there is more to show than a type and facts.
func (s *shown) Deep() bool { return len(s.Members) > 0 || s.Items != nil || len(s.OneOf) > 0 }

// resolve follows a reference. What leads nowhere is an empty schema: anything.
func (s schemas) resolve(declared *schema) *schema {
	if declared.Ref == "" {
		return declared
	}
	if found := s[refName(declared.Ref)]; found != nil {
		return found
	}
	return new(schema)
}

func refName(ref string) string {
	return strings.TrimPrefix(ref, "#/components/schemas/")
}

// typeOf is a schema's type in a few words.
func (s schemas) typeOf(declared *schema) string {
	d := s.resolve(declared)
	if alternatives := slices.Concat(d.OneOf, d.AnyOf); len(alternatives) > 0 {
		var types []string
		for _, one := range alternatives {
			types = append(types, s.typeOf(one))
		}
		return strings.Join(types, " or ")
	}
	var types []string
	for _, kind := range d.Type {
		switch {
		case kind == "null": // lists that are empty are never sent as null
		case kind == "array" && d.Items != nil:
			types = append(types, "list of "+s.typeOf(d.Items))
		case kind == "object" && d.AdditionalProperties.schema != nil && len(d.Properties) == 0:
			types = append(types, "object of "+s.typeOf(d.AdditionalProperties.schema))
		case kind == "string" && d.Format != "":
			types = append(types, d.Format)
		default:
			types = append(types, kind)
		}
	}
	if len(types) == 0 {
		return "any JSON"
	}
	return strings.Join(types, " or ")
}

func facts(d *schema) []string {
	var out []string
	if len(d.Enum) > 0 {
		words := make([]string, len(d.Enum))
		for i, value := range d.Enum {
			words[i] = text(value)
		}
		out = append(out, "one of: "+strings.Join(words, ", "))
	}
	if d.Default != nil {
		out = append(out, "default: "+text(d.Default))
	}
	out = appendRange(out, "value", d.Minimum, d.Maximum)
	out = appendRange(out, "length", d.MinLength, d.MaxLength)
	out = appendRange(out, "elements", d.MinItems, d.MaxItems)
	if d.Pattern != "" {
		out = append(out, "pattern: "+d.Pattern)
	}
	if d.WriteOnly {
		out = append(out, "never in an answer")
	}
	if len(d.Examples) > 0 {
		out = append(out, "such as: "+text(d.Examples[0]))
	}
	return out
}

// appendRange says which values are allowed, where anything is said of it.
func appendRange[T any](facts []string, what string, low, high *T) []string {
	switch {
	case low != nil && high != nil:
		return append(facts, fmt.Sprintf("%s: %v to %v", what, *low, *high))
	case low != nil:
		return append(facts, fmt.Sprintf("%s: at least %v", what, *low))
	case high != nil:
		return append(facts, fmt.Sprintf("%s: at most %v", what, *high))
	default:
		return facts
	}
}
