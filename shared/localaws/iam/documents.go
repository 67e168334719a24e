package iam

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/policy"
)

// Quotas for the size of policies, in characters without white space ("IAM and AWS STS quotas").
const (
	maxUserInline  = 2048
	maxRoleInline  = 10240
	maxGroupInline = 5120
	maxManaged     = 6144
)

var vendorAction = regexp.MustCompile(`^(\*|[A-Za-z0-9-]+:[A-Za-z0-9*?_-]+)$`)

// parseDocument parses a policy. What is not JSON, and what is JSON but no policy, are told apart as IAM
// does.
func parseDocument(text string) (*policy.Document, error) {
	if text == "" {
		return nil, invalid("Value at 'policyDocument' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return !policyCharacter(r) }) {
		return nil, invalid("Value at 'policyDocument' failed to satisfy constraint: " +
			`Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+`)
	}
	if !isJSON(text) {
		return nil, malformed("This policy contains invalid Json")
	}
	parsed, err := policy.Parse([]byte(text))
	if err != nil {
		return nil, malformed("Syntax errors in policy.")
	}
	if len(parsed.Statements()) == 0 {
		return nil, malformed("Syntax error at position (0,0)")
	}
	return parsed, nil
}

// policyCharacter says whether policy text may hold a character: tab, LF, CR and U+0020 to U+00FF.
func policyCharacter(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || 0x20 <= r && r <= 0xFF
}

// identityDocument validates a policy for a user, group or role.
func identityDocument(text string) (document, error) {
	parsed, err := parseDocument(text)
	if err != nil {
		return document{}, err
	}
	for _, statement := range parsed.Statements() {
		if statement.Principal != nil || statement.NotPrincipal != nil {
			return document{}, malformed("Policy document should not specify a principal.")
		}
		if statement.Resources == nil && statement.NotResources == nil {
			return document{}, malformed("Policy statement must contain resources.")
		}
		for _, action := range append(statement.Actions, statement.NotActions...) {
			if !vendorAction.MatchString(action) {
				return document{}, malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
			}
		}
		for _, resource := range append(statement.Resources, statement.NotResources...) {
			if resource != "*" && !strings.HasPrefix(resource, "arn:") {
				return document{}, malformed("Resource %s must be in ARN format or \"*\".", resource)
			}
		}
	}
	return document{text: text, parsed: parsed}, nil
}

// size is the length of a policy as its quota counts it.
func size(text string) int {
	n := 0
	for _, r := range text {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}

// encoded is a policy as IAM returns it: percent-encoded (RFC 3986).
func encoded(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}

func invalid(message string) *protocol.Error {
	return protocol.NewError(400, "ValidationError", "1 validation error detected: %s", message)
}
