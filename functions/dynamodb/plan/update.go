package plan

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/arngate/arngate/functions/dynamodb/value"
)

// Action is what a change does to its place in an item.
type Action string

// The actions of an update.
const (
	Set    Action = "set"    // gives it the value
	Remove Action = "remove" // leaves nothing there
	Add    Action = "add"    // adds a number to it, or elements to its set; to nothing: as if to 0 or to no elements
	Delete Action = "delete" // takes elements from its set
	Append Action = "append" // adds elements to the end of its list; to nothing: as if to no elements
)

// maxChanges bounds an update before it is looked at closer: DynamoDB's 4 KB hold fewer.
const maxChanges = 500

// Change is one thing that an update does.
type Change struct {
	Action Action
	Field  Path
	Value  types.AttributeValue // nil for Remove
	At     jsontext.Pointer     // where it stands in the request
}

// DecodeChanges reads an update's member that is called as its action: for Remove a list of fields; for the others an
// object of document paths and values, or, for fields that a short path can't name, a list of {"field", "value"}. Absent,
// or null, it is no change. With any fault, what is returned with it is of no use.
func DecodeChanges(raw []byte, action Action, mode value.Mode, at jsontext.Pointer) ([]Change, []value.Fault) {
	r := changeReader{action: action, mode: mode}
	switch kind := jsontext.Value(raw).Kind(); {
	case len(raw) == 0, kind == 'n':
	case action == Remove:
		r.fields(raw, at)
	case kind == '{':
		r.object(raw, at)
	default:
		r.list(raw, at)
	}
	return r.changes, r.faults
}

type changeReader struct {
	action  Action
	mode    value.Mode
	changes []Change
	faults  []value.Fault
}

func (r *changeReader) fault(at jsontext.Pointer, message string) {
	r.faults = append(r.faults, value.Fault{Pointer: string(at), Message: message})
}

// fields reads what Remove removes.
func (r *changeReader) fields(raw []byte, at jsontext.Pointer) {
	elements, ok := split(raw)
	if !ok {
		r.fault(at, "must be a list of document paths")
		return
	}
	for i, element := range elements {
		field, faults := DecodePath(element, indexed(at, i))
		r.faults = append(r.faults, faults...)
		r.changes = append(r.changes, Change{Action: r.action, Field: field, At: indexed(at, i)})
	}
}

// object reads {"path": value}.
func (r *changeReader) object(raw []byte, at jsontext.Pointer) {
	tokens := jsontext.NewDecoder(bytes.NewReader(raw))
	_, err := tokens.ReadToken()
	for err == nil && tokens.PeekKind() == '"' {
		var name jsontext.Token
		if name, err = tokens.ReadToken(); err != nil {
			break
		}
		text := name.String()
		var inner jsontext.Value
		if inner, err = tokens.ReadValue(); err != nil {
			break
		}
		here := at.AppendToken(text)
		field, ok := ParsePath(text)
		if !ok {
			r.fault(here, `must be named by a document path such as a.b[0]; names that hold a dot or bracket go as [{"field": ["a.b", 0], "value": …}]`)
		}
		r.change(field, slices.Clone(inner), here, here)
	}
	if err != nil {
		r.fault(at, "must be valid JSON, no name in it twice")
	}
}

const pairShape = `must be an object of document paths and values, or a list of {"field", "value"}`

// list reads [{"field": …, "value": …}].
func (r *changeReader) list(raw []byte, at jsontext.Pointer) {
	elements, ok := split(raw)
	if !ok {
		r.fault(at, pairShape)
		return
	}
	for i, element := range elements {
		r.pair(element, indexed(at, i))
	}
}

func (r *changeReader) pair(raw []byte, at jsontext.Pointer) {
	named, ok := new(reader).members(raw, at)
	rawField, rawValue := named["field"], named["value"]
	if !ok || rawField == nil || rawValue == nil || len(named) != 2 {
		r.fault(at, `must be {"field": …, "value": …}`)
		return
	}
	field, faults := DecodePath(rawField, at.AppendToken("field"))
	r.faults = append(r.faults, faults...)
	r.change(field, rawValue, at, at.AppendToken("value"))
}

// change reads the value of one change and checks that the action can be done with it.
func (r *changeReader) change(field Path, raw []byte, at, valueAt jsontext.Pointer) {
	v, faults := value.Decode(raw, r.mode, valueAt)
	if r.faults = append(r.faults, faults...); len(faults) > 0 {
		return
	}
	set := strings.HasSuffix(value.Kind(v), "S") && len(value.Kind(v)) == 2
	number := value.Kind(v) == "N"
	switch r.action {
	case Add:
		if !set && !number {
			r.fault(valueAt, "must be a number or a set")
		}
	case Delete:
		if !set {
			r.fault(valueAt, "must be a set: the elements to delete from one")
		}
	case Append:
		if value.Kind(v) != "L" {
			r.fault(valueAt, "must be a list: the elements to append to one")
		}
	case Set, Remove:
	}
	r.changes = append(r.changes, Change{Action: r.action, Field: field, Value: v, At: at})
}

// CheckChanges finds what no item could be updated by: nothing at all, too much, or two changes of one place.
func CheckChanges(changes []Change, at jsontext.Pointer) []value.Fault {
	switch {
	case len(changes) == 0:
		return one(at, "must say what to change: set, remove, add, delete or append")
	case len(changes) > maxChanges:
		return one(at, tooManyChanges)
	}
	var faults []value.Fault
	for i, c := range changes {
		overlaps := func(d Change) bool { return c.Field.covers(d.Field) || d.Field.covers(c.Field) }
		if slices.ContainsFunc(changes[:i], overlaps) {
			faults = append(faults, value.Fault{Pointer: string(c.At), Message: "is the place of another change too, or lies within one"})
		}
	}
	return faults
}

const tooManyChanges = "changes more than the 4 KB or 300 operators of an expression can say"

// UpdateExpression is an update in DynamoDB's own words.
type UpdateExpression struct {
	Text      string
	Condition Expression // its names and values are those of Text too
}

// NativeUpdate writes an update under a condition. A key's attribute in exists makes the update one of an item that is there
// already: UpdateItem would create it otherwise (traps.md 32). Faults point at the request's member at.
func NativeUpdate(changes []Change, condition Expression, exists string, at jsontext.Pointer) (UpdateExpression, []value.Fault) {
	b := seeded(condition)
	update := b.update(changes)
	if len(update) > maxExpression || b.operators > maxOperators {
		return UpdateExpression{}, one(at, tooManyChanges)
	}
	text := condition.Text
	if exists != "" {
		text = "attribute_exists(" + b.name(exists) + ")"
		if condition.Text != "" {
			text += " AND " + enclosed(condition.Text)
		}
	}
	return UpdateExpression{Text: update, Condition: Expression{Text: text, Names: b.names, Values: b.values}}, nil
}

// update writes the changes, in sections, of which an expression has one of each kind.
func (b *builder) update(changes []Change) string {
	sections := map[string][]string{}
	for _, c := range changes {
		section, text := b.change(c)
		sections[section] = append(sections[section], text)
	}
	var parts []string
	for _, section := range []string{"SET", "REMOVE", "ADD", "DELETE"} {
		if texts := sections[section]; len(texts) > 0 {
			parts = append(parts, section+" "+strings.Join(texts, ", "))
		}
	}
	return strings.Join(parts, " ")
}

// change writes one change. ADD is documented for attributes of the item itself alone, so numbers deeper down are added by
// SET (Amazon DynamoDB API Reference, "UpdateItem", UpdateExpression).
func (b *builder) change(c Change) (section, text string) {
	path := b.path(c.Field)
	b.operators++
	switch {
	case c.Action == Remove:
		return "REMOVE", path
	case c.Action == Add && value.Kind(c.Value) == "N" && len(c.Field) > 1:
		b.operators += 2
		zero := b.value(&types.AttributeValueMemberN{Value: "0"})
		return "SET", path + " = if_not_exists(" + path + ", " + zero + ") + " + b.value(c.Value)
	case c.Action == Add:
		return "ADD", path + " " + b.value(c.Value)
	case c.Action == Delete:
		return "DELETE", path + " " + b.value(c.Value)
	case c.Action == Append:
		b.operators += 2
		empty := b.value(&types.AttributeValueMemberL{Value: []types.AttributeValue{}})
		return "SET", path + " = list_append(if_not_exists(" + path + ", " + empty + "), " + b.value(c.Value) + ")"
	default:
		return "SET", path + " = " + b.value(c.Value)
	}
}

// enclosed puts a condition into parentheses, unless it is in some: DynamoDB refuses redundant ones. What is no white space to
// DynamoDB stays, and is refused.
func enclosed(text string) string {
	text = strings.Trim(text, " \t\r\n")
	depth := 0
	for i, c := range text {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 && i < len(text)-1 {
			return "(" + text + ")"
		}
	}
	return text
}

// Balanced says whether every parenthesis of a native expression has its other one, so that it stays one within another.
func Balanced(text string) bool {
	depth := 0
	for _, c := range text {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth < 0 {
			return false
		}
	}
	return depth == 0
}

// free is the first placeholder after the nth that is not taken by the request's own, and that foreign doesn't mention.
func free[V any](prefix string, taken map[string]V, foreign string) string {
	for n := len(taken); ; n++ {
		placeholder := prefix + strconv.Itoa(n)
		if _, ok := taken[placeholder]; !ok && !strings.Contains(foreign, placeholder) {
			return placeholder
		}
	}
}
