package auditapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/registry"
)

// documented is what the OpenAPI document says of an operation, as far as a client needs it to send the examples.
type documented struct {
	ID         string   `json:"operationId"`
	Tags       []string `json:"tags"`
	Parameters []struct {
		Name   string `json:"name"`
		In     string `json:"in"`
		Schema struct {
			Examples []any `json:"examples"`
		} `json:"schema"`
	} `json:"parameters"`
	RequestBody struct {
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

const (
	exampleID          = unknownID
	exampleFingerprint = "5f0c2d8e6b137b1f4e0a3c524d7e9a41"
)

// Every example of the document is sent as it is, on the day that the examples are of, and gets the status that it is documented
// with; what it gets has the members that the example of the answer has, in every media type that the document names.
func TestExamples(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, time.November, 23, 9, 0, 0, 0, time.UTC)))
		text, err := deployment.OpenAPI()
		if err != nil {
			t.Fatal(err)
		}
		var document struct {
			Paths map[string]map[string]documented `json:"paths"`
		}
		if err := json.Unmarshal(text, &document); err != nil {
			t.Fatal(err)
		}
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		count := 0
		for path, methods := range document.Paths {
			for method, op := range methods {
				if slices.Contains(op.Tags, "audits") {
					count++
					example(t, s, strings.ToUpper(method), path, op)
				}
			}
		}
		if count != 11 {
			t.Errorf("%d operations", count)
		}
	})
}

func example(t *testing.T, s *deploymenttest.Stack, method, path string, op documented) {
	t.Helper()
	f := found("a", audit.High, "demo")
	f.Fingerprint = exampleFingerprint
	f.Evidence.Actions, f.Evidence.Statement = []string{"dynamodb:DeleteTable"}, &audit.Statement{Policy: "tables", Sid: "All"}
	f.Remediation.Commands = []string{"aws iam"}
	r := planted(f)
	r.Identity, r.Account, r.Verification.Trace, r.Verification.Account = "arn", "444455556666", registry.TraceFull, "444455556666"
	id := plant(t, s, demosite.Site, "demo", r)
	query := "?"
	for _, p := range op.Parameters {
		if len(p.Schema.Examples) == 0 {
			if p.In == "path" {
				t.Errorf("%s: %s has no example", op.ID, p.Name)
			}
			continue
		}
		value := fmt.Sprint(p.Schema.Examples[0])
		if value == exampleID {
			value = id
		}
		if p.In == "query" {
			query += p.Name + "=" + value + "&"
		}
		path = strings.ReplaceAll(path, "{"+p.Name+"}", value)
	}
	body := string(op.RequestBody.Content["application/json"].Example)
	if len(op.RequestBody.Content) > 0 && body == "" {
		t.Errorf("%s: the body has no example", op.ID)
	}
	if strings.Contains(path, "/connections/") {
		path = strings.ReplaceAll(path, "/demo/", "/orders/") // the demo's names of connections are another example's
	}
	status, success := successOf(op)
	for media, content := range success {
		header := http.Header{"Accept": {media}}
		if body != "" {
			header.Set("Content-Type", "application/json")
		}
		a := s.Send(method, path+strings.TrimRight(query, "?&"), s.TokenOf(demosite.Site, "grace@example.com", "arngate/admin", "arngate/audit"), strings.NewReader(body), header)
		if op.ID == "open-report-link" { // nobody has made it: documented as link_invalid
			if a.Status != http.StatusNotFound || op.Responses["404"].Content["text/html"].Example != nil || !has(a, "Link invalid") {
				t.Errorf("%s: %d %s", op.ID, a.Status, a.Body)
			}
			continue
		}
		if fmt.Sprint(a.Status) != status || media != "" && !strings.HasPrefix(a.Header.Get("Content-Type"), media) {
			t.Errorf("%s as %s: %d %s %s", op.ID, media, a.Status, a.Header.Get("Content-Type"), a.Body)
			continue
		}
		var shown, answered map[string]any
		if content == nil {
			continue
		}
		if json.Unmarshal(content, &shown) != nil || json.Unmarshal([]byte(a.Body), &answered) != nil {
			t.Fatalf("%s: example %s, answer %s", op.ID, content, a.Body)
		}
		if lacking := missing("", shown, answered); len(lacking) > 0 {
			t.Errorf("%s: the example has %v, which the answer has not: %s", op.ID, lacking, a.Body)
		}
	}
}

// successOf is the documented success with its examples by media type; one of no type where there is no body.
func successOf(op documented) (status string, content map[string]json.RawMessage) {
	for _, status := range []string{"202", "200", "204"} {
		response, ok := op.Responses[status]
		if !ok {
			continue
		}
		content := map[string]json.RawMessage{}
		for media, each := range response.Content {
			content[media] = each.Example
		}
		if len(content) == 0 {
			content[""] = nil
		}
		return status, content
	}
	return "", nil
}

// missing lists the members of the example, by path, that the answer lacks; of lists it compares the first.
func missing(at string, example, answer any) []string {
	var out []string
	switch shown := example.(type) {
	case map[string]any:
		got, _ := answer.(map[string]any)
		for name, value := range shown {
			if _, ok := got[name]; !ok {
				out = append(out, at+"/"+name)
				continue
			}
			out = append(out, missing(at+"/"+name, value, got[name])...)
		}
	case []any:
		if got, _ := answer.([]any); len(shown) > 0 && len(got) > 0 {
			out = append(out, missing(at+"/0", shown[0], got[0])...)
		}
	}
	return out
}
