package s3

import (
	"crypto/md5"  //nolint:gosec // ETags are MD5
	"crypto/sha1" //nolint:gosec // one of S3's checksums
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// algorithm is a checksum algorithm by its name in S3's elements: CRC32, CRC32C, CRC64NVME, SHA1, SHA256.
type algorithm string

const (
	crc32IEEE algorithm = "CRC32"
	crc32C    algorithm = "CRC32C"
	crc64NVME algorithm = "CRC64NVME"
	sha1Sum   algorithm = "SHA1"
	sha256Sum algorithm = "SHA256"
)

// algorithms in the order in which S3 names them.
var algorithms = []algorithm{crc32IEEE, crc32C, crc64NVME, sha1Sum, sha256Sum}

// nvme is the polynomial of CRC-64/NVME, reflected ("Checking object integrity for data uploads").
const nvme = 0x9a6c9329ac4bc9b5

func (a algorithm) hash() hash.Hash {
	switch a {
	case crc32IEEE:
		return crc32.NewIEEE()
	case crc32C:
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case sha1Sum:
		return sha1.New() //nolint:gosec // one of S3's checksums
	case sha256Sum:
		return sha256.New()
	case crc64NVME:
	}
	return crc64.New(crc64.MakeTable(nvme))
}

// header is the name of the header that carries a checksum of this algorithm.
func (a algorithm) header() string { return "X-Amz-Checksum-" + strings.ToLower(string(a)) }

// element is the name of the XML element that does.
func (a algorithm) element() string { return "Checksum" + string(a) }

// decode returns the bytes of a checksum as a header spells it.
func (a algorithm) decode(value string) ([]byte, bool) {
	sum, err := base64.StdEncoding.DecodeString(value)
	return sum, err == nil && len(sum) == a.hash().Size()
}

// parseAlgorithm takes the name of an algorithm in any case; empty stays empty.
func parseAlgorithm(name string) (algorithm, error) {
	a := algorithm(strings.ToUpper(name))
	if a == "" || slices.Contains(algorithms, a) {
		return a, nil
	}
	return "", invalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: " +
		"[CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
}

// How a checksum covers the object: its bytes, or the checksums of its parts.
const (
	fullObject = "FULL_OBJECT"
	composite  = "COMPOSITE"
)

// checksum is an object's own checksum as S3 keeps and returns it.
type checksum struct {
	algorithm algorithm
	kind      string // fullObject or composite
	value     string // base64; of a composite one followed by -N
}

func (c checksum) setHeader(h http.Header) {
	if c.algorithm != "" {
		h.Set(c.algorithm.header(), c.value)
		h.Set("X-Amz-Checksum-Type", c.kind)
	}
}

func (c checksum) write(x *document) {
	if c.algorithm != "" {
		x.element(c.algorithm.element(), c.value)
		x.element("ChecksumType", c.kind)
	}
}

// declared is the checksum that a request promises for its body: at the front, or after it in a trailer.
type declared struct {
	algorithm algorithm // empty: none
	value     string    // empty: in the trailer
}

// declaredChecksum finds what a request says about the checksum of its body.
func declaredChecksum(h http.Header) (declared, error) {
	if err := knownChecksums(h); err != nil {
		return declared{}, err
	}
	var found declared
	for _, a := range algorithms {
		for _, value := range h.Values(a.header()) {
			if found.algorithm != "" {
				return declared{}, invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
			}
			if _, ok := a.decode(value); !ok {
				return declared{}, invalidChecksum(a)
			}
			found = declared{algorithm: a, value: value}
		}
	}
	for name := range strings.SplitSeq(h.Get("X-Amz-Trailer"), ",") {
		trailing, is := strings.CutPrefix(strings.ToLower(strings.TrimSpace(name)), "x-amz-checksum-")
		if !is {
			continue
		}
		a, err := parseAlgorithm(trailing)
		if err != nil || found.algorithm != "" {
			return declared{}, invalidRequest("The value specified in the x-amz-trailer header is not supported")
		}
		found = declared{algorithm: a}
	}
	return found, found.agrees(h.Get("X-Amz-Sdk-Checksum-Algorithm"))
}

// knownChecksums refuses checksums that would go unchecked.
func knownChecksums(h http.Header) error {
	for name := range h {
		rest, is := strings.CutPrefix(name, "X-Amz-Checksum-")
		switch {
		case !is, rest == "Algorithm", rest == "Mode", rest == "Type":
		case !slices.Contains(algorithms, algorithm(strings.ToUpper(rest))):
			return headerNotImplemented(strings.ToLower(name), "")
		}
	}
	return nil
}

// agrees holds the declaration against the algorithm that the SDK says it used.
func (d declared) agrees(sdk string) error {
	switch {
	case sdk == "":
		return nil
	case d.algorithm == "":
		return invalidRequest("x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* " +
			"or x-amz-trailer headers were found.")
	case !strings.EqualFold(sdk, string(d.algorithm)):
		return invalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.")
	}
	return nil
}

func invalidChecksum(a algorithm) error {
	return invalidRequest("Value for %s header is invalid.", strings.ToLower(a.header()))
}

// compositeOf is the checksum of the parts' checksums, and how many they are.
func compositeOf(a algorithm, parts []*part) checksum {
	h := a.hash()
	for _, p := range parts {
		sum, _ := a.decode(p.checksum.value)
		_, _ = h.Write(sum) // hashes never fail
	}
	value := base64.StdEncoding.EncodeToString(h.Sum(nil)) + "-" + strconv.Itoa(len(parts))
	return checksum{algorithm: a, kind: composite, value: value}
}

// checksumOf is the checksum of the whole content.
func checksumOf(a algorithm, c content) (checksum, error) {
	h := a.hash()
	if err := c.copyTo(h); err != nil {
		return checksum{}, err
	}
	return checksum{algorithm: a, kind: fullObject, value: base64.StdEncoding.EncodeToString(h.Sum(nil))}, nil
}

// etagOfParts is the MD5 of the parts' MD5s with the number of parts: not the MD5 of the bytes (traps.md 41).
func etagOfParts(parts []*part) string {
	h := md5.New() //nolint:gosec // ETags are MD5
	for _, p := range parts {
		_, _ = h.Write(p.md5) // hashes never fail
	}
	return hexOf(h.Sum(nil)) + "-" + strconv.Itoa(len(parts))
}
