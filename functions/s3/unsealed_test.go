package s3_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/problem"
)

// TestPageThatCannotEndInACursor: without the keys to seal one, nothing is done that could then not be told.
func TestPageThatCannotEndInACursor(t *testing.T) {
	b := newBench(t)
	b.store(t, "in/a", "x")
	b.store(t, "in/b", "y")
	b.ring.down = context.DeadlineExceeded
	for path, body := range map[string]string{
		deletePath:   `{"bucket":"demo-files","prefix":"in/","limit":1}`,
		"files/copy": ends(t, "prefix", "in/", "out/", `,"limit":1`),
		"files/move": ends(t, "prefix", "in/", "out/", `,"limit":1`),
	} {
		b.post(t, path, body).wantProblem(t, problem.DeadlineExceeded)
		if diff := cmp.Diff([]string{"in/a", "in/b"}, b.keys(t)); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", path, diff)
		}
	}
	if s := outcomes(b.bulk(t, "files/move", ends(t, "prefix", "in/", "out/"))); s != "in/a->out/a moved, in/b->out/b moved" {
		t.Errorf("the last page, which needs no cursor: %s", s)
	}
	if s := outcomes(b.bulk(t, deletePath, `{"bucket":"demo-files","prefix":"out/"}`)); s != "out/a deleted, out/b deleted" {
		t.Errorf("the last page, which needs no cursor: %s", s)
	}
}

// TestLastPageThatTimeIsUpFor: what isn't begun has failed where no cursor can lead to it.
func TestLastPageThatTimeIsUpFor(t *testing.T) {
	b := newBench(t)
	var keys []string
	for i := range 60 {
		keys = append(keys, fmt.Sprintf("in/%02d", i))
		b.store(t, keys[i], "x")
	}
	b.ring.down = context.DeadlineExceeded
	b.time = 10600 * time.Millisecond // of which half a second is the gateway's, and ten are kept
	b.local.Inject(localaws.Fault{Service: "s3", Operation: "CopyObject", Count: 60, Delay: 150 * time.Millisecond})
	got := b.bulk(t, "files/move", ends(t, "prefix", "in/", "out/"))
	var moved, left []string
	for _, item := range got.Items {
		if item.Problem == nil {
			moved = append(moved, item.To)
			continue
		}
		left = append(left, item.Key)
		if item.Outcome != "failed" || item.Problem.Code != problem.DeadlineExceeded || !item.Problem.Retryable {
			t.Errorf("%s: %s, %+v", item.Key, item.Outcome, item.Problem)
		}
	}
	if len(got.Items) != 60 || len(moved) == 0 || len(left) == 0 || got.Failed != len(left) || got.NextCursor != "" {
		t.Errorf("%d of %d moved, %d left, %d failed, cursor %q", len(moved), len(got.Items), len(left), got.Failed, got.NextCursor)
	}
	if diff := cmp.Diff(slices.Concat(left, moved), b.keys(t)); diff != "" {
		t.Errorf("what is there (-want +got):\n%s", diff)
	}
}
