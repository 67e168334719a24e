package dynamodb_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"github.com/arngate/arngate/functions/dynamodb/value"
)

// Names and texts that a careless codec trips over.
var (
	oddNames = rapid.SampledFrom([]string{"a", "$number", "$set", "$binary", "$map", "$", "a.b", "a[0]", "size", "é", "\"", "\u2028", " "})
	oddTexts = rapid.OneOf(rapid.SampledFrom([]string{"", "1", "true", "null", "{\"$number\":\"1\"}", "\x00\u001f", "</script>", "😀", "é", "a\\b\"c"}), rapid.String())
	// Numbers of up to 38 digits, at both ends of the exponents, and those that a float64 can and can't hold.
	oddNumbers = rapid.OneOf(
		rapid.SampledFrom([]string{
			"0", "1", "-1", "0.1", "1E-130", "-1E-130", "9.9999999999999999999999999999999999999E+125", "-9.9999999999999999999999999999999999999E+125",
			"12345678901234567890123456789012345678", "0.12345678901234567890123456789012345678", "9007199254740991", "9007199254740992", "9007199254740993", "1e21", "1e-7",
			"100000000000000000000000000000000000000000", "0.30000000000000004", "1.7976931348623157e100",
		}),
		rapid.Custom(func(t *rapid.T) string {
			digits := rapid.StringMatching(`-?[1-9][0-9]{0,37}`).Draw(t, "digits")
			return fmt.Sprintf("%se%d", digits, rapid.IntRange(-130, 87).Draw(t, "exponent"))
		}),
	)
)

// anyValue draws a value of any of the ten types.
func anyValue(t *rapid.T, depth int) types.AttributeValue {
	kinds := 8
	if depth > 0 {
		kinds = 10
	}
	switch rapid.IntRange(1, kinds).Draw(t, "type") {
	case 1:
		return &types.AttributeValueMemberS{Value: oddTexts.Draw(t, "text")}
	case 2:
		return &types.AttributeValueMemberN{Value: oddNumbers.Draw(t, "number")}
	case 3:
		return &types.AttributeValueMemberB{Value: rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "binary")}
	case 4:
		return &types.AttributeValueMemberBOOL{Value: rapid.Bool().Draw(t, "bool")}
	case 5:
		return &types.AttributeValueMemberNULL{Value: true}
	case 6:
		return &types.AttributeValueMemberSS{Value: rapid.SliceOfNDistinct(oddTexts, 1, 3, rapid.ID).Draw(t, "texts")}
	case 7:
		return numberSet(t)
	case 8:
		set := rapid.SliceOfNDistinct(rapid.StringN(0, 3, 8), 1, 3, rapid.ID).Draw(t, "binaries")
		blobs := make([][]byte, len(set))
		for i, b := range set {
			blobs[i] = []byte(b)
		}
		return &types.AttributeValueMemberBS{Value: blobs}
	case 9:
		list := []types.AttributeValue{}
		for range rapid.IntRange(0, 3).Draw(t, "elements") {
			list = append(list, anyValue(t, depth-1))
		}
		return &types.AttributeValueMemberL{Value: list}
	default:
		return &types.AttributeValueMemberM{Value: anyMembers(t, depth-1)}
	}
}

// numberSet draws numbers that differ by value, not only by how they are written (traps.md 25).
func numberSet(t *rapid.T) types.AttributeValue {
	var set []string
	for _, n := range rapid.SliceOfN(oddNumbers, 1, 3).Draw(t, "numbers") {
		same := false
		for _, m := range set {
			same = same || value.CompareNumbers(n, m) == 0
		}
		if !same {
			set = append(set, n)
		}
	}
	return &types.AttributeValueMemberNS{Value: set}
}

func anyMembers(t *rapid.T, depth int) value.Item {
	m := value.Item{}
	for range rapid.IntRange(0, 3).Draw(t, "members") {
		m[oddNames.Draw(t, "name")] = anyValue(t, depth)
	}
	return m
}

// TestTrap25ItemsSurviveEveryWayThrough puts items of all ten types and reads them back: in both forms, and through a client
// that holds numbers as float64, as a browser does, and writes back what it read. Nothing changes.
func TestTrap25ItemsSurviveEveryWayThrough(t *testing.T) {
	b := newBench(t)
	quiet := quieter(t, b)
	rapid.Check(t, func(t *rapid.T) {
		item := anyMembers(t, 3)
		item["id"] = &types.AttributeValueMemberS{Value: "r"}
		for _, mode := range []value.Mode{value.Plain, value.Typed} {
			key := map[value.Mode]string{value.Plain: `{"id":"r"}`, value.Typed: `{"id":{"S":"r"}}`}[mode]
			sent, err := value.NewEncoder(mode).AppendItem(nil, item)
			if err != nil {
				t.Fatal(err)
			}
			quiet(t, request{method: http.MethodPut, path: "orders/tables/Orders/item", query: parameters([]string{"values", mode.String()}), body: `{"item":` + string(sent) + `}`})
			checkStored(t, b, item)
			got := quiet(t, request{method: http.MethodGet, path: "orders/tables/Orders/item", query: parameters([]string{"values", mode.String(), "key", key})})
			// The client: everything is decoded, numbers become float64, and all of it goes back.
			var decoded struct {
				Item map[string]any `json:"item"`
			}
			if err := json.Unmarshal([]byte(got.Body), &decoded); err != nil {
				t.Fatal(err)
			}
			back, err := json.Marshal(map[string]any{"item": decoded.Item})
			if err != nil {
				t.Fatal(err)
			}
			quiet(t, request{method: http.MethodPut, path: "orders/tables/Orders/item", query: parameters([]string{"values", mode.String()}), body: string(back)})
			checkStored(t, b, item)
			// Editing every attribute on its own comes to the same.
			delete(decoded.Item, "id")
			if len(decoded.Item) == 0 {
				continue
			}
			back, err = json.Marshal(map[string]any{"set": asPairs(decoded.Item)})
			if err != nil {
				t.Fatal(err)
			}
			quiet(t, request{method: http.MethodPatch, path: "orders/tables/Orders/item", query: parameters([]string{"values", mode.String(), "key", key}), body: string(back)})
			checkStored(t, b, item)
		}
	})
}

// asPairs names attributes by literal segments: any name may be one.
func asPairs(item map[string]any) []map[string]any {
	var pairs []map[string]any
	for name, v := range item {
		pairs = append(pairs, map[string]any{"field": []string{name}, "value": v})
	}
	return pairs
}

// quieter sends requests whose answers must be successes.
func quieter(t *testing.T, b *bench) func(*rapid.T, request) answer {
	t.Helper()
	return func(rt *rapid.T, r request) answer {
		a := b.do(t, r)
		if a.Status != http.StatusOK {
			rt.Fatalf("%s %s: %d %s", r.method, r.body, a.Status, a.Body)
		}
		return a
	}
}

// checkStored reads the item past Arngate.
func checkStored(t *rapid.T, b *bench, want value.Item) {
	out, err := b.client.GetItem(context.Background(), &awsdynamodb.GetItemInput{
		TableName: aws.String("Orders"), Key: value.Item{"id": want["id"]}, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	if !value.Equal(&types.AttributeValueMemberM{Value: want}, &types.AttributeValueMemberM{Value: out.Item}) {
		t.Fatalf("stored is %v, want %v", out.Item, want)
	}
}
