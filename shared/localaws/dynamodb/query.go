package dynamodb

import (
	"time"

	"github.com/arngate/arngate/shared/localaws/dynamodb/expression"
	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
)

func (st *store) query(p parameters, _ time.Time) (any, error) {
	r := p.readReading()
	descending := p.has("ScanIndexForward") && !p.flag("ScanIndexForward")
	if err := p.check(); err != nil {
		return nil, err
	}
	e, err := p.expressions(expression.Filter, expression.Projection, expression.KeyCondition)
	if err != nil {
		return nil, err
	}
	if e.key == nil {
		return nil, validation("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	r.expressions = e
	if err := r.open(st, p); err != nil {
		return nil, err
	}
	q := &queried{reading: &r, descending: descending}
	if err := q.bind(e.key); err != nil {
		return nil, err
	}
	from, err := q.from()
	if err != nil {
		return nil, err
	}
	if err := q.checkFilter(); err != nil {
		return nil, err
	}
	if err := r.checkFiltered(); err != nil {
		return nil, err
	}
	if err := r.checkReturned(); err != nil {
		return nil, err
	}
	return q.run(from), nil
}

// queried is a query whose key condition has been bound to the keys of its table or index.
type queried struct {
	*reading
	descending bool
	partition  value.Value
	sort       *expression.KeyTerm // nil for all of the partition
}

// bind finds the terms for the partition key and the sort key, and checks that they fit them.
func (q *queried) bind(terms []expression.KeyTerm) error {
	keys := q.keys()
	for _, t := range terms {
		if err := (expressions{key: terms}).checkKeys(q.table); err != nil {
			return err
		}
		if len(t.Path) > 1 {
			return validation("KeyConditionExpressions cannot have conditions on nested attributes")
		}
	}
	partition := termFor(terms, keys.partition().name)
	if partition == nil {
		return validation("Query condition missed key schema element: %s", keys.partition().name)
	}
	if partition.Operator != "=" {
		return validation("Query key condition not supported")
	}
	if len(terms) > 1 {
		sort, ok := keys.sort()
		if !ok {
			return validation("Query key condition not supported")
		}
		if q.sort = termFor(terms, sort.name); q.sort == nil {
			return validation("Query condition missed key schema element: %s", sort.name)
		}
	}
	for i, a := range keys.keys {
		if t := termFor(terms, a.name); t != nil {
			if err := checkTerm(i, a, t); err != nil {
				return err
			}
		}
	}
	q.partition = partition.Values[0]
	return nil
}

func termFor(terms []expression.KeyTerm, name string) *expression.KeyTerm {
	for i, t := range terms {
		if t.Path.Attribute() == name {
			return &terms[i]
		}
	}
	return nil
}

func checkTerm(place int, a attribute, t *expression.KeyTerm) error {
	for _, v := range t.Values {
		if v.Kind() != a.kind {
			return invalidParameters("Condition parameter type does not match schema type")
		}
		if kind := emptyKind(v); kind != "" && t.Operator != "begins_with" {
			return validation("One or more parameter values are not valid. "+
				"The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", kind, a.name)
		}
		if err := checkKeySize(place, v); err != nil {
			return err
		}
	}
	return nil
}

// checkFilter refuses filters on the keys (traps.md 29).
func (q *queried) checkFilter() error {
	if q.filter == nil {
		return nil
	}
	for _, path := range q.filter.Paths() {
		if name := path.Attribute(); len(path) == 1 && q.keys().has(name) {
			return validation("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", name)
		}
	}
	return nil
}

// wants reports whether an entry of the partition satisfies the condition on the sort key.
func (q *queried) wants(item value.Item) bool {
	if q.sort == nil {
		return true
	}
	sort, _ := q.keys().sort()
	return q.sort.Holds(item[sort.name])
}

func (q *queried) run(from position) pageAnswer {
	g := &page{r: q.reading}
	partition, met := q.partition.SortKey(), false
	step := func(e entry) bool {
		switch {
		case e.at.parts[0] != partition:
			return false
		case !q.wants(e.row.item):
			return !met // those that are wanted stand together, and may come later
		}
		met = true
		return g.add(e.row)
	}
	if q.descending {
		q.rows().Descend(entry{at: from}, step)
	} else {
		q.rows().Ascend(entry{at: from}, step)
	}
	if g.full && q.endsWith(g.last.item) {
		g.full = false
	}
	return g.answer()
}

// endsWith reports whether nothing can follow an item, since its sort key is the end of a range that includes it.
func (q *queried) endsWith(item value.Item) bool {
	if q.sort == nil || q.index != nil {
		return false
	}
	var end value.Value
	switch values := q.sort.Values; {
	case q.sort.Operator == "BETWEEN" && !q.descending:
		end = values[1]
	case q.sort.Operator == "BETWEEN", q.sort.Operator == ">=" && q.descending, q.sort.Operator == "<=" && !q.descending:
		end = values[0]
	}
	sort, _ := q.keys().sort()
	return value.Equal(end, item[sort.name])
}

// from is where reading begins: after ExclusiveStartKey, or at the end of the partition, or of the range in it, that comes first.
func (q *queried) from() (position, error) {
	edge := -1
	if q.descending {
		edge = 1
	}
	if q.start != nil {
		at, err := q.startPosition()
		switch {
		case err != nil:
			return position{}, err
		case !value.Equal(q.start[q.keys().partition().name], q.partition):
			return position{}, validation("The provided starting key is outside query boundaries based on provided conditions")
		case !q.wants(q.start):
			return position{}, validation("The provided starting key does not match the range key predicate")
		}
		at.edge = -edge
		return at, nil
	}
	key := q.partition.SortKey()
	at := position{hash: hashOf(key), parts: []string{key}, edge: edge}
	if bound := q.bound(); bound != nil {
		at.parts = append(at.parts, bound.SortKey())
	}
	return at, nil
}

// bound is the sort key at the end of the range where reading begins; nil if there it has none.
func (q *queried) bound() *value.Value {
	if q.sort == nil {
		return nil
	}
	values := q.sort.Values
	switch q.sort.Operator {
	case "=":
		return &values[0]
	case "BETWEEN":
		if q.descending {
			return &values[1]
		}
		return &values[0]
	case ">", ">=", "begins_with":
		if !q.descending {
			return &values[0]
		}
	case "<", "<=":
		if q.descending {
			return &values[0]
		}
	}
	return nil
}
