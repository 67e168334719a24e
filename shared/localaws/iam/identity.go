package iam

import (
	"slices"
	"strings"
	"time"

	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/policy"
)

// kind is what an identity is.
type kind string

const (
	userKind  kind = "user"
	roleKind  kind = "role"
	groupKind kind = "group"
)

// word is the kind as it stands in the names of operations and parameters: User, Role, Group.
func (k kind) word() string { return strings.ToUpper(string(k[:1])) + string(k[1:]) }

// prefix is what the unique ids of the kind begin with.
func (k kind) prefix() string {
	switch k {
	case userKind:
		return "AIDA"
	case roleKind:
		return "AROA"
	case groupKind:
		return "AGPA"
	}
	return "A"
}

// document is a policy as it was sent, and compiled.
type document struct {
	text   string
	parsed *policy.Document
}

// identity is what users, roles and groups have in common.
type identity struct {
	kind     kind
	account  string
	name     string
	path     string
	id       string
	created  time.Time
	inline   map[string]document
	attached []string // ARNs of managed policies, in the order of attachment
	boundary string   // ARN of the boundary policy; empty if there is none
	tags     []protocol.Tag
}

func (i *identity) key() string { return i.name }

func (i *identity) arn() string { return arn(i.account, string(i.kind), i.path, i.name) }

func (s *Service) newIdentity(a *account, k kind, name, path string) identity {
	return identity{
		kind:    k,
		account: a.id,
		name:    name,
		path:    path,
		id:      NewID(k.prefix()),
		created: s.now(),
		inline:  make(map[string]document),
	}
}

// user is an IAM user.
type user struct {
	identity
	keys   []*accessKey
	groups []string // names
}

// group is an IAM group.
type group struct{ identity }

// role is an IAM role.
type role struct {
	identity
	description string
	maxSession  time.Duration
	trust       trust

	trustBefore  *trust // in force until propagation is over; nil for a new role
	trustChanged time.Time
}

// identity finds the user, role or group that a policy operation is about.
func (a *account) identity(k kind, name string) (*identity, error) {
	switch k {
	case userKind:
		if u, ok := a.users[name]; ok {
			return &u.identity, nil
		}
	case roleKind:
		if r, ok := a.roles[name]; ok {
			return &r.identity, nil
		}
	case groupKind:
		if g, ok := a.groups[name]; ok {
			return &g.identity, nil
		}
	}
	return nil, notFound("The %s with name %s cannot be found.", k, name)
}

// taken says whether a name is in use in any spelling: IAM's names are unique without regard to case.
func taken[V any](m map[string]V, name string) bool {
	if _, ok := m[name]; ok {
		return true
	}
	for other := range m {
		if strings.EqualFold(other, name) {
			return true
		}
	}
	return false
}

// policiesOf returns the identity policies of an identity: inline ones by name, then attached ones.
func (s *Service) policiesOf(a *account, i *identity) []*policy.Document {
	out := make([]*policy.Document, 0, len(i.inline)+len(i.attached))
	names := make([]string, 0, len(i.inline))
	for name := range i.inline {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		out = append(out, i.inline[name].parsed)
	}
	for _, policyARN := range i.attached {
		if p, ok := s.managedPolicy(a, policyARN); ok {
			out = append(out, p.current().parsed)
		}
	}
	return out
}
