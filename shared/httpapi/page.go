package httpapi

import "strings"

// PageQuery are the parameters of every list; embed it in an operation's input.
type PageQuery struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"The most items to return"`
	Cursor string `query:"cursor" doc:"Where to go on: next_cursor of the page before"`
}

// Page is the body of every list. Items is never null; an empty NextCursor is left out and means the end.
type Page[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor,omitzero" doc:"Where to go on; absent at the end"`
}

// IfMatch is the condition of a write; embed it in an operation's input.
type IfMatch struct {
	IfMatch string `header:"If-Match" doc:"Write only if the ETag is still one of these"`
}

// ETag makes the strong entity tag of a revision (RFC 9110 section 8.8.3). The revision must not hold quotes.
func ETag(revision string) string { return `"` + revision + `"` }

// Match says whether a write may go ahead on the current revision: without the header always, with `*` if
// there is one, else if a strong tag of the list is its own (RFC 9110 section 13.1.1). An empty revision means that nothing
// is there.
func (m IfMatch) Match(revision string) bool {
	switch condition := strings.TrimSpace(m.IfMatch); condition {
	case "":
		return true
	case "*":
		return revision != ""
	default:
		return revision != "" && contains(condition, ETag(revision))
	}
}

// contains walks a list of entity tags: commas may be inside of them.
func contains(list, tag string) bool {
	for list != "" {
		list = strings.TrimLeft(list, " \t,")
		weak := strings.HasPrefix(list, "W/")
		list = strings.TrimPrefix(list, "W/")
		if !strings.HasPrefix(list, `"`) {
			return false
		}
		end := strings.IndexByte(list[1:], '"')
		if end < 0 {
			return false
		}
		if !weak && list[:end+2] == tag {
			return true
		}
		list = list[end+2:]
	}
	return false
}
