package value

import (
	"bytes"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Compare orders two values of one type that DynamoDB can order: strings by their UTF-8 bytes, numbers
// by value, binary by unsigned bytes. It says false for any other pair: in DynamoDB a comparison of
// those is simply not true (Amazon DynamoDB Developer Guide, "Comparison operator and function reference").
func Compare(a, b types.AttributeValue) (order int, ok bool) {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		if b, same := b.(*types.AttributeValueMemberS); same {
			return strings.Compare(a.Value, b.Value), true
		}
	case *types.AttributeValueMemberN:
		if b, same := b.(*types.AttributeValueMemberN); same {
			return CompareNumbers(a.Value, b.Value), true
		}
	case *types.AttributeValueMemberB:
		if b, same := b.(*types.AttributeValueMemberB); same {
			return bytes.Compare(a.Value, b.Value), true
		}
	}
	return 0, false
}

// Equal says whether DynamoDB's "=" holds: same type and same content, numbers by value, sets without
// order, lists and maps through and through.
func Equal(a, b types.AttributeValue) bool {
	if order, ok := Compare(a, b); ok {
		return order == 0
	}
	switch a := a.(type) {
	case *types.AttributeValueMemberBOOL:
		b, same := b.(*types.AttributeValueMemberBOOL)
		return same && a.Value == b.Value
	case *types.AttributeValueMemberNULL:
		_, same := b.(*types.AttributeValueMemberNULL)
		return same
	case *types.AttributeValueMemberL:
		b, same := b.(*types.AttributeValueMemberL)
		return same && slices.EqualFunc(a.Value, b.Value, Equal)
	case *types.AttributeValueMemberM:
		b, same := b.(*types.AttributeValueMemberM)
		return same && equalMaps(a.Value, b.Value)
	default:
		return equalSets(a, b)
	}
}

func equalMaps(a, b Item) bool {
	if len(a) != len(b) {
		return false
	}
	for name, x := range a {
		y, ok := b[name]
		if !ok || !Equal(x, y) {
			return false
		}
	}
	return true
}

func equalSets(a, b types.AttributeValue) bool {
	switch a := a.(type) {
	case *types.AttributeValueMemberSS:
		b, same := b.(*types.AttributeValueMemberSS)
		return same && sameElements(a.Value, b.Value, strings.Compare)
	case *types.AttributeValueMemberNS:
		b, same := b.(*types.AttributeValueMemberNS)
		return same && sameElements(a.Value, b.Value, CompareNumbers)
	case *types.AttributeValueMemberBS:
		b, same := b.(*types.AttributeValueMemberBS)
		return same && sameElements(a.Value, b.Value, bytes.Compare)
	default:
		return false
	}
}

func sameElements[E any](a, b []E, compare func(E, E) int) bool {
	if len(a) != len(b) {
		return false
	}
	a, b = slices.SortedFunc(slices.Values(a), compare), slices.SortedFunc(slices.Values(b), compare)
	return slices.EqualFunc(a, b, func(x, y E) bool { return compare(x, y) == 0 })
}
