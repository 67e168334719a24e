package awsclient

import (
	"context"
	"net/http"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Attempt is one exchange with AWS.
type Attempt struct {
	Operation string        // "GetItem"
	RequestID string        // AWS's; empty if it did not answer
	Latency   time.Duration // until the answer was decoded; of a streamed answer, until its headers
}

type observerKey struct{}

// WithObserver returns a context whose attempts, retries too, are told to observe. It is called on the goroutine of the
// call, so it may be called by several at a time if the context is used by several.
func WithObserver(ctx context.Context, observe func(Attempt)) context.Context {
	return context.WithValue(ctx, observerKey{}, observe)
}

// observeMiddleware stands around each attempt of a call.
type observeMiddleware struct{}

// ID names the middleware in the stack.
func (observeMiddleware) ID() string { return "ArngateObserve" }

// HandleDeserialize sends the request and tells the context's observer.
func (observeMiddleware) HandleDeserialize(
	ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
) (middleware.DeserializeOutput, middleware.Metadata, error) {
	observe, ok := ctx.Value(observerKey{}).(func(Attempt))
	if !ok {
		return next.HandleDeserialize(ctx, in)
	}
	began := time.Now()
	out, metadata, err := next.HandleDeserialize(ctx, in)
	attempt := Attempt{Operation: awsmiddleware.GetOperationName(ctx), Latency: time.Since(began)}
	if response, ok := out.RawResponse.(*smithyhttp.Response); ok && response.Response != nil {
		attempt.RequestID = requestID(response.Header)
	}
	observe(attempt)
	return out, metadata, err
}

// requestID knows both spellings: the JSON and query services', and S3's.
func requestID(header http.Header) string {
	if id := header.Get("X-Amzn-Requestid"); id != "" {
		return id
	}
	return header.Get("X-Amz-Request-Id")
}

// apiOptions puts our middleware around everything else that handles the answer.
func apiOptions(applies OnceRule) []func(*middleware.Stack) error {
	return []func(*middleware.Stack) error{func(stack *middleware.Stack) error {
		if err := stack.Deserialize.Add(observeMiddleware{}, middleware.Before); err != nil {
			return err
		}
		return stack.Deserialize.Add(onceMiddleware{applies: applies}, middleware.Before)
	}}
}
