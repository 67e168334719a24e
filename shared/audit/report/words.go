package report

import (
	"strconv"
	"strings"
	"time"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/verdict"
	"github.com/arngate/arngate/shared/registry"
)

// tone is how a thing is shown: a colour and a symbol, which always come with a word.
type tone string

const (
	toneGood     tone = "good"
	toneBad      tone = "bad"
	toneUnknown  tone = "unknown"
	toneNeutral  tone = "neutral"
	toneCritical tone = "critical"
	toneHigh     tone = "high"
	toneMedium   tone = "medium"
	toneInfo     tone = "info"
)

// label is a word with its tone.
type label struct {
	Text string
	Tone tone
}

func severityLabel(s audit.Severity) label {
	switch s {
	case audit.Critical:
		return label{"Critical", toneCritical}
	case audit.High:
		return label{"High", toneHigh}
	case audit.Medium:
		return label{"Medium", toneMedium}
	case audit.Info:
	}
	return label{"Info", toneInfo}
}

func verdictLabel(v verdict.Verdict) label {
	switch v {
	case verdict.Allowed:
		return label{"Allowed", toneGood}
	case verdict.DeniedExplicit:
		return label{"Denied", toneBad}
	case verdict.DeniedImplicit:
		return label{"Not granted", toneBad}
	case verdict.Unknown:
	}
	return label{"Unknown", toneUnknown}
}

func checkLabel(v audit.Verdict) label {
	switch v {
	case audit.Passed:
		return label{"Passed", toneGood}
	case audit.Failed:
		return label{"Failed", toneBad}
	case audit.Skipped:
		return label{"Not tried", toneNeutral}
	case audit.Unknown:
	}
	return label{"Unknown", toneUnknown}
}

func stateLabel(f audit.Finding) label {
	switch {
	case f.State == audit.New:
		return label{"New", toneNeutral}
	case f.State == audit.Resolved:
		return label{"Resolved", toneGood}
	case !f.Rechecked:
		return label{"Not looked at again", toneUnknown}
	}
	return label{"Unchanged", toneNeutral}
}

func checkTitle(name string) string {
	switch name {
	case audit.CheckRoleARN:
		return "The role’s ARN and path are right"
	case audit.CheckAssume:
		return "This site gets in with its external id"
	case audit.CheckNoExternalID:
		return "Nobody gets in without an external id"
	case audit.CheckWrongExternalID:
		return "Nobody gets in with another external id"
	case audit.CheckStillAssumable:
		return "This site still gets in, so the refusals were meant"
	case audit.CheckSessionTags:
		return "Sessions may carry tags"
	case audit.CheckSourceIdentity:
		return "Sessions may carry the user as source identity"
	case audit.CheckIdentity:
		return "AWS says who the session is"
	case audit.CheckNotRoot:
		return "The keys are not the root user’s"
	case audit.CheckSession:
		return "The keys make sessions under a policy"
	}
	return sentence(name)
}

func causeText(c verdict.Cause) string {
	switch c {
	case "":
		return ""
	case verdict.KMS:
		return "KMS key"
	case verdict.Guardrail:
		return "A policy that can’t be read"
	case verdict.Evaluation:
		return "Sources contradict each other"
	case verdict.IdentityPolicy, verdict.PermissionsBoundary, verdict.SessionPolicy, verdict.ServiceControlPolicy,
		verdict.ResourceControlPolicy, verdict.VPCEndpointPolicy, verdict.ResourcePolicy:
	}
	return sentence(string(c))
}

func sourceText(source string) string {
	switch source {
	case audit.SourceVerify:
		return "Verify"
	case audit.SourcePolicies:
		return "Policies as read"
	case audit.SourceTrust:
		return "Trust policy"
	case audit.SourceProbe:
		return "Probe"
	case audit.SourceControl:
		return "Negative control"
	}
	return sentence(source)
}

func changeText(c audit.Change) string {
	switch c {
	case audit.ChangeFirst:
		return "This is the first audit of this provider."
	case audit.ChangeNone:
		return "The policies are the same, word for word."
	case audit.ChangeCosmetic:
		return "The policies were edited, but grant the same."
	case audit.ChangeEffective:
		return "The policies grant something else than last time."
	case audit.ChangeUnknown:
	}
	return "The policies could not be compared: they could not be read now, or could not then."
}

func methodText(m registry.Method) string {
	if m == registry.AccessKeys {
		return "Access keys of a user"
	}
	return "Assumes a role"
}

func policiesText(read string) label {
	switch read {
	case audit.PoliciesRead:
		return label{"All read", toneGood}
	case audit.PoliciesPartly:
		return label{"Read in part", toneUnknown}
	}
	return label{"Not read", toneUnknown}
}

func serviceText(service string) string {
	switch service {
	case "dynamodb":
		return "DynamoDB"
	case "s3":
		return "S3"
	case "lambda":
		return "Lambda"
	case "kms":
		return "KMS"
	case "sts":
		return "STS"
	}
	return service
}

// sentence makes words of a name: service_control_policy becomes Service control policy.
func sentence(name string) string {
	words := strings.ReplaceAll(name, "_", " ")
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

// moment is a time for people and for machines; both are empty for the zero time.
type moment struct{ Text, Machine string }

func momentOf(t time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	return moment{Text: t.UTC().Format("2 Jan 2006, 15:04 UTC"), Machine: t.UTC().Format(time.RFC3339)}
}

// count is a number with its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
