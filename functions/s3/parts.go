package s3

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/arngate/arngate/shared/problem"
)

type signPartsInput struct {
	OfBucket

	Body PartsBody
}

// PartsBody says which parts of an upload are to be sent.
type PartsBody struct {
	Key      string `json:"key" minLength:"1" doc:"Key of the object" example:"videos/launch.mp4"`
	UploadID string `json:"upload_id" minLength:"1" maxLength:"1024" doc:"As the upload's beginning was answered with"`
	Numbers  []int  `json:"numbers" minItems:"1" maxItems:"500" doc:"Of the parts, from 1 to 10,000"`
	Life
}

type signPartsOutput struct{ Body Parts }

// Parts are URLs to send parts of an upload to.
type Parts struct {
	Items     []Part    `json:"items"`
	ExpiresAt time.Time `json:"expires_at" doc:"When the URLs end. A part that is on its way by then arrives"`
}

// Part is one part of an upload.
type Part struct {
	Number int    `json:"number"`
	URL    string `json:"url" doc:"For PUT of the part's bytes, with no headers of its own. The answer's ETag is needed to complete the upload"`
	Size   int64  `json:"size,omitzero" doc:"Bytes"`
}

func (h *handler) signParts(ctx context.Context, in *signPartsInput) (*signPartsOutput, error) {
	faults := append(keyFaults(in.Body.Key, "/key"), uploadIDFaults(in.Body.UploadID)...)
	for i, number := range in.Body.Numbers {
		if number < 1 || number > maxParts {
			faults = append(faults, problem.Fault{Pointer: "/numbers/" + strconv.Itoa(i), Message: "expected 1 to 10,000"})
		}
	}
	if len(faults) > 0 {
		return nil, problem.Invalid(faults[:min(len(faults), maxShown)]...)
	}
	b, err := h.openKey(ctx, in.OfBucket, in.Body.Key)
	if err != nil {
		return nil, err
	}
	if err := b.locate(ctx, in.Body.Key); err != nil {
		return nil, err
	}
	out := &signPartsOutput{}
	out.Body.Items, out.Body.ExpiresAt, err = b.signParts(ctx, in.Body.Key, in.Body.UploadID, in.Body.Numbers, in.Body.wanted())
	if err != nil {
		return nil, err
	}
	return out, nil
}

func uploadIDFaults(id string) []problem.Fault {
	if isPrintable(id) {
		return nil
	}
	return []problem.Fault{{Pointer: "/upload_id", Message: "expected the upload_id of a multipart upload"}}
}

// signParts signs a PUT for each of the parts.
func (b *bucket) signParts(
	ctx context.Context, key, uploadID string, numbers []int, wanted time.Duration,
) (parts []Part, ends time.Time, err error) {
	ends, err = b.sign(ctx, wanted, "UploadPart", "s3:PutObject", b.arn(key), func(ctx context.Context, s signer) error {
		parts = make([]Part, 0, len(numbers))
		for _, number := range numbers {
			link, err := s.PresignUploadPart(ctx, &awss3.UploadPartInput{
				Bucket: &b.name, Key: &key, ExpectedBucketOwner: &b.owner, UploadId: &uploadID,
				PartNumber: aws.Int32(int32(number)), //nolint:gosec // 1 to 10,000
			})
			if err != nil {
				return err
			}
			parts = append(parts, Part{Number: number, URL: link.URL})
		}
		return nil
	})
	return parts, ends, err
}

type completeUploadInput struct {
	OfBucket

	Body CompletionBody
}

// CompletionBody says which parts an upload is of.
type CompletionBody struct {
	Key       string     `json:"key" minLength:"1" doc:"Key of the object" example:"videos/launch.mp4"`
	UploadID  string     `json:"upload_id" minLength:"1" maxLength:"1024" doc:"As the upload's beginning was answered with"`
	Parts     []SentPart `json:"parts" minItems:"1" maxItems:"10000" doc:"All of them, in any order"`
	Size      int64      `json:"size,omitzero" minimum:"1" doc:"Bytes in all: S3 refuses to complete another number of them"`
	Overwrite *bool      `json:"overwrite,omitempty" default:"true" doc:"false: refused as condition_failed if there is an object of that key by now"`
}

// SentPart is a part that S3 has.
type SentPart struct {
	Number int    `json:"number" minimum:"1" maximum:"10000"`
	ETag   string `json:"etag" minLength:"1" maxLength:"256" doc:"As S3 answered when the part was sent, quotes included"`
}

type completeUploadOutput struct {
	ETag string `header:"ETag"`
	Body Completed
}

// Completed is an object that an upload has become.
type Completed struct {
	Key     string `json:"key"`
	ETag    string `json:"etag" doc:"Opaque, and not a hash of the content; quotes included, as If-Match takes it"`
	Version string `json:"version_id,omitzero" doc:"In a bucket that keeps versions"`
}

func (h *handler) completeUpload(ctx context.Context, in *completeUploadInput) (*completeUploadOutput, error) {
	if faults := in.Body.faults(); len(faults) > 0 {
		return nil, problem.Invalid(faults...)
	}
	b, err := h.openKey(ctx, in.OfBucket, in.Body.Key)
	if err != nil {
		return nil, err
	}
	request := in.Body.request(b)
	var answer *awss3.CompleteMultipartUploadOutput
	// The SDK reads a 200 to its end, where an error can be (trap 42).
	err = b.call(ctx, "CompleteMultipartUpload", "s3:PutObject", b.arn(in.Body.Key), func(ctx context.Context, client *awss3.Client) error {
		answer, err = client.CompleteMultipartUpload(ctx, request, withoutChecksums, repeatedKeys)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := Completed{Key: in.Body.Key, ETag: aws.ToString(answer.ETag), Version: aws.ToString(answer.VersionId)}
	return &completeUploadOutput{ETag: out.ETag, Body: out}, nil
}

func (c *CompletionBody) faults() []problem.Fault {
	faults := append(keyFaults(c.Key, "/key"), uploadIDFaults(c.UploadID)...)
	seen := make(map[int]bool, len(c.Parts))
	for i, part := range c.Parts {
		at := "/parts/" + strconv.Itoa(i)
		if seen[part.Number] {
			faults = append(faults, problem.Fault{Pointer: at + "/number", Message: "is there twice"})
		}
		if !isPrintable(part.ETag) {
			faults = append(faults, problem.Fault{Pointer: at + "/etag", Message: "expected an ETag"})
		}
		seen[part.Number] = true
	}
	return faults[:min(len(faults), maxShown)]
}

// request names the parts in their order: S3 takes them in no other.
func (c *CompletionBody) request(b *bucket) *awss3.CompleteMultipartUploadInput {
	parts := make([]types.CompletedPart, 0, len(c.Parts))
	for _, part := range c.Parts {
		parts = append(parts, types.CompletedPart{
			ETag: aws.String(part.ETag), PartNumber: aws.Int32(int32(part.Number)), //nolint:gosec // 1 to 10,000
		})
	}
	slices.SortFunc(parts, func(x, y types.CompletedPart) int { return cmp.Compare(*x.PartNumber, *y.PartNumber) })
	in := &awss3.CompleteMultipartUploadInput{
		Bucket: &b.name, Key: &c.Key, UploadId: &c.UploadID, ExpectedBucketOwner: &b.owner,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	}
	if c.Size != 0 {
		in.MpuObjectSize = &c.Size
	}
	if c.Overwrite != nil && !*c.Overwrite {
		in.IfNoneMatch = aws.String("*")
	}
	return in
}
