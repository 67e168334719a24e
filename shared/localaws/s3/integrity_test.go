package s3_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

// sums are those of the bytes "data".
var sums = map[types.ChecksumAlgorithm]string{
	types.ChecksumAlgorithmCrc32:     "rfPzYw==",
	types.ChecksumAlgorithmCrc32c:    "rth90Q==",
	types.ChecksumAlgorithmCrc64nvme: "7a5hQ478J4A=",
	types.ChecksumAlgorithmSha1:      "oXyaqmHoChv3HQ2FCvTluqmAC70=",
	types.ChecksumAlgorithmSha256:    "Om6weQ85rIfJTzhWst0sXREOaBFgImGpqSPTuyOtyLc=",
}

func TestChecksumsOfEveryAlgorithm(t *testing.T) {
	l := start(t)
	l.bucket(t, "sums")
	for algorithm, want := range sums {
		out, err := l.PutObject(t.Context(), &awss3.PutObjectInput{
			Bucket: aws.String("sums"), Key: aws.String("k"), Body: strings.NewReader("data"), ChecksumAlgorithm: algorithm,
		})
		if err != nil {
			t.Fatalf("%s: %v", algorithm, err)
		}
		header := "X-Amz-Checksum-" + string(algorithm)
		_, got := l.get(t, "sums", "k") // the SDK itself checks the body against it
		all := []*string{out.ChecksumCRC32, out.ChecksumCRC32C, out.ChecksumCRC64NVME, out.ChecksumSHA1, out.ChecksumSHA256}
		back := []*string{got.ChecksumCRC32, got.ChecksumCRC32C, got.ChecksumCRC64NVME, got.ChecksumSHA1, got.ChecksumSHA256}
		if diff := cmp.Diff(all, back); diff != "" {
			t.Errorf("%s (-put +got):\n%s", algorithm, diff)
		}
		for _, test := range []struct{ value, part string }{
			{want, ""},
			{strings.Replace(want, want[:2], "AA", 1), "<Code>BadDigest</Code><Message>The " + string(algorithm) + " you specified did not match"},
			{"nonsense", "<Code>InvalidRequest</Code><Message>Value for " + strings.ToLower(header) + " header is invalid."},
		} {
			response, body := l.raw(t, http.MethodPut, "/sums/k", http.Header{header: {test.value}}, []byte("data"))
			if test.part == "" && (response.StatusCode != http.StatusOK || response.Header.Get(header) != want) {
				t.Errorf("%s: got %d %s %v", algorithm, response.StatusCode, body, response.Header)
			}
			if !strings.Contains(body, test.part) {
				t.Errorf("%s %s: got %s, want %s", algorithm, test.value, body, test.part)
			}
		}
	}
	_, body := l.raw(t, http.MethodPut, "/sums/k", http.Header{"X-Amz-Checksum-Crc32": {"rfPzYw=="}, "X-Amz-Checksum-Sha1": {sums["SHA1"]}}, []byte("data"))
	if want := "Expecting a single x-amz-checksum- header."; !strings.Contains(body, want) {
		t.Errorf("got %s, want %s", body, want)
	}
}

// TestWrongChecksumWritesNothing is what the audit's probe of s3:PutObject stands on.
func TestWrongChecksumWritesNothing(t *testing.T) {
	l := start(t)
	l.bucket(t, "sums")
	for _, header := range []http.Header{
		{"X-Amz-Checksum-Crc32": {"AAAAAA=="}},
		{"Content-Md5": {"AAAAAAAAAAAAAAAAAAAAAA=="}},
		{"Content-Md5": {"short"}},
		{"X-Amz-Sdk-Checksum-Algorithm": {"CRC32"}},
		{"X-Amz-Trailer": {"x-amz-checksum-crc32"}},
		{"X-Amz-Decoded-Content-Length": {"5"}},
	} {
		response, body := l.raw(t, http.MethodPut, "/sums/k", header, []byte("x"))
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("%v: got %d %s, want 400", header, response.StatusCode, body)
		}
	}
	out, err := l.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: aws.String("sums")})
	if err != nil || *out.KeyCount != 0 {
		t.Errorf("got %+v, %v, want an empty bucket", out, err)
	}
}

func TestPresignedOverridesAndHoistedHeaders(t *testing.T) {
	l := start(t)
	l.bucket(t, "signed")
	l.put(t, "signed", "k", "x")
	presign := awss3.NewPresignClient(l.Client, awss3.WithPresignExpires(time.Minute))
	get, err := presign.PresignGetObject(t.Context(), &awss3.GetObjectInput{
		Bucket: aws.String("signed"), Key: aws.String("k"),
		ResponseContentType: aws.String("text/html"), ResponseContentDisposition: aws.String(`attachment; filename="ü"`),
	})
	if err != nil {
		t.Fatal(err)
	}
	response, body := l.raw(t, http.MethodGet, strings.TrimPrefix(get.URL, l.url), nil, nil)
	got := []string{body, response.Header.Get("Content-Type"), response.Header.Get("Content-Disposition")}
	if diff := cmp.Diff([]string{"x", "text/html", `attachment; filename="ü"`}, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	l.front.as("")
	response, _ = l.raw(t, http.MethodGet, "/signed/k?response-content-type=text/html", nil, nil)
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("got %d for an anonymous override, want 400", response.StatusCode)
	}
}

// TestTrap38PresignedPutCarriesAChecksum: a checksum that an SDK put into a presigned URL holds for the body.
func TestTrap38PresignedPutCarriesAChecksum(t *testing.T) {
	l := start(t)
	l.bucket(t, "signed")
	query := url.Values{
		"X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-Signature": {"s"}, "X-Amz-Credential": {"AKIA/20260101/us-east-1/s3/aws4_request"},
		"x-amz-checksum-crc32": {"AAAAAA=="}, "x-amz-sdk-checksum-algorithm": {"CRC32"}, "x-amz-meta-a": {"b"},
	}
	response, body := l.raw(t, http.MethodPut, "/signed/k?"+query.Encode(), nil, []byte("data"))
	if response.StatusCode != http.StatusBadRequest || !strings.Contains(body, "BadDigest") {
		t.Errorf("got %d %s, want BadDigest", response.StatusCode, body)
	}
	if response, body = l.raw(t, http.MethodPut, "/signed/k?"+query.Encode(), nil, nil); response.StatusCode != http.StatusOK {
		t.Fatalf("got %d %s: the empty body fits", response.StatusCode, body)
	}
	if _, out := l.get(t, "signed", "k"); out.Metadata["a"] != "b" {
		t.Errorf("got %v, want the metadata of the query", out.Metadata)
	}
}

func TestGetObjectACL(t *testing.T) {
	l := start(t)
	l.bucket(t, "acl")
	l.put(t, "acl", "k", "x")
	l.front.actions()
	out, err := l.GetObjectAcl(t.Context(), &awss3.GetObjectAclInput{Bucket: aws.String("acl"), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Grants) != 1 || out.Grants[0].Permission != types.PermissionFullControl || out.Grants[0].Grantee.Type != types.TypeCanonicalUser ||
		*out.Grants[0].Grantee.ID != *out.Owner.ID || len(*out.Owner.ID) != 64 {
		t.Errorf("got %+v, want full control of the owner alone", out)
	}
	if diff := cmp.Diff([]string{"s3:GetObjectAcl acl/k"}, l.front.actions()); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	_, err = l.GetObjectAcl(t.Context(), &awss3.GetObjectAclInput{Bucket: aws.String("acl"), Key: aws.String("absent")})
	wantError(t, err, http.StatusNotFound, "NoSuchKey")
}

func TestCORS(t *testing.T) {
	l := start(t)
	l.bucket(t, "cors")
	l.put(t, "cors", "k", "x")
	preflight := func(origin, method, headers string) (answer, string) {
		return l.raw(t, http.MethodOptions, "/cors/k", http.Header{
			"Origin": {origin}, "Access-Control-Request-Method": {method}, "Access-Control-Request-Headers": {headers},
		}, nil)
	}
	response, body := preflight("https://app.example", "PUT", "")
	if response.StatusCode != http.StatusForbidden || !strings.Contains(body, "CORS is not enabled for this bucket.") {
		t.Errorf("got %d %s", response.StatusCode, body)
	}
	_, err := l.GetBucketCors(t.Context(), &awss3.GetBucketCorsInput{Bucket: aws.String("cors")})
	wantError(t, err, http.StatusNotFound, "NoSuchCORSConfiguration")
	_, err = l.PutBucketCors(t.Context(), &awss3.PutBucketCorsInput{Bucket: aws.String("cors"), CORSConfiguration: &types.CORSConfiguration{
		CORSRules: []types.CORSRule{{
			AllowedMethods: []string{"GET", "PUT"}, AllowedOrigins: []string{"https://*.example"}, AllowedHeaders: []string{"content-*", "x-amz-meta-a"},
			ExposeHeaders: []string{"ETag"}, MaxAgeSeconds: aws.Int32(600),
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	l.front.deny("s3:GetObject")
	response, _ = preflight("https://app.example", "PUT", "Content-Type, x-amz-meta-a")
	got := []string{
		strconv.Itoa(response.StatusCode), response.Header.Get("Access-Control-Allow-Origin"), response.Header.Get("Access-Control-Allow-Methods"),
		response.Header.Get("Access-Control-Allow-Headers"), response.Header.Get("Access-Control-Expose-Headers"), response.Header.Get("Access-Control-Max-Age"),
	}
	if diff := cmp.Diff([]string{"200", "https://app.example", "GET, PUT", "content-type, x-amz-meta-a", "ETag", "600"}, got); diff != "" {
		t.Errorf("preflight (-want +got):\n%s", diff)
	}
	for _, test := range [][3]string{
		{"https://app.evil", "PUT", ""}, {"null", "PUT", ""}, {"https://app.example", "DELETE", ""}, {"https://app.example", "PUT", "authorization"},
	} {
		if response, _ = preflight(test[0], test[1], test[2]); response.StatusCode != http.StatusForbidden {
			t.Errorf("%v: got %d, want 403", test, response.StatusCode)
		}
	}
	response, _ = l.raw(t, http.MethodGet, "/cors/k", http.Header{"Origin": {"https://app.example"}}, nil)
	if response.StatusCode != http.StatusForbidden || response.Header.Get("Access-Control-Allow-Origin") != "https://app.example" {
		t.Errorf("got %d, %v: a page must be able to read the denial", response.StatusCode, response.Header)
	}
}
