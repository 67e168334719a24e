package rolekit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/rolekit"
)

// fakeAWS records its arguments, a NUL after each and two more after the last, and knows no role and no CORS rules.
const fakeAWS = `#!/bin/sh
printf '%s\0' "$@" >>"$ARGV"
printf '\0' >>"$ARGV"
case $2 in
get-bucket-cors) echo 'An error occurred (NoSuchCORSConfiguration)' >&2; exit 254 ;;
get-role) echo 'An error occurred (NoSuchEntity)' >&2; [ "$(tr -cd '\0' <"$ARGV" | wc -c)" -gt 8 ] || exit 254 ;;
esac
`

// shell runs scripts with nothing but sh and the fake aws.
type shell struct{ folder string }

func newShell(tb testing.TB) shell {
	tb.Helper()
	s := shell{tb.TempDir()}
	if err := os.WriteFile(filepath.Join(s.folder, "aws"), []byte(fakeAWS), 0o700); err != nil { //nolint:gosec // a program
		tb.Fatal(err)
	}
	return s
}

// run runs the script and returns the arguments of each call of aws.
func (s shell) run(tb rapid.TB, script string) [][]string {
	tb.Helper()
	record := filepath.Join(s.folder, "argv")
	if err := os.WriteFile(record, nil, 0o600); err != nil {
		tb.Fatal(err)
	}
	command := exec.Command("/bin/sh") //nolint:noctx // ends by itself
	command.Stdin, command.Dir = strings.NewReader(script), s.folder
	command.Env = []string{"PATH=" + s.folder + ":/usr/bin:/bin", "ARGV=" + record}
	if out, err := command.CombinedOutput(); err != nil {
		tb.Fatalf("%v: %s\nof %s", err, out, script)
	}
	files, err := os.ReadDir(s.folder)
	if err != nil || len(files) != 2 {
		tb.Fatalf("the script left files: %v, %v", files, err)
	}
	recorded, err := os.ReadFile(record) //nolint:gosec // its own
	if err != nil {
		tb.Fatal(err)
	}
	var calls [][]string
	for call := range bytes.SplitSeq(bytes.TrimSuffix(recorded, []byte("\x00\x00")), []byte("\x00\x00")) {
		calls = append(calls, strings.Split(string(call), "\x00"))
	}
	return calls
}

// hostile draws options of a kit full of what shells, templates and patterns treat specially.
func hostile(t *rapid.T) rolekit.Options {
	special := `['"$(){}` + "`" + `\\*?%!;&|<>#~: \na-c/é😀\x{301}-]`
	prefix := rapid.OneOf(
		rapid.StringMatching(strings.ReplaceAll(special, `\n`, "")+`{0,12}`),
		rapid.SampledFrom([]string{
			"'$(id)${x}*", "$${x}", "%%{x}", "%{if true}", "\u007f", "</script>", "e\u0301", "POLICY", "$", "%", "'", `\`, `\u0024{`,
			"$(touch owned)", "`touch owned`", "';touch owned;'", "!!python/object", "&a *a", "${jndi:x}", "\u2028", "\U0001F600", "{{resolve",
		}),
	).Filter(func(s string) bool {
		return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
	})
	name := rapid.OneOf(rapid.StringMatching(`[a-c_+=,.@-]{1,12}`), rapid.SampledFrom([]string{"--help", "-", "=", "@file", "null", "1e3"}))
	return rolekit.Options{
		Partition: "aws", GatewayRoleARN: gateway,
		RolePath: rapid.OneOf(rapid.SampledFrom([]string{"/skuid-assumable-role/", "/%%{if}/", "/%{x}'/", `/\u0024{x}/`}), rapid.StringMatching(`/['"(){}`+"`"+`\\%!;&|<>#~:a-c]{1,12}/`)).Draw(t, "path"),
		RoleName: name.Draw(t, "name"),
		Sites:    rapid.SliceOfN(rapid.StringMatching(`[a-c_+=,.@:/-]{2,20}`), 1, 3).Draw(t, "sites"),
		Audit:    rapid.Bool().Draw(t, "audit"),
		Origins:  []string{"https://app.example"},
		Limits: []permissions.Limits{{
			Connector: permissions.S3, Region: region,
			Buckets: []permissions.Bucket{{Name: "files", Prefix: prefix.Draw(t, "prefix")}},
		}},
	}
}

func TestTrap23bShellFormIsInert(t *testing.T) {
	sh := newShell(t)
	rapid.Check(t, func(t *rapid.T) { checkShell(t, sh, hostile(t)) })
}

// checkShell runs the kit's commands: the fake aws gets what the kit has, word by word, and nothing else happens.
func checkShell(t rapid.TB, sh shell, o rolekit.Options) {
	t.Helper()
	kit := newKit(t, o)
	role := "--role-name=" + o.RoleName
	got := sh.run(t, kit.CLI())
	if len(got) != 6 || len(got[4]) != 4 {
		t.Fatalf("calls of aws: %q", got)
	}
	rules := got[4][3]
	want := [][]string{
		{"iam", "get-role", role, "--query=Role.Arn", "--output=text"},
		{"iam", "create-role", "--path=" + o.RolePath, role, "--assume-role-policy-document=" + kit.TrustPolicy()},
		{"iam", "put-role-policy", role, "--policy-name=arngate", "--policy-document=" + kit.PermissionPolicy()},
		{"s3api", "get-bucket-cors", "--bucket=files"},
		{"s3api", "put-bucket-cors", "--bucket=files", rules},
		{"iam", "get-role", role, "--query=Role.Arn", "--output=text"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls of aws (-want +got):\n%s", diff)
	}
	rules = strings.TrimPrefix(rules, "--cors-configuration=")
	if !json.Valid([]byte(rules)) || !strings.Contains(rules, "https://app.example") {
		t.Errorf("CORS rules: %s", rules)
	}
	suggested, ok := strings.CutPrefix(lineWith(kit.CLI(), "put-bucket-lifecycle"), "# ")
	if !ok {
		t.Fatal("the suggestion isn't one line of comment")
	}
	suggestion := sh.run(t, suggested)
	text := strings.TrimPrefix(suggestion[0][3], "--lifecycle-configuration=")
	if got := lifecyclePrefix(t, text); strings.TrimSuffix(got, "/") != strings.TrimSuffix(o.Limits[0].Buckets[0].Prefix, "/") {
		t.Errorf("lifecycle for %q, want %q", got, o.Limits[0].Buckets[0].Prefix)
	}
}

func lineWith(text, word string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			return strings.TrimSuffix(line, "\n")
		}
	}
	return ""
}

func lifecyclePrefix(tb rapid.TB, text string) string {
	tb.Helper()
	var got map[string][]map[string]map[string]string
	text = strings.NewReplacer(`"ID":"arngate-abandoned-uploads-1","Status":"Enabled",`, "", `{"DaysAfterInitiation":7}`, "{}").Replace(text)
	if err := json.Unmarshal([]byte(text), &got); err != nil || len(got["Rules"]) != 1 {
		tb.Fatalf("%v in %s", err, text)
	}
	return got["Rules"][0]["Filter"]["Prefix"]
}

// cloudFormationRole is the role of the template, as a parser of YAML reads it.
func cloudFormationRole(tb rapid.TB, text string) map[string]any {
	tb.Helper()
	var template struct {
		Resources struct {
			ArngateRole struct {
				Type       string         `yaml:"Type"`
				Properties map[string]any `yaml:"Properties"`
			} `yaml:"ArngateRole"`
		} `yaml:"Resources"`
		Rest map[string]any `yaml:",inline"`
	}
	if err := yaml.Unmarshal([]byte(text), &template); err != nil {
		tb.Fatalf("%v in %s", err, text)
	}
	if template.Resources.ArngateRole.Type != "AWS::IAM::Role" || len(template.Rest) != 4 {
		tb.Fatalf("got %+v", template)
	}
	return template.Resources.ArngateRole.Properties
}

func TestTrap23bCloudFormationFormIsInert(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkCloudFormation(t, hostile(t)) })
}

// checkCloudFormation reads the kit's template as YAML.
func checkCloudFormation(t rapid.TB, o rolekit.Options) {
	t.Helper()
	kit := newKit(t, o)
	text, err := kit.CloudFormation()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"RoleName": o.RoleName, "Path": o.RolePath, "AssumeRolePolicyDocument": decoded(t, kit.TrustPolicy()),
		"Policies": []any{map[string]any{"PolicyName": "arngate", "PolicyDocument": decoded(t, kit.PermissionPolicy())}},
	}
	if diff := cmp.Diff(want, cloudFormationRole(t, text)); diff != "" {
		t.Errorf("role (-want +got):\n%s\n%s", diff, text)
	}
}

// CloudFormation replaces {{resolve:...}} by values of the account's, whatever string it stands in.
func TestTrap23bDynamicReferencesAreRefused(t *testing.T) {
	o := options()
	o.Limits[1].Buckets[0].Prefix = "{{resolve:ssm:/secret}}"
	if _, err := newKit(t, o).CloudFormation(); !errors.Is(err, rolekit.ErrDynamicReference) {
		t.Errorf("got %v, want ErrDynamicReference", err)
	}
}

// attributes are the strings that a Terraform configuration gives a block, evaluated with no variables and no functions.
func attributes(tb rapid.TB, text string, kind string) map[string]string {
	tb.Helper()
	file, faults := hclsyntax.ParseConfig([]byte(text), "kit.tf", hcl.InitialPos)
	if faults.HasErrors() {
		tb.Fatalf("%v in %s", faults, text)
	}
	out := map[string]string{}
	body, _ := file.Body.(*hclsyntax.Body)
	for _, block := range body.Blocks {
		if len(block.Labels) == 0 || block.Labels[0] != kind {
			continue
		}
		for name, attribute := range block.Body.Attributes {
			if len(attribute.Expr.Variables()) > 0 {
				continue
			}
			value, faults := attribute.Expr.Value(nil)
			if faults.HasErrors() {
				tb.Fatalf("%s: %v", name, faults)
			}
			out[name] = value.AsString()
		}
	}
	return out
}

func TestTrap23bTerraformFormIsInert(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkTerraform(t, hostile(t)) })
}

// checkTerraform reads the kit's configuration as HCL.
func checkTerraform(t rapid.TB, o rolekit.Options) {
	t.Helper()
	kit := newKit(t, o)
	text := kit.Terraform()
	role := attributes(t, text, "aws_iam_role")
	if role["name"] != o.RoleName || role["path"] != o.RolePath {
		t.Errorf("got name %q and path %q, want %q and %q", role["name"], role["path"], o.RoleName, o.RolePath)
	}
	if diff := cmp.Diff(decoded(t, kit.TrustPolicy()), decoded(t, role["assume_role_policy"])); diff != "" {
		t.Errorf("trust policy (-want +got):\n%s", diff)
	}
	inline := attributes(t, text, "aws_iam_role_policy")
	if diff := cmp.Diff(decoded(t, kit.PermissionPolicy()), decoded(t, inline["policy"])); diff != "" {
		t.Errorf("permission policy (-want +got):\n%s\n%s", diff, text)
	}
	if got := attributes(t, text, "aws_s3_bucket_cors_configuration")["bucket"]; got != "files" {
		t.Errorf("CORS of bucket %q", got)
	}
}

func TestTrap23bJSONFormIsInert(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkJSON(t, hostile(t)) })
}

// checkJSON reads the kit's JSON, and sees that no form has a character that a terminal or an editor would take for another.
func checkJSON(t rapid.TB, o rolekit.Options) {
	t.Helper()
	kit := newKit(t, o)
	got, _ := decoded(t, kit.JSON()).(map[string]any)
	if got["role_name"] != o.RoleName || got["role_path"] != o.RolePath {
		t.Errorf("got %v at %v", got["role_name"], got["role_path"])
	}
	if diff := cmp.Diff(decoded(t, kit.PermissionPolicy()), got["permission_policy"]); diff != "" {
		t.Errorf("permission policy (-want +got):\n%s", diff)
	}
	for _, text := range []string{kit.JSON(), kit.CLI(), kit.Terraform()} {
		if strings.ContainsFunc(text, func(r rune) bool { return r > '~' || (r < ' ' && r != '\n') }) {
			t.Errorf("not printable ASCII: %q", text)
		}
	}
}

// Run again, the script brings the role up to date; it touches no role of that name under another path.
func TestShellFormUpdates(t *testing.T) {
	for _, c := range []struct {
		arn  string
		want string
	}{
		{"arn:aws:iam::123456789012:role/skuid-assumable-role/arngate-demo", "update-assume-role-policy delete-role-policy"},
		{"arn:aws:iam::123456789012:role/other/arngate-demo", ""},
		{"arn:aws:iam::123456789012:role/arngate-demo", ""},
	} {
		folder := t.TempDir()
		record := filepath.Join(folder, "argv")
		fake := "#!/bin/sh\ncase $2 in get-role) echo " + c.arn + " ;; get-*) ;; *) printf '%s ' $2 >>" + record + " ;; esac\n"
		if err := os.WriteFile(filepath.Join(folder, "aws"), []byte(fake), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
		o := options()
		o.Limits, o.Audit = nil, false
		command := exec.CommandContext(t.Context(), "/bin/sh")
		command.Stdin, command.Env = strings.NewReader(newKit(t, o).CLI()), []string{"PATH=" + folder + ":/usr/bin:/bin"}
		err := command.Run()
		if (err == nil) != (c.want != "") {
			t.Errorf("%s: ended with %v", c.arn, err)
		}
		got, _ := os.ReadFile(record) //nolint:gosec // its own; absent if nothing was changed
		if strings.TrimSpace(string(got)) != c.want {
			t.Errorf("%s: got %q, want %q", c.arn, got, c.want)
		}
	}
}
