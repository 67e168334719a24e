package kms

import (
	"crypto/rand"
	"fmt"
)

// AddKey makes an enabled key with an id of the caller's choice, as CreateKey cannot: what is written down outside, such
// as an environment, can then name it. The policy is JSON. It fails where the policy is malformed or the key exists.
func (s *Service) AddKey(account, region, id, policy string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := &key{
		id: id, arn: "arn:aws:kms:" + region + ":" + account + ":key/" + id,
		account: account, region: region, created: s.now(), state: enabled,
	}
	if _, taken := s.keys[k.arn]; taken {
		return fmt.Errorf("add key %s: there is one already", id)
	}
	if err := k.setPolicy(policy); err != nil {
		return fmt.Errorf("add key: %w", err)
	}
	_, _ = rand.Read(k.material[:]) // never fails
	s.keys[k.arn] = k
	return nil
}
