// Package registry keeps a site's authentication providers and connections, what was last observed of each provider,
// and the wrapped data keys: types, validation and the DynamoDB store.
package registry

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/arngate/arngate/shared/permissions"
)

// Method says how a site authenticates to AWS.
type Method string

// The methods there are.
const (
	AssumeRole Method = "assume_role" // by assuming an IAM role of the customer's
	AccessKeys Method = "access_keys" // with access keys that the customer stored
)

// ScopingNone is the [Provider] scoping under which requests run on GetSessionToken: without session policy or name.
const ScopingNone = "none"

// Status says whether a provider may be used.
type Status string

// The statuses there are. Only Ready lets a connector use the provider.
const (
	AwaitingRole Status = "awaiting_role" // no role ARN yet
	Unverified   Status = "unverified"    // new or edited, not verified since
	Ready        Status = "ready"
	Unsafe       Status = "unsafe"   // another site could use the role
	Unusable     Status = "unusable" // verify could not use it
)

// Trace says what of a caller the role's trust policy lets a mint record.
type Trace string

// The traces there are.
const (
	TraceFull Trace = "full" // session name, source identity and session tags
	TraceName Trace = "name" // the session name alone
)

// Errors of the store, for branches.
var (
	ErrNotFound   = errors.New("registry: no such entry")
	ErrNameTaken  = errors.New("registry: name is taken")
	ErrStale      = errors.New("registry: entry is of a revision that the condition does not let through")
	ErrNoProvider = errors.New("registry: connection names a provider that does not exist")
)

// InUseError is returned by DeleteProvider for a provider that connections name.
type InUseError struct {
	Connections []string // sorted
}

// Error names the connections.
func (e *InUseError) Error() string {
	return "registry: provider is used by " + strings.Join(e.Connections, ", ")
}

// Provider is an authentication provider as stored. Site and Name identify it.
type Provider struct {
	Site   string
	Name   string
	Method Method

	RoleARN string // assume_role; empty until the customer has made the role

	AccessKeyID  string    // access_keys
	SealedSecret []byte    // access_keys: the secret access key, encrypted by KMS for this site and provider
	Scoping      string    // access_keys: empty, or ScopingNone
	KeySince     time.Time // access_keys: when AccessKeyID was entered

	// Revision is 128 random bits made at every save, in hex: a name deleted and made again has another (trap 50a).
	Revision string
	// ObservedAs is an earlier revision that was the same but for its credentials being revoked since: what was observed of it
	// still counts. Empty after any edit.
	ObservedAs string
	Created    time.Time
	Updated    time.Time
}

// Status returns whether the provider may be used. What was observed of another revision does not count.
func (p Provider) Status(observed State) Status {
	switch {
	case p.Method == AssumeRole && p.RoleARN == "":
		return AwaitingRole
	case !p.Counts(observed) || observed.Status == "":
		return Unverified
	default:
		return observed.Status
	}
}

// Counts reports whether what was observed was observed of this provider as it is now.
func (p Provider) Counts(observed State) bool {
	return observed.Revision != "" && (observed.Revision == p.Revision || observed.Revision == p.ObservedAs)
}

// Connection is a named use of a provider as stored. Site and Name identify it.
type Connection struct {
	Site     string
	Name     string
	Provider string
	Acting   bool     // open to a site's backend that acts for its users
	Groups   []string // who may use it; ["*"] is every caller of the site
	Limits   permissions.Limits

	// Policy is the session policy, made from Limits when the connection was saved.
	Policy string
	// PolicyDigest is the SHA-256 of Policy, computed when the connection is loaded.
	PolicyDigest [sha256.Size]byte

	// Revision is 128 random bits made at every save, in hex.
	Revision string
	Created  time.Time
	Updated  time.Time
}

// State is what was observed of a provider, outside its revision and ETag. It counts only while Revision is the
// provider's current one, or one that it equals: see [Provider.Counts]. The zero value is "never observed".
type State struct {
	Revision   string // the provider's, when it was observed
	Status     Status // Ready, Unsafe or Unusable
	Trace      Trace
	Account    string // the twelve digits that GetCallerIdentity answered
	Reason     string // why it is not ready; stable, for machines
	VerifiedAt time.Time
}

// Opened is a connection with its provider and what was observed of it. Shared between requests: nobody changes it.
type Opened struct {
	Connection Connection
	Provider   Provider
	State      State
}

// Patterns are compiled when they are first asked for, so that a cold start doesn't wait for those that it needs not. Lengths are
// compared: counted repetitions take half a millisecond to compile.
var (
	sitePattern = pattern(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	keyPattern  = pattern(`^AKIA[A-Z0-9]+$`)
)

func pattern(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

const (
	maxName = 63
	// minKey and maxKey are the length of a long-lived access key id (IAM, AccessKey, AccessKeyId).
	minKey, maxKey = 16, 128
)

// ValidName reports whether name may name a provider or a connection: `^[A-Za-z][A-Za-z0-9_-]{0,62}$`. Every request asks, and
// an expression takes a microsecond.
func ValidName(name string) bool {
	if name == "" || len(name) > maxName || !isLetter(name[0]) {
		return false
	}
	for _, c := range []byte(name) {
		if !isLetter(c) && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// ValidSite reports whether site is a UUID (RFC 9562), which is what site ids are.
func ValidSite(site string) bool { return sitePattern().MatchString(site) }

// Validate returns every fault of the provider as a person entered it, with the JSON pointer of the API's field.
// partition is this deployment's, path the segment that assumable roles carry. It never repeats a value.
func (p Provider) Validate(partition, path string) []permissions.Fault {
	var faults []permissions.Fault
	add := func(pointer, message string) {
		faults = append(faults, permissions.Fault{Pointer: pointer, Message: message})
	}
	if !ValidName(p.Name) {
		add("/name", "must be 1 to 63 letters, digits, '_' or '-', beginning with a letter")
	}
	switch p.Method {
	case AssumeRole:
		if p.RoleARN != "" {
			if _, err := ParseRoleARN(p.RoleARN, partition, path); err != nil {
				add("/role_arn", err.Error())
			}
		}
		if p.AccessKeyID != "" {
			add("/access_key_id", "belongs to method access_keys")
		}
		if p.Scoping != "" {
			add("/scoping", "belongs to method access_keys")
		}
	case AccessKeys:
		if n := len(p.AccessKeyID); n < minKey || n > maxKey || !keyPattern().MatchString(p.AccessKeyID) {
			add("/access_key_id", "must be a long-lived access key id: AKIA and at least 12 capital letters or digits")
		}
		if p.RoleARN != "" {
			add("/role_arn", "belongs to method assume_role")
		}
		if p.Scoping != "" && p.Scoping != ScopingNone {
			add("/scoping", `must be "none" or be left out`)
		}
	default:
		add("/method", `must be "assume_role" or "access_keys"`)
	}
	return faults
}

// Validate returns every fault of the connection as a person entered it, its limits' included, with the JSON pointer of
// the API's field. It never repeats a value.
func (c Connection) Validate() []permissions.Fault {
	var faults []permissions.Fault
	add := func(pointer, message string) {
		faults = append(faults, permissions.Fault{Pointer: pointer, Message: message})
	}
	if !ValidName(c.Name) {
		add("/name", "must be 1 to 63 letters, digits, '_' or '-', beginning with a letter")
	}
	if !ValidName(c.Provider) {
		add("/provider", "must be the name of a provider of this site")
	}
	if len(c.Groups) == 0 {
		add("/groups", `must name at least one group; every caller is ["*"]`)
	}
	if len(c.Groups) > 1 && slices.Contains(c.Groups, "*") {
		add("/groups", `"*" stands alone`)
	}
	for i, group := range c.Groups {
		if group == "" || len(group) > 256 {
			add(fmt.Sprintf("/groups/%d", i), "must be 1 to 256 bytes")
		}
	}
	return append(faults, c.Limits.Validate()...)
}

// NewRevision returns 128 random bits in hex.
func NewRevision() string {
	var bits [16]byte
	_, _ = rand.Read(bits[:]) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(bits[:])
}
