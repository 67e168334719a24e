package audit

import (
	"time"

	"github.com/arngate/arngate/shared/audit/identity"
	"github.com/arngate/arngate/shared/audit/verdict"
	"github.com/arngate/arngate/shared/registry"
)

// ReportVersion is the version of the report's JSON. Members are added without changing it; none is renamed or removed.
const ReportVersion = "1"

// Report is the result of one audit of one provider. Lists are sorted, so that two audits of the same thing are the same text
// but for ids and times.
type Report struct {
	Version      string          `json:"version" doc:"Version of this form of report" example:"1"`
	ID           string          `json:"id" doc:"Id of the audit"`
	Site         string          `json:"site" doc:"Id of the site"`
	Provider     string          `json:"provider" doc:"Name of the provider"`
	Method       registry.Method `json:"method" enum:"assume_role,access_keys" doc:"How the provider authenticates"`
	Identity     string          `json:"identity,omitzero" doc:"ARN of the role, or of the user whose keys they are"`
	Account      string          `json:"account,omitzero" doc:"AWS account that the provider leads to"`
	StartedAt    time.Time       `json:"started_at" doc:"When the audit began"`
	FinishedAt   time.Time       `json:"finished_at" doc:"When it ended"`
	Verification Verification    `json:"verification" doc:"Who can use the provider, and whether others can"`
	Connections  []string        `json:"connections" doc:"Names of the connections whose needs were compared"`
	Findings     []Finding       `json:"findings" doc:"What was found, the worst first; resolved ones too"`
	Permissions  []Permission    `json:"permissions" doc:"Each needed action on each resource, with what every source says"`
	Coverage     Coverage        `json:"coverage" doc:"What the audit could look at"`
	Effective    *Effective      `json:"effective,omitzero" doc:"Digests of what is granted, if all of it could be read"`
	Changed      Change          `json:"changed" enum:"first,none,cosmetic,effective,unknown" doc:"How the policies differ from the audit before"`
}

// Severity is how bad a finding is.
type Severity string

// The severities, the worst first.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Info     Severity = "info"
)

// Severities returns all of them, the worst first.
func Severities() []Severity { return []Severity{Critical, High, Medium, Info} }

// AtLeast reports whether s is as bad as other or worse.
func (s Severity) AtLeast(other Severity) bool { return s.rank() <= other.rank() }

func (s Severity) rank() int {
	for i, each := range Severities() {
		if s == each {
			return i
		}
	}
	return len(Severities())
}

// Rule is what a finding is about.
type Rule string

// The rules.
const (
	RuleNoExternalID      Rule = "assumable_without_external_id"
	RuleWrongExternalID   Rule = "assumable_with_wrong_external_id"
	RuleAdmin             Rule = "admin_wildcard"
	RuleEscalation        Rule = "privilege_escalation"
	RuleRootKeys          Rule = "root_keys"
	RuleMissing           Rule = "required_action_missing"
	RuleKeysRefused       Rule = "access_keys_refused"
	RuleUnscopedKeys      Rule = "unscoped_access_keys"
	RuleWriteExcess       Rule = "write_excess"
	RuleForeignPrincipal  Rule = "foreign_principal"
	RuleReadExcess        Rule = "read_excess"
	RuleTooWide           Rule = "resource_too_wide"
	RulePath              Rule = "path_wrong"
	RuleOldKey            Rule = "access_key_old"
	RuleExcessUnknown     Rule = "excess_unknown"
	RuleRequiredUnknown   Rule = "required_action_unknown"
	RuleTrustUnknown      Rule = "trust_unknown"
	RuleOtherSite         Rule = "other_site_trusted"
	RulePermissionsChange Rule = "permissions_changed"
)

// severity is the one table from rule to severity; about names what the rule needs to have looked at before a finding can be
// said to be resolved.
func (r Rule) severity() (s Severity, about source) {
	switch r {
	case RuleNoExternalID, RuleWrongExternalID, RuleRootKeys:
		return Critical, fromVerify
	case RuleAdmin, RuleEscalation:
		return Critical, fromPolicies
	case RuleMissing:
		return High, fromProbes
	case RuleKeysRefused, RuleUnscopedKeys:
		return High, fromVerify
	case RuleWriteExcess:
		return High, fromPolicies
	case RuleForeignPrincipal:
		return High, fromTrust
	case RuleReadExcess, RuleTooWide:
		return Medium, fromPolicies
	case RulePath, RuleOldKey:
		return Medium, fromVerify
	case RuleOtherSite:
		return Info, fromTrust
	case RuleRequiredUnknown:
		return Info, fromProbes
	case RuleExcessUnknown, RuleTrustUnknown, RulePermissionsChange:
		return Info, fromVerify
	}
	return Info, fromVerify
}

// State is how a finding stands to the audit before.
type State string

// The states.
const (
	New       State = "new"       // not there the last time
	Unchanged State = "unchanged" // there the last time, and now; or not looked at now
	Resolved  State = "resolved"  // there the last time, looked at now, and gone
)

// Finding is one thing that an audit found. Its fingerprint identifies it over time.
type Finding struct {
	Fingerprint string          `json:"fingerprint" doc:"Identifies the finding over time"`
	Rule        Rule            `json:"rule" doc:"What it is about" example:"write_excess"`
	Severity    Severity        `json:"severity" enum:"critical,high,medium,info" doc:"How bad it is"`
	Provider    string          `json:"provider" doc:"Name of the provider"`
	Action      string          `json:"action" doc:"Action, or the pattern of actions as the policy has it"`
	Resource    string          `json:"resource" doc:"ARN, or the pattern of resources; of trust, who is let in; of a key, its id"`
	Verdict     verdict.Verdict `json:"verdict" enum:"allowed,denied_explicit,denied_implicit,unknown" doc:"Whether the action is allowed"`
	Evidence    Evidence        `json:"evidence" doc:"Why"`
	Coverage    []Observation   `json:"coverage" doc:"Which source saw what"`
	Remediation Remediation     `json:"remediation" doc:"What to do about it"`
	FirstSeen   time.Time       `json:"first_seen" doc:"When it was first found"`
	LastSeen    time.Time       `json:"last_seen" doc:"When it was last found"`
	State       State           `json:"state" enum:"new,unchanged,resolved" doc:"How it stands to the audit before"`
	Rechecked   bool            `json:"rechecked" doc:"Whether this audit could look at it again"`
	Suppression *Suppression    `json:"suppression,omitzero" doc:"Who said that it is to be ignored, and why"`
}

// Evidence is why a finding is one.
type Evidence struct {
	Summary     string        `json:"summary" doc:"In a sentence"`
	Cause       verdict.Cause `json:"cause,omitzero" doc:"What denies the action"`
	Connections []string      `json:"connections,omitzero" doc:"Connections that need the action"`
	Actions     []string      `json:"actions,omitzero" doc:"Actions of a pattern that are too much, by name"`
	Statement   *Statement    `json:"statement,omitzero" doc:"The statement that decided"`
}

// Statement names a statement of one of the provider's policies.
type Statement struct {
	Policy string `json:"policy" doc:"Name of the policy; trust-policy, permissions-boundary"`
	ARN    string `json:"arn,omitzero" doc:"ARN of a managed policy"`
	Group  string `json:"group,omitzero" doc:"The group whose policy it is"`
	Index  int    `json:"index" doc:"Place in the policy, from 0"`
	Sid    string `json:"sid,omitzero" doc:"The statement's own name"`
}

// Observation is what one source says.
type Observation struct {
	Source    string          `json:"source" enum:"verify,policies,trust_policy,probe,negative_control" doc:"Where it comes from"`
	Verdict   verdict.Verdict `json:"verdict" doc:"What the source says by itself"`
	Request   string          `json:"request,omitzero" doc:"What was asked of AWS"`
	Status    int             `json:"status,omitzero" doc:"HTTP status of the answer"`
	Code      string          `json:"code,omitzero" doc:"AWS's error code"`
	RequestID string          `json:"request_id,omitzero" doc:"AWS's request id"`
	Cause     verdict.Cause   `json:"cause,omitzero" doc:"What the source says denies it"`
	Statement *Statement      `json:"statement,omitzero" doc:"The statement that decided"`
	Missing   []string        `json:"missing,omitzero" doc:"Condition keys whose value can't be known beforehand"`
	Detail    string          `json:"detail,omitzero" doc:"What else there is to say"`
}

// The sources of observations.
const (
	SourceVerify   = "verify"
	SourcePolicies = "policies"
	SourceTrust    = "trust_policy"
	SourceProbe    = "probe"
	SourceControl  = "negative_control"
)

// Permission is one action that connections need on one resource.
type Permission struct {
	Connections []string        `json:"connections" doc:"Who needs it"`
	Action      string          `json:"action" doc:"Full name of the action"`
	Resource    string          `json:"resource" doc:"ARN, or pattern, of the resource"`
	Verdict     verdict.Verdict `json:"verdict" enum:"allowed,denied_explicit,denied_implicit,unknown" doc:"All sources taken together"`
	Cause       verdict.Cause   `json:"cause,omitzero" doc:"What denies it, or why the sources differ"`
	Disagree    bool            `json:"disagree" doc:"Whether the policies as read and the probe differ"`
	Sources     []Observation   `json:"sources" doc:"What each source says"`
}

// Coverage says what an audit could look at.
type Coverage struct {
	Trust    bool           `json:"trust" doc:"Whether the trust policy was read"`
	Policies string         `json:"policies" enum:"read,partly,not_read" doc:"Whether the policies were read"`
	Gaps     []identity.Gap `json:"gaps,omitzero" doc:"What could not be read"`
	Probes   int            `json:"probes" doc:"Probes made, without the negative controls"`
	Unproven int            `json:"unproven" doc:"Probes that proved nothing"`
	Control  bool           `json:"control" doc:"Whether probes were made again under a policy that denies everything"`
	STSCalls int            `json:"sts_calls" doc:"Calls to AWS STS: those of verify, and one for each set of credentials"`
	Sets     int            `json:"credential_sets" doc:"Sets of credentials made for reads and probes"`
	Limits   []string       `json:"limits" doc:"What no audit like this can see"`
}

// The values of Coverage.Policies.
const (
	PoliciesRead    = "read"
	PoliciesPartly  = "partly"
	PoliciesNotRead = "not_read"
)

// source is what a rule needs to have looked at.
type source uint8

const (
	fromVerify source = iota
	fromTrust
	fromPolicies
	fromProbes
)

// limits are said in every report.
func limits() []string {
	return []string{
		"Policies above the account (service and resource control policies), of VPC endpoints, of resources and of KMS keys are not read; probes show what they deny.",
		"Excess is what the identity's own policies grant; what such other policies take away from it is not counted.",
	}
}
