package conformance

import (
	"crypto/rand"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// s3Situations are all situations of S3.
func s3Situations() []situation[*s3Stage] {
	return slices.Concat(
		s3Reads(), s3Ranges(), s3Keys(), s3ReadConditions(), s3WriteConditions(), s3Deletes(), s3Versions(),
		s3Lists(), s3ListPages(), s3VersionLists(), s3Uploads(), s3UploadLists(), s3UploadConditions(), s3UploadChecksums(),
		s3Copies(), s3CopyConditions(), s3PartCopies(), s3Checksums(), s3Presigned(), s3Posts(),
	)
}

// TestS3 asks S3 what AWS was asked.
func TestS3(t *testing.T) {
	on(t, minIO, s3Variable, func(t *testing.T, b *backend) {
		t.Helper()
		for _, s := range s3Situations() {
			t.Run(s.name, func(t *testing.T) {
				at := newS3Stage(t, b)
				w := s.do(at)
				hold(t, b, at.recorder.last, w, s.but)
			})
		}
	})
}

// s3Stage is an S3 with a bucket of the situation's own.
type s3Stage struct {
	*awss3.Client
	stage

	bucket *string
}

func newS3Stage(t *testing.T, b *backend) *s3Stage {
	t.Helper()
	config, recorder := b.client()
	s := &s3Stage{Client: awss3.NewFromConfig(config), stage: stage{t, recorder, b}}
	s.bucket = s.another()
	return s
}

// another creates one more bucket.
func (s *s3Stage) another() *string {
	s.t.Helper()
	name := "conformance-" + strings.ToLower(rand.Text()[:12])
	_, err := s.CreateBucket(s.t.Context(), &awss3.CreateBucketInput{Bucket: &name})
	s.must(err)
	return &name
}

// The methods below ask for the usual thing, changed as the situation wants it. Only those named after what the stage
// needs stop the test on an error.

func (s *s3Stage) has(key, body string, set ...func(*awss3.PutObjectInput)) *awss3.PutObjectOutput {
	s.t.Helper()
	out, err := s.put(key, body, set...)
	s.must(err)
	return out
}

func (s *s3Stage) versioned(status types.BucketVersioningStatus) {
	s.t.Helper()
	_, err := s.PutBucketVersioning(s.t.Context(), &awss3.PutBucketVersioningInput{
		Bucket: s.bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: status},
	})
	s.must(err)
}

func (s *s3Stage) lacks(key string) *awss3.DeleteObjectOutput {
	s.t.Helper()
	out, err := s.DeleteObject(s.t.Context(), &awss3.DeleteObjectInput{Bucket: s.bucket, Key: &key})
	s.must(err)
	return out
}

func (s *s3Stage) put(key, body string, set ...func(*awss3.PutObjectInput)) (*awss3.PutObjectOutput, error) {
	s.t.Helper()
	in := &awss3.PutObjectInput{Bucket: s.bucket, Key: &key, Body: strings.NewReader(body)}
	for _, change := range set {
		change(in)
	}
	return s.PutObject(s.t.Context(), in)
}

func (s *s3Stage) get(key string, set ...func(*awss3.GetObjectInput)) {
	s.t.Helper()
	in := &awss3.GetObjectInput{Bucket: s.bucket, Key: &key}
	for _, change := range set {
		change(in)
	}
	if out, err := s.GetObject(s.t.Context(), in); err == nil {
		_, err = io.Copy(io.Discard, out.Body)
		s.must(err)
		s.must(out.Body.Close())
	}
}

func (s *s3Stage) head(key string, set ...func(*awss3.HeadObjectInput)) *awss3.HeadObjectOutput {
	s.t.Helper()
	in := &awss3.HeadObjectInput{Bucket: s.bucket, Key: &key}
	for _, change := range set {
		change(in)
	}
	return reached(s, func() (*awss3.HeadObjectOutput, error) { return s.HeadObject(s.t.Context(), in) })
}

func (s *s3Stage) remove(set ...func(*awss3.DeleteObjectInput)) {
	s.t.Helper()
	in := &awss3.DeleteObjectInput{Bucket: s.bucket, Key: aws.String("my-key")}
	for _, change := range set {
		change(in)
	}
	reached(s, func() (*awss3.DeleteObjectOutput, error) { return s.DeleteObject(s.t.Context(), in) })
}

func (s *s3Stage) copies(source, key string, set ...func(*awss3.CopyObjectInput)) {
	s.t.Helper()
	in := &awss3.CopyObjectInput{Bucket: s.bucket, Key: &key, CopySource: aws.String(*s.bucket + "/" + source)}
	for _, change := range set {
		change(in)
	}
	reached(s, func() (*awss3.CopyObjectOutput, error) { return s.CopyObject(s.t.Context(), in) })
}

func (s *s3Stage) list(in *awss3.ListObjectsV2Input) *awss3.ListObjectsV2Output {
	s.t.Helper()
	in.Bucket = cmpOr(in.Bucket, s.bucket)
	return reached(s, func() (*awss3.ListObjectsV2Output, error) { return s.ListObjectsV2(s.t.Context(), in) })
}

func cmpOr(given, otherwise *string) *string {
	if given != nil {
		return given
	}
	return otherwise
}

// reached makes a call whose error, if any, is what the situation is about. It fails if the call got no answer, as when
// the SDK itself refuses it.
func reached[O any](s *s3Stage, call func() (*O, error)) *O {
	s.t.Helper()
	s.recorder.last = answer{}
	out, err := call()
	if s.recorder.last.status == 0 {
		s.t.Fatalf("no answer: %v", err)
	}
	return out
}

// raw sends a request that no SDK would, and keeps its answer.
func (s *s3Stage) raw(method, address, body string, header http.Header) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, address, strings.NewReader(body))
	s.must(err)
	maps.Copy(request.Header, header)
	response, err := s.recorder.Do(request)
	s.must(err)
	s.must(response.Body.Close())
}

// precondition is the want of a condition that did not hold.
func precondition(condition string) want {
	return fault(http.StatusPreconditionFailed, "PreconditionFailed",
		"At least one of the pre-conditions you specified did not hold", "Condition", condition)
}

func noSuchKey(key string) want {
	return fault(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.", "Key", key)
}

func noSuchBucket(bucket *string) want {
	return fault(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist", "BucketName", *bucket)
}

func invalidArgument(message, name, value string) want {
	return fault(http.StatusBadRequest, "InvalidArgument", message, "ArgumentName", name, "ArgumentValue", value)
}
