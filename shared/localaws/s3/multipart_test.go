package s3_test

import (
	"crypto/md5" //nolint:gosec // ETags are MD5
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

const partSize = 5 << 20

// begin starts an upload of bucket "multi", key "k".
func (l *local) begin(t *testing.T, set ...func(*awss3.CreateMultipartUploadInput)) *string {
	t.Helper()
	in := &awss3.CreateMultipartUploadInput{Bucket: aws.String("multi"), Key: aws.String("k"), ContentType: aws.String("text/x")}
	for _, s := range set {
		s(in)
	}
	out, err := l.CreateMultipartUpload(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out.UploadId
}

func (l *local) part(t *testing.T, id *string, number int32, body string) types.CompletedPart {
	t.Helper()
	out, err := l.UploadPart(t.Context(), &awss3.UploadPartInput{
		Bucket: aws.String("multi"), Key: aws.String("k"), UploadId: id, PartNumber: &number, Body: strings.NewReader(body),
	})
	if err != nil {
		t.Fatal(err)
	}
	return types.CompletedPart{PartNumber: &number, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32}
}

func (l *local) complete(t *testing.T, id *string, parts []types.CompletedPart, set ...func(*awss3.CompleteMultipartUploadInput)) (*awss3.CompleteMultipartUploadOutput, error) {
	t.Helper()
	in := &awss3.CompleteMultipartUploadInput{
		Bucket: aws.String("multi"), Key: aws.String("k"), UploadId: id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	}
	for _, s := range set {
		s(in)
	}
	return l.CompleteMultipartUpload(t.Context(), in)
}

func TestTrap41MultipartETagIsNotTheMD5(t *testing.T) {
	l := start(t)
	l.bucket(t, "multi")
	id := l.begin(t)
	first, second := strings.Repeat("a", partSize), "the end"
	parts := []types.CompletedPart{l.part(t, id, 2, first), l.part(t, id, 7, second)}
	out, err := l.complete(t, id, parts)
	if err != nil {
		t.Fatal(err)
	}
	one, two := md5.Sum([]byte(first)), md5.Sum([]byte(second)) //nolint:gosec // ETags are MD5
	sum := md5.Sum(append(one[:], two[:]...))                   //nolint:gosec // ETags are MD5
	want := `"` + hex.EncodeToString(sum[:]) + `-2"`
	if *out.ETag != want || out.ChecksumType != types.ChecksumTypeFullObject || out.ChecksumCRC64NVME == nil {
		t.Errorf("got %s, %s, want %s with CRC64NVME of it all", *out.ETag, out.ChecksumType, want)
	}
	body, got := l.get(t, "multi", "k")
	if body != first+second || *got.ETag != want || *got.ContentType != "text/x" {
		t.Errorf("got %d bytes, %s, %s", len(body), *got.ETag, *got.ContentType)
	}
	body, got = l.get(t, "multi", "k", func(in *awss3.GetObjectInput) { in.PartNumber = aws.Int32(2) })
	if body != second || *got.PartsCount != 2 || *got.ContentRange != "bytes 5242880-5242886/5242887" {
		t.Errorf("got %q, %d parts, %s", body, *got.PartsCount, *got.ContentRange)
	}
	body, _ = l.get(t, "multi", "k", func(in *awss3.GetObjectInput) { in.Range = aws.String("bytes=5242878-5242882") })
	if body != "aathe" {
		t.Errorf("got %q, want the bytes around the seam", body)
	}
	_, err = l.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String("multi"), Key: aws.String("k"), PartNumber: aws.Int32(10)})
	wantError(t, err, http.StatusRequestedRangeNotSatisfiable, "InvalidPartNumber")
	copied, err := l.CopyObject(t.Context(), &awss3.CopyObjectInput{Bucket: aws.String("multi"), Key: aws.String("c"), CopySource: aws.String("multi/k")})
	if err != nil {
		t.Fatal(err)
	}
	whole := md5.Sum([]byte(first + second)) //nolint:gosec // ETags are MD5
	if got, want := *copied.CopyObjectResult.ETag, `"`+hex.EncodeToString(whole[:])+`"`; got != want {
		t.Errorf("got %s, want %s: a copy is one piece", got, want)
	}
}

func TestCompleteRefuses(t *testing.T) {
	l := start(t)
	l.bucket(t, "multi")
	id := l.begin(t)
	small, big := l.part(t, id, 1, "data"), l.part(t, id, 2, "data")
	_, err := l.complete(t, id, []types.CompletedPart{small, big})
	wantError(t, err, http.StatusBadRequest, "EntityTooSmall")
	_, err = l.complete(t, id, []types.CompletedPart{big, small})
	wantError(t, err, http.StatusBadRequest, "InvalidPartOrder")
	_, err = l.complete(t, id, nil)
	wantError(t, err, http.StatusBadRequest, "MalformedXML")
	_, err = l.complete(t, id, []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: aws.String(`"0"`)}})
	wantError(t, err, http.StatusBadRequest, "InvalidPart")
	_, err = l.complete(t, id, []types.CompletedPart{{PartNumber: aws.Int32(3), ETag: small.ETag}})
	wantError(t, err, http.StatusBadRequest, "InvalidPart")
	_, err = l.complete(t, id, []types.CompletedPart{small}, func(in *awss3.CompleteMultipartUploadInput) { in.MpuObjectSize = aws.Int64(5) })
	wantError(t, err, http.StatusBadRequest, "InvalidRequest")
	_, err = l.complete(t, aws.String("absent"), []types.CompletedPart{small})
	wantError(t, err, http.StatusNotFound, "NoSuchUpload")
	_, err = l.UploadPart(t.Context(), &awss3.UploadPartInput{Bucket: aws.String("multi"), Key: aws.String("k"), UploadId: id, PartNumber: aws.Int32(10001)})
	wantError(t, err, http.StatusBadRequest, "InvalidArgument")
}

// Who has lost the answer to a completion may ask again, and changes nothing by that.
func TestCompleteAgain(t *testing.T) {
	l := start(t)
	l.bucket(t, "multi")
	versioned(t, l, "multi", types.BucketVersioningStatusEnabled)
	id := l.begin(t)
	small := l.part(t, id, 1, "data")
	first, err := l.complete(t, id, []types.CompletedPart{small})
	if err != nil {
		t.Fatal(err)
	}
	later := l.put(t, "multi", "k", "later")
	second, err := l.complete(t, id, []types.CompletedPart{small})
	if err != nil || *second.ETag != *first.ETag || *second.VersionId != *first.VersionId {
		t.Errorf("got %+v, %v, want what the first gave", second, err)
	}
	if body, out := l.get(t, "multi", "k"); body != "later" || *out.VersionId != *later.VersionId {
		t.Errorf("got %q, want what was written later", body)
	}
	small.ETag = aws.String(`"0"`)
	_, err = l.complete(t, id, []types.CompletedPart{small})
	wantError(t, err, http.StatusNotFound, "NoSuchUpload")
	_, err = l.ListParts(t.Context(), &awss3.ListPartsInput{Bucket: aws.String("multi"), Key: aws.String("k"), UploadId: id})
	wantError(t, err, http.StatusNotFound, "NoSuchUpload")
}

func TestMultipartConditions(t *testing.T) {
	l := start(t)
	l.bucket(t, "multi")
	etag := l.put(t, "multi", "k", "x").ETag
	match := func(in *awss3.CompleteMultipartUploadInput) { in.IfMatch = etag }
	absent := func(in *awss3.CompleteMultipartUploadInput) { in.IfNoneMatch = aws.String("*") }
	id := l.begin(t)
	parts := []types.CompletedPart{l.part(t, id, 1, "new")}
	_, err := l.complete(t, id, parts, absent)
	wantError(t, err, http.StatusPreconditionFailed, "PreconditionFailed")
	l.put(t, "multi", "k", "x") // the same bytes, but in between
	_, err = l.complete(t, id, parts, match)
	wantError(t, err, http.StatusConflict, "ConditionalRequestConflict")
	if _, err = l.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: aws.String("multi"), Key: aws.String("k")}); err != nil {
		t.Fatal(err)
	}
	_, err = l.complete(t, id, parts, match)
	wantError(t, err, http.StatusNotFound, "NoSuchKey")
	_, err = l.complete(t, id, parts, absent)
	wantError(t, err, http.StatusConflict, "ConditionalRequestConflict")
	id = l.begin(t)
	if _, err = l.complete(t, id, []types.CompletedPart{l.part(t, id, 1, "new")}, absent); err != nil {
		t.Error(err)
	}
}

func TestMultipartChecksums(t *testing.T) {
	l := start(t)
	l.bucket(t, "multi")
	algorithm := func(a types.ChecksumAlgorithm, kind types.ChecksumType) func(*awss3.CreateMultipartUploadInput) {
		return func(in *awss3.CreateMultipartUploadInput) { in.ChecksumAlgorithm, in.ChecksumType = a, kind }
	}
	id := l.begin(t, algorithm(types.ChecksumAlgorithmCrc32, ""))
	part := l.part(t, id, 1, "data")
	if part.ChecksumCRC32 == nil {
		t.Fatal("got no checksum of the part")
	}
	_, err := l.complete(t, id, []types.CompletedPart{{PartNumber: part.PartNumber, ETag: part.ETag}})
	wantError(t, err, http.StatusBadRequest, "InvalidRequest")
	wantMessage(t, err, "It was missing for part 1 in the request.")
	out, err := l.complete(t, id, []types.CompletedPart{part})
	if err != nil || out.ChecksumType != types.ChecksumTypeComposite || !strings.HasSuffix(*out.ChecksumCRC32, "-1") {
		t.Fatalf("got %+v, %v, want a composite CRC32", out, err)
	}
	id = l.begin(t, algorithm(types.ChecksumAlgorithmCrc32, types.ChecksumTypeFullObject))
	part = l.part(t, id, 1, "data")
	_, err = l.complete(t, id, []types.CompletedPart{part}, func(in *awss3.CompleteMultipartUploadInput) { in.ChecksumCRC32 = aws.String("AAAAAA==") })
	wantError(t, err, http.StatusBadRequest, "BadDigest")
	out, err = l.complete(t, id, []types.CompletedPart{part}, func(in *awss3.CompleteMultipartUploadInput) { in.ChecksumCRC32 = aws.String("rfPzYw==") })
	if err != nil || *out.ChecksumCRC32 != "rfPzYw==" {
		t.Errorf("got %+v, %v, want the CRC32 of it all", out, err)
	}
	in := &awss3.CreateMultipartUploadInput{Bucket: aws.String("multi"), Key: aws.String("k")}
	algorithm(types.ChecksumAlgorithmSha256, types.ChecksumTypeFullObject)(in)
	_, err = l.CreateMultipartUpload(t.Context(), in)
	wantError(t, err, http.StatusBadRequest, "InvalidRequest")
	wantMessage(t, err, "The FULL_OBJECT checksum type cannot be used with the sha256 checksum algorithm.")
}

func TestUploadPartCopy(t *testing.T) {
	l := start(t)
	l.bucket(t, "multi")
	l.put(t, "multi", "source", "0123456789")
	id := l.begin(t)
	copyPart := func(span *string) (*awss3.UploadPartCopyOutput, error) {
		return l.UploadPartCopy(t.Context(), &awss3.UploadPartCopyInput{
			Bucket: aws.String("multi"), Key: aws.String("k"), UploadId: id, PartNumber: aws.Int32(1),
			CopySource: aws.String("multi/source"), CopySourceRange: span,
		})
	}
	for span, code := range map[string]string{
		"0-8": "InvalidArgument", "bytes=1-": "InvalidArgument", "bytes=1-0": "InvalidArgument", "bytes=0-100": "InvalidArgument",
		"bytes=100-200": "InvalidRequest",
	} {
		_, err := copyPart(&span)
		wantError(t, err, http.StatusBadRequest, code)
	}
	out, err := copyPart(aws.String("bytes=2-4"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.complete(t, id, []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: out.CopyPartResult.ETag}}); err != nil {
		t.Fatal(err)
	}
	if got, _ := l.get(t, "multi", "k"); got != "234" {
		t.Errorf("got %q, want 234", got)
	}
}

func TestListPartsAndUploads(t *testing.T) {
	l := start(t)
	l.bucket(t, "multi")
	id := l.begin(t)
	for _, n := range []int32{5, 1, 3} {
		l.part(t, id, n, fmt.Sprint(n))
	}
	var numbers []int32
	parts := awss3.NewListPartsPaginator(l, &awss3.ListPartsInput{
		Bucket: aws.String("multi"), Key: aws.String("k"), UploadId: id, MaxParts: aws.Int32(2),
	})
	for parts.HasMorePages() {
		page, err := parts.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Parts {
			numbers = append(numbers, *p.PartNumber)
		}
	}
	if diff := cmp.Diff([]int32{1, 3, 5}, numbers); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	want := map[string]bool{*id: true}
	for _, key := range []string{"k", "a/1", "a/2", "z"} {
		want[*l.begin(t, func(in *awss3.CreateMultipartUploadInput) { in.Key = &key })] = true
	}
	got := map[string]bool{}
	uploads := awss3.NewListMultipartUploadsPaginator(l, &awss3.ListMultipartUploadsInput{Bucket: aws.String("multi"), MaxUploads: aws.Int32(1)})
	for uploads.HasMorePages() {
		page, err := uploads.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.Uploads {
			if got[*u.UploadId] {
				t.Errorf("%s came twice", *u.Key)
			}
			got[*u.UploadId] = true
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("uploads (-want +got):\n%s", diff)
	}
	folders, err := l.ListMultipartUploads(t.Context(), &awss3.ListMultipartUploadsInput{Bucket: aws.String("multi"), Delimiter: aws.String("/")})
	if err != nil || len(folders.CommonPrefixes) != 1 || len(folders.Uploads) != 3 {
		t.Errorf("got %+v, %v, want one folder and three uploads", folders, err)
	}
	if _, err = l.AbortMultipartUpload(t.Context(), &awss3.AbortMultipartUploadInput{Bucket: aws.String("multi"), Key: aws.String("k"), UploadId: id}); err != nil {
		t.Fatal(err)
	}
	_, err = l.ListParts(t.Context(), &awss3.ListPartsInput{Bucket: aws.String("multi"), Key: aws.String("k"), UploadId: id})
	wantError(t, err, http.StatusNotFound, "NoSuchUpload")
}
