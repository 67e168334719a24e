// Package problem is every way in which Arngate says no: the stable codes of its API, the one table
// that gives each code its HTTP status, title and retryability, and the one place where an error of
// AWS becomes one of them.
//
// A problem has a part that is safe for the caller, rendered as RFC 9457 problem details, and a cause
// that only operators see: it is logged once, at the edge, and never sent.
package problem

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Error is a problem: what the caller may know about it, and, apart, its cause.
// The zero value is not usable; make one with [New]. It must not be changed once it is shared.
type Error struct {
	// Code is stable and part of the API. It chooses status and title.
	Code Code
	// Detail says what happened to this request. Safe: nothing that is not the caller's own,
	// and never a value that was sent in.
	Detail string
	// Hint says what to do next. Safe. Empty: there is nothing to add.
	Hint string
	// Faults lists each thing wrong with the request; nil if the problem isn't about its form.
	Faults []Fault
	// AWS is what AWS answered; nil if AWS was not asked or did not answer.
	AWS *AWS
	// MissingAction and Resource name the permission that AWS found missing, as in
	// "s3:GetObject" and "arn:aws:s3:::bucket/key". Empty if that is unknown.
	MissingAction, Resource string
	// RetryAfter is sent as the Retry-After header, in whole seconds rounded up; zero sends none.
	RetryAfter time.Duration
	// Retryable says that the same request may succeed later without harm. New sets the code's default.
	Retryable bool
	// Function is how an invoked Lambda function failed; only with [FunctionFailed].
	Function *FunctionFailure
	// Connections are the names that keep a provider from being deleted; only with [ProviderInUse].
	Connections []string
	// Item is the item that a condition did not hold for, as the operation writes items; only with
	// [ConditionFailed], and nil where AWS did not return it.
	Item jsontext.Value
	// Reasons say why AWS cancelled a transaction: one for each of its operations, in their order (trap 31). Nil for
	// any other problem.
	Reasons []Reason
	// Cause is for the log alone. It may be nil.
	Cause error
}

// Fault is one thing wrong with a request.
type Fault struct {
	// Pointer is where: for a member of the body its JSON Pointer (RFC 6901), empty for the whole body;
	// for a parameter its kind and name, such as "query.limit", "path.name" or "header.If-Match".
	Pointer string `json:"pointer" doc:"JSON Pointer into the body, or kind and name of a parameter such as query.limit"`
	// Message says what is expected there. It never repeats the value.
	Message string `json:"message" doc:"What is expected there; never repeats the value"`
}

// AWS is an error answer of an AWS service, as far as it concerns the caller's own call.
type AWS struct {
	Service   string `json:"service" doc:"AWS service that answered" example:"dynamodb"`
	Operation string `json:"operation" doc:"Operation of that service" example:"Query"`
	Code      string `json:"code" doc:"AWS's own error code" example:"AccessDeniedException"`
	Status    int    `json:"status,omitzero" doc:"HTTP status of AWS's answer" example:"400"`
	RequestID string `json:"request_id,omitzero" doc:"AWS's request id"`
	Message   string `json:"message,omitzero" doc:"AWS's message without what belongs to other accounts"`
}

// FunctionFailure is what an invoked Lambda function left behind when it failed.
type FunctionFailure struct {
	ErrorType    string
	ErrorMessage string
	StackTrace   []string
	LogTail      string
}

// Reason is AWS's word on one operation of a transaction that it cancelled. All of it is safe.
type Reason struct {
	Code    string         `json:"code" doc:"AWS's code, such as ConditionalCheckFailed; None if it wasn't because of this operation"`
	Message string         `json:"message,omitzero" doc:"AWS's message without what belongs to other accounts"`
	Item    jsontext.Value `json:"item,omitempty" doc:"The item as it is, where a condition on it failed"`
}

// New makes a problem with the code's own retryability. The detail must be safe for the caller.
func New(code Code, detail string) *Error {
	return &Error{Code: code, Detail: detail, Retryable: Lookup(code).Retryable}
}

// Wrap is [New] with a cause for the log.
func Wrap(code Code, detail string, cause error) *Error {
	e := New(code, detail)
	e.Cause = cause
	return e
}

// Invalid is [InvalidRequest] with its faults.
func Invalid(faults ...Fault) *Error {
	e := New(InvalidRequest, "The request doesn't fit: each fault is listed under errors.")
	e.Faults = faults
	return e
}

// WithHint returns e after setting its hint.
func (e *Error) WithHint(hint string) *Error {
	e.Hint = hint
	return e
}

// Error is for logs: it names the code, the safe detail and the cause.
func (e *Error) Error() string {
	if e.Cause == nil {
		return string(e.Code) + ": " + e.Detail
	}
	return string(e.Code) + ": " + e.Detail + ": " + e.Cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Status is the HTTP status of the problem's code.
func (e *Error) Status() int { return Lookup(e.Code).Status }

// Kind is what all problems of one code have in common.
type Kind struct {
	Status    int    // HTTP status code
	Title     string // short, the same for every problem of the code
	Retryable bool   // the default of Error.Retryable
}

// Lookup returns the kind of a code; for a code that isn't in the table, that of [Internal].
func Lookup(code Code) Kind {
	kind, ok := kinds[code]
	if !ok {
		return kinds[Internal]
	}
	return kind
}

// typePrefix makes a code an absolute URI, as RFC 9457 section 3.1.1 recommends for problem types.
const typePrefix = "urn:arngate:problem:"

// Document is a problem as it is sent: RFC 9457 problem details with Arngate's extension members.
type Document struct {
	Type          string   `json:"type" doc:"URI of the problem's kind" example:"urn:arngate:problem:aws_access_denied"`
	Title         string   `json:"title" doc:"The same for every problem of the code"`
	Status        int      `json:"status" doc:"HTTP status code"`
	Detail        string   `json:"detail,omitzero" doc:"What happened to this request"`
	Code          Code     `json:"code" doc:"Stable code of the problem"`
	RequestID     string   `json:"request_id,omitzero" doc:"Names this request in Arngate's logs"`
	Retryable     bool     `json:"retryable" doc:"The same request may succeed later without harm"`
	Hint          string   `json:"hint,omitzero" doc:"What to do next"`
	Errors        []Fault  `json:"errors,omitempty" doc:"Each fault of the request"`
	AWS           *AWS     `json:"aws,omitempty" doc:"What AWS answered"`
	MissingAction string   `json:"missing_action,omitzero" doc:"Action that AWS found missing" example:"s3:GetObject"`
	Resource      string   `json:"resource,omitzero" doc:"Resource that the action is missing on"`
	ErrorType     string   `json:"error_type,omitzero" doc:"Error type of the failed function"`
	ErrorMessage  string   `json:"error_message,omitzero" doc:"Error message of the failed function"`
	StackTrace    []string `json:"stack_trace,omitempty" doc:"Stack trace of the failed function"`
	LogTail       string   `json:"log_tail,omitzero" doc:"End of the failed function's log"`
	Connections   []string `json:"connections,omitempty" doc:"Connections that use the provider"`

	Item    jsontext.Value `json:"item,omitempty" doc:"The item as it is, where a condition on it failed"`
	Reasons []Reason       `json:"reasons,omitempty" doc:"Why a transaction was cancelled: one for each of its writes, in order"`
}

// Document renders the safe part of the problem for the request with that id.
func (e *Error) Document(requestID string) Document {
	kind := Lookup(e.Code)
	code := e.Code
	if _, known := kinds[code]; !known {
		code = Internal
	}
	d := Document{
		Type: typePrefix + string(code), Title: kind.Title, Status: kind.Status, Detail: e.Detail, Code: code,
		RequestID: requestID, Retryable: e.Retryable, Hint: e.Hint, Errors: e.Faults, AWS: e.AWS,
		MissingAction: e.MissingAction, Resource: e.Resource, Connections: e.Connections, Item: e.Item, Reasons: e.Reasons,
	}
	if f := e.Function; f != nil {
		d.ErrorType, d.ErrorMessage, d.StackTrace, d.LogTail = f.ErrorType, f.ErrorMessage, f.StackTrace, f.LogTail
	}
	return d
}
