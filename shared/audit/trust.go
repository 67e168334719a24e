package audit

import (
	"strings"

	"github.com/arngate/arngate/shared/policy"
)

// trustReading is what a role's trust policy says, by its text alone.
type trustReading struct {
	withoutID  *Statement // lets the gateway in without an external id
	wrongID    *Statement // lets the gateway in with another site's, or with any of a pattern
	otherSites []letIn    // lets exactly these ids in besides
	foreign    []letIn    // lets others than the gateway in
}

// letIn is somebody whom a statement lets in.
type letIn struct {
	who       string
	action    string
	statement *Statement
}

// trustReader reads a trust policy for one site.
type trustReader struct {
	document *policy.Document
	gateway  string // ARN of the gateway role
	role     string // ARN of the role
	site     string
}

func (r trustReader) read() trustReading {
	var out trustReading
	if ref := r.admits(nil); ref != nil {
		out.withoutID = r.statement(ref.Index)
	}
	if ref := r.admits([]string{randomSite()}); ref != nil {
		out.wrongID = r.statement(ref.Index)
	}
	for i, s := range r.document.Statements() {
		if s.Effect != policy.Allow || !allowsAssuming(s) {
			continue
		}
		for _, id := range externalIDs(s) {
			if id == r.site {
				continue
			}
			example, isPattern := examplesOf(id)
			switch ref := r.admits([]string{example}); {
			case ref == nil || ref.Index != i:
			case isPattern && out.wrongID == nil:
				out.wrongID = r.statement(i)
			case !isPattern && out.wrongID == nil:
				out.otherSites = append(out.otherSites, letIn{id, assumeRole, r.statement(i)})
			}
		}
		for _, who := range r.foreigners(s) {
			out.foreign = append(out.foreign, letIn{who, assumeRole, r.statement(i)})
		}
	}
	return out
}

// sites are those that the policy lets in by their own id, this one first.
func (t trustReading) sites(own string) []string {
	all := []string{own}
	for _, other := range t.otherSites {
		all = append(all, other.who)
	}
	return all
}

const assumeRole = "sts:AssumeRole"

// admits returns the statement that lets the gateway role assume the role with that external id, nil if none does. The
// gateway's side is taken to allow it.
func (r trustReader) admits(externalID []string) *policy.StatementRef {
	gateway := parseARN(r.gateway)
	context := policy.Context{
		"aws:PrincipalArn": {r.gateway}, "aws:PrincipalAccount": {gateway.account}, "aws:PrincipalType": {"AssumedRole"},
		"aws:SecureTransport": {"true"},
	}
	if externalID != nil {
		context["sts:ExternalId"] = externalID
	}
	session := "arn:" + gateway.partition + ":sts::" + gateway.account + ":assumed-role/" + gateway.name() + "/arngate-audit"
	d := policy.Evaluate(policy.Request{
		Action: assumeRole, Resource: r.role, Principal: session, ResourceAccount: parseARN(r.role).account, Context: context,
	}, policy.Policies{Identity: []*policy.Document{allowAll()}, Resource: r.document})
	if d.Verdict != policy.Allowed {
		return nil
	}
	if d.Source == policy.ResourceSource {
		return d.Statement
	}
	return r.admitting(context)
}

// admitting finds the statement of the trust policy that goes with an allow of the gateway's own side.
func (r trustReader) admitting(context policy.Context) *policy.StatementRef {
	for i, s := range r.document.Statements() {
		if s.Effect == policy.Allow && allowsAssuming(s) && r.concerns(s) && conditionsHold(s, context) {
			return &policy.StatementRef{Source: policy.ResourceSource, Index: i, Sid: s.Sid}
		}
	}
	return &policy.StatementRef{Source: policy.ResourceSource}
}

// concerns reports whether a statement is about the gateway role, among others perhaps.
func (r trustReader) concerns(s policy.Statement) bool {
	p := s.Principal
	if p == nil {
		return s.NotPrincipal != nil
	}
	if p.Any {
		return true
	}
	account := parseARN(r.gateway).account
	for _, who := range p.AWS {
		if who == "*" || who == r.gateway || who == account || who == "arn:"+parseARN(r.gateway).partition+":iam::"+account+":root" {
			return true
		}
	}
	return false
}

// foreigners are the principals of a statement besides the gateway role.
func (r trustReader) foreigners(s policy.Statement) []string {
	if s.NotPrincipal != nil {
		return []string{"NotPrincipal"}
	}
	if s.Principal == nil {
		return nil
	}
	var out []string
	if s.Principal.Any {
		out = append(out, "*")
	}
	for _, who := range s.Principal.AWS {
		if who != r.gateway {
			out = append(out, who)
		}
	}
	out = append(out, s.Principal.Service...)
	out = append(out, s.Principal.Federated...)
	return append(out, s.Principal.CanonicalUser...)
}

func (r trustReader) statement(index int) *Statement {
	return &Statement{Policy: "trust-policy", Index: index, Sid: r.document.Statements()[index].Sid}
}

// allowsAssuming reports whether a statement is about an action by which a role is assumed. Tagging a session or naming its
// source grants nothing alone.
func allowsAssuming(s policy.Statement) bool {
	for _, action := range [...]string{assumeRole, "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"} {
		if matchesAction(s, action) {
			return true
		}
	}
	return false
}

func matchesAction(s policy.Statement, action string) bool {
	probe := policy.Statement{Effect: policy.Allow, Actions: s.Actions, NotActions: s.NotActions, Resources: []string{"*"}}
	return evaluateAlone(probe, action, nil)
}

// conditionsHold reports whether a statement's conditions hold in a context.
func conditionsHold(s policy.Statement, context policy.Context) bool {
	return evaluateAlone(policy.Statement{
		Effect: policy.Allow, Actions: []string{"*"}, Resources: []string{"*"}, Conditions: s.Conditions,
	}, assumeRole, context)
}

// evaluateAlone evaluates one statement as an identity-based policy.
func evaluateAlone(s policy.Statement, action string, context policy.Context) bool {
	d, err := policy.Parse([]byte(writeStatements(s)))
	if err != nil {
		return false
	}
	return policy.Evaluate(policy.Request{
		Action: action, Resource: "*", Principal: "arn:aws:iam::000000000000:user/reader", Context: context,
	}, policy.Policies{Identity: []*policy.Document{d}}).Verdict == policy.Allowed
}

// externalIDs are the values that a statement's conditions demand as external id.
func externalIDs(s policy.Statement) []string {
	var out []string
	for _, c := range s.Conditions {
		operator := strings.ToLower(c.Operator)
		if strings.EqualFold(c.Key, "sts:ExternalId") && !strings.Contains(operator, "not") {
			for _, v := range c.Values {
				if strings.Contains(operator, "equals") {
					v = policy.Escape(v)
				}
				out = append(out, v)
			}
		}
	}
	return out
}

// examplesOf returns a string that a pattern matches, and whether it matches others as well.
func examplesOf(pattern string) (example string, isPattern bool) {
	var b strings.Builder
	for pattern != "" {
		switch {
		case strings.HasPrefix(pattern, "${*}"), strings.HasPrefix(pattern, "${?}"), strings.HasPrefix(pattern, "${$}"):
			b.WriteByte(pattern[2])
			pattern = pattern[4:]
			continue
		case pattern[0] == '*':
			b.WriteString(randomSite())
			isPattern = true
		case pattern[0] == '?':
			b.WriteByte('x')
			isPattern = true
		default:
			b.WriteByte(pattern[0])
		}
		pattern = pattern[1:]
	}
	return b.String(), isPattern
}

// arn is an ARN taken apart.
type arn struct{ partition, service, account, resource string }

func parseARN(s string) arn {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) < 6 {
		return arn{}
	}
	return arn{parts[1], parts[2], parts[4], parts[5]}
}

// name is the last segment of the resource.
func (a arn) name() string { return a.resource[strings.LastIndexByte(a.resource, '/')+1:] }
