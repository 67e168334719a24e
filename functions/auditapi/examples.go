package auditapi

import (
	"time"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/archive"
	"github.com/arngate/arngate/shared/audit/verdict"
	"github.com/arngate/arngate/shared/registry"
)

// The examples of the OpenAPI document.

const (
	exampleID          = "01a207a2-3280-7d3c-83f2-0ee359bda679"
	exampleFingerprint = "5f0c2d8e6b137b1f4e0a3c524d7e9a41"
	exampleReason      = "The report job still writes here. It moves to a role of its own in January."
	exampleRole        = "arn:aws:iam::444455556666:role/skuid-assumable-role/arngate-demo"
)

func exampleTime() time.Time { return time.Date(2026, time.November, 23, 9, 0, 0, 0, time.UTC) }

func exampleAudit(status archive.Status) audited {
	a := audited{
		ID: exampleID, Provider: "demo", Status: status, RequestedBy: "ada@example.com", RequestedAt: exampleTime(),
	}
	if status.Ended() {
		a.StartedAt, a.FinishedAt = exampleTime().Add(time.Second), exampleTime().Add(4*time.Second)
		a.Findings = map[audit.Severity]int{audit.Critical: 0, audit.High: 1, audit.Medium: 0, audit.Info: 0}
		a.Provided = string(registry.Ready)
	}
	return a
}

func exampleReported() audited {
	a := exampleAudit(archive.Done)
	a.Report = &audit.Report{
		Version: audit.ReportVersion, ID: exampleID, Site: "7b1f4e0a-3c52-4d7e-9a41-5f0c2d8e6b13", Provider: "demo",
		Method: registry.AssumeRole, Identity: exampleRole, Account: "444455556666", StartedAt: a.StartedAt, FinishedAt: a.FinishedAt,
		Verification: audit.Verification{
			Provider: "demo", Status: registry.Ready, Trace: registry.TraceFull, Account: "444455556666", VerifiedAt: a.StartedAt, Calls: 7,
			Checks: []audit.Check{{Name: audit.CheckWrongExternalID, Verdict: audit.Passed, Evidence: "AWS refused a random external id."}},
		},
		Connections: []string{"orders"}, Findings: []audit.Finding{exampleFinding()},
		Permissions: []audit.Permission{{
			Connections: []string{"orders"}, Action: "dynamodb:Query", Resource: "arn:aws:dynamodb:eu-central-1:444455556666:table/Orders",
			Verdict: verdict.Allowed, Sources: []audit.Observation{{Source: audit.SourceProbe, Verdict: verdict.Allowed, Request: "Query", Status: 200}},
		}},
		Coverage: audit.Coverage{Trust: true, Policies: audit.PoliciesRead, Probes: 7, Control: true, STSCalls: 8, Sets: 1, Limits: []string{}},
		Changed:  audit.ChangeNone,
	}
	return a
}

func exampleFinding() audit.Finding {
	return audit.Finding{
		Fingerprint: exampleFingerprint, Rule: audit.RuleWriteExcess, Severity: audit.High, Provider: "demo", Action: "dynamodb:DeleteTable",
		Resource: "arn:aws:dynamodb:eu-central-1:444455556666:table/*", Verdict: verdict.Allowed,
		Evidence: audit.Evidence{
			Summary: "A statement allows changes that no connection needs.", Actions: []string{"dynamodb:DeleteTable"},
			Statement: &audit.Statement{Policy: "tables", Index: 1, Sid: "Cleanup"},
		},
		Coverage: []audit.Observation{{Source: audit.SourcePolicies, Verdict: verdict.Allowed}},
		Remediation: audit.Remediation{
			Summary:  "Delete the policy: nothing in it is needed.",
			Commands: []string{"aws iam delete-role-policy --role-name arngate-demo --policy-name tables"},
		},
		FirstSeen: exampleTime(), LastSeen: exampleTime(), State: audit.New, Rechecked: true,
	}
}

func exampleSuppression() audit.Suppression {
	return audit.Suppression{
		Fingerprint: exampleFingerprint, Reason: exampleReason, By: "ada@example.com", Set: exampleTime(), Until: exampleTime().AddDate(0, 1, 0),
	}
}
