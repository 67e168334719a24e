package dynamodb_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
)

func TestListTables(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"Audit", "Users", "Zebras"} {
		_, err := b.client.CreateTable(t.Context(), &awsdynamodb.CreateTableInput{
			TableName: aws.String(name), BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS}},
			KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	b.connect("some", func(l *permissions.Limits) { l.Tables = []string{"Users", "Audit"} })
	b.get(t, "some/tables").wantBody(t, `{"items":["Audit","Users"]}`)
	first := b.get(t, "orders/tables", "limit", "3").page(t)
	if got := fmt.Sprintf("%s", first.Items); got != `["Audit" "Orders" "Users"]` || first.NextCursor == "" {
		t.Errorf("first page %s, cursor %q", got, first.NextCursor)
	}
	b.get(t, "orders/tables", "limit", "3", "cursor", first.NextCursor).wantBody(t, `{"items":["Zebras"]}`)
	b.get(t, "some/tables", "limit", "3", "cursor", first.NextCursor).wantProblem(t, problem.CursorInvalid)
}

func TestDescribeTable(t *testing.T) {
	b := newBench(t)
	b.get(t, "orders/tables/Orders", "sample", "4").wantBody(t, `{"name":"Orders","status":"ACTIVE","key":[{"name":"id","type":"S","role":"partition"}],`+
		`"indexes":[{"name":"by-customer","kind":"global","status":"ACTIVE","key":[{"name":"customer","type":"S","role":"partition"},{"name":"placed","type":"S","role":"sort"}],`+
		`"projection":"all","item_count":12,"size_bytes":`+sizeOf(t, b)+`}],"item_count":12,"size_bytes":`+sizeOf(t, b)+`,"sampled":4,`+
		`"attributes":[{"name":"customer","types":["S"],"share":1},{"name":"placed","types":["S"],"share":1},{"name":"total","types":["N"],"share":1}]}`)
	b.get(t, "orders/tables/Nothing").wantProblem(t, problem.TableNotFound)
}

// sizeOf is what the local AWS says the table's size is.
func sizeOf(t *testing.T, b *bench) string {
	t.Helper()
	out, err := b.client.DescribeTable(t.Context(), &awsdynamodb.DescribeTableInput{TableName: aws.String("Orders")})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(aws.ToInt64(out.Table.TableSizeBytes))
}

func TestGetItem(t *testing.T) {
	b := newBench(t)
	path := "orders/tables/Orders/item"
	b.get(t, path, "key", `{"id":"o-01"}`).wantBody(t, `{"item":{"customer":"c-1","id":"o-01","placed":"2026-01-27","total":10}}`)
	b.get(t, path, "key", `{"id":{"S":"o-01"}}`, "values", "typed").wantBody(t, `{"item":{"customer":{"S":"c-1"},"id":{"S":"o-01"},"placed":{"S":"2026-01-27"},"total":{"N":"10"}}}`)
	b.get(t, path, "key", `{"id":"none"}`).wantBody(t, `{"item":null}`)
	b.get(t, path, "key", `{"id":1}`).wantProblem(t, problem.InvalidRequest, "query.key/id")
	b.get(t, path, "key", `{"customer":"c-1","x":1}`).wantProblem(t, problem.InvalidRequest, "query.key/customer", "query.key/id", "query.key/x")
	b.get(t, path, "key", `{"id":`).wantProblem(t, problem.InvalidRequest, "query.key")
	b.get(t, path).wantProblem(t, problem.InvalidRequest, "query.key")
	b.get(t, path, "key", `{"id":"o-01"}`, "values", "odd").wantProblem(t, problem.InvalidRequest, "query.values")
}

func TestWarmRequestsMakeOneCall(t *testing.T) {
	b := newBench(t)
	path := "orders/tables/Orders/item"
	for _, want := range []string{"DescribeTable Query", "Query"} {
		b.get(t, path, "key", `{"id":"o-01"}`)
		if got := b.calls(); got != want {
			t.Errorf("calls = %s, want %s", got, want)
		}
	}
	b.do(t, request{method: http.MethodGet, path: path, query: parameters([]string{"key", `{"id":"o-01"}`}), user: "eve"})
	if got := b.calls(); got != "DescribeTable Query" {
		t.Errorf("another user's calls = %s: what one may know is not another's", got)
	}
}

func TestPutItem(t *testing.T) {
	b := newBench(t)
	b.putItem(t, `{"item":{"id":"n","big":12345678901234567890.5,"tags":{"$set":["a"]}}}`).wantBody(t, `{}`)
	b.putItem(t, `{"item":{"id":"n","v":2},"return":"old"}`).wantBody(t, `{"attributes":{"big":{"$number":"12345678901234567890.5"},"id":"n","tags":{"$set":["a"]}}}`)
	b.putItem(t, `{"item":{"id":"m"},"return":"old"}`).wantBody(t, `{}`)
	b.putItem(t, `{"item":{"id":"n","v":3},"if":{"field":"v","op":"=","value":2}}`).wantBody(t, `{}`)
	if got := b.calls(); got != "PutItem PutItem PutItem PutItem" {
		t.Errorf("calls = %s", got)
	}
	b.putItem(t, `{"item":{"v":1}}`).wantProblem(t, problem.AWSRejected)
}

func TestTrap33AFailedConditionShowsTheItem(t *testing.T) {
	b := newBench(t)
	for _, body := range []string{
		`{"item":{"id":"o-01"},"if":{"field":"id","op":"not_exists"}}`,
		`{"item":{"id":"o-01"},"condition":{"expression":"#t = :t","names":{"#t":"total"},"values":{":t":11}}}`,
	} {
		d := b.putItem(t, body).wantProblem(t, problem.ConditionFailed)
		if want := `{"customer":"c-1","id":"o-01","placed":"2026-01-27","total":10}`; string(d.Item) != want {
			t.Errorf("item = %s, want %s", d.Item, want)
		}
	}
	d := b.deleteItem(t, "key", `{"id":"o-01"}`, "if", `{"field":"total","op":">","value":10}`).wantProblem(t, problem.ConditionFailed)
	if d.Item == nil {
		t.Error("no item")
	}
	b.deleteItem(t, "key", `{"id":"none"}`, "condition", `{"expression":"attribute_exists(id)"}`).wantProblem(t, problem.ConditionFailed)
}

func TestConditionFaults(t *testing.T) {
	b := newBench(t)
	b.putItem(t, `{"item":{"id":1e999},"if":{"field":"a","op":"?"},"condition":null}`).wantProblem(t, problem.InvalidRequest, "/item/id", "/if/op")
	b.putItem(t, `{"item":{"id":"1"},"if":{"field":"a","op":"exists"},"condition":{"expression":"x"}}`).wantProblem(t, problem.InvalidRequest, "/condition")
	b.putItem(t, `{"item":{"id":"1"},"if":{"field":"a","op":"ends_with","value":"x"}}`).wantProblem(t, problem.InvalidRequest, "/if")
	b.putItem(t, `{"item":{"id":"1"},"if":{"any":[]}}`).wantProblem(t, problem.InvalidRequest, "/if")
	b.putItem(t, `{"item":{"id":"1"},"condition":{"expression":"x","values":{"v":1}}}`).wantProblem(t, problem.InvalidRequest, "/condition/values/v")
	b.putItem(t, `{"item":{"id":"1"},"condition":{"expression":"this is none"}}`).wantProblem(t, problem.AWSRejected)
	b.deleteItem(t, "key", `{"id":"1"}`, "condition", `{"expresion":"x"}`).wantProblem(t, problem.InvalidRequest, "query.condition/expresion", "query.condition/expression")
	b.deleteItem(t, "key", `[]`, "if", `{`, "condition", `nope`).wantProblem(t, problem.InvalidRequest, "query.key", "query.condition", "query.if")
	if got := b.calls(); got != "PutItem" {
		t.Errorf("calls = %q: only one request was well-formed", got)
	}
}

func TestDeleteItem(t *testing.T) {
	b := newBench(t)
	b.deleteItem(t, "key", `{"id":"o-01"}`, "return", "old", "if", `{"field":"total","op":"=","value":10.0}`).wantBody(t, `{"attributes":{"customer":"c-1","id":"o-01","placed":"2026-01-27","total":10}}`)
	b.deleteItem(t, "key", `{"id":"o-01"}`, "return", "old").wantBody(t, `{}`)
	b.deleteItem(t, "key", `{"id":"o-02"}`).wantBody(t, `{}`)
	b.get(t, "orders/tables/Orders/item", "key", `{"id":"o-02"}`).wantBody(t, `{"item":null}`)
}

func TestTrap33aALostAnswerIsNotRepeated(t *testing.T) {
	b := newBench(t)
	b.local.Inject(localaws.Fault{Service: "dynamodb", Operation: "PutItem", Count: 1, Cut: true})
	d := b.putItem(t, `{"item":{"id":"n"},"if":{"field":"id","op":"not_exists"}}`).wantProblem(t, problem.OutcomeUnknown)
	if got := b.calls(); got != "PutItem" || d.Retryable {
		t.Errorf("calls = %s, retryable %t", got, d.Retryable)
	}
	b.get(t, "orders/tables/Orders/item", "key", `{"id":"n"}`).wantBody(t, `{"item":{"id":"n"}}`)
}

func TestListItems(t *testing.T) {
	b := newBench(t)
	seen := map[string]bool{}
	cursor, pages := "", 0
	for {
		query := []string{"limit", "5"}
		if cursor != "" {
			query = append(query, "cursor", cursor)
		}
		p := b.get(t, "orders/tables/Orders/items", query...).page(t)
		for id := range strings.SplitSeq(p.ids(t), " ") {
			seen[id] = true
		}
		pages++
		if cursor = p.NextCursor; cursor == "" {
			break
		}
	}
	if len(seen) != 12 || pages != 3 {
		t.Errorf("%d items on %d pages", len(seen), pages)
	}
}

func TestSearch(t *testing.T) {
	b := newBench(t)
	for _, tc := range []struct{ name, body, ids, stopped string }{
		{"a customer's, in order", `{"where":{"field":"customer","op":"=","value":"c-1"}}`, "o-10 o-07 o-04 o-01", "end"},
		{"backwards", `{"where":{"field":"customer","op":"=","value":"c-1"},"order":{"field":"placed","direction":"desc"}}`, "o-01 o-04 o-07 o-10", "end"},
		{"with a condition", `{"where":{"all":[{"field":"customer","op":"=","value":"c-1"},{"field":"total","op":">","value":50}]},"limit":2}`, "o-10 o-07", "end"},
		{"several customers', merged", `{"where":{"field":"customer","op":"in","value":["c-0","c-2"]},"order":{"field":"placed"},"limit":5}`, "o-11 o-09 o-08 o-06 o-05", "limit"},
		{"by a scan", `{"where":{"field":"total","op":"in","value":[30]}}`, "o-03", "end"},
		{"finished here", `{"where":{"all":[{"field":"customer","op":"=","value":"c-1"},{"field":"placed","op":"ends_with","value":"8"}]}}`, "o-10", "end"},
		{"nothing", `{"where":{"field":"id","op":"=","value":7}}`, "", "end"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := b.search(t, tc.body).page(t)
			if got := p.ids(t); got != tc.ids || p.Stopped != tc.stopped {
				t.Errorf("found %q, stopped by %s; want %q, %s", got, p.Stopped, tc.ids, tc.stopped)
			}
		})
	}
	b.search(t, `{"where":{"field":"customer","op":"=","value":"c-1"},"fields":["total"],"limit":1}`).page(t)
	b.search(t, `{"where":{"field":"id","op":"=","value":"o-03"},"fields":["total",["customer"]]}`).wantBody(t, `{"items":[{"customer":"c-0","total":30}],"stopped":"end"}`)
}

func TestSearchPagesAreOfItsOwnRequestOnly(t *testing.T) {
	b := newBench(t)
	body := func(cursor string) string {
		return `{"where":{"field":"customer","op":"in","value":["c-0","c-1"]},"limit":3,"cursor":` + quote(t, cursor) + `}`
	}
	first := b.search(t, `{"where": {"op": "in", "field": "customer", "value": ["c-0", "c-1"]}, "limit": 3}`).page(t)
	second := b.search(t, body(first.NextCursor)).page(t)
	third := b.search(t, body(second.NextCursor)).page(t)
	if got := first.ids(t) + " | " + second.ids(t) + " | " + third.ids(t); got != "o-10 o-09 o-07 | o-06 o-04 o-03 | o-01 o-00" || third.NextCursor != "" {
		t.Errorf("pages %s, last cursor %q", got, third.NextCursor)
	}
	b.connect("again", func(l *permissions.Limits) { l.Tables = []string{"*"} })
	path := "orders/tables/Orders/search"
	for name, r := range map[string]request{
		"another user":       {path: path, body: body(first.NextCursor), user: "eve"},
		"another connection": {path: "again/tables/Orders/search", body: body(first.NextCursor)},
		"another limit":      {path: path, body: strings.Replace(body(first.NextCursor), `"limit":3`, `"limit":4`, 1)},
		"another where":      {path: path, body: strings.Replace(body(first.NextCursor), `"c-1"`, `"c-2"`, 1)},
		"another form":       {path: path, body: body(first.NextCursor), query: parameters([]string{"values", "typed"})},
		"altered":            {path: path, body: body("A" + first.NextCursor)},
		"cut":                {path: path, body: body(first.NextCursor[:20])},
	} {
		r.method = http.MethodPost
		t.Run(name, func(t *testing.T) {
			a := b.do(t, r)
			if name == "another form" { // its values are not even of that form
				a.wantProblem(t, problem.InvalidRequest, "/where/value/0", "/where/value/1")
				return
			}
			a.wantProblem(t, problem.CursorInvalid)
		})
	}
	b.opened[site+"/orders"].Connection.Revision = "r-changed"
	b.search(t, body(first.NextCursor)).wantProblem(t, problem.CursorInvalid)
}

func quote(t *testing.T, text string) string {
	t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(quoted)
}

func TestSearchCountsAndExplains(t *testing.T) {
	b := newBench(t)
	b.search(t, `{"where":{"field":"total","op":">=","value":60},"count":true}`).wantBody(t, `{"items":[],"stopped":"end","count":6}`)
	b.search(t, `{"where":{"field":"customer","op":"ends_with","value":"2"},"count":true}`).wantBody(t, `{"items":[],"stopped":"end","count":4}`)
	b.search(t, `{"where":{"any":[]},"count":true}`).wantBody(t, `{"items":[],"stopped":"end","count":0}`)
	p := b.search(t, `{"where":{"all":[{"field":"customer","op":"=","value":"c-1"},{"field":"total","op":">","value":50}]},"explain":true}`).page(t)
	e := p.Explain
	if e == nil {
		t.Fatal("no explanation")
	}
	if e.Index != "by-customer" || e.Scan || e.Queries != 1 || e.KeyCondition != "#0 = :0" || e.Filter != "#1 > :1" || e.Names["#0"] != "customer" || e.Values[":1"] != 50.0 || e.Pages != 1 || e.Scanned != 4 || e.Capacity == 0 || e.FinishedHere {
		t.Errorf("explanation %+v", e)
	}
	e = b.search(t, `{"where":{"field":"id","op":"in","value":["o-01","o-02"]},"explain":true}`).page(t).Explain
	if e.Index != "" || e.Queries != 2 || e.Pages != 2 || e.Scanned != 2 {
		t.Errorf("explanation %+v", e)
	}
}

func TestSearchRefused(t *testing.T) {
	b := newBench(t)
	customer := `"where":{"field":"customer","op":"=","value":"c-1"}`
	d := b.search(t, `{`+customer+`,"order":{"field":"total"}}`).wantProblem(t, problem.OrderUnsupported, "/order")
	if !strings.Contains(d.Hint, "placed") {
		t.Errorf("the hint doesn't name the field that works: %s", d.Hint)
	}
	b.search(t, `{"scan":"forbid"}`).wantProblem(t, problem.InvalidRequest, "/scan")
	b.search(t, `{`+customer+`,"index":"none","scan":"forbid"}`).wantProblem(t, problem.InvalidRequest, "/scan")
	b.search(t, `{`+customer+`,"index":"by-nobody"}`).wantProblem(t, problem.InvalidRequest, "/index")
	b.search(t, `{`+customer+`,"index":"by-customer","consistent":true}`).wantProblem(t, problem.InvalidRequest, "/consistent")
	b.search(t, `{"where":{"field":"a..b","op":"nope"},"order":{"field":[]},"fields":["ok",7],"count":true,"limit":1}`).wantProblem(t, problem.InvalidRequest,
		"/where/field", "/where/op", "/order/field", "/fields/1", "/limit")
	b.search(t, `{"limit":0}`).wantProblem(t, problem.InvalidRequest, "/limit")
	b.search(t, `{"cursor":"nope"}`).wantProblem(t, problem.CursorInvalid)
	b.search(t, `{"where":{"field":"a","op":"=","value":{"n":1,"n":2}}}`).wantProblem(t, problem.InvalidRequest, "/where/value/n")
	b.search(t, `{"unknown":1}`).wantProblem(t, problem.InvalidRequest, "/unknown")
	b.search(t, `{`).wantProblem(t, problem.InvalidJSON, "")
}

func TestAnIndexThatGoesAwayIsForgotten(t *testing.T) {
	b := newBench(t)
	body := `{"where":{"field":"customer","op":"=","value":"c-1"}}`
	b.search(t, body).page(t)
	b.local.Inject(localaws.Fault{Service: "dynamodb", Operation: "Query", Count: 1, Status: http.StatusBadRequest, Code: "ValidationException", Message: "The table does not have the specified index: by-customer"})
	b.search(t, body).wantProblem(t, problem.AWSRejected)
	b.calls()
	b.search(t, body).page(t)
	if got := b.calls(); got != "DescribeTable Query" {
		t.Errorf("calls = %s", got)
	}
}

func TestConnectionLimits(t *testing.T) {
	b := newBench(t)
	b.connect("reader", func(l *permissions.Limits) { l.Tables, l.ReadOnly = []string{"*"}, true })
	b.connect("users", func(l *permissions.Limits) { l.Tables = []string{"Users"} })
	b.connect("files", func(l *permissions.Limits) { l.Connector, l.Tables = permissions.S3, nil })
	key := parameters([]string{"key", `{"id":"o-01"}`})
	arn := "arn%3Aaws%3Adynamodb%3Aus-east-1%3A444455556666%3Atable%2FOrders"
	for name, tc := range map[string]struct {
		r    request
		want problem.Code
	}{
		"a write when read-only":   {request{method: http.MethodPut, path: "reader/tables/Orders/item", body: `{"item":{"id":"x"}}`}, problem.ConnectionForbids},
		"a deletion":               {request{method: http.MethodDelete, path: "reader/tables/Orders/item", query: key}, problem.ConnectionForbids},
		"another table":            {request{method: http.MethodGet, path: "users/tables/Orders/item", query: key}, problem.ConnectionForbids},
		"its description":          {request{method: http.MethodGet, path: "users/tables/Orders"}, problem.ConnectionForbids},
		"its items":                {request{method: http.MethodGet, path: "users/tables/Orders/items"}, problem.ConnectionForbids},
		"a search of it":           {request{method: http.MethodPost, path: "users/tables/Orders/search", body: `{}`}, problem.ConnectionForbids},
		"trap 21: an ARN":          {request{method: http.MethodGet, path: "orders/tables/" + strings.ReplaceAll(arn, "%3A", ":")}, problem.ConnectionForbids},
		"another connector's":      {request{method: http.MethodGet, path: "files/tables"}, problem.ConnectionNotFound},
		"another site's":           {request{method: http.MethodGet, path: "orders/tables", site: otherSite}, problem.ConnectionNotFound},
		"trap 23: one there isn't": {request{method: http.MethodGet, path: "nothing/tables"}, problem.ConnectionNotFound},
	} {
		t.Run(name, func(t *testing.T) { b.do(t, tc.r).wantProblem(t, tc.want) })
	}
	if got := b.calls(); got != "" {
		t.Errorf("AWS was called: %s", got)
	}
}

func TestDeniedByAWS(t *testing.T) {
	b := newBench(t)
	b.local.Inject(localaws.Fault{
		Service: "dynamodb", Operation: "Scan", Count: 1, Status: http.StatusBadRequest, Code: "AccessDeniedException",
		Message: "User: arn:aws:sts::444455556666:assumed-role/r/ada is not authorized to perform: dynamodb:Scan on resource: arn:aws:dynamodb:us-east-1:444455556666:table/Orders because no session policy allows the dynamodb:Scan action",
	})
	d := b.get(t, "orders/tables/Orders/items").wantProblem(t, problem.AWSAccessDenied)
	if d.MissingAction != "dynamodb:Scan" || d.Resource != "arn:aws:dynamodb:us-east-1:444455556666:table/Orders" {
		t.Errorf("problem %+v", d)
	}
}

func TestTheAnswerStopsBeforeItIsTooLarge(t *testing.T) {
	b := newBench(t)
	for i := range 15 {
		b.put(t, fmt.Sprintf(`{"id":"big-%02d","customer":"big","placed":"%02d","text":%q}`, i, i, strings.Repeat("x", 380_000)))
	}
	where := `"where":{"field":"customer","op":"=","value":"big"}`
	first := b.search(t, `{`+where+`}`).page(t)
	if first.Stopped != "budget" || len(first.Items) != 9 || first.NextCursor == "" {
		t.Fatalf("%d items, stopped by %s", len(first.Items), first.Stopped)
	}
	second := b.search(t, `{`+where+`,"cursor":"`+first.NextCursor+`"}`).page(t)
	if got := second.ids(t); got != "big-09 big-10 big-11 big-12 big-13 big-14" || second.NextCursor != "" {
		t.Errorf("then %s", got)
	}
}
