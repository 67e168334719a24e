package value

import (
	"encoding/base64"
	"encoding/json"
)

// MarshalJSON writes the value as DynamoDB JSON: {"S": "text"}.
func (v Value) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{v.kind.String(): v.content()})
}

func (v Value) content() any {
	switch v.kind {
	case String:
		return v.text
	case Binary:
		return base64.StdEncoding.EncodeToString([]byte(v.text))
	case Number:
		return v.number.String()
	case Boolean:
		return v.flag
	case StringSet, NumberSet, BinarySet:
		texts := make([]any, len(v.elements))
		for i, e := range v.elements {
			texts[i] = e.content()
		}
		return texts
	case List:
		if v.elements == nil {
			return []Value{}
		}
		return v.elements
	case Map:
		if v.fields == nil {
			return Item{}
		}
		return v.fields
	case Null:
	}
	return true
}

// Scalar is the text of a string or number, or of binary in base64.
func (v Value) Scalar() string {
	if s, ok := v.content().(string); ok {
		return s
	}
	return ""
}

// String is the value as error messages show it: {S:text}.
func (v Value) String() string {
	if v.kind.IsScalar() {
		return "{" + v.kind.String() + ":" + v.Scalar() + "}"
	}
	text, err := json.Marshal(v.content())
	if err != nil {
		return "{" + v.kind.String() + "}"
	}
	return "{" + v.kind.String() + ":" + string(text) + "}"
}
