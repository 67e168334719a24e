package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/arngate/arngate/shared/demosite"
)

// kitScript is the README's one command that needs the AWS CLI: the test does by the SDK what it does. `make role-kit` runs such scripts.
const kitScript = "sh sales-role.sh"

// Every command that the README shows against the local server works as it is printed, in the README's order.
func TestReadmeCommandsWork(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no POSIX shell to paste the lines into")
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl, which the lines are for")
	}
	out, _ := start(t)
	exports := strings.Join(regexp.MustCompile(`(?m)^export .*$`).FindAllString(out.String(), -1), "\n")
	folder := t.TempDir()
	run := func(line string) string {
		command := exec.CommandContext(t.Context(), shell, "-c", exports+"\n"+line)
		command.Env, command.Dir = append(os.Environ(), "http_proxy=", "HTTP_PROXY="), folder
		answer, err := command.Output()
		if err != nil || strings.Contains(string(answer), "urn:arngate:problem:") {
			t.Errorf("%s\ngot %s, %v", line, answer, err)
		}
		return string(answer)
	}
	for _, line := range readmeCommands(t) {
		if line == kitScript {
			createKitRole(t, exports, run)
			continue
		}
		answer := run(line)
		if strings.HasSuffix(line, "/verify") && !strings.Contains(answer, `"ready"`) {
			t.Errorf("%s\ngot %s, want ready", line, answer)
		}
	}
}

// readmeCommands are the lines of the README's blocks of shell commands.
func readmeCommands(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			if line = strings.TrimSpace(line); line != "" {
				lines = append(lines, line)
			}
		}
	}
	if len(lines) < 10 || !strings.Contains(strings.Join(lines, "\n"), kitScript) {
		t.Fatalf("the README has only these commands: %q", lines)
	}
	return lines
}

// createKitRole creates the role that the script would, of the same kit as documents.
func createKitRole(t *testing.T, exports string, run func(string) string) {
	t.Helper()
	var kit struct {
		RoleName         string          `json:"role_name"`
		RolePath         string          `json:"role_path"`
		TrustPolicy      json.RawMessage `json:"trust_policy"`
		PolicyName       string          `json:"policy_name"`
		PermissionPolicy json.RawMessage `json:"permission_policy"`
	}
	text := run(`curl -sH "Authorization: Bearer $ARNGATE_ADMIN_TOKEN" "$ARNGATE/v1/providers/sales/role-kit?role_name=arngate-sales&account=444455556666&audit=true"`)
	if err := json.Unmarshal([]byte(text), &kit); err != nil {
		t.Fatal(err)
	}
	value := func(name string) string {
		return regexp.MustCompile(name + `=(\S+)`).FindStringSubmatch(exports)[1]
	}
	iam := awsiam.NewFromConfig(aws.Config{
		Region: demosite.Region, BaseEndpoint: aws.String(value("AWS_ENDPOINT_URL")),
		Credentials: credentials.NewStaticCredentialsProvider(value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY"), ""),
	})
	_, err := iam.CreateRole(t.Context(), &awsiam.CreateRoleInput{
		RoleName: &kit.RoleName, Path: &kit.RolePath, AssumeRolePolicyDocument: aws.String(string(kit.TrustPolicy)),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = iam.PutRolePolicy(t.Context(), &awsiam.PutRolePolicyInput{
		RoleName: &kit.RoleName, PolicyName: &kit.PolicyName, PolicyDocument: aws.String(string(kit.PermissionPolicy)),
	})
	if err != nil {
		t.Fatal(err)
	}
}
