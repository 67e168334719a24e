package s3_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
)

// TestTrap43PrefixByWholeSegments: the limit `reports` is the folder, on every route, by Arngate and by the session's policy.
func TestTrap43PrefixByWholeSegments(t *testing.T) {
	b := newBench(t)
	b.store(t, "reports/a", "in")
	b.store(t, "reports-secret/a", "out")
	b.store(t, "reports", "out")
	createBucket(t, b.admin, "other", localawstest.Region)
	b.connect("reports", func(l *permissions.Limits) { l.Buckets = []permissions.Bucket{{Name: "demo-files", Prefix: "reports"}} })
	b.operations()
	at := func(method, path string, query ...string) answer {
		return b.do(t, request{method: method, path: "reports/buckets/" + path, query: query, body: []byte("x")})
	}
	for _, prefix := range []string{"", "r", "reports", "reports-secret/", "Reports/", "/reports/"} {
		at(http.MethodGet, "demo-files/objects", "prefix", prefix).wantProblem(t, problem.ConnectionForbids)
	}
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		for _, key := range []string{"reports", "reports-secret/a", "report", "x", "/reports/a"} {
			at(method, "demo-files/object", "key", key).wantProblem(t, problem.ConnectionForbids)
		}
		at(method, "other/object", "key", "reports/a").wantProblem(t, problem.ConnectionForbids)
	}
	at(http.MethodGet, "other/objects", "prefix", "reports/").wantProblem(t, problem.ConnectionForbids)
	if got := b.operations(); got != "" {
		t.Errorf("S3 was asked for %s", got)
	}
	if got := at(http.MethodGet, "demo-files/objects", "prefix", "reports/").listing(t).values("key"); strings.Join(got, " ") != "reports/a" {
		t.Errorf("listed %q", got)
	}
	at(http.MethodGet, "demo-files/object", "key", "reports/a").want(t, http.StatusOK, "in")
	if got := at(http.MethodPut, "demo-files/object", "key", "reports/b"); got.Status != http.StatusOK {
		t.Error(got)
	}
	at(http.MethodDelete, "demo-files/object", "key", "reports/b").want(t, http.StatusNoContent, "")
	err := b.direct(t, "reports", func(ctx context.Context, c *awss3.Client) error {
		_, err := c.DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: new("demo-files"), Key: new("reports-secret/a")})
		return err
	})
	wantDenied(t, err, "s3:DeleteObject")
}

func wantDenied(t *testing.T, err error, action string) {
	t.Helper()
	explained := problem.FromAWS("s3", "DeleteObject", err)
	if explained.Code != problem.AWSAccessDenied || explained.MissingAction != action {
		t.Errorf("got %v, missing %q; want a denial of %s", err, explained.MissingAction, action)
	}
}

// TestTrap34DeniedOrAbsent: below its prefix a connection is told that an object isn't there, though S3 only denies.
func TestTrap34DeniedOrAbsent(t *testing.T) {
	b := newBench(t)
	b.store(t, "reports/a", "x")
	b.connect("reports", func(l *permissions.Limits) { l.Buckets = []permissions.Bucket{{Name: "demo-files", Prefix: "reports"}} })
	b.operations()
	b.get(t, "reports/buckets/demo-files/object", "key", "reports/").wantProblem(t, problem.ObjectNotFound)
	b.get(t, "reports/buckets/demo-files/object", "key", "reports/none").wantProblem(t, problem.ObjectNotFound)
	if got := b.operations(); got != "GetObject ListObjectsV2 GetObject ListObjectsV2" {
		t.Errorf("S3 was asked for %s", got)
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete} {
		b.do(t, request{
			method: method, path: "reports/buckets/demo-files/object", query: []string{"key", "reports/none"}, headers: map[string]string{"If-Match": `"x"`},
		}).wantProblem(t, problem.ObjectNotFound)
	}
	b.role = b.addRole(t, b.customer, "gets", `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`)
	b.connect("gets", func(l *permissions.Limits) { l.Buckets = []permissions.Bucket{{Name: "*"}} })
	denied := b.get(t, "gets/buckets/demo-files/object", "key", "none").wantProblem(t, problem.AWSAccessDenied)
	if denied.MissingAction != "s3:ListBucket" || !strings.Contains(denied.Detail, "no such object") {
		t.Errorf("missing %q: %s", denied.MissingAction, denied.Detail)
	}
	b.role = b.addRole(t, b.customer, "lists", `{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}`)
	b.connect("lists", func(l *permissions.Limits) { l.Buckets = []permissions.Bucket{{Name: "*"}} })
	denied = b.get(t, "lists/buckets/demo-files/object", "key", "reports/a").wantProblem(t, problem.AWSAccessDenied)
	if denied.MissingAction != "s3:GetObject" || denied.Resource != "arn:aws:s3:::demo-files/reports/a" {
		t.Errorf("missing %q on %q", denied.MissingAction, denied.Resource)
	}
}

func TestDenialNamesTheMissingAction(t *testing.T) {
	b := newBench(t)
	b.store(t, "k", "x")
	b.role = b.addRole(t, b.customer, "nothing", `{"Effect":"Deny","Action":"s3:*","Resource":"*"}`)
	b.connect("poor", func(l *permissions.Limits) { l.Buckets = []permissions.Bucket{{Name: "*"}} })
	for action, r := range map[string]request{
		"s3:ListAllMyBuckets": {method: http.MethodGet, path: "poor/buckets"},
		"s3:ListBucket":       {method: http.MethodGet, path: "poor/buckets/demo-files/objects"},
		"s3:GetObject":        {method: http.MethodGet, path: "poor/buckets/demo-files/object", query: []string{"key", "k"}},
		"s3:PutObject":        {method: http.MethodPut, path: "poor/buckets/demo-files/object", query: []string{"key", "k"}, body: []byte("y")},
		"s3:DeleteObject":     {method: http.MethodDelete, path: "poor/buckets/demo-files/object", query: []string{"key", "k"}},
	} {
		denied := b.do(t, r).wantProblem(t, problem.AWSAccessDenied)
		if denied.MissingAction != action || denied.Resource == "" || denied.AWS == nil {
			t.Errorf("%s: missing %q on %q", action, denied.MissingAction, denied.Resource)
		}
	}
}

// TestReadOnly: refused by Arngate before AWS is asked, and, past that, by AWS.
func TestReadOnly(t *testing.T) {
	b := newBench(t)
	b.store(t, "k", "x")
	b.connect("archive", func(l *permissions.Limits) { l.Buckets, l.ReadOnly = []permissions.Bucket{{Name: "*"}}, true })
	b.operations()
	for _, method := range []string{http.MethodPut, http.MethodDelete} {
		b.do(t, request{method: method, path: "archive/buckets/demo-files/object", query: []string{"key", "k"}}).wantProblem(t, problem.ConnectionForbids)
	}
	if got := b.operations(); got != "" {
		t.Errorf("S3 was asked for %s", got)
	}
	b.get(t, "archive/buckets/demo-files/object", "key", "k").want(t, http.StatusOK, "x")
	wantDenied(t, b.direct(t, "archive", func(ctx context.Context, c *awss3.Client) error {
		_, err := c.DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: new("demo-files"), Key: new("k")})
		return err
	}), "s3:DeleteObject")
	wantDenied(t, b.direct(t, "archive", func(ctx context.Context, c *awss3.Client) error {
		_, err := c.PutObject(ctx, &awss3.PutObjectInput{Bucket: new("demo-files"), Key: new("k"), Body: strings.NewReader("y")})
		return err
	}), "s3:PutObject")
	b.get(t, "archive/buckets/demo-files/object", "key", "k").want(t, http.StatusOK, "x")
}

// TestTrap35BucketElsewhere: the region is learned from the first answer, without a permission, and remembered.
func TestTrap35BucketElsewhere(t *testing.T) {
	b := newBench(t)
	createBucket(t, b.admin, "far", elsewhere)
	ask := func(method string, headers ...string) answer {
		return b.do(t, request{
			method: method, path: "files/buckets/far/object", query: []string{"key", "k"}, headers: pairs(headers), body: []byte("x"),
		})
	}
	b.operations()
	if got := ask(http.MethodPut, "If-None-Match", "*"); got.Status != http.StatusOK {
		t.Fatal(got)
	}
	if got := b.operations(); got != "PutObject PutObject" {
		t.Errorf("at first S3 was asked for %s", got)
	}
	ask(http.MethodGet).want(t, http.StatusOK, "x")
	if got := b.get(t, "files/buckets/far/objects").listing(t).values("key"); len(got) != 1 {
		t.Errorf("listed %q", got)
	}
	link := b.get(t, "files/buckets/far/object", "key", "k", "delivery", "redirect").Headers["Location"]
	if got := b.operations(); got != "GetObject ListObjectsV2 GetObject" {
		t.Errorf("then S3 was asked for %s", got)
	}
	if status, _, body := b.fetch(t, link); status != http.StatusOK || body != "x" {
		t.Errorf("fetched %d %s", status, body)
	}
	ask(http.MethodDelete).want(t, http.StatusNoContent, "")
	far := func(o *awss3.Options) { o.Region = elsewhere }
	if _, err := b.admin.DeleteBucket(t.Context(), &awss3.DeleteBucketInput{Bucket: new("far")}, far); err != nil {
		t.Fatal(err)
	}
	createBucket(t, b.admin, "far", localawstest.Region)
	if got := ask(http.MethodPut); got.Status != http.StatusOK {
		t.Error("after the bucket has moved:", got)
	}
	b.operations()
	ask(http.MethodGet).want(t, http.StatusOK, "x")
	if got := b.operations(); got != "GetObject" {
		t.Errorf("at last S3 was asked for %s", got)
	}
}

// TestTrap21RegionOfTheDeployment: a bucket can't lead to a region that the operator doesn't allow.
func TestTrap21RegionOfTheDeployment(t *testing.T) {
	b := newBench(t)
	createBucket(t, b.admin, "far", elsewhere)
	clients := awsclient.New(awsclient.Options{
		Endpoint: b.local.Endpoint(), Transport: b.local.Client().Transport, Regions: []string{localawstest.Region},
	})
	b.serve(t, connection.NewOpener(b, b, clients))
	b.get(t, "files/buckets/far/objects").wantProblem(t, problem.ConnectionForbids)
}

// TestOtherOwnersBucket: a bucket of that name that is somebody else's is not used, unless the connection says whose it is.
func TestOtherOwnersBucket(t *testing.T) {
	b := newBench(t)
	theirs := client(b.local, b.local.Account(stranger))
	createBucket(t, theirs, "shared", localawstest.Region)
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::shared","arn:aws:s3:::shared/*"]}]}`
	if _, err := theirs.PutBucketPolicy(t.Context(), &awss3.PutBucketPolicyInput{Bucket: new("shared"), Policy: &policy}); err != nil {
		t.Fatal(err)
	}
	if _, err := theirs.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: new("shared"), Key: new("k"), Body: strings.NewReader("x")}); err != nil {
		t.Fatal(err)
	}
	b.connect("partner", func(l *permissions.Limits) { l.Buckets = []permissions.Bucket{{Name: "shared", Owner: stranger}} })
	b.connect("wrong", func(l *permissions.Limits) { l.Buckets = []permissions.Bucket{{Name: "demo-files", Owner: stranger}} })
	b.store(t, "k", "x")
	for path, allowed := range map[string]bool{"files/buckets/shared": false, "wrong/buckets/demo-files": false, "partner/buckets/shared": true} {
		for _, r := range []request{
			{method: http.MethodGet, path: path + "/objects"},
			{method: http.MethodGet, path: path + "/object", query: []string{"key", "k"}},
			{method: http.MethodGet, path: path + "/object", query: []string{"key", "k", "delivery", "redirect"}},
			{method: http.MethodPut, path: path + "/object", query: []string{"key", "k"}, body: []byte("y")},
			{method: http.MethodDelete, path: path + "/object", query: []string{"key", "k"}},
		} {
			got := b.do(t, r)
			if !allowed {
				got.wantProblem(t, problem.AWSAccessDenied)
			} else if got.Status >= http.StatusBadRequest {
				t.Errorf("%s %s: %d %s", r.method, r.path, got.Status, got.Body)
			}
		}
	}
	link := b.get(t, "files/buckets/demo-files/object", "key", "k", "delivery", "redirect").Headers["Location"]
	if !strings.Contains(link, "x-amz-expected-bucket-owner="+account) {
		t.Errorf("a presigned URL that doesn't say whose the bucket is: %s", link)
	}
	o := *b.opened[site+"/files"]
	o.Provider.RoleARN, o.State.Account = "", ""
	b.opened[site+"/files"] = &o
	b.get(t, "files/buckets/demo-files/objects").wantProblem(t, problem.ProviderUnverified)
}
