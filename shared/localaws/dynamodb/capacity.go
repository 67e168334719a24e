package dynamodb

import (
	"maps"
	"slices"

	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
)

// The units of capacity ("DynamoDB read and write operations", Amazon DynamoDB Developer Guide).
const (
	readUnit  = 4096
	writeUnit = 1024
)

// readUnits is what it takes to read so many bytes: half of it unless the read is consistent, never nothing.
func readUnits(size int, consistent bool) float64 {
	units := float64(max(1, (size+readUnit-1)/readUnit))
	if consistent {
		return units
	}
	return units / 2
}

func writeUnits(size int) float64 { return float64(max(1, (size+writeUnit-1)/writeUnit)) }

// usage is the capacity that a request takes from one table and its indexes.
type usage struct {
	table   *table
	base    float64
	indexes map[string]float64
}

func newUsage(t *table) *usage { return &usage{table: t, indexes: make(map[string]float64)} }

// wrote adds a write that replaced before by after; nil is no row. An index takes part only if what it holds changed.
func (u *usage) wrote(before, after *row, factor float64) {
	size := 0
	for _, r := range []*row{before, after} {
		if r != nil {
			size = max(size, r.size)
		}
	}
	u.base += factor * writeUnits(size)
	for _, x := range u.table.indexes {
		if units := x.writeUnits(before, after); units > 0 {
			u.indexes[x.name] += factor * units
		}
	}
}

func (x *index) writeUnits(before, after *row) float64 {
	had, has := before != nil && x.keys.covers(before.item), after != nil && x.keys.covers(after.item)
	switch {
	case !had && !has:
		return 0
	case !has:
		return writeUnits(x.sizeOf(before))
	case !had:
		return writeUnits(x.sizeOf(after))
	}
	if comparePositions(x.at(before.item), x.at(after.item)) != 0 { // removed there, stored here
		return writeUnits(x.sizeOf(before)) + writeUnits(x.sizeOf(after))
	}
	if value.EqualItems(x.projected(before.item), x.projected(after.item)) {
		return 0
	}
	return writeUnits(max(x.sizeOf(before), x.sizeOf(after)))
}

type capacityDetail struct {
	CapacityUnits      float64
	ReadCapacityUnits  float64 `json:",omitempty"`
	WriteCapacityUnits float64 `json:",omitempty"`
}

type consumedCapacity struct {
	TableName string
	capacityDetail
	Table                  *capacityDetail           `json:",omitempty"`
	LocalSecondaryIndexes  map[string]capacityDetail `json:",omitempty"`
	GlobalSecondaryIndexes map[string]capacityDetail `json:",omitempty"`
}

// capacityKind says how ConsumedCapacity splits its units; only transactions say whether they were read or written.
type capacityKind int

const (
	unsplit capacityKind = iota
	transactionReads
	transactionWrites
)

func (k capacityKind) detail(units float64) capacityDetail {
	d := capacityDetail{CapacityUnits: units}
	switch k {
	case transactionReads:
		d.ReadCapacityUnits = units
	case transactionWrites:
		d.WriteCapacityUnits = units
	case unsplit:
	}
	return d
}

// consumed is the ConsumedCapacity for a ReturnConsumedCapacity of TOTAL or INDEXES, else nil.
func (u *usage) consumed(wanted string, kind capacityKind) *consumedCapacity {
	if wanted != "TOTAL" && wanted != "INDEXES" {
		return nil
	}
	total := u.base
	for _, units := range u.indexes {
		total += units
	}
	c := &consumedCapacity{TableName: u.table.name, capacityDetail: kind.detail(total)}
	if wanted == "TOTAL" {
		return c
	}
	base := kind.detail(u.base)
	c.Table = &base
	for _, x := range u.table.indexes {
		units, ok := u.indexes[x.name]
		if !ok {
			continue
		}
		details := &c.LocalSecondaryIndexes
		if x.global {
			details = &c.GlobalSecondaryIndexes
		}
		if *details == nil {
			*details = make(map[string]capacityDetail)
		}
		(*details)[x.name] = kind.detail(units)
	}
	return c
}

// usages is the capacity that a request takes from several tables.
type usages map[string]*usage

func (us usages) of(t *table) *usage {
	if us[t.name] == nil {
		us[t.name] = newUsage(t)
	}
	return us[t.name]
}

func (us usages) consumed(wanted string, kind capacityKind) []*consumedCapacity {
	var list []*consumedCapacity
	for _, name := range slices.Sorted(maps.Keys(us)) {
		if c := us[name].consumed(wanted, kind); c != nil {
			list = append(list, c)
		}
	}
	return list
}

func (p parameters) returnConsumedCapacity() string {
	return p.choice("ReturnConsumedCapacity", "NONE", "INDEXES", "TOTAL", "NONE")
}
