package dynamodb

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/functions/dynamodb/plan"
	"github.com/arngate/arngate/functions/dynamodb/value"
)

// pages is a pageReader that answers by a function.
type pages func(read *plan.Read, start value.Item) (page, error)

func (f pages) readPage(_ context.Context, _ *plan.Plan, r *plan.Read, start value.Item, _ int32) (page, error) {
	return f(r, start)
}

// scanOf plans a scan with a filter.
func scanOf(t *testing.T) *plan.Plan {
	t.Helper()
	return planOf(t, `{"field":"d","op":"exists"}`)
}

func planOf(t *testing.T, search string) *plan.Plan {
	t.Helper()
	where, faults := plan.DecodeWhere([]byte(search), value.Plain, "")
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	p, err := plan.Make(truthDescription(), plan.Request{Where: where, Index: plan.IndexAuto})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTrap24EmptyPagesEndOnlyTheBudget(t *testing.T) {
	at := func(n int) value.Item { return value.Item{"pk": &types.AttributeValueMemberS{Value: fmt.Sprint(n)}} }
	read := 0
	empty := pages(func(*plan.Read, value.Item) (page, error) {
		read++
		return page{scanned: 10, next: at(read)}, nil
	})
	s := newSearch(scanOf(t), empty, 5, nil)
	stopped, err := s.run(t.Context())
	if err != nil || stopped != stoppedBudget || read != maxPages || s.scanned != 10*maxPages {
		t.Errorf("stopped by %s after %d pages: %v", stopped, read, err)
	}
	if from := s.positions(); len(from) != 1 || !value.Equal(from[0].start["pk"], at(maxPages)["pk"]) {
		t.Errorf("goes on at %v", from)
	}
}

func TestTimeEndsASearchButNotItsFirstPage(t *testing.T) {
	for _, left := range []time.Duration{time.Second, 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), left)
			defer cancel()
			read := 0
			slow := pages(func(*plan.Read, value.Item) (page, error) {
				read++
				time.Sleep(2 * time.Second)
				return page{next: value.Item{"pk": &types.AttributeValueMemberS{Value: "x"}}}, nil
			})
			stopped, err := newSearch(scanOf(t), slow, 5, nil).run(ctx)
			want := 1
			if left > timeKept {
				want = 4 // they begin at 0, 2, 4 and 6 seconds; at 7 it is too late
			}
			if err != nil || stopped != stoppedBudget || read != want {
				t.Errorf("with %s left: stopped by %s after %d pages, want %d: %v", left, stopped, read, want, err)
			}
		})
	}
}

// A single read is in the request's own goroutine, whose panics httpapi catches; each of several is in one of ours.
func TestTrap19APanicInAReadIsAnError(t *testing.T) {
	several := planOf(t, `{"field":"pk","op":"in","value":["a","b"]}`)
	if len(several.Reads) != 2 {
		t.Fatalf("%d reads", len(several.Reads))
	}
	s := newSearch(several, pages(func(*plan.Read, value.Item) (page, error) { panic("no") }), 5, nil)
	if _, err := s.run(t.Context()); err == nil {
		t.Error("no error")
	}
}
