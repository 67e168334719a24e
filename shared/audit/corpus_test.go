package audit_test

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/permissions"
)

// The audit gives exactly the findings of the corpus, which was written before it, and names the cause of every difference
// between its sources.
func TestCorpus(t *testing.T) {
	for _, c := range corpus(t) {
		t.Run(c.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, c)
				report := w.audit(nil)
				if diff := gocmp.Diff(w.expected(), found(report)); diff != "" {
					t.Errorf("%s\nfindings (-want +got):\n%s", c.Reason, diff)
				}
				want := slices.SortedFunc(slices.Values(w.c.Disagreements), byPlace)
				if diff := gocmp.Diff(want, disagreements(report)); diff != "" {
					t.Errorf("%s\ndisagreements (-want +got):\n%s", c.Reason, diff)
				}
				w.checkActions(report)
				for _, f := range report.Findings {
					if f.Evidence.Summary == "" || len(f.Coverage) == 0 || f.Remediation.Summary == "" {
						t.Errorf("%s lacks evidence, coverage or remediation: %+v", f.Rule, f)
					}
				}
			})
		})
	}
}

func (w *world) expected() []expectedFinding {
	out := make([]expectedFinding, 0, len(w.c.Findings))
	for _, f := range w.c.Findings {
		f.Resource, f.Includes, f.Excludes = w.fill(f.Resource), nil, nil
		out = append(out, f)
	}
	slices.SortFunc(out, byAll)
	return out
}

func found(r audit.Report) []expectedFinding {
	out := make([]expectedFinding, 0, len(r.Findings))
	for _, f := range r.Findings {
		out = append(out, expectedFinding{
			Rule: string(f.Rule), Severity: string(f.Severity), Action: f.Action, Resource: f.Resource,
			Verdict: string(f.Verdict), Cause: string(f.Evidence.Cause),
		})
	}
	slices.SortFunc(out, byAll)
	return out
}

func byAll(a, b expectedFinding) int {
	return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Action, b.Action), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Verdict, b.Verdict))
}

func disagreements(r audit.Report) []disagreement {
	var out []disagreement
	for _, p := range r.Permissions {
		if p.Disagree {
			out = append(out, disagreement{
				Action: p.Action, Resource: p.Resource, Offline: string(p.Sources[0].Verdict), Live: string(p.Sources[1].Verdict), Cause: string(p.Cause),
			})
		}
	}
	slices.SortFunc(out, byPlace)
	return out
}

func byPlace(a, b disagreement) int {
	return cmp.Or(cmp.Compare(a.Action, b.Action), cmp.Compare(a.Resource, b.Resource))
}

// checkActions compares what a pattern stands for with what the case says of it.
func (w *world) checkActions(r audit.Report) {
	for _, want := range w.c.Findings {
		for _, got := range r.Findings {
			if string(got.Rule) != want.Rule || got.Action != want.Action || got.Resource != w.fill(want.Resource) {
				continue
			}
			for _, name := range want.Includes {
				if !slices.Contains(got.Evidence.Actions, name) {
					w.t.Errorf("%s %s: %s is missing of %v", want.Rule, want.Action, name, got.Evidence.Actions)
				}
			}
			for _, name := range want.Excludes {
				if slices.Contains(got.Evidence.Actions, name) {
					w.t.Errorf("%s %s: got %s among %v", want.Rule, want.Action, name, got.Evidence.Actions)
				}
			}
		}
	}
}

// corpusCase is one case of testdata/corpus; README.md there says what its fields mean.
type corpusCase struct {
	Name          string                     `json:"name"`
	Reason        string                     `json:"reason"`
	Trust         json.RawMessage            `json:"trust"`
	Path          string                     `json:"path"`
	Kit           bool                       `json:"kit"`
	NoReads       bool                       `json:"no_reads"`
	Inline        map[string]json.RawMessage `json:"inline"`
	Managed       map[string]json.RawMessage `json:"managed"`
	Attached      []string                   `json:"attached"`
	Boundary      json.RawMessage            `json:"boundary"`
	Tags          map[string]string          `json:"tags"`
	SCPs          [][]json.RawMessage        `json:"scps"`
	Buckets       map[string]json.RawMessage `json:"buckets"`
	Faults        []corpusFault              `json:"faults"`
	User          *corpusUser                `json:"user"`
	Connections   []corpusConnection         `json:"connections"`
	Findings      []expectedFinding          `json:"findings"`
	Disagreements []disagreement             `json:"disagreements"`
}

type corpusFault struct {
	Service   string `json:"service"`
	Operation string `json:"operation"`
	Status    int    `json:"status"`
	Code      string `json:"code"`
	Message   string `json:"message"`
}

type corpusUser struct {
	Root        bool                       `json:"root"`
	WrongSecret bool                       `json:"wrong_secret"`
	Scoping     string                     `json:"scoping"`
	AgeDays     int                        `json:"age_days"`
	Groups      map[string]json.RawMessage `json:"groups"`
}

type corpusConnection struct {
	Name      string                `json:"name"`
	Connector permissions.Connector `json:"connector"`
	ReadOnly  bool                  `json:"read_only"`
	Tables    []string              `json:"tables"`
	Buckets   []permissions.Bucket  `json:"buckets"`
	Functions []string              `json:"functions"`
	KMSKeys   []string              `json:"kms_keys"`
}

func (c corpusConnection) limits() permissions.Limits {
	return permissions.Limits{
		Connector: c.Connector, Region: localawstest.Region, ReadOnly: c.ReadOnly,
		Tables: c.Tables, Buckets: c.Buckets, Functions: c.Functions, KMSKeys: c.KMSKeys,
	}
}

type expectedFinding struct {
	Rule     string   `json:"rule"`
	Severity string   `json:"severity"`
	Action   string   `json:"action"`
	Resource string   `json:"resource"`
	Verdict  string   `json:"verdict"`
	Cause    string   `json:"cause"`
	Includes []string `json:"includes"`
	Excludes []string `json:"excludes"`
}

type disagreement struct {
	Action   string `json:"action"`
	Resource string `json:"resource"`
	Offline  string `json:"offline"`
	Live     string `json:"live"`
	Cause    string `json:"cause"`
}

// corpus reads every case.
func corpus(tb testing.TB) []corpusCase {
	tb.Helper()
	files, err := filepath.Glob("testdata/corpus/*.json")
	if err != nil {
		tb.Fatal(err)
	}
	var all []corpusCase
	for _, name := range files {
		raw, err := os.ReadFile(name) //nolint:gosec // a file of the test's own
		if err != nil {
			tb.Fatal(err)
		}
		d := json.NewDecoder(strings.NewReader(strings.NewReplacer(
			"<gateway>", gatewayARN, "<site>", siteA, "<other>", siteB,
			"<ddb>", "arn:aws:dynamodb:us-east-1:"+customerAccount+":table", "<fn>", "arn:aws:lambda:us-east-1:"+customerAccount+":function",
		).Replace(string(raw))))
		d.DisallowUnknownFields()
		var cases []corpusCase
		if err := d.Decode(&cases); err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
		all = append(all, cases...)
	}
	if len(all) < 40 {
		tb.Fatalf("got %d cases, want at least 40", len(all))
	}
	return all
}

// caseNamed returns one case of the corpus.
func caseNamed(tb testing.TB, name string) corpusCase {
	tb.Helper()
	for _, c := range corpus(tb) {
		if c.Name == name {
			return c
		}
	}
	tb.Fatalf("no case %s", name)
	return corpusCase{}
}
