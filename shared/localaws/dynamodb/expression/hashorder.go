package expression

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf16"
)

// InHashOrder sorts distinct names as DynamoDB lists them in its messages, which is as Java's HashMap would.
func InHashOrder(names []string) []string {
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(bucket(Step{Name: a}, len(names))-bucket(Step{Name: b}, len(names)), strings.Compare(a, b))
	})
	return names
}

// bucket is where a HashMap of so many entries keeps a name or index.
func bucket(s Step, entries int) int {
	hash := int32(s.Index) //nolint:gosec // in range, as the checker saw to
	for _, unit := range utf16.Encode([]rune(s.Name)) {
		hash = hash*31 + int32(unit)
	}
	buckets := 16
	for entries*4 > buckets*3 {
		buckets *= 2
	}
	return int(uint32(hash)^uint32(hash)>>16) & (buckets - 1) //nolint:gosec // bits, not a number
}
