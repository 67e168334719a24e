package dynamodb

import (
	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
)

// pageSize is how much one Query or Scan reads: the entry that reaches it is the page's last.
const pageSize = 1 << 20

// page gathers the answer of a Query or Scan.
type page struct {
	r       *reading
	items   []value.Item
	count   int
	scanned int
	size    int     // of the entries read
	fetched float64 // units of what was completed from the table
	last    *row
	full    bool // ended by the limit or by size: there may be more
}

// add reads one entry. It returns false if the page ends with it: by the limit, which counts what is read and not what the filter
// lets through (traps.md 24), or by size.
func (g *page) add(read *row) bool {
	g.scanned++
	if x := g.r.index; x != nil {
		g.size += x.sizeOf(read)
	} else {
		g.size += read.size
	}
	if g.r.fetches() {
		g.fetched += readUnits(read.size, g.r.consistent)
	}
	g.last = read
	if g.r.filter == nil || g.r.filter.Holds(g.r.view(read.item)) {
		g.count++
		if g.r.selection != selectCount {
			g.items = append(g.items, g.r.returned(read.item))
		}
	}
	g.full = g.size >= pageSize || g.scanned == g.r.limit
	return !g.full
}

type pageAnswer struct {
	Items            []value.Item `json:",omitzero"`
	Count            int
	ScannedCount     int
	LastEvaluatedKey value.Item        `json:",omitempty"`
	ConsumedCapacity *consumedCapacity `json:",omitempty"`
}

func (g *page) answer() pageAnswer {
	a := pageAnswer{Items: g.items, Count: g.count, ScannedCount: g.scanned}
	if a.Items == nil && g.r.selection != selectCount {
		a.Items = []value.Item{}
	}
	if g.full {
		a.LastEvaluatedKey = g.r.lastKey(g.last.item)
	}
	u := newUsage(g.r.table)
	u.base = g.fetched
	if units := readUnits(g.size, g.r.consistent); g.r.index != nil {
		u.indexes[g.r.index.name] = units
	} else {
		u.base += units
	}
	a.ConsumedCapacity = u.consumed(g.r.capacity, unsplit)
	return a
}
