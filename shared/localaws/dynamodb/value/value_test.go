package value_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
)

func tree(t *testing.T, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("read %s: %v", text, err)
	}
	return v
}

func decode(t *testing.T, text string) value.Value {
	t.Helper()
	v, err := value.Decode(tree(t, text))
	if err != nil {
		t.Fatalf("decode %s: %v", text, err)
	}
	return v
}

func TestValuesComeBackInCanonicalForm(t *testing.T) {
	for text, want := range map[string]string{
		`{"S":""}`:                 `{"S":""}`,
		`{"N":"1.50"}`:             `{"N":"1.5"}`,
		`{"B":"/w=="}`:             `{"B":"/w=="}`,
		`{"BOOL":false}`:           `{"BOOL":false}`,
		`{"NULL":true}`:            `{"NULL":true}`,
		`{"SS":["c","","B"]}`:      `{"SS":["","B","c"]}`,
		`{"NS":["10","9","-1.0"]}`: `{"NS":["-1","9","10"]}`,
		`{"BS":["/w==","AQ=="]}`:   `{"BS":["AQ==","/w=="]}`,
		`{"L":[]}`:                 `{"L":[]}`,
		`{"M":{}}`:                 `{"M":{}}`,
		`{"L":[{"N":"1e2"},{"M":{"a":{"L":[]}}}]}`: `{"L":[{"N":"100"},{"M":{"a":{"L":[]}}}]}`,
		`{"S":"x","N":null}`:                       `{"S":"x"}`,
	} {
		got, err := json.Marshal(decode(t, text))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(got), want); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestInvalidValues(t *testing.T) {
	const prefix = "One or more parameter values were invalid: "
	for text, want := range map[string]string{
		`{}`:                   "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
		`{"X":"y"}`:            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
		`{"S":"x","N":"1"}`:    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
		`{"NULL":false}`:       prefix + "Null attribute value types must have the value of true",
		`{"SS":["a","a"]}`:     prefix + "Input collection [a, a] contains duplicates",
		`{"M":{"":{"S":"x"}}}`: "Empty attribute name",
		`{"L":[null]}`:         "The supplied Item contains a null AttributeValue",
		`{"M":{"a":null}}`:     "The supplied Item contains a null AttributeValue: a is null",
		nested(32):             "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit",
	} {
		_, err := value.Decode(tree(t, text))
		var bad *value.Error
		if !errors.As(err, &bad) {
			t.Errorf("%s: got %v, want an Error", text, err)
			continue
		}
		if diff := cmp.Diff(bad.Message, want); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
	decode(t, nested(31))
}

func nested(levels int) string {
	return strings.Repeat(`{"L":[`, levels) + `{"S":"x"}` + strings.Repeat(`]}`, levels)
}

func TestTrap27EmptySets(t *testing.T) {
	for text, want := range map[string]string{
		`{"SS":[]}`: "One or more parameter values were invalid: An string set  may not be empty",
		`{"NS":[]}`: "One or more parameter values were invalid: An number set  may not be empty",
		`{"BS":[]}`: "One or more parameter values were invalid: Binary sets should not be empty",
	} {
		_, err := value.Decode(tree(t, text))
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	decode(t, `{"S":""}`)
	decode(t, `{"B":""}`)
	decode(t, `{"SS":[""]}`)
}

func TestTrap25SetsKnowEqualNumbers(t *testing.T) {
	_, err := value.Decode(tree(t, `{"NS":["1","1.0"]}`))
	if err == nil || err.Error() != "Input collection contains duplicates" {
		t.Errorf("got %v", err)
	}
	if !value.Equal(decode(t, `{"NS":["1","2"]}`), decode(t, `{"NS":["2.0","1E0"]}`)) {
		t.Error("sets of equal numbers differ")
	}
}

func TestWrongJSONIsASerializationFault(t *testing.T) {
	for text, want := range map[string]string{
		`{"S":1}`:         "NUMBER_VALUE cannot be converted to String",
		`{"N":1.5}`:       "DECIMAL_VALUE cannot be converted to String",
		`{"S":true}`:      "TRUE_VALUE cannot be converted to String",
		`{"BOOL":"true"}`: "Unexpected token received from parser",
		`{"BOOL":1}`:      "NUMBER_VALUE cannot be converted to Boolean",
		`{"L":"x"}`:       "Unexpected field type",
		`{"M":[]}`:        "Start of list found where not expected",
		`"x"`:             "Unexpected field type",
		`{"B":"YQ"}`:      "Base64 encoded length is expected a multiple of 4 bytes but found: 2",
	} {
		_, err := value.Decode(tree(t, text))
		var malformed *value.SyntaxError
		if !errors.As(err, &malformed) || malformed.Message != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

// The sizes are those by which DynamoDB Local fills an item to its limit.
func TestSizes(t *testing.T) {
	for text, want := range map[string]int{
		`{"S":"é"}`: 2, `{"B":"AQI="}`: 2, `{"BOOL":true}`: 1, `{"NULL":true}`: 1,
		`{"N":"0"}`: 1, `{"N":"1"}`: 2, `{"N":"100"}`: 2, `{"N":"123"}`: 3, `{"N":"12345"}`: 4, `{"N":"0.1"}`: 2, `{"N":"1.2"}`: 3,
		`{"N":"-123"}`: 4, `{"N":"1.5e11"}`: 2, `{"N":"1234567890123456789012345678901234567.8"}`: 21,
		`{"SS":["a","bc"]}`: 3, `{"NS":["1","12","-3"]}`: 7, `{"L":[]}`: 3, `{"L":[{"N":"1"}]}`: 6, `{"M":{"k":{"S":"v"}}}`: 6,
		`{"L":[{"L":[{"M":{"abc":{"L":[]}}}]}]}`: 18,
	} {
		if got := decode(t, text).Size(); got != want {
			t.Errorf("%s: got %d, want %d", text, got, want)
		}
	}
}

func TestTrap25BinaryIsUnsigned(t *testing.T) {
	if value.Compare(decode(t, `{"B":"gA=="}`), decode(t, `{"B":"fw=="}`)) <= 0 {
		t.Error("0x80 sorts below 0x7f")
	}
}
