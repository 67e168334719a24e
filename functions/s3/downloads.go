package s3

import (
	"context"
	"path"
	"strconv"
	"strings"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/problem"
)

type createDownloadsInput struct {
	OfConnection

	Body DownloadsBody
}

// DownloadsBody says what is to be downloaded.
type DownloadsBody struct {
	Objects []DownloadOf `json:"objects" minItems:"1" maxItems:"100"`
	Life
}

// DownloadOf is one object to download.
type DownloadOf struct {
	Bucket   string `json:"bucket" doc:"Name of the bucket, not its ARN" example:"demo-files"`
	Key      string `json:"key" minLength:"1" doc:"Key of the object" example:"reports/2026/q1.csv"`
	FileName string `json:"file_name,omitzero" maxLength:"255" doc:"What a browser saves it as; what is behind the key's last slash if it is missing" example:"orders.csv"`
}

type createDownloadsOutput struct{ Body Downloads }

// Downloads are URLs to download by.
type Downloads struct {
	Items     []Download `json:"items" doc:"One for each object, in their order"`
	ExpiresAt time.Time  `json:"expires_at" doc:"When the first of the URLs ends"`
}

// Download is a URL to download one object by.
type Download struct {
	Bucket   string `json:"bucket"`
	Key      string `json:"key"`
	FileName string `json:"file_name"`
	URL      string `json:"url" doc:"For GET, without an Authorization header. S3 answers 404 or 403 if there is no such object"`
}

func (h *handler) createDownloads(ctx context.Context, in *createDownloadsInput) (*createDownloadsOutput, error) {
	if faults := in.Body.faults(); len(faults) > 0 {
		return nil, problem.Invalid(faults...)
	}
	c, err := h.open(ctx, in.OfConnection)
	if err != nil {
		return nil, err
	}
	if err := in.Body.allowed(c); err != nil {
		return nil, err
	}
	out := Downloads{Items: make([]Download, len(in.Body.Objects))}
	for name, indexes := range in.Body.byBucket() {
		b, err := h.bucketOf(c, name)
		if err != nil {
			return nil, err
		}
		ends, err := b.download(ctx, &in.Body, indexes, out.Items)
		if err != nil {
			return nil, err
		}
		if out.ExpiresAt.IsZero() || ends.Before(out.ExpiresAt) {
			out.ExpiresAt = ends
		}
	}
	return &createDownloadsOutput{out}, nil
}

func (d *DownloadsBody) faults() []problem.Fault {
	var faults []problem.Fault
	for i, o := range d.Objects {
		at := objectPointer(i)
		faults = append(faults, bucketFaults(o.Bucket, at+"/bucket")...)
		faults = append(faults, keyFaults(o.Key, at+"/key")...)
		if strings.ContainsAny(o.FileName, `/\`) {
			faults = append(faults, problem.Fault{Pointer: at + "/file_name", Message: "expected a name without folders"})
		}
	}
	return faults
}

func objectPointer(i int) string { return "/objects/" + strconv.Itoa(i) }

func (d *DownloadsBody) allowed(c *connection.Connection) error {
	var refusal error
	var faults []problem.Fault
	for i, o := range d.Objects {
		if err := c.RequireObject(o.Bucket, o.Key, false); err != nil {
			refusal = err
			faults = append(faults, problem.Fault{Pointer: objectPointer(i), Message: outsideOfLimits})
		}
	}
	return refused(refusal, faults)
}

// byBucket are the indexes of each bucket's objects.
func (d *DownloadsBody) byBucket() map[string][]int {
	out := map[string][]int{}
	for i, o := range d.Objects {
		out[o.Bucket] = append(out[o.Bucket], i)
	}
	return out
}

// download signs the GETs of the objects with these indexes, which are the bucket's.
func (b *bucket) download(ctx context.Context, body *DownloadsBody, indexes []int, out []Download) (time.Time, error) {
	if err := b.locate(ctx, body.Objects[indexes[0]].Key); err != nil {
		return time.Time{}, err
	}
	return b.sign(ctx, body.wanted(), "GetObject", "s3:GetObject", b.arn("*"), func(ctx context.Context, s signer) error {
		for _, i := range indexes {
			object := body.Objects[i]
			name := object.FileName
			if name == "" {
				name = fileName(object.Key)
			}
			attached := attachment(name)
			link, err := s.PresignGetObject(ctx, &awss3.GetObjectInput{
				Bucket: &b.name, Key: &object.Key, ExpectedBucketOwner: &b.owner, ResponseContentDisposition: &attached,
			})
			if err != nil {
				return err
			}
			out[i] = Download{Bucket: object.Bucket, Key: object.Key, FileName: name, URL: link.URL}
		}
		return nil
	})
}

// fileName is what is behind the key's last slash, if a file can have it as a name.
func fileName(key string) string {
	switch name := path.Base(key); name {
	case "/", ".", "..":
		return "download"
	default:
		return name
	}
}
