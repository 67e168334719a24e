package s3_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/arngate/arngate/shared/localaws/localawstest"
)

// These run through the whole local AWS: real signatures, real policies.

func client(a *localawstest.AWS, keys localawstest.Keys, options ...func(*awss3.Options)) *awss3.Client {
	return awss3.NewFromConfig(a.Config(keys), append([]func(*awss3.Options){func(o *awss3.Options) { o.UsePathStyle = true }}, options...)...)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestEnforcedPermissions(t *testing.T) {
	a := localawstest.Start(t)
	administrator := a.Account(account)
	root := client(a, administrator)
	bucket := aws.String("enforced")
	_, err := root.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: bucket})
	must(t, err)
	_, err = root.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: bucket, Key: aws.String("reports/1"), Body: strings.NewReader("x")})
	must(t, err)

	reader := client(a, a.AddUser(t, administrator, "reader", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::enforced","Condition":{"StringLike":{"s3:prefix":["reports/*"]}}},
		{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::enforced/reports/*"}]}`))
	_, err = reader.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: bucket, Prefix: aws.String("reports/")})
	must(t, err)
	_, err = reader.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: bucket})
	wantError(t, err, http.StatusForbidden, "AccessDenied")
	wantMessage(t, err, `is not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::enforced" because no identity-based policy allows the s3:ListBucket action`)
	_, err = reader.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: bucket, Key: aws.String("reports/absent")})
	wantError(t, err, http.StatusForbidden, "AccessDenied") // the condition on the prefix isn't met by a read (traps.md 34)
	_, err = reader.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: bucket, Key: aws.String("reports/1")})
	wantError(t, err, http.StatusForbidden, "AccessDenied")
	out, err := reader.DeleteObjects(t.Context(), &awss3.DeleteObjectsInput{
		Bucket: bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("reports/1")}}},
	})
	must(t, err)
	if len(out.Errors) != 1 || *out.Errors[0].Code != "AccessDenied" {
		t.Errorf("got %+v, want the one key denied", out)
	}
	_, err = reader.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: bucket, Key: aws.String("reports/1")})
	must(t, err)
}

func TestAnotherAccountNeedsTheBucketsPolicy(t *testing.T) {
	a := localawstest.Start(t)
	mine, theirs := client(a, a.Account(account)), client(a, a.Account(other))
	bucket, key := aws.String("shared-bucket"), aws.String("k")
	_, err := mine.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: bucket})
	must(t, err)
	_, err = mine.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("x")})
	must(t, err)
	read := func(c *awss3.Client) error {
		_, err := c.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: bucket, Key: key})
		return err
	}
	anonymous := client(a, localawstest.Keys{}, func(o *awss3.Options) { o.Credentials = aws.AnonymousCredentials{} })
	wantError(t, read(theirs), http.StatusForbidden, "AccessDenied")
	wantError(t, read(anonymous), http.StatusForbidden, "AccessDenied")
	policy := func(principal string) {
		t.Helper()
		_, err := mine.PutBucketPolicy(t.Context(), &awss3.PutBucketPolicyInput{Bucket: bucket, Policy: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"s3:GetObject","Resource":"arn:aws:s3:::shared-bucket/*"}]}`)})
		must(t, err)
	}
	policy(`{"AWS":"` + other + `"}`)
	must(t, read(theirs))
	wantError(t, read(anonymous), http.StatusForbidden, "AccessDenied")
	policy(`"*"`)
	must(t, read(anonymous))
}

func TestRegionIsOnEveryAnswer(t *testing.T) {
	a := localawstest.Start(t)
	administrator := a.Account(account)
	_, err := client(a, administrator).CreateBucket(t.Context(), &awss3.CreateBucketInput{
		Bucket: aws.String("west"), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"},
	})
	must(t, err)
	nobody := a.AddUser(t, administrator, "nobody", "")
	for name, c := range map[string]*awss3.Client{
		"wrong region":  client(a, administrator),
		"no permission": client(a, nobody, func(o *awss3.Options) { o.Region = "eu-west-1" }),
		"anonymous":     client(a, nobody, func(o *awss3.Options) { o.Credentials = aws.AnonymousCredentials{} }),
	} {
		seen := &header{next: a.Client()}
		_, err := c.HeadBucket(t.Context(), &awss3.HeadBucketInput{Bucket: aws.String("west")}, func(o *awss3.Options) { o.HTTPClient = seen })
		if err == nil {
			t.Errorf("%s: got an answer", name)
		}
		if got := seen.last.Get("X-Amz-Bucket-Region"); got != "eu-west-1" {
			t.Errorf("%s: got region %q (%v)", name, got, err)
		}
	}
	head, err := client(a, administrator, func(o *awss3.Options) { o.Region = "eu-west-1" }).
		HeadBucket(t.Context(), &awss3.HeadBucketInput{Bucket: aws.String("west")})
	if err != nil || *head.BucketRegion != "eu-west-1" {
		t.Errorf("got %+v, %v", head, err)
	}
}

// header keeps the header of the last answer.
type header struct {
	next *http.Client
	last http.Header
}

func (h *header) Do(r *http.Request) (*http.Response, error) {
	response, err := h.next.Transport.RoundTrip(r)
	if err == nil {
		h.last = response.Header
	}
	return response, err
}

// stream hides everything of a reader but reading, so that the SDK sends chunks with a trailing checksum.
type stream struct{ io.Reader }

func TestStreamedUploadWithTrailingChecksum(t *testing.T) {
	a := localawstest.Start(t)
	c := client(a, a.Account(account))
	bucket := aws.String("streams")
	_, err := c.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: bucket})
	must(t, err)
	body := bytes.Repeat([]byte("streamed "), 300_000)
	for _, algorithm := range []types.ChecksumAlgorithm{"", types.ChecksumAlgorithmSha256} {
		_, err = c.PutObject(t.Context(), &awss3.PutObjectInput{
			Bucket: bucket, Key: aws.String("k"), Body: stream{bytes.NewReader(body)}, ContentLength: aws.Int64(int64(len(body))),
			ContentEncoding: aws.String("gzip"), ChecksumAlgorithm: algorithm,
		})
		must(t, err)
		out, err := c.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: bucket, Key: aws.String("k"), ChecksumMode: types.ChecksumModeEnabled})
		must(t, err)
		got, err := io.ReadAll(out.Body)
		must(t, err)
		if !bytes.Equal(got, body) || *out.ContentEncoding != "gzip" {
			t.Errorf("got %d bytes encoded %q, want %d gzip", len(got), *out.ContentEncoding, len(body))
		}
		if (out.ChecksumSHA256 != nil) != (algorithm == types.ChecksumAlgorithmSha256) {
			t.Errorf("%s: got %+v", algorithm, out)
		}
	}
}

func TestOddKeysUnderRealSignatures(t *testing.T) {
	a := localawstest.Listen(t)
	c := client(a, a.Account(account))
	bucket := aws.String("odd")
	_, err := c.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: bucket})
	must(t, err)
	presign := awss3.NewPresignClient(c, awss3.WithPresignExpires(time.Minute))
	for _, key := range oddKeys {
		_, err := c.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader(key)})
		must(t, err)
		signed, err := presign.PresignGetObject(t.Context(), &awss3.GetObjectInput{Bucket: bucket, Key: &key})
		must(t, err)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, signed.URL, nil)
		must(t, err)
		response, err := a.Client().Do(r)
		must(t, err)
		got := readAll(t, response.Body)
		must(t, response.Body.Close())
		if got != key {
			t.Errorf("%q: got %d %q", key, response.StatusCode, got)
		}
	}
}
