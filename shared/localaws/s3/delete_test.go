package s3_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

func (l *local) deleteAll(t *testing.T, objects []types.ObjectIdentifier, quiet bool) (*awss3.DeleteObjectsOutput, error) {
	t.Helper()
	return l.DeleteObjects(t.Context(), &awss3.DeleteObjectsInput{
		Bucket: aws.String("bulk"), Delete: &types.Delete{Objects: objects, Quiet: &quiet},
	})
}

func TestTrap40DeleteObjectsAnswersPerKey(t *testing.T) {
	l := start(t)
	l.bucket(t, "bulk")
	for _, key := range []string{"a", "secret", "c", "d"} {
		l.put(t, "bulk", key, key)
	}
	l.front.mu.Lock()
	l.front.denied = func(a protocol.Access) bool { return strings.HasSuffix(a.Resource, "/secret") }
	l.front.mu.Unlock()
	out, err := l.deleteAll(t, []types.ObjectIdentifier{
		{Key: aws.String("a")},
		{Key: aws.String("secret")},
		{Key: aws.String("absent")},
		{Key: aws.String("c"), ETag: aws.String(`"0"`)},
		{Key: aws.String("d"), VersionId: aws.String("nonsense")},
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	var deleted, failed []string
	for _, d := range out.Deleted {
		deleted = append(deleted, *d.Key)
	}
	for _, e := range out.Errors {
		failed = append(failed, *e.Key+" "+*e.Code)
	}
	if diff := cmp.Diff([]string{"a", "absent"}, deleted); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"secret AccessDenied", "c PreconditionFailed", "d NoSuchVersion"}, failed); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	out, err = l.deleteAll(t, []types.ObjectIdentifier{{Key: aws.String("c")}}, true)
	if err != nil || len(out.Deleted) > 0 {
		t.Errorf("got %+v, %v, want silence about what went well", out, err)
	}
}

func TestDeleteObjectsLimits(t *testing.T) {
	l := start(t)
	l.bucket(t, "bulk")
	var many []types.ObjectIdentifier
	for i := range 1001 {
		many = append(many, types.ObjectIdentifier{Key: aws.String(fmt.Sprint(i))})
	}
	_, err := l.deleteAll(t, many, false)
	wantError(t, err, http.StatusBadRequest, "MalformedXML")
	out, err := l.deleteAll(t, slices.Clone(many[:1000]), false)
	if err != nil || len(out.Deleted) != 1000 {
		t.Errorf("got %v, want 1,000 deleted", err)
	}
	_, body := l.raw(t, http.MethodPost, "/bulk?delete", nil, []byte("<Delete><Object><Key>a</Key></Object></Delete>"))
	if want := "Missing required header for this request: Content-MD5"; !strings.Contains(body, want) {
		t.Errorf("got %s, want %s", body, want)
	}
}

func TestVersions(t *testing.T) {
	l := start(t)
	l.bucket(t, "bulk")
	l.put(t, "bulk", "k", "before")
	versioned(t, l, "bulk", types.BucketVersioningStatusEnabled)
	first := l.put(t, "bulk", "k", "first").VersionId
	l.put(t, "bulk", "k", "second")
	marker, err := l.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: aws.String("bulk"), Key: aws.String("k")})
	if err != nil || !*marker.DeleteMarker || marker.VersionId == nil {
		t.Fatalf("got %+v, %v, want a delete marker", marker, err)
	}
	_, err = l.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String("bulk"), Key: aws.String("k")})
	wantError(t, err, http.StatusNotFound, "NoSuchKey")
	_, err = l.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String("bulk"), Key: aws.String("k"), VersionId: marker.VersionId})
	wantError(t, err, http.StatusMethodNotAllowed, "MethodNotAllowed")
	for version, want := range map[string]string{*first: "first", "null": "before"} {
		body, out := l.get(t, "bulk", "k", func(in *awss3.GetObjectInput) { in.VersionId = &version })
		if body != want || *out.VersionId != version {
			t.Errorf("%s: got %q of %s, want %q", version, body, *out.VersionId, want)
		}
	}
	list, err := l.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: aws.String("bulk")})
	if err != nil || *list.KeyCount != 0 {
		t.Errorf("got %+v, %v, want nothing", list, err)
	}
	var got []string
	in := &awss3.ListObjectVersionsInput{Bucket: aws.String("bulk"), MaxKeys: aws.Int32(1)}
	for {
		page, err := l.ListObjectVersions(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page.Versions {
			got = append(got, fmt.Sprint(*v.Size, *v.IsLatest))
		}
		for _, m := range page.DeleteMarkers {
			got = append(got, fmt.Sprint("marker ", *m.IsLatest))
		}
		if !*page.IsTruncated {
			break
		}
		in.KeyMarker, in.VersionIdMarker = page.NextKeyMarker, page.NextVersionIdMarker
	}
	if diff := cmp.Diff([]string{"marker true", "6 false", "5 false", "6 false"}, got); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	gone, err := l.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: aws.String("bulk"), Key: aws.String("k"), VersionId: marker.VersionId})
	if err != nil || !*gone.DeleteMarker {
		t.Fatalf("got %+v, %v, want the marker gone", gone, err)
	}
	if body, _ := l.get(t, "bulk", "k"); body != "second" {
		t.Errorf("got %q, want second", body)
	}
	versioned(t, l, "bulk", types.BucketVersioningStatusSuspended)
	l.put(t, "bulk", "k", "suspended")
	body, out := l.get(t, "bulk", "k")
	if body != "suspended" || *out.VersionId != "null" {
		t.Errorf("got %q of %s, want suspended of null", body, *out.VersionId)
	}
	gone, err = l.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: aws.String("bulk"), Key: aws.String("k")})
	if err != nil || !*gone.DeleteMarker || *gone.VersionId != "null" {
		t.Fatalf("got %+v, %v, want a marker in place of the null version", gone, err)
	}
	_, err = l.HeadObject(t.Context(), &awss3.HeadObjectInput{Bucket: aws.String("bulk"), Key: aws.String("k"), VersionId: aws.String("null")})
	wantError(t, err, http.StatusMethodNotAllowed, "MethodNotAllowed")
	many, err := l.DeleteObjects(t.Context(), &awss3.DeleteObjectsInput{Bucket: aws.String("bulk"), Delete: &types.Delete{
		Objects: []types.ObjectIdentifier{{Key: aws.String("k"), VersionId: aws.String("null")}, {Key: aws.String("other")}},
	}})
	if err != nil || len(many.Deleted) != 2 || *many.Deleted[0].DeleteMarkerVersionId != "null" || !*many.Deleted[1].DeleteMarker {
		t.Fatalf("got %+v, %v, want the marker gone, and one of a key that never was", many, err)
	}
	if body, _ := l.get(t, "bulk", "k"); body != "second" {
		t.Errorf("got %q, want the version below the marker", body)
	}
	_, err = l.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: aws.String("bulk"), Key: aws.String("k"), VersionId: aws.String("bad")})
	wantError(t, err, http.StatusBadRequest, "InvalidArgument")
}
