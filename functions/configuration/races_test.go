package configuration_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/problem"
)

// interrupter does something else right before an item is written, once.
type interrupter struct {
	next      http.RoundTripper
	interrupt atomic.Pointer[func()]
}

func (i *interrupter) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".UpdateItem") {
		if f := i.interrupt.Swap(nil); f != nil {
			(*f)()
		}
	}
	return i.next.RoundTrip(r)
}

// What was read to decide is what is replaced: a key that came in between is not put back to the one before, and nobody is told
// of a replaced key that was another.
func TestKeysThatChangeMeanwhileStay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		between := &interrupter{}
		s := deploymenttest.InProcess(t, deploymenttest.Options{Between: func(next http.RoundTripper) http.RoundTripper {
			between.next = next
			return between
		}})
		u := newUser(t, s)
		thirdID, thirdSecret := s.AWS.AddAccount("777788889999")
		for name, c := range map[string]struct{ method, path, body string }{
			"a secret that is kept": {put, "/v1/providers/keys", `{"method":"access_keys","access_key_id":"` + u.id + `"}`},
			"a rotation":            {put, keyPath, keyBody(u.key(t))},
		} {
			s.Call(put, "/v1/providers/keys", s.Admin(), strings.Replace(keyBody(u.id, u.secret), "{", `{"method":"access_keys",`, 1))
			change := func() {
				want(t, s.Call(put, "/v1/providers/keys", s.Admin(), strings.Replace(keyBody(thirdID, thirdSecret), "{", `{"method":"access_keys",`, 1)), http.StatusOK, "")
			}
			between.interrupt.Store(&change)
			want(t, s.Call(c.method, c.path, s.Admin(), c.body), http.StatusPreconditionFailed, problem.ETagMismatch)
			if got := s.Call(get, "/v1/providers/keys", s.Admin(), ""); got.Field("access_key_id") != thirdID {
				t.Errorf("%s: got %s, want the key that came meanwhile", name, got.Body)
			}
		}
	})
}

// If-Match counts as much where the secret is kept.
func TestKeptSecretHonoursIfMatch(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	u := newUser(t, s)
	body := `{"method":"access_keys","access_key_id":"` + u.id + `"}`
	etag := s.Call(get, "/v1/providers/keys", s.Admin(), "").Header.Get("ETag")
	want(t, conditional(s, put, "/v1/providers/keys", body, `"stale"`), http.StatusPreconditionFailed, problem.ETagMismatch)
	want(t, conditional(s, put, "/v1/providers/keys", body, `"stale", `+etag), http.StatusOK, "")
	want(t, conditional(s, put, "/v1/providers/keys", body, "*"), http.StatusOK, "")
}
