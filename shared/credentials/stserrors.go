package credentials

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"github.com/arngate/arngate/shared/telemetry"
)

// codePackedPolicyTooLarge is the code of PackedPolicyTooLargeException on the wire.
const codePackedPolicyTooLarge = "PackedPolicyTooLarge"

const (
	firstThrottlePause = 100 * time.Millisecond
	maxThrottlePause   = 2 * time.Second
)

// roleDenials are the codes with which STS refuses a role. AccessDenied is the same for a wrong external id, a missing
// role, a wrong path and a missing permission of ours (trap 8). What it says of the gateway's own credentials is not
// among them.
func roleDenials() []string {
	return []string{"AccessDenied", "AccessDeniedException", "RegionDisabledException"}
}

// keyDenials are the codes with which STS refuses a customer's keys.
func keyDenials() []string {
	return append(roleDenials(), "InvalidClientTokenId", "SignatureDoesNotMatch", "InvalidAccessKeyId",
		"UnrecognizedClientException", "ExpiredToken", "IncompleteSignature")
}

// classify wraps err with what it means.
func classify(err error, denials []string) error {
	switch code := errorCode(err); {
	case slices.Contains(denials, code):
		return fmt.Errorf("%w: %w", ErrUnusable, err)
	case code == codePackedPolicyTooLarge:
		return fmt.Errorf("%w: %w", ErrPolicyTooLarge, err)
	default:
		return err
	}
}

// errorCode returns the code that AWS answered, empty if err is nil or not AWS's.
func errorCode(err error) string {
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		return answer.ErrorCode()
	}
	return ""
}

// untilNotThrottled calls STS again, with growing jittered pauses, as long as it throttles and ctx leaves the time.
// STS throttles with HTTP 400, so the code decides (trap 8). Time that runs out in a later call was lost to throttling, too.
func untilNotThrottled[O any](ctx context.Context, call func() (*O, error)) (*O, error) {
	throttles := retry.IsErrorThrottles(retry.DefaultThrottles)
	pause := firstThrottlePause
	var throttled error
	for {
		out, err := call()
		switch {
		case err == nil:
			return out, nil
		case throttles.IsErrorThrottle(err).Bool():
			throttled = fmt.Errorf("%w: %w", ErrThrottled, err)
		case throttled != nil && ctx.Err() != nil:
			return nil, throttled
		default:
			return nil, err
		}
		telemetry.From(ctx).Count(telemetry.STSThrottles)
		wait := pause/2 + rand.N(pause) //nolint:gosec // jitter
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
			return nil, throttled
		}
		select {
		case <-time.After(wait):
			pause = min(2*pause, maxThrottlePause)
		case <-ctx.Done():
			return nil, throttled
		}
	}
}
