package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

// step is one operation of a program, to be asked of a client of type C.
type step[C any] struct {
	name string
	in   any // what is asked, to be shown
	ask  func(ctx context.Context, client C) (any, error)
}

// outcome is how a step ended.
type outcome struct {
	Out           any
	Code, Message string
	More          any // what else an error holds
}

// ended makes an outcome of a call's results. Of an error, out is what its body holds.
func ended(out any, err error) outcome {
	if err == nil {
		return outcome{Out: out}
	}
	var failure smithy.APIError
	if !errors.As(err, &failure) {
		return outcome{Code: "no answer", Message: err.Error()}
	}
	if members, is := out.(map[string]any); is {
		for _, name := range []string{"__type", "message", "Message"} {
			delete(members, name)
		}
	}
	return outcome{Code: failure.ErrorCode(), Message: failure.ErrorMessage(), More: out}
}

// translation makes one of messages that mean the same, among what else an error holds: the reasons why a transaction was
// cancelled.
type translation struct {
	row  string
	from *regexp.Regexp
	to   string
}

// excuse is a kind of difference that differences.md explains: outcomes in these words, which the test lets pass.
type excuse struct {
	row       string
	ours, its *regexp.Regexp
	when      func(in any, ours, its outcome) bool // nil: always
}

// pair is an excuse for outcomes in these words. A success is "done".
func pair(row, ours, its string) excuse {
	return excuse{row: row, ours: regexp.MustCompile(`^(?s:` + ours + `)$`), its: regexp.MustCompile(`^(?s:` + its + `)$`)}
}

// lets reports whether the excuse covers the outcomes of a step that was asked this.
func (e excuse) lets(in any, ours, its outcome) bool {
	return e.ours.MatchString(words(ours)) && e.its.MatchString(words(its)) && (e.when == nil || e.when(in, ours, its))
}

// comparison runs programs on two backends and gathers where they differ.
type comparison[C any] struct {
	ours, its C
	oracle    string // the second's name

	translations []translation
	excuses      []excuse

	asked   int
	found   map[string]*divergence
	excused map[string]int // by row
}

func newComparison[C any](ours, its C, oracle string) *comparison[C] {
	return &comparison[C]{ours: ours, its: its, oracle: oracle, found: make(map[string]*divergence), excused: make(map[string]int)}
}

// divergence is a kind of difference: the first of it, and how many there were.
type divergence struct {
	example string
	count   int
}

// seed is what the random programs are made from.
func seed(t *testing.T) uint64 {
	t.Helper()
	text := environment(seedVariable)
	if text == "" {
		return 1
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", seedVariable, err)
	}
	return n
}

// random is the source of program n.
func random(seed, n uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, n)) //nolint:gosec // programs can be run again
}

// run asks both for the step. It returns our outcome, and false if the two may have become different.
func (c *comparison[C]) run(ctx context.Context, s step[C]) (outcome, bool) {
	ours, its := ended(s.ask(ctx, c.ours)), ended(s.ask(ctx, c.its))
	c.asked++
	for _, tr := range c.translations {
		replace(ours.More, tr)
		if replace(its.More, tr) {
			c.excused[tr.row]++
		}
	}
	diff := cmp.Diff(ours, its)
	if diff == "" {
		return ours, true
	}
	together := (ours.Code == "") == (its.Code == "")
	for _, e := range c.excuses {
		if e.lets(s.in, ours, its) {
			c.excused[e.row]++
			return ours, together
		}
	}
	kind := s.name + ": " + shape(words(ours)) + " / " + shape(words(its))
	if c.found[kind] == nil {
		in, err := json.Marshal(s.in)
		if err != nil {
			in = []byte(err.Error())
		}
		c.found[kind] = &divergence{example: fmt.Sprintf("%s %s\n(-local AWS +%s):\n%s", s.name, in, c.oracle, diff)}
	}
	c.found[kind].count++
	return ours, together
}

// words are an outcome in short: its code and message, or that it succeeded.
func words(o outcome) string {
	if o.Code == "" {
		return "done"
	}
	return o.Code + ": " + o.Message
}

// shape leaves out of a message what is the case's own.
func shape(message string) string {
	return regexp.MustCompile(`[[{][^]}]*[]}]|[:#]\w+|"[^"]*"|\d+`).ReplaceAllString(message, "…")
}

// report fails the test for each kind of difference that was found and says how much was done.
func (c *comparison[C]) report(t *testing.T) {
	t.Helper()
	kinds := make([]*divergence, 0, len(c.found))
	for _, d := range c.found {
		kinds = append(kinds, d)
	}
	slices.SortFunc(kinds, func(a, b *divergence) int { return strings.Compare(a.example, b.example) })
	for _, d := range kinds {
		t.Errorf("%d times: %s", d.count, d.example)
	}
	t.Logf("ran on: local AWS and %s, %d random operations", c.oracle, c.asked)
	for row, count := range c.excused {
		t.Logf("excused %d times: %s", count, row)
	}
}

// replace translates the members named Message and reports whether there was one to translate.
func replace(value any, tr translation) bool {
	found := false
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			if text, is := member.(string); is && name == "Message" && tr.from.MatchString(text) {
				value[name], found = tr.from.ReplaceAllString(text, tr.to), true
			}
			found = replace(member, tr) || found
		}
	case []any:
		for _, element := range value {
			found = replace(element, tr) || found
		}
	}
	return found
}

// pick is one of them.
func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// chance is true once in n times.
func chance(r *rand.Rand, n int) bool { return r.IntN(n) == 0 }
