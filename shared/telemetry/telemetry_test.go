package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/telemetry"
)

// written are the lines that one finished request leaves: its log line and its metrics.
func written(t *testing.T, out *bytes.Buffer) (line, metrics map[string]any) {
	t.Helper()
	for text := range strings.Lines(out.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(text), &fields); err != nil {
			t.Fatalf("line %q: %v", text, err)
		}
		if _, ok := fields["_aws"]; ok {
			metrics = fields
		} else {
			line = fields
		}
	}
	return line, metrics
}

func TestDone(t *testing.T) {
	out := &bytes.Buffer{}
	tel := telemetry.New(telemetry.Options{Out: out, Function: "s3"})
	r := tel.Begin("r-1", "lambda-1")
	r.SetCaller("6f1c", "ada", "backend")
	r.SetConnection("files")
	r.SetOperation("list-objects")
	r.SetTier(telemetry.Minted)
	r.SetAWSRequestID("aws-1")
	r.SetAWSRequestID("")
	r.AddAWSLatency(30 * time.Millisecond)
	r.AddAWSLatency(12 * time.Millisecond)
	r.Count(telemetry.Mints)
	r.Count(telemetry.LeaseWaits)
	r.Count(telemetry.LeaseWaits)
	tel.Done(t.Context(), r, telemetry.Outcome{Status: 403, Problem: "aws_access_denied", Duration: 50 * time.Millisecond, Cause: errors.New("denied")})

	line, metrics := written(t, out)
	delete(line, "time")
	wantLine := map[string]any{
		"level": "WARN", "msg": "request", "function": "s3", "request_id": "r-1", "lambda_request_id": "lambda-1",
		"site": "6f1c", "user": "ada", "actor": "backend", "connection": "files", "operation": "list-objects",
		"aws_request_id": "aws-1", "credentials": "minted", "status": 403.0, "duration_ms": 50.0, "aws_ms": 42.0,
		"outcome": "aws_access_denied", "error": "denied",
	}
	if diff := cmp.Diff(wantLine, line); diff != "" {
		t.Errorf("log line (-want +got):\n%s", diff)
	}
	directives := metrics["_aws"]
	delete(metrics, "_aws")
	wantMetrics := map[string]any{
		"function": "s3", "operation": "list-objects", "code": "aws_access_denied", "Problems": 1.0, "Requests": 1.0,
		"Duration": 50.0, "GatewayOverhead": 8.0, "AWSLatency": 42.0, "CredentialsMinted": 1.0, "Mints": 1.0, "LeaseWaits": 2.0,
	}
	if diff := cmp.Diff(wantMetrics, metrics); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	checkDirectives(t, directives, metrics)
}

// checkDirectives holds a line against the specification: every metric named is there, and dimensions are
// bounded, never a site, a user or a key.
func checkDirectives(t *testing.T, directives any, members map[string]any) {
	t.Helper()
	raw, _ := json.Marshal(directives)
	var d struct {
		Timestamp         int64 `json:"Timestamp"`
		CloudWatchMetrics []struct {
			Namespace  string     `json:"Namespace"`
			Dimensions [][]string `json:"Dimensions"`
			Metrics    []struct {
				Name string `json:"Name"`
				Unit string `json:"Unit"`
			} `json:"Metrics"`
		} `json:"CloudWatchMetrics"`
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	if age := time.Since(time.UnixMilli(d.Timestamp)); age < 0 || age > time.Minute {
		t.Errorf("timestamp %d is not now", d.Timestamp)
	}
	for _, directive := range d.CloudWatchMetrics {
		if directive.Namespace != "Arngate" || len(directive.Metrics) == 0 {
			t.Errorf("directive %+v", directive)
		}
		for _, m := range directive.Metrics {
			if _, ok := members[m.Name].(float64); !ok {
				t.Errorf("metric %s isn't a number in the line", m.Name)
			}
		}
		for _, set := range directive.Dimensions {
			for _, dimension := range set {
				if !slices.Contains([]string{"function", "operation", "code"}, dimension) {
					t.Errorf("dimension %s", dimension)
				}
				if _, ok := members[dimension].(string); !ok {
					t.Errorf("dimension %s isn't in the line", dimension)
				}
			}
		}
	}
}

func TestDoneWithoutAWS(t *testing.T) {
	out := &bytes.Buffer{}
	tel := telemetry.New(telemetry.Options{Out: out, Function: "x\xff\n\"y"})
	tel.Done(t.Context(), tel.Begin("r", ""), telemetry.Outcome{Status: 200, Duration: time.Millisecond})
	line, metrics := written(t, out)
	if line["level"] != "INFO" || line["outcome"] != "ok" || line["error"] != nil || line["actor"] != nil {
		t.Errorf("log line = %v", line)
	}
	for _, absent := range []string{"AWSLatency", "Problems", "CredentialsMinted", "Mints"} {
		if _, ok := metrics[absent]; ok {
			t.Errorf("metrics have %s", absent)
		}
	}
	checkDirectives(t, metrics["_aws"], metrics)
}

// The line of a request is written by hand; what the logger would have written says the same, whatever is in it.
func TestDoneWritesAsTheLoggerDoes(t *testing.T) {
	odd := "\x00\b\f\n\r\t\"\\/<&>\x7f\u0085\u2028\u2029\ufffd\U0001f600\xff é"
	for _, text := range []string{"plain", odd, strings.Repeat(odd, 500)} {
		out := &bytes.Buffer{}
		tel := telemetry.New(telemetry.Options{Out: out, Function: text})
		r := tel.Begin(text, text)
		r.SetCaller(text, text, text+"2")
		r.SetConnection(text)
		r.SetOperation(text)
		r.SetTier(telemetry.Tier(text))
		r.SetAWSRequestID(text)
		r.AddAWSLatency(90 * time.Minute)
		tel.Done(t.Context(), r, telemetry.Outcome{Status: 500, Problem: text, Duration: 1500 * time.Microsecond, Cause: errors.New(text), Stack: []byte(text)})
		got, _ := written(t, out)

		out.Reset()
		tel.Logger().Error("request", "request_id", text, "lambda_request_id", text, "site", text, "user", text, "actor", text+"2",
			"connection", text, "operation", text, "aws_request_id", text, "credentials", text, "status", 500, "duration_ms", 1.5,
			"aws_ms", 5.4e6, "outcome", text, "error", text, "stack", text)
		want, _ := written(t, out)
		for _, line := range []map[string]any{got, want} {
			if _, err := time.Parse(time.RFC3339Nano, fmt.Sprint(line["time"])); err != nil {
				t.Error(err)
			}
			delete(line, "time")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("log line (-want +got):\n%s", diff)
		}
	}
}

func TestDoneBelowTheLevel(t *testing.T) {
	out := &bytes.Buffer{}
	tel := telemetry.New(telemetry.Options{Out: out, Function: "s3", Level: slog.LevelWarn})
	tel.Done(t.Context(), tel.Begin("r", ""), telemetry.Outcome{Status: 200})
	if line, metrics := written(t, out); line != nil || metrics == nil {
		t.Errorf("got line %v and metrics %v, want metrics alone", line, metrics)
	}
}

func TestTiersAndLevels(t *testing.T) {
	for tier, want := range map[telemetry.Tier]string{
		telemetry.Memory: "CredentialsFromMemory", telemetry.Table: "CredentialsFromTable", telemetry.Minted: "CredentialsMinted",
	} {
		out := &bytes.Buffer{}
		tel := telemetry.New(telemetry.Options{Out: out, Function: "f"})
		r := tel.Begin("r", "")
		r.SetTier(tier)
		tel.Done(t.Context(), r, telemetry.Outcome{Status: 502, Problem: "aws_unavailable", Stack: []byte("stack")})
		line, metrics := written(t, out)
		if metrics[want] != 1.0 || line["level"] != "ERROR" || line["stack"] != "stack" {
			t.Errorf("tier %s: %v, %v", tier, line, metrics)
		}
	}
}

func TestFromIsNeverNil(t *testing.T) {
	telemetry.From(context.Background()).SetTier(telemetry.Memory)
	if telemetry.From(context.Background()).Logger() == nil {
		t.Error("no logger")
	}
	r := new(telemetry.Record)
	if got := telemetry.From(telemetry.NewContext(context.Background(), r)); got != r {
		t.Error("From() isn't the context's record")
	}
}

func TestLoggerNamesTheRequest(t *testing.T) {
	out := &bytes.Buffer{}
	tel := telemetry.New(telemetry.Options{Out: out, Function: "s3"})
	r := tel.Begin("r-1", "l-1")
	r.Logger().Info("minted")
	line, _ := written(t, out)
	if line["request_id"] != "r-1" || line["lambda_request_id"] != "l-1" || line["function"] != "s3" {
		t.Errorf("line = %v", line)
	}
}

// Invocations can run concurrently in one instance (trap 13).
func TestTrap13ConcurrentRequests(t *testing.T) {
	out := &bytes.Buffer{}
	tel := telemetry.New(telemetry.Options{Out: out, Function: "s3"})
	shared := tel.Begin("shared", "")
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			shared.AddAWSLatency(time.Millisecond)
			shared.Count(telemetry.CacheErrors)
			r := tel.Begin("r", "")
			r.SetOperation("op")
			tel.Done(context.Background(), r, telemetry.Outcome{Status: 200})
		})
	}
	wg.Wait()
	if got := shared.Fields(); got.AWSCalls != 50 || got.AWSLatency != 50*time.Millisecond || shared.Counted(telemetry.CacheErrors) != 50 {
		t.Errorf("fields = %+v", got)
	}
	lines := 0
	for text := range strings.Lines(out.String()) {
		if !json.Valid([]byte(text)) {
			t.Fatalf("line %q", text)
		}
		lines++
	}
	if lines != 100 {
		t.Errorf("%d lines, want 100", lines)
	}
}

func BenchmarkDone(b *testing.B) {
	tel := telemetry.New(telemetry.Options{Out: io.Discard, Function: "s3"})
	r := tel.Begin("r-1", "lambda-1")
	r.SetCaller("6f1c", "ada", "ada")
	r.SetOperation("list-objects")
	r.SetTier(telemetry.Memory)
	b.ReportAllocs()
	for b.Loop() {
		tel.Done(context.Background(), r, telemetry.Outcome{Status: 200, Duration: time.Millisecond})
	}
}

// Durations are decimal milliseconds to the microsecond, without zeros at their end: the numbers that encoding/json would write.
func TestDurationsAreDecimal(t *testing.T) {
	for _, d := range []time.Duration{
		0, time.Nanosecond, time.Microsecond, 10 * time.Microsecond, 100 * time.Microsecond, 120 * time.Microsecond, 999_999 * time.Nanosecond,
		time.Millisecond, 1001 * time.Microsecond, 1050 * time.Microsecond, 10 * time.Millisecond, 100 * time.Millisecond,
		29*time.Second + 7*time.Microsecond, time.Hour,
	} {
		out := &bytes.Buffer{}
		tel := telemetry.New(telemetry.Options{Out: out, Function: "s3"})
		tel.Done(t.Context(), tel.Begin("r-1", ""), telemetry.Outcome{Status: 200, Duration: d})
		want, err := json.Marshal(float64(d.Microseconds()) / 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, member := range []string{`"duration_ms":`, `"Duration":`, `"GatewayOverhead":`} {
			if text := member + string(want) + ","; strings.Count(out.String(), text) != 1 && strings.Count(out.String(), text[:len(text)-1]+"}") != 1 {
				t.Errorf("%s: %s isn't in %s", d, text, out)
			}
		}
	}
}
