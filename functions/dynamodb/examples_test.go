package dynamodb_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
)

// documented is an operation of the OpenAPI document, as far as its answers go.
type documented struct {
	Responses map[string]json.RawMessage `json:"responses"`
}

// Every problem that can be documented for a route is, under the status it has.
func TestEveryRouteDocumentsItsProblems(t *testing.T) {
	s := deploymenttest.Start(t)
	raw := s.Call(http.MethodGet, "/v1/openapi.json", "", "").Body
	var document struct {
		Paths map[string]map[string]documented `json:"paths"`
	}
	if err := json.Unmarshal([]byte(raw), &document); err != nil {
		t.Fatal(err)
	}
	for path, operations := range document.Paths {
		for method, operation := range operations {
			for _, status := range []string{"403", "404", "422", "429", "500", "502", "504"} {
				if _, ok := operation.Responses[status]; !ok && strings.HasPrefix(path, "/v1/dynamodb/") {
					t.Errorf("%s %s documents no %s", method, path, status)
				}
			}
		}
	}
}
