package protocol

import (
	"fmt"
	"maps"
	"net/http"
)

// Error is an error as AWS answers it. The root writes it in the protocol of the service.
type Error struct {
	Status  int // HTTP status; zero means 400
	Code    string
	Message string
	Header  http.Header // more headers of the answer

	// Fields are more members of the error body: JSON members (Item, CancellationReasons) or XML child
	// elements (BucketName, Region).
	Fields map[string]any

	// Namespace is what stands before the code in __type, without the #, or the namespace of the XML.
	// Empty means the service's own.
	Namespace string
}

// NewError is an error with a formatted message.
func NewError(status int, code, format string, args ...any) *Error {
	return &Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Error names the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// StatusCode is the HTTP status to answer with.
func (e *Error) StatusCode() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}

// With returns a copy of the error that has one more member in its body.
func (e *Error) With(name string, value any) *Error {
	c := *e
	c.Fields = maps.Clone(e.Fields)
	if c.Fields == nil {
		c.Fields = make(map[string]any, 1)
	}
	c.Fields[name] = value
	return &c
}

// WithHeader returns a copy of the error that has one more header.
func (e *Error) WithHeader(name, value string) *Error {
	c := *e
	c.Header = e.Header.Clone()
	if c.Header == nil {
		c.Header = make(http.Header, 1)
	}
	c.Header.Set(name, value)
	return &c
}
