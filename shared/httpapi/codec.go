package httpapi

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/arngate/arngate/shared/problem"
)

// rawMessage is what huma knows as any JSON.
type rawMessage = stdjson.RawMessage

// maxFaults bounds the faults that are listed of one body.
const maxFaults = 100

// Decode reads one JSON value into v, which must be a pointer. Numbers stay exact where v takes them as
// [jsontext.Value]; unknown and duplicate names are faults, in any case but their own; the limits in the type's
// tags hold. The error is a [problem.Error]: invalid_json, or invalid_request with every fault and its
// JSON Pointer, relative to raw. No fault repeats a value.
//
// Bodies of operations need no Decode. A type that is decoded often wants a [Decoder].
func Decode(raw []byte, v any) error {
	if p := decode(raw, shapeOf(reflect.TypeOf(v).Elem()), v); p != nil {
		return p
	}
	return nil
}

// Decoder is [Decode] for one type, which it looks at once. Safe for concurrent use.
type Decoder[T any] struct{ shape *shape }

// NewDecoder makes a Decoder.
func NewDecoder[T any]() *Decoder[T] { return &Decoder[T]{shapeOf(reflect.TypeFor[T]())} }

// Decode is like the function [Decode].
func (d *Decoder[T]) Decode(raw []byte, v *T) error {
	if p := decode(raw, d.shape, v); p != nil {
		return p
	}
	return nil
}

// ExpectedError is an error for UnmarshalJSONFrom and UnmarshalText of the functions' own types: its text becomes
// the fault's message, so it says what is expected and never repeats the value.
type ExpectedError string

// Error returns what is expected.
func (e ExpectedError) Error() string { return string(e) }

func shapeOf(t reflect.Type) *shape {
	registry := newRegistry()
	return compile(registry, registry.Schema(t, true, "value"))
}

// decode checks raw against the shape, which finds every fault, and only then lets the codec fill v.
func decode(raw []byte, s *shape, v any) *problem.Error {
	faults, err := s.check(raw)
	if err != nil {
		return notJSON(err)
	}
	if len(faults) > 0 {
		return problem.Invalid(faults...)
	}
	if err := json.Unmarshal(raw, v, json.RejectUnknownMembers(true)); err != nil {
		return unfit(err)
	}
	return nil
}

// notJSON names the place, never what is there.
func notJSON(err error) *problem.Error {
	p := problem.New(problem.InvalidJSON, "The body isn't JSON.")
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		p.Faults = []problem.Fault{{Pointer: shown(syntax.JSONPointer), Message: "isn't JSON at byte " + itoa(syntax.ByteOffset)}}
	}
	return p
}

// unfit is what only the type itself could tell: a number out of range, a time, a value of a function's own.
func unfit(err error) *problem.Error {
	if p, ok := errors.AsType[*problem.Error](err); ok {
		return p
	}
	fault := problem.Fault{Message: "has a value that doesn't fit"}
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		fault.Pointer = string(semantic.JSONPointer)
	}
	if expected, ok := errors.AsType[ExpectedError](err); ok {
		fault.Message = string(expected)
	}
	return problem.Invalid(fault)
}

// JSONAppender is a body that writes itself, into the very bytes that [Encode] would make of it. It is for what holds values that
// the function has just encoded: the codec would look through them once more.
type JSONAppender interface {
	// AppendJSON appends the body to dst. It must be valid JSON: nobody looks at it again.
	AppendJSON(dst []byte) []byte
}

// Encode writes v as the body of an answer in JSON: as bodies that aren't a []byte are sent.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	if err := marshalWrite(&b, v); err != nil {
		return nil, fmt.Errorf("encode body: %w", err)
	}
	return b.Bytes(), nil
}

// marshalWrite is how every body is written: members in the order of their fields, maps by name, lists never null. Names aren't
// looked up for having been written before: fields and the keys of maps can't be, and items come from maps.
func marshalWrite(w io.Writer, v any) error {
	return json.MarshalWrite(w, v, json.Deterministic(true), jsontext.AllowDuplicateNames(true))
}

// marshalIndented is for documents that people read.
func marshalIndented(v any) ([]byte, error) {
	compact, err := stdjson.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := stdjson.Indent(&out, compact, "", "  "); err != nil {
		return nil, err
	}
	return append(out.Bytes(), '\n'), nil
}
