package auditworker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/archive"
	"github.com/arngate/arngate/shared/audit/dispatch"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/telemetry"
)

// errMessage says that a message is none of ours. It is left to the queue of dead letters, where a person can look at it.
var errMessage = errors.New("auditworker: not a message that asks for an audit")

// order is what a message asks for.
type order struct {
	dispatch.Message

	id       string // of the audit
	asked    bool   // somebody did, and waits; else the schedule
	receives int    // how often the message has been delivered, this time included
}

// read reads a message. An audit that nobody has queued gets its id from the message's own, so that it is the same audit each
// time the message is delivered.
func read(m events.SQSMessage) (order, error) {
	o := order{receives: 1}
	if err := json.Unmarshal([]byte(m.Body), &o.Message); err != nil {
		return order{}, fmt.Errorf("%w: %w", errMessage, err)
	}
	if !registry.ValidSite(o.Site) || !registry.ValidName(o.Provider) {
		return order{}, fmt.Errorf("%w: no site or no provider", errMessage)
	}
	if n, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"]); err == nil {
		o.receives = n
	}
	o.id, o.asked = o.Audit, o.Audit != ""
	if !o.asked {
		sent, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64)
		if err != nil || m.MessageId == "" {
			return order{}, fmt.Errorf("%w: neither an audit nor a time", errMessage)
		}
		o.id = archive.DerivedID(time.UnixMilli(sent), m.MessageId)
	}
	return o, nil
}

// deliver does what one message asks for, and reports whether it is to be delivered again.
func (w *Worker) deliver(ctx context.Context, m events.SQSMessage) (again bool) {
	began := time.Now()
	record := w.deps.Telemetry.Begin(m.MessageId, "")
	record.SetOperation("audit")
	ctx = telemetry.NewContext(ctx, record)
	outcome := telemetry.Outcome{Status: http.StatusOK}
	defer func() {
		outcome.Duration = time.Since(began)
		w.deps.Telemetry.Done(ctx, record, outcome)
	}()
	o, err := read(m)
	if err == nil {
		record.SetCaller(o.Site, o.By, o.By)
		err = guarded(func() error { return w.carryOut(ctx, o) })
	}
	if err != nil {
		p := explain(err)
		outcome.Status, outcome.Problem, outcome.Cause = http.StatusServiceUnavailable, string(p.Code), err
		if broken, ok := errors.AsType[*brokenError](err); ok {
			outcome.Status, outcome.Stack = http.StatusInternalServerError, broken.stack
		}
	}
	return err != nil
}

// carryOut makes the audit, records how it ended, and tells of it. An error means that the message is to be delivered again.
func (w *Worker) carryOut(ctx context.Context, o order) error {
	if skip, err := w.skips(ctx, o); skip || err != nil {
		return err
	}
	of, err := w.deps.Archive.Begin(ctx, o.Site, o.id, o.Provider, o.By)
	switch {
	case errors.Is(err, archive.ErrDone):
		return w.announce(ctx, of) // the worker was lost, or the answer to the queue
	case errors.Is(err, archive.ErrNotFound):
		return fmt.Errorf("%w: %w", errMessage, err)
	case err != nil:
		return err
	}
	err = guarded(func() error { return w.audit(ctx, of) })
	switch {
	case err == nil, errors.Is(err, archive.ErrDone): // the latter by another delivery
	case final(err) || o.receives >= w.deps.Attempts:
		if failure := w.fail(ctx, of, err); failure != nil {
			return errors.Join(err, failure)
		}
	default:
		return err
	}
	if of, err = w.deps.Archive.Audit(ctx, of.Site, of.ID); err != nil {
		return err
	}
	return w.announce(ctx, of)
}

// skips reports whether the schedule asks for an audit of what can't be audited: a provider without a role yet, or one that was
// deleted since. Nobody waits for it, and nothing is wrong.
func (w *Worker) skips(ctx context.Context, o order) (bool, error) {
	if o.asked {
		return false, nil
	}
	p, err := w.deps.Providers.Provider(ctx, o.Site, o.Provider)
	if errors.Is(err, registry.ErrNotFound) {
		return true, nil
	}
	return err == nil && p.Method == registry.AssumeRole && p.RoleARN == "", err
}

// brokenError is a panic.
type brokenError struct {
	value any
	stack []byte
}

// Error says what it panicked with; that is for the log.
func (e *brokenError) Error() string { return fmt.Sprintf("panicked: %v", e.value) }

// guarded calls what may break, so that it breaks nothing else.
func guarded(call func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &brokenError{value, debug.Stack()}
		}
	}()
	return call()
}

// audit makes the audit within its time, and keeps its report.
func (w *Worker) audit(ctx context.Context, of archive.Audit) error {
	previous, err := w.deps.Archive.Latest(ctx, of.Site, of.Provider)
	if err != nil && !errors.Is(err, archive.ErrNotFound) {
		return err
	}
	timeout := w.deps.Timeout
	if deadline, bounded := ctx.Deadline(); bounded {
		timeout = min(timeout, time.Until(deadline)-reserve)
	}
	auditing, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	report, err := w.deps.Auditor.Audit(auditing, of.Site, of.Provider, previous)
	if err != nil {
		return err
	}
	return w.deps.Archive.Finish(ctx, of, report)
}

// final reports whether the audit would end alike however often it is tried: there is nothing to audit. Whatever AWS, or we,
// couldn't do may go well the next time.
func final(err error) bool {
	return errors.Is(err, registry.ErrNotFound) || errors.Is(err, audit.ErrAwaitingRole)
}

// fail records that the audit found nothing.
func (w *Worker) fail(ctx context.Context, of archive.Audit, cause error) error {
	p := explain(cause)
	telemetry.From(ctx).Logger().WarnContext(ctx, "audit failed", "site", of.Site, "provider", of.Provider, "audit", of.ID, "error", cause.Error())
	err := w.deps.Archive.Fail(ctx, of, string(p.Code), p.Detail)
	if errors.Is(err, archive.ErrDone) {
		return nil // by another delivery
	}
	return err
}

// explain is what an audit's requester may know of an error.
func explain(err error) *problem.Error {
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return problem.New(problem.ProviderNotFound, "The provider was deleted before it could be audited.")
	case errors.Is(err, audit.ErrAwaitingRole):
		return problem.New(problem.ProviderAwaitingRole, "The provider has no role yet, so there is nothing to audit.")
	case errors.Is(err, context.DeadlineExceeded):
		return problem.New(problem.DeadlineExceeded, "AWS did not answer in the time that an audit may take.")
	}
	p := problem.FromOwn("The audit could not be made, however often it was tried.", err)
	if p.Code == problem.Internal && errors.Is(err, audit.ErrInconclusive) {
		return problem.New(problem.AWSUnavailable, "AWS gave no answer to go by, however often it was asked.")
	}
	return p
}
