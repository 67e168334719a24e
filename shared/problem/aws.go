package problem

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// FromAWS makes a problem of the error that a call to an AWS service ended with. It never returns nil.
//
// The service is the connector's word for it ("dynamodb", "s3", "lambda"; "sts" and "kms" too), the
// operation AWS's ("GetObject"). An error is classified by AWS's error code, never by its status alone:
// DynamoDB denies with 400, STS throttles with 400, an expired token is a 403 like a missing permission
// (traps 8 and 51). An error that already is a problem is returned as it is.
//
// A call that isn't repeatable and was sent, but not answered, is [OutcomeUnknown]. An error may say so
// itself by a method OutcomeUnknown() bool in its chain.
func FromAWS(service, operation string, err error) *Error {
	if existing, ok := errors.AsType[*Error](err); ok {
		return existing
	}
	answer, answered := errors.AsType[smithy.APIError](err)
	if !answered || answer.ErrorCode() == "" {
		return unanswered(service, operation, err)
	}
	rule := ruleFor(service, operation, answer.ErrorCode(), status(err))
	e := Wrap(rule.code, rule.detail, err)
	e.Hint = rule.hint
	e.AWS = &AWS{
		Service: service, Operation: operation, Code: answer.ErrorCode(), Status: status(err),
		RequestID: RequestID(err), Message: SafeMessage(service, answer.ErrorMessage()),
	}
	if e.Code == AWSAccessDenied {
		e.explainDenial(service, operation, answer.ErrorMessage())
	}
	if e.Code == AWSThrottled {
		e.RetryAfter = retryAfter(err)
	}
	if e.Code == AWSUnavailable {
		e.Retryable = repeatable(service, operation)
	}
	return e
}

// RequestID returns AWS's request id from an error of the SDK; empty if AWS did not answer.
func RequestID(err error) string {
	if r, ok := errors.AsType[interface {
		error
		ServiceRequestID() string
	}](err); ok {
		return r.ServiceRequestID()
	}
	return ""
}

// CredentialsExpired says that AWS refused the credentials of a call as expired or unknown, so that
// fresh ones are worth one more try (credentials.md, "The cache"). A missing permission is not that.
func CredentialsExpired(err error) bool {
	answer, ok := errors.AsType[smithy.APIError](err)
	return ok && slices.Contains(expiredCodes[:], answer.ErrorCode())
}

// unanswered is the problem of a call that ended without an error answer of AWS's.
func unanswered(service, operation string, err error) *Error {
	if outcomeUnknown(service, operation, err) {
		return Wrap(OutcomeUnknown, "The request was sent to AWS, and no answer came: it may have been carried out or not.", err).
			WithHint("Find out whether it happened before you send it again.")
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return Wrap(DeadlineExceeded, "AWS did not answer in time.", err)
	}
	return Wrap(AWSUnavailable, "AWS could not be reached.", err)
}

func outcomeUnknown(service, operation string, err error) bool {
	if said, ok := errors.AsType[interface {
		error
		OutcomeUnknown() bool
	}](err); ok {
		return said.OutcomeUnknown()
	}
	return !repeatable(service, operation) && mayHaveBeenSent(err)
}

// mayHaveBeenSent is false where the connection was never made: nothing can have happened then.
func mayHaveBeenSent(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return false
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return false
	}
	_, attempted := errors.AsType[*smithy.OperationError](err)
	return attempted
}

// repeatable is false for calls that may do something twice when they are sent twice (traps 33a and 45). A transaction
// is repeatable only under a token that whoever repeats it knows.
func repeatable(service, operation string) bool {
	switch service + ":" + operation {
	case "lambda:Invoke", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem",
		"dynamodb:TransactWriteItems", "s3:CompleteMultipartUpload":
		return false
	}
	return true
}

// status is the HTTP status of AWS's answer; 0 if there is none.
func status(err error) int {
	if r, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err); ok {
		return r.HTTPStatusCode()
	}
	return 0
}

const defaultRetryAfter = time.Second

// retryAfter is what AWS asked for, in RFC 9110 section 10.2.3's seconds; a second if it didn't.
func retryAfter(err error) time.Duration {
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || answer.Response == nil || answer.Response.Response == nil {
		return defaultRetryAfter
	}
	seconds, err := strconv.Atoi(answer.Response.Header.Get("Retry-After"))
	if err != nil || seconds < 1 || seconds > 900 {
		return defaultRetryAfter
	}
	return time.Duration(seconds) * time.Second
}
