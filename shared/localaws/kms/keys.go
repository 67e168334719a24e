package kms

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/policy"
)

const (
	maxKeyPolicy    = 32 << 10 // bytes
	defaultWindow   = 30       // days until a deleted key is gone
	symmetric       = "SYMMETRIC_DEFAULT"
	encryptDecrypt  = "ENCRYPT_DECRYPT"
	keyPolicyName   = "default"
	defaultKeyRules = `{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : { "AWS" : "arn:aws:iam::%s:root" },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`
)

var aliasNames = regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]{1,250}$`)

// metadata is a key as DescribeKey tells it.
type metadata struct {
	AWSAccountID         string `json:"AWSAccountId"`
	KeyID                string `json:"KeyId"`
	Arn                  string
	CreationDate         int64
	DeletionDate         *int64 `json:",omitempty"`
	Enabled              bool
	Description          string
	KeyUsage             string
	KeyState             state
	Origin               string
	KeyManager           string
	KeySpec              string
	EncryptionAlgorithms []string
	MultiRegion          bool
}

func (k *key) metadata() metadata {
	m := metadata{
		AWSAccountID:         k.account,
		KeyID:                k.id,
		Arn:                  k.arn,
		CreationDate:         k.created.Unix(),
		Enabled:              k.state == enabled,
		Description:          k.description,
		KeyUsage:             encryptDecrypt,
		KeyState:             k.state,
		Origin:               "AWS_KMS",
		KeyManager:           "CUSTOMER",
		KeySpec:              symmetric,
		EncryptionAlgorithms: []string{symmetric},
	}
	if !k.deletion.IsZero() {
		m.DeletionDate = new(k.deletion.Unix())
	}
	return m
}

func (s *Service) createKey(r *request) (any, error) {
	if spec := cmp.Or(r.in.KeySpec, symmetric); spec != symmetric {
		return nil, protocol.NewError(http.StatusBadRequest, "UnsupportedOperationException",
			"KeySpec %s is not supported.", spec)
	}
	if usage := cmp.Or(r.in.KeyUsage, encryptDecrypt); usage != encryptDecrypt {
		return nil, protocol.NewError(http.StatusBadRequest, "UnsupportedOperationException",
			"KeyUsage %s is not supported.", usage)
	}
	id := newKeyID()
	k := &key{
		id:          id,
		arn:         "arn:aws:kms:" + r.call.Region + ":" + r.call.Account() + ":key/" + id,
		account:     r.call.Account(),
		region:      r.call.Region,
		description: r.in.Description,
		created:     s.now(),
		state:       enabled,
	}
	text := r.in.Policy
	if text == "" {
		text = fmt.Sprintf(defaultKeyRules, k.account)
	}
	if err := k.setPolicy(text); err != nil {
		return nil, err
	}
	_, _ = rand.Read(k.material[:]) // never fails
	s.keys[k.arn] = k
	return struct{ KeyMetadata metadata }{k.metadata()}, nil
}

// setPolicy validates and takes a key policy.
func (k *key) setPolicy(text string) error {
	if len(text) > maxKeyPolicy {
		return protocol.NewError(http.StatusBadRequest, "LimitExceededException", "The policy is longer than %d bytes.", maxKeyPolicy)
	}
	parsed, err := policy.Parse([]byte(text))
	if err != nil {
		return malformed("Policy contains a syntax error.")
	}
	for _, statement := range parsed.Statements() {
		if statement.Principal == nil && statement.NotPrincipal == nil {
			return malformed("Policy contains a statement with one or more missing principals.")
		}
		if statement.Resources == nil && statement.NotResources == nil {
			return malformed("Policy contains a statement with no resource.")
		}
	}
	k.policyText, k.policy = text, parsed
	return nil
}

func malformed(message string) *protocol.Error {
	return protocol.NewError(http.StatusBadRequest, "MalformedPolicyDocumentException", "%s", message)
}

// own are the caller's keys in the region, by id.
func (s *Service) own(r *request) []*key {
	var out []*key
	for _, k := range s.keys {
		if k.account == r.call.Account() && k.region == r.call.Region {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b *key) int { return strings.Compare(a.id, b.id) })
	return out
}

func (s *Service) listKeys(r *request) (any, error) {
	type entry struct {
		KeyID  string `json:"KeyId"`
		KeyArn string
	}
	out := struct {
		Keys      []entry
		Truncated bool
	}{Keys: []entry{}}
	for _, k := range s.own(r) {
		out.Keys = append(out.Keys, entry{KeyID: k.id, KeyArn: k.arn})
	}
	return out, nil
}

func (s *Service) listAliases(r *request) (any, error) {
	type entry struct {
		AliasName   string
		AliasArn    string
		TargetKeyID string `json:"TargetKeyId"`
	}
	out := struct {
		Aliases   []entry
		Truncated bool
	}{Aliases: []entry{}}
	prefix := "arn:aws:kms:" + r.call.Region + ":" + r.call.Account() + ":"
	for _, aliasARN := range slices.Sorted(maps.Keys(s.aliases)) {
		if name, ok := strings.CutPrefix(aliasARN, prefix); ok {
			target := s.aliases[aliasARN]
			out.Aliases = append(out.Aliases, entry{
				AliasName: name, AliasArn: aliasARN, TargetKeyID: target[strings.LastIndexByte(target, '/')+1:],
			})
		}
	}
	return out, nil
}

func (s *Service) createAlias(r *request) (any, error) {
	if !aliasNames.MatchString(r.in.AliasName) {
		return nil, protocol.NewError(http.StatusBadRequest, "InvalidAliasNameException", "Alias must start with the prefix \"alias/\".")
	}
	if strings.HasPrefix(r.in.AliasName, "alias/aws/") {
		return nil, protocol.NewError(http.StatusBadRequest, "NotAuthorizedException", "The prefix alias/aws/ is reserved.")
	}
	aliasARN := r.aliasARN()
	if _, ok := s.aliases[aliasARN]; ok {
		return nil, protocol.NewError(http.StatusBadRequest, "AlreadyExistsException", "An alias with the name %s already exists", aliasARN)
	}
	s.aliases[aliasARN] = r.key.arn
	return nil, nil //nolint:nilnil // The operation returns nothing.
}

func (s *Service) describeKey(r *request) (any, error) {
	return struct{ KeyMetadata metadata }{r.key.metadata()}, nil
}

func (s *Service) getKeyPolicy(r *request) (any, error) {
	if name := cmp.Or(r.in.PolicyName, keyPolicyName); name != keyPolicyName {
		return nil, notFound("No such policy exists")
	}
	return struct{ Policy, PolicyName string }{r.key.policyText, keyPolicyName}, nil
}

func (s *Service) putKeyPolicy(r *request) (any, error) {
	if name := cmp.Or(r.in.PolicyName, keyPolicyName); name != keyPolicyName {
		return nil, notFound("No such policy exists")
	}
	return nil, r.key.setPolicy(r.in.Policy)
}

func (s *Service) enableKey(r *request) (any, error) {
	if r.key.state == pendingDeletion {
		return nil, r.key.usable()
	}
	r.key.state = enabled
	return nil, nil //nolint:nilnil // The operation returns nothing.
}

func (s *Service) disableKey(r *request) (any, error) {
	if r.key.state == pendingDeletion {
		return nil, r.key.usable()
	}
	r.key.state = disabled
	return nil, nil //nolint:nilnil // The operation returns nothing.
}

func (s *Service) scheduleKeyDeletion(r *request) (any, error) {
	days := defaultWindow
	if r.in.PendingWindowInDays != nil {
		days = *r.in.PendingWindowInDays
	}
	if days < 7 || days > 30 {
		return nil, invalid("PendingWindowInDays must be between 7 and 30.")
	}
	if r.key.state == pendingDeletion {
		return nil, r.key.usable()
	}
	r.key.state = pendingDeletion
	r.key.deletion = s.now().Add(time.Duration(days) * 24 * time.Hour)
	return struct {
		KeyID               string `json:"KeyId"`
		DeletionDate        int64
		KeyState            state
		PendingWindowInDays int
	}{r.key.arn, r.key.deletion.Unix(), pendingDeletion, days}, nil
}
