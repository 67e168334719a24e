package dynamodb

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
)

// The limits of tables ("Quotas in Amazon DynamoDB", Amazon DynamoDB Developer Guide).
const (
	maxGlobalIndexes = 20
	maxLocalIndexes  = 5
	maxInclude       = 100 // non-key attributes over all indexes
	maxIndexKeys     = 8   // attributes of a global index's keys: four of each ("Multi-attribute keys pattern")
)

const (
	hashKey  = "HASH"
	rangeKey = "RANGE"
)

// keyElement is an element of a KeySchema.
type keyElement struct{ AttributeName, KeyType string }

// attributeDefinition is an element of AttributeDefinitions.
type attributeDefinition struct{ AttributeName, AttributeType string }

// indexRequest is an element of GlobalSecondaryIndexes or LocalSecondaryIndexes.
type indexRequest struct {
	global     bool
	name       string
	keys       []keyElement
	projection string
	include    []string
	capacity   throughput
	capacitied bool
}

// severalAttributes says whether a global index's partition key or sort key has more than one attribute.
func (x indexRequest) severalAttributes() bool {
	if !x.global {
		return false
	}
	seen := map[string]bool{}
	for _, k := range x.keys {
		if seen[k.KeyType] {
			return true
		}
		seen[k.KeyType] = true
	}
	return false
}

// createRequest is a CreateTable.
type createRequest struct {
	name        string
	definitions []attributeDefinition
	keys        []keyElement
	onDemand    bool
	capacity    throughput
	capacitied  bool
	indexes     []indexRequest
	protected   bool
}

func (p parameters) createRequest() (createRequest, error) {
	r := createRequest{
		name:      p.tableName(),
		onDemand:  p.choice("BillingMode", "PROVISIONED", "PROVISIONED", "PAY_PER_REQUEST") == "PAY_PER_REQUEST",
		protected: p.flag("DeletionProtectionEnabled"),
	}
	p.require("AttributeDefinitions", "KeySchema")
	for _, d := range p.structures("AttributeDefinitions") {
		d.require("AttributeName", "AttributeType")
		r.definitions = append(r.definitions, attributeDefinition{d.attributeName(), d.choice("AttributeType", "", "B", "N", "S")})
	}
	r.keys = p.keySchema(2)
	r.capacity, r.capacitied = p.throughput()
	for _, x := range p.structures("LocalSecondaryIndexes") {
		r.indexes = append(r.indexes, x.indexRequest(false))
	}
	for _, x := range p.structures("GlobalSecondaryIndexes") {
		r.indexes = append(r.indexes, x.indexRequest(true))
	}
	if err := p.check(); err != nil {
		return createRequest{}, err
	}
	for _, list := range []string{"GlobalSecondaryIndexes", "LocalSecondaryIndexes"} {
		if p.has(list) && len(p.array(list)) == 0 {
			return createRequest{}, invalidParameters("List of %s is empty", list)
		}
	}
	if slices.ContainsFunc(r.indexes, indexRequest.severalAttributes) {
		return createRequest{}, notImplemented("indexes whose keys have several attributes")
	}
	if p.structure("StreamSpecification").flag("StreamEnabled") {
		return createRequest{}, notImplemented("streams")
	}
	return r, nil
}

func (p parameters) attributeName() string {
	name := p.text("AttributeName")
	switch {
	case !p.has("AttributeName"):
	case name == "":
		p.constrain("AttributeName", "''", "have length greater than or equal to 1")
	case len(name) > 255:
		p.constrain("AttributeName", "'"+name+"'", "have length less than or equal to 255")
	}
	return name
}

// keySchema reads the keys of a table or index, at most so many.
func (p parameters) keySchema(most int) []keyElement {
	elements := p.structures("KeySchema")
	switch n := len(elements); {
	case p.has("KeySchema") && n == 0:
		p.constrain("KeySchema", "'[]'", "have length greater than or equal to 1")
	case n > most:
		p.constrain("KeySchema", fmt.Sprintf("'%d elements'", n), fmt.Sprintf("have length less than or equal to %d", most))
	}
	var keys []keyElement
	for _, k := range elements {
		k.require("AttributeName", "KeyType")
		keys = append(keys, keyElement{k.attributeName(), k.choice("KeyType", "", hashKey, rangeKey)})
	}
	return keys
}

func (p parameters) throughput() (t throughput, given bool) {
	const name = "ProvisionedThroughput"
	if !p.has(name) {
		return throughput{}, false
	}
	c := p.structure(name)
	c.require("ReadCapacityUnits", "WriteCapacityUnits")
	t.read, _ = c.ranged("ReadCapacityUnits", 1, 1<<40)
	t.write, _ = c.ranged("WriteCapacityUnits", 1, 1<<40)
	return t, true
}

func (p parameters) indexRequest(global bool) indexRequest {
	p.require("IndexName", "KeySchema", "Projection")
	most := 2
	if global {
		most = maxIndexKeys
	}
	x := indexRequest{global: global, name: p.text("IndexName"), keys: p.keySchema(most)}
	if p.has("IndexName") {
		p.checkTableName(x.name)
	}
	projection := p.structure("Projection")
	x.projection = projection.choice("ProjectionType", "", projectAll, projectInclude, projectKeysOnly)
	x.include = projection.texts("NonKeyAttributes")
	if projection.has("NonKeyAttributes") && len(x.include) == 0 {
		projection.constrain("NonKeyAttributes", "'[]'", "have length greater than or equal to 1")
	}
	if global {
		x.capacity, x.capacitied = p.throughput()
	}
	return x
}

func (st *store) createTable(p parameters, now time.Time) (any, error) {
	r, err := p.createRequest()
	if err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	name := parseReference(r.name).name
	if _, exists := st.tables[name]; exists {
		return nil, fault(modelNamespace, "ResourceInUseException", "Table already exists: %s", name)
	}
	t := r.build(st.place, now)
	st.tables[t.name] = t
	return map[string]any{"TableDescription": t.describe("ACTIVE")}, nil
}

// check checks what concerns more than one parameter.
func (r createRequest) check() error {
	if err := r.checkBilling(); err != nil {
		return err
	}
	if err := r.checkKeySchema(r.keys); err != nil {
		return err
	}
	used := r.keys
	names, locals, globals, include := make(map[string]bool), 0, 0, 0
	for _, x := range r.indexes {
		if err := r.checkIndex(x); err != nil {
			return err
		}
		if names[x.name] {
			return invalidParameters("Duplicate index name: %s", x.name)
		}
		names[x.name], used = true, slices.Concat(used, x.keys)
		include += len(x.include)
		if x.global {
			globals++
		} else {
			locals++
		}
	}
	switch {
	case locals > maxLocalIndexes:
		return invalidParameters("Number of LocalSecondaryIndexes exceeds per-table limit of %d", maxLocalIndexes)
	case globals > maxGlobalIndexes:
		return invalidParameters("GlobalSecondaryIndex count exceeds the per-table limit of %d", maxGlobalIndexes)
	case include > maxInclude:
		return invalidParameters("Total number of NonKeyAttributes for all indexes exceeds the limit of %d", maxInclude)
	}
	return r.checkDefinitions(used)
}

func (r createRequest) checkBilling() error {
	switch {
	case r.onDemand && r.capacitied:
		return invalidParameters("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
	case !r.onDemand && !r.capacitied:
		return invalidParameters("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	}
	return nil
}

// checkKeySchema checks a table's or index's keys: a HASH key, then at most a RANGE key, and each of them defined.
func (r createRequest) checkKeySchema(keys []keyElement) error {
	switch {
	case keys[0].KeyType != hashKey:
		return invalidKeySchema("The first KeySchemaElement is not a HASH key type")
	case len(keys) > 1 && keys[0].AttributeName == keys[1].AttributeName:
		return validation("Both the Hash Key and the Range Key element in the KeySchema have the same name")
	case len(keys) > 1 && keys[1].KeyType != rangeKey:
		return invalidKeySchema("The second KeySchemaElement is not a RANGE key type")
	}
	for _, k := range keys {
		if r.kindOf(k.AttributeName) == "" {
			return invalidParameters("Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]",
				strings.Join(keyNames(keys), ", "), strings.Join(r.definedNames(), ", "))
		}
	}
	return nil
}

func invalidKeySchema(message string) error { return validation("Invalid KeySchema: %s", message) }

func keyNames(keys []keyElement) []string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.AttributeName
	}
	return names
}

func (r createRequest) definedNames() []string {
	names := make([]string, len(r.definitions))
	for i, d := range r.definitions {
		names[i] = d.AttributeName
	}
	return names
}

func (r createRequest) kindOf(name string) string {
	for _, d := range r.definitions {
		if d.AttributeName == name {
			return d.AttributeType
		}
	}
	return ""
}

func (r createRequest) checkIndex(x indexRequest) error {
	if err := r.checkKeySchema(x.keys); err != nil {
		return err
	}
	switch {
	case x.global && !r.onDemand && !x.capacitied:
		return invalidParameters("ReadCapacityUnits and WriteCapacityUnits must both be specified for index: %s", x.name)
	case x.global && r.onDemand && x.capacitied:
		return invalidParameters("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: %s "+
			"when BillingMode is PAY_PER_REQUEST", x.name)
	case !x.global && len(r.keys) < 2:
		return invalidParameters("Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
	case !x.global && len(x.keys) < 2:
		return invalidParameters("Index KeySchema does not have a range key for index: %s", x.name)
	case !x.global && x.keys[0].AttributeName != r.keys[0].AttributeName:
		return invalidParameters("Index KeySchema does not have the same leading hash key as table KeySchema for index: %s. "+
			"index hash key: %s, table hash key: %s", x.name, x.keys[0].AttributeName, r.keys[0].AttributeName)
	case x.projection == "":
		return invalidParameters("Unknown ProjectionType: null")
	case x.projection != projectInclude && len(x.include) > 0:
		return invalidParameters("ProjectionType is %s, but NonKeyAttributes is specified", x.projection)
	case x.projection == projectInclude && len(x.include) == 0:
		return invalidParameters("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
	}
	return nil
}

// checkDefinitions checks that each definition is used by a key, and made once.
func (r createRequest) checkDefinitions(used []keyElement) error {
	names := r.definedNames()
	slices.Sort(names)
	if len(slices.Compact(names)) < len(r.definitions) {
		return validation("Cannot have two attributes with the same name")
	}
	for _, d := range r.definitions {
		if !slices.ContainsFunc(used, func(k keyElement) bool { return k.AttributeName == d.AttributeName }) {
			return invalidParameters("Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
		}
	}
	return nil
}

// build makes the table, which is active at once.
func (r createRequest) build(at place, now time.Time) *table {
	name := parseReference(r.name).name
	t := &table{
		name: name, arn: at.arn(name), id: newID(), created: now, keys: r.schema(r.keys),
		onDemand: r.onDemand, capacity: r.capacity, protected: r.protected, definitions: r.definitions, rows: newRows(),
	}
	for _, x := range r.indexes {
		t.indexes = append(t.indexes, &index{
			name: x.name, arn: t.arn + "/index/" + x.name, global: x.global, keys: r.schema(x.keys), projection: x.projection,
			include: x.include, capacity: x.capacity, table: t.keys, rows: newRows(),
		})
	}
	return t
}

func (r createRequest) schema(keys []keyElement) keySchema {
	var schema keySchema
	for _, k := range keys {
		kind, _ := value.KindOf(r.kindOf(k.AttributeName))
		schema.keys = append(schema.keys, attribute{k.AttributeName, kind})
	}
	return schema
}

// newID is a random UUID (RFC 9562, version 4).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
