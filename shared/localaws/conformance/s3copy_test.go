package conformance

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func unchangedCopy() want {
	return fault(http.StatusBadRequest, "InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself "+
		"without changing the object's metadata, storage class, website redirect location or encryption attributes.")
}

func s3Copies() []situation[*s3Stage] {
	all := []situation[*s3Stage]{
		{name: "copy onto itself unchanged", do: func(s *s3Stage) want {
			s.has("source", "data")
			s.copies("source", "source")
			return unchangedCopy()
		}},
		{name: "copy onto itself with new metadata but the old asked for", do: func(s *s3Stage) want {
			s.has("source", "data")
			s.copies("source", "source", func(in *awss3.CopyObjectInput) { in.Metadata = map[string]string{"key": "value"} })
			return unchangedCopy()
		}},
		{name: "copy onto itself with new metadata", do: func(s *s3Stage) want {
			s.has("source", "data", func(in *awss3.PutObjectInput) {
				in.Metadata, in.ContentType = map[string]string{"key": "value"}, aws.String("application/json")
			})
			s.copies("source", "source", func(in *awss3.CopyObjectInput) {
				in.MetadataDirective, in.Metadata = types.MetadataDirectiveReplace, map[string]string{"key2": "value2"}
			})
			s.head("source")
			return ok(http.StatusOK, "@X-Amz-Meta-Key", none, "@X-Amz-Meta-Key2", "value2", "@Etag", `"8d777f385d3dfec8815d20f7496026dc"`)
		}},
		{name: "copy with the old metadata", do: func(s *s3Stage) want {
			s.has("source", "data", func(in *awss3.PutObjectInput) {
				in.Metadata, in.ContentType = map[string]string{"key": "value"}, aws.String("application/json")
			})
			s.copies("source", "target", func(in *awss3.CopyObjectInput) {
				in.MetadataDirective, in.Metadata = types.MetadataDirectiveCopy, map[string]string{"key2": "value2"}
			})
			s.head("target")
			return ok(http.StatusOK, "@X-Amz-Meta-Key", "value", "@X-Amz-Meta-Key2", none, "@Content-Type", "application/json")
		}},
		{name: "copy from a bucket that isn't there", do: func(s *s3Stage) want {
			absent := aws.String(*s.bucket + "-absent")
			s.copies("", "target", func(in *awss3.CopyObjectInput) { in.CopySource = aws.String(*absent + "/source") })
			return noSuchBucket(absent)
		}},
		{name: "copy what isn't there", do: func(s *s3Stage) want {
			s.copies("source", "target")
			return noSuchKey("source")
		}},
		{name: "copy from behind a delete marker", do: func(s *s3Stage) want {
			s.versioned(enabled)
			s.has("source", "data")
			s.lacks("source")
			s.copies("source", "target")
			return noSuchKey("source")
		}},
		{name: "copy a delete marker", but: "minio/copy-delete-marker", do: func(s *s3Stage) want {
			s.versioned(enabled)
			s.has("source", "data")
			marker := s.lacks("source").VersionId
			s.copies("source?versionId="+*marker, "target")
			return fault(http.StatusBadRequest, "InvalidRequest", "The source of a copy request may not specifically refer to a delete marker by version id.")
		}},
		{name: "copy an old version", do: func(s *s3Stage) want {
			s.versioned(enabled)
			version := s.has("source", "data").VersionId
			s.lacks("source")
			s.copies("source?versionId="+*version, "target")
			return ok(http.StatusOK, "ETag", `"8d777f385d3dfec8815d20f7496026dc"`, "@X-Amz-Copy-Source-Version-Id", *version)
		}},
		{name: "copy from no key", do: func(s *s3Stage) want {
			s.copies("", "target", func(in *awss3.CopyObjectInput) { in.CopySource = aws.String("source") })
			return invalidArgument("Invalid copy source object key", "x-amz-copy-source", "x-amz-copy-source")
		}},
		{name: "a copy of an upload has the tag of a put", do: func(s *s3Stage) want {
			id := s.begin("source")
			s.complete("source", id, []types.CompletedPart{s.part("source", id, 1, "test content 123")})
			s.copies("source", "target")
			return ok(http.StatusOK, "ETag", `"eee506dd7ada7ded524c77e359a0e7c6"`)
		}},
	}
	for source, row := range map[string]string{
		"a/%F0%9F%98%80/": "", "test@key/": "", "test key/": "", "test key//": "minio/empty-segment", "file%2Fname": "", "test+key": "",
	} {
		all = append(all, situation[*s3Stage]{name: "copy " + source, but: row, do: func(s *s3Stage) want {
			if _, err := s.put(source, "test"); err == nil {
				s.copies(escaped(source), "target-"+source)
			}
			return ok(http.StatusOK, "ETag", `"098f6bcd4621d373cade4e832627b4f6"`)
		}})
	}
	return all
}

func s3CopyConditions() []situation[*s3Stage] {
	const etag = `"8d777f385d3dfec8815d20f7496026dc"`
	copied := ok(http.StatusOK, "ETag", etag)
	conditions := []struct {
		name   string
		target bool // there is one, the same as the source
		set    func(in *awss3.CopyObjectInput, modified time.Time)
		want   want
		but    string
	}{
		{"source If-Match of another", false, func(in *awss3.CopyObjectInput, _ time.Time) { in.CopySourceIfMatch = aws.String(`"x"`) }, precondition("x-amz-copy-source-If-Match"), ""},
		{"source If-None-Match of this", false, func(in *awss3.CopyObjectInput, _ time.Time) { in.CopySourceIfNoneMatch = aws.String(etag) }, precondition("x-amz-copy-source-If-None-Match"), ""},
		{"source If-None-Match without quotes", false, func(in *awss3.CopyObjectInput, _ time.Time) {
			in.CopySourceIfNoneMatch = aws.String(strings.Trim(etag, `"`))
		}, precondition("x-amz-copy-source-If-None-Match"), ""},
		{"source If-Modified-Since when it was made", false, func(in *awss3.CopyObjectInput, at time.Time) { in.CopySourceIfModifiedSince = &at }, precondition("x-amz-copy-source-If-Modified-Since"), ""},
		{"source If-Modified-Since in the future", false, func(in *awss3.CopyObjectInput, at time.Time) {
			in.CopySourceIfModifiedSince = aws.Time(at.Add(time.Hour))
		}, copied, "minio/future-modified-since"},
		{"source If-Unmodified-Since before", false, func(in *awss3.CopyObjectInput, at time.Time) {
			in.CopySourceIfUnmodifiedSince = aws.Time(at.Add(-time.Hour))
		}, precondition("x-amz-copy-source-If-Unmodified-Since"), ""},
		{"source If-Match of this though modified since", false, func(in *awss3.CopyObjectInput, at time.Time) {
			in.CopySourceIfMatch, in.CopySourceIfUnmodifiedSince = aws.String(etag), aws.Time(at.Add(-time.Hour))
		}, copied, "minio/copy-source-match"},
		{"If-Match of this", true, func(in *awss3.CopyObjectInput, _ time.Time) { in.IfMatch = aws.String(etag) }, copied, ""},
		{"If-Match of another", true, func(in *awss3.CopyObjectInput, _ time.Time) { in.IfMatch = aws.String(`"x"`) }, precondition("If-Match"), "minio/copy-conditions"},
		{"If-Match when it isn't there", false, func(in *awss3.CopyObjectInput, _ time.Time) { in.IfMatch = aws.String(etag) }, noSuchKey("target"), "minio/copy-conditions"},
		{"If-Match *", true, func(in *awss3.CopyObjectInput, _ time.Time) { in.IfMatch = aws.String("*") }, refusedValue("If-Match"), "minio/copy-conditions"},
		{"If-None-Match * when it is there", true, func(in *awss3.CopyObjectInput, _ time.Time) { in.IfNoneMatch = aws.String("*") }, precondition("If-None-Match"), "minio/copy-conditions"},
		{"If-None-Match * when it isn't there", false, func(in *awss3.CopyObjectInput, _ time.Time) { in.IfNoneMatch = aws.String("*") }, copied, ""},
		{"If-None-Match of a tag", true, func(in *awss3.CopyObjectInput, _ time.Time) { in.IfNoneMatch = aws.String(etag) }, refusedValue("If-None-Match"), "minio/copy-conditions"},
		{"If-Match and If-None-Match", true, func(in *awss3.CopyObjectInput, _ time.Time) {
			in.IfMatch, in.IfNoneMatch = aws.String(etag), aws.String("*")
		}, twoConditions(), "minio/copy-conditions"},
	}
	var all []situation[*s3Stage]
	for _, c := range conditions {
		all = append(all, situation[*s3Stage]{name: "copy " + c.name, but: c.but, do: func(s *s3Stage) want {
			s.has("source", "data")
			if c.target {
				s.has("target", "data")
			}
			modified := *s.head("source").LastModified
			s.copies("source", "target", func(in *awss3.CopyObjectInput) { c.set(in, modified) })
			return c.want
		}})
	}
	return all
}

// s3PartCopies make a part of a range of ten digits.
func s3PartCopies() []situation[*s3Stage] {
	const argument = "x-amz-copy-source-range"
	form := func(value string) want {
		return invalidArgument("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last "+
			"are the zero-based offsets of the first and last bytes to copy", argument, value)
	}
	asked := map[string]want{
		"":              ok(http.StatusOK, "ETag", `"781e5e245d69b566979b86e28d23f2c7"`),
		"bytes=0-8":     ok(http.StatusOK, "ETag", `"22975d8a5ed1b91445f6c55ac121505b"`),
		"bytes=1-1":     ok(http.StatusOK, "ETag", `"c4ca4238a0b923820dcc509a6f75849b"`),
		"bytes=0-0":     ok(http.StatusOK, "ETag", `"cfcd208495d565ef66e7dff9f98764da"`),
		"bytes=0-100":   invalidArgument("Range specified is not valid for source object of size: 10", argument, "bytes=0-100"),
		"bytes=100-200": fault(http.StatusBadRequest, "InvalidRequest", "The specified copy range is invalid for the source object size"),
	}
	rows := map[string]string{"bytes=100-200": "minio/part-copy-range"}
	for _, value := range []string{
		"0-8", "bytes=1-", "bytes=-2", "bytes=-15", "bytes=1-0", "bytes=0--1", "bytes=-", "bytes=-0", "bytes=-1-", "bytes=0-1,3-4,7-9",
	} {
		asked[value] = form(value)
	}
	var all []situation[*s3Stage]
	for value, w := range asked {
		all = append(all, situation[*s3Stage]{name: "part from range " + value, but: rows[value], do: func(s *s3Stage) want {
			s.has("source", "0123456789")
			s.partFrom(func(in *awss3.UploadPartCopyInput) { in.CopySourceRange = given(value) })
			return w
		}})
	}
	conditions := map[string]func(*awss3.UploadPartCopyInput){
		"x-amz-copy-source-If-Match": func(in *awss3.UploadPartCopyInput) { in.CopySourceIfMatch = aws.String(`"x"`) },
		"x-amz-copy-source-If-None-Match": func(in *awss3.UploadPartCopyInput) {
			in.CopySourceIfNoneMatch = aws.String(`"781e5e245d69b566979b86e28d23f2c7"`)
		},
		"x-amz-copy-source-If-Unmodified-Since": func(in *awss3.UploadPartCopyInput) {
			in.CopySourceIfUnmodifiedSince = aws.Time(time.Now().Add(-time.Hour))
		},
	}
	for name, set := range conditions {
		all = append(all, situation[*s3Stage]{name: "part under " + name, do: func(s *s3Stage) want {
			s.has("source", "0123456789")
			s.partFrom(set)
			return precondition(name)
		}})
	}
	return all
}

func (s *s3Stage) partFrom(set func(*awss3.UploadPartCopyInput)) {
	s.t.Helper()
	in := &awss3.UploadPartCopyInput{
		Bucket: s.bucket, Key: aws.String("target"), UploadId: s.begin("target"), PartNumber: aws.Int32(1),
		CopySource: aws.String(*s.bucket + "/source"),
	}
	set(in)
	reached(s, func() (*awss3.UploadPartCopyOutput, error) { return s.UploadPartCopy(s.t.Context(), in) })
}

// escaped is a key as it may be part of a copy's source.
func escaped(key string) string { return strings.ReplaceAll(url.PathEscape(key), "+", "%2B") }
