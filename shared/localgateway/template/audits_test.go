package template_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/audit/archive"
	"github.com/arngate/arngate/shared/localgateway/template"
	"github.com/arngate/arngate/shared/policy"
)

const day = 24 * 60 * 60

func queueOf(t *testing.T, resolved *template.Template, logicalID string) template.Queue {
	t.Helper()
	for _, q := range resolved.Queues {
		if q.LogicalID == logicalID {
			return q
		}
	}
	t.Fatalf("no queue %s", logicalID)
	return template.Queue{}
}

// A message that a worker holds is no other worker's, what is given up lies for two weeks, and nothing lies in plain text.
func TestRepositoryQueueFitsItsWorker(t *testing.T) {
	t.Parallel()
	resolved := load(t, func(in *template.Inputs) { in.Parameters["AuditConcurrency"] = "7" })
	worker, _ := resolved.Function("AuditWorkerFunction")
	queue, dead, failed := queueOf(t, resolved, "AuditQueue"), queueOf(t, resolved, "AuditDeadLetters"), queueOf(t, resolved, "AuditScheduleDeadLetters")
	want := []template.QueueEvent{{Event: "Audits", Queue: queue.ARN, BatchSize: 10, MaximumConcurrency: 7, BatchItemFailures: true}}
	if diff := cmp.Diff(want, worker.Queues); diff != "" {
		t.Errorf("what the worker polls (-want +got):\n%s", diff)
	}
	// "Configuring an Amazon SQS queue to trigger an AWS Lambda function": six times the function's timeout.
	if queue.VisibilityTimeout < 6*worker.Timeout {
		t.Errorf("messages are hidden for %d s, and the worker has %d s", queue.VisibilityTimeout, worker.Timeout)
	}
	// The worker says that an audit has failed when its message comes for the third time, and whoever reads one that no worker has
	// ended does when it comes no more.
	if lost := time.Duration(queue.VisibilityTimeout*queue.MaxReceives) * time.Second; archive.LostAfter != lost {
		t.Errorf("an audit is lost after %v, want %v: while its message may come, it isn't", archive.LostAfter, lost)
	}
	if kept := time.Duration(queue.Retention) * time.Second; archive.ForgottenAfter != kept {
		t.Errorf("an audit is forgotten after %v, want %v, as its message", archive.ForgottenAfter, kept)
	}
	if worker.Timeout > 120 || queue.VisibilityTimeout > 12*60 {
		t.Errorf("what failed is tried again after %d s, and an invocation takes up to %d s: too long for whoever waits", queue.VisibilityTimeout, worker.Timeout)
	}
	if queue.DeadLetters != dead.ARN || queue.MaxReceives != 5 {
		t.Errorf("messages go to %q after %d receives, want %q after 5", queue.DeadLetters, queue.MaxReceives, dead.ARN)
	}
	for _, q := range []template.Queue{dead, failed} {
		if q.Retention != 14*day || q.Retention <= queue.Retention || q.DeadLetters != "" {
			t.Errorf("%s keeps messages for %d s", q.LogicalID, q.Retention)
		}
	}
	for _, q := range resolved.Queues {
		if !q.Encrypted {
			t.Errorf("%s is not encrypted", q.LogicalID)
		}
	}
}

// The schedule starts the one function, under a role that may do nothing else; what could not be started, or failed, is kept.
func TestRepositorySchedule(t *testing.T) {
	t.Parallel()
	resolved := load(t, func(in *template.Inputs) { in.Parameters["AuditSchedule"] = "rate(6 hours)" })
	function, _ := resolved.Function("AuditScheduleFunction")
	failed := queueOf(t, resolved, "AuditScheduleDeadLetters").ARN
	role := roleNamed(t, resolved, "SchedulerRole")
	want := []template.Schedule{{
		LogicalID: "AuditTimer", Name: "arngate-local-AuditTimer", Expression: "rate(6 hours)", Enabled: true, Window: 60,
		Target: function.ARN, Input: "{}", Role: role.Name, DeadLetters: failed,
	}}
	if diff := cmp.Diff(want, resolved.Schedules); diff != "" {
		t.Errorf("schedules (-want +got):\n%s", diff)
	}
	if function.OnFailure != failed || function.Retries != 2 {
		t.Errorf("invocations that fail go to %q after %d retries", function.OnFailure, function.Retries)
	}
	off := load(t, func(in *template.Inputs) { in.Parameters["AuditScheduleState"] = "DISABLED" })
	if off.Schedules[0].Enabled {
		t.Error("the schedule can't be disabled")
	}
	trust, err := policy.Parse([]byte(role.Trust))
	if err != nil {
		t.Fatal(err)
	}
	const group = "arn:aws:scheduler:eu-central-1:111122223333:schedule-group/"
	for _, c := range []struct {
		service, account, source string
		want                     policy.Verdict
	}{
		{"scheduler.amazonaws.com", "111122223333", group + "default", policy.Allowed},
		{"scheduler.amazonaws.com", "111122223333", group + "others", policy.ImplicitlyDenied},
		{"scheduler.amazonaws.com", "999999999999", group + "default", policy.ImplicitlyDenied},
		{"lambda.amazonaws.com", "111122223333", group + "default", policy.ImplicitlyDenied},
	} {
		got := policy.Evaluate(policy.Request{
			Action: "sts:AssumeRole", Resource: role.ARN, Principal: c.service, ResourceAccount: "111122223333",
			Context: policy.Context{
				"aws:PrincipalIsAWSService": {"true"}, "aws:SourceAccount": {c.account}, "aws:SourceArn": {c.source},
			},
		}, policy.Policies{Resource: trust}).Verdict
		if got != c.want {
			t.Errorf("%s for %s of %s: got %v, want %v", c.service, c.source, c.account, got, c.want)
		}
	}
}

// How long audits are kept, where findings are told and which, is the operator's choice.
func TestRepositoryAuditSettings(t *testing.T) {
	t.Parallel()
	resolved := load(t, func(in *template.Inputs) {
		in.Parameters["AuditRetentionDays"], in.Parameters["EventBus"] = "30", "security"
		in.Parameters["EventSeverity"], in.Parameters["AuditSpreadSeconds"] = "critical", "60"
	})
	worker, _ := resolved.Function("AuditWorkerFunction")
	schedule, _ := resolved.Function("AuditScheduleFunction")
	api, _ := resolved.Function("AuditApiFunction")
	got := []string{
		worker.Environment["ARNGATE_AUDIT_RETENTION_DAYS"], api.Environment["ARNGATE_AUDIT_RETENTION_DAYS"],
		worker.Environment["ARNGATE_EVENT_BUS"], worker.Environment["ARNGATE_EVENT_SEVERITY"],
		schedule.Environment["ARNGATE_AUDIT_SPREAD_SECONDS"],
	}
	if diff := cmp.Diff([]string{"30", "30", "security", "critical", "60"}, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	for _, table := range resolved.Tables {
		if table.LogicalID == "Audits" && (table.TTLAttribute != "expires_at" || table.PartitionKey.Name != "pk" || table.SortKey.Name != "sk") {
			t.Errorf("the table isn't as the code has it: %+v", table)
		}
	}
}

func TestRepositoryAuditRights(t *testing.T) {
	t.Parallel()
	const scheduleRole, schedulerRole = "AuditScheduleRole", "SchedulerRole"
	const queues, functions = "arn:aws:sqs:eu-central-1:111122223333:arngate-local-", "arn:aws:lambda:eu-central-1:111122223333:function:arngate-local-"
	const bus = "arn:aws:events:eu-central-1:111122223333:event-bus/"
	resolved := load(t, nil)
	scan := func(which string, attributes ...string) policy.Context {
		return policy.Context{"dynamodb:Select": {which}, "dynamodb:Attributes": attributes}
	}
	source := func(name string) policy.Context { return policy.Context{"events:source": {name}} }
	for _, test := range []struct {
		name, role, action, resource string
		context                      policy.Context
		want                         policy.Verdict
	}{
		{"lists keys", scheduleRole, "dynamodb:Scan", tables + "Registry", scan("SPECIFIC_ATTRIBUTES", "pk", "sk"), policy.Allowed},
		{"reads nothing else", scheduleRole, "dynamodb:Scan", tables + "Registry", scan("SPECIFIC_ATTRIBUTES", "pk", "secret"), policy.ImplicitlyDenied},
		{"reads not everything", scheduleRole, "dynamodb:Scan", tables + "Registry", scan("ALL_ATTRIBUTES"), policy.ImplicitlyDenied},
		{"reads nothing unnamed", scheduleRole, "dynamodb:Scan", tables + "Registry", policy.Context{"dynamodb:Select": {"SPECIFIC_ATTRIBUTES"}}, policy.ImplicitlyDenied},
		{"gets no provider", scheduleRole, "dynamodb:GetItem", tables + "Registry", nil, policy.ImplicitlyDenied},
		{"asks for audits", scheduleRole, "sqs:SendMessage", queues + "AuditQueue", nil, policy.Allowed},
		{"takes none", scheduleRole, "sqs:ReceiveMessage", queues + "AuditQueue", nil, policy.ImplicitlyDenied},
		{"assumes nobody", scheduleRole, "sts:AssumeRole", functionRole + "/skuid-assumable-role/app", nil, policy.ImplicitlyDenied},
		{"starts audits", schedulerRole, "lambda:InvokeFunction", functions + "AuditScheduleFunction", nil, policy.Allowed},
		{"starts no worker", schedulerRole, "lambda:InvokeFunction", functions + "AuditWorkerFunction", nil, policy.ImplicitlyDenied},
		{"sends no audits", schedulerRole, "sqs:SendMessage", queues + "AuditQueue", nil, policy.ImplicitlyDenied},
		{"tells the bus", gatewayRole, "events:PutEvents", bus + "default", source("arngate.audit"), policy.Allowed},
		{"tells no other bus", gatewayRole, "events:PutEvents", bus + "others", source("arngate.audit"), policy.ImplicitlyDenied},
		{"tells as nobody else", gatewayRole, "events:PutEvents", bus + "default", source("aws.ec2"), policy.ImplicitlyDenied},
		{"never scans audits", gatewayRole, "dynamodb:Scan", tables + "Audits", nil, policy.ImplicitlyDenied},
		{"leaves dead letters", gatewayRole, "sqs:ReceiveMessage", queues + "AuditDeadLetters", nil, policy.ImplicitlyDenied},
		{"sees no audits", configurationRole, "dynamodb:GetItem", tables + "Audits", nil, policy.ImplicitlyDenied},
	} {
		t.Run(test.role+" "+test.name, func(t *testing.T) {
			t.Parallel()
			decision := policy.Evaluate(policy.Request{
				Action: test.action, Resource: test.resource, Principal: roleNamed(t, resolved, test.role).ARN,
				ResourceAccount: "111122223333", Context: test.context,
			}, policy.Policies{Identity: documents(t, roleNamed(t, resolved, test.role))})
			if decision.Verdict != test.want {
				t.Errorf("got %v, want %v", decision.Verdict, test.want)
			}
		})
	}
}
