// Package auditworker makes the audits that a queue asks for: one for each message.
//
// A message is answered for when its audit has ended and whoever listens has been told. Anything before that may happen again,
// because the queue delivers again what wasn't answered for, and changes nothing that has ended.
package auditworker

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/archive"
	"github.com/arngate/arngate/shared/audit/dispatch"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/telemetry"
)

// Auditor makes one audit; an audit.Auditor is one.
type Auditor interface {
	Audit(ctx context.Context, site, provider string, previous *audit.Report) (audit.Report, error)
}

// Providers finds a provider; a registry.Store is one.
type Providers interface {
	Provider(ctx context.Context, site, name string) (registry.Provider, error)
}

// Deps are what a Worker needs. The first five are required.
type Deps struct {
	Auditor   Auditor
	Archive   *archive.Archive
	Providers Providers
	Bus       *dispatch.Bus
	Telemetry *telemetry.Telemetry

	// Severity is the least severity of a finding that the bus is told of; high if empty.
	Severity audit.Severity
	// Attempts is how often an audit is tried before it has failed; 3 if zero. The queue delivers more often than that (template.yaml):
	// a delivery may be lost with its worker.
	Attempts int
	// Concurrency is how many audits run at the same time in one invocation; 10 if zero.
	Concurrency int
	// Timeout is how long one audit may take; 90 seconds if zero.
	Timeout time.Duration
}

// reserve is what is left of an invocation's time when its audits have to be over: enough to write down how they ended.
const reserve = 20 * time.Second

// Worker makes audits. Safe for concurrent use.
type Worker struct {
	deps Deps
}

// New returns a Worker. It does no I/O.
func New(d Deps) *Worker {
	d.Severity = cmp.Or(d.Severity, audit.High)
	d.Attempts = cmp.Or(d.Attempts, 3)
	d.Concurrency = cmp.Or(d.Concurrency, 10)
	d.Timeout = cmp.Or(d.Timeout, 90*time.Second)
	return &Worker{deps: d}
}

// Handle makes one audit for each message of the batch, and names those to be delivered again. It returns no error: that would
// have the whole batch delivered again. A provider that hangs or breaks keeps its own message alone, for as long as one audit may
// take.
func (w *Worker) Handle(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	again := make([]bool, len(batch.Records))
	places := make(chan struct{}, w.deps.Concurrency)
	var running sync.WaitGroup
	for i, message := range batch.Records {
		places <- struct{}{}
		running.Go(func() {
			defer func() { <-places }()
			again[i] = w.deliver(ctx, message)
		})
	}
	running.Wait()
	var answer events.SQSEventResponse
	for i, message := range batch.Records {
		if again[i] {
			answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: message.MessageId})
		}
	}
	return answer, nil
}
