package deployment_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/secrettest"
)

// documented is an operation of the OpenAPI document, as far as its examples go.
type documented struct {
	OperationID string   `json:"operationId"`
	Scopes      []string `json:"x-scopes"`
	Parameters  []struct {
		Name     string `json:"name"`
		In       string `json:"in"`
		Required bool   `json:"required"`
		Schema   struct {
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
			Example  json.RawMessage            `json:"example"`
			Examples map[string]json.RawMessage `json:"examples"`
		} `json:"content"`
	} `json:"responses"`
}

// problems are the answers, as documented, to examples that are about what the demo site doesn't have: an audit, a finding, an
// upload under way, a provider that nothing uses, or one with access keys.
func problems() map[string]string {
	return map[string]string{
		"get-audit": "404 audit_not_found", "create-report-link": "404 audit_not_found", "open-report-link": "404 link_invalid",
		"get-finding": "404 finding_not_found", "suppress-finding": "404 finding_not_found", "unsuppress-finding": "404 finding_not_found",
		"complete-upload": "404 object_not_found", "delete-provider": "409 provider_in_use", "rotate-access-key": "422 invalid_request",
	}
}

// Every example of the document is sent as it is, and gets the status that is documented; what it gets has the members of the
// example of the answer.
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
	synctest.Test(t, func(t *testing.T) {
		for path, operations := range document.Paths {
			for method, op := range operations {
				s := deploymenttest.InProcess(t, deploymenttest.Options{}) // a fresh demo for each
				op.check(t, op.send(t, s, strings.ToUpper(method), path))
			}
		}
	})
}

// send sends the examples: of the query all that there are, of headers none, since they are conditions on something as it was.
func (d documented) send(t *testing.T, s *deploymenttest.Stack, method, path string) deploymenttest.Answer {
	t.Helper()
	query := url.Values{}
	for _, p := range d.Parameters {
		if len(p.Schema.Examples) == 0 {
			if p.Required {
				t.Errorf("%s: %s %s has no example", d.OperationID, p.In, p.Name)
			}
			continue
		}
		values, repeated := p.Schema.Examples[0].([]any)
		if !repeated {
			values = p.Schema.Examples[:1]
		}
		for _, value := range values {
			switch p.In {
			case "path":
				path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(fmt.Sprint(value)))
			case "query":
				query.Add(p.Name, fmt.Sprint(value))
			}
		}
	}
	header, body := http.Header{}, ""
	if d.RequestBody != nil {
		for media, content := range d.RequestBody.Content {
			body = strings.ReplaceAll(string(content.Example), "(the secret access key)", secrettest.Plant(secrettest.SecretKey, "of-the-example"))
			header.Set("Content-Type", media)
			var plain string
			if media != "application/json" && json.Unmarshal(content.Example, &plain) == nil {
				header.Set("Content-Type", "text/plain")
				body = plain
			}
		}
		if body == "" {
			t.Errorf("%s: the body has no example", d.OperationID)
		}
	}
	return s.Send(method, path+"?"+query.Encode(), s.TokenOf(demosite.Site, demosite.User, d.Scopes...), strings.NewReader(body), header)
}

func (d documented) check(t *testing.T, answer deploymenttest.Answer) {
	t.Helper()
	if problem, ok := problems()[d.OperationID]; ok {
		status, code, _ := strings.Cut(problem, " ")
		if d.Responses[status].Content["application/problem+json"].Examples[code] == nil {
			t.Errorf("%s documents no %s", d.OperationID, problem)
		}
		if got := strconv.Itoa(answer.Status) + " " + answer.Field("code"); got != problem {
			t.Errorf("%s: got %s %s, want %s", d.OperationID, got, answer.Body, problem)
		}
		return
	}
	success := strconv.Itoa(answer.Status)
	response, ok := d.Responses[success]
	if !ok || answer.Status/100 != 2 {
		t.Errorf("%s: got %d %s, documented are %v", d.OperationID, answer.Status, answer.Body, slices.Sorted(maps.Keys(d.Responses)))
		return
	}
	media, _, _ := strings.Cut(answer.Header.Get("Content-Type"), ";")
	shown := response.Content[media].Example
	if media != "application/json" || len(shown) == 0 {
		return
	}
	got := members(t, []byte(answer.Body))
	for _, name := range members(t, shown) {
		if name != "next_cursor" && !slices.Contains(got, name) {
			t.Errorf("%s: the document shows %s, which the answer has not: %s", d.OperationID, name, answer.Body)
		}
	}
}

// members are the names of an object's members.
func members(t *testing.T, raw []byte) []string {
	t.Helper()
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return slices.Sorted(maps.Keys(object))
}
