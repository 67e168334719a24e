package s3_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/arngate/arngate/shared/localaws/kms"
	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/localaws/s3"
)

const (
	account = "111111111111"
	other   = "222222222222"
	region  = "us-east-1"
)

// front is what the root does around the service, without signatures: it resolves, lets a test refuse
// accesses, serves.
type front struct {
	service *s3.Service

	mu      sync.Mutex
	account string // of the caller; empty: anonymous
	seen    []protocol.Access
	denied  func(protocol.Access) bool
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := f.call(r)
	accesses, err := f.service.Resolve(c)
	for _, a := range accesses {
		if err == nil {
			err = c.Authorize(a, true)
		}
	}
	maps.Copy(w.Header(), c.Header)
	if err == nil {
		err = f.service.Serve(w, c)
	}
	if aws, ok := errors.AsType[*protocol.Error](err); ok {
		protocol.WriteError(w, protocol.RESTXML, c.RequestID, aws)
	} else if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// call is the request as the root would hand it on: the region is the signature's, as the SDK signs.
func (f *front) call(r *http.Request) *protocol.Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := &protocol.Call{Service: "s3", Region: signedRegion(r), Request: r, RequestID: "REQUEST", Now: time.Now()}
	if f.account != "" {
		c.Principal = &protocol.Principal{ARN: "arn:aws:iam::" + f.account + ":user/u", Account: f.account}
	}
	c.Presigned = r.URL.Query().Has("X-Amz-Signature")
	c.Authorize = func(a protocol.Access, _ bool) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.seen = append(f.seen, a)
		if f.denied != nil && f.denied(a) {
			return protocol.NewError(http.StatusForbidden, "AccessDenied", "not authorized to perform: %s on resource: %s", a.Action, a.Resource)
		}
		return nil
	}
	return c
}

func signedRegion(r *http.Request) string {
	scope := r.Header.Get("Authorization")
	if scope == "" {
		scope = "Credential=" + r.URL.Query().Get("X-Amz-Credential")
	}
	_, scope, _ = strings.Cut(scope, "Credential=")
	if parts := strings.Split(scope, "/"); len(parts) > 2 {
		return parts[2]
	}
	return region
}

// deny refuses these actions from here on.
func (f *front) deny(actions ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.denied = func(a protocol.Access) bool {
		return slices.Contains(actions, a.Action)
	}
}

// as makes another account the caller, or nobody.
func (f *front) as(account string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.account = account
}

// actions forgets and returns what was asked for.
func (f *front) actions() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var got []string
	for _, a := range f.seen {
		got = append(got, a.Action+" "+strings.TrimPrefix(a.Resource, "arn:aws:s3:::"))
	}
	f.seen = nil
	return got
}

type local struct {
	*awss3.Client

	front *front
	url   string
}

func start(t *testing.T) *local {
	t.Helper()
	f := &front{service: s3.New(kms.New(time.Now, "")), account: account}
	server := httptest.NewServer(f)
	t.Cleanup(func() {
		server.Close()
		if err := f.service.Close(); err != nil {
			t.Error(err)
		}
	})
	return &local{Client: newClient(server.URL, region), front: f, url: server.URL}
}

func newClient(url, region string, options ...func(*awss3.Options)) *awss3.Client {
	return awss3.New(awss3.Options{
		Region: region, BaseEndpoint: aws.String(url), UsePathStyle: true, Retryer: aws.NopRetryer{},
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
		Credentials:                credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
	}, options...)
}

func (l *local) bucket(t *testing.T, name string) {
	t.Helper()
	if _, err := l.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: aws.String(name)}); err != nil {
		t.Fatal(err)
	}
}

func (l *local) put(t *testing.T, bucket, key, body string) *awss3.PutObjectOutput {
	t.Helper()
	out, err := l.PutObject(t.Context(), &awss3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String(key), Body: strings.NewReader(body),
	})
	if err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
	return out
}

func (l *local) get(t *testing.T, bucket, key string, more ...func(*awss3.GetObjectInput)) (string, *awss3.GetObjectOutput) {
	t.Helper()
	in := &awss3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)}
	for _, set := range more {
		set(in)
	}
	out, err := l.GetObject(t.Context(), in)
	if err != nil {
		t.Fatalf("get %q: %v", key, err)
	}
	defer func() { _ = out.Body.Close() }()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatalf("read %q: %v", key, err)
	}
	return string(body), out
}

// raw sends a request as it is.
func (l *local) raw(t *testing.T, method, path string, header http.Header, body []byte) (answer, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, l.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.Header, header)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{StatusCode: response.StatusCode, Header: response.Header}, string(text)
}

// answer is what of a response is left once its body has been read.
type answer struct {
	StatusCode int
	Header     http.Header
}

// wantError wants an error of AWS's with this status and code.
func wantError(t *testing.T, err error, status int, code string) {
	t.Helper()
	response, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok {
		t.Errorf("got error %v, want %d %s", err, status, code)
		return
	}
	if got := response.HTTPStatusCode(); got != status {
		t.Errorf("got status %d (%v), want %d", got, err, status)
	}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorCode() != code {
		t.Errorf("got error %v, want code %s", err, code)
	}
}

func wantMessage(t *testing.T, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Errorf("got error %v, want it to hold %q", err, part)
	}
}

func versioned(t *testing.T, l *local, bucket string, status types.BucketVersioningStatus) {
	t.Helper()
	_, err := l.PutBucketVersioning(t.Context(), &awss3.PutBucketVersioningInput{
		Bucket: aws.String(bucket), VersioningConfiguration: &types.VersioningConfiguration{Status: status},
	})
	if err != nil {
		t.Fatal(err)
	}
}
