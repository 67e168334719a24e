package configuration_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/problem"
)

const (
	get    = http.MethodGet
	post   = http.MethodPost
	put    = http.MethodPut
	remove = http.MethodDelete
)

// want fails the test unless the answer has that status and, if code isn't empty, that problem's code.
func want(tb testing.TB, a deploymenttest.Answer, status int, code problem.Code) {
	tb.Helper()
	if a.Status != status || (code != "" && a.Field("code") != string(code)) {
		tb.Errorf("got %d %s, want %d %s", a.Status, a.Body, status, code)
	}
}

// read is the answer's JSON, which must be a success's.
func read[T any](tb testing.TB, a deploymenttest.Answer) T {
	tb.Helper()
	var out T
	if a.Status/100 != 2 {
		tb.Fatalf("got %d %s", a.Status, a.Body)
	}
	if err := json.Unmarshal([]byte(a.Body), &out); err != nil {
		tb.Fatalf("%v in %s", err, a.Body)
	}
	return out
}

// pointers are where the answer's faults are.
func pointers(tb testing.TB, a deploymenttest.Answer) []string {
	tb.Helper()
	var document problem.Document
	if err := json.Unmarshal([]byte(a.Body), &document); err != nil {
		tb.Fatalf("%v in %s", err, a.Body)
	}
	var out []string
	for _, fault := range document.Errors {
		out = append(out, fault.Pointer)
	}
	return out
}

// conditional is a call with If-Match.
func conditional(s *deploymenttest.Stack, method, path, body, ifMatch string) deploymenttest.Answer {
	header := http.Header{"If-Match": {ifMatch}}
	if body != "" {
		header.Set("Content-Type", "application/json")
	}
	return s.Send(method, path, s.Admin(), strings.NewReader(body), header)
}

// tables is the body of a connection to tables through a provider.
func tables(name, provider string, names ...string) string {
	list, _ := json.Marshal(names)
	return fmt.Sprintf(`{"name":%q,"connector":"dynamodb","provider":%q,"region":"eu-central-1","groups":["*"],"tables":%s}`, name, provider, list)
}
