package seal

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
)

// VaultKMS is what the Vault calls of AWS Key Management Service. The configuration function may only Encrypt.
type VaultKMS interface {
	Encrypt(context.Context, *awskms.EncryptInput, ...func(*awskms.Options)) (*awskms.EncryptOutput, error)
	Decrypt(context.Context, *awskms.DecryptInput, ...func(*awskms.Options)) (*awskms.DecryptOutput, error)
}

// Vault encrypts the secret access keys that customers store, by KMS itself, bound to site and provider. Safe for
// concurrent use.
type Vault struct {
	kms    VaultKMS
	keyARN string
}

// NewVault returns a Vault on the KMS key keyARN.
func NewVault(kms VaultKMS, keyARN string) *Vault { return &Vault{kms: kms, keyARN: keyARN} }

// EncryptSecret returns secret so that only [Vault.DecryptSecret] for the same site and provider reads it.
// KMS takes at most 4,096 bytes.
func (v *Vault) EncryptSecret(ctx context.Context, site, provider string, secret Secret) ([]byte, error) {
	out, err := v.kms.Encrypt(ctx, &awskms.EncryptInput{
		KeyId: aws.String(v.keyARN), Plaintext: []byte(secret.Reveal()), EncryptionContext: vaultContext(site, provider),
	})
	if err != nil {
		return nil, fmt.Errorf("encrypt secret: %w", err)
	}
	return out.CiphertextBlob, nil
}

// DecryptSecret returns what [Vault.EncryptSecret] encrypted for this site and provider; for another it is an error.
func (v *Vault) DecryptSecret(ctx context.Context, site, provider string, sealed []byte) (Secret, error) {
	out, err := v.kms.Decrypt(ctx, &awskms.DecryptInput{
		KeyId: aws.String(v.keyARN), CiphertextBlob: sealed, EncryptionContext: vaultContext(site, provider),
	})
	if err != nil {
		return Secret{}, fmt.Errorf("decrypt secret: %w", err)
	}
	return NewSecret(string(out.Plaintext)), nil
}

// vaultContext is the encryption context: CloudTrail shows it, and KMS refuses any other.
func vaultContext(site, provider string) map[string]string {
	return map[string]string{"site": site, "provider": provider}
}
