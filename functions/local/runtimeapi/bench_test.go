package runtimeapi_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/functions/local/runtimeapi"
)

// floors are the functions whose cold start has something to be measured against, and the event that both answer.
var floors = []struct{ logicalID, floor, event string }{
	{"DynamodbFunction", "dynamodb", "dynamodb-list-tables"},
	{"S3Function", "s3", "s3-list-buckets"},
	{"LambdaFunction", "lambda", "lambda-list-functions"},
	{"ConfigurationFunction", "configuration", "configuration-list-providers"},
}

// BenchmarkColdStart is the time from the start of a function's process to its first answer, against that of a bare program with
// the same clients, which makes one call of AWS: in turn. Another instance has left credentials in the table.
func BenchmarkColdStart(b *testing.B) {
	w := newWorld(b, deploymenttest.Options{})
	if err := w.AWS.AddKey(deployment.Account, deployment.Region, floorKey, floorKeyPolicy); err != nil {
		b.Fatal(err)
	}
	for _, c := range floors {
		b.Run(c.floor, func(b *testing.B) {
			bare := w.bare(b, c.floor)
			sent, same := event(b, c.event, nil), event(b, c.event, withGateway(w))
			cold(b, w, c.logicalID, quiet, sent) // leaves credentials in the table
			var ours, floor, alike []time.Duration
			for b.Loop() {
				floor = append(floor, cold(b, w, c.logicalID, bare, sent))
				ours = append(ours, cold(b, w, c.logicalID, quiet, sent))
				alike = append(alike, cold(b, w, c.logicalID, bare, same))
			}
			slices.Sort(alike)
			report(b, ours, floor)
			b.ReportMetric(float64(ours[len(ours)/2])/float64(alike[len(alike)/2]), "x-same-calls-p50")
			b.ReportMetric(float64(alike[len(alike)/2].Microseconds())/1000, "same-calls-ms-p50")
			size(b, w, c.logicalID)
		})
	}
}

// quiet has a function run without being frozen or heard.
func quiet(o *runtimeapi.Options) { o.Freeze, o.Output = false, io.Discard }

// bare has the bare program run in place of a function, with an administrator's credentials.
func (w *world) bare(b *testing.B, floor string) func(*runtimeapi.Options) {
	b.Helper()
	administrator, err := w.Operator().Credentials.Retrieve(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return func(o *runtimeapi.Options) {
		quiet(o)
		own := o.Environment
		o.Executable = executable(b, "./functions/local/bench/floor/"+floor)
		o.Environment = func() (map[string]string, error) {
			variables, err := own()
			maps.Copy(variables, map[string]string{
				"AWS_ACCESS_KEY_ID": administrator.AccessKeyID, "AWS_SECRET_ACCESS_KEY": administrator.SecretAccessKey, "AWS_SESSION_TOKEN": "",
			})
			return variables, err
		}
	}
}

// floorKey is a key that anybody in the gateway's account may use.
const (
	floorKey       = "0f100f10-0f10-4f10-8f10-0f100f100f10"
	floorKeyPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + deployment.Account + `:root"},"Action":"kms:*","Resource":"*"}]}`
)

// withGateway has the bare program make the calls for which a connection can't do without.
func withGateway(w *world) func(map[string]any) {
	declared, _ := w.Template.Function("DynamodbFunction")
	return func(event map[string]any) {
		event["floor"] = map[string]string{
			"registry": declared.Environment["ARNGATE_REGISTRY_TABLE"], "cache": declared.Environment["ARNGATE_CREDENTIAL_CACHE_TABLE"],
			"key": "arn:aws:kms:" + deployment.Region + ":" + deployment.Account + ":key/" + floorKey,
		}
	}
}

// cold is how long a new environment takes to answer.
func cold(b *testing.B, w *world, logicalID string, change func(*runtimeapi.Options), sent []byte) time.Duration {
	b.Helper()
	began, _, answered := coldly(b, w, logicalID, change, sent)
	return answered.Sub(began)
}

// coldly has a new environment answer, and returns when it was started, when it was handed the event, and when it had answered.
func coldly(
	b *testing.B, w *world, logicalID string, change func(*runtimeapi.Options), sent []byte,
) (began, handed, answered time.Time) {
	b.Helper()
	f := w.function(b, logicalID, change)
	defer f.Close()
	began = time.Now()
	result, err := f.Invoke(b.Context(), runtimeapi.Invocation{Payload: sent})
	answered = time.Now()
	if err != nil || strings.Contains(string(result.Payload), `"code":`) {
		b.Fatalf("%s, %v", result.Payload, err)
	}
	return began, result.Handed, answered
}

// report is how many times as long ours take, and how long.
func report(b *testing.B, ours, direct []time.Duration) {
	b.Helper()
	slices.Sort(ours)
	slices.Sort(direct)
	for _, percent := range []int{50, 95, 99} {
		at := len(ours) * percent / 100
		b.ReportMetric(float64(ours[at])/float64(direct[at]), fmt.Sprintf("x-p%d", percent))
	}
	b.ReportMetric(float64(ours[len(ours)/2].Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(direct[len(direct)/2].Microseconds())/1000, "floor-ms-p50")
}

// size is how large the executable is.
func size(b *testing.B, w *world, logicalID string) {
	b.Helper()
	declared, _ := w.Template.Function(logicalID)
	info, err := os.Stat(executable(b, declared.Package))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/1e6, "MB-executable")
}

const (
	residentRequests    = 10_000
	residentConcurrency = 64
)

// BenchmarkResident is the memory that an environment holds after 10,000 requests, 64 at a time.
func BenchmarkResident(b *testing.B) {
	w := newWorld(b, deploymenttest.Options{})
	for _, c := range floors {
		b.Run(c.floor, func(b *testing.B) {
			for b.Loop() {
				resident(b, w, c.logicalID, event(b, c.event, nil))
			}
		})
	}
}

func resident(b *testing.B, w *world, logicalID string, sent []byte) {
	b.Helper()
	f := w.function(b, logicalID, func(o *runtimeapi.Options) {
		o.Freeze, o.Output, o.Concurrency = false, io.Discard, residentConcurrency
	})
	defer f.Close()
	mustInvoke(b, f, sent, http.StatusOK)
	var all sync.WaitGroup
	for range residentConcurrency {
		all.Go(func() {
			for range residentRequests / residentConcurrency {
				if a, err := invoke(b, f, sent); err != nil || a.Status != http.StatusOK {
					b.Errorf("got %d %s, %v", a.Status, a.Body, err)
					return
				}
			}
		})
	}
	all.Wait()
	w.AWS.ResetCalls()
	environments := f.Environments()
	if len(environments) != 1 {
		b.Fatalf("%d environments, want 1", len(environments))
	}
	for name, unit := range map[string]string{"VmRSS": "MB-resident", "VmHWM": "MB-peak"} {
		b.ReportMetric(memory(b, environments[0].PID, name), unit)
	}
}

// memory is a line of a process's status, in megabytes.
func memory(b *testing.B, pid int, name string) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), name+":")
	kilobytes, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		b.Fatal(err)
	}
	return float64(kilobytes) * 1024 / 1e6
}
