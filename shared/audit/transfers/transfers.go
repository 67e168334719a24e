// Package transfers finds out whether pages in browsers can use what a connection presigns: whether its buckets answer the origins
// that the API answers. A transfer goes to S3 itself, so the bucket's own CORS rules decide (trap 23c).
package transfers

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/awsclient/s3client"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/registry"
)

// CheckName is the check's name among those of a verify.
const CheckName = "browser_transfers"

const (
	// maxAsked bounds the preflights of one check: a connection may name many buckets.
	maxAsked = 60
	// atOnce is how many preflights are under way at a time.
	atOnce = 8
	// patience is the time for all of them.
	patience = 4 * time.Second
	// anyOrigin stands for all where every origin is answered.
	anyOrigin = "https://any-origin.example"
)

// Browser asks as a browser does; an s3client.Browser is one.
type Browser interface {
	Preflight(ctx context.Context, p s3client.Preflight) (allowed bool, err error)
}

// Checker checks connections. Safe for concurrent use.
type Checker struct {
	browser Browser
	origins []string
}

// New makes a Checker for pages of these origins; "*" is every origin.
func New(browser Browser, origins []string) *Checker {
	return &Checker{browser: browser, origins: origins}
}

// Check asks the connection's buckets. It needs no credentials. It returns no check for what isn't a connection to S3.
func (c *Checker) Check(ctx context.Context, opened *registry.Opened) []audit.Check {
	limits := opened.Connection.Limits
	if limits.Connector != permissions.S3 {
		return nil
	}
	return []audit.Check{c.check(ctx, opened)}
}

func (c *Checker) check(ctx context.Context, opened *registry.Opened) audit.Check {
	limits := opened.Connection.Limits
	questions := c.questions(limits)
	switch {
	case len(c.origins) == 0:
		return audit.Check{Name: CheckName, Verdict: audit.Skipped, Evidence: "The API answers pages of no other origin, so there are none to ask for."}
	case len(questions) == 0:
		return audit.Check{Name: CheckName, Verdict: audit.Skipped, Evidence: "The connection names no bucket, so it isn't known which to ask."}
	}
	asked := questions[:min(len(questions), maxAsked)]
	refused, silent := c.ask(ctx, asked)
	switch {
	case len(refused) > 0:
		return audit.Check{
			Name: CheckName, Verdict: audit.Failed, Evidence: "S3 refuses pages: " + strings.Join(refused, "; ") + ".",
			Remedy: fmt.Sprintf("Set the CORS rules that the role kit has for these buckets: "+
				"GET /v1/providers/%s/role-kit?format=cli. Programs that aren't pages need none.", opened.Provider.Name),
		}
	case len(silent) > 0:
		return audit.Check{
			Name: CheckName, Verdict: audit.Unknown, Evidence: "S3 gave no answer to go by for " + strings.Join(silent, ", ") + ".",
			Remedy: "Check that the buckets exist, and verify again.",
		}
	}
	evidence := "The buckets answer pages of the API's origins."
	if len(asked) < len(questions) {
		evidence = fmt.Sprintf("Those buckets that were asked answer pages of the API's origins: %d of %d preflights were made.", len(asked), len(questions))
	}
	return audit.Check{Name: CheckName, Verdict: audit.Passed, Evidence: evidence}
}

// questions are the preflights of what pages do by what the connection presigns, bucket by bucket.
func (c *Checker) questions(limits permissions.Limits) []s3client.Preflight {
	var out []s3client.Preflight
	var seen []string
	for _, b := range limits.Buckets {
		if b.Name == permissions.Every || slices.Contains(seen, b.Name) {
			continue
		}
		seen = append(seen, b.Name)
		for _, origin := range c.origins {
			if origin == "*" {
				origin = anyOrigin
			}
			p := s3client.Preflight{Region: limits.Region, Bucket: b.Name, Origin: origin, Method: http.MethodGet}
			out = append(out, p)
			if limits.ReadOnly {
				continue
			}
			p.Headers = []string{"content-type"}
			for _, method := range [...]string{http.MethodPost, http.MethodPut} {
				p.Method = method
				out = append(out, p)
			}
		}
	}
	return out
}

// ask makes the preflights, and returns which buckets refused what, and which gave no answer, each once.
func (c *Checker) ask(ctx context.Context, questions []s3client.Preflight) (refused, silent []string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answers := make([]answer, len(questions))
	var asking sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i, question := range questions {
		slots <- struct{}{}
		asking.Go(func() {
			defer func() { <-slots }()
			answers[i].allowed, answers[i].err = c.browser.Preflight(ctx, question)
		})
	}
	asking.Wait()
	for i, question := range questions {
		switch {
		case answers[i].err != nil:
			silent = appendNew(silent, question.Bucket)
		case !answers[i].allowed:
			refused = appendNew(refused, refusal(question))
		}
	}
	return refused, silent
}

type answer struct {
	allowed bool
	err     error
}

func refusal(p s3client.Preflight) string {
	whose := p.Origin
	if whose == anyOrigin {
		whose = "any origin"
	}
	return fmt.Sprintf("%s for %s of %s", p.Bucket, p.Method, whose)
}

func appendNew(list []string, one string) []string {
	if slices.Contains(list, one) {
		return list
	}
	return append(list, one)
}
