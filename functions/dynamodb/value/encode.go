package value

import (
	"encoding/base64"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/go-json-experiment/json/jsontext"
)

// Encoder appends values as JSON in one mode. Names are sorted, so equal values are equal bytes as long
// as their sets come in the same order. It keeps scratch space between calls: use one per answer, and
// not concurrently.
type Encoder struct {
	mode  Mode
	names []string // a stack: each open map's sorted names
}

// NewEncoder returns an encoder for mode.
func NewEncoder(mode Mode) *Encoder { return &Encoder{mode: mode} }

// AppendItem appends an item as a JSON object. On an error, which only a value of a type unknown to
// this package causes, the returned bytes are of no use.
func (e *Encoder) AppendItem(dst []byte, item Item) ([]byte, error) {
	if e.mode == Typed {
		return e.appendMembers(dst, item)
	}
	return e.appendMap(dst, item)
}

// AppendValue appends one value; errors as AppendItem.
func (e *Encoder) AppendValue(dst []byte, v types.AttributeValue) ([]byte, error) {
	if e.mode == Typed {
		return e.appendTyped(dst, v)
	}
	return e.appendPlain(dst, v)
}

func (e *Encoder) appendPlain(dst []byte, v types.AttributeValue) ([]byte, error) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return appendString(dst, v.Value), nil
	case *types.AttributeValueMemberN:
		return appendNumber(dst, v.Value), nil
	case *types.AttributeValueMemberBOOL:
		return strconv.AppendBool(dst, v.Value), nil
	case *types.AttributeValueMemberNULL:
		return append(dst, "null"...), nil
	case *types.AttributeValueMemberB:
		return appendMarkedBinary(dst, v.Value), nil
	case *types.AttributeValueMemberM:
		return e.appendMap(dst, v.Value)
	case *types.AttributeValueMemberL:
		return e.appendElements(dst, v.Value)
	case *types.AttributeValueMemberSS:
		return appendSet(dst, v.Value, appendString), nil
	case *types.AttributeValueMemberNS:
		return appendSet(dst, v.Value, appendNumber), nil
	case *types.AttributeValueMemberBS:
		return appendSet(dst, v.Value, appendMarkedBinary), nil
	default:
		return dst, unknownError(v)
	}
}

func (e *Encoder) appendTyped(dst []byte, v types.AttributeValue) ([]byte, error) {
	kind := Kind(v)
	if kind == "" {
		return dst, unknownError(v)
	}
	dst = append(dst, `{"`...)
	dst = append(dst, kind...)
	dst = append(dst, `":`...)
	var err error
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		dst = appendString(dst, v.Value)
	case *types.AttributeValueMemberN:
		dst = appendString(dst, v.Value)
	case *types.AttributeValueMemberBOOL:
		dst = strconv.AppendBool(dst, v.Value)
	case *types.AttributeValueMemberNULL:
		dst = append(dst, "true"...)
	case *types.AttributeValueMemberB:
		dst = appendBase64(dst, v.Value)
	case *types.AttributeValueMemberM:
		dst, err = e.appendMembers(dst, v.Value)
	case *types.AttributeValueMemberL:
		dst, err = e.appendElements(dst, v.Value)
	case *types.AttributeValueMemberSS:
		dst = appendArray(dst, v.Value, appendString)
	case *types.AttributeValueMemberNS:
		dst = appendArray(dst, v.Value, appendString)
	case *types.AttributeValueMemberBS:
		dst = appendArray(dst, v.Value, appendBase64)
	}
	return append(dst, '}'), err
}

// appendMap writes a map in Plain, escaped if a reader would take its one name for a marker.
func (e *Encoder) appendMap(dst []byte, m Item) ([]byte, error) {
	if !looksMarked(m) {
		return e.appendMembers(dst, m)
	}
	dst = append(dst, `{"`+markMap+`":`...)
	dst, err := e.appendMembers(dst, m)
	return append(dst, '}'), err
}

func looksMarked(m Item) bool {
	if len(m) != 1 {
		return false
	}
	for name := range m {
		return isMark(name)
	}
	return false
}

// isMark says whether name, as the only one of an object, makes that object a marker in Plain.
func isMark(name string) bool { return name != "" && name[0] == '$' }

func (e *Encoder) appendMembers(dst []byte, m Item) ([]byte, error) {
	from := len(e.names)
	e.names = slices.Grow(e.names, len(m))
	for name := range m {
		e.names = append(e.names, name)
	}
	to := len(e.names)
	slices.Sort(e.names[from:to])
	defer func() { e.names = e.names[:from] }()

	dst = append(dst, '{')
	for i := from; i < to; i++ {
		if i > from {
			dst = append(dst, ',')
		}
		name := e.names[i]
		dst = append(appendString(dst, name), ':')
		var err error
		if dst, err = e.AppendValue(dst, m[name]); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

func (e *Encoder) appendElements(dst []byte, list []types.AttributeValue) ([]byte, error) {
	dst = append(dst, '[')
	for i, element := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = e.AppendValue(dst, element); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

func appendSet[E any](dst []byte, set []E, element func([]byte, E) []byte) []byte {
	dst = append(dst, `{"`+markSet+`":`...)
	return append(appendArray(dst, set, element), '}')
}

func appendArray[E any](dst []byte, list []E, element func([]byte, E) []byte) []byte {
	dst = append(dst, '[')
	for i, e := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = element(dst, e)
	}
	return append(dst, ']')
}

// appendString quotes text. DynamoDB's strings are UTF-8, so the replacement that AppendQuote reports
// for anything else does not happen.
func appendString(dst []byte, text string) []byte {
	dst, _ = jsontext.AppendQuote(dst, text)
	return dst
}

func appendNumber(dst []byte, text string) []byte {
	if plainJSON(text) {
		return append(dst, text...)
	}
	dst = append(dst, `{"`+markNumber+`":`...)
	return append(appendString(dst, text), '}')
}

func appendMarkedBinary(dst, data []byte) []byte {
	dst = append(dst, `{"`+markBinary+`":`...)
	return append(appendBase64(dst, data), '}')
}

func appendBase64(dst, data []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, data)
	return append(dst, '"')
}
