package s3_test

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // to show what an ETag isn't
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/functions/s3"
	"github.com/arngate/arngate/shared/problem"
)

const uploadsPath = "files/buckets/demo-files/uploads"

// upload begins an upload.
func (b *bench) upload(t *testing.T, body string) s3.Upload {
	t.Helper()
	var out s3.Upload
	b.post(t, uploadsPath, body).into(t, &out)
	return out
}

// TestTrap38PostBoundsSizeAndType: S3 takes just the key, type and size that the form was made for, and nothing besides.
func TestTrap38PostBoundsSizeAndType(t *testing.T) {
	b := newBench(t)
	u := b.upload(t, `{"key":"photos/my cat.jpg","content_type":"image/jpeg","min_size":3,"max_size":5,"metadata":{"title":"a, b"}}`)
	if u.Kind != "post" || u.Method != http.MethodPost || u.Fields["key"] != "photos/my cat.jpg" || u.Fields["Content-Type"] != "image/jpeg" {
		t.Errorf("%+v", u)
	}
	for name, test := range map[string]struct {
		content string
		changes []string
		status  int
		code    string
	}{
		"too small":     {"12", nil, http.StatusBadRequest, "EntityTooSmall"},
		"too large":     {"123456", nil, http.StatusBadRequest, "EntityTooLarge"},
		"another type":  {"1234", []string{"Content-Type", "text/html"}, http.StatusForbidden, "AccessDenied"},
		"no type":       {"1234", []string{"Content-Type", ""}, http.StatusForbidden, "AccessDenied"},
		"another key":   {"1234", []string{"key", "photos/dog.jpg"}, http.StatusForbidden, "AccessDenied"},
		"another owner": {"1234", []string{"x-amz-expected-bucket-owner", stranger}, http.StatusForbidden, "AccessDenied"},
		"more metadata": {"1234", []string{"x-amz-meta-more", "x"}, http.StatusForbidden, "AccessDenied"},
		"an acl":        {"1234", []string{"acl", "public-read"}, http.StatusForbidden, "AccessDenied"},
		"as it is":      {"1234", nil, http.StatusCreated, "<Key>photos/my cat.jpg</Key>"},
	} {
		status, answer := b.submit(t, u, text(test.content), test.changes...)
		if status != test.status || !strings.Contains(answer, test.code) {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
	var stored s3.Metadata
	b.get(t, metadataPath, "key", "photos/my cat.jpg").into(t, &stored)
	if stored.Size != 4 || stored.ContentType != "image/jpeg" || stored.Metadata["title"] != "a, b" {
		t.Errorf("stored %+v", stored)
	}
	plain := b.upload(t, `{"key":"plain"}`)
	if status, answer := b.submit(t, plain, text("")); status != http.StatusCreated {
		t.Errorf("%d %s", status, answer)
	}
	b.object(t, http.MethodGet, "plain").wantHeader(t, "Content-Type", "application/octet-stream")
}

// TestPostPolicy: the signature is AWS's over the policy, which names every field.
func TestPostPolicy(t *testing.T) {
	b := newBench(t)
	u := b.upload(t, `{"key":"a$b\\\"c","max_size":7,"content_type":"text/plain"}`)
	document, err := base64.StdEncoding.DecodeString(u.Fields["policy"])
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(document), "a$b") {
		t.Errorf("a dollar sign would begin a field's name: %s", document)
	}
	var policy struct {
		Expiration time.Time `json:"expiration"`
		Conditions []any     `json:"conditions"`
	}
	if err := json.Unmarshal(document, &policy); err != nil {
		t.Fatal(err)
	}
	if d := policy.Expiration.Sub(u.ExpiresAt); d < 0 || d > 2*time.Second {
		t.Errorf("the policy ends %v after what is said", d)
	}
	named := map[string]any{}
	var length []any
	for _, c := range policy.Conditions {
		switch c := c.(type) {
		case map[string]any:
			maps.Copy(named, c)
		case []any:
			length = c
		}
	}
	if diff := cmp.Diff([]any{"content-length-range", 0.0, 7.0}, length); diff != "" {
		t.Error(diff)
	}
	want := map[string]any{"bucket": "demo-files"}
	for name, value := range u.Fields {
		if name != "policy" && name != "X-Amz-Signature" {
			want[name] = value
		}
	}
	if diff := cmp.Diff(want, named); diff != "" {
		t.Error(diff)
	}
	secret := b.sessions["files"].SecretAccessKey
	scope := strings.Split(u.Fields["X-Amz-Credential"], "/")
	key := []byte("AWS4" + secret)
	for _, part := range []string{scope[1], scope[2], scope[3], "aws4_request", u.Fields["policy"]} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	if got := u.Fields["X-Amz-Signature"]; got != hex.EncodeToString(key) || scope[2] != "us-east-1" || scope[3] != "s3" {
		t.Errorf("signature %s for %v", got, scope)
	}
	if status, answer := b.submit(t, u, text("content")); status != http.StatusCreated {
		t.Errorf("%d %s", status, answer)
	}
	b.object(t, http.MethodGet, `a$b\"c`).want(t, http.StatusOK, "content")
}

// TestTrap38PresignedPut: neither checksum nor length of an empty body is signed into it.
func TestTrap38PresignedPut(t *testing.T) {
	b := newBench(t)
	u := b.upload(t, `{"kind":"put","key":"a b","content_type":"text/plain; charset=utf-8","metadata":{"title":"x"}}`)
	link, err := url.Parse(u.URL)
	if err != nil {
		t.Fatal(err)
	}
	for name := range link.Query() {
		if lower := strings.ToLower(name); strings.Contains(lower, "checksum") || strings.Contains(lower, "crc") {
			t.Errorf("the URL has %s", name)
		}
	}
	if got := link.Query().Get("X-Amz-SignedHeaders"); got != "content-type;host;x-amz-meta-title" {
		t.Errorf("signed are %s", got)
	}
	if got := link.Query().Get("x-amz-expected-bucket-owner"); got != account {
		t.Errorf("expected owner is %q", got)
	}
	if diff := cmp.Diff(map[string]string{"Content-Type": "text/plain; charset=utf-8", "X-Amz-Meta-Title": "x"}, u.Headers); diff != "" {
		t.Error(diff)
	}
	for range 2 {
		if status, _, answer := b.send(t, http.MethodPut, u.URL, u.Headers, text("hello")); status != http.StatusOK {
			t.Errorf("%d %s", status, answer)
		}
	}
	if status, _, _ := b.send(t, http.MethodPut, u.URL, map[string]string{"Content-Type": "text/html", "X-Amz-Meta-Title": "x"}, text("hello")); status != http.StatusForbidden {
		t.Errorf("another type: %d", status)
	}
	b.object(t, http.MethodGet, "a b").want(t, http.StatusOK, "hello")
	once := b.upload(t, `{"kind":"put","key":"a b","overwrite":false}`)
	if once.Headers["If-None-Match"] != "*" {
		t.Errorf("%+v", once.Headers)
	}
	if status, _, _ := b.send(t, http.MethodPut, once.URL, once.Headers, text("again")); status != http.StatusPreconditionFailed {
		t.Errorf("over another: %d", status)
	}
	if status, _, _ := b.send(t, http.MethodPut, once.URL, nil, text("again")); status != http.StatusForbidden {
		t.Errorf("without the condition: %d", status)
	}
}

// parts sends the parts of an upload of content, and returns what completes it.
func (b *bench) parts(t *testing.T, u s3.Upload, whole string) string {
	t.Helper()
	var sent []string
	for i, part := range u.Parts {
		from := int64(i) * u.PartSize
		status, header, answer := b.send(t, http.MethodPut, part.URL, nil, text(whole[from:from+part.Size]))
		if status != http.StatusOK {
			t.Fatalf("part %d: %d %s", part.Number, status, answer)
		}
		sent = append([]string{fmt.Sprintf(`{"number":%d,"etag":%s}`, part.Number, quote(t, header.Get("ETag")))}, sent...)
	}
	return `{"key":` + quote(t, u.Key) + `,"upload_id":"` + u.UploadID + `","parts":[` + strings.Join(sent, ",") + `]`
}

func TestMultipartUpload(t *testing.T) {
	b := newBench(t)
	whole := strings.Repeat("0123456789abcdef", 11<<16) // 11 MiB
	u := b.upload(t, fmt.Sprintf(`{"kind":"multipart","key":"large?","content_type":"video/mp4","metadata":{"a":"b"},"size":%d,"part_size":%d}`, len(whole), 5<<20))
	if u.PartCount != 3 || len(u.Parts) != 3 || u.Parts[0].Size != 5<<20 || u.Parts[2].Size != 1<<20 || u.Method != "" || u.URL != "" {
		t.Fatalf("%+v", u)
	}
	if strings.Contains(strings.ToLower(u.Parts[0].URL), "crc") || !strings.Contains(u.Parts[0].URL, "x-amz-expected-bucket-owner="+account) {
		t.Error(u.Parts[0].URL)
	}
	body := b.parts(t, u, whole)
	// A part can be sent again by a fresh URL.
	var fresh s3.Parts
	b.post(t, uploadsPath+"/parts", `{"key":"large?","upload_id":"`+u.UploadID+`","numbers":[2]}`).into(t, &fresh)
	if status, _, answer := b.send(t, http.MethodPut, fresh.Items[0].URL, nil, text(whole[5<<20:10<<20])); status != http.StatusOK || fresh.Items[0].Number != 2 {
		t.Errorf("%d %s", status, answer)
	}
	b.post(t, uploadsPath+"/complete", body+`,"size":5}`).wantProblem(t, problem.AWSRejected)
	b.operations()
	var done s3.Completed
	answered := b.post(t, uploadsPath+"/complete", body+fmt.Sprintf(`,"size":%d}`, len(whole)))
	answered.into(t, &done)
	if ops := b.operations(); ops != "CompleteMultipartUpload" || done.Key != "large?" || !strings.HasSuffix(done.ETag, `-3"`) {
		t.Errorf("S3 was asked for %s: %+v", ops, done)
	}
	answered.wantHeader(t, "ETag", done.ETag)
	var stored s3.Metadata
	b.get(t, metadataPath, "key", "large?").into(t, &stored)
	if stored.Size != int64(len(whole)) || stored.ContentType != "video/mp4" || stored.Metadata["a"] != "b" {
		t.Errorf("stored %+v", stored)
	}
	b.post(t, uploadsPath+"/complete", `{"key":"large?","upload_id":"none","parts":[{"number":1,"etag":"x"}]}`).wantProblem(t, problem.ObjectNotFound)

	again := b.upload(t, `{"kind":"multipart","key":"large?","size":3}`)
	body = b.parts(t, again, "abc")
	b.post(t, uploadsPath+"/complete", body+`,"overwrite":false}`).wantProblem(t, problem.ConditionFailed)
	if again.PartSize != 8<<20 || again.PartCount != 1 {
		t.Errorf("%+v", again)
	}
}

// TestTrap41ETagsAreOpaque: the ETag of an upload in parts is no hash of the content, and is good for conditions and moves all the same.
func TestTrap41ETagsAreOpaque(t *testing.T) {
	b := newBench(t)
	whole := strings.Repeat("x", 5<<20) + "the rest"
	u := b.upload(t, fmt.Sprintf(`{"kind":"multipart","key":"parts","size":%d,"part_size":%d}`, len(whole), 5<<20))
	var done s3.Completed
	b.post(t, uploadsPath+"/complete", b.parts(t, u, whole)+`}`).into(t, &done)
	sum := md5.Sum([]byte(whole)) //nolint:gosec // what it isn't
	if strings.Contains(done.ETag, hex.EncodeToString(sum[:])) || !strings.HasSuffix(done.ETag, `-2"`) {
		t.Errorf("ETag %s", done.ETag)
	}
	part := b.object(t, http.MethodGet, "parts", "If-Match", done.ETag, "Range", "bytes=5242880-")
	part.want(t, http.StatusPartialContent, "the rest")
	part.wantHeader(t, "ETag", done.ETag)
	b.object(t, http.MethodGet, "parts", "If-None-Match", done.ETag).want(t, http.StatusNotModified, "")
	if moved := b.bulk(t, "files/move", ends(t, "key", "parts", "moved")); moved.Failed != 0 {
		t.Error(outcomes(moved)) // the source's ETag binds both copy and deletion, the copy's is another
	}
	if got := strings.Join(b.keys(t), " "); got != "moved" {
		t.Errorf("left: %s", got)
	}
	b.put(t, "moved", "new", "If-Match", done.ETag).wantProblem(t, problem.ConditionFailed) // the copy is in one piece, its ETag another
}

// TestPartsOfWhatIsLarge: no more than 10,000, in whole MiB, and no more URLs than an answer holds.
func TestPartsOfWhatIsLarge(t *testing.T) {
	b := newBench(t)
	const size = 100 << 30
	u := b.upload(t, fmt.Sprintf(`{"kind":"multipart","key":"k","size":%d}`, size))
	if u.PartSize != 11<<20 || u.PartCount != (size+11<<20-1)/(11<<20) || len(u.Parts) != 500 || u.Parts[499].Number != 500 {
		t.Errorf("%d parts of %d, %d URLs", u.PartCount, u.PartSize, len(u.Parts))
	}
	numbers := make([]string, 500)
	for i := range numbers {
		numbers[i] = fmt.Sprint(i + 9501)
	}
	var fresh s3.Parts
	b.post(t, uploadsPath+"/parts", `{"key":"k","upload_id":"`+u.UploadID+`","numbers":[`+strings.Join(numbers, ",")+`]}`).into(t, &fresh)
	if len(fresh.Items) != 500 || fresh.Items[499].Number != 10_000 {
		t.Errorf("%d URLs", len(fresh.Items))
	}
}

// TestTrap42CompleteFailsInA200: and is not sent again, be it answered or not.
func TestTrap42CompleteFailsInA200(t *testing.T) {
	count := 0
	b := answered(t, func(r *http.Request) *http.Response {
		count++
		return response(r, http.StatusOK, `<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>`)
	})
	d := b.post(t, uploadsPath+"/complete", `{"key":"k","upload_id":"u","parts":[{"number":1,"etag":"x"}]}`).wantProblem(t, problem.AWSUnavailable)
	if count != 1 || d.Retryable {
		t.Errorf("%d tries, retryable %t", count, d.Retryable)
	}
}

func TestUploadBody(t *testing.T) {
	b := newBench(t)
	for body, pointers := range map[string][]string{
		`{}`:                         {"/key"},
		`{"key":""}`:                 {"/key"},
		`{"key":"k","kind":"patch"}`: {"/kind"},
		`{"key":"k","size":1,"part_size":5242880,"overwrite":false}`:            {"/size", "/part_size", "/overwrite"},
		`{"key":"k","kind":"put","min_size":1,"max_size":2}`:                    {"/min_size", "/max_size"},
		`{"key":"k","min_size":2,"max_size":1}`:                                 {"/min_size"},
		`{"key":"k","max_size":5368709121}`:                                     {"/max_size"},
		`{"key":"k","kind":"multipart"}`:                                        {"/size"},
		`{"key":"k","kind":"multipart","size":53687091200,"part_size":5242880}`: {"/part_size"},
		`{"key":"k","content_type":"text"}`:                                     nil,
		`{"key":"k","content_type":"text/plain; ="}`:                            {"/content_type"},
		`{"key":"k","content_type":"text/plain\r\nX-Amz-Acl: public-read"}`:     {"/content_type"},
		`{"key":"k","metadata":{"Title":"x"}}`:                                  {"/metadata"},
		`{"key":"k","metadata":{"title":"é"}}`:                                  {"/metadata"},
		`{"key":"k","metadata":{"a b":"x"}}`:                                    {"/metadata"},
		`{"key":"k","metadata":{"t":"` + strings.Repeat("x", 2048) + `"}}`:      {"/metadata"},
		`{"key":"${filename}"}`:                                                 {"/key"},
		`{"key":"k","expires_in":3601}`:                                         {"/expires_in"},
		`{"key":"` + strings.Repeat("k", 1025) + `"}`:                           {"/key"},
	} {
		got := b.post(t, uploadsPath, body)
		if pointers == nil {
			if got.Status != http.StatusOK {
				t.Errorf("%s: %d %s", body, got.Status, got.Body)
			}
			continue
		}
		got.wantProblem(t, problem.InvalidRequest, pointers...)
	}
	for body, pointers := range map[string][]string{
		`{"key":"k","upload_id":"u","numbers":[0,1,10001]}`: {"/numbers/0", "/numbers/2"},
		`{"key":"k","upload_id":"u","numbers":[]}`:          {"/numbers"},
		`{"key":"k","upload_id":"\n","numbers":[1]}`:        {"/upload_id"},
	} {
		b.post(t, uploadsPath+"/parts", body).wantProblem(t, problem.InvalidRequest, pointers...)
	}
	for body, pointers := range map[string][]string{
		`{"key":"k","upload_id":"u","parts":[{"number":1,"etag":"x"},{"number":1,"etag":"\n"}]}`: {"/parts/1/number", "/parts/1/etag"},
		`{"key":"k","upload_id":"u","parts":[]}`:                                                 {"/parts"},
		`{"key":"k","upload_id":"u","parts":[{"number":0,"etag":""}]}`:                           {"/parts/0/number", "/parts/0/etag"},
	} {
		b.post(t, uploadsPath+"/complete", body).wantProblem(t, problem.InvalidRequest, pointers...)
	}
	if status := b.post(t, uploadsPath, `{"key":"${filename}","kind":"put"}`).Status; status != http.StatusOK {
		t.Errorf("%d", status)
	}
}

// TestUploadToABucketElsewhere: URLs and forms are for the bucket's own region, which costs one call, once.
func TestTrap35UploadElsewhere(t *testing.T) {
	b := newBench(t)
	createBucket(t, b.admin, "far", elsewhere)
	b.operations()
	var put, form s3.Upload
	b.post(t, "files/buckets/far/uploads", `{"kind":"put","key":"k"}`).into(t, &put)
	if ops := b.operations(); ops != "ListObjectsV2 ListObjectsV2" {
		t.Errorf("S3 was asked for %s", ops)
	}
	b.post(t, "files/buckets/far/uploads", `{"kind":"put","key":"k"}`).into(t, &put)
	if ops := b.operations(); ops != "" {
		t.Errorf("then S3 was asked for %s", ops)
	}
	if status, _, answer := b.send(t, http.MethodPut, put.URL, put.Headers, text("x")); status != http.StatusOK {
		t.Errorf("%d %s", status, answer)
	}
	b.post(t, "files/buckets/far/uploads", `{"key":"k"}`).into(t, &form)
	if status, answer := b.submit(t, form, text("y")); status != http.StatusCreated {
		t.Errorf("%d %s", status, answer)
	}
	b.get(t, "files/buckets/far/object", "key", "k").want(t, http.StatusOK, "y")
	b.post(t, "files/buckets/none-at-all/uploads", `{"key":"k"}`).wantProblem(t, problem.BucketNotFound)
	b.post(t, "files/buckets/none-at-all/uploads", `{"key":"k","kind":"put"}`).wantProblem(t, problem.BucketNotFound)
	b.post(t, "files/buckets/none-at-all/uploads", `{"key":"k","kind":"multipart","size":1}`).wantProblem(t, problem.BucketNotFound)
	b.post(t, "files/downloads", `{"objects":[{"bucket":"none-at-all","key":"k"}]}`).wantProblem(t, problem.BucketNotFound)
}

// TestRegionOfABucketThatCannotBeListed: a denial tells it as well.
func TestTrap35RegionFromADenial(t *testing.T) {
	b := newBench(t)
	createBucket(t, b.admin, "far", elsewhere)
	b.role = b.addRole(t, b.customer, "writer", `{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"}`)
	b.connect("writer", everything)
	b.operations()
	for range 2 {
		var put s3.Upload
		b.post(t, "writer/buckets/far/uploads", `{"kind":"put","key":"k"}`).into(t, &put)
		if status, _, answer := b.send(t, http.MethodPut, put.URL, nil, text("x")); status != http.StatusOK {
			t.Errorf("%d %s", status, answer)
		}
	}
	if ops := b.operations(); ops != "ListObjectsV2 ListObjectsV2 PutObject PutObject" {
		t.Errorf("S3 was asked for %s", ops)
	}
	denied := b.post(t, "writer/buckets/far/uploads", `{"key":"k"}`).wantProblem(t, problem.AWSAccessDenied)
	if denied.MissingAction != "s3:ListBucket" {
		t.Errorf("missing %s", denied.MissingAction)
	}
}
