package telemetry

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

// Options are what [New] needs.
type Options struct {
	// Out takes log lines and metrics, one JSON object per line; in Lambda that is standard output.
	Out io.Writer
	// Function is the name of the function: a dimension of every metric.
	Function string
	// Namespace of the metrics; "Arngate" if empty.
	Namespace string
	// Level is the least level that is logged; [slog.LevelInfo] if nil.
	Level slog.Leveler
}

// Telemetry writes logs and metrics of one function. Safe for concurrent use.
type Telemetry struct {
	out      *lineWriter
	logger   *slog.Logger
	function string
	metrics  metricsWriter
}

// New makes a Telemetry that writes to o.Out.
func New(o Options) *Telemetry {
	if o.Namespace == "" {
		o.Namespace = "Arngate"
	}
	out := &lineWriter{w: o.Out}
	logger := slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: o.Level}))
	return &Telemetry{
		out: out, function: o.Function,
		logger:  logger.With(slog.String("function", o.Function)),
		metrics: metricsWriter{namespace: o.Namespace, function: o.Function},
	}
}

// Logger writes lines that belong to no request.
func (t *Telemetry) Logger() *slog.Logger { return t.logger }

// Begin makes the record of a new request.
func (t *Telemetry) Begin(requestID, lambdaRequestID string) *Record {
	return &Record{logger: t.logger, fields: Fields{RequestID: requestID, LambdaRequestID: lambdaRequestID}}
}

// Outcome is how a request ended.
type Outcome struct {
	Status   int
	Problem  string // the problem's code; empty if there was none
	Duration time.Duration
	Cause    error // logged, never sent; nil if there was none
	Stack    []byte
}

// Done writes the one log line and the metrics of a finished request.
func (t *Telemetry) Done(ctx context.Context, r *Record, o Outcome) {
	r.mu.Lock()
	fields, counts := r.fields, r.counts
	r.mu.Unlock()
	t.log(ctx, &fields, o)
	t.metrics.request(t.out, &fields, &counts, o)
}

func (t *Telemetry) log(ctx context.Context, f *Fields, o Outcome) {
	level := slog.LevelInfo
	switch {
	case o.Status >= 500:
		level = slog.LevelError
	case o.Problem != "":
		level = slog.LevelWarn
	}
	if !t.logger.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 18)
	add := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	add("request_id", f.RequestID)
	add("lambda_request_id", f.LambdaRequestID)
	add("site", f.Site)
	add("user", f.User)
	if f.Actor != f.User {
		add("actor", f.Actor)
	}
	add("connection", f.Connection)
	add("operation", f.Operation)
	add("aws_request_id", f.AWSRequestID)
	add("credentials", string(f.Tier))
	attrs = append(attrs, slog.Int("status", o.Status),
		slog.Float64("duration_ms", milliseconds(o.Duration)), slog.Float64("aws_ms", milliseconds(f.AWSLatency)))
	add("outcome", outcome(o))
	if o.Cause != nil {
		add("error", o.Cause.Error())
	}
	add("stack", string(o.Stack))
	t.logger.LogAttrs(ctx, level, "request", attrs...)
}

func outcome(o Outcome) string {
	if o.Problem == "" {
		return "ok"
	}
	return o.Problem
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// lineWriter keeps the lines of concurrent requests apart.
type lineWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write writes p in one piece.
func (l *lineWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
