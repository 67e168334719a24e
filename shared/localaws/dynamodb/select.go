package dynamodb

import (
	"maps"
	"slices"
	"strings"

	"github.com/tidwall/btree"

	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
)

// The values of Select.
const (
	selectAll       = "ALL_ATTRIBUTES"
	selectProjected = "ALL_PROJECTED_ATTRIBUTES"
	selectSpecific  = "SPECIFIC_ATTRIBUTES"
	selectCount     = "COUNT"
)

// reading is what Query and Scan have in common: which entries are read, from where, and what is returned of them.
type reading struct {
	named      string // the table, as the request names it
	indexName  string
	table      *table
	index      *index // nil for the table itself
	consistent bool
	limit      int // 0 for none
	selection  string
	start      value.Item // ExclusiveStartKey; nil for none
	capacity   string     // ReturnConsumedCapacity
	expressions
}

// readReading reads the parameters that both have. Expressions come afterwards, and then open.
func (p parameters) readReading() reading {
	r := reading{
		named:      p.tableName(),
		indexName:  p.text("IndexName"),
		consistent: p.flag("ConsistentRead"),
		selection:  p.choice("Select", "", selectSpecific, selectCount, selectAll, selectProjected),
		start:      p.item("ExclusiveStartKey"),
		capacity:   p.returnConsumedCapacity(),
	}
	r.limit, _ = p.ranged("Limit", 1, 1<<31-1)
	return r
}

// open finds the table and index.
func (r *reading) open(st *store, p parameters) error {
	t, err := st.table(r.named)
	if err != nil {
		return err
	}
	r.table = t
	if !p.has("IndexName") {
		return nil
	}
	if r.index = t.index(r.indexName); r.index == nil {
		return validation("The table does not have the specified index: %s", r.indexName)
	}
	if r.consistent && r.index.global { // traps.md 30
		return validation("Consistent reads are not supported on global secondary indexes")
	}
	return nil
}

// checkReturned checks what is asked for of the entries.
func (r *reading) checkReturned() error {
	if err := r.checkKeys(r.table); err != nil {
		return err
	}
	if err := r.checkSelection(); err != nil {
		return err
	}
	return r.checkProjected()
}

// checkFiltered refuses a query's filter on what the index doesn't hold. A scan's just doesn't find it there.
func (r *reading) checkFiltered() error {
	if r.index == nil {
		return nil
	}
	if missing := r.missing(r.filtered()); len(missing) > 0 {
		return invalidParameters("Secondary index %s does not project one or more filter attributes: [%s]",
			r.index.name, strings.Join(missing, ", "))
	}
	return nil
}

func (r *reading) checkSelection() error {
	switch projected := r.projection != nil; {
	case r.selection == selectProjected && r.index == nil:
		return validation("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
	case r.selection == selectSpecific && !projected:
		return validation("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	case r.selection == selectCount && projected:
		return validation("Cannot specify the ProjectionExpression when choosing to get only the Count")
	case (r.selection == selectAll || r.selection == selectProjected) && projected:
		return validation("Cannot specify the ProjectionExpression when choosing to get %s", r.selection)
	}
	return nil
}

// checkProjected checks that a global index holds what is asked for: only a local one can fetch the rest from the table
// (traps.md 28).
func (r *reading) checkProjected() error {
	x := r.index
	if x == nil || !x.global {
		return nil
	}
	if r.selection == selectAll && x.projection != projectAll {
		return invalidParameters("Select type ALL_ATTRIBUTES is not supported for global secondary index %s "+
			"because its projection type is not ALL", x.name)
	}
	if r.projection == nil {
		return nil
	}
	if missing := r.missing(r.projection.Attributes()); len(missing) > 0 {
		return invalidParameters("Global secondary index %s does not project [%s]", x.name, strings.Join(missing, ", "))
	}
	return nil
}

// filtered are the attributes that the filter looks at.
func (r *reading) filtered() []string {
	if r.filter == nil {
		return nil
	}
	var names []string
	for _, path := range r.filter.Paths() {
		names = append(names, path.Attribute())
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// missing are those of names that the index doesn't hold.
func (r *reading) missing(names []string) []string {
	return slices.DeleteFunc(names, r.index.projects)
}

// keys are those of the table or index that is read.
func (r *reading) keys() keySchema {
	if r.index != nil {
		return r.index.keys
	}
	return r.table.keys
}

// rows are the entries of the table or index that is read.
func (r *reading) rows() *btree.BTreeG[entry] {
	if r.index != nil {
		return r.index.rows
	}
	return r.table.rows
}

// view is what the filter sees of an item.
func (r *reading) view(item value.Item) value.Item {
	if r.index != nil {
		return r.index.projected(item)
	}
	return item
}

// fetches reports whether every entry of a local index is completed from the table.
func (r *reading) fetches() bool {
	if r.index == nil || r.index.global || r.index.projection == projectAll {
		return false
	}
	return r.selection == selectAll || r.projection != nil && len(r.missing(r.projection.Attributes())) > 0
}

// returned is what the answer holds of an item.
func (r *reading) returned(item value.Item) value.Item {
	if !r.fetches() {
		item = r.view(item)
	}
	if r.projection != nil {
		return r.projection.Apply(item)
	}
	return item
}

// lastKey is the LastEvaluatedKey after an item: the keys of the index and of the table (traps.md 30).
func (r *reading) lastKey(item value.Item) value.Item {
	key := r.table.keys.of(item)
	if r.index != nil {
		maps.Copy(key, r.index.keys.of(item))
	}
	return key
}

// startPosition is where ExclusiveStartKey points. It must have the keys of the table and of the index, and no more.
func (r *reading) startPosition() (position, error) {
	want := slices.Clone(r.table.keys.keys)
	if r.index != nil {
		for _, a := range r.index.keys.keys {
			if !r.table.keys.has(a.name) {
				want = append(want, a)
			}
		}
	}
	if len(r.start) != len(want) {
		return position{}, validation("Exclusive Start Key must have same size as table's key schema")
	}
	all := keySchema{want}
	if !all.covers(r.start) {
		return position{}, validation("The provided starting key is invalid: The provided key element does not match the schema")
	}
	for _, keys := range []keySchema{r.table.keys, r.keys()} {
		if err := keys.checkValues(r.start); err != nil {
			return position{}, validation("The provided starting key is invalid: %s", messageOf(err))
		}
	}
	if r.index != nil {
		return r.index.at(r.start), nil
	}
	return r.table.at(r.start), nil
}
