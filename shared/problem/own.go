package problem

import (
	"context"
	"errors"

	"github.com/aws/smithy-go"
)

// FromOwn makes a problem of the error that a call in Arngate's own account ended with: to its tables, or its key. That AWS
// throttles, fails or can't be reached is worth another try later; all else is [Internal]. What AWS said stays in the cause:
// it concerns no caller (trap 22). An error that already is a problem is returned as it is. It never returns nil.
func FromOwn(detail string, err error) *Error {
	if existing, ok := errors.AsType[*Error](err); ok {
		return existing
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return Wrap(DeadlineExceeded, detail, err)
	}
	attempted, ok := errors.AsType[*smithy.OperationError](err)
	if !ok {
		return Wrap(Internal, detail, err)
	}
	explained := FromAWS("dynamodb", attempted.OperationName, attempted)
	if explained.Code == AWSThrottled {
		throttled := Wrap(AWSThrottled, detail, err)
		throttled.RetryAfter = explained.RetryAfter
		return throttled
	}
	if explained.Code == AWSUnavailable || explained.Code == OutcomeUnknown {
		unavailable := Wrap(AWSUnavailable, detail, err)
		unavailable.Retryable = true // configuration that is written twice is refused by its name or its ETag
		return unavailable
	}
	return Wrap(Internal, detail, err)
}
