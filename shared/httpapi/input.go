package httpapi

import (
	"mime"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/arngate/arngate/shared/problem"
)

// takeBody decodes the request's body into the input and answers for what huma doesn't check: unknown and
// repeated query parameters. It returns one problem with all faults, or nil.
func (x *exchange) takeBody(r *route, input reflect.Value) *problem.Error {
	faults := x.queryFaults(r)
	if r.body.field == nil {
		return invalidUnlessNone(faults)
	}
	field := input.FieldByIndex(r.body.field)
	p := x.decodeBody(r, field)
	if len(faults) == 0 {
		return p
	}
	return join(faults, p)
}

// invalid is the problem of a request whose parameters huma found at fault: its faults, and all others.
func (x *exchange) invalid(model *huma.ErrorModel) *problem.Error {
	faults := make([]problem.Fault, 0, len(model.Errors))
	for _, detail := range model.Errors {
		faults = append(faults, problem.Fault{Pointer: detail.Location, Message: withoutValue(detail.Message)})
	}
	r := x.route
	faults = append(faults, x.queryFaults(r)...)
	if r.body.field == nil || r.body.raw {
		return problem.Invalid(faults...)
	}
	return join(faults, x.decodeBody(r, reflect.New(r.body.typ).Elem()))
}

// join puts the faults of parameters and of the body into one problem.
func join(faults []problem.Fault, body *problem.Error) *problem.Error {
	switch {
	case body == nil:
	case body.Code == problem.InvalidRequest:
		faults = append(faults, body.Faults...)
	default:
		faults = append(faults, problem.Fault{Message: body.Detail})
	}
	return problem.Invalid(faults...)
}

func invalidUnlessNone(faults []problem.Fault) *problem.Error {
	if len(faults) == 0 {
		return nil
	}
	return problem.Invalid(faults...)
}

// withoutValue cuts what huma appends to some messages: the text of a parser's error, which can repeat the value.
func withoutValue(message string) string {
	for _, prefix := range []string{"expected string to be RFC", "expected string to be regex", "expected duration", "invalid value"} {
		if strings.HasPrefix(message, prefix) {
			message, _, _ = strings.Cut(message, ": ")
		}
	}
	return message
}

// queryFaults finds what url.Query would pass over: broken escapes, unknown names, names given twice.
func (x *exchange) queryFaults(r *route) []problem.Fault {
	var faults []problem.Fault
	var few [8]string // as many names as nearly every route knows
	seen := few[:0]
	for rest := x.event.rawQuery; rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		if pair == "" {
			continue
		}
		known, fault := pairFault(pair, r.query, seen)
		if fault != nil {
			faults = append(faults, *fault)
		}
		if known != "" && !slices.Contains(seen, known) {
			seen = append(seen, known)
		}
	}
	return faults
}

// pairFault returns the name of the pair if it is known, and what is wrong with the pair; nil: nothing.
func pairFault(pair string, names map[string]bool, seen []string) (known string, fault *problem.Fault) {
	rawName, rawValue, _ := strings.Cut(pair, "=")
	name, err := url.QueryUnescape(rawName)
	if err != nil || strings.Contains(rawName, ";") {
		return "", &problem.Fault{Pointer: "query", Message: "a parameter's name isn't URL-encoded"}
	}
	repeatable, ok := names[name]
	if !ok {
		return "", &problem.Fault{Pointer: "query." + name, Message: "unknown query parameter"}
	}
	if !repeatable && slices.Contains(seen, name) {
		return name, &problem.Fault{Pointer: "query." + name, Message: "given more than once"}
	}
	if _, err := url.QueryUnescape(rawValue); err != nil || strings.Contains(rawValue, ";") {
		return name, &problem.Fault{Pointer: "query." + name, Message: "isn't URL-encoded"}
	}
	return name, nil
}

// decodeBody takes the body by the route's plan.
func (x *exchange) decodeBody(r *route, field reflect.Value) *problem.Error {
	contentType, _ := x.event.header("Content-Type")
	if len(x.body) > 0 && !takes(r.body.media, contentType) {
		return problem.New(problem.UnsupportedMediaType, "The body's content type isn't taken here.").
			WithHint("Send Content-Type: " + r.body.media + ".")
	}
	if r.body.raw {
		field.SetBytes(x.body)
		return nil
	}
	if len(x.body) == 0 {
		if r.body.required {
			return problem.New(problem.InvalidJSON, "The body is missing.").WithHint("Send a JSON body.")
		}
		return nil
	}
	return decode(x.body, r.body.shape(), field.Addr().Interface())
}

// takes compares a media type with the one that is taken. No type at all is taken for the right one, JSON
// only in UTF-8 (RFC 8259 section 8.1).
func takes(media, contentType string) bool {
	if media == "" || contentType == "" || contentType == media {
		return true
	}
	got, params, err := mime.ParseMediaType(contentType)
	if err != nil || got != media {
		return false
	}
	charset, ok := params["charset"]
	return media != mediaJSON || !ok || strings.EqualFold(charset, "utf-8")
}
