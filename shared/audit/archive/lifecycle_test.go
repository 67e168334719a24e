package archive_test

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/archive"
	"github.com/arngate/arngate/shared/registry"
)

func TestAnAuditIsQueuedRunsAndEnds(t *testing.T) {
	k := newKeeper(t)
	queued := must[archive.Audit](t)(k.Queue(t.Context(), siteA, "main", "ada"))
	want := archive.Audit{ID: queued.ID, Site: siteA, Provider: "main", Status: archive.Queued, RequestedBy: "ada", RequestedAt: queued.RequestedAt}
	check := func(want archive.Audit) {
		t.Helper()
		got := must[archive.Audit](t)(k.Audit(t.Context(), siteA, queued.ID))
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(archive.Audit{}, "StartedAt", "FinishedAt")); diff != "" {
			t.Errorf("audit (-want +got):\n%s", diff)
		}
		if begun, ended := want.Status != archive.Queued, want.Status.Ended(); got.StartedAt.IsZero() == begun || got.FinishedAt.IsZero() == ended {
			t.Errorf("%s: started %v, finished %v", got.Status, got.StartedAt, got.FinishedAt)
		}
	}
	check(want)
	if _, err := k.Report(t.Context(), siteA, queued.ID); !errors.Is(err, archive.ErrNotFound) {
		t.Errorf("report: got %v, want ErrNotFound", err)
	}
	begun := must[archive.Audit](t)(k.Begin(t.Context(), siteA, queued.ID, "main", "somebody else"))
	want.Status = archive.Running
	check(want)
	if diff := cmp.Diff(want, begun, cmpopts.IgnoreFields(archive.Audit{}, "StartedAt")); diff != "" {
		t.Errorf("begun (-want +got):\n%s", diff)
	}
	k.finish(begun, noon(), finding(1, audit.Critical), finding(2, audit.Info), finding(3, audit.Info))
	want.Status, want.ProviderStatus = archive.Done, registry.Unsafe
	want.Findings = map[audit.Severity]int{audit.Critical: 1, audit.High: 0, audit.Medium: 0, audit.Info: 2}
	check(want)
	if err := k.Announced(t.Context(), siteA, queued.ID); err != nil {
		t.Fatal(err)
	}
	want.Announced = true
	check(want)
}

// Whatever comes after the end of an audit changes nothing: messages are delivered twice.
func TestWhatHasEndedStays(t *testing.T) {
	k := newKeeper(t)
	done, failed := k.begun("main"), k.begun("main")
	k.finish(done, noon(), finding(1, audit.High))
	if err := k.Fail(t.Context(), failed, "aws_unavailable", "AWS gave no answer."); err != nil {
		t.Fatal(err)
	}
	before := k.items()
	for name, c := range map[string]struct{ got, want error }{
		"finish done":  {k.Finish(t.Context(), done, report(noon().Add(time.Hour), finding(2, audit.Critical))), nil},
		"fail done":    {k.Fail(t.Context(), done, "internal", "No."), archive.ErrDone},
		"finish other": {k.Finish(t.Context(), failed, report(noon().Add(time.Hour))), archive.ErrDone},
		"fail failed":  {k.Fail(t.Context(), failed, "internal", "No."), nil},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: got %v, want %v", name, c.got, c.want)
		}
	}
	for _, of := range []archive.Audit{done, failed} {
		got, err := k.Begin(t.Context(), siteA, of.ID, "main", "ada")
		if !errors.Is(err, archive.ErrDone) || got.ID != of.ID || !got.Status.Ended() {
			t.Errorf("begin again: got %+v, %v, want the audit and ErrDone", got, err)
		}
	}
	kept := func(items []map[string]types.AttributeValue) map[string]map[string]types.AttributeValue {
		out := map[string]map[string]types.AttributeValue{}
		for _, i := range items {
			if kind := kindOf(i); kind == "AUDIT" || kind == "CURRENT" {
				out[skOf(i)] = i
			}
		}
		return out
	}
	if diff := cmp.Diff(kept(before), kept(k.items()), cmpopts.IgnoreUnexported(types.AttributeValueMemberS{}, types.AttributeValueMemberN{},
		types.AttributeValueMemberM{}, types.AttributeValueMemberB{}, types.AttributeValueMemberBOOL{}, types.AttributeValueMemberNULL{})); diff != "" {
		t.Errorf("items (-before +after):\n%s", diff)
	}
}

func TestBeginMakesTheAuditThatAMessageOfTheScheduleAsksFor(t *testing.T) {
	k := newKeeper(t)
	sent := noon().Truncate(time.Millisecond)
	id := archive.DerivedID(sent, "7e9e3f0a-1111-4222-8333-444455556666")
	if again := archive.DerivedID(sent, "7e9e3f0a-1111-4222-8333-444455556666"); again != id {
		t.Errorf("got %s and %s for the same message", id, again)
	}
	if other := archive.DerivedID(sent, "7e9e3f0a-1111-4222-8333-444455556667"); other == id {
		t.Error("two messages of one moment have the same audit")
	}
	for range 2 { // the second is a redelivery after the worker was lost
		got := must[archive.Audit](t)(k.Begin(t.Context(), siteA, id, "main", "schedule"))
		if !got.RequestedAt.Equal(sent) || got.RequestedBy != "schedule" || got.Status != archive.Running {
			t.Errorf("got %+v", got)
		}
	}
	page, _, err := k.Audits(t.Context(), siteA, "main", "", 10)
	if err != nil || len(page) != 1 {
		t.Errorf("got %d audits, %v, want one", len(page), err)
	}
}

func TestBeginTakesOnlyIDsOfAuditsOfTheProvider(t *testing.T) {
	k := newKeeper(t)
	queued := must[archive.Audit](t)(k.Queue(t.Context(), siteA, "main", "ada"))
	for name, of := range map[string][2]string{
		"another provider's": {queued.ID, "other"}, "no id": {"x", "main"}, "empty": {"", "main"}, "longer than a key": {string(make([]byte, 2000)), "main"},
	} {
		if _, err := k.Begin(t.Context(), siteA, of[0], of[1], "ada"); !errors.Is(err, archive.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNotFound", name, err)
		}
	}
	if err := k.Finish(t.Context(), archive.Audit{ID: archive.NewID(noon()), Site: siteA, Provider: "main"}, report(noon())); !errors.Is(err, archive.ErrNotFound) {
		t.Errorf("finish what was never begun: got %v, want ErrNotFound", err)
	}
	if err := k.Announced(t.Context(), siteA, archive.NewID(noon())); !errors.Is(err, archive.ErrNotFound) {
		t.Errorf("announce what isn't there: got %v, want ErrNotFound", err)
	}
}

func TestIDsSortByTime(t *testing.T) {
	last := ""
	for i := range 1000 {
		id := archive.NewID(noon().Add(time.Duration(i) * time.Millisecond))
		if id <= last {
			t.Fatalf("%s comes after %s", id, last)
		}
		last = id
	}
}

// A report comes out as it went in, whatever its size; no item passes DynamoDB's limit.
func TestReportsOfAnySize(t *testing.T) {
	for name, findings := range map[string]int{"empty": 0, "small": 3, "several items": 300} {
		t.Run(name, func(t *testing.T) {
			k := newKeeper(t)
			var found []audit.Finding
			random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // what gzip can't shorten
			for i := range findings {
				f := finding(i, audit.Medium)
				for range 300 { // few findings with much to say: comparing many takes long
					f.Evidence.Summary += strconv.FormatUint(random.Uint64(), 36)
				}
				found = append(found, f)
			}
			want := report(noon(), found...)
			of := k.begun("main")
			k.finish(of, noon(), found...)
			want.ID, want.Site, want.Provider = of.ID, siteA, "main"
			got := must[audit.Report](t)(k.Report(t.Context(), siteA, of.ID))
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
			latest := must[*audit.Report](t)(k.Latest(t.Context(), siteA, "main"))
			if diff := cmp.Diff(&want, latest, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("latest (-want +got):\n%s", diff)
			}
			parts := 0
			for _, i := range k.items() {
				if kindOf(i) == "PART" {
					parts++
				}
			}
			if several := findings > 100; parts > 2 != several {
				t.Errorf("got %d parts of texts", parts)
			}
		})
	}
}

func TestEverythingExpires(t *testing.T) {
	k := newKeeper(t)
	k.audited("main", noon(), finding(1, audit.High))
	until := time.Now().Add(time.Hour)
	err := k.Suppress(t.Context(), siteA, audit.Suppression{Fingerprint: finding(1, audit.High).Fingerprint, Reason: "Known.", By: "ada", Set: time.Now(), Until: until})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, i := range k.items() {
		kinds[kindOf(i)] = true
		expires, ok := i["expires_at"].(*types.AttributeValueMemberN)
		if !ok {
			t.Fatalf("%s has no time to live", skOf(i))
		}
		got := must[int64](t)(strconv.ParseInt(expires.Value, 10, 64))
		want := time.Now().Add(retention)
		if kindOf(i) == "SUPPRESSION" {
			want = until
		}
		if off := want.Unix() - got; off < -1 || off > 60 {
			t.Errorf("%s expires %d seconds off", skOf(i), off)
		}
	}
	want := map[string]bool{"AUDIT": true, "OF": true, "CURRENT": true, "FINDING": true, "PART": true, "SUPPRESSION": true}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("kinds of items (-want +got):\n%s", diff)
	}
}
