package runtimeapi_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/functions/local/runtimeapi"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/localaws"
)

// firsts are a function's first answer, and those that follow: the tier of the credentials, where there are any.
var firsts = map[string]struct{ event, first, following string }{
	"ConfigurationFunction": {"configuration-list-providers", "", ""},
	"AuditApiFunction":      {"auditapi-verify-provider", "", ""},
	"DynamodbFunction":      {"dynamodb-list-tables", "minted", "memory"},
	"S3Function":            {"s3-list-objects", "minted", "memory"},
	"LambdaFunction":        {"lambda-list-functions", "minted", "memory"},
}

// Every executable that is invoked by API Gateway answers its first event and those that follow, in one environment that is
// frozen in between.
func TestFirstAndFollowingInvocations(t *testing.T) {
	t.Parallel()
	w := newWorld(t, deploymenttest.Options{})
	var reached []string
	for _, r := range w.Template.Routes {
		reached = append(reached, r.Function)
	}
	for _, declared := range w.Template.Functions {
		if !slices.Contains(reached, declared.LogicalID) {
			continue // events of other kinds have tests of their own
		}
		t.Run(declared.LogicalID, func(t *testing.T) {
			t.Parallel()
			expected, ok := firsts[declared.LogicalID]
			if !ok {
				t.Fatal("nobody has said how this function begins")
			}
			f := w.function(t, declared.LogicalID, nil)
			for i, tier := range []string{expected.first, expected.following, expected.following} {
				a := mustInvoke(t, f, event(t, expected.event, nil), http.StatusOK)
				if a.credentials() != tier || a.Cold != (i == 0) || a.Environment != 1 {
					t.Errorf("answer %d is %q, cold %t, from environment %d; want %q from 1", i, a.credentials(), a.Cold, a.Environment, tier)
				}
				untilFrozen(t, f)
			}
		})
	}
}

// The executables that schedule and queue invoke do their work the first time and the following ones, too.
func TestInvocationsByScheduleAndQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, deploymenttest.Options{})
	for _, c := range []struct{ function, event, action string }{
		{"AuditScheduleFunction", "auditschedule-run", "sqs:SendMessage"},
		{"AuditWorkerFunction", "auditworker-audits", "sts:AssumeRole"},
	} {
		f := w.function(t, c.function, nil)
		for i := range 2 {
			w.AWS.ResetCalls()
			result, err := f.Invoke(t.Context(), runtimeapi.Invocation{Payload: event(t, c.event, nil)})
			if err != nil || result.Cold != (i == 0) || result.Environment != 1 || strings.Contains(string(result.Payload), "itemIdentifier") {
				t.Errorf("%s, invocation %d: %s, cold %t, from environment %d, %v", c.function, i, result.Payload, result.Cold, result.Environment, err)
			}
			asked := slices.ContainsFunc(w.AWS.Calls(), func(call localaws.Call) bool { return call.Action == c.action && call.Allowed })
			if !asked && (i == 0 || len(w.AWS.Calls()) == 0) { // the same message again is one of an audit that is done
				t.Errorf("%s, invocation %d: AWS was asked for no %s", c.function, i, c.action)
			}
			untilFrozen(t, f)
		}
	}
}

// Invocations at the same time start environments of their own. One mints, and those that come later find it in the table.
func TestSeveralEnvironments(t *testing.T) {
	t.Parallel()
	w := newWorld(t, deploymenttest.Options{})
	f := w.function(t, "DynamodbFunction", nil)
	var mu sync.Mutex
	tiers := map[string]int{}
	together := func(n int) {
		var all sync.WaitGroup
		for range n {
			all.Go(func() {
				a, err := invoke(t, f, event(t, "dynamodb-list-tables", nil))
				if err != nil || a.Status != http.StatusOK {
					t.Errorf("got %d %s, %v", a.Status, a.Body, err)
				}
				mu.Lock()
				defer mu.Unlock()
				tiers[a.credentials()]++
			})
		}
		all.Wait()
	}
	w.AWS.Inject(localaws.Fault{Service: "dynamodb", Operation: "ListTables", Delay: time.Second}) // so that they meet
	together(4)
	if got := len(f.Environments()); got != 4 {
		t.Errorf("%d environments, want 4", got)
	}
	if tiers["minted"] != 1 || tiers["table"] != 3 {
		t.Errorf("credentials: %v, want one mint for all", tiers)
	}
	together(4)
	if got := len(f.Environments()); got != 4 || tiers["memory"] != 4 {
		t.Errorf("%d environments, want the same 4 again; credentials: %v", got, tiers)
	}
}

// An environment that is faulty says all that is wrong with it, in its log, and asks AWS for nothing.
func TestInitErrorOfABadEnvironment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, deploymenttest.Options{})
	for _, declared := range w.Template.Functions {
		t.Run(declared.LogicalID, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			f := w.function(t, declared.LogicalID, func(o *runtimeapi.Options) {
				o.Output = &log
				o.Environment = func() (map[string]string, error) {
					return map[string]string{"AWS_ENDPOINT_URL": "not an address", "ARNGATE_KEY_ARN": "key/k", "ARNGATE_LOG_LEVEL": "loud"}, nil
				}
			})
			for range 2 { // a new environment is tried each time
				_, err := f.Invoke(t.Context(), runtimeapi.Invocation{Payload: []byte(`{}`)})
				failed, ok := errors.AsType[*runtimeapi.Error](err)
				if !ok || failed.Type != runtimeapi.ExitError || !strings.HasSuffix(failed.Message, "exit status 1") {
					t.Errorf("got %v, want an exit with status 1", err)
				}
			}
			f.Close()
			for _, want := range []string{"AWS_REGION", "LogLevel", "Endpoint"} {
				if !strings.Contains(log.String(), want) {
					t.Errorf("the log does not name %s:\n%s", want, log.String())
				}
			}
			if strings.Contains(log.String(), "goroutine") {
				t.Errorf("the log is a stack trace:\n%s", log.String())
			}
		})
	}
}

// A function answers before its time is over, whatever AWS does, and goes on after that.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	w := newWorld(t, deploymenttest.Options{})
	f := w.function(t, "DynamodbFunction", func(o *runtimeapi.Options) { o.Timeout = 4 * time.Second })
	mustInvoke(t, f, event(t, "dynamodb-list-tables", nil), http.StatusOK)
	w.AWS.Inject(localaws.Fault{Service: "dynamodb", Operation: "ListTables", Delay: time.Hour})
	a := mustInvoke(t, f, event(t, "dynamodb-list-tables", nil), http.StatusGatewayTimeout)
	if !strings.Contains(a.Body, "deadline_exceeded") {
		t.Errorf("got %s, want deadline_exceeded", a.Body)
	}
	w.AWS.ClearFaults()
	if a := mustInvoke(t, f, event(t, "dynamodb-list-tables", nil), http.StatusOK); a.Environment != 1 {
		t.Errorf("environment %d, want the first: it has answered in time", a.Environment)
	}
}

// What does not answer in time is killed, and the next invocation has a new environment.
func TestDeadlineThatPasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, deploymenttest.Options{})
	// A first request, of which there are two, has the time, too: a busy machine takes seconds for it.
	f := w.function(t, "DynamodbFunction", func(o *runtimeapi.Options) { o.Timeout, o.Freeze = 8*time.Second, false })
	mustInvoke(t, f, event(t, "dynamodb-list-tables", nil), http.StatusOK)
	w.AWS.Inject(localaws.Fault{Service: "dynamodb", Operation: "ListTables", Delay: time.Second})
	arrived, ended := w.arrivals(), make(chan error, 1)
	go func() {
		_, err := invoke(t, f, event(t, "dynamodb-list-tables", nil))
		ended <- err
	}()
	<-arrived // it has asked for work, and has it
	hang(t, f.Environments()[0].PID)
	err := <-ended
	failed, ok := errors.AsType[*runtimeapi.Error](err)
	if !ok || failed.Type != runtimeapi.Timeout || !strings.Contains(failed.Message, "Task timed out after 8.00 seconds") {
		t.Errorf("got %v, want %s", err, runtimeapi.Timeout)
	}
	if a := mustInvoke(t, f, event(t, "dynamodb-list-tables", nil), http.StatusOK); !a.Cold || a.credentials() != "table" {
		t.Errorf("cold %t, credentials %s; want a new environment with what lies in the table", a.Cold, a.credentials())
	}
}

// SIGTERM ends an environment at once: frozen, idle, or in the middle of an invocation, which then has no answer.
func TestSIGTERM(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ freeze, busy bool }{
		"frozen": {freeze: true}, "idle": {}, "in the middle of an invocation": {busy: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, deploymenttest.Options{})
			var log bytes.Buffer
			f := w.function(t, "DynamodbFunction", func(o *runtimeapi.Options) { o.Freeze, o.Output = c.freeze, &log })
			mustInvoke(t, f, event(t, "dynamodb-list-tables", nil), http.StatusOK)
			if c.freeze {
				untilFrozen(t, f)
			}
			ended := make(chan error, 1)
			if c.busy {
				w.AWS.Inject(localaws.Fault{Service: "dynamodb", Operation: "ListTables", Delay: 500 * time.Millisecond})
				arrived := w.arrivals()
				go func() {
					_, err := invoke(t, f, event(t, "dynamodb-list-tables", nil))
					ended <- err
				}()
				<-arrived
			} else {
				ended <- &runtimeapi.Error{Type: runtimeapi.ExitError}
			}
			began := time.Now()
			f.Close()
			if took := time.Since(began); took > time.Second {
				t.Errorf("it took %s to end", took)
			}
			if failed, ok := errors.AsType[*runtimeapi.Error](<-ended); !ok || failed.Type != runtimeapi.ExitError {
				t.Errorf("got %v, want %s", failed, runtimeapi.ExitError)
			}
			if strings.Contains(log.String(), "goroutine") {
				t.Errorf("it ended in a panic:\n%s", log.String())
			}
		})
	}
}

// trap 13: one environment runs several invocations at a time. Each answer is for its own question, under its own user.
func TestTrap13ConcurrentInvocations(t *testing.T) {
	t.Parallel()
	w := newWorld(t, deploymenttest.Options{})
	f := w.function(t, "DynamodbFunction", func(o *runtimeapi.Options) { o.Concurrency = 8 })
	mustInvoke(t, f, event(t, "dynamodb-list-tables", nil), http.StatusOK)
	var all sync.WaitGroup
	slots := make(chan struct{}, 8)
	for i := range 200 {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			marker := fmt.Sprintf("o-%03d", 1000+i)
			put := event(t, "dynamodb-put-item", withBody(fmt.Sprintf(`{"item":{"id":%q,"marker":"m-%s"}}`, marker, marker)))
			if a, err := invoke(t, f, put); err != nil || a.Status != http.StatusOK {
				t.Errorf("%s: got %d %s, %v", marker, a.Status, a.Body, err)
			}
			get := event(t, "dynamodb-get-item", withQuery("key", fmt.Sprintf(`{"id":%q}`, marker)))
			if a, err := invoke(t, f, get); err != nil || !strings.Contains(a.Body, "m-"+marker) {
				t.Errorf("%s: got %d %s, %v", marker, a.Status, a.Body, err)
			}
		})
	}
	all.Wait()
	if got := len(f.Environments()); got != 1 {
		t.Errorf("%d environments, want 1 that runs 8 at a time", got)
	}
}

// No answer is over what Lambda takes: what would be is a problem of ours, never an error of the invocation.
func TestAnswersOfTheGreatestSize(t *testing.T) {
	t.Parallel()
	w := newWorld(t, deploymenttest.Options{})
	f := w.function(t, "S3Function", nil)
	files := awss3.NewFromConfig(w.Customer(), func(o *awss3.Options) { o.UsePathStyle = true })
	for name, c := range map[string]struct {
		unit   string
		size   int
		status int
	}{
		"4 MiB of bytes that base64 makes longer": {"\xff", 4 << 20, http.StatusOK},
		"4 MiB of text": {"x", 4 << 20, http.StatusOK},
		"4 MiB of text that JSON makes twice as long": {"\"", 4 << 20, http.StatusOK},
		"4 MiB that JSON makes six times as long":     {"\x00", 4 << 20, http.StatusOK},
		"one byte more": {"x", 4<<20 + 1, http.StatusRequestEntityTooLarge},
	} {
		content := strings.Repeat(c.unit, c.size)
		_, err := files.PutObject(t.Context(), &awss3.PutObjectInput{
			Bucket: aws.String(demosite.Bucket), Key: aws.String("reports/large"), Body: strings.NewReader(content), ContentType: aws.String("text/plain"),
		})
		if err != nil {
			t.Fatal(err)
		}
		a := mustInvoke(t, f, event(t, "s3-get-object", withQuery("key", "reports/large", "delivery", "inline")), c.status)
		if c.status == http.StatusOK && a.decoded(t) != content {
			t.Errorf("%s: the answer has %d bytes, want what was stored", name, len(a.decoded(t)))
		}
		if c.status != http.StatusOK && !strings.Contains(a.Body, "payload_too_large") {
			t.Errorf("%s: got %s", name, a.Body)
		}
	}
}

// What is built here is built as the Makefile builds it for Lambda.
func TestBuiltAsForLambda(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile(filepath.Join(deploymenttest.Root(t), "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `CGO_ENABLED=0 GOOS=linux go build -tags lambda.norpc -trimpath -buildvcs=false -ldflags "-s -w"`
	if !strings.Contains(string(makefile), want) {
		t.Errorf("the Makefile builds otherwise: change Build of this package, too. Want %s", want)
	}
}

// order is an order, as the customer's administrator sees it.
func (w *world) order(t *testing.T, id string) map[string]types.AttributeValue {
	t.Helper()
	out, err := awsdynamodb.NewFromConfig(w.Customer()).GetItem(t.Context(), &awsdynamodb.GetItemInput{
		TableName: aws.String(demosite.Table), Key: map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: id}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Item
}
