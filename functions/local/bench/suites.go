package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// suite is one run of go test.
type suite struct {
	pkg   string
	bench string // benchmarks; empty: none
	time  string // of each, as go test's -benchtime
	runs  int    // of it all; zero: one
	tests string // simulations, which say what they found in attributes; empty: none
	args  []string
}

// once is the suite with one turn of everything: enough to see that it runs.
func (s suite) once() suite {
	if s.bench != "" {
		s.time = "1x"
	}
	s.runs, s.args = 1, nil
	return s
}

// often is how often what decides a close figure runs: one run may be off by a twentieth.
const often = 5

// suites are all that is measured. Ratios are of 2,000 calls each where a call is quick, and of fewer where it takes milliseconds.
func suites() []suite {
	const (
		dynamodb   = "./functions/dynamodb"
		s3         = "./functions/s3"
		runtimeapi = "./functions/local/runtimeapi"
		broker     = "./shared/credentials"
	)
	return []suite{
		{pkg: dynamodb, bench: "OverDirect/(item|search)", time: "2000x", runs: often},
		{pkg: dynamodb, bench: "OverDirect/(page|native)", time: "2000x", runs: often},
		{pkg: dynamodb, bench: "Pages", time: "100x"},
		{pkg: s3, bench: "OverDirect/(1|16)KiB", time: "2000x", runs: often},
		{pkg: s3, bench: "OverDirect/256KiB", time: "500x"},
		{pkg: s3, bench: "OverDirect/(1024|4096)KiB", time: "100x"},
		{pkg: "./shared/httpapi", bench: "EventToAnswer|OfBytes", time: "0.5s"},
		{pkg: "./shared/policy", bench: "Cases", time: "1s"},
		{pkg: broker, bench: "GetFromMemory/callers-(10|1000)$", time: "0.5s", runs: often},
		{pkg: broker, bench: "GetFromMemory/callers-(10000|100000)$", time: "0.5s"},
		{pkg: runtimeapi, bench: "ColdStart$", time: "25x", runs: often},
		{pkg: runtimeapi, bench: "ColdStartSteps", time: "25x"},
		{pkg: runtimeapi, bench: "Resident", time: "1x"},
		{pkg: "./functions/auditworker", bench: "AThousandProviders", time: "1x"},
		{pkg: "./functions/local/deployment", tests: "TestStampedeOfInstances"},
		{pkg: broker, tests: "TestHoursOfRequests", args: []string{"-requests", "1000000", "-users", "2000"}},
		{pkg: "./functions/local/load", tests: "TestLoad", args: []string{"-duration", "20s"}},
	}
}

// String is what is run, for who waits.
func (s suite) String() string { return strings.TrimSpace(s.pkg + " " + s.bench + s.tests) }

// run runs the suite and returns what it printed.
func (s suite) run(ctx context.Context) ([]byte, error) {
	command := []string{"test", s.pkg, fmt.Sprintf("-count=%d", max(1, s.runs)), "-timeout=10m"}
	if s.bench != "" {
		command = append(command, "-run=^$", "-bench="+s.bench, "-benchtime="+s.time, "-benchmem")
	} else {
		command = append(command, "-v", "-run=^("+s.tests+")$")
	}
	if len(s.args) > 0 {
		command = append(append(command, "-args"), s.args...)
	}
	text, err := exec.CommandContext(ctx, "go", command...).CombinedOutput() //nolint:gosec // the commands above
	if err != nil {
		return text, fmt.Errorf("measure %s: %w", s, err)
	}
	return text, nil
}
