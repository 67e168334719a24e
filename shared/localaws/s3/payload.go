package s3

import (
	"bytes"
	"crypto/md5" //nolint:gosec // ETags are MD5
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// maxPut is the largest body of one PUT: 5 GiB ("Uploading objects").
const maxPut = 5 << 30

// maxDocument is the largest XML or JSON body that is read.
const maxDocument = 2 << 20

// received is a body that has arrived whole and is what the request said it would be.
type received struct {
	blob     *blob
	md5      []byte
	checksum checksum
}

func hexOf(sum []byte) string { return hex.EncodeToString(sum) }

// receive reads the body into the spool and checks Content-MD5, checksum and length. An object that came
// without a checksum gets one of the algorithm otherwise.
func (s *Service) receive(r *request, otherwise algorithm) (received, error) {
	length, err := r.length()
	if err != nil {
		return received{}, err
	}
	check, err := r.newDigests(otherwise)
	if err != nil {
		return received{}, err
	}
	blob, err := s.spool.write(io.TeeReader(bodyOf(r), check))
	if err != nil {
		return received{}, bodyError(err)
	}
	if blob.size != length {
		return received{}, incompleteBody()
	}
	sum, err := check.verify(r)
	if err != nil {
		return received{}, err
	}
	return received{blob: blob, md5: check.md5.Sum(nil), checksum: sum}, nil
}

// document reads a body that is no object, checking it as receive does.
func (r *request) document() ([]byte, error) {
	check, err := r.newDigests(crc64NVME)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.TeeReader(io.LimitReader(bodyOf(r), maxDocument+1), check))
	if err != nil {
		return nil, bodyError(err)
	}
	if len(text) > maxDocument {
		return nil, protocol.NewError(http.StatusBadRequest, "MaxMessageLengthExceeded", "Your request was too big.").
			With("MaxMessageLengthBytes", maxDocument)
	}
	if _, err := check.verify(r); err != nil {
		return nil, err
	}
	return text, nil
}

// digestedXML reads a document into v. Such a request must prove that its body is whole.
func (r *request) digestedXML(v any) error {
	declared, err := declaredChecksum(r.header)
	if err != nil {
		return err
	}
	if r.header.Get("Content-Md5") == "" && declared.algorithm == "" {
		return invalidRequest("Missing required header for this request: Content-MD5")
	}
	text, err := r.document()
	if err != nil {
		return err
	}
	if err := xml.Unmarshal(text, v); err != nil {
		return malformedXML()
	}
	return nil
}

// bodyOf is the body, which a request without one has too.
func bodyOf(r *request) io.Reader {
	if r.call.Request.Body == nil {
		return bytes.NewReader(nil)
	}
	return r.call.Request.Body
}

// length is how long the body must be: without its chunk framing, if it has one.
func (r *request) length() (int64, error) {
	n := r.call.Request.ContentLength
	if decoded := r.header.Get("X-Amz-Decoded-Content-Length"); decoded != "" {
		var err error
		if n, err = strconv.ParseInt(decoded, 10, 64); err != nil || n < 0 {
			return 0, invalidArgument("x-amz-decoded-content-length", decoded, "Invalid value")
		}
	}
	switch {
	case n < 0:
		return 0, protocol.NewError(http.StatusLengthRequired, "MissingContentLength",
			"You must provide the Content-Length HTTP header.")
	case n > maxPut:
		return 0, entityTooLarge(n, maxPut)
	}
	return n, nil
}

// bodyError keeps an AWS error that the reader found, and takes any other for a client that stopped sending.
func bodyError(err error) error {
	if aws, ok := errors.AsType[*protocol.Error](err); ok {
		return aws
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return incompleteBody()
	}
	return fmt.Errorf("read body: %w", err)
}

func incompleteBody() error {
	return protocol.NewError(http.StatusBadRequest, "IncompleteBody",
		"You did not provide the number of bytes specified by the Content-Length HTTP header")
}

// digests are the sums of a body as it passes.
type digests struct {
	io.Writer
	md5      writerSum
	sum      writerSum
	declared declared
	computed algorithm
	wantMD5  []byte
}

// writerSum is what of a hash is needed at the end.
type writerSum interface{ Sum([]byte) []byte }

func (r *request) newDigests(otherwise algorithm) (*digests, error) {
	found, err := declaredChecksum(r.header)
	if err != nil {
		return nil, err
	}
	d := &digests{declared: found, computed: found.algorithm}
	if d.computed == "" {
		d.computed = otherwise
	}
	if text, sent := r.header["Content-Md5"]; sent {
		d.wantMD5, err = base64.StdEncoding.DecodeString(text[0])
		if err != nil || len(d.wantMD5) != md5.Size {
			return nil, protocol.NewError(http.StatusBadRequest, "InvalidDigest", "The Content-MD5 you specified was invalid.").
				With("Content-MD5", text[0])
		}
	}
	hash, sum := md5.New(), d.computed.hash() //nolint:gosec // ETags are MD5
	d.md5, d.sum, d.Writer = hash, sum, io.MultiWriter(hash, sum)
	return d, nil
}

// verify compares what was declared with what came, once all has come.
func (d *digests) verify(r *request) (checksum, error) {
	if sum := d.md5.Sum(nil); d.wantMD5 != nil && !bytes.Equal(sum, d.wantMD5) {
		return checksum{}, protocol.NewError(http.StatusBadRequest, "BadDigest",
			"The Content-MD5 you specified did not match what we received.").
			With("ExpectedDigest", base64.StdEncoding.EncodeToString(d.wantMD5)).
			With("CalculatedDigest", base64.StdEncoding.EncodeToString(sum))
	}
	got := checksum{algorithm: d.computed, kind: fullObject, value: base64.StdEncoding.EncodeToString(d.sum.Sum(nil))}
	if d.declared.algorithm == "" {
		return got, nil
	}
	want := d.declared.value
	if want == "" {
		want = r.call.Request.Trailer.Get(d.declared.algorithm.header())
		if _, ok := d.declared.algorithm.decode(want); !ok {
			return checksum{}, invalidChecksum(d.declared.algorithm)
		}
	}
	if want != got.value {
		return checksum{}, badDigest(string(d.declared.algorithm))
	}
	return got, nil
}
