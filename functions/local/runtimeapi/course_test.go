package runtimeapi_test

import (
	"bytes"
	"maps"
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

// BenchmarkColdStartSteps is where a cold start's time goes, of a function and of the bare program, by what is seen from outside:
// when it asks for its event, when AWS has calls of it, and what the Go runtime says about packages' initialisers.
func BenchmarkColdStartSteps(b *testing.B) {
	w := newWorld(b, deploymenttest.Options{})
	if err := w.AWS.AddKey(deployment.Account, deployment.Region, floorKey, floorKeyPolicy); err != nil {
		b.Fatal(err)
	}
	for _, c := range floors {
		sent := event(b, c.event, nil)
		cold(b, w, c.logicalID, quiet, sent) // leaves credentials in the table
		for name, change := range map[string]func(*runtimeapi.Options){c.floor: quiet, c.floor + "-bare": w.bare(b, c.floor)} {
			b.Run(name, func(b *testing.B) {
				steps := map[string][]float64{}
				for b.Loop() {
					for step, took := range initialisers(b, w, c.logicalID, change, sent) {
						steps[step] = append(steps[step], took)
					}
					for step, took := range w.steps(b, c.logicalID, change, sent) {
						steps[step] = append(steps[step], took)
					}
				}
				for step, all := range steps {
					slices.Sort(all)
					b.ReportMetric(all[len(all)/2], step)
				}
			})
		}
	}
}

// course is what AWS sees of a cold start: from when to when it had a call. The nil course keeps nothing.
type course struct {
	mu    sync.Mutex
	calls [][2]time.Time
}

func (c *course) add(began, ended time.Time) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, [2]time.Time{began, ended})
}

// under is how long AWS had a call, one at least, between two times; each moment counts once.
func (c *course) under(from, to time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := slices.SortedFunc(slices.Values(c.calls), func(a, b [2]time.Time) int { return a[0].Compare(b[0]) })
	var sum time.Duration
	for _, call := range calls {
		if call[0].After(from) {
			from = call[0]
		}
		if end := call[1]; end.After(from) && to.After(from) {
			if end.After(to) {
				end = to
			}
			sum += end.Sub(from)
			from = end
		}
	}
	return sum
}

// steps starts an environment and returns, in milliseconds, what passed until it asked for its event, and from then to its answer:
// while AWS had a call of it, and otherwise.
func (w *world) steps(b *testing.B, logicalID string, change func(*runtimeapi.Options), sent []byte) map[string]float64 {
	b.Helper()
	seen := &course{}
	w.course.Store(seen)
	defer w.course.Store(nil)
	began, handed, answered := coldly(b, w, logicalID, change, sent)
	before, after := seen.under(began, handed), seen.under(handed, answered)
	return map[string]float64{
		"ms-to-event": milliseconds(handed.Sub(began)), "ms-to-event-at-AWS": milliseconds(before),
		"ms-to-answer": milliseconds(answered.Sub(handed) - after), "ms-to-answer-at-AWS": milliseconds(after),
		"calls": float64(len(seen.calls)),
	}
}

// initialisers starts an environment that says how long each package's initialisers take ("Environment Variables" of package
// runtime, GODEBUG=inittrace), and returns the sums in milliseconds, by whose they are.
func initialisers(b *testing.B, w *world, logicalID string, change func(*runtimeapi.Options), sent []byte) map[string]float64 {
	b.Helper()
	var said bytes.Buffer
	coldly(b, w, logicalID, func(o *runtimeapi.Options) {
		change(o)
		o.Output = &said
		own := o.Environment
		o.Environment = func() (map[string]string, error) {
			variables, err := own()
			maps.Copy(variables, map[string]string{"GODEBUG": "inittrace=1"})
			return variables, err
		}
	}, sent)
	sums := map[string]float64{"ms-init-SDK": 0, "ms-init-huma": 0, "ms-init-ours": 0, "ms-init-others": 0}
	for line := range strings.Lines(said.String()) {
		fields := strings.Fields(line) // init <package> @<when> ms, <duration> ms clock, ...
		if len(fields) < 6 || fields[0] != "init" {
			continue
		}
		took, err := strconv.ParseFloat(fields[4], 64)
		if err != nil {
			b.Fatalf("%s: %v", line, err)
		}
		sums[whose(fields[1])] += took
	}
	return sums
}

func whose(pkg string) string {
	for prefix, step := range map[string]string{
		"github.com/aws/": "ms-init-SDK", "github.com/danielgtaylor/huma/": "ms-init-huma", "github.com/arngate/": "ms-init-ours",
	} {
		if strings.HasPrefix(pkg, prefix) {
			return step
		}
	}
	return "ms-init-others"
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
