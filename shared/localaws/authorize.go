package localaws

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/policy"
)

// authorize decides one access of the exchange's caller. It returns nil or the denial.
func (ex *exchange) authorize(access protocol.Access) error {
	if access.ResourceAccount == "" {
		access.ResourceAccount = ex.call.Account()
	}
	request := policy.Request{
		Action:          access.Action,
		Resource:        access.Resource,
		ResourceAccount: access.ResourceAccount,
		Context:         ex.context(access),
	}
	policies := policy.Policies{}
	if p := ex.call.Principal; p != nil {
		request.Principal, policies = p.ARN, p.Policies
	}
	policies.Resource = access.ResourcePolicy
	decision := policy.Evaluate(request, policies)
	if access.PolicyRequired && access.ResourcePolicy == nil && decision.Verdict == policy.Allowed {
		decision = policy.Decision{Verdict: policy.ImplicitlyDenied, Source: policy.ResourceSource}
	}
	if decision.Verdict == policy.Allowed {
		return nil
	}
	return ex.service.dialect.refuse(ex.service.dialect.codes.accessDenied, ex.denial(access, decision))
}

// denial words a denial as AWS does ("Troubleshoot access denied error messages", IAM User Guide).
func (ex *exchange) denial(access protocol.Access, decision policy.Decision) string {
	if ex.call.Principal == nil {
		return "Access Denied"
	}
	message := fmt.Sprintf("User: %s is not authorized to perform: %s%s",
		ex.call.Principal.ARN, access.Action, onResource(access))
	switch {
	case access.Undifferentiated:
		return message
	case decision.Verdict == policy.ExplicitlyDenied:
		return message + " with an explicit deny in " + article(decision.Source)
	}
	return fmt.Sprintf("%s because no %s allows the %s action", message, decision.Source, access.Action)
}

// onResource names the resource of a denial. S3 puts its own into quotes, and says nothing where there is none.
func onResource(access protocol.Access) string {
	switch {
	case !strings.HasPrefix(access.Action, "s3:"):
		return " on resource: " + access.Resource
	case access.Resource == "*":
		return ""
	}
	return ` on resource: "` + access.Resource + `"`
}

func article(source policy.Source) string {
	if source == policy.IdentitySource {
		return "an " + string(source)
	}
	return "a " + string(source)
}

// context holds the condition keys of an access: its own, the principal's, and AWS's global ones, which
// nothing overrides ("AWS global condition context keys", IAM User Guide).
func (ex *exchange) context(access protocol.Access) policy.Context {
	keys := make(policy.Context, len(access.Context)+20)
	maps.Copy(keys, access.Context)
	if p := ex.call.Principal; p != nil {
		maps.Copy(keys, p.Context)
		for key, value := range p.Tags {
			keys["aws:PrincipalTag/"+key] = []string{value}
		}
	}
	r, now := ex.call.Request, ex.call.Now
	for key, value := range map[string]string{
		"aws:CurrentTime":           now.UTC().Format(time.RFC3339),
		"aws:EpochTime":             strconv.FormatInt(now.Unix(), 10),
		"aws:SecureTransport":       strconv.FormatBool(isSecure(r)),
		"aws:SourceIp":              sourceIP(r),
		"aws:UserAgent":             r.UserAgent(),
		"aws:Referer":               r.Referer(),
		"aws:RequestedRegion":       ex.call.Region,
		"aws:ResourceAccount":       access.ResourceAccount,
		"aws:PrincipalIsAWSService": "false",
	} {
		if value != "" {
			keys[key] = []string{value}
		}
	}
	if _, set := keys["aws:ViaAWSService"]; !set {
		keys["aws:ViaAWSService"] = []string{"false"}
	}
	return keys
}

func sourceIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
