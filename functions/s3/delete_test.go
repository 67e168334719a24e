package s3_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/arngate/arngate/functions/s3"
	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
)

const deletePath = "files/delete"

// outcomes are what became of each key, as "key outcome" or "key->to outcome".
func outcomes(o s3.Outcomes) string {
	var out []string
	for _, item := range o.Items {
		name := item.Key
		if item.To != "" {
			name += "->" + item.To
		}
		outcome := item.Outcome
		if item.Problem != nil {
			outcome += ":" + string(item.Problem.Code)
		}
		out = append(out, name+" "+outcome)
	}
	return strings.Join(out, ", ")
}

// bulk sends a request that is answered key by key.
func (b *bench) bulk(t *testing.T, path, body string) s3.Outcomes {
	t.Helper()
	var out s3.Outcomes
	b.post(t, path, body).into(t, &out)
	return out
}

// keys are those of demo-files.
func (b *bench) keys(t *testing.T) []string {
	t.Helper()
	out := []string{}
	for cursor := ""; ; {
		query := []string{"limit", "1000"}
		if cursor != "" {
			query = append(query, "cursor", cursor)
		}
		page := b.get(t, "files/buckets/demo-files/objects", query...).listing(t)
		out = append(out, page.values("key")...)
		if cursor = page.NextCursor; cursor == "" {
			return out
		}
	}
}

// TestTrap40DeleteObjects: a thousand keys in one call, and an answer for each, though S3 answers 200 to a partial failure.
func TestTrap40DeleteObjects(t *testing.T) {
	b := newBench(t)
	var keys []string
	for i := range 1000 {
		key := fmt.Sprintf("many/%04d", i)
		keys = append(keys, quote(t, key))
		if i%100 == 0 {
			b.store(t, key, "x")
		}
	}
	b.operations()
	got := b.bulk(t, deletePath, `{"bucket":"demo-files","keys":[`+strings.Join(keys, ",")+`]}`)
	if ops := b.operations(); ops != "DeleteObjects" || len(got.Items) != 1000 || got.Failed != 0 || got.NextCursor != "" {
		t.Errorf("S3 was asked for %s; %d items, %d failed", ops, len(got.Items), got.Failed)
	}
	if left := b.keys(t); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
	b.post(t, deletePath, `{"bucket":"demo-files","keys":[`+strings.Join(keys, ",")+`,"one more"]}`).wantProblem(t, problem.InvalidRequest, "/keys")

	b.store(t, "a", "x")
	b.store(t, "b", "x")
	b.role = b.addRole(t, b.customer, "keeper",
		`{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::demo-files/b"}`)
	b.connect("keeper", func(l *permissions.Limits) { l.Buckets = []permissions.Bucket{{Name: "*"}} })
	partly := b.bulk(t, "keeper/delete", `{"bucket":"demo-files","keys":["a","b","c"]}`)
	if got := outcomes(partly); got != "a deleted, b failed:aws_access_denied, c deleted" || partly.Failed != 1 {
		t.Error(got)
	}
	why := partly.Items[1].Problem
	if why.MissingAction != "s3:DeleteObject" || why.Resource != "arn:aws:s3:::demo-files/b" || why.Status != http.StatusForbidden {
		t.Errorf("missing %q on %q, %d", why.MissingAction, why.Resource, why.Status)
	}
}

func TestDeletePrefix(t *testing.T) {
	b := newBench(t)
	for i := range 25 {
		b.store(t, fmt.Sprintf("logs/%02d", i), "x")
	}
	b.store(t, "logs-kept", "x")
	b.operations()
	first := b.bulk(t, deletePath, `{"bucket":"demo-files","prefix":"logs/","limit":10}`)
	if len(first.Items) != 10 || first.Items[9].Key != "logs/09" || first.NextCursor == "" {
		t.Fatalf("%s, cursor %q", outcomes(first), first.NextCursor)
	}
	if ops := b.operations(); ops != "ListObjectsV2 DeleteObjects" {
		t.Errorf("S3 was asked for %s", ops)
	}
	b.store(t, "logs/05", "again") // behind the cursor
	cursor := first.NextCursor
	for _, body := range []string{
		`{"bucket":"demo-files","prefix":"logs","limit":10,"cursor":"` + cursor + `"}`,
		`{"bucket":"demo-files","prefix":"logs/","limit":9,"cursor":"` + cursor + `"}`,
		`{"bucket":"demo-files","prefix":"logs/","limit":10,"cursor":"x` + cursor + `"}`,
	} {
		b.post(t, deletePath, body).wantProblem(t, problem.CursorInvalid)
	}
	same := `{"bucket":"demo-files","prefix":"logs/","limit":10,"cursor":"` + cursor + `"}`
	b.do(t, request{method: http.MethodPost, path: deletePath, body: []byte(same), user: "eve"}).wantProblem(t, problem.CursorInvalid)
	second := b.bulk(t, deletePath, same)
	third := b.bulk(t, deletePath, `{"bucket":"demo-files","prefix":"logs/","limit":10,"cursor":"`+second.NextCursor+`"}`)
	if len(second.Items) != 10 || len(third.Items) != 5 || third.NextCursor != "" {
		t.Errorf("then %s; %s", outcomes(second), outcomes(third))
	}
	if got := strings.Join(b.keys(t), " "); got != "logs-kept logs/05" {
		t.Errorf("left: %s", got)
	}
	if got := b.bulk(t, deletePath, `{"bucket":"demo-files","prefix":"none/"}`); len(got.Items) != 0 || got.NextCursor != "" {
		t.Errorf("of nothing: %+v", got)
	}
	if b.bulk(t, deletePath, `{"bucket":"demo-files","prefix":""}`); len(b.keys(t)) != 0 {
		t.Errorf("left of everything: %q", b.keys(t))
	}
}

// TestTrap36DeleteWhatXMLCannotName: the SDK would name another key, and delete that.
func TestTrap36DeleteWhatXMLCannotName(t *testing.T) {
	b := newBench(t)
	odd := []string{"a\x01b", "a\rb", "a\nb", "a\tb", "a\x7f", "\u0085", "\u2028", "\uffff"}
	list := []string{quote(t, "plain"), quote(t, "<&>\"' ")}
	b.store(t, "plain", "x")
	b.store(t, "a\ufffdb", "another")
	for _, key := range odd {
		b.store(t, key, "x")
		list = append(list, quote(t, key))
	}
	got := b.bulk(t, deletePath, `{"bucket":"demo-files","keys":[`+strings.Join(list, ",")+`]}`)
	if got.Failed != 0 || len(got.Items) != len(list) {
		t.Error(outcomes(got))
	}
	if left := b.keys(t); len(left) != 1 || left[0] != "a\ufffdb" {
		t.Errorf("left: %q", left)
	}
	for _, key := range odd {
		b.store(t, "p/"+key, "x")
	}
	b.bulk(t, deletePath, `{"bucket":"demo-files","prefix":"p/","limit":3}`)
	if left := b.keys(t); len(left) != 1+len(odd)-3 {
		t.Errorf("left of a page: %q", left)
	}
}

// TestTrap40UnansweredKeys: of what S3 says nothing, it is asked again by itself.
func TestTrap40UnansweredKeys(t *testing.T) {
	var asked []string
	b := answered(t, func(r *http.Request) *http.Response {
		asked = append(asked, r.Method+" "+r.URL.Path)
		if r.Method == http.MethodPost {
			return response(r, http.StatusOK, `<DeleteResult><Deleted><Key>a</Key></Deleted>`+
				`<Error><Key>b</Key><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error></DeleteResult>`)
		}
		return response(r, http.StatusNoContent, "")
	})
	got := b.bulk(t, deletePath, `{"bucket":"demo-files","keys":["a","b","c"]}`)
	if s := outcomes(got); s != "a deleted, b failed:aws_unavailable, c deleted" || !got.Items[1].Problem.Retryable {
		t.Error(s)
	}
	if s := strings.Join(asked, ", "); s != "POST /, DELETE /c" {
		t.Errorf("asked %s", s)
	}
}

func TestDeleteBody(t *testing.T) {
	b := newBench(t)
	long := strings.Repeat("k", 1025)
	for body, pointers := range map[string][]string{
		`{"bucket":"demo-files"}`:                                         {""},
		`{"keys":["a"]}`:                                                  {"/bucket"},
		`{"bucket":"demo-files","keys":[]}`:                               {"/keys"},
		`{"bucket":"demo-files","keys":["a"],"prefix":"a"}`:               {"/prefix"},
		`{"bucket":"arn:aws:s3:::demo-files","keys":["","` + long + `"]}`: {"/bucket", "/keys/0", "/keys/1"},
		`{"bucket":"demo-files","keys":["a","b","a"]}`:                    {"/keys/2"},
		`{"bucket":"demo-files","keys":["a"],"cursor":"x","limit":5}`:     {"/limit", "/cursor"},
		`{"bucket":"demo-files","prefix":"` + long + `"}`:                 {"/prefix"},
		`{"bucket":"demo-files","prefix":"a","limit":1001}`:               {"/limit"},
		`{"bucket":"demo-files","prefix":"a","recursive":true}`:           {"/recursive"},
	} {
		b.post(t, deletePath, body).wantProblem(t, problem.InvalidRequest, pointers...)
	}
	b.post(t, deletePath, `{"bucket":`).wantProblem(t, problem.InvalidJSON, "/bucket")
	b.post(t, deletePath, `{"bucket":"none-at-all","keys":["a"]}`).wantProblem(t, problem.BucketNotFound)
	b.post(t, deletePath, `{"bucket":"demo-files","prefix":"a","cursor":"AAAA"}`).wantProblem(t, problem.CursorInvalid)
	keys := make([]string, 700)
	for i := range keys {
		keys[i] = quote(t, fmt.Sprintf("%04d%s", i, strings.Repeat("k", 1020)))
	}
	b.post(t, deletePath, `{"bucket":"demo-files","keys":[`+strings.Join(keys, ",")+`]}`).wantProblem(t, problem.PayloadTooLarge)
}

// TestDeletePageFitsItsAnswer: a page of long keys is cut, not deleted without an answer.
func TestDeletePageFitsItsAnswer(t *testing.T) {
	b := newBench(t)
	const count = 720
	for i := range count {
		b.store(t, fmt.Sprintf("%04d%s", i, strings.Repeat("\"", 1020)), "")
	}
	got := b.bulk(t, deletePath, `{"bucket":"demo-files","prefix":""}`)
	if len(got.Items) == 0 || len(got.Items) == count || got.NextCursor == "" {
		t.Fatalf("%d items, cursor %q", len(got.Items), got.NextCursor)
	}
	rest := b.bulk(t, deletePath, `{"bucket":"demo-files","prefix":"","cursor":"`+got.NextCursor+`"}`)
	for rest.NextCursor != "" {
		rest = b.bulk(t, deletePath, `{"bucket":"demo-files","prefix":"","cursor":"`+rest.NextCursor+`"}`)
	}
	if left := b.keys(t); len(left) != 0 {
		t.Errorf("%d left", len(left))
	}
}

// TestDeleteInSeveralMessages: if a later one fails, that is the problem of its keys, as others are deleted by then.
func TestDeleteInSeveralMessages(t *testing.T) {
	count := 0
	b := answered(t, func(r *http.Request) *http.Response {
		count++
		if count > 1 {
			return response(r, http.StatusForbidden, `<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		deleted := strings.NewReplacer("<Object>", "<Deleted>", "</Object>", "</Deleted>").Replace(string(body))
		return response(r, http.StatusOK, `<DeleteResult>`+deleted[strings.Index(deleted, "<Deleted>"):strings.LastIndex(deleted, "</Deleted>")]+`</Deleted></DeleteResult>`)
	})
	keys := make([]string, 600)
	for i := range keys {
		keys[i] = quote(t, fmt.Sprintf("%04d%s", i, strings.Repeat("k", 1000)))
	}
	got := b.bulk(t, deletePath, `{"bucket":"demo-files","keys":[`+strings.Join(keys, ",")+`]}`)
	if count != 2 || got.Failed == 0 || got.Failed > 150 || got.Items[0].Problem != nil || got.Items[599].Problem.Code != problem.AWSAccessDenied {
		t.Errorf("%d calls, %d failed", count, got.Failed)
	}
}

// TestDeleteInAVersionedBucket: what is deleted is covered, not gone.
func TestDeleteInAVersionedBucket(t *testing.T) {
	b := newBench(t)
	b.version(t)
	b.store(t, "k", "x")
	if got := outcomes(b.bulk(t, deletePath, `{"bucket":"demo-files","keys":["k"]}`)); got != "k deleted" {
		t.Error(got)
	}
	out, err := b.admin.ListObjectVersions(t.Context(), &awss3.ListObjectVersionsInput{Bucket: new("demo-files")})
	if err != nil || len(out.Versions) != 1 || len(out.DeleteMarkers) != 1 {
		t.Errorf("%d versions, %d markers, %v", len(out.Versions), len(out.DeleteMarkers), err)
	}
}

// TestDeleteWhenS3IsDown: nothing was deleted, so that it is the request's problem.
func TestDeleteWhenS3IsDown(t *testing.T) {
	b := newBench(t)
	b.local.Inject(localaws.Fault{Service: "s3", Operation: "DeleteObjects", Count: 9, Status: http.StatusServiceUnavailable, Code: "SlowDown"})
	b.post(t, deletePath, `{"bucket":"demo-files","keys":["a"]}`).wantProblem(t, problem.AWSThrottled)
}
