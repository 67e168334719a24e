package sts

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/policy"
)

// Limits of STS's parameters (AssumeRole, GetFederationToken; AWS STS API Reference).
const (
	maxPolicy      = 2048 // characters of the session policy
	maxPolicyARNs  = 10
	maxTags        = 50
	minDuration    = 15 * time.Minute
	maxRoleSession = 12 * time.Hour
	maxUserSession = 36 * time.Hour
	oneHour        = time.Hour // for chained roles and the account's root
)

var (
	sessionNames    = regexp.MustCompile(`^[\w+=,.@-]*$`)
	externalIDs     = regexp.MustCompile(`^[\w+=,.@:/-]*$`)
	tagCharacters   = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
	policyRunes     = regexp.MustCompile(`^[\x{9}\x{A}\x{D}\x{20}-\x{FF}]*$`)
	arnWithResource = regexp.MustCompile(`^arn:[^:]+:[^:]+:[^:]*:[^:]*:.+$`)
)

func validation(format string, args ...any) *protocol.Error {
	return protocol.NewError(http.StatusBadRequest, "ValidationError", format, args...)
}

func invalidParameter(message string) *protocol.Error {
	return protocol.NewError(http.StatusBadRequest, "InvalidParameterValue", "%s", message)
}

// constraint is AWS's message for a parameter outside its grammar.
func constraint(value, member, what string) *protocol.Error {
	return validation("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, member, what)
}

// checkText holds a parameter against its length, in characters, and its pattern.
func checkText(value, member string, shortest, longest int, pattern *regexp.Regexp, shown string) error {
	n := utf8.RuneCountInString(value)
	switch {
	case n < shortest:
		return constraint(value, member, fmt.Sprintf("Member must have length greater than or equal to %d", shortest))
	case n > longest:
		return constraint(value, member, fmt.Sprintf("Member must have length less than or equal to %d", longest))
	case !pattern.MatchString(value):
		return constraint(value, member, "Member must satisfy regular expression pattern: "+shown)
	}
	return nil
}

// checkRoleARN refuses what is no ARN at all. One that names no role is not told apart from a role that
// must not be assumed.
func checkRoleARN(value string) error {
	switch {
	case value == "":
		return validation("1 validation error detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null")
	case len(value) < 20 || len(value) > 2048:
		return constraint(value, "roleArn", "Member must have length between 20 and 2048")
	case !arnWithResource.MatchString(value):
		return validation("%s is invalid", value)
	}
	return nil
}

// readCommon reads the parameters that AssumeRole and GetFederationToken share.
func (r *request) readCommon(nameParameter string, longestName int) error {
	r.asked.SessionName = r.form.Get(nameParameter)
	member := strings.ToLower(nameParameter[:1]) + nameParameter[1:]
	if err := checkText(r.asked.SessionName, member, 2, longestName, sessionNames, `[\w+=,.@-]*`); err != nil {
		return err
	}
	if r.form.Has("Policy") {
		r.asked.Policy = r.form.Get("Policy")
		if err := checkText(r.asked.Policy, "policy", 1, maxPolicy, policyRunes, `[\u0009\u000A\u000D\u0020-\u00FF]+`); err != nil {
			return err
		}
	}
	for i := 1; ; i++ {
		key := "PolicyArns.member." + strconv.Itoa(i) + ".arn"
		if !r.form.Has(key) {
			break
		}
		r.asked.PolicyARNs = append(r.asked.PolicyARNs, r.form.Get(key))
	}
	if len(r.asked.PolicyARNs) > maxPolicyARNs {
		return validation("1 validation error detected: Value at 'policyArns' failed to satisfy constraint: "+
			"Member must have length less than or equal to %d", maxPolicyARNs)
	}
	return r.readTags()
}

// readTags reads and checks the session tags.
func (r *request) readTags() error {
	tags := protocol.Tags(r.form, "Tags")
	if len(tags) > maxTags {
		return validation("1 validation error detected: Value at 'tags' failed to satisfy constraint: "+
			"Member must have length less than or equal to %d", maxTags)
	}
	r.asked.Tags = make(map[string]string, len(tags))
	for _, t := range tags {
		if err := checkText(t.Key, "tags.member.key", 1, 128, tagCharacters, `[\p{L}\p{Z}\p{N}_.:/=+\-@]+`); err != nil {
			return err
		}
		if err := checkText(t.Value, "tags.member.value", 0, 256, tagCharacters, `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`); err != nil {
			return err
		}
		if strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return invalidParameter("Tag keys beginning with aws: are reserved for system use.")
		}
		if _, twice := fold(r.asked.Tags, t.Key); twice {
			return invalidParameter("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		r.asked.Tags[t.Key] = t.Value
	}
	r.asked.TransitiveTags = protocol.Members(r.form, "TransitiveTagKeys")
	for _, key := range r.asked.TransitiveTags {
		if _, ok := fold(r.asked.Tags, key); !ok {
			return invalidParameter("The specified transitive tag key must be included in the requested tags.")
		}
	}
	r.tags = r.asked.Tags
	return nil
}

// readDuration reads DurationSeconds and holds it against what the operation allows at all.
func (r *request) readDuration(standard, longest time.Duration) error {
	text := r.form.Get("DurationSeconds")
	if text == "" {
		r.duration = standard
		return nil
	}
	seconds, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return protocol.NewError(http.StatusBadRequest, "MalformedInput", "DurationSeconds is not a number.")
	}
	r.duration = time.Duration(seconds) * time.Second
	r.asked.Duration = r.duration
	switch {
	case r.duration < minDuration:
		return constraint(text, "durationSeconds", "Member must have value greater than or equal to 900")
	case r.duration > longest:
		return constraint(text, "durationSeconds",
			fmt.Sprintf("Member must have value less than or equal to %d", int(longest/time.Second)))
	}
	return nil
}

// sessionPolicies compiles the session policies that were asked for; nil if there were none.
func (s *Service) sessionPolicies(account string, asked Requested) ([]*policy.Document, error) {
	var out []*policy.Document
	if asked.Policy != "" {
		parsed, err := parseSessionPolicy(asked.Policy)
		if err != nil {
			return nil, err
		}
		out = append(out, parsed)
	}
	for _, policyARN := range asked.PolicyARNs {
		parsed, ok := s.iam.PolicyByARN(account, policyARN)
		if !ok {
			return nil, malformed("PolicyArn: %s does not exist or is not attachable.", policyARN)
		}
		out = append(out, parsed)
	}
	return out, nil
}

func parseSessionPolicy(text string) (*policy.Document, error) {
	if !json.Valid([]byte(text)) {
		return nil, malformed("This policy contains invalid Json")
	}
	parsed, err := policy.Parse([]byte(text))
	if err != nil {
		return nil, malformed("Syntax errors in policy.")
	}
	statements := parsed.Statements()
	if slices.ContainsFunc(statements, func(st policy.Statement) bool { return st.Principal != nil || st.NotPrincipal != nil }) {
		return nil, malformed("Policy document should not specify a principal.")
	}
	if slices.ContainsFunc(statements, func(st policy.Statement) bool { return st.Resources == nil && st.NotResources == nil }) {
		return nil, malformed("Policy statement must contain resources.")
	}
	return parsed, nil
}

func malformed(format string, args ...any) *protocol.Error {
	return protocol.NewError(http.StatusBadRequest, "MalformedPolicyDocument", format, args...)
}
