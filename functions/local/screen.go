package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/arngate/arngate/functions/local/docs"
	"github.com/arngate/arngate/shared/demosite"
)

func builder() map[string]any {
	return claims(demosite.Site, demosite.User, "arngate/connect")
}

func administrator() map[string]any {
	return claims(demosite.Site, "grace@example.com", "arngate/admin")
}

func auditor() map[string]any {
	return claims(demosite.Site, "edsger@example.com", "arngate/audit")
}

func otherBuilder() map[string]any {
	return claims(demosite.OtherSite, "mallory@example.com", "arngate/connect")
}

func claims(site, user, scope string) map[string]any {
	return map[string]any{"site_id": site, "sub": user, "scope": scope, "groups": []string{"builders"}}
}

// identity is somebody whose token the program gives away.
type identity struct {
	variable, name string
	claims         map[string]any
}

func identities() []identity {
	return []identity{
		{"ARNGATE_TOKEN", "a builder of the demo site", builder()},
		{"ARNGATE_ADMIN_TOKEN", "its administrator", administrator()},
		{"ARNGATE_AUDIT_TOKEN", "its auditor", auditor()},
		{"ARNGATE_OTHER_TOKEN", "a builder of another site", otherBuilder()},
	}
}

// screen prints what a newcomer needs: addresses, tokens, keys, and lines to try.
func (s *server) screen(out io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "\nArngate      http://%s\nIts API      http://%s%s\nLocal AWS    http://%s\n", s.apiAddress, s.apiAddress, docs.Path, s.awsAddress)
	if s.demo {
		label := "Audits       "
		for _, report := range demoReports {
			fmt.Fprintf(&text, "%shttp://%s%s%-12s%s\n", label, s.apiAddress, reportsPath, report.provider, report.shows)
			label = "             "
		}
	}
	text.WriteString("\n")
	if err := s.exports(&text); err != nil {
		return err
	}
	if s.demo {
		text.WriteString("\nPaste the lines above into another terminal, and then any of these:\n")
		for _, step := range demosite.Walkthrough() {
			fmt.Fprintf(&text, "\n# %s\n%s\n", step.Title, step.Command)
		}
	}
	text.WriteString("\nCtrl-C ends it. A line per AWS call:\n\n")
	_, err := io.WriteString(out, text.String())
	return err
}

// exports are the lines that set a shell up: the API and its tokens, and the demo customer's administrator for any tool
// of AWS's.
func (s *server) exports(text *strings.Builder) error {
	fmt.Fprintf(text, "export ARNGATE=http://%s\n", s.apiAddress)
	for _, who := range identities() {
		signed, err := s.deployment.Token(who.claims)
		if err != nil {
			return err
		}
		fmt.Fprintf(text, "# %s\nexport %s=%s\n", who.name, who.variable, signed)
	}
	id, secret := s.aws.AddAccount(demosite.Account)
	fmt.Fprintf(text, "# an administrator of the demo customer's AWS account, for the AWS CLI or any SDK\n"+
		"export AWS_ENDPOINT_URL=http://%s AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s AWS_REGION=%s AWS_DEFAULT_REGION=%s\n",
		s.awsAddress, id, secret, demosite.Region, demosite.Region)
	return nil
}
