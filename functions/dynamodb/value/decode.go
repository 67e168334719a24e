package value

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	// maxFaults bounds what one request can make an answer say.
	maxFaults = 100
	// maxDepth bounds nesting, well above the 32 levels that DynamoDB allows (Amazon DynamoDB
	// Developer Guide, "Service, account, and table quotas"), each of which may take a marker here.
	maxDepth = 80
)

// Decode reads one value from raw, which is one JSON value. at is raw's own place in the document that
// faults point into. With any fault the value is nil; all faults are returned, up to a hundred.
func Decode(raw []byte, mode Mode, at jsontext.Pointer) (types.AttributeValue, []Fault) {
	d := newDecoder(raw, mode, at)
	defer d.close()
	v := d.value()
	if faults := d.finish(); len(faults) > 0 {
		return nil, faults
	}
	return v, nil
}

// DecodeItem reads an item, or a key: an object of values. Errors as Decode.
func DecodeItem(raw []byte, mode Mode, at jsontext.Pointer) (Item, []Fault) {
	d := newDecoder(raw, mode, at)
	defer d.close()
	var item Item
	if d.tokens.PeekKind() != '{' {
		d.skip("must be an object: attribute names and their values")
	} else if mode == Typed {
		item = d.members()
	} else if m, ok := d.plain().(*types.AttributeValueMemberM); ok {
		item = m.Value
	} else if len(d.faults) == 0 && d.broken == nil {
		d.fault(at, `must be an item; an attribute of your own whose name begins with "$", if it is the only one, goes as {"$map": {…}}`)
	}
	if faults := d.finish(); len(faults) > 0 {
		return nil, faults
	}
	return item, nil
}

// decoder reads values from tokens. It checks duplicate names itself, because the token reader stops at
// the first.
type decoder struct {
	raw    []byte
	tokens *jsontext.Decoder
	mode   Mode
	at     jsontext.Pointer
	depth  int
	faults []Fault
	broken error // the token reader's: nothing more can be read
}

// readers are kept, so that a warm request makes none.
var readers = sync.Pool{New: func() any { return new(jsontext.Decoder) }}

func newDecoder(raw []byte, mode Mode, at jsontext.Pointer) *decoder {
	tokens, _ := readers.Get().(*jsontext.Decoder)
	tokens.Reset(bytes.NewBuffer(raw), jsontext.AllowDuplicateNames(true))
	return &decoder{raw: raw, tokens: tokens, mode: mode, at: at}
}

// close gives the token reader back. What was read stays.
func (d *decoder) close() {
	d.tokens.Reset(bytes.NewBuffer(nil))
	readers.Put(d.tokens)
	d.tokens = nil
}

// sub reads part of d's input again as values of d's mode, its faults among d's.
func (d *decoder) sub(raw []byte, at jsontext.Pointer) *decoder {
	s := newDecoder(raw, d.mode, at)
	s.depth, s.faults = d.depth, d.faults
	return s
}

// join takes over what a sub found, and closes it.
func (d *decoder) join(s *decoder) {
	d.faults = s.faults
	if d.broken == nil {
		d.broken = s.broken
	}
	s.close()
}

// finish checks that nothing follows the value, and returns the faults.
func (d *decoder) finish() []Fault {
	if d.broken == nil {
		if _, err := d.tokens.ReadToken(); err == nil {
			d.fault(d.at, "must be one JSON value")
		} else if !errors.Is(err, io.EOF) {
			d.broken = err
		}
	}
	if d.broken != nil {
		d.faults = append(d.faults, Fault{Pointer: string(d.at), Message: "must be valid JSON in UTF-8"})
	}
	return d.faults
}

func (d *decoder) fault(at jsontext.Pointer, message string) {
	if len(d.faults) < maxFaults && d.broken == nil {
		d.faults = append(d.faults, Fault{Pointer: string(at), Message: message})
	}
}

// here points at the value or name read last.
func (d *decoder) here() jsontext.Pointer { return d.at + d.tokens.StackPointer() }

// read returns the next token; at the end of what can be read, the zero token, whose kind matches nothing.
func (d *decoder) read() jsontext.Token {
	if d.broken != nil {
		return jsontext.Token{}
	}
	token, err := d.tokens.ReadToken()
	if err != nil {
		d.broken = err
		return jsontext.Token{}
	}
	return token
}

// next returns the next value's kind, or 0 when nothing more can be read, which every loop ends on.
func (d *decoder) next() jsontext.Kind {
	if d.broken != nil {
		return 0
	}
	return d.tokens.PeekKind()
}

// skip passes over the next value, with a fault about it.
func (d *decoder) skip(message string) {
	if raw := d.rawValue(); raw != nil {
		d.fault(d.here(), message)
	}
}

// rawValue returns the next value's bytes, which stay valid; nil when nothing can be read.
func (d *decoder) rawValue() []byte {
	if d.broken != nil {
		return nil
	}
	v, err := d.tokens.ReadValue()
	if err != nil {
		d.broken = err
		return nil
	}
	end := int(d.tokens.InputOffset())
	return d.raw[end-len(v) : end : end]
}

// value reads the next value in d's mode.
func (d *decoder) value() types.AttributeValue {
	d.depth++
	defer func() { d.depth-- }()
	if d.depth > maxDepth {
		d.skip("is nested deeper than DynamoDB allows")
		return nil
	}
	if d.mode == Typed {
		return d.typed()
	}
	return d.plain()
}

func (d *decoder) plain() types.AttributeValue {
	switch kind := byte(d.next()); kind {
	case '"':
		return &types.AttributeValueMemberS{Value: d.read().String()}
	case '0':
		return d.number(d.read().String(), d.here())
	case 't', 'f':
		d.read()
		return &types.AttributeValueMemberBOOL{Value: kind == 't'}
	case 'n':
		d.read()
		return &types.AttributeValueMemberNULL{Value: true}
	case '[':
		return &types.AttributeValueMemberL{Value: d.elements()}
	case '{':
		return d.plainObject()
	default:
		d.read() // reports what is wrong
		return nil
	}
}

func (d *decoder) number(text string, at jsontext.Pointer) types.AttributeValue {
	if err := CheckNumber(text); err != nil {
		d.fault(at, "the number "+err.Error())
		return nil
	}
	return &types.AttributeValueMemberN{Value: text}
}

func (d *decoder) elements() []types.AttributeValue {
	list := []types.AttributeValue{}
	d.read()
	for d.next() != ']' && d.broken == nil {
		list = append(list, d.value())
	}
	d.read()
	return list
}

// members reads an object as names and values, without regard to markers.
func (d *decoder) members() Item {
	d.read()
	m := Item{}
	d.restOf(m)
	return m
}

func (d *decoder) restOf(m Item) {
	for d.next() == '"' {
		name := d.read().String()
		d.newName(m, name)
		m[name] = d.value()
	}
	d.read()
}

func (d *decoder) newName(m Item, name string) {
	if _, twice := m[name]; twice {
		d.fault(d.here(), "is there twice")
	}
}

// plainObject reads a map, or a marker: an object whose only name begins with "$".
func (d *decoder) plainObject() types.AttributeValue {
	d.read()
	m := Item{}
	if d.next() == '"' {
		name := d.read().String()
		if isMark(name) {
			return d.marker(m, name)
		}
		m[name] = d.value()
	}
	d.restOf(m)
	return &types.AttributeValueMemberM{Value: m}
}

// marker is called after the first name of an object, which begins with "$". Only what follows tells
// whether that makes it a marker, so its value is kept and read when that is known.
func (d *decoder) marker(m Item, name string) types.AttributeValue {
	raw := d.rawValue()
	if raw == nil {
		return nil
	}
	s := d.sub(raw, d.here())
	if d.next() == '}' {
		d.read()
		v := s.marked(name)
		d.join(s)
		return v
	}
	m[name] = s.value()
	d.join(s)
	d.restOf(m)
	return &types.AttributeValueMemberM{Value: m}
}

// marked reads the value of the marker called name.
func (d *decoder) marked(name string) types.AttributeValue {
	switch name {
	case markNumber:
		if text, ok := d.text("must be a number as a string"); ok {
			return d.number(text, d.at)
		}
	case markBinary:
		if data, ok := d.binary(); ok {
			return &types.AttributeValueMemberB{Value: data}
		}
	case markMap:
		if d.next() == '{' {
			return &types.AttributeValueMemberM{Value: d.members()}
		}
		d.skip("must be an object")
	case markSet:
		return d.plainSet()
	default:
		d.skip(`is no marker: use $number, $set, $binary or $map; a map of your own whose only name begins with "$" goes as {"$map": {…}}`)
	}
	return nil
}

func (d *decoder) text(message string) (string, bool) {
	if d.next() != '"' {
		d.skip(message)
		return "", false
	}
	return d.read().String(), true
}

// binary reads base64 in the standard alphabet, padded (RFC 4648, section 4), and nothing looser, so
// that what is written back is what was read.
func (d *decoder) binary() ([]byte, bool) {
	const message = "must be base64 with padding, as a string"
	text, ok := d.text(message)
	if !ok {
		return nil, false
	}
	data, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		d.fault(d.here(), message)
		return nil, false
	}
	return data, true
}

// plainSet reads the list of {"$set": […]}: all strings, all numbers, or all binary.
func (d *decoder) plainSet() types.AttributeValue {
	if d.next() != '[' {
		d.skip("must be a list: all strings, all numbers or all binary")
		return nil
	}
	before := len(d.faults)
	list := d.elements()
	if len(d.faults) > before || d.broken != nil {
		return nil
	}
	set, fault := setOf(list)
	if fault != "" {
		d.fault(d.at, fault)
		return nil
	}
	return set
}

// setOf makes a set of values of one type.
func setOf(list []types.AttributeValue) (set types.AttributeValue, fault string) {
	if len(list) == 0 {
		return nil, emptySet
	}
	var texts []string
	var blobs [][]byte
	kind := Kind(list[0])
	for _, v := range list {
		if Kind(v) != kind {
			return nil, "a set's elements must be of one type"
		}
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			texts = append(texts, v.Value)
		case *types.AttributeValueMemberN:
			texts = append(texts, v.Value)
		case *types.AttributeValueMemberB:
			blobs = append(blobs, v.Value)
		default:
			return nil, "a set holds strings, numbers or binary"
		}
	}
	return makeSet(kind+"S", texts, blobs)
}

// makeSet makes a set of type kind (SS, NS, BS) of the elements that kind takes.
func makeSet(kind string, texts []string, blobs [][]byte) (set types.AttributeValue, fault string) {
	if len(texts)+len(blobs) == 0 {
		return nil, emptySet
	}
	switch kind {
	case "SS":
		return &types.AttributeValueMemberSS{Value: texts}, repeated(texts, strings.Compare)
	case "NS":
		return &types.AttributeValueMemberNS{Value: texts}, repeated(texts, CompareNumbers)
	default:
		return &types.AttributeValueMemberBS{Value: blobs}, repeated(blobs, bytes.Compare)
	}
}

// emptySet is refused here with a pointer; DynamoDB refuses it too. Traps.md 27.
const emptySet = "a set can't be empty"

// repeated says so if an element is there twice; DynamoDB would refuse the whole request.
func repeated[E any](set []E, compare func(E, E) int) (fault string) {
	sorted := slices.SortedFunc(slices.Values(set), compare)
	for i := 1; i < len(sorted); i++ {
		if compare(sorted[i-1], sorted[i]) == 0 {
			return "a set can't hold an element twice"
		}
	}
	return ""
}
