package plan

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/arngate/arngate/functions/dynamodb/value"
)

// Path is a document path: an attribute's name, then names in maps and indexes in lists. It has at least
// one segment, the first a name.
type Path []Segment

// Segment is one step of a path: a name, or, if Name is empty, an index. DynamoDB has no empty names
// of attributes; in maps it does, and those can only be reached with their map.
type Segment struct {
	Name  string
	Index int
}

// maxIndex bounds list indexes: an item of 400 KB has fewer elements.
const maxIndex = 1 << 20

// ParsePath reads the short form, `a.b[0]`. Names that hold a dot or a bracket need the list form.
func ParsePath(text string) (Path, bool) {
	var path Path
	for part := range strings.SplitSeq(text, ".") {
		name, indexes, _ := strings.Cut(part, "[")
		if name == "" {
			return nil, false
		}
		path = append(path, Segment{Name: name})
		if indexes == "" {
			if strings.HasSuffix(part, "[") {
				return nil, false
			}
			continue
		}
		closed, ok := strings.CutSuffix(indexes, "]")
		if !ok {
			return nil, false
		}
		for digits := range strings.SplitSeq(closed, "][") {
			index, ok := parseIndex(digits)
			if !ok {
				return nil, false
			}
			path = append(path, Segment{Index: index})
		}
	}
	return path, true
}

func parseIndex(digits string) (int, bool) {
	index, err := strconv.Atoi(digits)
	if err != nil || index < 0 || index >= maxIndex || strconv.Itoa(index) != digits {
		return 0, false
	}
	return index, true
}

// DecodePath reads a field as it stands in a request: the short form as a string, or a list of literal
// segments, strings for names and numbers for indexes.
func DecodePath(raw []byte, at jsontext.Pointer) (Path, []value.Fault) {
	tokens := jsontext.NewDecoder(bytes.NewReader(raw))
	switch first, err := tokens.ReadToken(); {
	case err != nil:
	case first.Kind() == '"':
		if path, ok := ParsePath(first.String()); ok {
			return path, nil
		}
		return nil, one(at, `must be a document path such as a.b[0]; names that hold a dot or bracket go in a list: ["a.b", 0]`)
	case first.Kind() == '[':
		if path, ok := decodeSegments(tokens); ok {
			return path, nil
		}
	}
	return nil, one(at, "must be a document path: a string, or a list of names and indexes that begins with a name")
}

func decodeSegments(tokens *jsontext.Decoder) (Path, bool) {
	var path Path
	for {
		token, err := tokens.ReadToken()
		if err != nil {
			return nil, false
		}
		switch byte(token.Kind()) {
		case '"':
			if token.String() == "" {
				return nil, false
			}
			path = append(path, Segment{Name: token.String()})
		case '0':
			index, ok := parseIndex(token.String())
			if !ok || len(path) == 0 {
				return nil, false
			}
			path = append(path, Segment{Index: index})
		case ']':
			return path, len(path) > 0
		default:
			return nil, false
		}
	}
}

// one is a single fault.
func one(at jsontext.Pointer, message string) []value.Fault {
	return []value.Fault{{Pointer: string(at), Message: message}}
}

// Root is the attribute that the path begins with.
func (p Path) Root() string { return p[0].Name }

// String is the short form, for people; it is ambiguous where names hold dots.
func (p Path) String() string {
	var b strings.Builder
	for i, s := range p {
		switch {
		case s.Name == "":
			b.WriteString("[" + strconv.Itoa(s.Index) + "]")
		case i > 0:
			b.WriteString("." + s.Name)
		default:
			b.WriteString(s.Name)
		}
	}
	return b.String()
}

// is says whether the path is the top-level attribute name and nothing below it.
func (p Path) is(name string) bool { return len(p) == 1 && p[0].Name == name }

// covers says whether other lies at or below p.
func (p Path) covers(other Path) bool {
	return len(p) <= len(other) && slices.Equal(p, other[:len(p)])
}

// find returns what lies at path in item.
func find(item value.Item, path Path) (types.AttributeValue, bool) {
	v, ok := item[path.Root()]
	for _, s := range path[1:] {
		if !ok {
			return nil, false
		}
		v, ok = step(v, s)
	}
	return v, ok
}

func step(v types.AttributeValue, s Segment) (types.AttributeValue, bool) {
	switch v := v.(type) {
	case *types.AttributeValueMemberM:
		if s.Name == "" {
			return nil, false
		}
		inner, ok := v.Value[s.Name]
		return inner, ok
	case *types.AttributeValueMemberL:
		if s.Name != "" || s.Index >= len(v.Value) {
			return nil, false
		}
		return v.Value[s.Index], true
	default:
		return nil, false
	}
}

// disjoint drops every path that another one covers, because DynamoDB refuses projections whose paths
// overlap. It keeps the order of the rest.
func disjoint(paths []Path) []Path {
	var kept []Path
	for i, p := range paths {
		covered := slices.ContainsFunc(paths[:i], func(q Path) bool { return q.covers(p) }) ||
			slices.ContainsFunc(paths[i+1:], func(q Path) bool { return q.covers(p) && len(q) < len(p) })
		if !covered {
			kept = append(kept, p)
		}
	}
	return kept
}

// project does what a ProjectionExpression of the (disjoint) paths does: maps keep only the names that
// are named, lists only the elements, moved together; what is not there is left out.
func project(item value.Item, paths []Path) value.Item {
	out := value.Item{}
	for _, group := range byFirst(paths) {
		name := group[0].Root()
		if v, ok := item[name]; ok {
			if cut := cutTo(v, group); cut != nil {
				out[name] = cut
			}
		}
	}
	return out
}

// byFirst groups paths by their first segment, names in order of appearance, indexes ascending.
func byFirst(paths []Path) [][]Path {
	var groups [][]Path
	at := map[Segment]int{}
	for _, p := range paths {
		i, ok := at[p[0]]
		if !ok {
			i = len(groups)
			at[p[0]] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], p)
	}
	slices.SortStableFunc(groups, func(a, b []Path) int { return a[0][0].Index - b[0][0].Index })
	return groups
}

// cutTo cuts v, the value of the group's common first segment, to the rest of the group's paths. It is
// nil if none of them is there.
func cutTo(v types.AttributeValue, group []Path) types.AttributeValue {
	rest := make([]Path, len(group))
	for i, p := range group {
		if len(p) == 1 {
			return v
		}
		rest[i] = p[1:]
	}
	names, list := value.Item{}, []types.AttributeValue(nil)
	for _, inner := range byFirst(rest) {
		s := inner[0][0]
		below, ok := step(v, s)
		if !ok {
			continue
		}
		cut := cutTo(below, inner)
		switch {
		case cut == nil:
		case s.Name != "":
			names[s.Name] = cut
		default:
			list = append(list, cut)
		}
	}
	switch {
	case len(names) > 0:
		return &types.AttributeValueMemberM{Value: names}
	case len(list) > 0:
		return &types.AttributeValueMemberL{Value: list}
	default:
		return nil
	}
}
