package s3

import (
	"crypto/rand"
	"slices"
	"time"
)

// nullVersion is the version of what was written while the bucket kept none.
const nullVersion = "null"

// object is one version of an object, or a delete marker. It never changes once it is in a bucket.
type object struct {
	key      string
	version  string
	marker   bool
	content  content
	size     int64
	etag     string // without quotes
	modified time.Time
	headers  headers
	checksum checksum
	parts    []int64 // sizes of the parts of a multipart upload; nil for others

	encryption encryption
}

// history is the versions of one key, the newest first.
type history []*object

// current is the newest version, or nil if there is none or it is a delete marker.
func (h history) current() *object {
	if len(h) == 0 || h[0].marker {
		return nil
	}
	return h[0]
}

func (h history) find(version string) *object {
	for _, o := range h {
		if o.version == version {
			return o
		}
	}
	return nil
}

func (h history) without(version string) history {
	return slices.DeleteFunc(slices.Clone(h), func(o *object) bool { return o.version == version })
}

// add makes o the current version of its key, as the bucket's versioning wants it: besides the others,
// in place of the null version, or in place of everything.
func (b *bucket) add(o *object) {
	h, _ := b.objects.Get(o.key)
	switch b.versioning {
	case enabled:
		o.version = rand.Text()
	case suspended, "":
		o.version = nullVersion
		h = h.without(nullVersion)
	}
	b.objects.Set(o.key, slices.Concat(history{o}, h))
	b.disturb(o.key)
}

// remove deletes a key as DeleteObject without a version does. It returns the delete marker that it left, or
// nil where versions were never kept.
func (b *bucket) remove(key string, now time.Time) *object {
	if b.versioning == "" {
		b.objects.Delete(key)
		b.disturb(key)
		return nil
	}
	marker := &object{key: key, marker: true, modified: now}
	b.add(marker)
	return marker
}

// removeVersion deletes one version for good and returns it, or nil if there was none.
func (b *bucket) removeVersion(key, version string) *object {
	h, _ := b.objects.Get(key)
	o := h.find(version)
	if o == nil {
		return nil
	}
	if rest := h.without(version); len(rest) > 0 {
		b.objects.Set(key, rest)
	} else {
		b.objects.Delete(key)
	}
	b.disturb(key)
	return o
}

// current is the current version of a key, or nil.
func (b *bucket) current(key string) *object {
	h, _ := b.objects.Get(key)
	return h.current()
}

// disturb tells the uploads of a key that it has changed under them.
func (b *bucket) disturb(key string) {
	for _, u := range b.uploads {
		if u.key == key {
			u.disturbed = true
		}
	}
}
