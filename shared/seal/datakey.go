package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
	"time"
)

const (
	// version is the first byte of everything sealed: AES-256-GCM with a random nonce under an HKDF-SHA-256 key.
	version = 1
	// headerSize is version and the data key's number.
	headerSize = 1 + 8
	// keySize is that of AES-256.
	keySize = 32
)

// dataKey is an unwrapped data key with the ciphers derived from it, one per purpose. Safe for concurrent use.
type dataKey struct {
	number  uint64
	created time.Time
	secret  []byte

	mu    sync.RWMutex
	aeads map[string]cipher.AEAD
}

func newDataKey(number uint64, created time.Time, secret []byte) *dataKey {
	return &dataKey{number: number, created: created, secret: secret, aeads: map[string]cipher.AEAD{}}
}

// aead returns the cipher for purpose, derived by HKDF (RFC 5869). Purposes are constants of ours, so there are few.
// Random 96-bit nonces are safe for 2^32 messages of a key (NIST SP 800-38D, 8.3); a key lives for days.
func (k *dataKey) aead(purpose string) (cipher.AEAD, error) {
	k.mu.RLock()
	aead := k.aeads[purpose]
	k.mu.RUnlock()
	if aead != nil {
		return aead, nil
	}
	key, err := hkdf.Key(sha256.New, k.secret, nil, "arngate/seal/1/"+purpose, keySize)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	if aead, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.aeads[purpose] = aead
	return aead, nil
}

// additional is purpose and the entry's own key, length-prefixed, so that nothing sealed can be put elsewhere.
func additional(purpose string, associated []byte) []byte {
	out := make([]byte, 0, binary.MaxVarintLen64+len(purpose)+len(associated))
	out = binary.AppendUvarint(out, uint64(len(purpose)))
	out = append(out, purpose...)
	return append(out, associated...)
}
