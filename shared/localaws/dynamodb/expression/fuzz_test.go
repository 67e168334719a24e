package expression_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/arngate/arngate/shared/localaws/dynamodb/expression"
	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
)

// What a condition says of an item, its negation denies, and repeated or beside another it says it still. As a key condition it
// says the same again, term by term.
func FuzzConditions(f *testing.F) {
	for _, seed := range []string{
		"s = :abc AND NOT n < :one", "(s) = (:abc) or begins_with(s, :a)", "n BETWEEN :one AND :five", "n IN (:one, li[0], m.l[1].q)", "size(m.l) >= size(s)",
		"attribute_type(#n, :S) AND contains(ss, :a)", "attribute_not_exists(#d) OR zz <> yy", ":one < n", "NOT NOT (t = :yes)", "((s = :a))", "a = b = c", "li[2147483648] = :a",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		it := item(t, record)
		holds := func(text string) (bool, error) {
			p, err := expression.ParsePredicate(expression.Condition, text, scope(t, text))
			return err == nil && p.Holds(it), err
		}
		does, refused := holds(text)
		for other, want := range map[string]bool{
			text + " AND attribute_exists(s)": does, text + " OR attribute_exists(zz)": does, "attribute_exists(zz) OR " + text: does, "NOT (" + text + ")": !does,
		} {
			if got, err := holds(other); refused == nil && got != want && !full(err) {
				t.Errorf("%q is %t, and %q is %t, %v", text, does, other, got, err)
			}
		}
		terms, err := expression.ParseKeyCondition(text, scope(t, text))
		if err != nil {
			return
		}
		if refused != nil {
			t.Fatalf("%q is a key condition, and no condition: %v", text, refused)
		}
		all := !slices.ContainsFunc(terms, func(term expression.KeyTerm) bool {
			v, there := term.Path.Get(it)
			return !there || !term.Holds(v)
		})
		if all != does {
			t.Errorf("%q is %t as a condition, %t by its terms", text, does, all)
		}
	})
}

// full says whether an expression is refused for no more than how much there is of it.
func full(err error) bool {
	return err != nil && slices.ContainsFunc([]string{"redundant parentheses", "exceeded the maximum", "too many operators"}, func(s string) bool {
		return strings.Contains(err.Error(), s)
	})
}

// An update changes what it names, and nothing else: not the item it is given, nor an attribute beside its paths; what it says it
// has written is there.
func FuzzUpdates(f *testing.F) {
	for _, seed := range []string{
		"SET n = n + :one, q = if_not_exists(zz, :a) REMOVE li[0], m.x ADD ss :cd DELETE ns :ns", "SET m.l[1].q = :abc, li[7] = :one", "set s=:a remove n",
		"SET li = list_append(:l, li)", "ADD m.x :one", "SET s = n, n = s", "SET n = (n) - (:five)", "REMOVE li[0], li[1], li[2]", "SET #d = :huge", "DELETE ss :ab",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, update string) {
		it := item(t, record)
		u, err := expression.ParseUpdate(update, scope(t, update))
		if err != nil {
			return
		}
		after, err := u.Apply(it)
		if got, want := text(t, it), text(t, item(t, record)); got != want {
			t.Fatalf("%q changed what it was given into %s", update, got)
		}
		if err != nil {
			return
		}
		named := u.Paths().Attributes()
		for name := range maps.Keys(union(it, after)) {
			if !slices.Contains(named, name) && !value.Equal(it[name], after[name]) {
				t.Errorf("%q changed %q from %s to %s", update, name, it[name], after[name])
			}
		}
		for name, v := range u.New(after) {
			if !slices.Contains(named, name) || v.Kind() == 0 {
				t.Errorf("%q says that it wrote %q: %s", update, name, v)
			}
		}
	})
}

func union(a, b value.Item) value.Item {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// A projection returns what its paths lead to, and no attribute beside them.
func FuzzProjections(f *testing.F) {
	for _, seed := range []string{"s, n", "m.x, m.l[1].q", "li[2], li[0]", "#d, #n", "zz", "m, m.x", "ss[0]", "m.l[0], m.l[1]", "li[1],s , ns"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, projection string) {
		it := item(t, record)
		paths, err := expression.ParseProjection(projection, scope(t, projection))
		if err != nil {
			return
		}
		got := paths.Apply(it)
		for name := range got {
			if !slices.Contains(paths.Attributes(), name) {
				t.Errorf("%q returns %q", projection, name)
			}
		}
		for _, path := range paths.All() {
			if slices.ContainsFunc(path, func(s expression.Step) bool { return s.List }) {
				continue // elements move together
			}
			want, there := path.Get(it)
			if v, found := path.Get(got); found != there || there && !value.Equal(v, want) {
				t.Errorf("%q returns %s for %s, want %s", projection, v, path, want)
			}
		}
	})
}
