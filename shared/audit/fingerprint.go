package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// fingerprint identifies a finding over time: no time goes into it, and no name of a session. Each part stands behind its
// length, so that no two findings join to the same bytes.
func fingerprint(site, provider string, rule Rule, action, resource, statement string) string {
	var joined []byte
	for _, part := range [...]string{site, provider, string(rule), action, resource, statement} {
		joined = binary.AppendUvarint(joined, uint64(len(part)))
		joined = append(joined, part...)
	}
	sum := sha256.Sum256(joined)
	return hex.EncodeToString(sum[:16])
}
