package auditapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/seal"
)

// marked stands in for a seal.Ring: it hides nothing, but opens only what it has sealed for the same purpose.
type marked struct{}

func (marked) mark(purpose string, associated, plain []byte) []byte {
	sum := sha256.Sum256(bytes.Join([][]byte{[]byte(purpose), associated, plain}, []byte{0}))
	return sum[:]
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

// What the same keys seal for another purpose is no link, though it reads the same; nor is what doesn't read like one.
func TestLinksHaveAPurposeOfTheirOwn(t *testing.T) {
	l := links{audits{Deps{Ring: marked{}}}}
	to := target{expires: time.Unix(1_800_000_000, 0), site: "site", audit: "audit"}
	for _, c := range []struct {
		purpose string
		plain   []byte
		opens   bool
	}{
		{"report-link", to.bytes(), true},
		{"cursor", to.bytes(), false},
		{"credentials", to.bytes(), false},
		{"", to.bytes(), false},
		{"report-link", nil, false},
		{"report-link", to.bytes()[:8], false},
		{"report-link", to.bytes()[:10], false},
	} {
		sealed, err := marked{}.Seal(t.Context(), c.purpose, nil, c.plain)
		if err != nil {
			t.Fatal(err)
		}
		got, err := l.unseal(t.Context(), base64.RawURLEncoding.EncodeToString(sealed))
		p, refused := errors.AsType[*problem.Error](err)
		if c.opens && (err != nil || got != to) || !c.opens && (!refused || p.Code != problem.LinkInvalid) {
			t.Errorf("%q with %d bytes: got %+v, %v", c.purpose, len(c.plain), got, err)
		}
	}
}
