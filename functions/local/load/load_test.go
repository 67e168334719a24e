// Package load_test has many callers at once use everything that Arngate runs on loopback, and looks at what that leaves behind.
package load_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

var duration = flag.Duration("duration", 3*time.Second, "how long the load lasts")

const (
	callers = 64
	phases  = 6 // of which the first only warms up
	// heapGrowth is what may lie about in the heap after a phase that did not after the first, in bytes.
	heapGrowth = 8 << 20
	// strayGrowth is how many goroutines and file descriptors may: those of the runtime itself come and go.
	strayGrowth = 4
	// settleTime is how long what has been asked may take to end.
	settleTime = 10 * time.Second
)

// No request of many callers fails, and none leaves anything behind: not memory, nor goroutines, nor file descriptors.
func TestLoad(t *testing.T) {
	s := start(t)
	mix := newMix(t, s)
	var total vegeta.Metrics
	var left []footprint
	for range phases {
		s.attack(t, mix, *duration/phases, &total)
		left = append(left, s.settle(t))
	}
	total.Close()
	if total.Success < 1 || len(total.Errors) > 0 {
		t.Errorf("%.4f%% of %d requests succeeded: %v, %q", 100*total.Success, total.Requests, total.StatusCodes, total.Errors)
	}
	if total.Requests < callers*phases {
		t.Errorf("%d requests are no load", total.Requests)
	}
	mix.checkUsed(t)
	warm, last := left[0], left[len(left)-1]
	t.Logf("after each phase: %+v", left)
	if last.heap > warm.heap+heapGrowth {
		t.Errorf("the heap has grown from %d to %d bytes", warm.heap, last.heap)
	}
	if last.goroutines > warm.goroutines+strayGrowth {
		t.Errorf("there are %d goroutines, and were %d:\n%s", last.goroutines, warm.goroutines, stacks())
	}
	if last.files > warm.files+strayGrowth {
		t.Errorf("there are %d file descriptors, and were %d", last.files, warm.files)
	}
	t.Attr("requests", fmt.Sprint(total.Requests))
	t.Attr("requests-per-second", fmt.Sprintf("%.0f", total.Throughput))
	t.Attr("ms-p50", fmt.Sprintf("%.2f", 1000*total.Latencies.P50.Seconds()))
	t.Attr("ms-p99", fmt.Sprintf("%.2f", 1000*total.Latencies.P99.Seconds()))
	t.Attr("heap-growth-MB", fmt.Sprintf("%.2f", (float64(last.heap)-float64(warm.heap))/1e6))
	t.Attr("goroutine-growth", fmt.Sprint(last.goroutines-warm.goroutines))
	t.Attr("file-growth", fmt.Sprint(last.files-warm.files))
	t.Attr("failed", fmt.Sprint(total.Requests-uint64(float64(total.Requests)*total.Success+0.5)))
}

// footprint is what the process holds when nothing is asked of it.
type footprint struct {
	heap              uint64
	goroutines, files int
}

// settle waits until nothing runs, and says what is there then.
func (s *server) settle(t *testing.T) footprint {
	t.Helper()
	s.rest()
	var now footprint
	for deadline := time.Now().Add(settleTime); time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
		if goroutines := runtime.NumGoroutine(); goroutines == now.goroutines {
			break
		} else {
			now.goroutines = goroutines
		}
	}
	runtime.GC()
	runtime.GC() // what pools have kept goes with the second
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	now.heap = memory.HeapAlloc
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		now.files = len(files)
	}
	return now
}

func stacks() string {
	text := make([]byte, 1<<16)
	return string(text[:runtime.Stack(text, true)])
}

// attack sends the mix as fast as it is answered, to so many callers as there are.
func (s *server) attack(t *testing.T, m *mix, lasting time.Duration, total *vegeta.Metrics) {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: callers}
	defer transport.CloseIdleConnections()
	attacker := vegeta.NewAttacker(vegeta.Workers(callers), vegeta.MaxWorkers(callers),
		vegeta.Client(&http.Client{Transport: transport, Timeout: 30 * time.Second}))
	told := 0
	for result := range attacker.Attack(m.next, vegeta.ConstantPacer{}, lasting, "load") {
		if result.Code/100 != 2 && told < 5 {
			told++
			t.Logf("%s %s: %d %s %s", result.Method, result.URL, result.Code, result.Error, result.Body)
		}
		total.Add(result)
	}
}

// checkUsed fails the test if a part of the mix was never sent, or named no route of the template.
func (m *mix) checkUsed(t *testing.T) {
	t.Helper()
	for i := range m.parts {
		if m.parts[i].sent.Load() == 0 {
			t.Errorf("%s %s was never sent", m.parts[i].method, m.parts[i].path)
		}
	}
	for _, function := range []string{"dynamodb", "s3", "lambda", "me"} {
		if !slices.ContainsFunc(m.parts, func(p *part) bool { return strings.HasPrefix(p.path, "/v1/"+function) }) {
			t.Errorf("nothing is asked of %s", function)
		}
	}
}
