package value

import "fmt"

// Error says why a value can't be accepted, in AWS's words: a ValidationException.
type Error struct{ Message string }

// Error is the message.
func (e *Error) Error() string { return e.Message }

// SyntaxError says why JSON is not what the API's model asks for, in AWS's words: a SerializationException.
type SyntaxError struct{ Message string }

// Error is the message.
func (e *SyntaxError) Error() string { return e.Message }

func invalid(format string, args ...any) *Error { return &Error{fmt.Sprintf(format, args...)} }

func notNumeric(text string) *Error {
	if text == "" {
		return invalid("The parameter cannot be converted to a numeric value")
	}
	return invalid("The parameter cannot be converted to a numeric value: %s", text)
}

func tooPrecise() *Error {
	return invalid("Attempting to store more than 38 significant digits in a Number")
}

func overflow() *Error {
	return invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
}

func underflow() *Error {
	return invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
}
