package dynamodb

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/functions/dynamodb/value"
	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/problem"
)

func TestTrap31WhyATransactionIsCancelled(t *testing.T) {
	for reasons, want := range map[string]struct {
		code      problem.Code
		retryable bool
	}{
		"None TransactionConflict":                          {problem.ConditionFailed, true},
		"TransactionConflict ConditionalCheckFailed":        {problem.ConditionFailed, false},
		"DuplicateItem":                                     {problem.ConditionFailed, false},
		"ProvisionedThroughputExceeded None":                {problem.AWSThrottled, true},
		"ThrottlingError":                                   {problem.AWSThrottled, true},
		"ThrottlingError TransactionConflict":               {problem.ConditionFailed, true},
		"ConditionalCheckFailed ValidationError":            {problem.AWSRejected, false},
		"ItemCollectionSizeLimitExceeded ":                  {problem.AWSRejected, false},
		"":                                                  {problem.AWSRejected, false},
		"ConditionalCheckFailed SomethingThatIsNotKnownYet": {problem.AWSRejected, false},
	} {
		cancelled := &types.TransactionCanceledException{}
		for code := range strings.FieldsSeq(reasons) {
			cancelled.CancellationReasons = append(cancelled.CancellationReasons, types.CancellationReason{Code: aws.String(code)})
		}
		answered := problem.Wrap(problem.AWSRejected, "", cancelled)
		answered.AWS = &problem.AWS{Code: "TransactionCanceledException"}
		got, ok := errors.AsType[*problem.Error](untransacted(answered, nil, false, value.Plain))
		if !ok || got.Code != want.code || got.Retryable != want.retryable || got.AWS != answered.AWS || len(got.Reasons) != len(cancelled.CancellationReasons) {
			t.Errorf("%q: %+v, want %+v", reasons, got, want)
		}
		if (got.RetryAfter > 0) != (got.Code == problem.AWSThrottled) {
			t.Errorf("%q: Retry-After %s", reasons, got.RetryAfter)
		}
	}
}

func TestTrap22ReasonsNameNoOtherAccount(t *testing.T) {
	cancelled := &types.TransactionCanceledException{CancellationReasons: []types.CancellationReason{
		{Code: aws.String("ValidationError"), Message: aws.String("no access to arn:aws:kms:us-east-1:999988887777:key/x")},
	}}
	got, _ := errors.AsType[*problem.Error](untransacted(problem.Wrap(problem.AWSRejected, "", cancelled), nil, false, value.Plain))
	if strings.Contains(got.Reasons[0].Message, "999988887777") {
		t.Errorf("message %s", got.Reasons[0].Message)
	}
}

// trap 3: parts that join to the same text are other tokens.
func TestTokensAreOfTheirParts(t *testing.T) {
	a, b := clientToken("site", "ab", "c"), clientToken("site", "a", "bc")
	if a == b || len(a) != tokenLength || a != clientToken("site", "ab", "c") {
		t.Errorf("tokens %s and %s", a, b)
	}
	seen := map[string]bool{tokenOf(caller.Caller{Site: "s", User: "u", Actor: "a"}, "c", "t"): true}
	for _, other := range []string{
		tokenOf(caller.Caller{Site: "x", User: "u", Actor: "a"}, "c", "t"), tokenOf(caller.Caller{Site: "s", User: "x", Actor: "a"}, "c", "t"),
		tokenOf(caller.Caller{Site: "s", User: "u", Actor: "x"}, "c", "t"), tokenOf(caller.Caller{Site: "s", User: "u", Actor: "a"}, "x", "t"),
		tokenOf(caller.Caller{Site: "s", User: "u", Actor: "a"}, "c", "x"), tokenOf(caller.Caller{}, "c", ""),
	} {
		if seen[other] {
			t.Errorf("token %q twice", other)
		}
		seen[other] = true
	}
}
