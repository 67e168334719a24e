package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"unicode/utf8"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/arngate/arngate/shared/awsclient/s3client"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/problem"
)

// maxKey is the most bytes that a key, and so a prefix, has ("Naming Amazon S3 objects", Amazon S3 User Guide).
const maxKey = 1024

// keyFault says what keeps text from being a key or the beginning of one; empty if nothing does. Control characters are
// fine: S3 takes them.
func keyFault(text string) string {
	switch {
	case len(text) > maxKey:
		return fmt.Sprintf("expected at most %d bytes", maxKey)
	case !utf8.ValidString(text):
		return "expected UTF-8"
	}
	return ""
}

// bucket is a bucket that the connection includes, or a part of which it includes.
type bucket struct {
	*connection.Connection

	regions *regions
	name    string
	owner   string // account that the bucket must belong to; never empty
}

// call makes one AWS call in the bucket's own region. Where that isn't known to be another one, the connection's is tried:
// from the wrong region S3 answers which is the right one, without a permission, and the call is made once more (trap 35). It
// can't have been carried out then. So do must be ready to be called twice.
func (b *bucket) call(
	ctx context.Context, operation, action, resource string, do func(context.Context, *awss3.Client) error,
) error {
	return b.Call(ctx, operation, action, resource, func(ctx context.Context) error {
		region := b.regions.of(b.name, b.Region)
		client, err := b.client(region)
		if err != nil {
			return err
		}
		err = do(ctx, client)
		right := elsewhere(err, region)
		if right == "" {
			if err == nil {
				b.regions.confirm(b.name, region)
			}
			return err
		}
		if client, err = b.client(right); err != nil {
			return err
		}
		b.regions.remember(b.name, right)
		return do(ctx, client)
	})
}

// client returns the client for a region that the bucket may be in.
func (b *bucket) client(region string) (*awss3.Client, error) {
	client, err := s3client.For(b.Clients(), region)
	if err != nil {
		return nil, problem.Wrap(problem.ConnectionForbids, "The bucket is in a region that this deployment does not allow.", err)
	}
	return client, nil
}

// arn is the bucket's, or an object's in it. Partition is the connection's own.
func (b *bucket) arn(key string) string {
	arn := "arn:" + b.Partition() + ":s3:::" + b.name
	if key != "" {
		arn += "/" + key
	}
	return arn
}

// elsewhere returns the region that a refusal of S3's says the bucket is in, if that is not the one that was asked.
func elsewhere(err error, asked string) string {
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) || answer.Response == nil || answer.Response.Response == nil {
		return ""
	}
	switch answer.HTTPStatusCode() {
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusBadRequest, http.StatusForbidden:
	default:
		return ""
	}
	if region := answer.Response.Header.Get("X-Amz-Bucket-Region"); region != asked {
		return region
	}
	return ""
}

// maxRegions bounds what an instance remembers.
const maxRegions = 10_000

// regions remembers where buckets are. What a bucket's region is depends on nobody, as bucket names are unique in a partition,
// so all sites share it. A region that has become wrong is corrected by S3's answer. Safe for concurrent use.
type regions struct{ known *lru.Cache[string, string] }

func newRegions() *regions {
	known, err := lru.New[string, string](maxRegions)
	if err != nil {
		panic(fmt.Errorf("remember regions: %w", err)) // only of a size that isn't positive
	}
	return &regions{known}
}

func (r *regions) of(bucket, fallback string) string {
	if region, ok := r.known.Get(bucket); ok {
		return region
	}
	return fallback
}

func (r *regions) knows(bucket string) bool { return r.known.Contains(bucket) }

func (r *regions) remember(bucket, region string) { r.known.Add(bucket, region) }

// confirm remembers a region that was right.
func (r *regions) confirm(bucket, region string) { r.known.ContainsOrAdd(bucket, region) }
