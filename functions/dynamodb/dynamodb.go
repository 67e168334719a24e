// Package dynamodb is the connector for Amazon DynamoDB: the routes below /v1/dynamodb/{connection} and
// the AWS calls behind them.
//
// It calls DeleteItem, DescribeTable, ListTables, PutItem, Query, Scan and UpdateItem, and nothing else.
// Tables are named, never given as ARNs: an ARN could be another account's (traps.md 21).
package dynamodb

import (
	"context"
	"net/http"

	"github.com/arngate/arngate/functions/dynamodb/value"
	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/cursor"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
)

// Deps are what the connector needs; all are required.
type Deps struct {
	Opener *connection.Opener
	Ring   cursor.Sealer // seals cursors
}

// handler holds what the operations share. Safe for concurrent use.
type handler struct {
	opener  *connection.Opener
	cursors cursor.Cursors
	tables  *descriptions
}

const (
	root  = "/v1/dynamodb/{connection}"
	table = root + "/tables/{table}"
	item  = table + "/item"
)

// Register adds the connector's operations to api.
func Register(api *httpapi.API, deps Deps) {
	h := &handler{opener: deps.Opener, cursors: cursor.New(deps.Ring), tables: newDescriptions()}
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "list-tables", Method: http.MethodGet, Path: root + "/tables",
		Summary:     "List tables",
		Description: "The names of the tables in the connection's account and region, as far as the connection includes them, in order.",
		Problems:    []problem.Code{problem.CursorInvalid}, ResponseExample: exampleTables,
	}), h.listTables)
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "describe-table", Method: http.MethodGet, Path: table,
		Summary: "Describe a table",
		Description: "Keys, indexes, projections, types, status, size and item count; DynamoDB updates the last two every six hours or so. " +
			"With `sample`, that many items are read as well, and the attributes seen in them are listed.",
		Problems: []problem.Code{problem.TableNotFound}, ResponseExample: exampleTable,
	}), h.describeTable)
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "get-item", Method: http.MethodGet, Path: item,
		Summary:     "Get one item",
		Description: "A consistent read of the item with that key. `item` is null if there is none.",
		Problems:    []problem.Code{problem.TableNotFound}, ResponseExample: exampleItem,
	}), h.getItem)
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "put-item", Method: http.MethodPut, Path: item,
		Summary: "Put an item",
		Description: "Creates the item or replaces the one with its key, on a condition if there is one: `if` is a tree like `where` in a search, `condition` DynamoDB's own form. " +
			"It is sent once: if no answer comes, the problem is `outcome_unknown`.",
		Problems:       []problem.Code{problem.TableNotFound, problem.ConditionFailed, problem.OutcomeUnknown},
		RequestExample: examplePut, ResponseExample: exampleReplaced,
	}), h.putItem)
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "update-item", Method: http.MethodPatch, Path: item,
		Summary: "Update an item", Description: updateDescription,
		Problems:       []problem.Code{problem.TableNotFound, problem.ConditionFailed, problem.OutcomeUnknown},
		RequestExample: exampleUpdate, ResponseExample: exampleUpdated,
	}), h.updateItem)
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "delete-item", Method: http.MethodDelete, Path: item, Status: http.StatusOK,
		Summary: "Delete an item",
		Description: "Deletes the item with that key, on a condition if there is one. That there is no such item is no problem. " +
			"It is sent once: if no answer comes, the problem is `outcome_unknown`.",
		Problems:        []problem.Code{problem.TableNotFound, problem.ConditionFailed, problem.OutcomeUnknown},
		ResponseExample: exampleReplaced,
	}), h.deleteItem)
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "list-items", Method: http.MethodGet, Path: table + "/items",
		Summary:     "List a table's items",
		Description: "A page of the table, in the order DynamoDB keeps it. A page can be shorter than `limit` where items are large.",
		Problems:    []problem.Code{problem.TableNotFound, problem.CursorInvalid}, ResponseExample: exampleItems,
	}), h.listItems)
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "search-items", Method: http.MethodPost, Path: table + "/search",
		Summary: "Search a table", Description: searchDescription,
		Problems:       []problem.Code{problem.TableNotFound, problem.CursorInvalid, problem.OrderUnsupported},
		RequestExample: exampleSearch, ResponseExample: exampleFound,
	}), h.search)
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "query-items", Method: http.MethodPost, Path: table + "/query",
		Summary: "Query in DynamoDB's own words",
		Description: "One call of DynamoDB's Query: items of one partition key, in the order of the sort key. `limit` is what DynamoDB looks at before it filters: " +
			"a page with few items, or none, is the end only where there is no `next_cursor`.",
		Problems:       []problem.Code{problem.TableNotFound, problem.CursorInvalid},
		RequestExample: exampleQuery, ResponseExample: exampleNative,
	}), h.queryItems)
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "scan-items", Method: http.MethodPost, Path: table + "/scan",
		Summary: "Scan in DynamoDB's own words",
		Description: "One call of DynamoDB's Scan. Several workers read a table side by side by a `segment` each, of the same `total_segments`, each with cursors of its own. " +
			"`limit` is what DynamoDB looks at before it filters: a page with few items, or none, is the end only where there is no `next_cursor`.",
		Problems:       []problem.Code{problem.TableNotFound, problem.CursorInvalid},
		RequestExample: exampleScan, ResponseExample: exampleNative,
	}), h.scanItems)
	httpapi.Register(api, operation(httpapi.Operation{
		ID: "write-items", Method: http.MethodPost, Path: root + "/writes",
		Summary: "Write several items", Description: writesDescription,
		Problems:       []problem.Code{problem.TableNotFound, problem.ConditionFailed, problem.OutcomeUnknown},
		RequestExample: exampleWrites, ResponseExample: exampleResults,
	}), h.writeItems)
}

// operation adds what all operations of the connector have in common.
func operation(op httpapi.Operation) httpapi.Operation {
	op.Tags = []string{"DynamoDB"}
	op.Scopes = []string{caller.ScopeConnect}
	op.TooLarge = "Ask for fewer items, or fewer fields, at a time."
	op.Problems = append(op.Problems,
		problem.ConnectionNotFound, problem.ConnectionForbids,
		problem.ProviderAwaitingRole, problem.ProviderUnverified, problem.ProviderUnsafe, problem.ProviderUnusable,
		problem.AWSAccessDenied, problem.AWSRejected, problem.AWSThrottled, problem.AWSUnavailable,
	)
	return op
}

// OfConnection is the part of every path that names the connection.
type OfConnection struct {
	Connection string `path:"connection" doc:"Name of the connection" example:"orders"`
}

// OfTable is the part of a path that names a table.
type OfTable struct {
	OfConnection

	Table string `path:"table" doc:"Name of the table" example:"Orders"`
}

// Form is the query parameter that says how values are written.
type Form struct {
	Values string `query:"values" enum:"plain,typed" default:"plain" doc:"How values are written, both ways: plain JSON with markers where it could lose something, or DynamoDB JSON"`
}

// mode is the parsed parameter; the schema has refused all but the two words.
func (f Form) mode() value.Mode {
	mode, _ := value.ParseMode(f.Values)
	return mode
}

// open opens the caller's connection.
func (h *handler) open(ctx context.Context, in OfConnection) (*connection.Connection, error) {
	return h.opener.Open(ctx, httpapi.Caller(ctx), in.Connection, "dynamodb")
}

// openTable opens the caller's connection for one of its tables.
func (h *handler) openTable(ctx context.Context, in OfTable, write bool) (*connection.Connection, error) {
	conn, err := h.open(ctx, in.OfConnection)
	if err != nil {
		return nil, err
	}
	if err := conn.RequireTable(in.Table, write); err != nil {
		return nil, err
	}
	return conn, nil
}

// call makes one AWS call. DynamoDB's own message names the resource of what it denies.
func call(ctx context.Context, conn *connection.Connection, operation string, do func(context.Context) error) error {
	return conn.Call(ctx, operation, "dynamodb:"+operation, "", do)
}

// invalid is the problem of a request with faults of values or conditions.
func invalid(faults []value.Fault) *problem.Error {
	list := make([]problem.Fault, len(faults))
	for i, f := range faults {
		list[i] = problem.Fault{Pointer: f.Pointer, Message: f.Message}
	}
	return problem.Invalid(list...)
}
