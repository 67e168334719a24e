package value_test

import (
	"bytes"
	"testing"

	"github.com/arngate/arngate/functions/dynamodb/value"
)

// What is taken as a value is that value in either form, also after a client with float64 numbers has read and written it; and
// what is written once is written the same again.
func FuzzValues(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,{"$set":["x"]}]}`, `{"$map":{"$a":1}}`, `{"S":"x"}`, `{"$a":1,"b":{"$number":"1e400"}}`, `{"$set":[{"$binary":"AP8="},{"$binary":""}]}`,
		`{"M":{"$set":{"L":[{"N":"007"},{"N":"+.5"},{"NULL":true}]}}}`, `{"NS":["1","-0.1e-129","9007199254740993"]}`, `{"BS":["AA==","AQ=="]}`, `[9007199254740993,-0,1E+125,0.1e1]`,
		`{"$number":"99999999999999999999999999999999999999e87"}`, `{"$map":{"$map":{"":null}}}`, `"\u2028\ud83d\ude00"`, `{"BOOL":false}`, `{"$set":[1,1.0]}`, `1e999999`,
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, raw []byte, typed bool) {
		mode := value.Plain
		if typed {
			mode = value.Typed
		}
		v, faults := value.Decode(raw, mode, "")
		if len(faults) > 0 {
			return
		}
		for _, mode := range []value.Mode{value.Plain, value.Typed} {
			text, err := value.NewEncoder(mode).AppendValue(nil, v)
			if err != nil {
				t.Fatal(err)
			}
			checkBack(t, v, text, mode)
			checkBack(t, v, throughBrowser(t, text), mode)
			back, _ := value.Decode(text, mode, "")
			if again, err := value.NewEncoder(mode).AppendValue(nil, back); err != nil || !bytes.Equal(again, text) {
				t.Errorf("%s became %s, then %s, %v", raw, text, again, err)
			}
		}
	})
}
