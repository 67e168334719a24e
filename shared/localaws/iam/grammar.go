package iam

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

var (
	nameCharacters = regexp.MustCompile(`^[\w+=,.@-]+$`)
	pathCharacters = regexp.MustCompile(`^(/|/[\x21-\x7E]+/)$`)
	policyARN      = regexp.MustCompile(`^arn:aws:iam::(aws|[0-9]{12}):policy/[\x21-\x7E]+$`)
)

// maxTags is how many tags a user or role may have.
const maxTags = 50

func isJSON(text string) bool { return json.Valid([]byte(text)) }

// checkName holds a name parameter against IAM's grammar.
func checkName(r *request, parameter string, longest int) error {
	value := r.get(parameter)
	member := strings.ToLower(parameter[:1]) + parameter[1:]
	switch {
	case value == "":
		return invalid(fmt.Sprintf("Value null at '%s' failed to satisfy constraint: Member must not be null", member))
	case len(value) > longest:
		return invalid(fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: "+
			"Member must have length less than or equal to %d", value, member, longest))
	case !nameCharacters.MatchString(value):
		return protocol.NewError(400, "ValidationError",
			"The specified value for %s is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-", member)
	}
	return nil
}

func checkPath(path string) error {
	if len(path) > 512 || !pathCharacters.MatchString(path) {
		return protocol.NewError(400, "ValidationError",
			"The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	}
	return nil
}

// checkTags reads the tags of a request.
func checkTags(r *request) ([]protocol.Tag, error) {
	tags := protocol.Tags(r.form, "Tags")
	if len(tags) > maxTags {
		return nil, invalid(fmt.Sprintf("Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to %d", maxTags))
	}
	seen := make(map[string]bool, len(tags))
	for _, t := range tags {
		folded := strings.ToLower(t.Key)
		switch {
		case t.Key == "" || len([]rune(t.Key)) > 128 || len([]rune(t.Value)) > 256:
			return nil, invalid("Value at 'tags' failed to satisfy constraint: a tag's key or value is too long or empty")
		case strings.HasPrefix(folded, "aws:"):
			return nil, protocol.NewError(400, "InvalidInput", "Tag keys beginning with aws: are reserved for system use.")
		case seen[folded]:
			return nil, protocol.NewError(400, "InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		seen[folded] = true
	}
	return tags, nil
}

// checkPolicyARN wants the ARN of a managed policy.
func checkPolicyARN(value string) error {
	if !policyARN.MatchString(value) {
		return protocol.NewError(400, "ValidationError", "Invalid ARN:  Could not be parsed!")
	}
	return nil
}
