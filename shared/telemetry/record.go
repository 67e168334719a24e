// Package telemetry is what operators see: structured logs, and metrics in CloudWatch's embedded metric
// format. One [Record] per request, carried by the context, collects what the layers learn about it.
//
// Bodies, items' keys, tokens and secrets have no field here and never get one (operations.md, "Logs and metrics").
package telemetry

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Tier is where credentials came from. It is the value of the header Arngate-Credentials.
type Tier string

// The tiers of the credential cache.
const (
	Memory Tier = "memory"
	Table  Tier = "table"
	Minted Tier = "minted"
)

// Counter counts something that has no part in the answer.
type Counter int

// The counters of a record. Each is a metric of its own.
const (
	Mints        Counter = iota // calls that made credentials
	LeaseWaits                  // waits for another instance's mint
	STSThrottles                // throttled calls to STS
	CacheErrors                 // failures of the table tier that were passed over
	counters
)

// Record collects what is known of one request. The zero value is ready for use. Safe for concurrent use.
type Record struct {
	mu     sync.Mutex
	fields Fields
	counts [counters]int64
	logger *slog.Logger
}

// Fields are what a record knows, for log and headers. Empty strings are unknown.
type Fields struct {
	RequestID       string // API Gateway's
	LambdaRequestID string
	Site            string
	User            string
	Actor           string
	Connection      string
	Operation       string // operation id of the API
	AWSRequestID    string // of the last AWS call that answered
	Tier            Tier
	AWSLatency      time.Duration // time spent waiting for AWS, summed over calls
	AWSCalls        int
}

type contextKey struct{}

// NewContext returns a context that carries the record.
func NewContext(ctx context.Context, r *Record) context.Context {
	return context.WithValue(ctx, contextKey{}, r)
}

// From returns the context's record. It is never nil: without one, what is recorded goes nowhere.
func From(ctx context.Context) *Record {
	if r, ok := ctx.Value(contextKey{}).(*Record); ok {
		return r
	}
	return new(Record)
}

// Logger returns the logger of the request, which adds its ids to every line; the default one outside of requests.
func (r *Record) Logger() *slog.Logger {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.logger == nil {
		return slog.Default()
	}
	if r.fields.RequestID == "" {
		return r.logger
	}
	return r.logger.With(slog.String("request_id", r.fields.RequestID), slog.String("lambda_request_id", r.fields.LambdaRequestID))
}

// Fields returns a copy of what is known so far.
func (r *Record) Fields() Fields {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fields
}

// SetIDs names the request.
func (r *Record) SetIDs(requestID, lambdaRequestID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fields.RequestID, r.fields.LambdaRequestID = requestID, lambdaRequestID
}

// SetCaller names who is calling.
func (r *Record) SetCaller(site, user, actor string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fields.Site, r.fields.User, r.fields.Actor = site, user, actor
}

// SetConnection names the connection that is used.
func (r *Record) SetConnection(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fields.Connection = name
}

// SetOperation names the operation of the API.
func (r *Record) SetOperation(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fields.Operation = id
}

// SetTier says where the request's credentials came from; the last one counts.
func (r *Record) SetTier(t Tier) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fields.Tier = t
}

// SetAWSRequestID keeps the request id of AWS's last answer. An empty one is ignored.
func (r *Record) SetAWSRequestID(id string) {
	if id == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fields.AWSRequestID = id
}

// AddAWSLatency counts one AWS call and the time it took.
func (r *Record) AddAWSLatency(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fields.AWSLatency += d
	r.fields.AWSCalls++
}

// Count adds one to a counter.
func (r *Record) Count(c Counter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[c]++
}

// Counted returns a counter.
func (r *Record) Counted(c Counter) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts[c]
}
