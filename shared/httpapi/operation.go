package httpapi

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/arngate/arngate/shared/problem"
)

// Operation describes one operation to clients and says who may call it.
type Operation struct {
	// ID is unique in the whole API, such as "list-tables". It names the operation in documents, logs and metrics.
	ID string
	// Method and Path as in template.yaml, such as GET and /v1/providers/{name}. HEAD is not offered.
	Method, Path string
	// Summary is a line, Description as much as is needed; Markdown.
	Summary, Description string
	// Tags group operations in the document.
	Tags []string
	// Scopes of which the caller needs one. None: any verified caller will do.
	Scopes []string
	// Public operations need no token, and have no caller.
	Public bool
	// Status of success; 200 if there is a body, else 204.
	Status int
	// Others are the answers that are neither the usual success nor a problem, such as a 304: what each status means.
	Others map[int]string
	// Problems are those that the operation itself may answer with. What this package answers with is added.
	Problems []problem.Code
	// Shown are problems as this operation answers with them, for the document; of any other code it shows the title.
	Shown []*problem.Error
	// TooLarge says what to do where the answer's body is over [MaxBody]; the hint of payload_too_large.
	TooLarge string
	// RequestExample and ResponseExample are shown in the document; a value that marshals as the body does.
	RequestExample, ResponseExample any
	// Forms are the media types of an answer whose Body is []byte where the operation chooses among them, as by a parameter, and not
	// the header Accept: see Produces for that. None: application/octet-stream.
	Forms []Media
	// Produces are the media types of an answer that comes in several, or is not for clients that don't accept its one; the first
	// is for who has no preference. The output's Body is a []byte then, in the media type that [Accepted] says. Who accepts none
	// of them gets not_acceptable.
	Produces []Media
	// Page, of an operation that people open in a browser, makes a problem a page of HTML for who accepts that rather than a
	// problem, and the Content-Security-Policy to send with it. Status and logs stay those of the problem.
	Page func(problem.Document) (page []byte, policy string)
}

// route is a registered operation.
type route struct {
	Operation
	// query are the names of the query parameters that the operation knows, and whether they may be given more than once.
	query map[string]bool
	// enter has huma look at the operation's types, and returns the route with what is known then: huma and body.
	enter func(humaAPI) *route

	huma *huma.Operation
	body bodyPlan // how the request's body is taken
}

// bodyPlan is how a request's body gets into the input.
type bodyPlan struct {
	field    []int // index of Body or RawBody; nil: the operation takes no body
	raw      bool
	required bool
	media    string // media type that is taken; empty: any
	schema   *huma.Schema
	typ      reflect.Type
	shape    func() *shape // compiled on first use: a cold start needs few of them
}

// Register adds an operation.
//
// I is a struct. Its fields take the request: by the tags `path:"name"`, `query:"name"` (of a list that may be given several
// times `query:"name,explode"`) and `header:"Name"`, with huma's tags for documentation and limits (doc, example, default, enum, minimum, maximum, minLength,
// maxLength, pattern, ...); Body takes a JSON body, by this package's codec (a pointer: it may be missing);
// RawBody []byte takes the bytes as they are, of the media type in its tag contentType, or of any without it. They
// are only to be read.
//
// O is a struct. Status int overrides the operation's status, fields tagged header are sent as headers, Body
// is sent as JSON, or, if it is a []byte, as it is (set the header Content-Type too; [Encode] makes JSON).
//
// An error that is a [problem.Error] is answered as such; any other is logged, and answered as internal.
// Register panics where the operation is described wrongly: that is seen by every test. What only huma finds wrong, such as a
// tag that isn't one of its own, is seen when the operation is first used, or documented.
func Register[I, O any](a *API, op Operation, handler func(context.Context, *I) (*O, error)) {
	if !slices.Contains(methods, op.Method) {
		panic("httpapi: the method is not offered: " + op.Method + " of " + op.ID)
	}
	if slices.ContainsFunc(a.routes, func(r *route) bool { return r.ID == op.ID }) {
		panic("httpapi: two operations have one id: " + op.ID)
	}
	if body, ok := reflect.TypeFor[O]().FieldByName("Body"); len(op.Produces) > 0 && (!ok || body.Type != reflect.TypeFor[[]byte]()) {
		panic("httpapi: what comes in several media types has a Body of bytes: " + op.ID)
	}
	if hidden := hiddenEmbedded(reflect.TypeFor[O](), map[reflect.Type]bool{}); hidden != nil {
		panic("httpapi: output embeds the unexported " + hidden.String() + ", which the document would not show: " + op.ID)
	}
	r := &route{Operation: op, query: queryNames(reflect.TypeFor[I]())}
	r.enter = func(api humaAPI) *route { return enter(a, *r, api, handler) }
	a.routes = append(a.routes, r)
	a.mux.HandleFunc(op.Method+" "+op.Path, r.serveLazily())
}

// serveLazily enters the operation at its first request: a cold start needs one of them, and huma takes a tenth of a millisecond
// for each. Each has an API of huma's for itself, so that what is made for one request is nothing that another reads.
func (r *route) serveLazily() http.HandlerFunc {
	entered := sync.OnceValue(func() http.HandlerFunc {
		var one single
		r.enter(newHuma(&one, ""))
		return one.handler
	})
	return func(w http.ResponseWriter, in *http.Request) { entered()(w, in) }
}

// single is the mux of an API of one operation: ours has chosen it already.
type single struct{ handler http.HandlerFunc }

// HandleFunc takes the operation's handler.
func (s *single) HandleFunc(_ string, handler func(http.ResponseWriter, *http.Request)) {
	s.handler = handler
}

// ServeHTTP serves the operation.
func (s *single) ServeHTTP(w http.ResponseWriter, in *http.Request) { s.handler(w, in) }

// enter registers r with an API of huma's.
func enter[I, O any](a *API, r route, api humaAPI, handler func(context.Context, *I) (*O, error)) *route {
	h := huma.Operation{
		OperationID: r.ID, Method: r.Method, Path: r.Path, Summary: r.Summary, Description: r.Description,
		Tags: r.Tags, DefaultStatus: r.Status, SkipValidateBody: true, MaxBodyBytes: -1, BodyReadTimeout: -1,
		Middlewares: huma.Middlewares{a.admit(&r)},
	}
	huma.Register(api, h, func(ctx context.Context, in *I) (*O, error) {
		x := exchangeOf(ctx)
		if p := x.takeBody(&r, reflect.ValueOf(in).Elem()); p != nil {
			return nil, x.reply(p)
		}
		out, err := handler(ctx, in)
		if err != nil {
			return nil, x.reply(problemOf(ctx, err))
		}
		return out, nil
	})
	r.huma = documented(api.OpenAPI(), r.Operation)
	r.body = planBody(api.OpenAPI().Components.Schemas, reflect.TypeFor[I](), r.huma)
	return &r
}

// methods are those that operations may have; it is only read.
var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// planBody finds the field that takes the body, and takes the body away from huma: required at runtime
// would make it answer before the other faults are known.
func planBody(registry huma.Registry, input reflect.Type, h *huma.Operation) bodyPlan {
	if field, ok := input.FieldByName("RawBody"); ok {
		h.RequestBody.Required = false
		return bodyPlan{field: field.Index, raw: true, media: field.Tag.Get("contentType")}
	}
	field, ok := input.FieldByName("Body")
	if !ok {
		return bodyPlan{}
	}
	plan := bodyPlan{
		field: field.Index, required: h.RequestBody.Required, media: mediaJSON, typ: field.Type,
		schema: h.RequestBody.Content[mediaJSON].Schema,
	}
	h.RequestBody.Required = false
	plan.shape = sync.OnceValue(func() *shape { return compile(registry, plan.schema) })
	return plan
}

// documented returns the operation as huma registered it: its handler reads this very value.
func documented(document *huma.OpenAPI, op Operation) *huma.Operation {
	item := document.Paths[op.Path]
	switch op.Method {
	case http.MethodGet:
		return item.Get
	case http.MethodPost:
		return item.Post
	case http.MethodPut:
		return item.Put
	case http.MethodPatch:
		return item.Patch
	default:
		return item.Delete
	}
}

// queryNames collects the query parameters of an input type, embedded structs included, and which of them are repeatable: lists
// by the tag's option explode. Embedded structs must be exported: reflection, and so huma, can't set the fields of others.
func queryNames(t reflect.Type) map[string]bool {
	names := map[string]bool{}
	for _, field := range reflect.VisibleFields(t) {
		if field.Anonymous && !field.IsExported() {
			panic("httpapi: input embeds the unexported " + field.Type.String())
		}
		if name, options, _ := strings.Cut(field.Tag.Get("query"), ","); name != "" {
			names[name] = options == "explode"
		}
	}
	return names
}

// hiddenEmbedded finds an unexported type that is embedded in a struct of t, or of what t holds: encoding shows its fields,
// and huma's schemas don't. Nil: there is none.
func hiddenEmbedded(t reflect.Type, seen map[reflect.Type]bool) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] {
		return nil
	}
	seen[t] = true
	for i := range t.NumField() {
		field := t.Field(i)
		if field.Anonymous && !field.IsExported() {
			return field.Type
		}
		if !field.IsExported() {
			continue
		}
		if hidden := hiddenEmbedded(field.Type, seen); hidden != nil {
			return hidden
		}
	}
	return nil
}
