package probe

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/arngate/arngate/shared/audit/verdict"
)

const (
	// wrongCRC32 is the checksum of nothing, and so not that of one byte.
	wrongCRC32 = "AAAAAA=="
	// noETag is no object's: ETags are hex digits.
	noETag = `"arngate-audit"`

	// unlisted is why a 403 for a key that isn't there proves nothing (traps.md 34).
	unlisted  = "S3 answers 403 for a missing key to whoever may not list the bucket, so this refusal proves nothing"
	ambiguous = "the refusal may be for want of s3:GetObject or s3:ListBucket, which this probe needs too"
)

// regions remembers where buckets are. The zero value knows none.
type regions struct {
	of sync.Map // bucket -> region
}

// s3 probes in the connection's region, and where the bucket turns out to be elsewhere, there (traps.md 35).
func (p *Prober) s3(ctx context.Context, t Target, id *exchange) Result {
	region := t.Region
	if known, ok := p.regions.of.Load(t.Bucket); ok {
		region, _ = known.(string)
	}
	r, err := p.s3In(ctx, region, t, id)
	if elsewhere := header(err, "X-Amz-Bucket-Region"); t.Bucket != "" && elsewhere != "" && elsewhere != region && !r.Verdict.Definite() {
		p.regions.of.Store(t.Bucket, elsewhere)
		r, _ = p.s3In(ctx, elsewhere, t, id)
	}
	return r
}

func (p *Prober) s3In(ctx context.Context, region string, t Target, id *exchange) (Result, error) {
	client, err := p.clients.S3(region)
	if err != nil {
		return Result{Verdict: verdict.Unknown, Why: err.Error()}, err
	}
	key := t.Prefix + Mark + random()
	owner := optional(t.Owner)
	switch _, operation, _ := strings.Cut(t.Action, ":"); operation {
	case "ListAllMyBuckets":
		out, err := client.ListBuckets(ctx, &awss3.ListBucketsInput{MaxBuckets: aws.Int32(1)})
		r := judge("ListBuckets, MaxBuckets 1", err)
		if out != nil {
			id.note(out.ResultMetadata)
			if len(out.Buckets) > 0 {
				r.Sample = aws.ToString(out.Buckets[0].Name)
			}
		}
		return r, err
	case "ListBucket":
		out, err := client.ListObjectsV2(ctx, &awss3.ListObjectsV2Input{
			Bucket: &t.Bucket, Prefix: &t.Prefix, MaxKeys: aws.Int32(1), ExpectedBucketOwner: owner,
		})
		r := judge("ListObjectsV2, the connection's prefix, MaxKeys 1", err)
		if out != nil {
			id.note(out.ResultMetadata)
			if len(out.Contents) > 0 {
				r.Sample = aws.ToString(out.Contents[0].Key)
			}
		}
		return r, err
	case "GetObject":
		return t.read(func(key string, proof ...string) (Result, error) {
			out, err := client.GetObject(ctx, &awss3.GetObjectInput{
				Bucket: &t.Bucket, Key: &key, Range: aws.String("bytes=0-0"), ExpectedBucketOwner: owner,
			})
			if out != nil {
				id.note(out.ResultMetadata)
				_ = out.Body.Close() // nothing was to be read
			}
			return judge("GetObject, Range 0-0, random key", err, proof...), err
		}, key)
	case "GetObjectAcl":
		return t.read(func(key string, proof ...string) (Result, error) {
			out, err := client.GetObjectAcl(ctx, &awss3.GetObjectAclInput{Bucket: &t.Bucket, Key: &key, ExpectedBucketOwner: owner})
			if out != nil {
				id.note(out.ResultMetadata)
			}
			return judge("GetObjectAcl, random key", err, proof...), err
		}, key)
	case "PutObject":
		return p.putObject(ctx, client, t, key)
	case "DeleteObject":
		return p.deleteObject(ctx, client, t, key)
	}
	return Result{Verdict: verdict.Unknown, Why: "there is no probe for this action"}, nil
}

// read takes the doubt into account that a refused read of a missing key leaves. A key that is known to be there, if there is
// one, is tried then: that reads at most one byte of it.
func (t Target) read(try func(key string, proof ...string) (Result, error), key string) (Result, error) {
	r, err := try(key, "NoSuchKey")
	if r = t.doubtful(r); r.Verdict != verdict.Unknown || r.Why != unlisted || t.Known.Key == "" {
		return r, err
	}
	r, err = try(t.Known.Key, "NoSuchKey", "InvalidRange")
	r.Request += ", then a key that is there"
	return r, err
}

func (t Target) doubtful(r Result) Result {
	if t.Known.MayList && r.Denial.Action == "" {
		return r
	}
	return r.doubt(t.Action, unlisted)
}

// putObject sends one byte with the checksum of another content; where reading is allowed, also under the condition that
// what is there has an ETag that nothing has. Either keeps anything from being written, and a version or a delete marker
// from being made (traps.md 47).
func (p *Prober) putObject(ctx context.Context, client *awss3.Client, t Target, key string) (Result, error) {
	in := &awss3.PutObjectInput{
		Bucket: &t.Bucket, Key: &key, Body: bytes.NewReader([]byte{'x'}), ChecksumCRC32: aws.String(wrongCRC32),
		ExpectedBucketOwner: optional(t.Owner),
	}
	request := "PutObject, random key, one byte with a wrong CRC32"
	if t.Known.MayGet {
		in.IfMatch = aws.String(noETag)
		request += ", If-Match of an ETag that nothing has"
	}
	_, err := client.PutObject(ctx, in, p.guardS3)
	r := judge(request, err, "NoSuchKey", "PreconditionFailed", "BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch")
	if r.Denial.Action == "" {
		return r, err // reading is allowed, or not asked for: it can only be the writing
	}
	return r.doubt(t.Action, ambiguous), err
}

// deleteObject deletes only what is there, which is nothing: without the condition a versioned bucket would get a delete
// marker (traps.md 47).
func (p *Prober) deleteObject(ctx context.Context, client *awss3.Client, t Target, key string) (Result, error) {
	_, err := client.DeleteObject(ctx, &awss3.DeleteObjectInput{
		Bucket: &t.Bucket, Key: &key, IfMatch: aws.String("*"), ExpectedBucketOwner: optional(t.Owner),
	}, p.guardS3)
	r := judge("DeleteObject, random key, If-Match *", err, "NoSuchKey", "PreconditionFailed")
	if t.Known.MayGet && t.Known.MayList && r.Denial.Action == "" {
		return r, err
	}
	return r.doubt(t.Action, ambiguous), err
}

func (p *Prober) guardS3(o *awss3.Options) {
	o.APIOptions = append(slices.Clip(o.APIOptions), p.guard.add)
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
