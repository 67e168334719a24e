package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const printed = `goos: linux
BenchmarkOverDirect/16KiB-2         	    2000	   1818346 ns/op	         1.396 x-p50	       396.0 µs-p50
=== RUN   TestHoursOfRequests
=== ATTR  TestHoursOfRequests hit-percent 99.253
=== ATTR  TestHoursOfRequests author nobody
PASS
`

func TestFiguresAreRead(t *testing.T) {
	got := figures{}
	got.read("./p", printed)
	want := figures{
		"./p OverDirect/16KiB": {"ns/op": {1818346}, "x-p50": {1.396}, "µs-p50": {396}},
		"./p HoursOfRequests":  {"hit-percent": {99.253}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOfSeveralRunsTheMedianCounts(t *testing.T) {
	got := figures{}
	for _, run := range []string{"1.3", "9", "1.1", "1.2", "1.25"} {
		got.read("./p", "BenchmarkOverDirect-2 2000 1 ns/op "+run+" x-p50\n")
	}
	if value, ok := got.get("./p OverDirect", "x-p50"); !ok || value != 1.25 {
		t.Errorf("got %v, %t, want 1.25", value, ok)
	}
}

// Every figure that the report shows is of a package that is measured.
func TestRowsAreMeasured(t *testing.T) {
	names := map[string]bool{}
	for _, r := range rows() {
		names[r.name] = true
	}
	for _, g := range growths() {
		for _, s := range g.steps {
			names[g.prefix+s.name] = true
		}
	}
	for name := range names {
		pkg, figure, _ := strings.Cut(name, " ")
		measured := false
		for _, s := range suites() {
			measured = measured || s.pkg == pkg && (s.tests == "Test"+figure || s.bench != "" && regexp.MustCompile(outermost(s.bench)).MatchString(outermost(figure)))
		}
		if !measured {
			t.Errorf("%s is measured by no suite", name)
		}
	}
}

// outermost is the first level of a benchmark's name, or of a pattern of them.
func outermost(bench string) string {
	first, _, _ := strings.Cut(bench, "/")
	return first
}

func TestRowsSayWhetherTheyAreReached(t *testing.T) {
	for name, c := range map[string]struct {
		row  row
		runs []float64
		want string
	}{
		"below the most": {row{most: 1.3}, []float64{1.2}, "yes"}, "above it": {row{most: 1.3}, []float64{1.31}, "no"},
		"just the most": {row{most: 1.3}, []float64{1.1, 1.3}, "yes"}, "both": {row{most: 1.3}, []float64{1.1, 1.31}, "at the limit"},
		"exactly": {row{most: 1, exact: true}, []float64{1, 1}, "yes"}, "fewer than exactly": {row{most: 1, exact: true}, []float64{0}, "no"},
		"not always exactly": {row{most: 1, exact: true}, []float64{0, 1}, "at the limit"},
		"none":               {row{exact: true}, []float64{0}, "yes"}, "some": {row{exact: true}, []float64{1}, "no"}, "reported": {row{}, []float64{7}, ""},
	} {
		if got := c.row.reached(c.runs); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestTheRangeOfRunsIsShown(t *testing.T) {
	r := row{form: "%.2f x"}
	for want, runs := range map[string][]float64{"1.20 x (1.10 x to 1.31 x)": {1.1, 1.2, 1.31}, "1.20 x": {1.199, 1.2, 1.201}} {
		if got := r.found(1.2, runs); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestReport(t *testing.T) {
	measured := figures{}
	measured.read("./functions/s3", printed)
	report := render(machine{commit: "abc", changed: true}, machine{}, measured)
	for _, want := range []string{
		"`abc`, with changes that are not committed", "| S3, GET of 16 KiB, p50 | 1.40 x | at most 1.30 x | no |", "- **S3, GET of 16 KiB, p50**: a direct call takes 284 µs here, of which the goal leaves us 85; we take 112, ",
		"| S3, GET of 1 MiB, p50 | not measured | reported | |", "| 16 KiB | 1.40 x | not measured |",
	} {
		if !strings.Contains(report, want) {
			t.Errorf("the report lacks %s:\n%s", want, report)
		}
	}
}

const profileText = `Type: cpu
      flat  flat%   sum%        cum   cum%
         0     0%     0%      4.00s  8.54%  github.com/arngate/arngate/shared/httpapi.handler.Invoke
         0     0%     0%       800ms  1.5%  github.com/arngate/arngate/shared/telemetry.(*Telemetry).Done
         0     0%     0%      1.00s  1.5%  github.com/danielgtaylor/huma/v2.writeResponse
`

func TestProfileIsRead(t *testing.T) {
	got := figures{}
	got.readProfile(profileText)
	for label, want := range map[string]float64{"log line and metrics": 20, "the answer as JSON": 25, "routing": 0, restLabel: 55} {
		if share, ok := got.get(profileName, label); !ok || share != want {
			t.Errorf("%s: got %v, %t, want %v", label, share, ok, want)
		}
	}
	empty := figures{}
	empty.readProfile("")
	if len(empty) > 0 {
		t.Errorf("a profile of nothing has %v", empty)
	}
}
