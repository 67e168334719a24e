package deployment_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"pgregory.net/rapid"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
)

// Whatever headers a client sends, it is who its token says.
func TestHeadersMakeNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		token := s.TokenOf(demosite.OtherSite, "eve", "arngate/connect")
		forged := forgedToken(map[string]any{"iss": s.URL, "aud": "arngate", "sub": "eve", "site_id": demosite.Site, "scope": strings.Join(scopes(), " ")})
		claims := fmt.Sprintf(`{"authorizer":{"jwt":{"claims":{"iss":%q,"sub":%q,"site_id":%q}}}}`, s.URL, demosite.User, demosite.Site)
		values := []string{
			demosite.Site, demosite.User, "Bearer " + forged, forged, claims, `{"requestContext":` + claims + `,"headers":{"authorization":"` + forged + `"}}`,
			"x\r\nAuthorization: Bearer " + forged, "x\r\n\r\nGET /v1/me HTTP/1.1\r\nAuthorization: " + forged, "a,b", "", "authorization", "close, arngate-acting-user",
			"Authorization=" + forged, "host=evil.example;proto=https", "https://evil.example/", strings.Repeat("a", 500), "\x00", "ä",
		}
		names := []string{
			"Authorization", "AUTHORIZATION", "authorization", "X-Authorization", "Proxy-Authorization", "X-Amzn-Request-Context", "X-Amzn-Lambda-Context",
			"X-Golambdaproxy-Apigw-Context", "X-Golambdaproxy-Apigw-Stagevars", "X-Apigateway-Event", "X-Apigateway-Context", "X-Amzn-Apigateway-Event",
			"Arngate-Acting-User", "arngate-acting-user", "Arngate_Acting_User", "Arngate-Site", "Arngate-User", "Arngate-Caller", "Site_id", "X-Forwarded-User",
			"X-Forwarded-Host", "X-Forwarded-For", "Forwarded", "X-Original-Url", "X-Rewrite-Url", "X-Http-Method-Override", "Connection", "Te", "Upgrade",
			"Transfer-Encoding", "Cookie", "X-Amz-Security-Token", "X-Amz-Date",
		}
		rapid.Check(inBubble{t}, func(rt *rapid.T) {
			header := http.Header{"Authorization": {"Bearer " + token}}
			for range rapid.IntRange(1, 4).Draw(rt, "headers") {
				header.Add(rapid.SampledFrom(names).Draw(rt, "name"), rapid.SampledFrom(values).Draw(rt, "value"))
			}
			answer := s.Send(http.MethodGet, "/v1/me", "", strings.NewReader(""), header)
			var who struct {
				Site   string `json:"site"`
				User   string `json:"user"`
				Actor  string `json:"actor"`
				Acting bool   `json:"acting"`
			}
			switch _ = json.Unmarshal([]byte(answer.Body), &who); {
			case answer.Status == http.StatusOK && who.Site == demosite.OtherSite && who.User == "eve" && who.Actor == "eve" && !who.Acting:
			case answer.Status/100 == 4 && !strings.Contains(answer.Body, demosite.Site):
			default:
				rt.Errorf("%q: %d %s", header, answer.Status, answer.Body)
			}
		})
	})
}

// forgedToken has the form of a token, and no signature that would hold.
func forgedToken(claims map[string]any) string {
	return part(map[string]any{"alg": "RS256", "typ": "JWT"}) + "." + part(claims) + ".c2lnbmF0dXJl"
}

func part(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // nothing here can't be marshalled
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// An event whose token isn't the one that API Gateway verified is nobody's: whatever it holds twice, or in places that other kinds
// of events have.
func TestEventsMakeNobodyElse(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	handler, err := s.Instance(t.Context(), "ConfigurationFunction")
	if err != nil {
		t.Fatal(err)
	}
	token := func(issuer, subject string) string {
		return forgedToken(map[string]any{"iss": issuer, "sub": subject, "site_id": demosite.Site, "scope": "arngate/connect"})
	}
	const verified = `"authorizer":{"jwt":{"claims":{"iss":"https://issuer","sub":"eve"}}}`
	twice := base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"https://issuer","sub":"eve","site_id":"` + demosite.OtherSite + `","site_id":"` + demosite.Site + `"}`))
	for name, c := range map[string]struct{ context, headers, more string }{
		"no authorizer":              {``, `"authorization":"Bearer ` + token("https://issuer", "eve") + `"`, ``},
		"another subject":            {verified, `"authorization":"Bearer ` + token("https://issuer", demosite.User) + `"`, ``},
		"another issuer":             {verified, `"authorization":"Bearer ` + token("https://evil", "eve") + `"`, ``},
		"no token":                   {verified, ``, ``},
		"two tokens in one header":   {verified, `"authorization":"Bearer ` + token("https://issuer", "eve") + `,Bearer ` + token("https://issuer", demosite.User) + `"`, ``},
		"a claim twice":              {verified, `"authorization":"Bearer ` + part(map[string]any{}) + "." + twice + `.AA"`, ``},
		"a Lambda authorizer":        {`"authorizer":{"lambda":{"iss":"https://issuer","sub":"eve"}}`, `"authorization":"Bearer ` + token("https://issuer", "eve") + `"`, ``},
		"an IAM authorizer":          {`"authorizer":{"iam":{"userId":"eve","accountId":"1"}}`, `"authorization":"Bearer ` + token("https://issuer", "eve") + `"`, ``},
		"a REST API's authorizer":    {`"authorizer":{"claims":{"iss":"https://issuer","sub":"eve"}}`, `"authorization":"Bearer ` + token("https://issuer", "eve") + `"`, ``},
		"an authorizer at the top":   {``, `"authorization":"Bearer ` + token("https://issuer", "eve") + `"`, `,` + verified},
		"a context at the top":       {``, `"authorization":"Bearer ` + token("https://issuer", "eve") + `"`, `,"claims":{"iss":"https://issuer","sub":"eve"}`},
		"empty claims":               {`"authorizer":{"jwt":{"claims":{"iss":"","sub":""}}}`, `"authorization":"Bearer ` + token("", "") + `"`, ``},
		"claims that are no strings": {`"authorizer":{"jwt":{"claims":{"iss":["https://issuer"],"sub":["eve"]}}}`, `"authorization":"Bearer ` + token("https://issuer", "eve") + `"`, ``},
	} {
		context := `"http":{"method":"GET","path":"/v1/me"}`
		if c.context != "" {
			context += "," + c.context
		}
		event := fmt.Sprintf(`{"version":"2.0","routeKey":"GET /v1/me","rawPath":"/v1/me","headers":{%s},"requestContext":{%s}%s}`, c.headers, context, c.more)
		if !json.Valid([]byte(event)) {
			t.Fatalf("not JSON: %s", event)
		}
		answer, err := handler.Invoke(t.Context(), []byte(event))
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			StatusCode int    `json:"statusCode"`
			Body       string `json:"body"`
		}
		if err := json.Unmarshal(answer, &got); err != nil {
			t.Fatal(err)
		}
		if got.StatusCode == http.StatusOK || strings.Contains(got.Body, demosite.Site) || strings.Contains(got.Body, `"user"`) {
			t.Errorf("%s: got %d %s", name, got.StatusCode, got.Body)
		}
	}
}

// Tokens that nobody's issuer signed, by what an attacker can know: the public key, its id, and where it is published.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	var published jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(s.Call(http.MethodGet, "/.well-known/jwks.json", "", "").Body), &published); err != nil || len(published.Keys) != 1 {
		t.Fatalf("the keys: %v, %v", published, err)
	}
	public, id := published.Keys[0], published.Keys[0].KeyID
	der, err := x509.MarshalPKIXPublicKey(public.Key)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, ok := public.Key.(*rsa.PublicKey)
	if !ok {
		t.Fatalf("the key is a %T", public.Key)
	}
	own, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{
		"iss": s.URL, "aud": "arngate", "sub": demosite.User, "site_id": demosite.Site, "scope": "arngate/connect",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
	mac := func(header map[string]any, key []byte) string {
		unsigned := part(header) + "." + part(claims)
		hash := hmac.New(sha256.New, key)
		_, _ = hash.Write([]byte(unsigned)) // a hash's Write never fails
		return unsigned + "." + base64.RawURLEncoding.EncodeToString(hash.Sum(nil))
	}
	signed := func(extra map[jose.HeaderKey]any) string {
		options := &jose.SignerOptions{ExtraHeaders: extra}
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: own}, options)
		if err != nil {
			t.Fatal(err)
		}
		token, err := jwt.Signed(signer).Claims(claims).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	header := map[string]any{"alg": "HS256", "typ": "JWT", "kid": id}
	for name, token := range map[string]string{
		"MAC by the public key in PEM":    mac(header, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		"MAC by the public key in DER":    mac(header, der),
		"MAC by PKCS #1":                  mac(header, x509.MarshalPKCS1PublicKey(rsaKey)),
		"MAC by the modulus":              mac(header, rsaKey.N.Bytes()),
		"MAC by nothing":                  mac(header, nil),
		"MAC named RS256":                 mac(map[string]any{"alg": "RS256", "kid": id}, der),
		"another key by the issuer's id":  signed(map[jose.HeaderKey]any{"kid": id}),
		"an id that is a path":            signed(map[jose.HeaderKey]any{"kid": "../../../../dev/null"}),
		"an id that is a query":           signed(map[jose.HeaderKey]any{"kid": id + "' OR '1'='1"}),
		"an id that is no string":         part(map[string]any{"alg": "RS256", "kid": []string{id}}) + "." + part(claims) + ".AAAA",
		"keys from elsewhere":             signed(map[jose.HeaderKey]any{"kid": id, "jku": "https://evil.example/jwks.json"}),
		"a certificate from elsewhere":    signed(map[jose.HeaderKey]any{"kid": id, "x5u": "https://evil.example/cert.pem"}),
		"a key of its own":                signed(map[jose.HeaderKey]any{"jwk": jose.JSONWebKey{Key: own.Public(), KeyID: id}}),
		"a critical extension":            signed(map[jose.HeaderKey]any{"kid": id, "crit": []string{"exp"}}),
		"no algorithm, in mixed case":     part(map[string]any{"alg": "nOnE", "kid": id}) + "." + part(claims) + ".",
		"no algorithm named":              part(map[string]any{"kid": id}) + "." + part(claims) + ".AAAA",
		"two algorithms":                  base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","alg":"RS256"}`)) + "." + part(claims) + ".",
		"a payload that isn't in base64":  part(map[string]any{"alg": "RS256", "b64": false, "crit": []string{"b64"}}) + ".{}.AAAA",
		"a signature of zeros":            part(map[string]any{"alg": "RS256", "kid": id}) + "." + part(claims) + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 256)),
		"an ECDSA signature of zeros":     part(map[string]any{"alg": "ES256", "kid": id}) + "." + part(claims) + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64)),
		"an RSA-PSS signature of nothing": part(map[string]any{"alg": "PS256", "kid": id}) + "." + part(claims) + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 256)),
	} {
		answer := s.Call(http.MethodGet, "/v1/me", token, "")
		if answer.Status != http.StatusUnauthorized || answer.Body != `{"message":"Unauthorized"}` {
			t.Errorf("%s: got %d %s, want API Gateway's 401", name, answer.Status, answer.Body)
		}
	}
}

// Tokens that hold, of an issuer that leaves a claim out, or gives it a form in which it is two things.
func TestTokensThatNameNobody(t *testing.T) {
	t.Parallel()
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	for name, changes := range map[string]map[string]any{
		"no subject":              {"sub": nil},
		"an empty subject":        {"sub": ""},
		"a site in braces":        {"site_id": "{" + demosite.Site + "}"},
		"a site without dashes":   {"site_id": strings.ReplaceAll(demosite.Site, "-", "")},
		"a site and a line end":   {"site_id": demosite.Site + "\n"},
		"a site of other digits":  {"site_id": strings.Replace(demosite.Site, "7", "７", 1)},
		"two sites":               {"site_id": []string{demosite.Site, demosite.OtherSite}},
		"a site that is a number": {"site_id": 7},
		"a site that is a map":    {"site_id": map[string]any{"": demosite.Site}},
		"no site":                 {"site_id": nil},
		"groups in a map":         {"groups": map[string]any{"builders": true}},
		"groups in groups":        {"groups": []any{[]string{"builders"}}},
		"scopes in a map":         {"scope": map[string]any{"arngate/connect": true}},
		"a user of audits":        {"sub": "Arngate-Audit"},
	} {
		claims := map[string]any{"site_id": demosite.Site, "sub": demosite.User, "scope": "arngate/connect"}
		maps.Copy(claims, changes)
		answer := s.Call(http.MethodGet, "/v1/me", tokenFor(t, s, claims), "")
		if code := answer.Field("code"); answer.Status != http.StatusUnauthorized && code != "user_reserved" {
			t.Errorf("%s: got %d %s", name, answer.Status, answer.Body)
		}
	}
}

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

// destinations keeps the hosts that requests to AWS go to. Safe for concurrent use.
type destinations struct {
	next  http.RoundTripper
	hosts sync.Map
}

func (d *destinations) between(next http.RoundTripper) http.RoundTripper {
	d.next = next
	return d
}

// RoundTrip notes the host and passes the request on.
func (d *destinations) RoundTrip(r *http.Request) (*http.Response, error) {
	d.hosts.Store(r.URL.Host, true)
	d.hosts.Store(r.Host, true)
	return d.next.RoundTrip(r)
}

// trap 21: whatever a name in a request is, what goes out goes to AWS's own address, and to what the connection includes there.
func TestTrap21NamesLeadNowhereElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &destinations{}
		s := deploymenttest.InProcess(t, deploymenttest.Options{Between: d.between})
		const regional = ":eu-central-1:" + demosite.Account + ":"
		included := []string{"arn:aws:s3:::demo-files", "arn:aws:dynamodb" + regional + "table/Orders", "arn:aws:lambda" + regional + "function:hello"}
		names := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"arn:aws:s3:::demo-archive", "arn:aws:s3:eu-central-1:444455556666:accesspoint/x", "demo-archive", "demo-files/../demo-archive", "..", ".", "%2e%2e",
			"//evil.example", "evil.example#", "evil.example/", "@evil.example", "demo-files@evil.example", "demo-files?x=", "demo-files#", "demo-files\n", "DEMO-FILES",
			"x-s3alias", "x--ol-s3", "demo-files--use1-az1--x-s3", "169.254.169.254", "localhost", "arn:aws:dynamodb:eu-central-1:111122223333:table/arngate-local-Registry",
			"arngate-local-Registry", "Orders/index/by-customer", "Orders\x00", "arn:aws:lambda:eu-central-1:111122223333:function:x", "hello:live", "111122223333:hello",
			"hello/../../x", "us-east-1.evil.example#", "eu-central-1", "%00", "\r\nHost: evil.example", "*", "${aws:username}",
		}))
		rapid.Check(inBubble{t}, func(rt *rapid.T) {
			name := names.Draw(rt, "name")
			inPath, inQuery := url.PathEscape(name), url.QueryEscape(name)
			inJSON, err := json.Marshal(name)
			if err != nil {
				rt.Fatal(err)
			}
			builder := s.TokenOf(demosite.Site, demosite.User, scopes()...)
			for _, r := range []struct{ method, path, body string }{
				{http.MethodGet, "/v1/s3/files/buckets/" + inPath + "/objects", ""},
				{http.MethodGet, "/v1/s3/files/buckets/" + inPath + "/object?key=readme.txt", ""},
				{http.MethodGet, "/v1/s3/files/buckets/demo-files/object?key=" + inQuery, ""},
				{http.MethodGet, "/v1/s3/files/buckets/demo-files/objects?cursor=" + inQuery, ""},
				{http.MethodPost, "/v1/s3/files/copy", fmt.Sprintf(`{"from":{"bucket":%s,"key":"readme.txt"},"to":{"bucket":"demo-files","key":"x"}}`, inJSON)},
				{http.MethodPost, "/v1/s3/files/delete", fmt.Sprintf(`{"bucket":%s,"keys":["x"]}`, inJSON)},
				{http.MethodGet, "/v1/dynamodb/orders/tables/" + inPath, ""},
				{http.MethodPost, "/v1/dynamodb/orders/tables/Orders/query", fmt.Sprintf(`{"index":%s,"key_condition":"id = :i","values":{":i":"x"}}`, inJSON)},
				{http.MethodPost, "/v1/dynamodb/orders/writes", fmt.Sprintf(`{"writes":[{"put":{"table":%s,"item":{"id":"x"}}}]}`, inJSON)},
				{http.MethodPost, "/v1/lambda/actions/functions/" + inPath + "/invocations", "{}"},
				{http.MethodPost, "/v1/lambda/actions/functions/hello/invocations?mode=dry-run&qualifier=" + inQuery, "{}"},
				{http.MethodPost, "/v1/connections", fmt.Sprintf(`{"name":"c","connector":"s3","provider":"demo","region":%s,"groups":["*"],"buckets":[{"name":"demo-files"}]}`, inJSON)},
				{http.MethodPost, "/v1/connections", fmt.Sprintf(`{"name":"c","connector":"s3","provider":"demo","region":"eu-central-1","groups":["*"],"buckets":[{"name":"demo-files","owner":%s}]}`, inJSON)},
				{http.MethodDelete, "/v1/connections/c", ""},
				{http.MethodPost, "/v1/providers", fmt.Sprintf(`{"name":"p","method":"assume_role","role_arn":%s}`, inJSON)},
				{http.MethodDelete, "/v1/providers/p", ""},
			} {
				answer := s.Call(r.method, r.path, builder, r.body)
				if code := answer.Field("code"); answer.Status >= http.StatusInternalServerError && code != "aws_unavailable" {
					rt.Errorf("%s %s %s: %d %s", r.method, r.path, r.body, answer.Status, answer.Body)
				}
			}
			for host := range d.hosts.Range {
				if host != "" && host != "127.0.0.1:4566" {
					rt.Errorf("a request went to %q", host)
				}
			}
			for _, call := range s.AWS.Calls() {
				theirs := strings.Contains(call.Principal, ":"+demosite.Account+":assumed-role/") && call.Resource != ""
				if theirs && !slices.ContainsFunc(included, func(r string) bool {
					return call.Resource == r || strings.HasPrefix(call.Resource, r+"/") || strings.HasPrefix(call.Resource, r+":")
				}) {
					rt.Errorf("%s was called for %q", call.Operation, call.Resource)
				}
			}
			s.AWS.ResetCalls()
		})
	})
}
