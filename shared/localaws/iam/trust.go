package iam

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/policy"
)

// maxTrust is the quota for the length of a trust policy, in characters.
const maxTrust = 2048

// trust is a role's trust policy. IAM keeps a principal by its unique id and shows its ARN, so that a
// principal which is deleted and created again is not trusted any more.
type trust struct {
	document
	ids map[string]string // ARN of a role or user that the policy names -> its unique id when it was saved
}

var (
	accountID     = regexp.MustCompile(`^[0-9]{12}$`)
	principalARN  = regexp.MustCompile(`^arn:aws:(iam|sts)::([0-9]{12}):(root|user/|role/|assumed-role/|federated-user/)(\S*)$`)
	uniqueID      = regexp.MustCompile(`^A(IDA|ROA)[A-Z0-9]{12,}$`)
	serviceName   = regexp.MustCompile(`^[a-z0-9.-]+\.(amazonaws\.com|amazonaws\.com\.cn|amazon\.com)$`)
	trustedAction = regexp.MustCompile(`(?i)^sts:(AssumeRole[A-Za-z*?]*|TagSession|SetSourceIdentity|SetContext|\*|[A-Za-z]*[*?][A-Za-z*?]*)$`)
)

// parseTrust validates a trust policy the way CreateRole and UpdateAssumeRolePolicy do.
func (s *Service) parseTrust(text string) (trust, error) {
	if len([]rune(text)) > maxTrust {
		return trust{}, limitExceeded("Cannot exceed quota for ACLSizePerRole: %d", maxTrust)
	}
	parsed, err := parseDocument(text)
	if err != nil {
		return trust{}, err
	}
	t := trust{document: document{text: text, parsed: parsed}, ids: make(map[string]string)}
	for _, statement := range parsed.Statements() {
		if err := s.checkTrustStatement(statement, t.ids); err != nil {
			return trust{}, err
		}
	}
	return t, nil
}

func (s *Service) checkTrustStatement(statement policy.Statement, ids map[string]string) error {
	if statement.Resources != nil || statement.NotResources != nil {
		return malformed("Has prohibited field Resource")
	}
	principals := statement.Principal
	if principals == nil {
		principals = statement.NotPrincipal
	}
	if principals == nil {
		return malformed("Missing required field Principal")
	}
	for _, action := range slices.Concat(statement.Actions, statement.NotActions) {
		if !trustedAction.MatchString(action) {
			return malformed("AssumeRole policy may only specify STS AssumeRole actions.")
		}
	}
	for _, name := range principals.Service {
		if !serviceName.MatchString(name) {
			return malformed("Invalid principal in policy: \"SERVICE\":\"%s\"", name)
		}
	}
	for _, name := range principals.AWS {
		id, ok := s.resolvePrincipal(name)
		if !ok {
			return malformed("Invalid principal in policy: \"AWS\":\"%s\"", name)
		}
		if id != "" {
			ids[name] = id
		}
	}
	return nil
}

// resolvePrincipal says whether an AWS principal may stand in a trust policy, and which unique id it has
// if it is a role or user. Accounts that this AWS does not hold are taken to exist.
func (s *Service) resolvePrincipal(name string) (id string, ok bool) {
	if name == "*" || accountID.MatchString(name) || uniqueID.MatchString(name) {
		return "", true
	}
	m := principalARN.FindStringSubmatch(name)
	if m == nil || strings.ContainsAny(name, "*?") {
		return "", false
	}
	service, kind, rest := m[1], m[3], m[4]
	switch {
	case kind == "root":
		return "", service == "iam" && rest == ""
	case kind == "assumed-role/":
		return "", service == "sts" && strings.Count(rest, "/") == 1
	case kind == "federated-user/":
		return "", service == "sts" && rest != ""
	case service != "iam":
		return "", false
	}
	id = s.uniqueID(name)
	return id, id != ""
}

// uniqueID returns the id of the role or user with this ARN; empty if there is none.
func (s *Service) uniqueID(identityARN string) string {
	m := principalARN.FindStringSubmatch(identityARN)
	if m == nil {
		return ""
	}
	a, ok := s.accounts[m[2]]
	if !ok {
		return ""
	}
	name := m[4][strings.LastIndexByte(m[4], '/')+1:]
	if r, ok := a.roles[name]; ok && r.arn() == identityARN {
		return r.id
	}
	if u, ok := a.users[name]; ok && u.arn() == identityARN {
		return u.id
	}
	return ""
}

// currentText is the policy as IAM shows it: principals that are gone by their ids.
func (s *Service) currentText(t *trust) string {
	text := t.text
	for _, name := range slices.Sorted(maps.Keys(t.ids)) {
		if s.uniqueID(name) != t.ids[name] {
			text = strings.ReplaceAll(text, `"`+name+`"`, `"`+t.ids[name]+`"`)
		}
	}
	return text
}

// effectiveTrust is the policy that decides: an id that stands for nobody any more lets nobody in.
func (s *Service) effectiveTrust(t *trust) *policy.Document {
	text := s.currentText(t)
	if text == t.text {
		return t.parsed
	}
	parsed, err := policy.Parse([]byte(text))
	if err != nil {
		return &policy.Document{} // an id took a name's place: nothing is allowed rather than too much
	}
	return parsed
}

// splitRoleARN takes the account and the role's name, which is what follows the path (traps.md 11).
func splitRoleARN(roleARN string) (account, name string, ok bool) {
	m := principalARN.FindStringSubmatch(roleARN)
	if m == nil || m[1] != "iam" || m[3] != "role/" {
		return "", "", false
	}
	return m[2], m[4][strings.LastIndexByte(m[4], '/')+1:], true
}

func malformed(format string, args ...any) *protocol.Error {
	return protocol.NewError(400, "MalformedPolicyDocument", format, args...)
}

func limitExceeded(format string, args ...any) *protocol.Error {
	return protocol.NewError(409, "LimitExceeded", format, args...)
}
