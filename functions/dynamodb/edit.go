package dynamodb

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/arngate/arngate/functions/dynamodb/plan"
	"github.com/arngate/arngate/functions/dynamodb/value"
)

type putItemInput struct {
	OfTable
	Form

	Body PutBody
}

// PutBody is an item to be put.
type PutBody struct {
	Item      jsontext.Value   `json:"item" doc:"The whole item"`
	If        jsontext.Value   `json:"if,omitempty" doc:"Put only if this holds of the item that is there: a tree as in a search's where"`
	Condition *NativeCondition `json:"condition,omitempty" doc:"The same in DynamoDB's own form; not with if"`
	Return    string           `json:"return,omitzero" enum:"none,old" default:"none" doc:"old: answer with the item that was replaced"`
}

type writtenOutput struct{ Body WrittenBody }

// WrittenBody is what a write gives back.
type WrittenBody struct {
	Attributes jsontext.Value `json:"attributes,omitempty" doc:"What return asked for; absent if there was nothing"`
}

func (h *handler) putItem(ctx context.Context, in *putItemInput) (*writtenOutput, error) {
	return h.write(ctx, in.OfTable, in.mode(), func() (write, []value.Fault) {
		return preparePut(in.Table, &in.Body, "", in.mode())
	})
}

type updateItemInput struct {
	OfTable
	Form

	Key  string `query:"key" required:"true" doc:"The item's key as JSON: partition key, and sort key if the table has one" example:"{\"id\":\"o-001\"}"`
	Body UpdateBody
}

// UpdateBody is what to change of an item.
type UpdateBody struct {
	Set       jsontext.Value   `json:"set,omitempty" doc:"Values to give: {path: value}, or [{field, value}] for fields as lists of literal segments"`
	Remove    jsontext.Value   `json:"remove,omitempty" doc:"Fields to remove: a list of document paths"`
	Add       jsontext.Value   `json:"add,omitempty" doc:"Numbers to add, and sets whose elements to add, in the form of set; what isn't there counts as 0 or as no elements"`
	Delete    jsontext.Value   `json:"delete,omitempty" doc:"Sets whose elements to take out, in the form of set"`
	Append    jsontext.Value   `json:"append,omitempty" doc:"Lists whose elements to append, in the form of set; what isn't there counts as an empty list"`
	If        jsontext.Value   `json:"if,omitempty" doc:"Update only if this holds of the item: a tree as in a search's where"`
	Condition *NativeCondition `json:"condition,omitempty" doc:"The same in DynamoDB's own form; not with if"`
	Upsert    bool             `json:"upsert,omitzero" doc:"Create the item if there is none with that key; otherwise that is condition_failed"`
	Return    string           `json:"return,omitzero" enum:"none,old,new,updated_old,updated_new" default:"none" doc:"Answer with the item before or after, or with what changed of it"`
}

// changes reads the five ways to change an item.
func (b *UpdateBody) changes(at jsontext.Pointer, mode value.Mode) ([]plan.Change, []value.Fault) {
	var changes []plan.Change
	var faults []value.Fault
	for _, member := range []struct {
		action plan.Action
		raw    jsontext.Value
	}{{plan.Set, b.Set}, {plan.Remove, b.Remove}, {plan.Add, b.Add}, {plan.Delete, b.Delete}, {plan.Append, b.Append}} {
		some, more := plan.DecodeChanges(member.raw, member.action, mode, at.AppendToken(string(member.action)))
		changes, faults = append(changes, some...), append(faults, more...)
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return changes, plan.CheckChanges(changes, at)
}

func (h *handler) updateItem(ctx context.Context, in *updateItemInput) (*writtenOutput, error) {
	return h.write(ctx, in.OfTable, in.mode(), func() (write, []value.Fault) {
		return prepareUpdate(in.Table, []byte(in.Key), keyPointer, &in.Body, "", in.mode())
	})
}

type deleteItemInput struct {
	OfTable
	Form

	Key       string `query:"key" required:"true" doc:"The item's key as JSON" example:"{\"id\":\"o-001\"}"`
	If        string `query:"if" doc:"Delete only if this holds of the item: a tree as in a search's where, as JSON"`
	Condition string `query:"condition" doc:"The same in DynamoDB's own form, as JSON: expression, names, values; not with if"`
	Return    string `query:"return" enum:"none,old" default:"none" doc:"old: answer with the item that was deleted" example:"old"`
}

func (h *handler) deleteItem(ctx context.Context, in *deleteItemInput) (*writtenOutput, error) {
	return h.write(ctx, in.OfTable, in.mode(), func() (write, []value.Fault) {
		w, faults := prepareDelete(in.Table, []byte(in.Key), keyPointer, in.Return, in.mode())
		native, more := parseNative(in.Condition, "query.condition")
		faults = append(faults, more...)
		w.condition, more = writeCondition([]byte(in.If), "query.if", native, "query.condition", in.mode())
		return w, append(faults, more...)
	})
}

// write opens the connection for a write to one of its tables, checks the write, and carries it out.
func (h *handler) write(ctx context.Context, of OfTable, mode value.Mode, prepare func() (write, []value.Fault)) (*writtenOutput, error) {
	conn, err := h.openTable(ctx, of, true)
	if err != nil {
		return nil, err
	}
	w, faults := prepare()
	if len(faults) > 0 {
		return nil, invalid(faults)
	}
	attributes, err := w.send(ctx, conn)
	if err != nil {
		return nil, w.explain(err, mode)
	}
	out := &writtenOutput{}
	if len(attributes) > 0 {
		out.Body.Attributes, err = value.NewEncoder(mode).AppendItem(nil, attributes)
	}
	return out, err
}
