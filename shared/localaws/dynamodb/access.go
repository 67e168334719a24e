package dynamodb

import (
	"maps"
	"slices"

	"github.com/arngate/arngate/shared/localaws/dynamodb/expression"
	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/policy"
)

// The condition keys that only requests on items have ("Actions, resources, and condition keys for Amazon DynamoDB", Service
// Authorization Reference).
const (
	leadingKeys        = "dynamodb:LeadingKeys"
	attributesKey      = "dynamodb:Attributes"
	selectKey          = "dynamodb:Select"
	returnValuesKey    = "dynamodb:ReturnValues"
	returnCapacityKey  = "dynamodb:ReturnConsumedCapacity"
	enclosingOperation = "dynamodb:EnclosingOperation"
)

// accesses gathers what must be allowed for one call. The store is locked for reading.
type accesses struct {
	call  *protocol.Call
	store *store
	list  []protocol.Access
}

// add notes one access to a table, or to an index of it.
func (a *accesses) add(action, named, index string, context policy.Context) {
	ref := parseReference(named)
	at := a.store.place
	if ref.account != "" {
		at = place{account: ref.account, region: ref.region}
	}
	resource := at.arn(ref.name)
	if index != "" {
		resource += "/index/" + index
	}
	a.list = append(a.list, protocol.Access{
		Action: "dynamodb:" + action, Resource: resource, ResourceAccount: at.account, Context: context,
	})
}

func onTable(a *accesses, p parameters) { a.add(a.call.Operation, p.text("TableName"), "", nil) }

// onAllTables is for ListTables, which is about no table in particular.
func onAllTables(a *accesses, _ parameters) { a.add(a.call.Operation, "*", "", nil) }

func onItem(a *accesses, p parameters) { a.item(a.call.Operation, p, nil) }

// item notes the access of a request, or of a part of one, that is about one item.
func (a *accesses) item(action string, p parameters, context policy.Context) {
	named := p.text("TableName")
	member := "Key"
	if action == "PutItem" {
		member = "Item"
	}
	key := p.item(member)
	c := a.context(p, named, []value.Item{key}, p.attributes(key))
	maps.Copy(c, context)
	if action != "GetItem" && action != "ConditionCheckItem" {
		c[returnValuesKey] = []string{orElse(p.text("ReturnValues"), returnNone)}
	}
	a.add(action, named, "", c)
}

// context is what is known of a request on items: the partition keys it touches and the attributes it names.
func (a *accesses) context(p parameters, named string, keys []value.Item, attributes []string) policy.Context {
	c := policy.Context{returnCapacityKey: []string{orElse(p.text("ReturnConsumedCapacity"), returnNone)}}
	if len(attributes) > 0 {
		c[attributesKey] = attributes
	}
	if t := a.store.find(named); t != nil {
		var leading []string
		for _, key := range keys {
			if v, ok := key[t.keys.partition().name]; ok && v.Kind().IsScalar() {
				leading = append(leading, v.Scalar())
			}
		}
		if slices.Sort(leading); len(leading) > 0 {
			c[leadingKeys] = slices.Compact(leading)
		}
	}
	return c
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// attributes are the top-level attributes that a request names: its item or key, and those in its expressions.
func (p parameters) attributes(item value.Item) []string {
	names := slices.Collect(maps.Keys(item))
	for _, path := range p.named() {
		names = append(names, path.Attribute())
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// named are the paths in the expressions of a request. One that can't be read has none: the request will be refused.
func (p parameters) named() []expression.Path {
	kinds := []expression.Kind{expression.Update, expression.Condition, expression.Filter, expression.Projection, expression.KeyCondition}
	scope, err := p.scope(kinds...)
	if err != nil {
		return nil
	}
	var paths []expression.Path
	for _, kind := range kinds {
		if !p.has(string(kind)) {
			continue
		}
		if e, err := (expressions{}).with(kind, p.text(string(kind)), scope); err == nil {
			paths = slices.Concat(paths, e.paths())
		}
	}
	return paths
}

func onQuery(a *accesses, p parameters) {
	named, index := p.text("TableName"), p.text("IndexName")
	c := a.context(p, named, nil, p.attributes(nil))
	c[selectKey] = []string{p.selection()}
	if v, ok := a.queriedPartition(p, named, index); ok {
		c[leadingKeys] = []string{v}
	}
	a.add("Query", named, index, c)
}

// queriedPartition is the value of the partition key, the index's if there is one, that a query asks for.
func (a *accesses) queriedPartition(p parameters, named, index string) (string, bool) {
	t := a.store.find(named)
	if t == nil {
		return "", false
	}
	keys := t.keys
	if x := t.index(index); x != nil {
		keys = x.keys
	}
	scope, err := p.scope(expression.KeyCondition)
	if err != nil {
		return "", false
	}
	terms, err := expression.ParseKeyCondition(p.text(string(expression.KeyCondition)), scope)
	if err != nil {
		return "", false
	}
	term := termFor(terms, keys.partition().name)
	if term == nil || term.Operator != "=" || !term.Values[0].Kind().IsScalar() {
		return "", false
	}
	return term.Values[0].Scalar(), true
}

// selection is the Select of a request, or what it is without one.
func (p parameters) selection() string {
	switch {
	case p.has("Select"):
		return p.text("Select")
	case p.has(string(expression.Projection)):
		return selectSpecific
	case p.has("IndexName"):
		return selectProjected
	}
	return selectAll
}

func onScan(a *accesses, p parameters) {
	named := p.text("TableName")
	c := a.context(p, named, nil, p.attributes(nil))
	c[selectKey] = []string{p.selection()}
	a.add("Scan", named, p.text("IndexName"), c)
}

func onBatchGet(a *accesses, p parameters) {
	requests := p.structure("RequestItems")
	for _, named := range slices.Sorted(maps.Keys(requests.members)) {
		part := requests.entry(named)
		keys := part.items("Keys")
		a.add("BatchGetItem", named, "", a.context(p, named, keys, part.attributes(merged(keys))))
	}
}

func onBatchWrite(a *accesses, p parameters) {
	requests := p.structure("RequestItems")
	for _, named := range slices.Sorted(maps.Keys(requests.members)) {
		var items []value.Item
		for _, r := range requests.entries(named) {
			for _, item := range []value.Item{r.structure("PutRequest").item("Item"), r.structure("DeleteRequest").item("Key")} {
				if item != nil {
					items = append(items, item)
				}
			}
		}
		a.add("BatchWriteItem", named, "", a.context(p, named, items, p.attributes(merged(items))))
	}
}

// merged has the attributes of all items.
func merged(items []value.Item) value.Item {
	all := make(value.Item)
	for _, item := range items {
		maps.Copy(all, item)
	}
	return all
}

// onTransaction asks for what each part would need on its own; transactions have no actions of theirs.
func onTransaction(a *accesses, p parameters) {
	context := policy.Context{
		enclosingOperation: []string{a.call.Operation},
		returnCapacityKey:  []string{orElse(p.text("ReturnConsumedCapacity"), returnNone)},
	}
	for _, item := range p.structures("TransactItems") {
		if item.has("Get") {
			a.item("GetItem", item.structure("Get"), context)
		}
		for _, t := range transactActions {
			if item.has(t.member) {
				a.item(t.action, item.structure(t.member), context)
			}
		}
	}
}
