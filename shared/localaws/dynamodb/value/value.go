// Package value is DynamoDB's attribute values: the ten types, exact decimals, sizes, equality and sort order, read from and
// written as DynamoDB JSON.
package value

import (
	"maps"
	"slices"
	"strings"
)

// Kind is the type of a value.
type Kind uint8

// The types ("Naming rules and data types", Amazon DynamoDB Developer Guide). The zero Kind is no value at all.
const (
	String Kind = iota + 1
	Number
	Binary
	Boolean
	Null
	StringSet
	NumberSet
	BinarySet
	List
	Map
)

// kindNames are the type descriptors of the wire format.
var kindNames = map[Kind]string{
	String: "S", Number: "N", Binary: "B", Boolean: "BOOL", Null: "NULL",
	StringSet: "SS", NumberSet: "NS", BinarySet: "BS", List: "L", Map: "M",
}

// longNames are how update expressions name the types in their errors.
var longNames = map[Kind]string{
	String: "STRING", Number: "NUMBER", Binary: "BINARY", Boolean: "BOOLEAN", Null: "NULL",
	StringSet: "STRING_SET", NumberSet: "NUMBER_SET", BinarySet: "BINARY_SET", List: "LIST", Map: "MAP",
}

// String is the type descriptor: S, N, B, BOOL, NULL, SS, NS, BS, L or M.
func (k Kind) String() string { return kindNames[k] }

// LongName is the type spelled out: STRING, NUMBER_SET.
func (k Kind) LongName() string { return longNames[k] }

// KindOf is the type with the given descriptor.
func KindOf(descriptor string) (Kind, bool) {
	for k, name := range kindNames {
		if name == descriptor {
			return k, true
		}
	}
	return 0, false
}

// IsSet reports whether values of this type are sets.
func (k Kind) IsSet() bool { return k == StringSet || k == NumberSet || k == BinarySet }

// IsScalar reports whether values of this type have an order: strings, numbers and binary.
func (k Kind) IsScalar() bool { return k == String || k == Number || k == Binary }

// Element is the type of a set's elements, zero for other types.
func (k Kind) Element() Kind {
	switch k {
	case StringSet:
		return String
	case NumberSet:
		return Number
	case BinarySet:
		return Binary
	case String, Number, Binary, Boolean, Null, List, Map:
	}
	return 0
}

// Item is the attributes of an item or of a map, by name.
type Item map[string]Value

// Value is one attribute value. It is immutable; the zero Value is no value.
type Value struct {
	kind     Kind
	text     string // String: UTF-8; Binary: the bytes
	number   Decimal
	flag     bool
	elements []Value // List in order; sets sorted
	fields   Item
}

// NewString makes a string.
func NewString(s string) Value { return Value{kind: String, text: s} }

// NewBinary makes a binary value of the bytes in b.
func NewBinary(b string) Value { return Value{kind: Binary, text: b} }

// NewNumber makes a number.
func NewNumber(d Decimal) Value { return Value{kind: Number, number: d} }

// NewNull makes the null value.
func NewNull() Value { return Value{kind: Null} }

// NewList makes a list, which keeps elements.
func NewList(elements []Value) Value { return Value{kind: List, elements: elements} }

// NewMap makes a map, which keeps fields.
func NewMap(fields Item) Value { return Value{kind: Map, fields: fields} }

// NewSet makes a set of the distinct elements, which must all be of kind's element type.
func NewSet(kind Kind, elements []Value) Value {
	sorted := slices.SortedFunc(slices.Values(elements), Compare)
	return Value{kind: kind, elements: slices.CompactFunc(sorted, Equal)}
}

// Kind is the value's type; zero for no value.
func (v Value) Kind() Kind { return v.kind }

// Text is the text of a string or the bytes of a binary.
func (v Value) Text() string { return v.text }

// Decimal is the number of a Number.
func (v Value) Decimal() Decimal { return v.number }

// Bool is the truth of a Boolean.
func (v Value) Bool() bool { return v.flag }

// Elements are those of a list, in order, or of a set, sorted. They must not be changed.
func (v Value) Elements() []Value { return v.elements }

// Fields are those of a map. They must not be changed.
func (v Value) Fields() Item { return v.fields }

// Equal reports whether two values are the same: numbers by value, sets by their elements, documents all the way down.
func Equal(a, b Value) bool {
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case String, Binary:
		return a.text == b.text
	case Number:
		return a.number.Equal(b.number)
	case Boolean:
		return a.flag == b.flag
	case Map:
		return maps.EqualFunc(a.fields, b.fields, Equal)
	case StringSet, NumberSet, BinarySet, List:
		return slices.EqualFunc(a.elements, b.elements, Equal)
	case Null:
	}
	return true
}

// EqualItems reports whether two items have the same attributes.
func EqualItems(a, b Item) bool { return maps.EqualFunc(a, b, Equal) }

// Compare orders two scalars of the same type: strings by their UTF-8 bytes, binary by unsigned bytes, numbers by value
// (traps.md 25). Values of different types, or without an order, compare as equal.
func Compare(a, b Value) int {
	if a.kind != b.kind {
		return 0
	}
	if a.kind == Number {
		return a.number.Cmp(b.number)
	}
	return strings.Compare(a.text, b.text)
}

// Has reports whether a set or list has an element equal to e.
func (v Value) Has(e Value) bool {
	return slices.ContainsFunc(v.elements, func(x Value) bool { return Equal(x, e) })
}

// Union is the set of all elements of two sets of the same type.
func (v Value) Union(w Value) Value {
	return NewSet(v.kind, slices.Concat(v.elements, w.elements))
}

// Minus is the set of the elements of v that are not in w. It may be empty, and is then no value that can be stored.
func (v Value) Minus(w Value) Value {
	left := slices.DeleteFunc(slices.Clone(v.elements), w.Has)
	return Value{kind: v.kind, elements: left}
}

// Depth is how many levels of lists and maps are in the value: 0 for anything else.
func (v Value) Depth() int {
	deepest := 0
	for _, e := range v.elements {
		deepest = max(deepest, e.Depth())
	}
	for _, e := range v.fields {
		deepest = max(deepest, e.Depth())
	}
	if v.kind == List || v.kind == Map {
		return deepest + 1
	}
	return 0
}
