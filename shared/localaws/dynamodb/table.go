package dynamodb

import (
	"slices"
	"time"

	"github.com/tidwall/btree"

	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
)

// The projection types of indexes.
const (
	projectAll      = "ALL"
	projectKeysOnly = "KEYS_ONLY"
	projectInclude  = "INCLUDE"
)

// throughput is what a provisioned table or index has; zero for on-demand ones.
type throughput struct{ read, write int }

// table is a table with its items and indexes. The lock of its store guards it.
type table struct {
	name      string
	arn       string
	id        string
	created   time.Time
	keys      keySchema
	onDemand  bool
	capacity  throughput
	protected bool
	ttl       string // the attribute; empty if time to live is off

	definitions []attributeDefinition // as given

	rows    *btree.BTreeG[entry]
	size    int
	indexes []*index
}

// row is a stored item; it is immutable.
type row struct {
	item value.Item
	size int
}

// entry is a row in the table or in one of its indexes.
type entry struct {
	at  position
	row *row
}

// index is a secondary index. It holds entries only for the items that have its keys.
type index struct {
	name       string
	arn        string
	global     bool
	keys       keySchema
	projection string
	include    []string // NonKeyAttributes
	capacity   throughput
	table      keySchema

	rows *btree.BTreeG[entry]
	size int
}

func newRows() *btree.BTreeG[entry] {
	less := func(a, b entry) bool { return comparePositions(a.at, b.at) < 0 }
	return btree.NewBTreeGOptions(less, btree.Options{NoLocks: true})
}

func (t *table) at(key value.Item) position {
	parts := t.keys.parts(key)
	return position{hash: hashOf(parts[0]), parts: parts}
}

// get is the row with the keys of key, nil if there is none.
func (t *table) get(key value.Item) *row {
	e, _ := t.rows.Get(entry{at: t.at(key)})
	return e.row
}

// put stores item, or removes what has the keys of key if item is nil. It returns the rows before and after, nil for none.
func (t *table) put(key, item value.Item) (before, after *row) {
	at := t.at(key)
	if item != nil {
		after = &row{item: item, size: item.Size()}
		old, _ := t.rows.Set(entry{at, after})
		before = old.row
		t.size += after.size
	} else {
		old, _ := t.rows.Delete(entry{at: at})
		before = old.row
	}
	if before != nil {
		t.size -= before.size
	}
	for _, x := range t.indexes {
		x.replace(before, after)
	}
	return before, after
}

func (x *index) replace(before, after *row) {
	if before != nil && x.keys.covers(before.item) {
		x.rows.Delete(entry{at: x.at(before.item)})
		x.size -= x.sizeOf(before)
	}
	if after != nil && x.keys.covers(after.item) {
		x.rows.Set(entry{x.at(after.item), after})
		x.size += x.sizeOf(after)
	}
}

// at is the position of an item: by the index's keys, and then, as they aren't unique (traps.md 30), by the table's.
func (x *index) at(item value.Item) position {
	parts := slices.Concat(x.keys.parts(item), x.table.parts(item))
	return position{hash: hashOf(parts[0]), parts: parts}
}

// projects reports whether the index holds the attribute.
func (x *index) projects(name string) bool {
	return x.projection == projectAll || x.keys.has(name) || x.table.has(name) || slices.Contains(x.include, name)
}

// projected is what the index holds of an item (traps.md 28).
func (x *index) projected(item value.Item) value.Item {
	if x.projection == projectAll {
		return item
	}
	held := make(value.Item)
	for name, v := range item {
		if x.projects(name) {
			held[name] = v
		}
	}
	return held
}

// sizeOf is the bytes that a row takes in the index.
func (x *index) sizeOf(r *row) int {
	if x.projection == projectAll {
		return r.size
	}
	return x.projected(r.item).Size()
}

// index is the index of that name, nil if the table has none.
func (t *table) index(name string) *index {
	at := slices.IndexFunc(t.indexes, func(x *index) bool { return x.name == name })
	if at < 0 {
		return nil
	}
	return t.indexes[at]
}

// checkIndexKeys checks that an item's values can be keys of the indexes, where it has them.
func (t *table) checkIndexKeys(item value.Item) error {
	for _, x := range t.indexes {
		for place, a := range x.keys.keys {
			v, ok := item[a.name]
			if !ok {
				continue
			}
			if v.Kind() != a.kind {
				return invalidParameters("Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", a.name, a.kind, v.Kind(), x.name)
			}
			if kind := emptyKind(v); kind != "" {
				return validation("One or more parameter values are not valid. A value specified for a secondary index key is not supported. "+
					"The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s", kind, x.name, a.name)
			}
			if err := checkKeySize(place, v); err != nil {
				return err
			}
		}
	}
	return nil
}
