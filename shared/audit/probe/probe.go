// Package probe tries out what credentials may do, by requests that change nothing whether they are allowed or not.
//
// A request that could write carries a condition that no state of the store fulfils; and as a store that ignores conditions
// would write all the same, it goes to AWS or to the local AWS alone and is refused before it is sent anywhere else.
package probe

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/arngate/arngate/shared/audit/verdict"
	"github.com/arngate/arngate/shared/awsclient"
)

// Mark is the folder, inside a connection's prefix, and the beginning of the keys that probes name. Nothing is ever there.
const Mark = "__arngate_audit__/"

// Clients are the clients of customers' accounts, which take the credentials of each call from its context; auditclient.Clients
// are some.
type Clients interface {
	DynamoDB(region string) (*awsdynamodb.Client, error)
	S3(region string) (*awss3.Client, error)
	Lambda(region string) (*awslambda.Client, error)
}

// Target is one action on one resource. Which fields are set depends on the service.
type Target struct {
	Action string // full name: "s3:GetObject"
	Region string

	Table string
	Keys  *Schema // of the table; nil if unknown
	Index *Index  // nil: the table itself

	Bucket string
	Prefix string // a folder with its slash, or ""
	Owner  string // account that the bucket must belong to

	Function  string
	Qualifier string

	// Known says what has been found out before about the same bucket: some answers prove something only then.
	Known Known
}

// Known is what is known about an S3 connection's rights on a bucket.
type Known struct {
	MayGet  bool   // s3:GetObject is allowed
	MayList bool   // s3:ListBucket is allowed, for the whole bucket
	Key     string // of an object that is there, if one was listed
}

// Result is what a probe showed.
type Result struct {
	Verdict   verdict.Verdict
	Request   string // what was asked, in words: "GetObject, Range 0-0, random key"
	Status    int    // HTTP; zero if nothing was sent or answered
	Code      string // AWS's; empty on success
	RequestID string // AWS's
	Denial    verdict.Denial
	Why       string // of an unknown one: what kept it from proving something
	Sample    string // of a listing: the first name, or key, in it
	Table     *Table // of DescribeTable
}

// Prober makes probes. Safe for concurrent use.
type Prober struct {
	clients Clients
	guard   guard
	regions regions
}

// New returns a Prober. local is the address of the local AWS, "" where there is none: writing probes go only there and to
// AWS itself. It does no I/O.
func New(clients Clients, local string) *Prober {
	return &Prober{clients: clients, guard: newGuard(local)}
}

// Probe tries out the target's action with the credentials. It never returns an error: what kept it from an answer is in
// the result, whose verdict is then unknown.
func (p *Prober) Probe(ctx context.Context, with aws.Credentials, t Target) Result {
	var id exchange
	ctx = awsclient.WithCredentials(ctx, with)
	var r Result
	switch service, _, _ := strings.Cut(t.Action, ":"); service {
	case "dynamodb":
		r = p.dynamodb(ctx, t, &id)
	case "s3":
		r = p.s3(ctx, t, &id)
	case "lambda":
		r = p.lambda(ctx, t, &id)
	default:
		r = Result{Verdict: verdict.Unknown, Why: "there is no probe for this action"}
	}
	if r.Status == 0 {
		r.Status = id.status
	}
	if r.RequestID == "" {
		r.RequestID = id.requestID
	}
	return r
}

// exchange is what a successful answer said about itself.
type exchange struct {
	status    int
	requestID string
}

func (e *exchange) note(m middleware.Metadata) {
	e.requestID, _ = awsmiddleware.GetRequestIDMetadata(m)
	if raw, ok := awsmiddleware.GetRawResponse(m).(*smithyhttp.Response); ok {
		e.status = raw.StatusCode
	}
}

// judge classifies an answer: by code, as statuses say nothing (traps.md 51). Codes in proof are the errors that only come
// after the permission was checked.
func judge(request string, err error, proof ...string) Result {
	r := Result{Request: request, Verdict: verdict.Allowed}
	if err == nil {
		return r
	}
	r.Verdict = verdict.Unknown
	if response, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		r.Status = response.HTTPStatusCode()
	}
	if identified, ok := errors.AsType[interface {
		error
		ServiceRequestID() string
	}](err); ok {
		r.RequestID = identified.ServiceRequestID()
	}
	answer, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		r.Why = "AWS did not answer"
		if errors.Is(err, ErrEndpoint) {
			r.Why = "not sent: the endpoint is neither AWS nor the local AWS, so it might write in spite of the condition"
		}
		return r
	}
	r.Code = answer.ErrorCode()
	switch {
	case denies(r.Code):
		r = r.denied(answer.ErrorMessage())
	case slices.Contains(proof, r.Code):
		r.Verdict = verdict.Allowed
	default:
		r.Why = "the answer says nothing about the permission"
	}
	return r
}

// denies reports whether a code is a denial: DynamoDB's comes with status 400.
func denies(code string) bool {
	switch code {
	case "AccessDenied", "AccessDeniedException", "KMSAccessDeniedException", "KMS.AccessDeniedException":
		return true
	}
	return false
}

// denied is r with what AWS says of the denial.
func (r Result) denied(message string) Result {
	r.Denial = verdict.ReadDenial(message)
	if strings.HasPrefix(r.Code, "KMS") {
		r.Denial.Cause = verdict.KMS
	}
	r.Verdict = verdict.DeniedImplicit
	if r.Denial.Explicit {
		r.Verdict = verdict.DeniedExplicit
	}
	return r
}

// doubt turns a denial into unknown, unless AWS says that it is the very action that was denied, or that of a key.
func (r Result) doubt(action, why string) Result {
	if r.Verdict.Denied() && r.Denial.Cause != verdict.KMS && !strings.EqualFold(r.Denial.Action, action) {
		r.Verdict, r.Why = verdict.Unknown, why
	}
	return r
}

// random returns 128 random bits in the form of a UUID (RFC 9562, version 4).
func random() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// header returns a header of the answer behind an error.
func header(err error, name string) string {
	response, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || response.Response == nil || response.Response.Response == nil {
		return ""
	}
	return response.Response.Header.Get(name)
}
