package telemetry_test

import (
	"bytes"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/telemetry"
)

func TestAudited(t *testing.T) {
	base := telemetry.Audit{Site: "6f1c", Provider: "main", ID: "a-1", Duration: 1500 * time.Millisecond}
	unusable, failed := base, base
	unusable.Findings, unusable.Unusable = map[string]int{"critical": 2, "info": 0}, true
	failed.Problem = "aws_throttled"
	properties := map[string]any{"function": "auditworker", "site": "6f1c", "provider": "main", "audit": "a-1", "Audits": 1.0, "AuditDuration": 1500.0}
	line := map[string]any{
		"level": "INFO", "msg": "audit", "function": "auditworker", "site": "6f1c", "provider": "main", "audit": "a-1", "outcome": "done", "duration_ms": 1500.0,
	}
	for name, c := range map[string]struct {
		audit         telemetry.Audit
		line, metrics map[string]any
	}{
		"superseded": {base, nil, map[string]any{"AuditFailures": 0.0}},
		"unusable": {
			unusable,
			map[string]any{"findings": map[string]any{"critical": 2.0, "info": 0.0}, "unusable": true},
			map[string]any{"AuditFailures": 0.0, "ProvidersUnusable": 1.0, "FindingsCritical": 2.0, "FindingsInfo": 0.0},
		},
		"failed": {failed, map[string]any{"level": "WARN", "outcome": "aws_throttled"}, map[string]any{"AuditFailures": 1.0, "code": "aws_throttled", "Problems": 1.0}},
	} {
		t.Run(name, func(t *testing.T) {
			out := &bytes.Buffer{}
			telemetry.New(telemetry.Options{Out: out, Function: "auditworker"}).Audited(t.Context(), c.audit)
			gotLine, metrics := written(t, out)
			directives := metrics["_aws"]
			delete(metrics, "_aws")
			delete(gotLine, "time")
			if diff := cmp.Diff(with(properties, c.metrics), metrics); diff != "" {
				t.Errorf("metrics (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(with(line, c.line), gotLine); diff != "" {
				t.Errorf("log line (-want +got):\n%s", diff)
			}
			checkDirectives(t, directives, metrics)
		})
	}
}

// with is a with the members of b.
func with(a, b map[string]any) map[string]any {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}
