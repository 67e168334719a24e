package plan

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/functions/dynamodb/value"
)

// span is what is known of a sort key's value: its bounds, nil where there is none.
type span struct {
	low, high         types.AttributeValue
	lowOpen, highOpen bool // the bound itself is outside
}

// spanOf is the span that a comparison of the sort key leaves, if it leaves one at all.
func spanOf(c *Condition) (s span, ok bool) {
	if c.negated {
		return span{}, false
	}
	switch c.op {
	case opEqual:
		return span{low: c.values[0], high: c.values[0]}, true
	case opLess, opLessEq:
		return span{high: c.values[0], highOpen: c.op == opLess}, true
	case opGreater, opGreaterEq:
		return span{low: c.values[0], lowOpen: c.op == opGreater}, true
	case opBetween:
		return span{low: c.values[0], high: c.values[1]}, true
	case opIn: // sorted by now, and here only if there are too many for a query each
		return span{low: c.values[0], high: c.values[len(c.values)-1]}, true
	default:
		return span{}, false
	}
}

// intersect is what lies in both.
func (s span) intersect(other span) span {
	if other.low != nil && (s.low == nil || order(other.low, s.low) > 0 || (order(other.low, s.low) == 0 && other.lowOpen)) {
		s.low, s.lowOpen = other.low, other.lowOpen
	}
	if other.high != nil && (s.high == nil || order(other.high, s.high) < 0 || (order(other.high, s.high) == 0 && other.highOpen)) {
		s.high, s.highOpen = other.high, other.highOpen
	}
	return s
}

// nothing says whether no value lies in s.
func (s span) nothing() bool {
	if s.low == nil || s.high == nil {
		return false
	}
	o := order(s.low, s.high)
	return o > 0 || (o == 0 && (s.lowOpen || s.highOpen))
}

// within says whether all of s lies in other.
func (s span) within(other span) bool { return s.intersect(other) == s }

// condition is s as the one comparison that a key condition may make of a sort key, which may be a
// little wider: BETWEEN has no open bounds. It also returns the span it really stands for.
func (s span) condition(key Attribute) (*Condition, span) {
	c := &Condition{field: Path{{Name: key.Name}}}
	switch {
	case s.low != nil && s.high != nil:
		s.lowOpen, s.highOpen = false, false
		c.op, c.values = opBetween, []types.AttributeValue{s.low, s.high}
		if order(s.low, s.high) == 0 {
			c.op, c.values = opEqual, c.values[:1]
		}
	case s.low != nil:
		c.op, c.values = opGreaterEq, []types.AttributeValue{s.low}
		if s.lowOpen {
			c.op = opGreater
		}
	default:
		c.op, c.values = opLessEq, []types.AttributeValue{s.high}
		if s.highOpen {
			c.op = opLess
		}
	}
	return c, s
}

// sortCondition takes from c, in which the partition key is decided, what a key condition can say of
// the sort key, and returns it with the rest, which remains to be checked. Nil: it says nothing.
func sortCondition(c *Condition, key Attribute) (keyed, rest *Condition) {
	conjuncts := c.conjuncts()
	if prefix := longestPrefix(conjuncts, key); prefix != nil {
		return prefix, without(conjuncts, func(c *Condition) bool {
			return isPrefix(c, key) && affix(prefix.values[0], c.values[0], strings.HasPrefix, hasPrefix)
		})
	}
	var all span
	found := false
	for _, conjunct := range conjuncts {
		if s, ok := sortSpan(conjunct, key); ok {
			all, found = all.intersect(s), true
		}
	}
	switch {
	case !found:
		return nil, c
	case all.nothing():
		return nil, constant(false)
	}
	keyed, all = all.condition(key)
	return keyed, without(conjuncts, func(c *Condition) bool {
		s, ok := sortSpan(c, key)
		return ok && c.op != opIn && all.within(s)
	})
}

func hasPrefix(b, prefix []byte) bool { return strings.HasPrefix(string(b), string(prefix)) }

// sortSpan is the span of a comparison, if it is one of the sort key.
func sortSpan(c *Condition, key Attribute) (span, bool) {
	if c.op == opAll || c.op == opAny || !c.field.is(key.Name) {
		return span{}, false
	}
	return spanOf(c)
}

func isPrefix(c *Condition, key Attribute) bool {
	return c.op == opBeginsWith && !c.negated && c.field.is(key.Name)
}

func longestPrefix(conjuncts []*Condition, key Attribute) *Condition {
	var longest *Condition
	for _, c := range conjuncts {
		if isPrefix(c, key) && (longest == nil || length(c.values[0]) > length(longest.values[0])) {
			longest = c
		}
	}
	return longest
}

func length(v types.AttributeValue) int {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberB:
		return len(v.Value)
	default:
		return 0
	}
}

func without(conjuncts []*Condition, drop func(*Condition) bool) *Condition {
	return combine(opAll, slices.DeleteFunc(slices.Clone(conjuncts), drop))
}

// draft is a query before it is written down.
type draft struct {
	known  value.Item // the values of the keys that are given
	keyed  *Condition // the comparison of the sort key, if it is not given
	rest   *Condition // what is left to check
	unique bool
}

// drafts are the queries that together read every item of v that matches where. It says false if where
// does not bind the partition key, or to more values than there may be queries.
func drafts(where *Condition, v view) ([]draft, bool) {
	partitions, ok := bound(where, v.key.Partition)
	if !ok || len(partitions) > MaxReads {
		return nil, false
	}
	list := []draft{}
	for _, partition := range partitions {
		known := value.Item{v.key.Partition.Name: partition}
		room := MaxReads - (len(partitions) - 1) // each other partition gets at least one
		list = append(list, partitionDrafts(where, v, known, room-len(list))...)
	}
	return list, true
}

// partitionDrafts are the queries within one partition, at most room of them, and at least one if it
// can hold a match.
func partitionDrafts(where *Condition, v view, known value.Item, room int) []draft {
	sort := v.key.Sort
	rest := fold(where, facts{known: known, present: v.present()})
	if sort.Name == "" {
		return oneDraft(rest, known, v.index == nil)
	}
	if sorts, ok := bound(rest, sort); ok && len(sorts) <= max(room, 1) {
		list := []draft{}
		for _, s := range sorts {
			both := value.Item{v.key.Partition.Name: known[v.key.Partition.Name], sort.Name: s}
			list = append(list, oneDraft(fold(where, facts{known: both, present: v.present()}), both, v.index == nil)...)
		}
		return list
	}
	keyed, rest := sortCondition(rest, sort)
	list := oneDraft(rest, known, false)
	if len(list) > 0 {
		list[0].keyed = keyed
	}
	return list
}

func oneDraft(rest *Condition, known value.Item, unique bool) []draft {
	if rest.isConstant(false) {
		return nil
	}
	return []draft{{known: known, rest: rest, unique: unique}}
}
