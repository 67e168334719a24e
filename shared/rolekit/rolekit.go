// Package rolekit renders what an AWS administrator needs to create the role for a provider.
package rolekit

import (
	"encoding/json"
	"fmt"
	"strings"

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
	return fmt.Sprintf(trustPolicy, quote(gatewayRoleARN), externalIDs(sites))
}

// externalIDs writes one site as a string, any other number as an array.
func externalIDs(sites []string) string {
	quoted := make([]string, 0, len(sites))
	for _, site := range sites {
		quoted = append(quoted, quote(policy.Escape(site)))
	}
	if len(quoted) == 1 {
		return quoted[0]
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// quote writes s as a JSON string. Any string can be one, so there is no error to return.
func quote(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}
