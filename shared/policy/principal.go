package policy

import (
	"slices"
	"strings"
)

// callerKind is what a request's principal is.
type callerKind uint8

const (
	anonymous     callerKind = iota // nobody in particular
	outside                         // a service or an identity provider: no account, no policies of its own
	accountRoot                     // the root user of an account
	user                            // an IAM user
	role                            // a role's own ARN, standing for any session of it
	roleSession                     // an assumed role
	federatedUser                   // a session of GetFederationToken
)

// caller is a request's principal taken apart.
type caller struct {
	kind    callerKind
	name    string // as the request has it
	account string
	issuer  string // the ARN of the role or user behind a session, "" if unknown
	session string // of an assumed role: the role's name
}

func newCaller(r *Request) caller {
	c := caller{name: r.Principal}
	a, ok := parseARN(r.Principal)
	switch {
	case r.Principal == "":
		return c
	case !ok || strings.HasPrefix(a.resource, "saml-provider/") || strings.HasPrefix(a.resource, "oidc-provider/"):
		c.kind = outside
		return c
	}
	c.account = a.account
	session, isSession := strings.CutPrefix(a.resource, "assumed-role/")
	switch {
	case a.resource == "root":
		c.kind = accountRoot
	case isSession:
		c.kind = roleSession
		c.session, _, _ = strings.Cut(session, "/")
		c.issuer = principalARN(r.Context)
	case strings.HasPrefix(a.resource, "federated-user/"):
		c.kind = federatedUser
		c.issuer = principalARN(r.Context)
	case strings.HasPrefix(a.resource, "role/"):
		c.kind = role
	default:
		c.kind = user
	}
	return c
}

func principalARN(c Context) string {
	if values := c.lookup("aws:PrincipalArn"); len(values) == 1 {
		return values[0]
	}
	return ""
}

// relation is how closely a Principal element names a caller. What it grants depends on it. (IAM User Guide, "How AWS enforcement
// code logic evaluates requests", Resource-based policies)
type relation uint8

const (
	unrelated relation = iota
	byAccount          // its account: that account's own policies decide
	byIssuer           // the role or user behind the session: boundary and session policy still limit
	directly           // itself, or everyone
)

// principalSet is a compiled Principal or NotPrincipal element.
type principalSet struct {
	everyone bool
	accounts []string // ids
	arns     []string
	others   []string // services, identity providers, canonical users
}

func compilePrincipals(p *Principals) *principalSet {
	if p == nil {
		return nil
	}
	set := &principalSet{everyone: p.Any, others: slices.Concat(p.Service, p.Federated, p.CanonicalUser)}
	for _, text := range p.AWS {
		switch a, ok := parseARN(text); {
		case text == "*":
			set.everyone = true
		case ok && a.service == "iam" && a.resource == "root":
			set.accounts = append(set.accounts, a.account)
		case len(text) == 12 && digits(text):
			set.accounts = append(set.accounts, text)
		default:
			set.arns = append(set.arns, text)
		}
	}
	return set
}

// relate returns the closest relation of c to the set.
func (s *principalSet) relate(c *caller) relation {
	switch {
	case s.everyone:
		return directly
	case c.kind == anonymous:
		return unrelated
	case c.kind == outside:
		return s.relateOutside(c)
	case slices.Contains(s.arns, c.name):
		if c.kind == role {
			return byIssuer
		}
		return directly
	case c.kind == accountRoot && slices.Contains(s.accounts, c.account):
		return directly
	case slices.ContainsFunc(s.arns, c.issuedBy):
		return byIssuer
	case slices.Contains(s.accounts, c.account):
		return byAccount
	}
	return unrelated
}

// names reports whether the set holds c itself.
func (s *principalSet) names(c *caller) bool {
	return s.relate(c) == directly || c.kind == role && slices.Contains(s.arns, c.name)
}

func (s *principalSet) relateOutside(c *caller) relation {
	if slices.Contains(s.others, c.name) {
		return directly
	}
	return unrelated
}

// issuedBy reports whether name is the ARN of the role or user behind the session c. A role's name is unique in its account
// whatever its path, so that is enough where the request doesn't give the role's ARN.
func (c *caller) issuedBy(name string) bool {
	if c.issuer != "" {
		return name == c.issuer
	}
	if c.kind != roleSession {
		return false
	}
	a, ok := parseARN(name)
	path, isRole := strings.CutPrefix(a.resource, "role/")
	return ok && isRole && a.service == "iam" && a.account == c.account && path[strings.LastIndexByte(path, '/')+1:] == c.session
}
