package deployment_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
)

const (
	keysBelow = 5 // a prefix, of which a page takes keysPaged
	keysPaged = 2
)

// book is how far a deed has come that goes on from page to page, and what was said of each key: of each of its parts. The zero
// value is none, before the first page.
type book struct {
	cursor string
	ended  bool
	lost   bool // a page may have been carried out that nobody got
	parts  map[string][]claim
	each   int // parts that a key has
}

// more says that there is a page to go on with.
func (b *book) more() bool { return b != nil && b.cursor != "" && !b.ended }

// turned is the request for the page that is open.
func (b *book) turned(r request) request {
	if b.more() {
		r.body = strings.TrimSuffix(r.body, "}") + fmt.Sprintf(`,"cursor":%q}`, b.cursor)
	}
	return r
}

// read notes what a page says. The claims are those of all keys, in their order.
func (b *book) read(told map[string][]claim, next string, err error) ([]claim, error) {
	for key, parts := range told {
		b.parts[key[strings.LastIndex(key, "/")+1:]] = parts
		b.each = len(parts)
	}
	b.cursor, b.ended = next, next == ""
	if err == nil && b.ended && !b.lost && len(b.parts) < keysBelow {
		err = fmt.Errorf("only %d of %d keys were told of", len(b.parts), keysBelow)
	}
	if b.ended {
		return b.claims(asDone), err // what no page showed was done before
	}
	return b.claims(asUnknown), err
}

// stop notes that a page was answered by a problem that claims so much of it. Nobody goes on unless it may be sent again.
func (b *book) stop(c claim) []claim {
	if c != asRetryable {
		b.cursor = ""
	}
	if b.lost = b.lost || c != asDenied; b.lost {
		return b.claims(asUnknown)
	}
	return b.claims(asDenied)
}

// claims are those of all keys; untold is that of the ones that nothing has been said of.
func (b *book) claims(untold claim) []claim {
	if len(b.parts) == 0 {
		return []claim{untold}
	}
	var all []claim
	for i := range keysBelow {
		parts, told := b.parts[fmt.Sprint(i)]
		for part := range b.each {
			if told {
				all = append(all, parts[part])
			} else {
				all = append(all, untold)
			}
		}
	}
	return all
}

// prefixWrites are the ways to write all that lies below a prefix.
func prefixWrites() []act {
	prepared := func(w *world, mark string) (err error) {
		for i := range keysBelow {
			err = errors.Join(err, w.customer.putObject(below(mark, i)))
		}
		return err
	}
	pass := func(name, how, more string, parts int, truth func(*world, string, int) ([]int, error)) act {
		return act{
			name: name, prepare: prepared, pages: claimsOfPage(parts), truth: eachBelow(truth),
			request: func(_ *world, mark string) request {
				return request{http.MethodPost, "/v1/s3/files/" + how, fmt.Sprintf(
					`{"from":{"bucket":%[1]q,"prefix":"%[2]s/"},"to":{"bucket":%[1]q,"prefix":"%[2]s-there/"},"limit":%[3]d%[4]s}`,
					demosite.Bucket, mark, keysPaged, more), nil}
			},
		}
	}
	copied := func(w *world, mark string, i int) ([]int, error) {
		return objectIs(w, below(mark+"-there", i), below(mark, i))
	}
	return []act{
		{
			name: "delete-prefix", prepare: prepared, pages: claimsOfPage(1),
			truth: eachBelow(func(w *world, mark string, i int) ([]int, error) { return objectIsGone(w, below(mark, i)) }),
			request: func(_ *world, mark string) request {
				return request{http.MethodPost, "/v1/s3/files/delete", fmt.Sprintf(
					`{"bucket":%q,"prefix":"%s/","limit":%d}`, demosite.Bucket, mark, keysPaged), nil}
			},
		},
		pass("copy-prefix", "copy", "", 1, copied),
		pass("copy-new-prefix", "copy", `,"overwrite":false`, 1, copied),
		pass("move-prefix", "move", "", 2, func(w *world, mark string, i int) ([]int, error) {
			return movedTo(w, below(mark, i), below(mark+"-there", i))
		}),
	}
}

// below is the i-th key below a mark.
func below(mark string, i int) string { return fmt.Sprint(mark, "/", i) }

// eachBelow is the truth of all keys below a mark.
func eachBelow(truth func(w *world, mark string, i int) ([]int, error)) func(*world, string) ([]int, error) {
	return func(w *world, mark string) (all []int, err error) {
		for i := range keysBelow {
			one, err := truth(w, mark, i)
			if err != nil {
				return nil, err
			}
			all = append(all, one...)
		}
		return all, nil
	}
}

// claimsOfPage are what an answer says of each of its keys, whose first part is a copy or a deletion, and the second, of a move, that
// the source is gone. That a key was taken already, where none may be, says that an earlier try took it.
func claimsOfPage(parts int) func(deploymenttest.Answer) (map[string][]claim, string, error) {
	return func(a deploymenttest.Answer) (told map[string][]claim, next string, errs error) {
		var page struct {
			outcomesShown

			NextCursor string `json:"next_cursor"`
		}
		if err := json.Unmarshal([]byte(a.Body), &page); err != nil {
			return nil, "", err
		}
		told = map[string][]claim{}
		for _, item := range page.Items {
			c, err := asDone, error(nil)
			if taken := item.Problem.Code == "condition_failed" && parts == 1; item.Problem.Code != "" && !taken {
				c, err = item.Problem.claim(item.Problem.Status, true)
			}
			switch {
			case parts == 1:
				told[item.Key] = []claim{c}
			case item.Outcome == "failed":
				told[item.Key] = []claim{c, asDenied}
			default: // moved, or copied_not_deleted
				told[item.Key] = []claim{asDone, c}
			}
			errs = errors.Join(errs, err)
		}
		return told, page.NextCursor, errs
	}
}
