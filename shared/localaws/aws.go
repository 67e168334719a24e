// Package localaws is a small AWS for development and tests that says no: every request's signature is
// verified and every access authorized by IAM's rules. It is never in what ships.
//
// One handler serves all services on one address; the credential scope of the signature chooses, and
// unsigned requests are S3's. The root keeps routing, authorization, faults, clock and log; each service
// is a package below.
package localaws

import (
	"errors"
	"net/http"
	"time"

	"github.com/arngate/arngate/shared/localaws/dynamodb"
	"github.com/arngate/arngate/shared/localaws/iam"
	"github.com/arngate/arngate/shared/localaws/kms"
	"github.com/arngate/arngate/shared/localaws/lambda"
	"github.com/arngate/arngate/shared/localaws/outbox"
	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/localaws/s3"
	"github.com/arngate/arngate/shared/localaws/sts"
	"github.com/arngate/arngate/shared/policy"
)

// Options are the settings of a local AWS. The zero value is ready.
type Options struct {
	// Now is the clock of all services; nil means [time.Now].
	Now func() time.Time

	// Propagation is how long a new role, or a changed trust policy, takes to count for AssumeRole.
	Propagation time.Duration

	// Marks are what the secrets that are issued begin with.
	Marks Marks

	// Inspect, if not nil, sees the body of each request that was authenticated, before it is carried out. Bodies of S3's
	// are not held in memory, and empty here. It runs on the goroutine that serves the request.
	Inspect func(service, operation string, body []byte)

	// LogLimit is about how many calls the log keeps, the newest; zero keeps all.
	LogLimit int
}

// Marks are what secrets begin with, so that a test can look for them where they must not be. They are short and of letters;
// empty ones leave all of a secret to chance.
type Marks struct{ SecretKey, SessionToken, DataKey string }

// AWS is a local AWS: an [http.Handler] of all its services. Safe for concurrent use.
type AWS struct {
	now      func() time.Time
	iam      *iam.Service
	sts      *sts.Service
	kms      *kms.Service
	s3       *s3.Service
	lambda   *lambda.Service
	outbox   *outbox.Box
	services map[string]service // by signing name
	faults   faults
	log      callLog
	inspect  func(service, operation string, body []byte)
}

// handler is one service as its package provides it.
type handler interface {
	Resolve(c *protocol.Call) ([]protocol.Access, error)
	Serve(w http.ResponseWriter, c *protocol.Call) error
}

// service is a handler with the protocol in which it answers.
type service struct {
	handler
	dialect dialect
}

// New returns a local AWS without accounts.
func New(o Options) *AWS {
	if o.Now == nil {
		o.Now = time.Now
	}
	identities, keys := iam.New(o.Now, o.Propagation, o.Marks.SecretKey), kms.New(o.Now, o.Marks.DataKey)
	a := &AWS{
		now:    o.Now,
		iam:    identities,
		sts:    sts.New(identities, o.Now, o.Marks.SessionToken),
		kms:    keys,
		s3:     s3.New(keys),
		lambda: lambda.New(o.Now),
		outbox: outbox.New(o.Now),
	}
	a.log.limit, a.inspect = o.LogLimit, o.Inspect
	a.services = map[string]service{
		"iam":      {a.iam, queryDialect(iam.Namespace)},
		"sts":      {a.sts, queryDialect(sts.Namespace)},
		"kms":      {a.kms, jsonDialect(protocol.JSON11, "", http.StatusBadRequest)},
		"dynamodb": {dynamodb.New(), jsonDialect(protocol.JSON10, "com.amazonaws.dynamodb.v20120810", http.StatusBadRequest)},
		"s3":       {a.s3, s3Dialect()},
		"lambda":   {a.lambda, jsonDialect(protocol.RESTJSON, "", http.StatusForbidden)},
		"sqs":      {a.outbox.SQS(), jsonDialect(protocol.JSON10, "com.amazonaws.sqs", http.StatusForbidden)},
		"events":   {a.outbox.EventBridge(), jsonDialect(protocol.JSON11, "", http.StatusBadRequest)},
	}
	return a
}

// Close waits for functions that still run and removes what the local AWS has put into files. Nothing may
// be asked of it afterwards.
func (a *AWS) Close() error { return errors.Join(a.lambda.Close(), a.s3.Close()) }

// Lambda is the service that functions in Go are registered with.
func (a *AWS) Lambda() *lambda.Service { return a.lambda }

// Messages returns what has been sent to SQS queues so far.
func (a *AWS) Messages() []outbox.Message { return a.outbox.Messages() }

// Events returns what has been put on EventBridge buses so far.
func (a *AWS) Events() []outbox.Event { return a.outbox.Events() }

// Listen has heard called with every event put on an EventBridge bus from now on. It must not call the local AWS.
func (a *AWS) Listen(heard func(outbox.Event)) { a.outbox.Listen(heard) }

// Credentials are temporary credentials that the local AWS has issued.
type Credentials = sts.Credentials

// AddAccount creates the account, if there is none with this id of 12 digits, with an administrator, and
// returns a new access key of that administrator.
func (a *AWS) AddAccount(id string) (accessKeyID, secret string) { return a.iam.AddAccount(id) }

// AddKey makes a KMS key with an id of the caller's choice; see [kms.Service.AddKey].
func (a *AWS) AddKey(account, region, id, policy string) error {
	return a.kms.AddKey(account, region, id, policy)
}

// AddRootKey returns a new access key of the account's root.
func (a *AWS) AddRootKey(account string) (accessKeyID, secret string) {
	return a.iam.AddRootKey(account)
}

// SetSCPs sets the service control policies above an account, one list for each level of its
// organization from the root down.
func (a *AWS) SetSCPs(account string, levels [][]*policy.Document) { a.iam.SetSCPs(account, levels) }

// AssumeAsService returns credentials of a role as the AWS service of this name gets them for what it
// runs (lambda.amazonaws.com). It fails if the role's trust policy does not name the service.
func (a *AWS) AssumeAsService(service, roleARN, sessionName string) (Credentials, error) {
	return a.sts.AssumeAsService(service, roleARN, sessionName)
}

// AssumeFor is [AWS.AssumeAsService] by a service that says by aws:SourceArn what it acts for.
func (a *AWS) AssumeFor(service, sourceARN, roleARN, sessionName string) (Credentials, error) {
	return a.sts.AssumeFor(service, sourceARN, roleARN, sessionName)
}
