package deployment_test

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/localaws"
)

// The tables below go over every route of the three connectors, by the sample events: samples fails where a route has none.
// What each is answered with when all is well, [TestEventsThroughTheirHandlers] says; that no other site gets anywhere,
// [TestSitesAreWorldsOfTheirOwn].

// ofConnectors are the samples of the connectors' routes.
func ofConnectors(t *testing.T) []sample {
	t.Helper()
	return slices.DeleteFunc(samples(t), func(s sample) bool { return !strings.Contains(s.route, "{connection}") })
}

// by is the sample through another connection, which is called as its connector is behind a prefix.
func (s sample) by(prefix string) sample {
	parts := strings.SplitN(s.path, "/", 5)
	s.path = "/v1/" + parts[2] + "/" + prefix + parts[2] + "/" + parts[4]
	return s
}

// lists says whether the sample lists what a connection may include, which is cut to it rather than refused.
func (s sample) lists() bool {
	return slices.Contains([]string{"dynamodb-list-tables", "s3-list-buckets", "lambda-list-functions"}, s.name)
}

// writes says whether a connection that is read-only must refuse the sample.
func (s sample) writes() bool {
	return slices.Contains([]string{
		"dynamodb-put-item", "dynamodb-update-item", "dynamodb-delete-item", "dynamodb-write-items",
		"s3-put-object", "s3-delete-object", "s3-delete-objects", "s3-copy-objects", "s3-move-objects",
		"s3-create-upload", "s3-sign-upload-parts", "s3-complete-upload",
		"lambda-invoke",
	}, s.name)
}

// within are the limits of a connection to what the demo site has, elsewhere those to something else.
func within() map[string]string {
	return map[string]string{
		"dynamodb": `"tables":["Orders"]`, "s3": `"buckets":[{"name":"demo-files"}]`, "lambda": `"functions":["hello"]`,
	}
}

func elsewhere() map[string]string {
	return map[string]string{
		"dynamodb": `"tables":["Other"]`, "s3": `"buckets":[{"name":"demo-files","prefix":"elsewhere"}]`, "lambda": `"functions":["other"]`,
	}
}

// readOnly are the limits within, for reading alone.
func readOnly() map[string]string {
	limits := within()
	for connector := range limits {
		limits[connector] += `,"read_only":true`
	}
	return limits
}

// connect registers a connection of each connector.
func connect(s *deploymenttest.Stack, prefix, provider string, limits map[string]string) {
	for connector, limit := range limits {
		s.Connection(prefix+connector, connector, provider, limit)
	}
}

// asked are the calls in the customer's account, but for who is calling.
func asked(s *deploymenttest.Stack) []localaws.Call {
	return slices.DeleteFunc(s.AWS.Calls(), func(c localaws.Call) bool {
		return c.Service == "sts" || !strings.Contains(c.Principal, ":"+demosite.Account+":")
	})
}

// Whatever doesn't belong into a request is named, and AWS isn't asked.
func TestBadInputOnEveryConnectorRoute(t *testing.T) {
	t.Parallel()
	all := ofConnectors(t)
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		s.AWS.ResetCalls()
		for _, one := range all {
			misspelt := one
			misspelt.path += map[bool]string{true: "&", false: "?"}[strings.Contains(one.path, "?")] + "colour=red"
			want(t, misspelt.as(s, s.Builder()), http.StatusUnprocessableEntity, `"pointer":"query.colour"`)
			if one.contentType != "application/json" {
				continue
			}
			broken := one
			broken.body = strings.TrimSuffix(strings.TrimSpace(one.body), "}")
			want(t, broken.as(s, s.Builder()), http.StatusBadRequest, `"code":"invalid_json"`)
			if one.name == "lambda-invoke" { // any JSON is an event
				continue
			}
			stray := one
			stray.body = broken.body + `,"colour":"red"}`
			want(t, stray.as(s, s.Builder()), http.StatusUnprocessableEntity, `"pointer":"/colour"`)
			typed := one
			typed.contentType = "text/plain"
			want(t, typed.as(s, s.Builder()), http.StatusUnsupportedMediaType, `"code":"unsupported_media_type"`)
		}
		if calls := asked(s); len(calls) > 0 {
			t.Errorf("AWS was asked to %s", calls[0].Operation)
		}
	})
}

// A connection's limits refuse what isn't included, with a problem that says so, before AWS is asked.
func TestConnectionLimitsOnEveryConnectorRoute(t *testing.T) {
	t.Parallel()
	all := ofConnectors(t)
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		connect(s, "elsewhere-", demosite.Provider, elsewhere())
		connect(s, "reading-", demosite.Provider, readOnly())
		for _, one := range all {
			s.AWS.ResetCalls()
			outside := one.by("elsewhere-").as(s, s.Builder())
			switch {
			case !one.lists():
				forbidden(t, s, one, outside)
			case one.name == "s3-list-buckets": // the folder elsewhere is in it
				want(t, outside, http.StatusOK, `"demo-files"`)
			default:
				want(t, outside, http.StatusOK, `{"items":[]}`)
			}
			s.AWS.ResetCalls()
			reading := one.by("reading-").as(s, s.Builder())
			if one.writes() {
				forbidden(t, s, one, reading)
			} else if strings.Contains(reading.Body, "connection_forbids") || len(asked(s)) == 0 {
				t.Errorf("%s, which only reads: %d %s", one.name, reading.Status, reading.Body)
			}
		}
	})
}

// forbidden checks that the connection's own limits refused a request, and AWS wasn't asked.
func forbidden(t *testing.T, s *deploymenttest.Stack, one sample, answer deploymenttest.Answer) {
	t.Helper()
	if answer.Status != http.StatusForbidden || answer.Field("code") != "connection_forbids" || answer.Field("detail") == "" {
		t.Errorf("%s: %d %s", one.name, answer.Status, answer.Body)
	}
	if calls := asked(s); len(calls) > 0 {
		t.Errorf("%s: AWS was asked to %s", one.name, calls[0].Operation)
	}
}

// The session policy alone makes AWS refuse the same, though the role may do everything: here the connections' own limits are
// wider than the policies that were made of narrower ones.
func TestSessionPolicyOnEveryConnectorRoute(t *testing.T) {
	t.Parallel()
	all := ofConnectors(t)
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		s.Provider("mighty", s.Role("/skuid-assumable-role/", "mighty", demosite.Site, "AdministratorAccess"))
		connect(s, "elsewhere-", "mighty", elsewhere())
		connect(s, "reading-", "mighty", readOnly())
		for _, prefix := range []string{"elsewhere-", "reading-"} {
			connect(s, "as-if-"+prefix, "mighty", within())
			for connector := range within() {
				takePolicy(t, s, prefix+connector, "as-if-"+prefix+connector)
			}
		}
		for _, one := range all {
			s.AWS.ResetCalls()
			answer := one.by("as-if-elsewhere-").as(s, s.Builder())
			if !one.lists() { // of those actions no policy can narrow the resource
				refusedByAWS(t, s, one, answer)
				nothingAllowed(t, s, one)
			}
			s.AWS.ResetCalls()
			answer = one.by("as-if-reading-").as(s, s.Builder())
			if one.writes() {
				refusedByAWS(t, s, one, answer)
			} else if strings.Contains(answer.Body, "aws_access_denied") {
				t.Errorf("%s, which only reads: %d %s", one.name, answer.Status, answer.Body)
			}
		}
	})
}

// takePolicy gives a connection the session policy of another, behind Arngate's back.
func takePolicy(t *testing.T, s *deploymenttest.Stack, from, to string) {
	t.Helper()
	client := awsdynamodb.NewFromConfig(s.Operator())
	tables, err := client.ListTables(t.Context(), &awsdynamodb.ListTablesInput{})
	if err != nil {
		t.Fatal(err)
	}
	registry := slices.IndexFunc(tables.TableNames, func(name string) bool { return strings.Contains(name, "Registry") })
	key := func(name string) map[string]types.AttributeValue {
		return map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: "SITE#" + demosite.Site}, "sk": &types.AttributeValueMemberS{Value: "CONNECTION#" + name},
		}
	}
	narrow, err := client.GetItem(t.Context(), &awsdynamodb.GetItemInput{TableName: &tables.TableNames[registry], Key: key(from)})
	if err != nil || narrow.Item["policy"] == nil {
		t.Fatal(err, narrow)
	}
	_, err = client.UpdateItem(t.Context(), &awsdynamodb.UpdateItemInput{
		TableName: &tables.TableNames[registry], Key: key(to), UpdateExpression: aws.String("SET policy = :p"),
		ConditionExpression: aws.String("policy <> :p"), ExpressionAttributeValues: map[string]types.AttributeValue{":p": narrow.Item["policy"]},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A role without permissions makes every route say which one is missing.
func TestMissingPermissionOnEveryConnectorRoute(t *testing.T) {
	t.Parallel()
	all := ofConnectors(t)
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		s.Provider("poor", s.Role("/skuid-assumable-role/", "poor", demosite.Site, ""))
		connect(s, "poor-", "poor", within())
		for _, one := range all {
			s.AWS.ResetCalls()
			refusedByAWS(t, s, one, one.by("poor-").as(s, s.Builder()))
			nothingAllowed(t, s, one)
		}
	})
}

// refusedByAWS checks that AWS refused a request: the answer names the missing action, or says so of each of several things; what
// was signed without asking is refused when it is used. Nothing was written.
func refusedByAWS(t *testing.T, s *deploymenttest.Stack, one sample, answer deploymenttest.Answer) {
	t.Helper()
	type refusal struct {
		Code          string `json:"code"`
		MissingAction string `json:"missing_action"`
	}
	var got struct {
		refusal

		URL    string            `json:"url"` // of a form
		Fields map[string]string `json:"fields"`
		Items  []struct {
			URL     string  `json:"url"`
			Problem refusal `json:"problem"`
		} `json:"items"`
	}
	if err := json.Unmarshal([]byte(answer.Body), &got); err != nil {
		t.Fatalf("%s: %s", one.name, answer.Body)
	}
	names := func(r refusal) bool { return r.Code == "aws_access_denied" && r.MissingAction != "" }
	switch {
	case answer.Status == http.StatusForbidden && names(got.refusal):
	case answer.Status == http.StatusOK && got.URL != "":
		if status := submit(t, s, got.URL, got.Fields); status != http.StatusForbidden {
			t.Errorf("%s: the form is answered %d", one.name, status)
		}
	case answer.Status != http.StatusOK || len(got.Items) == 0:
		t.Errorf("%s: %d %s", one.name, answer.Status, answer.Body)
	}
	for _, item := range got.Items {
		method := http.MethodGet
		if one.writes() {
			method = http.MethodPut
		}
		switch {
		case item.URL == "" && !names(item.Problem):
			t.Errorf("%s: %s", one.name, answer.Body)
		case item.URL != "" && sendSigned(t, s, method, item.URL, "", http.NoBody) != http.StatusForbidden:
			t.Errorf("%s: what was signed isn't refused", one.name)
		}
	}
	if !slices.ContainsFunc(asked(s), func(c localaws.Call) bool { return !c.Allowed }) {
		t.Errorf("%s: AWS refused nothing", one.name)
	}
	for _, c := range asked(s) {
		if c.Allowed && slices.Contains([]string{
			"s3:PutObject", "s3:DeleteObject", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "lambda:InvokeFunction",
		}, c.Action) {
			t.Errorf("%s: AWS carried out %s", one.name, c.Operation)
		}
	}
}

// nothingAllowed checks that AWS allowed nothing at all.
func nothingAllowed(t *testing.T, s *deploymenttest.Stack, one sample) {
	t.Helper()
	for _, c := range asked(s) {
		if c.Allowed {
			t.Errorf("%s: AWS allowed %s", one.name, c.Action)
		}
	}
}

// submit sends a form as a browser would.
func submit(t *testing.T, s *deploymenttest.Stack, url string, fields map[string]string) int {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range fields {
		if err := form.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	file, err := form.CreateFormFile("file", "x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	return sendSigned(t, s, http.MethodPost, url, form.FormDataContentType(), &body)
}

// sendSigned sends what was signed to AWS.
func sendSigned(t *testing.T, s *deploymenttest.Stack, method, url, contentType string, body io.Reader) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	answer, err := s.AWS.Transport().RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // of no use
	return answer.StatusCode
}
