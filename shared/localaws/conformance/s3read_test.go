package conformance

import (
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

// fakeVersion has the form of a version's id and is none.
const fakeVersion = "HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD"

func s3Reads() []situation[*s3Stage] {
	return []situation[*s3Stage]{
		{name: "listing a bucket that isn't there", do: func(s *s3Stage) want {
			absent := aws.String(*s.bucket + "-absent")
			s.list(&awss3.ListObjectsV2Input{Bucket: absent})
			return noSuchBucket(absent)
		}},
		{name: "getting from a bucket that isn't there", do: func(s *s3Stage) want {
			absent := aws.String(*s.bucket + "-absent")
			s.get("key", func(in *awss3.GetObjectInput) { in.Bucket = absent })
			return noSuchBucket(absent)
		}},
		{name: "getting a key that isn't there", do: func(s *s3Stage) want {
			s.get("my-key")
			return noSuchKey("my-key")
		}},
		{name: "getting a range of a key that isn't there", do: func(s *s3Stage) want {
			s.get("my-key", ranged("bytes=1024-4096"))
			return noSuchKey("my-key")
		}},
		{name: "the head of a key that isn't there has no body", do: func(s *s3Stage) want {
			s.head("my-key")
			return ok(http.StatusNotFound, "Body", "")
		}},
		{name: "the head of an object", do: func(s *s3Stage) want {
			s.has("my-key", "abcdefgh")
			s.head("my-key")
			return ok(http.StatusOK, "@Content-Length", "8", "@Accept-Ranges", "bytes", "@Etag", `"e8dc4081b13434b45189a720b77b6818"`)
		}},
		{name: "an object without a type is binary", do: func(s *s3Stage) want {
			signed, err := awss3.NewPresignClient(s.Client).PresignPutObject(s.t.Context(), &awss3.PutObjectInput{Bucket: s.bucket, Key: aws.String("my-key")})
			s.must(err)
			s.raw(http.MethodPut, signed.URL, "abcdefgh", nil)
			s.get("my-key")
			return ok(http.StatusOK, "@Content-Type", "binary/octet-stream", "Body", "abcdefgh")
		}},
		{name: "headers are kept", do: func(s *s3Stage) want {
			s.has("my-key", "abc123", func(in *awss3.PutObjectInput) {
				in.ContentLanguage, in.CacheControl = aws.String("de"), aws.String("no-cache")
				in.ContentDisposition = aws.String(`attachment; filename="foo.jpg"`)
			})
			s.get("my-key")
			return ok(http.StatusOK, "@Content-Language", "de", "@Cache-Control", "no-cache",
				"@Content-Disposition", `attachment; filename="foo.jpg"`, "@Etag", `"e99a18c428cb38d5f260853678922e03"`)
		}},
		{name: "headers are overridden by the reader", do: func(s *s3Stage) want {
			s.has("my-key", "something")
			s.get("my-key", func(in *awss3.GetObjectInput) {
				in.ResponseCacheControl, in.ResponseContentDisposition = aws.String("max-age=74"), aws.String(`attachment; filename="foo.jpg"`)
				in.ResponseContentEncoding, in.ResponseContentLanguage = aws.String("identity"), aws.String("de-DE")
				in.ResponseContentType = aws.String("image/jpeg")
				in.ResponseExpires = aws.Time(time.Date(2015, time.October, 21, 7, 28, 0, 0, time.UTC))
			})
			return ok(http.StatusOK, "@Cache-Control", "max-age=74", "@Content-Disposition", `attachment; filename="foo.jpg"`,
				"@Content-Encoding", "identity", "@Content-Language", "de-DE", "@Content-Type", "image/jpeg",
				"@Expires", "Wed, 21 Oct 2015 07:28:00 GMT")
		}},
		{name: "part 1 of an object that was put whole", do: func(s *s3Stage) want {
			s.has("my-key", "test-123")
			s.get("my-key", func(in *awss3.GetObjectInput) { in.PartNumber = aws.Int32(1) })
			return ok(http.StatusPartialContent, "@Content-Range", "bytes 0-7/8", "@X-Amz-Mp-Parts-Count", none, "Body", "test-123")
		}},
		{name: "part 2 of an object that was put whole", do: func(s *s3Stage) want {
			s.has("my-key", "test-123")
			s.get("my-key", func(in *awss3.GetObjectInput) { in.PartNumber = aws.Int32(2) })
			return fault(http.StatusRequestedRangeNotSatisfiable, "InvalidPartNumber", "The requested partnumber is not satisfiable",
				"ActualPartCount", "1", "PartNumberRequested", "2")
		}},
		{name: "a part and a range at once", do: func(s *s3Stage) want {
			s.has("my-key", "test-123")
			s.get("my-key", ranged("bytes=0-1"), func(in *awss3.GetObjectInput) { in.PartNumber = aws.Int32(1) })
			return fault(http.StatusBadRequest, "InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
		}},
		{name: "the null version of a bucket without versions", do: func(s *s3Stage) want {
			s.has("my-key", "test-version")
			s.get("my-key", func(in *awss3.GetObjectInput) { in.VersionId = aws.String("null") })
			return ok(http.StatusOK, "Body", "test-version", "@X-Amz-Version-Id", none)
		}},
		{name: "a version of a bucket without versions", do: func(s *s3Stage) want {
			s.has("my-key", "test-version")
			s.get("my-key", func(in *awss3.GetObjectInput) { in.VersionId = aws.String(fakeVersion) })
			return invalidArgument("Invalid version id specified", "versionId", fakeVersion)
		}},
	}
}

func ranged(value string) func(*awss3.GetObjectInput) {
	return func(in *awss3.GetObjectInput) { in.Range = &value }
}

// s3Ranges are ranges of ten digits: what they bring, or that they are ignored.
func s3Ranges() []situation[*s3Stage] {
	const digits = "0123456789"
	var all []situation[*s3Stage]
	for asked, brings := range map[string]string{
		"bytes=0-8": "0-8", "bytes=1-": "1-9", "bytes=1-1": "1-1", "bytes=0-0": "0-0", "bytes=-2": "8-9", "bytes=-9": "1-9",
		"bytes=-15": "0-9", "bytes=0-100": "0-9",
	} {
		all = append(all, situation[*s3Stage]{name: "range " + asked, do: func(s *s3Stage) want {
			s.has("my-key", digits)
			s.get("my-key", ranged(asked))
			return ok(http.StatusPartialContent, "@Content-Range", "bytes "+brings+"/10", "Body", digits[brings[0]-'0':brings[2]-'0'+1])
		}})
	}
	for asked, row := range map[string]string{
		"bytes=1-0": "minio/range-reversed", "bytes=0--1": "", "bytes=-": "", "bytes=-1-": "", "bytes=0-1,3-4,7-9": "", "0-8": "",
	} {
		all = append(all, situation[*s3Stage]{name: "range " + asked + " is none", but: row, do: func(s *s3Stage) want {
			s.has("my-key", digits)
			s.get("my-key", ranged(asked))
			return ok(http.StatusOK, "@Content-Range", none, "Body", digits)
		}})
	}
	for _, asked := range []string{"bytes=-0", "bytes=100-200"} {
		all = append(all, situation[*s3Stage]{name: "range " + asked + " can't be had", do: func(s *s3Stage) want {
			s.has("my-key", digits)
			s.get("my-key", ranged(asked))
			return fault(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable",
				"ActualObjectSize", "10", "RangeRequested", asked)
		}})
	}
	return all
}

// s3Keys are keys that stand for nothing but themselves.
func s3Keys() []situation[*s3Stage] {
	var all []situation[*s3Stage]
	for key, row := range map[string]string{
		"a/%F0%9F%98%80/": "", "file%2Fname": "", "test key//": "minio/empty-segment", "test key/": "", "test%123/": "", "test%123": "",
		"test%percent": "", "test@key/": "", "a/": "", "#key-with-hash": "", "Ā0Ä": "", "test+key": "", "date=2026-01-01/": "",
	} {
		all = append(all, situation[*s3Stage]{name: "key " + key, but: row, do: func(s *s3Stage) want {
			if _, err := s.put(key, "test"); err == nil {
				s.get(key)
				s.list(&awss3.ListObjectsV2Input{})
			}
			return ok(http.StatusOK, "Contents.Key", key, "Contents.Size", "4", "KeyCount", "1", "EncodingType", none,
				"Contents.ETag", `"098f6bcd4621d373cade4e832627b4f6"`, "Contents.StorageClass", "STANDARD")
		}})
	}
	return append(all, situation[*s3Stage]{
		name: "keys in a listing are encoded on request", do: func(s *s3Stage) want {
			for _, key := range []string{"a b", "a%2Fb", "c/d+e", "ü=1"} {
				s.has(key, "")
			}
			s.list(&awss3.ListObjectsV2Input{EncodingType: "url", StartAfter: aws.String("a=")})
			return ok(http.StatusOK, "Contents.Key", "c/d%2Be,%C3%BC%3D1", "StartAfter", "a%3D", "EncodingType", "url")
		},
	})
}

func s3ReadConditions() []situation[*s3Stage] {
	const etag = `"8d777f385d3dfec8815d20f7496026dc"`
	conditions := []struct {
		name string
		set  func(in *awss3.GetObjectInput, modified time.Time)
		want want
	}{
		{"If-Match of another", func(in *awss3.GetObjectInput, _ time.Time) { in.IfMatch = aws.String(`"x"`) }, precondition("If-Match")},
		{"If-Match of this", func(in *awss3.GetObjectInput, _ time.Time) { in.IfMatch = aws.String(etag) }, ok(200, "Body", "data")},
		{"If-None-Match of this", func(in *awss3.GetObjectInput, _ time.Time) { in.IfNoneMatch = aws.String(etag) }, ok(304, "Body", "")},
		{"If-None-Match without quotes", func(in *awss3.GetObjectInput, _ time.Time) {
			in.IfNoneMatch = aws.String(strings.Trim(etag, `"`))
		}, ok(304, "Body", "")},
		{"If-None-Match of another", func(in *awss3.GetObjectInput, _ time.Time) { in.IfNoneMatch = aws.String(`"x"`) }, ok(200, "Body", "data")},
		{"If-Modified-Since when it was made", func(in *awss3.GetObjectInput, at time.Time) { in.IfModifiedSince = &at }, ok(304, "Body", "")},
		{"If-Modified-Since in the future", func(in *awss3.GetObjectInput, at time.Time) {
			in.IfModifiedSince = aws.Time(at.Add(time.Hour))
		}, ok(200, "Body", "data")},
		{"If-Unmodified-Since before", func(in *awss3.GetObjectInput, at time.Time) {
			in.IfUnmodifiedSince = aws.Time(at.Add(-time.Hour))
		}, precondition("If-Unmodified-Since")},
		{"If-Unmodified-Since when it was made", func(in *awss3.GetObjectInput, at time.Time) { in.IfUnmodifiedSince = &at }, ok(200, "Body", "data")},
	}
	rows := map[string]string{"If-Modified-Since in the future": "minio/future-modified-since"}
	var all []situation[*s3Stage]
	for _, c := range conditions {
		all = append(all, situation[*s3Stage]{name: "get " + c.name, but: rows[c.name], do: func(s *s3Stage) want {
			s.has("my-key", "data")
			modified := *s.head("my-key").LastModified
			s.get("my-key", func(in *awss3.GetObjectInput) { c.set(in, modified) })
			return c.want
		}})
	}
	return append(all, situation[*s3Stage]{name: "head If-Match of another has no body", do: func(s *s3Stage) want {
		s.has("my-key", "data")
		s.head("my-key", func(in *awss3.HeadObjectInput) { in.IfMatch = aws.String(`"x"`) })
		return ok(http.StatusPreconditionFailed, "Body", "")
	}})
}
