// Package caller says who is calling: site, user, actor, scopes and groups, as proved by the bearer token
// that API Gateway verified. Nothing in a path, query or body has a say in it.
package caller

import (
	"crypto/sha256"
	"errors"
	"slices"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
)

// The scopes of Arngate's API (api.md, "Callers").
const (
	ScopeConnect = "arngate/connect" // use connections that the caller's groups allow
	ScopeAdmin   = "arngate/admin"   // manage providers, connections and suppressions of its own site
	ScopeAudit   = "arngate/audit"   // run and read audits of its own site
	ScopeActAs   = "arngate/act-as"  // name the user in the header Arngate-Acting-User
)

// ActingUserHeader is the header by which a site's backend names the user it calls for.
const ActingUserHeader = "Arngate-Acting-User"

// AuditUser is the user of audits. No token and no header may claim it.
const AuditUser = "arngate-audit"

// Caller is who a request is made for and by whom. It is a value that nobody changes; its slices are read-only.
type Caller struct {
	// Site is the tenant: a UUID in lower case. It is the ExternalId of every role that is assumed.
	Site string
	// User is for whom the request is made. It is any text, never empty.
	User string
	// Actor holds the token: the user itself, or the site's backend that acts for the user.
	Actor string
	// Acting is true when the user was named by the actor, not by the token. Groups are empty then.
	Acting bool
	Scopes []string
	Groups []string
}

// Has says whether the token carries the scope.
func (c Caller) Has(scope string) bool { return slices.Contains(c.Scopes, scope) }

// HasAny says whether the token carries at least one of the scopes.
func (c Caller) HasAny(scopes ...string) bool { return slices.ContainsFunc(scopes, c.Has) }

// Audit is the caller in whose name the audits of a site run. It has no scopes and no groups.
func Audit(site string) Caller { return Caller{Site: site, User: AuditUser, Actor: AuditUser} }

// Errors of [Prover.Prove]. Everything but the last three means that nobody is proved to be calling.
var (
	// ErrNoAuthorizer means that the event names no verified token: it did not pass the JWT authorizer.
	ErrNoAuthorizer = errors.New("the event carries no verified token")
	// ErrToken means that there is no readable bearer token.
	ErrToken = errors.New("the bearer token can't be read")
	// ErrOtherToken means that the bearer token isn't the one that the authorizer verified.
	ErrOtherToken = errors.New("the bearer token isn't the verified one")
	// ErrSite means that the token names no site, or one that isn't a UUID.
	ErrSite = errors.New("the token's site claim isn't a UUID")
	// ErrUser means that the token names no user.
	ErrUser = errors.New("the token's user claim is missing")
	// ErrClaim means that a claim has another type than this package reads.
	ErrClaim = errors.New("a claim of the token has the wrong type")
	// ErrReserved means that token or header name the reserved user.
	ErrReserved = errors.New("the user is reserved for audits")
	// ErrActAsScope means that the header names a user and the token lacks [ScopeActAs].
	ErrActAsScope = errors.New("the token lacks the scope " + ScopeActAs)
	// ErrActingUser means that the header isn't exactly one name.
	ErrActingUser = errors.New(ActingUserHeader + " must be one name without a comma")
)

// Claims are the names of the token's claims that say who is calling.
type Claims struct {
	Site   string // a UUID; "site_id" if empty
	User   string // "sub" if empty
	Groups string // a list or one name; "groups" if empty
}

// Evidence is what a request brings along to prove its caller.
type Evidence struct {
	// Issuer and Subject are the authorizer's own claims `iss` and `sub` of the event's context: API Gateway
	// verified a token with these.
	Issuer, Subject string
	// Authorization is the request's header of that name, unchanged.
	Authorization string
	// ActingUser is the value of [ActingUserHeader]; Acts says that the header is there at all.
	ActingUser string
	Acts       bool
}

// Prover proves callers by tokens whose claims have these names. Safe for concurrent use.
type Prover struct {
	names Claims
	// read are tokens that were read before, by the hash of the header they came in: no token is kept, nor who it proved.
	read *lru.Cache[[sha256.Size]byte, token]
}

// maxRead bounds the tokens that are remembered: a caller sends the same one for as long as an hour.
const maxRead = 500

// NewProver returns a Prover.
func NewProver(names Claims) *Prover {
	read, err := lru.New[[sha256.Size]byte, token](maxRead)
	if err != nil {
		panic(err) // only a size that isn't positive
	}
	return &Prover{names: names.orDefault(), read: read}
}

// Prove returns the caller of a request, or one of this package's errors.
//
// API Gateway's context flattens lists, so a group named "x admin" reads like two (trap 23a). That is why
// the claims are read from the bearer token itself, which is the same, already verified one: its issuer
// and subject must equal the context's. The signature isn't checked again.
func (p *Prover) Prove(e Evidence) (Caller, error) {
	if e.Issuer == "" || e.Subject == "" {
		return Caller{}, ErrNoAuthorizer
	}
	token, err := p.token(e.Authorization)
	if err != nil {
		return Caller{}, err
	}
	if token.issuer != e.Issuer || token.subject != e.Subject {
		return Caller{}, ErrOtherToken
	}
	site, ok := canonicalSite(token.site)
	if !ok {
		return Caller{}, ErrSite
	}
	c := Caller{Site: site, User: token.user, Actor: token.user, Scopes: token.scopes, Groups: token.groups}
	if reserved(token.user) || reserved(token.subject) {
		return Caller{}, ErrReserved
	}
	if e.Acts {
		return act(c, token.subject, e.ActingUser)
	}
	if c.User == "" {
		return Caller{}, ErrUser
	}
	return c, nil
}

// token reads the header's token, once for all requests that come with it.
func (p *Prover) token(authorization string) (token, error) {
	hash := sha256.Sum256([]byte(authorization))
	if t, ok := p.read.Get(hash); ok {
		return t, nil
	}
	t, err := parse(authorization, p.names)
	if err == nil {
		p.read.Add(hash, t)
	}
	return t, err
}

// act makes the caller one that the actor acts for. The token's groups don't apply.
func act(c Caller, actor, user string) (Caller, error) {
	if !c.Has(ScopeActAs) {
		return Caller{}, ErrActAsScope
	}
	user = strings.Trim(user, " \t")
	if user == "" || strings.Contains(user, ",") {
		return Caller{}, ErrActingUser
	}
	if reserved(user) {
		return Caller{}, ErrReserved
	}
	c.User, c.Actor, c.Acting, c.Groups = user, actor, true, nil
	return c, nil
}

// reserved ignores case, so that no spelling of the audits' name can be taken for it by a person or a log.
func reserved(user string) bool { return strings.EqualFold(user, AuditUser) }

func (c Claims) orDefault() Claims {
	if c.Site == "" {
		c.Site = "site_id"
	}
	if c.User == "" {
		c.User = "sub"
	}
	if c.Groups == "" {
		c.Groups = "groups"
	}
	return c
}

// canonicalSite returns the UUID in lower case (RFC 9562 section 4), so that one site is one tenant and
// one ExternalId however its token spells it.
func canonicalSite(s string) (string, bool) {
	if len(s) != 36 {
		return "", false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return "", false
			}
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', 'A' <= c && c <= 'F':
		default:
			return "", false
		}
	}
	return strings.ToLower(s), true
}
