package template

import (
	"errors"
	"strings"
)

func (s *stack) addQueue(out *Template, r resource, name string, properties map[string]any) error {
	p := struct {
		QueueName                                 string
		VisibilityTimeout, MessageRetentionPeriod number
		SqsManagedSseEnabled                      flag
		RedrivePolicy                             *struct {
			DeadLetterTargetArn string `json:"deadLetterTargetArn"`
			MaxReceiveCount     number `json:"maxReceiveCount"`
		}
		RedriveAllowPolicy, Tags any
	}{VisibilityTimeout: 30, MessageRetentionPeriod: 345_600} // "SetQueueAttributes"
	if err := read(properties, &p); err != nil {
		return err
	}
	queue := Queue{
		LogicalID: r.logicalID, Name: name, ARN: kinds[r.kind].arn(s.in, "", name), URL: queueURL(s.in, name),
		VisibilityTimeout: int(p.VisibilityTimeout), Retention: int(p.MessageRetentionPeriod), Encrypted: bool(p.SqsManagedSseEnabled),
	}
	if p.RedrivePolicy != nil {
		queue.DeadLetters, queue.MaxReceives = p.RedrivePolicy.DeadLetterTargetArn, int(p.RedrivePolicy.MaxReceiveCount)
	}
	out.Queues = append(out.Queues, queue)
	return nil
}

func (t *Template) addSchedule(r resource, name string, properties map[string]any) error {
	var p struct {
		Name, Description, ScheduleExpression, ScheduleExpressionTimezone, State string
		FlexibleTimeWindow                                                       struct {
			Mode                   string
			MaximumWindowInMinutes number
		}
		Target struct {
			Arn, RoleArn, Input string
			DeadLetterConfig    struct{ Arn string }
			RetryPolicy         any
		}
	}
	if err := read(properties, &p); err != nil {
		return err
	}
	if p.ScheduleExpression == "" || p.Target.Arn == "" || p.Target.RoleArn == "" {
		return errors.New("want a ScheduleExpression and a Target with Arn and RoleArn")
	}
	t.Schedules = append(t.Schedules, Schedule{
		LogicalID: r.logicalID, Name: name, Expression: p.ScheduleExpression, Enabled: p.State != "DISABLED",
		Window: int(p.FlexibleTimeWindow.MaximumWindowInMinutes), Target: p.Target.Arn, Input: p.Target.Input,
		Role: p.Target.RoleArn[strings.LastIndex(p.Target.RoleArn, "/")+1:], DeadLetters: p.Target.DeadLetterConfig.Arn,
	})
	return nil
}

// Queue returns the queue with this ARN, and whether there is one.
func (t *Template) Queue(arn string) (Queue, bool) {
	for _, q := range t.Queues {
		if q.ARN == arn {
			return q, true
		}
	}
	return Queue{}, false
}
