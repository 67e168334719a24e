package httpapi

import (
	"cmp"
	"context"
	"mime"
	"slices"
	"strconv"
	"strings"

	"github.com/arngate/arngate/shared/problem"
)

// Media is one form in which an operation answers.
type Media struct {
	// Type is the media type, such as "text/html".
	Type string
	// Body is a value of the type whose schema the document shows; nil: it is text.
	Body any
	// Example is shown in the document; nil: none.
	Example any
}

// Accepted returns the media type in which the request wants its answer: of [Operation.Produces] the one that its header Accept
// likes best, the first of several that it likes alike, and the first where it says nothing. Empty outside of such an operation.
func Accepted(ctx context.Context) string {
	if x := exchangeOf(ctx); x != nil {
		return x.accepted
	}
	return ""
}

// negotiate chooses the media type of the answer.
func (x *exchange) negotiate(r *route) *problem.Error {
	if len(r.Produces) == 0 {
		return nil
	}
	offers := make([]string, len(r.Produces))
	for i, media := range r.Produces {
		offers[i] = media.Type
	}
	header, _ := x.event.header("Accept")
	best, ok := preferred(header, offers)
	if !ok {
		return problem.New(problem.NotAcceptable, "This comes in none of the media types that the request accepts.").
			WithHint("Send Accept: " + strings.Join(offers, " or ") + ".")
	}
	x.accepted = best
	return nil
}

// mediaRange is an element of an Accept header.
type mediaRange struct {
	kind, subtype string  // "*" is any
	weight        float64 // 0: not acceptable
}

// preferred returns of offers the one that an Accept header likes best, the first of several; false if it likes none of them.
// (RFC 9110 section 12.5.1) A header without anything that can be read as a range says nothing. Parameters but the weight don't count.
func preferred(accept string, offers []string) (string, bool) {
	ranges := mediaRanges(accept)
	if len(ranges) == 0 {
		return offers[0], true
	}
	best, weight := "", 0.0
	for _, offer := range offers {
		if w := weightOf(offer, ranges); w > weight {
			best, weight = offer, w
		}
	}
	return best, weight > 0
}

func mediaRanges(accept string) []mediaRange {
	var out []mediaRange
	for element := range strings.SplitSeq(accept, ",") {
		name, parameters, err := mime.ParseMediaType(strings.TrimSpace(element))
		if err != nil {
			continue
		}
		one := mediaRange{weight: 1}
		var ok bool
		if one.kind, one.subtype, ok = strings.Cut(name, "/"); !ok || one.kind == "*" && one.subtype != "*" {
			continue
		}
		if q, given := parameters["q"]; given {
			if one.weight, err = strconv.ParseFloat(q, 64); err != nil || !(one.weight >= 0 && one.weight <= 1) {
				continue
			}
		}
		out = append(out, one)
	}
	return out
}

// weightOf is the weight that the most specific range gives an offer; the highest of several as specific.
func weightOf(offer string, ranges []mediaRange) float64 {
	kind, subtype, _ := strings.Cut(offer, "/")
	for _, matches := range []func(mediaRange) bool{
		func(r mediaRange) bool { return r.kind == kind && r.subtype == subtype },
		func(r mediaRange) bool { return r.kind == kind && r.subtype == "*" },
		func(r mediaRange) bool { return r.kind == "*" },
	} {
		found := slices.DeleteFunc(slices.Clone(ranges), func(r mediaRange) bool { return !matches(r) })
		if len(found) > 0 {
			return slices.MaxFunc(found, func(a, b mediaRange) int { return cmp.Compare(a.weight, b.weight) }).weight
		}
	}
	return 0
}
