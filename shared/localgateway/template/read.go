package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// scalar is a string, number or boolean of the template; CloudFormation takes each where it wants another that is
// written alike (`Timeout: !Ref Seconds` is a string).
type scalar string

// UnmarshalJSON takes any JSON value but a list, a map and null.
func (s *scalar) UnmarshalJSON(text []byte) error {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return fmt.Errorf("read scalar: %w", err)
	}
	switch value := value.(type) {
	case string:
		*s = scalar(value)
	case float64, bool:
		*s = scalar(bytes.TrimSpace(text))
	default:
		return errors.New("want a string, number or boolean")
	}
	return nil
}

// number is a whole number that may be written as a string.
type number int

// UnmarshalJSON takes 29 and "29".
func (n *number) UnmarshalJSON(text []byte) error {
	var s scalar
	if err := s.UnmarshalJSON(text); err != nil {
		return err
	}
	value, err := strconv.Atoi(string(s))
	if err != nil {
		return fmt.Errorf("read number: %w", err)
	}
	*n = number(value)
	return nil
}

// flag is a boolean that may be written as a string.
type flag bool

// UnmarshalJSON takes true and "true".
func (f *flag) UnmarshalJSON(text []byte) error {
	var s scalar
	if err := s.UnmarshalJSON(text); err != nil {
		return err
	}
	value, err := strconv.ParseBool(string(s))
	if err != nil {
		return fmt.Errorf("read boolean: %w", err)
	}
	*f = flag(value)
	return nil
}

// read copies resolved properties into the struct at out; a property that the struct doesn't name is an error.
func read(resolved, out any) error {
	text, err := json.Marshal(resolved)
	if err != nil {
		return fmt.Errorf("write properties: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(out); err != nil {
		return fmt.Errorf("read properties: %w", err)
	}
	return nil
}

// document is an IAM policy of the template as JSON.
func document(policy any) (string, error) {
	text, err := json.Marshal(policy)
	if err != nil {
		return "", fmt.Errorf("write policy: %w", err)
	}
	return string(text), nil
}

// at says where in the template err was found: `Resources/Files/Events/Get: ...`.
func at(err error, place ...string) error {
	return fmt.Errorf("%s: %w", strings.Join(place, "/"), err)
}
