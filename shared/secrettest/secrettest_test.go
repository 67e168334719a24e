package secrettest_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/secrettest"
)

var kinds = []secrettest.Kind{secrettest.SecretKey, secrettest.SessionToken, secrettest.DataKey, secrettest.BearerToken}

// A search that finds nothing would let every test pass.
func TestPlantedSecretsAreFound(t *testing.T) {
	for _, kind := range kinds {
		secret := secrettest.Plant(kind, "/a+b=")
		for how, text := range map[string]string{
			"as it is": "x" + secret + "y", "in a URL": url.QueryEscape("x" + secret), "in hexadecimal": hex.EncodeToString([]byte("xy" + secret)),
			"as bytes": fmt.Sprintf("%d", []byte("xy"+secret)), "quoted": fmt.Sprintf("%q", secret),
			"in base64": base64.StdEncoding.EncodeToString([]byte("some" + secret + "more")), "one further": base64.StdEncoding.EncodeToString([]byte("so" + secret)),
			"in base64 for URLs": base64.RawURLEncoding.EncodeToString([]byte("som" + secret + "\xff\xff")),
		} {
			if diff := cmp.Diff([]secrettest.Kind{kind}, secrettest.In(text)); diff != "" {
				t.Errorf("%s %s: %s", kind, how, diff)
			}
		}
		if !secrettest.Planted(kind, secret) || secrettest.Planted(kind, "x"+secret) {
			t.Errorf("%s: not told from another text", kind)
		}
	}
	if diff := cmp.Diff([]secrettest.Kind(nil), secrettest.In("nothing secret at all, planted or not, and ASIAEXAMPLE")); diff != "" {
		t.Error(diff)
	}
}

// recorder is a test that keeps what it is failed for.
type recorder struct {
	testing.TB

	failures []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func TestChecksFailTheTest(t *testing.T) {
	secret := secrettest.Plant(secrettest.SecretKey, "x")
	token := secrettest.Plant(secrettest.SessionToken, "a/b+c%2F==")
	encoded, err := json.Marshal(map[string]string{"body": `{"fields":{"X-Amz-Security-Token":"` + token + `"}}`})
	if err != nil {
		t.Fatal(err)
	}
	policy := base64.StdEncoding.EncodeToString([]byte(`{"conditions":[{"x-amz-security-token":"` + token + `"}]}`))
	other := base64.StdEncoding.EncodeToString([]byte(`{"conditions":[{"acl":"` + token + `"}]}`))
	text := func(text string) func(testing.TB) {
		return func(tb testing.TB) { tb.Helper(); secrettest.Check(tb, "a text", text) }
	}
	failure := func(err error) func(testing.TB) {
		return func(tb testing.TB) { tb.Helper(); secrettest.CheckError(tb, err) }
	}
	answer := func(text string) func(testing.TB) {
		return func(tb testing.TB) { tb.Helper(); secrettest.CheckAnswer(tb, "GET /", text) }
	}
	line := func(text string) func(testing.TB) { return func(tb testing.TB) { tb.Helper(); write(tb, text) } }
	for name, c := range map[string]struct {
		check  func(testing.TB)
		failed int
	}{
		"text":          {text(secret), 1},
		"text without":  {text("x"), 0},
		"error":         {failure(fmt.Errorf("x: %w", errors.New(secret))), 1},
		"error's field": {failure(&silent{secret}), 1},
		"no error":      {failure(nil), 0},
		"log":           {line(secret), 1},
		"log without":   {line("x"), 0},
		"answer":        {answer(secret), 1},
		"token":         {answer(`{"token":"` + token + `"}`), 1},
		"presigned":     {answer("https://x/?X-Amz-Security-Token=" + token + "&y=z"), 0},
		"and beside it": {answer("https://x/?X-Amz-Security-Token=" + token + "&y=" + token), 1},
		"form":          {answer(string(encoded)), 0},
		"policy":        {answer(`{"fields":{"Policy":"` + policy + `"}}`), 0},
		"other policy":  {answer(`{"fields":{"Policy":"` + other + `"}}`), 1},
	} {
		r := &recorder{TB: t}
		c.check(r)
		if len(r.failures) != c.failed {
			t.Errorf("%s: got %q, want %d failures", name, r.failures, c.failed)
		}
	}
}

func write(tb testing.TB, line string) {
	tb.Helper()
	var kept strings.Builder
	if _, err := secrettest.Tee(tb, &kept).Write([]byte(line)); err != nil || kept.String() != line {
		tb.Errorf("kept %q, %v", kept.String(), err)
	}
}

// silent is an error that says nothing, but holds something.
type silent struct{ held string }

func (*silent) Error() string { return "silent" }
