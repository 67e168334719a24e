package dynamodb_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
)

func (b *bench) writes(t *testing.T, body string) answer {
	t.Helper()
	return b.do(t, request{method: http.MethodPost, path: "orders/writes", body: body})
}

// results is what several writes are answered with.
type results struct {
	Failed  int `json:"failed"`
	Results []struct {
		Status     int               `json:"status"`
		Attributes json.RawMessage   `json:"attributes"`
		Omitted    bool              `json:"omitted"`
		Problem    *problem.Document `json:"problem"`
	} `json:"results"`
}

func (a answer) results(t *testing.T) results {
	t.Helper()
	if a.Status != http.StatusOK {
		t.Fatalf("answer %d %s", a.Status, a.Body)
	}
	var r results
	if err := json.Unmarshal([]byte(a.Body), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// spell is the outcome of each write: its status, and its problem's code.
func (r results) spell() string {
	var words []string
	for _, one := range r.Results {
		word := fmt.Sprint(one.Status)
		if one.Problem != nil {
			word += " " + string(one.Problem.Code)
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

const (
	putNew    = `{"put":{"table":"Orders","item":{"id":"n-1","v":1},"if":{"field":"id","op":"not_exists"}}}`
	addTotal  = `{"update":{"table":"Orders","key":{"id":"o-01"},"add":{"total":5}}}`
	deleteOne = `{"delete":{"table":"Orders","key":{"id":"o-02"},"condition":{"expression":"#t = :t","names":{"#t":"total"},"values":{":t":20}}}}`
)

func TestAtomicWrites(t *testing.T) {
	b := newBench(t)
	b.writes(t, `{"atomic":true,"writes":[`+putNew+`,`+addTotal+`,`+deleteOne+`]}`).wantBody(t, `{"failed":0,"results":[{"status":200},{"status":200},{"status":200}]}`)
	if got := b.calls(); got != "TransactWriteItems" {
		t.Errorf("calls %s", got)
	}
	b.wantItem(t, "n-1", `{"id":"n-1","v":1}`)
	b.wantItem(t, "o-01", `{"customer":"c-1","id":"o-01","placed":"2026-01-27","total":15}`)
	b.wantItem(t, "o-02", `null`)
}

func TestTrap31ReasonsAreInTheOrderOfTheWrites(t *testing.T) {
	b := newBench(t)
	b.put(t, `{"id":"n-1","v":7}`)
	d := b.writes(t, `{"atomic":true,"writes":[`+addTotal+`,`+putNew+`,{"update":{"table":"Orders","key":{"id":"none"},"set":{"a":1}}},`+deleteOne+`]}`).
		wantProblem(t, problem.ConditionFailed)
	var got []string
	for _, r := range d.Reasons {
		got = append(got, r.Code+" "+string(r.Item)+r.Message)
	}
	want := []string{"None ", `ConditionalCheckFailed {"id":"n-1","v":7}The conditional request failed`, "ConditionalCheckFailed There is no item with that key.", "None "}
	if fmt.Sprint(got) != fmt.Sprint(want) || d.Retryable || d.AWS == nil || d.AWS.Code != "TransactionCanceledException" {
		t.Errorf("reasons %q, want %q; problem %+v", got, want, d)
	}
	b.wantItem(t, "o-01", `{"customer":"c-1","id":"o-01","placed":"2026-01-27","total":10}`)
	// What can never be written decides over a condition that did not hold.
	d = b.writes(t, `{"atomic":true,"writes":[`+putNew+`,{"update":{"table":"Orders","key":{"id":"o-03"},"add":{"customer":1}}}]}`).wantProblem(t, problem.AWSRejected)
	if len(d.Reasons) != 2 || d.Reasons[1].Code != "ValidationError" || d.Reasons[1].Message == "" {
		t.Errorf("reasons %+v", d.Reasons)
	}
	// Two writes of one item.
	b.writes(t, `{"atomic":true,"writes":[`+addTotal+`,`+addTotal+`]}`).wantProblem(t, problem.AWSRejected)
}

func TestTrap33aATransactionIsRepeatedUnderItsToken(t *testing.T) {
	b := newBench(t)
	b.local.Inject(localaws.Fault{Service: "dynamodb", Operation: "TransactWriteItems", Count: 2, Cut: true})
	b.writes(t, `{"atomic":true,"writes":[`+addTotal+`]}`).results(t)
	if got := b.calls(); got != "TransactWriteItems TransactWriteItems TransactWriteItems" {
		t.Errorf("calls %s", got)
	}
	b.wantItem(t, "o-01", `{"customer":"c-1","id":"o-01","placed":"2026-01-27","total":15}`)
}

func TestTrap33aALostTransaction(t *testing.T) {
	b := newBench(t)
	b.local.Inject(localaws.Fault{Service: "dynamodb", Operation: "TransactWriteItems", Count: 3, Cut: true})
	d := b.writes(t, `{"atomic":true,"writes":[`+addTotal+`]}`).wantProblem(t, problem.OutcomeUnknown)
	if d.Retryable {
		t.Error("without a token of the caller's, a lost transaction is called retryable")
	}
	mine := `{"atomic":true,"token":"t-1","writes":[` + addTotal + `]}`
	b.local.Inject(localaws.Fault{Service: "dynamodb", Operation: "TransactWriteItems", Count: 3, Cut: true})
	if d := b.writes(t, mine).wantProblem(t, problem.AWSUnavailable); !d.Retryable {
		t.Error("with a token, it isn't")
	}
	for range 2 {
		b.writes(t, mine).results(t)
	}
	b.wantItem(t, "o-01", `{"customer":"c-1","id":"o-01","placed":"2026-01-27","total":20}`) // once each
	other := strings.Replace(mine, `"total":5`, `"total":6`, 1)
	if d := b.writes(t, other).wantProblem(t, problem.AWSRejected); d.AWS.Code != "IdempotentParameterMismatchException" {
		t.Errorf("problem %+v", d)
	}
	// A token is its user's and connection's own.
	b.connect("again", func(l *permissions.Limits) { l.Tables = []string{"*"} })
	b.do(t, request{method: http.MethodPost, path: "orders/writes", body: mine, user: "eve"}).results(t)
	b.do(t, request{method: http.MethodPost, path: "again/writes", body: mine}).results(t)
	b.wantItem(t, "o-01", `{"customer":"c-1","id":"o-01","placed":"2026-01-27","total":30}`)
}

func TestWritesOnTheirOwn(t *testing.T) {
	b := newBench(t)
	b.put(t, `{"id":"n-1","v":7}`)
	r := b.writes(t, `{"writes":[`+putNew+`,
		{"update":{"table":"Orders","key":{"id":"o-01"},"add":{"total":5},"return":"updated_new"}},
		{"update":{"table":"Orders","key":{"id":"none"},"set":{"a":1}}},
		{"put":{"table":"Orders","item":{"v":1}}},
		{"delete":{"table":"Orders","key":{"id":"o-02"},"return":"old"}},
		{"delete":{"table":"Nothing","key":{"id":"o-02"}}}]}`).results(t)
	if got, want := r.spell(), "412 condition_failed, 200, 412 condition_failed, 422 aws_rejected, 200, 404 table_not_found"; got != want || r.Failed != 4 {
		t.Errorf("%d failed: %s; want %s", r.Failed, got, want)
	}
	if got := string(r.Results[0].Problem.Item); got != `{"id":"n-1","v":7}` {
		t.Errorf("item %s", got)
	}
	if got := string(r.Results[1].Attributes) + string(r.Results[4].Attributes); got != `{"total":15}{"customer":"c-2","id":"o-02","placed":"2026-01-26","total":20}` {
		t.Errorf("attributes %s", got)
	}
	if r.Results[2].Problem.Hint == "" {
		t.Error("nothing says how an item is created")
	}
}

func TestTrap33aOneOfManyWritesIsLost(t *testing.T) {
	b := newBench(t)
	b.local.Inject(localaws.Fault{Service: "dynamodb", Operation: "UpdateItem", Count: 1, Cut: true})
	var writes []string
	for i := range 12 {
		writes = append(writes, fmt.Sprintf(`{"update":{"table":"Orders","key":{"id":"o-%02d"},"add":{"seen":1}}}`, i))
	}
	r := b.writes(t, `{"writes":[`+strings.Join(writes, ",")+`]}`).results(t)
	if got := r.spell(); strings.Count(got, "200") != 11 || strings.Count(got, "504 outcome_unknown") != 1 || r.Failed != 1 {
		t.Errorf("%d failed: %s", r.Failed, got)
	}
	p := b.search(t, `{"where":{"field":"seen","op":"=","value":1},"count":true}`).page(t)
	if p.Count == nil || *p.Count != 12 {
		t.Errorf("%v were written once", p.Count)
	}
}

func TestWritesThatNoTimeIsLeftForAreNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.local.Inject(localaws.Fault{Service: "dynamodb", Operation: "PutItem", Delay: 20 * time.Second})
		var writes []string
		for i := range 20 {
			writes = append(writes, fmt.Sprintf(`{"put":{"table":"Orders","item":{"id":"t-%02d"}}}`, i))
		}
		b.limit = 15 * time.Second
		r := b.writes(t, `{"writes":[`+strings.Join(writes, ",")+`]}`).results(t)
		got := r.spell()
		if strings.Count(got, "504 outcome_unknown") != 8 || strings.Count(got, "504 deadline_exceeded") != 12 || r.Failed != 20 {
			t.Errorf("%d failed: %s", r.Failed, got)
		}
		if r.Results[0].Problem.Retryable || !r.Results[19].Problem.Retryable {
			t.Error("what was sent is not retryable, what was not is")
		}
	})
}

func TestNothingIsSentUnlessAllWritesAreRight(t *testing.T) {
	b := newBench(t)
	b.connect("reader", func(l *permissions.Limits) { l.Tables, l.ReadOnly = []string{"*"}, true })
	b.connect("one", func(l *permissions.Limits) { l.Tables = []string{"Orders"} })
	many := `{"writes":[` + strings.Repeat(addTotal+",", 100) + addTotal + `]}`
	other := strings.ReplaceAll(addTotal, "Orders", "Users")
	arn := strings.ReplaceAll(addTotal, "Orders", "arn:aws:dynamodb:us-east-1:444455556666:table/Orders")
	for name, tc := range map[string]struct {
		connection, body string
		code             problem.Code
		pointers         []string
	}{
		"none":                  {"orders", `{"writes":[]}`, problem.InvalidRequest, []string{"/writes"}},
		"too many":              {"orders", many, problem.InvalidRequest, []string{"/writes"}},
		"two at once, none":     {"orders", `{"writes":[{"put":{"table":"Orders","item":{}},"delete":{"table":"Orders","key":{"id":"x"}}},{}]}`, problem.InvalidRequest, []string{"/writes/0", "/writes/1"}},
		"faults of each":        {"orders", `{"writes":[` + addTotal + `,{"put":{"table":"Orders","item":{"id":{"$set":[]}},"if":{"field":"a","op":"?"}}},{"update":{"table":"Orders","key":7}},{"delete":{"table":"Orders","key":{"id":"x"},"condition":{"expression":"(a"}}}]}`, problem.InvalidRequest, []string{"/writes/1/put/item/id/$set", "/writes/1/put/if/op", "/writes/2/update/key", "/writes/2/update", "/writes/3/delete/condition/expression"}},
		"a form":                {"orders", `{"writes":[{"put":{"table":"Orders"}},{"update":{"table":"Orders","key":{"id":"x"},"return":"all"}}],"token":""}`, problem.InvalidRequest, []string{"/writes/0/put/item", "/writes/1/update/return", "/token"}},
		"a token without":       {"orders", `{"token":"x","writes":[` + addTotal + `]}`, problem.InvalidRequest, []string{"/token"}},
		"return in one":         {"orders", `{"atomic":true,"writes":[` + strings.Replace(addTotal, `"add"`, `"return":"new","add"`, 1) + `]}`, problem.InvalidRequest, []string{"/writes/0/update/return"}},
		"read-only":             {"reader", `{"writes":[` + addTotal + `]}`, problem.ConnectionForbids, []string{"/writes/0/update/table"}},
		"a table":               {"one", `{"writes":[` + addTotal + `,` + other + `]}`, problem.ConnectionForbids, []string{"/writes/1/update/table"}},
		"a table, atomic":       {"one", `{"atomic":true,"writes":[` + addTotal + `,` + other + `,` + putNew + `,` + other + `]}`, problem.ConnectionForbids, []string{"/writes/1/update/table", "/writes/3/update/table"}},
		"trap 21: an ARN":       {"orders", `{"writes":[` + arn + `]}`, problem.ConnectionForbids, []string{"/writes/0/update/table"}},
		"an unknown connection": {"nothing", `{"writes":[` + addTotal + `]}`, problem.ConnectionNotFound, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b.do(t, request{method: http.MethodPost, path: tc.connection + "/writes", body: tc.body}).wantProblem(t, tc.code, tc.pointers...)
		})
	}
	b.do(t, request{method: http.MethodPost, path: "orders/writes", body: `{"writes":[` + addTotal + `]}`, site: otherSite}).wantProblem(t, problem.ConnectionNotFound)
	if got := b.calls(); got != "" {
		t.Errorf("AWS was called: %s", got)
	}
}

func TestAnAnswerToWritesIsNeverTooLarge(t *testing.T) {
	b := newBench(t)
	var deletions, puts []string
	for i := range 12 {
		id := fmt.Sprintf("big-%02d", i)
		b.put(t, fmt.Sprintf(`{"id":%q,"text":%q}`, id, strings.Repeat("x", 380_000)))
		deletions = append(deletions, fmt.Sprintf(`{"delete":{"table":"Orders","key":{"id":%q},"return":"old"}}`, id))
		puts = append(puts, fmt.Sprintf(`{"put":{"table":"Orders","item":{"id":%q},"if":{"field":"id","op":"not_exists"}}}`, id))
	}
	d := b.writes(t, `{"atomic":true,"writes":[`+strings.Join(puts, ",")+`]}`).wantProblem(t, problem.ConditionFailed)
	if len(d.Reasons) != 12 || d.Reasons[8].Item == nil || d.Reasons[9].Item != nil {
		t.Errorf("%d reasons", len(d.Reasons))
	}
	r := b.writes(t, `{"writes":[`+strings.Join(deletions, ",")+`]}`).results(t)
	omitted := 0
	for _, one := range r.Results {
		if one.Omitted {
			omitted++
		}
		if one.Omitted != (one.Attributes == nil) {
			t.Errorf("omitted %t with %d bytes", one.Omitted, len(one.Attributes))
		}
	}
	if r.Failed != 0 || omitted != 3 {
		t.Errorf("%d failed, %d omitted", r.Failed, omitted)
	}
}
