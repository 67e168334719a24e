package report

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"unicode/utf16"

	"github.com/arngate/arngate/shared/audit"
)

// constants are the values of the constants of that type that package audit declares.
func constants(t *testing.T, typeName string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if name, ok := spec.Type.(*ast.Ident); ok && name.Name == typeName {
				if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
					value, err := strconv.Unquote(literal.Value)
					if err != nil {
						t.Fatal(err)
					}
					out = append(out, value)
				}
			}
			return true
		})
	}
	return out
}

func TestEveryRuleHasWords(t *testing.T) {
	rules := constants(t, "Rule")
	if len(rules) < 19 {
		t.Fatalf("only %d rules were found", len(rules))
	}
	titles := map[string]string{}
	for _, id := range rules {
		words := ruleOf(audit.Rule(id))
		if words.title == id || words.title == "" || words.risk == "" {
			t.Errorf("%s has no words: %+v", id, words)
		}
		if other, taken := titles[words.title]; taken {
			t.Errorf("%s and %s have one title", id, other)
		}
		titles[words.title] = id
	}
	if got := ruleOf("not_known_yet"); got.title != "not_known_yet" {
		t.Errorf("a rule without words is %+v", got)
	}
}

func TestEveryChangeHasWords(t *testing.T) {
	texts := map[string]bool{}
	for _, change := range constants(t, "Change") {
		texts[changeText(audit.Change(change))] = true
	}
	if len(texts) != 5 {
		t.Errorf("%d texts for 5 changes", len(texts))
	}
}

// What people copy means the same after its invisible characters were written out.
func TestEscapedPoliciesMeanTheSame(t *testing.T) {
	for _, prefix := range []string{"plain", "\u202edrow", "a\u200bb", "\u00a0", "\U000E0041tag", "ñ", "שלום", "\u2028"} {
		policy := `{"Condition":{"StringLike":{"s3:prefix":["` + prefix + `/*"]}}}`
		shown := escaped(policy)
		for _, r := range shown {
			if hidden(r) {
				t.Errorf("%q still has %U", shown, r)
			}
		}
		var before, after any
		if json.Unmarshal([]byte(policy), &before) != nil || json.Unmarshal([]byte(shown), &after) != nil {
			t.Fatalf("%q is no JSON", shown)
		}
		got, _ := json.Marshal(after)
		if want, _ := json.Marshal(before); string(got) != string(want) {
			t.Errorf("%q means %s, want %s", shown, got, want)
		}
	}
	if high, low := surrogates(0xE0041); string(utf16.Decode([]uint16{uint16(high), uint16(low)})) != "\U000E0041" { //nolint:gosec // surrogates have 16 bits
		t.Errorf("surrogates %x %x", high, low)
	}
}

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"orders": "orders", "two\nlines\t.": "two\nlines\t.", "\u202eexe": "⟨U+202E⟩exe", "a\u00a0b": "a⟨U+00A0⟩b",
		"\x00\x7f": "⟨U+0000⟩⟨U+007F⟩", "שלום": "שלום", "\xff": "⟨U+FFFD⟩", "\u3164": "⟨U+3164⟩", "é́": "é́",
	} {
		if got := visible(text); got != want {
			t.Errorf("visible(%q) = %q, want %q", text, got, want)
		}
	}
}

// The page counts as metrics do: what is resolved, or suppressed and not critical, doesn't count.
func TestCountsAreThoseOfMetrics(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "busy.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r audit.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	r.Findings[0].Suppression = r.Findings[3].Suppression // a critical one stays among those that stand
	p := pageOf(r)
	want := audit.Counts(r.Findings)
	total := 0
	for i, s := range audit.Severities() {
		total += want[s]
		if p.Severities[i].Count != want[s] || p.Severities[i].Label != severityLabel(s) {
			t.Errorf("%s: %+v, want %d", s, p.Severities[i], want[s])
		}
	}
	if len(p.Findings) != total {
		t.Errorf("%d findings are shown, %d counted", len(p.Findings), total)
	}
}
