package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is how deep a policy's JSON may nest. The deepest legal value (Statement, Condition, operator, key, values) is at 6.
const maxDepth = 16

// node is a JSON value with what a plain map would lose: the order of members and repeated names.
type node struct {
	pointer  string // RFC 6901, from the document's root
	kind     jsontext.Kind
	text     string // of a string: its value; of a number, true or false: as written
	elements []node
	members  []member
}

type member struct {
	name  string
	value node
}

// readNode reads text, which must hold exactly one JSON value (RFC 8259) in UTF-8.
// It returns an error for what isn't JSON; repeated names are left to [node.eachMember].
func readNode(text []byte) (node, error) {
	d := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true))
	root, err := readValue(d, "", 0)
	if err != nil {
		return node{}, fmt.Errorf("read JSON: %w", err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return node{}, errors.New("read JSON: more text after the document")
	}
	return root, nil
}

func readValue(d *jsontext.Decoder, pointer string, depth int) (node, error) {
	if depth > maxDepth {
		return node{}, errors.New("nested too deep")
	}
	token, err := d.ReadToken()
	if err != nil {
		return node{}, err
	}
	n := node{pointer: pointer, kind: token.Kind()}
	if n.kind == '{' {
		n.members, err = readMembers(d, pointer, depth)
		return n, err
	}
	if n.kind == '[' {
		n.elements, err = readElements(d, pointer, depth)
		return n, err
	}
	n.text = token.String()
	return n, nil
}

func readMembers(d *jsontext.Decoder, pointer string, depth int) ([]member, error) {
	var members []member
	for d.PeekKind() != '}' {
		token, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		name := token.String()
		value, err := readValue(d, pointer+"/"+pointerEscape(name), depth+1)
		if err != nil {
			return nil, err
		}
		members = append(members, member{name, value})
	}
	_, err := d.ReadToken()
	return members, err
}

func readElements(d *jsontext.Decoder, pointer string, depth int) ([]node, error) {
	var elements []node
	for d.PeekKind() != ']' {
		value, err := readValue(d, fmt.Sprintf("%s/%d", pointer, len(elements)), depth+1)
		if err != nil {
			return nil, err
		}
		elements = append(elements, value)
	}
	_, err := d.ReadToken()
	return elements, err
}

// pointerEscape escapes a member's name for a JSON pointer (RFC 6901, section 3).
func pointerEscape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// faults collects everything wrong with a document.
type faults []error

func (f *faults) add(n node, message string) {
	pointer := n.pointer
	if pointer == "" {
		pointer = "/"
	}
	*f = append(*f, fmt.Errorf("%s: %s", pointer, message))
}

// eachMember calls visit for every member of the object n, and reports n not being an object and repeated names.
func (n node) eachMember(f *faults, visit func(name string, value node)) {
	if n.kind != '{' {
		f.add(n, "must be an object")
		return
	}
	seen := make(map[string]bool, len(n.members))
	for _, m := range n.members {
		if seen[m.name] {
			f.add(m.value, "is there twice")
			continue
		}
		seen[m.name] = true
		visit(m.name, m.value)
	}
}

// has reports whether the object n has a member of that name.
func (n node) has(name string) bool {
	return slices.ContainsFunc(n.members, func(m member) bool { return m.name == name })
}

// list returns n's elements, or n itself where the grammar lets a single value stand for a list of one.
func (n node) list() []node {
	if n.kind == '[' {
		return n.elements
	}
	return []node{n}
}

// str returns the string n holds; anything else is a fault.
func (n node) str(f *faults) string {
	if n.kind != '"' {
		f.add(n, "must be a string")
		return ""
	}
	return n.text
}

// strs returns the strings of a list, or the one string, that n holds. It is never nil.
func (n node) strs(f *faults) []string {
	list := n.list()
	out := make([]string, 0, len(list))
	for _, e := range list {
		out = append(out, e.str(f))
	}
	return out
}

// scalars is strs for condition values, which may be numbers and booleans too.
func (n node) scalars(f *faults) []string {
	list := n.list()
	out := make([]string, 0, len(list))
	for _, e := range list {
		if !slices.Contains([]jsontext.Kind{'"', '0', 't', 'f'}, e.kind) {
			f.add(e, "must be a string, a number or a boolean")
		}
		out = append(out, e.text)
	}
	return out
}
