package report_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/report"
)

// samples are the reports in testdata, by name: a busy one, a clean one, an unsafe role and keys that AWS refuses.
func samples(t *testing.T) map[string]audit.Report {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	out := map[string]audit.Report{}
	for _, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // the repository's own file
		if err != nil {
			t.Fatal(err)
		}
		var r audit.Report
		if err := json.Unmarshal(text, &r); err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(file), ".json")] = r
	}
	return out
}

func sample(t *testing.T, name string) audit.Report {
	t.Helper()
	r, ok := samples(t)[name]
	if !ok {
		t.Fatalf("no sample %s", name)
	}
	return r
}

func page(t *testing.T, r audit.Report) string {
	t.Helper()
	text, err := report.HTML(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// renamed returns r with each text in it, wherever it is, replaced by prefix and a number; the same text by the same. Words of
// our own, such as verdicts and rules, stay.
func renamed(t *testing.T, r audit.Report, prefix string) audit.Report {
	t.Helper()
	out := r
	deep, err := json.Marshal(r) // a copy that shares nothing
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(deep, &out); err != nil {
		t.Fatal(err)
	}
	rename(reflect.ValueOf(&out).Elem(), prefix, map[string]string{"": ""})
	return out
}

func rename(v reflect.Value, prefix string, known map[string]string) {
	if v.Type() == reflect.TypeFor[string]() {
		if _, ok := known[v.String()]; !ok {
			known[v.String()] = fmt.Sprintf("%s-%04d", prefix, len(known))
		}
		v.SetString(known[v.String()])
		return
	}
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		rename(v.Elem(), prefix, known)
	}
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			rename(v.Index(i), prefix, known)
		}
	}
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				rename(v.Field(i), prefix, known)
			}
		}
	}
}
