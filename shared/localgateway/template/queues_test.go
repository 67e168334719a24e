package template

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// polled is small, with a queue that its function polls, one for dead letters, and a schedule.
func polled(t *testing.T, change func(string) string) (*Template, error) {
	t.Helper()
	text := strings.Replace(small, "      Events:\n", `      Events:
        Work:
          Type: SQS
          Properties: {Queue: !GetAtt Work.Arn, FunctionResponseTypes: [ReportBatchItemFailures], ScalingConfig: {MaximumConcurrency: "3"}}
`, 1)
	text = strings.Replace(text, "  Files:\n", `  Work:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 600
      SqsManagedSseEnabled: true
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 4}
  Dead:
    Type: AWS::SQS::Queue
    Properties: {QueueName: dead}
  Timer:
    Type: AWS::Scheduler::Schedule
    Properties:
      ScheduleExpression: rate(1 day)
      State: DISABLED
      FlexibleTimeWindow: {Mode: "OFF"}
      Target: {Arn: !GetAtt Files.Arn, RoleArn: !GetAtt Role.Arn, Input: !Ref Work}
  Files:
`, 1)
	if change != nil {
		text = change(text)
	}
	return Parse([]byte(text), inputsOf(nil))
}

func TestQueuesAndSchedules(t *testing.T) {
	t.Parallel()
	got, err := polled(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	const arn, url = "arn:aws:sqs:eu-central-1:111122223333:", "https://sqs.eu-central-1.amazonaws.com/111122223333/"
	queues := []Queue{
		{LogicalID: "Dead", Name: "dead", ARN: arn + "dead", URL: url + "dead", VisibilityTimeout: 30, Retention: 345_600},
		{
			LogicalID: "Work", Name: "stack-Work", ARN: arn + "stack-Work", URL: url + "stack-Work", VisibilityTimeout: 600, Retention: 345_600,
			DeadLetters: arn + "dead", MaxReceives: 4, Encrypted: true,
		},
	}
	if diff := cmp.Diff(queues, got.Queues); diff != "" {
		t.Errorf("queues (-want +got):\n%s", diff)
	}
	schedules := []Schedule{{
		LogicalID: "Timer", Name: "stack-Timer", Expression: "rate(1 day)", Target: "arn:aws:lambda:eu-central-1:111122223333:function:stack-Files",
		Input: url + "stack-Work", Role: "role",
	}}
	if diff := cmp.Diff(schedules, got.Schedules); diff != "" {
		t.Errorf("schedules (-want +got):\n%s", diff)
	}
	events := []QueueEvent{{Event: "Work", Queue: arn + "stack-Work", BatchSize: 10, MaximumConcurrency: 3, BatchItemFailures: true}}
	if diff := cmp.Diff(events, got.Functions[0].Queues); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestFaultsOfQueuesAndSchedules(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ old, changed, want string }{
		"a property nobody reads": {"VisibilityTimeout: 600", "FifoQueue: true", "Resources/Work"},
		"an event nobody reads":   {"FunctionResponseTypes", "StartingPosition", "Resources/Files: Events/Work"},
		"a queue switched off":    {"FunctionResponseTypes: [ReportBatchItemFailures]", "Enabled: false", "disabled"},
		"a schedule of nothing":   {"ScheduleExpression: rate(1 day)", "Description: none", "Resources/Timer"},
		"an unknown attribute":    {"!GetAtt Dead.Arn", "!GetAtt Dead.Url", "Url"},
		"an unknown role":         {"RoleArn: !GetAtt Role.Arn", "RoleArn: arn:aws:iam::111122223333:role/nobody", "nobody"},
		"a queue that isn't here": {"Queue: !GetAtt Work.Arn", "Queue: arn:aws:sqs:eu-central-1:111122223333:elsewhere", "elsewhere"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := polled(t, func(text string) string {
				if !strings.Contains(text, c.old) {
					t.Fatalf("the template has no %q", c.old)
				}
				return strings.Replace(text, c.old, c.changed, 1)
			})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}
