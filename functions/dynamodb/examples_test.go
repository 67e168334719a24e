package dynamodb_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
)

// documented is an operation of the OpenAPI document, as far as an example of it goes.
type documented struct {
	OperationID string `json:"operationId"`
	Parameters  []struct {
		Name   string `json:"name"`
		In     string `json:"in"`
		Schema struct {
			Examples []any `json:"examples"`
		} `json:"schema"`
	} `json:"parameters"`
	RequestBody *struct {
		Content map[string]struct {
			Example json.RawMessage `json:"example"`
		} `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Content map[string]struct {
			Example json.RawMessage `json:"example"`
		} `json:"content"`
	} `json:"responses"`
}

// success is the documented status of success.
func (d documented) success() string {
	for status := range d.Responses {
		if strings.HasPrefix(status, "2") {
			return status
		}
	}
	return ""
}

// TestEveryExampleOfTheDocument sends what the OpenAPI document shows to the demo site.
func TestEveryExampleOfTheDocument(t *testing.T) {
	t.Parallel()
	raw, err := deployment.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]documented `json:"paths"`
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	sent := 0
	for path, operations := range document.Paths {
		if !strings.HasPrefix(path, "/v1/dynamodb/") {
			continue
		}
		for method, operation := range operations {
			sent++
			t.Run(operation.OperationID, func(t *testing.T) {
				t.Parallel()
				s := deploymenttest.Start(t)
				body := ""
				if operation.RequestBody != nil {
					body = string(operation.RequestBody.Content["application/json"].Example)
				}
				a := s.Call(strings.ToUpper(method), operation.address(t, path), s.Builder(), body)
				if fmt.Sprint(a.Status) != operation.success() {
					t.Fatalf("answer %d %s, documented is %s", a.Status, a.Body, operation.success())
				}
				shown := operation.Responses[operation.success()].Content["application/json"].Example
				if got, want := members(t, []byte(a.Body)), members(t, shown); !subset(want, got) {
					t.Errorf("the answer has %v; the document shows %v", got, want)
				}
			})
		}
	}
	if sent != 11 {
		t.Errorf("%d operations", sent)
	}
}

// address puts the examples of parameters into the path. Of those in the query only what must be there is sent.
func (d documented) address(t *testing.T, path string) string {
	t.Helper()
	query := url.Values{}
	for _, p := range d.Parameters {
		if len(p.Schema.Examples) == 0 {
			continue
		}
		switch example := fmt.Sprint(p.Schema.Examples[0]); p.In {
		case "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", example)
		case "query":
			query.Set(p.Name, example)
		}
	}
	if strings.Contains(path, "{") {
		t.Fatalf("no example for a parameter of %s", path)
	}
	return path + "?" + query.Encode()
}

// members are the names of an object's members.
func members(t *testing.T, raw []byte) []string {
	t.Helper()
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	var names []string
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// subset says whether all of some, but for cursors, are among all.
func subset(some, all []string) bool {
	return !slices.ContainsFunc(some, func(name string) bool { return name != "next_cursor" && !slices.Contains(all, name) })
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
