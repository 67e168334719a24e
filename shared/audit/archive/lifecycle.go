package archive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/registry"
)

// auditItem is an audit in the table.
type auditItem struct {
	head

	ID             string                 `dynamodbav:"id"`
	Site           string                 `dynamodbav:"site"`
	Provider       string                 `dynamodbav:"provider"`
	Status         Status                 `dynamodbav:"status"`
	RequestedBy    string                 `dynamodbav:"requested_by"`
	RequestedAt    time.Time              `dynamodbav:"requested_at"`
	StartedAt      time.Time              `dynamodbav:"started_at"`
	FinishedAt     time.Time              `dynamodbav:"finished_at"`
	Findings       map[audit.Severity]int `dynamodbav:"findings,omitempty"`
	ProviderStatus registry.Status        `dynamodbav:"provider_status,omitempty"`
	Problem        string                 `dynamodbav:"problem,omitempty"`
	Detail         string                 `dynamodbav:"detail,omitempty"`
	Superseded     bool                   `dynamodbav:"superseded,omitempty"`
	Announced      bool                   `dynamodbav:"announced,omitempty"`
	Report         longText               `dynamodbav:"report"` // the zero value until it is done
}

// ofItem says that an audit is a provider's.
type ofItem struct {
	head

	ID string `dynamodbav:"id"`
}

func (i auditItem) audit() Audit {
	return Audit{
		ID: i.ID, Site: i.Site, Provider: i.Provider, Status: i.Status,
		RequestedBy: i.RequestedBy, RequestedAt: i.RequestedAt, StartedAt: i.StartedAt, FinishedAt: i.FinishedAt,
		Findings: i.Findings, ProviderStatus: i.ProviderStatus, Problem: i.Problem, Detail: i.Detail,
		Superseded: i.Superseded, Announced: i.Announced,
	}
}

func (a *Archive) itemOf(of Audit, report longText) auditItem {
	return auditItem{
		head: a.head(of.Site, auditPrefix+of.ID),
		ID:   of.ID, Site: of.Site, Provider: of.Provider, Status: of.Status,
		RequestedBy: of.RequestedBy, RequestedAt: of.RequestedAt, StartedAt: of.StartedAt, FinishedAt: of.FinishedAt,
		Findings: of.Findings, ProviderStatus: of.ProviderStatus, Problem: of.Problem, Detail: of.Detail,
		Superseded: of.Superseded, Announced: of.Announced, Report: report,
	}
}

// made are the writes that make an audit which is not there yet.
func (a *Archive) made(of Audit) []write {
	return []write{
		{item: a.itemOf(of, longText{}), condition: "attribute_not_exists(pk)"},
		{item: ofItem{a.head(of.Site, ofPrefix+of.Provider+"#"+of.ID), of.ID}},
	}
}

// changed is the write that changes an audit which has not ended.
func (a *Archive) changed(of Audit, report longText) write {
	return write{
		item: a.itemOf(of, report), condition: "#status IN (:queued, :running)", names: map[string]string{"#status": "status"},
		values: item{":queued": text(string(Queued)), ":running": text(string(Running))},
	}
}

// Queue keeps a new audit that by asks for, and returns it: with an error too, because it may have been kept all the same.
func (a *Archive) Queue(ctx context.Context, site, provider, by string) (Audit, error) {
	now := a.now().UTC()
	of := Audit{ID: NewID(now), Site: site, Provider: provider, Status: Queued, RequestedBy: by, RequestedAt: now}
	failed, err := a.transact(ctx, a.made(of)...)
	if err == nil && failed != nil {
		err = errConflict // an id of 74 random bits came twice
	}
	if err != nil {
		return of, fmt.Errorf("queue audit: %w", err)
	}
	return of, nil
}

// Begin notes that the audit is running and returns it; one that is not there yet is made. It returns [ErrDone], and the audit,
// if that has ended, and [ErrNotFound] if id is no audit's or another provider's.
func (a *Archive) Begin(ctx context.Context, site, id, provider, by string) (Audit, error) {
	if !idPattern.MatchString(id) {
		return Audit{}, fmt.Errorf("begin audit: %w", ErrNotFound)
	}
	for range attempts {
		of, failed, err := a.begin(ctx, Audit{
			ID: id, Site: site, Provider: provider, RequestedBy: by, RequestedAt: timeOf(id),
		})
		if err != nil {
			return of, fmt.Errorf("begin audit: %w", err)
		}
		if failed == nil {
			return of, nil
		}
	}
	return Audit{}, fmt.Errorf("begin audit: %w", errConflict)
}

// begin tries it once: it failed if the audit changed meanwhile.
func (a *Archive) begin(ctx context.Context, fresh Audit) (of Audit, failed []bool, err error) {
	stored, err := a.auditItem(ctx, fresh.Site, fresh.ID)
	of = stored.audit()
	unknown := errors.Is(err, ErrNotFound)
	switch {
	case unknown:
		of = fresh
	case err != nil:
		return Audit{}, nil, err
	case of.Provider != fresh.Provider:
		return Audit{}, nil, ErrNotFound
	case of.Status.Ended():
		return of, nil, ErrDone
	}
	of.Status, of.StartedAt = Running, a.now().UTC()
	if unknown {
		failed, err = a.transact(ctx, a.made(of)...)
	} else {
		failed, err = a.transact(ctx, a.changed(of, longText{}))
	}
	return of, failed, err
}

// Finish keeps the report of an audit that Begin returned, and makes it what is known of the provider, unless an audit that began
// later has ended before. Doing it again changes nothing. It returns [ErrDone] if the audit has failed before, and [ErrNotFound] if
// it was never begun.
func (a *Archive) Finish(ctx context.Context, of Audit, report audit.Report) error {
	report.ID, report.Site, report.Provider = of.ID, of.Site, of.Provider
	for range attempts {
		failed, err := a.finish(ctx, of, report)
		if err != nil {
			return fmt.Errorf("finish audit: %w", err)
		}
		if failed == nil {
			return nil
		}
		if failed[0] {
			return a.ended(ctx, of, Done)
		}
	}
	return fmt.Errorf("finish audit: %w", errConflict)
}

// finish tries it once. failed says whether the audit, and whether what is known of the provider, changed meanwhile.
func (a *Archive) finish(ctx context.Context, of Audit, report audit.Report) (failed []bool, err error) {
	before, err := a.current(ctx, of.Site, of.Provider)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	of.Status, of.FinishedAt, of.ProviderStatus = Done, a.now().UTC(), report.Verification.Status
	of.Superseded = before.StartedAt.After(report.StartedAt)
	var known []audit.Finding
	if !of.Superseded {
		report.Findings, known = merge(before.findings, report.Findings, a.now().Add(-resolvedFor))
	}
	suppressions, err := a.Suppressions(ctx, of.Site)
	if err != nil {
		return nil, err
	}
	of.Findings = audit.Counts(audit.Suppress(report.Findings, suppressions, a.now()))
	data, err := a.packed(report)
	if err != nil {
		return nil, err
	}
	stored, err := a.store(ctx, of.Site, data)
	if err != nil {
		return nil, err
	}
	writes := []write{a.changed(of, stored)}
	if !of.Superseded {
		replaced, err := a.replace(ctx, before, of, report.StartedAt, known)
		if err != nil {
			return nil, err
		}
		writes = append(writes, replaced)
	}
	return a.transact(ctx, writes...)
}

// ended says what it means that the audit could not be changed: nil if it has ended as wanted.
func (a *Archive) ended(ctx context.Context, of Audit, want Status) error {
	now, err := a.auditItem(ctx, of.Site, of.ID)
	switch {
	case err != nil:
		return fmt.Errorf("end audit: %w", err)
	case now.Status == want:
		return nil
	}
	return fmt.Errorf("end audit: %w", ErrDone)
}

// Fail notes that an audit found nothing, and why: a problem's code and a sentence that may be shown. What was known of the
// provider stays. Doing it again changes nothing. It returns [ErrDone] if the audit is done, and [ErrNotFound] if it was never
// begun.
func (a *Archive) Fail(ctx context.Context, of Audit, code, detail string) error {
	of.Status, of.FinishedAt, of.Problem, of.Detail = Failed, a.now().UTC(), code, detail
	failed, err := a.transact(ctx, a.changed(of, longText{}))
	if err != nil {
		return fmt.Errorf("fail audit: %w", err)
	}
	if failed != nil {
		return a.ended(ctx, of, Failed)
	}
	return nil
}

// Announced notes that whoever listens has been told of an audit that has ended.
func (a *Archive) Announced(ctx context.Context, site, id string) error {
	err := retried(ctx, func() error {
		_, err := a.db.UpdateItem(ctx, &awsdynamodb.UpdateItemInput{
			TableName: &a.table, Key: key(site, auditPrefix+id),
			UpdateExpression: aws.String("SET announced = :yes"), ConditionExpression: aws.String("attribute_exists(pk)"),
			ExpressionAttributeValues: item{":yes": &types.AttributeValueMemberBOOL{Value: true}},
		})
		return conflicting(err)
	})
	if _, gone := errors.AsType[*types.ConditionalCheckFailedException](err); gone {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("note announcement: %w", err)
	}
	return nil
}
