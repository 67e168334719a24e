package dynamodb

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
)

// The limits on keys ("Quotas in Amazon DynamoDB", Amazon DynamoDB Developer Guide).
const (
	maxPartitionKeySize = 2048
	maxSortKeySize      = 1024
)

// attribute is a key attribute and the type that its values must have.
type attribute struct {
	name string
	kind value.Kind
}

// keySchema is the partition key and, if keys has two, the sort key of a table or index.
type keySchema struct{ keys []attribute }

func (k keySchema) partition() attribute { return k.keys[0] }

// sort is the sort key; ok is false if there is none.
func (k keySchema) sort() (a attribute, ok bool) {
	if len(k.keys) < 2 {
		return attribute{}, false
	}
	return k.keys[1], true
}

func (k keySchema) has(name string) bool {
	return slices.ContainsFunc(k.keys, func(a attribute) bool { return a.name == name })
}

// covers reports whether the item has all keys, with values of their types: what an index requires of the items it holds.
func (k keySchema) covers(item value.Item) bool {
	return !slices.ContainsFunc(k.keys, func(a attribute) bool { return item[a.name].Kind() != a.kind })
}

// of is the item's keys alone.
func (k keySchema) of(item value.Item) value.Item {
	key := make(value.Item, len(k.keys))
	for _, a := range k.keys {
		key[a.name] = item[a.name]
	}
	return key
}

// parts are the keys of an item in the form that sorts; there are always two.
func (k keySchema) parts(item value.Item) []string {
	parts := make([]string, 2)
	for i, a := range k.keys {
		parts[i] = item[a.name].SortKey()
	}
	return parts
}

// checkKey checks a Key parameter: exactly the keys, with values that keys can have.
func (k keySchema) checkKey(key value.Item) error {
	if len(key) != len(k.keys) || !k.covers(key) {
		return validation("The provided key element does not match the schema")
	}
	return k.checkValues(key)
}

// checkItem checks the keys of an item that is to be stored.
func (k keySchema) checkItem(item value.Item) error {
	for _, a := range k.keys {
		kind := item[a.name].Kind()
		if kind == 0 {
			return invalidParameters("Missing the key %s in the item", a.name)
		}
		if kind != a.kind {
			return invalidParameters("Type mismatch for key %s expected: %s actual: %s", a.name, a.kind, kind)
		}
	}
	return k.checkValues(item)
}

// checkValues checks that the keys aren't empty (traps.md 27) and not too long.
func (k keySchema) checkValues(item value.Item) error {
	for i, a := range k.keys {
		if kind := emptyKind(item[a.name]); kind != "" {
			return validation("One or more parameter values are not valid. "+
				"The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", kind, a.name)
		}
		if err := checkKeySize(i, item[a.name]); err != nil {
			return err
		}
	}
	return nil
}

// emptyKind is string or binary if v is an empty one, else nothing.
func emptyKind(v value.Value) string {
	switch {
	case v.Text() != "":
	case v.Kind() == value.String:
		return "string"
	case v.Kind() == value.Binary:
		return "binary"
	}
	return ""
}

func checkKeySize(place int, v value.Value) error {
	switch {
	case place == 0 && v.Size() > maxPartitionKeySize:
		return invalidParameters("Size of hashkey has exceeded the maximum size limit of2048 bytes")
	case place == 1 && v.Size() > maxSortKeySize:
		return invalidParameters("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}
	return nil
}

// position is where an entry is among those of a table or index: by the hash of the partition key, then by the keys, in order.
// Without all its parts it is a place before (edge -1) or after (edge 1) all positions that begin so.
type position struct {
	hash  uint64
	parts []string
	edge  int
}

func comparePositions(a, b position) int {
	if a.hash != b.hash {
		if a.hash < b.hash {
			return -1
		}
		return 1
	}
	n := min(len(a.parts), len(b.parts))
	if order := slices.Compare(a.parts[:n], b.parts[:n]); order != 0 {
		return order
	}
	return a.edge - b.edge
}

// hashOf spreads partition keys over the segments of a scan, the same way always.
func hashOf(partition string) uint64 {
	sum := sha256.Sum256([]byte(partition))
	return binary.BigEndian.Uint64(sum[:])
}
