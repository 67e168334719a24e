package credentials

import (
	"crypto/sha256"
	"encoding/binary"
)

// Key is everything that credentials depend on. Two requests share credentials if and only if their keys are equal:
// without the user the audit trail would lie (trap 3), and any edit of provider or connection makes another key.
type Key struct {
	Site               string
	User               string
	Actor              string
	Provider           string
	ProviderRevision   string
	Connection         string
	ConnectionRevision string
	Policy             [sha256.Size]byte
}

func keyOf(r Request) Key {
	return Key{
		Site: r.Caller.Site, User: r.Caller.User, Actor: r.Caller.Actor,
		Provider: r.Opened.Provider.Name, ProviderRevision: r.Opened.Provider.Revision,
		Connection: r.Opened.Connection.Name, ConnectionRevision: r.Opened.Connection.Revision,
		Policy: r.Opened.Connection.PolicyDigest,
	}
}

// Digest returns the SHA-256 over the key's fields, each behind its length, so that no two keys join to the same bytes.
func (k Key) Digest() [sha256.Size]byte {
	buf := make([]byte, 0, 512)
	for _, part := range [...]string{
		k.Site, k.User, k.Actor, k.Provider, k.ProviderRevision, k.Connection, k.ConnectionRevision, string(k.Policy[:]),
	} {
		buf = binary.AppendUvarint(buf, uint64(len(part)))
		buf = append(buf, part...)
	}
	return sha256.Sum256(buf)
}
