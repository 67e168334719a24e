package plan

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// plan writes the candidate's queries down.
func (c candidate) plan(r Request) *Plan {
	p := newPlan(c.view, r)
	p.MergeBy, p.Sparse = c.key.Sort.Name, c.sparse
	p.Descending = r.Order != nil && r.Order.Descending
	builders := make([]*builder, len(c.drafts))
	for i, d := range c.drafts {
		builders[i] = &builder{}
		p.Reads = append(p.Reads, d.read(c.view, builders[i]))
	}
	p.project(c.view, r, builders)
	return p
}

// planScan is for what can't be queried. The table is scanned, or the index that was named.
func planScan(where *Condition, r Request, views []view) (*Plan, error) {
	keys := unqueried(views)
	if r.Order != nil {
		return nil, &RefusedError{Pointer: "/order", Order: true, Message: "is possible only where a partition key is bound by = or in on every branch of the search: " + keys}
	}
	v := views[0]
	where = fold(where, facts{present: v.present()})
	if r.ForbidScan && !where.isConstant(false) {
		return nil, &RefusedError{Pointer: "/scan", Message: "is forbidden, and nothing but a scan can answer this: bind a partition key by = or in on every branch of the search, of an index that holds what is compared and returned: " + keys}
	}
	p := newPlan(v, r)
	p.Scan = true
	if where.isConstant(false) {
		return p, nil
	}
	b := &builder{}
	read := Read{}
	read.check(where, nil, b)
	p.Reads = []Read{read}
	p.project(v, r, []*builder{b})
	return p, nil
}

func newPlan(v view, r Request) *Plan {
	return &Plan{Index: v.name(), Consistent: r.Consistent, Key: v.keys(), fields: disjoint(r.Fields)}
}

// read writes one query, but for its projection.
func (d draft) read(v view, b *builder) Read {
	read := Read{Unique: d.unique}
	partition, sort := v.key.Partition.Name, v.key.Sort.Name
	read.KeyCondition = b.name(partition) + " = " + b.value(d.known[partition])
	if given, ok := d.known[sort]; ok {
		read.KeyCondition += " AND " + b.name(sort) + " = " + b.value(given)
	} else if d.keyed != nil {
		read.KeyCondition += " AND " + b.comparison(d.keyed, true)
	}
	keys := []string{partition}
	if sort != "" {
		keys = append(keys, sort)
	}
	read.check(d.rest, keys, b)
	return read
}

// check divides what is left to check between DynamoDB's filter and the residual condition.
func (read *Read) check(rest *Condition, keys []string, b *builder) {
	var filters, residual []*Condition
	for _, conjunct := range rest.conjuncts() {
		narrowed, exact := narrow(conjunct, keys)
		filters = append(filters, narrowed)
		if !exact {
			residual = append(residual, conjunct)
		}
	}
	text, fits := b.filter(combine(opAll, filters))
	if !fits {
		residual = rest.conjuncts()
	}
	read.Filter = text
	if len(residual) > 0 {
		read.Residual = combine(opAll, residual)
	}
}

// project settles what the reads return: what was asked for, what the residual conditions look at, and
// the keys that make a position.
func (p *Plan) project(v view, r Request, builders []*builder) {
	var residual []string
	for i := range p.Reads {
		if c := p.Reads[i].Residual; c != nil {
			c.eachField(func(f Path) { residual = append(residual, f.Root()) })
		}
	}
	switch {
	case r.Count && len(residual) == 0:
		p.Select = types.SelectCount
	case r.Count || p.fields != nil:
		p.projectPaths(v, residual, builders)
	case v.index != nil && !v.index.Global && !v.index.All:
		p.Select = types.SelectAllAttributes
	}
	for i, b := range builders {
		p.Reads[i].Names, p.Reads[i].Values = b.names, b.values
	}
}

func (p *Plan) projectPaths(v view, residual []string, builders []*builder) {
	p.whole = map[string]bool{}
	var paths []Path
	for _, name := range append(slices.Clone(p.Key), residual...) {
		if !p.whole[name] {
			p.whole[name] = true
			paths = append(paths, Path{{Name: name}})
		}
	}
	paths = disjoint(append(paths, p.fields...))
	trials := make([]*builder, len(builders))
	for i, b := range builders {
		trials[i] = b.clone()
		if p.Reads[i].Projection = trials[i].projection(paths); len(p.Reads[i].Projection) > maxExpression {
			p.projectHere(v)
			return
		}
	}
	copy(builders, trials)
}

// projectHere gives up projecting on the server: the expression would be longer than it takes.
func (p *Plan) projectHere(v view) {
	for _, f := range p.fields {
		p.whole[f.Root()] = true
	}
	if v.index != nil && !v.index.Global && !v.index.All {
		p.Select = types.SelectAllAttributes
	}
	for i := range p.Reads {
		p.Reads[i].Projection = ""
	}
}
