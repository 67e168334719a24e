package conformance

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// The steps of an S3 program.

func (p *s3Program) put() s3Step {
	key, body := p.key(), p.body()
	in := awss3.PutObjectInput{Bucket: p.bucket, Key: &key, Metadata: pick(p.r, nil, map[string]string{"a": "1", "b": "x y"})}
	if chance(p.r, 2) {
		in.ContentType = aws.String("text/plain; charset=utf-8")
	}
	switch p.r.IntN(8) {
	case 0:
		in.IfNoneMatch = aws.String("*")
	case 1:
		in.IfMatch = aws.String(pick(p.r, etags...))
	}
	if in.IfMatch == nil {
		p.live[key] = true
	}
	return asS3Step("PutObject", in, func(ctx context.Context, t s3Target) (any, error) {
		asked := in
		asked.Body = strings.NewReader(body)
		out, err := t.PutObject(ctx, &asked)
		if err != nil {
			return nil, err
		}
		return []string{aws.ToString(out.ETag), t.made(out.VersionId)}, nil
	})
}

func (p *s3Program) get() s3Step {
	in := awss3.GetObjectInput{Bucket: p.bucket, Key: aws.String(p.key())}
	version := p.aVersion()
	if chance(p.r, 2) {
		in.Range = aws.String(pick(p.r, "bytes=0-", "bytes=0-0", "bytes=2-5", "bytes=-3", "bytes=-10000", "bytes=5-2000", "bytes=9-9", "bytes=10-", "bytes=abc", "bytes=-0"))
	}
	switch p.r.IntN(6) {
	case 0:
		in.IfMatch = aws.String(pick(p.r, etags...))
	case 1:
		in.IfNoneMatch = aws.String(pick(p.r, append(etags, "*")...))
	}
	return asS3Step("GetObject", in, func(ctx context.Context, t s3Target) (any, error) {
		asked := in
		asked.VersionId = t.chosen(version)
		out, err := t.GetObject(ctx, &asked)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(out.Body)
		if err != nil {
			return nil, err
		}
		return map[string]any{
			"body": string(body), "etag": aws.ToString(out.ETag), "range": aws.ToString(out.ContentRange), "type": aws.ToString(out.ContentType),
			"length": aws.ToInt64(out.ContentLength), "metadata": out.Metadata, "version": t.made(out.VersionId),
		}, out.Body.Close()
	})
}

// aVersion is which version to ask for; none, that is below zero, most of the time.
func (p *s3Program) aVersion() int {
	if p.versioned && chance(p.r, 4) {
		return p.r.IntN(100)
	}
	return -1
}

// chosen is the version that a step asks for, or nil.
func (t s3Target) chosen(version int) *string {
	if version < 0 {
		return nil
	}
	return t.version(version)
}

func (p *s3Program) head() s3Step {
	in := awss3.HeadObjectInput{Bucket: p.bucket, Key: aws.String(p.key())}
	version := p.aVersion()
	return asS3Step("HeadObject", in, func(ctx context.Context, t s3Target) (any, error) {
		asked := in
		asked.VersionId = t.chosen(version)
		out, err := t.HeadObject(ctx, &asked)
		if err != nil {
			return nil, err
		}
		return map[string]any{
			"etag": aws.ToString(out.ETag), "length": aws.ToInt64(out.ContentLength), "metadata": out.Metadata, "version": t.made(out.VersionId),
		}, nil
	})
}

func (p *s3Program) remove() s3Step {
	in, version := awss3.DeleteObjectInput{Bucket: p.bucket, Key: aws.String(p.key())}, p.aVersion()
	if p.versioned && version < 0 {
		if len(p.live) == 0 {
			return p.put()
		}
		in.Key = aws.String(p.liveKey())
	}
	delete(p.live, *in.Key)
	return asS3Step("DeleteObject", in, func(ctx context.Context, t s3Target) (any, error) {
		asked := in
		asked.VersionId = t.chosen(version)
		out, err := t.DeleteObject(ctx, &asked)
		if err != nil {
			return nil, err
		}
		if version >= 0 { // it may not be there: minio/marker-of-absent
			return "a version", nil
		}
		return t.made(out.VersionId), nil
	})
}

// liveKey is one of the keys that are surely there: in a bucket with versions the deletion of others is
// minio/marker-of-absent.
func (p *s3Program) liveKey() string { return pick(p.r, slices.Sorted(maps.Keys(p.live))...) }

func (p *s3Program) removeMany() s3Step {
	keys := p.keys[:1+p.r.IntN(4)]
	if p.versioned {
		if len(p.live) == 0 {
			return p.put()
		}
		keys = []string{p.liveKey()}
	}
	for _, key := range keys {
		delete(p.live, key)
	}
	return asS3Step("DeleteObjects", keys, func(ctx context.Context, t s3Target) (any, error) {
		objects := make([]types.ObjectIdentifier, len(keys))
		for i, name := range keys {
			objects[i] = key(name)
		}
		out, err := t.DeleteObjects(ctx, &awss3.DeleteObjectsInput{Bucket: p.bucket, Delete: &types.Delete{Objects: objects}})
		if err != nil {
			return nil, err
		}
		outcomes := make(map[string]string)
		for _, d := range out.Deleted {
			outcomes[*d.Key] = "deleted"
		}
		for _, e := range out.Errors {
			outcomes[*e.Key] = *e.Code
		}
		for _, name := range slices.Sorted(maps.Keys(outcomes)) { // markers are made in no order
			for _, d := range out.Deleted {
				if *d.Key == name {
					t.made(d.DeleteMarkerVersionId)
				}
			}
		}
		return outcomes, nil
	})
}

// mostPages bounds a list that never ends.
const mostPages = 60

// listing are the parameters that lists have in common. Delimiters that MinIO can't page by come with one page, and
// none where there may be folders of nothing but delete markers; no prefix is a key: minio/delimiter,
// minio/folder-of-markers, minio/marker-is-prefix.
func (p *s3Program) listing(versions bool) (prefix, delimiter *string, most *int32) {
	prefix = given(pick(p.r, "", "", "a ", "b", "b/", "b/c/", "d", "d/", "z", "日", "nothing"))
	if p.versioned && !versions {
		return prefix, nil, aws.Int32(pick[int32](p.r, 1, 2, 5, 1000))
	}
	if chance(p.r, 4) {
		return prefix, aws.String(pick(p.r, "b", " ", "c/")), aws.Int32(1000)
	}
	return prefix, given(pick(p.r, "", "/", "/")), aws.Int32(pick[int32](p.r, 1, 2, 3, 5, 1000))
}

// withoutEmptyEnd are pages without a last one that has nothing on it: minio/empty-page.
func withoutEmptyEnd(pages []any) []any {
	last := len(pages) - 1
	text := fmt.Sprint(pages[last])
	if last > 0 && strings.Count(text, ":[]")+strings.Count(text, "count:0") == len(pages[last].(map[string]any)) {
		return pages[:last]
	}
	return pages
}

// listed is a page of a list: keys with sizes and tags, and folders.
func listed(objects []types.Object, folders []types.CommonPrefix) map[string]any {
	page := map[string]any{}
	var keys, prefixes []string
	for _, o := range objects {
		keys = append(keys, *o.Key+" "+aws.ToString(o.ETag)+" "+string(rune('0'+*o.Size%10)))
	}
	for _, f := range folders {
		prefixes = append(prefixes, *f.Prefix)
	}
	page["keys"], page["folders"] = keys, prefixes
	return page
}

func (p *s3Program) list() s3Step {
	in := awss3.ListObjectsV2Input{Bucket: p.bucket}
	in.Prefix, in.Delimiter, in.MaxKeys = p.listing(false)
	if chance(p.r, 3) {
		in.StartAfter = aws.String(p.key())
	}
	if chance(p.r, 3) {
		in.EncodingType = types.EncodingTypeUrl
	}
	return asS3Step("ListObjectsV2", in, func(ctx context.Context, t s3Target) (any, error) {
		var pages []any
		for asked := in; len(pages) < mostPages; {
			out, err := t.ListObjectsV2(ctx, &asked)
			if err != nil {
				return nil, err
			}
			page := listed(out.Contents, out.CommonPrefixes)
			page["count"] = aws.ToInt32(out.KeyCount)
			pages = append(pages, page)
			if !aws.ToBool(out.IsTruncated) {
				return withoutEmptyEnd(pages), nil
			}
			asked.ContinuationToken = out.NextContinuationToken
		}
		return pages, nil
	})
}

func (p *s3Program) listFirst() s3Step {
	in := awss3.ListObjectsInput{Bucket: p.bucket}
	in.Prefix, in.Delimiter, in.MaxKeys = p.listing(false)
	return asS3Step("ListObjects", in, func(ctx context.Context, t s3Target) (any, error) {
		var pages []any
		for asked := in; len(pages) < mostPages; {
			out, err := t.ListObjects(ctx, &asked)
			if err != nil {
				return nil, err
			}
			pages = append(pages, listed(out.Contents, out.CommonPrefixes))
			if !aws.ToBool(out.IsTruncated) {
				return withoutEmptyEnd(pages), nil
			}
			asked.Marker = out.NextMarker
			if out.NextMarker == nil {
				asked.Marker = out.Contents[len(out.Contents)-1].Key
			}
		}
		return pages, nil
	})
}

func (p *s3Program) listVersions() s3Step {
	in := awss3.ListObjectVersionsInput{Bucket: p.bucket}
	in.Prefix, in.Delimiter, in.MaxKeys = p.listing(true)
	return asS3Step("ListObjectVersions", in, func(ctx context.Context, t s3Target) (any, error) {
		var pages []any
		for asked := in; len(pages) < mostPages; {
			out, err := t.ListObjectVersions(ctx, &asked)
			if err != nil {
				return nil, err
			}
			var versions, markers []string
			for _, v := range out.Versions {
				versions = append(versions, *v.Key+" "+t.made(v.VersionId)+" "+aws.ToString(v.ETag))
			}
			for _, m := range out.DeleteMarkers {
				markers = append(markers, *m.Key+" "+t.made(m.VersionId))
			}
			page := listed(nil, out.CommonPrefixes)
			page["versions"], page["markers"] = versions, markers
			pages = append(pages, page)
			if !aws.ToBool(out.IsTruncated) {
				return withoutEmptyEnd(pages), nil
			}
			asked.KeyMarker, asked.VersionIdMarker = out.NextKeyMarker, out.NextVersionIdMarker
		}
		return pages, nil
	})
}

func (p *s3Program) copy() s3Step {
	source, version := p.key(), p.aVersion()
	in := awss3.CopyObjectInput{Bucket: p.bucket, Key: aws.String(p.key())}
	if chance(p.r, 2) {
		in.MetadataDirective, in.Metadata = types.MetadataDirectiveReplace, map[string]string{"copied": "yes"}
	}
	switch p.r.IntN(8) {
	case 0:
		in.CopySourceIfMatch = aws.String(pick(p.r, etags...))
	case 1:
		in.CopySourceIfNoneMatch = aws.String(pick(p.r, etags...))
	}
	return asS3Step("CopyObject", []any{source, in}, func(ctx context.Context, t s3Target) (any, error) {
		asked := in
		asked.CopySource = aws.String(*p.bucket + "/" + escaped(source))
		if id := t.chosen(version); id != nil {
			*asked.CopySource += "?versionId=" + *id
		}
		out, err := t.CopyObject(ctx, &asked)
		if err != nil {
			return nil, err
		}
		return []string{aws.ToString(out.CopyObjectResult.ETag), t.made(out.VersionId)}, nil
	})
}

// upload does a whole upload in parts, which may go wrong where it is completed, or be aborted.
func (p *s3Program) upload() s3Step {
	key, how := p.key(), pick(p.r, "complete", "complete", "complete", "abort", "wrong tag", "wrong order", "too small", "no such part")
	bodies := []string{p.body()}
	if how == "wrong order" || how == "too small" {
		bodies = append(bodies, p.body())
	} else if chance(p.r, 12) {
		bodies = []string{strings.Repeat("x", smallestPart), p.body()}
	}
	return asS3Step("upload", []string{key, how}, func(ctx context.Context, t s3Target) (any, error) {
		begun, err := t.CreateMultipartUpload(ctx, &awss3.CreateMultipartUploadInput{Bucket: p.bucket, Key: &key})
		if err != nil {
			return nil, err
		}
		var parts []types.CompletedPart
		for i, body := range bodies {
			number := aws.Int32(int32(i) + 1)
			out, err := t.UploadPart(ctx, &awss3.UploadPartInput{
				Bucket: p.bucket, Key: &key, UploadId: begun.UploadId, PartNumber: number, Body: strings.NewReader(body),
			})
			if err != nil {
				return nil, err
			}
			parts = append(parts, types.CompletedPart{ETag: out.ETag, PartNumber: number})
		}
		switch how {
		case "abort":
			_, err := t.AbortMultipartUpload(ctx, &awss3.AbortMultipartUploadInput{Bucket: p.bucket, Key: &key, UploadId: begun.UploadId})
			return nil, err
		case "wrong tag":
			parts[0].ETag = aws.String(etags[2])
		case "wrong order":
			slices.Reverse(parts)
		case "no such part":
			parts[len(parts)-1].PartNumber = aws.Int32(7)
		}
		out, err := t.CompleteMultipartUpload(ctx, &awss3.CompleteMultipartUploadInput{
			Bucket: p.bucket, Key: &key, UploadId: begun.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		})
		if err != nil {
			return nil, err
		}
		return []string{aws.ToString(out.ETag), t.made(out.VersionId)}, nil
	})
}

// s3Excuses are the kinds of outcome in which MinIO differs.
func s3Excuses() []excuse {
	return []excuse{
		pair("minio/range-first", "(NoSuchKey|NoSuchVersion|MethodNotAllowed|PreconditionFailed|NotModified).*", "InvalidRange.*"),
		pair("minio/range-of-empty", "InvalidRange.*", "done"),
		pair("minio/copy-delete-marker", "InvalidRequest.*", "MethodNotAllowed.*"),
	}
}
