package audit_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/rolekit"
	"github.com/arngate/arngate/shared/secrettest"
)

const (
	siteA           = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
	siteB           = "0c1d2e3f-8b86-4d01-b42d-00cf4fc964aa"
	gatewayAccount  = "999999999999"
	customerAccount = "111122223333"
	rolePath        = "/skuid-assumable-role/"
)

func verdicts(v audit.Verification) map[string]audit.Verdict {
	got := map[string]audit.Verdict{}
	for _, check := range v.Checks {
		got[check.Name] = check.Verdict
	}
	return got
}

func trust(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func (c *cloud) allow(actions, condition string) string {
	statement := `{"Effect":"Allow","Principal":{"AWS":"` + c.role + `"},"Action":` + actions
	if condition != "" {
		statement += `,"Condition":` + condition
	}
	return statement + `}`
}

const ours = `{"StringEquals":{"sts:ExternalId":"` + siteA + `"}}`

func TestVerifyTheKitsRole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		c.useRole(rolekit.TrustPolicy(c.role, []string{siteA}))
		got := c.verify()
		want := map[string]audit.Verdict{
			audit.CheckRoleARN: audit.Passed, audit.CheckAssume: audit.Passed, audit.CheckNoExternalID: audit.Passed,
			audit.CheckWrongExternalID: audit.Passed, audit.CheckStillAssumable: audit.Passed,
			audit.CheckSessionTags: audit.Passed, audit.CheckSourceIdentity: audit.Passed, audit.CheckIdentity: audit.Passed,
		}
		if diff := cmp.Diff(want, verdicts(got)); diff != "" {
			t.Error(diff)
		}
		if got.Status != registry.Ready || got.Trace != registry.TraceFull || got.Account != customerAccount || got.Reason != "" || got.WaitedSeconds != 0 {
			t.Errorf("got %+v", got)
		}
		if got, want := len(c.Calls()), 6; got != want {
			t.Errorf("got %d calls, want %d", got, want)
		}
	})
}

// Nothing that verify gets hold of is worth anything: all of it is under a policy that denies everything, for 15 minutes.
func TestVerifyHoldsNothingOfValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		c.useRole(trust(c.allow(`"sts:AssumeRole"`, ""))) // careless
		c.verify()
		for _, call := range c.Calls() {
			if call.Operation != "AssumeRole" {
				continue
			}
			if call.Requested.Duration != 15*time.Minute || !strings.Contains(call.Requested.Policy, `"Deny"`) {
				t.Errorf("got %s under %s", call.Requested.Duration, call.Requested.Policy)
			}
		}
	})
}

func TestTrap6TrustWithoutTracing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		for name, more := range map[string]string{
			"neither": "", "tags alone": `"sts:TagSession"`, "identity alone": `"sts:SetSourceIdentity"`,
		} {
			statements := []string{c.allow(`"sts:AssumeRole"`, ours)}
			if more != "" {
				statements = append(statements, c.allow(more, ""))
			}
			arn := c.AddRole(t, c.customer, localawstest.Role{
				Name: "role-" + strings.ReplaceAll(name, " ", "-"), Path: rolePath, Trust: trust(statements...),
			})
			c.useARN(arn)
			got := c.verify()
			if got.Status != registry.Ready || got.Trace != registry.TraceName {
				t.Errorf("%s: got %s with trace %s, want ready with name", name, got.Status, got.Trace)
			}
			tags, identity := verdicts(got)[audit.CheckSessionTags], verdicts(got)[audit.CheckSourceIdentity]
			if (tags == audit.Passed) != (name == "tags alone") || (identity == audit.Passed) != (name == "identity alone") {
				t.Errorf("%s: got tags %s and source identity %s", name, tags, identity)
			}
		}
	})
}

// One statement demands the external id and another does not; or a condition is true without it, or with any.
func TestTrap10CarelessTrust(t *testing.T) {
	both := `["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]`
	for name, c := range map[string]struct {
		condition string
		second    bool
		failed    string
	}{
		"no condition":           {"", false, audit.CheckNoExternalID},
		"second statement":       {"", true, audit.CheckNoExternalID},
		"IfExists":               {`{"StringEqualsIfExists":{"sts:ExternalId":"` + siteA + `"}}`, false, audit.CheckNoExternalID},
		"ForAllValues":           {`{"ForAllValues:StringEquals":{"sts:ExternalId":"` + siteA + `"}}`, false, audit.CheckNoExternalID},
		"StringNotEquals":        {`{"StringNotEquals":{"sts:ExternalId":"none"}}`, false, audit.CheckNoExternalID},
		"StringLike with a star": {`{"StringLike":{"sts:ExternalId":"*"}}`, false, audit.CheckWrongExternalID},
		"present, whatever":      {`{"Null":{"sts:ExternalId":"false"}}`, false, audit.CheckWrongExternalID},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cl := newCloud(t)
				statements := []string{cl.allow(both, c.condition)}
				if c.second {
					statements = []string{cl.allow(both, ours), cl.allow(`"sts:AssumeRole"`, "")}
				}
				cl.useRole(trust(statements...))
				got := cl.verify()
				if got.Status != registry.Unsafe || verdicts(got)[c.failed] != audit.Failed {
					t.Errorf("got %s with %v, want unsafe and %s failed", got.Status, verdicts(got), c.failed)
				}
			})
		})
	}
}

// Another's role, no role and a wrong path look alike, and verify stops there.
func TestVerifyStopsAtTheFirstRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		var seen []audit.Verification
		c.useRole(rolekit.TrustPolicy(c.role, []string{siteB}))
		seen = append(seen, c.verify())
		c.useARN("arn:aws:iam::" + customerAccount + ":role" + rolePath + "absent")
		seen = append(seen, c.verify())
		c.useARN("arn:aws:iam::444455556666:role" + rolePath + "demo")
		seen = append(seen, c.verify())
		for _, v := range seen {
			v.VerifiedAt = seen[0].VerifiedAt
			if diff := cmp.Diff(seen[0], v); diff != "" {
				t.Errorf("the failures differ: %s", diff)
			}
		}
		got := seen[0]
		if got.Status != registry.Unusable || got.Reason != audit.CheckAssume || got.Calls != 1 || got.WaitedSeconds != 15 {
			t.Errorf("got %s because of %s after %d calls and %d s", got.Status, got.Reason, got.Calls, got.WaitedSeconds)
		}
		if got := verdicts(got)[audit.CheckNoExternalID]; got != audit.Skipped {
			t.Errorf("got %s, want the negatives skipped", got)
		}
		for _, call := range c.Calls() {
			if call.Requested.ExternalID != siteA {
				t.Errorf("there was a try with external id %q", call.Requested.ExternalID)
			}
		}
	})
}

func TestVerifyChecksTheARN(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		c.useARN("arn:aws:iam::" + customerAccount + ":role/elsewhere/demo")
		got := c.verify()
		if got.Status != registry.Unusable || got.Reason != audit.CheckRoleARN || len(c.Calls()) != 0 {
			t.Errorf("got %s because of %s after %d calls", got.Status, got.Reason, len(c.Calls()))
		}
	})
}

func TestTrap9NewRolesTakeAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, func(o *localaws.Options) { o.Propagation = 8 * time.Second })
		c.useRole(rolekit.TrustPolicy(c.role, []string{siteA}))
		got := c.verify()
		if got.Status != registry.Ready || got.WaitedSeconds < 7 || got.WaitedSeconds > 15 {
			t.Errorf("got %s after %d s, want ready after waiting", got.Status, got.WaitedSeconds)
		}
		if !strings.Contains(got.Checks[1].Evidence, "Tried again for") {
			t.Errorf("got %q, want it to say so", got.Checks[1].Evidence)
		}
	})
}

// A request has 29 seconds. Verify must not wait longer than leaves it time to answer.
func TestTrap9WaitsWithinTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		c.useRole(rolekit.TrustPolicy(c.role, []string{siteB}))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		got, err := c.verifier.Verify(ctx, siteA, "main")
		if err != nil || got.Status != registry.Unusable || got.WaitedSeconds > 7 {
			t.Errorf("got %s after %d s, %v", got.Status, got.WaitedSeconds, err)
		}
	})
}

// A negative counts only between two positives.
func TestRefusalsProveNothingWhenAllIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		c.useRole(rolekit.TrustPolicy(c.role, []string{siteA}))
		seen := 0
		c.Inject(localaws.Fault{
			Service: "sts", Operation: "AssumeRole", Status: 403, Code: "AccessDenied",
			Match: func(localaws.Call) bool { seen++; return seen > 1 },
		})
		got := c.verify()
		want := map[string]audit.Verdict{
			audit.CheckRoleARN: audit.Passed, audit.CheckAssume: audit.Passed, audit.CheckNoExternalID: audit.Unknown,
			audit.CheckWrongExternalID: audit.Unknown, audit.CheckStillAssumable: audit.Failed,
			audit.CheckSessionTags: audit.Failed, audit.CheckSourceIdentity: audit.Failed, audit.CheckIdentity: audit.Passed,
		}
		if diff := cmp.Diff(want, verdicts(got)); diff != "" || got.Status != registry.Unusable {
			t.Errorf("got %s; %s", got.Status, diff)
		}
	})
}

func TestTrap8TroubleIsNoVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		c.useRole(rolekit.TrustPolicy(c.role, []string{siteA}))
		for _, fault := range []localaws.Fault{
			{Service: "sts", Status: 400, Code: "Throttling"},
			{Service: "sts", Status: 500},
			{Service: "sts", Status: 403, Code: "ExpiredToken"}, // the gateway's own
		} {
			c.Inject(fault)
			if got, err := c.verifier.Verify(t.Context(), siteA, "main"); !errors.Is(err, audit.ErrInconclusive) {
				t.Errorf("%s: got %s, %v, want ErrInconclusive", fault.Code, got.Status, err)
			}
			c.ClearFaults()
		}
		if len(c.registry.states) != 0 {
			t.Errorf("got %d states stored, want none", len(c.registry.states))
		}
	})
}

func TestVerifyNeedsAProviderWithARole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		c.useARN("")
		if _, err := c.verifier.Verify(t.Context(), siteA, "main"); !errors.Is(err, audit.ErrAwaitingRole) {
			t.Errorf("got %v, want ErrAwaitingRole", err)
		}
		if _, err := c.verifier.Verify(t.Context(), siteB, "main"); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("another site: got %v, want ErrNotFound", err)
		}
	})
}

func TestVerifyAccessKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		allow := func(action string) string {
			return trust(`{"Effect":"Allow","Action":"` + action + `","Resource":"*"}`)
		}
		good := c.AddUser(t, c.customer, "good", allow("sts:GetFederationToken"))
		narrow := c.AddUser(t, c.customer, "narrow", allow("s3:*"))
		rootID, rootSecret := c.AddRootKey(customerAccount)
		for _, k := range []struct {
			name    string
			keys    localawstest.Keys
			scoping string
			status  registry.Status
			reason  string
		}{
			{"good", good, "", registry.Ready, ""},
			{"unscoped", narrow, registry.ScopingNone, registry.Ready, ""},
			{"without the permission", narrow, "", registry.Unusable, audit.CheckSession},
			{"root", localawstest.Keys{AccessKeyID: rootID, SecretAccessKey: rootSecret}, "", registry.Unusable, audit.CheckNotRoot},
			{"wrong secret", localawstest.Keys{AccessKeyID: good.AccessKeyID, SecretAccessKey: secrettest.Plant(secrettest.SecretKey, "x")}, "", registry.Unusable, audit.CheckIdentity},
		} {
			c.useKeys(k.keys, k.scoping)
			got := c.verify()
			if got.Status != k.status || got.Reason != k.reason {
				t.Errorf("%s: got %s because of %q, want %s because of %q", k.name, got.Status, got.Reason, k.status, k.reason)
			}
			if k.status == registry.Ready && got.Account != customerAccount {
				t.Errorf("%s: got account %q", k.name, got.Account)
			}
		}
	})
}
