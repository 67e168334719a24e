package s3

import (
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// maxMetadata is how many bytes the names and values of user metadata may take together.
const maxMetadata = 2048

// headers are what an object returns with its bytes.
type headers struct {
	standard     map[string]string // Content-Type and the like, by canonical name
	meta         map[string]string // user metadata by its lower-case name without x-amz-meta-
	storageClass string
}

// standardHeaders are kept as they were sent.
var standardHeaders = []string{"Content-Type", "Content-Disposition", "Content-Language", "Cache-Control", "Expires"}

// storageClasses that an object can be put into and read from at once.
var storageClasses = []string{
	"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR",
}

// Headers that ask for what is not there. A header that would be ignored must not seem to work.
var (
	objectHeaders = []string{
		"X-Amz-Tagging", "X-Amz-Website-Redirect-Location", "X-Amz-Object-Lock-Mode",
		"X-Amz-Object-Lock-Retain-Until-Date", "X-Amz-Object-Lock-Legal-Hold", "X-Amz-Write-Offset-Bytes",
		"X-Amz-Server-Side-Encryption-Customer-Algorithm", "X-Amz-Server-Side-Encryption-Customer-Key",
		"X-Amz-Copy-Source-Server-Side-Encryption-Customer-Algorithm",
	}
	bucketHeaders = []string{"X-Amz-Bucket-Object-Lock-Enabled", "X-Amz-Object-Ownership"}
	grantHeaders  = []string{
		"X-Amz-Grant-Full-Control", "X-Amz-Grant-Read", "X-Amz-Grant-Read-Acp", "X-Amz-Grant-Write", "X-Amz-Grant-Write-Acp",
	}
)

func refuseHeaders(h http.Header, names []string) error {
	for _, name := range names {
		if value := h.Get(name); value != "" && !strings.EqualFold(value, "false") {
			return headerNotImplemented(strings.ToLower(name), "")
		}
	}
	return nil
}

// objectHeadersOf reads what a write says about the object besides its bytes.
func objectHeadersOf(h http.Header) (headers, error) {
	if err := refuseHeaders(h, objectHeaders); err != nil {
		return headers{}, err
	}
	if err := checkACL(h); err != nil {
		return headers{}, err
	}
	out := headers{standard: make(map[string]string), storageClass: h.Get("X-Amz-Storage-Class")}
	if out.storageClass == "" {
		out.storageClass = "STANDARD"
	}
	if !slices.Contains(storageClasses, out.storageClass) {
		return headers{}, protocol.NewError(http.StatusBadRequest, "InvalidStorageClass",
			"The storage class you specified is not valid").With("StorageClassRequested", out.storageClass)
	}
	for _, name := range standardHeaders {
		if value := h.Get(name); value != "" {
			out.standard[name] = value
		}
	}
	if encoding := contentEncoding(h); encoding != "" {
		out.standard["Content-Encoding"] = encoding
	}
	if out.standard["Content-Type"] == "" {
		out.standard["Content-Type"] = "binary/octet-stream"
	}
	var err error
	out.meta, err = metadataOf(h)
	return out, err
}

// contentEncoding is the object's own encoding: aws-chunked says how it was sent, not what it is.
func contentEncoding(h http.Header) string {
	var own []string
	for encoding := range strings.SplitSeq(strings.Join(h.Values("Content-Encoding"), ","), ",") {
		if encoding = strings.TrimSpace(encoding); encoding != "" && !strings.EqualFold(encoding, "aws-chunked") {
			own = append(own, encoding)
		}
	}
	return strings.Join(own, ",")
}

// metadataOf reads the user metadata, several headers of one name joined.
func metadataOf(h http.Header) (map[string]string, error) {
	meta, size := make(map[string]string), 0
	for name, values := range h {
		key, is := strings.CutPrefix(strings.ToLower(name), "x-amz-meta-")
		if !is {
			continue
		}
		value := strings.Join(values, ",")
		meta[key] = value
		size += len(key) + len(value)
	}
	if size > maxMetadata {
		return nil, protocol.NewError(http.StatusBadRequest, "MetadataTooLarge",
			"Your metadata headers exceed the maximum allowed metadata size").
			With("Size", size).With("MaxSizeAllowed", maxMetadata)
	}
	return meta, nil
}

// checkACL accepts the two canned ACLs that mean what a bucket without ACLs does anyway; a bucket made today
// refuses any other ("Controlling ownership of objects and disabling ACLs for your bucket").
func checkACL(h http.Header) error {
	acl := h.Get("X-Amz-Acl")
	granted := slices.ContainsFunc(grantHeaders, func(name string) bool { return h.Get(name) != "" })
	switch {
	case acl != "" && granted:
		return invalidRequest("Specifying both Canned ACLs and Header Grants is not allowed")
	case acl == "" && !granted, acl == "private", acl == "bucket-owner-full-control":
		return nil
	}
	return protocol.NewError(http.StatusBadRequest, "AccessControlListNotSupported", "The bucket does not allow ACLs")
}

// set writes the headers of an answer that has the object.
func (o headers) set(h http.Header) {
	for name, value := range o.standard {
		h.Set(name, value)
	}
	for name, value := range o.meta {
		// AWS sends these names in lower case, and clients hand them on as they come.
		h["x-amz-meta-"+name] = []string{asciiValue(value)}
	}
	if o.storageClass != "STANDARD" {
		h.Set("X-Amz-Storage-Class", o.storageClass)
	}
}

// asciiValue encodes metadata that is not plain ASCII as RFC 2047 has it, as S3 does.
func asciiValue(value string) string {
	for _, r := range value {
		if r < ' ' || r > '~' {
			return mime.BEncoding.Encode("UTF-8", value)
		}
	}
	return value
}
