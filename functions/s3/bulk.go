package s3

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/errgroup"

	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
)

const (
	// maxPage is how many keys one request takes care of: as many as one listing shows, and one DeleteObjects takes (trap 40).
	maxPage = 1000
	// maxParallel is how many calls of one request are under way at a time.
	maxParallel = 16
	// workTime is how long a request begins new work; what is left of its keys is for the next one.
	workTime = 15 * time.Second
	// timeKept of a request's own time is for deletions and the answer: work that takes longer is given up.
	timeKept = 4 * time.Second
	// timeBegun is what work that is begun should have before it is given up.
	timeBegun = 6 * time.Second
	// maxAnswer bounds what the answer to a page can come to, with a problem for each key: it names its key up to four times.
	maxAnswer    = 3 << 20
	problemBytes = 1500
)

// What becomes of a key.
const (
	outcomeDeleted          = "deleted"
	outcomeCopied           = "copied"
	outcomeMoved            = "moved"
	outcomeCopiedNotDeleted = "copied_not_deleted"
	outcomeFailed           = "failed"
)

// Page is the part of a body that goes on from page to page of a prefix.
type Page struct {
	Limit  int    `json:"limit,omitzero" minimum:"1" maximum:"1000" default:"1000" doc:"With prefix: the most keys to take care of now"`
	Cursor string `json:"cursor,omitzero" doc:"With prefix: where to go on, next_cursor of the answer before"`
}

// faults are those of a page where there is no prefix to go on in.
func (p Page) faults(prefix bool) []problem.Fault {
	var faults []problem.Fault
	if p.Limit != 0 && !prefix {
		faults = append(faults, problem.Fault{Pointer: "/limit", Message: "goes with a prefix"})
	}
	if p.Cursor != "" && !prefix {
		faults = append(faults, problem.Fault{Pointer: "/cursor", Message: "goes with a prefix"})
	}
	return faults
}

func (p Page) limit() int {
	if p.Limit == 0 {
		return maxPage
	}
	return p.Limit
}

// Outcomes say what became of each key.
type Outcomes struct {
	Items      []Outcome `json:"items" doc:"In the order of the request, or of the keys below the prefix"`
	Failed     int       `json:"failed" doc:"How many of the items have a problem"`
	NextCursor string    `json:"next_cursor,omitzero" doc:"There are more keys below the prefix: send the same request with it as cursor; absent at the end"`
}

// Outcome is what became of one key.
type Outcome struct {
	Key     string            `json:"key"`
	To      string            `json:"to,omitzero" doc:"Of a copy or move: the new key"`
	Outcome string            `json:"outcome" enum:"deleted,copied,moved,copied_not_deleted,failed" doc:"copied_not_deleted: a move that got only half way, so that there are two now"`
	Problem *problem.Document `json:"problem,omitempty" doc:"Why it failed, or why the source of a move is still there"`
}

// add notes what became of a key; the error is one that isn't for its answer alone.
func (o *Outcomes) add(item Outcome, failure error) error {
	if failure != nil {
		p, ok := errors.AsType[*problem.Error](failure)
		if !ok {
			return failure
		}
		document := p.Document("")
		item.Problem = &document
		o.Failed++
	}
	o.Items = append(o.Items, item)
	return nil
}

// page is the objects of a prefix behind a key, as far as an answer has room for them, and whether there are more.
func (b *bucket) page(ctx context.Context, prefix string, after *string, limit, copies int) ([]Object, bool, error) {
	answer, err := b.list(ctx, &awss3.ListObjectsV2Input{
		Prefix: &prefix, StartAfter: after, MaxKeys: aws.Int32(int32(limit)), //nolint:gosec // 1 to 1,000
	})
	if err != nil {
		return nil, false, err
	}
	listing, err := listed(answer)
	if err != nil {
		return nil, false, err
	}
	room := maxAnswer
	for i, o := range listing.Items {
		if room -= cost(o.Key, copies); room < 0 && i > 0 {
			return listing.Items[:i], true, nil
		}
	}
	return listing.Items, aws.ToBool(answer.IsTruncated), nil
}

// cost is how many bytes a key can take of an answer in which it stands that often.
func cost(key string, times int) int {
	written, err := jsontext.AppendQuote(nil, key)
	if err != nil { // it isn't UTF-8: S3 has no such keys
		return maxAnswer
	}
	return times*len(written) + problemBytes
}

// each calls do for 0 to n-1, a few at a time, until the time to begin anything is up. It returns how many it has begun, which is
// at least one, when all of them have ended.
func each(ctx context.Context, n int, do func(ctx context.Context, i int)) (begun int, err error) {
	until := time.Now().Add(workTime)
	if deadline, ok := ctx.Deadline(); ok {
		bounded, cancel := context.WithDeadline(ctx, deadline.Add(-timeKept))
		defer cancel()
		ctx = bounded
		if last := deadline.Add(-timeKept - timeBegun); last.Before(until) {
			until = last
		}
	}
	group := new(errgroup.Group)
	group.SetLimit(maxParallel)
	for begun < n && (begun == 0 || time.Now().Before(until)) {
		i := begun
		group.Go(func() (err error) {
			defer func() { // trap 19: a panic here would end every request of the instance
				if p := recover(); p != nil {
					err = fmt.Errorf("take care of key: panic: %v", p)
				}
			}()
			do(ctx, i)
			return nil
		})
		begun++
	}
	return begun, group.Wait()
}

// bucketFaults and the others name what is wrong with a part of a body.
func bucketFaults(name, pointer string) []problem.Fault {
	if permissions.IsBucketName(name) {
		return nil
	}
	return []problem.Fault{{Pointer: pointer, Message: notABucket}}
}

func keyFaults(key, pointer string) []problem.Fault {
	message := keyFault(key)
	if key == "" {
		message = "expected a key"
	}
	if message == "" {
		return nil
	}
	return []problem.Fault{{Pointer: pointer, Message: message}}
}

func prefixFaults(prefix, pointer string) []problem.Fault {
	if message := keyFault(prefix); message != "" {
		return []problem.Fault{{Pointer: pointer, Message: message}}
	}
	return nil
}

// maxShown is how many places of a request a refusal names.
const maxShown = 100

// refused is a refusal of the connection's limits with the places in the request that it is for; nil if there are none.
func refused(refusal error, faults []problem.Fault) error {
	p, ok := errors.AsType[*problem.Error](refusal)
	if !ok || len(faults) == 0 {
		return refusal
	}
	shown := *p
	shown.Faults = faults[:min(len(faults), maxShown)]
	return &shown
}
