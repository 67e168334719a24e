package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/errgroup"

	"github.com/arngate/arngate/functions/dynamodb/value"
	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
)

type writeItemsInput struct {
	OfConnection
	Form

	Body WritesBody
}

// WritesBody is a number of writes, to any tables.
type WritesBody struct {
	Atomic bool       `json:"atomic,omitzero" doc:"true: all or nothing, as one transaction. false, the default: each on its own, side by side and in no particular order"`
	Token  string     `json:"token,omitzero" minLength:"1" maxLength:"256" doc:"With atomic: the same request with the same token is carried out once, however often it is sent within ten minutes"`
	Writes []AnyWrite `json:"writes" minItems:"1" maxItems:"100" doc:"Atomic ones must be of different items, 4 MB together"`
}

// AnyWrite is one write: just one of its members is there.
type AnyWrite struct {
	Put    *PutWrite    `json:"put,omitempty"`
	Update *UpdateWrite `json:"update,omitempty"`
	Delete *DeleteWrite `json:"delete,omitempty"`
}

// PutWrite is a put among several writes.
type PutWrite struct {
	Table string `json:"table" doc:"Name of the table" example:"Orders"`
	PutBody
}

// UpdateWrite is an update among several writes.
type UpdateWrite struct {
	Table string         `json:"table" doc:"Name of the table" example:"Orders"`
	Key   jsontext.Value `json:"key" doc:"The item's key: partition key, and sort key if the table has one"`
	UpdateBody
}

// DeleteWrite is a deletion among several writes.
type DeleteWrite struct {
	Table     string           `json:"table" doc:"Name of the table" example:"Orders"`
	Key       jsontext.Value   `json:"key" doc:"The item's key: partition key, and sort key if the table has one"`
	If        jsontext.Value   `json:"if,omitempty" doc:"Delete only if this holds of the item: a tree as in a search's where"`
	Condition *NativeCondition `json:"condition,omitempty" doc:"The same in DynamoDB's own form; not with if"`
	Return    string           `json:"return,omitzero" enum:"none,old" default:"none" doc:"old: answer with the item that was deleted"`
}

type writeItemsOutput struct{ Body WritesAnswer }

// WritesAnswer is what became of several writes.
type WritesAnswer struct {
	Failed  int           `json:"failed" doc:"How many of the writes failed; 0 for a transaction, which fails as a whole, by a problem"`
	Results []WriteResult `json:"results" doc:"One for each write, in their order"`
}

// WriteResult is what became of one write.
type WriteResult struct {
	Status     int               `json:"status" doc:"What the write on its own would have been answered with: 200, or its problem's status"`
	Attributes jsontext.Value    `json:"attributes,omitempty" doc:"What return asked for; absent if there was nothing"`
	Omitted    bool              `json:"omitted,omitzero" doc:"There are attributes, or an item in the problem, and the answer has no room for them"`
	Problem    *problem.Document `json:"problem,omitempty" doc:"Why this write failed"`
}

// writeItems checks everything before anything is sent.
func (h *handler) writeItems(ctx context.Context, in *writeItemsInput) (*writeItemsOutput, error) {
	conn, err := h.open(ctx, in.OfConnection)
	if err != nil {
		return nil, err
	}
	if err := requireTables(conn, in.Body.Writes); err != nil {
		return nil, err
	}
	writes, faults := in.Body.prepare(in.mode())
	if len(faults) > 0 {
		return nil, invalid(faults)
	}
	if in.Body.Atomic {
		return transact(ctx, conn, writes, tokenOf(httpapi.Caller(ctx), in.Connection, in.Body.Token), in.mode())
	}
	return sendAll(ctx, conn, writes, in.mode())
}

// requireTables refuses all writes if one is to a table that the connection doesn't include.
func requireTables(conn *connection.Connection, writes []AnyWrite) error {
	var refusal *problem.Error
	var faults []problem.Fault
	for i := range writes {
		member, table := writes[i].target()
		p, ok := errors.AsType[*problem.Error](conn.RequireTable(table, true))
		if !ok || member == "" {
			continue
		}
		refusal = p
		faults = append(faults, problem.Fault{
			Pointer: string(writesPointer(i).AppendToken(member).AppendToken("table")), Message: p.Detail,
		})
	}
	if refusal == nil {
		return nil
	}
	shown := *refusal
	shown.Faults = faults
	return &shown
}

func writesPointer(i int) jsontext.Pointer {
	return jsontext.Pointer("/writes").AppendToken(strconv.Itoa(i))
}

// target is the member that says what to write, and the table; empty unless there is just one.
func (w *AnyWrite) target() (member, table string) {
	switch {
	case w.Put != nil && w.Update == nil && w.Delete == nil:
		return "put", w.Put.Table
	case w.Put == nil && w.Update != nil && w.Delete == nil:
		return "update", w.Update.Table
	case w.Put == nil && w.Update == nil && w.Delete != nil:
		return "delete", w.Delete.Table
	default:
		return "", ""
	}
}

// prepare checks all writes.
func (b *WritesBody) prepare(mode value.Mode) ([]write, []value.Fault) {
	var faults []value.Fault
	if b.Token != "" && !b.Atomic {
		faults = append(faults, value.Fault{Pointer: "/token", Message: "goes with atomic: true; writes on their own are sent once"})
	}
	writes := make([]write, len(b.Writes))
	for i := range b.Writes {
		at := writesPointer(i)
		w, more := b.Writes[i].prepare(at, mode)
		if w.returns != "" && b.Atomic {
			member, _ := b.Writes[i].target()
			more = append(more, value.Fault{Pointer: string(at.AppendToken(member).AppendToken("return")), Message: "is not possible in a transaction"})
		}
		writes[i], faults = w, append(faults, more...)
	}
	return writes, faults
}

func (w *AnyWrite) prepare(at jsontext.Pointer, mode value.Mode) (write, []value.Fault) {
	member, table := w.target()
	here := at.AppendToken(member)
	switch member {
	case "put":
		return preparePut(table, &w.Put.PutBody, here, mode)
	case "update":
		return prepareUpdate(table, w.Update.Key, here.AppendToken("key"), &w.Update.UpdateBody, here, mode)
	case "delete":
		prepared, faults := prepareDelete(table, w.Delete.Key, here.AppendToken("key"), w.Delete.Return, mode)
		var more []value.Fault
		prepared.condition, more = writeCondition(w.Delete.If, here.AppendToken("if"), w.Delete.Condition, here.AppendToken("condition"), mode)
		return prepared, append(faults, more...)
	default:
		return write{}, []value.Fault{{Pointer: string(at), Message: "must be just one of put, update and delete"}}
	}
}

// sendAll carries each write out on its own, a few at a time.
func sendAll(ctx context.Context, conn *connection.Connection, writes []write, mode value.Mode) (*writeItemsOutput, error) {
	answers := make([]value.Item, len(writes))
	failures := make([]error, len(writes))
	group := new(errgroup.Group)
	group.SetLimit(maxParallel)
	for i := range writes {
		group.Go(func() (err error) {
			defer func() { // traps.md 19: a panic here would end every request of the instance
				if p := recover(); p != nil {
					err = fmt.Errorf("send write: panic: %v", p)
				}
			}()
			if err := ctx.Err(); err != nil {
				failures[i] = problem.Wrap(problem.DeadlineExceeded, "The request ran out of time before this write was sent.", err)
				return nil
			}
			answers[i], failures[i] = writes[i].send(ctx, conn)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	out := &writeItemsOutput{Body: WritesAnswer{Results: make([]WriteResult, len(writes))}}
	left := room(maxItemBytes)
	for i := range writes {
		result, err := resultOf(answers[i], writes[i].explain(failures[i], mode), mode, &left)
		if err != nil {
			return nil, err
		}
		if result.Problem != nil {
			out.Body.Failed++
		}
		out.Body.Results[i] = result
	}
	return out, nil
}

// resultOf is what a write of its own came to. The error is one that is not for the write's answer.
func resultOf(attributes value.Item, failure error, mode value.Mode, left *room) (WriteResult, error) {
	if failure != nil {
		p, ok := errors.AsType[*problem.Error](failure)
		if !ok {
			return WriteResult{}, failure
		}
		document := p.Document("")
		result := WriteResult{Status: document.Status, Problem: &document}
		document.Item, result.Omitted = left.take(document.Item)
		return result, nil
	}
	result := WriteResult{Status: http.StatusOK}
	if len(attributes) == 0 {
		return result, nil
	}
	encoded, err := value.NewEncoder(mode).AppendItem(nil, attributes)
	if err != nil {
		return WriteResult{}, err
	}
	result.Attributes, result.Omitted = left.take(encoded)
	return result, nil
}

// room is how many bytes of items an answer can still hold. What was written was written: its answer is never refused for
// its size.
type room int

// take says that there is no room for raw, or uses it.
func (r *room) take(raw jsontext.Value) (kept jsontext.Value, omitted bool) {
	if len(raw) > int(*r) {
		return nil, true
	}
	*r -= room(len(raw))
	return raw, false
}

// tokenOf is a transaction's token for DynamoDB; empty if the request names none. Tokens are known to DynamoDB by account:
// one caller's must not be another's, nor that of another connection.
func tokenOf(c caller.Caller, connection, token string) string {
	if token == "" {
		return ""
	}
	return clientToken(c.Site, c.User, c.Actor, connection, token)
}
