package audit

import (
	"slices"
	"strings"

	"github.com/arngate/arngate/shared/audit/grants"
	"github.com/arngate/arngate/shared/audit/identity"
	"github.com/arngate/arngate/shared/policy"
)

// newFixer works out what the fixes leave of each policy that grants too much.
func newFixer(s subject, id *identity.Identity, gateway string, sites []string, in grants.Input, excess []grants.Excess) fixer {
	f := fixer{s: s, id: id, gateway: gateway, sites: sites, left: map[int]text{}, added: map[string]text{}}
	tooMuch := map[int][]int{}
	for _, e := range excess {
		if at := tooMuch[e.Ref.Policy]; !slices.Contains(at, e.Ref.Statement) {
			tooMuch[e.Ref.Policy] = append(at, e.Ref.Statement)
		}
	}
	for at, statements := range tooMuch {
		left, err := f.leave(in, at, statements)
		if err != nil {
			continue // then a person has to work it out
		}
		f.left[at] = left
		if p := id.Policies[at]; p.ARN != "" && p.Group == "" && len(left.Statement) > 0 {
			f.added[successor(p, left)] = left
		}
	}
	return f
}

// leave is a policy without some of its statements, with what is needed of them in their place.
func (f fixer) leave(in grants.Input, at int, statements []int) (text, error) {
	p := f.id.Policies[at]
	old, err := readText(p.Text)
	if err != nil {
		return text{}, err
	}
	left := old.without(statements)
	for _, i := range statements {
		if left, err = f.instead(left, in, grants.Ref{Policy: at, Statement: i}); err != nil {
			return text{}, err
		}
	}
	return left, nil
}

// instead adds what is needed of a statement, under that statement's conditions.
func (f fixer) instead(left text, in grants.Input, ref grants.Ref) (text, error) {
	wanted, err := f.wanted()
	if err != nil {
		return text{}, err
	}
	conditions := in.Policies[ref.Policy].Statements()[ref.Statement].Conditions
	for _, w := range wanted {
		need, err := policy.Parse([]byte(writeStatements(w)))
		if err != nil {
			return text{}, err
		}
		if in.Needs = []*policy.Document{need}; !grants.Contributes(in, ref) {
			continue
		}
		w.Conditions = slices.Concat(w.Conditions, without(conditions, w.Conditions))
		added, err := readText(writeStatements(w))
		if err != nil {
			return text{}, err
		}
		left = left.with(added)
	}
	return left, nil
}

// wanted is what connections and audits need, each statement alone.
func (f fixer) wanted() ([]policy.Statement, error) {
	var out []policy.Statement
	if grant, ok := f.s.grant(); ok {
		d, err := policy.Parse([]byte(grant.line()))
		if err != nil {
			return nil, err
		}
		out = append(out, d.Statements()...)
	}
	out = append(out, f.s.reads(f.id)...)
	if f.s.isUser() {
		out = append(out, policy.Statement{Effect: policy.Allow, Actions: []string{"sts:GetFederationToken"}, Resources: []string{"*"}})
	}
	return out, nil
}

// without returns conditions without those on the same key by the same operator as others.
func without(conditions, others []policy.Condition) []policy.Condition {
	return slices.DeleteFunc(slices.Clone(conditions), func(c policy.Condition) bool {
		return slices.ContainsFunc(others, func(o policy.Condition) bool {
			return strings.EqualFold(o.Operator, c.Operator) && strings.EqualFold(o.Key, c.Key)
		})
	})
}

// excess is the fix of a policy that grants too much: all that is too much in it is gone then.
func (f fixer) excess(at int) Remediation {
	p := f.id.Policies[at]
	if p.Group != "" {
		return steps("Other users of the group "+p.Group+" may need this: give this user policies of its own, and take it out of the group.",
			"Policy: "+p.Name)
	}
	left, ok := f.left[at]
	if !ok {
		return steps("Narrow the policy " + p.Name + " to what the connections need.")
	}
	if p.ARN == "" {
		return f.write("Take out of the policy what no connection needs; what they need of that is granted by name.", p.Name)
	}
	detach := f.command("detach", "--policy-arn", p.ARN)
	if len(left.Statement) == 0 {
		return Remediation{Summary: "Detach the policy: nothing in it is needed.", Commands: []string{detach}}
	}
	r := f.write("Detach the policy, which other identities may have too; what is needed of it stays as an inline policy.", successor(p, left))
	r.Commands = append(r.Commands, detach)
	return r
}

// successor names the inline policy that holds what is needed of a managed one.
func successor(p identity.Policy, left text) string {
	return "arngate-" + p.Name + "-" + short(left.line())
}

// add is the fix that adds a document to an inline policy.
func (f fixer) add(summary, name string, document text) Remediation {
	f.added[name] = f.added[name].with(document)
	return f.write(summary, name)
}

// write replaces an inline policy by what all fixes together make of it, or deletes it if nothing is left.
func (f fixer) write(summary, name string) Remediation {
	document := f.inline(name).with(f.added[name])
	if len(document.Statement) == 0 {
		return Remediation{
			Summary:  "Delete the policy: nothing in it is needed.",
			Commands: []string{f.command("delete", "--policy-name", name)},
		}
	}
	return Remediation{
		Summary: summary, Policy: document.page(),
		Commands: []string{f.command("put", "--policy-name", name, "--policy-document", document.line())},
	}
}

// inline is what is left of the inline policy of that name; nothing if there is none.
func (f fixer) inline(name string) text {
	if f.id == nil {
		return text{}
	}
	at := slices.IndexFunc(f.id.Policies, func(p identity.Policy) bool { return p.ARN == "" && p.Group == "" && p.Name == name })
	if left, ok := f.left[at]; ok || at < 0 {
		return left
	}
	kept, err := readText(f.id.Policies[at].Text)
	if err != nil {
		return text{} // it could be read when it was parsed
	}
	return kept
}
