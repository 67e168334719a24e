package auditworker_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/archive"
	"github.com/arngate/arngate/shared/localaws"
)

// Whoever listens is told even if the worker is lost between the audit and the telling; the audit isn't made again.
func TestWhatWasFoundIsToldAfterAll(t *testing.T) {
	bubble(t, func(d *desk) {
		t := d.t

		d.Inject(localaws.Fault{Service: "events", Status: 500, Code: "InternalFailure", Count: 1})
		d.auditor.audit = func(context.Context, string, *audit.Report) (audit.Report, error) {
			return report(finding(1, audit.High, audit.New)), nil
		}
		m, of := d.queued("main")
		if again := d.handle(t.Context(), 1, m); !slices.Equal(again, []string{"m-main"}) {
			t.Errorf("got %v to deliver again", again)
		}
		if got := d.stored(of.ID); got.Status != archive.Done || got.Announced || len(d.told()) != 0 || len(d.metrics()) != 0 {
			t.Errorf("got %+v, events %v", got, d.told())
		}
		if again := d.handle(t.Context(), 2, m); len(again) != 0 {
			t.Errorf("got %v to deliver again", again)
		}
		if got := d.stored(of.ID); !got.Announced || len(d.told()) != 1 || len(d.metrics()) != 1 || d.auditor.calls["main"] != 1 {
			t.Errorf("got %+v, events %v, %d audits", got, d.told(), d.auditor.calls["main"])
		}
	})
}

func TestWhichFindingsAreTold(t *testing.T) {
	all := func() []audit.Finding {
		return []audit.Finding{
			finding(1, audit.Critical, audit.New), finding(2, audit.High, audit.New), finding(3, audit.Medium, audit.New), finding(4, audit.Info, audit.New),
			finding(5, audit.Critical, audit.Unchanged), finding(6, audit.Critical, audit.Resolved), finding(7, audit.High, audit.Resolved),
			finding(8, audit.High, audit.New), finding(9, audit.Critical, audit.New), finding(10, audit.High, audit.Resolved),
		}
	}
	suppressed := []int{8, 9, 10}
	for severity, want := range map[audit.Severity][]string{
		audit.Critical: {"Appeared main 01", "Appeared main 09", "Resolved main 06"},
		"":             {"Appeared main 01", "Appeared main 02", "Appeared main 09", "Resolved main 06", "Resolved main 07"},
		audit.Medium:   {"Appeared main 01", "Appeared main 02", "Appeared main 03", "Appeared main 09", "Resolved main 06", "Resolved main 07"},
	} {
		t.Run(string(severity), func(t *testing.T) {
			bubble(t, func(d *desk) {
				t := d.t

				// The findings are there before, so that they can be suppressed; resolved, so that they can come back.
				d.auditor.audit = func(context.Context, string, *audit.Report) (audit.Report, error) {
					found := all()
					for i := range found {
						switch found[i].State {
						case audit.New:
							found[i].State = audit.Resolved
						case audit.Unchanged, audit.Resolved:
							found[i].State = audit.New
						}
					}
					return report(found...), nil
				}
				before, _ := d.queued("main")
				d.handle(t.Context(), 1, before)
				for _, n := range suppressed {
					d.must(d.archive.Suppress(t.Context(), site, audit.Suppression{
						Fingerprint: finding(n, audit.High, audit.New).Fingerprint, Reason: "Known.", By: "ada", Set: time.Now(), Until: time.Now().Add(time.Hour),
					}))
				}
				told := len(d.Events())
				time.Sleep(time.Minute)
				d.deps.Severity = severity
				d.auditor.audit = func(context.Context, string, *audit.Report) (audit.Report, error) { return report(all()...), nil }
				m, of := d.queued("main")
				d.handle(t.Context(), 1, m)
				var got []string
				for _, e := range d.Events()[told:] {
					got = append(got, strings.TrimPrefix(e.DetailType, "Finding ")+" main "+e.Detail[strings.Index(e.Detail, `"rule"`)-4:][:2])
				}
				slices.Sort(got)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				// Suppressed ones aren't counted either, but for critical ones.
				if diff := cmp.Diff(map[audit.Severity]int{audit.Critical: 3, audit.High: 1, audit.Medium: 1, audit.Info: 1}, d.stored(of.ID).Findings); diff != "" {
					t.Errorf("counted (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// An audit that a later one has overtaken says nothing of how things are.
func TestAnOvertakenAuditIsNotTold(t *testing.T) {
	bubble(t, func(d *desk) {
		t := d.t

		slow, of := d.queued("main")
		fast, _ := d.queued("main")
		d.auditor.audit = func(ctx context.Context, _ string, _ *audit.Report) (audit.Report, error) {
			r := report(finding(1, audit.Critical, audit.New))
			if d.auditor.calls["main"] == 1 {
				d.auditor.audit = clean
				time.Sleep(time.Minute)
				if again := d.handle(ctx, 1, fast); len(again) != 0 {
					t.Errorf("got %v to deliver again", again)
				}
			}
			return r, nil
		}
		if again := d.handle(t.Context(), 1, slow); len(again) != 0 {
			t.Errorf("got %v to deliver again", again)
		}
		if got := d.stored(of.ID); !got.Superseded || !got.Announced || len(d.told()) != 0 {
			t.Errorf("got %+v, events %v", got, d.told())
		}
	})
}
