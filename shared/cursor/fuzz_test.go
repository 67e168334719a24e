package cursor_test

import (
	"bytes"
	"testing"

	"github.com/arngate/arngate/shared/cursor"
)

// A cursor opens to the position that it was sealed with, for what it was sealed for; whatever else is no cursor.
func FuzzCursors(f *testing.F) {
	f.Add([]byte("ada"), "search", []byte(`{"id":"o-001"}`), "", uint16(0), byte(1))
	f.Add([]byte{}, "", []byte{}, "AAAA", uint16(40), byte(0xff))
	f.Add([]byte("\x03ada"), "list", bytes.Repeat([]byte{0}, 300), "_-==", uint16(7), byte(0))
	f.Fuzz(func(t *testing.T, whom []byte, operation string, position []byte, text string, at uint16, with byte) {
		cursors := cursor.New(marked{})
		bound := cursor.Bind(bytes.Clone(whom), operation, request{Table: "Orders"})
		if _, err := cursors.Open(t.Context(), bound, text); !isInvalid(err) {
			t.Errorf("%q: %v, want cursor_invalid", text, err)
		}
		sealed, err := cursors.Seal(t.Context(), bound, position)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := cursors.Open(t.Context(), bound, sealed); err != nil || !bytes.Equal(got, position) {
			t.Errorf("opened %q, %v; want %q", got, err, position)
		}
		altered := []byte(sealed)
		if altered[int(at)%len(altered)] = with; string(altered) == sealed {
			return
		}
		// The last character of base64 may hold bits that say nothing.
		if got, err := cursors.Open(t.Context(), bound, string(altered)); !isInvalid(err) && !bytes.Equal(got, position) {
			t.Errorf("altered, it opened to %q, %v", got, err)
		}
		other := cursor.Bind(append(bytes.Clone(whom), with), operation, request{Table: "Orders"})
		if _, err := cursors.Open(t.Context(), other, sealed); !isInvalid(err) {
			t.Errorf("for another it opened: %v", err)
		}
	})
}
