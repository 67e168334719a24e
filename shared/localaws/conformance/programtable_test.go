package conformance

import (
	"math/rand/v2"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// dynamoDBKey is a key of a table or an index. rangeName is empty if there is none.
type dynamoDBKey struct{ hash, rangeName string }

// dynamoDBIndex is an index of a table.
type dynamoDBIndex struct {
	dynamoDBKey

	name       string
	local      bool
	projection *types.Projection
}

// dynamoDBTable is a table of a random shape. Its key is h, and r if it has one; the keys of its indexes are among g, k.
type dynamoDBTable struct {
	dynamoDBKey

	name    string
	kinds   map[string]types.ScalarAttributeType // of key attributes
	indexes []dynamoDBIndex
}

// anyTable is a table of random shape.
func anyTable(r *rand.Rand, name string) dynamoDBTable {
	kind := func() types.ScalarAttributeType {
		return pick(r, types.ScalarAttributeTypeS, types.ScalarAttributeTypeS, types.ScalarAttributeTypeN, types.ScalarAttributeTypeB)
	}
	t := dynamoDBTable{
		name: name, dynamoDBKey: dynamoDBKey{hash: "h"}, kinds: map[string]types.ScalarAttributeType{"h": kind()},
	}
	if !chance(r, 4) {
		t.rangeName, t.kinds["r"] = "r", kind()
		for _, index := range []string{"local1", "local2"}[:r.IntN(3)] {
			t.add(r, dynamoDBIndex{name: index, local: true, dynamoDBKey: dynamoDBKey{"h", pick(r, "g", "k")}}, kind)
		}
	}
	for _, index := range []string{"global1", "global2"}[:r.IntN(3)] {
		key := dynamoDBKey{hash: pick(r, "g", "k", "r")}
		if chance(r, 2) {
			key.rangeName = pick(r, slices.DeleteFunc([]string{"g", "k", "h"}, func(n string) bool { return n == key.hash })...)
		}
		t.add(r, dynamoDBIndex{name: index, dynamoDBKey: key}, kind)
	}
	return t
}

func (t *dynamoDBTable) add(r *rand.Rand, index dynamoDBIndex, kind func() types.ScalarAttributeType) {
	for _, name := range []string{index.hash, index.rangeName} {
		if name != "" && t.kinds[name] == "" {
			t.kinds[name] = kind()
		}
	}
	index.projection = pick(r,
		&types.Projection{ProjectionType: types.ProjectionTypeAll}, &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		&types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"a", "m"}},
	)
	t.indexes = append(t.indexes, index)
}

func (k dynamoDBKey) schema() []types.KeySchemaElement {
	schema := []types.KeySchemaElement{{AttributeName: &k.hash, KeyType: types.KeyTypeHash}}
	if k.rangeName != "" {
		schema = append(schema, types.KeySchemaElement{AttributeName: &k.rangeName, KeyType: types.KeyTypeRange})
	}
	return schema
}

func (t *dynamoDBTable) create() *awsdynamodb.CreateTableInput {
	in := &awsdynamodb.CreateTableInput{TableName: &t.name, BillingMode: types.BillingModePayPerRequest, KeySchema: t.schema()}
	for _, name := range []string{"h", "r", "g", "k"} {
		if kind, there := t.kinds[name]; there {
			in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: kind})
		}
	}
	for _, index := range t.indexes {
		if index.local {
			in.LocalSecondaryIndexes = append(in.LocalSecondaryIndexes, types.LocalSecondaryIndex{
				IndexName: aws.String(index.name), KeySchema: index.schema(), Projection: index.projection,
			})
			continue
		}
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: aws.String(index.name), KeySchema: index.schema(), Projection: index.projection,
		})
	}
	return in
}

// keyValue is one of few values of a key attribute, so that keys meet. Now and then it is of another type, or empty.
func (t *dynamoDBTable) keyValue(r *rand.Rand, name string) types.AttributeValue {
	if chance(r, 150) {
		return anyValue(r, 0)
	}
	switch t.kinds[name] {
	case types.ScalarAttributeTypeN:
		return num(pick(r, "-5", "-1", "0", "1", "2", "10", "1.5", "1E2", "100.0"))
	case types.ScalarAttributeTypeB:
		return &types.AttributeValueMemberB{Value: pick(r, []byte{0}, []byte("a"), []byte("ab"), []byte("b"), []byte{0xff}, []byte{0x80, 1})}
	case types.ScalarAttributeTypeS:
	}
	return str(pick(r, "a", "ab", "abc", "b", "B", "é", "𝄞", "ï¿", "10", "9"))
}

// key is a key of an item of the table. Now and then something is wrong with it.
func (t *dynamoDBTable) key(r *rand.Rand) item {
	key := item{"h": t.keyValue(r, "h")}
	if t.rangeName != "" {
		key["r"] = t.keyValue(r, "r")
	}
	switch r.IntN(200) {
	case 0:
		delete(key, "h")
	case 1:
		key["other"] = str("x")
	}
	return key
}

// item is an item with the attributes that expressions speak of.
func (t *dynamoDBTable) item(r *rand.Rand) item {
	i := t.key(r)
	for _, name := range []string{"r", "g", "k"} {
		if _, there := i[name]; !there && t.kinds[name] != "" && !chance(r, 4) {
			i[name] = t.keyValue(r, name)
		}
	}
	for _, name := range attributes {
		if chance(r, 2) {
			i[name] = usualValue(r, name)
		}
	}
	return i
}

// usualValue is mostly a value of the type that the attribute's name suggests.
func usualValue(r *rand.Rand, name string) types.AttributeValue {
	if chance(r, 6) {
		return anyValue(r, 2)
	}
	switch name {
	case "n", "n2", "total":
		return num(anyNumber(r))
	case "ss":
		return &types.AttributeValueMemberSS{Value: some(r, "a", "b", "c", "d")}
	case "ns":
		return &types.AttributeValueMemberNS{Value: some(r, "1", "2", "3", "-1", "10")}
	case "bs":
		return &types.AttributeValueMemberBS{Value: some(r, []byte("a"), []byte("b"), []byte{0, 1})}
	case "m":
		return &types.AttributeValueMemberM{Value: item{
			"a": anyValue(r, 1), "n": num(anyNumber(r)), "l": &types.AttributeValueMemberL{Value: []types.AttributeValue{num("1"), str("x")}},
		}}
	case "l":
		return &types.AttributeValueMemberL{Value: []types.AttributeValue{
			anyValue(r, 1), &types.AttributeValueMemberM{Value: item{"a": anyValue(r, 1)}}, str("z"),
		}}
	}
	return anyValue(r, 1)
}

// keyOf reads a key from an answer.
func keyOf(body map[string]any) item {
	key := make(item, len(body))
	for name, value := range body {
		for kind, text := range value.(map[string]any) {
			switch kind {
			case "S":
				key[name] = str(text.(string))
			case "N":
				key[name] = num(text.(string))
			case "B":
				key[name] = &types.AttributeValueMemberB{Value: fromBase64(text.(string))}
			}
		}
	}
	return key
}
