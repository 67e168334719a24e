// Package iam is the IAM of the local AWS: accounts with users, groups, roles, policies and access keys,
// the operations that manage them, and the principals that their credentials stand for.
//
// Source: "IAM API Reference" and "IAM and AWS STS quotas" (IAM User Guide).
package iam

import (
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/policy"
)

// Namespace is the XML namespace of IAM's answers.
const Namespace = "https://iam.amazonaws.com/doc/2010-05-08/"

// AdministratorARN is the managed policy of the administrator that AddAccount creates.
const AdministratorARN = "arn:aws:iam::aws:policy/AdministratorAccess"

// Service holds the identities of all accounts. Safe for concurrent use.
type Service struct {
	now         func() time.Time
	propagation time.Duration
	mark        string // what secrets begin with
	operations  map[string]operation

	mu       sync.RWMutex
	accounts map[string]*account
	keys     map[string]*accessKey     // of all accounts, by id
	managed  map[string]*managedPolicy // AWS's own, by ARN
}

// account is one AWS account.
type account struct {
	id       string
	users    map[string]*user
	roles    map[string]*role
	groups   map[string]*group
	policies map[string]*managedPolicy // by ARN
	rootKeys []*accessKey
	scps     [][]*policy.Document
}

// accessKey is a long-lived key. Its user is nil for the account's root.
type accessKey struct {
	id      string
	secret  string
	account *account
	user    *user
	active  bool
	created time.Time
}

// New returns a service without accounts. A new role, and a changed trust policy, takes effect for
// AssumeRole only after propagation, as IAM's changes do (traps.md 9). Secret access keys begin with mark.
func New(now func() time.Time, propagation time.Duration, mark string) *Service {
	return &Service{
		now:         now,
		propagation: propagation,
		mark:        mark,
		operations:  operations(),
		accounts:    make(map[string]*account),
		keys:        make(map[string]*accessKey),
		managed:     awsManaged(now()),
	}
}

// AddAccount creates an account, if there is none with that id, and in it a user named administrator who
// may do everything. It returns a new access key of that user.
func (s *Service) AddAccount(id string) (accessKeyID, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.ensureAccount(id)
	admin, ok := a.users["administrator"]
	if !ok {
		admin = &user{identity: s.newIdentity(a, userKind, "administrator", "/")}
		admin.attached = []string{AdministratorARN}
		a.users[admin.name] = admin
	}
	k := s.newKey(a, admin)
	return k.id, k.secret
}

// AddRootKey returns a new access key of the account's root.
func (s *Service) AddRootKey(id string) (accessKeyID, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.ensureAccount(id)
	k := s.newKey(a, nil)
	a.rootKeys = append(a.rootKeys, k)
	return k.id, k.secret
}

// SetSCPs sets the service control policies above an account, one list for each level from the
// organization's root down. None at all lift every limit.
func (s *Service) SetSCPs(id string, levels [][]*policy.Document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ensureAccount(id).scps = levels
}

func (s *Service) ensureAccount(id string) *account {
	a, ok := s.accounts[id]
	if !ok {
		a = &account{
			id:       id,
			users:    make(map[string]*user),
			roles:    make(map[string]*role),
			groups:   make(map[string]*group),
			policies: make(map[string]*managedPolicy),
		}
		s.accounts[id] = a
	}
	return a
}

func (s *Service) newKey(a *account, u *user) *accessKey {
	k := &accessKey{
		id:      NewID("AKIA"),
		secret:  s.NewSecret(),
		account: a,
		user:    u,
		active:  true,
		created: s.now(),
	}
	s.keys[k.id] = k
	if u != nil {
		u.keys = append(u.keys, k)
	}
	return k
}

// NewID returns a unique id with one of IAM's prefixes: AKIA, ASIA, AIDA, AROA, AGPA, ANPA.
func NewID(prefix string) string { return prefix + rand.Text()[:16] }

// NewSecret returns a secret access key of 40 characters.
func (s *Service) NewSecret() string {
	raw := make([]byte, 30)
	_, _ = rand.Read(raw) // never fails
	return s.mark + base64.StdEncoding.EncodeToString(raw)[len(s.mark):]
}

// Secret returns the secret of a long-lived access key, and whether it is one that may be used.
func (s *Service) Secret(accessKeyID string) (string, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	k, ok := s.keys[accessKeyID]
	if !ok || !k.active {
		return "", false
	}
	return k.secret, true
}

// arn names an identity: account, user, role or group, path and name.
func arn(account, kind, path, name string) string {
	return strings.Join([]string{"arn:aws:iam:", account, kind + path + name}, ":")
}

// sortedByName returns the values of a map by their names.
func sortedByName[V interface{ key() string }](m map[string]V) []V {
	out := make([]V, 0, len(m))
	for _, v := range m {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b V) int { return strings.Compare(a.key(), b.key()) })
	return out
}

// notFound is IAM's answer for a thing that does not exist.
func notFound(format string, args ...any) *protocol.Error {
	return protocol.NewError(404, "NoSuchEntity", format, args...)
}
