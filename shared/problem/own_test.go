package problem_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/arngate/arngate/shared/problem"
)

func TestFromOwn(t *testing.T) {
	failed := func(err error) error {
		return fmt.Errorf("read provider: %w", &smithy.OperationError{ServiceID: "DynamoDB", OperationName: "GetItem", Err: err})
	}
	const table = "arn:aws:dynamodb:us-east-1:111122223333:table/Registry"
	answer := func(code string) error { return &smithy.GenericAPIError{Code: code, Message: "on " + table} }
	for name, c := range map[string]struct {
		err       error
		status    int
		code      problem.Code
		retryable bool
	}{
		"throttled":   {failed(answer("ProvisionedThroughputExceededException")), http.StatusTooManyRequests, problem.AWSThrottled, true},
		"its fault":   {failed(answer("InternalServerError")), http.StatusBadGateway, problem.AWSUnavailable, true},
		"no answer":   {failed(io.ErrUnexpectedEOF), http.StatusBadGateway, problem.AWSUnavailable, true},
		"out of time": {failed(context.DeadlineExceeded), http.StatusGatewayTimeout, problem.DeadlineExceeded, true},
		"denied":      {failed(answer("AccessDeniedException")), http.StatusInternalServerError, problem.Internal, false},
		"no table":    {failed(answer("ResourceNotFoundException")), http.StatusInternalServerError, problem.Internal, false},
		"our own":     {errors.New("decode provider"), http.StatusInternalServerError, problem.Internal, false},
		"a problem":   {fmt.Errorf("open: %w", problem.New(problem.NameTaken, "taken")), http.StatusConflict, problem.NameTaken, false},
	} {
		got := problem.FromOwn("It failed.", c.err)
		if got.Code != c.code || got.Status() != c.status || got.Retryable != c.retryable {
			t.Errorf("%s: got %d %s, retryable %t", name, got.Status(), got.Code, got.Retryable)
		}
		if got.AWS != nil || got.MissingAction != "" || got.Resource != "" || !errors.Is(got, c.err) && got.Cause != nil {
			t.Errorf("%s: says more than it should, or has lost its cause: %+v", name, got)
		}
		if (got.RetryAfter > 0) != (c.code == problem.AWSThrottled) {
			t.Errorf("%s: retry after %s", name, got.RetryAfter)
		}
	}
}
