package s3

import (
	"encoding/xml"
	"errors"
	"net/http"

	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/policy"
)

// maxDeletes is how many keys one DeleteObjects takes (traps.md 40).
const maxDeletes = 1000

// deletion is one thing to delete.
type deletion struct {
	Key     string `xml:"Key"`
	Version string `xml:"VersionId"`
	Match   string `xml:"ETag"` // an ETag or *; empty: no condition

	LastModified string `xml:"LastModifiedTime"`
	Size         string `xml:"Size"`
}

// deleted says what a deletion did.
type deleted struct {
	marker  bool   // it made a delete marker, or removed one
	version string // of the marker it made, or the version it removed; empty where there are none
}

func (s *Service) deleteObject(w http.ResponseWriter, r *request) error {
	d := deletion{
		Key: r.key, Version: r.query.Get("versionId"), Match: r.header.Get("If-Match"),
		LastModified: r.header.Get("X-Amz-If-Match-Last-Modified-Time"), Size: r.header.Get("X-Amz-If-Match-Size"),
	}
	if d.Version != "" || r.query.Has("versionId") {
		if err := checkVersionID(d.Version); err != nil {
			return err
		}
	}
	did, err := s.delete(r, d)
	if err != nil {
		return err
	}
	if did.marker {
		w.Header().Set("X-Amz-Delete-Marker", "true")
	}
	if did.version != "" {
		w.Header().Set("X-Amz-Version-Id", did.version)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// errAbsent says that a condition names a key that has no current version.
var errAbsent = errors.New("the key has no current version")

// delete carries out one deletion. A key that isn't there is no error, unless a condition says it must be.
func (s *Service) delete(r *request, d deletion) (deleted, error) {
	switch {
	case d.LastModified != "":
		return deleted{}, headerNotImplemented("x-amz-if-match-last-modified-time", "")
	case d.Size != "":
		return deleted{}, headerNotImplemented("x-amz-if-match-size", "")
	}
	did, err := s.deleteLocked(r, d)
	if errors.Is(err, errAbsent) {
		return deleted{}, r.missing(d.Key)
	}
	return did, err
}

func (s *Service) deleteLocked(r *request, d deletion) (deleted, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[r.bucket]
	if b == nil {
		return deleted{}, noSuchBucket(r.bucket)
	}
	current := b.current(d.Key)
	switch {
	case d.Match != "" && current == nil:
		return deleted{}, errAbsent
	case d.Match != "" && !matches(d.Match, current.etag):
		return deleted{}, preconditionFailed("If-Match")
	}
	if d.Version != "" {
		return b.deleteVersion(d)
	}
	if marker := b.remove(d.Key, r.call.Now); marker != nil {
		return deleted{marker: true, version: marker.version}, nil
	}
	return deleted{}, nil
}

func (b *bucket) deleteVersion(d deletion) (deleted, error) {
	if b.versioning == "" && d.Version != nullVersion {
		return deleted{}, invalidArgument("versionId", d.Version, "Invalid version id specified")
	}
	o := b.removeVersion(d.Key, d.Version)
	if b.versioning == "" {
		return deleted{}, nil
	}
	return deleted{marker: o != nil && o.marker, version: d.Version}, nil
}

func (s *Service) deleteObjects(w http.ResponseWriter, r *request) error {
	var body struct {
		XMLName xml.Name   `xml:"Delete"`
		Quiet   bool       `xml:"Quiet"`
		Objects []deletion `xml:"Object"`
	}
	if err := r.digestedXML(&body); err != nil {
		return err
	}
	if len(body.Objects) == 0 || len(body.Objects) > maxDeletes {
		return malformedXML()
	}
	x := newDocument("DeleteResult")
	for _, d := range body.Objects {
		did, err := s.deleteOne(r, d)
		switch aws, ok := errors.AsType[*protocol.Error](err); {
		case ok:
			x.failure(d, aws)
		case err != nil:
			return err
		case !body.Quiet:
			x.deletion(d, did)
		}
	}
	return x.write(w)
}

// deleteOne carries out one deletion of DeleteObjects with the permissions that it needs on its own.
func (s *Service) deleteOne(r *request, d deletion) (deleted, error) {
	switch {
	case d.Key == "":
		return deleted{}, malformedXML()
	case len(d.Key) > maxKeyLength:
		return deleted{}, keyTooLong(len(d.Key))
	}
	action, keys := "s3:DeleteObject", policy.Context{}
	if d.Version != "" {
		action, keys["s3:VersionId"] = "s3:DeleteObjectVersion", []string{d.Version}
	}
	if d.Match != "" {
		keys["s3:if-match"] = []string{d.Match}
	}
	if err := r.authorize(r.objectAccess(action, d.Key, keys), true); err != nil {
		return deleted{}, err
	}
	if d.Match != "" && d.Match != "*" {
		if err := r.authorize(r.objectAccess("s3:GetObject", d.Key, nil), true); err != nil {
			return deleted{}, err
		}
	}
	if d.Version != "" && !versionID.MatchString(d.Version) {
		return deleted{}, noSuchVersion(d.Key, d.Version)
	}
	return s.delete(r, d)
}

func (x *document) deletion(d deletion, did deleted) {
	end := x.start("Deleted")
	x.element("Key", d.Key)
	x.optional("VersionId", d.Version)
	if did.marker {
		x.flag("DeleteMarker", true)
		x.element("DeleteMarkerVersionId", did.version)
	}
	end()
}

func (x *document) failure(d deletion, err *protocol.Error) {
	end := x.start("Error")
	x.element("Key", d.Key)
	x.optional("VersionId", d.Version)
	x.element("Code", err.Code)
	x.element("Message", err.Message)
	end()
}
