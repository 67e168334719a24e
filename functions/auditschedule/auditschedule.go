// Package auditschedule has every provider of every site audited: it lists them and sends a message for each.
package auditschedule

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/arngate/arngate/shared/audit/dispatch"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/telemetry"
)

const (
	// reserve is what is left of an invocation's time when it stops.
	reserve = 20 * time.Second
	// remembered is how long an instance knows where it stopped: Lambda invokes again within minutes what failed
	// ("Error handling for asynchronous invocation").
	remembered = 10 * time.Minute
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

	mu        sync.Mutex
	stoppedAt string    // the place where the last invocation stopped; empty if it came to the end
	stopped   time.Time // and when
}

// New returns a Schedule. It does no I/O.
func New(d Deps) *Schedule { return &Schedule{deps: d} }

// Input is what the function is invoked with. The zero value is the whole list.
type Input struct {
	// After is where an invocation said to go on. Without it, one that follows within minutes upon one that stopped goes on by
	// itself if it meets the same instance; else it begins anew, and some providers are audited once more.
	After string `json:"after"`
}

// StoppedError is returned by an invocation that could not list all providers; those listed before have been sent.
type StoppedError struct {
	After string // the input that goes on from there
	Cause error
}

// Error says where to go on.
func (e *StoppedError) Error() string {
	return fmt.Sprintf(`stopped listing providers; to go on, invoke with {"after": %q}: %v`, e.After, e.Cause)
}

// Unwrap returns the cause.
func (e *StoppedError) Unwrap() error { return e.Cause }

// errTime is the cause of stopping before Lambda would.
var errTime = errors.New("auditschedule: out of time")

// Handle sends a message for each provider, page by page as they are listed. What could not be sent is sent once more at the end.
// It returns a [StoppedError] if it could not come to the end of the list, and a dispatch.SendError that names what was not sent.
func (s *Schedule) Handle(ctx context.Context, in Input) error {
	began, record := time.Now(), s.deps.Telemetry.Begin("", "")
	record.SetOperation("schedule")
	sent, err := s.send(ctx, s.begin(in))
	s.deps.Telemetry.Logger().InfoContext(ctx, "audits scheduled", "messages", sent)
	outcome := telemetry.Outcome{Status: http.StatusOK, Duration: time.Since(began), Cause: err}
	if err != nil {
		outcome.Status, outcome.Problem = http.StatusInternalServerError, "internal"
	}
	s.deps.Telemetry.Done(ctx, record, outcome)
	return err
}

// begin is the place to begin at.
func (s *Schedule) begin(in Input) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.After == "" && time.Since(s.stopped) < remembered {
		return s.stoppedAt
	}
	return in.After
}

// stop keeps where an invocation stopped; "" is the end.
func (s *Schedule) stop(after string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stoppedAt, s.stopped = after, time.Now()
}

// send lists and sends from a place on, and returns how many messages it sent.
func (s *Schedule) send(ctx context.Context, after string) (sent int, err error) {
	var unsent []dispatch.Message
	for {
		page, next, err := s.list(ctx, after)
		if err != nil {
			s.stop(after)
			lost, again := s.again(ctx, unsent)
			return sent + len(unsent) - lost, errors.Join(&StoppedError{After: after, Cause: err}, again)
		}
		messages := make([]dispatch.Message, 0, len(page))
		for _, p := range page {
			messages = append(messages, dispatch.Message{Site: p.Site, Provider: p.Name, By: dispatch.BySchedule})
		}
		left, _ := remaining(s.deps.Queue.Send(ctx, messages, s.deps.Spread))
		sent, unsent = sent+len(messages)-len(left), append(unsent, left...)
		if after = next; after == "" {
			s.stop("")
			lost, again := s.again(ctx, unsent)
			return sent + len(unsent) - lost, again
		}
	}
}

// list reads a page, if there is time for it.
func (s *Schedule) list(ctx context.Context, after string) ([]registry.ProviderName, string, error) {
	if deadline, bounded := ctx.Deadline(); bounded && time.Until(deadline) < reserve {
		return nil, "", errTime
	}
	return s.deps.Providers.ProviderNames(ctx, after)
}

// again sends what could not be sent before, and returns how many are lost for good.
func (s *Schedule) again(ctx context.Context, unsent []dispatch.Message) (lost int, err error) {
	left, err := remaining(s.deps.Queue.Send(ctx, unsent, s.deps.Spread))
	for _, m := range left {
		s.deps.Telemetry.Logger().ErrorContext(ctx, "provider not scheduled", "site", m.Site, "provider", m.Provider)
	}
	return len(left), err
}

// remaining are the messages that an error of Send names.
func remaining(err error) ([]dispatch.Message, error) {
	if unsent, ok := errors.AsType[*dispatch.SendError](err); ok {
		return unsent.Messages, err
	}
	return nil, err
}
