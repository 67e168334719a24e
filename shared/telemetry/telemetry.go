package telemetry

import (
	"context"
	"io"
	"log/slog"
	"strconv"
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

// Done writes the one log line and the metrics of a finished request, at once.
func (t *Telemetry) Done(ctx context.Context, r *Record, o Outcome) {
	r.mu.Lock()
	fields, counts := r.fields, r.counts
	r.mu.Unlock()
	buf, _ := lines.Get().(*[]byte)
	now, out := time.Now(), (*buf)[:0]
	if level := o.level(); t.logger.Enabled(ctx, level) {
		out = t.appendRequest(out, now, level, &fields, o)
	}
	out = t.metrics.appendRequest(out, now, &fields, &counts, o)
	_, _ = t.out.Write(out) // a log that can't be written has nowhere to say so
	*buf = out
	lines.Put(buf)
}

// lines is where lines are built, so that a warm request allocates nothing for them.
var lines = sync.Pool{New: func() any { b := make([]byte, 0, 2048); return &b }}

func (o Outcome) level() slog.Level {
	switch {
	case o.Status >= 500:
		return slog.LevelError
	case o.Problem != "":
		return slog.LevelWarn
	default:
		return slog.LevelInfo
	}
}

// appendRequest appends the log line of a finished request as the logger would write it, in a third of the time: every request
// has one.
func (t *Telemetry) appendRequest(line []byte, now time.Time, level slog.Level, f *Fields, o Outcome) []byte {
	line = append(line, `{"time":"`...)
	line = now.AppendFormat(line, time.RFC3339Nano)
	line = append(line, `","level":"`...)
	line = append(line, level.String()...)
	line = append(line, `","msg":"request"`...)
	line = appendMember(line, "function", t.function)
	line = appendKnown(line, "request_id", f.RequestID)
	line = appendKnown(line, "lambda_request_id", f.LambdaRequestID)
	line = appendKnown(line, "site", f.Site)
	line = appendKnown(line, "user", f.User)
	if f.Actor != f.User {
		line = appendKnown(line, "actor", f.Actor)
	}
	line = appendKnown(line, "connection", f.Connection)
	line = appendKnown(line, "operation", f.Operation)
	line = appendKnown(line, "aws_request_id", f.AWSRequestID)
	line = appendKnown(line, "credentials", string(f.Tier))
	line = strconv.AppendInt(append(line, `,"status":`...), int64(o.Status), 10)
	line = milliseconds(o.Duration).append(append(line, `,"duration_ms":`...))
	line = milliseconds(f.AWSLatency).append(append(line, `,"aws_ms":`...))
	line = appendMember(line, "outcome", outcome(o))
	if o.Cause != nil {
		line = appendKnown(line, "error", o.Cause.Error())
	}
	line = appendKnown(line, "stack", string(o.Stack))
	return append(line, "}\n"...)
}

// appendKnown appends a member unless its value is unknown.
func appendKnown(line []byte, name, value string) []byte {
	if value == "" {
		return line
	}
	return appendMember(line, name, value)
}

func outcome(o Outcome) string {
	if o.Problem == "" {
		return "ok"
	}
	return o.Problem
}

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
