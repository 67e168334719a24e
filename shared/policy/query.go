package policy

import (
	"slices"
)

// query is one evaluation: what the request's context says, and what it was asked for in vain.
type query struct {
	context Context
	missing []string // each key once
	misses  int      // how often one was asked for
}

// values returns the values of a condition key, none if the request doesn't have it, which it notes.
func (q *query) values(key string) []string {
	values := q.context.lookup(key)
	if len(values) == 0 {
		q.note(key)
	}
	return values
}

// variable returns what the variable t stands for: the key's one value, or its default where the request doesn't have the key.
// A key with several values can't be a variable. (IAM User Guide, "IAM policy elements: Variables and tags")
func (q *query) variable(t token) (string, bool) {
	values := q.values(t.text)
	switch len(values) {
	case 0:
		return t.fallback, t.hasDefault
	case 1:
		return values[0], true
	}
	return "", false
}

func (q *query) note(key string) {
	q.misses++
	if !slices.Contains(q.missing, key) {
		q.missing = append(q.missing, key)
	}
}
