// Package plan turns a structured search of a DynamoDB table into the reads that answer it.
//
// It is pure: it takes the table's description and the parsed request, and says which table or index to
// query with which expressions, in how many parallel queries, or to scan, and what is left to be
// decided on each item here because DynamoDB has no expression for it. It does no I/O.
//
// Whatever reads are chosen, the answer is the set of items for which the where tree is true by
// DynamoDB's own rules (Amazon DynamoDB Developer Guide, "Comparison operator and function reference"):
// comparing a missing attribute, or values of different types, is false, and a negation turns that into
// true. The one exception is said by [Plan.Sparse].
package plan

import (
	"maps"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/functions/dynamodb/value"
)

// MaxReads is how many parallel queries one search may become; more values than that for a partition
// key mean another index, or a scan.
const MaxReads = 100

// Table describes what can be read.
type Table struct {
	Key     Key
	Indexes []Index
}

// Key is the key of a table or index. A key without a sort key has a zero Sort.
type Key struct{ Partition, Sort Attribute }

// Attribute is a key attribute: its name and its type, S, N or B.
type Attribute struct{ Name, Type string }

// Index is a secondary index.
type Index struct {
	Name string
	Key  Key
	// Global means that the index can't be read consistently and holds only what is projected (traps.md
	// 28 and 30); a local one fetches the rest from the table.
	Global bool
	// Usable is false while the index is being made or deleted, and for keys of several attributes each,
	// which this planner does not know: it is then not read, not even by name.
	Usable bool
	// All says that whole items are projected; otherwise the keys of table and index are, and Projected.
	All       bool
	Projected []string
}

// Request is a parsed search.
type Request struct {
	// Where selects; nil selects everything.
	Where *Condition
	// Order is nil if the order does not matter.
	Order *Order
	// Fields are the parts of an item to return; nil returns everything.
	Fields []Path
	// Index is a name, or IndexAuto, or IndexNone for the table itself.
	Index string
	// ForbidScan refuses what no query can answer.
	ForbidScan bool
	Consistent bool
	// Count asks for the number of matching items only.
	Count bool
}

// The words for [Request.Index] that are not names: index names are 3 characters or more, so "auto" and
// "none" could be names; an index so called can't be chosen by name.
const (
	IndexAuto = "auto"
	IndexNone = "none"
)

// Order asks for items in the order of one field.
type Order struct {
	Field      Path
	Descending bool
}

// Plan is how a search is carried out. Its reads all go to one table or index.
type Plan struct {
	// Index is the index to read; empty is the table.
	Index string
	// Scan means a single read without a key condition.
	Scan bool
	// Reads are the queries to run side by side, or the one scan. None: nothing can match.
	Reads []Read
	// MergeBy is the attribute in whose order the items of all reads come; empty if the index has no
	// sort key, or for a scan.
	MergeBy    string
	Descending bool
	Consistent bool
	// Select is what DynamoDB's parameter of that name must say; empty leaves it out.
	Select types.Select
	// Key names the attributes of the keys of table and index: what a position in the index consists of.
	Key []string
	// Sparse names a sort key of the chosen index that the search does not mention: items that lack it
	// are not in the index and can't be found by it.
	Sparse string

	fields []Path          // what was asked for; nil is everything
	whole  map[string]bool // attributes fetched whole although only parts, or nothing, of them was asked for
}

// Read is one Query or Scan.
type Read struct {
	KeyCondition string // empty for a scan
	Filter       string // empty if none is needed
	Projection   string // empty for all attributes
	// Names and Values are the placeholders of all three; nil if none is used.
	Names  map[string]string
	Values map[string]types.AttributeValue
	// Residual is what is to be decided here for each item that comes back; nil if nothing is.
	Residual *Condition
	// Unique means that at most one item can match: the table's whole key is given.
	Unique bool
}

// Position is where item lies in the index that p reads: what DynamoDB takes as ExclusiveStartKey to go
// on right after it.
func (p *Plan) Position(item value.Item) value.Item {
	position := make(value.Item, len(p.Key))
	for _, name := range p.Key {
		if v, ok := item[name]; ok {
			position[name] = v
		}
	}
	return position
}

// Shape cuts item, as read, down to the fields that were asked for. It may return item itself.
func (p *Plan) Shape(item value.Item) value.Item {
	if p.fields == nil {
		return item
	}
	var here []Path
	shaped := value.Item{}
	for _, field := range p.fields {
		root := field.Root()
		if p.whole[root] {
			here = append(here, field)
		} else if v, ok := item[root]; ok {
			shaped[root] = v // DynamoDB has cut it
		}
	}
	maps.Copy(shaped, project(item, here))
	return shaped
}

// RefusedError says that a well-formed search can't be done on this table.
type RefusedError struct {
	// Pointer is the member of the request that can't be met.
	Pointer string
	// Message says why; it may name attributes and indexes of the table.
	Message string
	// Order is true if it is the order that no index gives, and Orders are the fields that would work.
	Order  bool
	Orders []string
}

// Error implements the error interface.
func (r *RefusedError) Error() string { return "plan search: " + r.Pointer + " " + r.Message }
