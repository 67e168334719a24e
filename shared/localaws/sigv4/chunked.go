package sigv4

import (
	"bufio"
	"bytes"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const (
	maxChunk       = 64 << 20 // more than any client sends in one chunk
	maxChunkHeader = 4 << 10

	trailerSignature = "x-amz-trailer-signature"
)

// chain is the running signature over the chunks of one payload.
type chain struct {
	key      []byte
	scope    string // time and credential scope
	previous string
}

// next checks the signature of what follows in the chain.
func (c *chain) next(kind, signature, digest string) error {
	parts := []string{kind, c.scope, c.previous, digest}
	want := hex.EncodeToString(hmacSHA256(c.key, strings.Join(parts, "\n")))
	if subtle.ConstantTimeCompare([]byte(want), []byte(signature)) != 1 {
		return fail(Mismatch, "The request signature we calculated does not match the signature you provided. "+
			"Check your key and signing method.")
	}
	c.previous = want
	return nil
}

// chunkedBody decodes aws-chunked framing. No byte of a signed chunk is handed out before its signature
// has been checked.
type chunkedBody struct {
	body     io.ReadCloser
	in       *bufio.Reader
	chain    *chain   // nil: the chunks are not signed
	trailers bool     // trailing headers follow the last chunk
	announce []string // names of those that must come
	expected int64    // decoded length
	request  *http.Request

	chunk []byte // checked and not yet read
	total int64
	err   error
}

// Read hands out the decoded payload.
func (c *chunkedBody) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(c.chunk) == 0 && c.err == nil {
		c.err = c.readChunk()
	}
	if len(c.chunk) == 0 {
		return 0, c.err
	}
	n := copy(p, c.chunk)
	c.chunk = c.chunk[n:]
	return n, nil
}

// Close closes the request's own body.
func (c *chunkedBody) Close() error { return c.body.Close() }

// readChunk reads and checks one chunk. It returns [io.EOF] after the last one and its trailers.
func (c *chunkedBody) readChunk() error {
	if c.in == nil {
		c.in = bufio.NewReader(c.body)
	}
	size, signature, err := c.readChunkHeader()
	if err != nil {
		return err
	}
	chunk := make([]byte, size)
	if _, err := io.ReadFull(c.in, chunk); err != nil {
		return incomplete(err)
	}
	if size > 0 || !c.trailers {
		if err := c.readLineEnd(size == 0); err != nil {
			return err
		}
	}
	if c.chain != nil {
		if err := c.chain.next(algorithm+"-PAYLOAD", signature, emptyHash+"\n"+hexSHA256(string(chunk))); err != nil {
			return err
		}
	}
	c.total += int64(size)
	if c.total > c.expected {
		return fail(BadPayload, "The request body is longer than x-amz-decoded-content-length.")
	}
	if size > 0 {
		c.chunk = chunk
		return nil
	}
	return c.finish()
}

// readChunkHeader reads `<size in hex>[;chunk-signature=<signature>]`.
func (c *chunkedBody) readChunkHeader() (size int, signature string, err error) {
	line, err := c.readLine()
	if err != nil {
		return 0, "", err
	}
	digits, extension, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(strings.TrimSpace(digits), 16, 32)
	if err != nil || n > maxChunk {
		return 0, "", fail(BadPayload, "The chunk header is malformed.")
	}
	if c.chain == nil {
		return int(n), "", nil
	}
	signature, found := strings.CutPrefix(extension, "chunk-signature=")
	if !found {
		return 0, "", fail(BadPayload, "The chunk header has no chunk-signature.")
	}
	return int(n), signature, nil
}

func (c *chunkedBody) readLine() (string, error) {
	var line []byte
	for {
		part, err := c.in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxChunkHeader {
			return "", fail(BadPayload, "A line of the chunk framing is too long.")
		}
		if err == nil {
			return strings.TrimRight(string(line), "\r\n"), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return "", incomplete(err)
		}
	}
}

// readLineEnd reads the line end after a chunk. Some clients leave out the last one of all.
func (c *chunkedBody) readLineEnd(last bool) error {
	var end [2]byte
	_, err := io.ReadFull(c.in, end[:])
	if last && errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return incomplete(err)
	}
	if !bytes.Equal(end[:], []byte("\r\n")) {
		return fail(BadPayload, "A chunk is longer than its header says.")
	}
	return nil
}

// finish checks what comes after the last chunk.
func (c *chunkedBody) finish() error {
	if c.total != c.expected {
		return incomplete(io.ErrUnexpectedEOF)
	}
	if c.trailers {
		if err := c.readTrailers(); err != nil {
			return err
		}
	}
	if rest, err := io.CopyN(io.Discard, c.in, 1); rest != 0 || !errors.Is(err, io.EOF) {
		return fail(BadPayload, "There is more after the last chunk.")
	}
	return io.EOF
}

// readTrailers reads the trailing headers and checks their signature.
func (c *chunkedBody) readTrailers() error {
	var signed strings.Builder
	signature := ""
	trailer := make(http.Header)
	for {
		line, err := c.readLine()
		if err != nil {
			return err
		}
		if line == "" && !c.signatureFollows(signature) {
			break
		}
		if line == "" {
			continue
		}
		name, value, found := strings.Cut(line, ":")
		if !found || len(trailer) > len(c.announce) {
			return fail(BadPayload, "The trailing headers are malformed.")
		}
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if name == trailerSignature {
			signature = value
			continue
		}
		signed.WriteString(name + ":" + value + "\n")
		trailer.Add(name, value)
	}
	if err := c.checkTrailers(trailer); err != nil {
		return err
	}
	if c.chain != nil {
		if err := c.chain.next(algorithm+"-TRAILER", signature, hexSHA256(signed.String())); err != nil {
			return err
		}
	}
	c.request.Trailer = trailer
	return nil
}

// signatureFollows says whether an empty line is not the end: S3's documentation has one between the
// trailing headers and their signature.
func (c *chunkedBody) signatureFollows(signature string) bool {
	if c.chain == nil || signature != "" {
		return false
	}
	next, err := c.in.Peek(len(trailerSignature))
	return err == nil && strings.EqualFold(string(next), trailerSignature)
}

// checkTrailers wants exactly the trailers that X-Amz-Trailer announced.
func (c *chunkedBody) checkTrailers(trailer http.Header) error {
	for _, name := range c.announce {
		if trailer.Get(name) == "" {
			return fail(BadPayload, "The trailing header %s is missing.", name)
		}
	}
	for name := range trailer {
		if !slices.Contains(c.announce, strings.ToLower(name)) {
			return fail(BadPayload, "A trailing header was not announced in x-amz-trailer.")
		}
	}
	return nil
}

func incomplete(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fail(Truncated, "You did not provide the number of bytes specified by the Content-Length HTTP header")
	}
	return err
}
