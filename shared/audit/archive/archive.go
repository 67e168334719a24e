// Package archive keeps each site's audits, their reports, findings and suppressions in the Audits table.
package archive

import (
	"context"
	"errors"
	"sync"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/registry"
)

// Status is how far an audit has come.
type Status string

// The statuses there are. An audit that is done or failed has ended and doesn't change any more.
const (
	Queued  Status = "queued"  // asked for, not begun
	Running Status = "running" // begun; perhaps more than once, if a worker was lost
	Done    Status = "done"    // has a report
	Failed  Status = "failed"  // found nothing: Problem says why
)

// Ended reports whether an audit of this status is over.
func (s Status) Ended() bool { return s == Done || s == Failed }

// Audit is one audit of one provider, without its report.
type Audit struct {
	ID       string
	Site     string
	Provider string
	Status   Status

	RequestedBy string // the user who asked; the schedule's name for itself otherwise
	RequestedAt time.Time
	StartedAt   time.Time // the last time it was begun; zero while queued
	FinishedAt  time.Time // zero until it has ended

	// Findings are how many there are of each severity that count (audit.Counts); nil unless it is done.
	Findings       map[audit.Severity]int
	ProviderStatus registry.Status // what verify came to; empty unless it is done

	Problem string // why it failed: a problem code
	Detail  string // and a sentence that may be shown

	// Superseded: a later audit of the provider had ended before this one. It has its report, but what is known of the
	// provider comes from the later one.
	Superseded bool
	// Announced: whoever listens has been told what was found, or that it failed.
	Announced bool
}

// Errors of the archive, for branches.
var (
	ErrNotFound = errors.New("archive: no such entry")
	// ErrDone: the audit has ended. Whatever comes later about it is ignored.
	ErrDone = errors.New("archive: audit has ended")
	// ErrCursor: the place to go on after is none that a page ended with.
	ErrCursor = errors.New("archive: not a place in the list")
)

// Client is what an Archive calls of Amazon DynamoDB.
type Client interface {
	GetItem(context.Context, *awsdynamodb.GetItemInput, ...func(*awsdynamodb.Options)) (*awsdynamodb.GetItemOutput, error)
	Query(context.Context, *awsdynamodb.QueryInput, ...func(*awsdynamodb.Options)) (*awsdynamodb.QueryOutput, error)
	BatchGetItem(context.Context, *awsdynamodb.BatchGetItemInput, ...func(*awsdynamodb.Options)) (*awsdynamodb.BatchGetItemOutput, error)
	PutItem(context.Context, *awsdynamodb.PutItemInput, ...func(*awsdynamodb.Options)) (*awsdynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *awsdynamodb.UpdateItemInput, ...func(*awsdynamodb.Options)) (*awsdynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *awsdynamodb.DeleteItemInput, ...func(*awsdynamodb.Options)) (*awsdynamodb.DeleteItemOutput, error)
	TransactWriteItems(context.Context, *awsdynamodb.TransactWriteItemsInput, ...func(*awsdynamodb.Options)) (*awsdynamodb.TransactWriteItemsOutput, error)
}

// Archive keeps audits in one DynamoDB table. Every read is strongly consistent and stays within the partition of the site
// that is named. Safe for concurrent use.
type Archive struct {
	db        Client
	table     string
	retention time.Duration
	now       func() time.Time
	writers   sync.Pool // of *gzip.Writer: each takes a megabyte
}

// New returns the archive in table. What it keeps expires after retention, through the table's TTL. It does no I/O.
func New(client Client, table string, retention time.Duration) *Archive {
	return &Archive{db: client, table: table, retention: retention, now: time.Now}
}

// Filter chooses findings. An empty member chooses all.
type Filter struct {
	State    audit.State
	Severity audit.Severity
	Provider string
	// Of reports whether a provider's findings are chosen; nil chooses all. It is asked of those that have one which the other members
	// choose.
	Of func(ctx context.Context, provider string) (bool, error)
}
