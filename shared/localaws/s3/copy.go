package s3

import (
	"crypto/md5" //nolint:gosec // ETags are MD5
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/policy"
)

// source is what a copy reads.
type source struct {
	bucket, key, version string

	owner, region string
	policy        *policy.Document
}

func (f *source) access(action string, keys policy.Context) protocol.Access {
	return protocol.Access{
		Action: action, Resource: bucketARN(f.region, f.bucket) + "/" + f.key,
		ResourceAccount: f.owner, ResourcePolicy: f.policy, Context: keys,
	}
}

// copySource finds the source of a copy and its bucket.
func (s *Service) copySource(r *request) (*source, error) {
	from, err := parseCopySource(r.header.Get("X-Amz-Copy-Source"))
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	b := s.buckets[from.bucket]
	if b == nil {
		s.mu.RUnlock()
		return nil, noSuchBucket(from.bucket)
	}
	from.owner, from.region, from.policy = b.account, b.region, b.document
	s.mu.RUnlock()
	if want := r.header.Get("X-Amz-Source-Expected-Bucket-Owner"); want != "" && want != from.owner {
		return nil, accessDenied()
	}
	r.source = from
	return from, nil
}

// parseCopySource reads bucket, key and version. The header is URL-encoded, so that a bare `+` is a space and
// a bare `%` an error (traps.md 42).
func parseCopySource(header string) (*source, error) {
	path, query, _ := strings.Cut(strings.TrimPrefix(header, "/"), "?")
	version := ""
	if query != "" {
		values, err := url.ParseQuery(query)
		if err != nil || !values.Has("versionId") {
			return nil, invalidCopySource()
		}
		version = values.Get("versionId")
		if err := checkVersionID(version); err != nil {
			return nil, err
		}
	}
	decoded, err := url.QueryUnescape(path)
	if err != nil || !utf8.ValidString(decoded) {
		return nil, invalidCopySource()
	}
	bucket, key, found := strings.Cut(strings.TrimPrefix(decoded, "/"), "/")
	if !found || key == "" {
		return nil, invalidCopySource()
	}
	return &source{bucket: bucket, key: key, version: version}, nil
}

func invalidCopySource() error {
	return invalidArgument("x-amz-copy-source", "x-amz-copy-source", "Invalid copy source object key")
}

// open finds the object that a copy reads, and checks the conditions on it.
func (s *Service) open(r *request) (*object, error) {
	from := r.source
	s.mu.RLock()
	b := s.buckets[from.bucket]
	if b == nil {
		s.mu.RUnlock()
		return nil, noSuchBucket(from.bucket)
	}
	h, _ := b.objects.Get(from.key)
	s.mu.RUnlock()

	o := h.current()
	if from.version != "" {
		if o = h.find(from.version); o == nil {
			return nil, noSuchVersion(from.key, from.version)
		}
		if o.marker {
			return nil, invalidRequest("The source of a copy request may not specifically refer to a delete marker by version id.")
		}
	}
	if o == nil {
		list := from.access("s3:ListBucket", nil)
		list.Resource = bucketARN(from.region, from.bucket)
		if err := r.authorize(list, false); err != nil {
			return nil, err
		}
		return nil, noSuchKey(from.key)
	}
	if err := s.decrypt(r, o.encryption, place{from.bucket, from.region, from.key}); err != nil {
		return nil, err
	}
	return o, readConditionsOf(r.header, copyPrefix).check(o, r.call.Now)
}

func (s *Service) copyObject(w http.ResponseWriter, r *request) error {
	condition, err := writeConditionOf(r.header)
	if err != nil {
		return err
	}
	from, err := s.open(r)
	if err != nil {
		return err
	}
	if err := s.encrypt(r); err != nil {
		return err
	}
	to, err := copyOf(r, from)
	if err != nil {
		return err
	}
	if err := s.commit(r, to, condition); err != nil {
		return err
	}
	if r.source.version != "" {
		w.Header().Set("X-Amz-Copy-Source-Version-Id", r.source.version)
	}
	answerWrite(w, to)
	w.Header().Del("Etag") // it is in the body
	x := newDocument("CopyObjectResult")
	x.element("ETag", `"`+to.etag+`"`)
	x.time("LastModified", to.modified)
	to.checksum.write(x)
	return x.write(w)
}

// copyOf is the object that a copy makes: one piece with its own MD5, whatever the source was.
func copyOf(r *request, from *object) (*object, error) {
	if from.size > maxPut {
		return nil, invalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: %d", int64(maxPut))
	}
	own, err := copiedHeaders(r, from)
	if err != nil {
		return nil, err
	}
	to := &object{
		key: r.key, content: from.content, size: from.size, etag: from.etag, modified: r.call.Now,
		headers: own, checksum: from.checksum, encryption: r.encryption,
	}
	wanted, err := parseAlgorithm(r.header.Get("X-Amz-Checksum-Algorithm"))
	if err != nil {
		return nil, err
	}
	if wanted == "" {
		wanted = from.checksum.algorithm
	}
	if from.parts != nil || !from.encryption.managed() || !to.encryption.managed() {
		sum := md5.New() //nolint:gosec // ETags are MD5
		if err := from.content.copyTo(sum); err != nil {
			return nil, err
		}
		to.etag = hexOf(to.encryption.sum(sum.Sum(nil)))
	}
	if from.parts != nil || wanted != from.checksum.algorithm {
		to.checksum, err = checksumOf(wanted, from.content)
	}
	return to, err
}

// copiedHeaders are the source's own or, with the directive REPLACE, those of the request. An object can't be
// copied onto itself unless something changes.
func copiedHeaders(r *request, from *object) (headers, error) {
	sent, err := objectHeadersOf(r.header)
	if err != nil {
		return headers{}, err
	}
	directive := r.header.Get("X-Amz-Metadata-Directive")
	class := r.header.Get("X-Amz-Storage-Class")
	switch directive {
	case "REPLACE":
		return sent, nil
	case "", "COPY":
	default:
		return headers{}, invalidArgument("x-amz-metadata-directive", directive, "Unknown metadata directive.")
	}
	itself := r.source.bucket == r.bucket && r.source.key == r.key && r.source.version == ""
	if itself && class == "" && r.header.Get("X-Amz-Server-Side-Encryption") == "" {
		return headers{}, invalidRequest("This copy request is illegal because it is trying to copy an object to itself without " +
			"changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	own := from.headers
	own.storageClass = sent.storageClass
	return own, nil
}
