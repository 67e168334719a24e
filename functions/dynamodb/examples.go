package dynamodb

import "github.com/go-json-experiment/json/jsontext"

// What the OpenAPI document shows. They are only read.
var (
	exampleTables = jsontext.Value(`{"items":["Customers","Orders"]}`)
	exampleTable  = jsontext.Value(`{"name":"Orders","status":"ACTIVE","key":[{"name":"id","type":"S","role":"partition"}],` +
		`"indexes":[{"name":"by-customer","kind":"global","status":"ACTIVE","key":[{"name":"customer","type":"S","role":"partition"},{"name":"placed","type":"S","role":"sort"}],` +
		`"projection":"all","item_count":1250,"size_bytes":184320}],"item_count":1250,"size_bytes":184320}`)
	exampleItem    = jsontext.Value(`{"item":{"id":"42","customer":"c-7","total":129.95,"tags":{"$set":["new"]}}}`)
	examplePut     = jsontext.Value(`{"item":{"id":"42","customer":"c-7","total":129.95},"if":{"field":"id","op":"not_exists"},"return":"old"}`)
	exampleWritten = jsontext.Value(`{"attributes":{"id":"42","customer":"c-7","total":99}}`)
	exampleItems   = jsontext.Value(`{"items":[{"id":"42","customer":"c-7","total":129.95}],"next_cursor":"AQAAAAAAAAAB"}`)
	exampleSearch  = jsontext.Value(`{"where":{"all":[{"field":"customer","op":"=","value":"c-7"},{"field":"total","op":">","value":100}]},` +
		`"order":{"field":"placed","direction":"desc"},"fields":["id","total"],"limit":20}`)
	exampleFound = jsontext.Value(`{"items":[{"id":"42","total":129.95}],"next_cursor":"AQAAAAAAAAAB","stopped":"limit"}`)
)

const searchDescription = "`where` is a tree of `all`, `any` and `not` over `{field, op, value}`. A field is a document path such as `a.b[0]`, or a list of literal segments " +
	"such as `[\"a.b\", 0]`. Operators: `=`, `!=`, `<`, `<=`, `>`, `>=`, `between`, `in`, `begins_with`, `contains`, `not_between`, `not_in`, `not_begins_with`, " +
	"`not_contains`, `ends_with`, `exists`, `not_exists`, `type`. Comparing what an item doesn't have, or values of different types, is false; a negation makes it true.\n\n" +
	"The table or index is queried whose partition key is bound, by `=` or `in`, on every branch; else everything is scanned, unless `scan` forbids it. " +
	"`order` is possible on the sort key of the index that is queried. `limit` counts matching items; `stopped` says why reading ended, and `next_cursor` where to go on."
