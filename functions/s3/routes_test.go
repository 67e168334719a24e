package s3_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/arngate/arngate/functions/s3"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
)

// use is a use of a route with a bucket and a key.
type use struct {
	name    string
	write   bool
	action  string // that it needs of AWS, before any other
	request func(t *testing.T, connection, bucket, key string) request
	// ok is the status of a use that may be made; 200 if zero.
	ok int
}

// uses are of every route that a key can be named to.
func uses() []use {
	post := func(path, body string) func(*testing.T, string, string, string) request {
		return func(t *testing.T, connection, bucket, key string) request {
			t.Helper()
			fill := strings.NewReplacer("BUCKET", bucket, "KEY", quote(t, key))
			return request{method: http.MethodPost, path: connection + "/" + strings.ReplaceAll(path, "BUCKET", bucket), body: []byte(fill.Replace(body))}
		}
	}
	object := func(method, path string) func(*testing.T, string, string, string) request {
		return func(_ *testing.T, connection, bucket, key string) request {
			r := request{method: method, path: connection + "/buckets/" + bucket + path, query: []string{"key", key}}
			if method == http.MethodPut {
				r.body = []byte("x")
			}
			return r
		}
	}
	const uploads, copies = "buckets/BUCKET/uploads", `{"from":{"bucket":"demo-files","key":"reports/in"},"to":{"bucket":"BUCKET","key":KEY}}`
	const copied = `{"from":{"bucket":"BUCKET","key":KEY},"to":{"bucket":"demo-files","key":"reports/out"}}`
	return []use{
		{name: "get", action: "s3:GetObject", request: object(http.MethodGet, "/object")},
		{name: "metadata", action: "s3:GetObject", request: object(http.MethodGet, "/object/metadata")},
		{name: "acl", action: "s3:GetObjectAcl", request: object(http.MethodGet, "/object/acl")},
		{name: "put", write: true, action: "s3:PutObject", request: object(http.MethodPut, "/object")},
		{name: "copy to", write: true, action: "s3:PutObject", request: post("copy", copies)},
		{name: "copy from", write: true, action: "s3:GetObject", request: post("copy", copied)},
		{name: "post", write: true, action: "s3:ListBucket", request: post(uploads, `{"key":KEY}`)},
		{name: "presigned put", write: true, request: post(uploads, `{"kind":"put","key":KEY}`)},
		{name: "multipart", write: true, action: "s3:PutObject", request: post(uploads, `{"kind":"multipart","key":KEY,"size":1}`)},
		{name: "parts", write: true, request: post(uploads+"/parts", `{"key":KEY,"upload_id":"u","numbers":[1]}`)},
		{
			name: "complete", write: true, action: "s3:PutObject", ok: http.StatusNotFound,
			request: post(uploads+"/complete", `{"key":KEY,"upload_id":"u","parts":[{"number":1,"etag":"x"}]}`),
		},
		{name: "downloads", request: post("downloads", `{"objects":[{"bucket":"BUCKET","key":KEY}]}`)},
		{name: "move to", write: true, action: "s3:PutObject", request: post("move", copies)},
		{name: "move from", write: true, action: "s3:GetObject", request: post("move", copied)},
		{name: "delete many", write: true, request: post("delete", `{"bucket":"BUCKET","keys":[KEY]}`)},
		{name: "delete", write: true, action: "s3:DeleteObject", ok: http.StatusNoContent, request: object(http.MethodDelete, "/object")},
	}
}

// do uses it and says what of the answer is not a success.
func (u use) check(t *testing.T, got answer) {
	t.Helper()
	ok := u.ok
	if ok == 0 {
		ok = http.StatusOK
	}
	if got.Status != ok || strings.Contains(got.Body, `"problem"`) {
		t.Errorf("%s: %d %s", u.name, got.Status, got.Body)
	}
}

// legal are keys that S3 takes, and that something on the way is likely to trip over (traps 15, 16 and 36).
func legal() []string {
	return []string{
		"plain", "a b", " lead and trail ", "a+b", "100%.csv", "a%2Fb", "%", "//", "/lead", "a//b", "a/", ".", "..", "../up", "a/../b", "a/./b", "?q=1&x", "#f",
		"a;b,c", `back\slash`, `"quoted"`, "'", "<x>&amp;", "*", "$(id)", "${x}", "ünï→日本", "e\u0301", "\U0001f600", "a\tb", "a\nb", "a\rb", "\x01", "\x7f", "\u2028", "\ufffd",
		"~!@^()[]{}|`", strings.Repeat("k", 1024), strings.Repeat("é", 512), strings.Repeat("d/", 512),
	}
}

// TestEveryLegalKeyOnEveryRoute: what each answers, S3 has done to just that key.
func TestEveryLegalKeyOnEveryRoute(t *testing.T) {
	b := newBench(t)
	b.store(t, "reports/in", "in")
	for _, key := range legal() {
		for _, u := range uses() {
			if strings.HasSuffix(key, "/") && u.name == "put" {
				continue // a folder has no content
			}
			if strings.HasPrefix(u.name, "delete") || strings.HasSuffix(u.name, "from") || u.name == "get" || u.name == "metadata" || u.name == "acl" {
				b.store(t, key, "of "+key)
			}
			got := b.do(t, u.request(t, "files", "demo-files", key))
			if strings.HasSuffix(u.name, "to") {
				b.store(t, "reports/in", "in")
			}
			u.check(t, got)
			b.effect(t, u.name, key, got)
		}
	}
}

// effect checks what a route has done to a key.
func (b *bench) effect(t *testing.T, name, key string, got answer) {
	t.Helper()
	stored := map[string]string{"put": "x", "copy to": "in", "move to": "in", "copy from": "of " + key}
	switch name {
	case "get":
		got.want(t, http.StatusOK, "of "+key)
	case "metadata":
		var m s3.Metadata
		got.into(t, &m)
		if m.Key != key || m.Size != int64(len("of "+key)) {
			t.Errorf("metadata of %q: %+v", key, m)
		}
	case "put", "copy to", "move to", "copy from":
		b.object(t, http.MethodGet, key).want(t, http.StatusOK, stored[name])
		if name == "copy from" {
			b.object(t, http.MethodGet, "reports/out").want(t, http.StatusOK, "of "+key)
		}
	case "post":
		var u s3.Upload
		got.into(t, &u)
		if status, answer := b.submit(t, u, text("posted")); status != http.StatusCreated {
			t.Errorf("post of %q: %d %s", key, status, answer)
		}
		b.object(t, http.MethodGet, key).want(t, http.StatusOK, "posted")
	case "presigned put":
		var u s3.Upload
		got.into(t, &u)
		if status, _, answer := b.send(t, http.MethodPut, u.URL, u.Headers, text("sent")); status != http.StatusOK {
			t.Errorf("put of %q: %d %s", key, status, answer)
		}
		b.object(t, http.MethodGet, key).want(t, http.StatusOK, "sent")
	case "multipart":
		var u s3.Upload
		got.into(t, &u)
		b.post(t, uploadsPath+"/complete", b.parts(t, u, "1")+`}`).into(t, &u)
		b.object(t, http.MethodGet, key).want(t, http.StatusOK, "1")
	case "downloads":
		var d s3.Downloads
		got.into(t, &d)
		if status, _, body := b.send(t, http.MethodGet, d.Items[0].URL, nil, content{}); status != http.StatusOK || body != "1" {
			t.Errorf("download of %q: %d %s", key, status, body)
		}
	case "delete", "delete many", "move from":
		b.object(t, http.MethodGet, key).wantProblem(t, problem.ObjectNotFound)
	}
}

// TestTrap43LimitsOnEveryRoute: a prefix is a folder, at both ends of what has two; refused before AWS is asked.
func TestTrap43LimitsOnEveryRoute(t *testing.T) {
	b := newBench(t)
	createBucket(t, b.admin, "other", localawstest.Region)
	b.connect("reports", func(l *permissions.Limits) { l.Buckets = []permissions.Bucket{{Name: "demo-files", Prefix: "reports"}} })
	b.operations()
	for _, u := range uses() {
		for _, key := range []string{"reports", "reports-secret/a", "Reports/a", "/reports/a", "x"} {
			b.do(t, u.request(t, "reports", "demo-files", key)).refused(t)
		}
		b.do(t, u.request(t, "reports", "other", "reports/a")).refused(t)
	}
	for _, prefix := range []string{"", "r", "reports", "reports-secret/", "Reports/"} {
		outside := `{"bucket":"demo-files","prefix":` + quote(t, prefix) + `}`
		inside := `{"bucket":"demo-files","prefix":"reports/x/"}`
		b.post(t, "reports/delete", outside).refused(t)
		for _, path := range []string{"reports/copy", "reports/move"} {
			if prefix != "" && prefix != "r" && prefix != "reports" { // those would hold what they copy
				b.post(t, path, `{"from":`+outside+`,"to":`+inside+`}`).refused(t)
			}
			b.post(t, path, `{"from":`+inside+`,"to":`+outside+`}`).refused(t)
		}
	}
	if got := b.operations(); got != "" {
		t.Errorf("S3 was asked for %s", got)
	}
	b.store(t, "reports/in", "x")
	for _, u := range uses() {
		if !strings.HasSuffix(u.name, "to") {
			b.store(t, "reports/k", "x")
		}
		b.store(t, "reports/in", "x")
		u.check(t, b.do(t, u.request(t, "reports", "demo-files", "reports/k")))
	}
	mixed := b.post(t, "reports/delete", `{"bucket":"demo-files","keys":["reports/a","other","reports/b","reports"]}`)
	mixed.wantProblem(t, problem.ConnectionForbids, "/keys/1", "/keys/3")
	mixed = b.post(t, "reports/downloads", `{"objects":[{"bucket":"demo-files","key":"reports/a"},{"bucket":"other","key":"reports/a"}]}`)
	mixed.wantProblem(t, problem.ConnectionForbids, "/objects/1")
}

// refused checks that the connection's own limits refuse a request, wherever in it.
func (a answer) refused(t *testing.T) {
	t.Helper()
	if a.Status != http.StatusForbidden || !strings.Contains(a.Body, `"connection_forbids"`) {
		t.Errorf("answer %d %s", a.Status, a.Body)
	}
}

// TestReadOnlyOnEveryRoute: what writes is refused before AWS is asked, what reads is not.
func TestReadOnlyOnEveryRoute(t *testing.T) {
	b := newBench(t)
	b.store(t, "k", "x")
	b.connect("archive", func(l *permissions.Limits) { l.Buckets, l.ReadOnly = []permissions.Bucket{{Name: "*"}}, true })
	for _, u := range uses() {
		b.operations()
		got := b.do(t, u.request(t, "archive", "demo-files", "k"))
		if !u.write {
			u.check(t, got)
			continue
		}
		got.refused(t)
		if ops := b.operations(); ops != "" {
			t.Errorf("%s: S3 was asked for %s", u.name, ops)
		}
	}
	b.post(t, "archive/delete", `{"bucket":"demo-files","prefix":""}`).refused(t)
	b.post(t, "archive/move", ends(t, "prefix", "a/", "b/")).refused(t)
}

// TestMissingPermissionOnEveryRoute: named, wherever AWS is asked.
func TestMissingPermissionOnEveryRoute(t *testing.T) {
	b := newBench(t)
	b.store(t, "k", "x")
	b.store(t, "reports/in", "x")
	for _, u := range uses() {
		if u.action == "" {
			continue
		}
		name := "without-" + strings.NewReplacer(":", "-", " ", "-").Replace(u.action+"-"+u.name)
		b.role = b.addRole(t, b.customer, name,
			`{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"`+u.action+`","Resource":"*"}`)
		b.connect(name, everything)
		denied := b.do(t, u.request(t, name, "demo-files", "k")).wantProblem(t, problem.AWSAccessDenied)
		if denied.MissingAction != u.action || !strings.HasPrefix(denied.Resource, "arn:aws:s3:::demo-files") {
			t.Errorf("%s: missing %q on %q, want %s", u.name, denied.MissingAction, denied.Resource, u.action)
		}
	}
}

// TestAnotherSiteOnEveryRoute: its connection of that name is another; without one there is nothing (trap 23).
func TestTrap23AnotherSiteOnEveryRoute(t *testing.T) {
	b := newBench(t)
	b.store(t, "k", "x")
	b.operations()
	for _, u := range uses() {
		r := u.request(t, "files", "demo-files", "k")
		r.site = "0c1d2e3f-8b86-4d01-b42d-00cf4fc964aa"
		b.do(t, r).wantProblem(t, problem.ConnectionNotFound)
		r.site, r.path = "", strings.Replace(r.path, "files", "nothing", 1)
		b.do(t, r).wantProblem(t, problem.ConnectionNotFound)
	}
	if got := b.operations(); got != "" {
		t.Errorf("S3 was asked for %s", got)
	}
}
