package archive

import (
	"context"
	"time"

	"github.com/arngate/arngate/shared/audit"
)

// NewID returns the id of an audit asked for at that time. Ids sort by time.
func NewID(at time.Time) string { return at.String() }

// DerivedID returns the id of the audit that a message without one asks for: the same for each delivery of the message, which
// was sent at that time under that id.
func DerivedID(sent time.Time, messageID string) string { return sent.String() + messageID }

// Queue keeps a new audit that by asks for, and returns it.
func (a *Archive) Queue(ctx context.Context, site, provider, by string) (Audit, error) {
	return Audit{}, ErrNotFound
}

// Begin notes that the audit is running and returns it; one that is not there yet is made. It returns [ErrDone], and the audit,
// if that has ended.
func (a *Archive) Begin(ctx context.Context, site, id, provider, by string) (Audit, error) {
	return Audit{}, ErrNotFound
}

// Finish keeps the report of an audit that Begin returned, and makes it what is known of the provider, unless a later audit has
// ended before. Doing it again changes nothing. It returns [ErrDone] if the audit has failed before.
func (a *Archive) Finish(ctx context.Context, of Audit, report audit.Report) error {
	return ErrNotFound
}

// Fail notes that an audit found nothing, and why: a problem's code and a sentence that may be shown. Doing it again changes
// nothing. It returns [ErrDone] if the audit is done.
func (a *Archive) Fail(ctx context.Context, of Audit, code, detail string) error { return ErrNotFound }

// Announced notes that whoever listens has been told of an audit that has ended.
func (a *Archive) Announced(ctx context.Context, site, id string) error { return ErrNotFound }

// Audit returns one audit, or [ErrNotFound].
func (a *Archive) Audit(ctx context.Context, site, id string) (Audit, error) {
	return Audit{}, ErrNotFound
}

// Audits returns up to limit audits after the one with the id after, the newest first, and what to go on after; of one provider
// if it is named. It returns [ErrCursor] if after is no id.
func (a *Archive) Audits(ctx context.Context, site, provider, after string, limit int) (page []Audit, next string, err error) {
	return nil, "", ErrNotFound
}

// Report returns the report of an audit, with the suppressions in force now. It returns [ErrNotFound] if there is no such audit,
// or none that is done.
func (a *Archive) Report(ctx context.Context, site, id string) (audit.Report, error) {
	return audit.Report{}, ErrNotFound
}

// Latest returns the report of the provider's last audit, with what is known of its findings now, or [ErrNotFound].
func (a *Archive) Latest(ctx context.Context, site, provider string) (*audit.Report, error) {
	return nil, ErrNotFound
}

// Findings returns up to limit of the findings that the filter chooses, by provider and the worst first, after the place after,
// and the place to go on after. It returns [ErrCursor] if after is none.
func (a *Archive) Findings(ctx context.Context, site string, f Filter, after string, limit int) (page []audit.Finding, next string, err error) {
	return nil, "", ErrNotFound
}

// Finding returns what is known of one finding, or [ErrNotFound].
func (a *Archive) Finding(ctx context.Context, site, fingerprint string) (audit.Finding, error) {
	return audit.Finding{}, ErrNotFound
}

// Suppress keeps a suppression, in place of one of the same finding. It returns [ErrNotFound] if there is no such finding, and what
// its Validate finds wrong.
func (a *Archive) Suppress(ctx context.Context, site string, s audit.Suppression) error {
	return ErrNotFound
}

// Unsuppress ends the suppression of a finding, if there is one. It returns [ErrNotFound] if there is no such finding.
func (a *Archive) Unsuppress(ctx context.Context, site, fingerprint string) error { return ErrNotFound }

// Suppressions returns those that have not ended, by fingerprint.
func (a *Archive) Suppressions(ctx context.Context, site string) ([]audit.Suppression, error) {
	return nil, ErrNotFound
}
