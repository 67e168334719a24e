package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
)

// How an object is delivered. Neither: inline if it fits into an answer, else by redirect.
const (
	deliveryInline   = "inline"
	deliveryRedirect = "redirect"
)

const tooLargeInline = "Ask for a part of it with a Range header, or leave delivery=inline out to be redirected to a presigned URL."

type getObjectInput struct {
	OfObject

	Delivery          string `query:"delivery" enum:"inline,redirect" doc:"inline: the bytes, never a redirect; redirect: always one; neither: a redirect over 4 MiB"`
	Range             string `header:"Range" doc:"Only these bytes, such as bytes=0-99; one range" example:"bytes=0-99"`
	IfRange           string `header:"If-Range" doc:"Makes Range be ignored, as S3 doesn't know it: the whole object is the answer"`
	IfMatch           string `header:"If-Match" doc:"Only if the ETag is this"`
	IfNoneMatch       string `header:"If-None-Match" doc:"Only if the ETag is not this; else 304"`
	IfModifiedSince   string `header:"If-Modified-Since" doc:"Only if it changed since; else 304"`
	IfUnmodifiedSince string `header:"If-Unmodified-Since" doc:"Only if it has not changed since"`
}

// request is the GetObject that the client asks for. Dates that aren't any are no conditions (RFC 9110 section 13.1.3). A Range
// with an If-Range, which S3 doesn't know, isn't sent: without the condition it must not be honoured (section 13.1.5).
func (in *getObjectInput) request(b *bucket) *awss3.GetObjectInput {
	out := &awss3.GetObjectInput{
		Bucket: &b.name, Key: &in.Key, ExpectedBucketOwner: &b.owner, ChecksumMode: types.ChecksumModeEnabled,
		IfMatch: optional(in.IfMatch), IfNoneMatch: optional(in.IfNoneMatch),
		IfModifiedSince: httpDate(in.IfModifiedSince), IfUnmodifiedSince: httpDate(in.IfUnmodifiedSince),
	}
	if in.IfRange == "" {
		out.Range = optional(in.Range)
	}
	return out
}

// httpDate is the date of a header; nil if it has none, as most requests, or one that HTTP doesn't know.
func httpDate(text string) *time.Time {
	if text == "" {
		return nil
	}
	date, err := http.ParseTime(text)
	if err != nil {
		return nil
	}
	return &date
}

type getObjectOutput struct {
	Checksums

	Status       int
	ContentType  string `header:"Content-Type" doc:"As it was stored"`
	Disposition  string `header:"Content-Disposition" doc:"attachment for what a browser would run, such as HTML and SVG; else as it was stored"`
	Encoding     string `header:"Content-Encoding" doc:"As it was stored: the bytes are sent as they are"`
	Language     string `header:"Content-Language" doc:"As it was stored"`
	ETag         string `header:"ETag" doc:"Opaque, and not always a hash of the content"`
	LastModified string `header:"Last-Modified"`
	AcceptRanges string `header:"Accept-Ranges"`
	ContentRange string `header:"Content-Range" doc:"Which bytes of how many, with 206 and 416"`
	Location     string `header:"Location" doc:"With 307: the presigned URL"`
	Expires      string `header:"Expires" doc:"With 307: when the presigned URL ends, which is never after the credentials that signed it"`
	Version      string `header:"X-Amz-Version-Id" doc:"In a bucket that keeps versions"`
	ChecksumType string `header:"X-Amz-Checksum-Type" doc:"FULL_OBJECT, or COMPOSITE: of the checksums of an upload's parts"`
	MissingMeta  string `header:"X-Amz-Missing-Meta" doc:"How many more entries of metadata there are whose names HTTP can't carry"`
	Body         []byte
}

func (h *handler) getObject(ctx context.Context, in *getObjectInput) (*getObjectOutput, error) {
	b, err := h.openObject(ctx, in.OfObject, false)
	if err != nil {
		return nil, err
	}
	request, out, metadata := in.request(b), (*getObjectOutput)(nil), map[string]string(nil)
	// Not HeadObject first: its refusals say nothing (trap 34), and most objects fit.
	err = b.call(ctx, "GetObject", "s3:GetObject", b.arn(in.Key), func(ctx context.Context, client *awss3.Client) error {
		answer, err := client.GetObject(ctx, request)
		if out = withoutBody(err); out != nil {
			return nil
		}
		if err != nil {
			return err
		}
		defer answer.Body.Close() //nolint:errcheck // read to its end, or not wanted
		if out, err = deliver(ctx, client, in, request, answer); err == nil && out.Body != nil {
			metadata = answer.Metadata
		}
		return err
	})
	if err != nil {
		return nil, b.orAbsent(ctx, in.Key, err)
	}
	for name, value := range metadata { // as S3 has it: what isn't ASCII in the form of RFC 2047
		httpapi.SetHeader(ctx, "X-Amz-Meta-"+name, value)
	}
	return out, nil
}

// deliver answers with the bytes, or says where they are.
func deliver(
	ctx context.Context, client *awss3.Client, in *getObjectInput, request *awss3.GetObjectInput, answer *awss3.GetObjectOutput,
) (*getObjectOutput, error) {
	fits := answer.ContentLength != nil && *answer.ContentLength <= httpapi.MaxBody
	switch {
	case in.Delivery == deliveryRedirect, !fits && in.Delivery != deliveryInline:
		return redirect(ctx, client, request, answer)
	case !fits:
		return nil, problem.New(problem.PayloadTooLarge, "The object, or the part asked for, is over 4 MiB.").WithHint(tooLargeInline)
	}
	body := make([]byte, *answer.ContentLength)
	if _, err := io.ReadFull(answer.Body, body); err != nil {
		return nil, fmt.Errorf("read object: %w", err)
	}
	// Read on to the end: only there does the SDK say whether the checksum was right.
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return nil, fmt.Errorf("read end of object: %w", err)
	}
	return withBody(in.Key, answer, body), nil
}

// withBody is the answer with an object's bytes, or those of them that were asked for. Of what the object was stored with it leaves
// out Cache-Control and Expires: an answer is for who may read the object now, and nobody's cache decides that.
func withBody(key string, answer *awss3.GetObjectOutput, body []byte) *getObjectOutput {
	out := &getObjectOutput{
		Status: http.StatusOK, ContentType: mediaType(answer), Disposition: disposition(key, answer),
		Encoding: aws.ToString(answer.ContentEncoding), Language: aws.ToString(answer.ContentLanguage),
		ETag: aws.ToString(answer.ETag), LastModified: formatDate(answer.LastModified),
		AcceptRanges: aws.ToString(answer.AcceptRanges), ContentRange: aws.ToString(answer.ContentRange),
		Version: aws.ToString(answer.VersionId), ChecksumType: string(answer.ChecksumType), Body: body,
		Checksums: Checksums{
			CRC32: aws.ToString(answer.ChecksumCRC32), CRC32C: aws.ToString(answer.ChecksumCRC32C), CRC64NVME: aws.ToString(answer.ChecksumCRC64NVME),
			SHA1: aws.ToString(answer.ChecksumSHA1), SHA256: aws.ToString(answer.ChecksumSHA256),
		},
	}
	if missing := aws.ToInt32(answer.MissingMeta); missing > 0 {
		out.MissingMeta = strconv.Itoa(int(missing))
	}
	if answer.ContentRange != nil {
		out.Status = http.StatusPartialContent
	}
	return out
}

func formatDate(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(http.TimeFormat)
}

// withoutBody is the answer for a refusal of S3's that a client of HTTP asked for: the object hasn't changed, or has no
// such bytes. It is nil for any other error.
func withoutBody(err error) *getObjectOutput {
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) || answer.Response == nil || answer.Response.Response == nil {
		return nil
	}
	header := answer.Response.Header
	switch status := answer.HTTPStatusCode(); status {
	case http.StatusNotModified:
		return &getObjectOutput{Status: status, ETag: header.Get("ETag"), LastModified: header.Get("Last-Modified")}
	case http.StatusRequestedRangeNotSatisfiable:
		return &getObjectOutput{Status: status, AcceptRanges: "bytes", ContentRange: header.Get("Content-Range")}
	}
	return nil
}
