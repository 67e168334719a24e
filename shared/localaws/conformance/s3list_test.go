package conformance

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func (s *s3Stage) holds(keys ...string) {
	s.t.Helper()
	for _, key := range keys {
		s.has(key, "content-key")
	}
}

func (s *s3Stage) listV1(in *awss3.ListObjectsInput) {
	s.t.Helper()
	in.Bucket = s.bucket
	reached(s, func() (*awss3.ListObjectsOutput, error) { return s.ListObjects(s.t.Context(), in) })
}

func s3Lists() []situation[*s3Stage] {
	prefixes := []struct {
		name, prefix, delimiter string
		most                    int32
		want                    want
	}{
		{"prefix", "test/", "", 1000, ok(200, "Contents.Key", "test/bar/foo/123,test/foo/bar/123,test/foo/bar/456", "KeyCount", "3")},
		{"prefix inside a name", "test/foo", "", 1000, ok(200, "Contents.Key", "test/foo/bar/123,test/foo/bar/456", "KeyCount", "2")},
		{"folders", "test/", "/", 1000, ok(200, "CommonPrefixes.Prefix", "test/bar/,test/foo/", "Contents.Key", none, "KeyCount", "2")},
		{"folder that the prefix begins", "test/foo", "/", 1000, ok(200, "CommonPrefixes.Prefix", "test/foo/", "KeyCount", "1")},
		{"folder in a folder", "test/foo/bar", "/", 1000, ok(200, "CommonPrefixes.Prefix", "test/foo/bar/", "KeyCount", "1")},
		{"page of folders", "test/", "/", 1, ok(200, "CommonPrefixes.Prefix", "test/bar/", "IsTruncated", "true", "KeyCount", "1", "MaxKeys", "1")},
		{"delimiter in no key", "test/", "%2F", 1000, ok(200, "CommonPrefixes.Prefix", none, "KeyCount", "3", "Delimiter", "%2F")},
		{"prefix of nothing", "nothing", "", 1000, ok(200, "Contents.Key", none, "KeyCount", "0", "IsTruncated", "false", "Prefix", "nothing")},
	}
	var all []situation[*s3Stage]
	for _, p := range prefixes {
		all = append(all, situation[*s3Stage]{name: "list " + p.name, do: func(s *s3Stage) want {
			s.holds("test/foo/bar/123", "test/foo/bar/456", "test/bar/foo/123")
			s.list(&awss3.ListObjectsV2Input{Prefix: &p.prefix, Delimiter: given(p.delimiter), MaxKeys: &p.most})
			return p.want
		}})
	}
	for operation, row := range map[string]string{"list-type=2": "", "": "", "uploads": "minio/uploads"} {
		all = append(all, situation[*s3Stage]{name: "list with an unknown encoding: ?" + operation, but: row, do: func(s *s3Stage) want {
			switch operation {
			case "uploads":
				reached(s, func() (*awss3.ListMultipartUploadsOutput, error) {
					return s.ListMultipartUploads(s.t.Context(), &awss3.ListMultipartUploadsInput{Bucket: s.bucket, EncodingType: "value"})
				})
			case "":
				s.listV1(&awss3.ListObjectsInput{EncodingType: "value"})
			default:
				s.list(&awss3.ListObjectsV2Input{EncodingType: "value"})
			}
			return invalidArgument("Invalid Encoding Method specified in Request", "encoding-type", "value")
		}})
	}
	return append(all, s3FirstLists()...)
}

// s3FirstLists are of the first version of the operation, where a key is the marker.
func s3FirstLists() []situation[*s3Stage] {
	folders := []string{"folder/aSubfolder/subFile1", "folder/aSubfolder/subFile2", "folder/file1", "folder/file2"}
	in := func(marker string) *awss3.ListObjectsInput {
		return &awss3.ListObjectsInput{
			Prefix: aws.String("folder/"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(1), Marker: given(marker),
		}
	}
	return []situation[*s3Stage]{
		{name: "first list: a folder is the page and the marker", but: "minio/markers", do: func(s *s3Stage) want {
			s.holds(folders...)
			s.listV1(in(""))
			return ok(http.StatusOK, "CommonPrefixes.Prefix", "folder/aSubfolder/", "NextMarker", "folder/aSubfolder/", "IsTruncated", "true")
		}},
		{name: "first list: after a folder", but: "minio/markers", do: func(s *s3Stage) want {
			s.holds(folders...)
			s.listV1(in("folder/aSubfolder/"))
			return ok(http.StatusOK, "Contents.Key", "folder/file1", "NextMarker", "folder/file1", "Marker", "folder/aSubfolder/")
		}},
		{name: "first list: after a key in a folder", do: func(s *s3Stage) want {
			s.holds(folders...)
			s.listV1(in("folder/aSubfolder/subFile1"))
			return ok(http.StatusOK, "Contents.Key", "folder/file1", "CommonPrefixes.Prefix", none)
		}},
		{name: "first list: the last page", do: func(s *s3Stage) want {
			s.holds(folders...)
			s.listV1(in("folder/file1"))
			return ok(http.StatusOK, "Contents.Key", "folder/file2", "NextMarker", none, "IsTruncated", "false")
		}},
		{name: "first list: no next marker without a delimiter", but: "minio/markers", do: func(s *s3Stage) want {
			s.holds("a", "b", "c")
			s.listV1(&awss3.ListObjectsInput{MaxKeys: aws.Int32(1)})
			return ok(http.StatusOK, "Contents.Key", "a", "NextMarker", none, "IsTruncated", "true", "Marker", "")
		}},
		{name: "first list: an empty bucket", do: func(s *s3Stage) want {
			s.listV1(&awss3.ListObjectsInput{})
			return ok(http.StatusOK, "Contents.Key", none, "IsTruncated", "false", "Marker", "", "MaxKeys", "1000", "Name", *s.bucket, "Prefix", "")
		}},
	}
}

func s3ListPages() []situation[*s3Stage] {
	tests := []string{"test_0", "test_1", "test_10", "test_11", "test_2", "test_3"}
	return []situation[*s3Stage]{
		{name: "start after a key", do: func(s *s3Stage) want {
			s.holds(tests...)
			s.list(&awss3.ListObjectsV2Input{StartAfter: aws.String("test_11"), MaxKeys: aws.Int32(2)})
			return ok(http.StatusOK, "Contents.Key", "test_2,test_3", "StartAfter", "test_11", "IsTruncated", "false")
		}},
		{name: "a token goes before a start", do: func(s *s3Stage) want {
			s.holds(tests...)
			token := s.list(&awss3.ListObjectsV2Input{MaxKeys: aws.Int32(5)}).NextContinuationToken
			s.list(&awss3.ListObjectsV2Input{ContinuationToken: token, StartAfter: aws.String("test_1")})
			return ok(http.StatusOK, "Contents.Key", "test_3", "ContinuationToken", aws.ToString(token), "NextContinuationToken", none)
		}},
		{name: "a token that was never given", do: func(s *s3Stage) want {
			s.holds(tests...)
			s.list(&awss3.ListObjectsV2Input{ContinuationToken: aws.String("test_1")})
			return fault(http.StatusBadRequest, "InvalidArgument", "The continuation token provided is incorrect", "ArgumentName", "continuation-token")
		}},
		{name: "a token after a folder", do: func(s *s3Stage) want {
			s.holds("folder/aSubfolder/subFile1", "folder/aSubfolder/subFile2", "folder/file1", "folder/file2")
			in := func(token *string) *awss3.ListObjectsV2Input {
				return &awss3.ListObjectsV2Input{
					Prefix: aws.String("folder/"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(1), ContinuationToken: token,
				}
			}
			first := s.list(in(nil))
			s.list(in(first.NextContinuationToken))
			return ok(http.StatusOK, "Contents.Key", "folder/file1", "CommonPrefixes.Prefix", none, "KeyCount", "1")
		}},
		{name: "keys of any bytes over pages", do: func(s *s3Stage) want {
			s.holds("a/%F0%9F%98%80/", "date=2026-01-01/", "file%2Fname", "test key/")
			first := s.list(&awss3.ListObjectsV2Input{MaxKeys: aws.Int32(2)})
			s.list(&awss3.ListObjectsV2Input{MaxKeys: aws.Int32(2), ContinuationToken: first.NextContinuationToken})
			return ok(http.StatusOK, "Contents.Key", "file%2Fname,test key/", "IsTruncated", "false")
		}},
		{name: "buckets by a prefix", but: "minio/buckets", do: func(s *s3Stage) want {
			reached(s, func() (*awss3.ListBucketsOutput, error) {
				return s.ListBuckets(s.t.Context(), &awss3.ListBucketsInput{Prefix: s.bucket})
			})
			return ok(http.StatusOK, "Buckets.Bucket.Name", *s.bucket, "Buckets.Bucket.BucketRegion", s.backend.config.Region, "Prefix", *s.bucket)
		}},
		{name: "buckets of another region", but: "minio/buckets", do: func(s *s3Stage) want {
			reached(s, func() (*awss3.ListBucketsOutput, error) {
				return s.ListBuckets(s.t.Context(), &awss3.ListBucketsInput{Prefix: s.bucket, BucketRegion: aws.String("eu-west-3")})
			})
			return ok(http.StatusOK, "Buckets.Bucket.Name", none, "Prefix", *s.bucket)
		}},
		{name: "buckets of no region", but: "minio/buckets", do: func(s *s3Stage) want {
			reached(s, func() (*awss3.ListBucketsOutput, error) {
				return s.ListBuckets(s.t.Context(), &awss3.ListBucketsInput{BucketRegion: aws.String("eu-east-1")})
			})
			return fault(http.StatusBadRequest, "InvalidArgument", "Argument value eu-east-1 is not a valid AWS Region", "ArgumentName", "bucket-region")
		}},
		{name: "a page of buckets", but: "minio/buckets", do: func(s *s3Stage) want {
			s.another()
			first := reached(s, func() (*awss3.ListBucketsOutput, error) {
				return s.ListBuckets(s.t.Context(), &awss3.ListBucketsInput{MaxBuckets: aws.Int32(1)})
			})
			return ok(http.StatusOK, "Buckets.Bucket.Name", bucketName(first), "ContinuationToken", aws.ToString(first.ContinuationToken))
		}},
		{name: "the head of a bucket", but: "minio/bucket-region", do: func(s *s3Stage) want {
			reached(s, func() (*awss3.HeadBucketOutput, error) {
				return s.HeadBucket(s.t.Context(), &awss3.HeadBucketInput{Bucket: s.bucket})
			})
			return ok(http.StatusOK, "@X-Amz-Bucket-Region", s.backend.config.Region, "Body", "")
		}},
		{name: "a bucket in another region is not reached", but: "minio/one-region", do: func(s *s3Stage) want {
			name := aws.String(*s.bucket + "-far")
			reached(s, func() (*awss3.CreateBucketOutput, error) {
				return s.CreateBucket(s.t.Context(), &awss3.CreateBucketInput{
					Bucket: name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-3"},
				}, func(o *awss3.Options) { o.Region = "eu-west-3" })
			})
			s.list(&awss3.ListObjectsV2Input{Bucket: name})
			return ok(http.StatusMovedPermanently, "Code", "PermanentRedirect", "@X-Amz-Bucket-Region", "eu-west-3", "Bucket", *name)
		}},
	}
}

func bucketName(out *awss3.ListBucketsOutput) string {
	if out == nil || len(out.Buckets) != 1 {
		return none
	}
	return *out.Buckets[0].Name
}
