package s3_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

func (l *local) copy(t *testing.T, source, key string, set ...func(*awss3.CopyObjectInput)) (*awss3.CopyObjectOutput, error) {
	t.Helper()
	in := &awss3.CopyObjectInput{Bucket: aws.String("copies"), Key: &key, CopySource: &source}
	for _, s := range set {
		s(in)
	}
	return l.CopyObject(t.Context(), in)
}

func TestTrap42CopySourceIsURLEncoded(t *testing.T) {
	l := start(t)
	l.bucket(t, "copies")
	l.put(t, "copies", "a b+c", "x")
	for source, status := range map[string]int{
		"copies/a%20b%2Bc": 200, "copies/a+b%2Bc": 200, "/copies/a%20b%2Bc": 200, "copies%2Fa%20b%2Bc": 200,
		"copies/a b+c": 404, "copies/100%": 400, "copies": 400, "copies/": 400, "arn:aws:s3:::copies": 400, "absent/k": 404,
	} {
		_, err := l.copy(t, source, "target")
		switch status {
		case http.StatusOK:
			if err != nil {
				t.Errorf("%s: %v", source, err)
			}
		case http.StatusNotFound:
			if source == "absent/k" {
				wantError(t, err, status, "NoSuchBucket")
			} else {
				wantError(t, err, status, "NoSuchKey")
			}
		default:
			wantError(t, err, status, "InvalidArgument")
		}
	}
}

func TestCopyMetadataAndConditions(t *testing.T) {
	l := start(t)
	l.bucket(t, "copies")
	_, err := l.PutObject(t.Context(), &awss3.PutObjectInput{
		Bucket: aws.String("copies"), Key: aws.String("a"), ContentType: aws.String("text/a"), Metadata: map[string]string{"m": "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	l.front.actions()
	if _, err := l.copy(t, "copies/a", "b"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"s3:GetObject copies/a", "s3:PutObject copies/b"}, l.front.actions()); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	_, out := l.get(t, "copies", "b")
	if *out.ContentType != "text/a" || out.Metadata["m"] != "1" {
		t.Errorf("got %s, %v, want the source's", *out.ContentType, out.Metadata)
	}
	_, err = l.copy(t, "copies/a", "a")
	wantError(t, err, http.StatusBadRequest, "InvalidRequest")
	_, err = l.copy(t, "copies/a", "a", func(in *awss3.CopyObjectInput) {
		in.MetadataDirective, in.ContentType = types.MetadataDirectiveReplace, aws.String("text/b")
	})
	if err != nil {
		t.Fatal(err)
	}
	_, out = l.get(t, "copies", "a")
	if *out.ContentType != "text/b" || len(out.Metadata) > 0 {
		t.Errorf("got %s, %v, want what the request said", *out.ContentType, out.Metadata)
	}
	past := time.Now().Add(-time.Hour)
	for name, set := range map[string]func(*awss3.CopyObjectInput){
		"match":      func(in *awss3.CopyObjectInput) { in.CopySourceIfMatch = aws.String("0") },
		"none match": func(in *awss3.CopyObjectInput) { in.CopySourceIfNoneMatch = out.ETag },
		"unmodified": func(in *awss3.CopyObjectInput) { in.CopySourceIfUnmodifiedSince = &past },
		"target":     func(in *awss3.CopyObjectInput) { in.IfNoneMatch = aws.String("*") },
	} {
		_, err := l.copy(t, "copies/a", "b", set)
		if err == nil {
			t.Errorf("%s: the copy was made", name)
			continue
		}
		wantError(t, err, http.StatusPreconditionFailed, "PreconditionFailed")
	}
	l.front.deny("s3:GetObject")
	_, err = l.copy(t, "copies/a", "b")
	wantError(t, err, http.StatusForbidden, "AccessDenied")
}

func TestCopyOfAVersion(t *testing.T) {
	l := start(t)
	l.bucket(t, "copies")
	versioned(t, l, "copies", types.BucketVersioningStatusEnabled)
	first := *l.put(t, "copies", "k", "first").VersionId
	l.put(t, "copies", "k", "second")
	l.front.actions()
	out, err := l.copy(t, "copies/k?versionId="+first, "k")
	if err != nil || *out.CopySourceVersionId != first {
		t.Fatalf("got %+v, %v", out, err)
	}
	if diff := cmp.Diff([]string{"s3:GetObjectVersion copies/k", "s3:PutObject copies/k"}, l.front.actions()); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	if body, _ := l.get(t, "copies", "k"); body != "first" {
		t.Errorf("got %q, want first", body)
	}
}
