package policy

// Evaluate decides a request under the policies that apply to it, in the order AWS documents: explicit denials anywhere, service
// control policies, the resource's policy, identity-based policies, the boundary, session policies.
//
// Within an account, the resource's policy grants on its own what it grants the caller directly (its own ARN, or everyone), past
// the implicit denials of boundary and session policies; what it grants the role or user behind a session, those two still limit;
// an account as principal only lets that account's identity-based policies decide. Across accounts both sides must allow.
// Trust policies and key policies must allow within the account too. An account's root needs no identity-based policy.
//
// Evaluate never fails: what can't be understood matches nothing. Safe for concurrent use.
func Evaluate(r Request, p Policies) Decision {
	e := evaluation{request: &r, policies: &p, caller: newCaller(&r), query: &query{context: r.Context}}
	d := e.decide()
	if len(e.query.missing) > 0 {
		d.Missing = e.query.missing
	}
	return d
}

// evaluation is the state of one Evaluate.
type evaluation struct {
	request  *Request
	policies *Policies
	caller   caller
	query    *query

	scps, resource, identity, boundary, session finding
}

// finding is what the policies of one source say.
type finding struct {
	allow, deny located
	relation    relation // of the caller to allow's principal, in the resource's policy
	lacking     bool     // of the SCPs: some level doesn't allow
}

// located is where a statement stands; the zero value is nowhere.
type located struct {
	in       *Document
	document int
	index    int
}

func (l located) found() bool { return l.in != nil }

func (l located) ref(source Source) *StatementRef {
	return &StatementRef{Source: source, Document: l.document, Index: l.index, Sid: l.in.statements[l.index].Sid}
}

func (e *evaluation) decide() Decision {
	if source, deny := e.readAll(); deny.found() {
		return Decision{Verdict: ExplicitlyDenied, Source: source, Statement: deny.ref(source)}
	}
	if e.scps.lacking {
		return Decision{Source: SCPSource}
	}
	switch {
	case e.caller.kind == anonymous, e.caller.kind == outside:
		return e.byResourceAlone()
	case e.sameAccount():
		return e.withinAccount()
	}
	return e.acrossAccounts()
}

// readAll reads the policies of every source, until a Deny matches.
func (e *evaluation) readAll() (Source, located) {
	if e.caller.account != "" {
		e.readSCPs()
	}
	if e.scps.deny.found() {
		return SCPSource, e.scps.deny
	}
	e.readResource()
	if e.resource.deny.found() {
		return ResourceSource, e.resource.deny
	}
	for i, d := range e.policies.Identity {
		e.readDocument(&e.identity, d, i)
	}
	if e.identity.deny.found() {
		return IdentitySource, e.identity.deny
	}
	e.readDocument(&e.boundary, e.policies.Boundary, 0)
	if e.boundary.deny.found() {
		return BoundarySource, e.boundary.deny
	}
	for i, d := range e.policies.Session {
		e.readDocument(&e.session, d, i)
	}
	return SessionSource, e.session.deny
}

// readSCPs reads every level; what one allows counts for that level alone.
func (e *evaluation) readSCPs() {
	index := 0
	for _, level := range e.policies.SCPs {
		e.scps.allow = located{}
		for _, d := range level {
			e.readDocument(&e.scps, d, index)
			index++
		}
		e.scps.lacking = e.scps.lacking || !e.scps.allow.found()
	}
}

// readDocument finds the first Deny and the first Allow of d, a policy without principals, that match.
func (e *evaluation) readDocument(f *finding, d *Document, document int) {
	if d == nil || f.deny.found() {
		return
	}
	for i := range d.compiled {
		s := &d.compiled[i]
		if !s.deny && (f.allow.found() || s.principals != nil) {
			continue // decided already, or not a statement for this place
		}
		if !s.about(e.request, e.query) || !s.conditionsHold(e.query) {
			continue
		}
		if s.deny {
			f.deny = located{d, document, i}
			return
		}
		f.allow = located{d, document, i}
	}
}

// readResource finds the first Deny that matches and the Allow that names the caller most closely.
func (e *evaluation) readResource() {
	d := e.policies.Resource
	if d == nil {
		return
	}
	for i := range d.compiled {
		s := &d.compiled[i]
		relation := s.relate(&e.caller)
		if relation == unrelated || !s.deny && relation <= e.resource.relation {
			continue
		}
		if !s.about(e.request, e.query) || !s.conditionsHold(e.query) {
			continue
		}
		if s.deny {
			e.resource.deny = located{d, 0, i}
			return
		}
		e.resource.allow, e.resource.relation = located{d, 0, i}, relation
	}
}
