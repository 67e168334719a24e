package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/functions/dynamodb/plan"
	"github.com/arngate/arngate/functions/dynamodb/value"
)

// many is a where that binds field to n values.
func many(t *testing.T, field string, n int, more string) *plan.Condition {
	t.Helper()
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("%q", fmt.Sprint(1000+i)))
	}
	return where(t, fmt.Sprintf(`{"all":[{"field":%q,"op":"in","value":[%s]}%s]}`, field, strings.Join(list, ","), more))
}

func TestTooManyKeysAreScannedOrFilteredHere(t *testing.T) {
	for n, wantReads := range map[int]int{plan.MaxReads: plan.MaxReads, plan.MaxReads + 1: 1} {
		p, err := plan.Make(orders, plan.Request{Where: many(t, "id", n, ""), Index: plan.IndexAuto})
		if err != nil || len(p.Reads) != wantReads || p.Scan != (n > plan.MaxReads) {
			t.Errorf("%d keys: %d reads, scan %t, %v", n, len(p.Reads), p.Scan, err)
		}
	}
	p, err := plan.Make(lines, plan.Request{Where: many(t, "sku", 500, `,{"field":"order","op":"in","value":["a","b"]}`), Index: plan.IndexAuto})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`by-sku: order = "a" AND sku BETWEEN "1000" AND "1499" | +`, `by-sku: order = "b" AND sku BETWEEN "1000" AND "1499" | +`}
	if diff := cmp.Diff(want, spell(p)); diff != "" {
		t.Error(diff)
	}
}

func TestAFilterThatIsTooLongIsDecidedHere(t *testing.T) {
	c := many(t, "note", 1200, "")
	p, err := plan.Make(orders, plan.Request{Where: c, Index: plan.IndexAuto, Fields: paths(t, "total")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"scan: | +"}, spell(p)); diff != "" {
		t.Error(diff)
	}
	note := value.Item{"id": &types.AttributeValueMemberS{Value: "1"}, "note": &types.AttributeValueMemberS{Value: "2199"}, "total": &types.AttributeValueMemberN{Value: "1"}}
	if !p.Reads[0].Residual.Matches(note) {
		t.Error("the residual condition doesn't match")
	}
	if got := p.Shape(note); len(got) != 1 || got["total"] == nil {
		t.Errorf("Shape = %v", got)
	}
	ors := strings.Repeat(`{"field":"note","op":"exists"},`, 200)
	p, err = plan.Make(orders, plan.Request{Where: where(t, `{"any":[`+ors[:len(ors)-1]+`]}`), Index: plan.IndexAuto})
	if err != nil || p.Reads[0].Filter != "" || p.Reads[0].Residual == nil {
		t.Errorf("399 operators: %+v, %v", p.Reads[0].Filter, err)
	}
	p, err = plan.Make(orders, plan.Request{Where: many(t, "note", 250, ""), Index: plan.IndexAuto})
	if err != nil || strings.Count(p.Reads[0].Filter, " IN (") != 3 || p.Reads[0].Residual != nil {
		t.Errorf("250 values: %+v, %v", p.Reads[0].Filter, err)
	}
}

func TestAProjectionThatIsTooLongIsDoneHere(t *testing.T) {
	var fields []plan.Path
	for i := range 900 {
		fields = append(fields, paths(t, fmt.Sprintf("field%d", i))...)
	}
	p, err := plan.Make(orders, plan.Request{Where: where(t, `{"field":"id","op":"=","value":"1"}`), Index: plan.IndexAuto, Fields: fields})
	if err != nil {
		t.Fatal(err)
	}
	if r := p.Reads[0]; r.Projection != "" || len(r.Names) != 1 {
		t.Errorf("projection %q, %d names", r.Projection, len(r.Names))
	}
	item := value.Item{"id": &types.AttributeValueMemberS{Value: "1"}, "field7": &types.AttributeValueMemberS{Value: "x"}, "other": &types.AttributeValueMemberS{Value: "x"}}
	if got := p.Shape(item); len(got) != 1 || got["field7"] == nil {
		t.Errorf("Shape = %v", got)
	}
}

func TestOverlappingFieldsAreProjectedOnce(t *testing.T) {
	p, err := plan.Make(orders, plan.Request{Where: where(t, `{"field":"id","op":"=","value":"1"}`), Index: plan.IndexAuto, Fields: paths(t, "a.b", "a", "id.x", "c[1]", "c[1]", "c[0].d")})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := readable(p.Reads[0].Projection, p.Reads[0]), "id, a, c[1], c[0].d"; got != want {
		t.Errorf("projection = %s, want %s", got, want)
	}
}

func TestShapeProjectsAsDynamoDBDoes(t *testing.T) {
	item, faults := value.DecodeItem([]byte(`{"id":"1","note":{"a":["x","y",{"z":1,"q":2}],"b":1},"total":1}`), value.Plain, "")
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	for _, tc := range []struct {
		fields []string
		want   string
	}{
		{[]string{"note.a[2].z", "note.a[0]"}, `{"note":{"a":["x",{"z":1}]}}`},
		{[]string{"note.b", "missing", "note.c"}, `{"note":{"b":1}}`},
		{[]string{"note.a[9]", "note.b.c", "id[0]"}, `{}`},
		{[]string{"note"}, `{"note":{"a":["x","y",{"q":2,"z":1}],"b":1}}`},
	} {
		// The residual condition needs all of note, so that the fields are cut here.
		p, err := plan.Make(orders, plan.Request{Where: where(t, `{"not":{"field":"note.b","op":"ends_with","value":"x"}}`), Index: plan.IndexAuto, Fields: paths(t, tc.fields...)})
		if err != nil {
			t.Fatal(err)
		}
		got, err := value.NewEncoder(value.Plain).AppendItem(nil, p.Shape(item))
		if err != nil || string(got) != tc.want {
			t.Errorf("Shape to %v = %s, %v; want %s", tc.fields, got, err, tc.want)
		}
	}
}

func TestMatches(t *testing.T) {
	item, faults := value.DecodeItem([]byte(`{"s":"abc","n":10,"b":{"$binary":"AQID"},"l":["x",1],"set":{"$set":[1,2]},"m":{"k":"v"},"z":null}`), value.Plain, "")
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	for raw, want := range map[string]bool{
		`{"field":"n","op":"=","value":1e1}`:                          true,
		`{"field":"n","op":"=","value":"10"}`:                         false,
		`{"field":"n","op":"!=","value":"10"}`:                        true,
		`{"field":"n","op":">","value":9}`:                            true,
		`{"field":"s","op":">","value":9}`:                            false,
		`{"not":{"field":"s","op":">","value":9}}`:                    true,
		`{"field":"none","op":"!=","value":1}`:                        true,
		`{"field":"none","op":"=","value":1}`:                         false,
		`{"field":"none","op":"not_between","value":[1,2]}`:           true,
		`{"field":"n","op":"between","value":[10,11]}`:                true,
		`{"field":"s","op":"between","value":["abc","abc"]}`:          true,
		`{"field":"n","op":"in","value":["10",10.0]}`:                 true,
		`{"field":"n","op":"not_in","value":["10"]}`:                  true,
		`{"field":"s","op":"begins_with","value":"ab"}`:               true,
		`{"field":"b","op":"begins_with","value":{"$binary":"AQI="}}`: true,
		`{"field":"b","op":"begins_with","value":"ab"}`:               false,
		`{"field":"s","op":"ends_with","value":"bc"}`:                 true,
		`{"field":"n","op":"ends_with","value":"0"}`:                  false,
		`{"field":"s","op":"contains","value":"b"}`:                   true,
		`{"field":"s","op":"contains","value":1}`:                     false,
		`{"field":"l","op":"contains","value":1}`:                     true,
		`{"field":"set","op":"contains","value":2.0}`:                 true,
		`{"field":"set","op":"not_contains","value":"2"}`:             true,
		`{"field":"set","op":"=","value":{"$set":[2,1]}}`:             true,
		`{"field":"m","op":"=","value":{"k":"v"}}`:                    true,
		`{"field":"m.k","op":"type","value":"S"}`:                     true,
		`{"field":["m","k"],"op":"exists"}`:                           true,
		`{"field":"l[1]","op":"=","value":1}`:                         true,
		`{"field":"l[2]","op":"not_exists"}`:                          true,
		`{"field":"l.k","op":"exists"}`:                               false,
		`{"field":"m[0]","op":"exists"}`:                              false,
		`{"field":"z","op":"=","value":null}`:                         true,
		`{"field":"z","op":"type","value":"NULL"}`:                    true,
		`{"all":[]}`: true, `{"any":[]}`: false, `{"not":{"any":[]}}`: true,
	} {
		if got := where(t, raw).Matches(item); got != want {
			t.Errorf("%s is %t", raw, got)
		}
	}
}
