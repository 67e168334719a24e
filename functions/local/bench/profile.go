package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// profiled is the package, and profile of it what lies in its figures under the name profileName: the processor's time that a warm
// request takes without the call of AWS, as shares by step.
const (
	profiled    = "./functions/dynamodb"
	profileName = profiled + " Profile"
	profileTime = "12000x"
)

// parts are the steps of a request, by the functions that make them. None runs within another.
func parts() []struct{ label, function string } {
	return []struct{ label, function string }{
		{"reading the event", "httpapi.(*event).read"},
		{"proving the caller", "httpapi.(*exchange).prove"},
		{"making the HTTP request (go-api-proxy)", "core.(*RequestAccessorV2).EventToRequestWithContext"},
		{"completing it from the event", "httpapi.(*exchange).complete"},
		{"routing", "http.(*ServeMux).findHandler"},
		{"the operation: connection, key, item", "dynamodb.(*handler).getItem"},
		{"the answer as JSON", "huma/v2.writeResponse"},
		{"the answer as API Gateway's", "httpapi.(*exchange).encode"},
		{"log line and metrics", "telemetry.(*Telemetry).Done"},
	}
}

// profile takes a profile of requests for one item, and returns it as go tool pprof prints it.
func profile(ctx context.Context, times string) (text string, err error) {
	folder, err := os.MkdirTemp("", "arngate-bench-")
	if err != nil {
		return "", fmt.Errorf("make folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }() // the system's own, of temporary files
	program, taken := filepath.Join(folder, "test"), filepath.Join(folder, "cpu")
	run := []string{"test", profiled, "-run=^$", "-bench=OverDirect/item", "-benchtime=" + times, "-cpuprofile=" + taken, "-o=" + program}
	if out, err := exec.CommandContext(ctx, "go", run...).CombinedOutput(); err != nil { //nolint:gosec // the words above
		return "", fmt.Errorf("take profile: %w: %s", err, out)
	}
	show := []string{
		"tool", "pprof", "-top", "-cum", "-nodecount=2000", "-nodefraction=0", "-focus=httpapi.handler.Invoke", "-ignore=CallLasting", program, taken,
	}
	out, err := exec.CommandContext(ctx, "go", show...).Output() //nolint:gosec // the words above
	if err != nil {
		return "", fmt.Errorf("read profile: %w", err)
	}
	return string(out), nil
}

// readProfile takes the steps' shares out of a profile, in hundredths of the whole request.
func (f figures) readProfile(text string) {
	whole := cumulative(text, "httpapi.handler.Invoke")
	if whole == 0 {
		return // too short to have caught anything
	}
	rest := whole
	for _, p := range parts() {
		spent := cumulative(text, p.function)
		rest -= spent
		f.set(profileName, p.label, strconv.FormatFloat(100*spent.Seconds()/whole.Seconds(), 'f', 1, 64))
	}
	f.set(profileName, restLabel, strconv.FormatFloat(100*rest.Seconds()/whole.Seconds(), 'f', 1, 64))
}

const restLabel = "all else: parameters, headers, deadline, what holds it together"

// cumulative is the time that a function and what it calls took.
func cumulative(text, function string) time.Duration {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 6 || !strings.HasSuffix(fields[5], function) {
			continue
		}
		if spent, err := time.ParseDuration(fields[3]); err == nil {
			return spent
		}
	}
	return 0
}

// renderProfile shows where a request's own time goes.
func renderProfile(measured figures) string {
	var b strings.Builder
	b.WriteString("\n## Where a request's own time goes\n\nOf a warm `GET item`, without the call of AWS: shares of the processor's time in a profile.\n\n| step | share |\n| --- | --- |\n")
	for _, p := range parts() {
		writeShare(&b, measured, p.label)
	}
	writeShare(&b, measured, restLabel)
	return b.String()
}

func writeShare(b *strings.Builder, measured figures, label string) {
	if share, ok := measured.get(profileName, label); ok {
		fmt.Fprintf(b, "| %s | %.0f %% |\n", label, share)
	} else {
		fmt.Fprintf(b, "| %s | not measured |\n", label)
	}
}
