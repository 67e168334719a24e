package sigv4_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/arngate/arngate/shared/localaws/sigv4"
)

//nolint:gosec // G101: the secret of AWS's own examples.
const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

//nolint:gosec // G101: the key of AWS's own examples.
var keys = aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: secret}

// verify is what a server does with a request: the body's hash for all services but S3, whose payload is
// checked while it is read.
func verify(r *http.Request, now time.Time) ([]byte, error) {
	signed, err := sigv4.Parse(r)
	if err != nil {
		return nil, err
	}
	if signed.Service == "s3" {
		if err := signed.Verify(r, secret, "", now); err != nil {
			return nil, err
		}
		if err := signed.OpenPayload(r, secret); err != nil {
			return nil, err
		}
		return io.ReadAll(r.Body)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	return body, signed.Verify(r, secret, hexHash(body), now)
}

func hexHash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// kindOf is the kind of a refusal; -1 for any other error or none.
func kindOf(err error) sigv4.Kind {
	if e, ok := errors.AsType[*sigv4.Error](err); ok {
		return e.Kind
	}
	return -1
}

// sent is the request as a server receives it: parsed from the wire.
func sent(t interface{ Fatal(...any) }, r *http.Request) *http.Request {
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	line, rest, _ := strings.Cut(wire.String(), "\r\n")
	method, target, _ := strings.Cut(line, " ")
	target = strings.TrimSuffix(target, " HTTP/1.1")
	in := httptest.NewRequestWithContext(context.Background(), method, target, nil)
	head, body, _ := strings.Cut(rest, "\r\n\r\n")
	in.Header = make(http.Header)
	for header := range strings.SplitSeq(head, "\r\n") {
		name, value, _ := strings.Cut(header, ": ")
		if name == "Host" {
			in.Host = value
			continue
		}
		in.Header.Add(name, value)
	}
	in.Body, in.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	return in
}

// request is a request of any shape to sign.
type request struct {
	Service, Method, Path, Query, Body string
	Header                             map[string]string
	Presigned                          bool
}

func drawRequest(t *rapid.T) request {
	text := rapid.StringOfN(rapid.RuneFrom([]rune("aZ0-._~!*'();:@&=+$,/?#[]% éß漢")), 0, 12, -1)
	query := make(url.Values)
	for range rapid.IntRange(0, 3).Draw(t, "parameters") {
		query.Add(rapid.StringMatching(`[a-zA-Z][a-zA-Z -]{0,5}`).Draw(t, "name"), text.Draw(t, "value"))
	}
	service := rapid.SampledFrom([]string{"s3", "dynamodb", "lambda", "sts"}).Draw(t, "service")
	root := "/"
	if service != "s3" {
		root = "/x" // the SDK signs a path of dots as it is, where AWS removes them; S3 has keys of dots
	}
	return request{
		Service:   service,
		Method:    rapid.SampledFrom([]string{"GET", "PUT", "POST", "DELETE"}).Draw(t, "method"),
		Path:      root + rapid.StringOfN(rapid.RuneFrom([]rune("abZ09-._~ +:@!*'(),é漢")), 0, 12, -1).Draw(t, "path"),
		Query:     query.Encode(),
		Body:      text.Draw(t, "body"),
		Header:    map[string]string{"X-Amz-Meta-Note": strings.TrimSpace(rapid.StringMatching(`[a-z ,"]{0,12}`).Draw(t, "note"))},
		Presigned: rapid.Bool().Draw(t, "presigned"),
	}
}

// sign signs with the SDK's own signer, as its clients do.
func (q request) sign(t interface{ Fatal(...any) }, now time.Time) *http.Request {
	r, err := http.NewRequestWithContext(context.Background(), q.Method, "http://127.0.0.1:8080", strings.NewReader(q.Body))
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Path, r.URL.RawQuery = q.Path, q.Query
	r.URL.RawPath = sigv4.Escape(q.Path, false)
	for name, value := range q.Header {
		r.Header.Set(name, value)
	}
	hash := hexHash([]byte(q.Body))
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = q.Service == "s3" })
	if !q.Presigned {
		if q.Service == "s3" {
			r.Header.Set("X-Amz-Content-Sha256", hash)
		}
		if err := signer.SignHTTP(r.Context(), keys, r, hash, q.Service, "eu-west-1", now); err != nil {
			t.Fatal(err)
		}
		return r
	}
	values := r.URL.Query()
	values.Set("X-Amz-Expires", "600")
	if q.Service == "s3" {
		values.Set("X-Amz-Content-Sha256", hash)
	}
	r.URL.RawQuery = values.Encode()
	uri, header, err := signer.PresignHTTP(r.Context(), keys, r, hash, q.Service, "eu-west-1", now)
	if err != nil {
		t.Fatal(err)
	}
	if r.URL, err = url.Parse(uri); err != nil {
		t.Fatal(err)
	}
	for name := range header {
		r.Header.Set(name, header.Get(name))
	}
	return r
}

func TestVerifyTakesWhatTheSDKSigns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 2, 28, 23, 59, 0, 0, time.UTC)
		q := drawRequest(t)
		body, err := verify(sent(t, q.sign(t, now)), now)
		if err != nil {
			t.Fatalf("verify: %v", err)
		}
		if string(body) != q.Body {
			t.Fatalf("body = %q, want %q", body, q.Body)
		}
	})
}

// Every part of a request that is signed is changed in turn; none may go unnoticed.
func TestVerifyRefusesWhatWasTamperedWith(t *testing.T) {
	now := time.Date(2026, 2, 28, 23, 59, 0, 0, time.UTC)
	changes := map[string]func(t *rapid.T, r *http.Request, q request) bool{
		"method": func(_ *rapid.T, r *http.Request, _ request) bool { r.Method = "PATCH"; return true },
		"path": func(_ *rapid.T, r *http.Request, _ request) bool {
			r.URL.Path += "x"
			r.URL.RawPath = sigv4.Escape(r.URL.Path, false)
			return true
		},
		"host":      func(_ *rapid.T, r *http.Request, _ request) bool { r.Host = "evil.example"; return true },
		"parameter": func(_ *rapid.T, r *http.Request, _ request) bool { r.URL.RawQuery += "&acl="; return true },
		"header": func(_ *rapid.T, r *http.Request, _ request) bool {
			r.Header.Set("X-Amz-Meta-Note", r.Header.Get("X-Amz-Meta-Note")+"x")
			return true
		},
		"header twice": func(_ *rapid.T, r *http.Request, _ request) bool { r.Header.Add("X-Amz-Meta-Note", "x"); return true },
		"new header": func(_ *rapid.T, r *http.Request, _ request) bool {
			r.Header.Set("X-Amz-Acl", "public-read")
			return true
		},
		"body": func(t *rapid.T, r *http.Request, q request) bool {
			at := rapid.IntRange(0, len(q.Body)).Draw(t, "at")
			body := q.Body[:at] + "!" + q.Body[min(at+1, len(q.Body)):]
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
			return body != q.Body
		},
		"body removed": func(_ *rapid.T, r *http.Request, q request) bool {
			r.Body, r.ContentLength = http.NoBody, 0
			return q.Body != ""
		},
		"signature": func(t *rapid.T, r *http.Request, _ request) bool {
			return replaceDigit(t, r, "Signature=")
		},
		"date": func(_ *rapid.T, r *http.Request, q request) bool {
			return replace(r, q, "20260228T235900Z", "20260228T235901Z")
		},
		"region":  func(_ *rapid.T, r *http.Request, q request) bool { return replace(r, q, "eu-west-1", "eu-west-2") },
		"service": func(_ *rapid.T, r *http.Request, q request) bool { return replace(r, q, q.Service+"/aws4", "iam/aws4") },
		"lifetime": func(_ *rapid.T, r *http.Request, q request) bool {
			return q.Presigned && replace(r, q, "X-Amz-Expires=600", "X-Amz-Expires=601")
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				q := drawRequest(t)
				r := sent(t, q.sign(t, now))
				if !change(t, r, q) {
					return // nothing to change
				}
				if _, err := verify(r, now); kindOf(err) < 0 {
					t.Fatalf("verify took it: %v", err)
				}
			})
		})
	}
}

// replace changes a text wherever the signature's parameters are: in headers or in the query.
func replace(r *http.Request, q request, old, changed string) bool {
	if q.Presigned {
		before := r.URL.RawQuery
		r.URL.RawQuery = strings.Replace(before, url.QueryEscape(old), url.QueryEscape(changed), 1)
		r.URL.RawQuery = strings.Replace(r.URL.RawQuery, old, changed, 1)
		return r.URL.RawQuery != before
	}
	done := false
	for _, name := range []string{"Authorization", "X-Amz-Date"} {
		before := r.Header.Get(name)
		r.Header.Set(name, strings.Replace(before, old, changed, 1))
		done = done || before != r.Header.Get(name)
	}
	return done
}

func replaceDigit(t *rapid.T, r *http.Request, after string) bool {
	at := rapid.IntRange(0, 63).Draw(t, "digit")
	swap := func(text string) string {
		i := strings.Index(text, after) + len(after) + at
		c := byte('0')
		if text[i] == '0' {
			c = '1'
		}
		return text[:i] + string(c) + text[i+1:]
	}
	if h := r.Header.Get("Authorization"); h != "" {
		r.Header.Set("Authorization", swap(h))
	} else {
		r.URL.RawQuery = swap(r.URL.RawQuery)
	}
	return true
}

func TestVerifyTime(t *testing.T) {
	signedAt := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		presigned bool
		service   string
		now       time.Time
		want      sigv4.Kind
	}{
		"at once":                      {false, "sts", signedAt, -1},
		"15 minutes late":              {false, "sts", signedAt.Add(15 * time.Minute), -1},
		"too late":                     {false, "sts", signedAt.Add(15*time.Minute + time.Second), sigv4.Skewed},
		"15 minutes early":             {false, "s3", signedAt.Add(-15 * time.Minute), -1},
		"too early":                    {false, "s3", signedAt.Add(-15*time.Minute - time.Second), sigv4.Skewed},
		"presigned, at its end":        {true, "s3", signedAt.Add(10 * time.Minute), -1},
		"presigned, after its end":     {true, "s3", signedAt.Add(10*time.Minute + time.Second), sigv4.Expired},
		"presigned, before its begin":  {true, "s3", signedAt.Add(-16 * time.Minute), sigv4.NotYetValid},
		"presigned elsewhere, too old": {true, "sts", signedAt.Add(time.Hour), sigv4.Expired},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			q := request{Service: test.service, Method: "GET", Path: "/", Presigned: test.presigned}
			_, err := verify(sent(t, q.sign(t, signedAt)), test.now)
			if got := kindOf(err); got != test.want {
				t.Errorf("kind = %d (%v), want %d", got, err, test.want)
			}
		})
	}
}

// The signatures are those of the examples in "Authenticating Requests" (Amazon S3 API Reference).
func TestVerifyAWSExamples(t *testing.T) {
	now := time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	header := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/test.txt", nil)
	header.Host = "examplebucket.s3.amazonaws.com"
	header.Header = http.Header{
		"Range":                {"bytes=0-9"},
		"X-Amz-Content-Sha256": {hexHash(nil)},
		"X-Amz-Date":           {"20130524T000000Z"},
		"Authorization": {"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request," +
			"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date," +
			"Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
	}
	query := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"+
		"&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z"+
		"&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"+
		"&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404", nil)
	query.Host = "examplebucket.s3.amazonaws.com"
	for name, r := range map[string]*http.Request{"header": header, "query": query} {
		if _, err := verify(r, now); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	//nolint:gosec // G101: the scope of AWS's own examples.
	const credential = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
	tests := map[string]struct {
		target string
		header http.Header
		want   sigv4.Kind
	}{
		"nothing":         {"/", nil, sigv4.Missing},
		"another scheme":  {"/", http.Header{"Authorization": {"Bearer x"}}, sigv4.Unsupported},
		"no parts":        {"/", http.Header{"Authorization": {"AWS4-HMAC-SHA256 x"}}, sigv4.Incomplete},
		"short scope":     {"/", http.Header{"Authorization": {"AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c"}}, sigv4.BadCredential},
		"no date":         {"/", http.Header{"Authorization": {"AWS4-HMAC-SHA256 Credential=" + credential + ", SignedHeaders=host, Signature=c"}}, sigv4.Incomplete},
		"bad date":        {"/", http.Header{"Authorization": {"AWS4-HMAC-SHA256 Credential=" + credential + ", SignedHeaders=host, Signature=c"}, "X-Amz-Date": {"today"}}, sigv4.Incomplete},
		"date not scope":  {"/", http.Header{"Authorization": {"AWS4-HMAC-SHA256 Credential=" + credential + ", SignedHeaders=host, Signature=c"}, "X-Amz-Date": {"20130525T000000Z"}}, sigv4.Mismatch},
		"both mechanisms": {"/?X-Amz-Signature=x", http.Header{"Authorization": {"AWS4-HMAC-SHA256 x"}}, sigv4.Unsupported},
		"version 2":       {"/", http.Header{"Authorization": {"AWS AKIDEXAMPLE:c2ln"}}, sigv4.Outdated},
		"version 2 query": {"/?AWSAccessKeyId=a&Signature=b&Expires=1", nil, sigv4.Outdated},
		"query in part":   {"/?X-Amz-Signature=x", nil, sigv4.BadQuery},
		"long life": {"/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + credential +
			"&X-Amz-Date=20130524T000000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=x&X-Amz-Expires=604801", nil, sigv4.BadQuery},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, test.target, nil)
			if test.header != nil {
				r.Header = test.header
			}
			_, err := sigv4.Parse(r)
			if got := kindOf(err); got != test.want {
				t.Errorf("kind = %d (%v), want %d", got, err, test.want)
			}
		})
	}
}

func TestVerifyWantsHeadersSigned(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	q := request{Service: "s3", Method: "PUT", Path: "/b/k"}
	r := sent(t, q.sign(t, now))
	r.Header.Set("X-Amz-Copy-Source", "/other/secret")
	_, err := verify(r, now)
	var refused *sigv4.Error
	if !errors.As(err, &refused) || refused.Kind != sigv4.Unsigned {
		t.Fatalf("verify = %v, want an unsigned header", err)
	}
	if diff := cmp.Diff("x-amz-copy-source", refused.Fields["HeadersNotSigned"]); diff != "" {
		t.Error(diff)
	}
}
