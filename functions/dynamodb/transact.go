package dynamodb

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/functions/dynamodb/value"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/problem"
)

// tokenLength is the most that DynamoDB takes as a ClientRequestToken.
const tokenLength = 36

// clientToken is a token of DynamoDB's for all these parts, each behind its length.
func clientToken(parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		_, _ = hash.Write(binary.AppendUvarint(nil, uint64(len(part)))) // a hash's Write never fails
		_, _ = hash.Write([]byte(part))
	}
	return base64.RawURLEncoding.EncodeToString(hash.Sum(nil))[:tokenLength]
}

// transact carries the writes out as one transaction. Under its token the SDK repeats it safely where an answer is lost
// (traps.md 33a); only the caller's own token lets the caller do so. AWS authorizes it by its writes' own actions, so a denial
// names one of those.
func transact(ctx context.Context, conn *connection.Connection, writes []write, token string, mode value.Mode) (*writeItemsOutput, error) {
	in := &awsdynamodb.TransactWriteItemsInput{ClientRequestToken: aws.String(token), TransactItems: make([]types.TransactWriteItem, len(writes))}
	if token == "" {
		in.ClientRequestToken = aws.String(rand.Text())
	}
	for i := range writes {
		in.TransactItems[i] = writes[i].transactItem()
	}
	err := conn.Call(ctx, "TransactWriteItems", "", "", func(ctx context.Context) error {
		_, err := conn.DynamoDB().TransactWriteItems(ctx, in)
		return err
	})
	if err != nil {
		return nil, untransacted(err, writes, token != "", mode)
	}
	out := &writeItemsOutput{Body: WritesAnswer{Results: make([]WriteResult, len(writes))}}
	for i := range out.Body.Results {
		out.Body.Results[i].Status = http.StatusOK
	}
	return out, nil
}

// untransacted is the problem of a transaction that failed, or that no answer came for.
func untransacted(err error, writes []write, repeatable bool, mode value.Mode) error {
	p, ok := errors.AsType[*problem.Error](err)
	if !ok {
		return err
	}
	if cancelled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		return cancellation(p, cancelled.CancellationReasons, writes, mode)
	}
	shown := *p
	switch {
	case p.Code == problem.OutcomeUnknown && repeatable:
		shown = *problem.Wrap(problem.AWSUnavailable, "The transaction was sent to AWS, and no answer came.", err).
			WithHint("Send the same request with the same token again, within ten minutes: it is carried out once.")
	case p.Code == problem.OutcomeUnknown:
		shown.Hint = "Find out whether it happened before you send it again. With a token of your own, a request can be sent again safely."
	case p.Code == problem.AWSUnavailable && repeatable:
		shown.Retryable = true
	}
	return &shown
}

// The codes of a cancelled transaction's reasons (Amazon DynamoDB API Reference, "TransactWriteItems", Errors).
const (
	reasonNone      = "None"
	reasonCondition = "ConditionalCheckFailed"
	reasonDuplicate = "DuplicateItem"
	reasonConflict  = "TransactionConflict"
	reasonCapacity  = "ProvisionedThroughputExceeded"
	reasonThrottled = "ThrottlingError"
)

// cancellation is the problem of a cancelled transaction, with AWS's reasons in the order of its writes (traps.md 31).
func cancellation(answered *problem.Error, reasons []types.CancellationReason, writes []write, mode value.Mode) error {
	p := causeOf(reasons, answered)
	p.AWS = answered.AWS
	left := room(maxItemBytes)
	for i, reason := range reasons {
		shown := problem.Reason{Code: aws.ToString(reason.Code), Message: problem.SafeMessage("dynamodb", aws.ToString(reason.Message))}
		if shown.Code == reasonCondition && len(reason.Item) == 0 && i < len(writes) && writes[i].existing {
			shown.Message = absent
		}
		if len(reason.Item) > 0 {
			encoded, err := value.NewEncoder(mode).AppendItem(nil, reason.Item)
			if err != nil {
				return err
			}
			shown.Item, _ = left.take(encoded)
		}
		p.Reasons = append(p.Reasons, shown)
	}
	return p
}

// causeOf is the problem without its reasons. What will not go away by itself decides: a write that can't be, then a condition
// that did not hold; then what the same request may get past later.
func causeOf(reasons []types.CancellationReason, cause error) *problem.Error {
	found := map[string]bool{}
	rejected := len(reasons) == 0
	for _, reason := range reasons {
		switch code := aws.ToString(reason.Code); code {
		case reasonNone, reasonCondition, reasonDuplicate, reasonConflict, reasonCapacity, reasonThrottled:
			found[code] = true
		default:
			rejected = true
		}
	}
	switch {
	case rejected:
		return problem.Wrap(problem.AWSRejected, "AWS rejected a write of the transaction: nothing was written.", cause)
	case found[reasonCondition], found[reasonDuplicate]:
		return problem.Wrap(problem.ConditionFailed, "A condition of the transaction did not hold: nothing was written.", cause).
			WithHint("Read the current state, which reasons show, and decide anew.")
	case found[reasonConflict]:
		p := problem.Wrap(problem.ConditionFailed, "Another write to one of the items was under way: nothing was written.", cause).
			WithHint("Send the request again after a moment.")
		p.Retryable = true
		return p
	default:
		p := problem.Wrap(problem.AWSThrottled, "AWS throttles requests: nothing was written.", cause).WithHint("Send fewer requests, or wait.")
		p.RetryAfter = time.Second
		return p
	}
}
