package problem_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/problem"
)

// answered is an error as the SDK returns it when AWS answered with one.
func answered(service, operation string, status int, code, message string, header ...string) error {
	h := http.Header{}
	for pair := range slices.Chunk(header, 2) {
		h.Set(pair[0], pair[1])
	}
	return &smithy.OperationError{ServiceID: service, OperationName: operation, Err: &awshttp.ResponseError{
		RequestID: "aws-1",
		ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status, Header: h}},
			Err:      &smithy.GenericAPIError{Code: code, Message: message},
		},
	}}
}

func TestTrap51ClassifiedByCodeNotStatus(t *testing.T) {
	for _, test := range []struct {
		service, operation string
		status             int
		code               string
		want               problem.Code
	}{
		{"dynamodb", "Query", 400, "AccessDeniedException", problem.AWSAccessDenied}, // DynamoDB denies with 400
		{"s3", "GetObject", 403, "AccessDenied", problem.AWSAccessDenied},
		{"s3", "GetObject", 403, "ExpiredToken", problem.ProviderUnusable},
		{"s3", "GetObject", 403, "SignatureDoesNotMatch", problem.ProviderUnusable},
		{"s3", "GetObject", 403, "InvalidAccessKeyId", problem.ProviderUnusable},
		{"s3", "GetObject", 403, "RequestTimeTooSkewed", problem.AWSUnavailable},
		{"dynamodb", "Query", 400, "UnrecognizedClientException", problem.ProviderUnusable},
		{"sts", "AssumeRole", 400, "Throttling", problem.AWSThrottled}, // trap 8
		{"dynamodb", "Query", 400, "ThrottlingException", problem.AWSThrottled},
		{"dynamodb", "Query", 400, "ProvisionedThroughputExceededException", problem.AWSThrottled},
		{"lambda", "Invoke", 429, "TooManyRequestsException", problem.AWSThrottled},
		{"s3", "PutObject", 503, "SlowDown", problem.AWSThrottled},
		{"dynamodb", "Query", 400, "ResourceNotFoundException", problem.TableNotFound},
		{"lambda", "Invoke", 404, "ResourceNotFoundException", problem.FunctionNotFound},
		{"s3", "GetObject", 404, "NoSuchKey", problem.ObjectNotFound},
		{"s3", "HeadObject", 404, "NotFound", problem.ObjectNotFound},
		{"s3", "HeadBucket", 404, "NotFound", problem.BucketNotFound},
		{"s3", "ListObjectsV2", 404, "NoSuchBucket", problem.BucketNotFound},
		{"s3", "CompleteMultipartUpload", 404, "NoSuchUpload", problem.ObjectNotFound},
		{"dynamodb", "PutItem", 400, "ConditionalCheckFailedException", problem.ConditionFailed},
		{"s3", "PutObject", 412, "PreconditionFailed", problem.ConditionFailed},
		{"s3", "PutObject", 409, "ConditionalRequestConflict", problem.ConditionFailed},
		{"dynamodb", "PutItem", 400, "ValidationException", problem.AWSRejected},
		{"lambda", "Invoke", 400, "InvalidRequestContentException", problem.AWSRejected},
		{"lambda", "Invoke", 413, "RequestTooLargeException", problem.PayloadTooLarge},
		{"s3", "GetObject", 403, "SomethingNew", problem.AWSRejected}, // not denied: only known codes deny
		{"s3", "GetObject", 404, "SomethingNew", problem.AWSRejected},
		{"s3", "GetObject", 500, "SomethingNew", problem.AWSUnavailable},
		{"dynamodb", "Query", 500, "InternalServerError", problem.AWSUnavailable},
		{"lambda", "Invoke", 500, "ServiceException", problem.AWSUnavailable},
	} {
		p := problem.FromAWS(test.service, test.operation, fmt.Errorf("call: %w", answered(test.service, test.operation, test.status, test.code, "")))
		if p.Code != test.want {
			t.Errorf("%s %s %d %s: %s, want %s", test.service, test.operation, test.status, test.code, p.Code, test.want)
		}
		want := &problem.AWS{Service: test.service, Operation: test.operation, Code: test.code, Status: test.status, RequestID: "aws-1"}
		if diff := cmp.Diff(want, p.AWS); diff != "" {
			t.Errorf("%s: AWS (-want +got):\n%s", test.code, diff)
		}
	}
}

func TestThrottledSaysWhen(t *testing.T) {
	for header, want := range map[string]time.Duration{"": time.Second, "7": 7 * time.Second, "0": time.Second, "soon": time.Second, "99999": time.Second} {
		p := problem.FromAWS("s3", "PutObject", answered("S3", "PutObject", 503, "SlowDown", "", "Retry-After", header))
		if p.RetryAfter != want || !p.Retryable {
			t.Errorf("Retry-After %q: %v retryable %v, want %v true", header, p.RetryAfter, p.Retryable, want)
		}
	}
}

const principal = "User: arn:aws:sts::111122223333:assumed-role/shop/ada@6f1c"

func TestDenialsNameWhatIsMissing(t *testing.T) {
	for name, test := range map[string]struct {
		service, operation, message    string
		wantAction, wantResource, hint string
	}{
		"DynamoDB": {
			"dynamodb", "Query",
			principal + " is not authorized to perform: dynamodb:Query on resource: arn:aws:dynamodb:eu-west-1:111122223333:table/Orders because no session policy allows the dynamodb:Query action",
			"dynamodb:Query", "arn:aws:dynamodb:eu-west-1:111122223333:table/Orders", "role kit",
		},
		"S3 in quotes": {
			"s3", "ListObjectsV2",
			principal + ` is not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::files" because no identity-based policy allows the s3:ListBucket action`,
			"s3:ListBucket", "arn:aws:s3:::files", "role kit",
		},
		"a wildcard resource": {
			"lambda", "ListFunctions",
			principal + " is not authorized to perform: lambda:ListFunctions on resource: * because no identity-based policy allows the lambda:ListFunctions action",
			"lambda:ListFunctions", "*", "role kit",
		},
		"KMS": {
			"s3", "GetObject",
			principal + " is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:111122223333:key/k because no identity-based policy allows the kms:Decrypt action",
			"kms:Decrypt", "arn:aws:kms:eu-west-1:111122223333:key/k", "key",
		},
		"a key of another account": {
			"s3", "GetObject",
			principal + " is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:999988887777:key/k because no resource-based policy allows the kms:Decrypt action",
			"kms:Decrypt", "", "key",
		},
		"an explicit deny": {
			"s3", "DeleteObject",
			principal + ` is not authorized to perform: s3:DeleteObject on resource: "arn:aws:s3:::files/a" with an explicit deny in a service control policy`,
			"s3:DeleteObject", "arn:aws:s3:::files/a", "denies it",
		},
		"no words at all":     {"s3", "GetObject", "Access Denied", "s3:GetObject", "", "role kit"},
		"a HEAD without body": {"s3", "HeadObject", "", "s3:GetObject", "", "ListBucket"},
		"another service":     {"sts", "AssumeRole", "User: arn:aws:sts::999988887777:assumed-role/arngate/f is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/x", "", "", ""},
	} {
		p := problem.FromAWS(test.service, test.operation, answered(test.service, test.operation, 403, "AccessDenied", test.message))
		if p.Code != problem.AWSAccessDenied || p.MissingAction != test.wantAction || p.Resource != test.wantResource {
			t.Errorf("%s: %s, missing %q on %q, want %q on %q", name, p.Code, p.MissingAction, p.Resource, test.wantAction, test.wantResource)
		}
		if !strings.Contains(p.Hint, test.hint) {
			t.Errorf("%s: hint %q, want one about %q", name, p.Hint, test.hint)
		}
		if text := fmt.Sprintf("%+v", p.Document("r")) + p.AWS.Message; strings.Contains(text, "999988887777") {
			t.Errorf("%s: another account's id is passed on: %s", name, text)
		}
	}
}

func TestTrap22OnlyTheCallersOwnAccountIsNamed(t *testing.T) {
	for message, want := range map[string]string{
		"Function not found: arn:aws:lambda:eu-west-1:999988887777:function:f":      "Function not found: [arn]",
		"Requested resource not found: Table: Orders not found":                     "Requested resource not found: Table: Orders not found",
		"Account 999988887777 is suspended":                                         "Account [account] is suspended",
		principal + " may not use arn:aws:iam::999988887777:role/r, 111122223333":   principal + " may not use [arn], 111122223333",
		"arn:aws:organizations::999988887777:policy/o-1/service_control_policy/p-1": "[arn]",
	} {
		p := problem.FromAWS("lambda", "Invoke", answered("Lambda", "Invoke", 400, "ValidationException", message))
		if got := p.AWS.Message; got != want {
			t.Errorf("message %q, want %q", got, want)
		}
	}
	p := problem.FromAWS("sts", "AssumeRole", answered("STS", "AssumeRole", 403, "AccessDenied", "User: arn:aws:sts::999988887777:assumed-role/gateway/f ..."))
	if p.AWS.Message != "" {
		t.Errorf("a message of our own account is passed on: %q", p.AWS.Message)
	}
}

func TestCredentialsExpired(t *testing.T) {
	for code, want := range map[string]bool{
		"ExpiredToken": true, "InvalidToken": true, "InvalidAccessKeyId": true, "ExpiredTokenException": true,
		"UnrecognizedClientException": true, "InvalidClientTokenId": true,
		"AccessDenied": false, "AccessDeniedException": false, "SignatureDoesNotMatch": false, "ThrottlingException": false,
	} {
		err := answered("S3", "GetObject", 403, code, "")
		if got := problem.CredentialsExpired(fmt.Errorf("x: %w", err)); got != want {
			t.Errorf("%s: %v, want %v", code, got, want)
		}
		if got := problem.CredentialsExpired(problem.FromAWS("s3", "GetObject", err)); got != want {
			t.Errorf("problem of %s: %v, want %v", code, got, want)
		}
	}
	if problem.CredentialsExpired(errors.New("x")) || problem.CredentialsExpired(nil) {
		t.Error("an error that isn't AWS's means expired credentials")
	}
}

// unknown is how the AWS clients say that a call was sent and not answered.
type unknown struct {
	error
	is bool
}

func (u unknown) OutcomeUnknown() bool { return u.is }

func TestTrap45And33aUnansweredCalls(t *testing.T) {
	op := func(name string, err error) error {
		return &smithy.OperationError{ServiceID: "x", OperationName: name, Err: err}
	}
	dial := &url.Error{Op: "Post", URL: "https://x", Err: &net.OpError{Op: "dial", Err: errors.New("refused")}}
	cut := &url.Error{Op: "Post", URL: "https://x", Err: &net.OpError{Op: "read", Err: errors.New("reset")}}
	for _, test := range []struct {
		service, operation string
		err                error
		want               problem.Code
	}{
		{"lambda", "Invoke", op("Invoke", cut), problem.OutcomeUnknown},
		{"lambda", "Invoke", op("Invoke", dial), problem.AWSUnavailable}, // never sent
		{"lambda", "Invoke", op("Invoke", &net.DNSError{}), problem.AWSUnavailable},
		{"lambda", "Invoke", op("Invoke", context.DeadlineExceeded), problem.OutcomeUnknown},
		{"lambda", "Invoke", context.DeadlineExceeded, problem.DeadlineExceeded}, // before the call
		{"dynamodb", "UpdateItem", op("UpdateItem", cut), problem.OutcomeUnknown},
		{"dynamodb", "TransactWriteItems", op("TransactWriteItems", cut), problem.OutcomeUnknown}, // only who knows its token can repeat it
		{"dynamodb", "Query", op("Query", cut), problem.AWSUnavailable},
		{"dynamodb", "Query", op("Query", context.DeadlineExceeded), problem.DeadlineExceeded},
		{"dynamodb", "Query", op("Query", context.Canceled), problem.DeadlineExceeded},
		{"lambda", "Invoke", op("Invoke", unknown{cut, false}), problem.AWSUnavailable}, // the client knows better
		{"s3", "PutObject", op("PutObject", unknown{cut, true}), problem.OutcomeUnknown},
	} {
		p := problem.FromAWS(test.service, test.operation, test.err)
		if p.Code != test.want || p.AWS != nil {
			t.Errorf("%s %s %v: %s, want %s", test.service, test.operation, test.err, p.Code, test.want)
		}
		if p.Code == problem.OutcomeUnknown && p.Retryable {
			t.Errorf("%s %s: outcome unknown, and retryable", test.service, test.operation)
		}
		if !errors.Is(p, test.err) {
			t.Errorf("%s %s: the cause is lost", test.service, test.operation)
		}
	}
	if p := problem.FromAWS("lambda", "Invoke", answered("Lambda", "Invoke", 500, "ServiceException", "")); p.Retryable {
		t.Error("a failed invocation is called retryable")
	}
}

func TestProblemsStayWhatTheyAre(t *testing.T) {
	want := problem.New(problem.ConnectionForbids, "No.")
	if got := problem.FromAWS("s3", "GetObject", fmt.Errorf("x: %w", want)); got != want {
		t.Errorf("FromAWS(problem) = %v, want the same", got)
	}
}

func FuzzMessages(f *testing.F) {
	f.Add(principal + " is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/k because")
	f.Add("arn:aws:iam::999988887777:role/x 999988887777")
	other := regexp.MustCompile(`(^|\D)999988887777(\D|$)`) // as a whole number
	f.Fuzz(func(t *testing.T, message string) {
		message = strings.ReplaceAll(message, "111122223333", "")
		p := problem.FromAWS("s3", "GetObject", answered("S3", "GetObject", 403, "AccessDenied", principal+" "+message+" 999988887777 arn:aws:iam::999988887777:role/x"))
		if other.MatchString(p.AWS.Message) {
			t.Fatalf("message %q", p.AWS.Message)
		}
	})
}
