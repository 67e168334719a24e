package dynamodb

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/arngate/arngate/shared/localaws/dynamodb/expression"
	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
)

// The limits of batches ("BatchGetItem", "BatchWriteItem", Amazon DynamoDB API Reference).
const (
	maxBatchGets   = 100
	maxBatchWrites = 25
	maxBatchSize   = 16 << 20
)

// tableKey identifies an item among those of several tables.
func tableKey(t *table, key value.Item) string {
	parts := t.keys.parts(key)
	return fmt.Sprintf("%d:%s%d:%s%s", len(t.name), t.name, len(parts[0]), parts[0], parts[1])
}

// batchGet is what a BatchGetItem asks of one table.
type batchGet struct {
	named      string
	keys       []value.Item
	consistent bool
	expressions
}

// batchGet reads the part of a batch that is about one table.
func (p parameters) batchGet(named string) (batchGet, error) {
	b := batchGet{named: p.checkTableName(named), consistent: p.flag("ConsistentRead"), keys: p.items("Keys")}
	if err := p.check(); err != nil {
		return batchGet{}, err
	}
	if len(b.keys) == 0 {
		return batchGet{}, validation("The list of keys in RequestItems for BatchGetItem is required: %s has empty list", named)
	}
	e, err := p.expressions(expression.Projection)
	b.expressions = e
	return b, err
}

type batchGetAnswer struct {
	Responses        map[string][]value.Item
	UnprocessedKeys  map[string]any
	ConsumedCapacity []*consumedCapacity `json:",omitempty"`
}

func (st *store) batchGetItem(p parameters, _ time.Time) (any, error) {
	wanted, requests := p.returnConsumedCapacity(), p.structure("RequestItems")
	if err := p.check(); err != nil {
		return nil, err
	}
	if len(requests.members) == 0 {
		return nil, validation("BatchGetItem must have some requests set")
	}
	var gets []batchGet
	total := 0
	for _, named := range slices.Sorted(maps.Keys(requests.members)) {
		b, err := requests.entry(named).batchGet(named)
		if err != nil {
			return nil, err
		}
		gets = append(gets, b)
		total += len(b.keys)
	}
	if total > maxBatchGets {
		return nil, validation("Too many items requested for the BatchGetItem call")
	}
	a := batchGetAnswer{Responses: make(map[string][]value.Item), UnprocessedKeys: make(map[string]any)}
	used, err := st.batchGet(gets, requests, &a)
	a.ConsumedCapacity = used.consumed(wanted, unsplit)
	return a, err
}

// batchGet reads until the answer is as large as it may be; what is left is unprocessed.
func (st *store) batchGet(gets []batchGet, requests parameters, a *batchGetAnswer) (usages, error) {
	used, seen, size := make(usages), make(map[string]bool), 0
	for _, b := range gets {
		t, err := st.table(b.named)
		if err != nil {
			return nil, err
		}
		for _, key := range b.keys {
			if err := t.keys.checkKey(key); err != nil {
				return nil, err
			}
			id := tableKey(t, key)
			if seen[id] {
				return nil, validation("Provided list of item keys contains duplicates")
			}
			seen[id] = true
		}
		a.Responses[b.named] = []value.Item{}
		for i, key := range b.keys {
			item, stored, err := read{key: key, expressions: b.expressions}.from(t)
			if err != nil {
				return nil, err
			}
			if size += stored; size > maxBatchSize {
				left := maps.Clone(requests.structure(b.named).members)
				left["Keys"] = b.keys[i:]
				a.UnprocessedKeys[b.named] = left
				break
			}
			used.of(t).base += readUnits(stored, b.consistent)
			if item != nil {
				a.Responses[b.named] = append(a.Responses[b.named], item)
			}
		}
	}
	return used, nil
}

// batchWrites reads the requests of a batch for one table.
func (p parameters) batchWrites(named string) ([]write, error) {
	p.checkTableName(named)
	requests := p.entries(named)
	if err := p.check(); err != nil {
		return nil, err
	}
	if len(requests) == 0 {
		return nil, validation("The batch write request list for a table cannot be null or empty: %s", named)
	}
	writes := make([]write, len(requests))
	for i, r := range requests {
		if r.has("PutRequest") == r.has("DeleteRequest") {
			return nil, validation("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
		}
		w := write{action: "PutItem", table: named}
		if r.has("PutRequest") {
			put := r.structure("PutRequest")
			put.require("Item")
			w.item = put.item("Item")
		} else {
			remove := r.structure("DeleteRequest")
			remove.require("Key")
			w.action, w.key = "DeleteItem", remove.item("Key")
		}
		if err := p.check(); err != nil {
			return nil, err
		}
		if w.item.Size() > maxItemSize {
			return nil, validation("Item size has exceeded the maximum allowed size")
		}
		writes[i] = w
	}
	return writes, nil
}

type batchWriteAnswer struct {
	UnprocessedItems map[string]any
	ConsumedCapacity []*consumedCapacity `json:",omitempty"`
}

func (st *store) batchWriteItem(p parameters, _ time.Time) (any, error) {
	wanted, requests := p.returnConsumedCapacity(), p.structure("RequestItems")
	p.choice("ReturnItemCollectionMetrics", "NONE", "SIZE", "NONE")
	if err := p.check(); err != nil {
		return nil, err
	}
	if len(requests.members) == 0 {
		return nil, validation("BatchWriteItem cannot have a null or no requests set")
	}
	var writes []write
	for _, named := range slices.Sorted(maps.Keys(requests.members)) {
		more, err := requests.batchWrites(named)
		if err != nil {
			return nil, err
		}
		writes = append(writes, more...)
	}
	if len(writes) > maxBatchWrites {
		return nil, validation("Too many items requested for the BatchWriteItem call")
	}
	tables, err := st.checkBatch(writes)
	if err != nil {
		return nil, err
	}
	used := make(usages)
	for i, w := range writes {
		o := outcome{key: w.key, item: w.item}
		if w.item != nil {
			o.key = tables[i].keys.of(w.item)
		}
		o.commit(tables[i], used.of(tables[i]), 1)
	}
	return batchWriteAnswer{UnprocessedItems: map[string]any{}, ConsumedCapacity: used.consumed(wanted, unsplit)}, nil
}

// checkBatch finds the tables of a batch's writes. A batch is refused as a whole if one of its writes isn't valid, and, other than
// with PutItem alone, an item without its keys is a key that doesn't match the schema.
func (st *store) checkBatch(writes []write) ([]*table, error) {
	tables, seen := make([]*table, len(writes)), make(map[string]bool)
	for i, w := range writes {
		t, err := st.table(w.table)
		if err != nil {
			return nil, err
		}
		key := w.key
		if w.item != nil {
			key = t.keys.of(w.item)
			err = t.checkIndexKeys(w.item)
		}
		if keyErr := t.keys.checkKey(key); keyErr != nil {
			err = keyErr
		}
		if err != nil {
			return nil, err
		}
		id := tableKey(t, key)
		if seen[id] {
			return nil, validation("Provided list of item keys contains duplicates")
		}
		seen[id], tables[i] = true, t
	}
	return tables, nil
}
