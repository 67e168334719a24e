package policy

// compiledStatement is a statement ready to be matched.
type compiledStatement struct {
	deny         bool
	notActions   bool // actions are those it is not about
	notResources bool
	anyResource  bool // it has no Resource element
	notPrincipal bool
	actions      []pattern
	resources    []pattern
	principals   *principalSet // nil if it names none
	conditions   []compiledCondition
}

// compileStatement compiles s; variables says whether its document's version has them.
func compileStatement(s Statement, variables bool) (compiledStatement, error) {
	c := compiledStatement{
		deny:         s.Effect == Deny,
		notActions:   s.NotActions != nil,
		notResources: s.NotResources != nil,
		anyResource:  s.Resources == nil && s.NotResources == nil,
		notPrincipal: s.NotPrincipal != nil,
		principals:   compilePrincipals(s.Principal),
	}
	if c.notPrincipal {
		c.principals = compilePrincipals(s.NotPrincipal)
	}
	var err error
	if c.actions, err = compileActions(append(s.Actions, s.NotActions...)); err != nil {
		return c, err
	}
	for _, text := range append(s.Resources, s.NotResources...) {
		patterns, err := compileResource(text, variables)
		if err != nil {
			return c, err
		}
		c.resources = append(c.resources, patterns...)
	}
	for _, condition := range s.Conditions {
		compiled, err := compileCondition(condition, variables)
		if err != nil {
			return c, err
		}
		c.conditions = append(c.conditions, compiled)
	}
	return c, nil
}

func compileActions(texts []string) ([]pattern, error) {
	out := make([]pattern, 0, len(texts))
	for _, text := range texts {
		p, err := compilePattern(text, dialect{wildcards: true, fold: true})
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// about reports whether s is about the request's action and resource.
func (s *compiledStatement) about(r *Request, q *query) bool {
	if matchAny(s.actions, r.Action, q) == s.notActions {
		return false
	}
	return s.anyResource || matchAny(s.resources, r.Resource, q) != s.notResources
}

// conditionsHold reports whether every condition holds. Keys missing from a statement that could not apply even with them are
// forgotten again.
func (s *compiledStatement) conditionsHold(q *query) bool {
	before := len(q.missing)
	all := true
	for i := range s.conditions {
		switch s.conditions[i].evaluate(q) {
		case fails:
			q.missing = q.missing[:before]
			return false
		case failsSoFar:
			all = false
		case holds:
		}
	}
	return all
}

// relate returns how s's Principal or NotPrincipal names the caller.
//
// NotPrincipal in a Deny spares only those it names themselves: another user of an account it lists is denied, and so is a session
// whose role alone is listed ("IAM JSON policy elements: NotPrincipal"). In an Allow it excludes whoever it relates to at all.
//
// A statement without principal where one belongs denies everybody and allows nobody.
func (s *compiledStatement) relate(c *caller) relation {
	if s.principals == nil {
		if s.deny {
			return directly
		}
		return unrelated
	}
	relation := s.principals.relate(c)
	switch {
	case !s.notPrincipal:
		return relation
	case s.principals.names(c), relation != unrelated && !s.deny:
		return unrelated
	}
	return directly
}
