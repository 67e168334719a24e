package cursor_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/cursor"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/seal"
)

// marked stands in for a seal.Ring: it doesn't hide anything, but opens only what it has made for the same thing.
type marked struct{}

func (marked) mark(purpose string, associated, plain []byte) []byte {
	mac := hmac.New(sha256.New, append([]byte(purpose+"\x00"), associated...))
	mac.Write(plain)
	return mac.Sum(nil)
}

func (m marked) Seal(_ context.Context, purpose string, associated, plain []byte) ([]byte, error) {
	return append(m.mark(purpose, associated, plain), plain...), nil
}

func (m marked) Open(_ context.Context, purpose string, associated, sealed []byte) ([]byte, error) {
	if len(sealed) < sha256.Size || !bytes.Equal(sealed[:sha256.Size], m.mark(purpose, associated, sealed[sha256.Size:])) {
		return nil, seal.ErrUnopenable
	}
	return sealed[sha256.Size:], nil
}

type request struct {
	Table string
	Limit int
}

func isInvalid(err error) bool {
	var p *problem.Error
	return errors.As(err, &p) && p.Code == problem.CursorInvalid
}

func TestCursorGoesOnForItsRequestOnly(t *testing.T) {
	cursors := cursor.New(marked{})
	bind := func(whom, operation string, asked request) []byte { return cursor.Bind([]byte(whom), operation, asked) }
	bound := bind("ada", "search", request{"Orders", 2})
	sealed, err := cursors.Seal(t.Context(), bound, []byte("o-007"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := cursors.Open(t.Context(), bound, sealed)
	if err != nil || string(got) != "o-007" {
		t.Fatalf("opened %q, %v; want o-007", got, err)
	}
	for name, other := range map[string][]byte{
		"another caller":    bind("eve", "search", request{"Orders", 2}),
		"another operation": bind("ada", "list", request{"Orders", 2}),
		"another table":     bind("ada", "search", request{"Users", 2}),
		"another limit":     bind("ada", "search", request{"Orders", 3}),
	} {
		if _, err := cursors.Open(t.Context(), other, sealed); !isInvalid(err) {
			t.Errorf("for %s the error is %v; want cursor_invalid", name, err)
		}
	}
	first := "A"
	if sealed[:1] == first {
		first = "B"
	}
	for name, text := range map[string]string{
		"altered": first + sealed[1:], "cut": sealed[:len(sealed)-4], "no base64": "!", "empty": "",
	} {
		if _, err := cursors.Open(t.Context(), bound, text); !isInvalid(err) {
			t.Errorf("%s, the error is %v; want cursor_invalid", name, err)
		}
	}
}

func TestCursorExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cursors := cursor.New(marked{})
		sealed, err := cursors.Seal(t.Context(), nil, []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(24*time.Hour - 2*time.Second)
		if _, err := cursors.Open(t.Context(), nil, sealed); err != nil {
			t.Errorf("within a day: %v", err)
		}
		time.Sleep(2 * time.Second)
		if _, err := cursors.Open(t.Context(), nil, sealed); !isInvalid(err) {
			t.Errorf("after a day the error is %v; want cursor_invalid", err)
		}
	})
}

// keyless stands in for a seal.Ring that can't load its keys.
type keyless struct{ err error }

func (k keyless) Seal(context.Context, string, []byte, []byte) ([]byte, error) { return nil, k.err }
func (k keyless) Open(context.Context, string, []byte, []byte) ([]byte, error) { return nil, k.err }

// Trouble with the keys is no fault of ours, nor of the cursor's: the same request may succeed later.
func TestCursorWithoutKeysIsRetryable(t *testing.T) {
	for code, want := range map[string]problem.Code{
		"ThrottlingException": problem.AWSThrottled, "InternalServerError": problem.AWSUnavailable, "AccessDeniedException": problem.Internal,
	} {
		cursors := cursor.New(keyless{&smithy.OperationError{ServiceID: "KMS", OperationName: "Decrypt", Err: &smithy.GenericAPIError{Code: code}}})
		_, sealing := cursors.Seal(t.Context(), nil, []byte("o-007"))
		_, opening := cursors.Open(t.Context(), nil, "AAAA")
		for _, err := range []error{sealing, opening} {
			got, ok := errors.AsType[*problem.Error](err)
			if !ok {
				t.Fatalf("%s: the error is %v, want a problem", code, err)
			}
			if diff := cmp.Diff(want, got.Code); diff != "" {
				t.Errorf("%s (-want +got):\n%s", code, diff)
			}
		}
	}
}
