package dynamodb

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/functions/dynamodb/plan"
	"github.com/arngate/arngate/functions/dynamodb/value"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/cursor"
	"github.com/arngate/arngate/shared/httpapi"
)

const (
	// namesPerCall is the most that ListTables returns.
	namesPerCall = 100
	// maxNameCalls bounds the calls of one listing: a connection may include few of very many tables.
	maxNameCalls = 30
)

type listTablesInput struct {
	OfConnection
	httpapi.PageQuery
}

type listTablesOutput struct{ Body httpapi.Page[string] }

func (h *handler) listTables(ctx context.Context, in *listTablesInput) (*listTablesOutput, error) {
	conn, err := h.open(ctx, in.OfConnection)
	if err != nil {
		return nil, err
	}
	asked := *in
	asked.Cursor = ""
	bound := cursor.Bind(conn.Bind(), "list-tables", asked)
	var after *string
	if in.Cursor != "" {
		last, err := h.cursors.Open(ctx, bound, in.Cursor)
		if err != nil {
			return nil, err
		}
		after = aws.String(string(last))
	}
	out := &listTablesOutput{Body: httpapi.Page[string]{Items: []string{}}}
	names, last, err := includedTables(ctx, conn, after, in.Limit)
	if err != nil {
		return nil, err
	}
	out.Body.Items = append(out.Body.Items, names...)
	if last != nil {
		out.Body.NextCursor, err = h.cursors.Seal(ctx, bound, []byte(*last))
	}
	return out, err
}

// includedTables lists up to limit names after one that the connection includes. Last is where to go on,
// nil at the end.
func includedTables(ctx context.Context, conn *connection.Connection, after *string, limit int) (names []string, last *string, err error) {
	for range maxNameCalls {
		out, err := tableNames(ctx, conn, after)
		if err != nil {
			return nil, nil, err
		}
		for _, name := range out.TableNames {
			if !conn.Limits.AllowsTable(name) {
				continue
			}
			if len(names) == limit {
				return names, &names[limit-1], nil
			}
			names = append(names, name)
		}
		if after = out.LastEvaluatedTableName; after == nil {
			return names, nil, nil
		}
	}
	return names, after, nil
}

func tableNames(ctx context.Context, conn *connection.Connection, after *string) (out *awsdynamodb.ListTablesOutput, err error) {
	err = call(ctx, conn, "ListTables", func(ctx context.Context) error {
		out, err = conn.DynamoDB().ListTables(ctx, &awsdynamodb.ListTablesInput{ExclusiveStartTableName: after, Limit: aws.Int32(namesPerCall)})
		return err
	})
	return out, err
}

type describeTableInput struct {
	OfTable

	Sample int `query:"sample" minimum:"0" maximum:"1000" doc:"How many items to read to infer the other attributes; each is read and paid for"`
}

type describeTableOutput struct{ Body TableDescription }

// TableDescription is a table as an application builder needs to know it.
type TableDescription struct {
	Name       string               `json:"name"`
	Status     string               `json:"status" doc:"As DynamoDB says, such as ACTIVE"`
	Key        []KeyDescription     `json:"key" doc:"Partition key, then sort key if there is one"`
	Indexes    []IndexDescription   `json:"indexes"`
	ItemCount  int64                `json:"item_count" doc:"Updated by DynamoDB every six hours or so"`
	SizeBytes  int64                `json:"size_bytes" doc:"Updated by DynamoDB every six hours or so"`
	Sampled    int                  `json:"sampled,omitzero" doc:"How many items were read for attributes"`
	Attributes []AttributeInference `json:"attributes,omitempty" doc:"Top-level attributes that are no key of the table, by name; only with sample"`
}

// KeyDescription is an attribute of a key.
type KeyDescription struct {
	Name string `json:"name"`
	Type string `json:"type" enum:"S,N,B"`
	Role string `json:"role" enum:"partition,sort"`
}

// IndexDescription is a secondary index.
type IndexDescription struct {
	Name       string           `json:"name"`
	Kind       string           `json:"kind" enum:"global,local"`
	Status     string           `json:"status,omitzero" doc:"Of a global index; a local one is as the table is"`
	Key        []KeyDescription `json:"key"`
	Projection string           `json:"projection" enum:"all,keys_only,include"`
	Includes   []string         `json:"includes,omitempty" doc:"Attributes besides the keys, where projection is include"`
	ItemCount  int64            `json:"item_count"`
	SizeBytes  int64            `json:"size_bytes"`
}

// AttributeInference is what a sample shows of an attribute.
type AttributeInference struct {
	Name  string   `json:"name"`
	Types []string `json:"types" doc:"The types seen, by DynamoDB's descriptors"`
	Share float64  `json:"share" doc:"Of the items read, how many have it: 0 to 1"`
}

func (h *handler) describeTable(ctx context.Context, in *describeTableInput) (*describeTableOutput, error) {
	conn, err := h.openTable(ctx, in.OfTable, false)
	if err != nil {
		return nil, err
	}
	described, err := h.tables.fetch(ctx, conn, in.Table)
	if err != nil {
		return nil, err
	}
	out := &describeTableOutput{Body: described.public}
	if in.Sample > 0 {
		if err := sample(ctx, conn, described, in.Sample, &out.Body); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// sample reads up to n items of the table and infers its attributes from them.
func sample(ctx context.Context, conn *connection.Connection, d *description, n int, into *TableDescription) error {
	p, err := plan.Make(d.table, plan.Request{Index: plan.IndexNone})
	if err != nil {
		return refused(err)
	}
	s := newSearch(p, connected{conn: conn, table: d.public.Name}, n, nil)
	seen := map[string]map[string]bool{}
	counts := map[string]int{}
	s.emit = func(item value.Item) (bool, error) {
		for name, v := range item {
			if seen[name] == nil {
				seen[name] = map[string]bool{}
			}
			seen[name][value.Kind(v)] = true
			counts[name]++
		}
		return true, nil
	}
	if _, err := s.run(ctx); err != nil {
		return err
	}
	into.Sampled = s.taken
	into.Attributes = inferred(seen, counts, s.taken, p.Key)
	return nil
}

func inferred(seen map[string]map[string]bool, counts map[string]int, items int, keys []string) []AttributeInference {
	list := []AttributeInference{}
	for name, kinds := range seen {
		if slices.Contains(keys, name) {
			continue
		}
		list = append(list, AttributeInference{Name: name, Types: slices.Sorted(maps.Keys(kinds)), Share: float64(counts[name]) / float64(items)})
	}
	slices.SortFunc(list, func(a, b AttributeInference) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// publicKey is a key schema with the attributes' types.
func publicKey(schema []types.KeySchemaElement, kinds map[string]string) []KeyDescription {
	key := make([]KeyDescription, len(schema))
	for i, element := range schema {
		name := aws.ToString(element.AttributeName)
		role := "partition"
		if element.KeyType == types.KeyTypeRange {
			role = "sort"
		}
		key[i] = KeyDescription{Name: name, Type: kinds[name], Role: role}
	}
	return key
}
