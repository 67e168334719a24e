package dynamodb

import (
	"maps"
	"slices"
	"time"
)

// maxTableNames bounds a page of ListTables.
const maxTableNames = 100

type throughputDescription struct {
	NumberOfDecreasesToday int
	ReadCapacityUnits      int
	WriteCapacityUnits     int
}

type warmThroughput struct {
	ReadUnitsPerSecond  int
	WriteUnitsPerSecond int
	Status              string
}

// The units per second that an on-demand table serves from its start ("Understanding DynamoDB warm throughput").
const (
	onDemandReads  = 12000
	onDemandWrites = 4000
)

type projectionDescription struct {
	ProjectionType   string
	NonKeyAttributes []string `json:",omitempty"`
}

type indexDescription struct {
	IndexName             string
	IndexArn              string
	IndexStatus           string `json:",omitempty"`
	IndexSizeBytes        int
	ItemCount             int
	KeySchema             []keyElement
	Projection            projectionDescription
	ProvisionedThroughput *throughputDescription `json:",omitempty"`
	WarmThroughput        *warmThroughput        `json:",omitempty"`
}

type billingSummary struct {
	BillingMode                       string
	LastUpdateToPayPerRequestDateTime float64
}

type tableDescription struct {
	TableName                 string
	TableArn                  string
	TableId                   string
	TableStatus               string
	CreationDateTime          float64
	AttributeDefinitions      []attributeDefinition
	KeySchema                 []keyElement
	ItemCount                 int
	TableSizeBytes            int
	ProvisionedThroughput     throughputDescription
	WarmThroughput            warmThroughput
	BillingModeSummary        *billingSummary    `json:",omitempty"`
	LocalSecondaryIndexes     []indexDescription `json:",omitempty"`
	GlobalSecondaryIndexes    []indexDescription `json:",omitempty"`
	DeletionProtectionEnabled bool
}

func (t throughput) describe() throughputDescription {
	return throughputDescription{ReadCapacityUnits: t.read, WriteCapacityUnits: t.write}
}

func (t throughput) warm(onDemand bool) warmThroughput {
	if onDemand {
		return warmThroughput{onDemandReads, onDemandWrites, "ACTIVE"}
	}
	return warmThroughput{t.read, t.write, "ACTIVE"}
}

// epoch is a time as awsJson1_0 writes it.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func (k keySchema) describe() []keyElement {
	elements := []keyElement{{k.partition().name, hashKey}}
	if sort, ok := k.sort(); ok {
		elements = append(elements, keyElement{sort.name, rangeKey})
	}
	return elements
}

// describe is the table as the operations on tables answer. Sizes and counts are those of now, not of up to six hours ago.
func (t *table) describe(status string) tableDescription {
	d := tableDescription{
		TableName: t.name, TableArn: t.arn, TableId: t.id, TableStatus: status, CreationDateTime: epoch(t.created),
		AttributeDefinitions: t.definitions, KeySchema: t.keys.describe(), ItemCount: t.rows.Len(), TableSizeBytes: t.size,
		ProvisionedThroughput: t.capacity.describe(), WarmThroughput: t.capacity.warm(t.onDemand), DeletionProtectionEnabled: t.protected,
	}
	if t.onDemand {
		d.BillingModeSummary = &billingSummary{"PAY_PER_REQUEST", epoch(t.created)}
	}
	for _, x := range t.indexes {
		if x.global {
			d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, x.describe(t.onDemand))
		} else {
			d.LocalSecondaryIndexes = append(d.LocalSecondaryIndexes, x.describe(t.onDemand))
		}
	}
	return d
}

func (x *index) describe(onDemand bool) indexDescription {
	d := indexDescription{
		IndexName: x.name, IndexArn: x.arn, IndexSizeBytes: x.size, ItemCount: x.rows.Len(), KeySchema: x.keys.describe(),
		Projection: projectionDescription{x.projection, x.include},
	}
	if x.global {
		capacity, warm := x.capacity.describe(), x.capacity.warm(onDemand)
		d.IndexStatus, d.ProvisionedThroughput, d.WarmThroughput = "ACTIVE", &capacity, &warm
	}
	return d
}

func (st *store) describeTable(p parameters, _ time.Time) (any, error) {
	t, err := st.namedTable(p)
	if err != nil {
		return nil, err
	}
	return map[string]any{"Table": t.describe("ACTIVE")}, nil
}

// namedTable is the table of a request about a table itself.
func (st *store) namedTable(p parameters) (*table, error) {
	named := p.tableName()
	if err := p.check(); err != nil {
		return nil, err
	}
	if t := st.find(named); t != nil {
		return t, nil
	}
	return nil, namedTableNotFound(parseReference(named).name)
}

func (st *store) deleteTable(p parameters, _ time.Time) (any, error) {
	t, err := st.namedTable(p)
	if err != nil {
		return nil, err
	}
	if t.protected {
		return nil, validation("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	}
	delete(st.tables, t.name)
	d := t.describe("DELETING")
	d.AttributeDefinitions, d.KeySchema = nil, nil
	return map[string]any{"TableDescription": d}, nil
}

type listAnswer struct {
	TableNames             []string
	LastEvaluatedTableName string `json:",omitempty"`
}

func (st *store) listTables(p parameters, _ time.Time) (any, error) {
	limit, limited := p.ranged("Limit", 1, maxTableNames)
	after := p.text("ExclusiveStartTableName")
	if p.has("ExclusiveStartTableName") {
		p.checkTableName(after)
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	if !limited {
		limit = maxTableNames
	}
	a := listAnswer{TableNames: []string{}}
	for _, name := range slices.Sorted(maps.Keys(st.tables)) {
		if name <= after {
			continue
		}
		if len(a.TableNames) == limit {
			a.LastEvaluatedTableName = a.TableNames[limit-1]
			break
		}
		a.TableNames = append(a.TableNames, name)
	}
	return a, nil
}

// updateTimeToLive keeps the setting only: what has expired stays readable, as it may for days (traps.md 2).
func (st *store) updateTimeToLive(p parameters, _ time.Time) (any, error) {
	named, spec := p.tableName(), p.structure("TimeToLiveSpecification")
	p.require("TimeToLiveSpecification")
	if p.has("TimeToLiveSpecification") {
		spec.require("AttributeName", "Enabled")
	}
	enabled, name := spec.flag("Enabled"), spec.attributeName()
	if err := p.check(); err != nil {
		return nil, err
	}
	t := st.find(named)
	switch {
	case t == nil:
		return nil, namedTableNotFound(parseReference(named).name)
	case enabled && t.ttl == name:
		return nil, validation("TimeToLive is already enabled")
	case t.ttl != "" && t.ttl != name:
		return nil, validation("TimeToLive is active on a different AttributeName: current AttributeName is %s", t.ttl)
	case !enabled && t.ttl == "":
		return nil, validation("TimeToLive is already disabled")
	}
	if t.ttl = name; !enabled {
		t.ttl = ""
	}
	return map[string]any{"TimeToLiveSpecification": map[string]any{"AttributeName": name, "Enabled": enabled}}, nil
}

func (st *store) describeTimeToLive(p parameters, _ time.Time) (any, error) {
	t, err := st.namedTable(p)
	if err != nil {
		return nil, err
	}
	d := map[string]any{"TimeToLiveStatus": "DISABLED"}
	if t.ttl != "" {
		d = map[string]any{"TimeToLiveStatus": "ENABLED", "AttributeName": t.ttl}
	}
	return map[string]any{"TimeToLiveDescription": d}, nil
}
