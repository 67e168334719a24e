package rolekit

import (
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/arngate/arngate/shared/permissions"
)

// AWS's grammars: IAM API Reference, CreateRole (RoleName) and CreatePolicy (PolicyName); AWS STS API Reference, AssumeRole
// (ExternalId); and, in ASCII, RFC 6454's of an origin, section 7.
var (
	partitionPattern  = pattern(`^aws[a-z-]{0,20}$`)
	accountPattern    = pattern(`^[0-9]{12}$`)
	gatewayPattern    = pattern(`^arn:aws[a-z-]{0,20}:iam::[0-9]{12}:role/([\w+=,.@-]+/)*[\w+=,.@-]{1,64}$`)
	namePattern       = pattern(`^[\w+=,.@-]{1,64}$`)
	externalIDPattern = pattern(`^[\w+=,.@:/-]{2,}$`)
	policyPattern     = pattern(`^arn:aws[a-z-]{0,20}:iam::(aws|[0-9]{12}):policy/([\w+=,.@-]+/)*[\w+=,.@-]{1,128}$`)
	originPattern     = pattern(`^https?://([A-Za-z0-9-]+\.)*[A-Za-z0-9-]+(:[0-9]{1,5})?$`)
)

// pattern is an expression that is compiled when it is first used: together these take half a millisecond of a cold start that asks for
// no role kit.
func pattern(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

// IAM's and STS's limits, in characters.
const (
	maxPath       = 512
	maxExternalID = 1224
)

// Validate returns what is wrong with the options, none if they are good. A fault's pointer is the name of the parameter that
// the API has for it, or the name of the field; the message never repeats a value.
func (o Options) Validate() []permissions.Fault {
	var faults []permissions.Fault
	check := func(ok bool, pointer, message string) {
		if !ok {
			faults = append(faults, permissions.Fault{Pointer: pointer, Message: message})
		}
	}
	check(partitionPattern().MatchString(o.Partition), "partition", "must be a partition of AWS")
	check(gatewayPattern().MatchString(o.GatewayRoleARN), "gateway role", "must be the ARN of a role")
	check(isPath(o.RolePath), "role path", "must be a path of IAM, with a slash at both ends")
	check(namePattern().MatchString(o.RoleName), "role_name", "must be a role's name: 1 to 64 of a-z, A-Z, 0-9 and _+=,.@-")
	check(o.Account == "" || accountPattern().MatchString(o.Account), "account", "must be an account id: 12 digits")
	for _, site := range o.Sites {
		check(externalIDPattern().MatchString(site) && len(site) <= maxExternalID, "site", "must be the id of a site")
	}
	for _, arn := range o.Policies {
		check(policyPattern().MatchString(arn), "policy", "must be the ARN of a managed policy")
	}
	for _, origin := range o.Origins {
		check(originPattern().MatchString(origin), "origin", "must be an origin: https://, a host, and a port if it isn't the usual one")
	}
	for i, l := range o.Limits {
		for _, fault := range l.Validate() {
			check(false, fmt.Sprintf("connections/%d%s", i, fault.Pointer), fault.Message)
		}
	}
	return faults
}

// isPath reports whether path is IAM's: U+0021 to U+007E between slashes (IAM API Reference, CreateRole, Path), here without
// empty segments and without what IAM policies take for patterns and variables.
func isPath(path string) bool {
	if len(path) > maxPath || !strings.HasPrefix(path, "/") || !strings.HasSuffix(path, "/") {
		return false
	}
	return !strings.Contains(path, "//") && !strings.ContainsFunc(path, func(r rune) bool {
		return r < '!' || r > '~' || strings.ContainsRune("*?$", r)
	})
}
