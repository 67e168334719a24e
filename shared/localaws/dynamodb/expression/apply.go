package expression

import (
	"maps"
	"slices"

	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
)

// Paths are what the update changes.
func (u *Updating) Paths() *Paths { return u.paths }

// Reads are the paths whose values the update uses.
func (u *Updating) Reads() []Path { return u.reads }

// Old is what the item had, before the update, at the paths that it changes (ReturnValues UPDATED_OLD).
func (u *Updating) Old(before value.Item) value.Item { return u.paths.Apply(before) }

// New is what the item has, after the update, at the paths that got a value (ReturnValues UPDATED_NEW).
func (u *Updating) New(after value.Item) value.Item {
	if len(u.kept) == 0 {
		return value.Item{}
	}
	// What doesn't overlap as a whole doesn't in part.
	kept, err := newPaths(Update, u.kept)
	if err != nil {
		return value.Item{}
	}
	return kept.Apply(after)
}

// Apply returns the item after the update; item itself isn't changed. Every operand is what the item held before, and list indexes
// are those of before. It returns an *Error or a *value.Error if the item doesn't have what the update needs.
func (u *Updating) Apply(item value.Item) (value.Item, error) {
	root := &edit{}
	for _, c := range u.changes {
		root.add(c.path, value.Value{})
	}
	if err := root.check(value.NewMap(item)); err != nil {
		return nil, err
	}
	for _, c := range u.changes {
		v, err := c.compute(item)
		if err != nil {
			return nil, err
		}
		root.add(c.path, v)
	}
	return root.apply(value.NewMap(item)).Fields(), nil
}

// compute is the value that the change leaves at its path; no value if it leaves nothing there.
func (c change) compute(item value.Item) (value.Value, error) {
	with, err := c.with.compute(item)
	if err != nil {
		return value.Value{}, err
	}
	if c.section == "SET" || c.section == "REMOVE" {
		return with, nil
	}
	old, exists := c.path.Get(item)
	if c.section == "DELETE" {
		return deleted(old, exists, with)
	}
	return added(old, exists, with)
}

func added(old value.Value, exists bool, with value.Value) (value.Value, error) {
	switch {
	case !exists:
		return with, nil
	case old.Kind() != with.Kind():
		return value.Value{}, wrongOperand()
	case with.Kind() == value.Number:
		sum, err := old.Decimal().Add(with.Decimal())
		return value.NewNumber(sum), err
	}
	return old.Union(with), nil
}

// deleted never leaves an empty set, which can't be stored (traps.md 27).
func deleted(old value.Value, exists bool, with value.Value) (value.Value, error) {
	if !exists {
		return value.Value{}, nil
	}
	if old.Kind() != with.Kind() {
		return value.Value{}, wrongOperand()
	}
	if left := old.Minus(with); len(left.Elements()) > 0 {
		return left, nil
	}
	return value.Value{}, nil
}

// edit is a tree of changes: what to leave where the paths of an update end.
type edit struct {
	leaf     bool
	with     value.Value // of a leaf; no value removes
	children map[Step]*edit
}

func (e *edit) add(p Path, with value.Value) {
	for _, s := range p {
		if e.children == nil {
			e.children = make(map[Step]*edit)
		}
		next, ok := e.children[s]
		if !ok {
			next = new(edit)
			e.children[s] = next
		}
		e = next
	}
	e.leaf, e.with = true, with
}

// check checks that v has the maps and lists that the changes go through.
func (e *edit) check(v value.Value) error {
	for s, c := range e.children {
		if s.List != (v.Kind() == value.List) || v.Kind() != value.List && v.Kind() != value.Map {
			return invalidPath()
		}
		if c.leaf {
			continue
		}
		old, exists := child(v, s)
		if !exists {
			return invalidPath()
		}
		if err := c.check(old); err != nil {
			return err
		}
	}
	return nil
}

func invalidPath() *Error {
	return invalid("The document path provided in the update expression is invalid for update")
}

// apply returns what v becomes by the changes, for which it has been checked; v itself stays as it is.
func (e *edit) apply(v value.Value) value.Value {
	switch {
	case e.leaf:
		return e.with
	case v.Kind() == value.List:
		return e.applyToList(v)
	}
	fields := maps.Clone(v.Fields())
	if fields == nil {
		fields = make(value.Item)
	}
	for s, c := range e.children {
		if fields[s.Name] = c.apply(fields[s.Name]); fields[s.Name].Kind() == 0 {
			delete(fields, s.Name)
		}
	}
	return value.NewMap(fields)
}

// applyToList changes elements by the indexes of before, puts what is beyond the end there, in order, and then closes the gaps.
func (e *edit) applyToList(v value.Value) value.Value {
	elements := slices.Clone(v.Elements())
	for _, s := range slices.SortedFunc(maps.Keys(e.children), compareSteps) {
		if s.Index >= len(v.Elements()) {
			elements = append(elements, e.children[s].with)
		} else {
			elements[s.Index] = e.children[s].apply(elements[s.Index])
		}
	}
	return value.NewList(slices.DeleteFunc(elements, func(x value.Value) bool { return x.Kind() == 0 }))
}
