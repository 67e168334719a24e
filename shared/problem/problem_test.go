package problem_test

import (
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/problem"
)

// The table of api.md, "Problems".
var documented = map[problem.Code]int{
	"invalid_json": 400, "invalid_request": 422, "unsupported_media_type": 415, "caller_missing": 401, "user_reserved": 403,
	"scope_missing": 403, "connection_not_found": 404, "provider_not_found": 404, "audit_not_found": 404, "finding_not_found": 404,
	"rate_limited": 429, "connection_forbids": 403, "provider_awaiting_role": 424, "provider_unverified": 424,
	"provider_unsafe": 424, "provider_unusable": 424, "role_arn_invalid": 422, "name_taken": 409, "provider_in_use": 409,
	"aws_access_denied": 403, "table_not_found": 404, "bucket_not_found": 404, "object_not_found": 404, "function_not_found": 404,
	"condition_failed": 412, "aws_rejected": 422, "outcome_unknown": 504, "aws_throttled": 429, "aws_unavailable": 502,
	"deadline_exceeded": 504, "function_failed": 424, "internal": 500,
	// Named elsewhere in api.md.
	"cursor_invalid": 400, "etag_mismatch": 412, "payload_too_large": 413, "connection_too_broad": 422, "order_unsupported": 422,
	// What answers of other media types, audits that have no report, and links to reports need besides.
	"not_acceptable": 406, "audit_unfinished": 409, "audit_failed": 409, "link_invalid": 404, "link_expired": 410,
}

func TestTable(t *testing.T) {
	got := map[problem.Code]int{}
	for _, code := range problem.Codes() {
		kind := problem.Lookup(code)
		got[code] = kind.Status
		if kind.Title == "" {
			t.Errorf("%s has no title", code)
		}
		if p := problem.New(code, "d"); p.Retryable != kind.Retryable || p.Status() != kind.Status {
			t.Errorf("New(%s) = retryable %v, status %d", code, p.Retryable, p.Status())
		}
	}
	if diff := cmp.Diff(documented, got); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
}

// Every constant has its row: one without would silently be internal.
func TestEveryConstantIsInTheTable(t *testing.T) {
	source, err := os.ReadFile("codes.go")
	if err != nil {
		t.Fatal(err)
	}
	constants := regexp.MustCompile(`(?m)^\t\w+ +Code = "(\w+)"`).FindAllSubmatch(source, -1)
	if got, want := len(constants), len(problem.Codes()); got != want {
		t.Errorf("%d constants, %d rows", got, want)
	}
	for _, c := range constants {
		if _, ok := documented[problem.Code(c[1])]; !ok {
			t.Errorf("%s isn't in the table", c[1])
		}
	}
}

func TestUnknownCodeIsInternal(t *testing.T) {
	d := problem.New("made_up", "x").Document("r")
	if d.Code != problem.Internal || d.Status != 500 {
		t.Errorf("document = %+v, want internal", d)
	}
}

func TestDocument(t *testing.T) {
	p := problem.Wrap(problem.FunctionFailed, "It failed.", errors.New("the secret cause")).WithHint("Look at the log.")
	p.Function = &problem.FunctionFailure{ErrorType: "E", ErrorMessage: "m", StackTrace: []string{"a"}, LogTail: "END"}
	p.AWS = &problem.AWS{Service: "lambda", Operation: "Invoke", Code: "", Status: 200, RequestID: "q"}
	got, err := json.Marshal(p.Document("r-1"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"type":"urn:arngate:problem:function_failed","title":"The function failed","status":424,"detail":"It failed.",` +
		`"code":"function_failed","request_id":"r-1","retryable":false,"hint":"Look at the log.",` +
		`"aws":{"service":"lambda","operation":"Invoke","code":"","status":200,"request_id":"q"},` +
		`"error_type":"E","error_message":"m","stack_trace":["a"],"log_tail":"END"}`
	if string(got) != want {
		t.Errorf("document = %s\nwant       %s", got, want)
	}
	if strings.Contains(string(got), "secret") {
		t.Error("the cause is sent")
	}
	if got := p.Error(); !strings.Contains(got, "the secret cause") {
		t.Errorf("Error() = %q, want the cause for the log", got)
	}
}

func TestConnectionsAndFaults(t *testing.T) {
	p := problem.New(problem.ProviderInUse, "In use.")
	p.Connections = []string{"orders", "files"}
	if diff := cmp.Diff([]string{"orders", "files"}, p.Document("").Connections); diff != "" {
		t.Error(diff)
	}
	var faults []problem.Fault
	for i := range 3 {
		faults = append(faults, problem.Fault{Pointer: "/" + strconv.Itoa(i), Message: "m"})
	}
	if diff := cmp.Diff(faults, problem.Invalid(faults...).Document("").Errors); diff != "" {
		t.Error(diff)
	}
}
