package deployment_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/localgateway/template"
)

// What pages of another origin may send and read without being told so (Fetch Standard, "CORS-safelisted request-header" and
// "CORS-safelisted response-header name").
var (
	safeToSend = []string{"accept", "content-language", "content-type"}
	safeToRead = []string{"cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma"}
	// forBrowsers are headers that browsers act on: no page has to read them.
	forBrowsers = []string{
		"content-security-policy", "cross-origin-opener-policy", "cross-origin-resource-policy", "referrer-policy", "x-frame-options", "x-robots-tag",
	}
)

// Every header that an operation documents can be sent, and read, by a page of an origin that is let in.
func TestCORSKnowsEveryHeader(t *testing.T) {
	declared, err := template.Load(deploymenttest.TemplatePath(t), template.Inputs{
		Account: deployment.Account, Region: deployment.Region, StackName: deployment.StackName,
		Parameters: map[string]string{"JwtIssuer": "https://id.example", "JwtAudience": "arngate", "CorsOrigins": "https://app.example"},
	})
	if err != nil {
		t.Fatal(err)
	}
	cors := declared.APIs[0].CORS
	raw, err := deployment.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Name string `json:"name"`
				In   string `json:"in"`
			} `json:"parameters"`
			Responses map[string]struct {
				Headers map[string]struct{} `json:"headers"`
			} `json:"responses"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	for path, operations := range document.Paths {
		for method, operation := range operations {
			for _, p := range operation.Parameters {
				if name := strings.ToLower(p.Name); p.In == "header" && !slices.Contains(safeToSend, name) && !slices.Contains(cors.AllowHeaders, name) {
					t.Errorf("%s %s: pages can't send %s", method, path, name)
				}
			}
			for _, response := range operation.Responses {
				for name := range response.Headers {
					if name = strings.ToLower(name); !slices.Contains(slices.Concat(safeToRead, forBrowsers), name) && !slices.Contains(cors.ExposeHeaders, name) {
						t.Errorf("%s %s: pages can't read %s", method, path, name)
					}
				}
			}
		}
	}
}

// Who verifies a connection to S3 is told whether pages can use its buckets.
func TestVerifyTellsOfPages(t *testing.T) {
	s := deploymenttest.Start(t)
	for connection, told := range map[string]bool{"files": true, "orders": false} {
		answer := s.Call(http.MethodPost, "/v1/connections/"+connection+"/verify", s.Admin(), "")
		want(t, answer, http.StatusOK, `"name":"connection_credentials","verdict":"passed"`)
		if got := strings.Contains(answer.Body, `"name":"browser_transfers","verdict":"skipped"`); got != told { // no origin is let in here
			t.Errorf("%s: %s", connection, answer.Body)
		}
	}
}
