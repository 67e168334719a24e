package value_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/arngate/arngate/functions/dynamodb/value"
)

type (
	attrS    = types.AttributeValueMemberS
	attrN    = types.AttributeValueMemberN
	attrB    = types.AttributeValueMemberB
	attrBool = types.AttributeValueMemberBOOL
	attrNull = types.AttributeValueMemberNULL
	attrM    = types.AttributeValueMemberM
	attrL    = types.AttributeValueMemberL
	attrSS   = types.AttributeValueMemberSS
	attrNS   = types.AttributeValueMemberNS
	attrBS   = types.AttributeValueMemberBS
)

var exported = cmpopts.IgnoreUnexported(attrS{}, attrN{}, attrB{}, attrBool{}, attrNull{}, attrM{}, attrL{}, attrSS{}, attrNS{}, attrBS{})

func TestEncode(t *testing.T) {
	for _, tc := range []struct {
		v            types.AttributeValue
		plain, typed string
	}{
		{&attrS{Value: ""}, `""`, `{"S":""}`},
		{&attrS{Value: "a\"\n\u2028€"}, "\"a\\\"\\n\u2028€\"", "{\"S\":\"a\\\"\\n\u2028€\"}"},
		{&attrN{Value: "0.1"}, `0.1`, `{"N":"0.1"}`},
		{&attrN{Value: "-12345678901234"}, `-12345678901234`, `{"N":"-12345678901234"}`},
		{&attrN{Value: "9007199254740992"}, `9007199254740992`, `{"N":"9007199254740992"}`},
		{&attrN{Value: "9007199254740993"}, `{"$number":"9007199254740993"}`, `{"N":"9007199254740993"}`},
		{&attrN{Value: "1E+125"}, `1E+125`, `{"N":"1E+125"}`},
		{&attrN{Value: "0.1000000000000000055511151231257827"}, `{"$number":"0.1000000000000000055511151231257827"}`, `{"N":"0.1000000000000000055511151231257827"}`},
		{&attrN{Value: "+1"}, `{"$number":"+1"}`, `{"N":"+1"}`},
		{&attrN{Value: "007"}, `{"$number":"007"}`, `{"N":"007"}`},
		{&attrN{Value: ".5"}, `{"$number":".5"}`, `{"N":".5"}`},
		{&attrB{Value: []byte{0, 255, 1}}, `{"$binary":"AP8B"}`, `{"B":"AP8B"}`},
		{&attrB{Value: nil}, `{"$binary":""}`, `{"B":""}`},
		{&attrBool{Value: true}, `true`, `{"BOOL":true}`},
		{&attrNull{Value: true}, `null`, `{"NULL":true}`},
		{&attrL{Value: nil}, `[]`, `{"L":[]}`},
		{&attrM{Value: nil}, `{}`, `{"M":{}}`},
		{&attrM{Value: value.Item{"b": &attrN{Value: "1"}, "a": &attrS{Value: "x"}}}, `{"a":"x","b":1}`, `{"M":{"a":{"S":"x"},"b":{"N":"1"}}}`},
		{&attrM{Value: value.Item{"$set": &attrS{Value: "x"}}}, `{"$map":{"$set":"x"}}`, `{"M":{"$set":{"S":"x"}}}`},
		{&attrM{Value: value.Item{"$other": &attrNull{Value: true}}}, `{"$map":{"$other":null}}`, `{"M":{"$other":{"NULL":true}}}`},
		{&attrM{Value: value.Item{"$set": &attrNull{Value: true}, "b": &attrNull{Value: true}}}, `{"$set":null,"b":null}`, `{"M":{"$set":{"NULL":true},"b":{"NULL":true}}}`},
		{&attrM{Value: value.Item{"": &attrNull{Value: true}}}, `{"":null}`, `{"M":{"":{"NULL":true}}}`},
		{&attrSS{Value: []string{"b", "a"}}, `{"$set":["b","a"]}`, `{"SS":["b","a"]}`},
		{&attrNS{Value: []string{"1", "9007199254740993"}}, `{"$set":[1,{"$number":"9007199254740993"}]}`, `{"NS":["1","9007199254740993"]}`},
		{&attrBS{Value: [][]byte{{1}}}, `{"$set":[{"$binary":"AQ=="}]}`, `{"BS":["AQ=="]}`},
	} {
		for mode, want := range map[value.Mode]string{value.Plain: tc.plain, value.Typed: tc.typed} {
			got, err := value.NewEncoder(mode).AppendValue(nil, tc.v)
			if err != nil || string(got) != want {
				t.Errorf("AppendValue(%v, %s) = %s, %v; want %s", mode, value.Kind(tc.v), got, err, want)
			}
			back, faults := value.Decode(got, mode, "")
			if diff := cmp.Diff(tc.v, back, exported, cmpopts.EquateEmpty()); diff != "" || faults != nil {
				t.Errorf("Decode(%s): %v %s", got, faults, diff)
			}
		}
	}
}

func TestEncodeRefusesUnknown(t *testing.T) {
	for _, mode := range []value.Mode{value.Plain, value.Typed} {
		for _, v := range []types.AttributeValue{nil, &types.UnknownUnionMember{}, &attrL{Value: []types.AttributeValue{nil}}, &attrM{Value: value.Item{"a": nil}}} {
			if _, err := value.NewEncoder(mode).AppendValue(nil, v); err == nil {
				t.Errorf("AppendValue(%v, %T) gave no error", mode, v)
			}
		}
	}
}

func TestDecodeFaults(t *testing.T) {
	for _, tc := range []struct {
		mode value.Mode
		raw  string
		want []string // pointers
	}{
		{value.Plain, `{"a":1,"a":2,"b":{"c":1e126,"c":{}}}`, []string{"/v/a", "/v/b/c", "/v/b/c"}},
		{value.Plain, `[1,{"$number":1},{"$number":"x"},{"$binary":"A"},{"$binary":"QQ=\n="},{"$set":[]},{"$set":[1,"1"]},{"$set":[1,1.0]},{"$set":{}},{"$map":1},{"$nope":1}]`, []string{"/v/1/$number", "/v/2/$number", "/v/3/$binary", "/v/4/$binary", "/v/5/$set", "/v/6/$set", "/v/7/$set", "/v/8/$set", "/v/9/$map", "/v/10/$nope"}},
		{value.Plain, `{"$set":[true]}`, []string{"/v/$set"}},
		{value.Plain, `{"$set":[{"$number":"z"},1e200]}`, []string{"/v/$set/0/$number", "/v/$set/1"}},
		{value.Plain, `{"$set":["a","b","a"]}`, []string{"/v/$set"}},
		{value.Plain, `{"$set":1,"$set":2}`, []string{"/v/$set"}},
		{value.Plain, `{"$map":{"$map":1,"$map":{"$x":1}}}`, []string{"/v/$map/$map", "/v/$map/$map/$x"}},
		{value.Plain, `123456789012345678901234567890123456789`, []string{"/v"}},
		{value.Plain, `1e-131`, []string{"/v"}},
		{value.Plain, `1e99999999999999999999999`, []string{"/v"}},
		{value.Plain, `{"a":tru}`, []string{"/v"}},
		{value.Plain, `1 2`, []string{"/v"}},
		{value.Plain, `1 x`, []string{"/v"}},
		{value.Plain, ``, []string{"/v"}},
		{value.Plain, `{"a":[1,`, []string{"/v"}},
		{value.Plain, `{"$a":`, []string{"/v"}},
		{value.Plain, `"\ud800"`, []string{"/v"}},
		{value.Plain, "\"\xff\"", []string{"/v"}},
		{value.Typed, `1`, []string{"/v"}},
		{value.Typed, `{}`, []string{"/v"}},
		{value.Typed, `{"S":"a","N":"1"}`, []string{"/v"}},
		{value.Typed, `{"S":"a","S":"a"}`, []string{"/v"}},
		{value.Typed, `{"L":[{"S":1},{"N":1},{"N":"1e200"},{"BOOL":"true"},{"NULL":false},{"M":[]},{"L":{}},{"SS":[]},{"SS":[1]},{"NS":["x"]},{"NS":["1","1.0"]},{"BS":["?"]},{"B":"QQ"},{"s":"a"},{"SS":"a"}]}`, []string{
			"/v/L/0/S", "/v/L/1/N", "/v/L/2/N", "/v/L/3/BOOL", "/v/L/4/NULL", "/v/L/5/M", "/v/L/6/L", "/v/L/7/SS", "/v/L/8/SS/0",
			"/v/L/9/NS/0", "/v/L/10/NS", "/v/L/11/BS/0", "/v/L/12/B", "/v/L/13/s", "/v/L/14/SS",
		}},
		{value.Typed, `{"M":{"a":{"S":""},"a":{"S":""}}}`, []string{"/v/M/a"}},
	} {
		v, faults := value.Decode([]byte(tc.raw), tc.mode, "/v")
		if diff := cmp.Diff(tc.want, pointers(faults)); diff != "" || v != nil {
			t.Errorf("Decode(%s, %s) = %v: faults %s", tc.mode, tc.raw, v, diff)
		}
	}
}

func pointers(faults []value.Fault) []string {
	var out []string
	for _, f := range faults {
		out = append(out, f.Pointer)
	}
	return out
}

func TestDecodeItem(t *testing.T) {
	for _, tc := range []struct {
		mode value.Mode
		raw  string
		want value.Item
		bad  []string
	}{
		{value.Plain, `{"id":"42"}`, value.Item{"id": &attrS{Value: "42"}}, nil},
		{value.Plain, `{"$map":{"$id":"42"}}`, value.Item{"$id": &attrS{Value: "42"}}, nil},
		{value.Typed, `{"id":{"S":"42"}}`, value.Item{"id": &attrS{Value: "42"}}, nil},
		{value.Typed, `{"$map":{"S":"42"}}`, value.Item{"$map": &attrS{Value: "42"}}, nil},
		{value.Plain, `{"$number":"42"}`, nil, []string{""}},
		{value.Plain, `{"$id":"42"}`, nil, []string{"/$id"}},
		{value.Plain, `["id"]`, nil, []string{""}},
		{value.Typed, `null`, nil, []string{""}},
	} {
		got, faults := value.DecodeItem([]byte(tc.raw), tc.mode, "")
		if diff := cmp.Diff(tc.want, got, exported); diff != "" {
			t.Errorf("DecodeItem(%s, %s): %s", tc.mode, tc.raw, diff)
		}
		if diff := cmp.Diff(tc.bad, pointers(faults)); diff != "" {
			t.Errorf("DecodeItem(%s, %s): faults %s", tc.mode, tc.raw, diff)
		}
	}
}

func TestDecodeDeep(t *testing.T) {
	for _, shape := range []string{`{"$a":%s}`, `[%s]`, `{"a":%s}`, `{"$map":{"$a":%s}}`} {
		raw := "1"
		for range 3000 {
			raw = fmt.Sprintf(shape, raw)
		}
		if _, faults := value.Decode([]byte(raw), value.Plain, ""); len(faults) == 0 {
			t.Errorf("nested %s: no fault", shape)
		}
	}
}

func TestFaultsAreBoundedAndNeverRepeatTheValue(t *testing.T) {
	raw := "[" + strings.Repeat(`{"$number":"hunter2"},{"$set":["hunter2",1]},{"$binary":"hunter2"},`, 100) + "1]"
	_, faults := value.Decode([]byte(raw), value.Plain, "")
	if len(faults) == 0 || len(faults) > 100 {
		t.Errorf("%d faults", len(faults))
	}
	for _, f := range faults {
		if strings.Contains(f.Message+f.Pointer, "hunter2") {
			t.Fatalf("fault repeats the value: %+v", f)
		}
	}
}

func TestTrap25NumbersAreExact(t *testing.T) {
	for _, tc := range []struct {
		text string
		ok   bool
	}{
		{"0", true},
		{"-0.000", true},
		{"0e999999999999", true},
		{"99999999999999999999999999999999999999", true},
		{"999999999999999999999999999999999999990000", true},
		{"1.00000000000000000000000000000000000000000000", true},
		{"0.0000000000000000000000000000000000000000000000012345", true},
		{"9.9999999999999999999999999999999999999E+125", true},
		{"1E-130", true},
		{"-1e125", true},
		{"1E126", false},
		{"0.99E-130", false},
		{"999999999999999999999999999999999999991", false},
		{"", false},
		{".", false},
		{"1e", false},
		{"1e+", false},
		{"1..2", false},
		{"1.2.3", false},
		{" 1", false},
		{"0x1", false},
		{"NaN", false},
		{"--1", false},
	} {
		if err := value.CheckNumber(tc.text); (err == nil) != tc.ok {
			t.Errorf("CheckNumber(%q) = %v", tc.text, err)
		}
	}
	for _, same := range [][]string{{"1", "1.0", "1E0", "100e-2", "+1", "001", "0.1e1"}, {"0", "-0", "0.00", "0e5"}, {"-1200", "-12e2", "-1.2E+3"}} {
		for _, other := range same {
			if value.CompareNumbers(same[0], other) != 0 {
				t.Errorf("%s and %s are one number", same[0], other)
			}
		}
	}
}

// number draws the text of any number that DynamoDB holds, in any spelling.
func number(t *rapid.T) string {
	text := rapid.SampledFrom([]string{"", "-"}).Draw(t, "sign")
	digits := rapid.StringMatching(`[0-9]{1,38}`).Draw(t, "digits")
	at := rapid.IntRange(0, len(digits)).Draw(t, "point")
	switch {
	case at == 0 || at == len(digits):
		text += digits
	default:
		text += digits[:at] + "." + digits[at:]
	}
	if rapid.Bool().Draw(t, "scientific") {
		text += fmt.Sprintf("e%d", rapid.IntRange(-92, 87).Draw(t, "exponent"))
	}
	return text
}

func TestCompareNumbersAgainstBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := number(t), number(t)
		if rapid.Bool().Draw(t, "near") {
			b = a[:len(a)-1] + "3"
		}
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		if got, want := value.CompareNumbers(a, b), x.Cmp(y); got != want {
			t.Fatalf("CompareNumbers(%s, %s) = %d, want %d", a, b, got, want)
		}
		if err := value.CheckNumber(a); err != nil {
			t.Fatalf("CheckNumber(%s): %v", a, err)
		}
	})
}

var names = rapid.OneOf(rapid.SampledFrom([]string{"$set", "$map", "$number", "$binary", "$", "a", "b", ""}), rapid.String())

// anyValue draws a value of any of the ten types.
func anyValue(depth int) *rapid.Generator[types.AttributeValue] {
	return rapid.Custom(func(t *rapid.T) types.AttributeValue {
		kinds := []string{"S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS"}
		if depth > 0 {
			kinds = append(kinds, "M", "M", "L")
		}
		texts := rapid.SliceOfNDistinct(rapid.String(), 1, 4, rapid.ID)
		switch rapid.SampledFrom(kinds).Draw(t, "kind") {
		case "S":
			return &attrS{Value: rapid.String().Draw(t, "S")}
		case "N":
			return &attrN{Value: number(t)}
		case "B":
			return &attrB{Value: rapid.SliceOf(rapid.Byte()).Draw(t, "B")}
		case "BOOL":
			return &attrBool{Value: rapid.Bool().Draw(t, "BOOL")}
		case "NULL":
			return &attrNull{Value: true}
		case "SS":
			return &attrSS{Value: texts.Draw(t, "SS")}
		case "NS":
			set := []string{number(t), number(t)}
			return &attrNS{Value: slices.CompactFunc(set, func(a, b string) bool { return value.CompareNumbers(a, b) == 0 })}
		case "BS":
			var set [][]byte
			for _, text := range texts.Draw(t, "BS") {
				set = append(set, []byte(text))
			}
			return &attrBS{Value: set}
		case "L":
			return &attrL{Value: rapid.SliceOfN(anyValue(depth-1), 0, 3).Draw(t, "L")}
		default:
			return &attrM{Value: rapid.MapOfN(names, anyValue(depth-1), 0, 3).Draw(t, "M")}
		}
	})
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := anyValue(3).Draw(t, "value")
		mode := rapid.SampledFrom([]value.Mode{value.Plain, value.Typed}).Draw(t, "mode")
		text, err := value.NewEncoder(mode).AppendValue(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		checkBack(t, v, text, mode)
		checkBack(t, v, throughBrowser(t, text), mode)
	})
}

// checkBack says whether text is v again, of the same type and, for DynamoDB, the same content.
func checkBack(t rapid.TB, v types.AttributeValue, text []byte, mode value.Mode) {
	t.Helper()
	back, faults := value.Decode(text, mode, "")
	if len(faults) > 0 {
		t.Fatalf("Decode(%s): %v", text, faults)
	}
	if !value.Equal(v, back) {
		t.Fatalf("%s gives %s", text, cmp.Diff(v, back, exported))
	}
}

// throughBrowser does what a client with float64 numbers does: parses everything and writes it again.
func throughBrowser(t rapid.TB, text []byte) []byte {
	t.Helper()
	var parsed any
	if err := json.Unmarshal(text, &parsed); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(parsed)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func TestItemRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		item := rapid.MapOfN(names, anyValue(1), 0, 3).Draw(t, "item")
		mode := rapid.SampledFrom([]value.Mode{value.Plain, value.Typed}).Draw(t, "mode")
		text, err := value.NewEncoder(mode).AppendItem(nil, item)
		if err != nil {
			t.Fatal(err)
		}
		back, faults := value.DecodeItem(text, mode, "")
		if len(faults) > 0 || !value.Equal(&attrM{Value: item}, &attrM{Value: back}) {
			t.Fatalf("DecodeItem(%s) = %v, %v", text, back, faults)
		}
	})
}

func TestEqual(t *testing.T) {
	for _, tc := range []struct {
		a, b types.AttributeValue
		want bool
	}{
		{&attrN{Value: "1"}, &attrS{Value: "1"}, false},
		{&attrN{Value: "1"}, &attrN{Value: "1.0"}, true},
		{&attrNS{Value: []string{"1", "2"}}, &attrNS{Value: []string{"2.0", "1"}}, true},
		{&attrSS{Value: []string{"a", "b"}}, &attrSS{Value: []string{"a", "c"}}, false},
		{&attrBS{Value: [][]byte{{1}, {2}}}, &attrBS{Value: [][]byte{{2}, {1}}}, true},
		{&attrL{Value: []types.AttributeValue{&attrN{Value: "1"}}}, &attrL{Value: []types.AttributeValue{&attrN{Value: "1.0"}}}, true},
		{&attrM{Value: value.Item{"a": &attrNull{Value: true}}}, &attrM{Value: value.Item{"b": &attrNull{Value: true}}}, false},
		{&attrNull{Value: true}, &attrNull{Value: true}, true},
		{&attrBool{Value: true}, &attrBool{Value: false}, false},
		{nil, nil, false},
	} {
		if got := value.Equal(tc.a, tc.b); got != tc.want {
			t.Errorf("Equal(%v, %v) = %v", tc.a, tc.b, got)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	item := value.Item{
		"id": &attrS{Value: "order-4711"}, "total": &attrN{Value: "129.95"}, "paid": &attrBool{Value: true},
		"tags": &attrSS{Value: []string{"new", "blue"}}, "lines": &attrL{Value: []types.AttributeValue{&attrM{Value: value.Item{"sku": &attrS{Value: "A"}, "n": &attrN{Value: "2"}}}}},
	}
	e := value.NewEncoder(value.Plain)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = e.AppendItem(buf[:0], item)
	}
}
