package kms

import (
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

const (
	maxPlaintext  = 4096
	maxDataKey    = 1024
	maxCiphertext = 6144

	// formatVersion begins every ciphertext.
	formatVersion = 1
)

// errInvalidCiphertext is KMS's one answer to a ciphertext that is damaged or encrypted under another
// context. It has no message.
func errInvalidCiphertext() *protocol.Error {
	return &protocol.Error{Status: http.StatusBadRequest, Code: "InvalidCiphertextException"}
}

// aead is the cipher under the key's material.
func (k *key) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.material[:])
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return aead, nil
}

// seal encrypts under the key and the context. The ciphertext begins with the key's ARN, by which Decrypt
// finds the key.
func (k *key) seal(plaintext []byte, context map[string]string) ([]byte, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	out := []byte{formatVersion}
	out = binary.AppendUvarint(out, uint64(len(k.arn)))
	out = append(out, k.arn...)
	//nolint:gosec // G407: there is no nonce to give; the cipher draws one.
	return aead.Seal(out, nil, plaintext, associated(context)), nil
}

// open decrypts what seal made for this key under this context.
func (k *key) open(sealed []byte, context map[string]string) ([]byte, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	plaintext, err := aead.Open(nil, nil, sealed, associated(context))
	if err != nil {
		return nil, errInvalidCiphertext()
	}
	return plaintext, nil
}

// split takes a ciphertext apart into the ARN of its key and what is sealed.
func split(ciphertext []byte) (keyARN string, sealed []byte, err error) {
	if len(ciphertext) == 0 || ciphertext[0] != formatVersion {
		return "", nil, errInvalidCiphertext()
	}
	length, n := binary.Uvarint(ciphertext[1:])
	if n <= 0 {
		return "", nil, errInvalidCiphertext()
	}
	rest := ciphertext[1+n:]
	if length > uint64(len(rest)) {
		return "", nil, errInvalidCiphertext()
	}
	return string(rest[:length]), rest[length:], nil
}

// associated binds a ciphertext to its context, each part with its length. To its key the key itself binds
// it: every key has material of its own.
func associated(context map[string]string) []byte {
	var out []byte
	for _, name := range slices.Sorted(maps.Keys(context)) {
		for _, part := range [...]string{name, context[name]} {
			out = binary.AppendUvarint(out, uint64(len(part)))
			out = append(out, part...)
		}
	}
	return out
}

type dataKey struct {
	CiphertextBlob []byte
	Plaintext      []byte `json:",omitempty"`
	KeyID          string `json:"KeyId"`
}

func (s *Service) generateDataKey(r *request) (any, error) {
	size, err := r.dataKeySize()
	if err != nil {
		return nil, err
	}
	if err := r.key.usable(); err != nil {
		return nil, err
	}
	plaintext := make([]byte, size)
	_, _ = rand.Read(plaintext) // never fails
	if len(plaintext) >= 2*len(s.mark) {
		copy(plaintext, s.mark)
	}
	sealed, err := r.key.seal(plaintext, r.in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return dataKey{CiphertextBlob: sealed, Plaintext: plaintext, KeyID: r.key.arn}, nil
}

func (s *Service) generateDataKeyWithoutPlaintext(r *request) (any, error) {
	made, err := s.generateDataKey(r)
	if err != nil {
		return nil, err
	}
	out, ok := made.(dataKey)
	if !ok {
		return nil, fmt.Errorf("generate data key: got %T", made)
	}
	out.Plaintext = nil
	return out, nil
}

// dataKeySize is the length in bytes, given as such or as a key spec, never as both.
func (r *request) dataKeySize() (int, error) {
	switch {
	case (r.in.NumberOfBytes == nil) == (r.in.KeySpec == ""):
		return 0, invalid("Please specify either number of bytes or key spec.")
	case r.in.KeySpec == "AES_256":
		return 32, nil
	case r.in.KeySpec == "AES_128":
		return 16, nil
	case r.in.KeySpec != "":
		return 0, invalid("1 validation error detected: Value '%s' at 'keySpec' failed to satisfy constraint: "+
			"Member must satisfy enum value set: [AES_256, AES_128]", r.in.KeySpec)
	case *r.in.NumberOfBytes < 1 || *r.in.NumberOfBytes > maxDataKey:
		return 0, invalid("1 validation error detected: Value '%d' at 'numberOfBytes' failed to satisfy constraint: "+
			"Member must have value between 1 and %d", *r.in.NumberOfBytes, maxDataKey)
	}
	return *r.in.NumberOfBytes, nil
}

func (s *Service) encrypt(r *request) (any, error) {
	if n := len(r.in.Plaintext); n < 1 || n > maxPlaintext {
		return nil, invalid("1 validation error detected: Value at 'plaintext' failed to satisfy constraint: "+
			"Member must have length between 1 and %d", maxPlaintext)
	}
	if err := r.checkAlgorithm(); err != nil {
		return nil, err
	}
	if err := r.key.usable(); err != nil {
		return nil, err
	}
	sealed, err := r.key.seal(r.in.Plaintext, r.in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return struct {
		CiphertextBlob      []byte
		KeyID               string `json:"KeyId"`
		EncryptionAlgorithm string
	}{sealed, r.key.arn, symmetric}, nil
}

func (r *request) checkAlgorithm() error {
	if algorithm := cmp.Or(r.in.EncryptionAlgorithm, symmetric); algorithm != symmetric {
		return protocol.NewError(http.StatusBadRequest, "InvalidKeyUsageException",
			"The key does not support the algorithm %s.", algorithm)
	}
	return nil
}

// findForDecrypt finds the key that the ciphertext names. A KeyId that is sent must name the same one.
func (s *Service) findForDecrypt(r *request) (*key, error) {
	if n := len(r.in.CiphertextBlob); n < 1 || n > maxCiphertext {
		return nil, invalid("1 validation error detected: Value at 'ciphertextBlob' failed to satisfy constraint: "+
			"Member must have length between 1 and %d", maxCiphertext)
	}
	if err := r.checkAlgorithm(); err != nil {
		return nil, err
	}
	keyARN, _, err := split(r.in.CiphertextBlob)
	if err != nil {
		return nil, err
	}
	k, ok := s.keys[keyARN]
	if !ok || k.region != r.call.Region {
		return nil, protocol.NewError(http.StatusBadRequest, "AccessDeniedException",
			"The ciphertext refers to a customer master key that does not exist, does not exist in this region, "+
				"or you are not allowed to access.")
	}
	if r.in.KeyID == "" {
		return k, nil
	}
	named, err := s.findNamed(r)
	if err != nil {
		return nil, err
	}
	if named != k {
		return nil, protocol.NewError(http.StatusBadRequest, "IncorrectKeyException",
			"The key ID in the request does not identify a CMK that can perform this operation.")
	}
	return k, nil
}

func (s *Service) decrypt(r *request) (any, error) {
	if err := r.key.usable(); err != nil {
		return nil, err
	}
	_, sealed, err := split(r.in.CiphertextBlob)
	if err != nil {
		return nil, err
	}
	plaintext, err := r.key.open(sealed, r.in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return struct {
		KeyID               string `json:"KeyId"`
		Plaintext           []byte
		EncryptionAlgorithm string
	}{r.key.arn, plaintext, symmetric}, nil
}
