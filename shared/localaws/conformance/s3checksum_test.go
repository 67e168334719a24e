package conformance

import (
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// s3Checksums are puts of "test data..".
func s3Checksums() []situation[*s3Stage] {
	sums := map[types.ChecksumAlgorithm]string{
		types.ChecksumAlgorithmCrc32:  "cZWHwQ==",
		types.ChecksumAlgorithmCrc32c: "Pf4upw==",
		types.ChecksumAlgorithmSha1:   "B++3uSfJMSHWToQMQ1g6lIJY5Eo=",
		types.ChecksumAlgorithmSha256: "2l26x0trnT0r2AvakoFk2MB7eKVKzYESLMxSAKAzoik=",
	}
	const body = "test data.."
	var all []situation[*s3Stage]
	for algorithm, sum := range sums {
		header := "X-Amz-Checksum-" + string(algorithm[:1]) + strings.ToLower(string(algorithm[1:]))
		put := func(s *s3Stage, sent string) {
			reached(s, func() (*awss3.PutObjectOutput, error) {
				return s.put("my-key", body, func(in *awss3.PutObjectInput) { checksum(in, algorithm, sent) })
			})
		}
		all = append(all,
			situation[*s3Stage]{name: "checksum " + string(algorithm), do: func(s *s3Stage) want {
				put(s, sum)
				return ok(http.StatusOK, "@"+header, sum, "@Etag", `"e6d9226c2a86b7232933663c13467527"`)
			}},
			situation[*s3Stage]{name: "checksum " + string(algorithm) + " by the SDK, read back", do: func(s *s3Stage) want {
				put(s, "")
				s.head("my-key", func(in *awss3.HeadObjectInput) { in.ChecksumMode = types.ChecksumModeEnabled })
				return ok(http.StatusOK, "@"+header, sum, "@X-Amz-Checksum-Type", "FULL_OBJECT")
			}},
			situation[*s3Stage]{name: "checksum " + string(algorithm) + " of something else", but: "minio/checksum-mismatch", do: func(s *s3Stage) want {
				put(s, wrong(sum))
				return fault(http.StatusBadRequest, "BadDigest", "The "+string(algorithm)+" you specified did not match the calculated checksum.")
			}},
			situation[*s3Stage]{name: "checksum " + string(algorithm) + " that is none", but: "minio/checksum-invalid", do: func(s *s3Stage) want {
				put(s, "bm8=")
				return fault(http.StatusBadRequest, "InvalidRequest", "Value for "+strings.ToLower(header)+" header is invalid.")
			}},
		)
	}
	return append(all,
		situation[*s3Stage]{name: "two checksums", but: "minio/checksum-invalid", do: func(s *s3Stage) want {
			reached(s, func() (*awss3.PutObjectOutput, error) {
				return s.put("my-key", body, func(in *awss3.PutObjectInput) {
					in.ChecksumSHA256, in.ChecksumCRC32 = aws.String(sums[types.ChecksumAlgorithmSha256]), aws.String(sums[types.ChecksumAlgorithmCrc32])
				})
			})
			return fault(http.StatusBadRequest, "InvalidRequest",
				"Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}},
		situation[*s3Stage]{name: "a whole object's checksum is not sent with a range of it", do: func(s *s3Stage) want {
			s.has("my-key", body)
			s.get("my-key", ranged("bytes=0-3"))
			return ok(http.StatusPartialContent, "@X-Amz-Checksum-Crc32", none, "Body", "test")
		}},
		situation[*s3Stage]{name: "a copy keeps the kind of checksum", but: "minio/copy-checksum", do: func(s *s3Stage) want {
			s.has("source", body, func(in *awss3.PutObjectInput) { in.ChecksumAlgorithm = types.ChecksumAlgorithmSha256 })
			s.copies("source", "target")
			return ok(http.StatusOK, "ChecksumSHA256", sums[types.ChecksumAlgorithmSha256])
		}},
		situation[*s3Stage]{name: "a copy gets the checksum that is asked for", but: "minio/copy-checksum", do: func(s *s3Stage) want {
			s.has("source", body)
			s.copies("source", "target", func(in *awss3.CopyObjectInput) { in.ChecksumAlgorithm = types.ChecksumAlgorithmCrc32c })
			return ok(http.StatusOK, "ChecksumCRC32C", sums[types.ChecksumAlgorithmCrc32c], "ChecksumCRC32", none)
		}},
	)
}

// wrong is a checksum of the same form and another value.
func wrong(sum string) string {
	if sum[0] == 'A' {
		return "B" + sum[1:]
	}
	return "A" + sum[1:]
}

func checksum(in *awss3.PutObjectInput, algorithm types.ChecksumAlgorithm, sum string) {
	in.ChecksumAlgorithm = algorithm
	if sum == "" {
		return
	}
	*map[types.ChecksumAlgorithm]**string{
		types.ChecksumAlgorithmCrc32:  &in.ChecksumCRC32,
		types.ChecksumAlgorithmCrc32c: &in.ChecksumCRC32C,
		types.ChecksumAlgorithmSha1:   &in.ChecksumSHA1,
		types.ChecksumAlgorithmSha256: &in.ChecksumSHA256,
	}[algorithm] = &sum
}

// s3UploadChecksums are uploads whose parts, or whole, have checksums.
func s3UploadChecksums() []situation[*s3Stage] {
	with := func(algorithm types.ChecksumAlgorithm, kind types.ChecksumType) func(*awss3.CreateMultipartUploadInput) {
		return func(in *awss3.CreateMultipartUploadInput) { in.ChecksumAlgorithm, in.ChecksumType = algorithm, kind }
	}
	began := func(s *s3Stage, algorithm types.ChecksumAlgorithm, kind types.ChecksumType) {
		in := &awss3.CreateMultipartUploadInput{Bucket: s.bucket, Key: aws.String("my-key")}
		with(algorithm, kind)(in)
		reached(s, func() (*awss3.CreateMultipartUploadOutput, error) { return s.CreateMultipartUpload(s.t.Context(), in) })
	}
	const composite, full = types.ChecksumTypeComposite, types.ChecksumTypeFullObject
	kinds := []struct {
		algorithm types.ChecksumAlgorithm
		kind      types.ChecksumType
		is        types.ChecksumType // empty: refused
		but       string
	}{
		{"CRC32", "", composite, ""},
		{"CRC32C", "", composite, ""},
		{"SHA1", "", composite, ""},
		{"SHA256", "", composite, ""},
		{"CRC64NVME", "", full, ""},
		{"CRC32", full, full, ""},
		{"CRC32C", full, full, ""},
		{"CRC64NVME", full, full, ""},
		{"SHA1", full, "", "minio/checksum-kinds"},
		{"SHA256", full, "", "minio/checksum-kinds"},
		{"CRC64NVME", composite, "", "minio/checksum-kinds"},
	}
	var all []situation[*s3Stage]
	for _, k := range kinds {
		name := "upload with " + strings.TrimSpace(string(k.algorithm)+" "+string(k.kind))
		all = append(all, situation[*s3Stage]{name: name, but: k.but, do: func(s *s3Stage) want {
			began(s, k.algorithm, k.kind)
			if k.is == "" {
				return fault(http.StatusBadRequest, "InvalidRequest", "The "+string(k.kind)+" checksum type cannot be used with the "+
					strings.ToLower(string(k.algorithm))+" checksum algorithm.")
			}
			return ok(http.StatusOK, "@X-Amz-Checksum-Algorithm", string(k.algorithm), "@X-Amz-Checksum-Type", string(k.is))
		}})
	}
	return append(all,
		situation[*s3Stage]{name: "upload with a composite checksum", but: "minio/checksum-kinds", do: func(s *s3Stage) want {
			id := s.begin("my-key", with("CRC32C", ""))
			part := s.summedPart(id, "test content 123")
			s.complete("my-key", id, []types.CompletedPart{part})
			return ok(http.StatusOK, "ChecksumCRC32C", "sZB91Q==-1", "ChecksumType", "COMPOSITE", "ETag", `"b972025bc34adf8d76d6d51e93c035cc-1"`)
		}},
		situation[*s3Stage]{name: "upload with a checksum of the whole", but: "minio/checksum-kinds", do: func(s *s3Stage) want {
			id := s.begin("my-key", with("CRC32C", full))
			s.complete("my-key", id, []types.CompletedPart{s.summedPart(id, "test content 123")})
			return ok(http.StatusOK, "ChecksumCRC32C", "fwuu0Q==", "ChecksumType", "FULL_OBJECT")
		}},
		situation[*s3Stage]{name: "upload without its parts' checksums", but: "minio/checksum-kinds", do: func(s *s3Stage) want {
			id := s.begin("my-key", with("SHA256", ""))
			part := s.summedPart(id, "data")
			part.ChecksumSHA256 = nil
			s.complete("my-key", id, []types.CompletedPart{part})
			return fault(http.StatusBadRequest, "InvalidRequest", "The upload was created using a sha256 checksum. "+
				"The complete request must include the checksum for each part. It was missing for part 1 in the request.")
		}},
		situation[*s3Stage]{name: "upload of another kind than it began", but: "minio/checksum-kinds", do: func(s *s3Stage) want {
			id := s.begin("my-key", with("CRC32C", full))
			s.complete("my-key", id, []types.CompletedPart{s.summedPart(id, "data")},
				func(in *awss3.CompleteMultipartUploadInput) { in.ChecksumType = composite })
			return fault(http.StatusBadRequest, "InvalidRequest", "The upload was created using the FULL_OBJECT checksum mode. "+
				"The complete request must use the same checksum mode.")
		}},
		situation[*s3Stage]{name: "upload of a kind that it had not", but: "minio/checksum-kinds", do: func(s *s3Stage) want {
			id := s.begin("my-key")
			s.complete("my-key", id, []types.CompletedPart{s.part("my-key", id, 1, "abc")},
				func(in *awss3.CompleteMultipartUploadInput) { in.ChecksumType = composite })
			return fault(http.StatusBadRequest, "InvalidRequest", "The upload was created using the null checksum mode. "+
				"The complete request must use the same checksum mode.")
		}},
		situation[*s3Stage]{name: "upload without a checksum gets one", but: "minio/checksum-kinds", do: func(s *s3Stage) want {
			id := s.begin("my-key")
			s.complete("my-key", id, []types.CompletedPart{s.part("my-key", id, 1, strings.Repeat("upload-part-1", 5))})
			return ok(http.StatusOK, "ChecksumCRC64NVME", "CTXktO4pIQs=", "ChecksumType", "FULL_OBJECT")
		}},
	)
}

// summedPart uploads part 1 of my-key with the checksum that the SDK computes for it, which it names for completion.
func (s *s3Stage) summedPart(id *string, body string) types.CompletedPart {
	s.t.Helper()
	listed, err := s.ListParts(s.t.Context(), &awss3.ListPartsInput{Bucket: s.bucket, Key: aws.String("my-key"), UploadId: id})
	s.must(err)
	out, err := s.UploadPart(s.t.Context(), &awss3.UploadPartInput{
		Bucket: s.bucket, Key: aws.String("my-key"), UploadId: id, PartNumber: aws.Int32(1), Body: strings.NewReader(body),
		ChecksumAlgorithm: listed.ChecksumAlgorithm,
	})
	s.must(err)
	return types.CompletedPart{
		PartNumber: aws.Int32(1), ETag: out.ETag, ChecksumCRC32C: out.ChecksumCRC32C, ChecksumSHA256: out.ChecksumSHA256,
	}
}
