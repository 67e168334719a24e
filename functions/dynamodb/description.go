package dynamodb

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/arngate/arngate/functions/dynamodb/plan"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/problem"
)

const (
	// descriptionLife is how long a table's keys and indexes are taken as they were: a warm search makes
	// no call but its own. An index that goes away meanwhile makes AWS reject the search, which forgets
	// the description.
	descriptionLife = time.Minute
	maxDescriptions = 4096
)

// description is a table as callers see it and as the planner does. It is not changed once made.
type description struct {
	public TableDescription
	table  plan.Table
	until  time.Time
}

// descriptions remembers tables. What one caller of a connection may know is kept from every other: the
// key holds all that a cursor is bound to, the connection's revision included. Safe for concurrent use.
type descriptions struct {
	entries *lru.Cache[descriptionKey, *description]
}

type descriptionKey struct{ bound, table string }

func newDescriptions() *descriptions {
	entries, err := lru.New[descriptionKey, *description](maxDescriptions)
	if err != nil {
		panic(err) // only a size that isn't positive
	}
	return &descriptions{entries: entries}
}

func keyOf(conn *connection.Connection, table string) descriptionKey {
	return descriptionKey{bound: string(conn.Bind()), table: table}
}

// get returns the table's description, at most a minute old.
func (d *descriptions) get(ctx context.Context, conn *connection.Connection, table string) (*description, error) {
	if known, ok := d.entries.Get(keyOf(conn, table)); ok && time.Now().Before(known.until) {
		return known, nil
	}
	return d.fetch(ctx, conn, table)
}

// fetch asks DynamoDB and remembers the answer.
func (d *descriptions) fetch(ctx context.Context, conn *connection.Connection, table string) (*description, error) {
	var out *awsdynamodb.DescribeTableOutput
	err := call(ctx, conn, "DescribeTable", func(ctx context.Context) (err error) {
		out, err = conn.DynamoDB().DescribeTable(ctx, &awsdynamodb.DescribeTableInput{TableName: aws.String(table)})
		return err
	})
	if err != nil {
		d.entries.Remove(keyOf(conn, table))
		return nil, err
	}
	described := describe(out.Table)
	described.until = time.Now().Add(descriptionLife)
	if described.public.Status == string(types.TableStatusActive) {
		d.entries.Add(keyOf(conn, table), described)
	}
	return described, nil
}

// forget drops a description that an error of AWS puts in doubt.
func (d *descriptions) forget(conn *connection.Connection, table string, err error) {
	if p, ok := errors.AsType[*problem.Error](err); ok && (p.Code == problem.AWSRejected || p.Code == problem.TableNotFound) {
		d.entries.Remove(keyOf(conn, table))
	}
}

// describe reads DynamoDB's description of a table.
func describe(t *types.TableDescription) *description {
	kinds := map[string]string{}
	for _, a := range t.AttributeDefinitions {
		kinds[aws.ToString(a.AttributeName)] = string(a.AttributeType)
	}
	key, _ := planKey(t.KeySchema, kinds)
	d := &description{
		public: TableDescription{
			Name: aws.ToString(t.TableName), Status: string(t.TableStatus), Key: publicKey(t.KeySchema, kinds),
			Indexes: []IndexDescription{}, ItemCount: aws.ToInt64(t.ItemCount), SizeBytes: aws.ToInt64(t.TableSizeBytes),
		},
		table: plan.Table{Key: key},
	}
	for _, index := range t.LocalSecondaryIndexes {
		d.add(IndexDescription{
			Name: aws.ToString(index.IndexName), Kind: "local",
			ItemCount: aws.ToInt64(index.ItemCount), SizeBytes: aws.ToInt64(index.IndexSizeBytes),
		}, index.KeySchema, kinds, index.Projection)
	}
	for _, index := range t.GlobalSecondaryIndexes {
		d.add(IndexDescription{
			Name: aws.ToString(index.IndexName), Kind: "global", Status: string(index.IndexStatus),
			ItemCount: aws.ToInt64(index.ItemCount), SizeBytes: aws.ToInt64(index.IndexSizeBytes),
		}, index.KeySchema, kinds, index.Projection)
	}
	return d
}

// add adds an index to both views.
func (d *description) add(index IndexDescription, schema []types.KeySchemaElement, kinds map[string]string, projection *types.Projection) {
	index.Key = publicKey(schema, kinds)
	index.Projection = "all"
	if projection != nil {
		switch projection.ProjectionType {
		case types.ProjectionTypeKeysOnly:
			index.Projection = "keys_only"
		case types.ProjectionTypeInclude:
			index.Projection, index.Includes = "include", projection.NonKeyAttributes
		case types.ProjectionTypeAll:
		}
	}
	d.public.Indexes = append(d.public.Indexes, index)
	key, simple := planKey(schema, kinds)
	active := index.Status == "" || index.Status == string(types.IndexStatusActive)
	d.table.Indexes = append(d.table.Indexes, plan.Index{
		Name: index.Name, Key: key, Global: index.Kind == "global", Usable: simple && active,
		All: index.Projection == "all", Projected: index.Includes,
	})
}

// planKey is a key of at most one attribute for each role. A global index may have several (Amazon
// DynamoDB Developer Guide, "Multi-attribute keys pattern"): then it is not simple.
func planKey(schema []types.KeySchemaElement, kinds map[string]string) (key plan.Key, simple bool) {
	simple = true
	for _, element := range schema {
		name := aws.ToString(element.AttributeName)
		role := &key.Partition
		if element.KeyType == types.KeyTypeRange {
			role = &key.Sort
		}
		simple = simple && role.Name == ""
		*role = plan.Attribute{Name: name, Type: kinds[name]}
	}
	return key, simple
}
