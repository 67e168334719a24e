package auditschedule_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/functions/auditschedule"
	"github.com/arngate/arngate/shared/audit/dispatch"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/telemetry"
)

// sites are those that have providers.
func sites() []string {
	return []string{"6f9619ff-8b86-4d01-b42d-00cf4fc964ff", "0c1d2e3f-8b86-4d01-b42d-00cf4fc964aa", "aa1d2e3f-8b86-4d01-b42d-00cf4fc964bb"}
}

const url = "https://sqs.us-east-1.amazonaws.com/111111111111/audits"

// outbox is a queue that refuses what it is told to.
type outbox struct {
	refuse func(provider string, attempt int) bool

	tries map[string]int
	taken []string
}

func (o *outbox) SendMessageBatch(_ context.Context, in *awssqs.SendMessageBatchInput, _ ...func(*awssqs.Options)) (*awssqs.SendMessageBatchOutput, error) {
	out := &awssqs.SendMessageBatchOutput{}
	for _, e := range in.Entries {
		var m dispatch.Message
		if err := json.Unmarshal([]byte(*e.MessageBody), &m); err != nil {
			return nil, err
		}
		o.tries[m.Provider]++
		if o.refuse != nil && o.refuse(m.Provider, o.tries[m.Provider]) {
			out.Failed = append(out.Failed, sqstypes.BatchResultErrorEntry{Id: e.Id, Code: aws.String("InvalidMessageContents"), SenderFault: true})
			continue
		}
		o.taken = append(o.taken, m.Provider)
	}
	return out, nil
}

// names lists so many pages of three names; it stops as it is told to.
type names struct {
	pages int
	stop  func(page int) error
}

func (n *names) ProviderNames(_ context.Context, after string) (page []registry.ProviderName, next string, err error) {
	at := 0
	if after != "" {
		if _, err := fmt.Sscanf(after, "page %d", &at); err != nil {
			return nil, "", err
		}
	}
	if n.stop != nil {
		if err := n.stop(at); err != nil {
			return nil, "", err
		}
	}
	for i := range 3 {
		page = append(page, registry.ProviderName{Site: sites()[0], Name: fmt.Sprintf("p%d-%d", at, i)})
	}
	if at+1 < n.pages {
		next = fmt.Sprintf("page %d", at+1)
	}
	return page, next, nil
}

func newSchedule(n auditschedule.Providers, o dispatch.SQS) (*auditschedule.Schedule, *bytes.Buffer) {
	out := &bytes.Buffer{}
	return auditschedule.New(auditschedule.Deps{
		Providers: n, Queue: dispatch.NewQueue(o, url), Telemetry: telemetry.New(telemetry.Options{Out: out, Function: "auditschedule"}),
	}), out
}

// Every provider of every site gets one message, over as many pages as it takes, spread over time.
func TestEveryProviderOfEverySite(t *testing.T) {
	local := localawstest.Start(t)
	config := local.Config(local.Account("111111111111"))
	db := awsdynamodb.NewFromConfig(config)
	s := types.ScalarAttributeTypeS
	_, err := db.CreateTable(t.Context(), &awsdynamodb.CreateTableInput{
		TableName: aws.String("registry"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: s}, {AttributeName: aws.String("sk"), AttributeType: s}},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	store := registry.NewStore(db, "registry")
	var want []dispatch.Message
	for _, site := range sites() {
		for i := range 17 {
			p := registry.Provider{Site: site, Name: fmt.Sprintf("p%02d", i), Method: registry.AssumeRole}
			if i == 0 {
				p.RoleARN = "arn:aws:iam::111122223333:role/skuid-assumable-role/" + strings.Repeat("x", 300<<10) // of several pages
			}
			if _, err := store.CreateProvider(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			want = append(want, dispatch.Message{Site: site, Provider: p.Name, By: dispatch.BySchedule})
		}
	}
	out := &bytes.Buffer{}
	schedule := auditschedule.New(auditschedule.Deps{
		Providers: store, Queue: dispatch.NewQueue(awssqs.NewFromConfig(config), url), Spread: 15 * time.Minute,
		Telemetry: telemetry.New(telemetry.Options{Out: out, Function: "auditschedule"}),
	})
	if err := schedule.Handle(t.Context(), auditschedule.Input{}); err != nil {
		t.Fatal(err)
	}
	var got []dispatch.Message
	delays := map[int]bool{}
	for _, m := range local.Messages() {
		var decoded dispatch.Message
		if err := json.Unmarshal([]byte(m.Body), &decoded); err != nil {
			t.Fatal(err)
		}
		got = append(got, decoded)
		delays[m.DelaySeconds/180] = true
	}
	order := func(a, b dispatch.Message) int { return strings.Compare(a.Site+a.Provider, b.Site+b.Provider) }
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if len(delays) < 4 {
		t.Errorf("the messages aren't spread: %v", delays)
	}
	if !strings.Contains(out.String(), `"messages":51`) {
		t.Errorf("the log doesn't say how many: %s", out)
	}
}

// What one call can't send keeps none of the others, and is sent once more at the end.
func TestARefusedMessageKeepsNoneOfTheOthers(t *testing.T) {
	box := &outbox{tries: map[string]int{}, refuse: func(provider string, attempt int) bool { return provider == "p1-1" && attempt == 1 }}
	schedule, _ := newSchedule(&names{pages: 4}, box)
	if err := schedule.Handle(t.Context(), auditschedule.Input{}); err != nil {
		t.Fatal(err)
	}
	if len(box.taken) != 12 || box.tries["p1-1"] != 2 {
		t.Errorf("got %v, tries %v", box.taken, box.tries)
	}
	box = &outbox{tries: map[string]int{}, refuse: func(provider string, _ int) bool { return strings.HasSuffix(provider, "-1") }}
	schedule, out := newSchedule(&names{pages: 4}, box)
	err := schedule.Handle(t.Context(), auditschedule.Input{})
	unsent, ok := errors.AsType[*dispatch.SendError](err)
	if !ok || len(unsent.Messages) != 4 || len(box.taken) != 8 {
		t.Errorf("got %v, %v taken", err, box.taken)
	}
	for _, m := range []string{"p0-1", "p1-1", "p2-1", "p3-1"} {
		if !strings.Contains(out.String(), `"provider":"`+m+`"`) {
			t.Errorf("the log doesn't name %s", m)
		}
	}
}

// An invocation stops before its time is up; the next one goes on there, by itself or as it is told.
func TestAnInvocationGoesOnWhereTheLastOneStopped(t *testing.T) {
	for name, next := range map[string]func(s *auditschedule.StoppedError) auditschedule.Input{
		"by itself":    func(*auditschedule.StoppedError) auditschedule.Input { return auditschedule.Input{} },
		"as it's told": func(s *auditschedule.StoppedError) auditschedule.Input { return auditschedule.Input{After: s.After} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				box := &outbox{tries: map[string]int{}}
				schedule, _ := newSchedule(&names{pages: 10, stop: func(int) error { time.Sleep(13 * time.Second); return nil }}, box)
				in, invocations := auditschedule.Input{}, 0
				for {
					invocations++
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					err := schedule.Handle(ctx, in)
					if ctx.Err() != nil {
						t.Error("Lambda would have ended it")
					}
					cancel()
					if err == nil {
						break
					}
					stopped, ok := errors.AsType[*auditschedule.StoppedError](err)
					if !ok || !strings.Contains(err.Error(), stopped.After) {
						t.Fatalf("got %v, want a StoppedError", err)
					}
					in = next(stopped)
					time.Sleep(time.Minute)
				}
				if invocations != 3 {
					t.Errorf("got %d invocations, want 3", invocations)
				}
				if len(box.taken) != 30 {
					t.Errorf("got %d messages, want each provider's once: %v", len(box.taken), box.taken)
				}
				if err := schedule.Handle(t.Context(), auditschedule.Input{}); err != nil || len(box.taken) != 60 {
					t.Errorf("the next schedule: got %d messages, %v, want all of them", len(box.taken)-30, err)
				}
			})
		})
	}
}

// Where one stopped long ago is forgotten: the schedule's next time is for all.
func TestTheNextScheduleIsForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken on purpose")
		box := &outbox{tries: map[string]int{}}
		list := &names{pages: 4, stop: func(page int) error {
			if page == 2 {
				return broken
			}
			return nil
		}}
		schedule, _ := newSchedule(list, box)
		err := schedule.Handle(t.Context(), auditschedule.Input{})
		if stopped, ok := errors.AsType[*auditschedule.StoppedError](err); !ok || stopped.After != "page 2" || !errors.Is(err, broken) {
			t.Errorf("got %v, want a StoppedError at page 2", err)
		}
		if len(box.taken) != 6 {
			t.Errorf("got %v, want what was listed before", box.taken)
		}
		list.stop = nil
		time.Sleep(time.Hour)
		if err := schedule.Handle(t.Context(), auditschedule.Input{}); err != nil || len(box.taken) != 18 {
			t.Errorf("got %d messages, %v, want all 12 more", len(box.taken), err)
		}
	})
}
