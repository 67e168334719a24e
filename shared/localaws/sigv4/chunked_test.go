package sigv4_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/arngate/arngate/shared/localaws/sigv4"
)

// The request and its signatures are the example of "Signature calculations for the authorization
// header: transferring payload in multiple chunks" (Amazon S3 API Reference).
func chunkedExample(ctx context.Context, body string) *http.Request {
	r := httptest.NewRequestWithContext(ctx, http.MethodPut, "/examplebucket/chunkObject.txt", strings.NewReader(body))
	r.Host = "s3.amazonaws.com"
	r.ContentLength = 66824
	r.Header = http.Header{
		"Content-Encoding":             {"aws-chunked"},
		"Content-Length":               {"66824"},
		"X-Amz-Content-Sha256":         {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD"},
		"X-Amz-Date":                   {"20130524T000000Z"},
		"X-Amz-Decoded-Content-Length": {"66560"},
		"X-Amz-Storage-Class":          {"REDUCED_REDUNDANCY"},
		"Authorization": {"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request," +
			"SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class," +
			"Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"},
	}
	return r
}

func exampleBody() string {
	return "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" +
		strings.Repeat("a", 65536) + "\r\n" +
		"400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" +
		strings.Repeat("a", 1024) + "\r\n" +
		"0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
}

func TestChunkedExample(t *testing.T) {
	now := time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	r := chunkedExample(t.Context(), exampleBody())
	body, err := verify(r, now)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(body), strings.Repeat("a", 66560); got != want {
		t.Errorf("body has %d bytes, want %d", len(got), len(want))
	}
	if r.ContentLength != 66560 || r.Header.Get("Content-Encoding") != "" {
		t.Errorf("length %d, encoding %q: the framing shows", r.ContentLength, r.Header.Get("Content-Encoding"))
	}
}

func TestChunkedRefusesTampering(t *testing.T) {
	now := time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	whole := exampleBody()
	last := strings.LastIndex(whole, "0;chunk-signature")
	second := strings.Index(whole, "400;chunk-signature")
	tests := map[string]struct {
		body string
		want sigv4.Kind
	}{
		"a byte of the first chunk":   {strings.Replace(whole, "aaa", "aba", 1), sigv4.Mismatch},
		"a byte of the second chunk":  {whole[:second+200] + "b" + whole[second+201:], sigv4.Mismatch},
		"the second chunk left out":   {whole[:second] + whole[last:], sigv4.Mismatch},
		"the last chunk left out":     {whole[:last], sigv4.Truncated},
		"cut within a chunk":          {whole[:1000], sigv4.Truncated},
		"something after the end":     {whole + "x", sigv4.BadPayload},
		"a signature that is missing": {strings.Replace(whole, ";chunk-signature=0055", ";x=0055", 1), sigv4.BadPayload},
		"a size that is no number":    {"zz" + whole, sigv4.BadPayload},
		"a size that is too large":    {"ffffffff" + whole[5:], sigv4.BadPayload},
		"an endless line":             {strings.Repeat("0", 10000), sigv4.BadPayload},
		"nothing":                     {"", sigv4.Truncated},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := verify(chunkedExample(t.Context(), test.body), now)
			if got := kindOf(err); got != test.want {
				t.Errorf("kind = %d (%v), want %d", got, err, test.want)
			}
		})
	}
}

// trailing builds a request whose checksum comes after the payload, signed or not.
func trailing(t *testing.T, now time.Time, payload string, signed bool) *http.Request {
	t.Helper()
	kind := "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	if signed {
		kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://127.0.0.1/b/k", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Content-Sha256", kind)
	r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
	r.Header.Set("X-Amz-Decoded-Content-Length", strconv.Itoa(len(payload)))
	r.Header.Set("Content-Encoding", "gzip,aws-chunked")
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err := signer.SignHTTP(t.Context(), keys, r, kind, "s3", "us-east-1", now); err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf("%x\r\n%s\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", len(payload), payload)
	if signed {
		_, seed, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
		body = signChunks(now, seed, payload)
	}
	in := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/b/k", strings.NewReader(body))
	in.Host, in.Header = "127.0.0.1", r.Header
	return in
}

// signChunks is an encoder of its own for chunk and trailer signatures.
func signChunks(now time.Time, seed, payload string) string {
	stamp := now.Format("20060102T150405Z")
	scope := now.Format("20060102") + "/us-east-1/s3/aws4_request"
	key := []byte("AWS4" + secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	next := func(kind, digest string) string {
		seed = hex.EncodeToString(mac(key, strings.Join([]string{kind, stamp, scope, seed, digest}, "\n")))
		return seed
	}
	var b bytes.Buffer
	for _, chunk := range []string{payload, ""} {
		signature := next("AWS4-HMAC-SHA256-PAYLOAD", hexHash(nil)+"\n"+hexHash([]byte(chunk)))
		fmt.Fprintf(&b, "%x;chunk-signature=%s\r\n%s", len(chunk), signature, chunk)
		if chunk != "" {
			b.WriteString("\r\n")
		}
	}
	const trailer = "x-amz-checksum-crc32:AAAAAA=="
	signature := next("AWS4-HMAC-SHA256-TRAILER", hexHash([]byte(trailer+"\n")))
	fmt.Fprintf(&b, "%s\r\nx-amz-trailer-signature:%s\r\n\r\n", trailer, signature)
	return b.String()
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

func TestTrailers(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, signed := range map[string]bool{"signed": true, "unsigned": false} {
		t.Run(name, func(t *testing.T) {
			r := trailing(t, now, "hello", signed)
			body, err := verify(r, now)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(body); got != "hello" {
				t.Errorf("body = %q", got)
			}
			if got, want := r.Trailer.Get("X-Amz-Checksum-Crc32"), "AAAAAA=="; got != want {
				t.Errorf("trailer = %q, want %q", got, want)
			}
			if got, want := r.Header.Get("Content-Encoding"), "gzip"; got != want {
				t.Errorf("Content-Encoding = %q, want %q", got, want)
			}
		})
	}
}

func TestTrailersRefuse(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		signed   bool
		old, new string
		want     sigv4.Kind
	}{
		"changed checksum":     {true, "AAAAAA==", "BBBBBB==", sigv4.Mismatch},
		"signature left out":   {true, "x-amz-trailer-signature", "x-amz-checksum-crc32", sigv4.Mismatch},
		"another trailer":      {false, "x-amz-checksum-crc32:AAAAAA==", "x-amz-acl:public-read", sigv4.BadPayload},
		"trailer left out":     {false, "x-amz-checksum-crc32:AAAAAA==\r\n", "", sigv4.BadPayload},
		"more than it says":    {false, "5\r\nhello", "6\r\nhello!", sigv4.BadPayload},
		"less than it says":    {false, "5\r\nhello", "4\r\nhell", sigv4.Truncated},
		"end of trailers lost": {false, "\r\n\r\n", "", sigv4.Truncated},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := trailing(t, now, "hello", test.signed)
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			r.Body = io.NopCloser(strings.NewReader(strings.Replace(string(body), test.old, test.new, 1)))
			_, err = verify(r, now)
			if got := kindOf(err); got != test.want {
				t.Errorf("kind = %d (%v), want %d", got, err, test.want)
			}
		})
	}
}

func FuzzChunked(f *testing.F) {
	f.Add([]byte(exampleBody()), true)
	f.Add([]byte("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"), false)
	now := time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	want := strings.Repeat("a", 66560)
	f.Fuzz(func(t *testing.T, body []byte, signed bool) {
		r := chunkedExample(t.Context(), string(body))
		if !signed {
			r = trailing(t, now, "hello", false)
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		got, err := verify(r, now)
		if err == nil && signed && string(got) != want {
			t.Fatalf("a payload that was not signed came through: %q", got)
		}
	})
}
