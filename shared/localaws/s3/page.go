package s3

import (
	"strings"

	"github.com/tidwall/btree"
)

// listing says which part of a bucket's keys is wanted.
type listing struct {
	prefix    string
	delimiter string // empty: nothing is rolled up
	after     string // only keys and common prefixes behind this one
	limit     int
}

// entry is one line of a listing: an object, or the common prefix of several keys.
type entry struct {
	name   string
	object *object // nil: a common prefix
}

// page returns entries in the order of their UTF-8 bytes, and whether more follow. A common prefix is one
// entry, on one page only, however many keys it stands for: the page after it starts behind them all.
func (l listing) page(objects *btree.Map[string, history]) (entries []entry, truncated bool) {
	if l.limit == 0 {
		return nil, false
	}
	keys := objects.Iter()
	for found := keys.Seek(max(l.prefix, l.after)); found && strings.HasPrefix(keys.Key(), l.prefix); {
		e, behind := l.entry(keys.Key(), keys.Value())
		if e.name != "" {
			if len(entries) == l.limit {
				return entries, true
			}
			entries = append(entries, e)
		}
		if behind {
			// No byte of UTF-8 is 0xFF, so this is behind every key below the common prefix.
			found = keys.Seek(l.folder(keys.Key()) + "\xff")
		} else {
			found = keys.Next()
		}
	}
	return entries, false
}

// entry is the line that a key makes, if it makes one, and whether that leaves nothing to say about the other
// keys below the same common prefix. Keys whose newest version is a delete marker aren't there.
func (l listing) entry(key string, h history) (e entry, behind bool) {
	folder, current := l.folder(key), h.current()
	switch {
	case folder != "" && folder <= l.after:
		return entry{}, true
	case current == nil, folder == "" && key <= l.after:
		return entry{}, false
	case folder != "":
		return entry{name: folder}, true
	}
	return entry{name: key, object: current}, false
}

// folder is the common prefix that stands for key, or empty.
func (l listing) folder(key string) string {
	if l.delimiter == "" {
		return ""
	}
	i := strings.Index(key[len(l.prefix):], l.delimiter)
	if i < 0 {
		return ""
	}
	return key[:len(l.prefix)+i+len(l.delimiter)]
}
