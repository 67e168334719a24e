package iam

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// How many items a list tells at once: unless a request says otherwise, and at most.
const (
	defaultItems = 100
	maxItems     = 1000
)

// page is the part of a list that a request asks for, with the marker of the next one.
type page struct {
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

// paginate sorts items by a key that is each one's own and cuts those that a request asks for. The marker is the last
// key that was told, so that what is added or deleted between two pages neither repeats nor hides another item.
func paginate[T any](r *request, items []T, key func(T) string) ([]T, page, error) {
	after, err := base64.RawURLEncoding.DecodeString(r.get("Marker"))
	if err != nil {
		return nil, page{}, protocol.NewError(400, "ValidationError", "Invalid Marker.")
	}
	size := defaultItems
	if limit := r.get("MaxItems"); limit != "" {
		size, err = strconv.Atoi(limit)
		if err != nil || size < 1 || size > maxItems {
			return nil, page{}, invalid(fmt.Sprintf("Value '%s' at 'maxItems' failed to satisfy constraint: "+
				"Member must have value between 1 and %d", limit, maxItems))
		}
	}
	items = slices.DeleteFunc(slices.Clone(items), func(item T) bool { return key(item) <= string(after) && len(after) > 0 })
	slices.SortFunc(items, func(a, b T) int { return strings.Compare(key(a), key(b)) })
	if len(items) <= size {
		return items, page{}, nil
	}
	next := base64.RawURLEncoding.EncodeToString([]byte(key(items[size-1])))
	return items[:size], page{IsTruncated: true, Marker: next}, nil
}
