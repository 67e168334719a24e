package s3

import (
	"crypto/md5" //nolint:gosec // ETags are MD5
	"crypto/rand"
	"encoding/base64"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// Limits of multipart uploads ("Amazon S3 multipart upload limits").
const (
	maxParts    = 10000
	minPartSize = 5 << 20 // of every part but the last
)

// upload is a multipart upload in progress. The Service's lock guards it.
type upload struct {
	id        string
	key       string
	initiated time.Time
	initiator string // account
	headers   headers
	algorithm algorithm // empty: none was asked for
	kind      string    // fullObject or composite; empty without an algorithm
	parts     map[int]*part
	disturbed bool // the key has been written or deleted since

	encryption encryption
}

// part is one uploaded part. It never changes: a second upload of the same number replaces it.
type part struct {
	number   int
	content  content
	size     int64
	md5      []byte
	checksum checksum
	modified time.Time
}

func (p *part) etag() string { return hexOf(p.md5) }

func (s *Service) createUpload(w http.ResponseWriter, r *request) error {
	own, err := objectHeadersOf(r.header)
	if err != nil {
		return err
	}
	u := &upload{
		id: rand.Text() + rand.Text(), key: r.key, initiated: r.call.Now, initiator: r.call.Account(),
		headers: own, parts: make(map[int]*part),
	}
	if err := u.readChecksum(r.header); err != nil {
		return err
	}
	if err := s.encrypt(r); err != nil {
		return err
	}
	u.encryption = r.encryption
	if err := s.modify(r, func(b *bucket) { b.uploads[u.id] = u }); err != nil {
		return err
	}
	h := w.Header()
	if u.algorithm != "" {
		h.Set("X-Amz-Checksum-Algorithm", string(u.algorithm))
		h.Set("X-Amz-Checksum-Type", u.kind)
	}
	u.encryption.set(h)
	x := newDocument("InitiateMultipartUploadResult")
	x.element("Bucket", r.bucket)
	x.element("Key", r.key)
	x.element("UploadId", u.id)
	return x.write(w)
}

// readChecksum is which checksum the object shall have. Not every algorithm can be taken over the whole object
// from its parts, or over the parts.
func (u *upload) readChecksum(h http.Header) error {
	kind := strings.ToUpper(h.Get("X-Amz-Checksum-Type"))
	var err error
	if u.algorithm, err = parseAlgorithm(h.Get("X-Amz-Checksum-Algorithm")); err != nil {
		return err
	}
	if u.algorithm == "" {
		if kind != "" {
			return invalidRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
		}
		return nil
	}
	name := strings.ToLower(string(u.algorithm))
	switch {
	case kind == "" && u.algorithm == crc64NVME:
		kind = fullObject
	case kind == "":
		kind = composite
	case kind == composite && u.algorithm == crc64NVME,
		kind == fullObject && (u.algorithm == sha1Sum || u.algorithm == sha256Sum):
		return invalidRequest("The %s checksum type cannot be used with the %s checksum algorithm.", kind, name)
	case kind != composite && kind != fullObject:
		return invalidRequest("Value for x-amz-checksum-type header is invalid.")
	}
	u.kind = kind
	return nil
}

// modify changes a bucket.
func (s *Service) modify(r *request, set func(*bucket)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[r.bucket]
	if b == nil {
		return noSuchBucket(r.bucket)
	}
	set(b)
	return nil
}

// upload finds the upload that a request names. Its parts still need the lock.
func (s *Service) upload(r *request) (upload, error) {
	id := r.query.Get("uploadId")
	var found *upload
	var out upload
	err := s.view(r, func(b *bucket) {
		if found = b.uploads[id]; found != nil && found.key == r.key {
			out = *found
		}
	})
	if err == nil && out.id == "" {
		err = noSuchUpload(id)
	}
	return out, err
}

// partNumber reads a part's number.
func partNumber(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxParts {
		return 0, invalidArgument("partNumber", text, "Part number must be an integer between 1 and 10000, inclusive")
	}
	return n, nil
}

func (s *Service) uploadPart(w http.ResponseWriter, r *request) error {
	number, err := partNumber(r.query.Get("partNumber"))
	if err != nil {
		return err
	}
	u, err := s.upload(r)
	if err != nil {
		return err
	}
	declared, err := declaredChecksum(r.header)
	if err != nil {
		return err
	}
	if u.algorithm != "" && declared.algorithm != "" && declared.algorithm != u.algorithm {
		return invalidRequest("Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
			strings.ToLower(string(u.algorithm)), strings.ToLower(string(declared.algorithm)))
	}
	if err := s.decrypt(r, u.encryption, place{r.bucket, r.region, r.key}); err != nil {
		return err
	}
	in, err := s.receive(r, u.partAlgorithm())
	if err != nil {
		return err
	}
	p := &part{
		number: number, content: contentOf(in.blob), size: in.blob.size, md5: u.encryption.sum(in.md5),
		checksum: in.checksum, modified: r.call.Now,
	}
	if err := s.addPart(r, u.id, p); err != nil {
		return err
	}
	if declared.algorithm != "" || u.algorithm != "" {
		w.Header().Set(p.checksum.algorithm.header(), p.checksum.value)
	}
	w.Header().Set("Etag", `"`+p.etag()+`"`)
	u.encryption.set(w.Header())
	w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Service) addPart(r *request, id string, p *part) error {
	missing := noSuchUpload(id)
	err := s.modify(r, func(b *bucket) {
		if u := b.uploads[id]; u != nil {
			u.parts[p.number], missing = p, nil
		}
	})
	if err == nil && missing != nil {
		return missing
	}
	return err
}

// copyRange is the one form of x-amz-copy-source-range.
var copyRange = regexp.MustCompile(`^bytes=(\d+)-(\d+)$`)

func (s *Service) uploadPartCopy(w http.ResponseWriter, r *request) error {
	number, err := partNumber(r.query.Get("partNumber"))
	if err != nil {
		return err
	}
	u, err := s.upload(r)
	if err != nil {
		return err
	}
	from, err := s.open(r)
	if err != nil {
		return err
	}
	where, err := copySpan(r.header.Get("X-Amz-Copy-Source-Range"), from)
	if err != nil {
		return err
	}
	if err := s.decrypt(r, u.encryption, place{r.bucket, r.region, r.key}); err != nil {
		return err
	}
	p, err := copyPart(u, from, where)
	if err != nil {
		return err
	}
	p.number, p.modified = number, r.call.Now
	if err := s.addPart(r, u.id, p); err != nil {
		return err
	}
	u.encryption.set(w.Header())
	x := newDocument("CopyPartResult")
	x.time("LastModified", p.modified)
	x.element("ETag", `"`+p.etag()+`"`)
	if u.algorithm != "" {
		x.element(u.algorithm.element(), p.checksum.value)
	}
	return x.write(w)
}

// copyPart makes a part of a piece of an object.
func copyPart(u upload, from *object, where span) (*part, error) {
	a := u.partAlgorithm()
	sum, check := md5.New(), a.hash() //nolint:gosec // ETags are MD5
	bytes := from.content.cut(where.offset, where.length)
	if err := bytes.copyTo(io.MultiWriter(sum, check)); err != nil {
		return nil, err
	}
	return &part{
		content: bytes, size: where.length, md5: u.encryption.sum(sum.Sum(nil)),
		checksum: checksum{algorithm: a, kind: fullObject, value: base64.StdEncoding.EncodeToString(check.Sum(nil))},
	}, nil
}

// partAlgorithm is the algorithm of a part that came without a checksum.
func (u *upload) partAlgorithm() algorithm {
	if u.algorithm == "" {
		return crc64NVME
	}
	return u.algorithm
}

// copySpan is the range of the source that UploadPartCopy takes, all of it by default.
func copySpan(header string, from *object) (span, error) {
	if header == "" {
		return span{length: from.size}, nil
	}
	const form = "The x-amz-copy-source-range value must be of the form bytes=first-last " +
		"where first and last are the zero-based offsets of the first and last bytes to copy"
	m := copyRange.FindStringSubmatch(header)
	if m == nil {
		return span{}, invalidArgument("x-amz-copy-source-range", header, form)
	}
	first, errFirst := strconv.ParseInt(m[1], 10, 64)
	last, errLast := strconv.ParseInt(m[2], 10, 64)
	switch {
	case errFirst != nil || errLast != nil || last < first:
		return span{}, invalidArgument("x-amz-copy-source-range", header, form)
	case first >= from.size:
		return span{}, invalidRequest("The specified copy range is invalid for the source object size")
	case last >= from.size:
		return span{}, invalidArgument("x-amz-copy-source-range", header,
			"Range specified is not valid for source object of size: "+strconv.FormatInt(from.size, 10))
	}
	return span{offset: first, length: last - first + 1}, nil
}

func (s *Service) abortUpload(w http.ResponseWriter, r *request) error {
	u, err := s.upload(r)
	if err != nil {
		return err
	}
	return s.change(w, r, http.StatusNoContent, func(b *bucket) { delete(b.uploads, u.id) })
}

func entityTooSmall(p *part) error {
	return protocol.NewError(http.StatusBadRequest, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size").
		With("PartNumber", p.number).With("ETag", p.etag()).With("ProposedSize", p.size).With("MinSizeAllowed", minPartSize)
}

func invalidPart(id string, c completedPart) error {
	return protocol.NewError(http.StatusBadRequest, "InvalidPart", "One or more of the specified parts could not be found.  "+
		"The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.").
		With("UploadId", id).With("PartNumber", c.Number).With("ETag", c.ETag)
}
