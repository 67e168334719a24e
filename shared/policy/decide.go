package policy

import "strings"

// sameAccount reports whether the caller's account owns the resource. One that can't be told is taken for the caller's.
func (e *evaluation) sameAccount() bool {
	owner := e.request.ResourceAccount
	if owner == "" {
		resource, _ := parseARN(e.request.Resource)
		owner = resource.account
	}
	return owner == "" || owner == e.caller.account
}

// byResourceAlone decides for callers without an account: nobody, services, identity providers.
func (e *evaluation) byResourceAlone() Decision {
	if e.resource.relation != directly {
		return Decision{Source: ResourceSource}
	}
	return allowed(ResourceSource, e.resource.allow)
}

func (e *evaluation) withinAccount() Decision {
	relation := e.resource.relation
	switch {
	case relation == directly:
		return allowed(ResourceSource, e.resource.allow)
	case relation == unrelated && e.resourceMustAllow():
		return Decision{Source: ResourceSource}
	case relation == byIssuer && !e.identity.allow.found():
		return e.limited(allowed(ResourceSource, e.resource.allow))
	}
	return e.byIdentity()
}

func (e *evaluation) acrossAccounts() Decision {
	d := e.byIdentity()
	if d.Verdict == Allowed && e.resource.relation == unrelated {
		return Decision{Source: ResourceSource}
	}
	return d
}

// resourceMustAllow reports whether the resource's policy has to allow although the caller is of its account: for roles and KMS
// keys it has, where it is known. (IAM User Guide, "How AWS enforcement code logic evaluates requests", Resource-based policies)
func (e *evaluation) resourceMustAllow() bool {
	if e.policies.Resource == nil {
		return false
	}
	service, operation, _ := strings.Cut(e.request.Action, ":")
	if strings.EqualFold(service, "kms") {
		return true
	}
	return strings.EqualFold(service, "sts") && trustAction(operation)
}

// trustAction reports whether an action of STS is one that a role's trust policy rules. ("Actions, resources, and condition keys
// for AWS Security Token Service": those whose resource is a role)
func trustAction(operation string) bool {
	for _, name := range [...]string{
		"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "SetContext", "SetSourceIdentity", "TagSession",
	} {
		if strings.EqualFold(operation, name) {
			return true
		}
	}
	return false
}

// byIdentity decides by the caller's own policies, and what limits them.
func (e *evaluation) byIdentity() Decision {
	if e.caller.kind == accountRoot {
		return Decision{Verdict: Allowed, Source: IdentitySource}
	}
	if !e.identity.allow.found() {
		return Decision{Source: IdentitySource}
	}
	return e.limited(allowed(IdentitySource, e.identity.allow))
}

// limited returns granted if boundary and session policies allow it too.
func (e *evaluation) limited(granted Decision) Decision {
	switch {
	case e.policies.Boundary != nil && !e.boundary.allow.found():
		return Decision{Source: BoundarySource}
	case e.hasSessionPolicies() && !e.session.allow.found():
		return Decision{Source: SessionSource}
	}
	return granted
}

// hasSessionPolicies reports whether session policies limit the caller. A federated user that was given none may do nothing.
func (e *evaluation) hasSessionPolicies() bool {
	return e.policies.Session != nil || e.caller.kind == federatedUser
}

func allowed(source Source, l located) Decision {
	return Decision{Verdict: Allowed, Source: source, Statement: l.ref(source)}
}
