package s3

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// maxKeys is how many entries a page holds at most, and if nothing else is said.
const maxKeys = 1000

// listRequest is what the listings of keys have in common.
type listRequest struct {
	listing

	encode    func(string) string // of keys, prefixes, delimiters and markers
	encodeURL bool
}

func (r *request) listRequest() (listRequest, error) {
	limit, err := r.limit("max-keys", "maxKeys")
	if err != nil {
		return listRequest{}, err
	}
	l := listRequest{listing: listing{prefix: r.query.Get("prefix"), delimiter: r.query.Get("delimiter"), limit: limit}}
	l.encode = func(s string) string { return s }
	switch encoding, sent := r.param("encoding-type"); {
	case sent && encoding != "url":
		return listRequest{}, invalidArgument("encoding-type", encoding, "Invalid Encoding Method specified in Request")
	case sent:
		l.encode, l.encodeURL = urlEncode, true
	}
	return l, nil
}

// limit reads how many entries a page may hold: from 0, and 1,000 where more is asked for.
func (r *request) limit(parameter, argument string) (int, error) {
	text, sent := r.param(parameter)
	if !sent || text == "" {
		return maxKeys, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, invalidArgument(parameter, text, "Provided "+parameter+" not an integer or within integer range")
	}
	if n < 0 || n > math.MaxInt32 {
		return 0, invalidArgument(argument, text, "Argument "+argument+" must be an integer between 0 and 2147483647")
	}
	return int(min(n, maxKeys)), nil
}

// urlEncode is encoding-type=url: a space becomes a plus sign, and of the marks only - _ . * and / stay.
func urlEncode(s string) string {
	s = url.QueryEscape(s)
	return strings.NewReplacer("%2F", "/", "%2A", "*", "~", "%7E").Replace(s)
}

func (s *Service) pageOf(r *request, l listing) ([]entry, bool, error) {
	var entries []entry
	var truncated bool
	err := s.view(r, func(b *bucket) { entries, truncated = l.page(&b.objects) })
	return entries, truncated, err
}

func (s *Service) listObjectsV2(w http.ResponseWriter, r *request) error {
	l, err := r.listRequest()
	if err != nil {
		return err
	}
	start := r.query.Get("start-after")
	l.after = start
	token, resumed := r.param("continuation-token")
	if resumed {
		if l.after, err = parseToken(token); err != nil {
			return err
		}
	}
	entries, truncated, err := s.pageOf(r, l.listing)
	if err != nil {
		return err
	}
	x := newDocument("ListBucketResult")
	x.element("Name", r.bucket)
	x.element("Prefix", l.encode(l.prefix))
	if resumed {
		x.element("ContinuationToken", token)
	} else {
		x.optional("StartAfter", l.encode(start))
	}
	x.number("KeyCount", int64(len(entries)))
	l.common(x, truncated)
	if truncated {
		x.element("NextContinuationToken", newToken(entries[len(entries)-1].name))
	}
	x.entries(entries, l.encode, r.query.Get("fetch-owner") == "true", r.owner)
	return x.write(w)
}

func (s *Service) listObjects(w http.ResponseWriter, r *request) error {
	l, err := r.listRequest()
	if err != nil {
		return err
	}
	l.after = r.query.Get("marker")
	entries, truncated, err := s.pageOf(r, l.listing)
	if err != nil {
		return err
	}
	x := newDocument("ListBucketResult")
	x.element("Name", r.bucket)
	x.element("Prefix", l.encode(l.prefix))
	x.element("Marker", l.encode(l.after))
	if truncated && l.delimiter != "" {
		x.element("NextMarker", l.encode(entries[len(entries)-1].name))
	}
	l.common(x, truncated)
	x.entries(entries, l.encode, true, r.owner)
	return x.write(w)
}

func (l listRequest) common(x *document, truncated bool) {
	x.number("MaxKeys", int64(l.limit))
	x.optional("Delimiter", l.encode(l.delimiter))
	if l.encodeURL {
		x.element("EncodingType", "url")
	}
	x.flag("IsTruncated", truncated)
}

// entries writes objects, then common prefixes.
func (x *document) entries(entries []entry, encode func(string) string, withOwner bool, account string) {
	for _, e := range entries {
		if e.object == nil {
			continue
		}
		end := x.start("Contents")
		x.element("Key", encode(e.name))
		x.objectFields(e.object)
		if withOwner {
			x.owner("Owner", account)
		}
		end()
	}
	for _, e := range entries {
		if e.object == nil {
			x.commonPrefix(encode(e.name))
		}
	}
}

func (x *document) commonPrefix(prefix string) {
	end := x.start("CommonPrefixes")
	x.element("Prefix", prefix)
	end()
}

// objectFields writes what every listing says of an object.
func (x *document) objectFields(o *object) {
	x.time("LastModified", o.modified)
	x.element("ETag", `"`+o.etag+`"`)
	x.element("ChecksumAlgorithm", string(o.checksum.algorithm))
	x.element("ChecksumType", o.checksum.kind)
	x.number("Size", o.size)
	x.element("StorageClass", o.headers.storageClass)
}

// newToken is the continuation token behind an entry. A checksum tells tokens from what clients make up.
func newToken(name string) string {
	token := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(name)))
	return base64.StdEncoding.EncodeToString(append(token, name...))
}

func parseToken(token string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(token)
	if err != nil || len(raw) < 4 || crc32.ChecksumIEEE(raw[4:]) != binary.BigEndian.Uint32(raw) {
		return "", protocol.NewError(http.StatusBadRequest, "InvalidArgument", "The continuation token provided is incorrect").
			With("ArgumentName", "continuation-token")
	}
	return string(raw[4:]), nil
}
