package s3_test

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/functions/s3"
)

// transfer is how large the files are that these tests send: `go test ./functions/s3 -args -transfer 300`.
var transfer = flag.Int64("transfer", 32, "MiB of the files that are sent to S3 and back")

// noise is n bytes that differ from seed to seed.
func noise(seed int, n int64) content {
	var key [32]byte
	copy(key[:], strconv.Itoa(seed))
	return content{io.LimitReader(rand.NewChaCha8(key), n), n}
}

// counted puts a count on what the function and S3 send each other.
func (b *bench) counted(t *testing.T) {
	t.Helper()
	next := b.local.Client().Transport
	b.through(t, roundTripper(func(r *http.Request) (*http.Response, error) {
		b.passed.Add(max(r.ContentLength, 0))
		response, err := next.RoundTrip(r)
		if err == nil {
			response.Body = &countedBody{response.Body, b}
		}
		return response, err
	}))
}

type countedBody struct {
	io.ReadCloser

	bench *bench
}

// Read reads, and counts.
func (c *countedBody) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.bench.passed.Add(int64(n))
	return n, err
}

// wantLittle checks that the function had no more than a few MB go through it, so that it can't have held more.
func (b *bench) wantLittle(t *testing.T) {
	t.Helper()
	if passed := b.passed.Load(); passed > 3<<20 {
		t.Errorf("%d bytes went through the function", passed)
	}
}

// TestLargeFile: up in parts, one of them twice, and down by a URL, with nothing but HTTP, and not through the function.
func TestLargeFile(t *testing.T) {
	b := newBench(t)
	b.counted(t)
	size := *transfer<<20 + 12345
	u := b.upload(t, fmt.Sprintf(`{"kind":"multipart","key":"videos/launch.mp4","content_type":"video/mp4","size":%d}`, size))
	sent, whole := []string{}, sha256.New()
	for _, part := range u.Parts {
		for range 1 + part.Number%2 { // each second one again, as after a lost answer
			status, header, answer := b.send(t, http.MethodPut, part.URL, nil, noise(part.Number, part.Size))
			if status != http.StatusOK {
				t.Fatalf("part %d: %d %s", part.Number, status, answer)
			}
			if len(sent) < part.Number {
				sent = append(sent, fmt.Sprintf(`{"number":%d,"etag":%s}`, part.Number, quote(t, header.Get("ETag"))))
			}
		}
		if _, err := io.Copy(whole, noise(part.Number, part.Size)); err != nil {
			t.Fatal(err)
		}
	}
	var done s3.Completed
	b.post(t, uploadsPath+"/complete", fmt.Sprintf(`{"key":"videos/launch.mp4","upload_id":%s,"size":%d,"parts":[%s]}`,
		quote(t, u.UploadID), size, strings.Join(sent, ","))).into(t, &done)

	link := b.downloads(t, `{"objects":[{"bucket":"demo-files","key":"videos/launch.mp4"}]}`).Items[0].URL
	response := b.exchange(t, http.MethodGet, link, nil, content{})
	defer response.Body.Close() //nolint:errcheck // only read
	down := sha256.New()
	if n, err := io.Copy(down, response.Body); err != nil || n != size || response.StatusCode != http.StatusOK {
		t.Fatalf("%d: %d bytes of %d, %v", response.StatusCode, n, size, err)
	}
	if diff := cmp.Diff(whole.Sum(nil), down.Sum(nil)); diff != "" {
		t.Error("another hash:", diff)
	}
	if got := response.Header.Get("Content-Disposition"); got != `attachment; filename=launch.mp4` {
		t.Error(got)
	}
	b.wantLittle(t)
}

// TestTaskABrowserUploadByPostPolicy: a browser asks for a form for the file that was chosen, sends it, shows it in its folder, and
// can't send more than it said. `make transfer` sends 200 MB.
func TestTaskABrowserUploadByPostPolicy(t *testing.T) {
	b := newBench(t)
	b.counted(t)
	size := *transfer * (1 << 20) * 5 / 8 // 20 MiB if nothing else is said
	u := b.upload(t, fmt.Sprintf(`{"key":"photos/2026/all.zip","content_type":"application/zip","min_size":%d,"max_size":%d}`, size, size))
	if status, answer := b.submit(t, u, noise(1, size+1)); status != http.StatusBadRequest || !strings.Contains(answer, "EntityTooLarge") {
		t.Errorf("%d %s", status, answer)
	}
	if status, answer := b.submit(t, u, noise(1, size)); status != http.StatusCreated {
		t.Fatalf("%d %s", status, answer)
	}
	shown := b.get(t, "files/buckets/demo-files/objects", "prefix", "photos/2026/", "delimiter", "/").listing(t)
	if len(shown.Items) != 1 || shown.Items[0]["size"] != float64(size) {
		t.Errorf("shown: %v", shown)
	}
	got := b.object(t, http.MethodGet, "photos/2026/all.zip")
	if got.Status != http.StatusTemporaryRedirect {
		t.Fatal(got)
	}
	response := b.exchange(t, http.MethodGet, got.Headers["Location"], nil, content{})
	defer response.Body.Close() //nolint:errcheck // only read
	up, down := sha256.New(), sha256.New()
	_, _ = io.Copy(up, noise(1, size))
	if _, err := io.Copy(down, response.Body); err != nil || string(up.Sum(nil)) != string(down.Sum(nil)) {
		t.Error("another hash:", err)
	}
	b.wantLittle(t)
}

// TestTaskAFileBrowserWithFoldersRenameAndBulkDelete: what a person does in a file browser, and what is shown each time.
func TestTaskAFileBrowserWithFoldersRenameAndBulkDelete(t *testing.T) {
	b := newBench(t)
	show := func(folder string) string {
		t.Helper()
		page := b.get(t, "files/buckets/demo-files/objects", "prefix", folder, "delimiter", "/").listing(t)
		return strings.Join(append(page.Folders, page.values("key")...), " ")
	}
	want := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("shown: %s; want %s", got, want)
		}
	}
	b.put(t, "projects/", "") // a new folder
	for _, name := range []string{"a.txt", "b.txt", "old/c.txt", "old/deep/d.txt"} {
		b.put(t, "projects/"+name, "content of "+name)
	}
	want(show(""), "projects/")
	want(show("projects/"), "projects/old/ projects/ projects/a.txt projects/b.txt")

	// Rename a file; not over another.
	b.post(t, "files/move", ends(t, "key", "projects/a.txt", "projects/b.txt", `,"overwrite":false`)).wantProblem(t, "condition_failed")
	b.bulk(t, "files/move", ends(t, "key", "projects/a.txt", "projects/ä.txt", `,"overwrite":false`))
	want(show("projects/"), "projects/old/ projects/ projects/b.txt projects/ä.txt")

	// Rename a folder, two keys at a time; then copy another.
	for cursor, rounds := "", 0; rounds == 0 || cursor != ""; rounds++ {
		more := `,"limit":2`
		if cursor != "" {
			more += `,"cursor":` + quote(t, cursor)
		}
		page := b.bulk(t, "files/move", ends(t, "prefix", "projects/", "archive/2026/", more))
		if page.Failed != 0 {
			t.Fatal(outcomes(page))
		}
		cursor = page.NextCursor
	}
	want(show(""), "archive/")
	want(show("archive/2026/"), "archive/2026/old/ archive/2026/ archive/2026/b.txt archive/2026/ä.txt")
	b.object(t, http.MethodGet, "archive/2026/old/deep/d.txt").want(t, http.StatusOK, "content of old/deep/d.txt")
	b.bulk(t, "files/copy", ends(t, "prefix", "archive/2026/old/", "kept/"))
	want(show("kept/"), "kept/deep/ kept/c.txt")

	// Details, download of a selection, deletion of it, deletion of the folder.
	var details s3.Metadata
	b.get(t, metadataPath, "key", "kept/c.txt").into(t, &details)
	want(fmt.Sprint(details.Size), fmt.Sprint(len("content of old/c.txt")))
	selection := b.downloads(t, `{"objects":[{"bucket":"demo-files","key":"kept/c.txt"},{"bucket":"demo-files","key":"archive/2026/ä.txt"}]}`)
	for i, text := range []string{"content of old/c.txt", "content of a.txt"} {
		_, _, body := b.send(t, http.MethodGet, selection.Items[i].URL, nil, content{})
		want(body, text)
	}
	want(outcomes(b.bulk(t, deletePath, `{"bucket":"demo-files","keys":["kept/c.txt","archive/2026/ä.txt"]}`)), "kept/c.txt deleted, archive/2026/ä.txt deleted")
	b.bulk(t, deletePath, `{"bucket":"demo-files","prefix":"archive/"}`)
	want(show(""), "kept/")
}
