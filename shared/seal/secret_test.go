package seal_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	jsonexp "github.com/go-json-experiment/json"

	"github.com/arngate/arngate/shared/seal"
	"github.com/arngate/arngate/shared/secrettest"
)

var planted = secrettest.Plant(secrettest.SecretKey, "/wJalrXUtnFEMI")

// holder has a secret where fmt can call methods, and where it cannot.
type holder struct {
	Exported   seal.Secret
	unexported seal.Secret
	Map        map[string]seal.Secret
}

func newHolder() holder {
	s := seal.NewSecret(planted)
	return holder{Exported: s, unexported: s, Map: map[string]seal.Secret{"k": s}}
}

func TestSecretNeverPrints(t *testing.T) {
	h := newHolder()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p", "%10.3s", "%w"} {
		for _, value := range []any{h.Exported, &h.Exported, h, &h, h.unexported, h.Map, []any{h.Exported}} {
			if got := fmt.Sprintf(verb, value); strings.Contains(got, planted) || strings.Contains(got, fmt.Sprintf("%x", planted)) {
				t.Errorf("%s of %T shows the secret", verb, value)
			}
		}
	}
	if got, want := fmt.Sprint(h.Exported), "[redacted]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSecretNeverLogs(t *testing.T) {
	var out bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		slog.New(handler).Info("x", slog.Any("secret", seal.NewSecret(planted)), slog.Any("holder", newHolder()))
	}
	if strings.Contains(out.String(), planted) {
		t.Errorf("the log shows the secret: %s", out.String())
	}
	if !strings.Contains(out.String(), "[redacted]") {
		t.Errorf("got %s, want [redacted] in it", out.String())
	}
}

func TestSecretNeverEncodes(t *testing.T) {
	encoders := map[string]func(any) ([]byte, error){
		"encoding/json":      json.Marshal,
		"go-json-experiment": func(v any) ([]byte, error) { return jsonexp.Marshal(v) },
		"gob": func(v any) ([]byte, error) {
			var out bytes.Buffer
			err := gob.NewEncoder(&out).Encode(v)
			return out.Bytes(), err
		},
	}
	for name, encode := range encoders {
		got, err := encode(newHolder())
		if !errors.Is(err, seal.ErrSecretEncoding) {
			t.Errorf("%s: got error %v, want ErrSecretEncoding", name, err)
		}
		if bytes.Contains(got, []byte(planted)) {
			t.Errorf("%s shows the secret", name)
		}
	}
}

func TestSecretDecodes(t *testing.T) {
	var body struct{ Secret seal.Secret }
	for name, decode := range map[string]func([]byte, any) error{
		"encoding/json":      json.Unmarshal,
		"go-json-experiment": func(b []byte, v any) error { return jsonexp.Unmarshal(b, v) },
	} {
		if err := decode([]byte(`{"Secret": "`+planted+`"}`), &body); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, want := body.Secret.Reveal(), planted; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
		for _, wrong := range []string{`{"Secret": ["` + planted + `"]}`, `{"Secret": {"` + planted + `":1}}`, `{"Secret": 12345678}`} {
			err := decode([]byte(wrong), &body)
			if err == nil {
				t.Fatalf("%s: %s is accepted", name, wrong)
			}
			if strings.Contains(err.Error(), planted) || strings.Contains(err.Error(), "12345678") {
				t.Errorf("%s: the error repeats the value: %v", name, err)
			}
		}
	}
}

func TestSecretEqual(t *testing.T) {
	a, b := seal.NewSecret("x"+planted), seal.NewSecret("x"+planted)
	if !a.Equal(b) || a.Equal(seal.NewSecret("x")) || !(seal.Secret{}).Equal(seal.NewSecret("")) {
		t.Error("secrets are not compared by their text")
	}
	if !(seal.Secret{}).Empty() || a.Empty() {
		t.Error("only the secret without text is empty")
	}
}
