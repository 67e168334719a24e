package s3_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/arngate/arngate/functions/s3"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
)

// past is what each route asks of S3, as if the connector checked no limits.
type past struct {
	name   string
	write  bool
	action string
	call   func(ctx context.Context, c *awss3.Client, key string) error
}

func pasts(t *testing.T, b *bench) []past {
	t.Helper()
	bucket := new("demo-files")
	presigned := func(c *awss3.Client, method string, sign func(*awss3.PresignClient) (string, error)) error {
		link, err := sign(awss3.NewPresignClient(c, awss3.WithPresignClientFromClientOptions(func(o *awss3.Options) {
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		})))
		if err != nil {
			return err
		}
		if status, _, _ := b.send(t, method, link, nil, text("y")); status != http.StatusForbidden {
			t.Errorf("%s %s: %d", method, link, status)
		}
		return problem.New(problem.AWSAccessDenied, "")
	}
	return []past{
		{"list", false, "s3:ListBucket", func(ctx context.Context, c *awss3.Client, key string) error {
			_, err := c.ListObjectsV2(ctx, &awss3.ListObjectsV2Input{Bucket: bucket, Prefix: &key})
			return err
		}},
		{"get", false, "s3:GetObject", func(ctx context.Context, c *awss3.Client, key string) error {
			_, err := c.GetObject(ctx, &awss3.GetObjectInput{Bucket: bucket, Key: &key})
			return err
		}},
		{"metadata", false, "s3:GetObject", func(ctx context.Context, c *awss3.Client, key string) error {
			_, err := c.HeadObject(ctx, &awss3.HeadObjectInput{Bucket: bucket, Key: &key})
			return err
		}},
		{"acl", false, "s3:GetObjectAcl", func(ctx context.Context, c *awss3.Client, key string) error {
			_, err := c.GetObjectAcl(ctx, &awss3.GetObjectAclInput{Bucket: bucket, Key: &key})
			return err
		}},
		{"downloads", false, "", func(ctx context.Context, c *awss3.Client, key string) error {
			return presigned(c, http.MethodGet, func(p *awss3.PresignClient) (string, error) {
				link, err := p.PresignGetObject(ctx, &awss3.GetObjectInput{Bucket: bucket, Key: &key})
				return link.URL, err
			})
		}},
		{"copy from", false, "s3:GetObject", func(ctx context.Context, c *awss3.Client, key string) error {
			_, err := c.CopyObject(ctx, &awss3.CopyObjectInput{Bucket: bucket, Key: new("reports/copy"), CopySource: aws.String("demo-files/" + key)})
			return err
		}},
		{"copy to", true, "s3:PutObject", func(ctx context.Context, c *awss3.Client, key string) error {
			_, err := c.CopyObject(ctx, &awss3.CopyObjectInput{Bucket: bucket, Key: &key, CopySource: aws.String("demo-files/reports/a")})
			return err
		}},
		{"put", true, "s3:PutObject", func(ctx context.Context, c *awss3.Client, key string) error {
			_, err := c.PutObject(ctx, &awss3.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader("y")})
			return err
		}},
		{"delete", true, "s3:DeleteObject", func(ctx context.Context, c *awss3.Client, key string) error {
			_, err := c.DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: bucket, Key: &key})
			return err
		}},
		{"multipart", true, "s3:PutObject", func(ctx context.Context, c *awss3.Client, key string) error {
			_, err := c.CreateMultipartUpload(ctx, &awss3.CreateMultipartUploadInput{Bucket: bucket, Key: &key})
			return err
		}},
		{"complete", true, "s3:PutObject", func(ctx context.Context, c *awss3.Client, key string) error {
			_, err := c.CompleteMultipartUpload(ctx, &awss3.CompleteMultipartUploadInput{Bucket: bucket, Key: &key, UploadId: new("u")})
			return err
		}},
		{"presigned put", true, "", func(ctx context.Context, c *awss3.Client, key string) error {
			return presigned(c, http.MethodPut, func(p *awss3.PresignClient) (string, error) {
				link, err := p.PresignPutObject(ctx, &awss3.PutObjectInput{Bucket: bucket, Key: &key})
				return link.URL, err
			})
		}},
		{"parts", true, "", func(ctx context.Context, c *awss3.Client, key string) error {
			return presigned(c, http.MethodPut, func(p *awss3.PresignClient) (string, error) {
				link, err := p.PresignUploadPart(ctx, &awss3.UploadPartInput{Bucket: bucket, Key: &key, UploadId: new("u"), PartNumber: aws.Int32(1)})
				return link.URL, err
			})
		}},
		{"post", true, "", func(ctx context.Context, c *awss3.Client, key string) error {
			form, err := awss3.NewPresignClient(c).PresignPostObject(ctx, &awss3.PutObjectInput{Bucket: bucket, Key: &key})
			if err != nil {
				return err
			}
			//nolint:contextcheck // what is presigned is sent by somebody else
			if status, answer := b.submit(t, s3.Upload{URL: form.URL, Fields: form.Values}, text("y")); status != http.StatusForbidden {
				t.Errorf("post: %d %s", status, answer)
			}
			return problem.New(problem.AWSAccessDenied, "")
		}},
	}
}

// TestSessionPolicyOnEveryRoute: past the connector's own checks, AWS refuses the same, though the role may do everything.
func TestSessionPolicyOnEveryRoute(t *testing.T) {
	b := newBench(t)
	for _, key := range []string{"reports/a", "reports-secret/a", "reports"} {
		b.store(t, key, "x")
	}
	b.connect("reports", func(l *permissions.Limits) { l.Buckets = []permissions.Bucket{{Name: "demo-files", Prefix: "reports"}} })
	b.connect("archive", func(l *permissions.Limits) { l.Buckets, l.ReadOnly = []permissions.Bucket{{Name: "*"}}, true })
	denied := func(name, connection, action string, err error) {
		if explained := problem.FromAWS("s3", "GetObject", err); explained.Code != problem.AWSAccessDenied {
			t.Errorf("%s by %s: %v, want a denial of %s", name, connection, err, action)
		}
	}
	for _, p := range pasts(t, b) {
		for _, key := range []string{"reports-secret/a", "reports"} {
			denied(p.name, "reports", p.action, b.direct(t, "reports", func(ctx context.Context, c *awss3.Client) error { return p.call(ctx, c, key) }))
		}
		if p.write {
			denied(p.name, "archive", p.action, b.direct(t, "archive", func(ctx context.Context, c *awss3.Client) error { return p.call(ctx, c, "reports/a") }))
		}
	}
	for _, name := range []string{"reports", "archive"} {
		var out *awss3.DeleteObjectsOutput
		err := b.direct(t, name, func(ctx context.Context, c *awss3.Client) (err error) {
			out, err = c.DeleteObjects(ctx, &awss3.DeleteObjectsInput{
				Bucket: new("demo-files"), Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: new("reports-secret/a")}, {Key: new("reports")}}},
			})
			return err
		})
		if err != nil || len(out.Errors) != 2 || *out.Errors[0].Code != "AccessDenied" {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
	}
	if left := strings.Join(b.keys(t), " "); left != "reports reports-secret/a reports/a" {
		t.Errorf("left: %s", left)
	}
}

// TestOwnerOnEveryRoute: a bucket that is somebody else's, though it lets everybody in, is used by no route, no URL and no form.
func TestOwnerOnEveryRoute(t *testing.T) {
	b := newBench(t)
	b.store(t, "reports/in", "x")
	theirs := client(b.local, b.local.Account(stranger))
	createBucket(t, theirs, "shared", localawstest.Region)
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::shared","arn:aws:s3:::shared/*"]}]}`
	if _, err := theirs.PutBucketPolicy(t.Context(), &awss3.PutBucketPolicyInput{Bucket: new("shared"), Policy: &policy}); err != nil {
		t.Fatal(err)
	}
	if _, err := theirs.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: new("shared"), Key: new("k"), Body: strings.NewReader("x")}); err != nil {
		t.Fatal(err)
	}
	b.connect("partner", func(l *permissions.Limits) {
		l.Buckets = []permissions.Bucket{{Name: "shared", Owner: stranger}, {Name: "demo-files"}}
	})
	for _, u := range uses() {
		got := b.do(t, u.request(t, "files", "shared", "k"))
		if u.action == "" && u.name != "delete many" { // it only signs
			var links struct {
				URL     string            `json:"url"`
				Headers map[string]string `json:"headers"`
				Items   []s3.Download     `json:"items"`
			}
			got.into(t, &links)
			for _, link := range append(links.Items, s3.Download{URL: links.URL}) {
				if link.URL == "" {
					continue
				}
				method := http.MethodPut
				if u.name == "downloads" {
					method = http.MethodGet
				}
				if status, _, answer := b.send(t, method, link.URL, links.Headers, text("y")); status != http.StatusForbidden {
					t.Errorf("%s: %d %s", u.name, status, answer)
				}
			}
			continue
		}
		got.wantProblem(t, problem.AWSAccessDenied)
	}
	for _, u := range uses() {
		if strings.Contains(u.name, "from") || u.name == "delete" || u.name == "delete many" {
			continue
		}
		b.store(t, "reports/in", "x")
		u.check(t, b.do(t, u.request(t, "partner", "shared", "k")))
	}
	answered := b.post(t, "files/delete", `{"bucket":"shared","prefix":""}`)
	answered.wantProblem(t, problem.AWSAccessDenied)
	// Of a form S3 may not look at the owner: without that it is seen to before, none is made.
	b.post(t, "files/buckets/shared/uploads", `{"key":"k"}`).wantProblem(t, problem.AWSAccessDenied)
	if _, err := theirs.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: new("shared"), Key: new("k")}); err != nil {
		t.Error(err)
	}
}
