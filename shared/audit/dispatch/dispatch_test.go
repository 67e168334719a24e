package dispatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awseventbridge "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/audit/dispatch"
	"github.com/arngate/arngate/shared/localaws/localawstest"
)

const url = "https://sqs.us-east-1.amazonaws.com/111111111111/audits"

func messages(n int) []dispatch.Message {
	var all []dispatch.Message
	for i := range n {
		all = append(all, dispatch.Message{Site: "6f9619ff-8b86-4d01-b42d-00cf4fc964ff", Provider: fmt.Sprintf("p%03d", i)})
	}
	return all
}

// The real client sends all of them, in tens, spread over the time that was asked for.
func TestMessagesReachTheQueue(t *testing.T) {
	for _, c := range []struct {
		n      int
		spread time.Duration
	}{{0, 0}, {1, 0}, {10, 0}, {11, time.Minute}, {95, 15 * time.Minute}, {20, time.Hour}, {5, time.Millisecond}} {
		local := localawstest.Start(t)
		client := awssqs.NewFromConfig(local.Config(local.Account("111111111111")))
		want := messages(c.n)
		if c.n > 0 {
			want[0].Audit, want[0].By = "id", "ada"
		}
		if err := dispatch.NewQueue(client, url).Send(t.Context(), want, c.spread); err != nil {
			t.Fatal(err)
		}
		var got []dispatch.Message
		var longest int
		for _, m := range local.Messages() {
			var decoded dispatch.Message
			if err := json.Unmarshal([]byte(m.Body), &decoded); err != nil || m.QueueURL != url {
				t.Fatalf("%s to %s: %v", m.Body, m.QueueURL, err)
			}
			got = append(got, decoded)
			longest = max(longest, m.DelaySeconds)
		}
		slices.SortFunc(got, func(a, b dispatch.Message) int { return strings.Compare(a.Provider, b.Provider) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d messages (-want +got):\n%s", c.n, diff)
		}
		limit := int(min(c.spread, 15*time.Minute) / time.Second)
		if longest > limit || (limit > 1 && longest < limit/3) {
			t.Errorf("%d over %v: the longest delay is %d seconds", c.n, c.spread, longest)
		}
		if calls := len(local.Calls()); calls != (c.n+9)/10 {
			t.Errorf("%d messages took %d calls", c.n, calls)
		}
	}
}

// picky refuses what it is told to, and takes the rest.
type picky struct {
	refuse func(provider string, attempt int) *sqstypes.BatchResultErrorEntry
	fail   func(provider string) error // of the first message of a call

	mu    sync.Mutex
	tries map[string]int
	taken []string
}

func (p *picky) SendMessageBatch(_ context.Context, in *awssqs.SendMessageBatchInput, _ ...func(*awssqs.Options)) (*awssqs.SendMessageBatchOutput, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := &awssqs.SendMessageBatchOutput{}
	for i, e := range in.Entries {
		var m dispatch.Message
		if err := json.Unmarshal([]byte(*e.MessageBody), &m); err != nil {
			return nil, err
		}
		if i == 0 && p.fail != nil {
			if err := p.fail(m.Provider); err != nil {
				return nil, err
			}
		}
		if p.tries == nil {
			p.tries = map[string]int{}
		}
		p.tries[m.Provider]++
		if p.refuse != nil {
			if f := p.refuse(m.Provider, p.tries[m.Provider]); f != nil {
				f.Id = e.Id
				out.Failed = append(out.Failed, *f)
				continue
			}
		}
		p.taken = append(p.taken, m.Provider)
	}
	return out, nil
}

func busy() *sqstypes.BatchResultErrorEntry {
	return &sqstypes.BatchResultErrorEntry{Code: aws.String("InternalError")}
}

func TestRefusedMessagesAreSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &picky{refuse: func(provider string, attempt int) *sqstypes.BatchResultErrorEntry {
			if strings.HasSuffix(provider, "3") && attempt < 4 {
				return busy()
			}
			return nil
		}}
		if err := dispatch.NewQueue(p, url).Send(t.Context(), messages(40), 0); err != nil {
			t.Fatal(err)
		}
		if len(p.taken) != 40 || p.tries["p013"] != 4 || p.tries["p012"] != 1 {
			t.Errorf("got %d taken, tries %v", len(p.taken), p.tries)
		}
	})
}

// Those that can't be sent are named; none of the others is lost with them.
func TestMessagesThatCannotBeSentAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("down")
		p := &picky{
			refuse: func(provider string, _ int) *sqstypes.BatchResultErrorEntry {
				switch provider {
				case "p007":
					return busy()
				case "p008":
					return &sqstypes.BatchResultErrorEntry{Code: aws.String("InvalidMessageContents"), SenderFault: true}
				}
				return nil
			},
			fail: func(provider string) error {
				if provider == "p020" {
					return down
				}
				return nil
			},
		}
		err := dispatch.NewQueue(p, url).Send(t.Context(), messages(40), 0)
		unsent, ok := errors.AsType[*dispatch.SendError](err)
		if !ok {
			t.Fatalf("got %v, want a SendError", err)
		}
		var got []string
		for _, m := range unsent.Messages {
			got = append(got, m.Provider)
		}
		slices.Sort(got)
		want := []string{"p007", "p008"}
		for i := 20; i < 30; i++ {
			want = append(want, fmt.Sprintf("p%03d", i))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("unsent (-want +got):\n%s", diff)
		}
		if len(p.taken) != 28 || p.tries["p007"] != 4 || p.tries["p008"] != 1 {
			t.Errorf("got %d taken, tries %v", len(p.taken), p.tries)
		}
	})
}

func TestSendingEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := &picky{refuse: func(string, int) *sqstypes.BatchResultErrorEntry { cancel(); return busy() }}
		err := dispatch.NewQueue(p, url).Send(ctx, messages(3), 0)
		unsent, ok := errors.AsType[*dispatch.SendError](err)
		if !ok || len(unsent.Messages) != 3 || !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want all three unsent", err)
		}
	})
}

func events(n int) []dispatch.Event {
	var all []dispatch.Event
	for i := range n {
		all = append(all, dispatch.Event{Type: "Finding Appeared", Time: time.Now(), Resources: []string{"arn:aws:iam::1:role/x"}, Detail: map[string]int{"n": i}})
	}
	return all
}

func TestEventsReachTheBus(t *testing.T) {
	local := localawstest.Start(t)
	client := awseventbridge.NewFromConfig(local.Config(local.Account("111111111111")))
	if err := dispatch.NewBus(client, "ops").Put(t.Context(), events(23)); err != nil {
		t.Fatal(err)
	}
	got := local.Events()
	if len(got) != 23 {
		t.Fatalf("got %d events, want 23", len(got))
	}
	for i, e := range got {
		if e.Bus != "arn:aws:events:us-east-1:111111111111:event-bus/ops" || e.Source != dispatch.Source || e.DetailType != "Finding Appeared" ||
			e.Detail != fmt.Sprintf(`{"n":%d}`, i) || len(e.Resources) != 1 {
			t.Errorf("event %d: got %+v", i, e)
		}
	}
	if err := dispatch.NewBus(client, "ops").Put(t.Context(), nil); err != nil || len(local.Events()) != 23 {
		t.Errorf("nothing to put: %v, %d events", err, len(local.Events()))
	}
}

// stubborn is a bus that refuses the event of one number so many times.
type stubborn struct {
	number, times int
	taken         []string
}

func (s *stubborn) PutEvents(_ context.Context, in *awseventbridge.PutEventsInput, _ ...func(*awseventbridge.Options)) (*awseventbridge.PutEventsOutput, error) {
	out := &awseventbridge.PutEventsOutput{}
	for _, e := range in.Entries {
		var answer eventbridgetypes.PutEventsResultEntry
		if *e.Detail == fmt.Sprintf(`{"n":%d}`, s.number) && s.times > 0 {
			s.times--
			out.FailedEntryCount++
			answer.ErrorCode = aws.String("ThrottlingException")
		} else {
			s.taken = append(s.taken, *e.Detail)
		}
		out.Entries = append(out.Entries, answer)
	}
	return out, nil
}

func TestRefusedEventsArePutAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for times, want := range map[int]int{0: 12, 1: 12, 3: 12, 4: 11} {
			s := &stubborn{number: 4, times: times}
			err := dispatch.NewBus(s, "ops").Put(t.Context(), events(12))
			if (err != nil) != (want != 12) || len(s.taken) != want {
				t.Errorf("refused %d times: got %d taken, %v", times, len(s.taken), err)
			}
		}
	})
}
