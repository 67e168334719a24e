package grants

import (
	"slices"
	"strings"

	"github.com/arngate/arngate/shared/policy"
)

// Kind is how much harm an excess can do.
type Kind string

// The kinds, the worst first.
const (
	Admin      Kind = "admin"      // every action on everything
	Escalation Kind = "escalation" // to rights beyond the policy's own
	Write      Kind = "write"      // to change something
	Read       Kind = "read"
	Wide       Kind = "wide" // a needed action on more than is needed
)

// Excess is one way in which one pattern of a statement grants too much.
type Excess struct {
	Kind     Kind
	Action   string // the pattern that grants it, as written: the statement's, or the boundary's if that is narrower
	Resource string // likewise
	Ref      Ref
	Actions  []string // those of the audited services, by name and sorted
	Others   bool     // actions of services that aren't audited too, or alone
	// Conditional says that the statement has conditions: it grants this only to requests that fulfil them.
	Conditional bool
}

// Input is what [Find] compares.
type Input struct {
	Policies []*policy.Document // identity-based
	Boundary *policy.Document   // nil: none
	Needs    []*policy.Document // what is needed, as Allow statements; their condition on s3:prefix is part of the need
	Values   Values             // of variables
	Account  string             // of the role or user; "" if unknown
}

// Find returns what the policies grant beyond the needs, in the order of the policies and statements.
func Find(in Input) []Excess {
	r := reader{in.Values, in.Account}
	var needs []grant
	for i, d := range in.Needs {
		needs = append(needs, r.grants(d, i)...)
	}
	f := finder{needs: needs}
	var granted []grant
	for i, d := range in.Policies {
		granted = append(granted, r.grants(d, i)...)
		f.denials = append(f.denials, r.denials(d)...)
	}
	if in.Boundary != nil {
		boundary := r.grants(in.Boundary, 0)
		f.denials = append(f.denials, r.denials(in.Boundary)...)
		var left []grant
		for _, g := range granted {
			left = append(left, g.within(boundary)...)
		}
		granted = left
	}
	for _, g := range granted {
		f.look(g)
	}
	return f.found
}

// Contributes reports whether some need is met, wholly or in part, by the statement ref of the policies.
func Contributes(in Input, ref Ref) bool {
	r := reader{in.Values, in.Account}
	for _, g := range r.grants(in.Policies[ref.Policy], ref.Policy) {
		if g.ref != ref {
			continue
		}
		for i, d := range in.Needs {
			if slices.ContainsFunc(r.grants(d, i), func(n grant) bool {
				return g.actions.overlaps(n.actions) && g.resources.overlaps(n.resources) && !g.excepts(n.actions)
			}) {
				return true
			}
		}
	}
	return false
}

type finder struct {
	needs   []grant
	denials []denial
	found   []Excess
}

// look sorts what one grant gives.
func (f *finder) look(g grant) {
	if g.exceptsAll() || f.denied(g.actions, g.resources) {
		return
	}
	if isEverything(g.actions) && len(g.notActions) == 0 && g.resources.everything() {
		f.add(g, Admin, "")
		return
	}
	resource := parseARN(g.resources)
	for _, a := range actions() {
		if !g.actions.contains(a.glob) || g.excepts(a.glob) || !resource.takes(a) || f.denied(a.glob, g.resources) {
			continue
		}
		if kind := f.judge(g, a); kind != "" {
			f.add(g, kind, a.name)
		}
	}
	f.lookBeyond(g, resource)
}

// judge says what is too much about one action of the grant; "" if nothing is.
func (f *finder) judge(g grant, a action) Kind {
	near := false
	for _, n := range f.needs {
		if !n.actions.contains(a.glob) || !n.resources.overlaps(g.resources) {
			continue
		}
		near = true
		if n.resources.contains(g.resources) && len(g.notResources) == 0 && f.sameListing(g, n) {
			return ""
		}
	}
	switch {
	case near:
		return Wide
	case escalates(a.name, isPattern(g.resources)):
		return Escalation
	case a.write:
		return Write
	}
	return Read
}

// sameListing reports whether g bounds listings as the needs on the same bucket do: by prefixes that are needed.
func (f *finder) sameListing(g, need grant) bool {
	if len(prefixes(need)) == 0 {
		return true
	}
	var needed []glob
	for _, n := range f.needs {
		if n.actions.contains(need.actions) && n.resources.contains(need.resources) {
			needed = append(needed, prefixes(n)...)
		}
	}
	granted := prefixes(g)
	return len(granted) > 0 && !slices.ContainsFunc(granted, func(p glob) bool {
		return !slices.ContainsFunc(needed, func(n glob) bool { return n.contains(p) })
	})
}

// prefixes returns the values of s3:prefix that a grant demands.
func prefixes(g grant) []glob {
	var out []glob
	for _, c := range g.conditions {
		if !strings.EqualFold(c.Key, "s3:prefix") || (c.Operator != "StringLike" && c.Operator != "StringEquals") {
			continue
		}
		for _, value := range c.Values {
			p := newGlob(value, true, nil)
			if c.Operator == "StringEquals" {
				p = newGlob(policy.Escape(value), true, nil)
			}
			out = append(out, p)
		}
	}
	return out
}

// lookBeyond notes what the grant gives of services that aren't audited, as the pattern it is.
func (f *finder) lookBeyond(g grant, resource arn) {
	service := serviceOf(g.actions)
	if audited(service) || audited(resource.service) {
		return
	}
	for _, n := range f.needs {
		if n.actions.contains(g.actions) && n.resources.contains(g.resources) {
			return
		}
	}
	if service != "" && reads(g.action) {
		f.add(g, Read, "")
		return
	}
	f.add(g, Write, "")
}

// add notes one action, "" for those of other services, with what else the same pattern grants of the kind.
func (f *finder) add(g grant, kind Kind, name string) {
	i := slices.IndexFunc(f.found, func(e Excess) bool {
		return e.Ref == g.ref && e.Kind == kind && e.Action == g.action && e.Resource == g.resource
	})
	if i < 0 {
		i = len(f.found)
		f.found = append(f.found, Excess{
			Kind: kind, Action: g.action, Resource: g.resource, Ref: g.ref, Conditional: len(g.conditions) > 0,
		})
	}
	e := &f.found[i]
	if name == "" {
		e.Others = true
		return
	}
	if at, known := slices.BinarySearch(e.Actions, name); !known {
		e.Actions = slices.Insert(e.Actions, at, name)
	}
}

func (f *finder) denied(actions, resources glob) bool {
	return slices.ContainsFunc(f.denials, func(d denial) bool { return d.covers(actions, resources) })
}

// isEverything reports whether a pattern is every action: `*`, or `*:*`.
func isEverything(actions glob) bool {
	return actions.everything() || newActionGlob("*:*").contains(actions) && actions.contains(newActionGlob("*:*"))
}

// isPattern reports whether a glob may be more than one string.
func isPattern(g glob) bool {
	return slices.ContainsFunc(g, func(s symbol) bool { return s.kind != plain })
}

// serviceOf returns the service that a pattern of actions names, "" if it may be several.
func serviceOf(actions glob) string {
	var b strings.Builder
	for _, s := range actions {
		switch {
		case s.kind != plain:
			return ""
		case s.r == ':':
			return b.String()
		}
		b.WriteRune(s.r)
	}
	return ""
}
