package s3_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/arngate/arngate/functions/s3"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/problem"
)

func TestGetObject(t *testing.T) {
	b := newBench(t)
	etag := b.store(t, "a b.txt", "hello", func(in *awss3.PutObjectInput) { in.ContentType = new("text/plain; charset=latin1") })
	b.operations()
	got := b.object(t, http.MethodGet, "a b.txt")
	got.want(t, http.StatusOK, "hello")
	got.wantHeader(t, "Content-Type", "text/plain; charset=latin1", "ETag", etag, "X-Content-Type-Options", "nosniff", "Accept-Ranges", "bytes",
		"Content-Disposition", "", "Content-Encoding", "", "Content-Range", "", "Arngate-Credentials", "memory", "Cache-Control", "no-store")
	if _, err := http.ParseTime(got.Headers["Last-Modified"]); err != nil {
		t.Error(err)
	}
	if got.Headers["Arngate-Aws-Request-Id"] == "" {
		t.Error("no request id of AWS")
	}
	if got := b.operations(); got != "GetObject" {
		t.Errorf("S3 was asked for %s: a warm request makes one call", got)
	}
	b.object(t, http.MethodGet, "nothing").wantProblem(t, problem.ObjectNotFound)
	b.get(t, objectPath).wantProblem(t, problem.InvalidRequest, "query.key")
	b.get(t, objectPath, "key", "").wantProblem(t, problem.InvalidRequest, "query.key")
	b.get(t, objectPath, "key", strings.Repeat("k", 1025)).wantProblem(t, problem.InvalidRequest, "query.key")
	b.get(t, objectPath, "key", "a\xc3").wantProblem(t, problem.InvalidRequest, "query.key")
	b.get(t, objectPath, "key", "a", "delivery", "post").wantProblem(t, problem.InvalidRequest, "query.delivery")
}

func TestConditionalGet(t *testing.T) {
	b := newBench(t)
	etag := b.store(t, "k", "hello")
	modified := b.object(t, http.MethodGet, "k").Headers["Last-Modified"]
	past := time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
	for name, test := range map[string]struct {
		headers []string
		status  int
	}{
		"unchanged":              {[]string{"If-None-Match", etag}, http.StatusNotModified},
		"unchanged among others": {[]string{"If-None-Match", `"x", ` + etag}, http.StatusNotModified},
		"changed":                {[]string{"If-None-Match", `"x"`}, http.StatusOK},
		"not since":              {[]string{"If-Modified-Since", modified}, http.StatusNotModified},
		"since":                  {[]string{"If-Modified-Since", past}, http.StatusOK},
		"no date":                {[]string{"If-Modified-Since", "yesterday"}, http.StatusOK},
		"match":                  {[]string{"If-Match", etag}, http.StatusOK},
		"unmodified":             {[]string{"If-Unmodified-Since", modified}, http.StatusOK},
		"no match":               {[]string{"If-Match", `"x"`}, http.StatusPreconditionFailed},
		"modified":               {[]string{"If-Unmodified-Since", past}, http.StatusPreconditionFailed},
	} {
		t.Run(name, func(t *testing.T) {
			got := b.object(t, http.MethodGet, "k", test.headers...)
			switch {
			case got.Status != test.status:
				t.Errorf("answer %d %s, want %d", got.Status, got.Body, test.status)
			case test.status == http.StatusNotModified:
				got.want(t, http.StatusNotModified, "")
				got.wantHeader(t, "ETag", etag, "Last-Modified", modified, "Content-Type", "")
			case test.status == http.StatusPreconditionFailed:
				got.wantProblem(t, problem.ConditionFailed)
			}
		})
	}
}

func TestRange(t *testing.T) {
	b := newBench(t)
	etag := b.store(t, "k", "0123456789")
	b.store(t, "page", "<html>", func(in *awss3.PutObjectInput) { in.ContentType = new("text/html") })
	got := b.object(t, http.MethodGet, "k", "Range", "bytes=2-4")
	got.want(t, http.StatusPartialContent, "234")
	got.wantHeader(t, "Content-Range", "bytes 2-4/10", "ETag", etag)
	b.object(t, http.MethodGet, "k", "Range", "bytes=-3").want(t, http.StatusPartialContent, "789")
	b.object(t, http.MethodGet, "k", "Range", "bytes=8-").want(t, http.StatusPartialContent, "89")
	b.object(t, http.MethodGet, "k", "Range", "bytes=0-1,4-5").want(t, http.StatusOK, "0123456789")
	b.object(t, http.MethodGet, "k", "Range", "bytes=20-").want(t, http.StatusRequestedRangeNotSatisfiable, "")
	b.object(t, http.MethodGet, "k", "Range", "bytes=2-4", "If-Range", `"other"`).want(t, http.StatusOK, "0123456789")
	b.object(t, http.MethodGet, "page", "Range", "bytes=0-0").wantHeader(t, "Content-Disposition", "attachment; filename=page")
}

// TestTrap39BytesAsTheyAre: what comes back is what was put, whatever its encoding says and whether or not it is text.
func TestTrap39BytesAsTheyAre(t *testing.T) {
	b := newBench(t)
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = w.Write([]byte(strings.Repeat("text ", 100)))
	_ = w.Close()
	for name, content := range map[string]string{
		"gzip": zipped.String(), "nul": strings.Repeat("\x00", 1<<20), "latin1": "caf\xe9", "bom": "\ufeffx", "crlf": "a\r\nb\n", "empty": "",
	} {
		t.Run(name, func(t *testing.T) {
			encoding := ""
			if name == "gzip" {
				encoding = "gzip"
			}
			if got := b.put(t, name, content, "Content-Type", "text/plain", "Content-Encoding", encoding); got.Status != http.StatusOK {
				t.Fatal(got)
			}
			got := b.object(t, http.MethodGet, name, "Accept-Encoding", "gzip")
			got.want(t, http.StatusOK, content)
			got.wantHeader(t, "Content-Encoding", encoding, "Content-Type", "text/plain")
		})
	}
}

func TestActiveContentIsAttached(t *testing.T) {
	b := newBench(t)
	for contentType, want := range map[string]string{
		"text/html": "attachment; filename=page", "TEXT/HTML; charset=utf-8": "attachment; filename=page", "image/svg+xml": "attachment; filename=page",
		"application/xhtml+xml": "attachment; filename=page", "text/xml": "attachment; filename=page", "text/javascript": "attachment; filename=page",
		"multipart/x-mixed-replace": "attachment; filename=page", "text/html;;;=": "attachment; filename=page", "new/thing": "attachment; filename=page",
		"image/png": "", "text/plain": "", "application/json": "", "application/pdf": "", "video/mp4": "", "binary/octet-stream": "",
	} {
		b.store(t, "folder/page", "x", func(in *awss3.PutObjectInput) { in.ContentType = &contentType })
		got := b.object(t, http.MethodGet, "folder/page")
		got.want(t, http.StatusOK, "x")
		got.wantHeader(t, "Content-Type", contentType, "Content-Disposition", want, "X-Content-Type-Options", "nosniff")
	}
	for stored, want := range map[string]string{
		"inline": "attachment; filename*=utf-8''p%C3%A4ge%22%0A.html", `inline; filename="report.html"`: "attachment; filename=report.html",
	} {
		b.store(t, "päge\"\n.html", "x", func(in *awss3.PutObjectInput) {
			in.ContentType, in.ContentDisposition = new("text/html"), &stored
		})
		b.object(t, http.MethodGet, "päge\"\n.html").wantHeader(t, "Content-Disposition", want)
	}
	b.store(t, "kept", "x", func(in *awss3.PutObjectInput) {
		in.ContentType, in.ContentDisposition = new("text/plain"), new(`attachment; filename="n.txt"`)
	})
	b.object(t, http.MethodGet, "kept").wantHeader(t, "Content-Disposition", `attachment; filename="n.txt"`)
}

func TestLargeObjectIsRedirected(t *testing.T) {
	b := newBench(t)
	fits, large := strings.Repeat("\xffA", httpapi.MaxBody/2), strings.Repeat("ab", httpapi.MaxBody/2)+"c"
	b.store(t, "fits", fits)
	b.store(t, "large +&?.svg", large, func(in *awss3.PutObjectInput) { in.ContentType = new("image/svg+xml") })
	b.object(t, http.MethodGet, "fits").want(t, http.StatusOK, fits)
	got := b.object(t, http.MethodGet, "large +&?.svg")
	got.want(t, http.StatusTemporaryRedirect, "")
	status, header, body := b.fetch(t, got.Headers["Location"])
	if status != http.StatusOK || body != large || header.Get("Content-Disposition") != `attachment; filename="large +&?.svg"` {
		t.Errorf("fetched %d, %d bytes, %v", status, len(body), header)
	}
	b.object(t, http.MethodGet, "large +&?.svg", "Range", "bytes=1-2").want(t, http.StatusPartialContent, "ba")
	if status, _, body := b.fetch(t, got.Headers["Location"], "Range", "bytes=1-2", "If-None-Match", `"x"`); status != http.StatusPartialContent || body != "ba" {
		t.Errorf("fetched a part: %d %.100s", status, body)
	}
	inline := b.get(t, objectPath, "key", "large +&?.svg", "delivery", "inline")
	if d := inline.wantProblem(t, problem.PayloadTooLarge); !strings.Contains(d.Hint, "Range") {
		t.Error(d.Hint)
	}
	redirected := b.get(t, objectPath, "key", "fits", "delivery", "redirect")
	if status, _, body := b.fetch(t, redirected.Headers["Location"]); status != http.StatusOK || body != fits {
		t.Errorf("fetched %d, %d bytes", status, len(body))
	}
	b.get(t, objectPath, "key", "nothing", "delivery", "redirect").wantProblem(t, problem.ObjectNotFound)
}

// fetch gets a URL as any client of HTTP would, with headers in turn.
func (b *bench) fetch(t *testing.T, link string, headers ...string) (int, http.Header, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range pairs(headers) {
		request.Header.Set(name, value)
	}
	response, err := b.local.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(body)
}

// TestTrap37LinkEndsWithItsCredentials: a URL that says it lives longer than what signed it would lie.
func TestTrap37LinkEndsWithItsCredentials(t *testing.T) {
	b := newBench(t)
	b.store(t, "k", "x")
	for life, most := range map[time.Duration]time.Duration{
		time.Hour: 15 * time.Minute, 7 * time.Minute: 7 * time.Minute, 70 * time.Second: 70 * time.Second, -time.Minute: time.Second,
	} {
		b.life = life
		before := time.Now()
		got := b.get(t, objectPath, "key", "k", "delivery", "redirect")
		link, err := url.Parse(got.Headers["Location"])
		if err != nil {
			t.Fatal(err)
		}
		seconds, err := strconv.Atoi(link.Query().Get("X-Amz-Expires"))
		if err != nil {
			t.Fatal(err)
		}
		if left := time.Duration(seconds) * time.Second; left > most || left < most-5*time.Second {
			t.Errorf("with %v left: the URL lives %v", life, left)
		}
		said, err := http.ParseTime(got.Headers["Expires"])
		if err != nil || said.After(before.Add(most+time.Second)) || said.Before(before.Add(most-6*time.Second)) {
			t.Errorf("with %v left: Expires %v, %v", life, said, err)
		}
	}
}

func TestPutObject(t *testing.T) {
	b := newBench(t)
	got := b.put(t, "notes/hello.txt", "Hello, Ada!\n", "Content-Type", "text/plain", "X-Amz-Meta-Title", "a, b", "x-amz-meta-UPPER", "c",
		"Content-Language", "en", "Content-Disposition", "inline", "Cache-Control", "max-age=60")
	stored, err := b.admin.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: new("demo-files"), Key: new("notes/hello.txt")})
	if err != nil {
		t.Fatal(err)
	}
	quoted, _ := json.Marshal(*stored.ETag)
	got.want(t, http.StatusOK, `{"key":"notes/hello.txt","size":12,"etag":`+string(quoted)+`}`)
	got.wantHeader(t, "ETag", *stored.ETag)
	if stored.Metadata["title"] != "a, b" || stored.Metadata["upper"] != "c" || len(stored.Metadata) != 2 || *stored.ContentType != "text/plain" ||
		*stored.ContentLanguage != "en" || *stored.ContentDisposition != "inline" || *stored.CacheControl != "max-age=60" {
		t.Errorf("stored %+v", stored)
	}
	b.object(t, http.MethodGet, "notes/hello.txt").want(t, http.StatusOK, "Hello, Ada!\n")
	full := strings.Repeat("x", httpapi.MaxBody)
	if got := b.put(t, "full", full); got.Status != http.StatusOK {
		t.Error(got)
	}
	b.put(t, "untyped", "x")
	b.object(t, http.MethodGet, "untyped").wantHeader(t, "Content-Type", "application/octet-stream")
	b.put(t, "more", full+"x").wantProblem(t, problem.PayloadTooLarge)
}

// What an object was stored with comes with its bytes, but for what would have answers kept where they shouldn't be.
func TestStoredWithAnObject(t *testing.T) {
	b := newBench(t)
	b.version(t)
	sum := sha256.Sum256([]byte("hello"))
	checksum := base64.StdEncoding.EncodeToString(sum[:])
	var stored s3.Stored
	b.put(t, "k", "hello", "Content-Type", "text/plain", "Content-Language", "en", "Content-Disposition", `inline; filename="k.txt"`, "Content-Encoding", "identity",
		"Cache-Control", "public, max-age=60", "Expires", "Mon, 05 Jan 2026 09:00:00 GMT", "X-Amz-Checksum-Sha256", checksum,
		"X-Amz-Meta-Title", "Hello, world", "x-amz-meta-content-type", "text/html").into(t, &stored)
	if stored.Version == "" {
		t.Fatal("no version")
	}
	all := []string{
		"Content-Type", "text/plain", "Content-Language", "en", "Content-Disposition", `inline; filename="k.txt"`, "Content-Encoding", "identity",
		"X-Amz-Meta-Title", "Hello, world", "X-Amz-Meta-Content-Type", "text/html", "X-Amz-Version-Id", stored.Version,
		"Cache-Control", "no-store", "Expires", "",
	}
	whole := b.object(t, http.MethodGet, "k")
	whole.want(t, http.StatusOK, "hello")
	whole.wantHeader(t, append(all, "X-Amz-Checksum-Sha256", checksum, "X-Amz-Checksum-Type", "FULL_OBJECT")...)
	part := b.object(t, http.MethodGet, "k", "Range", "bytes=1-2")
	part.want(t, http.StatusPartialContent, "el")
	part.wantHeader(t, all...)
	for name, bare := range map[string]answer{
		"unchanged": b.object(t, http.MethodGet, "k", "If-None-Match", stored.ETag),
		"redirect":  b.get(t, objectPath, "key", "k", "delivery", "redirect"),
		"refused":   b.object(t, http.MethodGet, "k", "If-Match", `"x"`),
	} {
		if bare.Headers["X-Amz-Meta-Title"] != "" {
			t.Errorf("%s: %v", name, bare.Headers)
		}
	}
	var got s3.Metadata
	b.get(t, metadataPath, "key", "k").into(t, &got)
	if got.CacheControl != "public, max-age=60" || got.Expires != "Mon, 05 Jan 2026 09:00:00 GMT" {
		t.Errorf("got %+v", got)
	}
	b.put(t, "k", "x", "Expires", "tomorrow").wantProblem(t, problem.InvalidRequest, "header.Expires")
}

func TestPutFolder(t *testing.T) {
	b := newBench(t)
	if got := b.put(t, "empty/", ""); got.Status != http.StatusOK {
		t.Fatal(got)
	}
	b.object(t, http.MethodGet, "empty/").wantHeader(t, "Content-Type", "application/x-directory")
	b.get(t, "files/buckets/demo-files/objects", "delimiter", "/").want(t, http.StatusOK, `{"items":[],"folders":["empty/"]}`)
	b.put(t, "empty/", "x").wantProblem(t, problem.InvalidRequest, "")
}

func TestConditionalWrites(t *testing.T) {
	b := newBench(t)
	first := b.put(t, "k", "1", "If-None-Match", "*")
	etag := first.Headers["Etag"]
	if first.Status != http.StatusOK || etag == "" {
		t.Fatal(first)
	}
	b.put(t, "k", "2", "If-None-Match", "*").wantProblem(t, problem.ConditionFailed)
	b.put(t, "k", "2", "If-Match", `"x"`).wantProblem(t, problem.ConditionFailed)
	b.put(t, "none", "2", "If-Match", etag).wantProblem(t, problem.ObjectNotFound)
	second := b.put(t, "k", "2", "If-Match", etag)
	if second.Status != http.StatusOK || second.Headers["Etag"] == etag {
		t.Error(second)
	}
	b.object(t, http.MethodDelete, "k", "If-Match", etag).wantProblem(t, problem.ConditionFailed)
	b.object(t, http.MethodGet, "k").want(t, http.StatusOK, "2")
	b.object(t, http.MethodDelete, "k", "If-Match", second.Headers["Etag"]).want(t, http.StatusNoContent, "")
	b.object(t, http.MethodDelete, "k").want(t, http.StatusNoContent, "")
	b.object(t, http.MethodDelete, "k", "If-Match", "*").wantProblem(t, problem.ObjectNotFound)
	b.put(t, "k", "3", "If-None-Match", `"x"`).wantProblem(t, problem.InvalidRequest, "header.If-None-Match")
	b.put(t, "k", "3", "If-None-Match", "*", "If-Match", etag).wantProblem(t, problem.InvalidRequest, "header.If-None-Match")
	b.put(t, "k", "3", "If-Match", "*").wantProblem(t, problem.InvalidRequest, "header.If-Match")
}

func TestChecksums(t *testing.T) {
	b := newBench(t)
	sum := sha256.Sum256([]byte("content"))
	right := base64.StdEncoding.EncodeToString(sum[:])
	if got := b.put(t, "k", "content", "X-Amz-Checksum-Sha256", right); got.Status != http.StatusOK {
		t.Error(got)
	}
	b.put(t, "k", "kontent", "X-Amz-Checksum-Sha256", right).wantProblem(t, problem.AWSRejected)
	b.put(t, "k", "content", "X-Amz-Checksum-Sha256", right, "X-Amz-Checksum-Crc32", "AAAAAA==").wantProblem(t, problem.InvalidRequest, "header.X-Amz-Checksum-*")
	b.put(t, "k", "content", "Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA==").wantProblem(t, problem.AWSRejected)
	b.object(t, http.MethodGet, "k").want(t, http.StatusOK, "content")
}

// TestTrap33ALostAnswers: a write on a condition is sent once, and nobody knows what became of it; any other is repeated, as it
// may be.
func TestTrap33ALostAnswers(t *testing.T) {
	b := newBench(t)
	etag := b.store(t, "k", "1")
	b.store(t, "old", "1")
	for _, test := range []struct {
		operation string
		ask       func() answer
	}{
		{"PutObject", func() answer { return b.put(t, "new", "2", "If-None-Match", "*") }},
		{"PutObject", func() answer { return b.put(t, "k", "2", "If-Match", etag) }},
		{"DeleteObject", func() answer { return b.object(t, http.MethodDelete, "old", "If-Match", "*") }},
	} {
		b.operations()
		b.local.Inject(localaws.Fault{Service: "s3", Operation: test.operation, Count: 1, Cut: true})
		if d := test.ask().wantProblem(t, problem.OutcomeUnknown); d.Retryable {
			t.Error("retryable")
		}
		if got := b.operations(); got != test.operation {
			t.Errorf("S3 was asked for %s", got)
		}
	}
	b.local.ClearFaults()
	b.local.Inject(localaws.Fault{Service: "s3", Operation: "PutObject", Count: 1, Cut: true})
	if got := b.put(t, "plain", "3"); got.Status != http.StatusOK {
		t.Error(got)
	}
	b.local.Inject(localaws.Fault{Service: "s3", Operation: "GetObject", Count: 1, Status: http.StatusServiceUnavailable, Code: "SlowDown"})
	b.object(t, http.MethodGet, "plain").want(t, http.StatusOK, "3")
}
