package s3

import (
	"bytes"
	"context"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
)

// folderType is the content type that says of an empty object that it is a folder, as S3's own console stores it.
const folderType = "application/x-directory"

type putObjectInput struct {
	OfObject
	Checksums

	// Content-Type is hidden because in OpenAPI the body's media type says it.
	ContentType  string `header:"Content-Type" hidden:"true"`
	Encoding     string `header:"Content-Encoding" doc:"Stored with the object; the bytes are stored as they are sent"`
	Disposition  string `header:"Content-Disposition" doc:"Stored with the object"`
	Language     string `header:"Content-Language" doc:"Stored with the object"`
	CacheControl string `header:"Cache-Control" doc:"Stored with the object"`
	Expires      string `header:"Expires" doc:"Stored with the object; a date as HTTP writes it"`
	MD5          string `header:"Content-MD5" doc:"Base64; S3 refuses what arrives altered"`
	IfMatch      string `header:"If-Match" doc:"Only if the object's ETag is this" example:"\"9bb58f26192e4ba00f01e2e7b136bbd8\""`
	IfNoneMatch  string `header:"If-None-Match" enum:"*" doc:"Only if there is no object of that key yet"`
	RawBody      []byte
}

// Checksums are the headers of a checksum of an object; one of them. S3 refuses to store what doesn't fit, and keeps it.
type Checksums struct {
	CRC32     string `header:"X-Amz-Checksum-Crc32" doc:"Base64"`
	CRC32C    string `header:"X-Amz-Checksum-Crc32c" doc:"Base64"`
	CRC64NVME string `header:"X-Amz-Checksum-Crc64nvme" doc:"Base64"`
	SHA1      string `header:"X-Amz-Checksum-Sha1" doc:"Base64"`
	SHA256    string `header:"X-Amz-Checksum-Sha256" doc:"Base64"`
}

type putObjectOutput struct {
	ETag string `header:"ETag"`
	Body Stored
}

// Stored is an object that was put.
type Stored struct {
	Key     string `json:"key"`
	Size    int    `json:"size" doc:"Bytes"`
	ETag    string `json:"etag" doc:"Opaque, and not always a hash of the content; quotes included, as If-Match takes it"`
	Version string `json:"version_id,omitzero" doc:"In a bucket that keeps versions"`
}

func (h *handler) putObject(ctx context.Context, in *putObjectInput) (*putObjectOutput, error) {
	if faults := in.faults(); len(faults) > 0 {
		return nil, problem.Invalid(faults...)
	}
	b, err := h.openObject(ctx, in.OfObject, true)
	if err != nil {
		return nil, err
	}
	request := in.request(b)
	request.Metadata = httpapi.HeadersBelow(ctx, "X-Amz-Meta-")
	var answer *awss3.PutObjectOutput
	err = b.call(ctx, "PutObject", "s3:PutObject", b.arn(in.Key), func(ctx context.Context, client *awss3.Client) error {
		request.Body = bytes.NewReader(in.RawBody)
		answer, err = client.PutObject(ctx, request)
		return err
	})
	if err != nil {
		return nil, b.orAbsent(ctx, in.Key, err)
	}
	etag := aws.ToString(answer.ETag)
	return &putObjectOutput{ETag: etag, Body: Stored{
		Key: in.Key, Size: len(in.RawBody), ETag: etag, Version: aws.ToString(answer.VersionId),
	}}, nil
}

func (in *putObjectInput) isFolder() bool { return strings.HasSuffix(in.Key, "/") }

// faults are what S3 would refuse with answers that tell less.
func (in *putObjectInput) faults() []problem.Fault {
	var faults []problem.Fault
	if in.isFolder() && len(in.RawBody) > 0 {
		faults = append(faults, problem.Fault{Message: "a key that ends in a slash makes a folder, which has no content"})
	}
	if in.IfMatch != "" && in.IfNoneMatch != "" {
		faults = append(faults, problem.Fault{Pointer: "header.If-None-Match", Message: "not together with If-Match"})
	}
	if strings.TrimSpace(in.IfMatch) == "*" {
		faults = append(faults, problem.Fault{Pointer: "header.If-Match", Message: "expected an ETag: S3 doesn't take * when it stores"})
	}
	if in.Expires != "" && httpDate(in.Expires) == nil {
		faults = append(faults, problem.Fault{Pointer: "header.Expires", Message: "expected a date such as Mon, 05 Jan 2026 09:00:00 GMT"})
	}
	sent := 0
	for _, sum := range [...]string{in.CRC32, in.CRC32C, in.CRC64NVME, in.SHA1, in.SHA256} {
		if sum != "" {
			sent++
		}
	}
	if sent > 1 {
		faults = append(faults, problem.Fault{Pointer: "header.X-Amz-Checksum-*", Message: "expected at most one of these"})
	}
	return faults
}

func (in *putObjectInput) request(b *bucket) *awss3.PutObjectInput {
	out := &awss3.PutObjectInput{
		Bucket: &b.name, Key: &in.Key, ExpectedBucketOwner: &b.owner,
		ContentType: optional(in.ContentType), ContentEncoding: optional(in.Encoding),
		ContentDisposition: optional(in.Disposition), ContentLanguage: optional(in.Language), CacheControl: optional(in.CacheControl),
		Expires: httpDate(in.Expires),
		IfMatch: optional(in.IfMatch), IfNoneMatch: optional(in.IfNoneMatch),
		ContentMD5: optional(in.MD5), ChecksumCRC32: optional(in.CRC32), ChecksumCRC32C: optional(in.CRC32C),
		ChecksumCRC64NVME: optional(in.CRC64NVME), ChecksumSHA1: optional(in.SHA1), ChecksumSHA256: optional(in.SHA256),
	}
	if in.isFolder() && in.ContentType == "" {
		out.ContentType = aws.String(folderType)
	}
	return out
}

type deleteObjectInput struct {
	OfObject

	IfMatch string `header:"If-Match" doc:"Only if the object's ETag is this; *: only if there is one" example:"\"9bb58f26192e4ba00f01e2e7b136bbd8\""`
}

type deleteObjectOutput struct{ Status int }

func (h *handler) deleteObject(ctx context.Context, in *deleteObjectInput) (*deleteObjectOutput, error) {
	b, err := h.openObject(ctx, in.OfObject, true)
	if err != nil {
		return nil, err
	}
	if err := b.deleteOne(ctx, in.Key, in.IfMatch); err != nil {
		return nil, b.orAbsent(ctx, in.Key, err)
	}
	return &deleteObjectOutput{http.StatusNoContent}, nil
}

// deleteOne deletes an object; with ifMatch only if that is its ETag.
func (b *bucket) deleteOne(ctx context.Context, key, ifMatch string) error {
	request := &awss3.DeleteObjectInput{
		Bucket: &b.name, Key: &key, ExpectedBucketOwner: &b.owner, IfMatch: optional(ifMatch),
	}
	return b.call(ctx, "DeleteObject", "s3:DeleteObject", b.arn(key), func(ctx context.Context, client *awss3.Client) error {
		_, err := client.DeleteObject(ctx, request)
		return err
	})
}
