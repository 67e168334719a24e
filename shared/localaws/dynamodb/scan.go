package dynamodb

import (
	"math/bits"
	"time"

	"github.com/arngate/arngate/shared/localaws/dynamodb/expression"
)

// maxSegments bounds TotalSegments ("Scan", Amazon DynamoDB API Reference).
const maxSegments = 1_000_000

func (st *store) scan(p parameters, _ time.Time) (any, error) {
	r := p.readReading()
	s, err := p.segment()
	if err != nil {
		return nil, err
	}
	e, err := p.expressions(expression.Filter, expression.Projection)
	if err != nil {
		return nil, err
	}
	r.expressions = e
	if err := r.open(st, p); err != nil {
		return nil, err
	}
	from := position{hash: s.first(), edge: -1}
	if r.start != nil {
		if from, err = r.startPosition(); err != nil {
			return nil, err
		}
		if !s.has(from.hash) {
			return nil, validation("The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey "+
				"with correct Segment. TotalSegments: %d Segment: %d", s.total, s.number)
		}
		from.edge = 1
	}
	if err := r.checkReturned(); err != nil {
		return nil, err
	}
	g := &page{r: &r}
	r.rows().Ascend(entry{at: from}, func(e entry) bool {
		return s.has(e.at.hash) && g.add(e.row)
	})
	return g.answer(), nil
}

// segment is one of several parts of a table, by the hash of the partition key: together they have every item once, and an item
// never changes its part.
type segment struct{ number, total int }

// segment reads Segment and TotalSegments, and finishes the check of the parameters.
func (p parameters) segment() (segment, error) {
	total, parallel := p.ranged("TotalSegments", 1, maxSegments)
	number, numbered := p.ranged("Segment", 0, maxSegments-1)
	if err := p.check(); err != nil {
		return segment{}, err
	}
	switch {
	case !parallel && !numbered:
		return segment{0, 1}, nil
	case !parallel:
		return segment{}, validation("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case !numbered:
		return segment{}, validation("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case number >= total:
		return segment{}, validation("The Segment parameter is zero-based and must be less than parameter TotalSegments: "+
			"Segment: %d is not less than TotalSegments: %d", number, total)
	}
	return segment{number, total}, nil
}

// has reports whether the segment holds what has this hash: all hashes in as many ranges as there are segments.
func (s segment) has(hash uint64) bool {
	number, _ := bits.Mul64(hash, uint64(s.total)) //nolint:gosec // positive
	return number == uint64(s.number)              //nolint:gosec // positive
}

// first is the least hash of the segment.
func (s segment) first() uint64 {
	quotient, remainder := bits.Div64(uint64(s.number), 0, uint64(s.total)) //nolint:gosec // positive
	if remainder > 0 {
		quotient++
	}
	return quotient
}
