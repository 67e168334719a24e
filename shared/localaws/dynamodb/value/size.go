package value

// documentOverhead is what a list or map takes besides its contents, and elementOverhead what each of its elements does
// ("DynamoDB item sizes and formats", Amazon DynamoDB Developer Guide).
const (
	documentOverhead = 3
	elementOverhead  = 1
)

// Size is the bytes that the value takes in an item.
func (v Value) Size() int {
	switch v.kind {
	case String, Binary:
		return len(v.text)
	case Number:
		return v.number.size()
	case Boolean, Null:
		return 1
	case StringSet, NumberSet, BinarySet:
		total := 0
		for _, e := range v.elements {
			total += e.Size()
		}
		return total
	case List:
		total := documentOverhead
		for _, e := range v.elements {
			total += e.Size() + elementOverhead
		}
		return total
	case Map:
		return documentOverhead + v.fields.Size() + elementOverhead*len(v.fields)
	}
	return 0
}

// Size is the bytes that the attributes take: names and values.
func (i Item) Size() int {
	total := 0
	for name, v := range i {
		total += len(name) + v.Size()
	}
	return total
}

// Count is what the size function of expressions answers: bytes of a string or binary, elements of a set, list or map. Other
// types have none.
func (v Value) Count() (n int, ok bool) {
	switch v.kind {
	case String, Binary:
		return len(v.text), true
	case StringSet, NumberSet, BinarySet, List:
		return len(v.elements), true
	case Map:
		return len(v.fields), true
	case Number, Boolean, Null:
	}
	return 0, false
}

// SortKey is text whose byte order is the order of the scalars of one type, and which is the same for equal ones only.
func (v Value) SortKey() string {
	if v.kind == Number {
		return v.number.sortKey()
	}
	return v.text
}
