package dynamodb_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
)

// nativePage is what native reads answer.
type nativePage struct {
	page

	Count    int      `json:"count"`
	Scanned  int      `json:"scanned_count"`
	Capacity *float64 `json:"capacity"`
}

func (a answer) native(t *testing.T) nativePage {
	t.Helper()
	if a.Status != http.StatusOK {
		t.Fatalf("answer %d %s", a.Status, a.Body)
	}
	var p nativePage
	if err := json.Unmarshal([]byte(a.Body), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func (b *bench) query(t *testing.T, body string) answer {
	t.Helper()
	return b.do(t, request{method: http.MethodPost, path: "orders/tables/Orders/query", body: body})
}

func (b *bench) scan(t *testing.T, body string) answer {
	t.Helper()
	return b.do(t, request{method: http.MethodPost, path: "orders/tables/Orders/scan", body: body})
}

// ofCustomer begins a query of one customer's orders.
const ofCustomer = `{"key_condition":"#c = :c","names":{"#c":"customer"},"values":{":c":"c-1"},"index":"by-customer"`

func TestQueryItems(t *testing.T) {
	b := newBench(t)
	b.query(t, ofCustomer+`,"projection":"id, total"}`).wantProblem(t, problem.AWSRejected) // traps.md 26: reserved
	for _, tc := range []struct{ name, body, ids string }{
		{"in order", ofCustomer + `}`, "o-10 o-07 o-04 o-01"},
		{"backwards", ofCustomer + `,"order":"desc","limit":2}`, "o-01 o-04"},
		{"the table itself, consistently", `{"key_condition":"id = :id","values":{":id":"o-03"},"consistent":true}`, "o-03"},
		{"a projection", ofCustomer + `,"projection":"id","select":"all_attributes"}`, ""},
		{"what is projected", ofCustomer + `,"select":"all_projected_attributes"}`, "o-10 o-07 o-04 o-01"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := b.query(t, tc.body)
			if tc.ids == "" {
				a.wantProblem(t, problem.AWSRejected)
				return
			}
			if got := a.native(t).ids(t); got != tc.ids {
				t.Errorf("found %s, want %s", got, tc.ids)
			}
		})
	}
	b.query(t, `{"key_condition":"id = :id","values":{":id":{"S":"o-03"}}}`).wantProblem(t, problem.AWSRejected) // plain: a map
	b.do(t, request{
		method: http.MethodPost, path: "orders/tables/Orders/query", query: parameters([]string{"values", "typed"}),
		body: `{"key_condition":"id = :id","values":{":id":{"S":"o-03"}},"names":{"#t":"total"},"projection":"#t"}`,
	}).wantBody(t, `{"items":[{"total":{"N":"30"}}],"count":1,"scanned_count":1}`)
	b.query(t, ofCustomer+`,"select":"count","capacity":true}`).wantBody(t, `{"items":[],"count":4,"scanned_count":4,"capacity":0.5}`)
}

func TestTrap24NativeLimitsAreBeforeTheFilter(t *testing.T) {
	b := newBench(t)
	body := `{"key_condition":"#c = :c","filter":"#t < :t","names":{"#c":"customer","#t":"total"},"values":{":c":"c-1",":t":20},"index":"by-customer","limit":1`
	cursor, pages, found := "", 0, ""
	for {
		p := b.query(t, body+cursor+`}`).native(t)
		if p.Scanned > 1 || p.Count != len(p.Items) {
			t.Fatalf("page %+v", p)
		}
		pages++
		found += p.ids(t)
		if p.NextCursor == "" {
			break
		}
		cursor = `,"cursor":` + quote(t, p.NextCursor)
	}
	if pages < 4 || found != "o-01" {
		t.Errorf("found %q on %d pages", found, pages)
	}
	if got := b.calls(); strings.Count(got, "Query") != pages || strings.Contains(got, "Describe") {
		t.Errorf("calls %s: a page is one call", got)
	}
}

func TestScanItemsBySegment(t *testing.T) {
	b := newBench(t)
	var ids []string
	for segment := range 3 {
		cursor := ""
		for {
			p := b.scan(t, fmt.Sprintf(`{"segment":%d,"total_segments":3,"limit":2,"projection":"id"%s}`, segment, cursor)).native(t)
			if len(p.Items) > 0 {
				ids = append(ids, strings.Fields(p.ids(t))...)
			}
			if p.NextCursor == "" {
				break
			}
			cursor = `,"cursor":` + quote(t, p.NextCursor)
		}
	}
	slices.Sort(ids)
	if got := strings.Join(slices.Compact(ids), " "); len(ids) != 12 || !strings.HasPrefix(got, "o-00 o-01 o-02") {
		t.Errorf("scanned %d: %s", len(ids), got)
	}
	p := b.scan(t, `{"filter":"#t >= :t","names":{"#t":"total"},"values":{":t":100},"index":"by-customer","consistent":false,"capacity":true}`).native(t)
	if p.Count != 2 || p.Scanned != 12 || p.Capacity == nil || *p.Capacity == 0 {
		t.Errorf("page %+v", p)
	}
	for i := range 50 {
		b.put(t, fmt.Sprintf(`{"id":"more-%02d"}`, i))
	}
	b.scan(t, `{"select":"count"}`).wantBody(t, `{"items":[],"count":62,"scanned_count":62}`)
	if p := b.scan(t, `{}`).native(t); len(p.Items) != 50 || p.NextCursor == "" {
		t.Errorf("%d items without a limit", len(p.Items))
	}
}

func TestNativeFaults(t *testing.T) {
	b := newBench(t)
	b.query(t, `{"names":{},"limit":0,"order":"up","select":"x"}`).wantProblem(t, problem.InvalidRequest, "/limit", "/order", "/select", "/key_condition")
	b.query(t, `{"key_condition":"id = :id","values":{":id":{"$number":"x"},"id":1}}`).wantProblem(t, problem.InvalidRequest, "/values/:id/$number", "/values/id")
	b.scan(t, `{"segment":1}`).wantProblem(t, problem.InvalidRequest, "/segment")
	b.scan(t, `{"total_segments":2}`).wantProblem(t, problem.InvalidRequest, "/segment")
	b.scan(t, `{"segment":2,"total_segments":2,"values":{":x":{"$set":[]}}}`).wantProblem(t, problem.InvalidRequest, "/segment", "/values/:x/$set")
	b.scan(t, `{"limit":1001}`).wantProblem(t, problem.InvalidRequest, "/limit")
	b.scan(t, `{"cursor":"nope"}`).wantProblem(t, problem.CursorInvalid)
	if got := b.calls(); got != "" {
		t.Errorf("AWS was called: %s", got)
	}
	b.query(t, `{"key_condition":"id = :id"}`).wantProblem(t, problem.AWSRejected)
	b.query(t, ofCustomer+`,"consistent":true}`).wantProblem(t, problem.AWSRejected) // traps.md 30
	b.scan(t, `{"index":"by-nobody"}`).wantProblem(t, problem.AWSRejected)
}

func TestNativeCursorsAreOfTheirOwnRequestOnly(t *testing.T) {
	b := newBench(t)
	b.connect("again", func(l *permissions.Limits) { l.Tables = []string{"*"} })
	first := b.query(t, ofCustomer+`,"limit":2}`).native(t)
	body := ofCustomer + `,"limit":2,"cursor":` + quote(t, first.NextCursor) + `}`
	if got := b.query(t, body).native(t).ids(t); got != "o-04 o-01" {
		t.Errorf("then %s", got)
	}
	path := "orders/tables/Orders/query"
	for name, r := range map[string]request{
		"another user":       {path: path, body: body, user: "eve"},
		"another connection": {path: "again/tables/Orders/query", body: body},
		"another partition":  {path: path, body: strings.Replace(body, "c-1", "c-2", 1)},
		"another limit":      {path: path, body: strings.Replace(body, `"limit":2`, `"limit":3`, 1)},
		"a scan":             {path: "orders/tables/Orders/scan", body: `{"limit":2,"cursor":` + quote(t, first.NextCursor) + `}`},
	} {
		r.method = http.MethodPost
		t.Run(name, func(t *testing.T) { b.do(t, r).wantProblem(t, problem.CursorInvalid) })
	}
}

func TestNativeReadsWithinTheConnection(t *testing.T) {
	b := newBench(t)
	b.connect("reader", func(l *permissions.Limits) { l.Tables, l.ReadOnly = []string{"Orders"}, true })
	b.connect("users", func(l *permissions.Limits) { l.Tables = []string{"Users"} })
	for path, body := range map[string]string{"query": ofCustomer + `}`, "scan": `{}`} {
		b.do(t, request{method: http.MethodPost, path: "reader/tables/Orders/" + path, body: body}).native(t)
		b.calls()
		b.do(t, request{method: http.MethodPost, path: "users/tables/Orders/" + path, body: body}).wantProblem(t, problem.ConnectionForbids)
		b.do(t, request{method: http.MethodPost, path: "orders/tables/Orders/" + path, body: body, site: otherSite}).wantProblem(t, problem.ConnectionNotFound)
		if got := b.calls(); got != "" {
			t.Errorf("AWS was called: %s", got)
		}
	}
}
