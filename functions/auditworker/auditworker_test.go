package auditworker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/archive"
	"github.com/arngate/arngate/shared/audit/dispatch"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/registry"
)

// bubble runs a test on a desk in time of its own.
func bubble(t *testing.T, test func(d *desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(newDesk(t)) })
}

func TestAMessageIsAnAudit(t *testing.T) {
	bubble(t, func(d *desk) {
		t := d.t

		m, of := d.queued("main")
		d.auditor.audit = func(_ context.Context, _ string, previous *audit.Report) (audit.Report, error) {
			if previous != nil {
				t.Errorf("got %+v of before", previous)
			}
			r := report(finding(1, audit.Critical, audit.New), finding(2, audit.Info, audit.New))
			r.Verification.Status = registry.Unsafe
			return r, nil
		}
		if again := d.handle(t.Context(), 1, m); len(again) != 0 {
			t.Errorf("got %v to deliver again", again)
		}
		got := d.stored(of.ID)
		if got.Status != archive.Done || got.Findings[audit.Critical] != 1 || !got.Announced || got.ProviderStatus != registry.Unsafe {
			t.Errorf("got %+v", got)
		}
		if diff := cmp.Diff([]string{"Appeared main 01"}, d.told()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		event := d.Events()[0]
		if event.Source != dispatch.Source || !strings.HasSuffix(event.Bus, "/ops") || event.Resources[0] != "arn:aws:iam::444455556666:role/x" ||
			!strings.Contains(event.Detail, of.ID) || !strings.Contains(event.Detail, site) {
			t.Errorf("got %+v", event)
		}
		d.checkMetrics(map[string]any{
			"Audits": 1.0, "AuditFailures": 0.0, "ProvidersUnusable": 1.0, "FindingsCritical": 1.0, "FindingsHigh": 0.0, "FindingsInfo": 1.0, "FindingsMedium": 0.0,
			"site": site, "provider": "main", "audit": of.ID,
		})
	})
}

// checkMetrics compares the one line of metrics of an audit.
func (d *desk) checkMetrics(want map[string]any) {
	d.t.Helper()
	all := d.metrics()
	if len(all) != 1 {
		d.t.Fatalf("got %d lines of metrics, want one", len(all))
	}
	got := map[string]any{}
	for name := range want {
		got[name] = all[0][name]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		d.t.Errorf("metrics (-want +got):\n%s", diff)
	}
	if text := fmt.Sprint(all[0]["_aws"]); strings.Contains(text, "site") || strings.Contains(text, "provider]") {
		d.t.Errorf("a dimension without bounds: %s", text)
	}
}

// The queue delivers twice what it delivers once.
func TestAMessageDeliveredTwiceIsOneAudit(t *testing.T) {
	bubble(t, func(d *desk) {
		t := d.t

		d.provider("nightly", "arn:aws:iam::444455556666:role/skuid-assumable-role/x")
		d.auditor.audit = func(_ context.Context, provider string, _ *audit.Report) (audit.Report, error) {
			return report(finding(len(provider), audit.High, audit.New)), nil
		}
		asked, _ := d.queued("main")
		for n := range 3 {
			if again := d.handle(t.Context(), n+1, asked, scheduled("nightly")); len(again) != 0 {
				t.Errorf("got %v to deliver again", again)
			}
		}
		if diff := cmp.Diff(map[string]int{"main": 1, "nightly": 1}, d.auditor.calls); diff != "" {
			t.Errorf("audits (-want +got):\n%s", diff)
		}
		if len(d.told()) != 2 || len(d.metrics()) != 2 {
			t.Errorf("got events %v and %d lines of metrics, want each once", d.told(), len(d.metrics()))
		}
		page, _, err := d.archive.Audits(t.Context(), site, "nightly", "", 10)
		if err != nil || len(page) != 1 || page[0].RequestedBy != dispatch.BySchedule || page[0].RequestedAt.UnixMilli() != 1795435200000 {
			t.Errorf("got %+v, %v", page, err)
		}
	})
}

// The audit before is what the next one compares with.
func TestAnAuditKnowsTheOneBefore(t *testing.T) {
	bubble(t, func(d *desk) {
		t := d.t

		first, of := d.queued("main")
		d.handle(t.Context(), 1, first)
		d.auditor.audit = func(_ context.Context, _ string, previous *audit.Report) (audit.Report, error) {
			if previous == nil || previous.ID != of.ID {
				t.Errorf("got %+v of before", previous)
			}
			return report(), nil
		}
		second, _ := d.queued("main")
		d.handle(t.Context(), 1, second)
	})
}

// A provider that hangs and one that breaks keep their own messages, and nobody else's, not even for a moment.
func TestAPoisonedProviderNeitherStopsNorDelaysTheOthers(t *testing.T) {
	bubble(t, func(d *desk) {
		t := d.t

		began := time.Now()
		d.auditor.audit = func(ctx context.Context, provider string, _ *audit.Report) (audit.Report, error) {
			switch provider {
			case "hangs":
				<-ctx.Done()
				return audit.Report{}, fmt.Errorf("%w: %w", audit.ErrInconclusive, ctx.Err())
			case "breaks":
				panic("index out of range")
			}
			time.Sleep(time.Second)
			return report(), nil
		}
		var messages []events.SQSMessage
		var audits []archive.Audit
		for _, provider := range []string{"hangs", "a", "b", "breaks", "c", "d", "e", "f", "g", "h"} {
			m, of := d.queued(provider)
			messages, audits = append(messages, m), append(audits, of)
		}
		for n := 1; n <= 3; n++ {
			want := []string{"m-hangs", "m-breaks"}
			if n == 3 {
				want = nil // the last time: how it ended is recorded
			}
			if diff := cmp.Diff(want, d.handle(t.Context(), n, messages...)); diff != "" {
				t.Errorf("delivery %d: to deliver again (-want +got):\n%s", n, diff)
			}
			for _, of := range audits {
				got := d.stored(of.ID)
				poisoned := of.Provider == "hangs" || of.Provider == "breaks"
				if !poisoned && (got.Status != archive.Done || got.FinishedAt.Sub(began) > 2*time.Second) {
					t.Errorf("delivery %d: %s is %s after %v", n, of.Provider, got.Status, got.FinishedAt.Sub(began))
				}
				if poisoned && got.Status.Ended() != (n == 3) {
					t.Errorf("delivery %d: %s is %s", n, of.Provider, got.Status)
				}
			}
		}
		for i, want := range map[int]problem.Code{0: problem.DeadlineExceeded, 3: problem.Internal} {
			if got := d.stored(audits[i].ID); got.Status != archive.Failed || got.Problem != string(want) || got.Detail == "" || !got.Announced {
				t.Errorf("got %+v, want it failed as %s", got, want)
			}
		}
		if n := strings.Count(d.out.String(), "index out of range"); n < 3 || !strings.Contains(d.out.String(), "auditworker_test.go") {
			t.Errorf("the log names the panic %d times, or not where", n)
		}
		if took := time.Since(began); took > 3*90*time.Second+time.Minute {
			t.Errorf("three deliveries took %v", took)
		}
	})
}

func TestHowManyAuditsRunAtOnce(t *testing.T) {
	bubble(t, func(d *desk) {
		t := d.t

		d.deps.Concurrency = 3
		var running, most atomic.Int64
		d.auditor.audit = func(context.Context, string, *audit.Report) (audit.Report, error) {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			time.Sleep(time.Second)
			return report(), nil
		}
		var messages []events.SQSMessage
		for i := range 10 {
			m, _ := d.queued(fmt.Sprintf("p%d", i))
			messages = append(messages, m)
		}
		if again := d.handle(t.Context(), 1, messages...); len(again) != 0 {
			t.Errorf("got %v to deliver again", again)
		}
		if most.Load() != 3 {
			t.Errorf("got %d audits at once, want 3", most.Load())
		}
	})
}

// An audit ends before the invocation does, with enough time left to write that down.
func TestAnAuditEndsBeforeTheInvocation(t *testing.T) {
	bubble(t, func(d *desk) {
		t := d.t

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		d.auditor.audit = func(ctx context.Context, _ string, _ *audit.Report) (audit.Report, error) {
			<-ctx.Done()
			return audit.Report{}, ctx.Err()
		}
		m, of := d.queued("main")
		d.handle(ctx, 3, m)
		if got := d.stored(of.ID); got.Status != archive.Failed || ctx.Err() != nil {
			t.Errorf("got %+v, the invocation's context %v", got, ctx.Err())
		}
	})
}

// What would end alike however often it is tried is not tried again; what AWS or we couldn't do is.
func TestWhichErrorsAreFinal(t *testing.T) {
	throttled := &smithy.OperationError{ServiceID: "STS", OperationName: "AssumeRole", Err: &smithy.GenericAPIError{Code: "ThrottlingException"}}
	for name, c := range map[string]struct {
		err   error
		final bool
		code  problem.Code
	}{
		"deleted":   {fmt.Errorf("audit: %w", registry.ErrNotFound), true, problem.ProviderNotFound},
		"no role":   {fmt.Errorf("audit: %w", audit.ErrAwaitingRole), true, problem.ProviderAwaitingRole},
		"throttled": {fmt.Errorf("%w: %w", audit.ErrInconclusive, throttled), false, problem.AWSThrottled},
		"late":      {fmt.Errorf("%w: %w", audit.ErrInconclusive, context.DeadlineExceeded), false, problem.DeadlineExceeded},
		"no answer": {fmt.Errorf("%w: %w", audit.ErrInconclusive, errors.New("nothing")), false, problem.AWSUnavailable},
		"ours":      {errors.New("ours"), false, problem.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(d *desk) {
				t := d.t

				d.auditor.audit = func(context.Context, string, *audit.Report) (audit.Report, error) { return audit.Report{}, c.err }
				m, of := d.queued("main")
				again := d.handle(t.Context(), 1, m)
				if (len(again) == 0) != c.final || d.stored(of.ID).Status.Ended() != c.final {
					t.Errorf("first time: got %v to deliver again, %s", again, d.stored(of.ID).Status)
				}
				if again := d.handle(t.Context(), 3, m); len(again) != 0 {
					t.Errorf("last time: got %v to deliver again", again)
				}
				if got := d.stored(of.ID); got.Status != archive.Failed || got.Problem != string(c.code) || got.Detail == "" {
					t.Errorf("got %+v, want it failed as %s", got, c.code)
				}
				d.checkMetrics(map[string]any{"Audits": 1.0, "AuditFailures": 1.0, "code": string(c.code), "ProvidersUnusable": nil})
				if len(d.told()) != 0 {
					t.Errorf("got events %v", d.told())
				}
			})
		})
	}
}

// The schedule asks for all there are: those that can't be audited yet, or were deleted since, are passed over.
func TestTheSchedulePassesOverWhatCannotBeAudited(t *testing.T) {
	bubble(t, func(d *desk) {
		t := d.t

		d.provider("awaiting", "")
		d.auditor.audit = func(_ context.Context, provider string, _ *audit.Report) (audit.Report, error) {
			t.Errorf("%s is audited", provider)
			return report(), nil
		}
		if again := d.handle(t.Context(), 1, scheduled("awaiting"), scheduled("deleted")); len(again) != 0 {
			t.Errorf("got %v to deliver again", again)
		}
		page, _, err := d.archive.Audits(t.Context(), site, "", "", 10)
		if err != nil || len(page) != 0 || len(d.metrics()) != 0 {
			t.Errorf("got audits %+v, %v", page, err)
		}
	})
}

// What is no message of ours goes back to the queue, and to its dead letters in the end; the others of the batch don't.
func TestMessagesThatAreNone(t *testing.T) {
	bubble(t, func(d *desk) {
		t := d.t

		good, of := d.queued("main")
		other := message(dispatch.Message{Site: site, Provider: "other", Audit: of.ID})
		timeless := scheduled("timeless")
		timeless.Attributes = nil
		bad := []events.SQSMessage{
			{MessageId: "empty"},
			{MessageId: "text", Body: "x"},
			{MessageId: "list", Body: "[]"},
			{MessageId: "siteless", Body: `{"provider":"main"}`},
			{MessageId: "nameless", Body: `{"site":"` + site + `","provider":"../x"}`},
			{MessageId: "no id", Body: `{"site":"` + site + `","provider":"main","audit":"x"}`},
			other, timeless,
		}
		again := d.handle(t.Context(), 1, append(bad, good)...)
		want := []string{"empty", "text", "list", "siteless", "nameless", "no id", "m-other", "m-timeless"}
		if diff := cmp.Diff(want, again); diff != "" {
			t.Errorf("to deliver again (-want +got):\n%s", diff)
		}
		if d.stored(of.ID).Status != archive.Done {
			t.Error("the good one isn't done")
		}
		if len(d.handle(t.Context(), 5, bad...)) != len(bad) {
			t.Error("the last time they aren't left to the dead letters")
		}
	})
}
