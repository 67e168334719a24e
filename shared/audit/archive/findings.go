package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/registry"
)

const (
	// resolvedFor is how long a finding that was resolved stays among a provider's, from when it was last seen.
	resolvedFor = 90 * 24 * time.Hour
	// inlineSize is how much of a provider's findings lies in its item; more of them are a text of their own.
	inlineSize = 100 << 10
	// providersAtATime is how many providers' findings are read at a time.
	providersAtATime = 20
)

// currentItem is what is known of a provider.
type currentItem struct {
	head

	Provider  string    `dynamodbav:"provider"`
	Audit     string    `dynamodbav:"audit"`      // the last audit
	StartedAt time.Time `dynamodbav:"started_at"` // and when it began
	Revision  string    `dynamodbav:"revision"`   // another at every write
	Inline    []byte    `dynamodbav:"inline,omitempty"`
	Findings  longText  `dynamodbav:"findings"`
}

// findingItem says whose a finding is.
type findingItem struct {
	head

	Provider string `dynamodbav:"provider"`
}

// current is what is known of a provider; the zero value is nothing.
type current struct {
	currentItem

	findings []audit.Finding
}

// current reads what is known of a provider. It returns [ErrNotFound] if nothing is.
func (a *Archive) current(ctx context.Context, site, provider string) (current, error) {
	if !registry.ValidName(provider) {
		return current{}, ErrNotFound
	}
	var stored currentItem
	if err := a.get(ctx, site, currentPrefix+provider, &stored); err != nil {
		return current{}, err
	}
	return a.opened(ctx, site, stored)
}

// opened reads the findings that an item holds or names. Of those that have expired nothing is known.
func (a *Archive) opened(ctx context.Context, site string, stored currentItem) (current, error) {
	out, data := current{currentItem: stored}, stored.Inline
	if len(data) == 0 {
		var err error
		data, err = a.read(ctx, site, stored.Findings)
		if errors.Is(err, errExpired) {
			return out, nil
		}
		if err != nil {
			return current{}, fmt.Errorf("read findings: %w", err)
		}
	}
	if err := unpack(data, &out.findings); err != nil {
		return current{}, fmt.Errorf("read findings: %w", err)
	}
	return out, nil
}

// replace is the write that makes the findings what is known of the provider, if that still is what it was before; what they need
// besides is written.
func (a *Archive) replace(ctx context.Context, before current, of Audit, started time.Time, findings []audit.Finding) (write, error) {
	data, err := a.packed(findings)
	if err != nil {
		return write{}, err
	}
	now := currentItem{
		head:     a.head(of.Site, currentPrefix+of.Provider),
		Provider: of.Provider, Audit: of.ID, StartedAt: started, Revision: NewID(a.now()),
	}
	if len(data) <= inlineSize {
		now.Inline = data
	} else if now.Findings, err = a.store(ctx, of.Site, data); err != nil {
		return write{}, err
	}
	for _, f := range findings {
		if err := a.put(ctx, findingItem{a.head(of.Site, findingPrefix+f.Fingerprint), of.Provider}); err != nil {
			return write{}, err
		}
	}
	w := write{item: now, condition: "attribute_not_exists(pk)"}
	if before.Revision != "" {
		w.condition, w.values = "revision = :was", item{":was": text(before.Revision)}
	}
	return w, nil
}

// place is where a finding stands in the list: by provider, the worst first.
type place struct {
	provider    string
	severity    int
	fingerprint string
}

var placePattern = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_-]{0,62})\.([0-9])\.([0-9a-f]{32})$`)

func placeOf(f audit.Finding) place {
	return place{f.Provider, slices.Index(audit.Severities(), f.Severity), f.Fingerprint}
}

func (p place) String() string { return fmt.Sprintf("%s.%d.%s", p.provider, p.severity, p.fingerprint) }

func (p place) compare(other place) int {
	return cmp.Or(strings.Compare(p.provider, other.provider), cmp.Compare(p.severity, other.severity), strings.Compare(p.fingerprint, other.fingerprint))
}

// parsePlace reads what String wrote; "" is the beginning.
func parsePlace(s string) (place, error) {
	if s == "" {
		return place{}, nil
	}
	parts := placePattern.FindStringSubmatch(s)
	if parts == nil {
		return place{}, ErrCursor
	}
	severity, err := strconv.Atoi(parts[2])
	return place{parts[1], severity, parts[3]}, err
}

func (f Filter) chooses(x audit.Finding) bool {
	return (f.State == "" || f.State == x.State) && (f.Severity == "" || f.Severity == x.Severity)
}

// among returns those of a provider's findings that are chosen and come after a place, in their order.
func (f Filter) among(ctx context.Context, now current, from place) ([]audit.Finding, error) {
	var chosen []audit.Finding
	for _, found := range now.findings {
		if f.chooses(found) && placeOf(found).compare(from) > 0 {
			chosen = append(chosen, found)
		}
	}
	if len(chosen) > 0 && f.Of != nil {
		if of, err := f.Of(ctx, now.Provider); err != nil || !of {
			return nil, err
		}
	}
	slices.SortFunc(chosen, func(a, b audit.Finding) int { return placeOf(a).compare(placeOf(b)) })
	return chosen, nil
}

// Findings returns up to limit of the findings that the filter chooses, limit being positive, by provider and the worst first, after
// the place after, and the place to go on after, empty at the end. It returns [ErrCursor] if after is none. Resolved ones stay in
// the list for 90 days.
func (a *Archive) Findings(ctx context.Context, site string, f Filter, after string, limit int) (page []audit.Finding, next string, err error) {
	from, err := parsePlace(after)
	if err != nil {
		return nil, "", fmt.Errorf("list findings: %w", err)
	}
	suppressions, err := a.Suppressions(ctx, site)
	if err != nil {
		return nil, "", fmt.Errorf("list findings: %w", err)
	}
	page = []audit.Finding{}
	err = a.eachCurrent(ctx, site, f.Provider, from.provider, func(now current) (bool, error) {
		chosen, err := f.among(ctx, now, from)
		page = append(page, chosen...)
		return len(page) <= limit, err
	})
	if err != nil {
		return nil, "", fmt.Errorf("list findings: %w", err)
	}
	if len(page) > limit {
		page = page[:limit]
		next = placeOf(page[limit-1]).String()
	}
	return audit.Suppress(page, suppressions, a.now()), next, nil
}

// eachCurrent passes on what is known of each provider, from one of them on, until it is enough; of one alone if it is named.
func (a *Archive) eachCurrent(ctx context.Context, site, only, from string, each func(current) (more bool, err error)) error {
	if only != "" {
		now, err := a.current(ctx, site, only)
		if err == nil {
			_, err = each(now)
			return err
		}
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	}
	return a.query(ctx, span{site: site, prefix: currentPrefix, from: from}, providersAtATime, func(raw item) (bool, error) {
		var stored currentItem
		if err := attributevalue.UnmarshalMap(raw, &stored); err != nil {
			return false, fmt.Errorf("decode findings: %w", err)
		}
		now, err := a.opened(ctx, site, stored)
		if err != nil {
			return false, err
		}
		return each(now)
	})
}

// Finding returns what is known of one finding, or [ErrNotFound].
func (a *Archive) Finding(ctx context.Context, site, fingerprint string) (audit.Finding, error) {
	found, err := a.finding(ctx, site, fingerprint)
	if err == nil {
		var suppressed []audit.Finding
		if suppressed, err = a.suppressed(ctx, site, []audit.Finding{found}); err == nil {
			return suppressed[0], nil
		}
	}
	return audit.Finding{}, fmt.Errorf("read finding: %w", err)
}

func (a *Archive) finding(ctx context.Context, site, fingerprint string) (audit.Finding, error) {
	if !fingerprintPattern.MatchString(fingerprint) {
		return audit.Finding{}, ErrNotFound
	}
	var whose findingItem
	if err := a.get(ctx, site, findingPrefix+fingerprint, &whose); err != nil {
		return audit.Finding{}, err
	}
	now, err := a.current(ctx, site, whose.Provider)
	if err != nil {
		return audit.Finding{}, err
	}
	for _, f := range now.findings {
		if f.Fingerprint == fingerprint {
			return f, nil
		}
	}
	return audit.Finding{}, ErrNotFound
}
