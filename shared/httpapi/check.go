package httpapi

import (
	"bytes"
	"encoding/base64"
	stdjson "encoding/json"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/arngate/arngate/shared/problem"
)

// check walks a JSON value once and lists everything about it that doesn't fit, up to [maxFaults]. The error
// means that raw isn't one JSON value.
func (s *shape) check(raw []byte) ([]problem.Fault, error) {
	faults, err := s.walk(raw, false)
	if errors.Is(err, jsontext.ErrDuplicateName) {
		// The decoder stops at the first duplicate. Only then are names tracked here, to list them all.
		return s.walk(raw, true)
	}
	return faults, err
}

func (s *shape) walk(raw []byte, duplicates bool) ([]problem.Fault, error) {
	c := checker{duplicates: duplicates}
	c.d = jsontext.NewDecoder(bytes.NewBuffer(raw), jsontext.AllowDuplicateNames(duplicates))
	if err := c.value(s); err != nil {
		return nil, err
	}
	if _, err := c.d.ReadToken(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errTrailing
		}
		return nil, err
	}
	return c.faults, nil
}

var errTrailing = errors.New("more than one JSON value")

// checker is one walk over the tokens of a value.
type checker struct {
	d          *jsontext.Decoder
	duplicates bool
	faults     []problem.Fault
}

// here notes a fault of what was read last.
func (c *checker) here(message string) {
	if len(c.faults) < maxFaults {
		c.fault(c.d.StackPointer(), message)
	}
}

func (c *checker) fault(pointer jsontext.Pointer, message string) {
	if len(c.faults) < maxFaults {
		c.faults = append(c.faults, problem.Fault{Pointer: shown(pointer), Message: message})
	}
}

// maxPointer is how many bytes of a pointer are shown: the names in it are the client's, and as long as it likes.
const maxPointer = 1024

func shown(pointer jsontext.Pointer) string {
	if len(pointer) <= maxPointer {
		return string(pointer)
	}
	return strings.ToValidUTF8(string(pointer[:maxPointer]), "") + "…"
}

// value checks the next value. Every fault is noted, and the walk goes on: the error is only ever the syntax.
func (c *checker) value(s *shape) error {
	next := c.d.PeekKind()
	s = s.alternative(next)
	if s == nil || s.kind == anything {
		return c.skip()
	}
	if !s.takes(next) {
		if err := c.skip(); err != nil {
			return err
		}
		c.here(s.expectation())
		return nil
	}
	switch byte(next) {
	case '{':
		return c.object(s)
	case '[':
		return c.array(s)
	}
	token, err := c.d.ReadToken()
	if err != nil {
		return err
	}
	switch byte(next) {
	case '"':
		c.text(s, token.String())
	case '0':
		c.number(s, token.String())
	}
	return nil
}

// alternative is, of several shapes, the one for values of that kind; if there is none, the last, which then says what it
// expects.
func (s *shape) alternative(k jsontext.Kind) *shape {
	if s == nil || len(s.oneOf) == 0 {
		return s
	}
	if i := slices.IndexFunc(s.oneOf, func(one *shape) bool { return one.takes(k) }); i >= 0 {
		return s.oneOf[i]
	}
	return s.oneOf[len(s.oneOf)-1]
}

func (s *shape) takes(k jsontext.Kind) bool {
	switch byte(k) {
	case 'n':
		return s.nullable
	case '"':
		return s.kind == text
	case '0':
		return s.kind == number || s.kind == integer
	case 't', 'f':
		return s.kind == boolean
	case '[':
		return s.kind == array
	case '{':
		return s.kind == object
	}
	return true // not a value: let the decoder say so
}

func (s *shape) expectation() string {
	return "expected " + [...]string{
		anything: "any value", text: "a string", integer: "an integer", number: "a number",
		boolean: "true or false", array: "an array", object: "an object",
	}[s.kind]
}

// skip passes over a value of any form. Its names still must not repeat.
func (c *checker) skip() error {
	if !c.duplicates {
		return c.d.SkipValue()
	}
	switch byte(c.d.PeekKind()) {
	case '{':
		return c.members(func(string) error { return c.skip() })
	case '[':
		return c.elements(func() error { return c.skip() })
	}
	return c.d.SkipValue()
}

// members reads an object, calling member before each value.
func (c *checker) members(member func(name string) error) error {
	if _, err := c.d.ReadToken(); err != nil {
		return err
	}
	var seen map[string]struct{}
	if c.duplicates {
		seen = map[string]struct{}{}
	}
	for c.d.PeekKind() != '}' {
		token, err := c.d.ReadToken()
		if err != nil {
			return err
		}
		name := token.String()
		if seen != nil {
			if _, twice := seen[name]; twice {
				c.here("duplicate field")
			}
			seen[name] = struct{}{}
		}
		if err := member(name); err != nil {
			return err
		}
	}
	_, err := c.d.ReadToken()
	return err
}

func (c *checker) elements(element func() error) error {
	if _, err := c.d.ReadToken(); err != nil {
		return err
	}
	for c.d.PeekKind() != ']' {
		if err := element(); err != nil {
			return err
		}
	}
	_, err := c.d.ReadToken()
	return err
}

func (c *checker) object(s *shape) error {
	found := make(map[string]struct{}, len(s.required))
	count := 0
	err := c.members(func(name string) error {
		count++
		found[name] = struct{}{}
		known, ok := s.fields[name]
		switch {
		case ok && !known.required && c.d.PeekKind() == 'n':
			return c.skip() // null leaves an optional field out
		case ok:
			return c.value(known.shape)
		case s.closed:
			c.here("unknown field")
			return c.skip()
		}
		return c.value(s.additional)
	})
	if err != nil {
		return err
	}
	for _, name := range s.required {
		if _, ok := found[name]; !ok {
			c.fault(c.d.StackPointer().AppendToken(name), "required field is missing")
		}
	}
	c.size(s, count, "members")
	return nil
}

func (c *checker) array(s *shape) error {
	count := 0
	err := c.elements(func() error {
		count++
		return c.value(s.items)
	})
	if err != nil {
		return err
	}
	c.size(s, count, "items")
	return nil
}

func (c *checker) size(s *shape, count int, what string) {
	if count < s.minItems {
		c.here("expected at least " + strconv.Itoa(s.minItems) + " " + what)
	}
	if s.maxItems != none && count > s.maxItems {
		c.here("expected at most " + strconv.Itoa(s.maxItems) + " " + what)
	}
}

func (c *checker) text(s *shape, value string) {
	if s.minLength > 0 || s.maxLength != none {
		length := utf8.RuneCountInString(value)
		if length < s.minLength {
			c.here("expected at least " + strconv.Itoa(s.minLength) + " characters")
		}
		if s.maxLength != none && length > s.maxLength {
			c.here("expected at most " + strconv.Itoa(s.maxLength) + " characters")
		}
	}
	if s.pattern != nil && !s.pattern.MatchString(value) {
		c.here(s.patternMessage())
	}
	if len(s.enum) > 0 && !slices.Contains(s.enumText, value) {
		c.here("expected one of " + strings.Join(s.enum, ", "))
	}
	if message := formatFault(s.format, value); message != "" {
		c.here(message)
	}
}

func (s *shape) patternMessage() string {
	if s.patternHelp != "" {
		return "expected " + s.patternHelp
	}
	return "expected text that matches " + s.pattern.String()
}

// formatFault checks the formats that the API uses. Others are documentation.
func formatFault(format, value string) string {
	switch format {
	case "date-time":
		if _, err := time.Parse(time.RFC3339, value); err != nil {
			return "expected a time as in RFC 3339"
		}
	case "base64":
		if _, err := base64.StdEncoding.DecodeString(value); err != nil {
			return "expected base64"
		}
	}
	return ""
}

// number checks limits on the nearest float64; the value itself is decoded exactly later.
func (c *checker) number(s *shape, value string) {
	f, err := strconv.ParseFloat(value, 64)
	if s.kind == integer && (err != nil || f != math.Trunc(f) || strings.ContainsAny(value, ".eE")) {
		c.here(s.expectation())
		return
	}
	switch {
	case s.minimum != nil && f < *s.minimum:
		c.here("expected at least " + formatFloat(*s.minimum))
	case s.exclusiveMin != nil && f <= *s.exclusiveMin:
		c.here("expected more than " + formatFloat(*s.exclusiveMin))
	case s.maximum != nil && f > *s.maximum:
		c.here("expected at most " + formatFloat(*s.maximum))
	case s.exclusiveMax != nil && f >= *s.exclusiveMax:
		c.here("expected less than " + formatFloat(*s.exclusiveMax))
	}
	if len(s.enum) > 0 && !slices.Contains(s.enum, value) {
		c.here("expected one of " + strings.Join(s.enum, ", "))
	}
}

func formatFloat(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// jsonText is a value of an enum as JSON.
func jsonText(v any) string {
	b, err := stdjson.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
