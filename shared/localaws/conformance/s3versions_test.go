package conformance

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const (
	enabled   = types.BucketVersioningStatusEnabled
	suspended = types.BucketVersioningStatusSuspended
)

func s3Versions() []situation[*s3Stage] {
	return []situation[*s3Stage]{
		{name: "get behind a delete marker", do: func(s *s3Stage) want {
			s.versioned(enabled)
			s.has("my-key", "abcdefgh")
			s.lacks("my-key")
			s.get("my-key")
			w := noSuchKey("my-key")
			w["@X-Amz-Delete-Marker"] = "true"
			return w
		}},
		{name: "get a delete marker", do: func(s *s3Stage) want {
			s.versioned(enabled)
			s.has("my-key", "abcdefgh")
			marker := s.lacks("my-key").VersionId
			s.get("my-key", func(in *awss3.GetObjectInput) { in.VersionId = marker })
			return fault(http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.",
				"Method", "GET", "ResourceType", "DeleteMarker")
		}},
		{name: "get a version that was deleted", do: func(s *s3Stage) want {
			s.versioned(enabled)
			version := s.has("my-key", "abcdefgh").VersionId
			s.remove(func(in *awss3.DeleteObjectInput) { in.VersionId = version })
			s.get("my-key", func(in *awss3.GetObjectInput) { in.VersionId = version })
			return fault(http.StatusNotFound, "NoSuchVersion", "The specified version does not exist.",
				"Key", "my-key", "VersionId", *version)
		}},
		{name: "get an old version", do: func(s *s3Stage) want {
			s.versioned(enabled)
			version := s.has("my-key", "one").VersionId
			s.has("my-key", "two")
			s.get("my-key", func(in *awss3.GetObjectInput) { in.VersionId = version })
			return ok(http.StatusOK, "Body", "one", "@X-Amz-Version-Id", *version)
		}},
		{name: "delete leaves a marker", do: func(s *s3Stage) want {
			s.versioned(enabled)
			s.has("my-key", "test-delete")
			out := s.lacks("my-key")
			return ok(http.StatusNoContent, "@X-Amz-Delete-Marker", "true", "@X-Amz-Version-Id", aws.ToString(out.VersionId))
		}},
		{name: "delete what isn't there leaves a marker", but: "minio/marker-of-absent", do: func(s *s3Stage) want {
			s.versioned(enabled)
			s.lacks("never-there")
			return ok(http.StatusNoContent, "@X-Amz-Delete-Marker", "true")
		}},
		{name: "delete a version", do: func(s *s3Stage) want {
			s.versioned(enabled)
			version := s.has("my-key", "test-delete").VersionId
			s.remove(func(in *awss3.DeleteObjectInput) { in.VersionId = version })
			return ok(http.StatusNoContent, "@X-Amz-Delete-Marker", none, "@X-Amz-Version-Id", *version)
		}},
		{name: "delete a delete marker", do: func(s *s3Stage) want {
			s.versioned(enabled)
			s.has("my-key", "test-delete")
			marker := s.lacks("my-key").VersionId
			s.remove(func(in *awss3.DeleteObjectInput) { in.VersionId = marker })
			return ok(http.StatusNoContent, "@X-Amz-Delete-Marker", "true", "@X-Amz-Version-Id", *marker)
		}},
		{name: "delete a version that can't be one", do: func(s *s3Stage) want {
			s.versioned(enabled)
			s.remove(func(in *awss3.DeleteObjectInput) { in.VersionId = aws.String("no version") })
			return invalidArgument("Invalid version id specified", "versionId", "no version")
		}},
		{name: "delete many leaves markers", do: func(s *s3Stage) want {
			s.versioned(enabled)
			s.has("a", "")
			s.deleteMany(key("a"), key("b"))
			return ok(http.StatusOK, "Deleted.Key", "a,b", "Deleted.DeleteMarker", "true,true", "Deleted.VersionId", none)
		}},
		{name: "delete many versions and markers", do: func(s *s3Stage) want {
			s.versioned(enabled)
			version := s.has("a", "").VersionId
			marker := s.lacks("a").VersionId
			s.deleteMany(types.ObjectIdentifier{Key: aws.String("a"), VersionId: marker})
			out := s.deleteMany(types.ObjectIdentifier{Key: aws.String("a"), VersionId: version})
			if len(out.Deleted) != 1 || out.Deleted[0].DeleteMarker != nil {
				s.t.Errorf("got %v, want a version deleted", out.Deleted)
			}
			return ok(http.StatusOK, "Deleted.VersionId", *version, "Deleted.DeleteMarker", none)
		}},
		{name: "put with versions suspended", but: "minio/null-version", do: func(s *s3Stage) want {
			s.versioned(enabled)
			s.has("my-key", "one")
			s.versioned(suspended)
			s.has("my-key", "two")
			s.get("my-key")
			return ok(http.StatusOK, "Body", "two", "@X-Amz-Version-Id", "null")
		}},
		{name: "put twice with versions suspended", do: func(s *s3Stage) want {
			s.versioned(suspended)
			s.has("my-key", "one")
			s.has("my-key", "two!")
			reached(s, func() (*awss3.ListObjectVersionsOutput, error) {
				return s.ListObjectVersions(s.t.Context(), &awss3.ListObjectVersionsInput{Bucket: s.bucket})
			})
			return ok(http.StatusOK, "Version.VersionId", "null", "Version.Size", "4", "Version.IsLatest", "true")
		}},
		{name: "delete with versions suspended", do: func(s *s3Stage) want {
			s.versioned(enabled)
			old := s.has("my-key", "one").VersionId
			s.versioned(suspended)
			s.has("my-key", "two")
			s.lacks("my-key")
			reached(s, func() (*awss3.ListObjectVersionsOutput, error) {
				return s.ListObjectVersions(s.t.Context(), &awss3.ListObjectVersionsInput{Bucket: s.bucket})
			})
			return ok(http.StatusOK, "DeleteMarker.VersionId", "null", "DeleteMarker.IsLatest", "true",
				"Version.VersionId", *old, "Version.IsLatest", "false")
		}},
		{name: "what was there before versions is the null version", but: "minio/null-version", do: func(s *s3Stage) want {
			s.has("my-key", "one")
			s.versioned(enabled)
			s.get("my-key")
			return ok(http.StatusOK, "Body", "one", "@X-Amz-Version-Id", "null")
		}},
		{name: "whether a bucket keeps versions", do: func(s *s3Stage) want {
			s.versioned(suspended)
			reached(s, func() (*awss3.GetBucketVersioningOutput, error) {
				return s.GetBucketVersioning(s.t.Context(), &awss3.GetBucketVersioningInput{Bucket: s.bucket})
			})
			return ok(http.StatusOK, "Status", "Suspended")
		}},
	}
}

// s3VersionLists list what a run of puts and deletes has left.
func s3VersionLists() []situation[*s3Stage] {
	// written puts test_0 twice with a delete between, test_1 and test_2 once, then deletes test_1 and test_2.
	written := func(s *s3Stage) []string {
		s.versioned(enabled)
		v := []string{*s.has("test_0", "one").VersionId}
		v = append(v, *s.lacks("test_0").VersionId, *s.has("test_0", "two").VersionId)
		v = append(v, *s.has("test_1", "one").VersionId, *s.has("test_2", "one").VersionId)
		return append(v, *s.lacks("test_1").VersionId, *s.lacks("test_2").VersionId)
	}
	ask := func(s *s3Stage, keyMarker, versionMarker string, most int32) {
		reached(s, func() (*awss3.ListObjectVersionsOutput, error) {
			return s.ListObjectVersions(s.t.Context(), &awss3.ListObjectVersionsInput{
				Bucket: s.bucket, KeyMarker: given(keyMarker), VersionIdMarker: given(versionMarker), MaxKeys: &most,
			})
		})
	}
	return []situation[*s3Stage]{
		{name: "all versions", but: "minio/markers", do: func(s *s3Stage) want {
			v := written(s)
			ask(s, "", "", 1000)
			return ok(http.StatusOK, "Version.VersionId", v[2]+","+v[0]+","+v[3]+","+v[4], "DeleteMarker.VersionId", v[1]+","+v[5]+","+v[6],
				"Version.IsLatest", "true,false,false,false", "DeleteMarker.IsLatest", "false,true,true", "IsTruncated", "false",
				"NextKeyMarker", none, "NextVersionIdMarker", none)
		}},
		{name: "a page of versions", but: "minio/markers", do: func(s *s3Stage) want {
			v := written(s)
			ask(s, "", "", 4)
			return ok(http.StatusOK, "Version.VersionId", v[2]+","+v[0], "DeleteMarker.VersionId", v[1]+","+v[5],
				"IsTruncated", "true", "NextKeyMarker", "test_1", "NextVersionIdMarker", v[5], "MaxKeys", "4")
		}},
		{name: "versions after a key", but: "minio/markers", do: func(s *s3Stage) want {
			v := written(s)
			ask(s, "test_1", "", 1)
			return ok(http.StatusOK, "Version.VersionId", none, "DeleteMarker.VersionId", v[6], "IsTruncated", "true",
				"NextKeyMarker", "test_2", "NextVersionIdMarker", v[6])
		}},
		{name: "versions after a version", do: func(s *s3Stage) want {
			v := written(s)
			ask(s, "test_0", v[1], 1)
			return ok(http.StatusOK, "Version.VersionId", v[0], "DeleteMarker.VersionId", none, "NextVersionIdMarker", v[0])
		}},
		{name: "versions after the last", do: func(s *s3Stage) want {
			written(s)
			ask(s, "test_2", "", 1)
			return ok(http.StatusOK, "Version.VersionId", none, "DeleteMarker.VersionId", none, "IsTruncated", "false")
		}},
		{name: "versions after a version without its key", but: "minio/version-marker", do: func(s *s3Stage) want {
			v := written(s)
			ask(s, "", v[1], 1)
			return invalidArgument("A version-id marker cannot be specified without a key marker.", "version-id-marker", v[1])
		}},
		{name: "versions with a folder", do: func(s *s3Stage) want {
			s.versioned(enabled)
			for _, key := range []string{"dir/test", "dir/test", "dir/subdir/test2", "dir/subdir/test2"} {
				s.has(key, "")
			}
			reached(s, func() (*awss3.ListObjectVersionsOutput, error) {
				return s.ListObjectVersions(s.t.Context(), &awss3.ListObjectVersionsInput{
					Bucket: s.bucket, Prefix: aws.String("dir/"), Delimiter: aws.String("/"),
				})
			})
			return ok(http.StatusOK, "CommonPrefixes.Prefix", "dir/subdir/", "Version.Key", "dir/test,dir/test",
				"Version.IsLatest", "true,false", "Delimiter", "/", "Prefix", "dir/")
		}},
		{name: "a folder as a page of versions", but: "minio/markers", do: func(s *s3Stage) want {
			s.versioned(enabled)
			for _, key := range []string{"folder/aSubfolder/subFile1", "folder/aSubfolder/subFile2", "folder/file1"} {
				s.has(key, "")
			}
			reached(s, func() (*awss3.ListObjectVersionsOutput, error) {
				return s.ListObjectVersions(s.t.Context(), &awss3.ListObjectVersionsInput{
					Bucket: s.bucket, Prefix: aws.String("folder/"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(1),
				})
			})
			return ok(http.StatusOK, "CommonPrefixes.Prefix", "folder/aSubfolder/", "Version.Key", none, "IsTruncated", "true",
				"NextKeyMarker", "folder/aSubfolder/", "NextVersionIdMarker", none)
		}},
	}
}
