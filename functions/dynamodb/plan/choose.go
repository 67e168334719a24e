package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/arngate/arngate/functions/dynamodb/value"
)

// view is the table or one of its indexes, as something to read.
type view struct {
	table *Table
	index *Index // nil: the table itself
	key   Key
}

func (v view) name() string {
	if v.index == nil {
		return ""
	}
	return v.index.Name
}

func (v view) global() bool { return v.index != nil && v.index.Global }

// holds says whether the attribute is there to be compared or returned, if the item has it.
func (v view) holds(attribute string) bool {
	return v.index == nil || v.index.All || v.present()[attribute] != "" || slices.Contains(v.index.Projected, attribute)
}

// keys are the names of the key attributes of table and index, which are always projected.
func (v view) keys() []string {
	return slices.Sorted(maps.Keys(v.present()))
}

// present are the key attributes of table and index, which every item read there has, with their types.
func (v view) present() map[string]string {
	kinds := map[string]string{}
	for _, a := range []Attribute{v.table.Key.Partition, v.table.Key.Sort, v.key.Partition, v.key.Sort} {
		if a.Name != "" {
			kinds[a.Name] = a.Type
		}
	}
	return kinds
}

// lacks names what the search compares or returns and v does not hold.
func (v view) lacks(where *Condition, r Request) (compared, returned []string) {
	where.eachField(func(p Path) {
		if !v.holds(p.Root()) {
			compared = append(compared, p.Root())
		}
	})
	for _, p := range r.Fields {
		if !v.holds(p.Root()) {
			returned = append(returned, p.Root())
		}
	}
	return compared, returned
}

// Make plans the search r of table t. The error is a *RefusedError.
func Make(t Table, r Request) (*Plan, error) {
	where := r.Where
	if where == nil {
		where = constant(true)
	}
	views, err := choices(&t, r)
	if err != nil {
		return nil, err
	}
	named := r.Index != IndexAuto
	var fit []candidate
	for _, v := range views {
		c, ok, err := consider(where, r, v, named)
		if err != nil {
			return nil, err
		}
		if ok {
			fit = append(fit, c)
		}
	}
	if len(fit) == 0 {
		return planScan(where, r, views)
	}
	ordered := slices.DeleteFunc(slices.Clone(fit), func(c candidate) bool { return r.Order != nil && !c.gives(r.Order) })
	if len(ordered) == 0 {
		return nil, unordered(fit)
	}
	return slices.MinFunc(ordered, candidate.compare).plan(r), nil
}

// choices are the views that the request allows.
func choices(t *Table, r Request) ([]view, error) {
	base := view{table: t, key: t.Key}
	if r.Index == IndexNone {
		return []view{base}, nil
	}
	views := []view{base}
	for i := range t.Indexes {
		index := &t.Indexes[i]
		v := view{table: t, index: index, key: index.Key}
		if r.Index == index.Name {
			return namedChoice(v, r)
		}
		if index.Usable && (!index.Global || !r.Consistent) {
			views = append(views, v)
		}
	}
	if r.Index != IndexAuto {
		return nil, &RefusedError{Pointer: "/index", Message: "is no index of this table; its indexes are: " + strings.Join(indexNames(t), ", ")}
	}
	return views, nil
}

func namedChoice(v view, r Request) ([]view, error) {
	switch {
	case !v.index.Usable:
		return nil, &RefusedError{Pointer: "/index", Message: "can't be searched: the index isn't active, or its key is of several attributes"}
	case v.index.Global && r.Consistent:
		return nil, &RefusedError{Pointer: "/consistent", Message: "isn't possible on a global index"}
	default:
		return []view{v}, nil
	}
}

func indexNames(t *Table) []string {
	names := []string{}
	for _, index := range t.Indexes {
		names = append(names, index.Name)
	}
	return names
}

// candidate is a view that can be queried for the search.
type candidate struct {
	view
	where   *Condition
	drafts  []draft
	sparse  string
	fetches bool // each item is completed from the table, at a cost
}

// consider says whether the search can be a query of v. An index that was named is taken as it is: what
// it lacks is then refused rather than passed over.
func consider(where *Condition, r Request, v view, named bool) (candidate, bool, error) {
	compared, returned := v.lacks(where, r)
	whole := r.Fields == nil && !r.Count && v.index != nil && !v.index.All
	switch {
	case named && len(compared) > 0:
		return candidate{}, false, notProjected("/where", compared)
	case named && v.global() && len(returned) > 0:
		return candidate{}, false, notProjected("/fields", returned)
	case len(compared) > 0, v.global() && !named && (whole || len(returned) > 0):
		return candidate{}, false, nil
	}
	list, ok := drafts(where, v)
	if !ok {
		return candidate{}, false, nil
	}
	c := candidate{view: v, where: where, drafts: list, fetches: !v.global() && (whole || len(returned) > 0)}
	missing, complete := sparse(where, v)
	c.sparse = missing
	return c, complete || named, nil
}

func notProjected(pointer string, names []string) *RefusedError {
	slices.Sort(names)
	return &RefusedError{Pointer: pointer, Message: "names what the index does not hold: " + strings.Join(slices.Compact(names), ", ")}
}

// sparse looks for what an index can't show: items without its sort key. It names that key if the search
// does not mention it. It says false if the search does, in a way that such items could match.
func sparse(where *Condition, v view) (name string, complete bool) {
	sort := v.key.Sort.Name
	if v.index == nil || sort == "" || sort == v.table.Key.Partition.Name || sort == v.table.Key.Sort.Name {
		return "", true
	}
	mentioned := false
	where.eachField(func(p Path) { mentioned = mentioned || p.Root() == sort })
	if !mentioned {
		return sort, true
	}
	partitions, _ := bound(where, v.key.Partition)
	for _, p := range partitions {
		if !fold(where, facts{known: value.Item{v.key.Partition.Name: p}, missing: sort}).isConstant(false) {
			return sort, false
		}
	}
	return "", true
}

// gives says whether c comes in the order asked for.
func (c candidate) gives(o *Order) bool { return c.key.Sort.Name != "" && o.Field.is(c.key.Sort.Name) }

// How well the sort key is bound.
const (
	sortFree = iota
	sortRange
	sortGiven
)

// tightness is that of the loosest of c's queries.
func (c candidate) tightness() int {
	least := sortGiven
	for _, d := range c.drafts {
		switch {
		case d.unique || len(d.known) == 2:
		case d.keyed != nil:
			least = min(least, sortRange)
		default:
			least = sortFree
		}
	}
	return least
}

// compare puts the better candidate first: the tighter key, then nothing unseen, nothing to be fetched
// from the table, fewer queries, the table before its indexes.
func (c candidate) compare(d candidate) int {
	return cmp.Or(
		cmp.Compare(d.tightness(), c.tightness()),
		compareBool(c.sparse != "", d.sparse != ""),
		compareBool(c.fetches, d.fetches),
		cmp.Compare(len(c.drafts), len(d.drafts)),
		compareBool(c.index != nil, d.index != nil),
		compareBool(c.global(), d.global()),
		cmp.Compare(c.name(), d.name()),
	)
}

// compareBool puts false first.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// unordered refuses the order, naming the fields that would do with this where.
func unordered(fit []candidate) *RefusedError {
	var names []string
	for _, c := range fit {
		if sort := c.key.Sort.Name; sort != "" && !slices.Contains(names, sort) {
			names = append(names, sort)
		}
	}
	slices.Sort(names)
	message := "is possible on none of the fields: what this search can be queried by has no sort key"
	if len(names) > 0 {
		message = "is possible only on the sort key of the index that is queried, here: " + strings.Join(names, ", ")
	}
	return &RefusedError{Pointer: "/order", Message: message, Order: true, Orders: names}
}

// unqueried explains which key conditions would make a query of the search.
func unqueried(views []view) string {
	var keys []string
	for _, v := range views {
		key := v.key.Partition.Name
		if v.key.Sort.Name != "" {
			key = fmt.Sprintf("%s (ordered by %s)", key, v.key.Sort.Name)
		}
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return strings.Join(keys, ", ")
}
