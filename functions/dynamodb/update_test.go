package dynamodb_test

import (
	"net/http"
	"testing"

	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
)

// patch updates an order.
func (b *bench) patch(t *testing.T, id, body string, query ...string) answer {
	t.Helper()
	parameters := parameters(query)
	if parameters.Get("key") == "" {
		parameters.Set("key", `{"id":`+quote(t, id)+`}`)
	}
	return b.do(t, request{method: http.MethodPatch, path: "orders/tables/Orders/item", query: parameters, body: body})
}

func (b *bench) wantItem(t *testing.T, id, want string) {
	t.Helper()
	b.get(t, "orders/tables/Orders/item", "key", `{"id":`+quote(t, id)+`}`).wantBody(t, `{"item":`+want+`}`)
}

func TestUpdateItem(t *testing.T) {
	b := newBench(t)
	b.put(t, `{"id":"u","n":1,"tags":{"$set":["a","b"]},"log":["x"],"m":{"k":1},"size":"reserved","gone":true}`)
	b.patch(t, "u", `{"set":{"m.k":{"$number":"12345678901234567890.5"},"size":"s"},"remove":["gone"],"add":{"n":0.5,"tags":{"$set":["c"]}},"append":{"log":[2]}}`).wantBody(t, `{}`)
	b.wantItem(t, "u", `{"id":"u","log":["x",2],"m":{"k":{"$number":"12345678901234567890.5"}},"n":1.5,"size":"s","tags":{"$set":["a","b","c"]}}`)
	b.patch(t, "u", `{"delete":{"tags":{"$set":["a","c"]}},"set":[{"field":["a.b"],"value":1}],"add":{"m.n":-1,"new":2},"append":{"list":["y"]},"return":"updated_new"}`).
		wantBody(t, `{"attributes":{"a.b":1,"list":["y"],"m":{"n":-1},"new":2,"tags":{"$set":["b"]}}}`)
	b.patch(t, "u", `{"set":{"n":{"N":"9"}},"return":"updated_old"}`, "values", "typed", "key", `{"id":{"S":"u"}}`).wantBody(t, `{"attributes":{"n":{"N":"1.5"}}}`)
	b.patch(t, "u", `{"remove":["m","log","list","tags","new",["a.b"]],"return":"old"}`).
		wantBody(t, `{"attributes":{"a.b":1,"id":"u","list":["y"],"log":["x",2],"m":{"k":{"$number":"12345678901234567890.5"},"n":-1},"n":9,"new":2,"size":"s","tags":{"$set":["b"]}}}`)
	b.patch(t, "u", `{"add":{"n":1},"return":"new"}`).wantBody(t, `{"attributes":{"id":"u","n":10,"size":"s"}}`)
}

func TestTrap32AnUpdateCreatesOnlyWhenTold(t *testing.T) {
	b := newBench(t)
	d := b.patch(t, "new", `{"add":{"n":1}}`).wantProblem(t, problem.ConditionFailed)
	if d.Item != nil || d.Detail != "There is no item with that key." || d.Hint != "Send upsert: true to have it created." {
		t.Errorf("problem %+v", d)
	}
	b.patch(t, "new", `{"add":{"n":1},"if":{"any":[{"field":"n","op":"not_exists"},{"field":"n","op":"<","value":9}]}}`).wantProblem(t, problem.ConditionFailed)
	b.patch(t, "new", `{"add":{"n":1},"condition":{"expression":"attribute_not_exists(n) OR n = :n","values":{":n":1}}}`).wantProblem(t, problem.ConditionFailed)
	b.wantItem(t, "new", `null`)
	b.patch(t, "new", `{"add":{"n":1},"upsert":true,"return":"old"}`).wantBody(t, `{}`)
	b.patch(t, "new", `{"add":{"n":1},"upsert":true,"return":"new"}`).wantBody(t, `{"attributes":{"id":"new","n":2}}`)
	b.patch(t, "other", `{"set":{"n":1},"upsert":true,"if":{"field":"id","op":"exists"}}`).wantProblem(t, problem.ConditionFailed)
}

func TestTrap33AFailedUpdateShowsTheItem(t *testing.T) {
	b := newBench(t)
	for _, body := range []string{
		`{"set":{"total":1},"if":{"field":"total","op":"=","value":11}}`,
		`{"set":{"total":1},"condition":{"expression":"(#t > :t)","names":{"#t":"total"},"values":{":t":10}}}`,
	} {
		d := b.patch(t, "o-01", body).wantProblem(t, problem.ConditionFailed)
		if want := `{"customer":"c-1","id":"o-01","placed":"2026-01-27","total":10}`; string(d.Item) != want {
			t.Errorf("item %s, want %s", d.Item, want)
		}
	}
	b.patch(t, "o-01", `{"set":{"total":1},"if":{"all":[{"field":"total","op":"=","value":1e1},{"field":"customer","op":"begins_with","value":"c"}]}}`).wantBody(t, `{}`)
}

func TestTrap33aALostUpdateIsNotRepeated(t *testing.T) {
	b := newBench(t)
	b.local.Inject(localaws.Fault{Service: "dynamodb", Operation: "UpdateItem", Count: 1, Cut: true})
	d := b.patch(t, "o-01", `{"add":{"total":5},"append":{"log":["x"]}}`).wantProblem(t, problem.OutcomeUnknown)
	if got := b.calls(); got != "UpdateItem" || d.Retryable {
		t.Errorf("calls %s, retryable %t", got, d.Retryable)
	}
	b.wantItem(t, "o-01", `{"customer":"c-1","id":"o-01","log":["x"],"placed":"2026-01-27","total":15}`)
	b.local.Inject(localaws.Fault{Service: "dynamodb", Operation: "UpdateItem", Count: 1, Status: http.StatusInternalServerError, Code: "InternalServerError"})
	if d := b.patch(t, "o-01", `{"add":{"total":5}}`).wantProblem(t, problem.AWSUnavailable); d.Retryable {
		t.Error("an update that AWS failed at is called retryable")
	}
}

func TestUpdateFaults(t *testing.T) {
	b := newBench(t)
	b.patch(t, "u", `{}`).wantProblem(t, problem.InvalidRequest, "")
	b.patch(t, "u", `{"set":{"a":1e999},"add":{"b":"x"},"if":{"field":"c","op":"?"},"return":"old"}`, "key", `[1]`).
		wantProblem(t, problem.InvalidRequest, "query.key", "/set/a", "/add/b", "/if/op")
	b.patch(t, "u", `{"set":{"a":1}}`, "key", `{}`).wantProblem(t, problem.InvalidRequest, "query.key")
	b.patch(t, "u", `{"set":{"a":{"b":1,"b":2}}}`).wantProblem(t, problem.InvalidRequest, "/set/a/b")
	b.patch(t, "u", `{"set":{"a":1},"append":{"a[0]":[1]}}`).wantProblem(t, problem.InvalidRequest, "/append/a[0]")
	b.patch(t, "u", `{"set":{"a":1},"return":"all","put":1}`).wantProblem(t, problem.InvalidRequest, "/return", "/put")
	b.patch(t, "u", `{"set":{"a":1},"condition":{"expression":"a = b) OR (c = d","values":{"v":1}}}`).
		wantProblem(t, problem.InvalidRequest, "/condition/values/v", "/condition/expression")
	if got := b.calls(); got != "" {
		t.Errorf("AWS was called: %s", got)
	}
	// What only DynamoDB can tell: keys don't change, types must fit, a path must have its parents.
	for _, body := range []string{`{"set":{"id":"other"}}`, `{"add":{"customer":1}}`, `{"append":{"total":[1]}}`, `{"set":{"a.b.c":1}}`} {
		b.patch(t, "o-01", body).wantProblem(t, problem.AWSRejected)
	}
	b.patch(t, "u", `{"set":{"a":1},"upsert":true}`, "key", `{"nokey":"u"}`).wantProblem(t, problem.AWSRejected)
}

func TestUpdateWithinTheConnection(t *testing.T) {
	b := newBench(t)
	b.connect("reader", func(l *permissions.Limits) { l.Tables, l.ReadOnly = []string{"*"}, true })
	b.connect("users", func(l *permissions.Limits) { l.Tables = []string{"Users"} })
	key := parameters([]string{"key", `{"id":"o-01"}`})
	for _, connection := range []string{"reader", "users"} {
		b.do(t, request{method: http.MethodPatch, path: connection + "/tables/Orders/item", query: key, body: `{"set":{"a":1}}`}).wantProblem(t, problem.ConnectionForbids)
	}
	b.do(t, request{method: http.MethodPatch, path: "orders/tables/Orders/item", query: key, body: `{"set":{"a":1}}`, site: otherSite}).wantProblem(t, problem.ConnectionNotFound)
	if got := b.calls(); got != "" {
		t.Errorf("AWS was called: %s", got)
	}
}

func TestTrap27EmptyStringsAndEmptySets(t *testing.T) {
	b := newBench(t)
	b.putItem(t, `{"item":{"id":"e","s":"","b":{"$binary":""},"l":[],"m":{}}}`).wantBody(t, `{}`)
	b.wantItem(t, "e", `{"b":{"$binary":""},"id":"e","l":[],"m":{},"s":""}`)
	b.putItem(t, `{"item":{"id":"e","s":{"$set":[]},"m":{"s":{"$set":[]}}}}`).wantProblem(t, problem.InvalidRequest, "/item/s/$set", "/item/m/s/$set")
	b.patch(t, "e", `{"add":{"s":{"$set":[]}}}`).wantProblem(t, problem.InvalidRequest, "/add/s/$set")
	b.putItem(t, `{"item":{"id":""}}`).wantProblem(t, problem.AWSRejected)
	b.patch(t, "e", `{"set":{"placed":"","customer":"c"}}`).wantProblem(t, problem.AWSRejected) // an index's key
	b.patch(t, "e", `{"set":{"tags":{"$set":["x"]}}}`).wantBody(t, `{}`)
	b.patch(t, "e", `{"delete":{"tags":{"$set":["x"]}},"return":"new"}`).wantBody(t, `{"attributes":{"b":{"$binary":""},"id":"e","l":[],"m":{},"s":""}}`)
}
