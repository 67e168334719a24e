package dynamodb_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/functions/dynamodb/value"
	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/problem"
)

// These are tasks as a client of the API does them, against the whole deployment.

// client is a builder of the demo site.
type client struct {
	stack *deploymenttest.Stack
	token string
}

func newClient(t *testing.T) client {
	t.Helper()
	s := deploymenttest.Start(t)
	return client{stack: s, token: s.Builder()}
}

// send calls a route of the demo's connection. It may be called from any goroutine.
func (c client) send(method, path, body string) answer {
	return call(c.stack, demosite.OrdersName, c.token, route{method: method, path: path, body: body})
}

// decode reads an answer's body. It may be called from any goroutine: what doesn't decode is left empty.
func decode[T any](a answer) T {
	var v T
	_ = json.Unmarshal([]byte(a.Body), &v) // what a test then misses, it says
	return v
}

// lose makes answers to updates of the demo's table get lost: of every so many calls one is carried out and not answered, and one
// is not carried out.
func (c client) lose(operation string, every int64) {
	var n atomic.Int64
	ofTheTable := func(call localaws.Call) bool { return strings.HasSuffix(call.Resource, "table/"+demosite.Table) }
	c.stack.AWS.Inject(localaws.Fault{Service: "dynamodb", Operation: operation, Cut: true, Match: func(call localaws.Call) bool {
		return ofTheTable(call) && n.Add(1)%every == 0
	}})
	c.stack.AWS.Inject(localaws.Fault{Service: "dynamodb", Operation: operation, Cut: true, Code: "lost", Match: func(call localaws.Call) bool {
		return ofTheTable(call) && n.Load()%every == every/2
	}})
}

func (c client) number(t *testing.T, id, field string) int {
	t.Helper()
	c.stack.AWS.ClearFaults()
	got := decode[struct{ Item map[string]any }](c.send(http.MethodGet, itemPath(id), ""))
	n, ok := got.Item[field].(float64)
	if !ok {
		t.Fatalf("%s of %s is %v", field, id, got.Item[field])
	}
	return int(n)
}

// parallel runs do n times, several at once.
func parallel(n int, do func(i int)) {
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := worker; i < n; i += 8 {
				do(i)
			}
		})
	}
	group.Wait()
}

// trap 33a: what is counted is what was claimed, and in between only what nobody claimed to know.
func TestTaskCountersUnderConcurrency(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	const n = 120
	c.lose("UpdateItem", 10)
	var done, unknown, other atomic.Int64
	parallel(n, func(int) {
		switch a := c.send(http.MethodPatch, itemPath("o-001"), `{"add":{"hits":1}}`); {
		case a.Status == http.StatusOK:
			done.Add(1)
		case strings.Contains(a.Body, string(problem.OutcomeUnknown)):
			unknown.Add(1)
		default:
			other.Add(1)
		}
	})
	hits := c.number(t, "o-001", "hits")
	if hits < int(done.Load()) || hits > int(done.Load()+unknown.Load()) || unknown.Load() == 0 || other.Load() > 0 {
		t.Errorf("%d hits; %d are known to be counted, %d unknown, %d failed otherwise", hits, done.Load(), unknown.Load(), other.Load())
	}
}

// A client that gives each increment a name can send it until it knows: a condition keeps it from counting twice, and the item
// that comes with a condition that failed tells that it had been counted.
func TestTaskCountersReconciled(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	const n = 120
	c.lose("UpdateItem", 7)
	var counted, unknown, refused atomic.Int64
	parallel(n, func(i int) {
		body := fmt.Sprintf(`{"add":{"hits":1,"counted":{"$set":["n-%d"]}},"if":{"field":"counted","op":"not_contains","value":"n-%d"}}`, i, i)
		for {
			a := c.send(http.MethodPatch, itemPath("o-002"), body)
			switch {
			case a.Status == http.StatusOK:
				counted.Add(1)
				return
			case a.Status == http.StatusPreconditionFailed && strings.Contains(a.Body, fmt.Sprintf(`"n-%d"`, i)):
				counted.Add(1)
				refused.Add(1)
				return
			case !strings.Contains(a.Body, string(problem.OutcomeUnknown)):
				t.Errorf("answer %d %s", a.Status, a.Body)
				return
			}
			unknown.Add(1)
		}
	})
	if hits := c.number(t, "o-002", "hits"); hits != n || counted.Load() != n || unknown.Load() == 0 || refused.Load() == 0 {
		t.Errorf("%d hits, want %d; %d answers were lost, %d increments found done", hits, n, unknown.Load(), refused.Load())
	}
}

// Transactions under a token of the client's are sent until they are answered, and counted once.
func TestTaskCountersByTransaction(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	const n = 60
	var cuts atomic.Int64
	c.stack.AWS.Inject(localaws.Fault{Service: "dynamodb", Operation: "TransactWriteItems", Cut: true, Match: func(localaws.Call) bool {
		return cuts.Add(1)%8 < 4 // often enough to outlast the SDK's own repetitions
	}})
	var again atomic.Int64
	parallel(n, func(i int) {
		body := fmt.Sprintf(`{"atomic":true,"token":"count-%d","writes":[{"update":{"table":"Orders","key":{"id":"o-003"},"add":{"hits":1}}}]}`, i)
		for {
			a := c.send(http.MethodPost, "/writes", body)
			if a.Status == http.StatusOK {
				return
			}
			if d := decode[problem.Document](a); !d.Retryable {
				t.Errorf("answer %d %s", a.Status, a.Body)
				return
			}
			again.Add(1)
		}
	})
	if hits := c.number(t, "o-003", "hits"); hits != n || again.Load() == 0 {
		t.Errorf("%d hits, want %d; %d requests were sent again", hits, n, again.Load())
	}
}

// traps 31 and 33: who loses a race learns from the reasons what there is now, and goes on from there without a read.
func TestTaskATransactionThatLosesARace(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	accounts := []string{"a-1", "a-2", "a-3"}
	for _, id := range accounts {
		c.send(http.MethodPut, "/tables/Orders/item", fmt.Sprintf(`{"item":{"id":%q,"balance":1000}}`, id))
	}
	balance := func(raw []byte) int {
		return int(decode[map[string]any](answer{Body: string(raw)})["balance"].(float64))
	}
	read := func(id string) int {
		return balance(decode[struct{ Item json.RawMessage }](c.send(http.MethodGet, itemPath(id), "")).Item)
	}
	update := func(id string, from, to int) string {
		return fmt.Sprintf(`{"update":{"table":"Orders","key":{"id":%q},"set":{"balance":%d},"if":{"field":"balance","op":"=","value":%d}}}`, id, to, from)
	}
	var lost atomic.Int64
	parallel(60, func(i int) {
		from, to := accounts[i%3], accounts[(i+1)%3]
		held, given := read(from), read(to)
		for {
			a := c.send(http.MethodPost, "/writes", `{"atomic":true,"writes":[`+update(from, held, held-7)+`,`+update(to, given, given+7)+`]}`)
			if a.Status == http.StatusOK {
				return
			}
			lost.Add(1)
			d := decode[problem.Document](a)
			if d.Code != problem.ConditionFailed || len(d.Reasons) != 2 {
				t.Errorf("answer %d %s", a.Status, a.Body)
				return
			}
			if d.Reasons[0].Item != nil {
				held = balance(d.Reasons[0].Item)
			}
			if d.Reasons[1].Item != nil {
				given = balance(d.Reasons[1].Item)
			}
		}
	})
	sum := 0
	for _, id := range accounts {
		sum += read(id)
	}
	if sum != 3000 || read("a-1") != 1000 {
		t.Errorf("sum of balances is %d after %d lost races", sum, lost.Load())
	}
	// One race with a known loser.
	if a := c.send(http.MethodPost, "/writes", `{"atomic":true,"writes":[`+update("a-1", 1000, 1)+`,`+update("a-2", 1000, 1999)+`]}`); a.Status != http.StatusOK {
		t.Fatal(a.Body)
	}
	a := c.send(http.MethodPost, "/writes", `{"atomic":true,"writes":[`+update("a-3", 1000, 0)+`,`+update("a-2", 1000, 2000)+`]}`)
	a.wantCode(t, problem.ConditionFailed)
	if d := decode[problem.Document](a); len(d.Reasons) != 2 || d.Reasons[0].Code != "None" || balance(d.Reasons[1].Item) != 1999 || read("a-3") != 1000 {
		t.Errorf("answer %s", a.Body)
	}
}

// gridPage is a page of a grid, as a browser reads it: numbers are float64.
type gridPage struct {
	Items      []map[string]any `json:"items"`
	NextCursor string           `json:"next_cursor"`
	Stopped    string           `json:"stopped"`
	Count      int              `json:"count"`
}

// A grid of one customer's orders above a price, newest first, three at a time; cells are edited in place.
func TestTaskAGridWithFilterSortPagingAndInlineEdit(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	where := `"where":{"all":[{"field":"customer","op":"=","value":"velo-works"},{"field":"total","op":">=","value":50}]}`
	view := `{` + where + `,"order":{"field":"placed","direction":"desc"},"limit":3`
	var rows []map[string]any
	cursor := ""
	for {
		page := decode[gridPage](c.send(http.MethodPost, "/tables/Orders/search", view+cursor+`}`))
		rows = append(rows, page.Items...)
		if page.NextCursor == "" {
			break
		}
		if len(page.Items) != 3 {
			t.Errorf("a page of %d in the middle", len(page.Items))
		}
		cursor = `,"cursor":"` + page.NextCursor + `"`
	}
	total := decode[gridPage](c.send(http.MethodPost, "/tables/Orders/search", `{`+where+`,"count":true}`))
	if len(rows) != total.Count || len(rows) < 6 {
		t.Errorf("%d rows, counted %d", len(rows), total.Count)
	}
	newestFirst := slices.IsSortedFunc(rows, func(a, b map[string]any) int { return strings.Compare(b["placed"].(string), a["placed"].(string)) })
	if !newestFirst {
		t.Errorf("rows are not in order: %v", rows)
	}
	// Two people edit one cell: the second one's condition is on what that one saw.
	row := rows[1]
	edit := func(from, to any) answer {
		body, err := json.Marshal(map[string]any{
			"set": map[string]any{"status": to}, "if": map[string]any{"field": "status", "op": "=", "value": from}, "return": "new",
		})
		if err != nil {
			t.Fatal(err)
		}
		return c.send(http.MethodPatch, itemPath(row["id"].(string)), string(body))
	}
	if a := edit(row["status"], "packed"); a.Status != http.StatusOK || !strings.Contains(a.Body, `"status":"packed"`) {
		t.Fatalf("answer %d %s", a.Status, a.Body)
	}
	late := edit(row["status"], "returned")
	late.wantCode(t, problem.ConditionFailed)
	if d := decode[problem.Document](late); !strings.Contains(string(d.Item), `"status":"packed"`) {
		t.Errorf("the one who was late isn't shown what there is: %s", late.Body)
	}
	again := decode[gridPage](c.send(http.MethodPost, "/tables/Orders/search", view+`}`))
	if again.Items[1]["status"] != "packed" || again.Items[1]["total"] != row["total"] {
		t.Errorf("the page shows %v", again.Items[1])
	}
}

// An export reads all segments side by side, page by page, while AWS throttles now and then.
func TestTaskAnExportOfALargeTableByParallelScan(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	want := fill(t, awsdynamodb.NewFromConfig(c.stack.Customer()), 3000)
	c.stack.AWS.Inject(localaws.Fault{
		Service: "dynamodb", Operation: "Scan", Status: http.StatusBadRequest, Code: "ThrottlingException",
		Match: func(localaws.Call) bool { return rand.N(8) == 0 }, //nolint:gosec // a test's
	})
	const segments = 4
	var mu sync.Mutex
	got := map[string]int{}
	pages := 0
	var workers sync.WaitGroup
	for segment := range segments {
		workers.Go(func() {
			cursor := ""
			for {
				a := c.send(http.MethodPost, "/tables/Orders/scan", fmt.Sprintf(`{"segment":%d,"total_segments":%d,"limit":200%s}`, segment, segments, cursor))
				if a.Status == http.StatusTooManyRequests {
					continue
				}
				if a.Status != http.StatusOK {
					t.Errorf("answer %d %s", a.Status, a.Body)
					return
				}
				page := decode[gridPage](a)
				mu.Lock()
				pages++
				for _, item := range page.Items {
					got[item["id"].(string)]++
				}
				mu.Unlock()
				if page.NextCursor == "" {
					return
				}
				cursor = `,"cursor":"` + page.NextCursor + `"`
			}
		})
	}
	workers.Wait()
	for id, times := range got {
		if times != 1 {
			t.Errorf("%s came %d times", id, times)
		}
	}
	if len(got) != want || pages < want/200 {
		t.Errorf("exported %d of %d items on %d pages", len(got), want, pages)
	}
}

// fill adds n items to the demo's table, past Arngate, and returns how many there are.
func fill(t *testing.T, c *awsdynamodb.Client, n int) int {
	t.Helper()
	var requests []types.WriteRequest
	for i := range n {
		requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: value.Item{
			"id":   &types.AttributeValueMemberS{Value: fmt.Sprintf("x-%05d", i)},
			"note": &types.AttributeValueMemberS{Value: strings.Repeat("n", 400)},
		}}})
	}
	for chunk := range slices.Chunk(requests, 25) {
		if _, err := c.BatchWriteItem(t.Context(), &awsdynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{demosite.Table: chunk}}); err != nil {
			t.Fatal(err)
		}
	}
	total, start := 0, value.Item(nil)
	for {
		out, err := c.Scan(t.Context(), &awsdynamodb.ScanInput{TableName: aws.String(demosite.Table), Select: types.SelectCount, ExclusiveStartKey: start})
		if err != nil {
			t.Fatal(err)
		}
		total += int(out.Count)
		if start = out.LastEvaluatedKey; start == nil {
			return total
		}
	}
}
