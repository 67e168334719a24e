package credentials

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of names, in characters: AWS STS API Reference, AssumeRole (RoleSessionName, SourceIdentity: 2 to 64 of
// [\w+=,.@-]), Tag (Value: at most 256) and GetFederationToken (Name: 2 to 32 of [\w+=,.@-]).
const (
	maxSessionName    = 64
	maxSourceIdentity = 64
	minSourceIdentity = 2
	maxTagValue       = 256
	federationPrefix  = 23
	// hashSuffix is "-" and 8 hex digits.
	hashSuffix = 1 + 8
)

// SessionName returns the role session name of user at site: "<user>@<site>", by which CloudTrail tells who it was. A
// user that is too long, or holds other characters than a session name may, is cut and marked with its hash.
func SessionName(user, site string) string {
	return traceable(user, 1, maxSessionName-1-len(site), sessionRune) + "@" + site
}

// SourceIdentity returns user as a source identity, by the same rule.
func SourceIdentity(user string) string {
	return traceable(user, minSourceIdentity, maxSourceIdentity, sessionRune)
}

// TagValue returns value as the value of a session tag, by the same rule.
func TagValue(value string) string { return traceable(value, 0, maxTagValue, tagRune) }

// FederationName returns the name of user's federated session at site: 23 characters of the user, and a hash over site
// and user, as the name has no room for the site.
func FederationName(user, site string) string {
	var both []byte
	for _, part := range [...]string{site, user} {
		both = binary.AppendUvarint(both, uint64(len(part)))
		both = append(both, part...)
	}
	return readable(user, federationPrefix, sessionRune) + "-" + hash8(both)
}

// traceable returns whole if it has between shortest and longest characters, all allowed; else a readable beginning of
// it, "-" and 8 hex digits of its SHA-256.
func traceable(whole string, shortest, longest int, allowed func(rune) bool) string {
	length := utf8.RuneCountInString(whole)
	if length >= shortest && length <= longest &&
		strings.IndexFunc(whole, func(r rune) bool { return !allowed(r) }) < 0 {
		return whole
	}
	return readable(whole, longest-hashSuffix, allowed) + "-" + hash8([]byte(whole))
}

// readable returns at most longest characters of s, with "_" for those that are not allowed.
func readable(s string, longest int, allowed func(rune) bool) string {
	var b strings.Builder
	count := 0
	for _, r := range s {
		if count == longest {
			break
		}
		if !allowed(r) {
			r = '_'
		}
		b.WriteRune(r)
		count++
	}
	return b.String()
}

func hash8(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:4])
}

// sessionRune is [\w+=,.@-], which is ASCII there.
func sessionRune(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return true
	default:
		return strings.ContainsRune("_+=,.@-", r)
	}
}

// tagRune is [\p{L}\p{Z}\p{N}_.:/=+\-@]. A "*" is not in it (trap 50).
func tagRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.Is(unicode.Z, r) || unicode.IsNumber(r) || strings.ContainsRune("_.:/=+-@", r)
}
