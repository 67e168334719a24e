package dynamodb

import "github.com/go-json-experiment/json/jsontext"

// What the OpenAPI document shows. They are only read.
var (
	exampleTables = jsontext.Value(`{"items":["Customers","Orders"]}`)
	exampleTable  = jsontext.Value(`{"name":"Orders","status":"ACTIVE","key":[{"name":"id","type":"S","role":"partition"}],` +
		`"indexes":[{"name":"by-customer","kind":"global","status":"ACTIVE","key":[{"name":"customer","type":"S","role":"partition"},{"name":"placed","type":"S","role":"sort"}],` +
		`"projection":"all","item_count":1250,"size_bytes":184320}],"item_count":1250,"size_bytes":184320}`)
	exampleItem = jsontext.Value(`{"item":{"id":"o-001","customer":"north-harbour","placed":"2026-01-05T09:00:00Z","status":"open","total":20,"tags":{"$set":["demo","gift"]}}}`)
	examplePut  = jsontext.Value(`{"item":{"id":"o-001","customer":"north-harbour","placed":"2026-01-05T09:00:00Z","status":"shipped","total":22.5},` +
		`"if":{"field":"status","op":"=","value":"open"},"return":"old"}`)
	exampleReplaced = jsontext.Value(`{"attributes":{"id":"o-001","customer":"north-harbour","placed":"2026-01-05T09:00:00Z","status":"open","total":20,"tags":{"$set":["demo","gift"]}}}`)
	exampleUpdate   = jsontext.Value(`{"set":{"status":"shipped","address":{"city":"Porto"}},"add":{"parcels":1,"tags":{"$set":["fragile"]}},"remove":["note"],` +
		`"append":{"history":["shipped"]},"upsert":true,"return":"updated_new"}`)
	exampleUpdated = jsontext.Value(`{"attributes":{"status":"shipped","address":{"city":"Porto"},"parcels":1,"tags":{"$set":["demo","fragile","gift"]},"history":["shipped"]}}`)
	exampleItems   = jsontext.Value(`{"items":[{"id":"o-001","customer":"north-harbour","total":20}],"next_cursor":"AQAAAAAAAAAB"}`)
	exampleSearch  = jsontext.Value(`{"where":{"all":[{"field":"customer","op":"=","value":"velo-works"},{"field":"total","op":">","value":100}]},` +
		`"order":{"field":"placed","direction":"desc"},"fields":["id","total"],"limit":20}`)
	exampleFound = jsontext.Value(`{"items":[{"id":"o-024","total":319.51}],"next_cursor":"AQAAAAAAAAAB","stopped":"limit"}`)
	exampleQuery = jsontext.Value(`{"key_condition":"#customer = :customer AND #placed > :since","filter":"#total > :least","projection":"#id, #total",` +
		`"names":{"#customer":"customer","#placed":"placed","#total":"total","#id":"id"},"values":{":customer":"velo-works",":since":"2026-02",` +
		`":least":100},"index":"by-customer","order":"desc","limit":20}`)
	exampleScan = jsontext.Value(`{"filter":"#status = :status","names":{"#status":"status"},"values":{":status":"open"},` +
		`"segment":0,"total_segments":4,"limit":500,"capacity":true}`)
	exampleNative = jsontext.Value(`{"items":[{"id":"o-024","total":319.51}],"next_cursor":"AQAAAAAAAAAB","count":1,"scanned_count":20}`)
	exampleWrites = jsontext.Value(`{"atomic":true,"token":"order-101","writes":[` +
		`{"put":{"table":"Orders","item":{"id":"o-101","customer":"velo-works","placed":"2026-07-02T09:00:00Z","total":45},"if":{"field":"id","op":"not_exists"}}},` +
		`{"update":{"table":"Orders","key":{"id":"o-003"},"add":{"reorders":1}}},` +
		`{"delete":{"table":"Orders","key":{"id":"o-002"},"if":{"field":"status","op":"!=","value":"open"}}}]}`)
	exampleResults = jsontext.Value(`{"failed":0,"results":[{"status":200},{"status":200},{"status":200}]}`)
)

const searchDescription = "`where` is a tree of `all`, `any` and `not` over `{field, op, value}`. A field is a document path such as `a.b[0]`, or a list of literal segments " +
	"such as `[\"a.b\", 0]`. Operators: `=`, `!=`, `<`, `<=`, `>`, `>=`, `between`, `in`, `begins_with`, `contains`, `not_between`, `not_in`, `not_begins_with`, " +
	"`not_contains`, `ends_with`, `exists`, `not_exists`, `type`. Comparing what an item doesn't have, or values of different types, is false; a negation makes it true.\n\n" +
	"The table or index is queried whose partition key is bound, by `=` or `in`, on every branch; else everything is scanned, unless `scan` forbids it. " +
	"`order` is possible on the sort key of the index that is queried. `limit` counts matching items; `stopped` says why reading ended, and `next_cursor` where to go on."

const updateDescription = "Changes what is named and leaves the rest of the item alone. `set`, `add`, `delete` and `append` are objects of document paths and values, such as " +
	"`{\"set\": {\"address.city\": \"Porto\"}}`, or lists of `{field, value}` where a field needs literal segments, such as `[\"a.b\", 0]`; `remove` is a list of fields. " +
	"No two changes may be of one place. The item must be there, unless `upsert` is true.\n\n" +
	"It is sent once: if no answer comes, the problem is `outcome_unknown`, and nothing was added twice. " +
	"A transaction with a `token`, by `/writes`, can be sent again safely."

const writesDescription = "Up to 100 puts, updates and deletes, over any of the connection's tables. Nothing is sent unless all of them are well-formed and within the connection.\n\n" +
	"`atomic: true` is one transaction. If AWS cancels it, nothing is written, and `reasons` of the problem says why, for each write in its order. " +
	"With a `token` of your own the same request can be sent again within ten minutes, and is carried out once; without, a lost answer is `outcome_unknown`.\n\n" +
	"`atomic: false` sends each write once, a few at a time, in no particular order, and answers with a result for each: look at `failed`."
