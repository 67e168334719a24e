package lambda

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/policy"
)

// maxPolicy is the size of a function's policy at most ("Lambda quotas").
const maxPolicy = 20 << 10

// resourcePolicy says who else may call a function, one of its versions or an alias ("Resource-based IAM policies in
// Lambda"). It never changes: every edit makes another.
type resourcePolicy struct {
	statements []statement
	text       string
	document   *policy.Document
	revision   string
}

// statement is one that AddPermission has made.
type statement struct {
	Sid       string                       `json:"Sid"`
	Effect    string                       `json:"Effect"`
	Principal any                          `json:"Principal"` // "*", or a map of one
	Action    string                       `json:"Action"`
	Resource  string                       `json:"Resource"`
	Condition map[string]map[string]string `json:"Condition,omitempty"`
}

// newPolicy is nil for no statements at all.
func newPolicy(statements []statement) (*resourcePolicy, error) {
	if len(statements) == 0 {
		return nil, nil //nolint:nilnil // No policy is what a function has at first.
	}
	text, err := json.Marshal(struct {
		Version   string      `json:"Version"`
		ID        string      `json:"Id"`
		Statement []statement `json:"Statement"`
	}{"2012-10-17", "default", statements})
	if err != nil {
		return nil, fmt.Errorf("encode policy: %w", err)
	}
	if len(text) > maxPolicy {
		return nil, userError("PolicyLengthExceededException", "The final policy size is bigger than the limit.")
	}
	document, err := policy.Parse(text)
	if err != nil {
		return nil, invalidParameter("The provided principal was invalid. Please check the principal and try again.")
	}
	return &resourcePolicy{statements: statements, text: string(text), document: document, revision: newRevision()}, nil
}

// permission is what AddPermission grants.
type permission struct {
	StatementID    string `json:"StatementId"`
	Action         string `json:"Action"`
	Principal      string `json:"Principal"`
	SourceArn      string `json:"SourceArn"`
	SourceAccount  string `json:"SourceAccount"`
	PrincipalOrgID string `json:"PrincipalOrgID"`

	EventSourceToken    string `json:"EventSourceToken"`
	FunctionURLAuthType string `json:"FunctionUrlAuthType"`
	RevisionID          string `json:"RevisionId"`
}

var (
	statementID     = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,100}$`)
	permittedAction = regexp.MustCompile(`^(lambda:[*]|lambda:[a-zA-Z]+|[*])$`)
	accountID       = regexp.MustCompile(`^\d{12}$`)
)

// statement is the statement that grants the permission on a function.
func (p *permission) statement(t target) (statement, error) {
	switch {
	case !statementID.MatchString(p.StatementID):
		return statement{}, validation(violation(p.StatementID, "statementId", `Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)`))
	case !permittedAction.MatchString(p.Action):
		return statement{}, validation(violation(p.Action, "action", `Member must satisfy regular expression pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*])`))
	case p.EventSourceToken != "" || p.FunctionURLAuthType != "":
		return statement{}, notImplemented()
	}
	out := statement{Sid: p.StatementID, Effect: "Allow", Action: p.Action, Resource: t.arn()}
	switch {
	case p.Principal == "*":
		out.Principal = "*"
	case accountID.MatchString(p.Principal):
		out.Principal = map[string]string{"AWS": "arn:" + partition(t.region) + ":iam::" + p.Principal + ":root"}
	case strings.HasPrefix(p.Principal, "arn:"):
		out.Principal = map[string]string{"AWS": p.Principal}
	case strings.HasSuffix(p.Principal, ".amazonaws.com"):
		out.Principal = map[string]string{"Service": p.Principal}
	default:
		return statement{}, invalidParameter("The provided principal was invalid. Please check the principal and try again.")
	}
	out.Condition = p.condition()
	return out, nil
}

func (p *permission) condition() map[string]map[string]string {
	equal := make(map[string]string)
	if p.SourceAccount != "" {
		equal["AWS:SourceAccount"] = p.SourceAccount
	}
	if p.PrincipalOrgID != "" {
		equal["aws:PrincipalOrgID"] = p.PrincipalOrgID
	}
	out := make(map[string]map[string]string)
	if len(equal) > 0 {
		out["StringEquals"] = equal
	}
	if p.SourceArn != "" {
		out["ArnLike"] = map[string]string{"AWS:SourceArn": p.SourceArn}
	}
	return out
}

// policyOf is the policy of what a target names; nil without one.
func (s *Service) policyOf(t target) *resourcePolicy {
	s.mu.RLock()
	defer s.mu.RUnlock()
	f := s.functions[place{t.account, t.region}][t.name]
	if f == nil {
		return nil
	}
	return f.policies[t.qualifier]
}

func (s *Service) addPermission(w http.ResponseWriter, c *protocol.Call, r *request) error {
	var in permission
	if err := json.Unmarshal(c.Body, &in); err != nil {
		return invalidContent(err.Error())
	}
	added, err := in.statement(r.target)
	if err != nil {
		return err
	}
	err = s.editPolicy(r.target, in.RevisionID, func(old []statement) ([]statement, error) {
		if slices.ContainsFunc(old, func(st statement) bool { return st.Sid == added.Sid }) {
			message := fmt.Sprintf("The statement id (%s) provided already exists. Please provide a new statement id, "+
				"or remove the existing statement.", added.Sid)
			return nil, protocol.NewError(http.StatusConflict, "ResourceConflictException", "%s", message).
				With("Type", "User").With("message", message)
		}
		return append(slices.Clone(old), added), nil
	})
	if err != nil {
		return err
	}
	text, err := json.Marshal(added)
	if err != nil {
		return fmt.Errorf("encode statement: %w", err)
	}
	return writeJSON(w, http.StatusCreated, struct{ Statement string }{string(text)})
}

func (s *Service) removePermission(w http.ResponseWriter, _ *protocol.Call, r *request) error {
	err := s.editPolicy(r.target, r.query.Get("RevisionId"), func(old []statement) ([]statement, error) {
		rest := slices.DeleteFunc(slices.Clone(old), func(st statement) bool { return st.Sid == r.statement })
		if len(rest) == len(old) {
			return nil, notFound("Statement %s is not found in resource policy.", r.statement)
		}
		return rest, nil
	})
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// editPolicy changes the statements of what a target names. A revision, if one is given, must be that of the policy.
func (s *Service) editPolicy(t target, revision string, edit func([]statement) ([]statement, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.functions[place{t.account, t.region}][t.name]
	if f == nil || !f.has(t.qualifier) {
		return notFound("Function not found: %s", t.arn())
	}
	var old []statement
	known := f.policies[t.qualifier]
	if known != nil {
		old = known.statements
	}
	if revision != "" && (known == nil || known.revision != revision) {
		message := "The Revision Id provided does not match the latest Revision Id. " +
			"Call the GetPolicy API to retrieve the latest Revision Id"
		return protocol.NewError(http.StatusPreconditionFailed, "PreconditionFailedException", "%s", message).
			With("Type", "User").With("message", message)
	}
	statements, err := edit(old)
	if err != nil {
		return err
	}
	f.policies[t.qualifier], err = newPolicy(statements)
	if err != nil {
		f.policies[t.qualifier] = known
	}
	return err
}

// has says whether a qualifier names a version or an alias of the function.
func (f *function) has(qualifier string) bool {
	_, aliased := f.aliases[qualifier]
	_, published := f.versions[qualifier]
	return qualifier == "" || aliased || published
}

func (s *Service) getPolicy(w http.ResponseWriter, _ *protocol.Call, r *request) error {
	found := s.policyOf(r.target)
	if found == nil {
		return notFound("The resource you requested does not exist.")
	}
	return writeJSON(w, http.StatusOK, struct {
		Policy     string
		RevisionID string `json:"RevisionId"`
	}{found.text, found.revision})
}
