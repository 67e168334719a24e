package s3

import (
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// completedPart is a part as CompleteMultipartUpload lists it.
type completedPart struct {
	Number int    `xml:"PartNumber"`
	ETag   string `xml:"ETag"`

	CRC32     string `xml:"ChecksumCRC32"`
	CRC32C    string `xml:"ChecksumCRC32C"`
	CRC64NVME string `xml:"ChecksumCRC64NVME"`
	SHA1      string `xml:"ChecksumSHA1"`
	SHA256    string `xml:"ChecksumSHA256"`
}

func (c completedPart) checksum(a algorithm) string {
	switch a {
	case crc32IEEE:
		return c.CRC32
	case crc32C:
		return c.CRC32C
	case sha1Sum:
		return c.SHA1
	case sha256Sum:
		return c.SHA256
	case crc64NVME:
	}
	return c.CRC64NVME
}

func (s *Service) completeUpload(w http.ResponseWriter, r *request) error {
	condition, err := writeConditionOf(r.header)
	if err != nil {
		return err
	}
	listed, err := r.completedParts()
	if err != nil {
		return err
	}
	o, repeated := s.completed(r, listed)
	if !repeated {
		if o, err = s.complete(r, listed, condition); err != nil {
			return err
		}
	}
	answerWrite(w, o)
	w.Header().Del("Etag") // it is in the body
	x := newDocument("CompleteMultipartUploadResult")
	x.element("Location", r.location())
	x.element("Bucket", r.bucket)
	x.element("Key", r.key)
	x.element("ETag", `"`+o.etag+`"`)
	o.checksum.write(x)
	return x.write(w)
}

// location is the address of the object that a request has written.
func (r *request) location() string {
	return "https://" + r.bucket + ".s3." + r.region + "." + dnsSuffix(r.region) + "/" + urlEncode(r.key)
}

// ended is an upload that has become an object. Who doesn't get the answer may ask again ("CompleteMultipartUpload":
// the operation is idempotent).
type ended struct {
	listed []completedPart
	object *object // without its content
}

// completed is the object that the same request has made before, or false. The object may be gone since.
func (s *Service) completed(r *request, listed []completedPart) (*object, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := s.buckets[r.bucket]
	if b == nil {
		return nil, false
	}
	e, is := b.ended[r.query.Get("uploadId")]
	if !is || e.object.key != r.key || !slices.Equal(e.listed, listed) {
		return nil, false
	}
	return e.object, true
}

// complete makes the object of an upload.
func (s *Service) complete(r *request, listed []completedPart, condition writeCondition) (*object, error) {
	u, parts, err := s.partsOf(r, listed)
	if err != nil {
		return nil, err
	}
	if len(withoutChecksums(r.header)) < len(r.header) { // a checksum is held against the bytes
		if err := s.decrypt(r, u.encryption, place{r.bucket, r.region, r.key}); err != nil {
			return nil, err
		}
	}
	o, err := assemble(r, u, parts)
	if err != nil {
		return nil, err
	}
	return o, s.commitUpload(r, u.id, listed, o, condition)
}

func (r *request) completedParts() ([]completedPart, error) {
	var body struct {
		XMLName xml.Name        `xml:"CompleteMultipartUpload"`
		Parts   []completedPart `xml:"Part"`
	}
	// The checksum headers of this request are the object's, not the body's.
	plain := *r
	plain.header = withoutChecksums(r.header)
	text, err := plain.document()
	if err != nil {
		return nil, err
	}
	if len(text) == 0 {
		return nil, invalidRequest("You must specify at least one part")
	}
	if err := xml.Unmarshal(text, &body); err != nil {
		return nil, malformedXML()
	}
	if len(body.Parts) == 0 {
		return nil, malformedXML()
	}
	for i := range body.Parts {
		body.Parts[i].ETag = strings.Trim(body.Parts[i].ETag, `"`)
	}
	return body.Parts, nil
}

func withoutChecksums(h http.Header) http.Header {
	h = h.Clone()
	maps.DeleteFunc(h, func(name string, _ []string) bool {
		return strings.HasPrefix(name, "X-Amz-Checksum-") || name == "X-Amz-Sdk-Checksum-Algorithm"
	})
	return h
}

// partsOf finds the listed parts of an upload. They must be there as listed, in order, and big enough.
func (s *Service) partsOf(r *request, listed []completedPart) (upload, []*part, error) {
	u, err := s.upload(r)
	if err != nil {
		return upload{}, nil, err
	}
	have := make(map[int]*part)
	if err := s.view(r, func(*bucket) { maps.Copy(have, u.parts) }); err != nil {
		return upload{}, nil, err
	}
	parts := make([]*part, len(listed))
	for i, c := range listed {
		if i > 0 && c.Number <= listed[i-1].Number {
			return upload{}, nil, protocol.NewError(http.StatusBadRequest, "InvalidPartOrder",
				"The list of parts was not in ascending order. Parts must be ordered by part number.").With("UploadId", u.id)
		}
		parts[i] = have[c.Number]
		if err := u.checkPart(c, parts[i]); err != nil {
			return upload{}, nil, err
		}
	}
	for _, p := range parts[:len(parts)-1] {
		if p.size < minPartSize {
			return upload{}, nil, entityTooSmall(p)
		}
	}
	return u, parts, nil
}

// checkPart compares a part with how it is listed.
func (u *upload) checkPart(c completedPart, p *part) error {
	if p == nil || c.ETag != p.etag() {
		return invalidPart(u.id, c)
	}
	said := c.checksum(p.checksum.algorithm)
	switch {
	case said != "" && said != p.checksum.value:
		return invalidPart(u.id, c)
	case said == "" && u.kind == composite:
		return invalidRequest("The upload was created using a %s checksum. The complete request must include the checksum for each part. "+
			"It was missing for part %d in the request.", strings.ToLower(string(u.algorithm)), c.Number)
	}
	return nil
}

// assemble is the object that the parts make.
func assemble(r *request, u upload, parts []*part) (*object, error) {
	o := &object{key: u.key, etag: etagOfParts(parts), modified: r.call.Now, headers: u.headers, encryption: u.encryption}
	for _, p := range parts {
		o.content = append(o.content, p.content...)
		o.parts = append(o.parts, p.size)
		o.size += p.size
	}
	if said := r.header.Get("X-Amz-Mp-Object-Size"); said != "" && said != strconv.FormatInt(o.size, 10) {
		return nil, invalidRequest("The provided 'x-amz-mp-object-size' header value %s does not match what was computed: %d", said, o.size)
	}
	var err error
	switch {
	case u.kind == composite:
		o.checksum = compositeOf(u.algorithm, parts)
	case u.algorithm != "":
		o.checksum, err = checksumOf(u.algorithm, o.content)
	default:
		o.checksum, err = checksumOf(crc64NVME, o.content)
	}
	if err != nil {
		return nil, err
	}
	return o, u.checkObject(r.header, o)
}

// checkObject holds what the request says of the object's checksum against it.
func (u *upload) checkObject(h http.Header, o *object) error {
	if kind := h.Get("X-Amz-Checksum-Type"); kind != "" && !strings.EqualFold(kind, o.checksum.kind) {
		mode := u.kind
		if mode == "" {
			mode = "null"
		}
		return invalidRequest("The upload was created using the %s checksum mode. The complete request must use the same checksum mode.", mode)
	}
	for _, a := range algorithms {
		said := h.Get(a.header())
		if said != "" && (a != o.checksum.algorithm || strings.TrimSuffix(said, "-"+strconv.Itoa(len(o.parts))) !=
			strings.TrimSuffix(o.checksum.value, "-"+strconv.Itoa(len(o.parts)))) {
			return badDigest(strings.ToLower(string(o.checksum.algorithm)))
		}
	}
	return nil
}

// commitUpload ends an upload with its object. A condition that holds now, on a key that was written since the
// upload began, is a conflict.
func (s *Service) commitUpload(r *request, id string, listed []completedPart, o *object, condition writeCondition) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[r.bucket]
	if b == nil {
		return noSuchBucket(r.bucket)
	}
	u := b.uploads[id]
	if u == nil {
		return noSuchUpload(id)
	}
	if err := condition.check(o.key, b.current(o.key)); err != nil {
		return err
	}
	switch {
	case u.disturbed && condition.match != "":
		return conditionalConflict("If-Match", o.key)
	case u.disturbed && condition.absent:
		return conditionalConflict("If-None-Match", o.key)
	}
	delete(b.uploads, id)
	b.add(o)
	remembered := *o
	remembered.content = nil
	b.ended[id] = ended{listed: listed, object: &remembered}
	return nil
}
