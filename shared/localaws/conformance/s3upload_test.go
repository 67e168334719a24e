package conformance

import (
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// smallestPart is the least that a part may have unless it is the last.
const smallestPart = 5 << 20

func (s *s3Stage) begin(key string, set ...func(*awss3.CreateMultipartUploadInput)) *string {
	s.t.Helper()
	in := &awss3.CreateMultipartUploadInput{Bucket: s.bucket, Key: &key}
	for _, change := range set {
		change(in)
	}
	out, err := s.CreateMultipartUpload(s.t.Context(), in)
	s.must(err)
	return out.UploadId
}

func (s *s3Stage) part(key string, id *string, number int32, body string) types.CompletedPart {
	s.t.Helper()
	out := reached(s, func() (*awss3.UploadPartOutput, error) {
		return s.UploadPart(s.t.Context(), &awss3.UploadPartInput{
			Bucket: s.bucket, Key: &key, UploadId: id, PartNumber: &number, Body: strings.NewReader(body),
		})
	})
	if out == nil {
		return types.CompletedPart{PartNumber: &number}
	}
	return types.CompletedPart{ETag: out.ETag, PartNumber: &number}
}

func (s *s3Stage) complete(key string, id *string, parts []types.CompletedPart, set ...func(*awss3.CompleteMultipartUploadInput)) {
	s.t.Helper()
	in := &awss3.CompleteMultipartUploadInput{
		Bucket: s.bucket, Key: &key, UploadId: id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	}
	for _, change := range set {
		change(in)
	}
	reached(s, func() (*awss3.CompleteMultipartUploadOutput, error) {
		return s.CompleteMultipartUpload(s.t.Context(), in)
	})
}

func (s *s3Stage) parts(key string, id *string, after string, most int32) {
	s.t.Helper()
	reached(s, func() (*awss3.ListPartsOutput, error) {
		return s.ListParts(s.t.Context(), &awss3.ListPartsInput{
			Bucket: s.bucket, Key: &key, UploadId: id, PartNumberMarker: given(after), MaxParts: &most,
		})
	})
}

func (s *s3Stage) abort(key string, id *string) {
	s.t.Helper()
	reached(s, func() (*awss3.AbortMultipartUploadOutput, error) {
		return s.AbortMultipartUpload(s.t.Context(), &awss3.AbortMultipartUploadInput{Bucket: s.bucket, Key: &key, UploadId: id})
	})
}

func noSuchUpload(id *string) want {
	return fault(http.StatusNotFound, "NoSuchUpload", "The specified upload does not exist. "+
		"The upload ID may be invalid, or the upload may have been aborted or completed.", "UploadId", *id)
}

func invalidPart(etag, number string, id *string) want {
	return fault(http.StatusBadRequest, "InvalidPart", "One or more of the specified parts could not be found.  The part may not have "+
		"been uploaded, or the specified entity tag may not match the part's entity tag.", "ETag", etag, "PartNumber", number, "UploadId", *id)
}

func s3Uploads() []situation[*s3Stage] {
	fake := aws.String("fakeid")
	all := []situation[*s3Stage]{
		{name: "complete an upload of one part", do: func(s *s3Stage) want {
			id := s.begin("my-key")
			s.complete("my-key", id, []types.CompletedPart{s.part("my-key", id, 1, strings.Repeat("upload-part-1", 5))})
			return ok(http.StatusOK, "ETag", `"e747540af6911dbc890f8d3e0b48549b-1"`, "Bucket", *s.bucket, "Key", "my-key")
		}},
		{name: "an upload in steps of two", do: func(s *s3Stage) want {
			id := s.begin("my-key")
			one := s.part("my-key", id, 1, strings.Repeat("a", smallestPart))
			three := s.part("my-key", id, 3, "test content 123")
			s.complete("my-key", id, []types.CompletedPart{one, three})
			s.get("my-key", ranged("bytes=5242879-"))
			return ok(http.StatusPartialContent, "Body", "atest content 123", "@Content-Range", "bytes 5242879-5242895/5242896")
		}},
		{name: "parts out of order", do: func(s *s3Stage) want {
			id := s.begin("my-key")
			one, two := s.part("my-key", id, 1, "a"), s.part("my-key", id, 2, "b")
			s.complete("my-key", id, []types.CompletedPart{two, one})
			return fault(http.StatusBadRequest, "InvalidPartOrder",
				"The list of parts was not in ascending order. Parts must be ordered by part number.", "UploadId", *id)
		}},
		{name: "a part with a number below 1", but: "minio/part-number", do: func(s *s3Stage) want {
			id := s.begin("my-key")
			s.part("my-key", id, -1, "a")
			return invalidArgument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", "-1")
		}},
		{name: "no parts", do: func(s *s3Stage) want {
			s.complete("my-key", s.begin("my-key"), nil, func(in *awss3.CompleteMultipartUploadInput) { in.MultipartUpload = nil })
			return fault(http.StatusBadRequest, "InvalidRequest", "You must specify at least one part")
		}},
		{name: "a part too small", do: func(s *s3Stage) want {
			id := s.begin("my-key")
			s.complete("my-key", id, []types.CompletedPart{s.part("my-key", id, 1, "data"), s.part("my-key", id, 2, "data")})
			return fault(http.StatusBadRequest, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size",
				"ETag", "8d777f385d3dfec8815d20f7496026dc", "MinSizeAllowed", "5242880", "PartNumber", "1", "ProposedSize", "4")
		}},
		{name: "a part under another tag", do: func(s *s3Stage) want {
			id := s.begin("my-key")
			one := s.part("my-key", id, 1, "data")
			one.ETag = aws.String(`"d41d8cd98f00b204e9800998ecf8427e"`)
			s.complete("my-key", id, []types.CompletedPart{one})
			return invalidPart("d41d8cd98f00b204e9800998ecf8427e", "1", id)
		}},
		{name: "a part under another number", do: func(s *s3Stage) want {
			id := s.begin("my-key")
			one := s.part("my-key", id, 1, "data")
			one.PartNumber = aws.Int32(2)
			s.complete("my-key", id, []types.CompletedPart{one})
			return invalidPart("8d777f385d3dfec8815d20f7496026dc", "2", id)
		}},
		{name: "an object's size that isn't its parts'", but: "minio/object-size", do: func(s *s3Stage) want {
			id := s.begin("my-key")
			s.complete("my-key", id, []types.CompletedPart{s.part("my-key", id, 1, "test")},
				func(in *awss3.CompleteMultipartUploadInput) { in.MpuObjectSize = aws.Int64(5) })
			return fault(http.StatusBadRequest, "InvalidRequest", "The provided 'x-amz-mp-object-size' header value 5 does not match what was computed: 4")
		}},
		{name: "an upload's location is encoded", do: func(s *s3Stage) want {
			id := s.begin("test-unicode_—_file")
			s.complete("test-unicode_—_file", id, []types.CompletedPart{s.part("test-unicode_—_file", id, 1, "data")})
			location := s.recorder.last.got(want{"Location": ""})["Location"]
			if !strings.HasSuffix(location, "/test-unicode_%E2%80%94_file") && s.backend.name == localAWS {
				s.t.Errorf("got location %s, want the key encoded", location)
			}
			return ok(http.StatusOK, "Key", "test-unicode_—_file", "Location", location)
		}},
		{name: "put over an upload", do: func(s *s3Stage) want {
			id := s.begin("my-key")
			s.complete("my-key", id, []types.CompletedPart{s.part("my-key", id, 1, "data")})
			s.has("my-key", "test content 123")
			s.head("my-key")
			return ok(http.StatusOK, "@Etag", `"eee506dd7ada7ded524c77e359a0e7c6"`)
		}},
		{name: "a part of an object by its number", do: func(s *s3Stage) want {
			id := s.begin("my-key")
			s.complete("my-key", id, []types.CompletedPart{
				s.part("my-key", id, 1, strings.Repeat("a", smallestPart)), s.part("my-key", id, 2, "test content 123"),
			})
			s.get("my-key", func(in *awss3.GetObjectInput) { in.PartNumber = aws.Int32(2) })
			return ok(http.StatusPartialContent, "Body", "test content 123", "@X-Amz-Mp-Parts-Count", "2",
				"@Content-Range", "bytes 5242880-5242895/5242896")
		}},
		{name: "a part that an object hasn't", do: func(s *s3Stage) want {
			id := s.begin("my-key")
			s.complete("my-key", id, []types.CompletedPart{s.part("my-key", id, 1, "data")})
			s.get("my-key", func(in *awss3.GetObjectInput) { in.PartNumber = aws.Int32(10) })
			return fault(http.StatusRequestedRangeNotSatisfiable, "InvalidPartNumber", "The requested partnumber is not satisfiable",
				"ActualPartCount", "1", "PartNumberRequested", "10")
		}},
	}
	rows := map[string]string{"abort": "minio/abort-absent"}
	for name, do := range map[string]func(s *s3Stage, key string, id *string){
		"part":       func(s *s3Stage, key string, id *string) { s.part(key, id, 1, "data") },
		"list parts": func(s *s3Stage, key string, id *string) { s.parts(key, id, "", 1000) },
		"abort":      func(s *s3Stage, key string, id *string) { s.abort(key, id) },
		"complete": func(s *s3Stage, key string, id *string) {
			s.complete(key, id, []types.CompletedPart{{ETag: aws.String(`"x"`), PartNumber: aws.Int32(1)}})
		},
	} {
		all = append(all,
			situation[*s3Stage]{name: name + " of an upload of another key", but: rows[name], do: func(s *s3Stage) want {
				id := s.begin("my-key")
				do(s, "another", id)
				return noSuchUpload(id)
			}},
			situation[*s3Stage]{name: name + " of no upload", but: rows[name], do: func(s *s3Stage) want {
				do(s, "my-key", fake)
				return noSuchUpload(fake)
			}},
		)
	}
	return all
}

func s3UploadLists() []situation[*s3Stage] {
	pages := []struct {
		name, after string
		most        int32
		want        want
	}{
		{"a page of parts", "", 1, ok(200, "Part.PartNumber", "1", "NextPartNumberMarker", "1", "PartNumberMarker", "0", "IsTruncated", "true")},
		{"parts after the first", "1", 1, ok(200, "Part.PartNumber", "2", "NextPartNumberMarker", "2", "PartNumberMarker", "1", "IsTruncated", "false")},
		{"parts after all", "10", 1, ok(200, "Part.PartNumber", none, "NextPartNumberMarker", "0", "PartNumberMarker", "10", "IsTruncated", "false")},
		{"all parts", "", 1000, ok(200, "Part.PartNumber", "1,2", "Part.Size", "4,4", "NextPartNumberMarker", "2", "StorageClass", "STANDARD", "MaxParts", "1000")},
	}
	all := []situation[*s3Stage]{
		{name: "no parts yet", do: func(s *s3Stage) want {
			s.parts("my-key", s.begin("my-key"), "", 1000)
			return ok(http.StatusOK, "Part.PartNumber", none, "NextPartNumberMarker", "0", "IsTruncated", "false", "Key", "my-key")
		}},
		{name: "parts of what was completed", do: func(s *s3Stage) want {
			id := s.begin("my-key")
			s.complete("my-key", id, []types.CompletedPart{s.part("my-key", id, 1, "data")})
			s.parts("my-key", id, "", 1000)
			return noSuchUpload(id)
		}},
	}
	rows := map[string]string{"parts after the first": "minio/parts-marker", "all parts": "minio/parts-marker"}
	for _, p := range pages {
		all = append(all, situation[*s3Stage]{name: p.name, but: rows[p.name], do: func(s *s3Stage) want {
			id := s.begin("my-key")
			s.part("my-key", id, 1, "data")
			s.part("my-key", id, 2, "data")
			s.parts("my-key", id, p.after, p.most)
			return p.want
		}})
	}
	// uploads begins uploads and asks for those after a key and an upload.
	uploads := func(s *s3Stage, in *awss3.ListMultipartUploadsInput) {
		in.Bucket = s.bucket
		reached(s, func() (*awss3.ListMultipartUploadsOutput, error) { return s.ListMultipartUploads(s.t.Context(), in) })
	}
	return append(all,
		situation[*s3Stage]{name: "no uploads", but: "minio/uploads", do: func(s *s3Stage) want {
			uploads(s, &awss3.ListMultipartUploadsInput{})
			return ok(http.StatusOK, "Upload.Key", none, "NextKeyMarker", "", "NextUploadIdMarker", "", "IsTruncated", "false", "MaxUploads", "1000")
		}},
		situation[*s3Stage]{name: "a page of uploads", but: "minio/uploads", do: func(s *s3Stage) want {
			id := s.begin("a")
			s.begin("b")
			uploads(s, &awss3.ListMultipartUploadsInput{MaxUploads: aws.Int32(1)})
			return ok(http.StatusOK, "Upload.Key", "a", "NextKeyMarker", "a", "NextUploadIdMarker", *id, "IsTruncated", "true")
		}},
		situation[*s3Stage]{name: "uploads after a key", but: "minio/uploads", do: func(s *s3Stage) want {
			s.begin("a")
			id := s.begin("b")
			uploads(s, &awss3.ListMultipartUploadsInput{KeyMarker: aws.String("a")})
			return ok(http.StatusOK, "Upload.Key", "b", "Upload.UploadId", *id, "IsTruncated", "false", "KeyMarker", "a")
		}},
		situation[*s3Stage]{name: "uploads after the last key", but: "minio/uploads", do: func(s *s3Stage) want {
			s.begin("a")
			uploads(s, &awss3.ListMultipartUploadsInput{KeyMarker: aws.String("a")})
			return ok(http.StatusOK, "Upload.Key", none, "NextKeyMarker", "", "KeyMarker", "a")
		}},
		situation[*s3Stage]{name: "uploads after an upload of another key", but: "minio/uploads", do: func(s *s3Stage) want {
			s.begin("a")
			id := s.begin("b")
			uploads(s, &awss3.ListMultipartUploadsInput{KeyMarker: aws.String("a"), UploadIdMarker: id})
			return invalidArgument("Invalid uploadId marker", "upload-id-marker", *id)
		}},
		situation[*s3Stage]{name: "uploads in folders", but: "minio/uploads", do: func(s *s3Stage) want {
			for _, key := range []string{"test/foo/bar/123", "test/foo/bar/456", "test/bar/foo/123"} {
				s.begin(key)
			}
			uploads(s, &awss3.ListMultipartUploadsInput{Prefix: aws.String("test/"), Delimiter: aws.String("/")})
			return ok(http.StatusOK, "CommonPrefixes.Prefix", "test/bar/,test/foo/", "Upload.Key", none, "NextKeyMarker", "", "Delimiter", "/")
		}},
		situation[*s3Stage]{name: "a folder as a page of uploads", but: "minio/uploads", do: func(s *s3Stage) want {
			for _, key := range []string{"folder/aSubfolder/subFile1", "folder/file1"} {
				s.begin(key)
			}
			uploads(s, &awss3.ListMultipartUploadsInput{Prefix: aws.String("folder/"), Delimiter: aws.String("/"), MaxUploads: aws.Int32(1)})
			return ok(http.StatusOK, "CommonPrefixes.Prefix", "folder/aSubfolder/", "Upload.Key", none, "IsTruncated", "true", "NextKeyMarker", "")
		}},
	)
}

// s3UploadConditions are uploads that are completed under a condition.
func s3UploadConditions() []situation[*s3Stage] {
	const etag = `"098f6bcd4621d373cade4e832627b4f6"` // of test
	conflict := func(condition string) want {
		return fault(http.StatusConflict, "ConditionalRequestConflict",
			"The conditional request cannot succeed due to a conflicting operation against this resource.", "Condition", condition, "Key", "my-key")
	}
	match := func(value string) func(*awss3.CompleteMultipartUploadInput) {
		return func(in *awss3.CompleteMultipartUploadInput) { in.IfMatch = &value }
	}
	noneMatch := func(in *awss3.CompleteMultipartUploadInput) { in.IfNoneMatch = aws.String("*") }
	conditions := []struct {
		name   string
		before bool // the object is there before the upload begins
		during string
		set    func(*awss3.CompleteMultipartUploadInput)
		want   want
		but    string
	}{
		{"If-Match of another", true, "", match(`"x"`), precondition("If-Match"), ""},
		{"If-Match and nothing else happens", true, "", match(etag), ok(200, "Key", "my-key"), ""},
		{"If-Match and it was deleted meanwhile", true, "delete", match(etag), noSuchKey("my-key"), ""},
		{"If-Match and it was put meanwhile", true, "put", match(etag), conflict("If-Match"), "minio/upload-conflicts"},
		{"If-None-Match and it was there", true, "", noneMatch, precondition("If-None-Match"), ""},
		{"If-None-Match and it was put meanwhile", false, "put", noneMatch, precondition("If-None-Match"), ""},
		{"If-None-Match and it was deleted meanwhile", true, "delete", noneMatch, conflict("If-None-Match"), "minio/upload-conflicts"},
	}
	var all []situation[*s3Stage]
	for _, c := range conditions {
		all = append(all, situation[*s3Stage]{name: "complete " + c.name, but: c.but, do: func(s *s3Stage) want {
			if c.before {
				s.has("my-key", "test")
			}
			id := s.begin("my-key")
			part := s.part("my-key", id, 1, "data")
			switch c.during {
			case "put":
				s.has("my-key", "test")
			case "delete":
				s.lacks("my-key")
			}
			s.complete("my-key", id, []types.CompletedPart{part}, c.set)
			return c.want
		}})
	}
	return all
}
