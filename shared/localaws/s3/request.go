package s3

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/policy"
)

// maxKeyLength is the longest key in bytes of UTF-8 ("Naming Amazon S3 objects").
const maxKeyLength = 1024

// request is a call as S3 understands it.
type request struct {
	call      *protocol.Call
	operation *operation
	bucket    string
	key       string
	query     url.Values
	header    http.Header // the call's headers and, of a presigned URL, the x-amz- parameters that stand for headers

	// Of the bucket, once it has been placed.
	owner  string
	region string
	policy *policy.Document

	// encryption is the bucket's default once it has been placed, and of a write what its object will have once that
	// has been decided.
	encryption encryption

	source *source // of a copy
	form   *form   // of a POST
}

// parse finds bucket, key and operation of a call.
func parse(c *protocol.Call) (*request, error) {
	query, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return nil, invalidURI()
	}
	r := &request{call: c, query: query, header: effectiveHeader(c, query)}
	r.bucket, r.key = split(c.Request)
	if !utf8.ValidString(r.key) {
		return nil, invalidURI()
	}
	if len(r.key) > maxKeyLength {
		return nil, keyTooLong(len(r.key))
	}
	if r.operation, err = route(r); err != nil {
		return nil, err
	}
	return r, nil
}

// split finds bucket and key in the host and the decoded path. Nothing of the path is cleaned: `//`, `..`
// and a slash at the end belong to the key.
func split(r *http.Request) (bucket, key string) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if bucket = bucketOfHost(r.Host); bucket != "" {
		return bucket, path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}

// bucketOfHost is the bucket of a virtual-hosted request, or empty.
func bucketOfHost(host string) string {
	name := hostname(host)
	for _, suffix := range []string{".localhost", ".amazonaws.com", ".amazonaws.com.cn"} {
		rest, found := strings.CutSuffix(name, suffix)
		if !found {
			continue
		}
		if suffix == ".localhost" {
			return rest
		}
		if i := strings.LastIndex("."+rest, ".s3"); i > 0 {
			return rest[:i-1]
		}
	}
	return ""
}

// endpointRegion is the region whose endpoint the host names: empty if the host is none of AWS's, or if it
// is the global one.
func endpointRegion(host string) string {
	name := hostname(host)
	i := strings.LastIndex("."+name, ".s3.")
	if i < 0 {
		return ""
	}
	region, _, found := strings.Cut(name[i+len("s3."):], ".amazonaws.com")
	if !found {
		return ""
	}
	return region
}

func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// signing are the parameters of a presigned URL that don't stand for a header.
var signing = []string{
	"x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-security-token",
	"x-amz-signature", "x-amz-signedheaders",
}

// effectiveHeader adds what a presigned URL carries in its query to the headers: S3 takes a signed
// x-amz- parameter for the header of that name.
func effectiveHeader(c *protocol.Call, query url.Values) http.Header {
	if !c.Presigned {
		return c.Request.Header
	}
	h := c.Request.Header.Clone()
	for name, values := range query {
		lower := strings.ToLower(name)
		if !strings.HasPrefix(lower, "x-amz-") || slices.Contains(signing, lower) {
			continue
		}
		if h.Get(name) == "" {
			h[http.CanonicalHeaderKey(name)] = values
		}
	}
	return h
}

// place finds the bucket of the request, and refuses the request if it went to the wrong place.
func (s *Service) place(r *request) error {
	s.mu.RLock()
	b := s.buckets[r.bucket]
	if b == nil {
		s.mu.RUnlock()
		return noSuchBucket(r.bucket)
	}
	r.owner, r.region, r.policy, r.encryption = b.account, b.region, b.document, b.encryption
	cors := b.cors
	s.mu.RUnlock()

	r.addHeader("X-Amz-Bucket-Region", r.region)
	allowOrigin(r, cors)
	if err := r.checkRegion(); err != nil {
		return err
	}
	expected := r.header.Get("X-Amz-Expected-Bucket-Owner")
	if expected != "" && expected != r.owner {
		return accessDenied()
	}
	return nil
}

// addHeader sets a header of whatever is answered, denials included.
func (r *request) addHeader(name, value string) {
	if r.call.Header == nil {
		r.call.Header = make(http.Header)
	}
	r.call.Header.Set(name, value)
}

// checkRegion redirects a request that was sent to another region than the bucket's, as a regional endpoint
// does (301, traps.md 35). All regions share one address here, so the signature's region tells which endpoint
// a client meant, unless the host says it. The global endpoint reaches the bucket's own region, which finds
// the signature's region wrong.
func (r *request) checkRegion() error {
	if r.call.Principal == nil {
		return nil
	}
	endpoint := endpointRegion(r.call.Request.Host)
	if endpoint == "" {
		endpoint = r.call.Region
		if strings.HasSuffix(hostname(r.call.Request.Host), "s3.amazonaws.com") {
			endpoint = r.region
		}
	}
	switch {
	case endpoint != r.region:
		return permanentRedirect(r.bucket, r.region)
	case r.call.Region != endpoint:
		return wrongRegion(r.call.Region, endpoint)
	}
	return nil
}

// param is a parameter of the query and whether it was sent at all.
func (r *request) param(name string) (value string, sent bool) {
	values, sent := r.query[name]
	if len(values) > 0 {
		value = values[0]
	}
	return value, sent
}
