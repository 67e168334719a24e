// Package seal keeps secrets: a string that cannot print, sealing of short-lived values under a data key of
// KMS, and encryption of the access keys that customers store.
package seal

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// redacted is what a Secret shows instead of itself, everywhere.
const redacted = "[redacted]"

// ErrSecretEncoding is returned by every encoder that is handed a [Secret]: a secret leaves the process only where
// someone wrote Reveal.
var ErrSecretEncoding = errors.New("seal: a secret is not encoded")

// Secret is text that must not be seen: secret access keys, session tokens.
// Printed, logged or dumped it is "[redacted]"; JSON, text and gob encoders get an error. The text is behind a
// pointer, so that fmt does not reach it even in an unexported field of somebody's struct, where it cannot call
// methods. It decodes from a JSON string. The zero value is the empty secret. Safe for concurrent use.
type Secret struct{ text *string }

// NewSecret returns text as a secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal returns the text. Whoever calls it answers for where it goes.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Empty reports whether there is no text.
func (s Secret) Empty() bool { return s.text == nil }

// Equal reports whether both hold the same text, in a time that depends on their lengths only.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// Format prints "[redacted]" for every verb and flag.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String returns "[redacted]".
func (s Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (s Secret) GoString() string { return redacted }

// LogValue is "[redacted]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON refuses with [ErrSecretEncoding].
func (s Secret) MarshalJSON() ([]byte, error) { return nil, ErrSecretEncoding }

// MarshalText refuses with [ErrSecretEncoding].
func (s Secret) MarshalText() ([]byte, error) { return nil, ErrSecretEncoding }

// MarshalBinary refuses with [ErrSecretEncoding].
func (s Secret) MarshalBinary() ([]byte, error) { return nil, ErrSecretEncoding }

// GobEncode refuses with [ErrSecretEncoding].
func (s Secret) GobEncode() ([]byte, error) { return nil, ErrSecretEncoding }

// UnmarshalText takes the text as the secret.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}

// UnmarshalJSON takes a JSON string as the secret. Its error never holds what was sent.
func (s *Secret) UnmarshalJSON(data []byte) error {
	var text *string
	if err := json.Unmarshal(data, &text); err != nil || text == nil {
		return errors.New("seal: a secret must be a JSON string")
	}
	*s = NewSecret(*text)
	return nil
}
