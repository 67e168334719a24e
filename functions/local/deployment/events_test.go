package deployment_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/localgateway/template"
)

// outcomes are what each sample event is answered with on a fresh demo: its status, and a word of the body.
var outcomes = map[string]struct {
	status int
	word   string
}{
	"auditapi-verify-connection":       {200, `"ready"`},
	"auditapi-verify-provider":         {200, `"ready"`},
	"configuration-create-connection":  {201, `"name"`},
	"configuration-create-provider":    {201, `"unverified"`},
	"configuration-delete-connection":  {204, ""},
	"configuration-delete-provider":    {409, "provider_in_use"},
	"configuration-get-connection":     {200, `"connector"`},
	"configuration-get-provider":       {200, `"trust_policy"`},
	"configuration-health":             {200, `"ok"`},
	"configuration-list-connections":   {200, `"items"`},
	"configuration-list-providers":     {200, `"items"`},
	"configuration-me":                 {200, `"connections"`},
	"configuration-openapi":            {200, `"openapi"`},
	"configuration-revoke-credentials": {200, "aws:TokenIssueTime"},
	"configuration-role-kit":           {200, "aws iam create-role"},
	"configuration-rotate-access-key":  {422, "has no access key"},
	"configuration-update-connection":  {200, `"name"`},
	"configuration-update-provider":    {200, `"unverified"`},
	"dynamodb-delete-item":             {200, ""},
	"dynamodb-describe-table":          {200, "by-customer"},
	"dynamodb-get-item":                {200, `"item"`},
	"dynamodb-list-items":              {200, `"items"`},
	"dynamodb-list-tables":             {200, "Orders"},
	"dynamodb-put-item":                {200, ""},
	"dynamodb-query-items":             {200, `"scanned_count":3`},
	"dynamodb-scan-items":              {200, `"items"`},
	"dynamodb-search-items":            {200, `"items"`},
	"dynamodb-update-item":             {200, `"parcels":1`},
	"dynamodb-write-items":             {200, `"failed":0`},
	"lambda-invoke":                    {200, "Hello"},
	"lambda-list-functions":            {200, "hello"},
	"s3-complete-upload":               {404, "object_not_found"},
	"s3-copy-objects":                  {200, `"copied"`},
	"s3-create-downloads":              {200, "x-amz-expected-bucket-owner"},
	"s3-create-upload":                 {200, `"X-Amz-Signature"`},
	"s3-delete-object":                 {204, ""},
	"s3-delete-objects":                {200, `"failed":0`},
	"s3-get-object":                    {200, ""},
	"s3-get-object-acl":                {200, "FULL_CONTROL"},
	"s3-get-object-metadata":           {200, `"content_type"`},
	"s3-list-buckets":                  {200, "demo-files"},
	"s3-list-objects":                  {200, `"folders"`},
	"s3-move-objects":                  {200, `"moved"`},
	"s3-put-object":                    {200, ""},
	"s3-sign-upload-parts":             {200, `"url"`},
}

// Every sample event goes through the handler that the template gives its route, as Lambda would call it.
func TestEventsThroughTheirHandlers(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(deploymenttest.Root(t), "events", "*-*.json"))
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(f string) bool { return filepath.Base(f) == "local-env.json" })
	if len(files) != len(outcomes) {
		t.Errorf("there are %d events, and outcomes for %d", len(files), len(outcomes))
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expected, ok := outcomes[name]
			if !ok {
				t.Fatal("nobody has said what this event is answered with")
			}
			status, body := invoke(t, deploymenttest.Start(t), file)
			if status != expected.status || !strings.Contains(body, expected.word) {
				t.Errorf("got %d %s, want %d with %s", status, body, expected.status, expected.word)
			}
		})
	}
}

// invoke sends the event to the function of its route.
func invoke(t *testing.T, s *deploymenttest.Stack, file string) (status int, body string) {
	t.Helper()
	event, err := os.ReadFile(file) //nolint:gosec // the repository's own file
	if err != nil {
		t.Fatal(err)
	}
	var sent struct {
		RouteKey string `json:"routeKey"`
	}
	if err := json.Unmarshal(event, &sent); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(s.Template.Routes, func(r template.Route) bool { return r.Key() == sent.RouteKey })
	if i < 0 {
		t.Fatalf("the template has no route %s", sent.RouteKey)
	}
	handler, err := s.Instance(t.Context(), s.Template.Routes[i].Function)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := handler.Invoke(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		StatusCode      int    `json:"statusCode"`
		Body            string `json:"body"`
		IsBase64Encoded bool   `json:"isBase64Encoded"`
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatal(err)
	}
	if got.IsBase64Encoded {
		plain, err := base64.StdEncoding.DecodeString(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		got.Body = string(plain)
	}
	return got.StatusCode, got.Body
}
