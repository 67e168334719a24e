package s3_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

func (l *local) bucketIn(t *testing.T, name, where string) {
	t.Helper()
	_, err := l.CreateBucket(t.Context(), &awss3.CreateBucketInput{
		Bucket: &name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(where)},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTrap35WrongRegion(t *testing.T) {
	l := start(t)
	l.bucketIn(t, "far", "eu-west-1")
	l.front.deny("s3:ListBucket", "s3:GetObject")
	_, err := l.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: aws.String("far")})
	wantError(t, err, http.StatusMovedPermanently, "PermanentRedirect")

	signed := func(scope, host, path string) (answer, string) {
		header := http.Header{"Authorization": {"AWS4-HMAC-SHA256 Credential=AKIA/20260101/" + scope + "/s3/aws4_request"}}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		return l.do(t, r, host, header)
	}
	for _, test := range []struct {
		scope, host, path string
		status            int
		part              string
	}{
		{"us-east-1", "127.0.0.1", "/far", 301, "<Endpoint>far.s3.eu-west-1.amazonaws.com</Endpoint>"},
		{"us-east-1", "s3.us-east-1.amazonaws.com", "/far", 301, "<Code>PermanentRedirect</Code>"},
		{"us-east-1", "far.s3.amazonaws.com", "/", 400, "expecting &#39;eu-west-1&#39;"},
		{"us-east-1", "s3.eu-west-1.amazonaws.com", "/far", 400, "<Region>eu-west-1</Region>"},
		{"eu-west-1", "far.s3.eu-west-1.amazonaws.com", "/", 403, "s3:ListBucket"},
		{"eu-west-1", "far.localhost:4566", "/", 403, "s3:ListBucket"},
	} {
		response, body := signed(test.scope, test.host, test.path)
		if response.StatusCode != test.status || !strings.Contains(body, test.part) {
			t.Errorf("%+v: got %d %s", test, response.StatusCode, body)
		}
		if got := response.Header.Get("X-Amz-Bucket-Region"); got != "eu-west-1" {
			t.Errorf("%+v: got region %q, want it on every answer", test, got)
		}
	}
	l.front.as("")
	response, body := l.raw(t, http.MethodHead, "/far", nil, nil)
	if response.StatusCode != http.StatusMovedPermanently && response.StatusCode != http.StatusForbidden || body != "" {
		t.Errorf("got %d %q", response.StatusCode, body)
	}
	if got := response.Header.Get("X-Amz-Bucket-Region"); got != "eu-west-1" {
		t.Errorf("anonymous HEAD: got region %q", got)
	}
}

// do sends a request under another Host.
func (l *local) do(t *testing.T, r *http.Request, host string, header http.Header) (answer, string) {
	t.Helper()
	r.Host, r.Header = host, header
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	return answer{StatusCode: response.StatusCode, Header: response.Header}, readAll(t, response.Body)
}

func TestCreateBucket(t *testing.T) {
	l := start(t)
	create := func(name, constraint string, options ...func(*awss3.Options)) error {
		in := &awss3.CreateBucketInput{Bucket: &name}
		if constraint != "" {
			in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(constraint)}
		}
		_, err := l.CreateBucket(t.Context(), in, options...)
		return err
	}
	europe := func(o *awss3.Options) { o.Region = "eu-west-1" }
	for _, name := range []string{"ok-1", "a.b", "123", strings.Repeat("x", 63)} {
		if err := create(name, ""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"Upper", "under_score", "10.0.0.1", "a..b", "-a1", "a1-", "xn--abc", "abc-s3alias"} {
		wantError(t, create(name, ""), http.StatusBadRequest, "InvalidBucketName")
	}
	if err := create("ok-1", ""); err != nil {
		t.Errorf("us-east-1 accepts making one's own bucket again: %v", err)
	}
	if err := create("west", "eu-west-1", europe); err != nil {
		t.Fatal(err)
	}
	wantError(t, create("west", "eu-west-1", europe), http.StatusConflict, "BucketAlreadyOwnedByYou")
	wantError(t, create("none", "", europe), http.StatusBadRequest, "IllegalLocationConstraintException")
	wantError(t, create("mars", "mars-north-1"), http.StatusBadRequest, "InvalidLocationConstraint")
	wantError(t, create("else", "eu-west-2", europe), http.StatusBadRequest, "IllegalLocationConstraintException")
	l.front.as(other)
	wantError(t, create("ok-1", ""), http.StatusConflict, "BucketAlreadyExists")
}

func TestBucketOwnerAndExistence(t *testing.T) {
	l := start(t)
	l.bucket(t, "mine")
	l.put(t, "mine", "k", "x")
	name, owner := aws.String("mine"), aws.String(other)
	_, err := l.HeadBucket(t.Context(), &awss3.HeadBucketInput{Bucket: name, ExpectedBucketOwner: owner})
	wantError(t, err, http.StatusForbidden, "Forbidden")
	_, err = l.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: name, Key: aws.String("k"), ExpectedBucketOwner: owner})
	wantError(t, err, http.StatusForbidden, "AccessDenied")
	_, err = l.CopyObject(t.Context(), &awss3.CopyObjectInput{
		Bucket: name, Key: aws.String("c"), CopySource: aws.String("mine/k"), ExpectedSourceBucketOwner: owner,
	})
	wantError(t, err, http.StatusForbidden, "AccessDenied")
	head, err := l.HeadBucket(t.Context(), &awss3.HeadBucketInput{Bucket: name, ExpectedBucketOwner: aws.String(account)})
	if err != nil || *head.BucketRegion != region || *head.BucketArn != "arn:aws:s3:::mine" {
		t.Errorf("got %+v, %v", head, err)
	}
	_, err = l.HeadBucket(t.Context(), &awss3.HeadBucketInput{Bucket: aws.String("absent")})
	wantError(t, err, http.StatusNotFound, "NotFound")
	_, err = l.DeleteBucket(t.Context(), &awss3.DeleteBucketInput{Bucket: name})
	wantError(t, err, http.StatusConflict, "BucketNotEmpty")
	if _, err = l.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: name, Key: aws.String("k")}); err != nil {
		t.Fatal(err)
	}
	if _, err = l.DeleteBucket(t.Context(), &awss3.DeleteBucketInput{Bucket: name}); err != nil {
		t.Error(err)
	}
	_, err = l.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: name})
	wantError(t, err, http.StatusNotFound, "NoSuchBucket")
}

func TestListBuckets(t *testing.T) {
	l := start(t)
	var want []string
	for i := range 7 {
		name := fmt.Sprintf("bucket-%d", i)
		l.bucket(t, name)
		want = append(want, name)
	}
	l.bucketIn(t, "west", "eu-west-1")
	l.front.as(other)
	l.bucket(t, "foreign")
	l.front.as(account)
	all, err := l.ListBuckets(t.Context(), &awss3.ListBucketsInput{})
	if err != nil || len(all.Buckets) != 8 || all.Buckets[0].BucketRegion != nil {
		t.Fatalf("got %+v, %v, want 8 buckets without region: no parameter was sent", all, err)
	}
	var got []string
	pages := awss3.NewListBucketsPaginator(l, &awss3.ListBucketsInput{MaxBuckets: aws.Int32(3), Prefix: aws.String("bucket-")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range page.Buckets {
			got = append(got, *b.Name)
			if *b.BucketRegion != region {
				t.Errorf("%s: got region %s", *b.Name, *b.BucketRegion)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	west, err := l.ListBuckets(t.Context(), &awss3.ListBucketsInput{BucketRegion: aws.String("eu-west-1")})
	if err != nil || len(west.Buckets) != 1 || *west.Buckets[0].BucketArn != "arn:aws:s3:::west" {
		t.Errorf("got %+v, %v, want the one in eu-west-1", west, err)
	}
	_, err = l.ListBuckets(t.Context(), &awss3.ListBucketsInput{BucketRegion: aws.String("eu-east-1")})
	wantError(t, err, http.StatusBadRequest, "InvalidArgument")
	_, err = l.ListBuckets(t.Context(), &awss3.ListBucketsInput{MaxBuckets: aws.Int32(0)})
	wantError(t, err, http.StatusBadRequest, "InvalidArgument")
}

func TestBucketPolicyReachesAccesses(t *testing.T) {
	l := start(t)
	l.bucket(t, "shared")
	l.put(t, "shared", "k", "x")
	_, err := l.GetBucketPolicy(t.Context(), &awss3.GetBucketPolicyInput{Bucket: aws.String("shared")})
	wantError(t, err, http.StatusNotFound, "NoSuchBucketPolicy")
	put := func(text string) error {
		_, err := l.PutBucketPolicy(t.Context(), &awss3.PutBucketPolicyInput{Bucket: aws.String("shared"), Policy: &text})
		return err
	}
	const text = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::shared/*"}]}`
	wantError(t, put(`{`), http.StatusBadRequest, "MalformedPolicy")
	wantError(t, put(strings.Replace(text, `"Principal":"*",`, "", 1)), http.StatusBadRequest, "MalformedPolicy")
	wantError(t, put(strings.Replace(text, "shared/*", "other/*", 1)), http.StatusBadRequest, "MalformedPolicy")
	wantError(t, put(strings.Replace(text, "s3:GetObject", "sqs:SendMessage", 1)), http.StatusBadRequest, "MalformedPolicy")
	if err := put(text); err != nil {
		t.Fatal(err)
	}
	out, err := l.GetBucketPolicy(t.Context(), &awss3.GetBucketPolicyInput{Bucket: aws.String("shared")})
	if err != nil || *out.Policy != text {
		t.Errorf("got %+v, %v, want the policy as it was put", out, err)
	}
	l.front.actions()
	l.get(t, "shared", "k")
	l.front.mu.Lock()
	seen := l.front.seen[0]
	l.front.mu.Unlock()
	if seen.ResourcePolicy == nil || seen.ResourceAccount != account {
		t.Errorf("got %+v, want the bucket's policy and account", seen)
	}
	if _, err := l.DeleteBucketPolicy(t.Context(), &awss3.DeleteBucketPolicyInput{Bucket: aws.String("shared")}); err != nil {
		t.Error(err)
	}
}

func TestNotImplemented(t *testing.T) {
	l := start(t)
	l.bucket(t, "plain")
	_, err := l.GetBucketLifecycleConfiguration(t.Context(), &awss3.GetBucketLifecycleConfigurationInput{Bucket: aws.String("plain")})
	wantError(t, err, http.StatusNotImplemented, "NotImplemented")
	response, _ := l.raw(t, http.MethodPost, "/plain/key", nil, nil)
	if response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("got %d, want 405", response.StatusCode)
	}
}
