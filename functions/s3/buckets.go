package s3

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/arngate/arngate/shared/awsclient/s3client"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/cursor"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/permissions"
)

// maxCalls bounds the calls of one listing: a connection may include few of very many buckets.
const maxCalls = 20

type listBucketsInput struct {
	OfConnection
	httpapi.PageQuery
}

type listBucketsOutput struct{ Body httpapi.Page[Bucket] }

// Bucket is a bucket as the API shows it.
type Bucket struct {
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at" doc:"When the bucket was made, or its policy last changed"`
	Region    string    `json:"region,omitzero"`
}

func (h *handler) listBuckets(ctx context.Context, in *listBucketsInput) (*listBucketsOutput, error) {
	c, err := h.open(ctx, in.OfConnection)
	if err != nil {
		return nil, err
	}
	if err := c.Require("s3:ListAllMyBuckets"); err != nil {
		return nil, err
	}
	asked := *in
	asked.Cursor = ""
	bound := cursor.Bind(c.Bind(), "list-buckets", asked)
	from, err := h.position(ctx, bound, in.Cursor)
	if err != nil {
		return nil, err
	}
	out := &listBucketsOutput{}
	var next *string
	if out.Body.Items, next, err = included(ctx, c, from, in.Limit); err != nil {
		return nil, err
	}
	out.Body.NextCursor, err = h.nextCursor(ctx, bound, next)
	return out, err
}

// included lists up to limit buckets from a continuation token on that the connection includes. The next token is nil at
// the end. No call asks for more than is still wanted, so that none of what it brings is left over: S3's token leads past it.
func included(ctx context.Context, c *connection.Connection, token *string, limit int) ([]Bucket, *string, error) {
	buckets := []Bucket{}
	prefix := commonPrefix(c.Limits.Buckets)
	for range maxCalls {
		out, err := ownBuckets(ctx, c, prefix, token, limit-len(buckets))
		if err != nil {
			return nil, nil, err
		}
		for _, b := range out.Buckets {
			if name := aws.ToString(b.Name); c.Limits.AllowsBucket(name) {
				buckets = append(buckets, Bucket{
					Name: name, CreatedAt: aws.ToTime(b.CreationDate).UTC(), Region: aws.ToString(b.BucketRegion),
				})
			}
		}
		if token = next(out.ContinuationToken); token == nil || len(buckets) == limit {
			break
		}
	}
	return buckets, token, nil
}

// commonPrefix is how all names of buckets that a connection includes begin, so that S3 leaves out most others.
func commonPrefix(buckets []permissions.Bucket) string {
	if len(buckets) == 0 {
		return ""
	}
	prefix := buckets[0].Name
	for _, b := range buckets {
		if b.Name == permissions.Every {
			return ""
		}
		for !strings.HasPrefix(b.Name, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return prefix
}

// ownBuckets is one page of the buckets of the connection's account. S3 tells their regions only to who asks for pages.
func ownBuckets(
	ctx context.Context, c *connection.Connection, prefix string, token *string, most int,
) (out *awss3.ListBucketsOutput, err error) {
	err = c.Call(ctx, "ListBuckets", "s3:ListAllMyBuckets", "*", func(ctx context.Context) error {
		client, err := s3client.For(c.Clients(), c.Region)
		if err != nil {
			return err
		}
		out, err = client.ListBuckets(ctx, &awss3.ListBucketsInput{
			Prefix: optional(prefix), ContinuationToken: token, MaxBuckets: aws.Int32(int32(most)), //nolint:gosec // 1 to 1,000
		})
		return err
	})
	return out, err
}

// next is a token that leads on, or nil: an empty one doesn't.
func next(token *string) *string {
	if aws.ToString(token) == "" {
		return nil
	}
	return token
}

// position is the token inside of a cursor; nil without a cursor.
func (h *handler) position(ctx context.Context, bound []byte, cursor string) (*string, error) {
	if cursor == "" {
		return nil, nil //nolint:nilnil // no position is the beginning
	}
	token, err := h.cursors.Open(ctx, bound, cursor)
	if err != nil {
		return nil, err
	}
	return aws.String(string(token)), nil
}

// nextCursor seals a token; empty if there is none.
func (h *handler) nextCursor(ctx context.Context, bound []byte, token *string) (string, error) {
	if token == nil {
		return "", nil
	}
	return h.cursors.Seal(ctx, bound, []byte(*token))
}
