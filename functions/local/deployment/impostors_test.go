package deployment_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

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
		"headers of many values":     {verified, ``, `,"multiValueHeaders":{"authorization":["Bearer ` + token("https://issuer", "eve") + `"]}`},
		"a token among the cookies":  {verified, ``, `,"cookies":["authorization=Bearer ` + token("https://issuer", "eve") + `"]`},
		"a line end in a header":     {verified, `"x-a":"b\r\nauthorization: Bearer ` + token("https://issuer", "eve") + `"`, ``},
		"a line end in a name":       {verified, `"x-a: b\r\nauthorization":"Bearer ` + token("https://issuer", "eve") + `"`, ``},
		"a context in a header":      {``, `"authorization":"Bearer ` + token("https://issuer", "eve") + `","x-amzn-request-context":"{\"authorizer\":{\"jwt\":{\"claims\":{\"iss\":\"https://issuer\",\"sub\":\"eve\"}}}}"`, ``},
		"an event of a REST API":     {`"authorizer":{"jwt":{"claims":{}},"claims":{"iss":"https://issuer","sub":"eve"}}`, `"authorization":"Bearer ` + token("https://issuer", "eve") + `"`, `,"httpMethod":"GET","resource":"/v1/me"`},
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
