package deploymenttest

import (
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type answering string

func (a answering) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(a)))}, nil
}

// What passes by is found again, however it is written: a watch that sees nothing would let every test pass.
func TestSecretsAreFoundAgain(t *testing.T) {
	const key, token, plain = "secret/access+key/of/an+example", "IQoJ/token+of+a+session==", "0123456789abcdef0123456789abcdef" //nolint:gosec // made up
	for name, c := range map[string]struct{ service, answer, secret string }{
		"secret access key": {"sts", "<Credentials><SecretAccessKey>" + key + "</SecretAccessKey></Credentials>", key},
		"session token":     {"sts", "<SessionToken>" + token + "</SessionToken>", token},
		"data key":          {"kms", `{"Plaintext":"` + base64.StdEncoding.EncodeToString([]byte(plain)) + `"}`, plain},
	} {
		s := newSecrets(answering(c.answer))
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://aws.example", strings.NewReader("Action=x"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA/20000101/us-east-1/"+c.service+"/aws4_request")
		response, err := s.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(response.Body)
		if err != nil || string(got) != c.answer || response.Body.Close() != nil {
			t.Errorf("%s: the answer became %s, %v", name, got, err)
		}
		for how, text := range map[string]string{
			"as it is": "x" + c.secret + "y", "in a URL": url.QueryEscape("x" + c.secret), "in hexadecimal": hex.EncodeToString([]byte("x" + c.secret)),
			"in base64": base64.StdEncoding.EncodeToString([]byte("some" + c.secret + "more")), "in base64 for URLs": base64.RawURLEncoding.EncodeToString([]byte("so" + c.secret)),
		} {
			if len(s.in(text)) == 0 {
				t.Errorf("%s: not found %s", name, how)
			}
		}
		if diff := cmp.Diff([]kind(nil), s.in("nothing secret at all, and ASIAEXAMPLE")); diff != "" {
			t.Error(diff)
		}
	}
}

// A secret in a request to the API is one too.
func TestSecretsThatAreSentAreFoundAgain(t *testing.T) {
	s := newSecrets(nil)
	body, err := s.sent(strings.NewReader(`{"name":"keys","secret_access_key":"planted/in+a+body+for+this+00"}`))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(body); err != nil || len(s.in(string(text))) == 0 {
		t.Errorf("%s: not found, %v", text, err)
	}
}
