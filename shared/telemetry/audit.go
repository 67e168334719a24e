package telemetry

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// Audit is how an audit ended, for log and metrics. Site, provider and id become properties of them, never dimensions.
type Audit struct {
	Site     string
	Provider string
	ID       string
	Problem  string         // code of the problem that it ended with; empty if it has a report
	Findings map[string]int // how many there are by severity; nil if they say nothing of how things are now
	Unusable bool           // the provider can't be used, or could be used by others; only where there are Findings
	Duration time.Duration
}

// Audited writes the log line and the metrics of an audit that has ended.
func (t *Telemetry) Audited(ctx context.Context, a Audit) {
	level, ended := slog.LevelInfo, "done"
	if a.Problem != "" {
		level, ended = slog.LevelWarn, a.Problem
	}
	attrs := []slog.Attr{
		slog.String("site", a.Site), slog.String("provider", a.Provider), slog.String("audit", a.ID), slog.String("outcome", ended),
		slog.Float64("duration_ms", float64(milliseconds(a.Duration))/1000),
	}
	if a.Findings != nil {
		attrs = append(attrs, slog.Any("findings", a.Findings), slog.Bool("unusable", a.Unusable))
	}
	t.logger.LogAttrs(ctx, level, "audit", attrs...)
	t.metrics.audit(t.out, a)
}

// audit writes the metrics of one audit as one line.
func (m metricsWriter) audit(w io.Writer, a Audit) {
	metrics := []metric{{"Audits", "Count", whole(1)}, {"AuditFailures", "Count", one(a.Problem != "")}, {"AuditDuration", "Milliseconds", milliseconds(a.Duration)}}
	if a.Findings != nil {
		metrics = append(metrics, metric{"ProvidersUnusable", "Count", one(a.Unusable)})
		for _, severity := range slices.Sorted(maps.Keys(a.Findings)) {
			metrics = append(metrics, metric{"Findings" + strings.ToUpper(severity[:1]) + severity[1:], "Count", whole(int64(a.Findings[severity]))})
		}
	}
	line := m.appendDirectives(nil, time.Now(), metrics, `["function"]`, a.Problem != "")
	line = appendMember(line, "function", m.function)
	line = appendMember(line, "site", a.Site)
	line = appendMember(line, "provider", a.Provider)
	line = appendMember(line, "audit", a.ID)
	if a.Problem != "" {
		line = appendMember(line, "code", a.Problem)
		line = append(line, `,"Problems":1`...)
	}
	_, _ = w.Write(append(appendValues(line, metrics), "}\n"...)) // a log that can't be written has nowhere to say so
}

// one is 1 for true: a metric that is summed up.
func one(is bool) thousandths {
	if is {
		return whole(1)
	}
	return 0
}
