package httpapi

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/arngate/arngate/shared/problem"
)

const (
	problemSchema = "Problem"
	gatewaySchema = "GatewayMessage"
)

// schemaName names a schema in the document. Types of a function's package, and lists of them, begin with the
// function's name, so that two functions may have types of one name.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t == reflect.TypeFor[problem.Document]() {
		return problemSchema
	}
	_, function, ok := strings.Cut(t.PkgPath()+t.Name(), "/functions/")
	if !ok || t.Name() == "" {
		return name
	}
	function = function[:strings.IndexFunc(function+".", notLetter)]
	function = strings.ToUpper(function[:1]) + function[1:]
	return function + strings.TrimPrefix(name, function)
}

func notLetter(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }

const securityScheme = "bearer"

// OpenAPI returns the OpenAPI 3.1 document of the registered operations, the same bytes for the same operations.
// It is not for a function's requests: the document is generated once, and committed.
func (a *API) OpenAPI() ([]byte, error) {
	all := newHuma(http.NewServeMux(), a.version)
	entered := make([]*route, len(a.routes))
	for i, r := range a.routes {
		entered[i] = r.enter(all)
	}
	document := *all.OpenAPI()
	schemas := document.Components.Schemas
	document.Components = components(schemas)
	document.Paths = make(map[string]*huma.PathItem, len(document.Paths))
	for _, r := range entered {
		item := document.Paths[r.Path]
		if item == nil {
			item = &huma.PathItem{}
			document.Paths[r.Path] = item
		}
		place(item, r.document(schemas))
	}
	text, err := marshalIndented(&document)
	if err != nil {
		return nil, fmt.Errorf("render OpenAPI document: %w", err)
	}
	return text, nil
}

// components are the schemas of the operations and of problems, without huma's own error model.
func components(registry huma.Registry) *huma.Components {
	registry.Schema(reflect.TypeFor[problem.Document](), true, "")
	schemas := registry.Map()
	delete(schemas, "ErrorModel")
	delete(schemas, "ErrorDetail")
	schemas[gatewaySchema] = &huma.Schema{
		Type: huma.TypeObject, Description: "What API Gateway itself answers, before a function runs or instead of one",
		Properties: map[string]*huma.Schema{"message": {Type: huma.TypeString, Nullable: true}},
	}
	code := schemas[problemSchema].Properties["code"]
	code.Enum = nil
	for _, c := range problem.Codes() {
		code.Enum = append(code.Enum, string(c))
	}
	return &huma.Components{
		Schemas: registry,
		SecuritySchemes: map[string]*huma.SecurityScheme{securityScheme: {
			Type: "http", Scheme: "bearer", BearerFormat: "JWT",
			Description: "A token of the site's issuer. Its claims name site, user, groups and scopes.",
		}},
	}
}

func place(item *huma.PathItem, op *huma.Operation) {
	switch op.Method {
	case http.MethodGet:
		item.Get = op
	case http.MethodPost:
		item.Post = op
	case http.MethodPut:
		item.Put = op
	case http.MethodPatch:
		item.Patch = op
	case http.MethodDelete:
		item.Delete = op
	}
}

// document is the operation as clients see it.
func (r *route) document(schemas huma.Registry) *huma.Operation {
	op := *r.huma
	op.Description = describe(r)
	op.Security = []map[string][]string{{securityScheme: {}}}
	if r.Public {
		op.Security = []map[string][]string{}
	}
	if len(r.Scopes) > 0 {
		op.Extensions = map[string]any{"x-scopes": slices.Sorted(slices.Values(r.Scopes))}
	}
	op.RequestBody = r.requestBody()
	op.Responses = r.responses(schemas)
	return &op
}

func describe(r *route) string {
	scopes := "Any verified caller may use this."
	switch {
	case r.Public:
		scopes = "Public: needs no token."
	case len(r.Scopes) > 0:
		quoted := make([]string, len(r.Scopes))
		for i, scope := range slices.Sorted(slices.Values(r.Scopes)) {
			quoted[i] = "`" + scope + "`"
		}
		scopes = "Scope: " + strings.Join(quoted, " or ") + "."
	}
	return strings.TrimSpace(r.Description + "\n\n" + scopes)
}

func (r *route) requestBody() *huma.RequestBody {
	switch {
	case r.body.field == nil:
		return nil
	case r.body.raw:
		media := cmpOr(r.body.media, mediaAny)
		content := &huma.MediaType{Example: r.RequestExample}
		content.Schema = &huma.Schema{Description: "Any JSON"}
		if media != mediaJSON {
			content.Schema = &huma.Schema{Type: huma.TypeString, Format: "binary"}
		}
		return &huma.RequestBody{Content: map[string]*huma.MediaType{media: content}}
	}
	return &huma.RequestBody{
		Required: r.body.required,
		Content:  map[string]*huma.MediaType{mediaJSON: {Schema: r.body.schema, Example: r.RequestExample}},
	}
}

// responses are the success, as huma found it in the output type, and every problem by status.
func (r *route) responses(schemas huma.Registry) map[string]*huma.Response {
	success := strconv.Itoa(r.huma.DefaultStatus)
	response := *r.huma.Responses[success]
	switch {
	case len(r.Produces)+len(r.Forms) > 0:
		response.Content = r.produced(schemas)
	case len(response.Content) > 0:
		response.Content = r.successContent(response.Content)
	}
	response.Headers = r.successHeaders(response.Headers)
	out := map[string]*huma.Response{success: &response}
	for status, meaning := range r.Others {
		out[strconv.Itoa(status)] = &huma.Response{Description: meaning}
	}
	for status, codes := range byStatus(r.allProblems()) {
		out[status] = r.problemResponse(codes)
		if r.Page != nil {
			out[status].Content[mediaHTML] = textMedia(nil)
		}
	}
	addGatewayAnswers(out, r.Public)
	return out
}

// gatewayAnswers are API Gateway's own, which no function sees: their statuses, and what each means. (API Gateway Developer
// Guide, "Troubleshooting HTTP API Lambda integrations" and "... JWT authorizers"; "Amazon API Gateway quotas".)
var gatewayAnswers = map[int]string{
	http.StatusUnauthorized:          "API Gateway refused the token, or there is none",
	http.StatusRequestEntityTooLarge: "API Gateway or Lambda didn't take a request of that size",
	http.StatusTooManyRequests:       "API Gateway throttled the request",
	http.StatusInternalServerError:   "API Gateway got no answer that it could pass on",
	http.StatusServiceUnavailable:    "API Gateway got no answer in time",
}

// addGatewayAnswers adds the answers of API Gateway to a protected operation, or a public one, which nobody needs a token for.
func addGatewayAnswers(out map[string]*huma.Response, public bool) {
	for status, meaning := range gatewayAnswers {
		if public && status == http.StatusUnauthorized {
			continue
		}
		key := strconv.Itoa(status)
		if out[key] == nil {
			out[key] = &huma.Response{Description: meaning, Content: map[string]*huma.MediaType{}}
		} else {
			out[key].Description += ". " + meaning + ", as `{\"message\"}`"
		}
		out[key].Content[mediaJSON] = &huma.MediaType{Schema: &huma.Schema{Ref: "#/components/schemas/" + gatewaySchema}}
	}
}

// produced documents the media types of an answer that comes in several.
func (r *route) produced(schemas huma.Registry) map[string]*huma.MediaType {
	out := make(map[string]*huma.MediaType, len(r.Produces)+len(r.Forms))
	for _, media := range slices.Concat(r.Produces, r.Forms) {
		out[media.Type] = textMedia(media.Example)
		switch {
		case media.Body != nil:
			out[media.Type].Schema = schemas.Schema(reflect.TypeOf(media.Body), true, r.ID)
		case media.Type == mediaBytes || media.Type == mediaAny:
			out[media.Type].Schema.Format = "binary"
		}
	}
	return out
}

func textMedia(example any) *huma.MediaType {
	return &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}, Example: example}
}

func (r *route) successContent(content map[string]*huma.MediaType) map[string]*huma.MediaType {
	schema := content[mediaJSON]
	if schema == nil {
		return content
	}
	if schema.Schema != nil && schema.Schema.ContentEncoding == "base64" {
		return map[string]*huma.MediaType{mediaBytes: {
			Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}, Example: r.ResponseExample,
		}}
	}
	return map[string]*huma.MediaType{mediaJSON: {Schema: schema.Schema, Example: r.ResponseExample}}
}

func (r *route) successHeaders(headers map[string]*huma.Header) map[string]*huma.Header {
	out := make(map[string]*huma.Header, len(headers)+1)
	for name, header := range headers {
		if name != "Content-Type" { // OpenAPI 3.1: it is named by the content
			out[name] = header
		}
	}
	out[HeaderRequestID] = &huma.Header{
		Description: "Names this request in Arngate's logs", Schema: &huma.Schema{Type: huma.TypeString},
	}
	return out
}

// allProblems are the operation's own and those that this package answers with.
func (r *route) allProblems() []problem.Code {
	codes := append([]problem.Code{problem.Internal, problem.DeadlineExceeded, problem.PayloadTooLarge}, r.Problems...)
	if !r.Public {
		codes = append(codes, problem.CallerMissing, problem.UserReserved, problem.ScopeMissing,
			problem.AWSThrottled, problem.AWSUnavailable) // by what stands behind every operation
	}
	codes = append(codes, problem.InvalidRequest)
	if len(r.Produces) > 0 {
		codes = append(codes, problem.NotAcceptable)
	}
	if r.body.field != nil {
		if !r.body.raw {
			codes = append(codes, problem.InvalidJSON)
		}
		if r.body.media != "" {
			codes = append(codes, problem.UnsupportedMediaType)
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

func byStatus(codes []problem.Code) map[string][]problem.Code {
	out := map[string][]problem.Code{}
	for _, code := range codes {
		status := strconv.Itoa(problem.Lookup(code).Status)
		out[status] = append(out[status], code)
	}
	return out
}

// shown is a problem of that code for the document.
func (r *route) shown(code problem.Code) *problem.Error {
	for _, p := range r.Shown {
		if p.Code == code {
			return p
		}
	}
	return problem.New(code, problem.Lookup(code).Title+".")
}

// problemResponse documents the codes that share a status, each with an example.
func (r *route) problemResponse(codes []problem.Code) *huma.Response {
	examples := make(map[string]*huma.Example, len(codes))
	names := make([]string, len(codes))
	for i, code := range codes {
		names[i] = "`" + string(code) + "`"
		examples[string(code)] = &huma.Example{Value: r.shown(code).Document("")}
	}
	return &huma.Response{
		Description: strings.Join(names, ", "),
		Content: map[string]*huma.MediaType{mediaProblem: {
			Schema: &huma.Schema{Ref: "#/components/schemas/" + problemSchema}, Examples: examples,
		}},
	}
}
