package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/registry"
)

// maxBatch is how many items one BatchGetItem reads.
const maxBatch = 100

// Audit returns one audit, or [ErrNotFound]. One that nobody is working on any more ([LostAfter], [ForgottenAfter]) is read as
// failed.
func (a *Archive) Audit(ctx context.Context, site, id string) (Audit, error) {
	stored, err := a.auditItem(ctx, site, id)
	if err != nil {
		return Audit{}, err
	}
	return a.seen(stored), nil
}

func (a *Archive) auditItem(ctx context.Context, site, id string) (auditItem, error) {
	var stored auditItem
	err := ErrNotFound
	if idPattern.MatchString(id) {
		err = a.get(ctx, site, auditPrefix+id, &stored)
	}
	if err != nil {
		return auditItem{}, fmt.Errorf("read audit: %w", err)
	}
	return stored, nil
}

// Audits returns up to limit audits, limit being positive, after the one with the id after, the newest first, and what to go on
// after, empty at the end; of one provider if it is named. It returns [ErrCursor] if after is no id.
func (a *Archive) Audits(ctx context.Context, site, provider, after string, limit int) (page []Audit, next string, err error) {
	if after != "" && !idPattern.MatchString(after) {
		return nil, "", fmt.Errorf("list audits: %w", ErrCursor)
	}
	switch {
	case provider == "":
		page, err = a.all(ctx, site, after, limit+1)
	case registry.ValidName(provider):
		page, err = a.ofProvider(ctx, site, provider, after, limit+1)
	default: // nobody's, and perhaps no key
		page = []Audit{}
	}
	if err != nil {
		return nil, "", fmt.Errorf("list audits: %w", err)
	}
	if len(page) > limit {
		page = page[:limit]
		next = page[limit-1].ID
	}
	return page, next, nil
}

func (a *Archive) all(ctx context.Context, site, after string, limit int) ([]Audit, error) {
	page := []Audit{}
	s := span{site: site, prefix: auditPrefix, after: after, backward: true}
	err := a.query(ctx, s, pageOf(limit), func(raw item) (bool, error) {
		var stored auditItem
		if err := attributevalue.UnmarshalMap(raw, &stored); err != nil {
			return false, fmt.Errorf("decode audit: %w", err)
		}
		page = append(page, a.seen(stored))
		return len(page) < limit, nil
	})
	return page, err
}

// pageOf is how many items to read at a time.
func pageOf(limit int) int32 { return int32(min(limit, 1000)) } //nolint:gosec // at most 1000

// ofProvider reads on until there are enough: an audit may have expired a little before what names it.
func (a *Archive) ofProvider(ctx context.Context, site, provider, after string, limit int) ([]Audit, error) {
	page := []Audit{}
	var ids []string
	s := span{site: site, prefix: ofPrefix + provider + "#", after: after, backward: true}
	fetch := func() error {
		got, err := a.byID(ctx, site, ids)
		page, ids = append(page, got...), nil
		return err
	}
	err := a.query(ctx, s, pageOf(limit), func(raw item) (bool, error) {
		var named ofItem
		if err := attributevalue.UnmarshalMap(raw, &named); err != nil {
			return false, fmt.Errorf("decode audit: %w", err)
		}
		if ids = append(ids, named.ID); len(ids) < min(maxBatch, limit-len(page)) {
			return true, nil
		}
		err := fetch()
		return len(page) < limit, err
	})
	if err == nil {
		err = fetch()
	}
	return page, err
}

// byID reads audits, in the order of their ids; those that are gone are left out.
func (a *Archive) byID(ctx context.Context, site string, ids []string) ([]Audit, error) {
	found := map[string]Audit{}
	var keys []item
	for _, id := range ids {
		keys = append(keys, key(site, auditPrefix+id))
	}
	for len(keys) > 0 {
		answer, err := a.db.BatchGetItem(ctx, &awsdynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			a.table: {Keys: keys, ConsistentRead: aws.Bool(true)},
		}})
		if err != nil {
			return nil, err
		}
		for _, raw := range answer.Responses[a.table] {
			var stored auditItem
			if err := attributevalue.UnmarshalMap(raw, &stored); err != nil {
				return nil, fmt.Errorf("decode audit: %w", err)
			}
			found[stored.ID] = a.seen(stored)
		}
		keys = answer.UnprocessedKeys[a.table].Keys
	}
	var out []Audit
	for _, id := range slices.Compact(ids) {
		if of, ok := found[id]; ok {
			out = append(out, of)
		}
	}
	return out, nil
}

// Report returns the report of an audit, with the suppressions in force now. It returns [ErrNotFound] if there is no such audit,
// or none that is done.
func (a *Archive) Report(ctx context.Context, site, id string) (audit.Report, error) {
	stored, err := a.auditItem(ctx, site, id)
	if err != nil {
		return audit.Report{}, err
	}
	if stored.Status != Done {
		return audit.Report{}, fmt.Errorf("read report: %w", ErrNotFound)
	}
	var report audit.Report
	data, err := a.read(ctx, site, stored.Report)
	if err == nil {
		err = unpack(data, &report)
	}
	if errors.Is(err, errExpired) {
		err = ErrNotFound
	}
	if err != nil {
		return audit.Report{}, fmt.Errorf("read report: %w", err)
	}
	if report.Findings, err = a.suppressed(ctx, site, report.Findings); err != nil {
		return audit.Report{}, fmt.Errorf("read report: %w", err)
	}
	return report, nil
}

// Latest returns the report of the provider's last audit, with what is known of its findings now: what an audit of the provider
// is to be compared with. It returns [ErrNotFound] if there is none.
func (a *Archive) Latest(ctx context.Context, site, provider string) (*audit.Report, error) {
	now, err := a.current(ctx, site, provider)
	if err != nil {
		return nil, fmt.Errorf("read latest report: %w", err)
	}
	report, err := a.Report(ctx, site, now.Audit)
	if err != nil {
		return nil, err
	}
	if report.Findings, err = a.suppressed(ctx, site, now.findings); err != nil {
		return nil, fmt.Errorf("read latest report: %w", err)
	}
	return &report, nil
}
