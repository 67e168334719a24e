package s3

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/arngate/arngate/shared/problem"
)

// How an upload goes to S3.
const (
	kindPost      = "post"
	kindPut       = "put"
	kindMultipart = "multipart"
)

const (
	// maxPut is how many bytes S3 takes in one piece, be it an object or a part; minPart is the least of a part that isn't the
	// last, and maxParts how many there can be ("Amazon S3 multipart upload limits", Amazon S3 User Guide).
	maxPut   = 5 << 30
	minPart  = 5 << 20
	maxParts = 10_000
	// partSize is the size of parts if nothing is said, for what isn't too large for it.
	partSize = 8 << 20
	// maxSigned is how many URLs one answer holds: each has the session's token in it, of up to some kilobytes.
	maxSigned = 500
	// maxMetadata is how many bytes names and values of an object's metadata may take together.
	maxMetadata = 2 << 10
)

type createUploadInput struct {
	OfBucket

	Body UploadBody
}

// UploadBody says what is to be uploaded, and how.
type UploadBody struct {
	Kind        string            `json:"kind,omitzero" enum:"post,put,multipart" default:"post" doc:"post: a form, which bounds size and type; put: one PUT, which can't bound the size; multipart: in parts, for what is large"`
	Key         string            `json:"key" minLength:"1" doc:"Key of the object" example:"photos/cat.jpg"`
	ContentType string            `json:"content_type,omitzero" maxLength:"255" doc:"Stored with the object. The upload can have no other; without it a post is application/octet-stream" example:"image/jpeg"`
	Metadata    map[string]string `json:"metadata,omitempty" doc:"Stored with the object as x-amz-meta-*: printable ASCII, 2 KB together"`
	MinSize     int64             `json:"min_size,omitzero" minimum:"0" maximum:"5368709120" doc:"Of a post: S3 takes no fewer bytes"`
	MaxSize     int64             `json:"max_size,omitzero" minimum:"1" maximum:"5368709120" doc:"Of a post: S3 takes no more bytes; 5 GB if it is missing"`
	Size        int64             `json:"size,omitzero" minimum:"1" maximum:"53687091200000" doc:"Of a multipart upload, and needed there: bytes in all"`
	PartSize    int64             `json:"part_size,omitzero" minimum:"5242880" maximum:"5368709120" doc:"Of a multipart upload: bytes of each part but the last; 8 MiB if it is missing, or as much as it takes to need no more than 10,000 parts"`
	Overwrite   *bool             `json:"overwrite,omitempty" default:"true" doc:"Of a put. false: S3 refuses it if there is an object of that key already. A multipart upload says so when it is completed; a post can't"`
	Life
}

type createUploadOutput struct{ Body Upload }

// Upload is what a client sends to S3.
type Upload struct {
	Kind      string            `json:"kind" enum:"post,put,multipart"`
	Key       string            `json:"key"`
	Method    string            `json:"method,omitzero" enum:"POST,PUT" doc:"Of a post or put"`
	URL       string            `json:"url,omitzero" doc:"Of a post or put"`
	Fields    map[string]string `json:"fields,omitempty" doc:"Of a post: the fields of a multipart/form-data body, before its last one, file"`
	Headers   map[string]string `json:"headers,omitempty" doc:"Of a put: what must be sent with it"`
	UploadID  string            `json:"upload_id,omitzero" doc:"Of a multipart upload"`
	PartSize  int64             `json:"part_size,omitzero" doc:"Of a multipart upload: bytes of each part but the last"`
	PartCount int               `json:"part_count,omitzero" doc:"Of a multipart upload"`
	Parts     []Part            `json:"parts,omitempty" doc:"Of a multipart upload: the first 500; POST /uploads/parts signs the others"`
	ExpiresAt time.Time         `json:"expires_at" doc:"When the URLs and forms end. An upload that has begun by then goes on"`
}

func (h *handler) createUpload(ctx context.Context, in *createUploadInput) (*createUploadOutput, error) {
	if faults := in.Body.faults(); len(faults) > 0 {
		return nil, problem.Invalid(faults...)
	}
	b, err := h.openKey(ctx, in.OfBucket, in.Body.Key)
	if err != nil {
		return nil, err
	}
	upload := Upload{Kind: in.Body.kind(), Key: in.Body.Key}
	switch upload.Kind {
	case kindPut:
		err = b.beginPut(ctx, &in.Body, &upload)
	case kindMultipart:
		err = b.beginMultipart(ctx, &in.Body, &upload)
	default:
		err = b.beginPost(ctx, &in.Body, &upload)
	}
	if err != nil {
		return nil, err
	}
	return &createUploadOutput{upload}, nil
}

// openKey opens the caller's connection for writing an object whose key is in the body.
func (h *handler) openKey(ctx context.Context, in OfBucket, key string) (*bucket, error) {
	object := OfObject{OfBucket: in, Key: key}
	return h.openObject(ctx, object, true)
}

func (u *UploadBody) kind() string {
	if u.Kind == "" {
		return kindPost
	}
	return u.Kind
}

// beginPut signs a PUT. It has the headers that must come with it, and says nothing of its length (trap 38).
func (b *bucket) beginPut(ctx context.Context, body *UploadBody, out *Upload) error {
	if err := b.locate(ctx, body.Key); err != nil {
		return err
	}
	in := &awss3.PutObjectInput{
		Bucket: &b.name, Key: &body.Key, ExpectedBucketOwner: &b.owner,
		ContentType: optional(body.ContentType), Metadata: body.Metadata,
	}
	if body.Overwrite != nil && !*body.Overwrite {
		in.IfNoneMatch = aws.String("*")
	}
	var err error
	out.ExpiresAt, err = b.sign(ctx, body.wanted(), "PutObject", "s3:PutObject", b.arn(body.Key), func(ctx context.Context, s signer) error {
		link, err := s.PresignPutObject(ctx, in)
		if err != nil {
			return err
		}
		out.Method, out.URL, out.Headers = http.MethodPut, link.URL, map[string]string{}
		for name, values := range link.SignedHeader {
			if name != "Host" {
				out.Headers[name] = strings.Join(values, ",")
			}
		}
		return nil
	})
	return err
}

// beginPost signs a form. S3 may not look at whose bucket it is meant for, so that is seen to before, each time.
func (b *bucket) beginPost(ctx context.Context, body *UploadBody, out *Upload) error {
	if err := b.visit(ctx, body.Key); err != nil {
		return err
	}
	fields := b.formFields(body)
	var err error
	out.ExpiresAt, err = b.sign(ctx, body.wanted(), "PostObject", "s3:PutObject", b.arn(body.Key), func(ctx context.Context, s signer) error {
		link, err := s.PresignPostObject(ctx, &awss3.PutObjectInput{Bucket: &b.name, Key: &body.Key}, func(o *awss3.PresignPostOptions) {
			o.Expires, o.Conditions = s.life, conditions(fields, body)
		})
		if err != nil {
			return err
		}
		maps.Copy(fields, link.Values)
		out.Method, out.URL, out.Fields = http.MethodPost, link.URL, fields
		return nil
	})
	return err
}

// beginMultipart begins the upload and signs the first of its parts.
func (b *bucket) beginMultipart(ctx context.Context, body *UploadBody, out *Upload) error {
	var answer *awss3.CreateMultipartUploadOutput
	err := b.call(ctx, "CreateMultipartUpload", "s3:PutObject", b.arn(body.Key), func(ctx context.Context, client *awss3.Client) (err error) {
		answer, err = client.CreateMultipartUpload(ctx, &awss3.CreateMultipartUploadInput{
			Bucket: &b.name, Key: &body.Key, ExpectedBucketOwner: &b.owner,
			ContentType: optional(body.ContentType), Metadata: body.Metadata,
		}, withoutChecksums, repeatedKeys)
		return err
	})
	if err != nil {
		return err
	}
	out.UploadID, out.PartSize = aws.ToString(answer.UploadId), body.partSize()
	out.PartCount = int((body.Size + out.PartSize - 1) / out.PartSize)
	numbers := make([]int, min(out.PartCount, maxSigned))
	for i := range numbers {
		numbers[i] = i + 1
	}
	out.Parts, out.ExpiresAt, err = b.signParts(ctx, body.Key, out.UploadID, numbers, body.wanted())
	for i := range out.Parts {
		out.Parts[i].Size = min(out.PartSize, body.Size-int64(i)*out.PartSize)
	}
	return err
}

// partSize is what was asked for, or whole MiB of which 10,000 are enough.
func (u *UploadBody) partSize() int64 {
	if u.PartSize != 0 {
		return u.PartSize
	}
	const mib = 1 << 20
	least := (u.Size + maxParts - 1) / maxParts
	return max(partSize, (least+mib-1)/mib*mib)
}
