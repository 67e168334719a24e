package s3_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/functions/s3"
	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
)

// ends is the body of a copy or move within demo-files; kind is key or prefix.
func ends(t *testing.T, kind, from, to string, more ...string) string {
	t.Helper()
	return `{"from":{"bucket":"demo-files","` + kind + `":` + quote(t, from) + `},"to":{"bucket":"demo-files","` + kind + `":` + quote(t, to) + `}` +
		strings.Join(more, "") + `}`
}

func TestCopyObject(t *testing.T) {
	b := newBench(t)
	b.store(t, "a b+%.txt", "hello", func(in *awss3.PutObjectInput) {
		in.ContentType, in.Metadata, in.StorageClass = new("text/plain"), map[string]string{"title": "x"}, types.StorageClassStandardIa
	})
	b.operations()
	got := b.bulk(t, "files/copy", ends(t, "key", "a b+%.txt", "copies/ä.txt"))
	if ops := b.operations(); outcomes(got) != "a b+%.txt->copies/ä.txt copied" || got.Failed != 0 || ops != "HeadObject CopyObject" {
		t.Errorf("%s; S3 was asked for %s", outcomes(got), ops)
	}
	var copied s3.Metadata
	b.get(t, metadataPath, "key", "copies/ä.txt").into(t, &copied)
	if copied.Size != 5 || copied.ContentType != "text/plain" || copied.Metadata["title"] != "x" || copied.StorageClass != "STANDARD_IA" {
		t.Errorf("the copy is %+v", copied)
	}
	b.object(t, http.MethodGet, "a b+%.txt").want(t, http.StatusOK, "hello")
	b.post(t, "files/copy", ends(t, "key", "none", "x")).wantProblem(t, problem.ObjectNotFound)
	b.post(t, "files/copy", ends(t, "key", "a b+%.txt", "copies/ä.txt", `,"overwrite":false`)).wantProblem(t, problem.ConditionFailed)
	if got := outcomes(b.bulk(t, "files/copy", ends(t, "key", "a b+%.txt", "new", `,"overwrite":false`))); got != "a b+%.txt->new copied" {
		t.Error(got)
	}
}

func TestMoveObject(t *testing.T) {
	b := newBench(t)
	b.store(t, "old name", "hello")
	b.operations()
	got := b.bulk(t, "files/move", ends(t, "key", "old name", "new name"))
	if ops := b.operations(); outcomes(got) != "old name->new name moved" || ops != "HeadObject CopyObject DeleteObjects" {
		t.Errorf("%s; S3 was asked for %s", outcomes(got), ops)
	}
	if left := strings.Join(b.keys(t), ","); left != "new name" {
		t.Errorf("left: %s", left)
	}
	b.post(t, "files/move", ends(t, "key", "old name", "newer")).wantProblem(t, problem.ObjectNotFound)
	b.store(t, "\x02", "odd")
	if got := outcomes(b.bulk(t, "files/move", ends(t, "key", "\x02", "even"))); got != "\x02->even moved" {
		t.Error(got)
	}
	if left := strings.Join(b.keys(t), ","); left != "even,new name" {
		t.Errorf("left: %s", left)
	}
}

// TestMoveFolder: page by page, in order, and each key but once.
func TestMoveFolder(t *testing.T) {
	b := newBench(t)
	want := []string{"drafts-of-mine", "final/"}
	b.store(t, "drafts/", "")
	b.store(t, "drafts-of-mine", "x")
	for i := range 22 {
		b.store(t, fmt.Sprintf("drafts/%02d", i), fmt.Sprint(i))
		want = append(want, fmt.Sprintf("final/%02d", i))
	}
	var moved []string
	for cursor := ""; ; {
		more := []string{`,"limit":10`}
		if cursor != "" {
			more = append(more, `,"cursor":"`+cursor+`"`)
		}
		page := b.bulk(t, "files/move", ends(t, "prefix", "drafts/", "final/", more...))
		if page.Failed != 0 || len(page.Items) > 10 {
			t.Fatal(outcomes(page))
		}
		for _, item := range page.Items {
			moved = append(moved, item.To)
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
		wrong := ends(t, "prefix", "drafts/", "last/", `,"limit":10,"cursor":"`+cursor+`"`)
		b.post(t, "files/move", wrong).wantProblem(t, problem.CursorInvalid)
		b.post(t, "files/copy", ends(t, "prefix", "drafts/", "final/", `,"limit":10,"cursor":"`+cursor+`"`)).wantProblem(t, problem.CursorInvalid)
	}
	if diff := cmp.Diff(want[1:], moved); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, b.keys(t)); diff != "" {
		t.Error(diff)
	}
	b.object(t, http.MethodGet, "final/07").want(t, http.StatusOK, "7")
}

// TestCopiedNotDeleted: half a move is told as such, and says which permission is missing.
func TestCopiedNotDeleted(t *testing.T) {
	b := newBench(t)
	b.store(t, "in/a", "x")
	b.store(t, "in/b", "x")
	b.role = b.addRole(t, b.customer, "keeper",
		`{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::demo-files/in/a"}`)
	b.connect("keeper", func(l *permissions.Limits) { l.Buckets = []permissions.Bucket{{Name: "*"}} })
	got := b.bulk(t, "keeper/move", ends(t, "prefix", "in/", "out/"))
	if s := outcomes(got); s != "in/a->out/a copied_not_deleted:aws_access_denied, in/b->out/b moved" || got.Failed != 1 {
		t.Error(s)
	}
	if p := got.Items[0].Problem; p.MissingAction != "s3:DeleteObject" || p.Resource != "arn:aws:s3:::demo-files/in/a" {
		t.Errorf("missing %s on %s", p.MissingAction, p.Resource)
	}
	if left := strings.Join(b.keys(t), " "); left != "in/a out/a out/b" {
		t.Errorf("left: %s", left)
	}
	if s := outcomes(b.bulk(t, "keeper/move", ends(t, "key", "in/a", "out/c"))); s != "in/a->out/c copied_not_deleted:aws_access_denied" {
		t.Error(s)
	}
	b.local.Inject(localaws.Fault{Service: "s3", Operation: "DeleteObjects", Count: 9, Status: http.StatusServiceUnavailable, Code: "SlowDown"})
	if s := outcomes(b.bulk(t, "files/move", ends(t, "key", "in/a", "out/d"))); s != "in/a->out/d copied_not_deleted:aws_throttled" {
		t.Error(s)
	}
}

// TestMoveOfWhatChangesMeanwhile: what was not copied is not deleted; and a deletion whose first answer was lost was one.
func TestMoveOfWhatChangesMeanwhile(t *testing.T) {
	b := newBench(t)
	b.store(t, "a", "first")
	changed := false
	b.between(t, "DeleteObjects", func() {
		if !changed {
			changed = true
			b.store(t, "a", "second")
		}
	})
	if s := outcomes(b.bulk(t, "files/move", ends(t, "key", "a", "b"))); s != "a->b copied_not_deleted:condition_failed" {
		t.Error(s)
	}
	b.object(t, http.MethodGet, "a").want(t, http.StatusOK, "second")
	b.object(t, http.MethodGet, "b").want(t, http.StatusOK, "first")
	b.between(t, "CopyObject", func() { b.store(t, "a", "third") })
	b.post(t, "files/move", ends(t, "key", "a", "c")).wantProblem(t, problem.ConditionFailed)
	b.between(t, "DeleteObjects", func() { b.object(t, http.MethodDelete, "a") })
	if s := outcomes(b.bulk(t, "files/move", ends(t, "key", "a", "d"))); s != "a->d moved" {
		t.Error(s)
	}
}

// TestRefusedAfterALostAnswer: what a second attempt is told is not what became of the first. Where nothing was lost, a refusal is one.
func TestRefusedAfterALostAnswer(t *testing.T) {
	refused := map[int]string{http.StatusPreconditionFailed: "PreconditionFailed", http.StatusNotFound: "NoSuchKey"}
	for name, c := range map[string]struct {
		first  int // status of the first answer; zero: none comes
		code   string
		second int
		want   problem.Code
	}{
		"no answer, changed":     {0, "", http.StatusPreconditionFailed, problem.OutcomeUnknown},
		"no answer, gone":        {0, "", http.StatusNotFound, problem.OutcomeUnknown},
		"S3 failed, changed":     {http.StatusInternalServerError, "InternalError", http.StatusPreconditionFailed, problem.OutcomeUnknown},
		"error in 200, changed":  {http.StatusOK, "InternalError", http.StatusPreconditionFailed, problem.OutcomeUnknown},
		"throttled, changed":     {http.StatusServiceUnavailable, "SlowDown", http.StatusPreconditionFailed, problem.ConditionFailed},
		"token expired, changed": {http.StatusBadRequest, "ExpiredToken", http.StatusPreconditionFailed, problem.ConditionFailed},
		"changed":                {http.StatusPreconditionFailed, "PreconditionFailed", 0, problem.ConditionFailed},
	} {
		t.Run(name, func(t *testing.T) {
			copies := 0
			b := answered(t, func(r *http.Request) *http.Response {
				if r.Method == http.MethodHead {
					return response(r, http.StatusOK, "", "Content-Length", "1", "ETag", `"e"`)
				}
				status, code := c.second, refused[c.second]
				if copies++; copies == 1 {
					status, code = c.first, c.code
				}
				if status == 0 {
					return nil
				}
				return response(r, status, "<Error><Code>"+code+"</Code></Error>")
			})
			b.post(t, "files/move", ends(t, "key", "a", "b")).wantProblem(t, c.want)
		})
	}
}

// TestTrap42CopySource: the header is URL-encoded, and tags are left without that anybody is asked for a permission.
func TestTrap42CopySource(t *testing.T) {
	var sources []string
	b := answered(t, func(r *http.Request) *http.Response {
		if r.Method == http.MethodHead {
			return response(r, http.StatusOK, "", "Content-Length", "1", "ETag", `"e"`)
		}
		sources = append(sources, r.Header.Get("X-Amz-Copy-Source"))
		want := map[string]string{
			"X-Amz-Tagging-Directive": "REPLACE", "X-Amz-Tagging": "", "X-Amz-Metadata-Directive": "COPY",
			"X-Amz-Expected-Bucket-Owner": account, "X-Amz-Source-Expected-Bucket-Owner": account,
		}
		for name, value := range want {
			if got := r.Header.Get(name); got != value {
				t.Errorf("%s is %q", name, got)
			}
		}
		return response(r, http.StatusOK, `<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>`)
	})
	want := []string{}
	for key, encoded := range map[string]string{
		"a b+c%2F?versionId=1&d": "a%20b%2Bc%252F%3FversionId%3D1%26d", "//../é\n": "//../%C3%A9%0A",
	} {
		b.bulk(t, "files/copy", ends(t, "key", key, "x"))
		want = append(want, "demo-files/"+encoded)
	}
	if diff := cmp.Diff(want, sources); diff != "" {
		t.Error(diff)
	}
}

// TestTrap42ErrorInA200: a copy that failed after S3 had begun to answer has failed.
func TestTrap42ErrorInA200(t *testing.T) {
	count := 0
	b := answered(t, func(r *http.Request) *http.Response {
		if r.Method == http.MethodHead {
			return response(r, http.StatusOK, "", "Content-Length", "1")
		}
		count++
		if r.Method == http.MethodDelete || r.URL.Query().Has("delete") {
			t.Error("the source is deleted")
		}
		return response(r, http.StatusOK, "<?xml version=\"1.0\"?>\n   <Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>")
	})
	b.post(t, "files/move", ends(t, "key", "a", "b")).wantProblem(t, problem.AWSUnavailable)
	if count != 3 {
		t.Errorf("%d tries", count)
	}
}

// TestCopyOver5GB: told by S3 for a single object, and without asking for one of a folder.
func TestCopyOver5GB(t *testing.T) {
	b := answered(t, func(r *http.Request) *http.Response {
		switch r.Method {
		case http.MethodHead:
			return response(r, http.StatusOK, "", "Content-Length", "5368709120")
		case http.MethodGet:
			return response(r, http.StatusOK, `<ListBucketResult><Contents><Key>in/large</Key><Size>5368709121</Size></Contents></ListBucketResult>`)
		}
		return response(r, http.StatusBadRequest, `<Error><Code>InvalidRequest</Code>`+
			`<Message>The specified copy source is larger than the maximum allowable size for a copy source: 5368709120</Message></Error>`)
	})
	for _, path := range []string{"files/copy", "files/move"} {
		told := b.post(t, path, ends(t, "key", "large", "larger")).wantProblem(t, problem.AWSRejected)
		if !strings.Contains(told.Detail, "5 GB") || told.AWS == nil {
			t.Errorf("%+v", told)
		}
		if s := outcomes(b.bulk(t, path, ends(t, "prefix", "in/", "out/"))); s != "in/large->out/large failed:aws_rejected" {
			t.Error(s)
		}
	}
}

func TestCopyToAnotherBucketElsewhere(t *testing.T) {
	b := newBench(t)
	createBucket(t, b.admin, "far", elsewhere)
	b.store(t, "in/a", "x")
	b.store(t, "in/b", "y")
	got := b.bulk(t, "files/copy", `{"from":{"bucket":"demo-files","prefix":"in/"},"to":{"bucket":"far","prefix":""}}`)
	if s := outcomes(got); s != "in/a->a copied, in/b->b copied" {
		t.Error(s)
	}
	b.get(t, "files/buckets/far/object", "key", "b").want(t, http.StatusOK, "y")
	back := b.bulk(t, "files/move", `{"from":{"bucket":"far","prefix":""},"to":{"bucket":"demo-files","prefix":"back/"}}`)
	if s := outcomes(back); s != "a->back/a moved, b->back/b moved" {
		t.Error(s)
	}
	if left := b.get(t, "files/buckets/far/objects").listing(t).Items; len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	b.post(t, "files/copy", `{"from":{"bucket":"demo-files","key":"in/a"},"to":{"bucket":"none-at-all","key":"a"}}`).wantProblem(t, problem.BucketNotFound)
	b.post(t, "files/copy", `{"from":{"bucket":"none-at-all","key":"in/a"},"to":{"bucket":"demo-files","key":"a"}}`).wantProblem(t, problem.BucketNotFound)
}

// TestKeysOfAFolderThatCannotMove: too long, empty, or back below where they come from.
func TestKeysOfAFolderThatCannotMove(t *testing.T) {
	b := newBench(t)
	long := strings.Repeat("k", 1020)
	b.store(t, "p/"+long, "x")
	b.store(t, "p/ok", "x")
	got := b.bulk(t, "files/move", ends(t, "prefix", "p/", "longer/"))
	if s := outcomes(got); s != "p/"+long+"->longer/"+long+" failed:invalid_request, p/ok->longer/ok moved" {
		t.Error(s)
	}
	b.store(t, "n/n/x", "inner")
	b.store(t, "n/x", "outer")
	b.store(t, "n/", "")
	got = b.bulk(t, "files/move", ends(t, "prefix", "n/", ""))
	if s := outcomes(got); s != "n/ failed:invalid_request, n/n/x->n/x failed:invalid_request, n/x->x moved" {
		t.Error(s)
	}
	b.object(t, http.MethodGet, "x").want(t, http.StatusOK, "outer")
	b.object(t, http.MethodGet, "n/n/x").want(t, http.StatusOK, "inner")
}

func TestCopyBody(t *testing.T) {
	b := newBench(t)
	for body, pointers := range map[string][]string{
		`{}`: {"/from", "/to"},
		`{"from":{"bucket":"demo-files"},"to":{"bucket":"demo-files","key":"a","prefix":"b"}}`:                     {"/from", "/to"},
		`{"from":{"bucket":"x","key":""},"to":{"bucket":"demo-files","key":"` + strings.Repeat("k", 1025) + `"}}`:  {"/from/bucket", "/from/key", "/to/key"},
		`{"from":{"bucket":"demo-files","key":"a"},"to":{"bucket":"demo-files","prefix":"b"}}`:                     {"/to"},
		`{"from":{"bucket":"demo-files","key":"a"},"to":{"bucket":"demo-files","key":"a"}}`:                        {"/to/key"},
		`{"from":{"bucket":"demo-files","prefix":"a/"},"to":{"bucket":"demo-files","prefix":"a/"}}`:                {"/to/prefix"},
		`{"from":{"bucket":"demo-files","prefix":""},"to":{"bucket":"demo-files","prefix":"a/"}}`:                  {"/to/prefix"},
		`{"from":{"bucket":"demo-files","key":"a"},"to":{"bucket":"demo-files","key":"b"},"limit":2,"cursor":"x"}`: {"/limit", "/cursor"},
		`{"from":{"bucket":"demo-files","key":"a"},"to":{"bucket":"demo-files","key":"b"},"tags":true}`:            {"/tags"},
	} {
		b.post(t, "files/copy", body).wantProblem(t, problem.InvalidRequest, pointers...)
		b.post(t, "files/move", body).wantProblem(t, problem.InvalidRequest, pointers...)
	}
	b.store(t, "a", "x")
	if s := outcomes(b.bulk(t, "files/copy", `{"from":{"bucket":"demo-files","prefix":"a"},"to":{"bucket":"demo-files","prefix":"b"}}`)); s != "a->b copied" {
		t.Error(s)
	}
}

// between calls do each time just before an operation reaches S3.
func (b *bench) between(t *testing.T, operation string, do func()) {
	t.Helper()
	next := b.local.Client().Transport
	b.through(t, roundTripper(func(r *http.Request) (*http.Response, error) {
		is := map[string]bool{
			"DeleteObjects": r.URL.Query().Has("delete"), "CopyObject": r.Header.Get("X-Amz-Copy-Source") != "",
		}
		if is[operation] {
			do()
		}
		return next.RoundTrip(r)
	}))
}

// roundTripper is a function as a transport that can fail.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip sends a request.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestCopyTimeIsBounded: what isn't begun in time is for the next page.
func TestCopyTimeIsBounded(t *testing.T) {
	b := newBench(t)
	for i := range 60 {
		b.store(t, fmt.Sprintf("in/%02d", i), "x")
	}
	b.time = 10600 * time.Millisecond // of which half a second is the gateway's, and ten are kept
	b.local.Inject(localaws.Fault{Service: "s3", Operation: "CopyObject", Count: 60, Delay: 150 * time.Millisecond})
	got := b.bulk(t, "files/copy", ends(t, "prefix", "in/", "out/"))
	if len(got.Items) == 0 || len(got.Items) == 60 || got.NextCursor == "" || got.Failed != 0 {
		t.Fatalf("%d items, %d failed, cursor %q", len(got.Items), got.Failed, got.NextCursor)
	}
	b.local.ClearFaults()
	b.time = 0
	rest := b.bulk(t, "files/copy", ends(t, "prefix", "in/", "out/", `,"cursor":"`+got.NextCursor+`"`))
	if len(got.Items)+len(rest.Items) != 60 || rest.Items[0].Key <= got.Items[len(got.Items)-1].Key {
		t.Errorf("%d and %d items", len(got.Items), len(rest.Items))
	}
}
