package expression

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
)

// Path is a document path whose placeholders have been replaced. It has at least one step, and the first is a name.
type Path []Step

// Step is one step of a path: a name, or an index of a list.
type Step struct {
	Name  string
	Index int
	List  bool // the step is an index
}

// Attribute is the top-level attribute that the path begins with.
func (p Path) Attribute() string { return p[0].Name }

// String is the path as error messages show it: [a, b, [0]].
func (p Path) String() string {
	steps := make([]string, len(p))
	for i, s := range p {
		steps[i] = s.Name
		if s.List {
			steps[i] = fmt.Sprintf("[%d]", s.Index)
		}
	}
	return "[" + strings.Join(steps, ", ") + "]"
}

// Get is what the path leads to in item. ok is false if there is nothing.
func (p Path) Get(item value.Item) (v value.Value, ok bool) {
	v = value.NewMap(item)
	for _, s := range p {
		if v, ok = child(v, s); !ok {
			return value.Value{}, false
		}
	}
	return v, true
}

func child(v value.Value, s Step) (value.Value, bool) {
	switch {
	case s.List && v.Kind() == value.List && s.Index < len(v.Elements()):
		return v.Elements()[s.Index], true
	case !s.List && v.Kind() == value.Map:
		c, ok := v.Fields()[s.Name]
		return c, ok
	}
	return value.Value{}, false
}

func equalPaths(a, b Path) bool { return slices.Equal(a, b) }

// Paths is a set of document paths none of which contains another: a projection, or what an update changes.
type Paths struct {
	list []Path
	root *branch
}

// branch is a node of the tree that paths make. A branch without children is the end of a path.
type branch struct {
	path     Path // what ends here; nil on the way
	age      int  // how many siblings were there before
	children map[Step]*branch
}

// newPaths checks that no path contains another, and that none takes for a list what another takes for a map.
func newPaths(kind Kind, list []Path) (*Paths, error) {
	root := &branch{}
	for _, p := range list {
		if err := root.add(kind, p); err != nil {
			return nil, err
		}
	}
	return &Paths{list: list, root: root}, nil
}

func (b *branch) add(kind Kind, p Path) error {
	for i, s := range p {
		for sibling := range b.children {
			if sibling.List != s.List {
				return pathsFault(kind, "conflict", p, b.last().path)
			}
		}
		next, exists := b.children[s]
		if exists && (next.path != nil || i == len(p)-1) {
			return pathsFault(kind, "overlap", p, b.last().path)
		}
		if !exists {
			next = &branch{age: len(b.children)}
			if b.children == nil {
				b.children = make(map[Step]*branch)
			}
			b.children[s] = next
		}
		b = next
	}
	b.path = p
	return nil
}

// last is the end of the last path below b: the one that DynamoDB names as the second of two.
func (b *branch) last() *branch {
	for len(b.children) > 0 {
		steps := slices.SortedFunc(maps.Keys(b.children), func(x, y Step) int {
			return cmp.Or(bucket(x, len(b.children))-bucket(y, len(b.children)), b.children[y].age-b.children[x].age)
		})
		b = b.children[steps[len(steps)-1]]
	}
	return b
}

func compareSteps(a, b Step) int {
	if a.List {
		return a.Index - b.Index
	}
	return strings.Compare(a.Name, b.Name)
}

func pathsFault(kind Kind, how string, one, two Path) *Error {
	return kind.fault("Two document paths %s with each other; must remove or rewrite one of these paths; path one: %s, path two: %s",
		how, one, two)
}

// All are the paths in the order they were written.
func (p *Paths) All() []Path { return p.list }

// Attributes are the top-level attributes that the paths begin with, in the order of InHashOrder.
func (p *Paths) Attributes() []string {
	names := make([]string, 0, len(p.root.children))
	for s := range p.root.children {
		names = append(names, s.Name)
	}
	return InHashOrder(names)
}

// Apply returns only what the paths lead to, within the maps and lists they go through. A list keeps the order of its elements, and
// what isn't there is absent, not null (traps.md 28).
func (p *Paths) Apply(item value.Item) value.Item {
	v, ok := p.root.project(value.NewMap(item))
	if !ok {
		return value.Item{}
	}
	return v.Fields()
}

func (b *branch) project(v value.Value) (value.Value, bool) {
	if len(b.children) == 0 {
		return v, true
	}
	var elements []value.Value
	fields := make(value.Item)
	for _, s := range slices.SortedFunc(maps.Keys(b.children), compareSteps) {
		c, ok := child(v, s)
		if !ok {
			continue
		}
		if c, ok = b.children[s].project(c); !ok {
			continue
		}
		if s.List {
			elements = append(elements, c)
		} else {
			fields[s.Name] = c
		}
	}
	if v.Kind() == value.List {
		return value.NewList(elements), len(elements) > 0
	}
	return value.NewMap(fields), len(fields) > 0
}

// ParseProjection reads a ProjectionExpression.
func ParseProjection(text string, scope *Scope) (*Paths, error) {
	p, err := newParser(Projection, text)
	if err != nil {
		return nil, err
	}
	nodes, err := p.projection()
	if err != nil {
		return nil, err
	}
	if err := (checker{kind: Projection}).all(nodes); err != nil {
		return nil, err
	}
	return resolvePaths(Projection, scope, nodes)
}

func (p *parser) projection() ([]node, error) {
	var nodes []node
	for {
		path, err := p.path()
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, path)
		if !p.accept(",") {
			return nodes, p.finish()
		}
	}
}

// resolvePaths resolves paths and checks them against each other, from the last to the first, as DynamoDB does: that decides the
// error of several.
func resolvePaths(kind Kind, scope *Scope, nodes []node) (*Paths, error) {
	r := resolver{kind: kind, scope: scope}
	paths := &Paths{list: make([]Path, len(nodes)), root: &branch{}}
	for i, n := range slices.Backward(nodes) {
		path, err := r.path(n.(pathNode))
		if err != nil {
			return nil, err
		}
		if err := paths.root.add(kind, path); err != nil {
			return nil, err
		}
		paths.list[i] = path
	}
	return paths, nil
}
