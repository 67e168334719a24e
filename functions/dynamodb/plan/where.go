package plan

import (
	"bytes"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/arngate/arngate/functions/dynamodb/value"
)

// maxTreeDepth bounds how deep all, any and not may nest.
const maxTreeDepth = 32

// DecodeWhere reads a where tree (also the `if` of a write) from raw, whose place in the request is at.
// All faults are returned; with any, the condition is nil.
func DecodeWhere(raw []byte, mode value.Mode, at jsontext.Pointer) (*Condition, []value.Fault) {
	r := reader{mode: mode}
	c := r.node(raw, at, 0)
	if len(r.faults) > 0 {
		return nil, r.faults
	}
	return c, nil
}

// reader reads a where tree and collects what is wrong with it.
type reader struct {
	mode   value.Mode
	faults []value.Fault
}

func (r *reader) fault(at jsontext.Pointer, message string) {
	r.faults = append(r.faults, value.Fault{Pointer: string(at), Message: message})
}

const nodeShape = `must be {"all": […]}, {"any": […]}, {"not": {…}} or {"field", "op", "value"}`

// node reads one node. What it returns is of no use once there is a fault.
func (r *reader) node(raw []byte, at jsontext.Pointer, depth int) *Condition {
	if depth > maxTreeDepth {
		r.fault(at, "is nested too deep")
		return constant(true)
	}
	members, ok := r.members(raw, at)
	if !ok {
		return constant(true)
	}
	if len(members) == 1 {
		for name, inner := range members {
			switch here := at.AppendToken(name); name {
			case "all", "any":
				return combine(op(name), r.nodes(inner, here, depth))
			case "not":
				return r.node(inner, here, depth+1).not()
			}
		}
	}
	return r.comparison(members, at)
}

func (r *reader) nodes(raw []byte, at jsontext.Pointer, depth int) []*Condition {
	elements, ok := split(raw)
	if !ok {
		r.fault(at, "must be a list of conditions")
		return nil
	}
	nodes := make([]*Condition, len(elements))
	for i, element := range elements {
		nodes[i] = r.node(element, indexed(at, i), depth+1)
	}
	return nodes
}

// members splits an object into its members. Names that a node can't have, and names that are there
// twice, are faults.
func (r *reader) members(raw []byte, at jsontext.Pointer) (map[string][]byte, bool) {
	tokens := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true))
	if token, err := tokens.ReadToken(); err != nil || token.Kind() != '{' {
		r.fault(at, nodeShape)
		return nil, false
	}
	before := len(r.faults)
	members := map[string][]byte{}
	for tokens.PeekKind() == '"' {
		token, err := tokens.ReadToken()
		if err != nil {
			break
		}
		name := token.String()
		inner, err := tokens.ReadValue()
		if err != nil {
			break
		}
		r.checkName(members, name, at)
		end := int(tokens.InputOffset())
		members[name] = raw[end-len(inner) : end]
	}
	if _, err := tokens.ReadToken(); err != nil {
		r.fault(at, "must be valid JSON")
	}
	return members, len(r.faults) == before
}

func (r *reader) checkName(members map[string][]byte, name string, at jsontext.Pointer) {
	switch name {
	case "all", "any", "not", "field", "op", "value":
		if _, twice := members[name]; twice {
			r.fault(at.AppendToken(name), "is there twice")
		}
	default:
		r.fault(at.AppendToken(name), "is unknown here: a condition "+nodeShape)
	}
}

// comparison reads a leaf.
func (r *reader) comparison(members map[string][]byte, at jsontext.Pointer) *Condition {
	for _, name := range []string{"all", "any", "not"} {
		if _, there := members[name]; there {
			r.fault(at, nodeShape)
			return constant(true)
		}
	}
	c := &Condition{}
	if raw, there := members["field"]; there {
		path, faults := DecodePath(raw, at.AppendToken("field"))
		c.field, r.faults = path, append(r.faults, faults...)
	} else {
		r.fault(at.AppendToken("field"), "is missing")
	}
	raw, there := members["op"]
	if !there {
		r.fault(at.AppendToken("op"), "is missing")
		return c
	}
	operator, known := operators[text(raw)]
	if !known {
		r.fault(at.AppendToken("op"), "must be one of =, !=, <, <=, >, >=, between, in, begins_with, contains, not_between, not_in, not_begins_with, not_contains, ends_with, exists, not_exists, type")
		return c
	}
	c.op, c.negated = operator.op, operator.negated
	c.values = r.operands(c.op, members, at.AppendToken("value"))
	return c
}

// text is the string that raw holds, or empty.
func text(raw []byte) string {
	unquoted, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		return ""
	}
	return string(unquoted)
}

// operands reads what a comparison compares with, and checks that DynamoDB can compare with it.
func (r *reader) operands(o op, members map[string][]byte, at jsontext.Pointer) []types.AttributeValue {
	raw, there := members["value"]
	if there == (o == opExists) {
		if there {
			r.fault(at, "does not go with this operator")
		} else {
			r.fault(at, "is missing")
		}
		return nil
	}
	switch o {
	case opExists:
		return nil
	case opType:
		return r.kind(raw, at)
	case opIn, opBetween:
		return r.list(o, raw, at)
	default:
		return r.single(o, raw, at)
	}
}

func (r *reader) kind(raw []byte, at jsontext.Pointer) []types.AttributeValue {
	kind := text(raw)
	switch kind {
	case "S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS":
	default:
		r.fault(at, "must be a type: S, N, B, BOOL, NULL, M, L, SS, NS or BS")
	}
	return []types.AttributeValue{&types.AttributeValueMemberS{Value: kind}}
}

func (r *reader) single(o op, raw []byte, at jsontext.Pointer) []types.AttributeValue {
	v, faults := value.Decode(raw, r.mode, at)
	if len(faults) > 0 {
		r.faults = append(r.faults, faults...)
		return nil
	}
	kind := value.Kind(v)
	switch o {
	case opLess, opLessEq, opGreater, opGreaterEq:
		if !orderable(kind) {
			r.fault(at, "must be a string, a number or binary: nothing else has an order")
		}
	case opBeginsWith, opEndsWith:
		if kind != "S" && kind != "B" {
			r.fault(at, "must be a string or binary")
		}
	case opContains:
		if !orderable(kind) && kind != "BOOL" && kind != "NULL" {
			r.fault(at, "must be a string, number, binary, boolean or null")
		}
	default:
	}
	return []types.AttributeValue{v}
}

func orderable(kind string) bool { return kind == "S" || kind == "N" || kind == "B" }

// list reads the operands of in and between: a JSON list of values.
func (r *reader) list(o op, raw []byte, at jsontext.Pointer) []types.AttributeValue {
	elements, ok := split(raw)
	if !ok || len(elements) == 0 || (o == opBetween && len(elements) != 2) {
		if o == opBetween {
			r.fault(at, "must be a list of two values: the least and the greatest")
		} else {
			r.fault(at, "must be a list of at least one value")
		}
		return nil
	}
	before := len(r.faults)
	values := make([]types.AttributeValue, len(elements))
	for i, element := range elements {
		var faults []value.Fault
		values[i], faults = value.Decode(element, r.mode, indexed(at, i))
		r.faults = append(r.faults, faults...)
	}
	if o == opBetween && len(r.faults) == before {
		r.checkBounds(values, at)
	}
	return values
}

// checkBounds refuses what DynamoDB refuses: bounds of different types, or in the wrong order.
func (r *reader) checkBounds(bounds []types.AttributeValue, at jsontext.Pointer) {
	order, ok := value.Compare(bounds[0], bounds[1])
	switch {
	case !ok:
		r.fault(at, "must be two strings, two numbers or two binary values")
	case order > 0:
		r.fault(at, "must have the least value first")
	}
}

// split cuts a JSON list into its elements.
func split(raw []byte) ([][]byte, bool) {
	tokens := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true))
	if token, err := tokens.ReadToken(); err != nil || token.Kind() != '[' {
		return nil, false
	}
	elements := [][]byte{}
	for tokens.PeekKind() != ']' {
		element, err := tokens.ReadValue()
		if err != nil {
			return nil, false
		}
		end := int(tokens.InputOffset())
		elements = append(elements, raw[end-len(element):end])
	}
	return elements, true
}

func indexed(at jsontext.Pointer, i int) jsontext.Pointer { return at.AppendToken(strconv.Itoa(i)) }
