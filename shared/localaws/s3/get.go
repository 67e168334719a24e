package s3

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// overrides are the parameters of a signed GET that replace headers of its answer.
var overrides = map[string]string{
	"response-cache-control":       "Cache-Control",
	"response-content-disposition": "Content-Disposition",
	"response-content-encoding":    "Content-Encoding",
	"response-content-language":    "Content-Language",
	"response-content-type":        "Content-Type",
	"response-expires":             "Expires",
}

func (s *Service) getObject(w http.ResponseWriter, r *request) error {
	o, where, err := s.read(w, r)
	if err != nil {
		return err
	}
	w.WriteHeader(where.status())
	if err := o.content.cut(where.offset, where.length).copyTo(w); err != nil {
		// The status is sent: all that is left is to cut the connection, so that the client sees a short body.
		panic(http.ErrAbortHandler)
	}
	return nil
}

func (s *Service) headObject(w http.ResponseWriter, r *request) error {
	_, where, err := s.read(w, r)
	if err != nil {
		return err
	}
	w.WriteHeader(where.status())
	return nil
}

// read finds the object of a GET or HEAD, checks the conditions and sets the headers of the answer.
func (s *Service) read(w http.ResponseWriter, r *request) (*object, span, error) {
	o, versioned, err := s.lookup(r)
	if err != nil {
		return nil, span{}, err
	}
	checked := strings.EqualFold(r.header.Get("X-Amz-Checksum-Mode"), "ENABLED")
	if checked || r.call.Request.Method == http.MethodGet { // the rest of a HEAD's answer is not encrypted
		if err := s.decrypt(r, o.encryption, place{r.bucket, r.region, o.key}); err != nil {
			return nil, span{}, err
		}
	}
	if err := readConditionsOf(r.header, "").check(o, r.call.Now); err != nil {
		return nil, span{}, err
	}
	where, err := spanOf(r, o)
	if err != nil {
		return nil, span{}, err
	}
	replaced, err := r.overrides()
	if err != nil {
		return nil, span{}, err
	}
	h := w.Header()
	o.headers.set(h)
	h.Set("Etag", `"`+o.etag+`"`)
	h.Set("Last-Modified", httpTime(o.modified))
	h.Set("Accept-Ranges", "bytes")
	o.encryption.set(h)
	if versioned {
		h.Set("X-Amz-Version-Id", o.version)
	}
	where.setHeaders(h, o)
	if checked && where.length == o.size {
		o.checksum.setHeader(h)
	}
	for name, value := range replaced {
		h.Set(name, value)
	}
	return o, where, nil
}

// lookup finds the object that a request names: the current version or the one it asks for.
func (s *Service) lookup(r *request) (o *object, versioned bool, err error) {
	s.mu.RLock()
	b := s.buckets[r.bucket]
	if b == nil {
		s.mu.RUnlock()
		return nil, false, noSuchBucket(r.bucket)
	}
	h, _ := b.objects.Get(r.key)
	versioned = b.versioning != ""
	s.mu.RUnlock()

	version, named := r.param("versionId")
	if named {
		o, err = h.named(r, version)
		return o, versioned, err
	}
	if o = h.current(); o == nil {
		return nil, false, h.gone(r)
	}
	return o, versioned, nil
}

// named is the version that a request asks for.
func (h history) named(r *request, version string) (*object, error) {
	if err := checkVersionID(version); err != nil {
		return nil, err
	}
	o := h.find(version)
	switch {
	case o == nil:
		return nil, noSuchVersion(r.key, version)
	case o.marker:
		return nil, methodNotAllowed(r.call.Request.Method, "DeleteMarker").
			WithHeader("X-Amz-Delete-Marker", "true").WithHeader("X-Amz-Version-Id", version).
			WithHeader("Last-Modified", httpTime(o.modified))
	}
	return o, nil
}

// gone answers for a key without a current version; a delete marker shows itself in the headers.
func (h history) gone(r *request) error {
	err := r.missing(r.key)
	if aws, ok := err.(*protocol.Error); ok && len(h) > 0 && aws.Code == "NoSuchKey" { //nolint:errorlint // built right above, never wrapped
		return aws.WithHeader("X-Amz-Delete-Marker", "true").WithHeader("X-Amz-Version-Id", h[0].version)
	}
	return err
}

// versionID is what version ids of ours look like: on AWS, too, one that can't be is told from one that isn't.
var versionID = regexp.MustCompile(`^(null|[A-Z2-7]{26})$`)

func checkVersionID(version string) error {
	if version == "" {
		return invalidArgument("versionId", "", "Version id cannot be the empty string")
	}
	if !versionID.MatchString(version) {
		return invalidArgument("versionId", version, "Invalid version id specified")
	}
	return nil
}

// overrides are the headers that response-* parameters replace, which only a signed request may have.
func (r *request) overrides() (map[string]string, error) {
	replaced := make(map[string]string)
	for parameter, name := range overrides {
		value, sent := r.param(parameter)
		if sent && r.call.Principal == nil {
			return nil, invalidRequest("Request specific response headers cannot be used for anonymous GET requests.")
		}
		if sent {
			replaced[name] = value
		}
	}
	return replaced, nil
}

// span is the part of an object that is answered.
type span struct {
	offset, length int64
	partial        bool // 206, with Content-Range
	parts          int  // how many parts the object has, where one was asked for
}

func (s span) status() int {
	if s.partial {
		return http.StatusPartialContent
	}
	return http.StatusOK
}

func (s span) setHeaders(h http.Header, o *object) {
	h.Set("Content-Length", strconv.FormatInt(s.length, 10))
	if s.partial {
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", s.offset, s.offset+s.length-1, o.size))
	}
	if s.parts > 0 {
		h.Set("X-Amz-Mp-Parts-Count", strconv.Itoa(s.parts))
	}
}

// byteRange is the one form of Range that S3 knows. It ignores others, several ranges too.
var byteRange = regexp.MustCompile(`^bytes=(\d*)-(\d*)$`)

// spanOf is what Range or partNumber ask for, or else everything.
func spanOf(r *request, o *object) (span, error) {
	header := r.header.Get("Range")
	number, byPart := r.param("partNumber")
	switch {
	case byPart && header != "":
		return span{}, invalidRequest("Cannot specify both Range header and partNumber query parameter")
	case byPart:
		return partSpan(o, number)
	}
	m := byteRange.FindStringSubmatch(header)
	if m == nil || m[1] == "" && m[2] == "" {
		return span{length: o.size}, nil
	}
	return rangeSpan(o, header, m[1], m[2])
}

func rangeSpan(o *object, header, first, last string) (span, error) {
	if first == "" {
		suffix, err := strconv.ParseInt(last, 10, 64)
		if err != nil || suffix > o.size {
			suffix = o.size
		}
		if suffix == 0 {
			return span{}, invalidRange(o, header)
		}
		return span{offset: o.size - suffix, length: suffix, partial: true}, nil
	}
	start, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return span{}, invalidRange(o, header)
	}
	end := o.size - 1
	if last != "" {
		if n, err := strconv.ParseInt(last, 10, 64); err == nil {
			if n < start {
				return span{length: o.size}, nil
			}
			end = min(end, n)
		}
	}
	if start >= o.size {
		return span{}, invalidRange(o, header)
	}
	return span{offset: start, length: end - start + 1, partial: true}, nil
}

func invalidRange(o *object, header string) error {
	return protocol.NewError(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable").
		With("RangeRequested", header).With("ActualObjectSize", o.size)
}

// partSpan is one part of a multipart object. Any other object is one part.
func partSpan(o *object, text string) (span, error) {
	number, err := partNumber(text)
	if err != nil {
		return span{}, err
	}
	sizes := o.parts
	if sizes == nil {
		sizes = []int64{o.size}
	}
	if number > len(sizes) {
		return span{}, protocol.NewError(http.StatusRequestedRangeNotSatisfiable, "InvalidPartNumber",
			"The requested partnumber is not satisfiable").
			With("PartNumberRequested", number).With("ActualPartCount", len(sizes))
	}
	out := span{partial: o.size > 0, length: sizes[number-1], parts: len(o.parts)}
	for _, size := range sizes[:number-1] {
		out.offset += size
	}
	return out, nil
}
