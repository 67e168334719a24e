package s3_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// model says what a listing must hold: keys and common prefixes, each once, in the order of their bytes.
func model(keys map[string]bool, prefix, delimiter, after string) []string {
	found := map[string]bool{}
	for key := range keys {
		rest, below := strings.CutPrefix(key, prefix)
		if !below {
			continue
		}
		name := key
		if i := strings.Index(rest, delimiter); delimiter != "" && i >= 0 {
			name = prefix + rest[:i+len(delimiter)]
		}
		if name > after {
			found[name] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// all follows a listing to its end. Every page but the last must be full.
func (l *local) all(t *rapid.T, in *awss3.ListObjectsV2Input) []string {
	var got []string
	for {
		page, err := l.ListObjectsV2(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		names := names(t, page)
		if int(*page.KeyCount) != len(names) || *page.IsTruncated && len(names) != int(*in.MaxKeys) {
			t.Fatalf("got %d names, KeyCount %d, truncated %v with MaxKeys %d", len(names), *page.KeyCount, *page.IsTruncated, *in.MaxKeys)
		}
		got = append(got, names...)
		if !*page.IsTruncated {
			return got
		}
		in.ContinuationToken = page.NextContinuationToken
	}
}

func names(t *rapid.T, page *awss3.ListObjectsV2Output) []string {
	var out []string
	for _, o := range page.Contents {
		out = append(out, decoded(t, o.Key))
	}
	for _, p := range page.CommonPrefixes {
		out = append(out, decoded(t, p.Prefix))
	}
	slices.Sort(out)
	return out
}

func decoded(t *rapid.T, name *string) string {
	plain, err := url.QueryUnescape(*name)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// TestListingEqualsTheModel draws keys and prefixes from few pieces, so that they collide.
func TestListingEqualsTheModel(t *testing.T) {
	l := start(t)
	piece := rapid.SampledFrom([]string{"a", "b", "/", "//", "..", "a/", " ", "+", "%", "ü", "😀", "\x01", "ab", "-", "0"})
	name := rapid.Map(rapid.SliceOfN(piece, 1, 4), func(p []string) string { return strings.Join(p, "") })
	buckets := 0
	rapid.Check(t, func(t *rapid.T) {
		buckets++
		bucket := fmt.Sprintf("model-%d", buckets)
		if _, err := l.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: &bucket}); err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "versioned") {
			_, err := l.PutBucketVersioning(t.Context(), &awss3.PutBucketVersioningInput{
				Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		keys := map[string]bool{}
		for _, key := range rapid.SliceOfN(name, 0, 25).Draw(t, "keys") {
			if keys[key] {
				delete(keys, key)
				if _, err := l.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: &bucket, Key: &key}); err != nil {
					t.Fatal(err)
				}
				continue
			}
			keys[key] = true
			if _, err := l.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: &bucket, Key: &key}); err != nil {
				t.Fatal(err)
			}
		}
		prefix := rapid.OneOf(rapid.Just(""), name).Draw(t, "prefix")
		delimiter := rapid.OneOf(rapid.Just(""), rapid.Just("/"), piece).Draw(t, "delimiter")
		after := rapid.OneOf(rapid.Just(""), name).Draw(t, "after")
		in := &awss3.ListObjectsV2Input{
			Bucket: &bucket, Prefix: &prefix, Delimiter: &delimiter, StartAfter: &after, EncodingType: types.EncodingTypeUrl,
			MaxKeys: aws.Int32(rapid.Int32Range(1, 5).Draw(t, "size")),
		}
		if diff := cmp.Diff(model(keys, prefix, delimiter, after), l.all(t, in)); diff != "" {
			t.Fatalf("keys %q, prefix %q, delimiter %q, after %q (-want +got):\n%s", slices.Sorted(maps.Keys(keys)), prefix, delimiter, after, diff)
		}
	})
}

func TestListObjectsV2Details(t *testing.T) {
	l := start(t)
	l.bucket(t, "list")
	for _, key := range []string{"folder/aSubfolder/1", "folder/aSubfolder/2", "folder/file1", "folder/file2"} {
		l.put(t, "list", key, "x")
	}
	out, err := l.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{
		Bucket: aws.String("list"), MaxKeys: aws.Int32(5000), FetchOwner: aws.Bool(true), StartAfter: aws.String("folder/file1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if *out.MaxKeys != 1000 || *out.StartAfter != "folder/file1" || *out.IsTruncated || len(out.Contents) != 1 {
		t.Errorf("got %d, %s, %v, %d objects", *out.MaxKeys, *out.StartAfter, *out.IsTruncated, len(out.Contents))
	}
	o := out.Contents[0]
	if len(*o.Owner.ID) != 64 || *o.Size != 1 || o.StorageClass != "STANDARD" || o.ChecksumAlgorithm[0] != "CRC32" || o.ChecksumType != "FULL_OBJECT" {
		t.Errorf("got %+v", o)
	}
	out, err = l.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: aws.String("list"), MaxKeys: aws.Int32(0)})
	if err != nil || *out.KeyCount != 0 || *out.IsTruncated {
		t.Errorf("got %+v, %v, want nothing and not truncated", out, err)
	}
	for _, token := range []string{"", "garbage", "AAAAAAAA"} {
		response, body := l.raw(t, http.MethodGet, "/list?list-type=2&continuation-token="+token, nil, nil)
		if response.StatusCode != http.StatusBadRequest || !strings.Contains(body, "The continuation token provided is incorrect") {
			t.Errorf("token %q: got %d %s", token, response.StatusCode, body)
		}
	}
	_, err = l.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: aws.String("list"), MaxKeys: aws.Int32(-1)})
	wantError(t, err, http.StatusBadRequest, "InvalidArgument")
}

func TestListObjectsV1Markers(t *testing.T) {
	l := start(t)
	l.bucket(t, "list")
	for _, key := range []string{"folder/aSubfolder/subFile1", "folder/aSubfolder/subFile2", "folder/file1", "folder/file2"} {
		l.put(t, "list", key, "x")
	}
	for _, test := range []struct{ marker, want, next string }{
		{"", "folder/aSubfolder/", "folder/aSubfolder/"},
		{"folder/aSubfolder/", "folder/file1", "folder/file1"},
		{"folder/aSubfolder/subFile1", "folder/file1", "folder/file1"},
		{"folder/file1", "folder/file2", ""},
	} {
		out, err := l.ListObjects(t.Context(), &awss3.ListObjectsInput{
			Bucket: aws.String("list"), Prefix: aws.String("folder/"), Delimiter: aws.String("/"), Marker: &test.marker, MaxKeys: aws.Int32(1),
		})
		if err != nil {
			t.Fatal(err)
		}
		var got string
		if len(out.CommonPrefixes) > 0 {
			got = *out.CommonPrefixes[0].Prefix
		} else {
			got = *out.Contents[0].Key
		}
		if got != test.want || aws.ToString(out.NextMarker) != test.next || *out.IsTruncated != (test.next != "") {
			t.Errorf("marker %q: got %q, next %q, truncated %v", test.marker, got, aws.ToString(out.NextMarker), *out.IsTruncated)
		}
	}
	out, err := l.ListObjects(t.Context(), &awss3.ListObjectsInput{Bucket: aws.String("list"), MaxKeys: aws.Int32(1)})
	if err != nil || out.NextMarker != nil || !*out.IsTruncated {
		t.Errorf("got %+v, %v, want no NextMarker without a delimiter", out, err)
	}
}

// TestTrap43PrefixIsNotASegment: S3's own prefix matches within a segment, and policies see it as it was sent.
func TestTrap43PrefixIsNotASegment(t *testing.T) {
	l := start(t)
	l.bucket(t, "list")
	l.put(t, "list", "reports/1", "x")
	l.put(t, "list", "reports-secret/1", "x")
	l.front.actions()
	out, err := l.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{
		Bucket: aws.String("list"), Prefix: aws.String("reports"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(7),
	})
	if err != nil || len(out.CommonPrefixes) != 2 {
		t.Fatalf("got %+v, %v, want both folders", out, err)
	}
	l.front.mu.Lock()
	defer l.front.mu.Unlock()
	want := map[string][]string{"s3:prefix": {"reports"}, "s3:delimiter": {"/"}, "s3:max-keys": {"7"}}
	if diff := cmp.Diff(want, map[string][]string(l.front.seen[0].Context)); diff != "" {
		t.Errorf("context (-want +got):\n%s", diff)
	}
}
