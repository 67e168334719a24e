package rolekit

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	yamlparser "go.yaml.in/yaml/v3"
)

// Whatever text is encoded is read back as it was, and holds nothing that could end its line or its quotes.
func FuzzTrap23bEncoders(f *testing.F) {
	for _, s := range []string{"'$(id)${x}*", "$${x}%%{y}", `\u0024{`, "é\u2028\U0001F600", "POLICY\n", "# \x00\x85", "{{resolve:ssm:x}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return // not a text
		}
		var fromYAML string
		if err := yamlparser.Unmarshal([]byte(quoteYAML(s)), &fromYAML); err != nil || fromYAML != s {
			t.Errorf("YAML: got %q, %v, want %q", fromYAML, err, s)
		}
		var fromJSON string
		if err := json.Unmarshal([]byte(quoteJSON(s)), &fromJSON); err != nil || fromJSON != s {
			t.Errorf("JSON: got %q, %v, want %q", fromJSON, err, s)
		}
		text := "a = " + string(heredoc(quoteJSON(s)).Bytes()) + "\n"
		file, faults := hclsyntax.ParseConfig([]byte(text), "x.tf", hcl.InitialPos)
		if faults.HasErrors() {
			t.Fatalf("HCL: %v in %q", faults, text)
		}
		all, _ := file.Body.JustAttributes()
		value, faults := all["a"].Expr.Value(nil)
		var fromHCL string
		if err := json.Unmarshal([]byte(value.AsString()), &fromHCL); faults.HasErrors() || err != nil || fromHCL != s {
			t.Errorf("HCL: got %q, %v, %v, want %q", fromHCL, faults, err, s)
		}
		if quoted := quoteShell(s); strings.Count(strings.ReplaceAll(quoted, `'\''`, ""), "'") != 2 {
			t.Errorf("shell: %q has quotes of its own", quoted)
		}
	})
}
