// Package cursor makes the opaque cursors of connectors' listings: sealed, and good only for the request they came from.
package cursor

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/seal"
)

const (
	purpose = "cursor"
	// life is how long a page can be gone on from.
	life = 24 * time.Hour
)

// Sealer seals; a seal.Ring is one. Open's error wraps seal.ErrUnopenable for what can't be opened.
type Sealer interface {
	Seal(ctx context.Context, purpose string, associated, plain []byte) ([]byte, error)
	Open(ctx context.Context, purpose string, associated, sealed []byte) ([]byte, error)
}

// Cursors makes and reads cursors. Safe for concurrent use.
type Cursors struct{ sealer Sealer }

// New returns Cursors under that sealer.
func New(sealer Sealer) Cursors { return Cursors{sealer} }

// Bind returns what a cursor holds for: whom, which is [connection.Connection.Bind]'s bytes, the operation, and a hash of
// the whole request, which asked is without its cursor. White space and the order of names in its JSON don't matter.
func Bind(whom []byte, operation string, asked any) []byte {
	hash := sha256.New()
	if err := json.MarshalWrite(hash, asked, json.Deterministic(true), jsontext.ReorderRawObjects(true)); err != nil {
		panic(fmt.Errorf("hash request: %w", err)) // it came out of the same codec
	}
	bound := binary.AppendUvarint(whom, uint64(len(operation)))
	return hash.Sum(append(bound, operation...))
}

// Seal returns position as a cursor for bound. An error is the problem that the keys could not be loaded.
func (c Cursors) Seal(ctx context.Context, bound, position []byte) (string, error) {
	stamped := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(life).Unix())) //nolint:gosec // not before 1970
	sealed, err := c.sealer.Seal(ctx, purpose, bound, append(stamped, position...))
	if err != nil {
		return "", problem.FromOwn("The cursor of the next page could not be made.", fmt.Errorf("seal cursor: %w", err))
	}
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// Open returns the position of a cursor that was sealed for the same bound and is at most a day old. Any other is a
// cursor_invalid problem; another one means that the keys could not be loaded.
func (c Cursors) Open(ctx context.Context, bound []byte, cursor string) ([]byte, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return nil, Invalid(err)
	}
	plain, err := c.sealer.Open(ctx, purpose, bound, sealed)
	if errors.Is(err, seal.ErrUnopenable) {
		return nil, Invalid(err)
	}
	if err != nil {
		return nil, problem.FromOwn("The cursor could not be opened.", fmt.Errorf("open cursor: %w", err))
	}
	if len(plain) < 8 || time.Now().Unix() >= int64(binary.BigEndian.Uint64(plain)) { //nolint:gosec // our own seconds
		return nil, Invalid(nil)
	}
	return plain[8:], nil
}

// Invalid is the problem of a cursor that the request can't go on from.
func Invalid(cause error) error {
	return problem.Wrap(problem.CursorInvalid, "The cursor isn't one of this request: altered, expired, or for another caller, connection or search.", cause).
		WithHint("Repeat the request exactly, with next_cursor of its last page, or start without a cursor.")
}
