package deployment_test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
)

// hostileBodies are hostile to parsers, by what is hostile about them: the long ones a part of two megabytes at most.
func hostileBodies(part int) map[string]string {
	return map[string]string{
		"nested lists":         strings.Repeat("[", 500_000/part),
		"nested objects":       strings.Repeat(`{"a":`, 200_000/part) + "1" + strings.Repeat("}", 200_000/part),
		"nested in a member":   `{"where":` + strings.Repeat(`{"not":`, 20_000) + "{}" + strings.Repeat("}", 20_001),
		"a number of digits":   `{"limit":` + strings.Repeat("9", 1_000_000/part) + "}",
		"a huge exponent":      `{"limit":1e999999999}`,
		"a small exponent":     `{"limit":1e-999999999}`,
		"names twice":          `{"name":"a","name":"b","where":1,"where":2,"item":1,"item":2,"bucket":"a","bucket":"b"}`,
		"a hundred thousand":   `{"a":0` + strings.Repeat(`,"a":0`, 100_000/part) + "}",
		"names in other cases": `{"NAME":"a","Name":"b","wHeRe":{}}`,
		"half a surrogate":     `{"name":"\ud800"}`,
		"not UTF-8":            "{\"name\":\"\xff\xfe\"}",
		"a byte order mark":    "\ufeff{}",
		"two values":           "{}{}",
		"a comment":            "{/**/}",
		"a word":               "NaN",
		"NUL":                  "{}\x00",
		"white space":          strings.Repeat(" ", 1_000_000/part),
		"a long name":          `{"` + strings.Repeat("a", 1_000_000/part) + `":1}`,
		"many keys":            `{"keys":[` + strings.Repeat(`"a",`, 200_000/part) + `"b"]}`,
		"a prototype":          `{"__proto__":{"admin":true},"constructor":{}}`,
		"null":                 "null",
	}
}

// What clients send that is hostile to parsers gets a problem at once, on every route that takes JSON. At their full length the
// bodies go to one route of each kind, to the others a tenth of it: all decode by the same code.
func TestHostileBodies(t *testing.T) {
	t.Parallel()
	long, short := hostileBodies(1), hostileBodies(10)
	known := []string{"invalid_json", "invalid_request", "payload_too_large", "connection_forbids", "name_taken"}
	kinds := map[string]bool{}
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	token := s.TokenOf(demosite.Site, demosite.User, scopes()...)
	for _, one := range samples(t) {
		if one.contentType != "application/json" || one.name == "lambda-invoke" { // whose body is the function's
			continue
		}
		bodies, kind := short, strings.Split(one.path, "/")[2]
		if !kinds[kind] {
			bodies, kinds[kind] = long, true
		}
		for name, body := range bodies {
			one.body = body
			began := time.Now()
			answer := one.as(s, token)
			code := answer.Field("code")
			if answer.Status/100 != 4 || !slices.Contains(known, code) || len(answer.Body) > 64<<10 {
				t.Errorf("%s of %s: %d %.300s", name, one.name, answer.Status, answer.Body)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("%s of %s took %s", name, one.name, took)
			}
		}
	}
}

// What is hostile in the JSON that a query parameter holds, or where a body takes any value, is refused as it is in a body's own members.
func TestHostileValues(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	const item = "/v1/dynamodb/orders/tables/Orders/item"
	for name, v := range map[string]string{
		"nested lists":          strings.Repeat("[", 900) + strings.Repeat("]", 900),
		"nested objects":        strings.Repeat(`{"a":`, 800) + "1" + strings.Repeat("}", 800),
		"a huge exponent":       "1e999999",
		"a huge negative one":   "-1e-999999999999999999999",
		"digits":                strings.Repeat("9", 3000),
		"digits behind a point": "0." + strings.Repeat("1", 3000),
		"a marked number":       `{"$number":"` + strings.Repeat("9", 3000) + `"}`,
		"a name twice":          `{"a":1,"a":2}`,
		"a marker twice":        `{"$set":[1],"$set":[2]}`,
		"a set of itself":       `{"$set":[{"$set":[1]}]}`,
		"half a surrogate":      `"\ud800"`,
		"an unknown marker":     `{"$where":"1"}`,
	} {
		where := `{"field":"x","op":"=","value":` + v + `}`
		for _, r := range []struct{ method, path, body string }{
			{http.MethodPut, item, `{"item":{"id":"hostile","x":` + v + `}}`},
			{http.MethodPut, item, `{"item":{"id":"hostile"},"if":` + where + `}`},
			{http.MethodPatch, item + "?key=" + url.QueryEscape(`{"id":"o-001"}`), `{"set":{"x":` + v + `}}`},
			{http.MethodPost, "/v1/dynamodb/orders/tables/Orders/search", `{"where":` + where + `}`},
			{http.MethodPost, "/v1/dynamodb/orders/tables/Orders/scan", `{"filter":"x = :v","values":{":v":` + v + `}}`},
			{http.MethodPost, "/v1/dynamodb/orders/writes", `{"atomic":true,"writes":[{"put":{"table":"Orders","item":{"id":"hostile","x":` + v + `}}}]}`},
			{http.MethodGet, item + "?key=" + url.QueryEscape(`{"id":`+v+`}`), ""},
			{http.MethodDelete, item + "?key=" + url.QueryEscape(`{"id":"none"}`) + "&if=" + url.QueryEscape(where), ""},
			{http.MethodGet, "/v1/s3/files/buckets/demo-files/objects?limit=" + url.QueryEscape(v), ""},
		} {
			answer := s.Call(r.method, r.path, s.TokenOf(demosite.Site, demosite.User, scopes()...), r.body)
			if answer.Status/100 != 4 || strings.Contains(answer.Body, strings.Repeat("9", 100)) {
				t.Errorf("%s: %s %.80s: %d %.300s", name, r.method, r.path, answer.Status, answer.Body)
			}
		}
	}
	want(t, s.Call(http.MethodGet, item+"?key="+url.QueryEscape(`{"id":"hostile"}`), s.Builder(), ""), http.StatusOK, `{"item":null}`)
}

// A body that comes by the byte holds nobody else up, and a head that is too large doesn't reach a function.
func TestSlowBodiesAndLargeHeads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		var slow sync.WaitGroup
		slow.Go(func() {
			body := &trickle{rest: `{"name":"slow","method":"assume_role"}`}
			answer := s.Send(http.MethodPost, "/v1/providers", s.Admin(), body, http.Header{"Content-Type": {"application/json"}})
			want(t, answer, http.StatusCreated, "awaiting_role")
		})
		time.Sleep(time.Second)
		began := time.Now()
		want(t, s.Call(http.MethodGet, listing, s.Builder(), ""), http.StatusOK, "folders")
		if took := time.Since(began); took > 0 {
			t.Errorf("another request took %s", took)
		}
		slow.Wait()
		s.AWS.ResetCalls()
		for name, answer := range map[string]deploymenttest.Answer{
			"a header":     s.Send(http.MethodGet, listing, s.Builder(), strings.NewReader(""), http.Header{"X-Large": {strings.Repeat("a", 11_000)}}),
			"many headers": s.Send(http.MethodGet, listing, s.Builder(), strings.NewReader(""), http.Header{"X-Many": slices.Repeat([]string{"aaaaaaaaaa"}, 1000)}),
			"a query":      s.Call(http.MethodGet, listing+"&prefix="+url.QueryEscape(strings.Repeat("a", 11_000)), s.Builder(), ""),
		} {
			if answer.Status != http.StatusRequestHeaderFieldsTooLarge || len(s.AWS.Calls()) > 0 {
				t.Errorf("%s: %d %s, AWS called %d times", name, answer.Status, answer.Body, len(s.AWS.Calls()))
			}
		}
	})
}

// trickle is a body of which a byte comes every five seconds.
type trickle struct{ rest string }

// Read waits for the next byte.
func (b *trickle) Read(p []byte) (int, error) {
	if b.rest == "" {
		return 0, io.EOF
	}
	time.Sleep(5 * time.Second)
	n := copy(p, b.rest[:1])
	b.rest = b.rest[n:]
	return n, nil
}
