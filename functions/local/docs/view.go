package docs

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// view is what the page's template shows.
type view struct {
	Title, Version, Host, AWS string
	Identities                []Identity
	Groups                    []group
	Problem                   *shown
}

// group is the operations of one tag.
type group struct {
	ID, Name   string
	Operations []shownOperation
}

// The groups in the order in which somebody new needs them; any other follows. Only read.
var groups = []string{"DynamoDB", "S3", "Lambda", "providers", "connections", "audits", "service"}

type shownOperation struct {
	ID, Method, Path, Summary string
	Description               []paragraph
	Scopes                    string // of which one is needed, by spaces
	Public                    bool
	Fields                    []formField
	Body                      *formBody
	Answers                   []answer
	Problems                  []shownProblem
}

// formField is a parameter, and how it is entered.
type formField struct {
	ID, Name, In string
	Description  []span
	Type         string
	Required     bool
	Value        string   // what is entered at first
	Placeholder  string   // what could be
	Choices      []string // of an enumeration
}

// formBody is a request's body.
type formBody struct {
	ID, MediaType, Example string
	Binary                 bool // any bytes, of any type
	Schema                 *shown
}

// answer is a success, or another answer that is no problem.
type answer struct {
	Status, Description, MediaType, Example string
	Headers                                 []shownHeader
	Schema                                  *shown
}

type shownHeader struct {
	Name        string
	Description []span
}

type shownProblem struct{ Status, Code, Title string }

const (
	mediaJSON    = "application/json"
	mediaProblem = "application/problem+json"
)

func viewOf(d *document, o Options) view {
	v := view{Title: d.Info.Title, Version: d.Info.Version, Host: o.Host, AWS: o.AWS, Identities: o.Identities}
	schemas := schemas(d.Components.Schemas)
	if problem := d.Components.Schemas["Problem"]; problem != nil {
		v.Problem = schemas.show(problem, always)
	}
	byTag := map[string][]shownOperation{}
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, method := range [...]string{"get", "post", "put", "patch", "delete"} {
			op, ok := d.Paths[path][method]
			if !ok {
				continue
			}
			tag := strings.Join(op.Tags, ", ")
			byTag[tag] = append(byTag[tag], schemas.operation(method, path, op))
		}
	}
	names := slices.SortedFunc(maps.Keys(byTag), func(a, b string) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
	})
	for _, name := range names {
		v.Groups = append(v.Groups, group{
			ID: "group-" + strings.ToLower(name), Name: strings.ToUpper(name[:min(1, len(name))]) + name[min(1, len(name)):],
			Operations: byTag[name],
		})
	}
	return v
}

// place is where a group comes.
func place(name string) int {
	if i := slices.Index(groups, name); i >= 0 {
		return i
	}
	return len(groups)
}

func (s schemas) operation(method, path string, op operation) shownOperation {
	out := shownOperation{
		ID: op.OperationID, Method: strings.ToUpper(method), Path: path, Summary: op.Summary, Description: prose(op.Description),
		Scopes: strings.Join(op.Scopes, " "), Public: len(op.Security) == 0,
	}
	for _, p := range op.Parameters {
		out.Fields = append(out.Fields, s.field(op.OperationID, p))
	}
	slices.SortStableFunc(out.Fields, func(a, b formField) int { return compareTrue(a.Required, b.Required) })
	out.Body = s.body(op)
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[status]
		if problem, ok := r.Content[mediaProblem]; ok {
			out.Problems = append(out.Problems, problems(status, problem)...)
			continue
		}
		out.Answers = append(out.Answers, s.answer(status, r))
	}
	return out
}

// compareTrue puts true first.
func compareTrue(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}

func (s schemas) field(operation string, p parameter) formField {
	declared := p.Schema
	if declared == nil {
		declared = new(schema)
	}
	f := formField{
		ID: operation + "-" + p.In + "-" + strings.ToLower(p.Name), Name: p.Name, In: p.In, Description: spans(p.Description),
		Type: s.typeOf(declared), Required: p.Required,
	}
	for _, value := range declared.Enum {
		f.Choices = append(f.Choices, fmt.Sprint(value))
	}
	if slices.Contains(declared.Type, "boolean") {
		f.Choices = []string{"true", "false"}
	}
	example := ""
	if len(declared.Examples) > 0 {
		first := declared.Examples[0]
		if list, ok := first.([]any); ok && len(list) > 0 { // one of what may be given several times
			first = list[0]
		}
		example = text(first)
	}
	switch {
	case p.Required:
		f.Value = example
	case declared.Default != nil:
		f.Placeholder = text(declared.Default)
	default:
		f.Placeholder = example
	}
	return f
}

// text is a JSON value as it is written into a parameter.
func text(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(raw)
}

func (s schemas) body(op operation) *formBody {
	if op.RequestBody == nil {
		return nil
	}
	for media, content := range op.RequestBody.Content { // ours have one each
		out := &formBody{ID: op.OperationID + "-body", MediaType: media, Example: example(content.Example), Binary: media != mediaJSON}
		if content.Schema != nil && !out.Binary {
			out.Schema = s.show(content.Schema, needed)
		}
		return out
	}
	return nil
}

func (s schemas) answer(status string, r response) answer {
	out := answer{Status: status, Description: r.Description}
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		header := r.Headers[name]
		description := header.Description
		if description == "" && header.Schema != nil {
			description = header.Schema.Description
		}
		out.Headers = append(out.Headers, shownHeader{name, spans(description)})
	}
	for _, media := range slices.Sorted(maps.Keys(r.Content)) {
		content := r.Content[media]
		out.MediaType, out.Example = media, example(content.Example)
		if content.Schema != nil && media == mediaJSON {
			out.Schema = s.show(content.Schema, always)
		}
	}
	return out
}

// example is a JSON text as it reads well; of a string, the string.
func example(raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	var plain string
	if json.Unmarshal(raw, &plain) == nil {
		return plain
	}
	laidOut := jsontext.Value(bytes.Clone(raw))
	if laidOut.Format(jsontext.WithIndent("  "), jsontext.PreserveRawStrings(false)) != nil { // \u003e as >
		return string(raw)
	}
	return string(laidOut)
}

func problems(status string, content mediaType) []shownProblem {
	var out []shownProblem
	for _, code := range slices.Sorted(maps.Keys(content.Examples)) {
		var p struct {
			Title string `json:"title"`
		}
		if json.Unmarshal(content.Examples[code].Value, &p) != nil {
			p.Title = ""
		}
		out = append(out, shownProblem{status, code, p.Title})
	}
	return out
}
