package value

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// MaxNameLength bounds the bytes of an attribute's name.
const MaxNameLength = 65535

// MaxDepth is how many levels of lists and maps an attribute may have.
const MaxDepth = 32

// DecodeItem reads attributes from JSON that was decoded with numbers kept as [json.Number]. An error is a *SyntaxError or an
// *Error; of several faults it names the one in the attribute that sorts first.
func DecodeItem(tree any) (Item, error) {
	object, err := asObject(tree)
	if err != nil {
		return nil, err
	}
	item := make(Item, len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if err := checkName(name); err != nil {
			return nil, err
		}
		if object[name] == nil {
			return nil, invalid("The supplied Item contains a null AttributeValue: %s is null", name)
		}
		v, err := Decode(object[name])
		if err != nil {
			return nil, err
		}
		item[name] = v
	}
	return item, nil
}

func checkName(name string) error {
	switch {
	case name == "":
		return invalid("Empty attribute name")
	case len(name) > MaxNameLength:
		return invalid("Attribute name is too large, must be less than 65536 bytes")
	}
	return nil
}

// Decode reads one value: an object with exactly one member, named by its type.
func Decode(tree any) (Value, error) {
	v, err := decode(tree)
	if err != nil {
		return Value{}, err
	}
	if v.Depth() >= MaxDepth {
		return Value{}, invalid("Nesting Levels have exceeded supported limits: " +
			"Attributes in the item have nested levels beyond supported limit")
	}
	return v, nil
}

func decode(tree any) (Value, error) {
	object, err := asObject(tree)
	if err != nil {
		return Value{}, err
	}
	var kind Kind
	for name, content := range object {
		k, known := KindOf(name)
		if !known || content == nil {
			continue
		}
		if kind != 0 {
			return Value{}, invalid("Supplied AttributeValue has more than one datatypes set, " +
				"must contain exactly one of the supported datatypes")
		}
		kind = k
	}
	if kind == 0 {
		return Value{}, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	}
	return decodeContent(kind, object[kind.String()])
}

func decodeContent(kind Kind, content any) (Value, error) {
	switch kind {
	case String, Number, Binary:
		return decodeScalar(kind, content)
	case Boolean, Null:
		b, err := asBool(content)
		if err == nil && kind == Null && !b {
			err = invalid("One or more parameter values were invalid: Null attribute value types must have the value of true")
		}
		return Value{kind: kind, flag: b && kind == Boolean}, err
	case StringSet, NumberSet, BinarySet:
		return decodeSet(kind, content)
	case List:
		return decodeList(content)
	case Map:
		fields, err := DecodeItem(content)
		return NewMap(fields), err
	}
	return Value{}, nil
}

func decodeScalar(kind Kind, content any) (Value, error) {
	text, err := asText(content)
	if err != nil {
		return Value{}, err
	}
	switch kind {
	case Number:
		d, err := ParseDecimal(text)
		return NewNumber(d), err
	case Binary:
		b, err := decodeBase64(text)
		return NewBinary(b), err
	case String, Boolean, Null, StringSet, NumberSet, BinarySet, List, Map:
	}
	return NewString(text), nil
}

func decodeBase64(text string) (string, error) {
	if len(text)%4 != 0 {
		return "", &SyntaxError{fmt.Sprintf("Base64 encoded length is expected a multiple of 4 bytes but found: %d", len(text))}
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", &SyntaxError{"Invalid Base64 character in the value"}
	}
	return string(b), nil
}

func decodeList(content any) (Value, error) {
	array, err := asArray(content)
	if err != nil {
		return Value{}, err
	}
	elements := make([]Value, len(array))
	for i, e := range array {
		if e == nil {
			return Value{}, invalid("The supplied Item contains a null AttributeValue")
		}
		if elements[i], err = decode(e); err != nil {
			return Value{}, err
		}
	}
	return NewList(elements), nil
}

// decodeSet reads a set: not empty, no element twice, where 1 and 1.0 are one number (traps.md 25, 27).
func decodeSet(kind Kind, content any) (Value, error) {
	array, err := asArray(content)
	if err != nil {
		return Value{}, err
	}
	if len(array) == 0 {
		return Value{}, emptySet(kind)
	}
	elements := make([]Value, len(array))
	for i, e := range array {
		if e == nil {
			return Value{}, invalid("One or more parameter values were invalid: An %s set may not have a null element", kind.Element())
		}
		if elements[i], err = decodeScalar(kind.Element(), e); err != nil {
			return Value{}, err
		}
	}
	set := NewSet(kind, elements)
	if len(set.elements) < len(elements) {
		return Value{}, duplicates(kind, elements)
	}
	return set, nil
}

func emptySet(kind Kind) *Error {
	const prefix = "One or more parameter values were invalid: "
	if kind == BinarySet {
		return invalid(prefix + "Binary sets should not be empty")
	}
	return invalid(prefix+"An %s set  may not be empty", strings.ToLower(kind.Element().LongName()))
}

func duplicates(kind Kind, elements []Value) *Error {
	const prefix = "One or more parameter values were invalid: "
	if kind == NumberSet {
		return invalid("Input collection contains duplicates")
	}
	if kind == BinarySet {
		return invalid(prefix + "Input collection of type BS contains duplicates.")
	}
	texts := make([]string, len(elements))
	for i, e := range elements {
		texts[i] = e.text
	}
	return invalid(prefix+"Input collection [%s] contains duplicates", strings.Join(texts, ", "))
}

func asObject(tree any) (map[string]any, error) {
	switch t := tree.(type) {
	case map[string]any:
		return t, nil
	case []any:
		return nil, &SyntaxError{"Start of list found where not expected"}
	}
	return nil, &SyntaxError{"Unexpected field type"}
}

func asArray(tree any) ([]any, error) {
	switch t := tree.(type) {
	case []any:
		return t, nil
	case map[string]any:
		return nil, &SyntaxError{"Start of structure or map found where not expected."}
	}
	return nil, &SyntaxError{"Unexpected field type"}
}

func asText(tree any) (string, error) {
	if s, ok := tree.(string); ok {
		return s, nil
	}
	return "", Mismatch(tree, "String")
}

func asBool(tree any) (bool, error) {
	if b, ok := tree.(bool); ok {
		return b, nil
	}
	return false, Mismatch(tree, "Boolean")
}

// Mismatch says that JSON is not of the wanted simple type (String, Boolean, Integer), as AWS's parser does.
func Mismatch(tree any, want string) *SyntaxError {
	switch t := tree.(type) {
	case string:
		if want == "Boolean" {
			return &SyntaxError{"Unexpected token received from parser"}
		}
		return cannotConvert("STRING_VALUE", want)
	case json.Number:
		if strings.ContainsAny(t.String(), ".eE") {
			return cannotConvert("DECIMAL_VALUE", want)
		}
		return cannotConvert("NUMBER_VALUE", want)
	case bool:
		if t {
			return cannotConvert("TRUE_VALUE", want)
		}
		return cannotConvert("FALSE_VALUE", want)
	case []any:
		return &SyntaxError{"Unrecognized collection type class java.lang." + want}
	}
	return &SyntaxError{"Start of structure or map found where not expected."}
}

func cannotConvert(token, want string) *SyntaxError {
	return &SyntaxError{token + " cannot be converted to " + want}
}
