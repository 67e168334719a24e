package dynamodb

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/arngate/arngate/functions/dynamodb/plan"
	"github.com/arngate/arngate/functions/dynamodb/value"
)

// Why a search stopped reading.
const (
	stoppedLimit  = "limit"  // as many items as were asked for
	stoppedEnd    = "end"    // there are no more
	stoppedBudget = "budget" // time, pages or the size of the answer ran out: go on with the cursor
)

const (
	// maxPages is how many pages of up to 1 MB one request reads.
	maxPages = 60
	// maxTime is how long one request reads, of API Gateway's 30 seconds.
	maxTime = 20 * time.Second
	// timeKept is what is kept of the request's own deadline for the last page and the answer.
	timeKept = 3 * time.Second
	// maxParallel is how many pages are read at a time.
	maxParallel = 8
	// firstPage and pageGrowth: with a filter nobody knows how much must be read for a match, so pages
	// grow until they are as large as DynamoDB makes them.
	firstPage   = 100
	pageGrowth  = 4
	largestPage = 10_000
)

// pageReader reads one page of a plan's read, from after start (nil: from the beginning), looking at
// no more than limit items (0: as many as make a page).
type pageReader interface {
	readPage(ctx context.Context, p *plan.Plan, r *plan.Read, start value.Item, limit int32) (page, error)
}

// page is what one Query or Scan returned.
type page struct {
	items    []value.Item
	count    int
	scanned  int
	next     value.Item // where the next page begins; nil at the end
	capacity float64
}

// search carries out a plan. It is used once.
type search struct {
	plan     *plan.Plan
	reader   pageReader
	limit    int // matching items; 0: all, only counted
	deadline time.Time
	// emit takes a matching item, and says whether there was room for it in the answer.
	emit func(value.Item) (bool, error)

	streams  []stream
	taken    int
	pages    int
	scanned  int
	capacity float64
}

// stream is one read of the plan: the pages read so far, of which the items in buffer are still to be
// taken.
type stream struct {
	read *plan.Read
	// next is where the next page begins; nil is the beginning, unless done.
	next value.Item
	done bool
	// resume is where to go on if the search stopped now with items left in buffer.
	resume value.Item
	buffer []value.Item
	size   int32 // of the next page; 0: DynamoDB's own
}

// newSearch starts at the position of a cursor; nil is the beginning.
func newSearch(p *plan.Plan, reader pageReader, limit int, from []position) *search {
	s := &search{plan: p, reader: reader, limit: limit, streams: make([]stream, len(p.Reads))}
	for i := range s.streams {
		s.streams[i].read = &p.Reads[i]
		s.streams[i].size = s.firstSize(&p.Reads[i])
		if from != nil {
			s.streams[i].next, s.streams[i].done = from[i].start, from[i].done
		}
	}
	return s
}

// firstSize bounds a read's first page by what can be of use: one item more than wanted, so that the
// last page is known to be the last.
func (s *search) firstSize(r *plan.Read) int32 {
	switch {
	case s.limit == 0 || r.Unique: // a limit of one would make DynamoDB say that there may be more
		return 0
	case r.Filter != "" || r.Residual != nil:
		return max(firstPage, pageGrowth*s.share())
	default:
		return s.share()
	}
}

// share is how many items of each read are likely to be of use.
func (s *search) share() int32 {
	return int32(s.limit/max(len(s.streams), 1) + 1) //nolint:gosec // a limit is at most a thousand
}

// run reads and emits until limit, end or budget, and says which.
func (s *search) run(ctx context.Context) (stopped string, err error) {
	s.deadline = time.Now().Add(maxTime)
	if d, ok := ctx.Deadline(); ok && d.Add(-timeKept).Before(s.deadline) {
		s.deadline = d.Add(-timeKept)
	}
	for {
		if s.limit > 0 && s.taken == s.limit {
			return s.atLimit(), nil
		}
		if hungry := s.hungry(); len(hungry) > 0 {
			if s.exhausted() {
				return stoppedBudget, nil
			}
			if err := s.fetch(ctx, hungry); err != nil {
				return "", err
			}
			continue
		}
		next := s.first()
		if next == nil {
			return stoppedEnd, nil
		}
		fits, err := s.emit(next.buffer[0])
		if err != nil {
			return "", err
		}
		if !fits {
			return stoppedBudget, nil
		}
		s.take(next)
	}
}

// atLimit is the end only if nothing is left anywhere: it is not worth a read to find out.
func (s *search) atLimit() string {
	for i := range s.streams {
		if st := &s.streams[i]; !st.done || len(st.buffer) > 0 {
			return stoppedLimit
		}
	}
	return stoppedEnd
}

// exhausted says whether the budget allows no further page. The first is always read.
func (s *search) exhausted() bool {
	return s.pages > 0 && (s.pages >= maxPages || !time.Now().Before(s.deadline))
}

// hungry are the streams that must be read before the next item in order is known.
func (s *search) hungry() []*stream {
	var list []*stream
	for i := range s.streams {
		if st := &s.streams[i]; len(st.buffer) == 0 && !st.done {
			list = append(list, st)
		}
	}
	return list
}

// fetch reads the next page of each stream, as many as the page budget allows.
func (s *search) fetch(ctx context.Context, hungry []*stream) error {
	if left := max(maxPages-s.pages, 1); len(hungry) > left {
		hungry = hungry[:left]
	}
	if len(hungry) == 1 { // most searches: a goroutine would begin with a stack that the SDK's calls outgrow several times
		only, err := s.reader.readPage(ctx, s.plan, hungry[0].read, hungry[0].next, hungry[0].size)
		if err != nil {
			return err
		}
		s.fill(hungry[0], only)
		return nil
	}
	pages := make([]page, len(hungry))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(maxParallel)
	for i, st := range hungry {
		group.Go(func() (err error) {
			defer func() { // traps.md 19: a panic here would end every request of the instance
				if p := recover(); p != nil {
					err = fmt.Errorf("read page: panic: %v", p)
				}
			}()
			pages[i], err = s.reader.readPage(groupCtx, s.plan, st.read, st.next, st.size)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, st := range hungry {
		s.fill(st, pages[i])
	}
	return nil
}

// fill puts a page's matching items into the stream's buffer. An empty page is not the end (traps.md 24).
func (s *search) fill(st *stream, p page) {
	s.pages++
	s.scanned += p.scanned
	s.capacity += p.capacity
	st.resume = st.next
	st.next, st.done = p.next, p.next == nil
	if s.plan.Select == types.SelectCount {
		s.taken += p.count
		return
	}
	for _, item := range p.items {
		if st.read.Residual.Matches(item) {
			st.buffer = append(st.buffer, item)
		}
	}
	if st.size *= pageGrowth; st.size > largestPage {
		st.size = 0
	}
}

// first is the stream whose next item comes first in order; nil if there is none.
func (s *search) first() *stream {
	var best *stream
	for i := range s.streams {
		st := &s.streams[i]
		if len(st.buffer) > 0 && (best == nil || s.before(st.buffer[0], best.buffer[0])) {
			best = st
		}
	}
	return best
}

// before says whether item a comes before b. Of equals the earlier stream goes first.
func (s *search) before(a, b value.Item) bool {
	if s.plan.MergeBy == "" {
		return false
	}
	order, _ := value.Compare(a[s.plan.MergeBy], b[s.plan.MergeBy])
	if s.plan.Descending {
		return order > 0
	}
	return order < 0
}

func (s *search) take(st *stream) {
	st.resume = s.plan.Position(st.buffer[0])
	st.buffer = st.buffer[1:]
	s.taken++
}

// position is where a read goes on.
type position struct {
	start value.Item // nil: at its beginning
	done  bool
}

// positions are where each read goes on after what was taken; nil if there is nothing more anywhere.
func (s *search) positions() []position {
	list := make([]position, len(s.streams))
	more := false
	for i := range s.streams {
		st := &s.streams[i]
		list[i] = position{start: st.next, done: st.done}
		if len(st.buffer) > 0 {
			list[i] = position{start: st.resume}
		}
		more = more || !list[i].done
	}
	if !more {
		return nil
	}
	return list
}
