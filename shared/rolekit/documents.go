package rolekit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/policy"
)

// trustPolicy is the trust policy of a provider's role, to be filled with the gateway role, and with the sites.
const trustPolicy = `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {"AWS": %[1]s},
      "Action": "sts:AssumeRole",
      "Condition": {"StringEquals": {"sts:ExternalId": %[2]s}}
    },
    {
      "Effect": "Allow",
      "Principal": {"AWS": %[1]s},
      "Action": ["sts:TagSession", "sts:SetSourceIdentity"]
    }
  ]
}
`

// TrustPolicy returns the trust policy of a provider's role, as JSON for people to read: the gateway role may assume it if it
// names one of the sites as ExternalId; and it may tag that session and name its source identity. Those two actions stand apart,
// without the ExternalId, which isn't documented as a key of theirs, and grant nothing alone.
// (IAM User Guide, "The confused deputy problem"; Service Authorization Reference, "AWS Security Token Service")
//
// gatewayRoleARN must be a role's ARN. Whatever the sites hold comes out inert: plain text in JSON, no policy variables. Without
// sites the policy lets nobody in.
func TrustPolicy(gatewayRoleARN string, sites []string) string {
	return fmt.Sprintf(trustPolicy, quoteJSON(gatewayRoleARN), externalIDs(sites))
}

// externalIDs writes one site as a string, any other number as an array.
func externalIDs(sites []string) string {
	quoted := make([]string, 0, len(sites))
	for _, site := range sites {
		quoted = append(quoted, quoteJSON(policy.Escape(site)))
	}
	if len(quoted) == 1 {
		return quoted[0]
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// statement is what a kit grants beside the connectors' own.
type statement struct {
	Effect   policy.Effect `json:"Effect"`
	Action   []string      `json:"Action"`
	Resource []string      `json:"Resource"`
}

// permissionPolicy writes the role's inline policy; empty if there is nothing to grant.
func permissionPolicy(o Options) (string, error) {
	return grant(o.Limits, o.Partition, o.Account, auditReads(o), permissions.MaxRolePolicyLength)
}

// grant writes the policy for connections and more; empty if there is nothing to grant.
func grant(limits []permissions.Limits, partition, account string, more []statement, most int) (string, error) {
	var d struct {
		Version   string            `json:"Version"`
		Statement []json.RawMessage `json:"Statement"`
	}
	connections, err := permissions.PermissionPolicy(limits, partition, account)
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal([]byte(connections), &d); err != nil {
		return "", fmt.Errorf("read permission policy: %w", err)
	}
	for _, s := range more {
		d.Statement = append(d.Statement, json.RawMessage(compact(s)))
	}
	if len(d.Statement) == 0 {
		return "", nil
	}
	text := pretty(d)
	if length(text) > most {
		return "", fmt.Errorf("write permission policy: %w", permissions.ErrTooBroad)
	}
	return text, nil
}

// auditReads lets the role read the policies that say what it may do, on exactly those resources.
func auditReads(o Options) []statement {
	if !o.Audit {
		return nil
	}
	reads := []statement{{policy.Allow, []string{
		"iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies",
	}, []string{o.roleARN()}}}
	if len(o.Policies) > 0 {
		reads = append(reads, statement{policy.Allow, []string{"iam:GetPolicy", "iam:GetPolicyVersion"}, o.Policies})
	}
	return reads
}

// quoteJSON writes s as a JSON string.
func quoteJSON(s string) string { return asciiJSON(compact(s)) }

// pretty writes v as JSON in ASCII, indented, with a line's end.
func pretty(v any) string {
	var out bytes.Buffer
	_ = json.Indent(&out, []byte(compact(v)), "", "  ") // it is JSON
	return asciiJSON(out.String()) + "\n"
}

// compact writes v, which holds nothing but text, lists, numbers and JSON, on one line, without the escapes that only HTML
// needs.
func compact(v any) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // any such value can be JSON
	return strings.TrimSuffix(out.String(), "\n")
}

// asciiJSON replaces what is not printable ASCII in JSON text by its escapes: IAM takes no other characters than Latin-1, and
// Terraform would normalise them.
func asciiJSON(text string) string {
	var out strings.Builder
	for _, r := range text {
		switch {
		case r < 0x7f:
			out.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}

// length counts as IAM does: without whitespace.
func length(text string) int {
	return len(strings.Join(strings.Fields(text), ""))
}
