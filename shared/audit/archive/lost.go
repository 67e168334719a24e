package archive

import "time"

const (
	// LostAfter is how long after it was last begun an audit that has not ended counts as lost. By then the queue has delivered its
	// message as often as it does: its visibility timeout times its maxReceiveCount (template.yaml).
	LostAfter = time.Hour
	// ForgottenAfter is how long an audit may wait to be begun: as long as the queue keeps its message (template.yaml).
	ForgottenAfter = 4 * 24 * time.Hour
)

const (
	lostProblem     = "internal" // a code of package problem, which the archive doesn't import
	lostDetail      = "The worker was lost each time it made this audit, so nothing is known of it. Start another one; the operator finds its message among the dead letters."
	forgottenDetail = "No worker has begun this audit, and its message is no longer in the queue. Start another one."
)

// seen is an audit as it is read: one that nobody is working on any more has failed. The table isn't changed, so an operator who
// has the dead letters delivered again gets a report all the same.
func (a *Archive) seen(stored auditItem) Audit {
	of, now := stored.audit(), a.now()
	switch {
	case of.Status == Running && now.Sub(of.StartedAt) > LostAfter:
		of.FinishedAt, of.Detail = of.StartedAt.Add(LostAfter), lostDetail
	case of.Status == Queued && now.Sub(of.RequestedAt) > ForgottenAfter:
		of.FinishedAt, of.Detail = of.RequestedAt.Add(ForgottenAfter), forgottenDetail
	default:
		return of
	}
	of.Status, of.Problem = Failed, lostProblem
	return of
}
