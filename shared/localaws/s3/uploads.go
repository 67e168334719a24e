package s3

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func (s *Service) listParts(w http.ResponseWriter, r *request) error {
	limit, err := r.limit("max-parts", "max-parts")
	if err != nil {
		return err
	}
	marker := 0
	if text := r.query.Get("part-number-marker"); text != "" {
		if marker, err = strconv.Atoi(text); err != nil || marker < 0 {
			return invalidArgument("part-number-marker", text,
				"Argument part-number-marker must be an integer between 0 and 2147483647")
		}
	}
	u, err := s.upload(r)
	if err != nil {
		return err
	}
	var parts []*part
	err = s.view(r, func(*bucket) {
		for _, number := range slices.Sorted(maps.Keys(u.parts)) {
			if number > marker {
				parts = append(parts, u.parts[number])
			}
		}
	})
	if err != nil {
		return err
	}
	truncated := len(parts) > limit
	parts = parts[:min(len(parts), limit)]
	x := newDocument("ListPartsResult")
	x.element("Bucket", r.bucket)
	x.element("Key", r.key)
	x.element("UploadId", u.id)
	x.number("PartNumberMarker", int64(marker))
	next := 0 // where there are none
	if len(parts) > 0 {
		next = parts[len(parts)-1].number
	}
	x.number("NextPartNumberMarker", int64(next))
	x.number("MaxParts", int64(limit))
	x.flag("IsTruncated", truncated)
	x.uploadFields(u, r.owner)
	for _, p := range parts {
		x.part(p, u.algorithm)
	}
	return x.write(w)
}

func (x *document) part(p *part, a algorithm) {
	end := x.start("Part")
	x.number("PartNumber", int64(p.number))
	x.time("LastModified", p.modified)
	x.element("ETag", `"`+p.etag()+`"`)
	x.number("Size", p.size)
	if a != "" {
		x.element(a.element(), p.checksum.value)
	}
	end()
}

func (x *document) uploadFields(u upload, account string) {
	x.owner("Initiator", u.initiator)
	x.owner("Owner", account)
	x.element("StorageClass", u.headers.storageClass)
	x.optional("ChecksumAlgorithm", string(u.algorithm))
	x.optional("ChecksumType", u.kind)
}

// uploadsPage is one page of ListMultipartUploads.
type uploadsPage struct {
	uploads   []upload
	prefixes  []string
	truncated bool
	key, id   string // the markers of the next page; AWS gives none for a page of prefixes alone
}

func (s *Service) listUploads(w http.ResponseWriter, r *request) error {
	l, err := r.listRequest()
	if err != nil {
		return err
	}
	if l.limit, err = r.limit("max-uploads", "max-uploads"); err != nil {
		return err
	}
	l.after = r.query.Get("key-marker")
	marker := ""
	if l.after != "" {
		marker = r.query.Get("upload-id-marker")
	}
	var p uploadsPage
	found := marker == ""
	err = s.view(r, func(b *bucket) {
		u := b.uploads[marker]
		found = found || u != nil && u.key == l.after
		p = b.uploadsPage(l.listing, marker)
	})
	if err != nil {
		return err
	}
	if !found {
		return invalidArgument("upload-id-marker", marker, "Invalid uploadId marker")
	}
	x := newDocument("ListMultipartUploadsResult")
	x.element("Bucket", r.bucket)
	x.element("KeyMarker", l.encode(l.after))
	x.element("UploadIdMarker", marker)
	x.element("NextKeyMarker", l.encode(p.key))
	x.element("NextUploadIdMarker", p.id)
	x.optional("Prefix", l.encode(l.prefix))
	x.optional("Delimiter", l.encode(l.delimiter))
	x.number("MaxUploads", int64(l.limit))
	if l.encodeURL {
		x.element("EncodingType", "url")
	}
	x.flag("IsTruncated", p.truncated)
	for _, u := range p.uploads {
		end := x.start("Upload")
		x.element("Key", l.encode(u.key))
		x.element("UploadId", u.id)
		x.time("Initiated", u.initiated)
		x.uploadFields(u, r.owner)
		end()
	}
	for _, prefix := range p.prefixes {
		x.commonPrefix(l.encode(prefix))
	}
	return x.write(w)
}

// uploadsPage walks the uploads behind the markers in the order of key, time and id.
func (b *bucket) uploadsPage(l listing, marker string) uploadsPage {
	all := slices.SortedFunc(maps.Values(b.uploads), func(a, b *upload) int {
		return cmp.Or(cmp.Compare(a.key, b.key), a.initiated.Compare(b.initiated), cmp.Compare(a.id, b.id))
	})
	var p uploadsPage
	passed := marker == ""
	for _, u := range all {
		if !strings.HasPrefix(u.key, l.prefix) {
			continue
		}
		folder := l.folder(u.key)
		switch {
		case folder != "" && (folder <= l.after || slices.Contains(p.prefixes, folder)):
			continue
		case folder == "" && u.key < l.after:
			continue
		case folder == "" && l.after != "" && u.key == l.after && (!passed || marker == ""):
			passed = passed || u.id == marker
			continue
		}
		if len(p.uploads)+len(p.prefixes) == l.limit {
			p.truncated = true
			return p
		}
		p.add(u, folder)
	}
	return p
}

func (p *uploadsPage) add(u *upload, folder string) {
	if folder != "" {
		p.prefixes = append(p.prefixes, folder)
		if len(p.uploads) > 0 {
			p.key, p.id = "", "" // S3 names no next marker after a folder
		}
		return
	}
	p.uploads = append(p.uploads, *u)
	p.key, p.id = u.key, u.id
}
