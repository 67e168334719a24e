package awsclient

import (
	"context"
	"errors"
	"net"
	"net/http/httptrace"
	"sync/atomic"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// OnceRule reports whether a call may do harm when it is carried out twice: then it is not sent again unless AWS
// certainly did nothing (traps 33a and 45).
type OnceRule func(operation string, request *smithyhttp.Request) bool

// dynamoDBOnce holds for what writes one item: doubled, an update adds twice, and a condition that held no longer does.
// TransactWriteItems carries a token.
func dynamoDBOnce(operation string, _ *smithyhttp.Request) bool {
	return operation == "PutItem" || operation == "UpdateItem" || operation == "DeleteItem"
}

func nothingOnce(string, *smithyhttp.Request) bool { return false }

// NotRepeatedError is the error of a call that was not sent again, because it may have been carried out and must not be
// carried out twice.
type NotRepeatedError struct {
	Err error
	// Unanswered says that AWS did not answer: what became of the call is not known.
	Unanswered bool
}

// Error is the error's own text.
func (e *NotRepeatedError) Error() string { return e.Err.Error() }

// Unwrap returns the SDK's error.
func (e *NotRepeatedError) Unwrap() error { return e.Err }

// RetryableError tells the SDK's retryer not to.
func (e *NotRepeatedError) RetryableError() bool { return false }

// OutcomeUnknown reports whether the call may have been carried out without that anyone can tell.
func (e *NotRepeatedError) OutcomeUnknown() bool { return e.Unanswered }

// onceMiddleware stands around each attempt of a call.
type onceMiddleware struct{ applies OnceRule }

// ID names the middleware in the stack.
func (onceMiddleware) ID() string { return "ArngateOnce" }

// HandleDeserialize sends the request and marks the error of one that must not be sent again.
func (m onceMiddleware) HandleDeserialize(
	ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
) (middleware.DeserializeOutput, middleware.Metadata, error) {
	request, ok := in.Request.(*smithyhttp.Request)
	if !ok || !m.applies(awsmiddleware.GetOperationName(ctx), request) {
		return next.HandleDeserialize(ctx, in)
	}
	out, metadata, doubtful, err := Send(ctx, in, next)
	if !doubtful {
		return out, metadata, err
	}
	var answer smithy.APIError
	return out, metadata, &NotRepeatedError{Err: err, Unanswered: !errors.As(err, &answer)}
}

// Send sends one attempt of a call. Doubtful says that it ended with err and AWS may have carried it out all the same: the whole
// request may have been sent, and AWS didn't throttle it.
func Send(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	out middleware.DeserializeOutput, metadata middleware.Metadata, doubtful bool, err error,
) {
	var sending sending
	out, metadata, err = next.HandleDeserialize(sending.trace(ctx), in)
	return out, metadata, err != nil && sending.mayBeSent(err) && !refusedUnprocessed(err), err
}

// refusedUnprocessed reports whether AWS answered that it did nothing: it throttled the call.
func refusedUnprocessed(err error) bool {
	var answer smithy.APIError
	return errors.As(err, &answer) && retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err).Bool()
}

// sending follows one attempt through net/http. A transport that is not net/http's tells nothing: then the request may
// have been sent. WroteRequest is of no use here: it reports an error, too, when the SDK closes the body of a request
// that has just been answered.
type sending struct{ wanted, began atomic.Bool }

func (s *sending) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { s.wanted.Store(true) },
		WroteHeaders: func() { s.began.Store(true) },
	})
}

// mayBeSent reports whether AWS may have the whole request of an attempt that ended with err. It has not if there never
// was a connection, nor if writing broke off, as it does on one that was dead already (trap 12).
func (s *sending) mayBeSent(err error) bool {
	if s.wanted.Load() && !s.began.Load() {
		return false
	}
	for broken, ok := errors.AsType[*net.OpError](err); ok; broken, ok = errors.AsType[*net.OpError](broken.Err) {
		if broken.Op == "write" {
			return false
		}
	}
	return true
}
