package s3

import (
	"encoding/xml"
	"net/http"
	"strings"
)

// versioning is whether a bucket keeps versions: empty for one that never did.
type versioning string

const (
	enabled   versioning = "Enabled"
	suspended versioning = "Suspended"
)

func (s *Service) putVersioning(w http.ResponseWriter, r *request) error {
	var body struct {
		XMLName   xml.Name   `xml:"VersioningConfiguration"`
		Status    versioning `xml:"Status"`
		MFADelete string     `xml:"MfaDelete"`
	}
	if err := r.digestedXML(&body); err != nil {
		return err
	}
	if body.Status != enabled && body.Status != suspended {
		return malformedXML()
	}
	if body.MFADelete == "Enabled" {
		return notImplemented()
	}
	return s.change(w, r, http.StatusOK, func(b *bucket) { b.versioning = body.Status })
}

// change changes a bucket's configuration and answers without a body.
func (s *Service) change(w http.ResponseWriter, r *request, status int, set func(*bucket)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[r.bucket]
	if b == nil {
		return noSuchBucket(r.bucket)
	}
	set(b)
	w.WriteHeader(status)
	return nil
}

// view looks at a bucket.
func (s *Service) view(r *request, look func(*bucket)) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := s.buckets[r.bucket]
	if b == nil {
		return noSuchBucket(r.bucket)
	}
	look(b)
	return nil
}

func (s *Service) getVersioning(w http.ResponseWriter, r *request) error {
	var status versioning
	err := s.view(r, func(b *bucket) { status = b.versioning })
	if err != nil {
		return err
	}
	x := newDocument("VersioningConfiguration")
	x.optional("Status", string(status))
	return x.write(w)
}

// versionsPage is one page of ListObjectVersions.
type versionsPage struct {
	versions   []*object
	latest     map[*object]bool
	prefixes   []string
	truncated  bool
	key, after string // the markers of the next page
}

func (s *Service) listVersions(w http.ResponseWriter, r *request) error {
	l, err := r.listRequest()
	if err != nil {
		return err
	}
	l.after = r.query.Get("key-marker")
	version := r.query.Get("version-id-marker")
	if version != "" && l.after == "" {
		return invalidArgument("version-id-marker", version, "A version-id marker cannot be specified without a key marker.")
	}
	var p versionsPage
	if err := s.view(r, func(b *bucket) { p = b.versionsPage(l.listing, version) }); err != nil {
		return err
	}

	x := newDocument("ListVersionsResult")
	x.element("Name", r.bucket)
	x.element("Prefix", l.encode(l.prefix))
	x.element("KeyMarker", l.encode(l.after))
	x.element("VersionIdMarker", version)
	if p.truncated {
		x.element("NextKeyMarker", l.encode(p.key))
		x.optional("NextVersionIdMarker", p.after)
	}
	l.common(x, p.truncated)
	for _, o := range p.versions {
		x.version(o, l.encode(o.key), p.latest[o], r.owner)
	}
	for _, prefix := range p.prefixes {
		x.commonPrefix(l.encode(prefix))
	}
	return x.write(w)
}

func (x *document) version(o *object, key string, latest bool, account string) {
	name := "Version"
	if o.marker {
		name = "DeleteMarker"
	}
	end := x.start(name)
	x.element("Key", key)
	x.element("VersionId", o.version)
	x.flag("IsLatest", latest)
	if o.marker {
		x.time("LastModified", o.modified)
	} else {
		x.objectFields(o)
	}
	x.owner("Owner", account)
	end()
}

// versionsPage walks the versions behind the markers: key by key, the newest first.
func (b *bucket) versionsPage(l listing, afterVersion string) versionsPage {
	p := versionsPage{latest: make(map[*object]bool)}
	if l.limit == 0 {
		return p
	}
	b.objects.Ascend(max(l.prefix, l.after), func(key string, h history) bool {
		if !strings.HasPrefix(key, l.prefix) {
			return false
		}
		if folder := l.folder(key); folder != "" {
			return p.addPrefix(l, folder)
		}
		if key == l.after {
			h = h.behind(afterVersion)
		}
		return p.addVersions(l, key, h, key != l.after || afterVersion == "")
	})
	return p
}

// behind is what follows a version in a history; nothing without a version, since the marker then is the key.
func (h history) behind(version string) history {
	for i, o := range h {
		if version != "" && o.version == version {
			return h[i+1:]
		}
	}
	return nil
}

func (p *versionsPage) addPrefix(l listing, folder string) bool {
	if folder <= l.after || len(p.prefixes) > 0 && p.prefixes[len(p.prefixes)-1] == folder {
		return true
	}
	if p.full(l) {
		return false
	}
	p.prefixes = append(p.prefixes, folder)
	p.key, p.after = folder, ""
	return true
}

func (p *versionsPage) addVersions(l listing, key string, h history, whole bool) bool {
	for i, o := range h {
		if p.full(l) {
			return false
		}
		p.versions = append(p.versions, o)
		p.latest[o] = whole && i == 0
		p.key, p.after = key, o.version
	}
	return true
}

func (p *versionsPage) full(l listing) bool {
	p.truncated = len(p.versions)+len(p.prefixes) == l.limit
	return p.truncated
}
