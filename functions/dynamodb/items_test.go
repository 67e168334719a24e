package dynamodb_test

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/arngate/arngate/functions/dynamodb"
	"github.com/arngate/arngate/shared/httpapi"
)

// What writes itself writes what the codec would.
func TestAnItemWritesItselfAsTheCodecWould(t *testing.T) {
	for _, item := range []string{`null`, `{}`, `{"id":"o-001","total":20,"tags":{"$set":["a","b"]},"note":"<\"é\u001f>"}`} {
		body := dynamodb.ItemBody{Item: jsontext.Value(item)}
		want, err := httpapi.Encode(body)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(body.AppendJSON([]byte("before "))); got != "before "+string(want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
