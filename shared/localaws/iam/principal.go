package iam

import (
	"slices"
	"time"

	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/policy"
)

// Principal returns who a long-lived access key stands for, with the policies in force now, and whether
// there is such a key.
func (s *Service) Principal(accessKeyID string) (*protocol.Principal, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	k, ok := s.keys[accessKeyID]
	if !ok {
		return nil, false
	}
	p := s.rootPrincipal(k.account)
	if k.user != nil {
		p = s.userPrincipal(k.account, k.user)
	}
	p.AccessKeyID = accessKeyID
	return p, true
}

// Subject names a principal that sessions are made for: a role, a user, or the account's root.
type Subject struct {
	Account string
	Role    string // name; empty for users and the root
	User    string // name; empty for roles and the root
	ID      string // unique id, so that one created again under the name is another
}

// SubjectOf returns the principal that the holder of long-lived keys is.
func (s *Service) SubjectOf(accessKeyID string) (Subject, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	k, ok := s.keys[accessKeyID]
	switch {
	case !ok:
		return Subject{}, false
	case k.user == nil:
		return Subject{Account: k.account.id}, true
	}
	return Subject{Account: k.account.id, User: k.user.name, ID: k.user.id}, true
}

// SessionPrincipal returns the principal behind a session as it is now, without what the session itself
// adds. It reports false once the role or user is gone.
func (s *Service) SessionPrincipal(of Subject) (*protocol.Principal, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, ok := s.accounts[of.Account]
	if !ok {
		return nil, false
	}
	switch {
	case of.Role != "":
		r, ok := a.roles[of.Role]
		if !ok || r.id != of.ID {
			return nil, false
		}
		return s.rolePrincipal(a, r), true
	case of.User != "":
		u, ok := a.users[of.User]
		if !ok || u.id != of.ID {
			return nil, false
		}
		return s.userPrincipal(a, u), true
	}
	return s.rootPrincipal(a), true
}

func (s *Service) userPrincipal(a *account, u *user) *protocol.Principal {
	identity := s.policiesOf(a, &u.identity)
	for _, name := range u.groups {
		if g, ok := a.groups[name]; ok {
			identity = append(identity, s.policiesOf(a, &g.identity)...)
		}
	}
	p := s.principal(a, &u.identity)
	p.ARN, p.UserID = u.arn(), u.id
	p.Policies.Identity = identity
	p.Context["aws:PrincipalType"] = []string{"User"}
	p.Context["aws:username"] = []string{u.name}
	p.Context["aws:userid"] = []string{u.id}
	return p
}

func (s *Service) rolePrincipal(a *account, r *role) *protocol.Principal {
	p := s.principal(a, &r.identity)
	p.RoleARN, p.UserID = r.arn(), r.id
	p.Policies.Identity = s.policiesOf(a, &r.identity)
	p.Context["aws:PrincipalType"] = []string{"AssumedRole"}
	return p
}

// principal has what users and roles have in common.
func (s *Service) principal(a *account, i *identity) *protocol.Principal {
	p := &protocol.Principal{
		Account:  a.id,
		Tags:     make(map[string]string, len(i.tags)),
		Policies: policy.Policies{SCPs: a.scps},
		Context: policy.Context{
			"aws:PrincipalArn":     {i.arn()},
			"aws:PrincipalAccount": {a.id},
		},
	}
	for _, t := range i.tags {
		p.Tags[t.Key] = t.Value
	}
	if b, ok := s.managedPolicy(a, i.boundary); ok {
		p.Policies.Boundary = b.current().parsed
	}
	return p
}

func (s *Service) rootPrincipal(a *account) *protocol.Principal {
	rootARN := "arn:aws:iam::" + a.id + ":root"
	return &protocol.Principal{
		ARN:     rootARN,
		Account: a.id,
		UserID:  a.id,
		Root:    true,
		Policies: policy.Policies{
			Identity: []*policy.Document{s.managed[AdministratorARN].current().parsed},
			SCPs:     a.scps,
		},
		Context: policy.Context{
			"aws:PrincipalArn":     {rootARN},
			"aws:PrincipalAccount": {a.id},
			"aws:PrincipalType":    {"Account"},
			"aws:userid":           {a.id},
		},
	}
}

// Role is what AssumeRole needs to know of a role.
type Role struct {
	ARN        string
	Subject    Subject
	Trust      *policy.Document // as far as it has propagated
	MaxSession time.Duration
	Tags       []protocol.Tag
}

// Role returns the role with this ARN, path included, and whether there is one that has propagated.
func (s *Service) Role(roleARN string) (Role, bool) {
	accountID, name, ok := splitRoleARN(roleARN)
	if !ok {
		return Role{}, false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, ok := s.accounts[accountID]
	if !ok {
		return Role{}, false
	}
	r, ok := a.roles[name]
	if !ok || r.arn() != roleARN {
		return Role{}, false
	}
	current := &r.trust
	if s.now().Before(r.trustChanged.Add(s.propagation)) {
		current = r.trustBefore
	}
	if current == nil {
		return Role{}, false
	}
	return Role{
		ARN:        roleARN,
		Subject:    Subject{Account: accountID, Role: name, ID: r.id},
		Trust:      s.effectiveTrust(current),
		MaxSession: r.maxSession,
		Tags:       slices.Clone(r.tags),
	}, true
}

// PolicyByARN returns the managed policy that a caller of this account names by its ARN.
func (s *Service) PolicyByARN(accountID, policyARN string) (*policy.Document, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, ok := s.accounts[accountID]
	if !ok {
		return nil, false
	}
	p, ok := s.managedPolicy(a, policyARN)
	if !ok {
		return nil, false
	}
	return p.current().parsed, true
}
