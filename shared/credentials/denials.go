package credentials

import (
	"context"
	"errors"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	// denialKept is how long a denial is answered from memory, so that a broken role does not hammer STS.
	denialKept = 30 * time.Second
	// maxDenials bounds how many providers' are remembered.
	maxDenials = 1024
)

// denialKey is a provider's revision as it was verified: after another verify it is worth another try.
type denialKey struct {
	site, provider, revision string
	verifiedAt               int64
}

type denial struct {
	err   error
	until time.Time
}

type denials = lru.Cache[denialKey, denial]

func newDenials() (*denials, error) {
	kept, err := lru.New[denialKey, denial](maxDenials)
	if err != nil {
		return nil, fmt.Errorf("make memory of denials: %w", err)
	}
	return kept, nil
}

// rememberingSource answers from memory for whom AWS has just refused. Safe for concurrent use.
type rememberingSource struct {
	source  Source
	denials *denials
}

// Mint mints, unless the provider was refused within the last 30 seconds.
func (s *rememberingSource) Mint(ctx context.Context, r Request) (Credentials, error) {
	key := denialKey{
		site: r.Opened.Provider.Site, provider: r.Opened.Provider.Name, revision: r.Opened.Provider.Revision,
		verifiedAt: r.Opened.State.VerifiedAt.UnixNano(),
	}
	if remembered, ok := s.denials.Get(key); ok && time.Now().Before(remembered.until) {
		return Credentials{}, remembered.err
	}
	minted, err := s.source.Mint(ctx, r)
	if errors.Is(err, ErrUnusable) {
		s.denials.Add(key, denial{err: err, until: time.Now().Add(denialKept)})
	}
	return minted, err
}
