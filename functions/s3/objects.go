package s3

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/cursor"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
)

type listObjectsInput struct {
	OfBucket
	httpapi.PageQuery

	Prefix    string `query:"prefix" doc:"Only keys that begin with this" example:"reports/"`
	Delimiter string `query:"delimiter" enum:"/" doc:"With /: what lies below the next slash is one folder; without, every key below the prefix is listed"`
}

type listObjectsOutput struct{ Body Listing }

// Listing is a page of objects and folders. A folder is the beginning of keys up to a slash.
type Listing struct {
	Items      []Object `json:"items"`
	Folders    []string `json:"folders" doc:"With delimiter=/: each ends in a slash, and is a prefix to list next"`
	NextCursor string   `json:"next_cursor,omitzero" doc:"Where to go on; absent at the end"`
}

// Object is an object as listings show it.
type Object struct {
	Key          string    `json:"key"`
	Size         int64     `json:"size" doc:"Bytes"`
	ModifiedAt   time.Time `json:"modified_at"`
	ETag         string    `json:"etag" doc:"Opaque, and not always a hash of the content; quotes included, as If-Match takes it"`
	StorageClass string    `json:"storage_class"`
}

func (h *handler) listObjects(ctx context.Context, in *listObjectsInput) (*listObjectsOutput, error) {
	if message := keyFault(in.Prefix); message != "" {
		return nil, problem.Invalid(problem.Fault{Pointer: "query.prefix", Message: message})
	}
	b, err := h.openBucket(ctx, in.OfBucket, func(c *connection.Connection) error {
		return c.RequireListing(in.Bucket, in.Prefix)
	})
	if err != nil {
		return nil, err
	}
	asked := *in
	asked.Cursor = ""
	bound := cursor.Bind(b.Bind(), "list-objects", asked)
	from, err := h.position(ctx, bound, in.Cursor)
	if err != nil {
		return nil, err
	}
	answer, err := b.list(ctx, &awss3.ListObjectsV2Input{
		Prefix: &in.Prefix, Delimiter: optional(in.Delimiter), ContinuationToken: from,
		MaxKeys: aws.Int32(int32(in.Limit)), //nolint:gosec // 1 to 1,000
	})
	if err != nil {
		return nil, err
	}
	listing, err := listed(answer)
	if err != nil {
		return nil, err
	}
	listing.NextCursor, err = h.nextCursor(ctx, bound, next(answer.NextContinuationToken))
	return &listObjectsOutput{listing}, err
}

// list is one page of the bucket's keys. XML can't carry every character that a key may have, so they come URL-encoded
// (trap 36).
func (b *bucket) list(ctx context.Context, in *awss3.ListObjectsV2Input) (out *awss3.ListObjectsV2Output, err error) {
	in.Bucket, in.ExpectedBucketOwner, in.EncodingType = &b.name, &b.owner, types.EncodingTypeUrl
	err = b.call(ctx, "ListObjectsV2", "s3:ListBucket", b.arn(""), func(ctx context.Context, client *awss3.Client) error {
		out, err = client.ListObjectsV2(ctx, in)
		return err
	})
	return out, err
}

// listed is a page as the API shows it.
func listed(page *awss3.ListObjectsV2Output) (Listing, error) {
	out := Listing{Items: make([]Object, 0, len(page.Contents)), Folders: make([]string, 0, len(page.CommonPrefixes))}
	for _, o := range page.Contents {
		key, err := decodeKey(page, o.Key)
		if err != nil {
			return Listing{}, err
		}
		out.Items = append(out.Items, Object{
			Key: key, Size: aws.ToInt64(o.Size), ModifiedAt: aws.ToTime(o.LastModified).UTC(), ETag: aws.ToString(o.ETag),
			StorageClass: string(o.StorageClass),
		})
	}
	for _, p := range page.CommonPrefixes {
		folder, err := decodeKey(page, p.Prefix)
		if err != nil {
			return Listing{}, err
		}
		out.Folders = append(out.Folders, folder)
	}
	return out, nil
}

// decodeKey undoes the encoding that the answer says it has: that of forms, where a space is a plus (trap 36).
func decodeKey(page *awss3.ListObjectsV2Output, encoded *string) (string, error) {
	if page.EncodingType != types.EncodingTypeUrl {
		return aws.ToString(encoded), nil
	}
	key, err := url.QueryUnescape(aws.ToString(encoded))
	if err != nil {
		return "", problem.Wrap(problem.AWSUnavailable, "AWS answered with a key that can't be read.", fmt.Errorf("decode key: %w", err))
	}
	return key, nil
}

// optional is a parameter that is left out where it is empty.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
