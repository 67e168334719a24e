// Package kms is the KMS of the local AWS: symmetric keys with their policies and aliases, data keys,
// encryption and decryption under an encryption context.
//
// Source: "AWS KMS API Reference" and "Key policies in AWS KMS" (AWS KMS Developer Guide).
package kms

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/policy"
)

const targetPrefix = "TrentService."

// Service holds the keys of all accounts and regions. Safe for concurrent use.
type Service struct {
	now        func() time.Time
	mark       string // what data keys begin with
	operations map[string]operation

	mu      sync.RWMutex
	keys    map[string]*key   // by ARN
	aliases map[string]string // alias ARN -> key ARN
}

// state is what a key can be used for.
type state string

const (
	enabled         state = "Enabled"
	disabled        state = "Disabled"
	pendingDeletion state = "PendingDeletion"
)

// key is one symmetric encryption key.
type key struct {
	id          string
	arn         string
	account     string
	region      string
	description string
	created     time.Time
	deletion    time.Time // zero unless pending
	state       state
	policyText  string
	policy      *policy.Document
	material    [32]byte // never leaves the package
}

// New returns a service without keys. Data keys begin with mark.
func New(now func() time.Time, mark string) *Service {
	return &Service{
		now:        now,
		mark:       mark,
		operations: operations(),
		keys:       make(map[string]*key),
		aliases:    make(map[string]string),
	}
}

// request is one call with what Resolve has read of it.
type request struct {
	call *protocol.Call
	in   input
	key  *key // nil for operations without one
}

// input has the members of all operations.
type input struct {
	KeyID               string `json:"KeyId"`
	AliasName           string
	TargetKeyID         string `json:"TargetKeyId"`
	Description         string
	Policy              string
	PolicyName          string
	KeySpec             string
	KeyUsage            string
	NumberOfBytes       *int
	Plaintext           []byte
	CiphertextBlob      []byte
	EncryptionContext   map[string]string
	EncryptionAlgorithm string
	PendingWindowInDays *int
}

// operation is one action of KMS.
type operation struct {
	find func(*Service, *request) (*key, error) // the key to authorize on; nil: none, the resource is *
	run  func(*Service, *request) (any, error)
}

func operations() map[string]operation {
	return map[string]operation{
		"CreateKey":           {run: (*Service).createKey},
		"ListKeys":            {run: (*Service).listKeys},
		"ListAliases":         {run: (*Service).listAliases},
		"CreateAlias":         {find: (*Service).findTarget, run: (*Service).createAlias},
		"DescribeKey":         {find: (*Service).findNamed, run: (*Service).describeKey},
		"GetKeyPolicy":        {find: (*Service).findNamed, run: (*Service).getKeyPolicy},
		"PutKeyPolicy":        {find: (*Service).findNamed, run: (*Service).putKeyPolicy},
		"EnableKey":           {find: (*Service).findNamed, run: (*Service).enableKey},
		"DisableKey":          {find: (*Service).findNamed, run: (*Service).disableKey},
		"ScheduleKeyDeletion": {find: (*Service).findNamed, run: (*Service).scheduleKeyDeletion},
		"GenerateDataKey":     {find: (*Service).findNamed, run: (*Service).generateDataKey},
		"GenerateDataKeyWithoutPlaintext": {
			find: (*Service).findNamed, run: (*Service).generateDataKeyWithoutPlaintext,
		},
		"Encrypt": {find: (*Service).findNamed, run: (*Service).encrypt},
		"Decrypt": {find: (*Service).findForDecrypt, run: (*Service).decrypt},
	}
}

// Resolve names the operation and what must be allowed for it.
func (s *Service) Resolve(c *protocol.Call) ([]protocol.Access, error) {
	name, err := protocol.Target(c, targetPrefix)
	if err != nil {
		return nil, err
	}
	c.Operation = name
	op, ok := s.operations[name]
	if !ok {
		return nil, protocol.UnknownOperation()
	}
	r := &request{call: c}
	if err := protocol.DecodeJSON(c, &r.in); err != nil {
		return nil, err
	}
	c.State = r
	if op.find == nil {
		return []protocol.Access{{Action: "kms:" + name, Resource: "*"}}, nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if r.key, err = op.find(s, r); err != nil {
		return nil, err
	}
	access := r.key.access("kms:"+name, r.in.EncryptionContext)
	access.Context["kms:CallerAccount"] = []string{c.Account()}
	if strings.Contains(r.in.KeyID, "alias/") {
		access.Context["kms:RequestAlias"] = []string{r.in.KeyID[strings.Index(r.in.KeyID, "alias/"):]}
	}
	accesses := []protocol.Access{access}
	if name == "CreateAlias" {
		accesses = append(accesses, protocol.Access{Action: "kms:CreateAlias", Resource: r.aliasARN()})
	}
	return accesses, nil
}

// Serve carries out an operation that has been authorized.
func (s *Service) Serve(w http.ResponseWriter, c *protocol.Call) error {
	r, ok := c.State.(*request)
	if !ok {
		return fmt.Errorf("serve %s: not resolved", c.Operation)
	}
	s.mu.Lock()
	out, err := s.operations[c.Operation].run(s, r)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	if out == nil {
		protocol.WriteRawJSON(w, protocol.JSON11, c.RequestID, http.StatusOK, nil)
		return nil
	}
	return protocol.WriteJSON(w, protocol.JSON11, c.RequestID, out)
}

// Access is what must be allowed for a service (s3, dynamodb) that uses a key on a caller's behalf: the
// action kms:Decrypt or kms:GenerateDataKey on the key that keyID names in the account and region,
// through that service. It fails with a *protocol.Error if there is no such key or it cannot be used.
func (s *Service) Access(action, keyID, account, region, via string, encryptionContext map[string]string) (protocol.Access, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	k, err := s.lookup(keyID, account, region)
	if err != nil {
		return protocol.Access{}, err
	}
	if err := k.usable(); err != nil {
		return protocol.Access{}, err
	}
	access := k.access(action, encryptionContext)
	access.Context["kms:ViaService"] = []string{via + "." + region + ".amazonaws.com"}
	access.Context["kms:CallerAccount"] = []string{account}
	access.Context["aws:ViaAWSService"] = []string{"true"}
	return access, nil
}

// access is one action on the key under its policy.
func (k *key) access(action string, encryptionContext map[string]string) protocol.Access {
	keys := policy.Context{
		"kms:KeySpec":             {"SYMMETRIC_DEFAULT"},
		"kms:KeyUsage":            {"ENCRYPT_DECRYPT"},
		"kms:KeyOrigin":           {"AWS_KMS"},
		"kms:EncryptionAlgorithm": {"SYMMETRIC_DEFAULT"},
	}
	for name, value := range encryptionContext {
		keys["kms:EncryptionContext:"+name] = []string{value}
		keys["kms:EncryptionContextKeys"] = append(keys["kms:EncryptionContextKeys"], name)
	}
	return protocol.Access{
		Action:          action,
		Resource:        k.arn,
		ResourceAccount: k.account,
		ResourcePolicy:  k.policy,
		Context:         keys,
	}
}

// usable refuses a key that is disabled or about to be deleted.
func (k *key) usable() error {
	switch k.state {
	case disabled:
		return protocol.NewError(http.StatusBadRequest, "DisabledException", "%s is disabled.", k.arn)
	case pendingDeletion:
		return protocol.NewError(http.StatusBadRequest, "KMSInvalidStateException", "%s is pending deletion.", k.arn)
	case enabled:
	}
	return nil
}

// lookup finds a key by its id, its ARN, an alias or an alias's ARN.
func (s *Service) lookup(name, account, region string) (*key, error) {
	prefix := "arn:aws:kms:" + region + ":" + account + ":"
	full := name
	switch {
	case name == "":
		return nil, invalid("1 validation error detected: Value at 'keyId' failed to satisfy constraint: Member must not be null")
	case strings.HasPrefix(name, "arn:"):
		parts := strings.SplitN(name, ":", 6)
		if len(parts) < 6 || parts[2] != "kms" {
			return nil, notFound("Invalid arn %s", name)
		}
		if parts[3] != region {
			return nil, notFound("Invalid arn %s", parts[3])
		}
	case strings.HasPrefix(name, "alias/"):
		full = prefix + name
	default:
		full = prefix + "key/" + name
	}
	if target, ok := s.aliases[full]; ok {
		full = target
	} else if strings.Contains(full, ":alias/") {
		return nil, notFound("Alias %s is not found.", full)
	}
	k, ok := s.keys[full]
	if !ok {
		return nil, notFound("Key '%s' does not exist", full)
	}
	return k, nil
}

func (s *Service) findNamed(r *request) (*key, error) {
	return s.lookup(r.in.KeyID, r.call.Account(), r.call.Region)
}

func (s *Service) findTarget(r *request) (*key, error) {
	return s.lookup(r.in.TargetKeyID, r.call.Account(), r.call.Region)
}

func (r *request) aliasARN() string {
	return "arn:aws:kms:" + r.call.Region + ":" + r.call.Account() + ":" + r.in.AliasName
}

// newKeyID is a random UUID.
func newKeyID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func notFound(format string, args ...any) *protocol.Error {
	return protocol.NewError(http.StatusBadRequest, "NotFoundException", format, args...)
}

func invalid(format string, args ...any) *protocol.Error {
	return protocol.NewError(http.StatusBadRequest, "ValidationException", format, args...)
}
