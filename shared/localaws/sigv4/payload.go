package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// What may stand for the hash of a payload ("Transferring payload in multiple chunks", Amazon S3 API
// Reference).
const (
	unsignedPayload        = "UNSIGNED-PAYLOAD"
	streamingSigned        = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamingSignedTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	streamingUnsigned      = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

	emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// PayloadHash is what the canonical request of an S3 request holds for its payload. A presigned request
// that names none leaves its payload unsigned.
func (s *Signed) PayloadHash() string {
	if s.payload == "" && s.Presigned {
		return unsignedPayload
	}
	return s.payload
}

// OpenPayload replaces the body of an S3 request, whose signature has been verified, by one that checks
// what was signed about the payload while it is read, removes chunk framing, and puts trailing headers
// into r.Trailer at the end. Reads that find the payload wrong fail with an *Error, as does OpenPayload
// where the header alone shows it. ContentLength becomes that of the decoded payload.
func (s *Signed) OpenPayload(r *http.Request, secret string) error {
	switch p := s.PayloadHash(); p {
	case unsignedPayload:
		return nil
	case streamingSigned, streamingSignedTrailer, streamingUnsigned:
		return s.openChunked(r, secret, p)
	default:
		return openHashed(r, p)
	}
}

func openHashed(r *http.Request, want string) error {
	if strings.HasPrefix(want, "STREAMING-") {
		return fail(Unsupported, "The value of x-amz-content-sha256 is not supported.")
	}
	if raw, err := hex.DecodeString(want); err != nil || len(raw) != sha256.Size {
		return fail(BadPayload, "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "+
			"STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, "+
			"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER "+
			"or a valid sha256 value.")
	}
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		if want != emptyHash {
			return payloadMismatch(want, emptyHash)
		}
		return nil
	}
	r.Body = &hashedBody{body: r.Body, sum: sha256.New(), want: want}
	return nil
}

func payloadMismatch(want, got string) *Error {
	e := fail(PayloadMismatch, "The provided 'x-amz-content-sha256' header does not match what was computed.")
	e.Fields = map[string]string{"ClientComputedContentSHA256": want, "S3ComputedContentSHA256": got}
	return e
}

// hashedBody fails at its end if it was not the payload that was signed.
type hashedBody struct {
	body io.ReadCloser
	sum  hash.Hash
	want string
}

// Read reads on, and checks the hash at the end.
func (b *hashedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	b.sum.Write(p[:n])
	if err == io.EOF {
		if got := hex.EncodeToString(b.sum.Sum(nil)); got != b.want {
			return n, payloadMismatch(b.want, got)
		}
	}
	return n, err
}

// Close closes the request's own body.
func (b *hashedBody) Close() error { return b.body.Close() }

func (s *Signed) openChunked(r *http.Request, secret, payload string) error {
	length, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
	if err != nil || length < 0 {
		return fail(BadPayload, "You must provide the Content-Length HTTP header.")
	}
	c := &chunkedBody{
		body:     r.Body,
		trailers: payload != streamingSigned,
		expected: length,
		announce: announcedTrailers(r),
		request:  r,
	}
	if payload != streamingUnsigned {
		c.chain = &chain{
			key:      s.key(secret),
			scope:    s.Time.Format(timeFormat) + "\n" + s.scope(),
			previous: s.signature,
		}
	}
	r.Body, r.ContentLength = c, length
	r.Header.Set("Content-Length", strconv.FormatInt(length, 10))
	removeChunkedEncoding(r.Header)
	return nil
}

// announcedTrailers are the trailing headers that a request promises.
func announcedTrailers(r *http.Request) []string {
	var names []string
	for name := range strings.SplitSeq(strings.Join(r.Header.Values("X-Amz-Trailer"), ","), ",") {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// removeChunkedEncoding takes aws-chunked out of Content-Encoding, as S3 does before storing it.
func removeChunkedEncoding(h http.Header) {
	var rest []string
	for coding := range strings.SplitSeq(strings.Join(h.Values("Content-Encoding"), ","), ",") {
		if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "aws-chunked") {
			rest = append(rest, coding)
		}
	}
	if len(rest) == 0 {
		h.Del("Content-Encoding")
		return
	}
	h.Set("Content-Encoding", strings.Join(rest, ","))
}
