package dynamodb

import (
	"time"

	"github.com/arngate/arngate/shared/localaws/dynamodb/expression"
	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
)

// maxItemSize bounds an item, names included ("Quotas in Amazon DynamoDB", Amazon DynamoDB Developer Guide).
const maxItemSize = 400 << 10

// The values of ReturnValues.
const (
	returnNone       = "NONE"
	returnAllOld     = "ALL_OLD"
	returnUpdatedOld = "UPDATED_OLD"
	returnAllNew     = "ALL_NEW"
	returnUpdatedNew = "UPDATED_NEW"
)

// write is a PutItem, UpdateItem, DeleteItem, or a part of a transaction: what to do to one item.
type write struct {
	action string // PutItem, UpdateItem, DeleteItem or ConditionCheckItem
	table  string
	item   value.Item // PutItem only
	key    value.Item // all but PutItem
	expressions
	oldOnFailure bool
}

// readWrite reads what the action's request and its part of a transaction have in common.
func (p parameters) readWrite(action string) (write, error) {
	w := write{action: action, table: p.tableName()}
	if action == "PutItem" {
		p.require("Item")
		w.item = p.item("Item")
	} else {
		p.require("Key")
		w.key = p.item("Key")
	}
	if action == "ConditionCheckItem" {
		p.require("ConditionExpression")
	}
	w.oldOnFailure = p.choice("ReturnValuesOnConditionCheckFailure", returnNone, returnAllOld, returnNone) == returnAllOld
	if err := p.check(); err != nil {
		return write{}, err
	}
	kinds := []expression.Kind{expression.Condition}
	if action == "UpdateItem" {
		kinds = []expression.Kind{expression.Update, expression.Condition}
	}
	e, err := p.expressions(kinds...)
	if err != nil {
		return write{}, err
	}
	w.expressions = e
	if w.item.Size() > maxItemSize {
		return write{}, validation("Item size has exceeded the maximum allowed size")
	}
	return w, nil
}

// outcome is what a write is going to do.
type outcome struct {
	key    value.Item
	before *row
	item   value.Item // what is to be stored; nil removes
	noop   bool       // a condition check only
}

// plan evaluates a write against the table as it is, and changes nothing.
func (w write) plan(t *table) (outcome, error) {
	if err := w.checkAgainst(t); err != nil {
		return outcome{}, err
	}
	o := outcome{key: w.key, noop: w.action == "ConditionCheckItem"}
	if w.action == "PutItem" {
		o.key = t.keys.of(w.item)
	}
	o.before = t.get(o.key)
	var old value.Item
	if o.before != nil {
		old = o.before.item
	}
	if w.condition != nil && !w.condition.Holds(old) {
		if !w.oldOnFailure {
			old = nil
		}
		return outcome{}, conditionFailed(old)
	}
	switch w.action {
	case "PutItem":
		o.item = w.item
	case "UpdateItem":
		item, err := w.updated(t, o.key, old)
		o.item = item
		return o, err
	}
	return o, nil
}

// checkAgainst checks what the table's keys and indexes require.
func (w write) checkAgainst(t *table) error {
	if err := w.checkTargets(t); err != nil {
		return err
	}
	if err := w.checkKeys(t); err != nil {
		return err
	}
	if w.action == "PutItem" {
		if err := t.keys.checkItem(w.item); err != nil {
			return err
		}
		return t.checkIndexKeys(w.item)
	}
	return t.keys.checkKey(w.key)
}

// checkTargets refuses to update keys.
func (w write) checkTargets(t *table) error {
	if w.update == nil {
		return nil
	}
	for _, path := range w.update.Paths().All() {
		if name := path.Attribute(); t.keys.has(name) {
			return invalidParameters("Cannot update attribute %s. This attribute is part of the key", name)
		}
	}
	return nil
}

// updated is the item after an update, which creates it if it isn't there (traps.md 32).
func (w write) updated(t *table, key, old value.Item) (value.Item, error) {
	if old == nil {
		old = key
	}
	if w.update == nil {
		return old, nil
	}
	item, err := w.update.Apply(old)
	if err != nil {
		return nil, err
	}
	for _, v := range item {
		if v.Depth() >= value.MaxDepth {
			return nil, validation("Nesting Levels have exceeded supported limits: " +
				"Attributes in the item have nested levels beyond supported limit")
		}
	}
	if item.Size() > maxItemSize {
		return nil, validation("Item size to update has exceeded the maximum allowed size")
	}
	return item, w.checkUpdatedIndexKeys(t, item)
}

// checkUpdatedIndexKeys checks the keys of indexes that the update gave a value.
func (w write) checkUpdatedIndexKeys(t *table, item value.Item) error {
	for _, x := range t.indexes {
		for place, a := range x.keys.keys {
			v, ok := item[a.name]
			switch {
			case !ok:
			case v.Kind() != a.kind:
				return validation("The update expression attempted to update the secondary index key to unsupported type")
			case emptyKind(v) != "":
				return validation("One or more parameter values are not valid. "+
					"The update expression attempted to update a secondary index key to a value that is not supported. "+
					"The AttributeValue for a key attribute cannot contain an empty %s value.", emptyKind(v))
			case checkKeySize(place, v) != nil:
				return validation("The update expression attempted to update the secondary index key beyond allowed size limits")
			}
		}
	}
	return nil
}

// commit carries a planned write out.
func (o outcome) commit(t *table, u *usage, factor float64) {
	if o.noop {
		u.base += factor * writeUnits(sizeOf(o.before))
		return
	}
	before, after := t.put(o.key, o.item)
	u.wrote(before, after, factor)
}

func sizeOf(r *row) int {
	if r == nil {
		return 0
	}
	return r.size
}

type writeAnswer struct {
	Attributes       value.Item        `json:",omitempty"`
	ConsumedCapacity *consumedCapacity `json:",omitempty"`
}

func (st *store) putItem(p parameters, _ time.Time) (any, error) {
	return st.writeItem(p, "PutItem")
}

func (st *store) deleteItem(p parameters, _ time.Time) (any, error) {
	return st.writeItem(p, "DeleteItem")
}

func (st *store) updateItem(p parameters, _ time.Time) (any, error) {
	return st.writeItem(p, "UpdateItem")
}

func (st *store) writeItem(p parameters, action string) (any, error) {
	wanted := p.returnConsumedCapacity()
	returned := p.choice("ReturnValues", returnNone, returnAllNew, returnUpdatedOld, returnAllOld, returnNone, returnUpdatedNew)
	p.choice("ReturnItemCollectionMetrics", "NONE", "SIZE", "NONE")
	w, err := p.readWrite(action)
	if err != nil {
		return nil, err
	}
	if action != "UpdateItem" && returned != returnNone && returned != returnAllOld {
		return nil, validation("ReturnValues can only be ALL_OLD or NONE")
	}
	t, err := st.table(w.table)
	if err != nil {
		return nil, err
	}
	o, err := w.plan(t)
	if err != nil {
		return nil, err
	}
	u := newUsage(t)
	o.commit(t, u, 1)
	return writeAnswer{w.attributes(returned, o), u.consumed(wanted, unsplit)}, nil
}

// attributes is what ReturnValues asks for.
func (w write) attributes(returned string, o outcome) value.Item {
	var old value.Item
	if o.before != nil {
		old = o.before.item
	}
	switch returned {
	case returnAllOld:
		return old
	case returnAllNew:
		return o.item
	case returnUpdatedOld:
		if w.update != nil {
			return w.update.Old(old)
		}
	case returnUpdatedNew:
		if w.update != nil {
			return w.update.New(o.item)
		}
	}
	return nil
}

type getAnswer struct {
	Item             value.Item        `json:",omitzero"`
	ConsumedCapacity *consumedCapacity `json:",omitempty"`
}

func (st *store) getItem(p parameters, _ time.Time) (any, error) {
	wanted, consistent := p.returnConsumedCapacity(), p.flag("ConsistentRead")
	r, err := p.readRead()
	if err != nil {
		return nil, err
	}
	t, err := st.table(r.table)
	if err != nil {
		return nil, err
	}
	item, size, err := r.from(t)
	if err != nil {
		return nil, err
	}
	u := newUsage(t)
	u.base = readUnits(size, consistent)
	return getAnswer{item, u.consumed(wanted, unsplit)}, nil
}

// read is a GetItem or a part of a TransactGetItems.
type read struct {
	table string
	key   value.Item
	expressions
}

func (p parameters) readRead() (read, error) {
	r := read{table: p.tableName()}
	p.require("Key")
	r.key = p.item("Key")
	if err := p.check(); err != nil {
		return read{}, err
	}
	e, err := p.expressions(expression.Projection)
	r.expressions = e
	return r, err
}

// from reads the item, nil if there is none, and says how large it is as stored.
func (r read) from(t *table) (item value.Item, size int, err error) {
	if err := t.keys.checkKey(r.key); err != nil {
		return nil, 0, err
	}
	if err := r.checkKeys(t); err != nil {
		return nil, 0, err
	}
	stored := t.get(r.key)
	if stored == nil {
		return nil, 0, nil
	}
	if r.projection == nil {
		return stored.item, stored.size, nil
	}
	return r.projection.Apply(stored.item), stored.size, nil
}
