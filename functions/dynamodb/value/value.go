// Package value carries DynamoDB attribute values to JSON and back without losing anything.
//
// There are two forms. Plain is JSON as a person would write it, with a marker object wherever JSON
// in a browser could not hold the value; Typed is DynamoDB's own JSON with a type descriptor at every
// value (Amazon DynamoDB Developer Guide, "DynamoDB low-level API", "Data type descriptors").
//
// Both are read from tokens, so that a number stays what was written, and every fault is reported at
// once, by JSON pointer, never with the value itself.
package value

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Mode is the form in which values are written and read. The zero value is Plain.
type Mode uint8

const (
	// Plain writes a string, number, boolean, null, list or map as JSON's own. What a float64 can't
	// hold is {"$number": "…"}; a set is {"$set": […]}; binary is {"$binary": "base64"}; and a map of
	// the user's own whose only name begins with "$" is {"$map": {…}}, at every level, an item's own
	// included, so that one rule reads everything.
	Plain Mode = iota
	// Typed is DynamoDB JSON: {"S": "…"}, {"N": "1"} and so on for all ten types. An item is an
	// object of such values.
	Typed
)

// The names that an object of one member may begin with in Plain.
const (
	markNumber = "$number"
	markSet    = "$set"
	markBinary = "$binary"
	markMap    = "$map"
)

// ParseMode reads the query parameter `values`. Absent (empty) is Plain.
func ParseMode(text string) (Mode, bool) {
	switch text {
	case "", "plain":
		return Plain, true
	case "typed":
		return Typed, true
	default:
		return Plain, false
	}
}

// String names the mode as the query parameter does.
func (m Mode) String() string {
	if m == Typed {
		return "typed"
	}
	return "plain"
}

// Item is an item's attributes by name, as the SDK has them.
type Item = map[string]types.AttributeValue

// Fault is one thing wrong with a value that was sent: where (RFC 6901), and what. The message never
// repeats the value.
type Fault struct {
	Pointer string
	Message string
}

// Kind names v's type by its descriptor ("S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"),
// or is empty for a value this package doesn't know.
func Kind(v types.AttributeValue) string {
	switch v.(type) {
	case *types.AttributeValueMemberS:
		return "S"
	case *types.AttributeValueMemberN:
		return "N"
	case *types.AttributeValueMemberB:
		return "B"
	case *types.AttributeValueMemberBOOL:
		return "BOOL"
	case *types.AttributeValueMemberNULL:
		return "NULL"
	case *types.AttributeValueMemberM:
		return "M"
	case *types.AttributeValueMemberL:
		return "L"
	case *types.AttributeValueMemberSS:
		return "SS"
	case *types.AttributeValueMemberNS:
		return "NS"
	case *types.AttributeValueMemberBS:
		return "BS"
	default:
		return ""
	}
}

// unknownError says that the SDK handed over a value of no known type.
func unknownError(v types.AttributeValue) error {
	return fmt.Errorf("encode value: unknown type %T", v)
}
