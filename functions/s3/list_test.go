package s3_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
)

func TestListBuckets(t *testing.T) {
	b := newBench(t)
	createBucket(t, b.admin, "archive", elsewhere)
	createBucket(t, b.admin, "demo-more", localawstest.Region)
	createBucket(t, client(b.local, b.local.Account(stranger)), "demo-strange", localawstest.Region)
	all := b.get(t, "files/buckets").listing(t)
	if diff := cmp.Diff([]string{"archive", "demo-files", "demo-more"}, all.values("name")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{elsewhere, localawstest.Region, localawstest.Region}, all.values("region")); diff != "" {
		t.Error(diff)
	}
	if created := all.values("created_at"); created[0] < "2026" {
		t.Errorf("created_at = %s", created)
	}
	first := b.get(t, "files/buckets", "limit", "2").listing(t)
	second := b.get(t, "files/buckets", "limit", "2", "cursor", first.NextCursor).listing(t)
	if got := append(first.values("name"), second.values("name")...); !slices.Equal(got, all.values("name")) || second.NextCursor != "" {
		t.Errorf("by pages: %s, then %q", got, second.NextCursor)
	}
	b.get(t, "files/buckets", "limit", "3", "cursor", first.NextCursor).wantProblem(t, problem.CursorInvalid)
	b.do(t, request{
		method: http.MethodGet, path: "files/buckets", query: []string{"limit", "2", "cursor", first.NextCursor}, user: "eve",
	}).wantProblem(t, problem.CursorInvalid)
}

func TestListBucketsOfTheConnection(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"aaa", "demo-a", "demo-b", "demo-c", "zzz"} {
		createBucket(t, b.admin, name, localawstest.Region)
	}
	b.connect("two", func(l *permissions.Limits) {
		l.Buckets = []permissions.Bucket{{Name: "demo-files"}, {Name: "demo-b", Prefix: "reports"}, {Name: "not-there"}}
	})
	b.connect("one", func(l *permissions.Limits) { l.Buckets = []permissions.Bucket{{Name: "zzz"}}; l.ReadOnly = true })
	b.connect("three", func(l *permissions.Limits) {
		l.Buckets = []permissions.Bucket{{Name: "demo-files"}, {Name: "demo-a"}, {Name: "demo-c"}}
	})
	for name, want := range map[string][]string{
		"two": {"demo-b", "demo-files"}, "one": {"zzz"}, "three": {"demo-a", "demo-c", "demo-files"},
	} {
		for _, limit := range []string{"1", "2", "50"} {
			if diff := cmp.Diff(want, b.pages(t, name+"/buckets", "limit", limit).values("name")); diff != "" {
				t.Errorf("%s by %s: %s", name, limit, diff)
			}
		}
	}
}

// pages reads a list to its end.
func (b *bench) pages(t *testing.T, path string, query ...string) listing {
	t.Helper()
	var all listing
	for cursor := ""; ; {
		asked := query
		if cursor != "" {
			asked = append(slices.Clone(query), "cursor", cursor)
		}
		page := b.get(t, path, asked...).listing(t)
		if limit := slices.Index(query, "limit"); limit >= 0 {
			if most, err := strconv.Atoi(query[limit+1]); err != nil || len(page.Items)+len(page.Folders) > most {
				t.Errorf("a page of %d items and %d folders, limit %d, %v", len(page.Items), len(page.Folders), most, err)
			}
		}
		all.Items, all.Folders = append(all.Items, page.Items...), append(all.Folders, page.Folders...)
		if cursor = page.NextCursor; cursor == "" {
			return all
		}
	}
}

func TestListObjects(t *testing.T) {
	b := newBench(t)
	etag := b.store(t, "readme.txt", "hello")
	for _, key := range []string{"reports/2026/q1.csv", "reports/2026/q2.csv", "reports/index.html", "pictures/"} {
		b.store(t, key, "x")
	}
	root := b.get(t, "files/buckets/demo-files/objects", "delimiter", "/").listing(t)
	if diff := cmp.Diff([]string{"pictures/", "reports/"}, root.Folders); diff != "" {
		t.Error(diff)
	}
	modified, _ := root.Items[0]["modified_at"].(string)
	want := []map[string]any{{"key": "readme.txt", "size": 5.0, "etag": etag, "storage_class": "STANDARD", "modified_at": modified}}
	if diff := cmp.Diff(want, root.Items); diff != "" || modified < "2026" {
		t.Error(diff, modified)
	}
	below := b.get(t, "files/buckets/demo-files/objects", "delimiter", "/", "prefix", "reports/").listing(t)
	if diff := cmp.Diff([][]string{{"reports/2026/"}, {"reports/index.html"}}, [][]string{below.Folders, below.values("key")}); diff != "" {
		t.Error(diff)
	}
	flat := b.pages(t, "files/buckets/demo-files/objects", "limit", "2", "prefix", "re")
	if diff := cmp.Diff([]string{"readme.txt", "reports/2026/q1.csv", "reports/2026/q2.csv", "reports/index.html"}, flat.values("key")); diff != "" {
		t.Error(diff)
	}
	b.get(t, "files/buckets/demo-files/objects", "prefix", "nothing").want(t, http.StatusOK, `{"items":[],"folders":[]}`)
}

func TestListObjectsRefusals(t *testing.T) {
	b := newBench(t)
	b.store(t, "a", "x")
	b.store(t, "b", "x")
	path := "files/buckets/demo-files/objects"
	b.get(t, "files/buckets/not-there/objects").wantProblem(t, problem.BucketNotFound)
	b.get(t, "nobody/buckets/demo-files/objects").wantProblem(t, problem.ConnectionNotFound)
	b.get(t, path, "delimiter", "|").wantProblem(t, problem.InvalidRequest, "query.delimiter")
	b.get(t, path, "prefix", strings.Repeat("é", 513)).wantProblem(t, problem.InvalidRequest, "query.prefix")
	b.get(t, path, "prefix", "\xff").wantProblem(t, problem.InvalidRequest, "query.prefix")
	b.get(t, path, "limit", "0", "odd", "1").wantProblem(t, problem.InvalidRequest, "query.limit", "query.odd")
	cursor := b.get(t, path, "limit", "1").listing(t).NextCursor
	for name, query := range map[string][]string{
		"altered":       {"limit", "1", "cursor", "A" + cursor},
		"other limit":   {"limit", "2", "cursor", cursor},
		"other prefix":  {"limit", "1", "prefix", "b", "cursor", cursor},
		"with folders":  {"limit", "1", "delimiter", "/", "cursor", cursor},
		"not a cursor":  {"limit", "1", "cursor", "%"},
		"only a cursor": {"cursor", cursor},
	} {
		t.Run(name, func(t *testing.T) { b.get(t, path, query...).wantProblem(t, problem.CursorInvalid) })
	}
	eve := b.do(t, request{method: http.MethodGet, path: path, query: []string{"limit", "1", "cursor", cursor}, user: "eve"})
	eve.wantProblem(t, problem.CursorInvalid)
}

// TestTrap21OnlyBucketNames: everything else that S3 takes in place of a bucket's name could be another account's.
func TestTrap21OnlyBucketNames(t *testing.T) {
	b := newBench(t)
	b.connect("demo", func(l *permissions.Limits) { l.Buckets = []permissions.Bucket{{Name: "demo-files"}} })
	for _, name := range []string{
		"arn:aws:s3:::demo-files", "arn:aws:s3:us-east-1:444455556666:accesspoint:ap", "alias-s3alias", "x--use1-az4--x-s3", "Demo-Files", "..", "a",
		"demo-files?acl", "192.0.2.1",
	} {
		for _, connection := range []string{"files", "demo"} {
			b.get(t, connection+"/buckets/"+name+"/objects").wantProblem(t, problem.InvalidRequest, "path.bucket")
			b.get(t, connection+"/buckets/"+name+"/object", "key", "k").wantProblem(t, problem.InvalidRequest, "path.bucket")
		}
	}
	if got := b.operations(); got != "" {
		t.Errorf("S3 was asked for %s", got)
	}
}

// oddKeys draws keys that have broken listings and URLs before, colliding in their folders.
func oddKeys() *rapid.Generator[[]string] {
	segment := rapid.SampledFrom([]string{
		"a", "b", "a b", "a+b", "a%2Bb", "%", "%2F", "a&b=c", "?", "#", "\x00", "\x01", "\n", "\r", "\x7f", "é", "日本", "e\u0301", "😀", "\ufffe", "<&>", "\"'", "\\",
		"..", ".", "~", "*", "", "aws:", ";", ",",
	})
	key := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(segment, 1, 4).Draw(t, "segments"), rapid.SampledFrom([]string{"/", "/", ""}).Draw(t, "glue"))
	}).Filter(func(key string) bool { return key != "" })
	return rapid.SliceOfNDistinct(key, 1, 25, rapid.ID[string])
}

// TestTrap36EveryOddKeyOnce: whatever the keys are, what is put is listed once, in every page size, as itself or within one
// folder, and read back as it was.
func TestTrap36EveryOddKeyOnce(t *testing.T) {
	b := newBench(t)
	rapid.Check(t, func(rt *rapid.T) {
		keys := oddKeys().Draw(rt, "keys")
		for _, key := range keys {
			b.store(t, key, "content of "+key)
		}
		defer func() {
			for _, key := range keys {
				b.object(t, http.MethodDelete, key).want(t, http.StatusNoContent, "")
			}
		}()
		slices.Sort(keys)
		limit := rapid.SampledFrom([]string{"1", "2", "7", "1000"}).Draw(rt, "limit")
		flat := b.pages(t, "files/buckets/demo-files/objects", "limit", limit)
		if diff := cmp.Diff(keys, flat.values("key")); diff != "" {
			rt.Error("flat:", diff)
		}
		if diff := cmp.Diff(keys, b.walk(t, "", limit)); diff != "" {
			rt.Error("by folders:", diff)
		}
		for _, key := range keys {
			if got := b.object(t, http.MethodGet, key); got.Status != http.StatusOK || got.Body != "content of "+key {
				rt.Errorf("get %q: %d %q", key, got.Status, got.Body)
			}
		}
	})
}

// walk lists every folder below prefix and returns all keys, sorted.
func (b *bench) walk(t *testing.T, prefix, limit string) []string {
	t.Helper()
	here := b.pages(t, "files/buckets/demo-files/objects", "limit", limit, "delimiter", "/", "prefix", prefix)
	keys := here.values("key")
	for _, folder := range here.Folders {
		if !strings.HasPrefix(folder, prefix) || !strings.HasSuffix(folder, "/") {
			t.Errorf("folder %q below %q", folder, prefix)
		}
		keys = append(keys, b.walk(t, folder, limit)...)
	}
	slices.Sort(keys)
	return keys
}
