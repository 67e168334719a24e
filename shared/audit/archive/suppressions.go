package archive

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/arngate/arngate/shared/audit"
)

// suppressionItem is a suppression in the table. It expires when it ends.
type suppressionItem struct {
	head

	Fingerprint string    `dynamodbav:"fingerprint"`
	Reason      string    `dynamodbav:"reason"`
	By          string    `dynamodbav:"by"`
	Set         time.Time `dynamodbav:"set"`
	Until       time.Time `dynamodbav:"until"`
}

// Suppress keeps a suppression, in place of one of the same finding. It returns [ErrNotFound] if there is no such finding, or what
// its Validate finds wrong.
func (a *Archive) Suppress(ctx context.Context, site string, s audit.Suppression) error {
	if err := s.Validate(a.now()); err != nil {
		return fmt.Errorf("suppress finding: %w", err)
	}
	if _, err := a.finding(ctx, site, s.Fingerprint); err != nil {
		return fmt.Errorf("suppress finding: %w", err)
	}
	kept := suppressionItem{a.head(site, suppressionPrefix+s.Fingerprint), s.Fingerprint, s.Reason, s.By, s.Set.UTC(), s.Until.UTC()}
	kept.ExpiresAt = s.Until.Unix()
	if err := a.put(ctx, kept); err != nil {
		return fmt.Errorf("suppress finding: %w", err)
	}
	return nil
}

// Unsuppress ends the suppression of a finding, if there is one. It returns [ErrNotFound] if there is no such finding.
func (a *Archive) Unsuppress(ctx context.Context, site, fingerprint string) error {
	_, err := a.finding(ctx, site, fingerprint)
	if err == nil {
		_, err = a.db.DeleteItem(ctx, &awsdynamodb.DeleteItemInput{TableName: &a.table, Key: key(site, suppressionPrefix+fingerprint)})
	}
	if err != nil {
		return fmt.Errorf("end suppression: %w", err)
	}
	return nil
}

// Suppressions returns those that have not ended, by fingerprint.
func (a *Archive) Suppressions(ctx context.Context, site string) ([]audit.Suppression, error) {
	all := []audit.Suppression{}
	err := a.query(ctx, span{site: site, prefix: suppressionPrefix}, 0, func(raw item) (bool, error) {
		var stored suppressionItem
		if err := attributevalue.UnmarshalMap(raw, &stored); err != nil {
			return false, fmt.Errorf("decode suppression: %w", err)
		}
		if stored.Until.After(a.now()) { // items outlive their TTL for days
			all = append(all, audit.Suppression{
				Fingerprint: stored.Fingerprint, Reason: stored.Reason, By: stored.By, Set: stored.Set, Until: stored.Until,
			})
		}
		return true, nil
	})
	if err != nil {
		return nil, fmt.Errorf("list suppressions: %w", err)
	}
	return all, nil
}

// suppressed returns the findings with the suppressions in force.
func (a *Archive) suppressed(ctx context.Context, site string, findings []audit.Finding) ([]audit.Finding, error) {
	all, err := a.Suppressions(ctx, site)
	if err != nil {
		return nil, err
	}
	return audit.Suppress(findings, all, a.now()), nil
}
