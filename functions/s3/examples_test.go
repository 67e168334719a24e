package s3_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

// documented is what the OpenAPI document says of an operation, as far as a client needs it to send the examples.
type documented struct {
	Parameters []struct {
		Name     string `json:"name"`
		In       string `json:"in"`
		Required bool   `json:"required"`
		Schema   struct {
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

// TestExamples: every example of the document is sent as it is, and gets the status that it is documented with; what it gets has
// the members that the example of the answer has.
func TestExamples(t *testing.T) {
	b := newBench(t)
	text, err := b.api.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]documented `json:"paths"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	count := 0
	for path, methods := range document.Paths {
		for method, op := range methods {
			count++
			t.Run(method+" "+path, func(t *testing.T) {
				b := newBench(t)
				b.demo(t)
				b.example(t, strings.ToUpper(method), path, op)
			})
		}
	}
	if count != 14 {
		t.Errorf("%d operations", count)
	}
}

// demo has what the examples are about.
func (b *bench) demo(t *testing.T) {
	t.Helper()
	for _, key := range []string{"readme.txt", "notes/a.txt", "notes/b.txt", "reports/2026/q1.csv", "reports/2026/q2.csv"} {
		b.store(t, key, "x", func(in *awss3.PutObjectInput) {
			in.ContentType, in.Metadata = new("text/csv"), map[string]string{"author": "Ada"}
		})
	}
}

func (b *bench) example(t *testing.T, method, path string, op documented) {
	t.Helper()
	r := request{method: method, path: strings.TrimPrefix(path, "/v1/s3/"), headers: map[string]string{}}
	for _, p := range op.Parameters {
		if len(p.Schema.Examples) == 0 || p.In == "header" { // headers are conditions on an object as it was
			if p.Required {
				t.Errorf("%s %s is required and has no example", p.In, p.Name)
			}
			continue
		}
		value := fmt.Sprint(p.Schema.Examples[0])
		switch p.In {
		case "path":
			r.path = strings.ReplaceAll(r.path, "{"+p.Name+"}", value)
		case "query":
			r.query = append(r.query, p.Name, value)
		}
	}
	for media, content := range op.RequestBody.Content {
		r.body = content.Example
		var plain string
		if media != "application/json" && json.Unmarshal(content.Example, &plain) == nil {
			r.body = []byte(plain)
		}
		if len(r.body) == 0 {
			t.Error("the body has no example")
		}
	}
	got := b.do(t, r)
	if strings.HasSuffix(path, "/complete") { // of an upload that nobody began: documented as object_not_found
		if got.Status != http.StatusNotFound || op.Responses["404"].Content == nil {
			t.Errorf("answer %d %s", got.Status, got.Body)
		}
		return
	}
	response, ok := op.Responses["200"]
	if !ok {
		if _, ok := op.Responses["204"]; !ok || got.Status != http.StatusNoContent {
			t.Errorf("answer %d %s", got.Status, got.Body)
		}
		return
	}
	if got.Status != http.StatusOK {
		t.Fatalf("answer %d %s", got.Status, got.Body)
	}
	want := response.Content["application/json"].Example
	if len(want) == 0 {
		return // bytes
	}
	var example, answer map[string]any
	if json.Unmarshal(want, &example) != nil || json.Unmarshal([]byte(got.Body), &answer) != nil {
		t.Fatalf("example %s, answer %s", want, got.Body)
	}
	if diff := missing(example, answer); len(diff) > 0 {
		t.Errorf("the example has %v, which the answer has not: %s", diff, got.Body)
	}
}

func missing(example, answer map[string]any) []string {
	var out []string
	for name := range example {
		if _, ok := answer[name]; !ok {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
