package s3_test

import (
	"bytes"
	"crypto/md5" //nolint:gosec // ETags are MD5
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

// oddKeys are legal keys that something on the way tends to break.
var oddKeys = []string{
	"plain.txt", "a b", "a+b", "a%b", "100%.csv", "%2F", "a%20b", "//", "/", "/leading", "trailing/", "a//b", "..", "../x", "a/../b", "./a",
	".", "ä/ö", "日本語", "😀", "\u202e", "a&b<c>\"'", "q?x=1", "h#frag", "tab\there", "line\nfeed", "cr\rx", "\x01\x1f\x7f", "a=b;c,d",
	"$file*", "{x}|^`[]~\\", strings.Repeat("k", 1024), strings.Repeat("ü", 512), "\ufffe\uffff",
}

func TestOddKeysComeAndGoUnchanged(t *testing.T) {
	l := start(t)
	l.bucket(t, "odd")
	for _, key := range oddKeys {
		l.put(t, "odd", key, "body of "+key)
	}
	for _, key := range oddKeys {
		if got, _ := l.get(t, "odd", key); got != "body of "+key {
			t.Errorf("%q: got %q", key, got)
		}
		_, err := l.CopyObject(t.Context(), &awss3.CopyObjectInput{
			Bucket: aws.String("odd"), Key: aws.String("copy"), CopySource: aws.String("odd/" + url.QueryEscape(key)),
		})
		if err != nil {
			t.Errorf("copy %q: %v", key, err)
		} else if got, _ := l.get(t, "odd", "copy"); got != "body of "+key {
			t.Errorf("copy of %q: got %q", key, got)
		}
		if _, err := l.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: aws.String("odd"), Key: aws.String(key)}); err != nil {
			t.Errorf("delete %q: %v", key, err)
		}
	}
	_, err := l.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: aws.String("odd"), Key: aws.String(strings.Repeat("ü", 513))})
	wantError(t, err, http.StatusBadRequest, "KeyTooLongError")
	response, _ := l.raw(t, http.MethodPut, "/odd/%ff", nil, nil)
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("got %d for a key that isn't UTF-8, want 400", response.StatusCode)
	}
}

func TestTrap36ControlCharactersInListings(t *testing.T) {
	l := start(t)
	l.bucket(t, "odd")
	const key = "a\x01 b+\x0c~*/ü"
	l.put(t, "odd", key, "")
	_, plain := l.raw(t, http.MethodGet, "/odd?list-type=2", nil, nil)
	if want := "<Key>a&#x1; b+&#xc;~*/ü</Key>"; !strings.Contains(plain, want) {
		t.Errorf("got %s, want %s in it: what XML forbids", plain, want)
	}
	_, encoded := l.raw(t, http.MethodGet, "/odd?list-type=2&encoding-type=url&prefix=a%01%20", nil, nil)
	for _, want := range []string{"<Key>a%01+b%2B%0C%7E*/%C3%BC</Key>", "<Prefix>a%01+</Prefix>", "<EncodingType>url</EncodingType>"} {
		if !strings.Contains(encoded, want) {
			t.Errorf("got %s, want %s in it", encoded, want)
		}
	}
	_, err := l.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: aws.String("odd"), EncodingType: "xml"})
	wantError(t, err, http.StatusBadRequest, "InvalidArgument")
}

func TestMetadataAndHeaders(t *testing.T) {
	l := start(t)
	l.bucket(t, "meta")
	expires := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	_, err := l.PutObject(t.Context(), &awss3.PutObjectInput{
		Bucket: aws.String("meta"), Key: aws.String("k"), Body: strings.NewReader("x"),
		ContentType: aws.String("text/plain; charset=utf-8"), ContentEncoding: aws.String("gzip"), ContentLanguage: aws.String("de"),
		ContentDisposition: aws.String(`attachment; filename="a,b"`), CacheControl: aws.String("no-store"), Expires: &expires,
		Metadata: map[string]string{"Title": "Hello, world", "umlaut": "ä"},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, out := l.get(t, "meta", "k")
	got := []string{*out.ContentType, *out.ContentEncoding, *out.ContentLanguage, *out.ContentDisposition, *out.CacheControl, *out.ExpiresString}
	want := []string{"text/plain; charset=utf-8", "gzip", "de", `attachment; filename="a,b"`, "no-store", "Wed, 02 Jan 2030 03:04:05 GMT"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"title": "Hello, world", "umlaut": "=?UTF-8?b?w6Q=?="}, out.Metadata); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	_, err = l.PutObject(t.Context(), &awss3.PutObjectInput{
		Bucket: aws.String("meta"), Key: aws.String("k"), Metadata: map[string]string{"big": strings.Repeat("x", 2046)},
	})
	wantError(t, err, http.StatusBadRequest, "MetadataTooLarge")
	_, err = l.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: aws.String("meta"), Key: aws.String("k"), ACL: types.ObjectCannedACLPublicRead})
	wantError(t, err, http.StatusBadRequest, "AccessControlListNotSupported")
	_, err = l.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: aws.String("meta"), Key: aws.String("k"), Tagging: aws.String("a=b")})
	wantError(t, err, http.StatusNotImplemented, "NotImplemented")
}

func TestRanges(t *testing.T) {
	l := start(t)
	l.bucket(t, "ranges")
	l.put(t, "ranges", "k", "0123456789")
	l.put(t, "ranges", "empty", "")
	for _, test := range []struct{ header, body, contentRange string }{
		{"bytes=0-8", "012345678", "bytes 0-8/10"},
		{"bytes=0-0", "0", "bytes 0-0/10"},
		{"bytes=1-", "123456789", "bytes 1-9/10"},
		{"bytes=-2", "89", "bytes 8-9/10"},
		{"bytes=-15", "0123456789", "bytes 0-9/10"},
		{"bytes=0-100", "0123456789", "bytes 0-9/10"},
		{"bytes=1-0", "0123456789", ""},
		{"bytes=-", "0123456789", ""},
		{"bytes=0-1,3-4", "0123456789", ""},
		{"lines=1-2", "0123456789", ""},
	} {
		body, out := l.get(t, "ranges", "k", func(in *awss3.GetObjectInput) { in.Range = aws.String(test.header) })
		if body != test.body || aws.ToString(out.ContentRange) != test.contentRange {
			t.Errorf("%s: got %q, %s, want %q, %s", test.header, body, aws.ToString(out.ContentRange), test.body, test.contentRange)
		}
	}
	for key, header := range map[string]string{"k": "bytes=100-200", "empty": "bytes=0-0"} {
		_, err := l.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String("ranges"), Key: aws.String(key), Range: aws.String(header)})
		wantError(t, err, http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
	}
	head, err := l.HeadObject(t.Context(), &awss3.HeadObjectInput{Bucket: aws.String("ranges"), Key: aws.String("k"), Range: aws.String("bytes=2-4")})
	if err != nil || *head.ContentLength != 3 {
		t.Errorf("got %+v, %v, want a length of 3", head, err)
	}
}

func TestConditionalReads(t *testing.T) {
	l := start(t)
	l.bucket(t, "reads")
	etag := *l.put(t, "reads", "k", "x").ETag
	bare := strings.Trim(etag, `"`)
	hourAgo, tomorrow := time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	now := time.Now().Add(time.Second)
	for name, test := range map[string]struct {
		set    func(*awss3.GetObjectInput)
		status int
		code   string
	}{
		"match":               {func(in *awss3.GetObjectInput) { in.IfMatch = &etag }, 200, ""},
		"match unquoted":      {func(in *awss3.GetObjectInput) { in.IfMatch = &bare }, 200, ""},
		"match other":         {func(in *awss3.GetObjectInput) { in.IfMatch = aws.String(`"0"`) }, 412, "PreconditionFailed"},
		"none match":          {func(in *awss3.GetObjectInput) { in.IfNoneMatch = &etag }, 304, "NotModified"},
		"none match other":    {func(in *awss3.GetObjectInput) { in.IfNoneMatch = aws.String(`"0"`) }, 200, ""},
		"modified":            {func(in *awss3.GetObjectInput) { in.IfModifiedSince = &hourAgo }, 200, ""},
		"modified in future":  {func(in *awss3.GetObjectInput) { in.IfModifiedSince = &tomorrow }, 200, ""},
		"unmodified":          {func(in *awss3.GetObjectInput) { in.IfUnmodifiedSince = &now }, 200, ""},
		"unmodified long ago": {func(in *awss3.GetObjectInput) { in.IfUnmodifiedSince = &hourAgo }, 412, "PreconditionFailed"},
		"match beats unmodified": {func(in *awss3.GetObjectInput) {
			in.IfMatch, in.IfUnmodifiedSince = &etag, &hourAgo
		}, 200, ""},
	} {
		in := &awss3.GetObjectInput{Bucket: aws.String("reads"), Key: aws.String("k")}
		test.set(in)
		out, err := l.GetObject(t.Context(), in)
		switch {
		case test.status == http.StatusOK && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.status == http.StatusOK:
			_ = out.Body.Close()
		case test.status == http.StatusNotModified:
			wantMessage(t, err, "StatusCode: 304")
		default:
			wantError(t, err, test.status, test.code)
		}
	}
}

func TestConditionalWrites(t *testing.T) {
	l := start(t)
	l.bucket(t, "writes")
	write := func(match, none string) error {
		in := &awss3.PutObjectInput{Bucket: aws.String("writes"), Key: aws.String("k"), Body: strings.NewReader("y")}
		if match != "" {
			in.IfMatch = &match
		}
		if none != "" {
			in.IfNoneMatch = &none
		}
		_, err := l.PutObject(t.Context(), in)
		return err
	}
	wantError(t, write(`"0"`, ""), http.StatusNotFound, "NoSuchKey")
	if err := write("", "*"); err != nil {
		t.Fatal(err)
	}
	wantError(t, write("", "*"), http.StatusPreconditionFailed, "PreconditionFailed")
	wantError(t, write(`"0"`, ""), http.StatusPreconditionFailed, "PreconditionFailed")
	wantError(t, write("*", ""), http.StatusNotImplemented, "NotImplemented")
	wantError(t, write("", `"0"`), http.StatusNotImplemented, "NotImplemented")
	wantError(t, write(`"0"`, "*"), http.StatusNotImplemented, "NotImplemented")
	sum := md5.Sum([]byte("y")) //nolint:gosec // ETags are MD5
	l.front.actions()
	if err := write(hex.EncodeToString(sum[:]), ""); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"s3:PutObject writes/k", "s3:GetObject writes/k"}, l.front.actions()); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}

func TestConditionalDeletes(t *testing.T) {
	l := start(t)
	l.bucket(t, "deletes")
	etag := *l.put(t, "deletes", "k", "x").ETag
	remove := func(key, match string) error {
		_, err := l.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: aws.String("deletes"), Key: aws.String(key), IfMatch: &match})
		return err
	}
	l.front.actions()
	wantError(t, remove("absent", "*"), http.StatusNotFound, "NoSuchKey")
	if diff := cmp.Diff([]string{"s3:DeleteObject deletes/absent", "s3:ListBucket deletes"}, l.front.actions()); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	wantError(t, remove("k", `"0"`), http.StatusPreconditionFailed, "PreconditionFailed")
	if diff := cmp.Diff([]string{"s3:DeleteObject deletes/k", "s3:GetObject deletes/k"}, l.front.actions()); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	if err := remove("k", etag); err != nil {
		t.Error(err)
	}
	l.put(t, "deletes", "k", "x")
	if err := remove("k", "*"); err != nil {
		t.Error(err)
	}
	l.front.deny("s3:ListBucket")
	wantError(t, remove("k", "*"), http.StatusForbidden, "AccessDenied")
	if _, err := l.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: aws.String("deletes"), Key: aws.String("k")}); err != nil {
		t.Errorf("delete what isn't there: %v", err)
	}
	_, err := l.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: aws.String("deletes"), Key: aws.String("k"), IfMatchSize: aws.Int64(1)})
	wantError(t, err, http.StatusNotImplemented, "NotImplemented")
}

func TestTrap34MissingKeyWithoutListBucket(t *testing.T) {
	l := start(t)
	l.bucket(t, "missing")
	get := func() error {
		_, err := l.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String("missing"), Key: aws.String("k")})
		return err
	}
	head := func() error {
		_, err := l.HeadObject(t.Context(), &awss3.HeadObjectInput{Bucket: aws.String("missing"), Key: aws.String("k")})
		return err
	}
	wantError(t, get(), http.StatusNotFound, "NoSuchKey")
	wantError(t, head(), http.StatusNotFound, "NotFound")
	l.front.deny("s3:ListBucket")
	wantError(t, get(), http.StatusForbidden, "AccessDenied")
	wantMessage(t, get(), "s3:ListBucket on resource: arn:aws:s3:::missing")
	wantError(t, head(), http.StatusForbidden, "Forbidden")
	response, body := l.raw(t, http.MethodHead, "/missing/k", nil, nil)
	if response.StatusCode != http.StatusForbidden || body != "" {
		t.Errorf("got %d with %q, want 403 without a body", response.StatusCode, body)
	}
}

func TestLargeObjectsLieOnDisk(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	l := start(t)
	l.bucket(t, "large")
	body := bytes.Repeat([]byte("0123456789abcdef"), 200_000) // 3.2 MB
	l.put(t, "large", "k", string(body))
	l.put(t, "large", "small", string(body[:1<<20]))
	if got := files(t, folder); got != 1 {
		t.Errorf("got %d files, want one, of the large object", got)
	}
	got, _ := l.get(t, "large", "k")
	if !bytes.Equal([]byte(got), body) {
		t.Error("the object came back changed")
	}
	part, _ := l.get(t, "large", "k", func(in *awss3.GetObjectInput) { in.Range = aws.String("bytes=2000001-2000003") })
	if want := string(body[2000001:2000004]); part != want {
		t.Errorf("got %q, want %q", part, want)
	}
	if err := l.front.service.Close(); err != nil {
		t.Fatal(err)
	}
	if got := files(t, folder); got != 0 {
		t.Errorf("got %d files after Close, want none", got)
	}
}

// TestOneOfManyWritersWins: the condition holds at the moment of the write, not before the body is read.
func TestOneOfManyWritersWins(t *testing.T) {
	l := start(t)
	l.bucket(t, "race")
	const writers = 8
	results := make(chan error, writers)
	for i := range writers {
		go func() { // ends with its answer, which is waited for
			_, err := l.PutObject(t.Context(), &awss3.PutObjectInput{
				Bucket: aws.String("race"), Key: aws.String("k"), IfNoneMatch: aws.String("*"), Body: strings.NewReader(strings.Repeat("x", i<<16)),
			})
			results <- err
		}()
	}
	won := 0
	for range writers {
		if err := <-results; err == nil {
			won++
		} else {
			wantError(t, err, http.StatusPreconditionFailed, "PreconditionFailed")
		}
	}
	if won != 1 {
		t.Errorf("%d writers won, want one", won)
	}
}
