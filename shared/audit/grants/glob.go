package grants

import (
	"strings"
	"unicode/utf8"

	"github.com/arngate/arngate/shared/policy"
)

// symbol is one character of a pattern, or a wildcard.
type symbol struct {
	r    rune
	kind wildcard
}

type wildcard uint8

const (
	plain    wildcard = iota // the character r
	anyOne                   // ?
	anyCount                 // *
)

// glob is a pattern as a set of strings, to be compared with other sets.
type glob []symbol

// Values are the values of policy variables that are known, such as a role's tags, by key in lower case.
type Values map[string]string

// newGlob reads a pattern of a policy. A variable with a known value is that text: wildcards in it are plain characters
// (traps.md 50). One without may be anything, and so is taken for `*`.
func newGlob(text string, variables bool, values Values) glob {
	var g glob
	for text != "" {
		if variables && strings.HasPrefix(text, "${") {
			if name, rest, ok := strings.Cut(text[2:], "}"); ok {
				g, text = g.variable(name, values), rest
				continue
			}
		}
		r, size := utf8.DecodeRuneInString(text)
		switch r {
		case '*':
			g = append(g, symbol{kind: anyCount})
		case '?':
			g = append(g, symbol{kind: anyOne})
		default:
			g = append(g, symbol{r: r})
		}
		text = text[size:]
	}
	return g
}

func (g glob) variable(name string, values Values) glob {
	if name == "*" || name == "?" || name == "$" {
		return append(g, symbol{r: rune(name[0])})
	}
	key, _, _ := strings.Cut(name, ",")
	value, known := values[strings.ToLower(strings.TrimSpace(key))]
	if !known {
		return append(g, symbol{kind: anyCount})
	}
	for _, r := range value {
		g = append(g, symbol{r: r})
	}
	return g
}

// newActionGlob reads a pattern of actions, in which case doesn't matter.
func newActionGlob(text string) glob { return newGlob(strings.ToLower(text), false, nil) }

// everything reports whether the glob matches every string.
func (g glob) everything() bool {
	for _, s := range g {
		if s.kind != anyCount {
			return false
		}
	}
	return len(g) > 0
}

// contains reports whether every string of inner is one of g: `*` in inner is covered only by `*`. Never true wrongly.
func (g glob) contains(inner glob) bool {
	return walk(g, inner, func(g, inner glob, next func(int, int) bool) bool {
		switch {
		case len(g) == 0:
			return len(inner) == 0
		case g[0].kind == anyCount:
			return next(1, 0) || len(inner) > 0 && next(0, 1)
		case len(inner) == 0 || inner[0].kind == anyCount:
			return false
		case g[0].kind == anyOne:
			return next(1, 1)
		}
		return inner[0] == g[0] && next(1, 1)
	})
}

// overlaps reports whether some string is in both.
func (g glob) overlaps(other glob) bool {
	return walk(g, other, func(a, b glob, next func(int, int) bool) bool {
		switch {
		case len(a) == 0 && len(b) == 0:
			return true
		case len(a) > 0 && a[0].kind == anyCount:
			return next(1, 0) || len(b) > 0 && next(0, 1)
		case len(b) > 0 && b[0].kind == anyCount:
			return next(0, 1) || len(a) > 0 && next(1, 0)
		case len(a) == 0 || len(b) == 0:
			return false
		case a[0].kind == anyOne || b[0].kind == anyOne || a[0] == b[0]:
			return next(1, 1)
		}
		return false
	})
}

// walk compares two globs from their beginnings; step looks at what is left of both and goes on. Each pair of places is
// looked at once, so that it takes time len(a) * len(b).
func walk(a, b glob, step func(a, b glob, next func(int, int) bool) bool) bool {
	a, b, same := trim(a, b)
	if !same {
		return false
	}
	seen := make([]bool, (len(a)+1)*(len(b)+1))
	var at func(i, j int) bool
	at = func(i, j int) bool {
		place := i*(len(b)+1) + j
		if seen[place] {
			return false // a place that leads to the end ends the walk: here it didn't
		}
		seen[place] = true
		return step(a[i:], b[j:], func(di, dj int) bool { return at(i+di, j+dj) })
	}
	return at(0, 0)
}

// trim takes the plain characters off that two globs share at their beginnings and their ends; same is false if they differ there.
// It decides most comparisons, which are between names without wildcards.
func trim(a, b glob) (restA, restB glob, same bool) {
	for len(a) > 0 && len(b) > 0 && a[0].kind == plain && b[0].kind == plain {
		if a[0] != b[0] {
			return nil, nil, false
		}
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 {
		x, y := a[len(a)-1], b[len(b)-1]
		if x.kind != plain || y.kind != plain {
			break
		}
		if x != y {
			return nil, nil, false
		}
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return a, b, true
}

// hasVariables reports whether variables mean anything in d.
func hasVariables(d *policy.Document) bool { return d.Version() == policy.Version2012 }
