package conformance

import (
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// unimplemented is S3's answer to a header that it doesn't take here. More says why, if S3 does.
func unimplemented(header, more string) want {
	w := fault(http.StatusNotImplemented, "NotImplemented",
		"A header you provided implies functionality that is not implemented", "Header", header)
	if more != "" {
		w["additionalMessage"] = more
	}
	return w
}

func refusedValue(header string) want {
	return unimplemented(header, "We don't accept the provided value of "+header+" header for this API")
}

func twoConditions() want {
	return unimplemented("If-Match,If-None-Match", "Multiple conditional request headers present in the request")
}

func onlyIf(match, noneMatch string) func(*awss3.PutObjectInput) {
	return func(in *awss3.PutObjectInput) { in.IfMatch, in.IfNoneMatch = given(match), given(noneMatch) }
}

func given(value string) *string {
	if value == "" {
		return nil
	}
	return &value
}

// s3WriteConditions are puts of "new" over "old", if there is that, under a condition.
func s3WriteConditions() []situation[*s3Stage] {
	const etag, created = `"149603e6c03516362a8da23f624db945"`, `"22af645d1859cb5ca6da0c484f1f37ea"`
	conditions := []struct {
		name, match, noneMatch string
		old                    bool
		want                   want
		but                    string
	}{
		{"If-None-Match * when it is there", "", "*", true, precondition("If-None-Match"), ""},
		{"If-None-Match * when it isn't there", "", "*", false, ok(200, "@Etag", created), ""},
		{"If-None-Match of a tag", "", etag, true, refusedValue("If-None-Match"), "minio/write-condition-values"},
		{"If-Match of this", etag, "", true, ok(200, "@Etag", created), ""},
		{"If-Match of another", `"x"`, "", true, precondition("If-Match"), ""},
		{"If-Match when it isn't there", etag, "", false, noSuchKey("my-key"), ""},
		{"If-Match of no tag when it isn't there", "nothing", "", false, noSuchKey("my-key"), ""},
		{"If-Match *", "*", "", true, refusedValue("If-Match"), "minio/write-condition-values"},
		{"If-Match and If-None-Match", etag, "*", true, twoConditions(), "minio/write-condition-values"},
	}
	var all []situation[*s3Stage]
	for _, c := range conditions {
		all = append(all, situation[*s3Stage]{name: "put " + c.name, but: c.but, do: func(s *s3Stage) want {
			if c.old {
				s.has("my-key", "old")
			}
			reached(s, func() (*awss3.PutObjectOutput, error) { return s.put("my-key", "new", onlyIf(c.match, c.noneMatch)) })
			return c.want
		}})
	}
	return append(all,
		situation[*s3Stage]{name: "put If-Match behind a delete marker", do: func(s *s3Stage) want {
			s.versioned(types.BucketVersioningStatusEnabled)
			s.has("my-key", "old")
			s.lacks("my-key")
			reached(s, func() (*awss3.PutObjectOutput, error) { return s.put("my-key", "new", onlyIf(etag, "")) })
			return noSuchKey("my-key")
		}},
		situation[*s3Stage]{name: "put If-None-Match * behind a delete marker", do: func(s *s3Stage) want {
			s.versioned(types.BucketVersioningStatusEnabled)
			s.has("my-key", "old")
			s.lacks("my-key")
			reached(s, func() (*awss3.PutObjectOutput, error) { return s.put("my-key", "new", onlyIf("", "*")) })
			return ok(http.StatusOK, "@Etag", created)
		}},
		situation[*s3Stage]{name: "put If-None-Match * over a version", do: func(s *s3Stage) want {
			s.versioned(types.BucketVersioningStatusEnabled)
			s.has("my-key", "old")
			reached(s, func() (*awss3.PutObjectOutput, error) { return s.put("my-key", "new", onlyIf("", "*")) })
			return precondition("If-None-Match")
		}},
	)
}

func s3Deletes() []situation[*s3Stage] {
	const etag = `"a9a43d6b467d3dc6514412c3a4987415"`
	return []situation[*s3Stage]{
		{name: "delete", do: func(s *s3Stage) want {
			s.has("my-key", "test-delete")
			s.remove()
			return ok(http.StatusNoContent, "@X-Amz-Delete-Marker", none, "@X-Amz-Version-Id", none, "Body", "")
		}},
		{name: "delete what isn't there", do: func(s *s3Stage) want {
			s.remove()
			return ok(http.StatusNoContent, "@X-Amz-Delete-Marker", none, "Body", "")
		}},
		{name: "delete a version of a bucket without versions", do: func(s *s3Stage) want {
			s.remove(func(in *awss3.DeleteObjectInput) { in.VersionId = aws.String(fakeVersion) })
			return invalidArgument("Invalid version id specified", "versionId", fakeVersion)
		}},
		{name: "delete If-Match of this", do: func(s *s3Stage) want {
			s.has("my-key", "test-delete")
			s.remove(func(in *awss3.DeleteObjectInput) { in.IfMatch = aws.String(etag) })
			return ok(http.StatusNoContent)
		}},
		{name: "delete If-Match of another", but: "minio/delete-conditions", do: func(s *s3Stage) want {
			s.has("my-key", "test-delete")
			s.remove(func(in *awss3.DeleteObjectInput) { in.IfMatch = aws.String(`"x"`) })
			return precondition("If-Match")
		}},
		{name: "delete if the size matches", but: "minio/delete-conditions", do: func(s *s3Stage) want {
			s.has("my-key", "test-delete")
			s.remove(func(in *awss3.DeleteObjectInput) { in.IfMatchSize = aws.Int64(11) })
			return unimplemented("x-amz-if-match-size", "")
		}},
		{name: "delete if the time matches", but: "minio/delete-conditions", do: func(s *s3Stage) want {
			s.has("my-key", "test-delete")
			s.remove(func(in *awss3.DeleteObjectInput) { in.IfMatchLastModifiedTime = aws.Time(time.Now()) })
			return unimplemented("x-amz-if-match-last-modified-time", "")
		}},
		{name: "delete if all match", but: "minio/delete-conditions", do: func(s *s3Stage) want {
			s.has("my-key", "test-delete")
			s.remove(func(in *awss3.DeleteObjectInput) {
				in.IfMatch, in.IfMatchSize, in.IfMatchLastModifiedTime = aws.String(etag), aws.Int64(11), aws.Time(time.Now())
			})
			return unimplemented("x-amz-if-match-last-modified-time", "")
		}},
		{name: "delete many, some of them absent", do: func(s *s3Stage) want {
			s.has("b", "")
			s.deleteMany(key("a"), key("b"), key("c"))
			return ok(http.StatusOK, "Deleted.Key", "a,b,c", "Error.Key", none)
		}},
		{name: "delete many with encoded names", do: func(s *s3Stage) want {
			s.has("a%2Fb", "")
			s.has("a/%F0%9F%98%80", "")
			s.deleteMany(key("a%2Fb"), key("a/%F0%9F%98%80"))
			listed := s.list(&awss3.ListObjectsV2Input{})
			if *listed.KeyCount != 0 {
				s.t.Errorf("got %d keys left, want none", *listed.KeyCount)
			}
			return ok(http.StatusOK, "KeyCount", "0", "Contents.Key", none)
		}},
		{name: "delete many with a version that isn't there", do: func(s *s3Stage) want {
			s.has("my-key", "")
			s.deleteMany(types.ObjectIdentifier{Key: aws.String("my-key"), VersionId: aws.String(fakeVersion)})
			return ok(http.StatusOK, "Error.Code", "NoSuchVersion", "Error.Key", "my-key", "Error.VersionId", fakeVersion,
				"Error.Message", "The specified version does not exist.", "Deleted.Key", none)
		}},
		{name: "delete many in silence", do: func(s *s3Stage) want {
			s.has("b", "")
			reached(s, func() (*awss3.DeleteObjectsOutput, error) {
				return s.DeleteObjects(s.t.Context(), &awss3.DeleteObjectsInput{
					Bucket: s.bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{key("b")}, Quiet: aws.Bool(true)},
				})
			})
			return ok(http.StatusOK, "Deleted.Key", none, "Error.Key", none)
		}},
	}
}

func key(name string) types.ObjectIdentifier { return types.ObjectIdentifier{Key: &name} }

func (s *s3Stage) deleteMany(objects ...types.ObjectIdentifier) *awss3.DeleteObjectsOutput {
	s.t.Helper()
	return reached(s, func() (*awss3.DeleteObjectsOutput, error) {
		return s.DeleteObjects(s.t.Context(), &awss3.DeleteObjectsInput{Bucket: s.bucket, Delete: &types.Delete{Objects: objects}})
	})
}
