package dynamodb

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/arngate/arngate/functions/dynamodb/plan"
	"github.com/arngate/arngate/functions/dynamodb/value"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/cursor"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
)

const (
	defaultLimit = 50
	// maxItemBytes is how much of the answer's 4 MiB items may take; a cursor and an explanation of a
	// hundred queries fit into the rest.
	maxItemBytes = httpapi.MaxBody - 512<<10
)

type searchInput struct {
	OfTable
	Form

	Body SearchBody
}

// SearchBody is a structured search.
type SearchBody struct {
	Where      jsontext.Value   `json:"where,omitempty" doc:"Which items: all, any, not over {field, op, value}; absent: every item"`
	Order      *OrderBody       `json:"order,omitempty" doc:"The order of the items: on the sort key of the index that is queried"`
	Fields     []jsontext.Value `json:"fields,omitempty" minItems:"1" maxItems:"500" doc:"Which parts of an item: document paths; absent: the whole item"`
	Limit      int              `json:"limit,omitzero" minimum:"1" maximum:"1000" doc:"The most items to return; 50 if absent"`
	Cursor     string           `json:"cursor,omitzero" doc:"Where to go on: next_cursor of the page before"`
	Consistent bool             `json:"consistent,omitzero" doc:"Read consistently: not on global indexes, at twice the capacity"`
	Count      bool             `json:"count,omitzero" doc:"Answer with the number of matching items instead of the items"`
	Index      string           `json:"index,omitzero" maxLength:"255" doc:"auto (the default), none for the table itself, or an index by name"`
	Scan       string           `json:"scan,omitzero" enum:"allow,forbid" doc:"forbid: refuse what can be answered only by reading the whole table; allow is the default"`
	Explain    bool             `json:"explain,omitzero" doc:"Say how the answer was found, and what it took"`
}

// OrderBody is the order of a search.
type OrderBody struct {
	Field     jsontext.Value `json:"field" doc:"A document path"`
	Direction string         `json:"direction,omitzero" enum:"asc,desc" doc:"asc is the default"`
}

type searchOutput struct{ Body FoundBody }

// FoundBody is a page of what a search found.
type FoundBody struct {
	Items      []jsontext.Value `json:"items"`
	NextCursor string           `json:"next_cursor,omitzero" doc:"Where to go on; absent at the end"`
	Stopped    string           `json:"stopped" enum:"limit,end,budget" doc:"Why reading stopped: as many items as asked for, no more items, or the time, pages or bytes of one request"`
	Count      *int             `json:"count,omitempty" doc:"How many items match; as far as was read, if there is a next_cursor"`
	Explain    *Explanation     `json:"explain,omitempty"`
}

// Explanation says how a search was carried out.
type Explanation struct {
	Index        string                    `json:"index,omitzero" doc:"The index that was read; absent: the table"`
	Scan         bool                      `json:"scan" doc:"Everything was read, not only one partition"`
	Queries      int                       `json:"queries" doc:"How many queries ran side by side; the expressions are those of the first"`
	KeyCondition string                    `json:"key_condition,omitzero"`
	Filter       string                    `json:"filter,omitzero" doc:"What DynamoDB checked on each item read"`
	Names        map[string]string         `json:"names,omitempty"`
	Values       map[string]jsontext.Value `json:"values,omitempty"`
	FinishedHere bool                      `json:"finished_here" doc:"Part of the condition was checked by Arngate: DynamoDB has no operator for it"`
	Sparse       string                    `json:"sparse,omitzero" doc:"Sort key of the index that the search does not mention: items without it are not in the index"`
	Pages        int                       `json:"pages"`
	Scanned      int                       `json:"items_scanned"`
	Capacity     float64                   `json:"capacity" doc:"Read capacity units"`
}

func (h *handler) search(ctx context.Context, in *searchInput) (*searchOutput, error) {
	conn, err := h.openTable(ctx, in.OfTable, false)
	if err != nil {
		return nil, err
	}
	request, faults := parseSearch(&in.Body, in.mode())
	if len(faults) > 0 {
		return nil, invalid(faults)
	}
	asked := *in
	asked.Body.Cursor = ""
	f := find{
		conn: conn, table: in.Table, mode: in.mode(), request: request, limit: in.Body.limit(),
		cursor: in.Body.Cursor, bound: func() []byte { return cursor.Bind(conn.Bind(), "search-items", asked) }, explain: in.Body.Explain,
	}
	found, err := h.find(ctx, f)
	if err != nil {
		return nil, err
	}
	return &searchOutput{Body: *found}, nil
}

func (b *SearchBody) limit() int {
	switch {
	case b.Count:
		return 0
	case b.Limit == 0:
		return defaultLimit
	default:
		return b.Limit
	}
}

// parseSearch reads what the schema leaves to the connector: paths, and the tree of conditions.
func parseSearch(b *SearchBody, mode value.Mode) (plan.Request, []value.Fault) {
	r := plan.Request{Index: plan.IndexAuto, ForbidScan: b.Scan == "forbid", Consistent: b.Consistent, Count: b.Count}
	if b.Index != "" {
		r.Index = b.Index
	}
	var faults, more []value.Fault
	if len(b.Where) > 0 && string(b.Where) != "null" {
		r.Where, faults = plan.DecodeWhere(b.Where, mode, "/where")
	}
	if b.Order != nil {
		r.Order = &plan.Order{Descending: b.Order.Direction == "desc"}
		r.Order.Field, more = plan.DecodePath(b.Order.Field, "/order/field")
		faults = append(faults, more...)
	}
	for i, raw := range b.Fields {
		var path plan.Path
		path, more = plan.DecodePath(raw, jsontext.Pointer("/fields").AppendToken(strconv.Itoa(i)))
		r.Fields, faults = append(r.Fields, path), append(faults, more...)
	}
	if b.Count && b.Limit > 0 {
		faults = append(faults, value.Fault{Pointer: "/limit", Message: "does not go together with count"})
	}
	return r, faults
}

type listItemsInput struct {
	OfTable
	Form
	httpapi.PageQuery
}

type listItemsOutput struct {
	Body httpapi.Page[jsontext.Value]
}

func (h *handler) listItems(ctx context.Context, in *listItemsInput) (*listItemsOutput, error) {
	conn, err := h.openTable(ctx, in.OfTable, false)
	if err != nil {
		return nil, err
	}
	asked := *in
	asked.Cursor = ""
	found, err := h.find(ctx, find{
		conn: conn, table: in.Table, mode: in.mode(), request: plan.Request{Index: plan.IndexNone}, limit: in.Limit,
		cursor: in.Cursor, bound: func() []byte { return cursor.Bind(conn.Bind(), "list-items", asked) },
	})
	if err != nil {
		return nil, err
	}
	return &listItemsOutput{Body: httpapi.Page[jsontext.Value]{Items: found.Items, NextCursor: found.NextCursor}}, nil
}

// find is a search that is ready to be planned.
type find struct {
	conn    *connection.Connection
	table   string
	mode    value.Mode
	request plan.Request
	limit   int
	cursor  string
	bound   func() []byte // what its cursors hold for; most searches have none
	explain bool
}

// find plans and runs a search, and answers with a page.
func (h *handler) find(ctx context.Context, f find) (*FoundBody, error) {
	described, err := h.tables.get(ctx, f.conn, f.table)
	if err != nil {
		return nil, err
	}
	p, err := plan.Make(described.table, f.request)
	if err != nil {
		return nil, refused(err)
	}
	from, err := h.resume(ctx, p, f)
	if err != nil {
		return nil, err
	}
	s := newSearch(p, connected{conn: f.conn, table: f.table, capacity: f.explain}, f.limit, from)
	items := &collector{encoder: value.NewEncoder(f.mode), plan: p, counting: f.request.Count}
	s.emit = items.add
	stopped, err := s.run(ctx)
	if err != nil {
		h.tables.forget(f.conn, f.table, err)
		return nil, err
	}
	found := &FoundBody{Items: items.values(), Stopped: stopped}
	if f.request.Count {
		found.Count = &s.taken
	}
	if f.explain {
		if found.Explain, err = explain(s, f.mode); err != nil {
			return nil, err
		}
	}
	found.NextCursor, err = h.nextCursor(ctx, s, f.bound)
	return found, err
}

// resume opens the request's cursor, if there is one.
func (h *handler) resume(ctx context.Context, p *plan.Plan, f find) ([]position, error) {
	if f.cursor == "" {
		return nil, nil // no position is the beginning
	}
	plain, err := h.cursors.Open(ctx, f.bound(), f.cursor)
	if err != nil {
		return nil, err
	}
	return decodePositions(p, plain)
}

// nextCursor is empty at the end.
func (h *handler) nextCursor(ctx context.Context, s *search, bound func() []byte) (string, error) {
	positions := s.positions()
	if positions == nil {
		return "", nil
	}
	plain, err := encodePositions(s.plan, positions)
	if err != nil {
		return "", err
	}
	return h.cursors.Seal(ctx, bound(), plain)
}

// refused is the problem of a search that can't be planned.
func refused(err error) error {
	refusal, ok := errors.AsType[*plan.RefusedError](err)
	if !ok {
		return err
	}
	fault := problem.Fault{Pointer: refusal.Pointer, Message: refusal.Message}
	if !refusal.Order {
		return problem.Invalid(fault)
	}
	p := problem.New(problem.OrderUnsupported, "No index of the table gives this search that order.")
	p.Faults = []problem.Fault{fault}
	if len(refusal.Orders) > 0 {
		return p.WithHint("Order by: " + strings.Join(refusal.Orders, ", ") + ".")
	}
	return p.WithHint("Bind an index's partition key, and order by that index's sort key.")
}

// collector encodes items one after another into one buffer, as far as an answer may reach.
type collector struct {
	encoder  *value.Encoder
	plan     *plan.Plan
	counting bool
	buffer   []byte
	ends     []int
}

// add says whether there was room.
func (c *collector) add(item value.Item) (bool, error) {
	if c.counting {
		return true, nil
	}
	grown, err := c.encoder.AppendItem(c.buffer, c.plan.Shape(item))
	if err != nil {
		return false, err
	}
	if len(grown) > maxItemBytes && len(c.ends) > 0 {
		return false, nil
	}
	c.buffer = grown
	c.ends = append(c.ends, len(grown))
	return true, nil
}

func (c *collector) values() []jsontext.Value {
	list := make([]jsontext.Value, len(c.ends))
	start := 0
	for i, end := range c.ends {
		list[i] = c.buffer[start:end:end]
		start = end
	}
	return list
}

func explain(s *search, mode value.Mode) (*Explanation, error) {
	e := &Explanation{
		Index: s.plan.Index, Scan: s.plan.Scan, Queries: len(s.plan.Reads), Sparse: s.plan.Sparse,
		Pages: s.pages, Scanned: s.scanned, Capacity: s.capacity,
	}
	if len(s.plan.Reads) == 0 {
		return e, nil
	}
	read := s.plan.Reads[0]
	e.KeyCondition, e.Filter, e.Names = read.KeyCondition, read.Filter, read.Names
	e.FinishedHere = read.Residual != nil
	encoder := value.NewEncoder(mode)
	e.Values = make(map[string]jsontext.Value, len(read.Values))
	for placeholder, v := range read.Values {
		encoded, err := encoder.AppendValue(nil, v)
		if err != nil {
			return nil, err
		}
		e.Values[placeholder] = encoded
	}
	return e, nil
}

// connected reads pages through a connection.
type connected struct {
	conn     *connection.Connection
	table    string
	capacity bool // ask for the capacity that a page took
}

func (c connected) readPage(ctx context.Context, p *plan.Plan, r *plan.Read, start value.Item, limit int32) (out page, err error) {
	client := direct{client: c.conn.DynamoDB(), table: c.table, capacity: c.capacity}
	operation := "Query"
	if p.Scan {
		operation = "Scan"
	}
	err = call(ctx, c.conn, operation, func(ctx context.Context) (err error) {
		out, err = client.readPage(ctx, p, r, start, limit)
		return err
	})
	return out, err
}
