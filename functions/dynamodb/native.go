package dynamodb

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/arngate/arngate/functions/dynamodb/value"
	"github.com/arngate/arngate/shared/cursor"
)

// NativeRead is what native queries and scans have in common.
type NativeRead struct {
	Filter     string                    `json:"filter,omitzero" maxLength:"4096" doc:"DynamoDB's FilterExpression" example:"#total > :least"`
	Projection string                    `json:"projection,omitzero" maxLength:"4096" doc:"DynamoDB's ProjectionExpression; absent: all attributes"`
	Names      map[string]string         `json:"names,omitempty" doc:"Placeholders, such as #total, and the attribute names they stand for"`
	Values     map[string]jsontext.Value `json:"values,omitempty" doc:"Placeholders, such as :least, and the values they stand for"`
	Index      string                    `json:"index,omitzero" maxLength:"255" doc:"Name of an index; absent: the table itself"`
	Consistent bool                      `json:"consistent,omitzero" doc:"Read consistently: not on global indexes, at twice the capacity"`
	Select     string                    `json:"select,omitzero" enum:"all_attributes,all_projected_attributes,count" doc:"What to return: absent, what the projection names, or all there is; count: only how many"`
	Limit      int32                     `json:"limit,omitzero" minimum:"1" maximum:"1000" doc:"The most items to look at, before the filter; absent: 50, or with select count as many as DynamoDB reads at once, 1 MB"`
	Cursor     string                    `json:"cursor,omitzero" doc:"Where to go on: next_cursor of the page before"`
	Capacity   bool                      `json:"capacity,omitzero" doc:"Say how many read capacity units it took"`
}

// QueryBody is a query in DynamoDB's own words.
type QueryBody struct {
	KeyCondition string `json:"key_condition" minLength:"1" maxLength:"4096" doc:"DynamoDB's KeyConditionExpression" example:"#customer = :customer"`
	NativeRead

	Order string `json:"order,omitzero" enum:"asc,desc" doc:"By the sort key; asc is the default"`
}

// ScanBody is a scan in DynamoDB's own words.
type ScanBody struct {
	NativeRead

	Segment  *int32 `json:"segment,omitempty" minimum:"0" maximum:"999999" doc:"Which of total_segments to read, from 0: workers that read one each, side by side, read everything once"`
	Segments int32  `json:"total_segments,omitzero" minimum:"1" maximum:"1000000" doc:"Into how many segments the table is divided; with segment"`
}

type nativeOutput struct{ Body NativePage }

// NativePage is what one call of Query or Scan returned.
type NativePage struct {
	Items      []jsontext.Value `json:"items" doc:"Can be fewer than limit, and none at all, while there is a next_cursor: DynamoDB filters what it has read"`
	NextCursor string           `json:"next_cursor,omitzero" doc:"Where to go on; absent at the end"`
	Count      int              `json:"count" doc:"How many items of those looked at match"`
	Scanned    int              `json:"scanned_count" doc:"How many items were looked at"`
	Capacity   *float64         `json:"capacity,omitempty" doc:"Read capacity units, if asked for"`
}

type queryItemsInput struct {
	OfTable
	Form

	Body QueryBody
}

func (h *handler) queryItems(ctx context.Context, in *queryItemsInput) (*nativeOutput, error) {
	asked := *in
	asked.Body.Cursor = ""
	n := native{operation: "query-items", of: in.OfTable, mode: in.mode(), read: &in.Body.NativeRead, asked: asked}
	return h.native(ctx, n, func(ctx context.Context, client *awsdynamodb.Client, p *nativeParameters) (page, error) {
		out, err := client.Query(ctx, &awsdynamodb.QueryInput{
			TableName: aws.String(in.Table), KeyConditionExpression: aws.String(in.Body.KeyCondition),
			FilterExpression: optional(in.Body.Filter), ProjectionExpression: optional(in.Body.Projection),
			ExpressionAttributeNames: in.Body.Names, ExpressionAttributeValues: p.values, IndexName: optional(in.Body.Index),
			ConsistentRead: p.consistent, Select: p.selection, Limit: p.limit, ExclusiveStartKey: p.start,
			ReturnConsumedCapacity: p.capacity, ScanIndexForward: forward(in.Body.Order),
		})
		if err != nil {
			return page{}, err
		}
		return queryPage(out), nil
	})
}

func forward(order string) *bool {
	if order != "desc" {
		return nil
	}
	return aws.Bool(false)
}

type scanItemsInput struct {
	OfTable
	Form

	Body ScanBody
}

func (h *handler) scanItems(ctx context.Context, in *scanItemsInput) (*nativeOutput, error) {
	asked := *in
	asked.Body.Cursor = ""
	n := native{operation: "scan-items", of: in.OfTable, mode: in.mode(), read: &in.Body.NativeRead, asked: asked, faults: in.Body.faults()}
	return h.native(ctx, n, func(ctx context.Context, client *awsdynamodb.Client, p *nativeParameters) (page, error) {
		var segments *int32
		if in.Body.Segment != nil {
			segments = aws.Int32(in.Body.Segments)
		}
		out, err := client.Scan(ctx, &awsdynamodb.ScanInput{
			TableName: aws.String(in.Table), FilterExpression: optional(in.Body.Filter), ProjectionExpression: optional(in.Body.Projection),
			ExpressionAttributeNames: in.Body.Names, ExpressionAttributeValues: p.values, IndexName: optional(in.Body.Index),
			ConsistentRead: p.consistent, Select: p.selection, Limit: p.limit, ExclusiveStartKey: p.start,
			ReturnConsumedCapacity: p.capacity, Segment: in.Body.Segment, TotalSegments: segments,
		})
		if err != nil {
			return page{}, err
		}
		return scanPage(out), nil
	})
}

// faults finds segments that don't go together.
func (b *ScanBody) faults() []value.Fault {
	switch {
	case (b.Segment == nil) != (b.Segments == 0):
		return []value.Fault{{Pointer: "/segment", Message: "goes with total_segments, and the other way round"}}
	case b.Segment != nil && *b.Segment >= b.Segments:
		return []value.Fault{{Pointer: "/segment", Message: "must be less than total_segments"}}
	default:
		return nil
	}
}

// native is a native read that is to be carried out.
type native struct {
	operation string // ours
	of        OfTable
	mode      value.Mode
	read      *NativeRead
	asked     any // the whole input without its cursor
	faults    []value.Fault
}

// nativeParameters are the decoded parts of a native read. Nil and empty leave a parameter out.
type nativeParameters struct {
	values     value.Item
	start      value.Item
	limit      *int32
	consistent *bool
	selection  types.Select
	capacity   types.ReturnConsumedCapacity
}

func (r *NativeRead) parameters() nativeParameters {
	p := nativeParameters{}
	switch {
	case r.Limit > 0:
		p.limit = aws.Int32(r.Limit)
	case r.Select != "count":
		p.limit = aws.Int32(defaultLimit)
	}
	if r.Consistent {
		p.consistent = aws.Bool(true)
	}
	if r.Capacity {
		p.capacity = types.ReturnConsumedCapacityTotal
	}
	p.selection = selections[r.Select]
	return p
}

// selections are DynamoDB's words for ours; it is only read.
var selections = map[string]types.Select{
	"all_attributes":           types.SelectAllAttributes,
	"all_projected_attributes": types.SelectAllProjectedAttributes,
	"count":                    types.SelectCount,
}

// native checks a read and carries it out, by one call of DynamoDB's.
func (h *handler) native(
	ctx context.Context, n native, read func(context.Context, *awsdynamodb.Client, *nativeParameters) (page, error),
) (*nativeOutput, error) {
	conn, err := h.openTable(ctx, n.of, false)
	if err != nil {
		return nil, err
	}
	p := n.read.parameters()
	var faults []value.Fault
	p.values, faults = placeholders(n.read.Values, "/values", n.mode)
	if faults = append(n.faults, faults...); len(faults) > 0 {
		return nil, invalid(faults)
	}
	bound := func() []byte { return cursor.Bind(conn.Bind(), n.operation, n.asked) }
	if n.read.Cursor != "" {
		if p.start, err = h.openKey(ctx, bound(), n.read.Cursor); err != nil {
			return nil, err
		}
	}
	operation := "Query"
	if n.operation == "scan-items" {
		operation = "Scan"
	}
	var got page
	err = call(ctx, conn, operation, func(ctx context.Context) (err error) {
		got, err = read(ctx, conn.DynamoDB(), &p)
		return err
	})
	if err != nil {
		return nil, err
	}
	return h.nativePage(ctx, got, n, bound)
}

func (h *handler) nativePage(ctx context.Context, got page, n native, bound func() []byte) (*nativeOutput, error) {
	out := &nativeOutput{Body: NativePage{Items: make([]jsontext.Value, len(got.items)), Count: got.count, Scanned: got.scanned}}
	if n.read.Capacity {
		out.Body.Capacity = &got.capacity
	}
	encoder := value.NewEncoder(n.mode)
	for i, item := range got.items {
		var err error
		if out.Body.Items[i], err = encoder.AppendItem(nil, item); err != nil {
			return nil, err
		}
	}
	if got.next == nil {
		return out, nil
	}
	plain, err := value.NewEncoder(value.Typed).AppendItem(nil, got.next)
	if err != nil {
		return nil, err
	}
	out.Body.NextCursor, err = h.cursors.Seal(ctx, bound(), plain)
	return out, err
}

// openKey reads the key in a native read's cursor.
func (h *handler) openKey(ctx context.Context, bound []byte, sealed string) (value.Item, error) {
	plain, err := h.cursors.Open(ctx, bound, sealed)
	if err != nil {
		return nil, err
	}
	key, faults := value.DecodeItem(plain, value.Typed, "")
	if len(faults) > 0 {
		return nil, cursor.Invalid(nil)
	}
	return key, nil
}
