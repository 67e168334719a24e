// Package grants works out what IAM policies grant beyond what is needed.
//
// It compares patterns as the sets of strings they stand for, not by trying examples. Where it can't be sure it errs to the
// side of a finding: a Deny takes something away only if it covers all of it and has no conditions (traps.md 49), and an Allow
// counts as granted whatever its conditions.
//
// The package is pure: no AWS package, no I/O.
package grants

import (
	"slices"
	"strings"

	"github.com/arngate/arngate/shared/policy"
)

// Ref names a statement: the index of its policy among those given, and its own index in it.
type Ref struct {
	Policy    int
	Statement int
}

// grant is what an Allow statement gives for one pattern of actions and one of resources, as far as the boundary lets it.
type grant struct {
	ref Ref

	action       string // as written, or as the boundary writes it where that is narrower
	actions      glob
	notActions   []glob
	resource     string
	resources    glob
	notResources []glob
	conditions   []policy.Condition
}

// denial is an unconditional Deny.
type denial struct {
	actions, notActions     []glob // one of them is set
	resources, notResources []glob
}

// reader reads statements with the values of variables.
type reader struct {
	values  Values
	account string
}

// resource reads a pattern of an Allow statement. Whoever names resources without their account, as a role's own connections
// do, reaches those of its own account only: `*` in that place is read as the account.
func (r reader) resource(text string, d *policy.Document) glob {
	parts := strings.SplitN(text, ":", 6)
	if len(parts) == 6 && parts[4] == "*" && r.account != "" {
		parts[4] = r.account
		text = strings.Join(parts, ":")
	}
	return newGlob(text, hasVariables(d), r.values)
}

func (r reader) globs(texts []string, d *policy.Document) []glob {
	var out []glob
	for _, text := range texts {
		out = append(out, newGlob(text, hasVariables(d), r.values))
	}
	return out
}

func actionGlobs(texts []string) []glob {
	var out []glob
	for _, text := range texts {
		out = append(out, newActionGlob(text))
	}
	return out
}

// grants returns what the Allow statements of a policy give.
func (r reader) grants(d *policy.Document, index int) []grant {
	var out []grant
	for i, s := range d.Statements() {
		if s.Effect != policy.Allow || s.Principal != nil || s.NotPrincipal != nil {
			continue
		}
		base := grant{ref: Ref{index, i}, conditions: s.Conditions}
		for _, byAction := range base.perAction(s) {
			out = append(out, byAction.perResource(s, func(text string) glob { return r.resource(text, d) })...)
		}
	}
	return out
}

func (g grant) perAction(s policy.Statement) []grant {
	if s.NotActions != nil {
		g.action, g.actions = "NotAction "+strings.Join(s.NotActions, ", "), newActionGlob("*")
		g.notActions = actionGlobs(s.NotActions)
		return []grant{g}
	}
	var out []grant
	for _, text := range s.Actions {
		g.action, g.actions = text, newActionGlob(text)
		out = append(out, g)
	}
	return out
}

func (g grant) perResource(s policy.Statement, read func(string) glob) []grant {
	if s.NotResources != nil {
		g.resource, g.resources = "NotResource "+strings.Join(s.NotResources, ", "), read("*")
		for _, text := range s.NotResources {
			g.notResources = append(g.notResources, read(text))
		}
		return []grant{g}
	}
	var out []grant
	for _, text := range s.Resources {
		g.resource, g.resources = text, read(text)
		out = append(out, g)
	}
	return out
}

// within returns what is left of g in a boundary's grants: the narrower of both patterns, each with its exceptions. Of
// patterns that only overlap it keeps g's own, which is more than is left.
func (g grant) within(boundary []grant) []grant {
	var out []grant
	for _, b := range boundary {
		if !g.actions.overlaps(b.actions) || !g.resources.overlaps(b.resources) {
			continue
		}
		left := g
		left.notActions = slices.Concat(g.notActions, b.notActions)
		left.notResources = slices.Concat(g.notResources, b.notResources)
		left.conditions = slices.Concat(g.conditions, b.conditions)
		if !b.actions.contains(g.actions) && g.actions.contains(b.actions) {
			left.action, left.actions = b.action, b.actions
		}
		if !b.resources.contains(g.resources) && g.resources.contains(b.resources) {
			left.resource, left.resources = b.resource, b.resources
		}
		out = append(out, left)
	}
	return out
}

// denials returns the unconditional Deny statements of a policy.
func (r reader) denials(d *policy.Document) []denial {
	var out []denial
	for _, s := range d.Statements() {
		if s.Effect == policy.Deny && len(s.Conditions) == 0 {
			out = append(out, denial{
				actions: actionGlobs(s.Actions), notActions: actionGlobs(s.NotActions),
				resources: r.globs(s.Resources, d), notResources: r.globs(s.NotResources, d),
			})
		}
	}
	return out
}

// covers reports whether all of actions on all of resources is denied.
func (d denial) covers(actions, resources glob) bool {
	within := func(some []glob, not []glob, of glob) bool {
		if not != nil {
			return !slices.ContainsFunc(not, of.overlaps)
		}
		return slices.ContainsFunc(some, func(g glob) bool { return g.contains(of) })
	}
	return within(d.actions, d.notActions, actions) && within(d.resources, d.notResources, resources)
}

// excepts reports whether the grant leaves the action out.
func (g grant) excepts(name glob) bool {
	return slices.ContainsFunc(g.notActions, func(n glob) bool { return n.contains(name) })
}

// exceptsAll reports whether nothing is left of the grant's resources.
func (g grant) exceptsAll() bool {
	return slices.ContainsFunc(g.notResources, func(n glob) bool { return n.contains(g.resources) })
}
