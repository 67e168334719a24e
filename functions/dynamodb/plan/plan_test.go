package plan_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/functions/dynamodb/plan"
	"github.com/arngate/arngate/functions/dynamodb/value"
)

// orders has the key (id), a global index on (customer, placed) with whole items, one on (status, total)
// with keys and "note", one on (region) that is being made, and is what most tests search.
var orders = plan.Table{
	Key: plan.Key{Partition: plan.Attribute{Name: "id", Type: "S"}},
	Indexes: []plan.Index{
		{Name: "by-customer", Key: plan.Key{Partition: plan.Attribute{Name: "customer", Type: "S"}, Sort: plan.Attribute{Name: "placed", Type: "S"}}, Global: true, Usable: true, All: true},
		{Name: "by-status", Key: plan.Key{Partition: plan.Attribute{Name: "status", Type: "S"}, Sort: plan.Attribute{Name: "total", Type: "N"}}, Global: true, Usable: true, Projected: []string{"note"}},
		{Name: "by-region", Key: plan.Key{Partition: plan.Attribute{Name: "region", Type: "S"}}, Global: true, All: true},
	},
}

// lines has the key (order, n) and a local index on (order, sku) with the keys only.
var lines = plan.Table{
	Key:     plan.Key{Partition: plan.Attribute{Name: "order", Type: "S"}, Sort: plan.Attribute{Name: "n", Type: "N"}},
	Indexes: []plan.Index{{Name: "by-sku", Key: plan.Key{Partition: plan.Attribute{Name: "order", Type: "S"}, Sort: plan.Attribute{Name: "sku", Type: "S"}}, Usable: true}},
}

func where(t *testing.T, raw string) *plan.Condition {
	t.Helper()
	if raw == "" {
		return nil
	}
	c, faults := plan.DecodeWhere([]byte(raw), value.Plain, "/where")
	if len(faults) > 0 {
		t.Fatalf("where %s: %v", raw, faults)
	}
	return c
}

func paths(t *testing.T, texts ...string) []plan.Path {
	t.Helper()
	var list []plan.Path
	for _, text := range texts {
		path, ok := plan.ParsePath(text)
		if !ok {
			t.Fatalf("path %s", text)
		}
		list = append(list, path)
	}
	return list
}

var placeholder = regexp.MustCompile(`[#:]\d+`)

// readable writes the placeholders of an expression out.
func readable(text string, r plan.Read) string {
	return placeholder.ReplaceAllStringFunc(text, func(p string) string {
		if name, ok := r.Names[p]; ok {
			return name
		}
		encoded, err := value.NewEncoder(value.Plain).AppendValue(nil, r.Values[p])
		if err != nil {
			return err.Error()
		}
		return string(encoded)
	})
}

// spell is a plan in one line per read: index, key condition | filter, "+" for a residual, "1" if unique.
func spell(p *plan.Plan) []string {
	list := []string{}
	for _, r := range p.Reads {
		index := p.Index
		if p.Scan {
			index += " scan"
		}
		line := fmt.Sprintf("%s: %s | %s", index, readable(r.KeyCondition, r), readable(r.Filter, r))
		if r.Residual != nil {
			line += " +"
		}
		if r.Unique {
			line += " 1"
		}
		list = append(list, strings.Join(strings.Fields(line), " "))
	}
	return list
}

func TestMake(t *testing.T) {
	for _, tc := range []struct {
		name  string
		table plan.Table
		where string
		want  []string
	}{
		{"the whole key", orders, `{"field":"id","op":"=","value":"1"}`, []string{`: id = "1" | 1`}},
		{"the whole key and more", orders, `{"all":[{"field":"id","op":"=","value":"1"},{"field":"total","op":">","value":5}]}`, []string{`: id = "1" | total > 5 1`}},
		{"a key of another type", orders, `{"field":"id","op":"=","value":1}`, []string{}},
		{"an empty key", orders, `{"field":"id","op":"=","value":""}`, []string{}},
		{"several keys, each once, in order", orders, `{"field":"id","op":"in","value":["2","1",3,"2"]}`, []string{`: id = "1" | 1`, `: id = "2" | 1`}},
		{"contradicting keys", orders, `{"all":[{"field":"id","op":"=","value":"1"},{"field":"id","op":"in","value":["2","3"]}]}`, []string{}},
		{"an index", orders, `{"field":"customer","op":"=","value":"c"}`, []string{`by-customer: customer = "c" |`}},
		{
			"an index and its sort key", orders,
			`{"all":[{"field":"customer","op":"=","value":"c"},{"field":"placed","op":">=","value":"2026"},{"field":"placed","op":"<","value":"2027"},{"field":"total","op":"<","value":9}]}`,
			[]string{`by-customer: customer = "c" AND placed BETWEEN "2026" AND "2027" | total < 9 +`},
		},
		{"a prefix of the sort key", orders, `{"all":[{"field":"customer","op":"=","value":"c"},{"field":"placed","op":"begins_with","value":"2026-"}]}`, []string{`by-customer: customer = "c" AND begins_with(placed, "2026-") |`}},
		{"bounds that meet", lines, `{"all":[{"field":"order","op":"=","value":"o"},{"field":"n","op":"<=","value":2},{"field":"n","op":">=","value":2.0}]}`, []string{`: order = "o" AND n = 2.0 |`}},
		{"bounds that miss", lines, `{"all":[{"field":"order","op":"=","value":"o"},{"field":"n","op":"<","value":2},{"field":"n","op":">=","value":2}]}`, []string{}},
		{"the tighter of two bounds", lines, `{"all":[{"field":"order","op":"=","value":"o"},{"field":"n","op":">=","value":2},{"field":"n","op":">","value":2},{"field":"n","op":">","value":1}]}`, []string{`: order = "o" AND n > 2 |`}},
		{"not less is at least", lines, `{"all":[{"field":"order","op":"=","value":"o"},{"not":{"field":"n","op":"<","value":2}}]}`, []string{`: order = "o" AND n >= 2 |`}},
		{"several sort keys", lines, `{"all":[{"field":"order","op":"=","value":"o"},{"field":"n","op":"in","value":[2,1]}]}`, []string{`: order = "o" AND n = 1 | 1`, `: order = "o" AND n = 2 | 1`}},
		{"a local index", lines, `{"all":[{"field":"order","op":"=","value":"o"},{"field":"sku","op":"=","value":"s"}]}`, []string{`by-sku: order = "o" AND sku = "s" |`}},
		{
			"keys on every branch", orders,
			`{"any":[{"all":[{"field":"id","op":"=","value":"1"},{"field":"total","op":">","value":5}]},{"all":[{"field":"id","op":"=","value":"2"},{"field":"note","op":"exists"}]}]}`,
			[]string{`: id = "1" | total > 5 1`, `: id = "2" | attribute_exists(note) 1`},
		},
		{"a key on one branch only", orders, `{"any":[{"field":"id","op":"=","value":"1"},{"field":"total","op":">","value":5}]}`, []string{`scan: | id = "1" OR total > 5`}},
		{"not unequal is equal", orders, `{"not":{"any":[{"field":"id","op":"!=","value":"1"}]}}`, []string{`: id = "1" | 1`}},
		{"nothing", orders, `{"any":[]}`, []string{}},
		{"everything", orders, `{"all":[]}`, []string{`scan: |`}},
		{"no where", orders, ``, []string{`scan: |`}},
		{"an index without the whole items", orders, `{"field":"status","op":"=","value":"open"}`, []string{`scan: | status = "open"`}},
		{"an index that isn't ready", orders, `{"field":"region","op":"=","value":"eu"}`, []string{`scan: | region = "eu"`}},
		{"a sort key that may be missing", orders, `{"all":[{"field":"customer","op":"=","value":"c"},{"field":"placed","op":"not_exists"}]}`, []string{`scan: | customer = "c" AND attribute_not_exists(placed)`}},
		{"ends_with is finished here", orders, `{"field":"note","op":"ends_with","value":"!"}`, []string{`scan: | contains(note, "!") +`}},
		{"not ends_with can't be narrowed", orders, `{"not":{"field":"note","op":"ends_with","value":"!"}}`, []string{`scan: | +`}},
		{"what is below a key", orders, `{"field":"id.x","op":"not_exists"}`, []string{`scan: |`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := plan.Make(tc.table, plan.Request{Where: where(t, tc.where), Index: plan.IndexAuto})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, spell(p)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTrap26NamesAndValuesAreAlwaysPlaceholders(t *testing.T) {
	c := where(t, `{"all":[{"field":["status.x","size",0],"op":"=","value":"name"},{"field":"id","op":"=","value":"1"}]}`)
	p, err := plan.Make(orders, plan.Request{Where: c, Index: plan.IndexAuto, Fields: paths(t, "year.month")})
	if err != nil {
		t.Fatal(err)
	}
	want := []plan.Read{{
		KeyCondition: "#0 = :0", Filter: "#1.#2[0] = :1", Projection: "#0, #3.#4", Unique: true,
		Names:  map[string]string{"#0": "id", "#1": "status.x", "#2": "size", "#3": "year", "#4": "month"},
		Values: value.Item{":0": &types.AttributeValueMemberS{Value: "1"}, ":1": &types.AttributeValueMemberS{Value: "name"}},
	}}
	if diff := cmp.Diff(want, p.Reads, cmp.AllowUnexported(types.AttributeValueMemberS{}), cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".noSmithyDocumentSerde" }, cmp.Ignore())); diff != "" {
		t.Error(diff)
	}
}

func TestTrap29KeysAreNeverInTheFilterOfAQuery(t *testing.T) {
	c := where(t, `{"all":[{"field":"order","op":"=","value":"o"},{"any":[{"field":"n","op":"<","value":2},{"field":"qty","op":">","value":5}]}]}`)
	p, err := plan.Make(lines, plan.Request{Where: c, Index: plan.IndexAuto})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`: order = "o" | +`}, spell(p)); diff != "" {
		t.Error(diff)
	}
}

func TestTrap30GlobalIndexesAreNotReadConsistently(t *testing.T) {
	c := where(t, `{"field":"customer","op":"=","value":"c"}`)
	p, err := plan.Make(orders, plan.Request{Where: c, Index: plan.IndexAuto, Consistent: true})
	if err != nil || !p.Scan {
		t.Errorf("Make = %+v, %v; want a scan", p, err)
	}
	_, err = plan.Make(orders, plan.Request{Where: c, Index: "by-customer", Consistent: true})
	checkRefusal(t, err, plan.RefusedError{Pointer: "/consistent"})
}

func TestTrap28OnlyWhatIsProjected(t *testing.T) {
	status := `{"field":"status","op":"=","value":"open"}`
	both := `{"all":[` + status + `,{"field":"customer","op":"exists"}]}`
	for _, tc := range []struct {
		name, where, index string
		fields             []plan.Path
		count              bool
		wantIndex          string
		wantRefused        string
	}{
		{name: "covered", where: status, index: plan.IndexAuto, fields: paths(t, "id", "total", "note.x"), wantIndex: "by-status"},
		{name: "only counted", where: status, index: plan.IndexAuto, count: true, wantIndex: "by-status"},
		{name: "not covered", where: status, index: plan.IndexAuto, fields: paths(t, "customer"), wantIndex: ""},
		{name: "compared but not held", where: both, index: plan.IndexAuto, fields: paths(t, "id"), wantIndex: ""},
		{name: "named", where: status, index: "by-status", wantIndex: "by-status"},
		{name: "named, not covered", where: status, index: "by-status", fields: paths(t, "customer"), wantRefused: "/fields"},
		{name: "named, compared but not held", where: both, index: "by-status", wantRefused: "/where"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := plan.Make(orders, plan.Request{Where: where(t, tc.where), Index: tc.index, Fields: tc.fields, Count: tc.count})
			if tc.wantRefused != "" {
				checkRefusal(t, err, plan.RefusedError{Pointer: tc.wantRefused})
				return
			}
			if err != nil || p.Index != tc.wantIndex {
				t.Errorf("Make = %+v, %v; want index %q", p, err, tc.wantIndex)
			}
		})
	}
}

func TestLocalIndexFetchesTheRest(t *testing.T) {
	c := where(t, `{"all":[{"field":"order","op":"=","value":"o"},{"field":"sku","op":">","value":"s"}]}`)
	p, err := plan.Make(lines, plan.Request{Where: c, Index: plan.IndexAuto})
	if err != nil || p.Index != "by-sku" || p.Select != types.SelectAllAttributes {
		t.Errorf("Make = %+v, %v", p, err)
	}
}

func checkRefusal(t *testing.T, err error, want plan.RefusedError) {
	t.Helper()
	got, ok := errors.AsType[*plan.RefusedError](err)
	if !ok {
		t.Fatalf("error = %v, want a refusal of %s", err, want.Pointer)
	}
	want.Message = got.Message
	if diff := cmp.Diff(want, *got); diff != "" {
		t.Errorf("%s: %s", got.Message, diff)
	}
}

func TestOrder(t *testing.T) {
	customer, line := `{"field":"customer","op":"=","value":"c"}`, `{"field":"order","op":"=","value":"o"}`
	for _, tc := range []struct {
		name, where, field, index string
		table                     plan.Table
		want                      string
		refused                   *plan.RefusedError
	}{
		{"the sort key", customer, "placed", plan.IndexAuto, orders, "by-customer", nil},
		{"another field", customer, "total", plan.IndexAuto, orders, "", &plan.RefusedError{Pointer: "/order", Order: true, Orders: []string{"placed"}}},
		{"below the sort key", customer, "placed.x", plan.IndexAuto, orders, "", &plan.RefusedError{Pointer: "/order", Order: true, Orders: []string{"placed"}}},
		{"no key", `{"field":"total","op":">","value":1}`, "placed", plan.IndexAuto, orders, "", &plan.RefusedError{Pointer: "/order", Order: true}},
		{"no sort key", `{"field":"id","op":"=","value":"1"}`, "total", plan.IndexAuto, orders, "", &plan.RefusedError{Pointer: "/order", Order: true}},
		{"the table's", line, "n", plan.IndexAuto, lines, "", nil},
		{"an index's", line, "sku", plan.IndexAuto, lines, "by-sku", nil},
		{"the order decides over the sort key", `{"all":[` + line + `,{"field":"n","op":"=","value":1},{"field":"sku","op":"exists"}]}`, "sku", plan.IndexAuto, lines, "by-sku", nil},
		{"two would do", line, "qty", plan.IndexAuto, lines, "", &plan.RefusedError{Pointer: "/order", Order: true, Orders: []string{"n", "sku"}}},
		{"the index is named", line, "n", "by-sku", lines, "", &plan.RefusedError{Pointer: "/order", Order: true, Orders: []string{"sku"}}},
		{"the table is asked for", line, "sku", plan.IndexNone, lines, "", &plan.RefusedError{Pointer: "/order", Order: true, Orders: []string{"n"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := plan.Make(tc.table, plan.Request{Where: where(t, tc.where), Index: tc.index, Order: &plan.Order{Field: paths(t, tc.field)[0], Descending: true}})
			if tc.refused != nil {
				checkRefusal(t, err, *tc.refused)
				return
			}
			if err != nil || p.Index != tc.want || p.MergeBy != tc.field || !p.Descending {
				t.Errorf("Make = %+v, %v; want index %q", p, err, tc.want)
			}
		})
	}
}

func TestChoice(t *testing.T) {
	customer := `{"field":"customer","op":"=","value":"c"}`
	for _, tc := range []struct {
		name, where, index string
		forbid             bool
		want               []string
		refused            string
	}{
		{"the better key wins", `{"all":[` + customer + `,{"field":"id","op":"=","value":"1"}]}`, plan.IndexAuto, true, []string{`: id = "1" | customer = "c" 1`}, ""},
		{"none is the table", customer, plan.IndexNone, false, []string{`scan: | customer = "c"`}, ""},
		{"none, and no scan", customer, plan.IndexNone, true, nil, "/scan"},
		{"no scan where there must be one", `{"field":"total","op":">","value":1}`, plan.IndexAuto, true, nil, "/scan"},
		{"no scan for nothing", `{"any":[]}`, plan.IndexAuto, true, []string{}, ""},
		{"an unknown index", customer, "by-nobody", false, nil, "/index"},
		{"an index that isn't ready", customer, "by-region", false, nil, "/index"},
		{"a named index is scanned", `{"field":"total","op":">","value":1}`, "by-customer", false, []string{`by-customer scan: | total > 1`}, ""},
		{"a named index, its missing sort key notwithstanding", `{"all":[` + customer + `,{"field":"placed","op":"!=","value":"x"}]}`, "by-customer", true, []string{`by-customer: customer = "c" | +`}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := plan.Make(orders, plan.Request{Where: where(t, tc.where), Index: tc.index, ForbidScan: tc.forbid})
			if tc.refused != "" {
				checkRefusal(t, err, plan.RefusedError{Pointer: tc.refused})
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, spell(p)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSparseIndexIsSaid(t *testing.T) {
	p, err := plan.Make(orders, plan.Request{Where: where(t, `{"field":"customer","op":"=","value":"c"}`), Index: plan.IndexAuto})
	if err != nil || p.Sparse != "placed" {
		t.Errorf("Make = %+v, %v; want sparse in placed", p, err)
	}
	p, err = plan.Make(orders, plan.Request{Where: where(t, `{"all":[{"field":"customer","op":"=","value":"c"},{"field":"placed","op":"exists"}]}`), Index: plan.IndexAuto})
	if err != nil || p.Sparse != "" || p.Index != "by-customer" {
		t.Errorf("Make = %+v, %v; want nothing sparse", p, err)
	}
}

func TestNative(t *testing.T) {
	for _, tc := range []struct {
		raw, want string
		ok        bool
	}{
		{`{"field":"id","op":"not_exists"}`, `attribute_not_exists(id)`, true},
		{`{"any":[{"field":"a","op":"not_in","value":[1,2]},{"all":[{"field":"b","op":"not_begins_with","value":"x"},{"field":"c","op":"type","value":"SS"}]}]}`, `NOT (a IN (1, 2)) OR (NOT (begins_with(b, "x")) AND attribute_type(c, "SS"))`, true},
		{`{"not":{"all":[{"field":"a","op":"<","value":1},{"field":"b","op":"between","value":[1,2]}]}}`, `NOT (a < 1) OR NOT (b BETWEEN 1 AND 2)`, true},
		{`{"all":[]}`, ``, true},
		{`{"any":[]}`, ``, false},
		{`{"field":"a","op":"ends_with","value":"x"}`, `contains(a, "x")`, false},
	} {
		e, ok := plan.Native(where(t, tc.raw))
		if got := readable(e.Text, plan.Read{Names: e.Names, Values: e.Values}); ok != tc.ok || got != tc.want {
			t.Errorf("Native(%s) = %s, %t; want %s, %t", tc.raw, got, ok, tc.want, tc.ok)
		}
	}
}

func TestDecodeWhereFaults(t *testing.T) {
	for raw, want := range map[string][]string{
		`[]`:                  {"/where"},
		`{}`:                  {"/where/field", "/where/op"},
		`{"all":{}}`:          {"/where/all"},
		`{"not":[1]}`:         {"/where/not"},
		`{"all":[],"any":[]}`: {"/where"},
		`{"all":[{"field":"a","op":"~","value":1},{"field":"","op":"=","value":1},{"field":"a","op":"="}]}`: {"/where/all/0/op", "/where/all/1/field", "/where/all/2/value"},
		`{"field":"a","op":"=","value":1,"value":2,"x":1}`:                                                  {"/where/value", "/where/x"},
		`{"field":"a","op":"exists","value":1}`:                                                             {"/where/value"},
		`{"field":"a","op":"in","value":[]}`:                                                                {"/where/value"},
		`{"field":"a","op":"in","value":{"$set":[1]}}`:                                                      {"/where/value"},
		`{"field":"a","op":"in","value":[1,{"$number":"x"}]}`:                                               {"/where/value/1/$number"},
		`{"field":"a","op":"between","value":[1]}`:                                                          {"/where/value"},
		`{"field":"a","op":"between","value":[2,1]}`:                                                        {"/where/value"},
		`{"field":"a","op":"between","value":[1,"2"]}`:                                                      {"/where/value"},
		`{"field":"a","op":"<","value":true}`:                                                               {"/where/value"},
		`{"field":"a","op":"begins_with","value":1}`:                                                        {"/where/value"},
		`{"field":"a","op":"contains","value":[1]}`:                                                         {"/where/value"},
		`{"field":"a","op":"type","value":"string"}`:                                                        {"/where/value"},
		`{"field":["a",-1],"op":"exists"}`:                                                                  {"/where/field"},
		`{"field":1,"op":"exists"}`:                                                                         {"/where/field"},
		`{"not":` + strings.Repeat(`{"not":`, 40) + `{}` + strings.Repeat(`}`, 41):                          {"/where" + strings.Repeat("/not", 33)},
	} {
		c, faults := plan.DecodeWhere([]byte(raw), value.Plain, "/where")
		var got []string
		for _, f := range faults {
			got = append(got, f.Pointer)
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" || c != nil {
			t.Errorf("%s: %s", raw, diff)
		}
	}
}

func TestParsePath(t *testing.T) {
	for text, want := range map[string]plan.Path{
		"a":          {{Name: "a"}},
		"a.b[0][12]": {{Name: "a"}, {Name: "b"}, {Index: 0}, {Index: 12}},
		"a b.ü":      {{Name: "a b"}, {Name: "ü"}},
		"":           nil, ".": nil, "a.": nil, "a..b": nil, "[0]": nil, "a[": nil, "a[]": nil, "a[-1]": nil, "a[01]": nil, "a[x]": nil, "a[0]b": nil, "a[0": nil, "a[99999999999]": nil,
	} {
		got, ok := plan.ParsePath(text)
		if diff := cmp.Diff(want, got); diff != "" || ok != (want != nil) {
			t.Errorf("ParsePath(%q): %s", text, diff)
		}
	}
}
