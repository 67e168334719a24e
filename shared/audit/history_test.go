package audit_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/localaws"
)

func states(r audit.Report) map[string]audit.State {
	out := map[string]audit.State{}
	for _, f := range r.Findings {
		out[string(f.Rule)] = f.State
	}
	return out
}

// put writes one of the role's inline policies as its administrator.
func (w *world) put(name, document string) {
	w.t.Helper()
	_, err := awsiam.NewFromConfig(w.Config(w.admin)).PutRolePolicy(w.t.Context(), &awsiam.PutRolePolicyInput{
		RoleName: aws.String("demo"), PolicyName: &name, PolicyDocument: &document,
	})
	w.must(err)
}

func TestFindingsOverTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, caseNamed(t, "conditional_deny_leaves_excess"))
		first := w.audit(nil)
		time.Sleep(24 * time.Hour)
		w.renew()
		second := w.audit(&first)
		if diff := gocmp.Diff(map[string]audit.State{"write_excess": audit.Unchanged}, states(second)); diff != "" {
			t.Error(diff)
		}
		got, was := second.Findings[0], first.Findings[0]
		if got.Fingerprint != was.Fingerprint || !got.FirstSeen.Equal(was.FirstSeen) || !got.LastSeen.Equal(second.StartedAt) {
			t.Errorf("got %s first seen %v last seen %v", got.Fingerprint, got.FirstSeen, got.LastSeen)
		}
		w.put("app", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:ListTables","Resource":"*"}}`)
		third := w.audit(&second)
		want := map[string]audit.State{"write_excess": audit.Resolved, "read_excess": audit.New, "permissions_changed": audit.New}
		if diff := gocmp.Diff(want, states(third)); diff != "" {
			t.Error(diff)
		}
		fourth := w.audit(&third)
		want = map[string]audit.State{"read_excess": audit.Unchanged, "permissions_changed": audit.Resolved}
		if diff := gocmp.Diff(want, states(fourth)); diff != "" {
			t.Error(diff)
		}
	})
}

// What couldn't be looked at again isn't resolved.
func TestUnreadIsNotResolved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, caseNamed(t, "resource_star"))
		first := w.audit(nil)
		_, err := awsiam.NewFromConfig(w.Config(w.admin)).DeleteRolePolicy(t.Context(), &awsiam.DeleteRolePolicyInput{
			RoleName: aws.String("demo"), PolicyName: aws.String("audit"),
		})
		w.must(err)
		second := w.audit(&first)
		want := map[string]audit.State{"resource_too_wide": audit.Unchanged, "excess_unknown": audit.New}
		if diff := gocmp.Diff(want, states(second)); diff != "" {
			t.Error(diff)
		}
		for _, f := range second.Findings {
			if f.Rechecked != (f.Rule == audit.RuleExcessUnknown) {
				t.Errorf("%s: got rechecked %v", f.Rule, f.Rechecked)
			}
		}
		if second.Changed != audit.ChangeUnknown {
			t.Errorf("got change %s", second.Changed)
		}
	})
}

// Order, letter case, statement ids and grouping change nothing that is granted.
func TestCosmeticChangesAreNoDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := caseNamed(t, "trust_kit")
		c.Inline = map[string]json.RawMessage{"app": json.RawMessage(`{"Version":"2012-10-17","Statement":{"Effect":"Allow",
			"Action":["dynamodb:Query","dynamodb:Scan"],"Resource":"arn:aws:dynamodb:us-east-1:111122223333:table/Customers"}}`)}
		w := newWorld(t, c)
		first := w.audit(nil)
		same := w.audit(&first)
		w.put("app", `{"Version":"2012-10-17","Statement":[
			{"Sid":"B","Effect":"Allow","Action":"DynamoDB:scan","Resource":["arn:aws:dynamodb:us-east-1:111122223333:table/Customers"]},
			{"Sid":"A","Effect":"Allow","Action":"dynamodb:QUERY","Resource":"arn:aws:dynamodb:us-east-1:111122223333:table/Customers"}]}`)
		cosmetic := w.audit(&same)
		w.put("app", `{"Version":"2012-10-17","Statement":{"Effect":"Allow",
			"Action":["dynamodb:Query"],"Resource":"arn:aws:dynamodb:us-east-1:111122223333:table/Customers"}}`)
		effective := w.audit(&cosmetic)
		got := []audit.Change{first.Changed, same.Changed, cosmetic.Changed, effective.Changed}
		want := []audit.Change{audit.ChangeFirst, audit.ChangeNone, audit.ChangeCosmetic, audit.ChangeEffective}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if _, told := states(cosmetic)["permissions_changed"]; told {
			t.Error("a cosmetic change is a finding")
		}
		if states(effective)["permissions_changed"] != audit.New {
			t.Errorf("got %v", found(effective))
		}
	})
}

// Throttling and failures are no verdict: the audit before still stands.
func TestTroubleIsNoReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, caseNamed(t, "trust_kit"))
		for _, fault := range []localaws.Fault{
			{Service: "sts", Status: 400, Code: "Throttling"},
			{Service: "iam", Status: 400, Code: "Throttling"},
			{Service: "iam", Operation: "GetRolePolicy", Status: 503, Code: "ServiceUnavailable"},
		} {
			w.Inject(fault)
			if r, err := w.auditor.Audit(t.Context(), siteA, "main", nil); !errors.Is(err, audit.ErrInconclusive) {
				t.Errorf("%s %s: got %v and %d findings, want ErrInconclusive", fault.Service, fault.Code, err, len(r.Findings))
			}
			w.ClearFaults()
		}
	})
}

func TestSuppressions(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	findings := []audit.Finding{
		{Fingerprint: "a", Severity: audit.Critical, State: audit.New},
		{Fingerprint: "b", Severity: audit.High, State: audit.New},
		{Fingerprint: "c", Severity: audit.High, State: audit.Unchanged},
		{Fingerprint: "d", Severity: audit.Medium, State: audit.Resolved},
	}
	all := []audit.Suppression{
		{Fingerprint: "a", Until: now.Add(time.Hour)},
		{Fingerprint: "b", Until: now.Add(time.Hour)},
		{Fingerprint: "c", Until: now},
		{Fingerprint: "B", Until: now.Add(time.Hour)},
	}
	got := audit.Suppress(findings, all, now)
	var suppressed []string
	for _, f := range got {
		if f.Suppression != nil {
			suppressed = append(suppressed, f.Fingerprint)
		}
	}
	if diff := gocmp.Diff([]string{"a", "b"}, suppressed); diff != "" {
		t.Error(diff)
	}
	if len(got) != len(findings) || findings[0].Suppression != nil {
		t.Error("suppressed findings stay visible, and what is given stays as it is")
	}
	want := map[audit.Severity]int{audit.Critical: 1, audit.High: 1, audit.Medium: 0, audit.Info: 0}
	if diff := gocmp.Diff(want, audit.Counts(got)); diff != "" {
		t.Error(diff)
	}
}

func TestSuppressionsEnd(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		s    audit.Suppression
		want error
	}{
		"good":      {audit.Suppression{Reason: "r", Until: now.Add(audit.MaxSuppression)}, nil},
		"no reason": {audit.Suppression{Reason: " \t", Until: now.Add(time.Hour)}, audit.ErrNoReason},
		"past":      {audit.Suppression{Reason: "r", Until: now}, audit.ErrNotFuture},
		"too long":  {audit.Suppression{Reason: "r", Until: now.Add(audit.MaxSuppression + time.Second)}, audit.ErrTooLong},
	} {
		if got := c.s.Validate(now); !errors.Is(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

// The same finding of two sites, or of two providers, is two.
func TestFingerprintsTellSitesAndProvidersApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, caseNamed(t, "attached_and_inline"))
		seen := map[string]bool{}
		for _, f := range w.audit(nil).Findings {
			seen[f.Fingerprint] = true
		}
		w.registry.provider.Name = "second"
		w.connections[0].Provider = "second"
		report, err := w.auditor.Audit(t.Context(), siteA, "second", nil)
		w.must(err)
		for _, f := range report.Findings {
			seen[f.Fingerprint] = true
		}
		if len(seen) != 4 {
			t.Errorf("got %d fingerprints, want 4", len(seen))
		}
	})
}

// Connections share a set of credentials as far as their policies fit into one, and each set is one call.
func TestFewSetsOfCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, caseNamed(t, "three_connections"))
		report := w.audit(nil)
		if got := report.Coverage; got.Sets > 3 || got.STSCalls > 8+got.Sets || !got.Control {
			t.Errorf("got %+v", got)
		}
	})
}

// IAM lists a hundred policies at a time.
func TestEveryPageIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := caseNamed(t, "trust_kit")
		c.Inline = map[string]json.RawMessage{}
		const policies = 104
		for i := range policies {
			c.Inline[fmt.Sprintf("p%03d", i)] = json.RawMessage(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}}`)
		}
		w := newWorld(t, c)
		if report := w.audit(nil); len(report.Findings) != policies || report.Coverage.Policies != audit.PoliciesRead {
			t.Errorf("got %d findings, policies %s", len(report.Findings), report.Coverage.Policies)
		}
	})
}

// The names of the report's JSON are what others build on: they are added to, never changed.
func TestReportShape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		raw, err := json.Marshal(newWorld(t, caseNamed(t, "scp_denies_put")).audit(nil))
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Top         map[string]json.RawMessage   `json:"-"`
			Findings    []map[string]json.RawMessage `json:"findings"`
			Permissions []map[string]json.RawMessage `json:"permissions"`
		}
		if err := errors.Join(json.Unmarshal(raw, &got), json.Unmarshal(raw, &got.Top)); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			got  map[string]json.RawMessage
			want []string
		}{
			{got.Top, []string{
				"account", "changed", "connections", "coverage", "effective", "findings", "finished_at", "id", "identity", "method",
				"permissions", "provider", "site", "started_at", "verification", "version",
			}},
			{got.Findings[0], []string{
				"action", "coverage", "evidence", "fingerprint", "first_seen", "last_seen", "provider", "rechecked", "remediation", "resource",
				"rule", "severity", "state", "verdict",
			}},
			{got.Permissions[0], []string{"action", "connections", "disagree", "resource", "sources", "verdict"}},
		} {
			if diff := gocmp.Diff(c.want, slices.Sorted(maps.Keys(c.got))); diff != "" {
				t.Error(diff)
			}
		}
	})
}
